# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The management node: what each call of its REST API does."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from . import image_store, java, uri
from .auth import Authenticator, Caller
from .clock import Clock
from .query import Query
from .replies import Refused, failed, refused, succeeded
from .scan import ScanFailed, command, details, find_storage
from .sessions import SessionStore, TooManySessions
from .settings import Settings
from .site import Account, Site

Handler = Callable[[web.Request], Awaitable[web.Response]]

_VALIDATOR = "org.zstack.header.message.ApiMessageParamValidator"
#: The message of each call that an account can be denied.
_API = {
    "scan": "org.zstack.storage.backup.APIGetDatabaseBackupFromImageStoreMsg",
    "image_stores": "org.zstack.storage.backup.imagestore.APIQueryImageStoreBackupStorageMsg",
    "system_tags": "org.zstack.header.tag.APIQuerySystemTagMsg",
}
#: How the server refuses each method that a path of actions does not have.
_MISSING_KINDS = {"GET": "No query API", "POST": "No creational API", "DELETE": "No delete API"}


class ManagementNode:
    """One management node: its site, clock and sessions, and a handler for each call it knows."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.site = site
        self.clock = Clock(settings.timezone or site.timezone, settings.clock_offset, settings.java)
        limit = site.session_limit if settings.session_limit is None else settings.session_limit
        self.sessions = SessionStore(limit, settings.session_life, self.clock.now)
        self._settings = settings
        self._authenticator = Authenticator(site, self.clock, settings)

    def calls(self) -> dict[str, tuple[str, Handler]]:
        """Return the path and the handler of each call, by the name that faults use.

        A path of a single call takes any method, which only decides where the parameters are.
        """
        calls: dict[str, tuple[str, Handler]] = {
            "login": ("/v1/accounts/login", self.log_in),
            "logout": ("/v1/accounts/sessions/{uuid}", self.log_out),
            "scan": ("/v1/database-backups/image-store", self.scan),
            "version": ("/v1/management-nodes/actions", self.act),
            "image_stores": ("/v1/backup-storage/image-store", self.query_image_stores),
            "system_tags": ("/v1/system-tags", self.query_system_tags),
        }
        if self._settings.has_timezone_call:
            calls["timezone"] = ("/v1/management-nodes/platform-timezone", self.timezone)
        return calls

    def api_path(self, request: web.Request) -> str:
        """Return the path of *request* from /v1 on, decoded."""
        return request.path.removeprefix(self._settings.context_path)

    async def log_in(self, request: web.Request) -> web.Response:
        """LogInByAccount: the body names the account and its password's SHA-512."""
        parameters = _parameters(request, await _json(request), "logInByAccount")
        name, password = (_mandatory(parameters, field) for field in ("accountName", "password"))
        account = self._account(name, password)
        try:
            session = self.sessions.open(account.name)
        except TooManySessions:
            limit = "Login sessions hit limit of max allowed concurrent login sessions"
            raise failed("ID.1006", limit) from None
        account_uuid = hashlib.md5(account.name.encode()).hexdigest()
        inventory = {
            "uuid": session.uuid,
            "accountUuid": account_uuid,
            "userUuid": account_uuid,
            "expiredDate": self.clock.timestamp(session.expires),
            "createDate": self.clock.timestamp(session.created),
        }
        return succeeded({"inventory": inventory})

    async def log_out(self, request: web.Request) -> web.Response:
        """LogOut: ends the session in the path, if there is one. It requires no Authorization."""
        await _json(request)
        self.sessions.close(request.match_info["uuid"])
        return succeeded({})

    async def scan(self, request: web.Request) -> web.Response:
        """GetDatabaseBackupFromImageStore: the backups in the storage at ``url``."""
        body = await _json(request)
        caller = self._authenticator.check(request, self.api_path(request))
        parameters = _parameters(request, body, "")
        port = _integer(parameters.get("registryPort", "8000"))
        text = _mandatory(parameters, "url").strip()
        if not 1 <= port <= 65535:
            raise failed("SYS.1007", "field[registryPort] must be in range of [1, 65535]")
        self._authorize(caller, "scan")
        url = uri.parse(text)
        if url is None:
            example = "ssh://username:password@hostname[:sshPort]/path"
            raise failed("SYS.1006", f"illegal url[{text}], correct example is {example}")
        await asyncio.sleep(self._settings.scan_seconds)
        try:
            storage = find_storage(self.site, url, port)
        except ScanFailed as failure:
            raise self._scan_failed(text, port, str(failure)) from None
        if self._settings.reply == "infos":
            return succeeded({"infos": image_store.infos(self.site, storage, self.clock)})
        backups = image_store.backups(self.site, storage, self.clock)
        if self._settings.reply == "backups-3.0":
            fields = ("name", "version", "installPath", "createdTime")
            return succeeded({"backups": [{field: backup[field] for field in fields} for backup in backups]})
        return succeeded({"backups": backups, "success": True})

    async def timezone(self, request: web.Request) -> web.Response:
        """GetPlatformTimeZone: the zone of the timestamps. It requires a session, but does not check it."""
        await _json(request)
        self._authenticator.check(request, self.api_path(request))
        return succeeded({"timezone": self.clock.name, "offset": self.clock.utc_offset(), "success": True})

    async def query_image_stores(self, request: web.Request) -> web.Response:
        """QueryImageStoreBackupStorage: the image stores of the platform, without their passwords."""
        caller = self._authenticator.check(request, self.api_path(request))
        query = Query.read(request.query)
        self._authorize(caller, "image_stores")
        rows = image_store.image_stores(self.site, self.clock)
        return succeeded(query.run(rows, image_store.IMAGE_STORE, image_store.tags(self.site)))

    async def query_system_tags(self, request: web.Request) -> web.Response:
        """QuerySystemTag: the system tags of all resources."""
        caller = self._authenticator.check(request, self.api_path(request))
        query = Query.read(request.query)
        self._authorize(caller, "system_tags")
        return succeeded(query.run(image_store.system_tags(self.site, self.clock), image_store.SYSTEM_TAG, {}))

    async def act(self, request: web.Request) -> web.Response:
        """GetVersion, one of several actions of its path: the version of the platform's database, without a login."""
        body = await _json(request)
        if request.method in _MISSING_KINDS:
            raise refused(500, f"{_MISSING_KINDS[request.method]} found for the path[{request.rel_url.raw_path}]")
        if request.method != "PUT":
            raise refused(405, f"The method[{request.method}] is not allowed for the path[{request.rel_url.raw_path}]")
        if body is None:
            raise refused(500, "")  # a NullPointerException, which has no message
        if "getVersion" not in body or not self._settings.has_version_call:
            url = self.api_path(request)
            raise refused(400, f"the body doesn't contain action mapping to the URL[{url}]")
        _parameters(request, body, "getVersion")
        return succeeded({"version": self.site.version, "success": True})

    def _scan_failed(self, url: str, port: int, stderr: str) -> Refused:
        if not self._settings.zsphere:
            return failed("SYS.1000", details(url, port, stderr))
        opaque = {"bash.cmd": command(url, port), "bash.code": 1, "bash.output": "", "bash.error": stderr}
        return failed("SYS.1000", "failed to execute shell command", opaque=opaque)

    def _account(self, name: str, password_hash: str) -> Account:
        for account in self.site.accounts:
            expected = hashlib.sha512(account.password.encode()).hexdigest()
            if (account.name, expected) == (name, password_hash):
                return account
        raise failed("ID.1000", "wrong account name or password")

    def _authorize(self, caller: Caller, call: str) -> None:
        """Raise Refused if the session of *caller* does not exist, or its account may not make *call*."""
        account = caller.account or self.sessions.use(caller.session or "")
        if account is None:
            raise failed(
                "ID.1001",
                "Session expired",
                globalErrorCode="ORG_ZSTACK_IDENTITY_10020",
                location="Session.java:205",
                cost="4ms",
            )
        if any(call in each.denied for each in self.site.accounts if each.name == account):
            raise failed("ID.1002", f"operation[API:{_API[call]}] is denied: no permission")


