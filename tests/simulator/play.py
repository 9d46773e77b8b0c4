# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays a fault on a connection, byte by byte where it has to be.

A faulty reply goes to the transport as it is, since a web framework is there to prevent most of what is needed here:
lengths that are wrong, heads that never end, connections that break.
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
from typing import Any, Literal
from urllib.parse import quote

from aiohttp import web

from . import uri

_CHUNK = 65536

#: Seconds for the client to read what was sent, before a reset makes its kernel throw it away.
_BEFORE_RESET = 0.1

#: How an echo can be written.
_ENCODERS: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    # Gson and others may escape any character, for pages that hold JSON
    "json_escapes": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be", "surrogatepass").hex()),
    "html": html.escape,
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "url": lambda text: quote(text, safe=""),
}


@dataclass(frozen=True)
class Play:
    """What to do to a reply. The reply is the call's own where nothing else is said, and the connection then closes.

    ``body`` is a text or a list of pieces that are sent one after the other: a text; ``{base64: ...}``;
    ``{repeat: text, times: n}``, made while it is sent; ``{echo: url | storage_password | headers | body}``, that part
    of the request, encoded by each of ``as: [json | json_escapes | html | shell | url, ...]`` in turn; ``{own: true}``,
    the body that the call would have answered.

    A call whose ``body`` is given is carried out only if ``own`` is a piece of it. One that is cut ``before`` its
    reply is not carried out, or with ``own`` it is, and the reply is lost.
    """

    #: Seconds before the first byte.
    delay: float = 0
    status: int | None = None
    #: The reason phrase: ZStack sends none, proxies do.
    reason: str = ""
    #: Added to the reply's or put in place of them; None leaves one out. Content-Length is right if not given here.
    headers: Mapping[str, str | None] = field(default_factory=dict)
    #: Lines after the headers, each a piece of a body: whatever is no proper header.
    lines: list[Any] = field(default_factory=list)
    body: str | list[Any] | None = None
    #: How often to compress the body, while it is sent; its length is then not announced.
    gzip: int = 0
    #: Send a byte every ``pace`` seconds, from here on.
    drip: Literal["head", "body"] | None = None
    pace: float = 1
    #: Send no more from here on, and end ``by`` that.
    cut: Literal["before", "middle"] | None = None
    by: Literal["close", "reset", "silence"] = "close"

    @property
    def needs_own_reply(self) -> bool:
        """Whether the call is to be carried out."""
        return self.cut != "before" if self.body is None else {"own": True} in self.pieces

    @property
    def pieces(self) -> list[Any]:
        """The body as a list of pieces."""
        if self.body is None:
            return [{"own": True}]
        return self.body if isinstance(self.body, list) else [self.body]


async def perform(
    play: Play, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]], date: str
) -> web.StreamResponse:
    """Play *play* on *request*, where *answer* makes the call's own reply and *date* is its Date header.

    Returns a reply that aiohttp will not be able to send, the connection being closed.
    """
    transport = request.transport
    if transport is None:
        return web.Response()
    await asyncio.sleep(play.delay)
    own = await answer() if play.needs_own_reply else web.Response()
    assert isinstance(own, web.Response)
    if play.cut != "before":
        await _send(transport, play, own, await _body(play, request, own), date)
    if play.by == "silence" and play.cut:
        await asyncio.Event().wait()
    if play.by == "reset" and play.cut:
        await _reset(transport)
    transport.close()
    return web.Response()


async def _send(transport: asyncio.Transport, play: Play, own: web.Response, body: _Body, date: str) -> None:
    length = None if play.gzip else str(body.length)
    headers = {"Date": date, "Content-Length": length, "Connection": "close", **play.headers}
    lines = [
        f"HTTP/1.1 {play.status or own.status} {play.reason}".encode(),
        *(f"{name}: {value}".encode() for name, value in headers.items() if value is not None),
        *(_plain(line) for line in play.lines),
    ]
    chunks: Iterable[bytes] = body
    for _dummy in range(play.gzip):
        chunks = _gzip(chunks)
    if play.cut == "middle":
        chunks = _first(chunks, body.length // 2)
    head = b"\r\n".join([*lines, b"", b""])
    await _write(transport, [head], play.pace if play.drip == "head" else 0)
    await _write(transport, chunks, play.pace if play.drip else 0)


async def _write(transport: asyncio.Transport, chunks: Iterable[bytes], pace: float) -> None:
    """Write *chunks*, a byte every *pace* seconds if that is not 0; stops when the client has left."""
    for chunk in _single_bytes(chunks) if pace else chunks:
        if transport.is_closing():
            return
        transport.write(chunk)
        await asyncio.sleep(pace)
        while transport.get_write_buffer_size() > _CHUNK and not transport.is_closing():
            await asyncio.sleep(0.001)


async def _reset(transport: asyncio.Transport) -> None:
    """End the connection with a TCP reset, which is what closing means to a socket that lingers for no time."""
    await asyncio.sleep(_BEFORE_RESET)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Body:
    """The bytes of a reply's body, made as they are iterated over; their number is known before."""

    def __init__(self, pieces: list[tuple[bytes, int]]) -> None:
        self._pieces = [(data, times) for data, times in pieces if data]
        self.length = sum(len(data) * times for data, times in self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        for data, times in self._pieces:
            at_once = max(1, min(times, _CHUNK // len(data)))
            whole, rest = divmod(times, at_once)
            block = data * at_once
            for _dummy in range(whole):
                yield block
            yield data * rest


async def _body(play: Play, request: web.Request, own: web.Response) -> _Body:
    url = request.query.get("url", "")
    parsed = uri.parse(url)
    echo = {
        "url": url,
        "storage_password": parsed.password if parsed else "",
        "headers": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
        "body": await request.text(),
    }
    pieces: list[tuple[bytes, int]] = []
    for piece in play.pieces:
        if isinstance(piece, str) or "base64" in piece:
            pieces.append((_plain(piece), 1))
        elif "own" in piece:
            assert isinstance(own.body, bytes)
            pieces.append((own.body, 1))
        elif "echo" in piece:
            text = echo[piece["echo"]]
            for encoder in piece.get("as", ()):
                text = _ENCODERS[encoder](text)
            pieces.append((text.encode(), 1))
        else:
            pieces.append((piece["repeat"].encode(), piece["times"]))
    return _Body(pieces)


def _plain(piece: str | Mapping[str, str]) -> bytes:
    return piece.encode() if isinstance(piece, str) else base64.b64decode(piece["base64"])


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


def _single_bytes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for byte in chunk:
            yield bytes([byte])


def _first(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        if count <= 0:
            return
        yield chunk[:count]
        count -= len(chunk)
