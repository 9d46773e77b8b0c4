# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's clock, and how its Java reads and writes times, zones and JSON; tests/java holds what real Java does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

#: English in any locale, as in the server's formats.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

#: Python has them, but Java's ZoneId does not.
_NO_REGIONS = {"EST", "HST", "MST", "ROC", "Factory", "localtime"}
#: Java's ZoneId has them, but Python does not: names of UTC.
_UTC_NAMES = {"Z", "UT", "UTC", "GMT"}
#: Some of the short names in a Date. Java has some hundred more.
_SHORT_NAMES = {
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "CST": "America/Chicago",
    "PST": "America/Los_Angeles",
    "HKT": "Asia/Hong_Kong",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MSK": "Europe/Moscow",
    "SGT": "Asia/Singapore",
}

_encode = json.JSONEncoder(ensure_ascii=False).encode
_ZONE = re.compile(
    r"(?P<prefix>GMT|UTC|UT|)(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d)(?::?(?P<seconds>\d\d))?)?"
)
_DATE = re.compile(
    r"(?i)(?P<weekday>[a-z]{3}), (?P<day>\d\d) (?P<month>[a-z]{3}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<zone>\S+)",
    re.ASCII,
)


class Zone(NamedTuple):
    """A ZoneId: the name that Java gives it, and what it is."""

    name: str
    zone: tzinfo


class Clock:
    """The clock of a node in its time zone, *offset* seconds ahead of the real time.

    *java* is the release of the node's Java, which decides the form of timestamps.
    """

    def __init__(self, name: str, offset: float = 0, java: int = 8) -> None:
        self.name, self.zone = zone(name)
        self._offset = timedelta(seconds=offset)
        self._java = java

    def now(self) -> datetime:
        """Return the node's time in its zone, in whole seconds."""
        return (datetime.now(timezone.utc) + self._offset).astimezone(self.zone).replace(microsecond=0)

    def timestamp(self, moment: datetime) -> str:
        """Return *moment* as the node's Java writes it: in the node's zone, but without its name."""
        return timestamp(moment.astimezone(self.zone), self._java)

    def utc_offset(self) -> str:
        """Return the current offset of the node's zone as a ZoneOffset, such as ``+08:00`` or ``Z``."""
        return offset_id(self.now().utcoffset() or timedelta(0))

    def http_date(self) -> str:
        """Return the ``Date`` header of a reply: the node's time in GMT."""
        return format_datetime(self.now().astimezone(timezone.utc), usegmt=True)

    def read(self, date: str) -> datetime:
        """Return the time in the ``Date`` header of a request; raises ValueError for what the node's Java refuses."""
        return parse_date(date, self._java)


def timestamp(moment: datetime, java: int) -> str:
    """Return *moment* in DateFormat's medium form, without its zone: ``Nov 14, 2017 10:20:57 PM``.

    Java 9 added CLDR's comma after the year, Java 20 its narrow space before AM and PM (JDK release notes).
    """
    comma = "," if java >= 9 else ""
    space = "\u202f" if java >= 20 else " "
    half = "PM" if moment.hour >= 12 else "AM"
    day = f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}{comma}"
    return f"{day} {moment.hour % 12 or 12}:{moment:%M:%S}{space}{half}"


def dumps(value: Any) -> str:
    """Return *value* as Gson writes it: null fields left out, text as it is."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_encode(k)}:{dumps(v)}" for k, v in value.items() if v is not None) + "}"
    return "[" + ",".join(map(dumps, value)) + "]" if isinstance(value, list) else _encode(value)


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
    if match is None:
        raise ValueError(text)
    day = datetime(int(match["year"]), _MONTHS.index(match["month"].capitalize()) + 1, int(match["day"]))
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    # 24:00 is the next midnight.
    if minute > 59 or second > 59 or (hour, minute, second) > (24, 0, 0):
        raise ValueError(text)
    if _WEEKDAYS[day.weekday()] != match["weekday"].capitalize():
        raise ValueError(text)
    moment = day + timedelta(hours=hour, minutes=minute, seconds=second)
    return moment.replace(tzinfo=_zone_in_date(match["zone"].upper(), java))


def _zone_in_date(name: str, java: int) -> tzinfo:
    """Return the zone of a ``Date``, given its *name* in capitals, since any case is accepted."""
    offset = _ZONE.fullmatch(name)
    # Unlike ZoneId.of, the formatter requires two digits and the colon.
    if offset is not None and re.search(r"[+-]\d\d:\d\d(:\d\d)?$", name):
        return timezone(_offset(offset))
    if name in _UTC_NAMES:
        return timezone.utc
    is_refused = name == "SGT" if java >= 20 else name.startswith(("ETC/GMT+", "ETC/GMT-"))
    region = _SHORT_NAMES.get(name) or next((each for each in _regions() if each.upper() == name), None)
    if region is None or is_refused:
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
