# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""What the running platform says about itself: its version, and the time zone that it writes times in."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, NamedTuple

from ansible_collections.zstack.cloud.plugins.module_utils._auth import NoAuth
from ansible_collections.zstack.cloud.plugins.module_utils._client import Call, Client
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError, portable
from ansible_collections.zstack.cloud.plugins.module_utils._login import Login
from ansible_collections.zstack.cloud.plugins.module_utils._options import Connection
from ansible_collections.zstack.cloud.plugins.module_utils._times import offset_name, parse_zone

_PATH = "/v1/management-nodes"


class Platform(NamedTuple):
    version: str | None
    zone: tzinfo | None
    timezone: str  # the name or the offset of `zone`
    timezone_source: str  # option, server, login, or host: a guess, this machine's own


def describe_platform(client: Client, login: Login, connection: Connection) -> Platform:
    """Return version and zone. Neither of the two calls can fail a task: old servers know only one or none."""
    return Platform(_version(client), *_timezone(client, login, connection))


def _version(client: Client) -> str | None:
    data = _ask(client, Call("GetVersion", "PUT", f"{_PATH}/actions", NoAuth(), body={"getVersion": {}}))
    if data is None:
        return None
    version = portable(data.get("version"))
    if isinstance(version, str) and version:
        return version
    client.warn("GetVersion: the response holds no version, so no backup is known to be restorable.")
    return None


def _timezone(client: Client, login: Login, connection: Connection) -> tuple[tzinfo | None, str, str]:
    if connection.timezone is not None:
        return connection.zone, connection.timezone, "option"
    data = _ask(client, Call("GetPlatformTimeZone", "GET", f"{_PATH}/platform-timezone", login.auth))
    names = [] if data is None else [data.get("timezone"), data.get("offset")]
    for name in names:
        if isinstance(name, str) and (zone := parse_zone(name)):
            return zone, name, "server"
    if data is not None:
        client.warn("GetPlatformTimeZone: the response holds no time zone that this machine knows.")
    if login.server_zone:
        return login.server_zone, offset_name(login.server_zone), "login"
    local = offset_name(None)
    client.warn(f"The server's time zone is unknown: its times are read in this machine's, {local}. Set timezone.")
    return None, local, "host"


def _ask(client: Client, call: Call) -> dict[str, Any] | None:
    """Return the reply's data; None if the call failed, with a warning unless the release does not have the call."""
    try:
        return client.call(call).data
    except ZStackError as exc:
        if not exc.unknown_call:
            client.warn(str(exc))
        return None
