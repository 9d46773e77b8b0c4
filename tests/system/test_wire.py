# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests byte for byte, compared with the documentation of the API.

A server that only records answers here, so that nothing reads a request in the way that we write it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, run

VERSION = yaml.safe_load((Path(__file__).parents[2] / "galaxy.yml").read_text(encoding="utf-8"))["version"]
SESSION = "5d2105b0bb214db9a1b7a3f4c5c4f6aa"
PASSWORD = "Moon#Cake&é"
SCAN = "/zstack/v1/database-backups/image-store"
TIME_ZONE = "/zstack/v1/management-nodes/platform-timezone"
IMAGE_STORES = "/zstack/v1/backup-storage/image-store"
SYSTEM_TAGS = "/zstack/v1/system-tags"
#: The replacement for a Content-Length that is right.
RIGHT_LENGTH = "Content-Length: the body's"

LOGIN = "PUT /zstack/v1/accounts/login HTTP/1.1"
LOGOUT = f"DELETE /zstack/v1/accounts/sessions/{SESSION} HTTP/1.1"
GET_VERSION = "PUT /zstack/v1/management-nodes/actions HTTP/1.1"
GET_TIME_ZONE = f"GET {TIME_ZONE} HTTP/1.1"

REPLIES: Mapping[str, Any] = {
    "/zstack/v1/accounts/login": {
        "inventory": {
            "uuid": SESSION,
            "createDate": "Nov 23, 2026 8:05:09 AM",
            "expiredDate": "Nov 23, 2026 10:05:09 AM",
        }
    },
    SCAN: {"backups": []},
    IMAGE_STORES: {"inventories": []},
    SYSTEM_TAGS: {"inventories": []},
    "/zstack/v1/management-nodes/actions": {"version": "4.7.21"},
    TIME_ZONE: {"timezone": "Asia/Shanghai", "offset": "+08:00"},
    f"/zstack/v1/accounts/sessions/{SESSION}": {},
}


