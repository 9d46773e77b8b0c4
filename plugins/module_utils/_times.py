# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Zones and timestamps as ZStack reads and writes them. A zone of None is this machine's own, throughout."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

# Not strptime's %b and %p, which follow the locale of whoever runs Ansible.
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# DateFormat of Java 8 ("Nov 14, 2017 10:20:57 PM"), 9 (a comma after the year), 20 (U+202F before PM).
_JAVA = re.compile(
    r"(?P<month>[A-Za-z]{3}) (?P<day>[0-9]{1,2}), (?P<year>[0-9]{4}),? "
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})[ \u202f\xa0](?P<half>[AP])M",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"(?P<local>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,][0-9]+)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def parse_zone(name: str) -> tzinfo | None:
    """Return the zone of an IANA name or an offset, also as Java writes it (``GMT+08:00``); None if it is neither."""
    if name in ("Z", "GMT", "UTC", "UT"):
        return timezone.utc
    offset = re.fullmatch(r"(?:GMT|UTC|UT)?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?", name)
    if offset:
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        # Java's ZoneId ends at 18 hours.
        return timezone(-distance if offset[1] == "-" else distance) if distance <= timedelta(hours=18) else None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def offset_name(zone: tzinfo | None) -> str:
    """Return the offset of a zone today, such as +08:00."""
    return datetime.now(timezone.utc).astimezone(zone).isoformat()[-6:]


def http_date(text: str | None) -> datetime | None:
    """Return the time of a ``Date`` header in UTC; None if it is missing, unreadable or not of our time."""
    try:
        date = parsedate_to_datetime((text or "")[:100])
        # A date without a zone is not HTTP's. Beyond these years, no zone could be applied.
        return date.astimezone(timezone.utc) if date.tzinfo and 1970 < date.year < 9999 else None
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def read_time(value: Any, zone: tzinfo | None) -> datetime | None:
    """Return a timestamp of the server, which does not write its zone, as a time in that zone; None if unreadable.

    Accepted are Java's texts, ISO 8601 with or without an offset, and milliseconds since 1970. A local time that
    occurs twice, when clocks are set back, is the earlier one: a backup is never taken for younger than it is.
    """
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value // 1000, timezone.utc).astimezone(zone)
        text = value.strip() if isinstance(value, str) else ""
        if re.fullmatch(r"[0-9]{1,15}", text):
            return read_time(int(text), zone)
        if java := _JAVA.fullmatch(text):
            year, day, hour, minute, second = (int(java[part]) for part in ("year", "day", "hour", "minute", "second"))
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if java["half"] in "Pp" else 0)
            local = datetime(year, _MONTHS.index(java["month"].lower()) + 1, day, hour, minute, second)
            return _in_zone(local, zone, zone)
        if iso := _ISO.fullmatch(text):
            local = datetime.fromisoformat(iso["local"])
            return _in_zone(local, parse_zone(iso["offset"]) if iso["offset"] else zone, zone)
    except (ValueError, OverflowError, OSError):
        pass  # no such day, or none that a datetime can hold
    return None


def _in_zone(local: datetime, written_in: tzinfo | None, zone: tzinfo | None) -> datetime:
    # By way of UTC, even within one zone: that moves a local time that never was to one that was.
    return local.replace(tzinfo=written_in).astimezone(timezone.utc).astimezone(zone)
