# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator reads and writes what real Java reads and writes: the lines of tests/java."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import uri
from ansible_collections.zstack.cloud.tests.simulator.java import offset_id, parse_date, timestamp, zone
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

NOON = datetime(2026, 11, 23, 12)
Pair = tuple[Any, Any]


def date_of(java: int, line: dict[str, Any]) -> Pair:
    expected = line["wall_clock"] and datetime.fromisoformat(line["wall_clock"])
    try:
        return parse_date(line["value"], java).replace(tzinfo=None), expected
    except ValueError:
        return None, expected


def url_of(_java: int, line: dict[str, Any]) -> Pair:
    return uri.parse(line["value"]) is not None, line["accepted"]


def time_of(java: int, line: dict[str, Any]) -> Pair:
    moment = datetime.fromisoformat(line["instant"].replace("Z", "+00:00"))
    return timestamp(moment.astimezone(zone(line["zone"]).zone), java), line["text"]


def zone_of(_java: int, line: dict[str, Any]) -> Pair:
    try:
        found = zone(line["value"])
    except ValueError:
        return (None, None), (line["id"], line["offset"])
    offset = NOON.replace(tzinfo=found.zone).utcoffset() or timedelta(0)
    return (found.name, offset_id(offset)), (line["id"], line["offset"])


@pytest.mark.parametrize(
    ("kind", "releases", "read"),
    [("date", (17, 25), date_of), ("url", (17, 25), url_of), ("time", (), time_of), ("zone", (), zone_of)],
)
def test_each_line_of_java_is_met(
    kind: str, releases: tuple[int, ...], read: Callable[[int, dict[str, Any]], Pair]
) -> None:
    cases = [param.values for param in lines(kind, *releases)]
    assert len(cases) > 20
    met = [(java, line, *read(java, line)) for java, line in cases]
    assert [case for case in met if case[2] != case[3]] == []


@pytest.mark.parametrize(("name", "hours"), [("UTC-05:00", -5), ("prc", 8), ("IST", 5.5), ("GMT", 0)])
def test_a_date_keeps_its_zone(name: str, hours: float) -> None:
    assert parse_date(f"Mon, 23 Nov 2026 08:05:09 {name}", 17).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("ssh://ro%40ot:p%2525%27%E5%AF%86@STORE.example.com/zs", ("ro@ot", "p%25'密", "store.example.com", 22)),
        ("ssh://root:pw@[2001:db8::20]:2222/zs", ("root", "pw", "2001:db8::20", 2222)),
        ("ssh://root:pw@store:/zs", ("root", "pw", "store", 22)),
        ("ssh://root:pw@store:65536/zs", ("root", "pw", "store", 22)),
    ],
)
def test_zstack_ctl_decodes_each_part_of_a_url_once(url: str, parts: tuple[Any, ...]) -> None:
    assert uri.parse(url) == parts
