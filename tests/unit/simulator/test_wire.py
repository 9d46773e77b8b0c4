# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies and faults on the wire. What a client makes of a fault is a test of the client."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, VERSION, Caller, plain

PASSWORD = "a\"b\\c'd<e>&密😀"


def test_replies_look_as_tomcat_sends_them(zstack: Simulator, caller: Caller) -> None:
    replies = [
        caller.scan(url=zstack.storage_urls[2]),
        caller.scan(),
        caller.call("GET", SCAN),
        caller.call("GET", "/v1/nothing"),
        caller.call("HEAD", VERSION),
        caller.scan(registryPort="abc"),
        caller.scan("unknown"),
    ]
    for reply, status in zip(replies, (200, 200, 400, 404, 405, 500, 503), strict=True):
        assert (reply.status_code, reply.reason) == (status, "")
        assert "Content-Type" not in reply.headers
        assert (reply.headers.get("Connection") == "close") == (status in (400, 500, 503))
    assert re.fullmatch("JSESSIONID=[0-9A-F]{32}; Path=/zstack; HttpOnly", replies[0].headers["Set-Cookie"])
    # A client that has the cookie keeps it.
    assert not any("Set-Cookie" in reply.headers for reply in replies[1:])


@pytest.mark.parametrize(("length", "is_long"), [(8000, False), (8192, True)])
def test_only_long_bodies_come_in_chunks(length: int, is_long: bool) -> None:
    with Simulator() as zstack:
        reply = Caller(zstack).scan(url="x" * (length - 100))
    assert (len(reply.content) > 8192) == is_long
    assert (reply.headers.get("Transfer-Encoding") == "chunked") == is_long
    assert ("Content-Length" in reply.headers) != is_long


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
    with ThreadPoolExecutor() as pool, Simulator(scan_seconds=HANGS) as zstack:
        scans = [pool.submit(Caller(zstack).scan) for _dummy in range(2)]
        until(lambda: len(zstack.requests) == 2, "the scans did not arrive")
        assert Caller(zstack).log_in().status_code == 200
        assert not any(scan.done() for scan in scans)


def test_a_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    with Simulator() as zstack, pytest.raises(OSError, match="address already in use"), Simulator(port=zstack.port):
        pass
    with Simulator(port=zstack.port) as again:
        assert (again.env["ZSTACK_HOST"], again.env["ZSTACK_PORT"]) == ("127.0.0.1", str(zstack.port))


def test_it_speaks_https_with_a_given_certificate(secure_zstack: Simulator, ca_path: str) -> None:
    caller = Caller(secure_zstack, "https", ca_path)
    assert [caller.scan().status_code for _dummy in range(2)] == [200, 200]
    assert secure_zstack.requests[0].connection == secure_zstack.requests[1].connection


def exchange(zstack: Simulator) -> tuple[bytes, bytes]:
    """Return the head and the body of the reply to a scan, as they come over the wire."""
    query = f"url={quote(zstack.storage_url, safe='')}"
    session = zstack.open_session()
    with socket.create_connection((zstack.host, zstack.port), timeout=HANGS) as connection:
        request = f"GET /zstack{SCAN}?{query} HTTP/1.1\r\nHost: zstack\r\nAuthorization: OAuth {session}\r\n\r\n"
        connection.sendall(request.encode())
        with connection.makefile("rb") as reply:
            head, end, body = reply.read().partition(b"\r\n\r\n")
    return (head, body) if end else (b"", head)


@pytest.mark.parametrize(
    ("fault", "head", "body"),
    [
        ("html_502", b"HTTP/1.1 502 Bad Gateway\r\n", b"<html>"),
        ("no_date", rb"^(?!.*\nDate:)", b'{"backups":'),
        ("cached_scan_of_today", b"\r\nAge: 42(\r|$)", b'{"backups":'),
        ("odd_header_line", b"\r\nthis is no header$", b'{"backups":'),
        ("byte_order_mark", b"", b'\xef\xbb\xbf{"backups":'),
        ("content_length_too_long", b"Content-Length: 100000", b'{"backups":'),
        ("truncated_body", b"HTTP/1.1 200", b'^{"backups":[^]]*$'),
        ("gzip_of_two_members", b"Content-Encoding: gzip", b"^\x1f\x8b\x08.*\x1f\x8b\x08"),
        ("deflate", b"Content-Encoding: deflate", b"^\x78"),
        ("deflate_raw", b"Content-Encoding: deflate", b"^[^\x78]"),
        ("gzip_twice", b"Content-Encoding: gzip, gzip", b"^\x1f\x8b\x08"),
        ("ssh_banner", b"^$", b"^SSH-2.0-OpenSSH_8.0\r\n$"),
        ("closed_before_reply", b"^$", b"^$"),
    ],
)
def test_a_fault_is_on_the_wire_as_the_catalogue_says(zstack: Simulator, fault: str, head: bytes, body: bytes) -> None:
    zstack.inject(fault)
    found = exchange(zstack)
    assert re.search(head, found[0], re.DOTALL)
    assert re.search(body, found[1], re.DOTALL)


