# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._times import offset_name, parse_zone, read_time

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "written",
    [
        "Nov 14, 2017 10:20:57 PM",  # Java 8
        "Nov 14, 2017, 10:20:57 PM",  # Java 9
        "Nov 14, 2017, 10:20:57\u202fPM",  # Java 20
        "2017-11-14T22:20:57",
        "2017-11-14 22:20:57",
        "2017-11-14T14:20:57Z",
        "2017-11-14T14:20:57.123Z",
        "2017-11-14T16:20:57+02:00",
        "2017-11-14T16:20:57.5+0200",
        1510669257000,
        1510669257000.0,
        "1510669257000",
    ],
)
def test_every_form_of_timestamp_is_read_in_the_servers_zone(written: Any) -> None:
    time = read_time(written, SHANGHAI)
    assert time is not None
    assert time.isoformat() == "2017-11-14T22:20:57+08:00"


@pytest.mark.parametrize(
    ("written", "hour"), [("12:00:00 AM", 0), ("1:00:00 AM", 1), ("12:00:00 PM", 12), ("11:00:00 PM", 23)]
)
def test_noon_and_midnight_are_told_apart(written: str, hour: int) -> None:
    assert read_time(f"May 6, 2024 {written}", SHANGHAI) == datetime(2024, 5, 6, hour, tzinfo=SHANGHAI)


def test_each_time_is_read_with_the_offset_of_its_own_season() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    winter, summer = (read_time(f"{month} 6, 2024 2:00:11 AM", berlin) for month in ("Jan", "Jul"))
    assert winter and winter.isoformat() == "2024-01-06T02:00:11+01:00"
    assert summer and summer.isoformat() == "2024-07-06T02:00:11+02:00"


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "",
        "yesterday",
        "Foo 14, 2017 10:20:57 PM",
        "Nov 31, 2017 10:20:57 PM",
        "Nov 14, 2017 13:20:57 PM",
        "Nov 14, 2017 0:20:57 AM",
        "2017-13-14T22:20:57",
        "0001-01-01T00:00:00+14:00",
        1e300,
        float("inf"),
        10**18,
        [],
        {},
    ],
)
def test_what_is_no_time_is_told_by_none(written: Any) -> None:
    assert read_time(written, timezone.utc) is None


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("Asia/Shanghai", 8),
        ("+08:00", 8),
        ("+0800", 8),
        ("+8", 8),
        ("GMT+08:00", 8),
        ("UTC-05:30", -5.5),
        ("Etc/UTC", 0),
        ("Z", 0),
    ],
)
def test_a_zone_is_an_iana_name_or_an_offset_as_people_and_java_write_them(name: str, offset: float) -> None:
    zone = parse_zone(name)
    assert zone is not None
    assert datetime(2024, 5, 6, tzinfo=zone).utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Nowhere", "../zoneinfo/UTC", "/etc/passwd", "\0", "a" * 300, "+99"])
def test_what_is_no_zone_is_told_by_none(name: str) -> None:
    assert parse_zone(name) is None


def test_an_offset_is_named_with_sign_hours_and_minutes() -> None:
    assert offset_name(SHANGHAI) == "+08:00"
    assert offset_name(timezone(timedelta(hours=-5, minutes=-30))) == "-05:30"
