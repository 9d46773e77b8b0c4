# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The three ways in: a session that exists, an account's login and logout, an AccessKey's signature.

Each request is given one of these objects, also where nothing is to be signed: without ``auth=``, requests would send
what ~/.netrc has for the host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import Unwinding, in_background
from ansible_collections.zstack.cloud.plugins.module_utils._options import Options, sendable
from ansible_collections.zstack.cloud.plugins.module_utils._times import read_time

if TYPE_CHECKING:
    from ansible_collections.zstack.cloud.plugins.module_utils._client import Client, Reply

try:
    from requests import PreparedRequest
    from requests.auth import AuthBase

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    AuthBase = object  # type: ignore[assignment,misc]
    REQUESTS_IMPORT_ERROR = traceback.format_exc()


class NoAuth(AuthBase):
    """For the calls that ZStack answers without a login."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class SessionAuth(AuthBase):
    """A session, by its UUID. ``server_zone`` is the zone that its login reply gave away, if it did."""

    def __init__(self, uuid: str, server_zone: tzinfo | None = None) -> None:
        self.uuid = uuid
        self.server_zone = server_zone

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"OAuth {self.uuid}"
        return request


class AccessKeyAuth(AuthBase):
    """Signs each request with an AccessKey.

    The server compares the wall clock of the ``Date`` header with its own and does not look at the zone named there
    (``rest.checkTimeZone`` is false by default), so the time is written in the server's zone; None is this machine's.
    """

    server_zone = None

    def __init__(self, key_id: str, secret: str, context_path: str, zone: tzinfo | None) -> None:
        self.key_id = key_id
        self.secret = secret
        self.context_path = context_path
        self.zone = zone

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        date = format_datetime(datetime.now(timezone.utc).astimezone(self.zone))
        path = urlsplit(request.url or "").path[len(self.context_path) :]
        signed = f"{request.method}\n{date}\n{path}"
        digest = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha1).digest()
        request.headers["Date"] = date
        request.headers["Authorization"] = f"ZStack {self.key_id}:{base64.b64encode(digest).decode()}"
        return request


@contextmanager
def authenticated(
    client: Client, options: Options, warn: Callable[[str], None]
) -> Iterator[SessionAuth | AccessKeyAuth]:
    """What authenticates requests for as long as the block runs. A login is logged out however the block ends."""
    way, values = options.credentials
    if way == "session":
        yield SessionAuth(values[0])
    elif way == "access_key":
        yield AccessKeyAuth(values[0], values[1], options.context_path, options.zone)
    else:
        with Unwinding() as unwinding:
            login = in_background(lambda: _login(client, values[0], values[1]))
            try:
                yield login.result()
            finally:
                # A login that a signal came into may open a session yet.
                if unwinding.finish(login) and not login.exception():
                    logout = in_background(lambda: _logout(client, login.result()))
                    if unwinding.finish(logout) and (failure := logout.exception()):
                        warn(f"The session stays open until it expires. {failure}")


def _login(client: Client, name: str, password: str) -> SessionAuth:
    digest = hashlib.sha512(password.encode()).hexdigest()
    client.redact.add(digest)
    call, body = "LogInByAccount", {"logInByAccount": {"accountName": name, "password": digest}}
    reply = client.call(call, "PUT", "/v1/accounts/login", auth=NoAuth(), body=body)
    inventory: Any = reply.data.get("inventory")
    uuid = inventory.get("uuid") if isinstance(inventory, dict) else None
    if not isinstance(uuid, str) or not sendable(uuid):
        raise ZStackError("the reply holds no session", call=call, status=reply.status)
    client.redact.add(uuid)
    return SessionAuth(uuid, _server_zone(reply, inventory.get("createDate")))


def _logout(client: Client, session: SessionAuth) -> None:
    client.call("LogOut", "DELETE", f"/v1/accounts/sessions/{quote(session.uuid, safe='')}", auth=session)


def _server_zone(reply: Reply, create_date: Any) -> tzinfo | None:
    """The server's offset: its wall clock in ``createDate`` less the same instant in the ``Date`` header.

    Rounded to 15 minutes, as no zone has a finer offset and the two are not taken at the same moment.
    """
    wall_clock = read_time(create_date, timezone.utc)
    if wall_clock is None or reply.date is None:
        return None
    offset = timedelta(minutes=15) * round((wall_clock - reply.date) / timedelta(minutes=15))
    return timezone(offset) if abs(offset) <= timedelta(hours=18) else None
