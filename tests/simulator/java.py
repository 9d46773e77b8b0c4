# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the server's Java writes times, numbers and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

#: English whatever the locale, as the server's DateFormat is fixed to US English.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_encode = json.JSONEncoder(ensure_ascii=False).encode
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?(\d{2}))?")


def timestamp(moment: datetime, java: int) -> str:
    """``Nov 14, 2017 10:20:57 PM``: DateFormat's medium form of the wall-clock time in *moment*, zone unsaid.

    Java 9 took up CLDR's comma behind the year, Java 20 its narrow space before AM and PM (JDK release notes).
    """
    comma = "," if java >= 9 else ""
    space = "\u202f" if java >= 20 else " "
    half = "PM" if moment.hour >= 12 else "AM"
    day = f"{MONTHS[moment.month - 1]} {moment.day}, {moment.year}{comma}"
    return f"{day} {moment.hour % 12 or 12}:{moment:%M:%S}{space}{half}"


def double(value: float) -> str:
    """``7995392.0``, ``1.268224E7``: Double.toString, which turns to an exponent from ten million on."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{Decimal(repr(value)):f}"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int), "neither NaN nor infinite"
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{fraction}E{exponent + len(digits) - 1}"


def dumps(value: Any) -> str:
    """JSON as Gson writes it: null fields left out, floats as Java's doubles, text as it is."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_encode(k)}:{dumps(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dumps, value)) + "]"
    return double(value) if isinstance(value, float) else _encode(value)


def zone(name: str) -> tzinfo:
    """The zone of a Java ZoneId: a region (``Asia/Shanghai``) or an offset (``GMT+08:00``, ``+08:00``).

    Raises zoneinfo.ZoneInfoNotFoundError or ValueError for a name that is neither.
    """
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name)
    sign, hours, minutes = match.groups(default="0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)