class Recorder(socketserver.ThreadingTCPServer):
    """A server that keeps the bytes of each request, and responds to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recording)
        self.received: list[tuple[bytes, bytes]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def requests(self) -> list[str]:
        return [readable(head, body) for head, body in self.received]

    def expected(self, line: str, *headers: str, body: Any = None) -> str:
        """Return a request with the headers of every request, and its own."""
        common = [
            f"Host: 127.0.0.1:{self.port}",
            f"User-Agent: zstack.cloud/{VERSION}",
            "Accept: */*",  # results are JSON, but errors plain text or HTML
            "Accept-Encoding: gzip, deflate",  # the only encodings that can be decoded in pieces everywhere
            "Connection: keep-alive",
        ]
        content = ["Content-Type: application/json", RIGHT_LENGTH] if body else []
        return as_text(line, [*common, *headers, *content], body)

    def get_version(self) -> str:
        """Return the request for the version: without authentication, which the call does not need."""
        return self.expected(GET_VERSION, body={"getVersion": {}})


class Recording(socketserver.StreamRequestHandler):
    server: Recorder

    def handle(self) -> None:
        while head := self.read_head():
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            self.server.received.append((head, self.rfile.read(int(length[1]) if length else 0)))
            path = head.split()[1].decode().partition("?")[0]
            body = json.dumps(REPLIES[path]).encode() if path in REPLIES else f"no api mapping to {path}".encode()
            lines = [
                f"HTTP/1.1 {200 if path in REPLIES else 404} ",
                "Set-Cookie: JSESSIONID=0123456789ABCDEF; Path=/zstack; HttpOnly",
                "Date: Mon, 23 Nov 2026 00:05:09 GMT",
                f"Content-Length: {len(body)}",
            ]
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def read_head(self) -> bytes:
        head = b""
        while (line := self.rfile.readline()) not in (b"", b"\r\n"):
            head += line
        return head


def readable(head: bytes, body: bytes) -> str:
    """Return the bytes of a request as a text that two equal requests share."""
    line, *headers = head.decode("ascii").removesuffix("\r\n").split("\r\n")
    # What follows the first product is free-form.
    headers = [re.sub(r"^(User-Agent: \S+) .*", r"\1", header) for header in headers]
    if body:
        headers = [RIGHT_LENGTH if header == f"Content-Length: {len(body)}" else header for header in headers]
    elif line.startswith("DELETE"):
        # Some clients write it, which makes no difference.
        headers = [header for header in headers if header != "Content-Length: 0"]
    return as_text(line, headers, json.loads(body) if body else None)


def as_text(line: str, headers: list[str], body: Any) -> str:
    """Return a request with its headers sorted, since their order means nothing, and its JSON evenly spaced."""
    return "\n".join([line, *sorted(headers), *([json.dumps(body)] if body else []), ""])


def together(requests: list[str]) -> str:
    """Return the sorted *requests* as one text, whose differences pytest shows line by line."""
    return "\n".join(sorted(requests))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run_module(
    recorder: Recorder, place: Path, env: Mapping[str, str] | None = None, module: str = MODULE, **options: Any
) -> None:
    """Run the module as a user whose .netrc has an entry for the host, for other programs."""
    netrc = place / ".netrc"
    netrc.write_text("machine 127.0.0.1 login nobody password nothing\n")
    netrc.chmod(0o600)
    arguments = place / "arguments.json"
    options = {"host": "127.0.0.1", "port": recorder.port, "timeout": HANGS, "retries": 0, **options}
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    done = run(sys.executable, "-m", module, str(arguments), place=place, **(env or {}))
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_account_logs_in_scans_and_logs_out_with_these_bytes(recorder: Recorder, tmp_path: Path) -> None:
    run_module(
        recorder,
        tmp_path,
        account_name="admin",
        account_password=PASSWORD,
        url="ssh://root:p%40ss%23@192.0.2.20:22/zstack_bs",
        registry_port=8001,
        system_tags=["resource::backup", "site=2"],
        user_tags=["rôle&ops=夜"],
    )

    requests = recorder.requests
    password = hashlib.sha512(PASSWORD.encode()).hexdigest()
    oauth = f"Authorization: OAuth {SESSION}"
    query = (
        "url=ssh%3A%2F%2Froot%3Ap%2540ss%2523%40192.0.2.20%3A22%2Fzstack_bs&registryPort=8001"
        "&systemTags=resource%3A%3Abackup&systemTags=site%3D2&userTags=r%C3%B4le%26ops%3D%E5%A4%9C"
    )
    login = recorder.expected(LOGIN, body={"logInByAccount": {"accountName": "admin", "password": password}})
    logout = recorder.expected(LOGOUT, oauth)
    scan = recorder.expected(f"GET {SCAN}?{query} HTTP/1.1", oauth)
    time_zone = recorder.expected(GET_TIME_ZONE, oauth)
    assert together(requests) == together([login, scan, recorder.get_version(), time_zone, logout])
    # What is in between may come in any order.
    assert (requests[0], requests[-1]) == (login, logout)


def test_a_session_is_used_and_stays_open_with_these_bytes(recorder: Recorder, tmp_path: Path) -> None:
    run_module(recorder, tmp_path, session_uuid=SESSION, url="ssh://root:password@192.0.2.20/zs")

    oauth = f"Authorization: OAuth {SESSION}"
    scan = recorder.expected(f"GET {SCAN}?url=ssh%3A%2F%2Froot%3Apassword%40192.0.2.20%2Fzs HTTP/1.1", oauth)
    time_zone = recorder.expected(GET_TIME_ZONE, oauth)
    assert together(recorder.requests) == together([scan, recorder.get_version(), time_zone])


def test_a_storage_password_is_encoded_in_the_url_and_again_in_the_query(recorder: Recorder, tmp_path: Path) -> None:
    run_module(
        recorder,
        tmp_path,
        session_uuid=SESSION,
        url="ssh://root@192.0.2.20/zs",
        storage_password="it's#x/é %+~",
    )

    # Encoded once: ssh://root:it%27s%23x%2F%C3%A9%20%25%2B~@192.0.2.20/zs
    query = "url=ssh%3A%2F%2Froot%3Ait%2527s%2523x%252F%25C3%25A9%2520%2525%252B~%40192.0.2.20%2Fzs"
    assert f"GET {SCAN}?{query} HTTP/1.1" in {request.partition("\n")[0] for request in recorder.requests}


def test_image_stores_and_their_tags_are_queried_with_these_bytes(recorder: Recorder, tmp_path: Path) -> None:
    module = MODULE.replace("zstack_db_backup_info", "zstack_image_store_info")
    run_module(recorder, tmp_path, module=module, session_uuid=SESSION)

    oauth = f"Authorization: OAuth {SESSION}"
    paging = "sort=%2Buuid&limit=1000&start=0&replyWithCount=true"
    tags = "q=tag%3F%3Donlybackup%2Callowbackup%2Cremotebackup%2Caliyun"
    stores = recorder.expected(f"GET {IMAGE_STORES}?{paging} HTTP/1.1", oauth)
    tags = recorder.expected(f"GET {SYSTEM_TAGS}?{tags}&{paging} HTTP/1.1", oauth)
    assert recorder.requests == [stores, tags]


def java_dates(moment: datetime) -> set[str]:
    """Return *moment* as Java's ``EEE, dd MMM yyyy HH:mm:ss z`` reads it; there are two ways to write UTC."""
    minutes = round((moment.utcoffset() or timedelta()) / timedelta(minutes=1))
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    date = f"{day}, {moment.day:02} {months[moment.month - 1]} {moment.year} {moment:%H:%M:%S}"
    sign = "-" if minutes < 0 else "+"
    return {f"{date} GMT{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}", *([] if minutes else [f"{date} GMT"])}


