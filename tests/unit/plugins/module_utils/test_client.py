# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils import _client, _interrupts
from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._json import parse_json
from ansible_collections.zstack.cloud.tests.limits import HANGS, UNANSWERED
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import failure

Gather = Callable[..., Any]
SCAN = "/v1/database-backups/image-store"


def compressed(body: str, wbits: int = 31) -> dict[str, Any]:
    """Return how to inject a compressed body."""
    compressor = zlib.compressobj(wbits=wbits)
    data = compressor.compress(body.encode()) + compressor.flush()
    encoding = "gzip" if wbits == 31 else "deflate"
    return {"headers": {"Content-Encoding": encoding}, "body": [{"base64": base64.b64encode(data).decode()}]}


def test_every_parameter_of_the_call_is_sent(zstack: Simulator, gather: Gather) -> None:
    gather(zstack, registry_port=8000, system_tags=["a::b", "c d"], user_tags=["x&y"])
    scan = next(request for request in zstack.requests if request.path == SCAN)
    assert list(scan.query) == [
        ("url", zstack.storage_url),
        ("registryPort", "8000"),
        ("systemTags", "a::b"),
        ("systemTags", "c d"),
        ("userTags", "x&y"),
    ]


def test_requests_name_the_collection_and_what_can_be_decompressed(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    for request in zstack.requests:
        assert re.fullmatch(r"zstack\.cloud/[0-9.]+ python-requests/[0-9.]+", request.headers["User-Agent"])
        assert request.headers["Accept-Encoding"] == "gzip, deflate"


def test_a_run_opens_a_connection_for_each_call_that_is_under_way_at_once(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    connections = [request.connection for request in zstack.requests]
    assert len(connections) == 5
    # The scan, and beside it the version and the time zone. The login and the logout use one of these three.
    assert len(set(connections)) <= 3


@pytest.mark.parametrize("reply", ["backups", "infos"])
@pytest.mark.parametrize("java", [8, 17, 25])
def test_both_kinds_of_reply_and_every_java_give_the_same_backups(gather: Gather, reply: str, java: int) -> None:
    with Simulator(reply=reply, java=java) as zstack:
        result = gather(zstack)
    newest = result["latest"]
    assert result["count"] == result["total"] == zstack.storages[0].total
    assert newest["created_at"].endswith("T02:00:11+08:00")
    assert (newest["version"], newest["restorable"]) == ("4.8.30", True)
    assert newest["install_path"].rpartition("/")[2] == newest["id"]
    assert result["backups"][-1]["restorable"] is False


def test_several_storages_come_in_the_order_of_their_urls(gather: Gather) -> None:
    with Simulator(scan_seconds=0.1) as zstack:
        urls = [zstack.storage_urls[2], zstack.storage_urls[0]] * 6
        results = gather(zstack, urls=urls)
    assert [result["total"] for result in results] == [0, zstack.storages[0].total] * 6


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_compressed_response_is_read(zstack: Simulator, gather: Gather, compress: Callable[[bytes], bytes]) -> None:
    body = base64.b64encode(compress('{"backups": [{"name": "密"}]}'.encode())).decode()
    encoding = "gzip" if compress is gzip.compress else "deflate"
    zstack.inject({"headers": {"Content-Encoding": encoding}, "body": [{"base64": body}]})
    assert gather(zstack)["backups"][0]["name"] == "密"


def test_chinese_words_come_through_without_a_content_type(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"status": 503, "body": '{"error": {"code": "ID.1002", "details": "权限不足"}}'})
    error = failure(gather, zstack)
    assert "权限不足" in str(error)
    assert (error.status, error.error["code"]) == (503, "ID.1002")


def test_a_redirect_is_not_followed(zstack: Simulator, gather: Gather) -> None:
    target = f"http://127.0.0.1:{zstack.port}/zstack/v1/elsewhere"
    zstack.inject({"status": 302, "headers": {"Location": target}, "body": ""})
    error = failure(gather, zstack)
    assert f"the response is a redirect to {target}, which is not followed (HTTP 302)" in str(error)
    assert "/v1/elsewhere" not in zstack.paths


OTHER_SERVICES = {
    "ssh_banner": r"the response is not HTTP: it starts with SSH-2\.0-OpenSSH_8\.0\. Another service uses this port",
    "mysql_handshake": r"the response is not HTTP: it starts with J\. Another service uses this port: check",
    "tls_alert": r"the response is a TLS alert\. The port expects HTTPS: check port, or set use_ssl to true\.",
    "html_without_text": r"not a JSON object: it is a page without text \(HTTP 200\)\. This does not look like",
    "cached_scan": r"the response is from a cache \(Age: 864000\) \(HTTP 200\)\. Turn off caching of the API",
    "cached_scan_without_age": r"from a cache: its time is 86\d{4} s off that of other responses \(HTTP 200\)\. Turn",
    "truncated_body": r"the response is incomplete: IncompleteRead\(.*\)\. Check host, port, use_ssl, and the proxy",
    "success_false_with_a_list": r"the response reports no success: .*\(HTTP 200\)\. This does not look like",
}


@pytest.mark.parametrize("fault", OTHER_SERVICES)
def test_what_answers_in_place_of_the_server_is_named(zstack: Simulator, gather: Gather, fault: str) -> None:
    zstack.inject(fault)
    line = str(failure(gather, zstack))
    assert re.search(OTHER_SERVICES[fault], line), line


@pytest.mark.parametrize(
    ("exc", "words"),
    [
        (ModuleNotFoundError("No module named 'requests'", name="requests"), "Failed to import the required Python"),
        (
            ImportError("urllib3 v2 only supports\nOpenSSL 1.1.1+"),
            "cannot be imported: urllib3 v2 only supports OpenSSL",
        ),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), "cannot be imported: No module named 'idna'"),
    ],
    ids=["missing", "broken", "incomplete"],
)
def test_a_missing_requests_and_a_broken_one_are_told_apart(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch, exc: ImportError, words: str
) -> None:
    monkeypatch.setattr(_client, "REQUESTS_IMPORT_ERROR", exc)
    assert words in str(failure(gather, zstack))


