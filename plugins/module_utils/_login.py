# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Authentication for a block of calls. A session that was opened is logged out at the end of the block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.zstack.cloud.plugins.module_utils._auth import AccessKeyAuth, NoAuth, SessionAuth
from ansible_collections.zstack.cloud.plugins.module_utils._client import Call, Client, Reply
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._options import Connection, is_header_safe
from ansible_collections.zstack.cloud.plugins.module_utils._times import read_time

_LOGIN = "LogInByAccount"
LOGIN_HINTS: Mapping[str, str] = {
    "ID.1000": "Check account_name and account_password.",
    "SYS.1007": "Check account_name and account_password.",
}


class Login(NamedTuple):
    auth: SessionAuth | AccessKeyAuth
    server_zone: tzinfo | None  # derived from the response to the login


@contextmanager
def logged_in(client: Client, connection: Connection) -> Iterator[Login]:
    """Log in if an account is set, yield the login, and log out at the end of the block."""
    method, values = connection.credentials
    if method == "session":
        yield Login(SessionAuth(values[0]), None)
    elif method == "access_key":
        yield Login(AccessKeyAuth(values[0], values[1], connection.context_path, connection.zone), None)
    else:
        digest = hashlib.sha512(values[1].encode()).hexdigest()
        client.redact.add(digest)
        body = {"logInByAccount": {"accountName": values[0], "password": digest}}
        login = client.start(Call(_LOGIN, "PUT", "/v1/accounts/login", NoAuth(), body=body, hint=_hint))
        try:
            yield _session(client, client.result(login))
        finally:
            # A login that was interrupted by a signal may also have opened a session.
            reply = client.finish(login)
            if isinstance(reply, Reply) and (uuid := _uuid(reply)):
                _log_out(client, uuid)


def _hint(error: Mapping[str, Any]) -> str | None:
    return LOGIN_HINTS.get(error["code"] or "")


def _session(client: Client, reply: Reply) -> Login:
    uuid = _uuid(reply)
    if uuid is None:
        raise client.failure(_LOGIN, "the response contains no session", reply.status)
    client.redact.add(uuid)
    return Login(SessionAuth(uuid), _server_zone(reply))


def _uuid(reply: Reply) -> str | None:
    inventory: Any = reply.data.get("inventory")
    uuid = inventory.get("uuid") if isinstance(inventory, dict) else None
    return uuid if isinstance(uuid, str) and is_header_safe(uuid) else None


def _log_out(client: Client, uuid: str) -> None:
    client.redact.add(uuid)
    path = f"/v1/accounts/sessions/{quote(uuid, safe='')}"
    outcome = client.finish(client.start(Call("LogOut", "DELETE", path, SessionAuth(uuid))))
    if isinstance(outcome, ZStackError):
        client.warn(f"The session stays open until it expires. {outcome}")


def _server_zone(reply: Reply) -> tzinfo | None:
    """Return the server's offset, the difference between the wall-clock time in ``createDate`` and the ``Date`` header.

    Round it to 15 minutes, because the two times are not taken at the same moment, and all offsets are multiples of 15
    minutes.
    """
    wall_clock = read_time(reply.data["inventory"].get("createDate"), timezone.utc)
    if wall_clock is None or reply.date is None:
        return None
    offset = timedelta(minutes=15) * round((wall_clock - reply.date) / timedelta(minutes=15))
    return timezone(offset) if abs(offset) <= timedelta(hours=18) else None
