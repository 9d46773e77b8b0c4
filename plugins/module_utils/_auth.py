# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication: what is added to each request, and the login and logout around a block of calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from ._calls import Call, Hint, Reply, ZStackError
from ._client import Client
from ._options import Connection, is_header_safe
from ._times import wall_clock

if TYPE_CHECKING:
    from requests import PreparedRequest

    from ._calls import Auth

_LOGIN = "LogInByAccount"
LOGIN_HINTS: Mapping[str, Hint] = dict.fromkeys(
    ("ID.1000", "SYS.1007"), Hint("account", "Check account_name and account_password.")
)
_NO_SHA_1 = Hint("no_sha_1", "Use a session or an account, or allow SHA-1 in the crypto policy.")


def session_auth(uuid: str, request: PreparedRequest) -> PreparedRequest:
    """Authenticate a request with the UUID of a session."""
    request.headers["Authorization"] = f"OAuth {uuid}"
    return request


def access_key_auth(
    key_id: str, secret: str, context_path: str, zone: tzinfo | None, request: PreparedRequest
) -> PreparedRequest:
    """Sign a request with an AccessKey.

    By default, the server ignores the time zone in ``Date`` and compares the wall-clock time with its own
    (``rest.checkTimeZone``, src), so ``zone`` is the server's time zone. None is the local time zone.
    """
    date = java_date(datetime.now(timezone.utc).astimezone(zone))
    path = urlsplit(request.url or "").path[len(context_path) :]
    signed = f"{request.method}\n{date}\n{path}"
    try:
        digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()
    except ValueError:  # in FIPS mode
        raise ZStackError("this machine does not allow SHA-1, which AccessKeys require", hint=_NO_SHA_1) from None
    request.headers["Date"] = date
    request.headers["Authorization"] = f"ZStack {key_id}:{base64.b64encode(digest).decode()}"
    return request


def java_date(moment: datetime) -> str:
    """Return a ``Date`` header in the format that the server parses (src), such as Mon, 23 Nov 2026 08:05:09 GMT+08:00.

    Unlike the standard format, it has an offset. Every release rejects ``+0800``, without the colon.
    """
    wall_clock = format_datetime(moment.replace(tzinfo=timezone.utc), usegmt=True)
    return wall_clock + moment.replace(microsecond=0).isoformat()[19:]


class Login(NamedTuple):
    auth: Auth
    server_zone: tzinfo | None = None  # derived from the response to the login
    clock: float | None = None  # Reply.clock of the login


@contextmanager
def logged_in(client: Client, connection: Connection) -> Iterator[Login]:
    """Log in if an account is set, yield the login, and log out at the end of the block."""
    method, values = connection.credentials
    if method == "session":
        yield Login(partial(session_auth, values[0]))
    elif method == "access_key":
        yield Login(partial(access_key_auth, values[0], values[1], connection.context_path, connection.zone))
    elif method == "account":
        digest = hashlib.sha512(values[1].encode()).hexdigest()
        client.redact.add(digest)
        body = {"logInByAccount": {"accountName": values[0], "password": digest}}
        # Not idempotent, because each login opens a session.
        call = Call(_LOGIN, "PUT", "/v1/accounts/login", body=body, hints=LOGIN_HINTS, idempotent=False)
        login = client.start(call)
        try:
            reply = client.result(login)
            if not (uuid := _uuid(client, reply)):
                raise client.error(_LOGIN, "the response contains no session", reply.status)
            yield Login(partial(session_auth, uuid), _server_zone(reply), reply.clock)
        finally:
            # A login that was interrupted by a signal may also have opened a session.
            outcome = client.finish(login)
            if isinstance(outcome, Reply) and (uuid := _uuid(client, outcome)):
                path = f"/v1/accounts/sessions/{quote(uuid, safe='')}"
                logout = client.finish(client.start(Call("LogOut", "DELETE", path, partial(session_auth, uuid))))
                if isinstance(logout, ZStackError):
                    client.warn(f"The session stays open until it expires. {logout}")


def _uuid(client: Client, reply: Reply) -> str | None:
    """Return the UUID of the session in the response to a login."""
    inventory: Any = reply.data.get("inventory")
    uuid = inventory.get("uuid") if isinstance(inventory, dict) else None
    if not isinstance(uuid, str) or not is_header_safe(uuid):
        return None
    client.redact.add(uuid)
    return uuid


def _server_zone(reply: Reply) -> tzinfo | None:
    """Return the server's offset, the difference between the wall-clock time in ``createDate`` and the ``Date`` header.

    Round it to 15 minutes, because the two times are not taken at the same moment, and all offsets are multiples of 15
    minutes.
    """
    created = wall_clock(reply.data["inventory"].get("createDate"))
    if created is None or reply.date is None:
        return None
    offset = timedelta(minutes=15) * round((created - reply.date.replace(tzinfo=None)) / timedelta(minutes=15))
    return timezone(offset) if abs(offset) <= timedelta(hours=18) else None
