# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: their catalogue, and which request is affected by which fault."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from .injection import Injection
from .replies import system_error

CATALOGUE = Path(__file__).with_name("catalogue")
CALLS = ("scan", "login", "logout", "timezone", "version", "image_stores", "system_tags", "any")


@dataclass(frozen=True)
class Fault:
    """An entry of the catalogue. catalogue/README.md describes its fields."""

    name: str
    summary: str
    injection: Injection | None = None
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
        return self.injection is not None and (
            self.injection.drip is not None or (bool(self.injection.cut) and self.injection.by == "silence")
        )

    @classmethod
    def read(cls, name: str, entry: Mapping[str, Any]) -> Fault:
        """Return the fault of an entry; raise TypeError if it has an unknown key."""
        fields = dict(entry)
        injection = Injection(**fields.pop("inject")) if "inject" in fields else None
        return cls(**{**fields, "name": name, "injection": injection, "says": tuple(entry.get("says", ()))})


@cache
def catalogue(errors: str = "text") -> Mapping[str, Fault]:
    """Return all faults by name, in the order of their files, as a server with this form of *errors* sends them."""
    if errors == "json":
        return {
            name: replace(fault, code=system_error(fault.status))
            if fault.status and fault.injection and fault.injection.refusal
            else fault
            for name, fault in catalogue().items()
        }
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CATALOGUE.glob("*.yml"))]
    return {name: Fault.read(name, entry) for entries in files for name, entry in entries.items()}


@dataclass
class _Planned:
    injection: Injection
    on: str
    left: float


class Faults:
    """The faults that a simulator is to inject, in the order in which they were added."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, fault: str | Mapping[str, Any], on: str | None = None, times: int | None = None) -> None:
        """See Simulator.inject."""
        if isinstance(fault, str):
            entry = catalogue()[fault]
            injection, on = entry.injection, on or entry.call
        else:
            injection, on = Injection(**fault), on or "scan"
        if injection is None:
            raise ValueError(f"{fault} is caused by the client's options {entry.client}, there is nothing to inject")
        if on not in CALLS:
            raise ValueError(f"no call is named {on!r}, only {', '.join(CALLS)}")
        self._planned.append(_Planned(injection, on, math.inf if times is None else times))

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def next_for(self, call: str | None) -> Injection | None:
        """Return what to inject into a request of *call*, or of an unknown call if it is None, and count that."""
        for planned in self._planned:
            if planned.on in (call, "any") and planned.left > 0:
                planned.left -= 1
                return planned.injection
        return None
