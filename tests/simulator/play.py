# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Play a fault on a connection.

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
from typing import Any, Literal
from urllib.parse import quote

from aiohttp import web

from . import uri

_CHUNK = 65536

#: Seconds for a client on a busy machine to read what was sent, before a reset makes its kernel discard that.
_BEFORE_RESET = 2

#: How an echo can be encoded.
_ENCODERS: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    # Gson and others may escape any character, for JSON within HTML.
    "json_escapes": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be", "surrogatepass").hex()),
    "html": html.escape,
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "url": lambda text: quote(text, safe=""),
}


@dataclass(frozen=True)
class Play:
    """What to do to a reply. Whatever is not set is that of the call's own reply. The connection then closes.

    ``body`` is a text or a list of pieces: a text; ``{base64: ...}``; ``{repeat: text, times: n}``;
    ``{echo: url | storage_password | headers | body}``, that part of the request, encoded by each of
    ``as: [json | json_escapes | html | shell | url, ...]`` in turn; ``{own: true}``, the body of the call's own reply.

    A call with a ``body`` is carried out only if ``own`` is one of its pieces. A call that is cut ``before`` its reply
    is not carried out, unless ``own`` is a piece: then it is, and the reply is lost.
    """

    #: Seconds before the first byte.
    delay: float = 0
    status: int | None = None
    #: The reason phrase. ZStack sends none, proxies do.
    reason: str = ""
    #: Headers to add or to replace; None removes one. Content-Length is right unless it is set here.
    headers: Mapping[str, str | None] = field(default_factory=dict)
    #: Lines after the headers that need not be valid headers, each a piece as in the body.
    lines: list[Any] = field(default_factory=list)
    body: str | list[Any] | None = None
    #: How often to compress the body. Its length is then not announced.
    gzip: int = 0
    #: Send a byte every ``pace`` seconds, from here on.
    drip: Literal["head", "body"] | None = None
    pace: float = 1
    #: Send nothing from here on, and end like this.
    cut: Literal["before", "middle"] | None = None
    by: Literal["close", "reset", "silence"] = "close"

    @property
    def needs_own_reply(self) -> bool:
        """Whether to carry out the call."""
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
    """Play *play* on *request*; *answer* returns the call's own reply, and *date* is its Date header.

    The reply that is returned is not sent, since the connection is closed.
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
        await asyncio.sleep(_BEFORE_RESET if play.cut == "middle" else 0)
        _reset(transport)
    transport.close()
    return web.Response()


async def _send(transport: asyncio.Transport, play: Play, own: web.Response, body: list[bytes], date: str) -> None:
    length = sum(map(len, body))
    headers = {
        "Date": date,
        "Content-Length": None if play.gzip else str(length),
        "Connection": "close",
        **play.headers,
    }
    lines = [
        f"HTTP/1.1 {play.status or own.status} {play.reason}".encode(),
        *(f"{name}: {value}".encode() for name, value in headers.items() if value is not None),
        *(_plain(line) for line in play.lines),
    ]
    chunks: Iterable[bytes] = [b"".join(body)[: length // 2]] if play.cut == "middle" else body
    for _dummy in range(play.gzip):
        chunks = _gzip(chunks)
    head = b"\r\n".join([*lines, b"", b""])
    await _write(transport, [head], play.pace if play.drip == "head" else 0)
    await _write(transport, chunks, play.pace if play.drip else 0)


async def _write(transport: asyncio.Transport, chunks: Iterable[bytes], pace: float) -> None:
    """Write *chunks*, or a byte every *pace* seconds if that is not 0, until the client leaves."""
    for chunk in (bytes([byte]) for each in chunks for byte in each) if pace else chunks:
        if transport.is_closing():
            return
        transport.write(chunk)
        await asyncio.sleep(pace)
        while transport.get_write_buffer_size() > _CHUNK and not transport.is_closing():
            await asyncio.sleep(0.001)


def _reset(transport: asyncio.Transport) -> None:
    """End the connection with a TCP reset: the way in which a socket closes that lingers for no time."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _repeated(data: bytes, times: int) -> list[bytes]:
    """Return *data* so many times, in chunks that share their memory."""
    at_once = _CHUNK // len(data) + 1
    whole, rest = divmod(times, at_once)
    return [data * at_once] * whole + [data * rest]


async def _body(play: Play, request: web.Request, own: web.Response) -> list[bytes]:
    """Return the body in chunks."""
    url = request.query.get("url", "")
    parsed = uri.parse(url)
    echo = {
        "url": url,
        "storage_password": parsed.password if parsed else "",
        "headers": "\n".join(f"{name}: {value}" for name, value in request.headers.items()),
        "body": await request.text(),
    }
    chunks: list[bytes] = []
    for piece in play.pieces:
        if isinstance(piece, str) or "base64" in piece:
            chunks.append(_plain(piece))
        elif "own" in piece:
            assert isinstance(own.body, bytes)
            chunks.append(own.body)
        elif "echo" in piece:
            text = echo[piece["echo"]]
            for encoder in piece.get("as", ()):
                text = _ENCODERS[encoder](text)
            chunks.append(text.encode())
        else:
            chunks += _repeated(piece["repeat"].encode(), piece["times"])
    return chunks


def _plain(piece: str | Mapping[str, str]) -> bytes:
    return piece.encode() if isinstance(piece, str) else base64.b64decode(piece["base64"])


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()
