# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of failed calls: from an error response, or from an exception of a library.

Imported only if a call fails.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._calls import NOT_ZSTACK, Hint, ZStackError
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

_FIELDS_LIMIT, _CAUSES_LIMIT = 50, 10
# Number of characters of a message, of a field and its key.
_MESSAGE_LIMIT, _FIELD_LIMIT, _KEY_LIMIT = 1400, 4000, 100
# Number of characters of a page to examine, and to include in a message.
_PAGE_LIMIT, _TEXT_LIMIT = 16384, 500

_TWO_FACTOR = Hint("two_factor", "This account requires two-factor authentication: use an AccessKey.")
# By error code (src: conf/errorCodes), and by authentication method if the hints differ.
CODE_HINTS: Mapping[str, Hint | Mapping[str, Hint]] = {
    "ID.1001": {
        "session": Hint("session_expired", "Log in again for a new session_uuid, or use an account instead."),
        "account": Hint("session_ended", "The session ended during the task: run it again."),
        "access_key": Hint("access_key", "Check access_key_id and access_key_secret."),
    },
    "ID.1002": Hint("permission", "Use an account that has this permission, such as admin."),
    "ID.1005": Hint("initial_password", "Log in to the ZStack UI once, and change the initial password there."),
    "ID.1006": Hint("session_limit", "Log out unused sessions, wait until they expire, or use an AccessKey."),
    "ID.2000": _TWO_FACTOR,
    "ID.2001": _TWO_FACTOR,
    "SYS.1000": Hint("node_log", "Check the log of the management node."),
    "SYS.1001": Hint("node_busy", "The management node timed out: run the task again when it is less busy."),
    "SYS.1010": Hint("node_starting", "The management node is starting: run the task again in a few minutes."),
    "SYS.1012": Hint("node_state", "Check the state of the management node with zstack-ctl status."),
}

_HTTPS_PORT = Hint("https_port", "The port expects HTTPS: check port, or set use_ssl to true.")
_CA = Hint("certificate_authority", "Set ca_path to the certificate authority that issued it.")
_NO_SERVER = Hint("no_server", "A proxy answered: check that the management node behind it is running.")
_DIRECTLY = "connect to the management node directly"
# By part of a plain-text response (src: RestServer.java), which newer servers send as details of an error.
TEXT_HINTS: Mapping[str, Hint] = {
    "missing header 'Authorization'": Hint("no_authorization_header", f"A proxy removed the header: {_DIRECTLY}."),
    "Authorization type must be": Hint(
        "no_access_keys", "This release has no AccessKeys: use a session or an account."
    ),
    "the body doesn't contain action mapping": Hint("no_action", "This ZStack release does not support the call."),
    "no api mapping": Hint("no_api", "This release does not support the call. Also check host, port and context_path."),
    "'Date' must be in": Hint("no_date_header", f"A proxy removed the Date header: {_DIRECTLY}."),
    "format error": Hint("date_format", f"A proxy changed the Date header: {_DIRECTLY}."),
    "accessKey format is": Hint("access_key_id", "Check access_key_id: use it as issued, without a colon."),
    "requestTimeTooSkewed": Hint("time_skewed", "Set timezone to that of the management node, and check both clocks."),
    "does not existed or disabled": Hint("access_key_disabled", "Check access_key_id, and that it is enabled."),
    "wrong accessKey signature": Hint("access_key_secret", "Check access_key_secret."),
    "only one value is allowed": Hint("repeated_parameter", "Check for a proxy that repeats parameters."),
    "For input string": Hint("registry_port", "Check registry_port."),
    # nginx, Apache, Tomcat and Go
    **dict.fromkeys(("HTTPS port", "SSL-enabled server port", "requires TLS", "to an HTTPS server"), _HTTPS_PORT),
}

