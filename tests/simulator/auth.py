# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may call: the Authorization header, as a session or as an access key's signature."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from datetime import datetime, timedelta, tzinfo

from aiohttp import web

from . import java
from .clock import Clock
from .replies import failed, refused
from .sessions import SessionStore
from .site import Site

#: How far the ``Date`` of a signed request may be from the server's time.
SKEW = timedelta(minutes=15)

_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (\S+)")


class Gatekeeper:
    """Lets a request in, or raises the Refused that a management node answers with.

    *check_timezone* is the server's ``rest.checkTimeZone``. It is off by default, and then the zone in a ``Date`` is
    ignored and its wall-clock time compared with the server's: right only if the caller wrote it in the server's zone.
    """

    def __init__(self, site: Site, sessions: SessionStore, clock: Clock, check_timezone: bool) -> None:
        self._secrets = {key: secret for account in site.accounts for key, secret in account.access_keys.items()}
        self._sessions = sessions
        self._clock = clock
        self._check_timezone = check_timezone

    def check(self, request: web.Request, path: str) -> None:
        """Check *request*, whose *path* is given as it is signed: from /v1 on, without the query."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise refused(400, "missing header 'Authorization'")
        scheme, _dummy, credentials = authorization.partition(" ")
        if scheme == "OAuth":
            self._check_session(credentials.strip())
        elif scheme == "ZStack":
            self._check_signature(credentials.strip(), request, path)
        else:
            raise refused(400, "Authorization type must be 'OAuth'")

    def _check_session(self, uuid: str) -> None:
        if uuid not in self._sessions.alive():
            raise failed(
                "ID.1001",
                f"Session[{uuid}] expired or does not exist, 会话已过期",
                globalErrorCode="ORG_ZSTACK_IDENTITY_10020",
                location="SessionManager.java:158",
                cost="0.004s",
            )

    def _check_signature(self, credentials: str, request: web.Request, path: str) -> None:
        date = request.headers.get("Date")
        if date is None:
            raise refused(400, "missing header 'Date'")
        self._check_date(date)
        key, _dummy, signature = credentials.partition(":")
        secret = self._secrets.get(key)
        if secret is None or not hmac.compare_digest(sign(secret, request.method, date, path), signature.encode()):
            raise failed("ID.1001", f"access key[{key}] or its signature is not valid")

    def _check_date(self, date: str) -> None:
        now = self._clock.now()
        sent = _read_date(date, now)
        if not self._check_timezone and sent is not None:
            sent = sent.replace(tzinfo=self._clock.zone)
        if sent is None or abs(sent - now) > SKEW:
            raise refused(403, "requestTimeTooSkewed")


def sign(secret: str, method: str, date: str, path: str) -> bytes:
    """The signature of a request with an access key's *secret*, in base64."""
    text = f"{method}\n{date}\n{path}"
    return b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha1))


def _read_date(text: str, now: datetime) -> datetime | None:
    """The time that a ``Date`` header tells, or None; a zone that cannot be read is taken for the server's."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    day, month, year, hour, minute, second, zone = match.groups()
    try:
        moment = datetime(int(year), java.MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
    except ValueError:
        return None
    return moment.replace(tzinfo=_read_zone(zone) or now.tzinfo)


def _read_zone(name: str) -> tzinfo | None:
    try:
        return java.zone(name)
    except (ValueError, LookupError):
        return None
