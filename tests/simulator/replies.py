# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms that a management node's replies have."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from . import java

_DESCRIPTIONS = {
    "ID.1000": "Wrong account name or password",
    "ID.1001": "Invalid session",
    "ID.1006": "Session limit exceeded",
    "SYS.1006": "An operation failed",
    "SYS.1007": "One or more API argument is invalid",
}


class Refused(Exception):
    """Raised wherever a call is turned down; carries the reply to send."""

    def __init__(self, reply: web.Response) -> None:
        super().__init__(reply.status)
        self.reply = reply


def succeeded(value: dict[str, Any]) -> web.Response:
    """200 with *value* as JSON, null fields left out."""
    return web.Response(body=java.dumps(value).encode())


def failed(code: str, details: str, **more: Any) -> Refused:
    """503 with the error envelope, as every call answers that was understood and then failed.

    *more* are further fields of the envelope, such as ``globalErrorCode``.
    """
    error = {"code": code, "description": _DESCRIPTIONS[code], "details": details, **more}
    return Refused(web.Response(status=503, body=java.dumps({"error": error}).encode()))


def refused(status: int, text: str) -> Refused:
    """*status* with plain text, as requests are answered that never reach the API."""
    return Refused(web.Response(status=status, body=text.encode()))