# By HTTP status, if nothing more is known. Others mean that something else answered.
STATUS_HINTS: Mapping[int, Hint] = {
    401: Hint("proxy_login", f"A proxy requires its own authentication: {_DIRECTLY}."),
    403: Hint("blocked", f"A proxy or firewall may have blocked the call: allow it there, or {_DIRECTLY}."),
    407: Hint("proxy_credentials", "Add a user name and password to HTTP_PROXY or HTTPS_PROXY, or set NO_PROXY."),
    429: Hint("rate_limit", "Run the task again in a minute, with fewer calls at a time."),
    500: Hint("node_error", "The management node hit an internal error: check its log."),
    502: _NO_SERVER,
    503: _NO_SERVER,
    504: Hint("proxy_timeout", "The management node took too long for a proxy: increase the proxy's timeout."),
    511: Hint("network_login", "The network requires a login: open any web page from this machine and log in there."),
}

# By part of OpenSSL's reason.
CERTIFICATE_HINTS: Mapping[str, Hint] = {
    "match": Hint("certificate_name", "Set host to a name in the certificate."),
    **dict.fromkeys(("issuer", "verify the first", "signed certificate"), _CA),
    "expired": Hint("certificate_expired", "Renew the certificate."),
    "not yet valid": Hint("certificate_expired", "Check the clocks of this machine and of the server."),
    "": Hint("certificate_invalid", "Reissue the certificate: it violates RFC 5280, which Python 3.13+ enforces."),
}

_EXCEPTION_HINTS: Mapping[str, Hint] = {
    reason: Hint(reason, text)
    for reason, text in {
        "proxy": "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment.",
        "tls": "Check that port is an HTTPS port with TLS 1.2 or later. A port without HTTPS needs use_ssl: false.",
        "no_connection": "Check host, port and firewalls.",
        "timeout": "Raise timeout, or check why the server is slow.",
        "host": "Check host.",
        "refused": "Check host and port, and that the management node is running.",
        "connection": "Check host, port and use_ssl.",
        "not_http": "Another service uses this port: check host and port.",
        "call": "Check host, port, use_ssl, and the proxy if there is one.",
    }.items()
}

# Responses of releases that do not support the call (src: RestServer.java).
_UNKNOWN_CALL = ("no api mapping", "the body doesn't contain action mapping")
# Newer servers send what was plain text as an error with one of these codes.
_PLAIN_TEXT_CODES = ("ORG_ZSTACK_CORE_REST_10014", "ORG_ZSTACK_CORE_REST_10015")


def error_from_response(
    call: Call, response: requests.Response, text: str, data: Any, connection: Connection, redact: Redactor
) -> ZStackError:
    """Return the error for a response that reports a failure. ``data`` is the parsed JSON, or None."""
    status, method = response.status_code, connection.credentials.method
    # The signature of an AccessKey is valid for minutes, for any query of this path.
    redact.add(response.request.headers.get("Authorization", "").partition(":")[2])
    fields: dict[str, Any] = {}
    if isinstance(data, dict) and data.get("error") is not None:
        fields = envelope_fields(data["error"], redact)
        is_plain = fields.get("global_error_code") in _PLAIN_TEXT_CODES
        message = describe({**fields, "details": one_line(fields["details"] or "")} if is_plain else fields)
        plain = (fields["details"] or "") if is_plain else ""
        hint = _text_hint(plain, status) if is_plain else _code_hint(call, fields, method)
    else:
        # The diagnostic of newer servers can contain a part of a secret, and the inventory of a login is a session.
        text = re.split(r'"(?:diagnostic|inventory)\\*"', redact(text, _PAGE_LIMIT))[0]
        plain = redact(_page_text(text))
        message = shorten(one_line(plain), _TEXT_LIMIT)
        if isinstance(data, dict) and 200 <= status < 300:
            message = f"the response reports no success: {message}"
        elif 200 <= status < 300:
            nothing = "it is a page without text" if text.strip() else "it is empty"
            message = f"the response is not a JSON object: {message or nothing}"
        elif 300 <= status < 400:
            target = one_line(redact(str(response.headers.get("Location", "nowhere")), _TEXT_LIMIT))
            message = f"the response is a redirect to {target}, which is not followed"
        message = message or "the response is empty"
        hint = _text_hint(plain, status)
    error = ZStackError(message, fields=fields, server=connection.address, call=call.name, status=status, hint=hint)
    error.unknown_call = any(phrase in plain for phrase in _UNKNOWN_CALL)
    return error


