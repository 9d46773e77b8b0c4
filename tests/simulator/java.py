# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the server's Java reads and writes times, zones, numbers and JSON; tests/java holds what real Java does."""

from __future__ import annotations

import calendar
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

#: English in any locale, as in the server's formats.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

#: Python has them, but Java's ZoneId does not.
_NO_REGIONS = {"EST", "HST", "MST", "ROC", "Factory", "localtime"}
#: Java's ZoneId has them, but Python does not: names of UTC.
_UTC_NAMES = {"Z", "UT", "UTC", "GMT"}
#: The usual short names of zones. Java has some hundred more.
_SHORT_NAMES = {
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    **dict.fromkeys(("EET", "EEST"), "Europe/Helsinki"),
    "HKT": "Asia/Hong_Kong",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MSK": "Europe/Moscow",
    "SGT": "Asia/Singapore",
}

_encode = json.JSONEncoder(ensure_ascii=False).encode
_OFFSET = r"(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d)(?::?(?P<seconds>\d\d))?)?"
_ZONE = re.compile(rf"(?P<prefix>GMT|UTC|UT|){_OFFSET}")
_ZONE_IN_DATE = re.compile(rf"(?i)(?:GMT|UTC|UT|){_OFFSET}")
_DATE = re.compile(
    r"(?i)(?P<weekday>[a-z]{3}), (?P<day>\d\d) (?P<month>[a-z]{3}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<zone>\S+)",
    re.ASCII,
)
_DOUBLE = re.compile(r"(?P<number>[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))[fFdD]?", re.ASCII)


class Zone(NamedTuple):
    """A ZoneId: the name that Java gives it, and what it is."""

    name: str
    zone: tzinfo


def timestamp(moment: datetime, java: int) -> str:
    """Return *moment* in DateFormat's medium form, without its zone: ``Nov 14, 2017 10:20:57 PM``.

    Java 9 added CLDR's comma after the year, Java 20 its narrow space before AM and PM (JDK release notes).
    """
    comma = "," if java >= 9 else ""
    space = "\u202f" if java >= 20 else " "
    half = "PM" if moment.hour >= 12 else "AM"
    day = f"{MONTHS[moment.month - 1]} {moment.day}, {moment.year}{comma}"
    return f"{day} {moment.hour % 12 or 12}:{moment:%M:%S}{space}{half}"


def double(value: float) -> str:
    """Return *value* as Double.toString does, with an exponent from ten million on: ``7995392.0``, ``1.268224E7``."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{Decimal(repr(value)):f}"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int), "neither NaN nor infinite"
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{fraction}E{exponent + len(digits) - 1}"


def integer(text: str) -> int:
    """Return what ``Double.valueOf(text).intValue()`` does; raises ValueError with Java's message."""
    match = _DOUBLE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'For input string: "{text}"' if text.strip() else "empty String")
    value = float(match["number"])
    return 0 if math.isnan(value) else int(max(-(2.0**31), min(2.0**31 - 1, value)))


def dumps(value: Any) -> str:
    """Return *value* as Gson writes it: null fields left out, floats as Java's doubles, text as it is."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_encode(k)}:{dumps(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(dumps, value)) + "]"
    return double(value) if isinstance(value, float) else _encode(value)


def zone(name: str) -> Zone:
    """Return the zone of ``ZoneId.of(name)``; raises ValueError for what Java refuses."""
    if name in _UTC_NAMES:
        return Zone(name, timezone.utc)
    if name in _regions():
        return Zone(name, ZoneInfo(name))
    match = _ZONE.fullmatch(name)
    if match is None:
        raise ValueError(f"Unknown time-zone ID: {name}")
    offset = _offset(match)
    suffix = offset_id(offset)
    return Zone(match["prefix"] + suffix if suffix != "Z" else match["prefix"] or "Z", timezone(offset))


def offset_id(offset: timedelta) -> str:
    """Return the ID of a ZoneOffset: ``+08:00``, ``Z`` for none."""
    return datetime(2000, 1, 1, tzinfo=timezone(offset)).isoformat()[19:] if offset else "Z"


def parse_date(text: str, java: int) -> datetime:
    """Return the time in a ``Date`` header, aware of its zone, as the server's formatter reads it.

    Raises ValueError for what Java refuses. The vectors are of releases 17 and 25; 20 is taken as the limit.
    """
    match = _DATE.fullmatch(text)
    try:
        if match is not None:
            return (_day(match) + _time(match)).replace(tzinfo=_zone_in_date(match["zone"], java))
    except ValueError:
        pass
    raise ValueError(f"Text '{text}' could not be parsed")


def parse_any_date(text: str, java: int) -> datetime:
    """Return the time in a ``Date`` header, as newer servers read it: also in RFC 1123's form and in ISO 8601.

    Raises ValueError for what is none of these.
    """
    try:
        return parse_date(text, java)
    except ValueError:
        pass
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z")
    except ValueError:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _day(match: re.Match[str]) -> datetime:
    year, month, day = int(match["year"]), MONTHS.index(match["month"].capitalize()) + 1, int(match["day"])
    # Java's resolver takes a day that the month does not have for its last day.
    found = datetime(year, month, min(day, calendar.monthrange(year, month)[1]))
    if day > 31 or _WEEKDAYS[found.weekday()] != match["weekday"].capitalize():
        raise ValueError(match[0])
    return found


def _time(match: re.Match[str]) -> timedelta:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    # 24:00 is the next midnight.
    if minute > 59 or second > 59 or (hour, minute, second) > (24, 0, 0):
        raise ValueError(match[0])
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _zone_in_date(name: str, java: int) -> tzinfo:
    offset = _ZONE_IN_DATE.fullmatch(name)
    if offset is not None:
        # Unlike ZoneId.of, the formatter requires two digits and the colon.
        if re.search(r"[+-]\d\d:\d\d(:\d\d)?$", name) is None:
            raise ValueError(name)
        return timezone(_offset(offset))
    if name.upper() in {*_UTC_NAMES, "GMT0"}:
        return timezone.utc
    if name.upper() == "SGT" and java >= 20:
        raise ValueError(name)
    if re.match(r"(?i)etc/gmt[+-]", name) and java < 20:
        raise ValueError(name)
    region = _SHORT_NAMES.get(name.upper()) or next((each for each in _regions() if each.upper() == name.upper()), None)
    if region is None:
        raise ValueError(name)
    return ZoneInfo(region)


@cache
def _regions() -> set[str]:
    return available_timezones() - _NO_REGIONS


def _offset(match: re.Match[str]) -> timedelta:
    hours, minutes, seconds = (int(match[unit] or 0) for unit in ("hours", "minutes", "seconds"))
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if minutes > 59 or seconds > 59 or offset > timedelta(hours=18):
        raise ValueError(f"Invalid offset: {match[0]}")
    return -offset if match["sign"] == "-" else offset
