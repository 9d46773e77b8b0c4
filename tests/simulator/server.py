# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The web application: what every request goes through, and what Tomcat does to every reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler

from .faults import Faults
from .injection import inject
from .node import ManagementNode
from .replies import Refused, envelope, refused, tomcat_page
from .site import Settings, Site

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
        self._settings = settings
        self._context_path = settings.context_path

    def application(self) -> web.Application:
        """Return the aiohttp application of the API."""
        app = web.Application(middlewares=[self._middleware])
        for name, (method, path, handler) in self.node.calls().items():
            app.router.add_route(method, self._context_path + path, handler, name=name)
        app.on_response_prepare.append(self._finish_headers)
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self._record(request)
        fault = self.faults.next_for(request.match_info.route.name)
        if fault is None:
            return await self._answer(request, handler)
        date, errors = self.node.clock.http_date(), self._settings.errors
        return await inject(fault, request, lambda: self._answer(request, handler), date, errors)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        is_api = f"{request.path}/".startswith(self._context_path + "/v1/")
        try:
            reply = await handler(request)
        except Refused as refusal:
            reply = self._refusal(refusal)
        except web.HTTPMethodNotAllowed:
            words = f"The method[{request.method}] is not allowed for the path[{request.rel_url.raw_path}]"
            reply = self._refusal(refused(405, words))
        except web.HTTPNotFound:
            words = f"no api mapping to {self.node.api_path(request)}"
            reply = self._refusal(refused(404, words)) if is_api else tomcat_page(404)
        assert isinstance(reply, web.Response)
        reply.set_status(reply.status, reason="")
        if is_api and "JSESSIONID" not in request.cookies:
            path = self._context_path or "/"
            reply.headers["Set-Cookie"] = f"JSESSIONID={uuid4().hex.upper()}; Path={path}; HttpOnly"
        if isinstance(reply.body, bytes) and len(reply.body) > _BUFFER:
            reply.enable_chunked_encoding()
        if reply.status in _CLOSING:
            reply.force_close()
        return reply

    def _refusal(self, refusal: Refused) -> web.Response:
        """Return the reply to a request that is refused, in the form of the server's release."""
        reply = refusal.reply
        if refusal.plain and self._settings.errors == "json":
            reply.body = envelope(reply.status, reply.text or "")
        return reply

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
