# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.java import double, timestamp
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller

TIMEZONE = "/v1/management-nodes/platform-timezone"
VERSION = "/v1/management-nodes/actions"


def read(text: str, zone: timezone = timezone.utc) -> datetime:
    return datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("java", "text"),
    [(8, "Nov 4, 2017 10:20:57 PM"), (9, "Nov 4, 2017, 10:20:57 PM"), (20, "Nov 4, 2017, 10:20:57\u202fPM")],
)
def test_timestamps_look_as_the_server_s_java_writes_them(java: int, text: str) -> None:
    assert timestamp(datetime(2017, 11, 4, 22, 20, 57), java) == text


@pytest.mark.parametrize(
    ("hour", "text"),
    [(0, "May 6, 2024 12:05:09 AM"), (9, "May 6, 2024 9:05:09 AM"), (12, "May 6, 2024 12:05:09 PM")],
)
def test_hours_are_those_of_a_clock_face(hour: int, text: str) -> None:
    assert timestamp(datetime(2024, 5, 6, hour, 5, 9), 8) == text


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
    ("zone", "offset"),
    [("Asia/Shanghai", "+08:00"), ("GMT+08:00", "+08:00"), ("Etc/UTC", "+00:00"), ("-03:30", "-03:30")],
)
def test_the_server_tells_its_zone(zone: str, offset: str) -> None:
    with Simulator(timezone=zone) as zstack:
        reply = Caller(zstack).get(TIMEZONE, zstack.open_session("admin"))
    assert reply.json() == {"timezone": zone, "offset": offset}


def test_the_zone_is_told_to_nobody_without_a_session(caller: Caller) -> None:
    assert caller.call("GET", TIMEZONE).status_code == 400


def test_the_version_is_told_to_everybody(caller: Caller) -> None:
    assert caller.call("PUT", VERSION, json={"getVersion": {}}).json() == {"version": "4.8.30"}
    assert caller.call("PUT", VERSION, json={"reboot": {}}).status_code == 400


def test_an_old_server_knows_neither_its_zone_nor_its_version() -> None:
    with Simulator(has_timezone_call=False, has_version_call=False) as zstack:
        zone = Caller(zstack).get(TIMEZONE, zstack.open_session("admin"))
        version = Caller(zstack).call("PUT", VERSION, json={"getVersion": {}})
    assert (zone.status_code, zone.text) == (404, f"no api mapping to {TIMEZONE}")
    assert (version.status_code, version.text) == (404, f"no api mapping to {VERSION}")


def test_a_login_tells_the_server_s_wall_clock_next_to_gmt() -> None:
    with Simulator(timezone="GMT-03:30", clock_offset=86400) as zstack:
        reply = Caller(zstack).log_in()
    inventory = reply.json()["inventory"]
    created, date = read(inventory["createDate"]), parsedate_to_datetime(reply.headers["Date"])
    assert reply.headers["Date"].endswith(" GMT")
    assert abs(date - created - timedelta(hours=3.5)) <= timedelta(seconds=1)
    assert abs(date - datetime.now(timezone.utc) - timedelta(days=1)) < timedelta(seconds=5)
    assert read(inventory["expiredDate"]) - created == timedelta(hours=2)


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 12, 23])
def test_the_newest_backup_is_of_the_last_night_at_any_hour(hour: int) -> None:
    shanghai = timezone(timedelta(hours=8))
    now = datetime.now(shanghai)
    then = now.replace(hour=hour, minute=30)
    with Simulator(clock_offset=(then - now).total_seconds()) as zstack:
        backups = Caller(zstack).scan().json()["backups"]
    times = [read(backup["createdTime"], shanghai) for backup in backups]
    assert times == sorted(times)
    assert timedelta(0) < then - times[-1] < timedelta(hours=24, minutes=1)
    assert timedelta(days=13) <= times[-1] - times[0] < timedelta(days=13, minutes=1)


def test_the_backups_are_named_after_their_date_and_version(caller: Caller) -> None:
    backup = caller.scan().json()["backups"][-1]
    assert backup["name"] == f"zstack-db-backup-4.8.30-{read(backup['createdTime']):%Y-%m-%d}"
