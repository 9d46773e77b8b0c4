# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator accepts, refuses and returns what ZStack's sources say.

The requests here use no code of the collection, which could make the same mistake. What a client makes of a fault is a
test of the client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest
import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.image_store import IMAGE_STORE

LOGIN = "/v1/accounts/login"
SCAN = "/v1/database-backups/image-store"
STORES = "/v1/backup-storage/image-store"
TIMEZONE = "/v1/management-nodes/platform-timezone"
VERSION = "/v1/management-nodes/actions"
SHANGHAI = timezone(timedelta(hours=8))


def call(zstack: Simulator, method: str, path: str, authorization: str = "", **more: Any) -> requests.Response:
    """Send a request to a path below the context path, with the query and the rest of *more*."""
    headers = {**({"Authorization": authorization} if authorization else {}), **more.pop("headers", {})}
    with requests.Session() as session:
        session.trust_env = False
        url = f"http://{zstack.host}:{zstack.port}/zstack{path}"
        return session.request(method, url, headers=headers, timeout=HANGS, **more)


def scan(zstack: Simulator, session: str = "", **query: Any) -> requests.Response:
    """Scan the first storage, or the one in *query*, with *session* or a new one."""
    session = session or zstack.open_session()
    return call(zstack, "GET", SCAN, f"OAuth {session}", params={"url": zstack.storage_url, **query})


def query(zstack: Simulator, path: str = STORES, **parameters: Any) -> requests.Response:
    return call(zstack, "GET", path, f"OAuth {zstack.open_session()}", params=parameters)


def log_in(zstack: Simulator) -> requests.Response:
    name, password = zstack.account
    digest = hashlib.sha512(password.encode()).hexdigest()
    return call(zstack, "PUT", LOGIN, json={"logInByAccount": {"accountName": name, "password": digest}})


def signed_scan(zstack: Simulator, date: str, secret: str = "", path: str = SCAN) -> requests.Response:
    """Scan with an AccessKey, signed with *secret* and for *path*."""
    key, right_secret = zstack.access_key
    digest = hmac.digest((secret or right_secret).encode(), f"GET\n{date}\n{path}".encode(), hashlib.sha1)
    authorization = f"ZStack {key}:{base64.b64encode(digest).decode()}"
    return call(zstack, "GET", SCAN, authorization, headers={"Date": date}, params={"url": zstack.storage_url})


def date(minutes: int = 0, zone: timezone = SHANGHAI, name: str = "GMT+08:00") -> str:
    return f"{datetime.now(zone) + timedelta(minutes=minutes):%a, %d %b %Y %H:%M:%S} {name}"


def read(text: str, zone: timezone = SHANGHAI) -> datetime:
    """A timestamp of the server."""
    return datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone)


def refusal(reply: requests.Response) -> tuple[int | str, str]:
    """The status and the text of a request that never reached the API, or the code and the details of a failed call."""
    if reply.status_code != 503:
        return reply.status_code, reply.content.decode()
    return reply.json()["error"]["code"], reply.json()["error"]["details"]


