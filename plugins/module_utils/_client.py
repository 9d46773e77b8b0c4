# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client. It takes a Call, and returns a Reply or raises ZStackError."""

from __future__ import annotations

import base64
import gzip
import io
import logging
import re
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import unquote
from urllib.request import getproxies

from ansible.module_utils.basic import missing_required_lib

from ._calls import NOT_ZSTACK, Call, Hint, Reply, Warn, ZStackError
from ._interrupts import Interrupts, Stopped, in_background
from ._json import parse_json
from ._options import Connection
from ._redaction import Redactor, one_line
from ._times import http_date

try:
    import requests
    import urllib3

    REQUESTS_IMPORT_ERROR: ImportError | None = None
    _Session = requests.Session
except ImportError as exc:
    REQUESTS_IMPORT_ERROR = exc
    _Session = object  # type: ignore[assignment,misc]

_BODY_LIMIT = 64 * 1024 * 1024
# The version of this collection. Modules cannot read galaxy.yml. A test compares the two.
VERSION = "1.0.0"
# JSON values in a response. 100,000 backups have about a million. 64 MiB of empty lists would have twenty million.
_VALUES_LIMIT = 3_000_000
# Number of characters of a header to include in a message.
_HEADER_LIMIT = 40
CACHED = Hint("cached", "Turn off caching of the API in the proxy, or connect to the management node directly.")


class Pending(NamedTuple):
    call: Call
    reply: Future[Reply]
    deadline: float  # on the monotonic clock


