# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator reads and writes what real Java reads and writes."""

from __future__ import annotations

from datetime import datetime, timedelta
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


@pytest.mark.parametrize(("java", "line"), lines("date", 17, 25))
def test_a_date_header_is_read_as_java_reads_it(java: int, line: dict[str, Any]) -> None:
    if line["wall_clock"] is None:
        with pytest.raises(ValueError, match="could not be parsed"):
            parse_date(line["value"], java)
    else:
        read = parse_date(line["value"], java)
        assert read.replace(tzinfo=None) == datetime.fromisoformat(line["wall_clock"])
        assert read.utcoffset() is not None


@pytest.mark.parametrize(
    ("text", "offset"),
    [("GMT", 0), ("+08:00", 8), ("UTC-05:00", -5), ("Asia/Shanghai", 8), ("prc", 8), ("EST", -5), ("IST", 5.5)],
)
def test_a_date_header_has_the_zone_that_it_names(text: str, offset: float) -> None:
    assert parse_date(f"Mon, 23 Nov 2026 08:05:09 {text}", 17).utcoffset() == timedelta(hours=offset)


def test_a_day_that_the_month_lacks_is_its_last_day() -> None:
    assert parse_date("Sat, 31 Feb 2026 08:05:09 GMT", 17).day == 28


@pytest.mark.parametrize("time", ["24:00:01", "25:00:00", "08:60:09"])
def test_an_impossible_time_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match="could not be parsed"):
        parse_date(f"Mon, 23 Nov 2026 {time} GMT", 17)


@pytest.mark.parametrize(("_java", "line"), lines("url", 17, 25))
def test_a_url_is_accepted_if_java_finds_user_host_and_path_in_it(_java: int, line: dict[str, Any]) -> None:
    assert (uri.parse(line["value"]) is not None) == line["accepted"]


def test_zstack_ctl_decodes_user_password_and_host_once() -> None:
    url = uri.parse("ssh://ro%40ot:p%2525%27%E5%AF%86@STORE.example.com/zs")
    assert url == ("ro@ot", "p%25'密", "store.example.com", 22)


@pytest.mark.parametrize(
    ("url", "port"), [("[2001:db8::20]:2222", 2222), ("store:", 22), ("store:65536", 22), ("store:0", 0)]
)
def test_the_ssh_port_is_the_one_that_python_2_finds(url: str, port: int) -> None:
    parsed = uri.parse(f"ssh://root:pw@{url}/zs")
    assert parsed is not None
    assert parsed.port == port


@pytest.mark.parametrize(("java", "line"), lines("time"))
def test_a_timestamp_looks_as_java_writes_it(java: int, line: dict[str, Any]) -> None:
    moment = datetime.fromisoformat(line["instant"].replace("Z", "+00:00"))
    assert timestamp(moment.astimezone(zone(line["zone"]).zone), java) == line["text"]


@pytest.mark.parametrize(("_java", "line"), lines("zone"))
def test_a_zone_is_the_one_that_java_finds(_java: int, line: dict[str, Any]) -> None:
    if line["id"] is None:
        with pytest.raises(ValueError, match="Unknown time-zone ID"):
            zone(line["value"])
    else:
        found = zone(line["value"])
        offset = datetime(2026, 11, 23, tzinfo=found.zone).utcoffset()
        assert offset is not None
        assert (found.name, offset_id(offset)) == (line["id"], line["offset"])


@pytest.mark.parametrize("name", ["+19:00", "GMT-08:60"])
def test_an_offset_that_java_refuses_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Invalid offset"):
        zone(name)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (7995392.0, "7995392.0"),
        (9999999.0, "9999999.0"),
        (10000000.0, "1.0E7"),
        (12682240.0, "1.268224E7"),
        (94420992.0, "9.4420992E7"),
        (1e22, "1.0E22"),
        (-12682240.0, "-1.268224E7"),
    ],
)
def test_longs_look_as_java_writes_doubles(value: float, text: str) -> None:
    assert double(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("8000", 8000), ("8000.0", 8000), (" 8e3 ", 8000), ("8000.9d", 8000), ("NaN", 0), ("Infinity", 2**31 - 1)],
)
def test_an_integer_is_read_as_a_double_first(text: str, value: int) -> None:
    assert integer(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [("abc", 'For input string: "abc"'), ("8_000", 'For input string: "8_000"'), ("", "empty String")],
)
def test_a_text_that_is_not_a_double_is_refused_with_the_message_of_java(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        integer(text)