NO_HEADER = (400, "missing header 'Authorization'")
NO_OAUTH = (400, "Authorization type must be 'OAuth'")
NO_ACTION = (400, f"the body doesn't contain action mapping to the URL[{VERSION}]")
NO_JSON = (500, "java.lang.IllegalStateException: Expected BEGIN_OBJECT but was STRING at line 1 column 1 path $")
TWO_VALUES = "Invalid query parameter[url], only one value is allowed for the parameter but multiple values found"
RANGE = "field[registryPort] must be in range of [1, 65535]"
EXAMPLE = "correct example is ssh://username:password@hostname[:sshPort]/path"
MANDATORY = "field[{}] of message[org.zstack.header.message.ApiMessageParamValidator] is mandatory, can not be null"
NO_FIELD = f"inventory class[class {IMAGE_STORE.name}] not having field[password]"
WRONG_PASSWORD = ("ID.1000", "wrong account name or password")
EXPIRED = ("ID.1001", "Session expired")
DATE_FORMAT = (400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'")
KEY_FORMAT = (400, "accessKey format is 'ZStack AccessKeyId:Signature'")
SKEWED = (403, "requestTimeTooSkewed")
WRONG_SIGNATURE = (403, "wrong accessKey signature")


@pytest.mark.parametrize(
    ("method", "path", "authorization", "body", "expected"),
    [
        ("GET", SCAN + "?registryPort=abc", "", "", NO_HEADER),
        ("GET", TIMEZONE, "", "", NO_HEADER),
        ("GET", STORES, "", "", NO_HEADER),
        ("GET", SCAN, "Basic YWRtaW46", "", NO_OAUTH),
        ("GET", SCAN, "oauth 5d21", "", NO_OAUTH),
        ("GET", SCAN, "ZStack id:signature", "", (400, "'Date' must be incuded in request header")),
        ("GET", SCAN + "?url=a&url=b", "OAuth none", "", (400, TWO_VALUES)),
        ("GET", SCAN + "?registryPort=abc", "OAuth none", "", (500, 'For input string: "abc"')),
        # These parameters are checked before the session, and the URL after it.
        ("GET", SCAN, "OAuth none", "", ("SYS.1007", MANDATORY.format("url"))),
        ("GET", SCAN + "?url=a&registryPort=65536", "OAuth none", "", ("SYS.1007", RANGE)),
        ("GET", SCAN + "?url=nonsense", "OAuth none", "", EXPIRED),
        ("GET", SCAN + "?url=nonsense", "OAuth {session}", "", ("SYS.1006", f"illegal url[nonsense], {EXAMPLE}")),
        ("POST", SCAN, "OAuth none", "", (405, f"The method[POST] is not allowed for the path[/zstack{SCAN}]")),
        ("PUT", LOGIN, "", "[]", NO_JSON),
        ("PUT", LOGIN, "", "{}", ("SYS.1007", MANDATORY.format("accountName"))),
        ("PUT", LOGIN, "", '{"logInByAccount": {"accountName": "a"}}', ("SYS.1007", MANDATORY.format("password"))),
        ("PUT", LOGIN, "", '{"logInByAccount": {"accountName": "admin", "password": "plain"}}', WRONG_PASSWORD),
        ("PUT", LOGIN, "", '{"logInByAccount": {"accountName": "nobody", "password": "a"}}', WRONG_PASSWORD),
        ("PUT", VERSION, "", '{"reboot": {}}', NO_ACTION),
        ("GET", "/v1/z%C3%B6nes", "", "", (404, "no api mapping to /v1/zönes")),
        ("GET", "/v1", "", "", (404, "no api mapping to /v1")),
        ("GET", STORES + "?limit=all", "OAuth none", "", (400, "Invalid query parameter. 'limit' must be an integer")),
        ("GET", STORES, "OAuth none", "", EXPIRED),
        ("GET", STORES + "?q=password%3Dx", "OAuth {session}", "", ("SYS.1000", NO_FIELD)),
        ("GET", STORES + "?sort=password", "OAuth {session}", "", ("SYS.1000", NO_FIELD)),
    ],
)
def test_a_request_is_refused_in_the_words_and_order_of_the_server(
    zstack: Simulator, method: str, path: str, authorization: str, body: str, expected: tuple[int | str, str]
) -> None:
    authorization = authorization.format(session=zstack.open_session())
    assert refusal(call(zstack, method, path, authorization, data=body)) == expected


@pytest.mark.parametrize(
    ("settings", "minutes", "zone", "name", "expected"),
    [
        ({}, -14, SHANGHAI, "GMT+08:00", None),
        ({}, 14, SHANGHAI, "GMT+08:00", None),
        ({}, -16, SHANGHAI, "GMT+08:00", SKEWED),
        ({}, 16, SHANGHAI, "GMT+08:00", SKEWED),
        # The zone in a Date is ignored.
        ({}, 0, SHANGHAI, "America/New_York", None),
        ({}, 0, timezone.utc, "GMT", SKEWED),
        ({"check_timezone": True}, 0, timezone.utc, "GMT", None),
        ({"check_timezone": True}, 0, SHANGHAI, "GMT", SKEWED),
        ({"clock_offset": 3600}, 0, SHANGHAI, "GMT+08:00", SKEWED),
        ({"clock_offset": 3600}, 60, SHANGHAI, "GMT+08:00", None),
        ({}, 0, SHANGHAI, "+0800", DATE_FORMAT),
        ({}, 0, SHANGHAI, "SGT", None),
        ({"java": 20}, 0, SHANGHAI, "SGT", DATE_FORMAT),
        ({"has_access_keys": False}, 0, SHANGHAI, "GMT+08:00", NO_OAUTH),
    ],
)
def test_the_date_of_a_signed_request_is_checked(
    settings: dict[str, Any], minutes: int, zone: timezone, name: str, expected: tuple[int, str] | None
) -> None:
    with Simulator(**settings) as zstack:
        reply = signed_scan(zstack, date(minutes, zone, name))
    assert refusal(reply) == expected if expected else reply.json()["backups"]


@pytest.mark.parametrize("signed", [{"secret": "guessed"}, {"path": "/zstack" + SCAN}, {"path": SCAN + "?url=ssh"}])
def test_a_signature_is_of_the_secret_and_the_path_from_v1(zstack: Simulator, signed: dict[str, str]) -> None:
    assert refusal(signed_scan(zstack, date(), **signed)) == WRONG_SIGNATURE


@pytest.mark.parametrize(
    ("authorization", "minutes", "expected"),
    [
        ("ZStack id:", 0, KEY_FORMAT),
        ("ZStack id:signature:more", 0, KEY_FORMAT),
        ("ZStack id:", 60, SKEWED),
        ("ZStack nobody:bm90aGluZw==", 0, (403, "access key id: nobody does not existed or disabled")),
    ],
)
def test_an_access_key_of_another_form_is_refused(
    zstack: Simulator, authorization: str, minutes: int, expected: tuple[int, str]
) -> None:
    assert refusal(call(zstack, "GET", SCAN, authorization, headers={"Date": date(minutes)})) == expected


@pytest.mark.parametrize("path", ["/../", "", "/v2" + SCAN, "/v10"])
def test_a_path_outside_the_api_is_answered_by_tomcat(zstack: Simulator, path: str) -> None:
    reply = call(zstack, "GET", path)
    assert (reply.status_code, reply.headers["Content-Type"]) == (404, "text/html;charset=utf-8")
    assert "<title>HTTP Status 404 \u2013 Not Found</title>" in reply.content.decode()


def test_a_newer_server_sends_plain_text_as_json_with_a_cut_diagnostic() -> None:
    with Simulator(errors="json") as zstack:
        for reply, status, code, number in (
            (call(zstack, "GET", SCAN), 400, "SYS.1007", 15),
            (call(zstack, "GET", "/v1/a"), 404, "SYS.1003", 15),
            (call(zstack, "GET", VERSION), 405, "SYS.1007", 15),
            (scan(zstack, registryPort="a"), 500, "SYS.1000", 14),
        ):
            value, error = reply.json(), reply.json()["error"]
            assert value.keys() == {"error", "id", "success", "diagnostic"}
            assert (reply.status_code, value["success"], error["code"]) == (status, "false", code)
            assert error["globalErrorCode"] == f"ORG_ZSTACK_CORE_REST_100{number}"
        zstack.inject("plain_500_cut_in_a_password")
        assert scan(zstack).json()["diagnostic"]["rawMessage"]["symptom"].endswith("ssh://root:Night%40Watc")


def test_replies_look_as_tomcat_sends_them(zstack: Simulator) -> None:
    paths = {200: TIMEZONE, 404: "/v1/nothing", 500: SCAN + "?registryPort=a", 503: SCAN}
    for status, path in paths.items():
        reply = call(zstack, "GET", path, "OAuth none")
        assert (reply.status_code, reply.reason, "Content-Type" in reply.headers) == (status, "", False)
        assert (reply.headers.get("Connection") == "close") == (status >= 500)
        assert re.fullmatch("JSESSIONID=[0-9A-F]{32}; Path=/zstack; HttpOnly", reply.headers["Set-Cookie"])
        assert "Content-Length" in reply.headers
    assert scan(zstack, url="a" * 8080).headers["Transfer-Encoding"] == "chunked"
    zone = {"timezone": "Asia/Shanghai", "offset": "+08:00", "success": True}
    assert call(zstack, "GET", TIMEZONE, "OAuth none").json() == zone


def test_a_login_opens_a_session_within_the_limit_until_the_logout() -> None:
    with Simulator(session_limit=1) as zstack:
        inventory = log_in(zstack).json()["inventory"]
        assert inventory.keys() == {"uuid", "accountUuid", "userUuid", "expiredDate", "createDate"}
        assert zstack.sessions == {inventory["uuid"]: "admin"}
        limit = "Login sessions hit limit of max allowed concurrent login sessions"
        assert refusal(log_in(zstack)) == ("ID.1006", limit)
        assert scan(zstack, inventory["uuid"]).status_code == 200
        # Another logout is no error.
        for _dummy in range(2):
            assert call(zstack, "DELETE", f"/v1/accounts/sessions/{inventory['uuid']}").json() == {}
        assert refusal(scan(zstack, inventory["uuid"])) == EXPIRED


def test_the_storages_hold_a_fortnight_of_backups_and_their_copies(zstack: Simulator) -> None:
    # Only user, password, host and port of a URL matter.
    urls = [f" {zstack.storage_url.replace('/zstack_bs', ':22/elsewhere')} ", zstack.storage_urls[3]]
    first, copies = (scan(zstack, url=url, systemTags=["a", "ü"]).json()["backups"] for url in urls)
    backups = {backup["name"]: backup for backup in first}
    assert [backup["version"] for backup in first] == ["4.7.21"] * 9 + ["4.8.30"] * 6
    assert len({backup["installPath"] for backup in first}) == zstack.storages[0].total == 15
    assert all(backup["size"] > 0 for backup in first)  # the virtual size if it is not added up yet
    for name, backup in backups.items():
        assert backup.keys() == {"name", "version", "installPath", "type", "size", "md5", "createdTime"}
        scheduled = f"zstack-db-{backup['version']}-{read(backup['createdTime']):%Y%m%d%H%M%S}.gz"
        assert name in (scheduled, "before-upgrade-4.8.30")
    # The last copy is incomplete.
    same = [copy["md5"] == backups[copy["name"]]["md5"] for copy in copies]
    assert same == [True] * 7 + [False]


@pytest.mark.parametrize("hour", [1, 2, 23])
def test_the_newest_backup_is_of_the_last_night_at_any_hour(hour: int) -> None:
    now = datetime.now(SHANGHAI)
    then = now.replace(hour=hour, minute=30)
    with Simulator(clock_offset=(then - now).total_seconds()) as zstack:
        times = [read(backup["createdTime"]) for backup in scan(zstack).json()["backups"]]
    assert times == sorted(times)
    assert timedelta(0) < then - times[-1] < timedelta(hours=24, minutes=1)


@pytest.mark.parametrize(
    ("place", "port", "password", "code", "stderr"),
    [
        ("root:a%40b@192.0.2.99", 8000, "'a@b'", 255, "ssh: connect to host 192.0.2.99 port 22: No route to host"),
        ("root:p@192.0.2.20:23", 8000, "'p'", 255, "ssh: connect to host 192.0.2.20 port 23: Connection refused"),
        ("root:p@store", 8000, "'p'", 255, "ssh: Could not resolve hostname store: Name or service not known"),
        ("root:it%27s%25%41@192.0.2.20", 8000, r"'it'\''s%A'", 5, "Permission denied, please try again."),
        ("root:Night%40Watch%237@192.0.2.20", 9, "", 0, "dial tcp 192.0.2.20:9: connect: connection refused"),
        ("root@192.0.2.20", 8000, "", 0, "ERROR: wrong url, get guide from help."),
        (":pw@192.0.2.20", 8000, "", 0, "ERROR: wrong url, get guide from help."),
    ],
)
def test_a_failed_scan_quotes_the_url_and_the_decoded_password(
    zstack: Simulator, place: str, port: int, password: str, code: int, stderr: str
) -> None:
    command, details = refusal(scan(zstack, url=f"ssh://{place}/bs", registryPort=port))
    start = f"zstack-ctl scan_database_backup --json --backup-storage-url ssh://{place}/bs -p {port}"
    assert command == "SYS.1000"
    assert details.startswith(f"\nshell command[{start}] failed\nret code: 1\nstderr: ERROR: ")
    assert details.endswith(f"{stderr}\n\nstdout: ")
    assert (f"sshpass -p {password} ssh -p " in details) == (f"\nreturn code: {code}\nstdout: \nstderr: " in details)
    assert ("sshpass" in details) == bool(code)


NAMES = ["backup-local", "backup-new", "backup-remote", "images"]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"sort": "+name"}, NAMES),
        ({"sort": "-name"}, NAMES[::-1]),
        ({"sort": "name", "limit": 2, "start": 3}, NAMES[3:]),
        ({"q": "name=BACKUP-new"}, ["backup-new"]),
        ({"q": ["name?=images,backup-new,nothing", "username=root"]}, ["backup-new"]),
        ({"q": "name= images"}, []),
    ],
)
def test_a_query_selects_sorts_and_counts(zstack: Simulator, parameters: dict[str, Any], names: list[str]) -> None:
    reply = query(zstack, replyWithCount="true", **parameters).json()
    assert [each["name"] for each in reply["inventories"]] == names
    assert reply["total"] == (len(names) if "q" in parameters else 4)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("name", 400), ("name=", 400), ("=x", 400), ("name=it's", "SYS.1000"), ("a=b!=c", "SYS.1000")],
)
def test_an_operator_or_a_quote_anywhere_in_a_condition_counts(
    zstack: Simulator, condition: str, expected: int | str
) -> None:
    assert refusal(query(zstack, q=condition))[0] == expected


