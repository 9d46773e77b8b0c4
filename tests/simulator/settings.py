# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be set about a simulator."""

from __future__ import annotations

from dataclasses import dataclass
from ssl import SSLContext
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """How a simulator behaves; the site file says what there is."""

    #: Port to listen on; 0 takes a free one.
    port: int = 0
    #: Speak https with this context.
    ssl: SSLContext | None = None
    #: ``infos`` as the API reference has it, or ``backups`` as today's servers answer.
    reply: Literal["backups", "infos"] = "backups"
    #: Major version of the server's Java, which decides the form of timestamps: it changed with 9 and with 20.
    java: int = 8
    #: The server's zone, as Java names it; None: the site's.
    timezone: str | None = None
    #: The server's clock minus the real one, in seconds.
    clock_offset: float = 0
    #: Whether the server knows platform-timezone; older ones do not.
    has_timezone_call: bool = True
    #: Whether the server knows getVersion.
    has_version_call: bool = True
    #: How many sessions an account may hold at once; None: the site's.
    session_limit: int | None = None
    #: Seconds from the last use of a session until it expires.
    session_life: float = 7200
    #: Whether the server knows AccessKeys; older ones do not.
    has_access_keys: bool = True
    #: Seconds that each scan takes.
    scan_seconds: float = 0
    #: The password of the first storage; None: the site's.
    storage_password: str | None = None
    #: Where the API is mounted, as Tomcat's context path.
    context_path: str = "/zstack"
    #: The server's rest.checkTimeZone: whether the zone in a signed request's Date counts.
    check_timezone: bool = False
