# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests as they are sent, compared with the documentation of the API.

A server that only records answers here, so that nothing reads a request in the way that we write it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, ROOT, run

VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
SESSION = "5d2105b0bb214db9a1b7a3f4c5c4f6aa"
OAUTH = f"Authorization: OAuth {SESSION}"
SCAN = "/zstack/v1/database-backups/image-store"
TIME_ZONE = "/zstack/v1/management-nodes/platform-timezone"
VERSION_CALL = "/zstack/v1/management-nodes/actions"
IMAGE_STORES = "/zstack/v1/backup-storage/image-store"
SYSTEM_TAGS = "/zstack/v1/system-tags"
LOGIN = "/zstack/v1/accounts/login"
LOGOUT = f"/zstack/v1/accounts/sessions/{SESSION}"
TIMES = {"createDate": "Nov 23, 2026 8:05:09 AM", "expiredDate": "Nov 23, 2026 10:05:09 AM"}
REPLIES: Mapping[str, Any] = {
    LOGIN: {"inventory": {"uuid": SESSION, **TIMES}},
    SCAN: {"backups": []},
    IMAGE_STORES: {"inventories": []},
    SYSTEM_TAGS: {"inventories": []},
    VERSION_CALL: {"version": "4.7.21"},
    TIME_ZONE: {"timezone": "Asia/Shanghai", "offset": "+08:00"},
    LOGOUT: {},
}


class Recorder(ThreadingHTTPServer):
    """A server that keeps each request, and responds to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.requests: list[str] = []

    def expected(self, line: str, *headers: str, body: Any = None) -> str:
        """Return a request with the headers of every request, and its own."""
        common = [
            f"Host: 127.0.0.1:{self.server_port}",
            f"User-Agent: zstack.cloud/{VERSION}",
            "Accept: */*",  # results are JSON, but errors plain text or HTML
            "Accept-Encoding: gzip",
            "Connection: keep-alive",
        ]
        content = ["Content-Type: application/json", "Content-Length: right"] if body else []
        return as_text(line, [*common, *headers, *content], body)

    def get_version(self) -> str:
        """Return the request for the version: without authentication, which the call does not need."""
        return self.expected(f"PUT {VERSION_CALL}", body={"getVersion": {}})


class Recording(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        # Some clients write a length of 0, which makes no difference. What follows the first product is free-form.
        lengths = {f"Content-Length: {length}": "Content-Length: right" if length else ""}
        headers = [re.sub(r"^(User-Agent: \S+) .*", r"\1", ": ".join(pair)) for pair in self.headers.items()]
        headers = [header for each in headers if (header := lengths.get(each, each))]
        line = self.requestline.removesuffix(" HTTP/1.1")
        self.server.requests.append(as_text(line, headers, json.loads(body) if body else None))
        path = self.path.partition("?")[0]
        reply = json.dumps(REPLIES[path]).encode() if path in REPLIES else f"no api mapping to {path}".encode()
        self.send_response_only(200 if path in REPLIES else 404)
        self.send_header("Set-Cookie", "JSESSIONID=0123456789ABCDEF; Path=/zstack; HttpOnly")
        self.send_header("Date", "Mon, 23 Nov 2026 00:05:09 GMT")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_PUT = do_DELETE = do_GET


def as_text(line: str, headers: list[str], body: Any) -> str:
    """Return a request with its headers sorted, since their order means nothing, and its JSON evenly spaced."""
    return "\n".join([line, *sorted(headers), *([json.dumps(body)] if body else []), ""])


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run_module(recorder: Recorder, place: Path, module: str = MODULE, **options: Any) -> None:
    """Run the module as a user in Kathmandu whose .netrc has an entry for the host, for other programs."""
    netrc = place / ".netrc"
    netrc.write_text("machine 127.0.0.1 login nobody password nothing\n")
    netrc.chmod(0o600)
    arguments = {"host": "127.0.0.1", "port": recorder.server_port, "timeout": HANGS, "retries": 0, **options}
    (place / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    run(sys.executable, "-m", module, "arguments.json", place=place, code=0, TZ="Asia/Kathmandu")


def test_an_account_logs_in_scans_and_logs_out_with_these_bytes(recorder: Recorder, tmp_path: Path) -> None:
    account_password = "Moon#Cake&é"
    run_module(
        recorder,
        tmp_path,
        account_name="admin",
        account_password=account_password,
        url="ssh://root:p%40ss%23@192.0.2.20:22/zstack_bs",
        registry_port=8001,
        system_tags=["resource::backup", "site=2"],
        user_tags=["rôle&ops=夜"],
    )
    query = (
        "url=ssh%3A%2F%2Froot%3Ap%2540ss%2523%40192.0.2.20%3A22%2Fzstack_bs&registryPort=8001"
        "&systemTags=resource%3A%3Abackup&systemTags=site%3D2&userTags=r%C3%B4le%26ops%3D%E5%A4%9C"
    )
    password = hashlib.sha512(account_password.encode()).hexdigest()
    account = {"accountName": "admin", "password": password}
    login = recorder.expected(f"PUT {LOGIN}", body={"logInByAccount": account})
    scan, time_zone = (recorder.expected(f"GET {path}", OAUTH) for path in (f"{SCAN}?{query}", TIME_ZONE))
    logout = recorder.expected(f"DELETE {LOGOUT}", OAUTH)
    first, *others, last = recorder.requests
    assert (first, last) == (login, logout)
    # These may come in any order.
    assert sorted(others) == sorted([scan, time_zone, recorder.get_version()])


def test_a_session_is_used_and_a_storage_password_is_encoded_twice(recorder: Recorder, tmp_path: Path) -> None:
    url, password = "ssh://root@192.0.2.20/zs", "it's#x/é %+~"
    run_module(recorder, tmp_path, session_uuid=SESSION, url=url, storage_password=password)
    # Encoded once: ssh://root:it%27s%23x%2F%C3%A9%20%25%2B~@192.0.2.20/zs
    query = "url=ssh%3A%2F%2Froot%3Ait%2527s%2523x%252F%25C3%25A9%2520%2525%252B~%40192.0.2.20%2Fzs"
    calls = [recorder.expected(f"GET {path}", OAUTH) for path in (f"{SCAN}?{query}", TIME_ZONE)]
    assert sorted(recorder.requests) == sorted([*calls, recorder.get_version()])


def test_image_stores_and_their_tags_are_queried_with_these_bytes(recorder: Recorder, tmp_path: Path) -> None:
    module = MODULE.replace("zstack_db_backup_info", "zstack_image_store_info")
    run_module(recorder, tmp_path, module, session_uuid=SESSION)
    paging = "sort=%2Buuid&limit=1000&start=0&replyWithCount=true"
    tags = "q=tag%3F%3Donlybackup%2Callowbackup%2Cremotebackup%2Caliyun"
    paths = (f"{IMAGE_STORES}?{paging}", f"{SYSTEM_TAGS}?{tags}&{paging}")
    assert recorder.requests == [recorder.expected(f"GET {path}", OAUTH) for path in paths]


def java_date(moment: datetime) -> str:
    """Return *moment* as Java's ``EEE, dd MMM yyyy HH:mm:ss z`` reads it."""
    return f"{moment:%a, %d %b %Y %H:%M:%S} GMT{moment.isoformat()[-6:]}"