async def _json(request: web.Request) -> dict[str, Any] | None:
    """Return the body: an object, or None if it is empty, as that of a GET."""
    text = await request.text()
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if value is not None and not isinstance(value, dict):
        raise refused(
            500, "java.lang.IllegalStateException: Expected BEGIN_OBJECT but was STRING at line 1 column 1 path $"
        )
    return value


def _parameters(request: web.Request, body: dict[str, Any] | None, name: str) -> Mapping[str, Any]:
    """Return the parameters of a call: those in the query, or those in the body under *name*."""
    if request.method in ("GET", "DELETE"):
        for key in ("url", "registryPort"):
            if len(request.query.getall(key, [])) > 1:
                raise refused(
                    400,
                    f"Invalid query parameter[{key}], only one value is allowed for the parameter "
                    "but multiple values found",
                )
        return request.query
    value = (body or {}).get(name)
    if value is not None and not isinstance(value, dict):
        raise refused(500, f"java.lang.{type(value).__name__.title()} cannot be cast to java.util.Map")
    return value or {}


def _mandatory(parameters: Mapping[str, Any], name: str) -> str:
    if parameters.get(name) is None:
        raise failed("SYS.1007", f"field[{name}] of message[{_VALIDATOR}] is mandatory, can not be null")
    return str(parameters[name])


def _integer(text: str) -> int:
    try:
        return java.integer(text)
    except ValueError as error:
        raise refused(500, str(error)) from None
