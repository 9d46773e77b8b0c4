# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The management node: what each call of its REST API does."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from aiohttp import web

from . import image_store, uri
from .auth import Authenticator, Caller
from .java import Clock
from .query import Query
from .replies import failed, refused, succeeded
from .site import Settings, Site

Handler = Callable[[web.Request], Awaitable[web.Response]]

_VALIDATOR = "org.zstack.header.message.ApiMessageParamValidator"
#: The method and the path of each call, by the name of its handler, which faults use, too.
ROUTES = {
    "login": ("PUT", "/v1/accounts/login"),
    "logout": ("DELETE", "/v1/accounts/sessions/{uuid}"),
    "scan": ("GET", "/v1/database-backups/image-store"),
    "version": ("PUT", "/v1/management-nodes/actions"),
    "timezone": ("GET", "/v1/management-nodes/platform-timezone"),
    "image_stores": ("GET", "/v1/backup-storage/image-store"),
    "system_tags": ("GET", "/v1/system-tags"),
}
#: The message of each call that an account can be denied.
_API = {
    "scan": "org.zstack.storage.backup.APIGetDatabaseBackupFromImageStoreMsg",
    "image_stores": "org.zstack.storage.backup.imagestore.APIQueryImageStoreBackupStorageMsg",
    "system_tags": "org.zstack.header.tag.APIQuerySystemTagMsg",
}


class ManagementNode:
    """One management node: its site, clock and sessions, and a handler for each call it knows."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.site = site
        self.clock = Clock(settings.timezone or site.timezone, settings.clock_offset, settings.java)
        #: The open sessions: their accounts by UUID.
        self.sessions: dict[str, str] = {}
        self._settings = settings
        self._authenticator = Authenticator(site, self.clock, settings)

    def calls(self) -> dict[str, tuple[str, str, Handler]]:
        """Return the method, the path and the handler of each call, by the name that faults use."""
        return {
            name: (method, path, getattr(self, name))
            for name, (method, path) in ROUTES.items()
            if name != "timezone" or self._settings.has_timezone_call
        }

    def api_path(self, request: web.Request) -> str:
        """Return the path of *request* from /v1 on, decoded."""
        return request.path.removeprefix(self._settings.context_path)

    def open_session(self, account: str) -> str:
        """Open a session of *account*, and return its UUID."""
        if list(self.sessions.values()).count(account) >= self._settings.session_limit:
            raise failed("ID.1006", "Login sessions hit limit of max allowed concurrent login sessions")
        uuid = uuid4().hex
        self.sessions[uuid] = account
        return uuid

    async def login(self, request: web.Request) -> web.Response:
        """LogInByAccount: the body names the account and its password's SHA-512."""
        parameters = (await _json(request)).get("logInByAccount") or {}
        name, password = (_mandatory(parameters, field) for field in ("accountName", "password"))
        hashes = {each.name: hashlib.sha512(each.password.encode()).hexdigest() for each in self.site.accounts}
        if hashes.get(name) != password:
            raise failed("ID.1000", "wrong account name or password")
        now, uuid = self.clock.now(), hashlib.md5(name.encode()).hexdigest()
        inventory = {
            "uuid": self.open_session(name),
            "accountUuid": uuid,
            "userUuid": uuid,
            "expiredDate": self.clock.timestamp(now + timedelta(hours=2)),
            "createDate": self.clock.timestamp(now),
        }
        return succeeded({"inventory": inventory})

    async def logout(self, request: web.Request) -> web.Response:
        """LogOut: ends the session in the path, if there is one. It requires no Authorization."""
        self.sessions.pop(request.match_info["uuid"], None)
        return succeeded({})

    async def scan(self, request: web.Request) -> web.Response:
        """GetDatabaseBackupFromImageStore: the backups in the storage at ``url``."""
        caller = self._authenticator.check(request, self.api_path(request))
        for name in ("url", "registryPort"):
            if len(request.query.getall(name, [])) > 1:
                words = "only one value is allowed for the parameter but multiple values found"
                raise refused(400, f"Invalid query parameter[{name}], {words}")
        port = _integer(request.query.get("registryPort", "8000"))
        text = _mandatory(request.query, "url").strip()
        if not 1 <= port <= 65535:
            raise failed("SYS.1007", "field[registryPort] must be in range of [1, 65535]")
        self._authorize(caller, "scan")
        url = uri.parse(text)
        if url is None:
            example = "ssh://username:password@hostname[:sshPort]/path"
            raise failed("SYS.1006", f"illegal url[{text}], correct example is {example}")
        await asyncio.sleep(self._settings.scan_seconds)
        storage = image_store.find_storage(self.site, text, url, port)
        if self._settings.reply == "infos":
            return succeeded({"infos": image_store.infos(self.site, storage, self.clock)})
        return succeeded({"backups": image_store.backups(self.site, storage, self.clock), "success": True})

    async def timezone(self, request: web.Request) -> web.Response:
        """GetPlatformTimeZone: the zone of the timestamps. It requires a session, but does not check it."""
        self._authenticator.check(request, self.api_path(request))
        return succeeded({"timezone": self.clock.name, "offset": self.clock.utc_offset(), "success": True})

    async def image_stores(self, request: web.Request) -> web.Response:
        """QueryImageStoreBackupStorage: the image stores of the platform, without their passwords."""
        query = self._query(request, "image_stores")
        return succeeded(query.run(image_store.image_stores(self.site, self.clock), image_store.IMAGE_STORE))

    async def system_tags(self, request: web.Request) -> web.Response:
        """QuerySystemTag: the system tags of all resources."""
        query = self._query(request, "system_tags")
        return succeeded(query.run(image_store.system_tags(self.site, self.clock), image_store.SYSTEM_TAG))

    async def version(self, request: web.Request) -> web.Response:
        """GetVersion, one of several actions of its path: the version of the platform's database, without a login."""
        if "getVersion" not in await _json(request) or not self._settings.has_version_call:
            raise refused(400, f"the body doesn't contain action mapping to the URL[{self.api_path(request)}]")
        return succeeded({"version": self.site.version, "success": True})

    def _query(self, request: web.Request, call: str) -> Query:
        caller = self._authenticator.check(request, self.api_path(request))
        query = Query.read(request.query)
        self._authorize(caller, call)
        return query

    def _authorize(self, caller: Caller, call: str) -> None:
        """Raise Refused if the session of *caller* does not exist, or its account may not make *call*."""
        account = caller.account or self.sessions.get(caller.session or "")
        if account is None:
            raise failed("ID.1001", "Session expired", globalErrorCode="ORG_ZSTACK_IDENTITY_10020")
        if any(call in each.denied for each in self.site.accounts if each.name == account):
            raise failed("ID.1002", f"operation[API:{_API[call]}] is denied: no permission")


async def _json(request: web.Request) -> dict[str, Any]:
    """Return the body, which has to be an object."""
    try:
        value = json.loads(await request.text())
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    raise refused(
        500, "java.lang.IllegalStateException: Expected BEGIN_OBJECT but was STRING at line 1 column 1 path $"
    )


def _mandatory(parameters: Mapping[str, Any], name: str) -> str:
    if parameters.get(name) is None:
        raise failed("SYS.1007", f"field[{name}] of message[{_VALIDATOR}] is mandatory, can not be null")
    return str(parameters[name])


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise refused(500, f'For input string: "{text}"') from None