@pytest.mark.parametrize(
    ("options", "zone"),
    [
        ({"timezone": "America/New_York"}, ZoneInfo("America/New_York")),
        ({}, ZoneInfo("Asia/Kathmandu")),  # the machine's own
    ],
    ids=str,
)
def test_an_access_key_signs_its_requests_with_these_bytes(
    options: dict[str, str], zone: Any, recorder: Recorder, tmp_path: Path
) -> None:
    key_id, secret = "0123456789ABCDEFabcd", "0123456789+/ABCDEFabcdef"
    url = "ssh://root:password@192.0.2.20/zs"
    start = datetime.now(timezone.utc).replace(microsecond=0)
    run_module(recorder, tmp_path, access_key_id=key_id, access_key_secret=secret, url=url, **options)
    seconds = (datetime.now(timezone.utc) - start).seconds
    dates = {java_date((start + timedelta(seconds=number)).astimezone(zone)) for number in range(seconds + 1)}
    expected = [recorder.get_version()]
    for path, query in ((SCAN, "?url=ssh%3A%2F%2Froot%3Apassword%40192.0.2.20%2Fzs"), (TIME_ZONE, "")):
        (request,) = [request for request in recorder.requests if path in request]
        date = re.findall("^Date: (.*)", request, re.MULTILINE)[0]
        assert date in dates
        signed = f"GET\n{date}\n{path.removeprefix('/zstack')}"
        signature = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()
        authorization = f"Authorization: ZStack {key_id}:{signature}"
        expected.append(recorder.expected(f"GET {path}{query}", f"Date: {date}", authorization))
    assert sorted(recorder.requests) == sorted(expected)
