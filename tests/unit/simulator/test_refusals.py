# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the server refuses, and in which order it checks."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, SHANGHAI, Caller, date, error_of, plain
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

LOGIN = "/v1/accounts/login"
TIMEZONE = "/v1/management-nodes/platform-timezone"
VERSION = "/v1/management-nodes/actions"

NO_HEADER = "missing header 'Authorization'"
NO_OAUTH = "Authorization type must be 'OAuth'"
NO_ACTION = f"the body doesn't contain action mapping to the URL[{VERSION}]"
KEY_FORMAT = "accessKey format is 'ZStack AccessKeyId:Signature'"
DATE_FORMAT = "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'"
TWO_VALUES = "Invalid query parameter[{}], only one value is allowed for the parameter but multiple values found"
NO_JSON = "java.lang.IllegalStateException: Expected BEGIN_OBJECT but was STRING at line 1 column 1 path $"
SKEWED = "requestTimeTooSkewed"


@pytest.mark.parametrize(
    ("method", "path", "authorization", "body", "status", "text"),
    [
        ("GET", SCAN, None, None, 400, NO_HEADER),
        ("GET", SCAN + "?registryPort=abc", None, None, 400, NO_HEADER),
        ("GET", TIMEZONE, None, None, 400, NO_HEADER),
        ("GET", SCAN, "Basic YWRtaW46", None, 400, NO_OAUTH),
        ("GET", SCAN, "oauth 5d21", None, 400, NO_OAUTH),
        ("GET", SCAN, "ZStack id:signature", None, 400, "'Date' must be incuded in request header"),
        ("GET", SCAN + "?url=a&url=b", "OAuth none", None, 400, TWO_VALUES.format("url")),
        ("GET", SCAN + "?registryPort=1&registryPort=2", "OAuth none", None, 400, TWO_VALUES.format("registryPort")),
        ("GET", SCAN + "?registryPort=abc", "OAuth none", None, 500, 'For input string: "abc"'),
        ("PUT", LOGIN, None, "hello", 500, NO_JSON),
        ("PUT", LOGIN, None, "[]", 500, NO_JSON),
        ("PUT", LOGIN, None, '{"logInByAccount": 1}', 500, "java.lang.Int cannot be cast to java.util.Map"),
        ("PUT", VERSION, None, '{"reboot": {}}', 400, NO_ACTION),
        ("PUT", VERSION, None, "", 500, ""),
        ("GET", VERSION, None, None, 500, f"No query API found for the path[/zstack{VERSION}]"),
        ("POST", VERSION, None, None, 500, f"No creational API found for the path[/zstack{VERSION}]"),
        ("GET", "/v1/z%C3%B6nes", None, None, 404, "no api mapping to /v1/zönes"),
        ("GET", "/v1", None, None, 404, "no api mapping to /v1"),
    ],
)
def test_a_request_that_does_not_reach_the_api_is_refused_in_plain_text(
    caller: Caller, method: str, path: str, authorization: str | None, body: str | None, status: int, text: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    assert plain(caller.call(method, path, headers=headers, data=body)) == (status, text)


@pytest.mark.parametrize("path", ["/", "/zstack", "/zstack/v2" + SCAN, "/v1" + SCAN, "/zstack/v10"])
def test_a_path_outside_the_api_is_answered_by_tomcat(caller: Caller, path: str) -> None:
    reply = caller.raw("GET", path)
    assert (reply.status_code, reply.headers["Content-Type"]) == (404, "text/html;charset=utf-8")
    assert "<title>HTTP Status 404 \u2013 Not Found</title>" in reply.content.decode()


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ("", "SYS.1007", "field[accountName]"),
        ("null", "SYS.1007", "field[accountName]"),
        ('{"logInByAccount": {"accountName": "admin"}}', "SYS.1007", "field[password]"),
        ('{"logInByAccount": {"accountName": "admin", "password": "plain"}}', "ID.1000", "wrong account name or"),
    ],
)
def test_a_login_fails_with_an_envelope(zstack: Simulator, caller: Caller, body: str, code: str, details: str) -> None:
    error = error_of(caller.call("PUT", LOGIN, data=body))
    assert error["code"] == code
    assert details in error["details"]
    assert zstack.sessions == {}


@pytest.mark.parametrize(
    ("session", "query", "code", "details"),
    [
        ("unknown", {}, "ID.1001", "Session expired"),
        ("unknown", {"url": "nonsense"}, "ID.1001", "Session expired"),
        ("unknown", {"registryPort": 0}, "SYS.1007", "field[registryPort] must be in range of [1, 65535]"),
        (None, {"registryPort": 65536}, "SYS.1007", "field[registryPort] must be in range of [1, 65535]"),
        ("unknown", {"url": None}, "SYS.1007", "field[url] of message["),
    ],
)
def test_parameters_are_checked_before_the_session_and_the_url_after_it(
    caller: Caller, session: str | None, query: dict[str, Any], code: str, details: str
) -> None:
    error = error_of(caller.scan(session, **query))
    assert error["code"] == code
    assert error["details"].startswith(details)


