# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.clock import Clock
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, error_of, plain

LOGIN = "/v1/accounts/login"
TIMEZONE = "/v1/management-nodes/platform-timezone"


def test_a_login_opens_a_session_that_may_scan(zstack: Simulator, caller: Caller) -> None:
    inventory = caller.log_in().json()["inventory"]
    assert inventory.keys() == {"uuid", "accountUuid", "userUuid", "expiredDate", "createDate"}
    assert list(zstack.sessions) == [inventory["uuid"]]
    assert zstack.sessions[inventory["uuid"]].account == "admin"
    assert caller.scan(inventory["uuid"]).status_code == 200


def test_a_wrong_password_opens_no_session(zstack: Simulator, caller: Caller) -> None:
    assert error_of(caller.log_in("password")) == {
        "code": "ID.1000",
        "description": "Unable to authenticate a user",
        "details": "wrong account name or password",
    }
    assert zstack.sessions == {}


def test_a_password_that_is_not_hashed_is_wrong(caller: Caller) -> None:
    name, password = caller.zstack.account
    body = {"logInByAccount": {"accountName": name, "password": password}}
    assert error_of(caller.call("PUT", LOGIN, json=body))["code"] == "ID.1000"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "accountName"),
        ("null", "accountName"),
        ("{}", "accountName"),
        ('{"logInByUser": {}}', "accountName"),
        ('{"logInByAccount": {"accountName": "admin"}}', "password"),
    ],
)
def test_a_login_that_lacks_a_field_has_an_invalid_argument(caller: Caller, body: str, field: str) -> None:
    error = error_of(caller.call("PUT", LOGIN, data=body))
    assert (error["code"], error["description"]) == ("SYS.1007", "One or more API argument is invalid")
    assert f"field[{field}]" in error["details"]


@pytest.mark.parametrize("body", ["{", "[]", "hello", '{"logInByAccount": 1}'])
def test_a_login_without_a_json_object_is_an_exception_in_plain_text(caller: Caller, body: str) -> None:
    reply = caller.call("PUT", LOGIN, data=body)
    assert reply.status_code == 500
    assert reply.text.startswith("java.lang.")


def test_a_session_that_was_logged_out_is_refused(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session()
    assert caller.log_out(session).json() == {}
    assert zstack.sessions == {}
    error = error_of(caller.scan(session))
    assert (error["code"], error["details"]) == ("ID.1001", "Session expired")
    assert error["globalErrorCode"] == "ORG_ZSTACK_IDENTITY_10020"
    assert error["description"] == ("The session is invalid, either wrong session id or the session has been expired")


def test_logging_out_an_unknown_session_is_not_an_error(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session()
    replies = [caller.log_out(session) for _dummy in range(2)]
    assert [(reply.status_code, reply.json()) for reply in replies] == [(200, {}), (200, {})]


def test_an_expired_session_is_refused() -> None:
    with Simulator(session_life=0) as zstack:
        caller = Caller(zstack)
        session = caller.log_in().json()["inventory"]["uuid"]
        assert zstack.sessions == {}
        assert error_of(caller.scan(session))["code"] == "ID.1001"


def test_a_session_lives_from_its_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(timezone.utc)
    monkeypatch.setattr(Clock, "now", lambda _self: now)
    with Simulator(session_life=7200) as zstack:
        caller = Caller(zstack)
        used, unused = zstack.open_session(), zstack.open_session()
        for _dummy in range(2):
            now += timedelta(seconds=7199)
            assert caller.scan(used).status_code == 200
        assert list(zstack.sessions) == [used]
        assert error_of(caller.scan(unused))["code"] == "ID.1001"


def test_an_account_holds_no_more_sessions_than_the_limit() -> None:
    with Simulator(session_limit=2) as zstack:
        caller = Caller(zstack)
        first = caller.log_in().json()["inventory"]["uuid"]
        assert caller.log_in().status_code == 200
        assert error_of(caller.log_in()) == {
            "code": "ID.1006",
            "description": "Max number of active sessions exceeded",
            "details": "Login sessions hit limit of max allowed concurrent login sessions",
        }
        caller.log_out(first)
        assert caller.log_in().status_code == 200


def test_an_account_holds_five_hundred_sessions_by_default(zstack: Simulator, caller: Caller) -> None:
    for _dummy in range(499):
        zstack.open_session()
    assert caller.log_in().status_code == 200
    assert error_of(caller.log_in())["code"] == "ID.1006"


def test_expired_sessions_do_not_count_against_the_limit() -> None:
    with Simulator(session_limit=1, session_life=0) as zstack:
        assert [Caller(zstack).log_in().status_code for _dummy in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("path", [SCAN, TIMEZONE])
def test_a_call_without_authorization_is_refused_in_plain_text(caller: Caller, path: str) -> None:
    assert plain(caller.call("GET", path)) == (400, "missing header 'Authorization'")


@pytest.mark.parametrize("authorization", ["Basic YWRtaW46", "oauth 5d21", "Bearer 5d21", ""])
def test_another_kind_of_authorization_is_refused_in_plain_text(caller: Caller, authorization: str) -> None:
    reply = caller.call("GET", SCAN, headers={"Authorization": authorization})
    assert plain(reply) == (400, "Authorization type must be 'OAuth'")


@pytest.mark.parametrize("query", [{"url": ["a", "b"]}, {"registryPort": "abc"}, {}])
def test_authorization_is_checked_before_the_parameters(caller: Caller, query: dict[str, Any]) -> None:
    assert plain(caller.call("GET", SCAN, params=query)) == (400, "missing header 'Authorization'")


def test_the_time_zone_is_reported_to_an_unknown_session(caller: Caller) -> None:
    assert caller.get(TIMEZONE, "unknown").status_code == 200


def test_the_open_sessions_are_listed(zstack: Simulator, caller: Caller) -> None:
    assert caller.raw("GET", "/simulator/sessions").json() == {"sessions": []}
    session = zstack.open_session()
    assert caller.raw("GET", "/simulator/sessions").json() == {"sessions": [{"uuid": session, "account": "admin"}]}


def test_the_call_of_the_simulator_itself_is_neither_recorded_nor_affected_by_faults(
    zstack: Simulator, caller: Caller
) -> None:
    zstack.inject("plain_500", on="any")
    assert caller.raw("GET", "/simulator/sessions").status_code == 200
    assert caller.raw("GET", "/simulator/nothing").status_code == 404
    assert zstack.requests == []
