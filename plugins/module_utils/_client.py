# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The HTTP helper: one authenticated call in, a reply or a ZStackError out."""

from __future__ import annotations

import json
import math
import re
import socket
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.request import getproxies

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.zstack.cloud.plugins.module_utils._auth import REQUESTS_IMPORT_ERROR
from ansible_collections.zstack.cloud.plugins.module_utils._errors import (
    Redactor,
    ZStackError,
    clip,
    envelope_fields,
    one_line,
)
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import in_background
from ansible_collections.zstack.cloud.plugins.module_utils._options import Options, secrets

try:
    import requests
    import urllib3
    from urllib3.util import Retry
except ImportError:
    pass  # REQUESTS_IMPORT_ERROR tells

_BODY_LIMIT = 256 * 1024 * 1024
_DEPTH_LIMIT = 64
_TEXT_LIMIT = 500

# What to do about an answer that is no JSON, by words of it; the words are those of ZStack's RestServer.java.
_TEXT_HINTS = {
    "requestTimeTooSkewed": "Set timezone to the zone of the management node, and check both clocks.",
    "no api mapping": "Check host, port and context_path; this call is known to ZStack 3.0.0 and later.",
    "missing header 'Authorization'": "Something on the way dropped the header: ask the management node directly.",
    "Authorization type must be": "This release knows no AccessKeys: use a session or an account.",
}
_STATUS_HINTS = {
    502: "A proxy answered: check that the management node behind it runs.",
    504: "A proxy answered: the management node behind it did not in time.",
}
_NOT_ZSTACK = "This is no answer of a management node: check host, port, use_ssl and context_path."


class Reply(NamedTuple):
    data: dict[str, Any]
    date: datetime | None  # the server's time, from its Date header
    status: int


class Client:
    """A connection to one management node, kept open over calls, for use in a ``with``.

    ``redact`` takes the secrets that it knows out of a text.
    """

    def __init__(self, options: Options) -> None:
        if REQUESTS_IMPORT_ERROR:
            raise ZStackError(missing_required_lib("requests"))
        self._options = options
        self._session = requests.Session()
        # Without cookies a call depends on its arguments alone, so calls can run in parallel.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if options.verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        proxy_passwords = re.findall(r":([^:@/]+)@", " ".join(getproxies().values()))
        self.redact = Redactor(*secrets(options), *proxy_passwords)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        auth: requests.auth.AuthBase,
        query: Iterable[tuple[str, str]] = (),
        body: dict[str, Any] | None = None,
    ) -> Reply:
        """Call an API: its ``name`` is for error messages, its ``path`` starts at /v1.

        The option ``timeout`` bounds the whole call, from the first connect to the last byte of the last try.
        """
        give_up = time.monotonic() + self._options.timeout
        # Pauses: none before the second try, then 2, 4, 8 ... seconds.
        retry = Retry(total=self._options.retries, backoff_factor=1)
        while True:
            try:
                return self._try(name, method, path, give_up, auth=auth, params=list(query), json=body)
            except ZStackError as exc:
                if not exc.passing or retry.total == 0:
                    raise
                retry = retry.increment(method, path, error=exc)
                if time.monotonic() + retry.get_backoff_time() >= give_up:
                    raise
            retry.sleep()

    def _try(self, name: str, method: str, path: str, give_up: float, **request: Any) -> Reply:
        url = self._options.server + self._options.context_path + path
        seconds = max(give_up - time.monotonic(), 0.001)

        def exchange() -> tuple[requests.Response, bytes]:
            # verify= on the request: on the session it would lose against REQUESTS_CA_BUNDLE.
            with self._session.request(
                method,
                url,
                timeout=seconds,
                verify=self._options.verify,
                allow_redirects=False,
                stream=True,
                **request,
            ) as response:
                return response, _read(response)

        try:
            # A socket's time limit bounds single reads, so a server that drips never meets it, and looking up a name
            # has none at all.
            response, body = in_background(exchange).result(seconds)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
            FutureTimeoutError,
        ) as exc:
            root = _root(exc)
            description, hint = _transport_failure(exc, root, self._options)
            passing = isinstance(exc, requests.ConnectionError) and isinstance(
                root, (ConnectionRefusedError, ConnectionResetError, RemoteDisconnected)
            )
            raise ZStackError(self.redact(description), call=name, hint=hint, passing=passing) from None
        return self.unwrap(name, response, body)

    def unwrap(self, name: str, response: requests.Response, body: bytes) -> Reply:
        """The reply, if the call went well: an ``error`` in it means that it did not, whatever the status."""
        status = response.status_code
        text = body.decode("utf-8-sig", "replace")
        data = parse_json(text)
        if isinstance(data, dict) and data.get("error") is not None:
            fields = envelope_fields(self.redact(data["error"]))
            passing = status in (502, 504) or (status == 503 and fields["code"] in ("SYS.1010", "SYS.1012"))
            raise ZStackError(fields, call=name, status=status, passing=passing)
        if isinstance(data, dict) and 200 <= status < 300:
            return Reply(data, _date(response), status)

        # Enough of a page to tell what it is. Redacted first: what comes then could take a secret apart.
        words = clip(one_line(_without_tags(self.redact(text[:65536]))), _TEXT_LIMIT)
        hint = next((hint for part, hint in _TEXT_HINTS.items() if part in text), _STATUS_HINTS.get(status))
        if 200 <= status < 300:
            words, hint = f"the reply is not a JSON object: {words or 'it is empty'}", _NOT_ZSTACK
        elif 300 <= status < 400:
            target = clip(one_line(self.redact(response.headers.get("Location", "nowhere"))), _TEXT_LIMIT)
            words, hint = f"the reply is a redirect to {target}, which is not followed", _NOT_ZSTACK
        raise ZStackError(
            words or clip(one_line(self.redact(response.reason or "the reply is empty")), _TEXT_LIMIT),
            call=name,
            status=status,
            hint=hint,
            passing=status in (502, 504),
        )


