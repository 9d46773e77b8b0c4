# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The simulator reads and writes what real Java reads and writes: the lines of tests/java."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import uri
from ansible_collections.zstack.cloud.tests.simulator.java import (
    double,
    integer,
    offset_id,
    parse_date,
    timestamp,
    zone,
)
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

NOON = datetime(2026, 11, 23, 12)


def date_of(java: int, line: dict[str, Any]) -> tuple[Any, Any]:
    expected = line["wall_clock"] and datetime.fromisoformat(line["wall_clock"])
    try:
        return parse_date(line["value"], java).replace(tzinfo=None), expected
    except ValueError:
        return None, expected


def url_of(_java: int, line: dict[str, Any]) -> tuple[Any, Any]:
    return uri.parse(line["value"]) is not None, line["accepted"]


def time_of(java: int, line: dict[str, Any]) -> tuple[Any, Any]:
    moment = datetime.fromisoformat(line["instant"].replace("Z", "+00:00"))
    return timestamp(moment.astimezone(zone(line["zone"]).zone), java), line["text"]


def zone_of(_java: int, line: dict[str, Any]) -> tuple[Any, Any]:
    try:
        found = zone(line["value"])
    except ValueError:
        return None, line["id"]
    offset = NOON.replace(tzinfo=found.zone).utcoffset()
    assert offset is not None
    return (found.name, offset_id(offset)), (line["id"], line["offset"])


@pytest.mark.parametrize(
    ("kind", "releases", "read"),
    [("date", (17, 25), date_of), ("url", (17, 25), url_of), ("time", (), time_of), ("zone", (), zone_of)],
)
def test_each_line_of_java_is_met(
    kind: str, releases: tuple[int, ...], read: Callable[[int, dict[str, Any]], tuple[Any, Any]]
) -> None:
    cases = [param.values for param in lines(kind, *releases)]
    assert len(cases) > 20
    met = [(java, line, *read(java, line)) for java, line in cases]
    assert [case for case in met if case[2] != case[3]] == []


@pytest.mark.parametrize(
    ("text", "zone_offset", "day"),
    [
        ("Mon, 23 Nov 2026 08:05:09 UTC-05:00", -5, 23),
        ("Mon, 23 Nov 2026 08:05:09 prc", 8, 23),
        ("Mon, 23 Nov 2026 08:05:09 IST", 5.5, 23),
        # A day that the month does not have
        ("Sat, 31 Feb 2026 08:05:09 GMT", 0, 28),
    ],
)
def test_a_date_keeps_its_zone(text: str, zone_offset: float, day: int) -> None:
    date = parse_date(text, 17)
    offset = date.utcoffset()
    assert offset is not None
    assert (offset.total_seconds() / 3600, date.day) == (zone_offset, day)


@pytest.mark.parametrize("time", ["24:00:01", "25:00:00", "08:60:09"])
def test_an_impossible_time_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match="could not be parsed"):
        parse_date(f"Mon, 23 Nov 2026 {time} GMT", 17)


def test_zstack_ctl_decodes_user_password_and_host_once() -> None:
    url = uri.parse("ssh://ro%40ot:p%2525%27%E5%AF%86@STORE.example.com/zs")
    assert url == ("ro@ot", "p%25'密", "store.example.com", 22)


@pytest.mark.parametrize(
    ("place", "port"), [("[2001:db8::20]:2222", 2222), ("store:", 22), ("store:65536", 22), ("store:0", 0)]
)
def test_the_ssh_port_is_the_one_that_python_2_finds(place: str, port: int) -> None:
    url = uri.parse(f"ssh://root:pw@{place}/zs")
    assert url is not None
    assert url.port == port


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0"), (9999999.0, "9999999.0"), (1e7, "1.0E7"), (12682240.0, "1.268224E7"), (-1e22, "-1.0E22")],
)
def test_longs_look_as_java_writes_doubles(value: float, text: str) -> None:
    assert double(value) == text


@pytest.mark.parametrize(
    ("text", "value"), [("8000", 8000), (" 8e3 ", 8000), ("8000.9d", 8000), ("NaN", 0), ("Infinity", 2**31 - 1)]
)
def test_an_integer_is_read_as_a_double_first(text: str, value: int) -> None:
    assert integer(text) == value
