# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Classes that authenticate a request.

Every request uses one of them, even if no authentication is needed. Without ``auth=``, requests would send the
credentials for the host in ~/.netrc.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import traceback
from datetime import datetime, timezone, tzinfo
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from requests import PreparedRequest

try:
    from requests.auth import AuthBase

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    AuthBase = object  # type: ignore[assignment,misc]
    REQUESTS_IMPORT_ERROR = traceback.format_exc()


class NoAuth(AuthBase):
    """No authentication, for calls that require no login."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class SessionAuth(AuthBase):
    """Authenticate with the UUID of a session."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"OAuth {self.uuid}"
        return request


class AccessKeyAuth(AuthBase):
    """Sign each request with an AccessKey.

    By default, the server ignores the time zone in ``Date`` and compares the wall-clock time with its own
    (``rest.checkTimeZone``, src), so ``zone`` is the server's time zone. None is the local time zone.
    """

    def __init__(self, key_id: str, secret: str, context_path: str, zone: tzinfo | None) -> None:
        self.key_id = key_id
        self.secret = secret
        self.context_path = context_path
        self.zone = zone

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        date = java_date(datetime.now(timezone.utc).astimezone(self.zone))
        path = urlsplit(request.url or "").path[len(self.context_path) :]
        signed = f"{request.method}\n{date}\n{path}"
        digest = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha1).digest()
        request.headers["Date"] = date
        request.headers["Authorization"] = f"ZStack {self.key_id}:{base64.b64encode(digest).decode()}"
        return request


def java_date(moment: datetime) -> str:
    """Return a ``Date`` header in the format that the server parses (src), such as Mon, 23 Nov 2026 08:05:09 GMT+08:00.

    Unlike the standard format, it has an offset. Every release rejects ``+0800``, without the colon.
    """
    wall_clock = format_datetime(moment.replace(tzinfo=timezone.utc), usegmt=True)
    return wall_clock + moment.replace(microsecond=0).isoformat()[19:]
