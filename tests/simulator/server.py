# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web application: what happens to every request, whichever call it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from weakref import WeakKeyDictionary

from aiohttp import web
from aiohttp.typedefs import Handler

from .control import CONTROL, control_routes
from .faults import Player
from .node import ManagementNode
from .replies import Refused, refused
from .settings import Settings
from .site import Site


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
        """The aiohttp application that serves the API and, outside of its context path, the simulator's own calls."""
        app = web.Application(middlewares=[self._middleware])
        for name, (method, path, handler) in self.node.calls().items():
            app.router.add_route(method, self._context_path + path, handler, name=name)
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
        try:
            return await handler(request)
        except Refused as refusal:
            return refusal.reply
        except web.HTTPNotFound:
            return refused(404, f"no api mapping to {self._api_path(request)}").reply
        except web.HTTPMethodNotAllowed:
            return refused(405, f"{request.method} is not allowed for {self._api_path(request)}").reply

    async def _record(self, request: web.Request) -> None:
        body = (await request.read()).decode(errors="replace")
        if request.transport not in self._connections:
            self._connections[request.transport] = next(self._connection_numbers)
        connection = self._connections[request.transport]
        query = list(request.query.items())
        path = self._api_path(request)
        self.requests.append(Request(request.method, path, query, request.headers.copy(), body, connection))

    async def _finish_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Leave the headers as a management node sends them: its own Date, and no Content-Type."""
        response.headers["Date"] = self.node.clock.http_date()
        response.headers.pop("Server", None)
        if not request.path.startswith(CONTROL):
            response.headers.pop("Content-Type", None)

    def _api_path(self, request: web.Request) -> str:
        return request.rel_url.raw_path.removeprefix(self._context_path)
