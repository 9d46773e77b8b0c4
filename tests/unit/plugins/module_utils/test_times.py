# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and zones, as Java writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import formatdate
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._times import (
    http_date,
    offset_name,
    parse_zone,
    read_epoch,
)
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines


def read_time(value: Any, zone: tzinfo | None) -> datetime | None:
    """Return a timestamp as a time in its zone, or None, as the code does for a backup."""
    epoch = read_epoch(value, zone)
    return None if epoch is None else datetime.fromtimestamp(epoch, timezone.utc).astimezone(zone)


@pytest.mark.parametrize(("release", "line"), lines("time"))
def test_every_timestamp_of_java_is_read_as_its_instant(release: int, line: dict[str, Any]) -> None:
    zone = parse_zone(line["zone"])
    time = read_time(line["text"], zone)
    instant = datetime.fromisoformat(line["instant"].replace("Z", "+00:00"))
    assert time
    assert (time, time.utcoffset()) == (instant, instant.astimezone(zone).utcoffset())


@pytest.mark.parametrize(("release", "line"), [each for each in lines("zone") if each.values[1]["id"]])
def test_every_zone_that_java_knows_is_the_same_zone(release: int, line: dict[str, Any]) -> None:
    # None of them has had a change of clocks since 2000.
    moment = datetime.fromisoformat(f"2026-11-23T08:05:09{line['offset'].replace('Z', '+00:00')}")
    for name in (line["value"], line["id"]):
        zone = parse_zone(name)
        assert zone is not None
        assert moment.astimezone(zone).utcoffset() == moment.utcoffset()


UNREADABLE: list[Any] = [
    *(None, True, [], {}, 1e300, float("inf"), 10**18, "", "yesterday", "Foo 14, 2017 10:20:57 PM"),
    *("Nov 31, 2017 10:20:57 PM", "Nov 14, 2017 13:20:57 PM", "Nov 14, 2017 0:20:57 AM", "2017-13-14T22:20:57"),
    *("0001-01-01T00:00:00+14:00", *(f"2024-05-06T02:00:11{offset}" for offset in ("+18:01", "-19", "+9959"))),
]
TIMES: list[tuple[str, Any, str | None]] = [
    *(
        ("Asia/Shanghai", written, "2017-11-14T22:20:57+08:00")
        for written in (
            # Java 8, 9 and 20
            *("Nov 14, 2017 10:20:57 PM", "Nov 14, 2017, 10:20:57 PM", "Nov 14, 2017, 10:20:57\u202fPM"),
            *("2017-11-14T22:20:57", "2017-11-14 22:20:57", "2017-11-14T14:20:57Z", "2017-11-14T14:20:57.123Z"),
            *("2017-11-14T16:20:57+02:00", "2017-11-14T16:20:57.5+0200"),
            *(1510669257000, 1510669257999, 1510669257000.0, "1510669257000", "1510669257999"),
        )
    ),
    ("UTC", -1, "1969-12-31T23:59:59+00:00"),
    ("UTC", "May 6, 2024 12:00:00 AM", "2024-05-06T00:00:00+00:00"),
    ("UTC", "May 6, 2024 1:00:00 AM", "2024-05-06T01:00:00+00:00"),
    ("UTC", "May 6, 2024 12:00:00 PM", "2024-05-06T12:00:00+00:00"),
    ("UTC", "May 6, 2024 11:00:00 PM", "2024-05-06T23:00:00+00:00"),
    # These local times never were.
    ("Europe/Berlin", "Mar 29, 2026 2:30:00 AM", "2026-03-29T03:30:00+02:00"),
    ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),
    ("America/New_York", "Mar 8, 2026 2:30:00 AM", "2026-03-08T03:30:00-04:00"),
    ("Australia/Lord_Howe", "Oct 4, 2026 2:15:00 AM", "2026-10-04T02:45:00+11:00"),
    # Of local times that were twice, the earlier one
    ("Europe/Berlin", "Oct 25, 2026 2:30:00 AM", "2026-10-25T02:30:00+02:00"),
    ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
    ("Australia/Lord_Howe", "Apr 5, 2026 1:45:00 AM", "2026-04-05T01:45:00+11:00"),
    *(("UTC", written, None) for written in UNREADABLE),
]


@pytest.mark.parametrize(("zone", "written", "read"), TIMES)
def test_every_form_of_timestamp_is_read_in_the_servers_zone(zone: str, written: Any, read: str | None) -> None:
    time = read_time(written, parse_zone(zone))
    assert (time and time.isoformat()) == read


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
nearly_times = st.from_regex(r"[A-Z][a-z]{2} \d+, \d{4},? \d+:\d+:\d+ [AP]M", fullmatch=True)


