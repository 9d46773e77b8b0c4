# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, plain

VERSION = "/v1/management-nodes/actions"


def test_replies_look_as_tomcat_sends_them(zstack: Simulator) -> None:
    caller = Caller(zstack)
    replies = [
        caller.scan(),
        caller.call("GET", SCAN),
        caller.call("GET", "/v1/nothing"),
        caller.call("HEAD", VERSION),
        caller.scan(registryPort="abc"),
        caller.scan("unknown"),
    ]
    for reply, status in zip(replies, (200, 400, 404, 405, 500, 503), strict=True):
        assert (reply.status_code, reply.reason) == (status, "")
        assert "Content-Type" not in reply.headers
        assert (reply.headers.get("Connection") == "close") == (status in (400, 500, 503))
    assert re.fullmatch("JSESSIONID=[0-9A-F]{32}; Path=/zstack; HttpOnly", replies[0].headers["Set-Cookie"])
    # A client that has the cookie keeps it.
    assert not any("Set-Cookie" in reply.headers for reply in replies[1:])


@pytest.mark.parametrize(("count", "is_long"), [(3, False), (100, True)])
def test_only_long_bodies_come_in_chunks(tmp_path: Path, count: int, is_long: bool) -> None:
    backup = {"created": "2024-05-06 02:00:11", "version": "5.1.0", "size": 7}
    storage = {"username": "u", "password": "p", "host": "192.0.2.1", "path": "/bs", "backups": [backup] * count}
    accounts = [{"name": "admin", "password": "p"}]
    site = {"version": "5.1.0", "timezone": "UTC", "accounts": accounts, "storages": [storage]}
    (tmp_path / "site.yml").write_text(json.dumps(site), encoding="utf-8")
    with Simulator(tmp_path / "site.yml") as zstack:
        reply = Caller(zstack).scan()
    assert (len(reply.content) > 8192) == is_long
    assert (reply.headers.get("Transfer-Encoding") == "chunked") == is_long
    assert ("Content-Length" in reply.headers) != is_long


@pytest.mark.parametrize("path", [SCAN, VERSION])
def test_a_method_that_the_dispatcher_does_not_serve_is_answered_by_tomcat(caller: Caller, path: str) -> None:
    reply = caller.call("PATCH", path)
    assert reply.status_code == 405
    assert "<title>HTTP Status 405 \u2013 Method Not Allowed</title>" in reply.content.decode()


@pytest.mark.parametrize("context_path", ["", "/cloud/zstack"])
def test_the_api_is_mounted_at_the_context_path(context_path: str) -> None:
    with Simulator(context_path=context_path) as zstack:
        caller = Caller(zstack)
        reply = caller.raw("GET", context_path + SCAN)
        assert plain(reply) == (400, "missing header 'Authorization'")
        assert f"; Path={context_path or '/'};" in reply.headers["Set-Cookie"]
        assert caller.raw("GET", "/elsewhere" + SCAN).status_code == 404
        assert zstack.requests[0].path == SCAN


def test_requests_are_recorded_in_order_and_whole(zstack: Simulator, caller: Caller) -> None:
    session = caller.log_in().json()["inventory"]["uuid"]
    caller.scan(session, userTags="a&b=ü")
    Caller(zstack).log_out(session)
    login, scan, logout = zstack.requests
    assert [(each.method, each.path) for each in (login, logout)] == [
        ("PUT", "/v1/accounts/login"),
        ("DELETE", f"/v1/accounts/sessions/{session}"),
    ]
    assert '"accountName": "admin"' in login.body
    assert [scan.path, scan.query] == [SCAN, [("url", zstack.storage_url), ("userTags", "a&b=ü")]]
    assert scan.headers["authorization"] == f"OAuth {session}"
    assert login.connection == scan.connection != logout.connection


def test_a_request_that_is_not_answered_holds_up_no_other() -> None:
    with ThreadPoolExecutor() as pool, Simulator() as zstack:
        zstack.inject("silence", times=1)
        silent = pool.submit(Caller(zstack).scan)
        until(lambda: zstack.requests, "the scan did not arrive")
        assert Caller(zstack).scan().status_code == 200
        assert not silent.done()


def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    with Simulator() as zstack, pytest.raises(OSError, match="address already in use"), Simulator(port=zstack.port):
        pass
    with Simulator(port=zstack.port) as again:
        assert (again.env["ZSTACK_HOST"], again.env["ZSTACK_PORT"]) == ("127.0.0.1", str(zstack.port))


def test_it_speaks_https_with_a_given_certificate(secure_zstack: Simulator, ca_path: str) -> None:
    caller = Caller(secure_zstack, "https", ca_path)
    assert [caller.scan().status_code for _dummy in range(2)] == [200, 200]
    assert secure_zstack.requests[0].connection == secure_zstack.requests[1].connection