def _read(response: requests.Response) -> bytes:
    # urllib3 before 2.0 takes a body that breaks off for a whole one otherwise.
    response.raw.enforce_content_length = True
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise ValueError(f"the reply is larger than {_BODY_LIMIT >> 20} MiB")
    return bytes(body)


def parse_json(text: str) -> Any:
    """The JSON value of a text; None where it is none, or nested deeper than anything that ZStack sends."""
    try:
        return _portable(json.loads(text), _DEPTH_LIMIT)
    except (ValueError, RecursionError):
        return None


def _portable(value: Any, depth: int) -> Any:
    """A JSON value that Ansible can pass on: UTF-8 has no lone surrogates, JSON no NaN and no Infinity."""
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_portable(each, depth - 1) for each in value]
    if isinstance(value, dict):
        return {_portable(key, depth): _portable(each, depth - 1) for key, each in value.items()}
    return value


def _without_tags(text: str) -> str:
    return re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", text) if text.lstrip().startswith("<") else text


def _date(response: requests.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.headers["Date"])
        return date if date.tzinfo else None
    except (KeyError, TypeError, ValueError):
        return None


def _root(exc: BaseException) -> BaseException:
    """The exception that the library's own ones were raised for."""
    cause = exc.__cause__ or exc.__context__
    # urllib3 before 2.0 tries an argument of Python 2 before each reply: that is a TypeError, and the cause of nothing.
    return exc if cause is None or isinstance(cause, TypeError) else _root(cause)


def _transport_failure(exc: BaseException, root: BaseException, options: Options) -> tuple[str, str]:
    """What happened on the way, and which option helps."""
    reason = getattr(root, "strerror", None) or str(root) or type(root).__name__
    if isinstance(exc, requests.exceptions.ProxyError):
        return f"the proxy failed: {reason}", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment."
    if isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLCertVerificationError):
        return f"no TLS connection: {root.reason}", "Set use_ssl to false, or port to the one with TLS 1.2 or later."
    if isinstance(exc, requests.exceptions.SSLError):
        # urllib3 before 2.0 compares names itself, and has an exception of its own for those that differ.
        return (
            f"the server's certificate was refused: {getattr(root, 'verify_message', reason)}",
            "Set host to a name in the certificate, or ca_path to the CA that issued it; or validate_certs to false.",
        )
    if isinstance(root, (FutureTimeoutError, TimeoutError, socket.timeout)):
        return f"no complete reply within {options.timeout} s", "Raise timeout, or check what slows the server down."
    if isinstance(root, socket.gaierror):
        return f"the name of the host is not known: {reason}", "Check host."
    if isinstance(root, ConnectionRefusedError):
        return f"nobody listens at the port: {reason}", "Check host and port, and that the management node runs."
    return f"the connection failed: {reason}", "Check host, port and use_ssl."
