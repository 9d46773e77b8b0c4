# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The errors of failed calls: from an error response, or from an exception of a library.

Imported only if a call fails.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._calls import UnreadableResponse, ZStackError
from ._json import as_text, json_safe, snake_case
from ._redaction import Redactor, one_line, shorten

try:
    import requests
    import urllib3
except ImportError:
    pass  # the client reports the missing library

if TYPE_CHECKING:
    from ._calls import Call
    from ._options import Connection

_MESSAGE_LIMIT = 1400
_FIELD_LIMIT = 4000
_FIELDS_LIMIT = 50
_CAUSES_LIMIT = 10
_KEY_LIMIT = 100
# By error code (src: conf/errorCodes), and by authentication method if the hints differ.
CODE_HINTS: Mapping[str, str | Mapping[str, str]] = {
    "ID.1001": {
        "session": "Log in again for a new session_uuid, or set account_name and account_password instead.",
        "account": "The session ended during the task: run it again.",
        "access_key": "Check access_key_id and access_key_secret.",
    },
    "ID.1002": "Use an account that has this permission, such as admin.",
    "ID.1005": "Log in to the ZStack UI once, and change the initial password there.",
    "ID.1006": "Log out unused sessions of this account, wait until they expire, or use an AccessKey.",
    "ID.2000": "This account requires two-factor authentication: use an AccessKey.",
    "ID.2001": "This account requires two-factor authentication: use an AccessKey.",
    "SYS.1000": "Check the log of the management node.",
    "SYS.1001": "The management node timed out: run the task again when it is less busy.",
    "SYS.1010": "The management node is starting: run the task again in a few minutes.",
    "SYS.1012": "Check the state of the management node with zstack-ctl status.",
}

# By part of a plain-text response (src: RestServer.java).
TEXT_HINTS: Mapping[str, str] = {
    "missing header 'Authorization'": (
        "A proxy removed the Authorization header: connect to the management node directly."
    ),
    "Authorization type must be": "This ZStack release does not support AccessKeys: use a session or an account.",
    "the body doesn't contain action mapping": "This ZStack release does not support the call.",
    "no api mapping": "This ZStack release does not support the call. Also check host, port and context_path.",
    "'Date' must be in": "A proxy removed the Date header: connect to the management node directly.",
    "'Date' format error": "A proxy changed the Date header: connect to the management node directly.",
    "accessKey format is": "Check access_key_id: use it as issued, without a colon.",
    "requestTimeTooSkewed": "Set timezone to the zone of the management node, and check both clocks.",
    "does not existed or disabled": "Check access_key_id, and that the AccessKey is enabled.",
    "wrong accessKey signature": "Check access_key_secret.",
    "only one value is allowed": "Check for a proxy that repeats parameters.",
    "For input string": "Check registry_port.",
}

NOT_ZSTACK = "This does not look like a response from a management node: check host, port, use_ssl and context_path."
STATUS_HINTS: Mapping[int, str] = {
    404: NOT_ZSTACK,
    405: NOT_ZSTACK,
    500: "The management node hit an internal error: check its log.",
    502: "A proxy answered: check that the management node behind it is running.",
    504: "A proxy answered because the management node took too long: increase the proxy's timeout.",
}


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
    description, hint, transient = _describe_exception(exc, connection)
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


def _describe_exception(exc: BaseException, connection: Connection) -> tuple[str, str, bool]:
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


def hint_for(code: str | None, text: str, status: int, auth_method: str) -> str | None:
    """Return the hint for an error code, or for a plain-text response."""
    hint = CODE_HINTS.get(code or "")
    if isinstance(hint, Mapping):
        return hint.get(auth_method)
    if hint or code:
        return hint
    words = next((hint for words, hint in TEXT_HINTS.items() if words in text), None)
    if words or status in STATUS_HINTS:
        return words or STATUS_HINTS[status]
    return STATUS_HINTS[500] if status > 500 else NOT_ZSTACK


def failure_line(where: list[str | None], error: Mapping[str, Any], status: int | None, hint: str | None) -> str:
    """Return one line of less than 2,000 characters: where the failure occurred, what failed, and the hint."""
    what = "; caused by ".join(filter(None, map(_describe_error, [error, *error["causes"]])))
    line = ": ".join(filter(None, [*where, shorten(one_line(what), _MESSAGE_LIMIT) or "no reason is given"]))
    if status is not None:
        line += f" (HTTP {status})"
    return f"{line}{'' if line.endswith('.') else '.'} {hint}" if hint else line


def envelope_fields(envelope: Any, redact: Redactor) -> dict[str, Any]:
    """Return the ``error`` of a ZStackError from the value of "error" in a response.

    The documented value is an object with nested ``cause`` objects. Newer servers also send a list of ``causes`` (src).
    Both are returned as one flat list. A value that is not an object becomes the description. Long texts and lists are
    shortened.
    """
    fields, waiting = _error_fields(envelope, redact)
    causes: list[dict[str, Any]] = []
    while waiting and len(causes) < _CAUSES_LIMIT:
        cause, deeper = _error_fields(waiting.pop(0), redact)
        waiting = deeper + waiting
        causes.append({key: cause[key] for key in ("code", "description", "details")})
    return {**fields, "causes": causes}


def _error_fields(envelope: Any, redact: Redactor) -> tuple[dict[str, Any], list[Any]]:
    """Return the fields of one error, and its unprocessed causes."""
    if not isinstance(envelope, dict):
        envelope = {"description": envelope}
    fields: dict[str, Any] = {"code": None, "description": None, "details": None}
    causes = [envelope.get("cause"), *(_list(envelope.get("causes"))[:_CAUSES_LIMIT])]
    for key, value in list(envelope.items())[:_FIELDS_LIMIT]:
        if key in ("cause", "causes") or value is None:
            continue
        # Redact before shortening or converting, because a changed secret would not be found.
        name, text = snake_case(redact(key, _KEY_LIMIT)), as_text(value)
        if key in fields or isinstance(value, str) or len(text) > _FIELD_LIMIT:
            fields[name] = shorten(_redacted_ends(text, redact), _FIELD_LIMIT)
        else:
            fields[name] = json_safe(redact.value(json_safe(value, convert=str)))
    return fields, [each for each in causes if each is not None]


def _redacted_ends(text: str, redact: Redactor) -> str:
    """Return a text without secrets. If it is long, return only its start and its end."""
    half = 2 * _FIELD_LIMIT
    return redact(text) if len(text) <= 2 * half else f"{redact(text, half)} … {redact.ending(text, half)}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _describe_error(error: dict[str, Any]) -> str:
    """Return ``[code] description: details``, without missing parts."""
    code, description, details = error["code"], error["description"], error["details"]
    words = ": ".join(dict.fromkeys(filter(None, (description, details and _last_line_first(details)))))
    return f"[{code}] {words}".rstrip() if code else words


def _last_line_first(text: str) -> str:
    """Return several lines as one line that starts with the last, the output of a failed command (src)."""
    lines = _lines(text)
    return f"{last_line(text)} ({'; '.join(lines[:-1])})" if len(lines) > 1 else text


def last_line(text: str) -> str:
    """Return the last line of a text, such as the output of a failed command."""
    return (_lines(text) or [""])[-1].removeprefix("stderr: ")


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and line not in ("stdout:", "stderr:")]
