# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import json
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller

LIMIT = 64 * 1024 * 1024
PLAYABLE = [name for name, fault in catalogue().items() if fault.injection]

# The encodings that a client accepts; it cannot read a reply in another one
ENCODINGS = {None, "gzip"}


def limit(fault: Fault) -> float:
    """Return a time limit that only a fault about time reaches: its bytes are a second apart, if they come at all."""
    return 0.8 if fault.waits else HANGS


def make(caller: Caller, fault: Fault) -> requests.Response:
    """Make the call that a fault names, without reading the body of its reply."""
    session = caller.zstack.open_session()
    calls: dict[str, tuple[str, str, Any]] = {
        "any": ("GET", SCAN, None),
        "scan": ("GET", SCAN, None),
        "login": ("PUT", "/v1/accounts/login", {"logInByAccount": {}}),
        "logout": ("DELETE", f"/v1/accounts/sessions/{session}", None),
        "timezone": ("GET", "/v1/management-nodes/platform-timezone", None),
        "version": ("PUT", "/v1/management-nodes/actions", {"getVersion": {}}),
    }
    method, path, body = calls[fault.call]
    headers = {"Authorization": f"OAuth {session}"}
    query = {"url": caller.zstack.storage_url}
    return caller.call(method, path, headers=headers, params=query, json=body, stream=True, timeout=limit(fault))


def size(reply: requests.Response) -> int:
    """Return the length of a body, without keeping it, up to a little more than the limit."""
    length = 0
    for chunk in reply.iter_content(65536):
        length += len(chunk)
        if length > LIMIT:
            break
    return length


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_fault_reaches_the_client_as_the_catalogue_says(zstack: Simulator, caller: Caller, name: str) -> None:
    fault = catalogue()[name]
    zstack.inject(name)
    status: int | None = None
    try:
        with make(caller, fault) as reply:
            if reply.is_redirect or (reply.headers.get("Content-Encoding") in ENCODINGS and size(reply) <= LIMIT):
                status = reply.status_code
    except requests.RequestException:
        pass
    until(lambda: zstack.requests, "no request arrived")
    assert len(zstack.requests) == 1
    if fault.expect == "failed":
        assert status == fault.status
    elif fault.call in ("scan", "any"):
        assert status == 200


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_fault_says_what_the_catalogue_says(zstack: Simulator, caller: Caller, name: str) -> None:
    fault = catalogue()[name]
    if fault.status is None:
        assert not fault.says and not fault.code
        return
    zstack.inject(name)
    reply = make(caller, fault)
    text = reply.headers.get("Location", "") + ("" if reply.is_redirect else reply.content.decode())
    if fault.code:
        assert str(reply.json()["error"]["code"]) == fault.code
        text += str(reply.json())
    for words in fault.says:
        assert all(word in text for word in words.split())


@pytest.mark.parametrize("name", [name for name in PLAYABLE if catalogue()[name].retry_helps])
def test_a_fault_that_a_retry_helps_against_is_over_after_its_times(
    zstack: Simulator, caller: Caller, name: str
) -> None:
    zstack.inject(name, times=1)
    with suppress(requests.ConnectionError):
        assert make(caller, catalogue()[name]).status_code in (502, 503, 504)
    assert caller.log_in().status_code == 200
    assert caller.scan().status_code == 200


@pytest.mark.parametrize("name", [name for name, fault in catalogue().items() if not fault.injection])
def test_a_fault_without_a_server_is_made_by_the_client(zstack: Simulator, name: str) -> None:
    client = catalogue()[name].client
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{client['host']}:{client.get('port', zstack.port)}/", proxies={"all": ""}, timeout=HANGS)
    with pytest.raises(ValueError, match="nothing to inject"):
        zstack.inject(name)


