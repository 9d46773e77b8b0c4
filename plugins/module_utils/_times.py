# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time zones and timestamps in the formats of ZStack. None always means the local time zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

# strptime's %b and %p would depend on the locale.
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}

# DateFormat of Java 8 ("Nov 14, 2017 10:20:57 PM"), 9 (a comma after the year), 20 (U+202F before PM).
_JAVA = re.compile(
    r"([A-Za-z]{3}) ([0-9]{1,2}), ([0-9]{4}),? ([0-9]{1,2}):([0-9]{2}):([0-9]{2})[ \u202f\xa0]([APap])[Mm]"
)
_ISO = (
    r"(?P<local>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)

# The range, in seconds since 1970, that can be converted to every time zone.
_FIRST, _LAST = (int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp()) for year in (2, 9999))


def parse_zone(name: str) -> tzinfo | None:
    """Return the time zone for an IANA name or an offset, including Java's ``GMT+08:00``, or None if it is invalid."""
    if name in ("Z", "GMT", "UTC", "UT"):
        return timezone.utc
    # Not -300, which is what YAML makes of -5:00 without quotes.
    offset = re.fullmatch(r"(?:GMT|UTC|UT)?([+-])([0-9]{2}|[0-9](?![0-9]))(?::?([0-5][0-9]))?", name)
    if offset:
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        # Java's ZoneId supports offsets up to 18 hours.
        return timezone(-distance if offset[1] == "-" else distance) if distance <= timedelta(hours=18) else None
    # Others mean the zone of whoever reads them, such as localtime.
    if not re.match("[A-Z]", name) or name == "Factory":
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def offset_name(zone: tzinfo | None) -> str:
    """Return the current offset of a time zone, such as +08:00."""
    return datetime.now(timezone.utc).astimezone(zone).isoformat()[-6:]


def http_date(text: str | None) -> datetime | None:
    """Return the time in a ``Date`` header in UTC, or None if it is missing, unreadable or out of range."""
    try:
        date = parsedate_to_datetime((text or "")[:100])
        # A date without a time zone is invalid in HTTP. Years out of this range cannot be converted to every time zone.
        return date.astimezone(timezone.utc) if date.tzinfo and 1970 < date.year < 9999 else None
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def read_epoch(value: Any, zone: tzinfo | None) -> int | None:
    """Return a timestamp of the server in seconds since 1970, or None if it is unreadable.

    ``zone`` is the server's time zone, which timestamps do not include. Supported are Java's formats, ISO 8601 with or
    without an offset, and milliseconds since 1970. If a local time occurs twice because clocks are set back, it means
    the earlier one, so that a backup never seems younger than it is.
    """
    try:
        if local := wall_clock(value):
            epoch = int(local.replace(tzinfo=zone).timestamp())
        elif isinstance(value, str) and (iso := re.fullmatch(_ISO, value.strip())):
            if not (offset := parse_zone(iso["offset"] or "")):
                return None
            epoch = int(datetime.fromisoformat(iso["local"]).replace(tzinfo=offset).timestamp())
        elif isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", value):
            epoch = int(value) // 1000
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            epoch = int(value // 1000)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None  # not a valid date, or out of range
    return epoch if _FIRST <= epoch <= _LAST else None


def wall_clock(value: Any) -> datetime | None:
    """Return a timestamp of the server as it is written, or None if it is unreadable or includes its time zone."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if java := _JAVA.fullmatch(text):
            month, day, year, hour, minute, second, half = java.groups()
            hours = int(hour) % 12 + (12 if half in "Pp" else 0)
            date = datetime(int(year), _MONTHS[month.lower()], int(day), hours, int(minute), int(second))
            return date if 1 <= int(hour) <= 12 else None
        iso = re.fullmatch(_ISO, text)
        return datetime.fromisoformat(iso["local"]) if iso and not iso["offset"] else None
    except (ValueError, KeyError):
        return None  # not a valid date
