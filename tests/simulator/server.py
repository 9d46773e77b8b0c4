# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web application: what happens to every request, whichever call it is, and what Tomcat does to the reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from uuid import uuid4
from weakref import WeakKeyDictionary

from aiohttp import web
from aiohttp.typedefs import Handler

from .control import CONTROL, control_routes
from .faults import Player
from .node import ManagementNode
from .replies import Refused, refused, tomcat_page
from .settings import Settings
from .site import Site

#: Those that ZStack's dispatcher serves.
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")

#: Bytes that Tomcat keeps back. A longer body is sent before its length is known.
_BUFFER = 8192
#: After these Tomcat closes the connection.
_CLOSING = (400, 500, 503)


@dataclass(frozen=True)
class Request:
    """A request that the simulator has seen.

    ``path`` is without the context path and ``query`` holds the decoded pairs in their order. ``headers`` can be asked
    in any case. ``connection`` is equal for requests over the same TCP connection.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: str
    connection: int


class Server:
    """A management node on the web, with a record of the requests it got and a player of faults."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.node = ManagementNode(site, settings)
        self.requests: list[Request] = []
        self.faults = Player(self.node.clock)
        self._context_path = settings.context_path
        # Weak keys, since the id of a transport that is gone may be given to the next one
        self._connections: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._connection_numbers = count(1)

    def application(self) -> web.Application:
        """Return the aiohttp application of the API and, outside of its context path, of the simulator's own calls."""
        app = web.Application(middlewares=[self._middleware])
        for name, (path, handler) in self.node.calls().items():
            resource = app.router.add_resource(self._context_path + path, name=name)
            for method in METHODS:
                resource.add_route(method, handler)
        app.add_routes(control_routes(self.node.sessions, self.faults))
        app.on_response_prepare.append(self._finish_headers)
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        await self._record(request)
        fault = self.faults.next_for(request.match_info.route.name)
        if fault is None:
            return await self._answer(request, handler)
        return await self.faults.play(fault, request, lambda: self._answer(request, handler))

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = self.node.api_path(request)
        is_api = f"{request.path}/".startswith(self._context_path + "/v1/")
        try:
            reply = await handler(request)
        except Refused as refusal:
            reply = refusal.reply
        except web.HTTPMethodNotAllowed:
            is_api, reply = False, tomcat_page(405, f"Request method '{request.method}' not supported")
        except web.HTTPNotFound:
            page = tomcat_page(404, f"The requested resource [{request.path}] is not available")
            reply = refused(404, f"no api mapping to {path}").reply if is_api else page
        assert isinstance(reply, web.Response)
        self._finish(request, reply, is_api)
        return reply

    def _finish(self, request: web.Request, reply: web.Response, is_api: bool) -> None:
        """Make *reply* one of Tomcat's."""
        reply.set_status(reply.status, reason="")
        if is_api and "JSESSIONID" not in request.cookies:
            path = self._context_path or "/"
            reply.headers["Set-Cookie"] = f"JSESSIONID={uuid4().hex.upper()}; Path={path}; HttpOnly"
        if isinstance(reply.body, bytes) and len(reply.body) > _BUFFER:
            reply.enable_chunked_encoding()
        if reply.status in _CLOSING:
            reply.force_close()

    async def _record(self, request: web.Request) -> None:
        body = (await request.read()).decode(errors="replace")
        if request.transport not in self._connections:
            self._connections[request.transport] = next(self._connection_numbers)
        connection = self._connections[request.transport]
        query = list(request.query.items())
        path = request.rel_url.raw_path.removeprefix(self._context_path)
        self.requests.append(Request(request.method, path, query, request.headers.copy(), body, connection))

    async def _finish_headers(self, _dummy: web.Request, response: web.StreamResponse) -> None:
        """Leave the headers as a management node sends them: its own Date, and no Content-Type of aiohttp's."""
        response.headers["Date"] = self.node.clock.http_date()
        response.headers.pop("Server", None)
        if response.content_type == "application/octet-stream":
            response.headers.pop("Content-Type", None)
