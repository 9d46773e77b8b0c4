# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of a management node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4


class TooManySessions(Exception):
    """The account has as many sessions as it may have at once."""


@dataclass(frozen=True)
class Session:
    """An open session. Its times are aware of their zone."""

    uuid: str
    account: str
    created: datetime
    expires: datetime


class SessionStore:
    """At most *limit* sessions of an account at once, each until *life* seconds after its last use.

    The server's thread and that of a test may use it at the same time.
    """

    def __init__(self, limit: int, life: float, now: Callable[[], datetime]) -> None:
        self._limit = limit
        self._life = timedelta(seconds=life)
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, account: str) -> Session:
        """Open a session of *account*, or raise TooManySessions."""
        with self._lock:
            held = sum(session.account == account for session in self._alive().values())
            if held >= self._limit:
                raise TooManySessions(account)
            created = self._now()
            session = Session(uuid4().hex, account, created, created + self._life)
            self._sessions[session.uuid] = session
            return session

    def use(self, uuid: str) -> str | None:
        """Renew a session, and return its account, or None if there is no such session."""
        with self._lock:
            session = self._alive().get(uuid)
            if session is not None:
                self._sessions[uuid] = replace(session, expires=self._now() + self._life)
            return session.account if session else None

    def close(self, uuid: str) -> None:
        """Close a session, unless it does not exist."""
        with self._lock:
            self._sessions.pop(uuid, None)

    def alive(self) -> dict[str, Session]:
        """Return the sessions that are neither closed nor expired, by UUID."""
        with self._lock:
            return self._alive()

    def _alive(self) -> dict[str, Session]:
        now = self._now()
        self._sessions = {uuid: session for uuid, session in self._sessions.items() if now < session.expires}
        return dict(self._sessions)
