# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, error_of


def test_a_login_opens_a_session_that_may_scan(zstack: Simulator, caller: Caller) -> None:
    inventory = caller.log_in().json()["inventory"]
    assert inventory.keys() == {"uuid", "accountUuid", "userUuid", "expiredDate", "createDate"}
    assert list(zstack.sessions) == [inventory["uuid"]]
    assert zstack.sessions[inventory["uuid"]].account == "admin"
    assert caller.scan(inventory["uuid"]).status_code == 200


def test_a_wrong_password_opens_no_session(zstack: Simulator, caller: Caller) -> None:
    assert error_of(caller.log_in("password"))["code"] == "ID.1000"
    assert zstack.sessions == {}


def test_a_password_that_is_not_hashed_is_wrong(caller: Caller) -> None:
    name, password = caller.zstack.account
    body = {"logInByAccount": {"accountName": name, "password": password}}
    assert error_of(caller.call("PUT", "/v1/accounts/login", json=body))["code"] == "ID.1000"


def test_a_login_without_its_action_is_answered_in_plain_text(caller: Caller) -> None:
    for body in ("", "{}", "[]", '{"logInByAccount": 1}', "{"):
        reply = caller.call("PUT", "/v1/accounts/login", data=body)
        assert (reply.status_code, reply.text) == (
            400,
            "the body does not contain action information: 'logInByAccount'",
        )


def test_a_session_that_was_logged_out_is_refused(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session("admin")
    assert caller.log_out(session).json() == {}
    assert zstack.sessions == {}
    error = error_of(caller.scan(session))
    assert (error["code"], error["globalErrorCode"]) == ("ID.1001", "ORG_ZSTACK_IDENTITY_10020")


def test_logging_out_twice_is_no_error(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session("admin")
    assert [caller.log_out(session).status_code for _dummy in range(2)] == [200, 200]


def test_an_expired_session_is_refused() -> None:
    with Simulator(session_life=0) as zstack:
        caller = Caller(zstack)
        session = caller.log_in().json()["inventory"]["uuid"]
        assert zstack.sessions == {}
        assert error_of(caller.scan(session))["code"] == "ID.1001"


def test_an_account_holds_no_more_sessions_than_the_limit() -> None:
    with Simulator(session_limit=2) as zstack:
        caller = Caller(zstack)
        first = caller.log_in().json()["inventory"]["uuid"]
        assert caller.log_in().status_code == 200
        assert error_of(caller.log_in())["code"] == "ID.1006"
        caller.log_out(first)
        assert caller.log_in().status_code == 200


def test_expired_sessions_do_not_count_against_the_limit() -> None:
    with Simulator(session_limit=1, session_life=0) as zstack:
        assert [Caller(zstack).log_in().status_code for _dummy in range(3)] == [200, 200, 200]


def test_a_call_without_authorization_is_refused_in_plain_text(caller: Caller) -> None:
    reply = caller.call("GET", SCAN)
    assert (reply.status_code, reply.text) == (400, "missing header 'Authorization'")


def test_another_kind_of_authorization_is_refused_in_plain_text(caller: Caller) -> None:
    for authorization in ("Basic YWRtaW46", "oauth 5d21", "Bearer 5d21"):
        reply = caller.call("GET", SCAN, headers={"Authorization": authorization})
        assert (reply.status_code, reply.text) == (400, "Authorization type must be 'OAuth'")