def test_the_second_address_of_a_name_is_tried_if_the_first_is_silent(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo
    hosts = ["127.0.0.2", "127.0.0.1"]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _name, *rest, **more: [look_up(each, *rest, **more)[0] for each in hosts]
    )
    # Nobody accepts, and its queue is full, so that it does not answer any more.
    with socket.create_server(("127.0.0.2", zstack.port), backlog=0), ExitStack() as stack:
        for _dummy in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", zstack.port))
        session = zstack.open_session()
        assert gather(zstack, host="zstack.example.com", session_uuid=session, timeout=2 * UNANSWERED)["total"]
        hosts.pop()
        error = failure(gather, zstack, host="zstack.example.com", session_uuid=session, timeout=2 * UNANSWERED)
    assert f"no connection to port {zstack.port}. Check host, port and firewalls." in str(error)


def test_a_redirect_shows_no_secret(zstack: Simulator, gather: Gather) -> None:
    target = f"http://elsewhere.invalid/?url={quote(zstack.storage_url, safe='')}"
    zstack.inject({"status": 302, "headers": {"Location": target}, "body": ""})
    assert "root%3A***%40192.0.2.20" in str(failure(gather, zstack))


@contextmanager
def server_that(answers: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a bare socket: yields its port."""

    def serve() -> None:
        while True:
            try:
                connection, _dummy = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    answers(connection)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def sent_before_closing(head: bytes, gather: Gather, zstack: Simulator) -> tuple[str, int]:
    """Return the error about a response with this head, and how much of its gigabyte the client let the server send."""
    sent = [0]
    closed = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(head + b"Content-Length: 1000000000\r\n\r\n")
        try:
            for _dummy in range(1000):
                sent[0] += connection.send(b" " * 1_000_000)
        finally:
            closed.set()

    with server_that(answer) as port:
        error = failure(gather, zstack, port=port, session_uuid="0123456789")
        assert closed.wait(HANGS)
    return str(error), sent[0]


@pytest.mark.parametrize("status", [300, 302, 399])
def test_the_body_of_a_redirect_is_not_read(zstack: Simulator, gather: Gather, status: int) -> None:
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: /login\r\n"
    error, sent = sent_before_closing(head.encode(), gather, zstack)
    assert "redirect to /login" in error
    # What the buffers of two sockets hold.
    assert sent < 50_000_000


def test_a_body_that_is_announced_as_too_large_is_not_read(zstack: Simulator, gather: Gather) -> None:
    error, sent = sent_before_closing(b"HTTP/1.1 200 OK\r\n", gather, zstack)
    assert "the response is larger than 64 MiB" in error
    # What the buffers of two sockets hold.
    assert sent < 50_000_000


# Words that are nowhere else, and what has a meaning in a URL.
WORDS = ["Quux", "Zyzzy", "Wvut", "Jäger", "密码", "Vex\udcff"]
SECRETS = st.lists(st.sampled_from(WORDS) | st.sampled_from("@:/#%[]?&=+ \\'\"."), min_size=1, max_size=6).filter(
    set(WORDS).intersection
)
ODD_PROXIES = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]) | st.sampled_from("@:/#%[]\udcff")
)


@contextmanager
def exported(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name of a host is looked up, and no other machine asked."""
    look_up = socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)


