# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call to a management node, its reply, and the error if it fails: records that import nothing of this collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from requests import PreparedRequest

    Auth = Callable[[PreparedRequest], PreparedRequest]

Warn = Callable[[str], None]


class Hint(NamedTuple):
    reason: str  # a stable word, by which the hint can be translated
    text: str


NOT_ZSTACK = Hint("not_zstack", "This does not look like ZStack: check host, port, use_ssl and context_path.")


class Reply(NamedTuple):
    data: dict[str, Any]
    date: datetime | None  # from the Date header, in UTC
    status: int
    received: float  # on the monotonic clock

    @property
    def clock(self) -> float | None:
        """The difference between the server's clock and the monotonic one, in seconds."""
        return self.date.timestamp() - self.received if self.date else None


def no_auth(request: PreparedRequest) -> PreparedRequest:
    """Send no credentials. Without this, requests would send those for the host in ~/.netrc."""
    return request


class Call(NamedTuple):
    """An API call. ``name`` is for messages, and ``path`` starts with /v1.

    ``hints`` take precedence over general hints. They are chosen by error code, and by authentication method if they
    differ. ``output_hints`` are chosen by a phrase in the output of a command that failed on the management node.
    """

    name: str
    method: str
    path: str
    auth: Auth = no_auth
    query: Sequence[tuple[str, str]] = ()
    body: dict[str, Any] | None = None
    hints: Mapping[str, Hint | Mapping[str, Hint]] = {}
    output_hints: Mapping[str, Hint] = {}
    idempotent: bool = True  # whether a call that may have been carried out can be repeated


class ZStackError(Exception):
    """A failed call or an invalid option. As a string, it is a message on one line, with less than 2,000 characters.

    ``error`` and ``status`` are what the modules return. ``transient`` is whether a retry may help, ``unknown_call``
    whether the server does not support this call, as in older releases.
    """

    def __init__(
        self,
        message: str,
        *,
        fields: Mapping[str, Any] | None = None,
        server: str | None = None,
        call: str | None = None,
        status: int | None = None,
        hint: Hint | None = None,
    ) -> None:
        super().__init__()
        reason, text = hint or (None, None)
        known: dict[str, Any] = {"code": None, "description": message, "details": None, "causes": [], **(fields or {})}
        self.error = {**known, "server": server, "storage": None, "hint": text, "hint_reason": reason}
        self.status = status
        self.transient = self.unknown_call = False
        self._message = message
        self.call = call
        self._names_storage = False

    def with_storage(self, storage: str, named: bool) -> ZStackError:
        """Set the storage of the call. With ``named``, the message includes it."""
        self.error["storage"], self._names_storage = storage, named
        return self

    def __str__(self) -> str:
        where = [self.error["server"], self.error["storage"] if self._names_storage else None, self.call]
        line = ": ".join(filter(None, [*where, self._message]))
        if self.status is not None:
            line += f" (HTTP {self.status})"
        hint = self.error["hint"]
        return f"{line}{'' if line.endswith('.') else '.'} {hint}" if hint else line
