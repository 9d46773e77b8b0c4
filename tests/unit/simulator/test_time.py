# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller, plain

TIMEZONE = "/v1/management-nodes/platform-timezone"
VERSION = "/v1/management-nodes/actions"
NO_ACTION = "the body doesn't contain action mapping to the URL[/v1/management-nodes/actions]"


def read(text: str, zone: timezone = timezone.utc) -> datetime:
    return datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Asia/Shanghai", "+08:00"), ("GMT+08:00", "+08:00"), ("Etc/UTC", "Z"), ("Z", "Z"), ("-03:30", "-03:30")],
)
def test_the_server_reports_its_zone(zone: str, offset: str) -> None:
    with Simulator(timezone=zone) as zstack:
        reply = Caller(zstack).get(TIMEZONE, zstack.open_session())
    assert reply.json() == {"timezone": zone, "offset": offset, "success": True}


def test_the_server_reports_its_zone_under_the_name_that_java_gives_it() -> None:
    with Simulator(timezone="GMT+8") as zstack:
        reply = Caller(zstack).get(TIMEZONE, zstack.open_session())
    assert reply.json()["timezone"] == "GMT+08:00"


def test_the_version_is_reported_without_a_login(caller: Caller) -> None:
    reply = caller.call("PUT", VERSION, json={"getVersion": {}})
    assert reply.json() == {"version": "4.8.30", "success": True}


def test_an_action_that_the_path_does_not_have_is_refused_in_plain_text(caller: Caller) -> None:
    for body in ("{}", '{"reboot": {}}'):
        assert plain(caller.call("PUT", VERSION, data=body)) == (400, NO_ACTION)


def test_an_old_server_reports_neither_its_zone_nor_its_version() -> None:
    with Simulator(has_timezone_call=False, has_version_call=False) as zstack:
        zone = Caller(zstack).get(TIMEZONE, zstack.open_session())
        version = Caller(zstack).call("PUT", VERSION, json={"getVersion": {}})
    assert plain(zone) == (404, f"no api mapping to {TIMEZONE}")
    assert plain(version) == (400, NO_ACTION)


def test_a_login_reports_the_local_time_of_the_server_and_gmt() -> None:
    with Simulator(timezone="GMT-03:30", clock_offset=86400) as zstack:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        reply = Caller(zstack).log_in()
        after = datetime.now(timezone.utc)
    inventory = reply.json()["inventory"]
    created, date = read(inventory["createDate"]), parsedate_to_datetime(reply.headers["Date"])
    assert reply.headers["Date"].endswith(" GMT")
    assert before <= date - timedelta(days=1) <= after
    assert before <= created + timedelta(hours=3.5) - timedelta(days=1) <= after
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
    assert backup["name"] == f"zstack-db-4.8.30-{read(backup['createdTime']):%Y%m%d%H%M%S}.gz"