nearly_zones = st.text() | st.from_regex(r"(GMT|UTC)?[+-]\d\d?:?\d*", fullmatch=True) | st.timezone_keys()


@given(values | nearly_times, nearly_zones)
def test_any_value_is_a_time_with_an_offset_or_none(value: Any, name: str) -> None:
    zone = parse_zone(name)
    assert zone is None or datetime(2024, 5, 6, tzinfo=zone).utcoffset() is not None
    time = read_time(value, zone)
    assert time is None or time.tzinfo


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        *((name, 8) for name in ("Asia/Shanghai", "+08:00", "+0800", "+8", "GMT+8", "GMT+08:00")),
        *[("UTC-05:30", -5.5), ("-00:30", -0.5), ("+18:00", 18), ("Etc/UTC", 0), ("Z", 0)],
        *((name, None) for name in ("", "Asia", "Asia/Nowhere", "../zoneinfo/UTC", "/etc/passwd", "\0", "a" * 300)),
        *((name, None) for name in ("+99", "+18:01", "+08:60", "+800", "\udcff")),
        # What YAML makes of -1:00, -5:00 and -0130 without quotes is no other offset.
        *((name, None) for name in ("-60", "-300", "-88", "600")),
        # These mean the zone of whoever reads them.
        *((name, None) for name in ("localtime", "posixrules", "Factory", "posix/Asia/Shanghai", "right/UTC", "local")),
    ],
)
def test_a_zone_is_an_iana_name_or_an_offset_or_none(name: str, offset: float | None) -> None:
    zone = parse_zone(name)
    assert (zone and datetime(2024, 5, 6, tzinfo=zone).utcoffset()) == (
        None if offset is None else timedelta(hours=offset)
    )


def test_an_offset_is_named_with_sign_hours_and_minutes() -> None:
    assert offset_name(ZoneInfo("Asia/Shanghai")) == "+08:00"
    assert offset_name(timezone(timedelta(hours=-5, minutes=-30))) == "-05:30"


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("Mon, 06 May 2024 03:00:11 GMT", "2024-05-06T03:00:11+00:00"),
        ("Mon, 06 May 2024 11:00:11 +0800", "2024-05-06T03:00:11+00:00"),
        ("Thu, 31 Dec 9998 23:59:59 GMT", "9998-12-31T23:59:59+00:00"),
        *((header, None) for header in (None, "", "yesterday", "," * 100_000, "\0", "Mon, 06 May 2024 03:00:11")),
        *((f"Fri, 31 Dec 9999 23:59:59 {zone}", None) for zone in ("GMT", "-1200")),
        *((f"Mon, 06 May 2024 03:00:11 {sign}999999999999", None) for sign in "+-"),
        *((f"Mon, {day} 03:00:11 GMT", None) for day in ("06 May 99999999999999999999", "99 May 2024", "06 Foo 2024")),
        ("Sat, 01 Jan 10000 00:00:00 GMT", None),
        ("Mon, 01 Jan 0999 00:00:00 +1400", None),
        ("Mon, 06 May 2024 25:00:11 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_a_date_header_is_read_in_utc_or_is_none(header: str | None, read: str | None) -> None:
    moment = http_date(header)
    assert (moment and moment.isoformat()) == read


nearly_dates = st.tuples(
    st.sampled_from(["Mon, ", "", "Mon ", ","]),
    st.integers(0, 40).map(str) | st.text(max_size=3),
    st.sampled_from(["May", "Feb", "Foo", "", "-"]),
    st.sampled_from(["1969", "1970", "2024", "9998", "9999", "10000", "24", "0", "999999999999", ""]),
    st.from_regex(r"\d{1,2}[:.]\d{1,2}([:.]\d{1,3})?", fullmatch=True) | st.text(max_size=8),
    st.from_regex(r"[+-]?\d{1,13}|[A-Z]{1,4}", fullmatch=True) | st.text(max_size=8),
).map(" ".join)
good_dates = st.integers(86400 * 365, 86400 * 365 * 8028).map(lambda seconds: formatdate(seconds, usegmt=True))


@settings(max_examples=300 if LONG else 100)
@given(good_dates, nearly_dates | st.text())
def test_any_date_header_is_a_time_in_every_zone_or_none(good: str, odd: str) -> None:
    assert http_date(good)
    for moment in filter(None, map(http_date, (good, odd))):
        for zone in ("UTC", "Pacific/Kiritimati", "-18:00", "+18:00"):
            assert moment.astimezone(parse_zone(zone)).tzinfo