def test_tags_name_the_store_that_they_are_on(zstack: Simulator) -> None:
    reply = query(zstack, q="name=backup-remote").json()
    (store,) = reply["inventories"]
    assert reply["schema"] == {"inventories[0]": IMAGE_STORE.name}
    assert store.keys() == set(IMAGE_STORE.fields)
    tags = query(zstack, "/v1/system-tags", q=[f"resourceUuid?={store['uuid']},0", "tag?=onlybackup,remotebackup"])
    assert [each["tag"] for each in tags.json()["inventories"]] == ["remotebackup"]


@pytest.mark.parametrize(
    ("fault", "head", "body"),
    [
        ("no_date", rb"^(?!.*\nDate:)", b'{"backups":'),
        ("odd_header_line", b"\r\nthis is no header$", b'{"backups":'),
    ],
)
def test_a_fault_that_no_client_notices_is_on_the_wire(zstack: Simulator, fault: str, head: bytes, body: bytes) -> None:
    zstack.inject(fault)
    request = f"GET /zstack{SCAN}?url={quote(zstack.storage_url, safe='')} HTTP/1.1\r\nHost: zstack\r\n"
    with socket.create_connection((zstack.host, zstack.port), timeout=HANGS) as connection:
        connection.sendall(f"{request}Authorization: OAuth {zstack.open_session()}\r\n\r\n".encode())
        with connection.makefile("rb") as reply:
            found = reply.read().partition(b"\r\n\r\n")
    assert re.search(head, found[0], re.DOTALL)
    assert re.search(body, found[2], re.DOTALL)


