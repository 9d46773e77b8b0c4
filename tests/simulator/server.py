# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web application: what every request goes through, and what Tomcat does to every reply."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler

from .faults import Faults
from .injection import inject
from .node import ManagementNode
from .replies import Refused, envelope, refused, tomcat_page
from .settings import Settings
from .site import Site

#: The prefix of the simulator's own paths, outside any context path: the list of open sessions, for playbooks.
CONTROL = "/simulator/"

#: The methods that ZStack's dispatcher serves.
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")

#: Bytes that Tomcat buffers. It sends longer bodies before it knows their length.
_BUFFER = 8192
#: The statuses after which Tomcat closes the connection.
_CLOSING = (400, 500, 503)


@dataclass(frozen=True)
class Request:
    """A request as the simulator received it.

    ``path`` does not include the context path, ``query`` holds the decoded pairs in their order, and the names of
    ``headers`` match in any case. ``connection`` is the same object for requests over the same TCP connection.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: str
    connection: object


class Server:
    """A management node on the web, with the requests that it received and the faults to inject."""

    def __init__(self, site: Site, settings: Settings) -> None:
        self.node = ManagementNode(site, settings)
        self.requests: list[Request] = []
        self.faults = Faults()
        self._calls: list[float] = []
        self._settings = settings
        self._context_path = settings.context_path

    def application(self) -> web.Application:
        """Return the aiohttp application of the API and, outside its context path, of the simulator's own call."""
        app = web.Application(middlewares=[self._middleware])
        for name, (path, handler) in self.node.calls().items():
            resource = app.router.add_resource(self._context_path + path, name=name)
            for method in METHODS:
                resource.add_route(method, handler)
        app.router.add_get(CONTROL + "sessions", self._list_sessions, allow_head=False)
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
        date, errors = self.node.clock.http_date(), self._settings.errors
        return await inject(fault, request, lambda: self._answer(request, handler), date, errors)

    async def _list_sessions(self, _dummy: web.Request) -> web.Response:
        alive = self.node.sessions.alive().values()
        return web.json_response({"sessions": [{"uuid": each.uuid, "account": each.account} for each in alive]})

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = self.node.api_path(request)
        is_api = f"{request.path}/".startswith(self._context_path + "/v1/")
        try:
            if not self._is_within_limit():
                raise refused(429, "Rate limit exceeded")
            reply = await handler(request)
        except Refused as refusal:
            reply = self._refusal(request, refusal)
        except web.HTTPMethodNotAllowed:
            is_api, reply = False, tomcat_page(405, f"Request method '{request.method}' not supported")
        except web.HTTPNotFound:
            page = tomcat_page(404, f"The requested resource [{request.path}] is not available")
            reply = self._refusal(request, refused(404, f"no api mapping to {path}")) if is_api else page
        assert isinstance(reply, web.Response)
        self._finish(request, reply, is_api)
        return reply

    def _refusal(self, request: web.Request, refusal: Refused) -> web.Response:
        """Return the reply to a request that is refused, in the form of the server's release."""
        reply = refusal.reply
        if refusal.plain and self._settings.errors == "json":
            reply.body = envelope(reply.status, reply.text or "", request.headers.get("Accept-Language", ""))
        return reply

    def _is_within_limit(self) -> bool:
        """Count a call, and return whether the minute before had less than the limit."""
        if self._settings.rate_limit is None:
            return True
        now = time.monotonic()
        self._calls = [each for each in self._calls if now - each < 60]
        if len(self._calls) >= self._settings.rate_limit:
            return False
        self._calls.append(now)
        return True

    def _finish(self, request: web.Request, reply: web.Response, is_api: bool) -> None:
        """Give *reply* what Tomcat adds."""
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
        query = list(request.query.items())
        path = request.rel_url.raw_path.removeprefix(self._context_path)
        self.requests.append(Request(request.method, path, query, request.headers.copy(), body, request.transport))

    async def _finish_headers(self, _dummy: web.Request, response: web.StreamResponse) -> None:
        """Send a management node's headers: its own Date, and neither Server nor Content-Type of aiohttp."""
        response.headers["Date"] = self.node.clock.http_date()
        response.headers.pop("Server", None)
        if response.content_type == "application/octet-stream":
            response.headers.pop("Content-Type", None)