def test_each_url_that_java_refuses_is_quoted_as_it_was_sent(zstack: Simulator, caller: Caller) -> None:
    session = zstack.open_session()
    example = "ssh://username:password@hostname[:sshPort]/path"
    for url in [param.values[1]["value"] for param in lines("url", 17) if not param.values[1]["accepted"]]:
        error = error_of(caller.scan(session, url=url))
        assert (error["code"], error["details"]) == ("SYS.1006", f"illegal url[{url}], correct example is {example}")


@pytest.mark.parametrize(
    ("settings", "signed", "refusal"),
    [
        ({}, {"date": date}, None),
        ({}, {"date": partial(date, minutes=-14)}, None),
        ({}, {"date": partial(date, minutes=14)}, None),
        ({}, {"date": partial(date, minutes=-16)}, (403, SKEWED)),
        ({}, {"date": partial(date, minutes=16)}, (403, SKEWED)),
        # The zone in a Date is ignored
        ({}, {"date": partial(date, name="America/New_York")}, None),
        ({}, {"date": partial(date, timezone.utc, "GMT")}, (403, SKEWED)),
        ({"check_timezone": True}, {"date": partial(date, timezone.utc, "GMT")}, None),
        ({"check_timezone": True}, {"date": partial(date, name="GMT")}, (403, SKEWED)),
        ({"clock_offset": 3600}, {"date": date}, (403, SKEWED)),
        ({"clock_offset": 3600}, {"date": partial(date, hours=1)}, None),
        ({}, {"date": "today"}, (400, DATE_FORMAT)),
        ({}, {"date": partial(date, name="+0800")}, (400, DATE_FORMAT)),
        ({"java": 8}, {"date": partial(date, name="SGT")}, None),
        ({"java": 20}, {"date": partial(date, name="SGT")}, (400, DATE_FORMAT)),
        ({}, {"date": date, "secret": "guessed"}, (403, "wrong accessKey signature")),
        ({}, {"date": date, "path": "/zstack" + SCAN}, (403, "wrong accessKey signature")),
        ({}, {"date": date, "path": SCAN + "?url=ssh"}, (403, "wrong accessKey signature")),
        ({}, {"date": date, "secret": "guessed", "registryPort": "abc"}, (403, "wrong accessKey signature")),
        ({"has_access_keys": False}, {"date": date}, (400, NO_OAUTH)),
        ({"zsphere": True}, {"date": partial(date, name="+0800")}, None),
        ({"errors": "json"}, {"date": lambda: f"{datetime.now(SHANGHAI):%Y-%m-%dT%H:%M:%S}+08:00"}, None),
    ],
)
def test_a_signature_is_checked(
    settings: dict[str, Any], signed: dict[str, Any], refusal: tuple[int, str] | None
) -> None:
    with Simulator(**settings) as zstack:
        # Not when the tests are collected, which can be minutes earlier
        now = {name: value() if callable(value) else value for name, value in signed.items()}
        reply = Caller(zstack).signed_scan(**now)
        assert zstack.sessions == {}
    if refusal is None:
        assert reply.json()["backups"]
    else:
        assert plain(reply) == refusal


@pytest.mark.parametrize(
    ("authorization", "late", "refusal"),
    [
        ("ZStack id:", 0, (400, KEY_FORMAT)),
        ("ZStack id:signature:more", 0, (400, KEY_FORMAT)),
        ("ZStack id:", 3600, (403, SKEWED)),
        ("ZStack nobody:bm90aGluZw==", 0, (403, "access key id: nobody does not existed or disabled")),
    ],
)
def test_an_access_key_of_another_form_is_refused(
    caller: Caller, authorization: str, late: int, refusal: tuple[int, str]
) -> None:
    headers = {"Date": date(seconds=late), "Authorization": authorization}
    assert plain(caller.call("GET", SCAN, headers=headers)) == refusal


@pytest.mark.parametrize(("path", "method"), [(SCAN, "POST"), (SCAN, "PUT")])
def test_parameters_of_other_methods_are_in_the_body(zstack: Simulator, caller: Caller, path: str, method: str) -> None:
    headers, query = {"Authorization": f"OAuth {zstack.open_session()}"}, {"url": zstack.storage_url}
    assert error_of(caller.call(method, path, headers=headers, params=query))["code"] == "SYS.1007"
    assert caller.call("DELETE", path, headers=headers, params=query).status_code == 200


def test_an_old_release_lacks_calls() -> None:
    with Simulator(has_timezone_call=False, has_version_call=False) as zstack:
        zone = Caller(zstack).get(TIMEZONE, zstack.open_session())
        version = Caller(zstack).call("PUT", VERSION, json={"getVersion": {}})
    assert plain(zone) == (404, f"no api mapping to {TIMEZONE}")
    assert plain(version) == (400, NO_ACTION)