def test_a_cached_reply_has_the_date_of_ten_days_ago(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("cached_scan")
    date = parsedate_to_datetime(caller.scan().headers["Date"])
    assert abs(datetime.now(timezone.utc) - date - timedelta(days=10)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("login_times_with_an_offset", r'"createDate":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"'),
        ("login_times_in_milliseconds", r'"createDate":\d{13}[,}]'),
        ("login_504_after_it_was_carried_out", "504 Gateway Time-out"),
    ],
)
def test_a_faulty_login_opens_a_session(zstack: Simulator, caller: Caller, name: str, pattern: str) -> None:
    zstack.inject(name)
    assert re.search(pattern, caller.log_in().text)
    assert len(zstack.sessions) == 1


def test_faults_are_injected_in_order_into_the_call_they_are_for(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("html_502", times=2)
    zstack.inject("plain_403_too_skewed", times=1)
    zstack.inject("plain_500", on="login")
    assert [caller.scan().status_code for _dummy in range(4)] == [502, 502, 403, 200]
    assert caller.log_in().status_code == 500
    zstack.inject("plain_405", on="any")
    assert caller.call("GET", "/v1/zones").status_code == 405
    # The call of the simulator itself is neither affected nor recorded.
    assert caller.raw("GET", "/simulator/sessions").status_code == 200
    assert len(zstack.requests) == 6
    zstack.clear()
    assert zstack.requests == []
    assert caller.log_in().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("no_such_fault",), "no_such_fault"),
        (("connection_refused",), "nothing to inject"),
        (("html_502", "nowhere"), "no call is named 'nowhere'"),
        (({"hurry": 1},), "hurry"),
    ],
)
def test_a_fault_that_cannot_be_injected_is_an_error(zstack: Simulator, arguments: tuple[Any, ...], error: str) -> None:
    with pytest.raises((LookupError, TypeError, ValueError), match=error):
        zstack.inject(*arguments)


def test_a_fault_outside_the_catalogue_can_be_injected(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"status": 418, "headers": {"X-Tea": "oolong"}, "body": ["<", "${own}>"]})
    reply = caller.scan(url="nonsense")
    assert (reply.status_code, reply.headers["X-Tea"]) == (418, "oolong")
    assert json.loads(reply.text[1:-1])["error"]["code"] == "SYS.1006"


def test_a_reset_is_a_reset_and_a_close_is_not(zstack: Simulator, caller: Caller) -> None:
    for name, reason in (("reset_before_reply", "reset by peer"), ("closed_before_reply", "without response")):
        zstack.inject(name, times=1)
        with pytest.raises(requests.ConnectionError, match=reason):
            caller.scan()


def test_a_request_can_be_quoted_in_every_encoding() -> None:
    with Simulator(storage_password=PASSWORD) as zstack:
        zstack.inject("error_quotes_in_every_way")
        text = Caller(zstack).scan().content.decode()
        zstack.inject("html_that_quotes_the_request", on="timezone")
        assert "OAuth 5d21" in Caller(zstack).get("/v1/management-nodes/platform-timezone", "5d21").text
    details = json.loads(text)["error"]["details"]
    for quoted in (
        zstack.storage_url,
        PASSWORD,
        "a&quot;b\\c&#x27;d&lt;e&gt;&amp;密😀",
        r"a\"b\\c'd<e>&密😀",
        r"'a\"b\\c'\''d<e>&密😀'",
        quote(PASSWORD, safe=""),
        quote(quote(PASSWORD, safe=""), safe=""),
    ):
        assert quoted in details
    assert r"\u0061\u0022" in text


def test_a_diagnostic_of_a_newer_server_is_cut_within_a_password() -> None:
    with Simulator(errors="json") as zstack:
        zstack.inject("plain_500_cut_in_a_password")
        symptom = Caller(zstack).scan().json()["diagnostic"]["rawMessage"]["symptom"]
    assert symptom.endswith("ssh://root:Night%40Watc")