def test_a_fault_hits_only_the_call_it_is_for(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("plain_500", on="login")
    assert caller.scan().status_code == 200
    assert caller.log_in().status_code == 500


def test_any_call_can_be_hit_and_an_unknown_one_too(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("plain_500", on="any")
    assert [caller.scan().status_code, caller.log_in().status_code, caller.call("GET", "/v1/zones").status_code] == [
        500,
        500,
        500,
    ]


def test_faults_for_one_call_are_played_one_after_the_other(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("html_502", times=2)
    zstack.inject("plain_403_too_skewed", times=1)
    assert [caller.scan().status_code for _dummy in range(4)] == [502, 502, 403, 200]


def test_clearing_forgets_faults_and_requests(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("html_502")
    caller.scan()
    zstack.clear()
    assert zstack.requests == []
    assert caller.scan().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("no_such_fault",), LookupError), (("html_502", "reboot"), ValueError), (({"explode": True},), TypeError)],
)
def test_an_unknown_fault_or_call_cannot_be_played(
    zstack: Simulator, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        zstack.inject(*arguments)


def test_a_fault_outside_the_catalogue_can_be_played(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"status": 418, "headers": {"X-Tea": "oolong"}, "body": ["<", {"own": True}, ">"]})
    reply = caller.scan(url="nonsense")
    assert (reply.status_code, reply.headers["X-Tea"]) == (418, "oolong")
    assert json.loads(reply.text[1:-1])["error"]["code"] == "SYS.1006"


def test_a_reset_is_a_reset_and_a_close_is_not(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("reset_before_reply", times=1)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        caller.scan()
    zstack.inject("closed_before_reply", times=1)
    with pytest.raises(requests.ConnectionError, match="without response"):
        caller.scan()


def test_dripping_goes_on_byte_by_byte(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"drip": "head", "pace": 0.001, "body": '{"backups": []}'})
    assert caller.scan().json() == {"backups": []}


def test_a_byte_order_mark_precedes_the_own_body_of_the_server(zstack: Simulator, caller: Caller) -> None:
    backups = caller.scan().json()
    zstack.inject("byte_order_mark")
    assert json.loads(caller.scan().content.decode("utf-8-sig")) == backups


def test_quoted_requests_hold_what_the_client_sent(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session()
    zstack.inject("html_that_quotes_the_request")
    text = caller.scan(session).text
    assert zstack.storage_url in text
    assert f"OAuth {session}" in text
    zstack.inject("login_quoted")
    assert caller.log_in().json()["error"]["opaque"]["logInByAccount"]["accountName"] == "admin"


PASSWORD = "a\"b\\c'd<e>&密😀"


@pytest.mark.parametrize("name", ["error_in_200", "error_in_503", "error_in_colors"])
def test_a_played_scan_failure_quotes_the_url_and_the_decoded_password(name: str) -> None:
    with Simulator(storage_password=PASSWORD) as zstack:
        zstack.inject(name)
        error = Caller(zstack).scan().json()["error"]
    assert (error["code"], error["description"]) == ("SYS.1000", "An internal error happened in system")
    assert error["details"].startswith("\nshell command[zstack-ctl scan_database_backup --json --backup-storage-url ")
    assert error["details"].endswith("\n\nstdout: ")
    assert f" {zstack.storage_url} -p 8000] failed\nret code: 1\nstderr: " in error["details"]
    assert "sshpass -p 'a\"b\\c'\\''d<e>&密😀' ssh -p 22 " in error["details"]


def test_an_echo_can_be_encoded_in_every_way() -> None:
    with Simulator(storage_password=PASSWORD) as zstack:
        zstack.inject("error_quotes_in_every_way")
        text = Caller(zstack).scan().content.decode()
    details = json.loads(text)["error"]["details"]
    assert details.count(zstack.storage_url) >= 3
    assert details.count(PASSWORD) >= 2
    assert "a&quot;b\\c&#x27;d&lt;e&gt;&amp;密😀" in details
    assert r"a\"b\\c'd<e>&密😀" in details
    assert r"'a\"b\\c'\''d<e>&密😀'" in details
    assert r"\u0061\u0022" in text
    assert quote(PASSWORD, safe="") in details
    assert quote(quote(PASSWORD, safe=""), safe="") in details


def test_a_fault_can_have_lines_that_are_no_headers(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"reason": "Fine", "headers": {"X-Tea": "oolong"}, "lines": ["no header", {"base64": "Wi06IP8="}]})
    with socket.create_connection((zstack.host, zstack.port), timeout=HANGS) as connection:
        connection.sendall(f"GET /zstack{SCAN} HTTP/1.1\r\nHost: zstack\r\n\r\n".encode())
        with connection.makefile("rb") as reply:
            head = reply.read().partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"HTTP/1.1 400 Fine"
    assert head[-3:] == [b"X-Tea: oolong", b"no header", b"Z-: \xff"]


def test_a_bomb_can_be_compressed_twice(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"headers": {"Content-Encoding": "gzip, gzip"}, "body": '{"backups": []}', "gzip": 2})
    reply = caller.scan(stream=True)
    assert gzip.decompress(gzip.decompress(reply.raw.read(decode_content=False))) == b'{"backups": []}'


def test_the_largest_good_reply_is_just_below_the_limits(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("million_values")
    text = caller.scan().content
    backups = json.loads(text)["backups"]
    assert len(backups) == 100_000
    assert 25 << 20 < len(text) < 64 << 20
    assert 2_800_000 < text.count(b",") + text.count(b"[") + text.count(b"{") < 3_000_000


@pytest.mark.parametrize("name", [name for name in PLAYABLE if catalogue()[name].call in ("login", "logout")])
def test_a_session_stays_open_only_where_the_catalogue_says_so(zstack: Simulator, caller: Caller, name: str) -> None:
    fault = catalogue()[name]
    zstack.inject(name)
    session = zstack.open_session() if fault.call == "logout" else ""
    try:
        if fault.call == "logout":
            caller.log_out(session, timeout=limit(fault))
        else:
            session = caller.log_in(timeout=limit(fault)).json()["inventory"]["uuid"]
            caller.log_out(session)
    except (requests.RequestException, LookupError, ValueError):
        pass
    assert bool(zstack.sessions) == fault.leaves_session
