# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inject a fault into a connection.

A faulty reply is written to the transport, since a web framework prevents most of what is needed here: wrong lengths,
heads without an end, broken connections.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote

from aiohttp import web

from . import uri
from .replies import envelope

_CHUNK = 65536
#: Seconds for a client on a busy machine to read what was sent, before a reset makes its kernel discard that.
_BEFORE_RESET = 2
#: A part of the request or of the call's own reply, and how it is encoded.
_QUOTE = re.compile(r"\$\{(own|url|storage_password|headers|body)((?:\|[a-z_]+)*)\}")
#: The times in the reply to a login.
_TIME = re.compile(r'(?<=Date":)"[^"]*"')


def _now() -> datetime:
    return datetime.now(timezone(timedelta(hours=8)))


_ENCODERS: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    # Gson and others may escape any character, for JSON within HTML.
    "json_escapes": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be", "surrogatepass").hex()),
    "html": html.escape,
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "url": lambda text: quote(text, safe=""),
    "iso_times": lambda text: _TIME.sub(f'"{_now().isoformat(timespec="seconds")}"', text),
    "epoch_times": lambda text: _TIME.sub(str(int(_now().timestamp() * 1000)), text),
}


@dataclass(frozen=True)
class Injection:
    """What to do to a reply. Whatever is not set is that of the call's own reply. The connection then closes.

    ``body`` is a text or a list of pieces: a text, ``{base64: ...}``, or ``{repeat: text, times: n}``. A text can quote
    a part of the request, ``${url}``, ``${storage_password}``, ``${headers}`` or ``${body}``, or the body of the call's
    own reply, ``${own}``. It is encoded by each of json, json_escapes, html, shell, url, iso_times and epoch_times
    that follow in turn: ``${url|html|json}``.

    A call with a ``body`` is carried out only if it quotes its own reply, or with ``carry_out``. A call that is cut
    ``before`` its reply is not carried out, unless it has one of these: then it is, and the reply is lost.
    """

    #: Seconds before the first byte.
    delay: float = 0
    status: int | None = None
    #: The reason phrase. ZStack sends none, proxies do.
    reason: str = ""
    #: Headers to add or to replace; None removes one. Content-Length is right unless it is set here.
    headers: Mapping[str, str | None] = field(default_factory=dict)
    #: Lines after the headers that need not be valid headers, each a text or ``{base64: ...}``.
    lines: list[Any] = field(default_factory=list)
    body: str | list[Any] | None = None
    #: Whether the body is a management node's plain text, which newer servers send as JSON.
    refusal: bool = False
    #: How often to compress the body with gzip. Its length is then not announced.
    gzip: int = 0
    #: Whether to carry out the call although nothing of its own reply is in the body.
    carry_out: bool = False
    #: Seconds that the Date lies behind, or ahead if negative.
    late: float = 0
    #: Whether to send the body alone, which is then no HTTP.
    bare: bool = False
    #: Send a byte every ``pace`` seconds, from here on.
    drip: Literal["head", "body"] | None = None
    pace: float = 1
    #: Send nothing from here on, and end like this.
    cut: Literal["before", "middle"] | None = None
    by: Literal["close", "reset", "silence"] = "close"

    @property
    def pieces(self) -> list[Any]:
        """The body as a list of pieces."""
        if self.body is None:
            return ["${own}"] if self.cut != "before" else []
        return self.body if isinstance(self.body, list) else [self.body]

    @property
    def needs_own_reply(self) -> bool:
        """Whether to carry out the call."""
        return self.carry_out or any("${own" in piece for piece in self.pieces if isinstance(piece, str))


async def inject(
    fault: Injection, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]], date: str, errors: str
) -> web.StreamResponse:
    """Inject *fault* into the reply to *request*.

    *answer* returns the call's own reply, *date* is its Date header, and *errors* the form of the server's errors.

    The reply that is returned is not sent, since the connection is closed.
    """
    transport = request.transport
    if transport is None:
        return web.Response()
    await asyncio.sleep(fault.delay)
    own = await answer() if fault.needs_own_reply else web.Response()
    assert isinstance(own, web.Response)
    if fault.cut != "before":
        body = await _body(fault, request, own)
        if fault.refusal and errors == "json":
            body = [envelope(fault.status or own.status, b"".join(body).decode())]
        await _send(transport, fault, own, body, date)
    if fault.by == "silence" and fault.cut:
        await asyncio.Event().wait()
    if fault.by == "reset" and fault.cut:
        await asyncio.sleep(_BEFORE_RESET if fault.cut == "middle" else 0)
        # A socket that lingers for no time closes with a TCP reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    transport.close()
    return web.Response()


async def _send(
    transport: asyncio.Transport, fault: Injection, own: web.Response, body: list[bytes], date: str
) -> None:
    length = sum(map(len, body))
    headers = {
        "Date": format_datetime(parsedate_to_datetime(date) - timedelta(seconds=fault.late), usegmt=True),
        "Content-Length": None if fault.gzip else str(length),
        "Content-Encoding": ", ".join(["gzip"] * fault.gzip) or None,
        "Connection": "close",
        **fault.headers,
    }
    lines = [
        f"HTTP/1.1 {fault.status or own.status} {fault.reason}".encode(),
        *(f"{name}: {value}".encode() for name, value in headers.items() if value is not None),
        *(line.encode() if isinstance(line, str) else base64.b64decode(line["base64"]) for line in fault.lines),
    ]
    chunks: Iterable[bytes] = [b"".join(body)[: length // 2]] if fault.cut == "middle" else body
    for _dummy in range(fault.gzip):
        chunks = _gzip(chunks)
    head = b"" if fault.bare else b"\r\n".join([*lines, b"", b""])
    await _write(transport, [head], fault.pace if fault.drip == "head" else 0)
    await _write(transport, chunks, fault.pace if fault.drip else 0)


async def _write(transport: asyncio.Transport, chunks: Iterable[bytes], pace: float) -> None:
    """Write *chunks*, or a byte every *pace* seconds if that is not 0, until the client leaves."""
    for chunk in (bytes([byte]) for each in chunks for byte in each) if pace else chunks:
        if transport.is_closing():
            return
        transport.write(chunk)
        await asyncio.sleep(pace)
        while transport.get_write_buffer_size() > _CHUNK and not transport.is_closing():
            await asyncio.sleep(0.001)


async def _body(fault: Injection, request: web.Request, own: web.Response) -> list[bytes]:
    """Return the body in chunks."""
    url = request.query.get("url", "")
    parsed = uri.parse(url)
    parts = {
        "own": own.body.decode() if isinstance(own.body, bytes) else "",
        "url": url,
        # Decoded once, as zstack-ctl decodes it.
        "storage_password": parsed.password if parsed else "",
        "headers": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
        "body": await request.text(),
    }

    def quoted(match: re.Match[str]) -> str:
        text = parts[match[1]]
        for encoder in filter(None, match[2].split("|")):
            text = _ENCODERS[encoder](text)
        return text

    chunks: list[bytes] = []
    for piece in fault.pieces:
        if isinstance(piece, str):
            chunks.append(_QUOTE.sub(quoted, piece).encode())
        elif "base64" in piece:
            chunks.append(base64.b64decode(piece["base64"]))
        else:
            # In chunks that share their memory
            data = piece["repeat"].encode()
            at_once = _CHUNK // len(data) + 1
            whole, rest = divmod(piece["times"], at_once)
            chunks += [data * at_once] * whole + [data * rest]
    return chunks


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()
