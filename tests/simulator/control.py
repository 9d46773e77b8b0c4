# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's own calls, for whoever only has its address: see the open sessions, arm and clear faults.

::

    GET    /simulator/sessions                                   {"sessions": [{"uuid": "...", "account": "admin"}]}
    PUT    /simulator/fault     {"fault": "html_502", "on": "scan", "times": 1}; only ``fault`` is needed
    DELETE /simulator/fault                                      no more faults
"""

from __future__ import annotations

from aiohttp import web

from .faults import Player
from .sessions import SessionStore

#: Where these calls live: outside of any context path that a ZStack has.
CONTROL = "/simulator/"


def control_routes(sessions: SessionStore, faults: Player) -> list[web.RouteDef]:
    """The routes of these calls."""

    async def list_sessions(_dummy: web.Request) -> web.Response:
        alive = sessions.alive().values()
        return web.json_response({"sessions": [{"uuid": each.uuid, "account": each.account} for each in alive]})

    async def arm(request: web.Request) -> web.Response:
        try:
            wanted = await request.json()
            faults.arm(wanted["fault"], wanted.get("on"), wanted.get("times"))
        except (LookupError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({})

    async def clear(_dummy: web.Request) -> web.Response:
        faults.clear()
        return web.json_response({})

    return [
        web.get(CONTROL + "sessions", list_sessions, allow_head=False),
        web.put(CONTROL + "fault", arm),
        web.delete(CONTROL + "fault", clear),
    ]
