# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Create the ZStackError for a failed call, from an error response or from an exception of a library."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

from ansible_collections.zstack.cloud.plugins.module_utils._errors import UnreadableResponse, ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._hints import NOT_ZSTACK, hint_for
from ansible_collections.zstack.cloud.plugins.module_utils._messages import envelope_fields, one_line, shorten
from ansible_collections.zstack.cloud.plugins.module_utils._options import Connection
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor

try:
    import requests
    import urllib3
except ImportError:
    pass  # the client reports the missing library

if TYPE_CHECKING:
    from ansible_collections.zstack.cloud.plugins.module_utils._client import Call

# Number of characters of a page to examine, and to include in a message.
_PAGE_LIMIT, _TEXT_LIMIT = 16384, 500

# Responses of releases that do not support the call (src: RestServer.java).
_UNKNOWN_CALL = ("no api mapping", "the body doesn't contain action mapping")


def refusal(
    call: Call, response: requests.Response, text: str, data: Any, connection: Connection, redact: Redactor
) -> ZStackError:
    """Return the error for a response that reports a failure. ``data`` is the parsed JSON, or None."""
    status, method = response.status_code, connection.credentials.method
    if isinstance(data, dict) and data.get("error") is not None:
        fields = envelope_fields(data["error"], redact)
        return ZStackError(
            fields,
            server=connection.address,
            call=call.name,
            status=status,
            hint=call.hint(fields) or hint_for(fields["code"], "", status, method),
            transient=status in (502, 504) or (status == 503 and fields["code"] in ("SYS.1010", "SYS.1012")),
        )
    page = redact(_page_text(redact(text, _PAGE_LIMIT)))
    words = shorten(one_line(page), _TEXT_LIMIT)
    if 200 <= status < 300:
        words = f"the response is not a JSON object: {words or 'it is empty'}"
    elif 300 <= status < 400:
        target = one_line(redact(str(response.headers.get("Location", "nowhere")), _TEXT_LIMIT))
        words = f"the response is a redirect to {target}, which is not followed"
    return ZStackError(
        words or "the response is empty",
        server=connection.address,
        call=call.name,
        status=status,
        hint=hint_for(None, page, status, method),
        transient=status in (502, 504),
        unknown_call=any(phrase in page for phrase in _UNKNOWN_CALL),
    )


def transport_failure(call: Call, exc: BaseException, connection: Connection, redact: Redactor) -> ZStackError:
    """Return the error for a call without a readable response."""
    description, hint, transient = _describe(exc, connection)
    return ZStackError(
        shorten(redact(description), _TEXT_LIMIT),
        server=connection.address,
        call=call.name,
        hint=hint,
        transient=transient,
    )


def _page_text(text: str) -> str:
    """Return the visible text of an HTML page."""
    if not text.lstrip().startswith("<"):
        return text
    before, *comments = text.split("<!--")
    text = before + "".join(comment.partition("-->")[2] for comment in comments)
    outside = re.split(r"(?i)</?(?:script|style)\b[^<>]*>", text)[::2]
    return re.sub(r"<[^<>]*>", " ", " ".join(outside))


def _root_cause(exc: BaseException) -> BaseException:
    """Return the exception that caused the library's exceptions."""
    cause = exc.__cause__ or exc.__context__
    # urllib3 before 2.0 first tries an argument of Python 2, which raises an unrelated TypeError.
    return exc if cause is None or isinstance(cause, TypeError) else _root_cause(cause)


def _describe(exc: BaseException, connection: Connection) -> tuple[str, str, bool]:
    """Return a description of the failure, a hint, and whether a retry may help."""
    root = _root_cause(exc)
    reason = getattr(root, "strerror", None) or str(root) or type(root).__name__
    if isinstance(root, UnicodeError):
        # It quotes a character, which can be part of a proxy's password.
        reason = "characters that HTTP does not allow"
    before_reply = isinstance(exc, requests.ConnectionError)
    # The server's URL was already checked, so an invalid URL is that of a proxy.
    wrong_url = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)
    if isinstance(exc, (requests.exceptions.ProxyError, *wrong_url)) or isinstance(
        root, (urllib3.exceptions.LocationParseError, urllib3.exceptions.ProxySchemeUnknown)
    ):
        return f"the proxy failed: {reason}", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment.", False
    if isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLCertVerificationError):
        return (
            f"TLS failed: {root.reason or reason}",
            "Set use_ssl to false, or port to one that supports TLS 1.2 or later.",
            False,
        )
    if isinstance(exc, requests.exceptions.SSLError):
        # urllib3 before 2.0 verifies the name itself, and raises its own exception.
        return (
            f"the server's certificate was rejected: {getattr(root, 'verify_message', reason)}",
            "Set host to a name in the certificate, or ca_path to the certificate authority that issued it.",
            False,
        )
    if isinstance(root, (TimeoutError, socket.timeout)):
        hint = "Raise timeout, or check why the server is slow."
        return f"no response within {connection.timeout} s", hint, False
    if isinstance(root, socket.gaierror):
        return f"host name not found: {reason}", "Check host.", False
    if isinstance(root, ConnectionRefusedError):
        hint = "Check host and port, and that the management node is running."
        return f"connection refused: nothing is listening on port {connection.port}", hint, before_reply
    if isinstance(root, (ConnectionResetError, BrokenPipeError)):
        return f"the connection was cut off: {reason}", "Check host, port and use_ssl.", before_reply
    if isinstance(root, (OSError, requests.RequestException, urllib3.exceptions.HTTPError)):
        return f"the connection failed: {reason}", "Check host, port and use_ssl.", False
    if isinstance(exc, UnreadableResponse):
        return reason, NOT_ZSTACK, False
    return f"the call failed: {reason}", "Check host, port, use_ssl, and the proxy if there is one.", False
