# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Authorization header: a session, or the signature of an AccessKey."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import timedelta
from typing import NamedTuple

from aiohttp import web

from . import java
from .clock import Clock
from .replies import refused
from .settings import Settings
from .site import Site

#: How much the ``Date`` of a signed request may differ from the server's time.
SKEW = timedelta(minutes=15)


_DATE_FORMAT = "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'"
_DATE_FORMATS = (
    "Date format error. The 'Date' header must conform to one of the supported RFC 1123 or ISO 8601 formats. "
    "Examples include: 'Thu, 5 Jun 2025 15:47:29 +0800', '2025-06-05T16:08:42+08:00', or '2025-06-05T16:08:42.123Z'."
)


class Caller(NamedTuple):
    """Who makes a request: a session or an account."""

    session: str | None = None
    account: str | None = None


class Authenticator:
    """Checks the authorization of requests, in the order of the server's RestServer.

    ``rest.checkTimeZone`` is off by default. The zone in a ``Date`` is then ignored, and its wall-clock time compared
    with the server's, so that the caller has to write it in the server's zone.
    """

    def __init__(self, site: Site, clock: Clock, settings: Settings) -> None:
        self._secrets = {key: secret for account in site.accounts for key, secret in account.access_keys.items()}
        self._accounts = {key: account.name for account in site.accounts for key in account.access_keys}
        self._clock = clock
        self._settings = settings

    def check(self, request: web.Request, path: str) -> Caller:
        """Return who makes *request*: its session, which may not exist, or the account whose AccessKey signed it.

        *path* is the signed one: decoded, from /v1 on, without the query. Raises Refused.
        """
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise refused(400, "missing header 'Authorization'")
        authorization = authorization.strip()
        if authorization.startswith("OAuth"):
            return Caller(session=authorization.removeprefix("OAuth").strip())
        if authorization.startswith("ZStack") and self._settings.has_access_keys:
            key = self._check_signature(authorization.removeprefix("ZStack").strip(), request, path)
            return Caller(account=self._accounts[key])
        raise refused(400, "Authorization type must be 'OAuth'")

    def _check_signature(self, credentials: str, request: web.Request, path: str) -> str:
        date = request.headers.get("Date")
        if date is None:
            raise refused(400, "'Date' must be incuded in request header")
        self._check_date(date)
        # Java's split() drops empty strings at the end.
        parts = credentials.rstrip(":").split(":")
        if len(parts) != 2:
            raise refused(400, "accessKey format is 'ZStack AccessKeyId:Signature'")
        key, signature = parts
        if key not in self._secrets:
            raise refused(403, f"access key id: {key} does not existed or disabled")
        if signature.encode() != sign(self._secrets[key], request.method, date, path):
            raise refused(403, "wrong accessKey signature")
        return key

    def _check_date(self, date: str) -> None:
        is_newer = self._settings.zsphere or self._settings.errors == "json"
        try:
            sent = (java.parse_any_date if is_newer else java.parse_date)(date, self._clock.version)
        except ValueError:
            raise refused(400, _DATE_FORMATS if is_newer else _DATE_FORMAT) from None
        if not self._settings.check_timezone:
            sent = sent.replace(tzinfo=self._clock.zone)
        if abs(sent - self._clock.now()) > SKEW:
            raise refused(403, "requestTimeTooSkewed")


def sign(secret: str, method: str, date: str, path: str) -> bytes:
    """Return the signature of a request with an AccessKey's *secret*, in base64."""
    text = f"{method}\n{date}\n{path}"
    return b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha1))
