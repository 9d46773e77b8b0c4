# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Faults on the wire. What a client makes of each is a test of the client."""

from __future__ import annotations

import json
import re
import socket
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator, catalogue
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller

LIMIT = 64 << 20
REFUSALS = [name for name, fault in catalogue().items() if fault.injection and fault.injection.refusal]
PASSWORD = "a\"b\\c'd<e>&密😀"


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


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_its_words_in_details_on_newer_servers(name: str) -> None:
    fault = catalogue("json")[name]
    with Simulator(errors="json") as zstack:
        zstack.inject(name, on="scan")
        reply = Caller(zstack).scan()
    error = reply.json()["error"]
    if fault.status:
        assert (reply.status_code, error["code"]) == (fault.status, fault.code)
    assert all(words in " ".join(error["details"].split()) for words in fault.says)


def test_faults_are_injected_in_order_into_the_call_they_are_for(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("html_502", times=2)
    zstack.inject("plain_403_too_skewed", times=1)
    zstack.inject("plain_500", on="login")
    assert [caller.scan().status_code for _dummy in range(4)] == [502, 502, 403, 200]
    assert caller.log_in().status_code == 500
    zstack.inject("plain_405", on="any")
    assert caller.call("GET", "/v1/zones").status_code == 405
    zstack.clear()
    assert zstack.requests == []
    assert caller.log_in().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("no_such_fault",), LookupError),
        (("html_502", "reboot"), ValueError),
        (({"explode": True},), TypeError),
        (("connection_refused",), ValueError),
    ],
)
def test_an_unknown_fault_or_call_is_refused(
    zstack: Simulator, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        zstack.inject(*arguments)


def test_a_fault_outside_the_catalogue_can_be_injected(zstack: Simulator, caller: Caller) -> None:
    zstack.inject({"status": 418, "headers": {"X-Tea": "oolong"}, "body": ["<", {"own": True}, ">"], "late": 60})
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


def test_the_largest_good_reply_is_just_below_the_limits(zstack: Simulator, caller: Caller) -> None:
    zstack.inject("million_values")
    text = caller.scan().content
    assert len(json.loads(text)["backups"]) == 100_000
    assert 25 << 20 < len(text) < LIMIT
    assert 2_800_000 < text.count(b",") + text.count(b"[") + text.count(b"{") < 3_000_000
