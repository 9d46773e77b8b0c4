# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query calls of the API: their parameters, as RestServer reads them, and their conditions, as ZQL does."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from multidict import MultiMapping

from .replies import failed, refused

#: In the order in which the server looks for them, anywhere in the condition.
OPERATORS = ("!=", ">=", "<=", "!?=", "!~=", "~=", "?=", "=", ">", "<", "is null", "not null")

_COMPARISONS = {"=": operators.eq, ">": operators.gt, "<": operators.lt, ">=": operators.ge, "<=": operators.le}

#: What selects by the system tags of a resource, instead of by one of its fields.
SYSTEM_TAG = "__systemTag__"

Row = Mapping[str, Any]


class Inventory(NamedTuple):
    """A class of the reply, and its fields."""

    name: str
    fields: Sequence[str]


class Condition(NamedTuple):
    """A value of the parameter ``q``."""

    name: str
    operator: str
    value: str = ""


@dataclass(frozen=True)
class Query:
    """The parameters of a query."""

    conditions: list[Condition] = field(default_factory=list)
    limit: int = 1000
    start: int = 0
    sort: str | None = None
    descending: bool = False
    with_total: bool = False

    @classmethod
    def read(cls, parameters: MultiMapping[str]) -> Query:
        """Return the query in the parameters of a request, of which unknown ones are ignored; raises Refused."""
        first = {name: parameters.getone(name).strip() for name in parameters}
        sort = first.get("sort", "")
        return cls(
            conditions=[_condition(text) for text in parameters.getall("q", [])],
            limit=_integer(first, "limit", 1000),
            start=_integer(first, "start", 0),
            sort=sort.lstrip(sort[:1]) if sort[:1] in ("+", "-") else sort or None,
            descending=sort.startswith("-"),
            with_total=first.get("replyWithCount", "").lower() == "true",
        )

    def run(self, rows: Sequence[Row], inventory: Inventory, tags: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the reply: those of *rows* that fulfil all conditions. *tags* are the system tags by UUID.

        Raises Refused for a condition that ZQL cannot read, and for a field that *inventory* does not have.
        """
        for name in filter(None, [self.sort, *(each.name for each in self.conditions)]):
            if name not in (*inventory.fields, SYSTEM_TAG):
                raise failed("SYS.1000", f"inventory class[class {inventory.name}] not having field[{name}]")
        for condition in self.conditions:
            if "'" in condition.value:
                # The server writes \', which ZQL does not know: the text ends there.
                words = f"token recognition error at: ''' at line 1:{condition.value.index(chr(39))}"
                raise failed("SYS.1000", f"error {words}, {condition.value}")
        found = [row for row in rows if all(_fulfils(row, each, tags) for each in self.conditions)]
        if self.sort:
            name = self.sort
            found.sort(key=lambda row: (row.get(name) is not None, _comparable(row.get(name))), reverse=self.descending)
        page = found[self.start : self.start + self.limit]
        reply: dict[str, Any] = {"inventories": page}
        if self.with_total:
            reply["total"] = len(found)
        reply["schema"] = {f"inventories[{index}]": inventory.name for index in reversed(range(len(page)))}
        return reply


def _condition(text: str) -> Condition:
    operator = next((each for each in OPERATORS if each in text), None)
    if operator is None:
        raise refused(
            400,
            f"Invalid query parameter. The '{text}' in the parameter[q] doesn't contain any query operator. "
            f"Valid query operators are [{', '.join(OPERATORS)}]",
        )
    # Java's split leaves out what is empty, before the operator, behind it, and between two.
    name, _dummy, value = _without_start(text, operator).partition(operator)
    parts = [part for part in (name, _without_start(value, operator)) if part]
    if operator.endswith("null"):
        return Condition(parts[0].strip() if parts else "", operator)
    if len(parts) != 2:
        raise refused(
            400,
            f"Invalid query parameter. The '{text}' in parameter[q] is not a key-value pair split by {operator}",
        )
    return Condition(parts[0].strip(), operator, parts[1])


def _without_start(text: str, operator: str) -> str:
    while text.startswith(operator):
        text = text.removeprefix(operator)
    return text


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise refused(400, f"Invalid query parameter. '{name}' must be an integer")
    return int(text)


def _fulfils(row: Row, condition: Condition, tags: Mapping[str, Sequence[str]]) -> bool:
    operator = condition.operator
    has = list(tags.get(row["uuid"], ())) if condition.name == SYSTEM_TAG else [row.get(condition.name)]
    if operator in ("is null", "not null"):
        return any(each is not None for each in has) == (operator == "not null")
    if operator.startswith("!"):
        positive = Condition(condition.name, operator[1:], condition.value)
        return any(each is not None for each in has) and not _fulfils(row, positive, tags)
    return any(_matches(each, operator, condition.value) for each in has if each is not None)


def _matches(actual: Any, operator: str, value: str) -> bool:
    if operator == "?=":
        return any(_comparable(actual) == _as(actual, each) for each in value.split(","))
    if operator == "~=":
        pattern = re.escape(value.casefold()).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, str(actual).casefold(), re.DOTALL) is not None
    return bool(_COMPARISONS[operator](_comparable(actual), _as(actual, value)))


def _as(actual: Any, value: str) -> Any:
    """Return *value* as the type of the field."""
    try:
        return type(actual)(value) if isinstance(actual, (int, float)) else _comparable(value)
    except ValueError:
        raise failed("SYS.1000", f'For input string: "{value}"') from None


def _comparable(value: Any) -> Any:
    # MySQL compares texts in any case.
    return value.casefold() if isinstance(value, str) else value