def test_faults_are_injected_in_order_into_the_call_they_are_for(zstack: Simulator) -> None:
    zstack.inject("html_502", times=2)
    zstack.inject("plain_403_too_skewed", times=1)
    zstack.inject("plain_500", on="login")
    assert [scan(zstack).status_code for _dummy in range(4)] == [502, 502, 403, 200]
    assert log_in(zstack).status_code == 500
    zstack.inject("plain_405", on="any")
    assert call(zstack, "GET", "/v1/zones").status_code == 405
    zstack.clear()
    assert (len(zstack.requests), log_in(zstack).status_code) == (0, 200)


def test_a_request_can_be_quoted_in_every_encoding() -> None:
    password = "a\"b\\c'd<e>&密😀"
    with Simulator(storage_password=password) as zstack:
        zstack.inject("error_quotes_in_every_way")
        text = scan(zstack).content.decode()
    encoded = quote(password, safe="")
    html, in_json, shell = "a&quot;b\\c&#x27;d&lt;e&gt;&amp;密😀", r"a\"b\\c'd<e>&密😀", r"'a\"b\\c'\''d<e>&密😀'"
    for quoted in (zstack.storage_url, password, html, in_json, shell, encoded, quote(encoded, safe="")):
        assert quoted in json.loads(text)["error"]["details"]
    assert r"\u0061\u0022" in text
