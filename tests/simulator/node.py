# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The management node: what each call of its REST API does."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from . import image_store
from .auth import Gatekeeper
from .clock import Clock
from .replies import Refused, failed, refused, succeeded
from .sessions import SessionStore, TooManySessions
from .settings import Settings
from .site import Account, Site, Storage

Handler = Callable[[web.Request], Awaitable[web.Response]]

_SCAN = "APIGetDatabaseBackupFromImageStoreMsg"
_STORAGE_URL = re.compile(
    r"ssh://(?P<username>[^:@/]+):(?P<password>[^@/]+)@(?P<host>[^:@/]+)(:(?P<port>\d+))?(?P<path>/.*)"
)


class ManagementNode:
    """One management node: its site, clock and sessions, and a handler for each call it knows."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.site = site
        self.clock = Clock(settings.timezone or site.timezone, settings.clock_offset, settings.java)
        limit = site.session_limit if settings.session_limit is None else settings.session_limit
        self.sessions = SessionStore(limit, settings.session_life, self.clock.now)
        self._settings = settings
        self._gatekeeper = Gatekeeper(site, self.sessions, self.clock, settings.check_timezone)

    def calls(self) -> dict[str, tuple[str, str, Handler]]:
        """Method, path and handler of each call, by the short name that faults know it by."""
        calls: dict[str, tuple[str, str, Handler]] = {
            "login": ("PUT", "/v1/accounts/login", self.log_in),
            "logout": ("DELETE", "/v1/accounts/sessions/{uuid}", self.log_out),
            "scan": ("GET", "/v1/database-backups/image-store", self.scan),
        }
        if self._settings.has_timezone_call:
            calls["timezone"] = ("GET", "/v1/management-nodes/platform-timezone", self.timezone)
        if self._settings.has_version_call:
            calls["version"] = ("PUT", "/v1/management-nodes/actions", self.version)
        return calls

    async def log_in(self, request: web.Request) -> web.Response:
        """LogInByAccount: the body names the account and its password's SHA-512."""
        body = await _body(request, "logInByAccount")
        account = self._account(body.get("accountName"), body.get("password"))
        try:
            session = self.sessions.open(account.name)
        except TooManySessions:
            limit = f"login sessions hit limit of max allowed concurrent login sessions of account[{account.name}]"
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
        """LogOut: the session in the path ends, and no Authorization is asked for."""
        self.sessions.close(request.match_info["uuid"])
        return succeeded({})

    async def scan(self, request: web.Request) -> web.Response:
        """GetDatabaseBackupFromImageStore: the backups in the storage at ``url``."""
        self._gatekeeper.check(request, self._api_path(request))
        port = _registry_port(request.query.get("registryPort"))
        url = request.query.get("url")
        if not url:
            raise failed("SYS.1007", f"field[url] of message[{_SCAN}] is mandatory, can not be null")
        storage = self._storage(url, port)
        if self._settings.reply == "infos":
            return succeeded({"infos": image_store.infos(self.site, storage, self.clock)})
        return succeeded({"backups": image_store.backups(self.site, storage, self.clock)})

    async def timezone(self, request: web.Request) -> web.Response:
        """GetPlatformTimeZone: the zone that timestamps are written in."""
        self._gatekeeper.check(request, self._api_path(request))
        return succeeded({"timezone": self.clock.name, "offset": self.clock.utc_offset()})

    async def version(self, request: web.Request) -> web.Response:
        """GetVersion: the version of the platform's database; nobody has to be logged in."""
        await _body(request, "getVersion")
        return succeeded({"version": self.site.version})

    def _api_path(self, request: web.Request) -> str:
        return request.rel_url.raw_path.removeprefix(self._settings.context_path)

    def _account(self, name: Any, password_hash: Any) -> Account:
        for account in self.site.accounts:
            expected = hashlib.sha512(account.password.encode()).hexdigest()
            if (account.name, expected) == (name, password_hash):
                return account
        raise failed("ID.1000", "wrong account or password, 账户名或密码错误")

    def _storage(self, url: str, registry_port: int) -> Storage:
        """The storage that a scan reaches; the refusals quote the URL, password and all, as the server's do."""
        match = _STORAGE_URL.fullmatch(url)
        if match is None:
            example = "ssh://username:password@hostname[:sshPort]/path"
            raise failed("SYS.1007", f"illegal url[{url}], correct example is {example}")
        password, port = unquote(match["password"]), int(match["port"] or 22)
        address = (match["host"], port)
        storage = next((each for each in self.site.storages if (each.host, each.ssh_port) == address), None)
        if storage is None:
            stderr = f"ssh: connect to host {match['host']} port {port}: No route to host"
        elif (storage.username, storage.password) != (match["username"], password):
            stderr = f"{match['username']}@{match['host']}: Permission denied (publickey,password)."
        elif storage.path != match["path"]:
            stderr = f"certificate of the image store not found in {match['path']}"
        elif storage.registry_port != registry_port:
            stderr = f"curl: (7) Failed to connect to {match['host']} port {registry_port}: Connection refused"
        else:
            return storage
        decoded = url[: match.start("password")] + password + url[match.end("password") :]
        raise _scan_failed(decoded, registry_port, stderr)


def _scan_failed(url: str, port: int, stderr: str) -> Refused:
    command = f"zstack-ctl scan_database_backup --json --backup-storage-url {url} -p {port}"
    return failed(
        "SYS.1006",
        f"扫描镜像服务器失败: failed to execute shell command: {command}, return code: 1, stdout: , stderr: {stderr}",
    )


def _registry_port(text: str | None) -> int:
    """The port asked for, or the server's default; one that is no number at all never reaches the API."""
    try:
        port = int(text or 8000)
    except ValueError:
        raise refused(400, f"invalid value '{text}' for the parameter 'registryPort', expected an integer") from None
    if not 1 <= port <= 65535:
        raise failed("SYS.1007", f"field[registryPort] of message[{_SCAN}] is not in range [1, 65535]: {port}")
    return port


async def _body(request: web.Request, action: str) -> dict[str, Any]:
    """The parameters of *action*, which is the one key that the JSON body has to have."""
    try:
        parameters = json.loads(await request.read())[action]
    except (ValueError, LookupError, TypeError):
        parameters = None
    if not isinstance(parameters, dict):
        raise refused(400, f"the body does not contain action information: '{action}'")
    return parameters
