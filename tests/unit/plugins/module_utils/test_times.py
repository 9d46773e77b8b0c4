# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and zones, as Java writes and reads them."""

from __future__ import annotations

import itertools
import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from email.utils import formatdate
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._auth import java_date
from ansible_collections.zstack.cloud.plugins.module_utils._times import http_date, offset_name, parse_zone
from ansible_collections.zstack.cloud.tests.simulator.java import timestamp
from ansible_collections.zstack.cloud.tests.unit.plugins.times import read_time
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [datetime(2026, month, 23, 8, 5, 9, tzinfo=timezone.utc) for month in (1, 4, 7, 11)]
# Clocks of these are changed by an hour, or by half of one, at either end of the year.
CHANGING = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Auckland")


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(("release", "line"), lines("time"))
def test_every_timestamp_of_java_is_read_as_the_instant_that_it_was_written_for(
    release: int, line: dict[str, Any]
) -> None:
    zone = parse_zone(line["zone"])
    time = read_time(line["text"], zone)
    assert time is not None
    assert time.timestamp() == utc(line["instant"]).timestamp()
    assert time.utcoffset() == utc(line["instant"]).astimezone(zone).utcoffset()


@pytest.mark.parametrize(("release", "line"), [each for each in lines("zone") if each.values[1]["id"]])
def test_every_zone_that_java_knows_is_the_same_zone(release: int, line: dict[str, Any]) -> None:
    zone = parse_zone(line["value"])
    assert zone is not None
    by_id = parse_zone(line["id"])
    assert by_id is not None
    sign, hours, minutes = re.fullmatch(r"([+-])(\d\d):(\d\d)", line["offset"].replace("Z", "+00:00")).groups()  # type: ignore[union-attr]
    offset = int(f"{sign}1") * timedelta(hours=int(hours), minutes=int(minutes))
    # None of them had a change of clocks in these years.
    for _dummy, time in (each.values for each in lines("time", 17)):
        if time["instant"] > "2000":
            moment = utc(time["instant"])
            assert moment.astimezone(zone).utcoffset() == moment.astimezone(by_id).utcoffset() == offset


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
    winter, summer = (read_time(f"{month} 6, 2024 2:00:11 AM", BERLIN) for month in ("Jan", "Jul"))
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
def test_a_value_that_is_not_a_time_is_none(written: Any) -> None:
    assert read_time(written, timezone.utc) is None


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("Asia/Shanghai", 8),
        ("+08:00", 8),
        ("+0800", 8),
        ("+8", 8),
        ("GMT+8", 8),
        ("GMT+08:00", 8),
        ("UTC-05:30", -5.5),
        ("-00:30", -0.5),
        ("+18:00", 18),
        ("Etc/UTC", 0),
        ("Z", 0),
    ],
)
def test_a_zone_is_an_iana_name_or_an_offset_as_people_and_java_write_them(name: str, offset: float) -> None:
    zone = parse_zone(name)
    assert zone is not None
    assert datetime(2024, 5, 6, tzinfo=zone).utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Asia",
        "Asia/Nowhere",
        "../zoneinfo/UTC",
        "/etc/passwd",
        "\0",
        "a" * 300,
        "+99",
        "+18:01",
        "+08:60",
        "-300",
        "+800",
        "\udcff",
    ],
)
def test_a_name_that_is_not_a_zone_is_none(name: str) -> None:
    assert parse_zone(name) is None


@pytest.mark.parametrize(
    "form", ["{sign}{hour:02}:{minute:02}", "{sign}{hour}:{minute:02}", "{sign}{hour:02}{minute:02}"]
)
def test_an_offset_that_yaml_reads_as_a_number_is_never_another_offset(form: str) -> None:
    numbers = 0
    for sign, hour, minute in itertools.product("+-", range(1, 15), (0, 15, 30, 45)):
        written = form.format(sign=sign, hour=hour, minute=minute)
        value = yaml.safe_load(written)
        numbers += isinstance(value, int)
        assert parse_zone(str(value)) in (None, parse_zone(written)), written
    assert numbers > 10


