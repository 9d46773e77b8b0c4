# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Authorization header: a session, or the signature of an AccessKey."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import timedelta
from typing import NamedTuple

from aiohttp import web

from .java import Clock
from .replies import refused
from .site import Settings, Site

#: How much the ``Date`` of a signed request may differ from the server's time.
_SKEW = timedelta(minutes=15)


class Caller(NamedTuple):
    """Who makes a request: a session, which may not exist, or an account."""

    session: str | None = None
    account: str | None = None


class Authenticator:
    """Checks the authorization of requests, in the order of the server's RestServer.

    ``rest.checkTimeZone`` is off by default. The zone in a ``Date`` is then ignored, and its wall-clock time compared
    with the server's, so that the caller has to write it in the server's zone.
    """

    def __init__(self, site: Site, clock: Clock, settings: Settings) -> None:
        self._keys = {key: (each.name, secret) for each in site.accounts for key, secret in each.access_keys.items()}
        self._clock = clock
        self._settings = settings

    def check(self, request: web.Request, path: str) -> Caller:
        """Return who makes *request*: its session, or the account whose AccessKey signed it.

        *path* is the signed one: decoded, from /v1 on, without the query. Raises Refused.
        """
        authorization = request.headers.get("Authorization", "").strip()
        if "Authorization" not in request.headers:
            raise refused(400, "missing header 'Authorization'")
        if authorization.startswith("OAuth"):
            return Caller(session=authorization.removeprefix("OAuth").strip())
        if authorization.startswith("ZStack") and self._settings.has_access_keys:
            return Caller(account=self._signer(authorization.removeprefix("ZStack").strip(), request, path))
        raise refused(400, "Authorization type must be 'OAuth'")

    def _signer(self, credentials: str, request: web.Request, path: str) -> str:
        date = request.headers.get("Date")
        if date is None:
            raise refused(400, "'Date' must be incuded in request header")
        self._check_date(date)
        # Java's split() drops empty strings at the end.
        key, *signature = credentials.rstrip(":").split(":")
        if len(signature) != 1:
            raise refused(400, "accessKey format is 'ZStack AccessKeyId:Signature'")
        if key not in self._keys:
            raise refused(403, f"access key id: {key} does not existed or disabled")
        account, secret = self._keys[key]
        digest = hmac.digest(secret.encode(), f"{request.method}\n{date}\n{path}".encode(), hashlib.sha1)
        if signature[0].encode() != b64encode(digest):
            raise refused(403, "wrong accessKey signature")
        return account

    def _check_date(self, date: str) -> None:
        try:
            sent = self._clock.read(date)
        except ValueError:
            raise refused(400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'") from None
        if not self._settings.check_timezone:
            sent = sent.replace(tzinfo=self._clock.zone)
        if abs(sent - self._clock.now()) > _SKEW:
            raise refused(403, "requestTimeTooSkewed")
