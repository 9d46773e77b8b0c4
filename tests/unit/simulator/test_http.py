# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, plain

VERSION = "/v1/management-nodes/actions"


def sample(caller: Caller) -> list[requests.Response]:
    """A reply of each status."""
    return [
        caller.scan(),
        caller.call("GET", SCAN),
        caller.call("GET", "/v1/nothing"),
        caller.call("HEAD", VERSION),
        caller.scan(registryPort="abc"),
        caller.scan("unknown"),
    ]


def test_replies_have_no_content_type_and_are_utf_8(caller: Caller) -> None:
    for reply in sample(caller):
        assert "Content-Type" not in reply.headers
        assert reply.content.decode("utf-8") or reply.request.method == "HEAD"


def test_replies_have_no_reason_phrase(caller: Caller) -> None:
    assert [(reply.status_code, reply.reason) for reply in sample(caller)] == [
        (200, ""),
        (400, ""),
        (404, ""),
        (405, ""),
        (500, ""),
        (503, ""),
    ]


def test_the_connection_closes_after_status_400_500_and_503(caller: Caller) -> None:
    closed = [reply.status_code for reply in sample(caller) if reply.headers.get("Connection") == "close"]
    assert closed == [400, 500, 503]


def test_a_client_without_a_cookie_gets_one(zstack: Simulator) -> None:
    for reply in sample(Caller(zstack)):
        assert reply.request.headers.get("Cookie") or re.fullmatch(
            "JSESSIONID=[0-9A-F]{32}; Path=/zstack; HttpOnly", reply.headers["Set-Cookie"]
        )


def test_a_client_with_a_cookie_keeps_it(caller: Caller) -> None:
    caller.scan()
    assert "Set-Cookie" not in caller.scan().headers


@pytest.mark.parametrize(("count", "is_chunked"), [(3, False), (100, True)])
def test_long_bodies_come_without_their_length(tmp_path: Path, count: int, is_chunked: bool) -> None:
    backup = {"created": "2024-05-06 02:00:11", "version": "5.1.0", "size": 7}
    storage = {"username": "u", "password": "p", "host": "192.0.2.1", "path": "/bs", "backups": [backup] * count}
    site = {
        "version": "5.1.0",
        "timezone": "UTC",
        "accounts": [{"name": "admin", "password": "p"}],
        "storages": [storage],
    }
    (tmp_path / "site.yml").write_text(json.dumps(site), encoding="utf-8")
    with Simulator(tmp_path / "site.yml") as zstack:
        reply = Caller(zstack).scan()
    assert len(reply.json()["backups"]) == count
    assert (len(reply.content) > 8192) == is_chunked
    assert (reply.headers.get("Transfer-Encoding") == "chunked") == is_chunked
    assert ("Content-Length" in reply.headers) != is_chunked


def test_small_packets_are_sent_at_once(zstack: Simulator, caller: Caller) -> None:
    caller.scan()
    connections = [
        each
        for each in gc.get_objects()
        if isinstance(each, socket.socket) and each.fileno() >= 0 and each.getsockname() == (zstack.host, zstack.port)
    ]
    accepted = [each for each in connections if not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
    assert accepted
    assert all(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in accepted)


@pytest.mark.parametrize("path", ["/v1/zones", "/v1/", "/v1", "/v1/z%C3%B6nes"])
def test_a_path_that_is_no_call_is_answered_in_plain_text(caller: Caller, path: str) -> None:
    assert plain(caller.call("GET", path)) == (404, f"no api mapping to {unquote(path)}")


@pytest.mark.parametrize("path", ["/", "/zstack", "/zstack/", "/zstack/v2" + SCAN, "/v1" + SCAN, "/zstack/v10", "/v1"])
def test_a_path_outside_the_api_is_answered_by_tomcat(caller: Caller, path: str) -> None:
    reply = caller.raw("GET", path)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == "text/html;charset=utf-8"
    assert "<title>HTTP Status 404 \u2013 Not Found</title>" in reply.content.decode()
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    ("method", "status", "text"),
    [
        ("GET", 500, f"No query API found for the path[/zstack{VERSION}]"),
        ("POST", 500, f"No creational API found for the path[/zstack{VERSION}]"),
        ("DELETE", 500, f"No delete API found for the path[/zstack{VERSION}]"),
        ("PUT", 500, ""),
        ("HEAD", 405, ""),
    ],
)
def test_a_path_of_actions_has_no_other_methods(caller: Caller, method: str, status: int, text: str) -> None:
    assert plain(caller.call(method, VERSION)) == (status, text)


@pytest.mark.parametrize("path", [SCAN, VERSION])
def test_a_method_that_the_dispatcher_does_not_serve_is_answered_by_tomcat(caller: Caller, path: str) -> None:
    reply = caller.call("PATCH", path)
    assert reply.status_code == 405
    assert "<title>HTTP Status 405 \u2013 Method Not Allowed</title>" in reply.content.decode()


@pytest.mark.parametrize("context_path", ["", "/zstack", "/cloud/zstack"])
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
    caller.log_out(session)
    login, scan, logout = zstack.requests
    assert [login.method, login.path] == ["PUT", "/v1/accounts/login"]
    assert '"accountName": "admin"' in login.body
    assert [scan.path, scan.query] == [SCAN, [("url", zstack.storage_url), ("userTags", "a&b=ü")]]
    assert scan.headers["authorization"] == f"OAuth {session}"
    assert [logout.method, logout.path] == ["DELETE", f"/v1/accounts/sessions/{session}"]


def test_requests_are_recorded_with_their_connection(zstack: Simulator) -> None:
    first, second = Caller(zstack), Caller(zstack)
    for caller in (first, first, second):
        caller.scan()
    one, again, other = (request.connection for request in zstack.requests)
    assert one == again != other


def test_a_request_that_is_not_answered_holds_up_no_other() -> None:
    with ThreadPoolExecutor() as pool, Simulator() as zstack:
        zstack.inject("silence", times=1)
        silent = pool.submit(Caller(zstack).scan)
        until(lambda: zstack.requests, "the scan did not arrive")
        assert Caller(zstack).scan().status_code == 200
        assert not silent.done()


def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    with Simulator() as zstack:
        port = zstack.port
    with Simulator(port=port) as zstack:
        assert (zstack.env["ZSTACK_HOST"], zstack.env["ZSTACK_PORT"]) == ("127.0.0.1", str(port))


def test_an_unavailable_port_is_an_error(zstack: Simulator) -> None:
    with pytest.raises(OSError, match="address already in use"), Simulator(port=zstack.port):
        pass
    with pytest.raises(OverflowError), Simulator(port=65536):
        pass


def test_it_speaks_https_with_a_given_certificate(secure_zstack: Simulator, ca_path: str) -> None:
    caller = Caller(secure_zstack, "https", ca_path)
    assert caller.scan().status_code == 200
    assert caller.scan().status_code == 200
    assert secure_zstack.requests[0].connection == secure_zstack.requests[1].connection


def test_another_site_can_be_simulated(tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text(
        "{version: 5.1.0, timezone: UTC, accounts: [{name: test, password: é}], storages: ["
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