def test_an_offset_is_named_with_sign_hours_and_minutes() -> None:
    assert offset_name(SHANGHAI) == "+08:00"
    assert offset_name(timezone(timedelta(hours=-5, minutes=-30))) == "-05:30"


def changes(zone: tzinfo) -> list[datetime]:
    """The instants of 2025 and 2026 at which the clocks of a zone are changed, in UTC."""
    hours = [datetime(2025, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hour) for hour in range(2 * 365 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:]) if before != after]


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("java", [8, 17, 25])
def test_no_instant_around_a_change_of_clocks_is_read_later_than_it_was(name: str, java: int) -> None:
    zone = ZoneInfo(name)
    assert len(changes(zone)) == 4
    inexact = 0
    for change in changes(zone):
        for minutes in range(-180, 181, 5):
            moment = change + timedelta(minutes=minutes)
            time = read_time(timestamp(moment.astimezone(zone), java), zone)
            assert time is not None
            early = moment.timestamp() - time.timestamp()
            # What is written is the same an hour before: the earlier one is taken.
            ambiguous = moment.astimezone(zone).fold == 1
            assert early == (seconds_of_change(zone, change) if ambiguous else 0)
            inexact += ambiguous
    assert inexact


def seconds_of_change(zone: tzinfo, change: datetime) -> float:
    hour = timedelta(hours=1)
    before, after = ((change + offset).astimezone(zone).utcoffset() for offset in (-hour, hour))
    assert before is not None and after is not None
    return abs((after - before).total_seconds())


@pytest.mark.parametrize(
    ("zone", "written", "read"),
    [
        ("Europe/Berlin", "Mar 29, 2026 2:30:00 AM", "2026-03-29T03:30:00+02:00"),
        ("America/New_York", "Mar 8, 2026 2:30:00 AM", "2026-03-08T03:30:00-04:00"),
        ("Australia/Lord_Howe", "Oct 4, 2026 2:15:00 AM", "2026-10-04T02:45:00+11:00"),
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),
    ],
)
def test_a_local_time_that_never_was_is_read_as_one_that_was(zone: str, written: str, read: str) -> None:
    time = read_time(written, ZoneInfo(zone))
    assert time is not None
    assert time.isoformat() == read


@pytest.mark.parametrize(
    ("zone", "written", "read"),
    [
        ("Europe/Berlin", "Oct 25, 2026 2:30:00 AM", "2026-10-25T02:30:00+02:00"),
        ("America/New_York", "Nov 1, 2026 1:30:00 AM", "2026-11-01T01:30:00-04:00"),
        ("Australia/Lord_Howe", "Apr 5, 2026 1:45:00 AM", "2026-04-05T01:45:00+11:00"),
    ],
)
def test_a_local_time_that_was_twice_is_read_as_the_earlier_one(zone: str, written: str, read: str) -> None:
    time = read_time(written, ZoneInfo(zone))
    assert time is not None
    assert time.isoformat() == read


# Those of Java and of Python may come from different releases of the tz database, but not from different rules.
zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(ZoneInfo) | st.integers(
    -18 * 60, 18 * 60
).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, timezone.utc))


