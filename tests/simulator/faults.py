# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: their catalogue, and which request is affected by which fault."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import yaml

from .injection import Injection
from .node import ROUTES
from .replies import DESCRIPTIONS, system_error

CATALOGUE = Path(__file__).with_name("catalogue")
CALLS = (*ROUTES, "any")


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
    hint: str | None = None

    @property
    def waits(self) -> bool:
        """Whether only the client's time limit ends the call: the server is silent, or slower than anybody waits."""
        fault = self.injection
        return fault is not None and (fault.drip is not None or (fault.cut is not None and fault.by == "silence"))

    @classmethod
    def read(cls, name: str, entry: Mapping[str, Any]) -> Fault:
        """Return the fault of an entry; raise TypeError if it has an unknown key."""
        keys = _expanded(dict(entry))
        keys["says"] = tuple(keys.get("says", ()))
        is_whole = keys.pop("whole", True)
        if "client" in keys:
            return cls(name=name, **keys)
        injection = Injection(**{each.name: keys.pop(each.name) for each in fields(Injection) if each.name in keys})
        is_whole = is_whole and not (injection.cut or injection.drip or injection.bare)
        is_failed = keys.get("expect") != "ok"
        return cls(
            name, injection=injection, status=(injection.status or 200) if is_whole and is_failed else None, **keys
        )


def _expanded(keys: dict[str, Any]) -> dict[str, Any]:
    """Return an entry whose error, refusal or page is written as a reply."""
    if "error" in keys:
        error = keys.pop("error")
        error = {"code": error["code"], "description": DESCRIPTIONS[error["code"]], **error}
        says = [error["description"], *([error["details"]] if "details" in error else [])]
        body = json.dumps({"error": error}, ensure_ascii=False)
        return {"status": 503, "body": body, "code": error["code"], "says": says, **keys}
    if "refused" in keys:
        text = keys.pop("refused")
        return {"body": text, "refusal": True, "says": [text], **keys}
    if "page" in keys:
        headers = {"Content-Type": "text/html", **keys.pop("headers", {})}
        reason = HTTPStatus(keys.get("status", 200)).phrase
        return {"body": keys.pop("page"), "reason": reason, "headers": headers, **keys}
    return keys


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


class Faults:
    """The faults that a simulator is to inject, in the order in which they were added."""

    def __init__(self) -> None:
        #: What to inject, the call, and how often.
        self._planned: list[tuple[Injection, str, float]] = []

    def add(self, fault: str | Mapping[str, Any], on: str | None = None, times: int | None = None) -> None:
        """See Simulator.inject."""
        entry = catalogue()[fault] if isinstance(fault, str) else Fault("", "", Injection(**fault))
        call = on or entry.call
        if entry.injection is None:
            raise ValueError(f"{fault} is caused by the client's options {entry.client}, there is nothing to inject")
        if call not in CALLS:
            raise ValueError(f"no call is named {call!r}, only {', '.join(CALLS)}")
        self._planned.append((entry.injection, call, math.inf if times is None else times))

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def next_for(self, call: str | None) -> Injection | None:
        """Return what to inject into a request of *call*, or of an unknown call if it is None, and count that."""
        for number, (injection, on, left) in enumerate(self._planned):
            if on in (call, "any") and left > 0:
                self._planned[number] = (injection, on, left - 1)
                return injection
        return None
