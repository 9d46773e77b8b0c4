# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of a management node's replies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web

from . import java

# From ZStack's conf/errorCodes.
DESCRIPTIONS = {
    "ID.1000": "Unable to authenticate a user",
    "ID.1001": "The session is invalid, either wrong session id or the session has been expired",
    "ID.1002": "The user doesn't have permission to perform the operation",
    "ID.1005": "The user has to change initial password",
    "ID.1006": "Max number of active sessions exceeded",
    "ID.2001": "The user has to login by addition authentication",
    "SYS.1000": "An internal error happened in system",
    "SYS.1001": "A message or a operation timeout",
    "SYS.1003": "A resource can not be found",
    "SYS.1006": "An operation failed",
    "SYS.1007": "One or more API argument is invalid",
    "SYS.1010": "Management server is not ready to serve",
    "SYS.1012": "The management node is unavailable",
}


class Refused(Exception):
    """Raised where a call fails, with the reply to send."""

    def __init__(self, reply: web.Response, plain: bool) -> None:
        super().__init__(reply.status)
        self.reply = reply
        #: Whether the reply is plain text, which newer servers send as JSON.
        self.plain = plain


def succeeded(value: dict[str, Any]) -> web.Response:
    """Return status 200 with *value* as JSON, without null fields."""
    return web.Response(body=java.dumps(value).encode())


def failed(code: str, details: str, **more: Any) -> Refused:
    """Return status 503 with the error envelope: the reply to a call that was understood and failed.

    *more* are further fields of the envelope, such as ``globalErrorCode``.
    """
    error = {"code": code, "description": DESCRIPTIONS[code], "details": details, **more}
    return Refused(web.Response(status=503, body=java.dumps({"error": error}).encode()), plain=False)


def refused(status: int, text: str) -> Refused:
    """Return *status* with plain text: the reply to a request that never reaches the API."""
    return Refused(web.Response(status=status, body=text.encode()), plain=True)


def system_error(status: int) -> str:
    """Return the code that newer servers give a refusal with *status*."""
    if status >= 500:
        return "SYS.1000"
    return {400: "SYS.1007", 404: "SYS.1003", 405: "SYS.1007"}.get(status, "SYS.1006")


def envelope(status: int, text: str) -> bytes:
    """Return the JSON in which newer servers send a refusal."""
    code = system_error(status)
    error = {
        "code": code,
        "description": DESCRIPTIONS[code],
        "details": text or None,
        "globalErrorCode": f"ORG_ZSTACK_CORE_REST_{10014 if status >= 500 else 10015}",
        "message": f"{DESCRIPTIONS[code]}: {text}",
    }
    # Cut wherever it happens to be, even within a password.
    diagnostic = {"component": "Cloud", "rawMessage": {"symptom": text[:200]}}
    return java.dumps({"error": error, "id": uuid4().hex, "success": "false", "diagnostic": diagnostic}).encode()


def tomcat_page(status: int) -> web.Response:
    """Return the page that Tomcat shows for paths outside ZStack."""
    title = f"HTTP Status {status} \u2013 {HTTPStatus(status).phrase}"
    page = (
        f'<!doctype html><html lang="en"><head><title>{title}</title>'
        '<style type="text/css">body {font-family:Tahoma,Arial,sans-serif;}</style></head>'
        f'<body><h1>{title}</h1><hr class="line" /><p><b>Type</b> Status Report</p></body></html>'
    )
    return web.Response(status=status, body=page.encode(), headers={"Content-Type": "text/html;charset=utf-8"})