@given(zone=zones, instant=instants, java=st.sampled_from([8, 17, 25]))
def test_any_instant_in_any_zone_is_read_as_it_was_or_as_the_earlier_of_two(
    zone: tzinfo, instant: datetime, java: int
) -> None:
    local = instant.astimezone(zone)
    time = read_time(timestamp(local, java), zone)
    assert time is not None
    assert time.replace(tzinfo=None) == local.replace(tzinfo=None)
    assert time.timestamp() <= instant.timestamp()
    assert local.fold or time.timestamp() == instant.timestamp()


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("Mon, 06 May 2024 03:00:11 GMT", "2024-05-06T03:00:11+00:00"),
        ("Mon, 06 May 2024 11:00:11 +0800", "2024-05-06T03:00:11+00:00"),
        ("Thu, 31 Dec 9998 23:59:59 GMT", "9998-12-31T23:59:59+00:00"),
    ],
)
def test_a_date_header_is_read_in_utc(header: str, read: str) -> None:
    moment = http_date(header)
    assert moment is not None
    assert moment.isoformat() == read


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "yesterday",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Sat, 01 Jan 10000 00:00:00 GMT",
        "Mon, 01 Jan 0999 00:00:00 +1400",
        "Mon, 06 May 99999999999999999999 03:00:11 GMT",
        "Mon, 06 May 2024 03:00:11 +999999999999",
        "Mon, 06 May 2024 03:00:11 -999999999999",
        "Mon, 06 May 2024 03:00:11",
        "Mon, 99 May 2024 03:00:11 GMT",
        "Mon, 06 May 2024 25:00:11 GMT",
        "Mon, 06 Foo 2024 03:00:11 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "," * 100_000,
        "\0",
    ],
)
def test_a_date_header_that_is_missing_unreadable_or_of_no_time_of_ours_is_told_by_none(header: str | None) -> None:
    assert http_date(header) is None


nearly_dates = st.tuples(
    st.sampled_from(["Mon, ", "", "Mon ", ","]),
    st.integers(0, 40).map(str) | st.text(max_size=3),
    st.sampled_from(["May", "Feb", "Foo", "", "-"]),
    st.sampled_from(["1969", "1970", "2024", "9998", "9999", "10000", "24", "0", "999999999999", ""]),
    st.from_regex(r"\d{1,2}[:.]\d{1,2}([:.]\d{1,3})?", fullmatch=True) | st.text(max_size=8),
    st.from_regex(r"[+-]?\d{1,13}|[A-Z]{1,4}", fullmatch=True) | st.text(max_size=8),
).map(" ".join)

good_dates = st.integers(86400 * 365, 86400 * 365 * 8028).map(lambda seconds: formatdate(seconds, usegmt=True))


def test_any_date_header_is_a_time_that_every_zone_can_be_applied_to_or_none() -> None:
    read: list[bool] = []

    @settings(max_examples=300)
    @given(good=good_dates, odd=nearly_dates | st.text())
    def check(good: str, odd: str) -> None:
        assert http_date(good)
        for header in (good, odd):
            moment = http_date(header)
            read.append(moment is not None)
            for zone in ("UTC", "Pacific/Kiritimati", "-18:00", "+18:00"):
                assert moment is None or moment.astimezone(parse_zone(zone)).tzinfo

    check()
    assert 0.4 < sum(read) / len(read) < 0.9, f"{sum(read)} of {len(read)} were read"


