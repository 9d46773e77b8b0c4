# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what they are, the catalogue of them, and which request gets which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from aiohttp import web

from .clock import Clock
from .play import Play, perform

CATALOGUE = Path(__file__).with_name("catalogue")
CALLS = ("scan", "login", "logout", "timezone", "version", "any")


@dataclass(frozen=True)
class Fault:
    """An entry of the catalogue; catalogue/README.md says what each field means."""

    name: str
    summary: str
    play: Play | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    call: str = "scan"
    retry_helps: bool = False
    leaves_session: bool = False
    expect: Literal["failed", "ok"] = "failed"
    status: int | None = None
    code: str | None = None
    says: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether only the client's time limit ends the call: the server is silent, or slower than anybody waits."""
        return self.play is not None and (
            self.play.drip is not None or (bool(self.play.cut) and self.play.by == "silence")
        )

    @classmethod
    def read(cls, name: str, entry: Mapping[str, Any]) -> Fault:
        """The fault that the catalogue describes with *entry*; raises TypeError for a key that does not exist."""
        play = Play(**entry["play"]) if "play" in entry else None
        return cls(**{**entry, "name": name, "play": play, "says": tuple(entry.get("says", ()))})


@cache
def catalogue() -> Mapping[str, Fault]:
    """All faults by name, in the order of their files."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CATALOGUE.glob("*.yml"))]
    return {name: Fault.read(name, entry) for entries in files for name, entry in entries.items()}


@dataclass
class _Armed:
    play: Play
    on: str
    left: int | None


class Player:
    """Holds the armed faults of a simulator and plays them; of several for one call, the first armed comes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._armed: list[_Armed] = []

    def arm(self, fault: str | Mapping[str, Any], on: str | None = None, times: int | None = None) -> None:
        """See Simulator.play."""
        if isinstance(fault, str):
            entry = catalogue()[fault]
            play, on = entry.play, on or entry.call
        else:
            play, on = Play(**fault), on or "scan"
        if play is None:
            raise ValueError(f"{fault} is made by the client's options {entry.client}, there is nothing to play")
        if on not in CALLS:
            raise ValueError(f"no call is named {on!r}, only {', '.join(CALLS)}")
        self._armed.append(_Armed(play, on, times))

    def clear(self) -> None:
        """Disarm all faults."""
        self._armed.clear()

    def next_for(self, call: str | None) -> Play | None:
        """What to play on a request of *call* (None: an unknown one), which counts as one of its times."""
        for armed in self._armed:
            if armed.on in (call, "any") and armed.left != 0:
                if armed.left is not None:
                    armed.left -= 1
                return armed.play
        return None

    async def play(
        self, play: Play, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Play it on *request*; *answer* is what the server would do without it."""
        return await perform(play, request, answer, self._clock.http_date())