def error_from_exception(
    call: Call, exc: BaseException, root: BaseException, connection: Connection, redact: Redactor
) -> ZStackError:
    """Return the error for a call without a readable response. ``root`` is the cause of the library's exception."""
    description, hint = _describe_exception(exc, root, connection)
    message = shorten(one_line(redact(description)), _TEXT_LIMIT)
    return ZStackError(message, server=connection.address, call=call.name, hint=hint)


def _page_text(text: str) -> str:
    """Return the visible text of an HTML page."""
    if not text.lstrip().startswith("<"):
        return text
    before, *comments = text.split("<!--")
    text = before + "".join(comment.partition("-->")[2] for comment in comments)
    outside = re.split(r"(?i)</?(?:script|style)\b[^<>]*>", text)[::2]
    return re.sub(r"<[^<>]*>", " ", " ".join(outside))


def _describe_exception(exc: BaseException, root: BaseException, connection: Connection) -> tuple[str, Hint]:
    reason = getattr(root, "strerror", None) or str(root) or type(root).__name__
    if isinstance(root, UnicodeError):
        # It quotes a character, which can be part of a proxy's password.
        reason = "characters that HTTP does not allow"
    # The server's URL was already checked, so an invalid URL is that of a proxy.
    wrong_url = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)
    wrong_proxy = (urllib3.exceptions.LocationParseError, urllib3.exceptions.ProxySchemeUnknown)
    if isinstance(exc, (requests.exceptions.ProxyError, *wrong_url)) or isinstance(root, wrong_proxy):
        return f"the proxy failed: {reason}", _EXCEPTION_HINTS["proxy"]
    if isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLCertVerificationError):
        return f"TLS failed: {root.reason or reason}", _EXCEPTION_HINTS["tls"]
    if isinstance(exc, requests.exceptions.SSLError):
        # urllib3 before 2.0 verifies the name itself, and raises its own exception.
        problem = getattr(root, "verify_message", reason)
        hint = next(hint for phrase, hint in CERTIFICATE_HINTS.items() if phrase in problem)
        return f"the server's certificate was rejected: {problem}", hint
    if isinstance(root, (TimeoutError, socket.timeout)):
        if isinstance(exc, requests.ConnectionError):
            return f"no connection to port {connection.port}", _EXCEPTION_HINTS["no_connection"]
        return f"no response within {connection.timeout} s", _EXCEPTION_HINTS["timeout"]
    if isinstance(root, socket.gaierror):
        return f"host name not found: {reason}", _EXCEPTION_HINTS["host"]
    if isinstance(root, ConnectionRefusedError):
        return f"connection refused: nothing is listening on port {connection.port}", _EXCEPTION_HINTS["refused"]
    if isinstance(root, (ConnectionResetError, BrokenPipeError)):
        return f"the connection was cut off: {reason}", _EXCEPTION_HINTS["connection"]
    if isinstance(root, http.client.IncompleteRead):
        return f"the response is incomplete: {reason}", _EXCEPTION_HINTS["call"]
    if isinstance(root, http.client.HTTPException):
        if reason.startswith("\x15\x03"):
            return "the response is a TLS alert", _HTTPS_PORT
        start = "it starts with " if isinstance(root, http.client.BadStatusLine) else ""
        return f"the response is not HTTP: {start}{reason}", _EXCEPTION_HINTS["not_http"]
    if isinstance(root, (OSError, requests.RequestException, urllib3.exceptions.HTTPError)):
        return f"the connection failed: {reason}", _EXCEPTION_HINTS["connection"]
    return f"the call failed: {reason}", _EXCEPTION_HINTS["call"]


def _code_hint(call: Call, fields: Mapping[str, Any], method: str) -> Hint | None:
    """Return the hint for an error with a code."""
    if fields["output"]:
        words = fields["output"].lower()
        if hint := next((hint for phrase, hint in call.output_hints.items() if phrase.lower() in words), None):
            return hint
    code = fields["code"] or "SYS.1000"
    found = call.hints.get(code) or CODE_HINTS.get(code)
    return found if isinstance(found, Hint) or found is None else found.get(method)