DATE = re.compile(
    r"(?P<weekday>[a-z]{3}), (?P<day>\d\d) (?P<month>[a-z]{3}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<zone>.*)",
    re.ASCII | re.IGNORECASE,
)
OFFSET = re.compile(r"(?:GMT|UTC|UT)?[+-](\d\d):(\d\d)(?::(\d\d))?", re.ASCII | re.IGNORECASE)
# By their names, some of those that Java knows. What we send has none of them.
NAMES = {
    *("GMT", "UTC", "UT", "Z", "CST", "EST", "EDT", "PST", "IST", "JST", "MSK", "CET", "CEST", "HKT", "SGT"),
    *("ASIA/SHANGHAI", "ETC/UTC", "ETC/GMT-8", "AMERICA/NEW_YORK", "PRC"),
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_java_date(text: str, release: int = 0) -> bool:
    """Return whether every release of Java reads a ``Date``, or one release."""
    match = DATE.fullmatch(text)
    if not match or match["month"].lower() not in MONTHS:
        return False
    try:
        day = date(int(match["year"]), MONTHS.index(match["month"].lower()) + 1, int(match["day"]))
    except ValueError:
        return False
    hour, minute, second = (int(match[unit]) for unit in ("hour", "minute", "second"))
    in_day = (hour < 24 and minute < 60 and second < 60) or (hour, minute, second) == (24, 0, 0)
    if not in_day or WEEKDAYS[day.weekday()] != match["weekday"].lower():
        return False
    if offset := OFFSET.fullmatch(match["zone"]):
        hours, minutes, seconds = (int(digits or 0) for digits in offset.groups())
        return minutes < 60 and seconds < 60 and hours * 3600 + minutes * 60 + seconds <= 18 * 3600
    by_release = {"SGT": release in (8, 17), "ETC/GMT-8": release == 25}
    return by_release.get(match["zone"].upper(), match["zone"].upper() in NAMES)


@pytest.mark.parametrize(("release", "line"), lines("date"))
def test_the_rules_for_a_date_here_are_those_of_java(release: int, line: dict[str, Any]) -> None:
    assert is_java_date(line["value"], release) is (line["wall_clock"] is not None)


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        (timezone.utc, "GMT+00:00"),
        (SHANGHAI, "GMT+08:00"),
        (ZoneInfo("America/St_Johns"), "GMT-03:30"),
        (parse_zone("-00:30"), "GMT-00:30"),
        (parse_zone("+18:00"), "GMT+18:00"),
        (timezone(timedelta(hours=5, minutes=30, seconds=15)), "GMT+05:30:15"),
        (timezone(-timedelta(minutes=30, seconds=15)), "GMT-00:30:15"),
    ],
)
def test_a_date_is_written_with_an_offset_that_has_a_colon(zone: tzinfo, written: str) -> None:
    text = java_date(MOMENTS[3].astimezone(zone))
    assert text.endswith(f" {written}")
    assert is_java_date(text)


@given(
    zone=zones | st.integers(-18 * 3600, 18 * 3600).map(lambda seconds: timezone(timedelta(seconds=seconds))),
    instant=instants,
    microsecond=st.integers(0, 999_999),
)
def test_every_date_that_is_sent_is_read_by_every_java(zone: tzinfo, instant: datetime, microsecond: int) -> None:
    local = instant.replace(microsecond=microsecond).astimezone(zone)
    text = java_date(local)
    assert is_java_date(text), text
    match = DATE.fullmatch(text)
    assert match
    wall_clock = [int(match[unit]) for unit in ("year", "day", "hour", "minute", "second")]
    assert wall_clock == [local.year, local.day, local.hour, local.minute, local.second]


@pytest.mark.parametrize("name", ["Asia/Shanghai", "Europe/Berlin", "+08:00", "+8", "GMT-05:30", "-00:30", "Etc/UTC"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_date_in_any_zone_of_the_option_is_read_by_every_java(name: str, moment: datetime) -> None:
    assert is_java_date(java_date(moment.astimezone(parse_zone(name))))


@pytest.mark.parametrize("milliseconds", [1_700_000_000_999, "1700000000999", -1])
def test_milliseconds_become_the_whole_second_that_they_are_in(milliseconds: object) -> None:
    read = read_time(milliseconds, timezone.utc)
    assert read == datetime.fromtimestamp(int(str(milliseconds)) // 1000, timezone.utc)


@pytest.mark.parametrize("offset", ["+18:01", "+19:00", "-19", "+9959"])
def test_a_timestamp_with_an_offset_that_does_not_exist_is_unreadable(offset: str) -> None:
    assert read_time(f"2024-05-06T02:00:11{offset}", timezone.utc) is None


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "posix/Asia/Shanghai", "right/UTC", "local"])
def test_a_name_that_means_the_zone_of_its_reader_is_no_zone(name: str) -> None:
    assert parse_zone(name) is None