def outcome(gather: Gather, zstack: Simulator, **options: Any) -> str:
    """All that a run shows."""
    try:
        return json.dumps(gather(zstack, timezone="UTC", **options))
    except ZStackError as error:
        assert str(error).isprintable()
        return json.dumps([str(error), error.error], ensure_ascii=False)


def test_whatever_proxy_the_environment_names_a_result_or_a_zstack_error_comes_out(
    zstack: Simulator, gather: Gather, no_names: None
) -> None:
    reached: Counter[bool] = Counter()
    session = zstack.open_session()
    good_proxies = st.text("aZ0é密:%").map(lambda user: f"http://me{user}@127.0.0.1:{zstack.port}")

    @settings(max_examples=200)
    @given(
        proxy=ODD_PROXIES | ODD_PROXIES.map("http://".__add__) | good_proxies,
        name=st.sampled_from(["HTTP_PROXY", "http_proxy", "ALL_PROXY"]),
    )
    @example("http://[", "HTTP_PROXY")
    @example("http://127.0.0.1:99999", "HTTP_PROXY")
    @example("http://127.0.0.1:x", "HTTP_PROXY")
    @example("socks5://127.0.0.1:1", "HTTP_PROXY")
    @example("//", "ALL_PROXY")
    @example("://", "HTTP_PROXY")
    @example("http://%", "HTTP_PROXY")
    @example("http://\udcff@127.0.0.1:1", "HTTP_PROXY")
    def check(proxy: str, name: str) -> None:
        with exported(name, proxy):
            shown = outcome(gather, zstack, host="192.0.2.1", session_uuid=session)
        reached['"total": 15' in shown] += 1

    check()
    assert min(reached[each] for each in (True, False)) >= 0.1 * sum(reached.values()), reached


