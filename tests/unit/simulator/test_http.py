# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller


def test_replies_have_no_content_type_and_are_utf_8(caller: Caller) -> None:
    for reply in (caller.scan(), caller.scan("unknown"), caller.call("GET", SCAN), caller.call("GET", "/v1/nothing")):
        assert "Content-Type" not in reply.headers
        assert reply.content.decode("utf-8")


def test_a_path_that_is_no_call_is_answered_in_plain_text(caller: Caller) -> None:
    reply = caller.call("GET", "/v1/zones")
    assert (reply.status_code, reply.text) == (404, "no api mapping to /v1/zones")


def test_a_wrong_method_is_answered_in_plain_text(caller: Caller) -> None:
    for method, path in (
        ("POST", SCAN),
        ("GET", "/v1/accounts/login"),
        ("PUT", "/v1/management-nodes/platform-timezone"),
    ):
        reply = caller.call(method, path)
        assert (reply.status_code, reply.text) == (405, f"{method} is not allowed for {path}")


@pytest.mark.parametrize("context_path", ["", "/zstack", "/cloud/zstack"])
def test_the_api_is_mounted_at_the_context_path(context_path: str) -> None:
    with Simulator(context_path=context_path) as zstack:
        caller = Caller(zstack)
        reply = caller.raw("GET", context_path + SCAN)
        assert (reply.status_code, reply.text) == (400, "missing header 'Authorization'")
        assert caller.raw("GET", "/elsewhere" + SCAN).status_code == 404
        assert zstack.requests[0].path == SCAN


def test_requests_are_recorded_in_order_and_whole(zstack: Simulator, caller: Caller) -> None:
    session = caller.log_in().json()["inventory"]["uuid"]
    caller.scan(session, userTags="a&b=ü")
    caller.log_out(session)
    login, scan, logout = zstack.requests
    assert [login.method, login.path] == ["PUT", "/v1/accounts/login"]
    assert '"accountName": "admin"' in login.body
    assert [scan.path, scan.query] == [SCAN, [("url", zstack.storage_url), ("userTags", "a&b=ü")]]
    assert scan.headers["authorization"] == f"OAuth {session}"
    assert [logout.method, logout.path] == ["DELETE", f"/v1/accounts/sessions/{session}"]


def test_connections_are_told_apart(zstack: Simulator) -> None:
    first, second = Caller(zstack), Caller(zstack)
    for caller in (first, first, second):
        caller.call("GET", SCAN)
    one, again, other = (request.connection for request in zstack.requests)
    assert one == again != other


def test_requests_run_side_by_side(zstack: Simulator) -> None:
    zstack.play("slow_but_whole", times=1)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(Caller(zstack).scan)
        while not zstack.requests:
            time.sleep(0.01)
        assert Caller(zstack).scan().status_code == 200
        assert not slow.done()
        assert slow.result().status_code == 200


def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    with Simulator() as zstack:
        port = zstack.port
    with Simulator(port=port) as zstack:
        assert zstack.env == {"ZSTACK_HOST": "127.0.0.1", "ZSTACK_PORT": str(port)}


def test_a_port_that_cannot_be_had_is_an_error(zstack: Simulator) -> None:
    with pytest.raises(OSError, match="address already in use"), Simulator(port=zstack.port):
        pass
    with pytest.raises(OverflowError), Simulator(port=65536):
        pass


def test_it_speaks_https_with_a_given_certificate(secure_zstack: Simulator, ca_path: str) -> None:
    caller = Caller(secure_zstack, "https", ca_path)
    assert caller.scan().status_code == 200
    assert caller.scan().status_code == 200
    assert secure_zstack.requests[0].connection == secure_zstack.requests[1].connection


def test_a_site_of_one_s_own_can_be_played(tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text(
        "{version: 5.1.0, timezone: UTC, session_limit: 1, accounts: [{name: test, password: é}], storages: ["
        "{username: u, password: 'a b', host: 192.0.2.1, path: /bs, backups: ["
        "{created: '2024-05-06 02:00:11', version: 5.1.0, size: 7, id: 0ed5, md5: 9e10, name: n, type: multiDatabase}"
        "]}]}",
        encoding="utf-8",
    )
    with Simulator(site) as zstack:
        assert zstack.storage_urls == ["ssh://u:a%20b@192.0.2.1/bs"]
        caller = Caller(zstack)
        session = caller.log_in().json()["inventory"]["uuid"]
        assert caller.scan(session).json()["backups"] == [
            {
                "name": "n",
                "version": "5.1.0",
                "installPath": "zstore://zsbak/0ed5",
                "type": "multiDatabase",
                "size": 7,
                "md5": "9e10",
                "createdTime": "May 6, 2024 2:00:11 AM",
            }
        ]