class Client:
    """A connection to a management node that stays open between calls. A context manager.

    ``redact`` replaces all known secrets in a text. ``warn`` shows a warning with the server's address and without
    secrets. A signal that would end the process takes effect only after the ``with`` block has cleaned up.
    """

    def __init__(self, connection: Connection, warn: Warn, secrets: Iterable[str] = ()) -> None:
        if REQUESTS_IMPORT_ERROR:
            is_missing = getattr(REQUESTS_IMPORT_ERROR, "name", None) == "requests"
            broken = one_line(f"the Python library requests cannot be imported: {REQUESTS_IMPORT_ERROR}")
            raise ZStackError(missing_required_lib("requests") if is_missing else broken)
        self._connection = connection
        self._warn = warn
        self._interrupts = Interrupts()
        self._no_more_retries = threading.Event()
        self.redact = Redactor(*connection.credentials.values[-1:], *secrets, *_proxy_secrets())
        # urllib3 logs URLs and headers, which can contain secrets.
        for name in filter(re.compile(r"urllib3\b").match, list(logging.root.manager.loggerDict)):
            logging.getLogger(name).disabled = True
        self._session = _NoRedirects()
        # Without cookies, a call depends only on its arguments, so calls can run in parallel.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"zstack.cloud/{VERSION} python-requests/{requests.__version__}"
        # The only encoding that _read() can decompress within its limit.
        self._session.headers["Accept-Encoding"] = "gzip"
        if connection.verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def __enter__(self) -> Client:
        self._interrupts.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._no_more_retries.set()
        self._session.close()
        self._interrupts.__exit__()

    def warn(self, text: str) -> None:
        address = f"{self._connection.address}: "
        self._warn(address + one_line(self.redact(text.replace(address, ""))))

    def call(self, call: Call) -> Reply:
        """Return the reply to a call, or raise ZStackError if it failed.

        The ``timeout`` option limits the whole call, from the first connection to the last byte of the last attempt.
        """
        return self.result(self.start(call))

    def call_all(self, calls: Sequence[Call], max_parallel: int) -> Iterator[tuple[int, Reply | ZStackError]]:
        """Yield the index and the outcome of each call when it ends. At most ``max_parallel`` calls run at a time."""
        waiting = list(enumerate(calls))
        running: dict[int, Pending] = {}
        while waiting or running:
            while waiting and len(running) < max_parallel:
                number, call = waiting.pop(0)
                running[number] = self.start(call)
            self._wait(running.values())
            now = time.monotonic()
            for number, pending in list(running.items()):
                if pending.reply.done() or pending.deadline <= now:
                    del running[number]
                    yield number, self._outcome(pending)

    def start(self, call: Call) -> Pending:
        deadline = time.monotonic() + self._connection.timeout
        return Pending(call, in_background(lambda: self._attempts(call, deadline)), deadline)

    def result(self, pending: Pending) -> Reply:
        """Return the reply to a call in progress, or raise ZStackError if it failed."""
        self._wait([pending])
        outcome = self._outcome(pending)
        if isinstance(outcome, ZStackError):
            raise outcome
        return outcome

    def finish(self, pending: Pending) -> Reply | ZStackError:
        """Wait for a call even if the process is being stopped, and return its outcome."""
        self._interrupts.finish(pending.reply, pending.deadline)
        return self._outcome(pending)

    def _wait(self, running: Iterable[Pending]) -> None:
        try:
            self._interrupts.wait([each.reply for each in running], min(each.deadline for each in running))
        except Stopped:
            self._no_more_retries.set()
            raise

    def _outcome(self, pending: Pending) -> Reply | ZStackError:
        failure = pending.reply.exception() if pending.reply.done() else TimeoutError()
        if failure is None:
            return pending.reply.result()
        return failure if isinstance(failure, ZStackError) else self._error_from_exception(pending.call, failure)

    def _attempts(self, call: Call, deadline: float, retried: int = 0) -> Reply:
        try:
            return self._attempt(call, deadline)
        except ZStackError as exc:
            # Seconds: 0, 2, 4, 8 ...
            pause = 2.0**retried if retried else 0.0
            if not exc.transient or retried >= self._connection.retries or time.monotonic() + pause >= deadline:
                raise
            if self._no_more_retries.wait(pause):
                raise
        return self._attempts(call, deadline, retried + 1)

    def _attempt(self, call: Call, deadline: float) -> Reply:
        left = deadline - time.monotonic()
        try:
            with self._session.request(
                call.method,
                self._connection.server + self._connection.context_path + call.path,
                params=list(call.query),
                json=call.body,
                auth=call.auth,
                # Only limit a single read, and half of the time for each address of the host. _wait() limits the whole
                # call, including name resolution and servers that send one byte per second.
                timeout=(max(left / 2, 0.001), max(left, 0.001)),
                # Set on the request, because REQUESTS_CA_BUNDLE takes precedence over the session's value.
                verify=self._connection.verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                text = "" if 300 <= response.status_code < 400 else _read(response, self.redact)
        except ZStackError as exc:  # of the authentication, or of _read()
            exc.error["server"], exc.call = self._connection.address, call.name
            raise
        # Invalid responses and proxies can make the libraries raise almost any exception.
        except Exception as exc:
            raise self._error_from_exception(call, exc) from None
        return self.unwrap(call, response, text)

    def _error_from_exception(self, call: Call, exc: BaseException) -> ZStackError:
        # Only if a call fails, because a module compiles its imports in every run.
        from ._failures import error_from_exception

        root = _root_cause(exc)
        error = error_from_exception(call, exc, root, self._connection, self.redact)
        if isinstance(exc, requests.ConnectionError) and not isinstance(exc, requests.exceptions.ProxyError):
            # No response was received.
            was_cut_off = isinstance(root, (ConnectionResetError, BrokenPipeError))
            error.transient = isinstance(root, ConnectionRefusedError) or (was_cut_off and call.idempotent)
        return error

    def error(self, call: str, description: str, status: int, hint: Hint = NOT_ZSTACK) -> ZStackError:
        """Return the error for a response without the expected data."""
        return ZStackError(description, server=self._connection.address, call=call, status=status, hint=hint)

    def unwrap(self, call: Call, response: requests.Response, text: str) -> Reply:
        """Return the reply, or raise ZStackError. A response with an ``error`` is a failure at any status (doc)."""
        status = response.status_code
        if len(text) > _VALUES_LIMIT < text.count(",") + text.count("[") + text.count("{"):
            raise self.error(call.name, f"the response contains more than {_VALUES_LIMIT:,} JSON values", status)
        data = parse_json(text)
        # Newer servers report a failure as a string (src).
        failed = not isinstance(data, dict) or data.get("error") is not None or data.get("success") in (False, "false")
        if failed or not 200 <= status < 300:
            from ._failures import error_from_response

            error = error_from_response(call, response, text, data, self._connection, self.redact)
            if status == 503:  # without JSON, it is from a proxy
                is_proxy = not text.lstrip().startswith("{")
                error.transient = is_proxy or error.error["code"] in ("SYS.1010", "SYS.1012")
            else:  # the management node may have carried out the call
                error.transient = status in (502, 504) and call.idempotent
            raise error
        # Some caches set it to 0 in responses that are not from the cache. Only the responses to GET are cached.
        if call.method == "GET" and (age := response.headers.get("Age", "0").strip()) != "0":
            shown = one_line(self.redact(age, _HEADER_LIMIT))
            raise self.error(call.name, f"the response is from a cache (Age: {shown})", status, CACHED)
        return Reply(data, http_date(response.headers.get("Date")), status, time.monotonic())


def _root_cause(exc: BaseException) -> BaseException:
    """Return the exception that caused the library's exceptions."""
    cause = exc.__cause__ or exc.__context__
    # urllib3 before 2.0 first tries an argument of Python 2, which raises an unrelated TypeError.
    return exc if cause is None or isinstance(cause, TypeError) else _root_cause(cause)


class _NoRedirects(_Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None. Otherwise, requests reads the whole body of a redirect, even without following it."""


def _read(response: requests.Response, redact: Redactor) -> str:
    """Return the body as text. Decompress it here, because urllib3 does not limit the decompressed size."""
    raw = response.raw
    # Otherwise, urllib3 before 2.0 accepts an incomplete body.
    raw.enforce_content_length = True
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        shown = one_line(redact(encoding, _HEADER_LIMIT))
        raise ZStackError(f"the response has an unsupported Content-Encoding: {shown}", hint=NOT_ZSTACK)
    raw.auto_close = False
    # Buffered, because GzipFile reads some parts byte by byte.
    stream = gzip.GzipFile(fileobj=io.BufferedReader(raw, 1 << 16), mode="rb") if "gzip" in encoding else raw
    body = bytearray()
    try:
        while chunk := stream.read(1 << 16):
            body += chunk
            if len(body) > _BODY_LIMIT or (raw.length_remaining or 0) > _BODY_LIMIT:
                raise ZStackError(f"the response is larger than {_BODY_LIMIT >> 20} MiB", hint=NOT_ZSTACK)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ZStackError("the compressed response is incomplete or damaged", hint=NOT_ZSTACK) from None
    return body.decode("utf-8-sig", "replace")


def _proxy_secrets() -> Iterator[str]:
    """Yield the passwords of the environment's proxies, and their base64 forms, even if the URLs are malformed."""
    for proxy in getproxies().values():
        user, found, _dummy = re.sub(r"^[A-Za-z0-9+.-]*://", "", proxy).rpartition("@")
        if found:
            name, _dummy, password = user.partition(":")
            yield password or name
            # If the password is not percent-encoded, libraries quote a part of it as the host.
            yield from re.split(r"[@:/#?\\\[\]]", password)
            for data in (unquote(user).encode("utf-8", "surrogateescape"), unquote(user).encode("latin-1", "replace")):
                yield base64.b64encode(data).decode()
