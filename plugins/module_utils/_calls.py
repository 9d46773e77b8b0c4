# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""A call to a management node, its reply, and the error if it fails: records that import nothing of this collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from requests.auth import AuthBase


class Reply(NamedTuple):
    data: dict[str, Any]
    date: datetime | None  # from the Date header, in UTC
    status: int


class Call(NamedTuple):
    """An API call. ``name`` is for messages, ``path`` starts with /v1, ``hint`` takes precedence over general hints."""

    name: str
    method: str
    path: str
    auth: AuthBase
    query: Sequence[tuple[str, str]] = ()
    body: dict[str, Any] | None = None
    hint: Callable[[Mapping[str, Any]], str | None] = lambda _error: None


class UnreadableResponse(Exception):
    """A response whose body cannot be read completely, or is too large to read."""


class ZStackError(Exception):
    """A failed call or an invalid option.

    As a string, it is a message on one line, with less than 2,000 characters. Its attributes are

    - ``error``: a dict with ``code``, ``description`` and ``details`` (str or None), ``causes`` (a list of dicts with
      these three keys, outermost first), ``server`` (``host:port``) and ``storage`` (str or None), and all other
      fields of the server's error, with keys in snake_case;
    - ``status``: the HTTP status (int), or None without a response;
    - ``transient``: whether a retry may help;
    - ``unknown_call``: whether the server does not support this call, as in older releases.
    """

    def __init__(
        self,
        error: dict[str, Any] | str,
        *,
        server: str | None = None,
        call: str | None = None,
        status: int | None = None,
        hint: str | None = None,
        transient: bool = False,
        unknown_call: bool = False,
    ) -> None:
        super().__init__()
        fields = error if isinstance(error, dict) else {"description": error}
        base: dict[str, Any] = {"code": None, "description": None, "details": None, "causes": []}
        self.error: dict[str, Any] = {**base, **fields, "server": server, "storage": None}
        self.status = status
        self.transient = transient
        self.unknown_call = unknown_call
        self._call = call
        self._hint = hint
        self._names_storage = False

    def with_storage(self, storage: str, named: bool) -> ZStackError:
        """Set the storage of the call. With ``named``, the message includes it."""
        self.error["storage"], self._names_storage = storage, named
        return self

    def __str__(self) -> str:
        from ._failures import failure_line

        where = [self.error["server"], self.error["storage"] if self._names_storage else None, self._call]
        return failure_line(where, self.error, self.status, self._hint)