def test_nothing_of_the_password_of_a_proxy_is_shown(zstack: Simulator, gather: Gather, no_names: None) -> None:
    reached: Counter[str] = Counter()

    @settings(max_examples=200)
    @given(
        pieces=SECRETS,
        encoded=st.booleans(),
        answers=st.booleans(),
        scheme=st.sampled_from(["http://", "", "https://"]),
    )
    @example(["Quux", "@", "Zyzzy", "/", "Wvut"], False, True, "http://")
    @example(["Quux", "\\", "Zyzzy"], False, True, "http://")
    @example(["Jäger"], True, True, "http://")
    @example(["密码"], True, True, "http://")
    def check(pieces: list[str], encoded: bool, answers: bool, scheme: str) -> None:
        password = "".join(pieces)
        if encoded:
            password = quote(password, safe="", errors="surrogateescape")
        zstack.clear()
        # A proxy that shows what it was sent, and one that nobody listens at.
        zstack.inject({"status": 407, "body": "${headers}"}, on="any")
        with exported("HTTP_PROXY", f"{scheme}me:{password}@127.0.0.1:{zstack.port if answers else 1}"):
            shown = outcome(gather, zstack, host="192.0.2.1", session_uuid="0123456789")
        assert [word for word in {*pieces, unquote(password)} & {*WORDS, unquote(password)} if word in shown] == []
        assert set(re.findall(r"Basic ([^\s\",]+)", shown)) <= {"***"}
        assert "5bc6" not in shown
        reached["echoed" if "Basic ***" in shown else "refused" if "the proxy failed" in shown else "other"] += 1

    check()
    assert min(reached[each] for each in ("echoed", "refused")) >= 0.02 * sum(reached.values()), reached


