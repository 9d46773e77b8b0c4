# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.clock import Clock
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller, error_of, read

TIMEZONE = "/v1/management-nodes/platform-timezone"


def test_a_login_opens_a_session_until_it_is_logged_out(zstack: Simulator, caller: Caller) -> None:
    inventory = caller.log_in().json()["inventory"]
    assert inventory.keys() == {"uuid", "accountUuid", "userUuid", "expiredDate", "createDate"}
    assert [session.account for session in zstack.sessions.values()] == ["admin"]
    assert caller.raw("GET", "/simulator/sessions").json() == {
        "sessions": [{"uuid": inventory["uuid"], "account": "admin"}]
    }
    assert caller.scan(inventory["uuid"]).status_code == 200
    # Another logout is no error.
    assert [caller.log_out(inventory["uuid"]).json() for _dummy in range(2)] == [{}, {}]
    assert zstack.sessions == {}
    error = error_of(caller.scan(inventory["uuid"]))
    assert (error["code"], error["globalErrorCode"]) == ("ID.1001", "ORG_ZSTACK_IDENTITY_10020")


def test_a_session_lives_two_hours_from_its_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(timezone.utc)
    monkeypatch.setattr(Clock, "now", lambda _self: now)
    with Simulator() as zstack:
        caller = Caller(zstack)
        used, unused = zstack.open_session(), zstack.open_session()
        for _dummy in range(2):
            now += timedelta(seconds=7199)
            assert caller.scan(used).status_code == 200
        assert list(zstack.sessions) == [used]
        assert error_of(caller.scan(unused))["code"] == "ID.1001"


def test_an_account_holds_five_hundred_open_sessions(zstack: Simulator, caller: Caller) -> None:
    first = zstack.open_session()
    for _dummy in range(498):
        zstack.open_session()
    assert caller.log_in().status_code == 200
    error = error_of(caller.log_in())
    assert (error["code"], error["details"]) == (
        "ID.1006",
        "Login sessions hit limit of max allowed concurrent login sessions",
    )
    caller.log_out(first)
    assert caller.log_in().status_code == 200


def test_expired_sessions_do_not_count_against_the_limit() -> None:
    with Simulator(session_limit=1, session_life=0) as zstack:
        assert [Caller(zstack).log_in().status_code for _dummy in range(3)] == [200, 200, 200]


def test_a_login_reports_the_local_time_of_the_server_and_gmt() -> None:
    with Simulator(timezone="GMT-03:30", clock_offset=86400) as zstack:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        reply = Caller(zstack).log_in()
        after = datetime.now(timezone.utc)
    inventory = reply.json()["inventory"]
    created, sent = read(inventory["createDate"]), parsedate_to_datetime(reply.headers["Date"])
    assert reply.headers["Date"].endswith(" GMT")
    assert before <= sent - timedelta(days=1) <= after
    assert before <= created + timedelta(hours=3.5) - timedelta(days=1) <= after
    assert read(inventory["expiredDate"]) - created == timedelta(hours=2)


@pytest.mark.parametrize(
    ("zone", "name", "offset"),
    [
        ("Asia/Shanghai", "Asia/Shanghai", "+08:00"),
        ("GMT+8", "GMT+08:00", "+08:00"),
        ("Etc/UTC", "Etc/UTC", "Z"),
        ("-03:30", "-03:30", "-03:30"),
    ],
)
def test_the_server_reports_its_zone_even_to_an_unknown_session(zone: str, name: str, offset: str) -> None:
    with Simulator(timezone=zone) as zstack:
        reply = Caller(zstack).get(TIMEZONE, "unknown")
    assert reply.json() == {"timezone": name, "offset": offset, "success": True}


def test_the_version_is_reported_without_a_login(caller: Caller) -> None:
    reply = caller.call("PUT", "/v1/management-nodes/actions", json={"getVersion": {}})
    assert reply.json() == {"version": "4.8.30", "success": True}


def test_the_call_of_the_simulator_itself_is_neither_recorded_nor_affected(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("plain_500", on="any")
    assert caller.raw("GET", "/simulator/sessions").status_code == 200
    assert caller.raw("GET", "/simulator/nothing").status_code == 404
    assert zstack.requests == []
