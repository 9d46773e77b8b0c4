# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server refuses, and in which order it checks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import (
    LOGIN,
    SCAN,
    SHANGHAI,
    STORES,
    TIMEZONE,
    VERSION,
    Caller,
    error_of,
    plain,
)
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

NO_HEADER = "missing header 'Authorization'"
NO_OAUTH = "Authorization type must be 'OAuth'"
NO_ACTION = f"the body doesn't contain action mapping to the URL[{VERSION}]"
NO_JSON = "java.lang.IllegalStateException: Expected BEGIN_OBJECT but was STRING at line 1 column 1 path $"
TWO_VALUES = "Invalid query parameter[{}], only one value is allowed for the parameter but multiple values found"
NO_DATE = (400, "'Date' must be incuded in request header")
KEY_FORMAT = (400, "accessKey format is 'ZStack AccessKeyId:Signature'")
DATE_FORMAT = (400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'")
SKEWED = (403, "requestTimeTooSkewed")
WRONG = (403, "wrong accessKey signature")


@pytest.mark.parametrize(
    ("method", "path", "authorization", "body", "status", "text"),
    [
        ("GET", SCAN + "?registryPort=abc", None, None, 400, NO_HEADER),
        ("GET", TIMEZONE, None, None, 400, NO_HEADER),
        ("GET", STORES, None, None, 400, NO_HEADER),
        ("GET", SCAN, "Basic YWRtaW46", None, 400, NO_OAUTH),
        ("GET", SCAN, "oauth 5d21", None, 400, NO_OAUTH),
        ("GET", SCAN, "ZStack id:signature", None, *NO_DATE),
        ("GET", SCAN + "?url=a&url=b", "OAuth none", None, 400, TWO_VALUES.format("url")),
        ("GET", SCAN + "?registryPort=1&registryPort=2", "OAuth none", None, 400, TWO_VALUES.format("registryPort")),
        ("GET", SCAN + "?registryPort=abc", "OAuth none", None, 500, 'For input string: "abc"'),
        ("POST", SCAN, "OAuth none", None, 405, f"The method[POST] is not allowed for the path[/zstack{SCAN}]"),
        ("PUT", LOGIN, None, "hello", 500, NO_JSON),
        ("PUT", LOGIN, None, "[]", 500, NO_JSON),
        ("PUT", VERSION, None, '{"reboot": {}}', 400, NO_ACTION),
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
    ("path", "status", "code", "details"),
    [
        (SCAN, 400, "SYS.1007", NO_HEADER),
        ("/v1/nothing", 404, "SYS.1003", "no api mapping to /v1/nothing"),
        (VERSION, 405, "SYS.1007", f"The method[GET] is not allowed for the path[/zstack{VERSION}]"),
    ],
)
def test_a_newer_server_sends_that_text_as_json(path: str, status: int, code: str, details: str) -> None:
    with Simulator(errors="json") as zstack:
        reply = Caller(zstack).call("GET", path)
        assert Caller(zstack).raw("GET", "/").text.startswith("<!doctype html>")
    value, error = reply.json(), reply.json()["error"]
    assert value.keys() == {"error", "id", "success", "diagnostic"}
    assert (reply.status_code, value["success"], error["code"], error["details"]) == (status, "false", code, details)
    assert error["globalErrorCode"] == "ORG_ZSTACK_CORE_REST_10015"


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        ("{}", "SYS.1007", "field[accountName]"),
        ('{"logInByAccount": {"accountName": "admin"}}', "SYS.1007", "field[password]"),
        ('{"logInByAccount": {"accountName": "admin", "password": "plain"}}', "ID.1000", "wrong account name or"),
        ('{"logInByAccount": {"accountName": "nobody", "password": "a"}}', "ID.1000", "wrong account name or"),
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
    ("settings", "minutes", "zone", "name", "refusal"),
    [
        ({}, -14, SHANGHAI, "GMT+08:00", None),
        ({}, 14, SHANGHAI, "GMT+08:00", None),
        ({}, -16, SHANGHAI, "GMT+08:00", SKEWED),
        ({}, 16, SHANGHAI, "GMT+08:00", SKEWED),
        # The zone in a Date is ignored
        ({}, 0, SHANGHAI, "America/New_York", None),
        ({}, 0, timezone.utc, "GMT", SKEWED),
        ({"check_timezone": True}, 0, timezone.utc, "GMT", None),
        ({"check_timezone": True}, 0, SHANGHAI, "GMT", SKEWED),
        ({"clock_offset": 3600}, 0, SHANGHAI, "GMT+08:00", SKEWED),
        ({"clock_offset": 3600}, 60, SHANGHAI, "GMT+08:00", None),
        ({}, 0, SHANGHAI, "+0800", DATE_FORMAT),
        ({}, 0, SHANGHAI, "SGT", None),
        ({"java": 20}, 0, SHANGHAI, "SGT", DATE_FORMAT),
        ({"has_access_keys": False}, 0, SHANGHAI, "GMT+08:00", (400, NO_OAUTH)),
    ],
)
def test_the_date_of_a_signed_request_is_checked(
    settings: dict[str, Any], minutes: int, zone: timezone, name: str, refusal: tuple[int, str] | None
) -> None:
    with Simulator(**settings) as zstack:
        reply = Caller(zstack).signed(SCAN, date(minutes, zone, name))
    assert plain(reply) == refusal if refusal else reply.json()["backups"]


def date(minutes: int = 0, zone: timezone = SHANGHAI, name: str = "GMT+08:00") -> str:
    return f"{datetime.now(zone) + timedelta(minutes=minutes):%a, %d %b %Y %H:%M:%S} {name}"


@pytest.mark.parametrize(
    "signed", [{"secret": "guessed"}, {"path": "/zstack" + SCAN}, {"path": SCAN + "?url=ssh"}, {"account": "operator"}]
)
def test_a_signature_is_that_of_the_key_and_of_the_path_from_v1_on(caller: Caller, signed: dict[str, str]) -> None:
    reply = caller.signed(SCAN, date(), **signed)
    assert reply.status_code == 200 if "account" in signed else plain(reply) == WRONG


@pytest.mark.parametrize(
    ("authorization", "minutes", "refusal"),
    [
        ("ZStack id:", 0, KEY_FORMAT),
        ("ZStack id:signature:more", 0, KEY_FORMAT),
        ("ZStack id:", 60, SKEWED),
        ("ZStack nobody:bm90aGluZw==", 0, (403, "access key id: nobody does not existed or disabled")),
    ],
)
def test_an_access_key_of_another_form_is_refused(
    caller: Caller, authorization: str, minutes: int, refusal: tuple[int, str]
) -> None:
    assert plain(caller.call("GET", SCAN, headers={"Date": date(minutes), "Authorization": authorization})) == refusal


def test_an_account_without_rights_is_told_so(zstack: Simulator, caller: Caller) -> None:
    session = zstack.credentials("session", "operator")["session_uuid"]
    assert caller.scan(session).status_code == 200
    for reply in (caller.get(STORES, session), caller.signed(STORES, date(), account="operator")):
        error = error_of(reply)
        assert error["code"] == "ID.1002"
        assert error["details"].endswith("APIQueryImageStoreBackupStorageMsg] is denied: no permission")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"q": "name"}, "The 'name' in the parameter[q] doesn't contain any"),
        ({"q": "name="}, "The 'name=' in parameter[q] is not a key-value pair split by ="),
        ({"q": "=x"}, "The '=x' in parameter[q] is not a key-value pair split by ="),
        ({"limit": "all"}, "'limit' must be an integer"),
    ],
)
def test_a_query_of_another_form_is_refused(caller: Caller, query: dict[str, str], message: str) -> None:
    status, text = plain(caller.get(STORES, "unknown", **query))
    assert (status, text.startswith(f"Invalid query parameter. {message}")) == (400, True)


@pytest.mark.parametrize("query", [{"q": "name=it's"}, {"q": "a=b!=c"}, {"q": "password=x"}, {"sort": "password"}])
def test_a_query_that_zql_cannot_read_fails(caller: Caller, query: dict[str, str]) -> None:
    assert error_of(caller.get(STORES, caller.zstack.open_session(), **query))["code"] == "SYS.1000"


def test_an_old_release_lacks_calls() -> None:
    with Simulator(has_timezone_call=False, has_version_call=False) as zstack:
        zone = Caller(zstack).get(TIMEZONE, zstack.open_session())
        version = Caller(zstack).call("PUT", VERSION, json={"getVersion": {}})
    assert plain(zone) == (404, f"no api mapping to {TIMEZONE}")
    assert plain(version) == (400, NO_ACTION)