def seconds_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Each whole second from *start* to *end*."""
    second = start.replace(microsecond=0)
    while second <= end:
        yield second
        second += timedelta(seconds=1)


@pytest.mark.parametrize(
    ("option", "zone"),
    [
        ("+05:30", timezone(timedelta(hours=5, minutes=30))),
        ("America/New_York", ZoneInfo("America/New_York")),
        (None, ZoneInfo("Asia/Kathmandu")),  # the machine's own
    ],
    ids=str,
)
def test_an_access_key_signs_its_requests_with_these_bytes(
    option: str | None, zone: Any, recorder: Recorder, tmp_path: Path
) -> None:
    key_id, secret = "0123456789ABCDEFabcd", "0123456789+/ABCDEFabcdef"
    start = datetime.now(timezone.utc)

    run_module(
        recorder,
        tmp_path,
        env={"TZ": "Asia/Kathmandu"},
        access_key_id=key_id,
        access_key_secret=secret,
        url="ssh://root:password@192.0.2.20/zs",
        **({"timezone": option} if option else {}),
    )

    seconds = seconds_between(start, datetime.now(timezone.utc))
    dates = {date for second in seconds for date in java_dates(second.astimezone(zone))}
    expected = [recorder.get_version()]
    calls = {
        f"GET {SCAN}?url=ssh%3A%2F%2Froot%3Apassword%40192.0.2.20%2Fzs HTTP/1.1": SCAN,
        GET_TIME_ZONE: TIME_ZONE,
    }
    requests = recorder.requests
    for line, path in calls.items():
        (request,) = [request for request in requests if request.startswith(line)]
        date = re.findall("^Date: (.*)", request, re.MULTILINE)[0]
        assert date in dates
        signed = f"GET\n{date}\n{path.removeprefix('/zstack')}"
        signature = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()
        expected.append(recorder.expected(line, f"Date: {date}", f"Authorization: ZStack {key_id}:{signature}"))
    assert together(requests) == together(expected)
