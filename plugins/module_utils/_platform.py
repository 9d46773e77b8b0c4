# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The version and the time zone of the running platform."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, NamedTuple

from ._auth import Login, NoAuth
from ._calls import Call, ZStackError
from ._client import Client, Pending
from ._json import json_safe
from ._options import Connection
from ._times import offset_name, parse_zone

_PATH = "/v1/management-nodes"


class Platform(NamedTuple):
    version: str | None
    zone: tzinfo | None
    timezone: str  # name or offset of `zone`
    timezone_source: str  # option, server, login, or host, which is a guess


class PlatformCalls:
    """The calls for the version and the time zone, which run in the background from the start.

    Neither can fail a task, because older servers support only one of them or none.
    """

    def __init__(self, client: Client, login: Login, connection: Connection) -> None:
        self._client = client
        self._login = login
        self._connection = connection
        self._version = client.start(Call("GetVersion", "PUT", f"{_PATH}/actions", NoAuth(), body={"getVersion": {}}))
        self._timezone = None
        if connection.timezone is None:
            call = Call("GetPlatformTimeZone", "GET", f"{_PATH}/platform-timezone", login.auth)
            self._timezone = client.start(call)

    def result(self) -> Platform:
        return Platform(self._read_version(), *self._read_timezone())

    def _read_version(self) -> str | None:
        data = self._data(self._version)
        if data is None:
            return None
        version = json_safe(data.get("version"))
        if isinstance(version, str) and version:
            return version
        self._client.warn("GetVersion: the response contains no version, so no backup is known to be restorable.")
        return None

    def _read_timezone(self) -> tuple[tzinfo | None, str, str]:
        if self._timezone is None:
            return self._connection.zone, self._connection.timezone or "", "option"
        data = self._data(self._timezone)
        names = [] if data is None else [data.get("timezone"), data.get("offset")]
        for name in names:
            if isinstance(name, str) and (zone := parse_zone(name)):
                return zone, name, "server"
        if data is not None:
            self._client.warn("GetPlatformTimeZone: the response contains no time zone that this machine knows.")
        if zone := self._login.server_zone:
            return zone, offset_name(zone), "login"
        local = offset_name(None)
        self._client.warn(
            f"The server's time zone is unknown: its times are read in this machine's time zone, {local}. Set timezone."
        )
        return None, local, "host"

    def _data(self, pending: Pending) -> dict[str, Any] | None:
        """Return the data of a reply, or None if the call failed. Warn unless the release does not support the call."""
        try:
            return self._client.result(pending).data
        except ZStackError as exc:
            if not exc.unknown_call:
                self._client.warn(str(exc))
            return None
