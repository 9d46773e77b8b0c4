# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Each fault of the catalogue reaches a client as the catalogue says, and only the call that it is for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
import requests
import yaml

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.simulator.faults import CATALOGUE
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller

LIMIT = 64 << 20
FILES = sorted(CATALOGUE.glob("*.yml"))
REFUSALS = [name for name, fault in catalogue().items() if fault.injection and fault.injection.refusal]
PASSWORD = "a\"b\\c'd<e>&密😀"


def make(caller: Caller, fault: Fault) -> requests.Response:
    """Make the call that *fault* names, without reading the body of its reply."""
    session = caller.zstack.open_session() if fault.call != "login" else "none"
    method, path, body = {
        "login": ("PUT", "/v1/accounts/login", caller.login_body()),
        "logout": ("DELETE", f"/v1/accounts/sessions/{session}", None),
        "timezone": ("GET", "/v1/management-nodes/platform-timezone", None),
        "version": ("PUT", "/v1/management-nodes/actions", {"getVersion": {}}),
    }.get(fault.call, ("GET", SCAN, None))
    return caller.call(
        method,
        path,
        headers={"Authorization": f"OAuth {session}"},
        params={"url": caller.zstack.storage_url},
        json=body,
        stream=True,
        # Bytes of a fault about time are a second apart, if they come at all.
        timeout=0.8 if fault.waits else HANGS,
    )


def text_of(reply: requests.Response) -> str | None:
    """Return the body, or the target of a redirect; None for what no client reads to its end."""
    if reply.is_redirect:
        return reply.headers.get("Location", "")
    if reply.headers.get("Content-Encoding") not in (None, "gzip", "deflate"):
        return None
    body, length = b"", 0
    for chunk in reply.iter_content(65536):
        body += chunk if length < 2 << 20 else b""
        length += len(chunk)
        if length > LIMIT:
            return None
    return body.decode(errors="replace")


def difference(zstack: Simulator, fault: Fault) -> str | None:
    """Return what of a fault is not as the catalogue says."""
    status, text = None, ""
    try:
        with make(Caller(zstack), fault) as reply:
            found = text_of(reply)
            status, text = (None, "") if found is None else (reply.status_code, found)
    except requests.RequestException:
        pass
    if fault.expect == "failed" and status != fault.status:
        return f"status {status}"
    if fault.expect == "ok" and fault.call in ("scan", "any") and status != 200:
        return f"status {status}"
    if fault.code:
        error = json.loads(text)["error"]
        if str(error["code"]) != fault.code:
            return f"code {error['code']}"
        text += str(error)
    return next((f"no {word}" for words in fault.says for word in words.split() if word not in text), None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_fault_reaches_the_client_as_the_catalogue_says(file: Any) -> None:
    differences = {}
    for name in yaml.safe_load(file.read_text(encoding="utf-8")):
        fault = catalogue()[name]
        with Simulator() as zstack:
            if fault.injection:
                zstack.inject(name)
                differences[name] = difference(zstack, fault)
                if fault.call == "login":
                    assert bool(zstack.sessions) == (fault.leaves_session or fault.expect == "ok"), name
    assert {name: each for name, each in differences.items() if each} == {}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_its_words_in_details_on_newer_servers(name: str) -> None:
    fault = catalogue("json")[name]
    with Simulator(errors="json") as zstack:
        zstack.inject(name)
        reply = make(Caller(zstack), fault)
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
