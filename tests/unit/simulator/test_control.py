# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller


def test_the_open_sessions_can_be_asked_for(zstack: Simulator, caller: Caller) -> None:
    assert caller.raw("GET", "/simulator/sessions").json() == {"sessions": []}
    session = zstack.open_session("admin")
    assert caller.raw("GET", "/simulator/sessions").json() == {"sessions": [{"uuid": session, "account": "admin"}]}


def test_a_fault_can_be_armed_and_cleared(caller: Caller) -> None:
    assert caller.raw("PUT", "/simulator/fault", json={"fault": "html_502", "times": 1}).status_code == 200
    assert [caller.scan().status_code, caller.scan().status_code] == [502, 200]
    caller.raw("PUT", "/simulator/fault", json={"fault": {"status": 500, "body": "no"}, "on": "login"})
    assert caller.log_in().status_code == 500
    caller.raw("DELETE", "/simulator/fault")
    assert caller.log_in().status_code == 200


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"fault": "none"}', '{"fault": "html_502", "on": "nothing"}'])
def test_a_fault_that_does_not_exist_is_refused(caller: Caller, body: str) -> None:
    reply = caller.raw("PUT", "/simulator/fault", data=body)
    assert reply.status_code == 400
    assert reply.json()["error"]


def test_the_simulator_s_own_calls_are_neither_recorded_nor_hit_by_faults(zstack: Simulator, caller: Caller) -> None:
    zstack.play("plain_500", on="any")
    assert caller.raw("GET", "/simulator/sessions").status_code == 200
    assert caller.raw("GET", "/simulator/nothing").status_code == 404
    assert zstack.requests == []