def test_a_proxy_of_the_environment_is_used_and_its_password_not_shown(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:Open-Sesame@127.0.0.1:{zstack.port}")
    assert gather(zstack, host="zstack.example.com", port=8080)["total"] == zstack.storages[0].total
    assert {request.headers["Host"] for request in zstack.requests} == {"zstack.example.com:8080"}
    zstack.inject({"status": 502, "body": ["cannot reach it for me:Open-Sesame\n", "${headers}"]})
    line = str(failure(gather, zstack, host="zstack.example.com", port=8080))
    assert "cannot reach it for me:***" in line
    assert "Proxy-Authorization: Basic ***" in line


def test_a_proxy_without_a_password_has_its_name_hidden(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A token, as some proxies want it.
    monkeypatch.setenv("HTTP_PROXY", f"http://Open-Sesame@127.0.0.1:{zstack.port}")
    zstack.inject({"status": 407, "body": ["${headers}", "Open-Sesame"]})
    assert "Open-Sesame" not in str(failure(gather, zstack))


def test_no_proxy_is_heeded(zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert gather(zstack)["total"] == zstack.storages[0].total


def test_a_proxy_that_nobody_listens_at_is_named_as_the_reason(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    error = failure(gather, zstack, retries=3)
    assert "the proxy failed: Connection refused. Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY" in str(error)
    assert not error.transient


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time: the clock is put forward instead, and otherwise stands still."""
    pauses: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait()
            pauses.append(timeout)
            return self.is_set()

    begin = time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: begin + sum(pauses))
    monkeypatch.setattr(_client, "time", clock)
    monkeypatch.setattr(_interrupts, "time", clock)
    monkeypatch.setattr(threading, "Event", Event)
    return pauses


ENVELOPE = '{"error": {"code": "%s", "description": "words"}}'
TRANSIENT: dict[str, dict[str, Any]] = {
    "502": {"status": 502, "body": "<html><title>Bad Gateway</title></html>"},
    "504": {"status": 504, "body": ""},
    "an envelope in a 502": {"status": 502, "body": ENVELOPE % "SYS.1006"},
    "an envelope in a 504": {"status": 504, "body": ENVELOPE % "SYS.1006"},
    "SYS.1010 in a 503": {"status": 503, "body": ENVELOPE % "SYS.1010"},
    "SYS.1012 in a 503": {"status": 503, "body": ENVELOPE % "SYS.1012"},
    "503 of a proxy": {"status": 503, "body": "<html>No server is available to handle this request.</html>"},
    "reset before a reply": {"cut": "before", "by": "reset"},
    "closed before a reply": {"cut": "before", "by": "close"},
}
FINAL: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": "oops"},
    "503 in JSON without an error": {"status": 503, "body": "{}"},
    "SYS.1006 in a 503": {"status": 503, "body": ENVELOPE % "SYS.1006"},
    "SYS.1001 in a 503": {"status": 503, "body": ENVELOPE % "SYS.1001"},
    "SYS.1010 in a 200": {"status": 200, "body": ENVELOPE % "SYS.1010"},
    "SYS.1010 in a 505": {"status": 505, "body": ENVELOPE % "SYS.1010"},
    "404": {"status": 404, "body": "no api mapping to /v1/x"},
    "407": {"status": 407, "body": ""},
    "429": {"status": 429, "body": ""},
    "a redirect": {"status": 302, "body": ""},
    "no JSON": {"status": 200, "body": "oops"},
    "reset in the middle": {"cut": "middle", "by": "reset"},
    "closed in the middle": {"cut": "middle", "by": "close"},
    "a body in an unknown encoding": {"headers": {"Content-Encoding": "br"}, "body": "oops"},
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_failure_is_retried_as_often_as_asked(
    zstack: Simulator, gather: Gather, pauses: list[float], fault: dict[str, Any]
) -> None:
    zstack.inject(fault)
    for retries in range(4):
        zstack.requests.clear()
        pauses.clear()
        assert failure(gather, zstack, retries=retries).transient
        assert zstack.paths.count(SCAN) == retries + 1
        assert pauses == [0, 2, 4][:retries]


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_failure_that_passes_is_no_failure(
    zstack: Simulator, gather: Gather, pauses: list[float], warnings: list[str], fault: dict[str, Any]
) -> None:
    zstack.inject(fault, times=2)
    assert gather(zstack, retries=2)["total"] == zstack.storages[0].total
    assert pauses == [0, 2]
    assert not warnings


@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
def test_any_other_failure_is_not_retried(
    zstack: Simulator, gather: Gather, pauses: list[float], fault: dict[str, Any]
) -> None:
    zstack.inject(fault)
    assert not failure(gather, zstack, retries=5).transient
    assert zstack.paths.count(SCAN) == 1
    assert pauses == []


@pytest.mark.parametrize(
    ("exception", "words"),
    [
        (ZeroDivisionError("words"), "the call failed: words"),
        (TimeoutError(110, "Connection timed out"), "no response within 60 s"),
    ],
    ids=["of an unknown kind", "timeout of the system"],
)
def test_a_failure_that_a_retry_would_hardly_mend_is_not_retried(
    zstack: Simulator,
    gather: Gather,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    exception: Exception,
    words: str,
) -> None:
    def fail(*_dummy: Any, **_more: Any) -> None:
        raise exception

    monkeypatch.setattr(_client._Session, "request", fail)
    error = failure(gather, zstack, retries=5)
    assert words in str(error)
    assert not error.transient
    assert pauses == []


def test_a_refused_connection_is_retried_and_answered_with_what_to_check(gather: Gather, pauses: list[float]) -> None:
    with Simulator() as zstack:
        pass
    error = failure(gather, zstack, retries=3)
    assert pauses == [0, 2, 4]
    assert str(error) == (
        f"127.0.0.1:{zstack.port}: LogInByAccount: connection refused: nothing is listening on port "
        f"{zstack.port}. Check host and port, and that the management node is running."
    )
    assert (error.status, error.error["code"]) == (None, None)


def test_a_host_without_an_address_is_not_retried(
    gather: Gather, zstack: Simulator, pauses: list[float], no_names: None
) -> None:
    error = failure(gather, zstack, host="nowhere.invalid", retries=3)
    assert "nowhere.invalid:" in str(error)
    assert "host name not found: " in str(error)
    assert pauses == []


@pytest.mark.parametrize(
    ("timeout", "expected"), [(6, [0, 2]), (7, [0, 2, 4]), (14, [0, 2, 4]), (15, [0, 2, 4, 8]), (62, [0, 2, 4, 8, 16])]
)
def test_a_pause_that_does_not_fit_into_the_time_limit_is_not_made(
    zstack: Simulator, gather: Gather, pauses: list[float], timeout: int, expected: list[float]
) -> None:
    zstack.inject({"status": 502, "body": "gone"})
    error = failure(gather, zstack, retries=100, timeout=timeout)
    assert "gone (HTTP 502)" in str(error)
    assert pauses == expected


def test_every_call_is_retried_but_a_login_only_if_it_was_not_carried_out(
    zstack: Simulator, gather: Gather, pauses: list[float]
) -> None:
    zstack.inject("not_ready", on="login", times=1)
    for call in ("scan", "version", "timezone", "logout"):
        zstack.inject("reset_before_reply", on=call, times=1)
    assert gather(zstack, retries=1)["timezone_source"] == "server"
    assert pauses == [0] * 5
    assert not zstack.sessions


@pytest.mark.parametrize("fault", [{"cut": "before", "by": "reset"}, {"status": 502}, {"status": 504}])
def test_a_login_that_may_have_opened_a_session_is_not_retried(
    zstack: Simulator, gather: Gather, fault: dict[str, Any]
) -> None:
    zstack.inject({**fault, "carry_out": True}, on="login")
    assert not failure(gather, zstack, retries=2).transient
    assert len(zstack.sessions) == 1


@pytest.mark.parametrize("fault", ["silence", "dripping_head", "dripping_body", "silence_in_the_middle"])
def test_a_call_ends_at_its_time_limit_and_says_which_option_raises_it(
    zstack: Simulator, gather: Gather, fault: str
) -> None:
    zstack.inject(fault, on="scan")
    begin = time.monotonic()
    error = failure(gather, zstack, timeout=UNANSWERED, retries=5)
    assert UNANSWERED <= time.monotonic() - begin < HANGS
    assert f"no response within {UNANSWERED} s. Raise timeout, or check why the server is slow." in str(error)
    assert zstack.paths.count(SCAN) == 1
    assert not zstack.sessions


def test_the_thread_of_a_call_that_timed_out_ends(zstack: Simulator, gather: Gather) -> None:
    before = set(threading.enumerate())
    zstack.inject("silence", on="scan")
    failure(gather, zstack, timeout=UNANSWERED)
    for thread in set(threading.enumerate()) - before:
        thread.join(HANGS)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, "<html>Please log in</html>", "the response is not a JSON object: Please log in (HTTP 200)."),
        (200, "", "the response is not a JSON object: it is empty (HTTP 200)."),
        (201, "", "the response is not a JSON object: it is empty (HTTP 201)."),
        (299, "", "the response is not a JSON object: it is empty (HTTP 299)."),
        (200, "[]", "the response is not a JSON object: [] (HTTP 200)."),
        (200, '{"backups": 7}', "the response contains no list of backups (HTTP 200)."),
        (200, '{"success": true}', "the response contains no list of backups (HTTP 200)."),
        (200, '{"error": "it broke"}', "it broke (HTTP 200)"),
        (405, "", "the response is empty (HTTP 405)."),
        (500, '{"message": "it broke"}', '{"message": "it broke"} (HTTP 500).'),
        (
            502,
            "<html><style>p {}</style><h1>Bad Gateway</h1><script>1 < 2</script></html>",
            ": Bad Gateway (HTTP 502).",
        ),
        (502, "\n<h1>Bad <!-- a --> Gateway</h1><!-- of nginx", ": Bad Gateway (HTTP 502)."),
        (400, "bad words", ": bad words (HTTP 400)."),
        *(
            (
                status,
                '{"backups": []}',
                f"the response is a redirect to nowhere, which is not followed (HTTP {status}).",
            )
            for status in (300, 302, 399)
        ),
    ],
)
def test_a_response_without_a_list_is_quoted(
    zstack: Simulator, gather: Gather, status: int, body: str, words: str
) -> None:
    zstack.inject({"status": status, "body": body})
    error = failure(gather, zstack)
    assert words in str(error)
    assert error.status == status


def test_an_empty_body_is_empty_whatever_its_encoding(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"status": 405, "headers": {"Content-Encoding": "gzip"}, "body": ""})
    assert "the response is empty (HTTP 405)." in str(failure(gather, zstack))


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"session_uuid": "Sesame-1"}, "*** Sesame-2 Sesame-3 Sesame-4 Sesame-5"),
        ({"account_name": "Sesame-2", "account_password": "Sesame-3"}, "Sesame-1 Sesame-2 *** Sesame-4 Sesame-5"),
        ({"access_key_id": "Sesame-4", "access_key_secret": "Sesame-5"}, "Sesame-1 Sesame-2 Sesame-3 Sesame-4 ***"),
    ],
    ids=["session", "account", "access key"],
)
def test_of_what_authenticates_only_the_secret_is_hidden(
    zstack: Simulator, gather: Gather, options: dict[str, str], shown: str
) -> None:
    zstack.inject({"status": 500, "body": "Sesame-1 Sesame-2 Sesame-3 Sesame-4 Sesame-5"}, on="any")
    assert shown in str(failure(gather, zstack, **options))


def test_the_signature_of_a_quoted_request_is_not_shown(zstack: Simulator, gather: Gather) -> None:
    zstack.inject("html_that_quotes_the_request", on="scan")
    error = failure(gather, zstack, access_key_id="mWqTYzJfLcdUn3sRk8Pe", access_key_secret="Sesame-1", timezone="UTC")
    assert "ZStack mWqTYzJfLcdUn3sRk8Pe:***" in str(error)
    assert "OAuth ***" in str(failure(gather, zstack))


@pytest.mark.parametrize("header", ["Age", "Content-Encoding"])
def test_a_header_that_is_quoted_is_short_and_shows_no_secret(zstack: Simulator, gather: Gather, header: str) -> None:
    _name, password = zstack.account
    zstack.inject({"headers": {header: f"at {password}, {'a' * 3000}"}})
    line = str(failure(gather, zstack))
    assert ": at ***, aaa" in line
    assert len(line) < 400


def test_an_error_that_is_null_is_none(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"status": 200, "body": '\ufeff{"error": null, "infos": []}'})
    assert gather(zstack)["total"] == 0


@pytest.mark.parametrize("status", [201, 202, 299])
def test_any_status_of_success_is_one(zstack: Simulator, gather: Gather, status: int) -> None:
    zstack.inject({"status": status, "body": '{"backups": []}'})
    assert gather(zstack)["total"] == 0


def test_values_that_ansible_cannot_carry_are_replaced(zstack: Simulator, gather: Gather) -> None:
    entry = r'{"name": "a\ud800b", "createdTime": "x", "load": NaN, "peak": 1e999}'
    zstack.inject({"status": 200, "body": f'{{"backups": [{entry}]}}'})
    (backup,) = gather(zstack)["backups"]
    assert (backup["name"], backup["load"], backup["peak"]) == ("a?b", None, None)


BOUNDS = {
    "body_over_64_mib": "the response is larger than 64 MiB",
    "body_over_64_mib_unannounced": "the response is larger than 64 MiB",
    "gzip_bomb": "the response is larger than 64 MiB",
    "gzip_of_nested_lists": "the response contains more than 3,000,000 JSON values",
    "gzip_of_empty_objects": "the response contains more than 3,000,000 JSON values",
    "gzip_twice": "the response has an unsupported Content-Encoding: gzip, gzip",
    "unknown_encoding": "the response has an unsupported Content-Encoding: br",
    "redirect_with_a_large_body": "the response is a redirect to /login, which is not followed",
    "page_of_less_than_signs": "<<<",
    "page_of_open_scripts": "<script<script",
    "error_of_a_megabyte": "失败 失败",
}


@pytest.mark.parametrize("fault", BOUNDS)
def test_a_response_beyond_all_bounds_ends_with_the_reason(zstack: Simulator, gather: Gather, fault: str) -> None:
    zstack.inject(fault)
    begin = time.monotonic()
    error = failure(gather, zstack, timeout=HANGS)
    assert BOUNDS[fault] in str(error)
    assert len(str(error)) < 2000
    assert time.monotonic() - begin < HANGS


def test_a_key_of_sixty_thousand_capitals_is_cut(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"body": ['{"backups": [{"', {"repeat": "A", "times": 60_000}, '": 1}]}']})
    begin = time.monotonic()
    (backup,) = gather(zstack)["backups"]
    assert max(map(len, backup)) <= 300
    assert time.monotonic() - begin < HANGS


@pytest.mark.parametrize("play", [lambda body: {"body": body}, compressed], ids=["plain", "gzip"])
def test_a_response_may_be_as_large_as_the_limit_and_no_larger(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch, play: Callable[[str], dict[str, Any]]
) -> None:
    limit = 1024 * 1024
    monkeypatch.setattr(_client, "_BODY_LIMIT", limit)
    start, end = '{"backups": [], "padding": "', '"}'
    body = start + "0" * (limit - len(start) - len(end)) + end
    zstack.inject(play(body))
    assert gather(zstack)["total"] == 0
    zstack.clear()
    zstack.inject(play(body + " "))
    assert "the response is larger than 1 MiB. This does not look like" in str(failure(gather, zstack))


def test_a_response_may_hold_as_many_values_as_the_limit_and_no_more(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_client, "_VALUES_LIMIT", 10)
    zstack.inject({"body": '{"backups": [1, 2, 3, 4, 5, 6, 7, 8, 9]}'})
    assert gather(zstack, timezone="UTC")["total"] == 0
    zstack.clear()
    zstack.inject({"body": '{"backups": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}'})
    assert "more than 10 JSON values (HTTP 200)" in str(failure(gather, zstack, timezone="UTC"))


def test_a_number_of_hundreds_of_digits_is_null() -> None:
    text = f"[{'7' * 399}, {'7' * 400}, {'7' * 401}, {'0.' + '7' * 397}, {'0.' + '7' * 398}]"
    assert parse_json(text) == [int("7" * 399), None, None, 7 / 9, None]


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("wbits", [31, 15, -15], ids=["gzip", "zlib", "deflate"])
def test_compressed_members_are_read_wherever_they_are_cut(wbits: int, size: int) -> None:
    text = "".join(map(str, range(5000))).encode()
    parts = [text[:9000], b"", text[9000:]] if wbits == 31 else [text]
    compressors = [(zlib.compressobj(wbits=wbits), part) for part in parts]
    data = b"".join(each.compress(part) + each.flush() for each, part in compressors)
    # Whoever sends the first byte alone is not known to use deflate without a header.
    first = max(size, 2)
    chunks = [data[:first], *(data[start : start + size] for start in range(first, len(data), size))]
    assert b"".join(_client._decompress(chunks, "gzip" if wbits == 31 else "deflate")) == text


def test_a_compressed_response_that_breaks_off_is_a_failure(zstack: Simulator, gather: Gather) -> None:
    play = compressed('{"backups": []}' + " " * 1000)
    data = base64.b64decode(play["body"][0]["base64"])[:-9]
    zstack.inject({**play, "body": [{"base64": base64.b64encode(data).decode()}]})
    assert "the compressed response is incomplete" in str(failure(gather, zstack))


def test_a_response_that_is_not_what_its_encoding_says_is_a_failure(zstack: Simulator, gather: Gather) -> None:
    zstack.inject("gzip_broken")
    assert "the call failed: " in str(failure(gather, zstack))


def test_a_secret_that_a_backup_quotes_is_not_in_a_warning(
    zstack: Simulator, gather: Gather, warnings: list[str]
) -> None:
    _name, password = zstack.account
    zstack.inject({"body": json.dumps({"backups": [{"createdTime": f"at {password}"}]})}, on="scan")
    assert gather(zstack)["backups"][0]["created"] == f"at {password}"
    (warning,) = warnings
    assert "no readable time: 1 of 1, such as 'at ***'" in warning
    assert password not in warning
