# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query calls of the API: their parameters, as RestServer reads them, and their conditions, as ZQL does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from multidict import MultiMapping

from .replies import failed, refused

#: In the order in which the server looks for them, anywhere in the condition. Of these, only = and ?= are simulated.
_OPERATORS = ("!=", ">=", "<=", "!?=", "!~=", "~=", "?=", "=", ">", "<", "is null", "not null")

Row = Mapping[str, Any]


class Inventory(NamedTuple):
    """A class of the reply, and its fields."""

    name: str
    fields: Sequence[str]


class Query(NamedTuple):
    """The parameters of a query. A condition is a field and its possible values."""

    conditions: Sequence[tuple[str, Sequence[str]]] = ()
    limit: int = 1000
    start: int = 0
    sort: str = ""
    with_total: bool = False

    @classmethod
    def read(cls, parameters: MultiMapping[str]) -> Query:
        """Return the query in the parameters of a request, of which unknown ones are ignored; raises Refused."""
        return cls(
            conditions=[_condition(text) for text in parameters.getall("q", [])],
            limit=_integer(parameters, "limit", 1000),
            start=_integer(parameters, "start", 0),
            sort=parameters.get("sort", ""),
            with_total=parameters.get("replyWithCount", "").lower() == "true",
        )

    def run(self, rows: Sequence[Row], inventory: Inventory) -> dict[str, Any]:
        """Return the reply: those of *rows* that fulfil all conditions. Raises Refused for an unknown field."""
        sort = self.sort.lstrip("+-")
        for name in [*filter(None, [sort]), *(name for name, _dummy in self.conditions)]:
            if name not in inventory.fields:
                raise failed("SYS.1000", f"inventory class[class {inventory.name}] not having field[{name}]")
        found = [row for row in rows if all(_text(row, name) in values for name, values in self.conditions)]
        if sort:
            found.sort(key=lambda row: _text(row, sort), reverse=self.sort.startswith("-"))
        page = found[self.start : self.start + self.limit]
        reply: dict[str, Any] = {"inventories": page}
        if self.with_total:
            reply["total"] = len(found)
        reply["schema"] = {f"inventories[{index}]": inventory.name for index in reversed(range(len(page)))}
        return reply


def _text(row: Row, name: str) -> str:
    # MySQL compares texts in any case.
    return str(row.get(name, "")).casefold()


def _condition(text: str) -> tuple[str, Sequence[str]]:
    operator = next((each for each in _OPERATORS if each in text), None)
    if operator is None:
        raise refused(400, f"Invalid query parameter. The '{text}' in the parameter[q] doesn't contain any operator")
    name, _dummy, value = text.partition(operator)
    if not name or not value:
        words = f"The '{text}' in parameter[q] is not a key-value pair split by {operator}"
        raise refused(400, f"Invalid query parameter. {words}")
    if "'" in value or "\\" in value or operator not in ("=", "?="):
        raise failed("SYS.1000", f"error token recognition error, {text}")
    return name.strip(), value.casefold().split(",") if operator == "?=" else [value.casefold()]


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise refused(400, f"Invalid query parameter. '{name}' must be an integer")
    return int(text)