def _text_hint(text: str, status: int) -> Hint:
    """Return the hint for a plain-text response."""
    found = next((hint for phrase, hint in TEXT_HINTS.items() if phrase in text), None)
    return found or STATUS_HINTS.get(status, NOT_ZSTACK)


def describe(error: Mapping[str, Any]) -> str:
    """Return an error and its causes on one line, as ``[code] description: details``, without missing parts."""
    words = "; caused by ".join(filter(None, map(_describe_one, [error, *error["causes"]])))
    return shorten(one_line(words), _MESSAGE_LIMIT) or "no reason is given"


def _describe_one(error: Mapping[str, Any]) -> str:
    code, description, details = error["code"], error["description"], error["details"]
    words = ": ".join(dict.fromkeys(filter(None, (description, details and _last_line_first(details)))))
    return f"[{code}] {words}".rstrip() if code else words


def envelope_fields(envelope: Any, redact: Redactor) -> dict[str, Any]:
    """Return the ``error`` of a ZStackError from the value of "error" in a response.

    The documented value is an object with nested ``cause`` objects. Newer servers also send a list of ``causes`` (src).
    Both are returned as one flat list. A value that is not an object becomes the description. Long texts and lists are
    shortened. ``output`` is the last line of the details if a command failed, or None.
    """
    fields, waiting = _error_fields(envelope, redact)
    causes: list[dict[str, Any]] = []
    while waiting and len(causes) < _CAUSES_LIMIT:
        cause, deeper = _error_fields(waiting.pop(0), redact)
        waiting = deeper + waiting
        causes.append({key: cause[key] for key in ("code", "description", "details")})
    details = fields["details"] or ""
    is_output = fields["code"] == "SYS.1000" and "shell command" in details
    return {**fields, "causes": causes, "output": _lines(details)[-1] if is_output else None}


def _error_fields(envelope: Any, redact: Redactor) -> tuple[dict[str, Any], list[Any]]:
    """Return the fields of one error, and its unprocessed causes."""
    if not isinstance(envelope, dict):
        envelope = {"description": envelope}
    fields: dict[str, Any] = {"code": None, "description": None, "details": None}
    causes = envelope.get("causes")
    causes = [envelope.get("cause"), *(causes[:_CAUSES_LIMIT] if isinstance(causes, list) else [causes])]
    opaque = envelope.get("opaque")
    if isinstance(opaque, dict) and isinstance(opaque.get("bash.error"), str):
        # ZSphere has the output of a failed command here, other releases in the details (src).
        output = [envelope.get("details"), opaque.get("bash.output"), opaque["bash.error"]]
        envelope = {**envelope, "details": "\n".join(as_text(each) for each in output if each)}
    for key, value in list(envelope.items())[:_FIELDS_LIMIT]:
        if key in ("cause", "causes", "diagnostic") or value is None:
            continue
        # Redact before shortening or converting, because a changed secret would not be found.
        name, text = snake_case(redact(key, _KEY_LIMIT)), as_text(value)
        if name in fields or isinstance(value, str) or len(text) > _FIELD_LIMIT:
            half = 2 * _FIELD_LIMIT
            ends = f"{redact(text, half)} … {redact.ending(text, half)}" if len(text) > 2 * half else redact(text)
            fields[name] = shorten(ends, _FIELD_LIMIT)
        else:
            fields[name] = json_safe(value, redact=redact)
    return fields, [each for each in causes if each is not None]


def _last_line_first(text: str) -> str:
    """Return several lines as one line that starts with the last, the output of a failed command (src)."""
    *others, last = _lines(text) or [""]
    return f"{last} ({'; '.join(others)})" if others else last


def _lines(text: str) -> list[str]:
    stripped = [line.strip() for line in text.splitlines()]
    lines = [line for line in stripped if line not in ("", "stdout:", "stderr:")]
    return [*lines[:-1], *(line.removeprefix("stderr: ") for line in lines[-1:])]
