# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The HTTP client. It takes a Call, and returns a Reply or raises ZStackError."""

from __future__ import annotations

import base64
import re
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import unquote
from urllib.request import getproxies

from ansible.module_utils.basic import missing_required_lib

from ._calls import Call, Reply, UnreadableResponse, ZStackError
from ._interrupts import Interrupts, Stopped, in_background
from ._json import parse_json
from ._options import Connection
from ._redaction import Redactor, one_line, redact_logs
from ._times import http_date

try:
    import requests
    import urllib3

    REQUESTS_IMPORT_ERROR = None
    _Session = requests.Session
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    _Session = object  # type: ignore[assignment,misc]

_BODY_LIMIT = 64 * 1024 * 1024
# The version of this collection. Modules cannot read galaxy.yml. A test compares the two.
VERSION = "1.0.0"
# JSON values in a response. 100,000 backups have about a million. 64 MiB of empty lists would have twenty million.
_VALUES_LIMIT = 3_000_000


class Pending(NamedTuple):
    """A call in progress."""

    call: Call
    reply: Future[Reply]
    deadline: float  # on the monotonic clock


class Client:
    """A connection to a management node that stays open between calls. A context manager.

    ``redact`` replaces all known secrets in a text. ``warn`` shows a warning with the server's address and without
    secrets. A signal that would end the process takes effect only after the ``with`` block has cleaned up.
    """

    def __init__(self, connection: Connection, warn: Callable[[str], None], secrets: Iterable[str] = ()) -> None:
        if REQUESTS_IMPORT_ERROR:
            raise ZStackError(missing_required_lib("requests"))
        self._connection = connection
        self._warn = warn
        self._interrupts = Interrupts()
        self._no_more_retries = threading.Event()
        self.redact = Redactor(*connection.credentials.values[-1:], *secrets, *_proxy_secrets())
        redact_logs()
        self._session = _NoRedirects()
        # Without cookies, a call depends only on its arguments, so calls can run in parallel.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"zstack.cloud/{VERSION} python-requests/{requests.__version__}"
        # The encodings that _read() can decompress within its limit.
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
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
        self._warn(one_line(self.redact(address + text.replace(address, ""))))

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
        if not pending.reply.done():
            return self._transport_failure(pending.call, TimeoutError())
        failure = pending.reply.exception()
        if failure is None:
            return pending.reply.result()
        return failure if isinstance(failure, ZStackError) else self._transport_failure(pending.call, failure)

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
        try:
            with self._session.request(
                call.method,
                self._connection.server + self._connection.context_path + call.path,
                params=list(call.query),
                json=call.body,
                auth=call.auth,
                # Only limits a single read. _wait() limits the whole call, including name resolution and servers that
                # send one byte per second.
                timeout=max(deadline - time.monotonic(), 0.001),
                # Set on the request, because REQUESTS_CA_BUNDLE takes precedence over the session's value.
                verify=self._connection.verify,
                allow_redirects=False,
                stream=True,
            ) as response:
                text = "" if 300 <= response.status_code < 400 else _read(response)
        # Invalid responses and proxies can make the libraries raise almost any exception.
        except Exception as exc:
            raise self._transport_failure(call, exc) from None
        return self.unwrap(call, response, text)

    # Code that only failures need is imported when a call fails. A module compiles its imports in every run.

    def _transport_failure(self, call: Call, exc: BaseException) -> ZStackError:
        from ._failures import transport_failure

        return transport_failure(call, exc, self._connection, self.redact)

    def failure(self, call: str, description: str, status: int) -> ZStackError:
        """Return the error for a response without the expected data."""
        from ._failures import NOT_ZSTACK

        return ZStackError(description, server=self._connection.address, call=call, status=status, hint=NOT_ZSTACK)

    def unwrap(self, call: Call, response: requests.Response, text: str) -> Reply:
        """Return the reply, or raise ZStackError. A response with an ``error`` is a failure at any status (doc)."""
        if len(text) > _VALUES_LIMIT < text.count(",") + text.count("[") + text.count("{"):
            words = f"the response contains more than {_VALUES_LIMIT:,} JSON values"
            raise self.failure(call.name, words, response.status_code)
        data = parse_json(text)
        if isinstance(data, dict) and data.get("error") is None and 200 <= response.status_code < 300:
            return Reply(data, http_date(response.headers.get("Date")), response.status_code)
        from ._failures import refusal

        raise refusal(call, response, text, data, self._connection, self.redact)


class _NoRedirects(_Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None. Otherwise, requests reads the whole body of a redirect, even without following it."""


def _read(response: requests.Response) -> str:
    """Return the body as text. Decompress it here, because urllib3 does not limit the decompressed size."""
    raw = response.raw
    # Otherwise, urllib3 before 2.0 accepts an incomplete body.
    raw.enforce_content_length = True
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise UnreadableResponse(f"the response has an unsupported Content-Encoding: {encoding}")
    inflater = zlib.decompressobj(wbits=47) if encoding not in ("", "identity") else None
    body = bytearray()
    while chunk := raw.read(65536, decode_content=False):
        body += inflater.decompress(chunk, _BODY_LIMIT + 1 - len(body)) if inflater else chunk
        if len(body) > _BODY_LIMIT or (raw.length_remaining or 0) > _BODY_LIMIT:
            raise UnreadableResponse(f"the response is larger than {_BODY_LIMIT >> 20} MiB")
    if inflater and body and not inflater.eof:
        raise UnreadableResponse("the compressed response is incomplete")
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
