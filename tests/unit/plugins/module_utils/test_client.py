# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils import _client, _interrupts
from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._json import parse_json
from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG, UNANSWERED, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import SCAN, Gather, failure

pytestmark = pytest.mark.xdist_group(WAITING)


def compressed(body: str) -> dict[str, Any]:
    """Return how to inject a compressed body."""
    data = base64.b64encode(gzip.compress(body.encode())).decode()
    return {"headers": {"Content-Encoding": "gzip"}, "body": [{"base64": data}]}


def test_every_parameter_of_the_call_is_sent(zstack: Simulator, gather: Gather) -> None:
    gather(zstack, registry_port=8000, system_tags=["a::b", "c d"], user_tags=["x&y"])
    scan = next(request for request in zstack.requests if request.path == SCAN)
    tags = [("systemTags", "a::b"), ("systemTags", "c d"), ("userTags", "x&y")]
    assert list(scan.query) == [("url", zstack.storage_url), ("registryPort", "8000"), *tags]


def test_a_run_opens_a_connection_for_each_of_its_parallel_calls(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    connections = [request.connection for request in zstack.requests]
    assert len(connections) == 5
    # The scan, and beside it the version and the time zone. The login and the logout use one of these three.
    assert len(set(connections)) <= 3


def test_a_redirect_is_not_followed(zstack: Simulator, gather: Gather) -> None:
    target = f"http://127.0.0.1:{zstack.port}/zstack/v1/elsewhere?url="
    zstack.inject({"status": 302, "headers": {"Location": target + quote(zstack.storage_url, safe="")}, "body": ""})
    line = str(failure(gather, zstack))
    assert f"the response is a redirect to {target}ssh%3A%2F%2Froot%3A***%40192.0.2.20" in line
    assert ", which is not followed (HTTP 302)" in line
    assert "/v1/elsewhere" not in zstack.paths


def test_a_missing_requests_and_a_broken_one_are_told_apart(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    for exc, words in (
        (ModuleNotFoundError("No module named 'requests'", name="requests"), "Failed to import the required Python"),
        (ImportError("urllib3 v2\nonly supports OpenSSL"), "cannot be imported: urllib3 v2 only supports OpenSSL"),
        (ModuleNotFoundError("No module named 'idna'", name="idna"), "cannot be imported: No module named 'idna'"),
    ):
        monkeypatch.setattr(_client, "REQUESTS_IMPORT_ERROR", exc)
        assert words in str(failure(gather, zstack))


def test_the_second_address_of_a_name_is_tried_after_the_first(
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
    assert f"no connection to port {zstack.port}. {error.error['hint']}" in str(error)
    assert error.error["hint_reason"] == "no_connection"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        *((f"{status} Elsewhere\r\nLocation: /login", "redirect to /login") for status in (300, 302, 399)),
        ("200 OK", "the response is larger than 64 MiB"),
    ],
)
def test_no_body_of_a_redirect_or_of_too_many_bytes_is_read(
    zstack: Simulator, gather: Gather, head: str, words: str
) -> None:
    sent = [0]

    def serve() -> None:
        with listening.accept()[0] as connection:
            connection.recv(65536)
            try:
                connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 1000000000\r\n\r\n".encode())
                for _dummy in range(1000):
                    sent[0] += connection.send(b" " * 1_000_000)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        error = failure(gather, zstack, port=listening.getsockname()[1])
        server.join(HANGS)
    assert words in str(error)
    # What the buffers of two sockets hold.
    assert sent[0] < 50_000_000


# Words that are nowhere else, and what has a meaning in a URL.
WORDS = ["Quux", "Zyzzy", "Wvut", "Jäger", "密码", "Vex\udcff"]
SECRETS = st.lists(st.sampled_from(WORDS) | st.sampled_from("@:/#%[]?&=+ \\'\"."), min_size=1, max_size=6).filter(
    set(WORDS).intersection
)
ODD_PROXIES = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]) | st.sampled_from("@:/#%[]\udcff")
)


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name of a host is looked up, and no other machine asked."""
    look_up = socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", local)


def shown_through(proxy: str, gather: Gather, zstack: Simulator, variable: str = "HTTP_PROXY") -> str:
    """All that a run through a proxy shows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, proxy)
        try:
            return json.dumps(gather(zstack, host="192.0.2.1", session_uuid="0123456789", timezone="UTC"))
        except ZStackError as error:
            assert str(error).isprintable()
            return json.dumps([str(error), error.error], ensure_ascii=False)


@settings(max_examples=200 if LONG else 50)
@given(
    odd=ODD_PROXIES | ODD_PROXIES.map("http://".__add__),
    user=st.text("aZ0é密:%"),
    variable=st.sampled_from(["HTTP_PROXY", "http_proxy", "ALL_PROXY"]),
)
@example("http://[", "", "HTTP_PROXY")
@example("http://127.0.0.1:99999", "", "HTTP_PROXY")
@example("http://127.0.0.1:x", "", "HTTP_PROXY")
@example("socks5://127.0.0.1:1", "", "HTTP_PROXY")
@example("//", "", "ALL_PROXY")
@example("://", "", "HTTP_PROXY")
@example("http://%", "", "HTTP_PROXY")
@example("http://\udcff@127.0.0.1:1", "", "HTTP_PROXY")
def test_through_any_proxy_a_result_or_a_zstack_error_comes_out(
    zstack: Simulator, gather: Gather, no_names: None, odd: str, user: str, variable: str
) -> None:
    zstack.clear()
    zstack.inject({"body": '{"backups": []}'}, on="any")
    shown_through(odd, gather, zstack, variable)
    shown = shown_through(f"http://me{user}@127.0.0.1:{zstack.port}", gather, zstack, variable)
    # Without a password, no name is sent either.
    assert ('"total": 0' in shown) is not ("密" in user and ":" in user)


@settings(max_examples=200 if LONG else 50)
@given(pieces=SECRETS, scheme=st.sampled_from(["http://", "", "https://"]))
@example(["Quux", "@", "Zyzzy", "/", "Wvut"], "http://")
@example(["Quux", "\\", "Zyzzy"], "http://")
@example(["Jäger"], "http://")
@example(["密码"], "http://")
def test_nothing_of_the_password_of_a_proxy_is_shown(
    zstack: Simulator, gather: Gather, no_names: None, pieces: list[str], scheme: str
) -> None:
    zstack.clear()
    # A proxy that shows what it was sent, and one that nobody listens at.
    zstack.inject({"status": 407, "body": "${headers}"}, on="any")
    plain = "".join(pieces)
    encoded = quote(plain, safe="", errors="surrogateescape")
    is_latin = all(ord(each) < 256 for each in unquote(encoded))
    for password in (plain, encoded):
        for port in (zstack.port, 1):
            shown = shown_through(f"{scheme}me:{password}@127.0.0.1:{port}", gather, zstack)
            assert [word for word in {*pieces, unquote(password)} & {*WORDS, unquote(password)} if word in shown] == []
            assert set(re.findall(r"Basic ([^\s\",]+)", shown)) <= {"***"}
            assert "5bc6" not in shown
            if password == encoded and scheme == "http://":
                reason = "Basic ***" if port == zstack.port else "the proxy failed"
                assert (reason if is_latin else "characters that HTTP does not allow") in shown


# Some proxies want a token in place of a name and a password.
@pytest.mark.parametrize("user", ["me:Open-Sesame", "Open-Sesame"])
def test_what_a_proxy_quotes_of_its_authentication_is_hidden(
    zstack: Simulator, gather: Gather, no_names: None, user: str
) -> None:
    zstack.inject({"status": 407, "body": ["for Open-Sesame\n", "${headers}"]}, on="any")
    shown = shown_through(f"http://{user}@127.0.0.1:{zstack.port}", gather, zstack)
    assert "for ***" in shown
    assert "Open-Sesame" not in shown


def test_no_proxy_variable_is_respected(zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    error = failure(gather, zstack, retries=3)
    assert f"the proxy failed: Connection refused. {error.error['hint']}" in str(error)
    assert (error.error["hint_reason"], error.transient) == ("proxy", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert gather(zstack)["total"] == zstack.storages[0].total


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


def test_a_transient_failure_is_retried_as_often_as_asked(
    zstack: Simulator, gather: Gather, pauses: list[float], warnings: list[str]
) -> None:
    # With an envelope as well. The catalogue has all other failures that a retry helps against.
    fault = {"status": 502, "body": ENVELOPE % "SYS.1006"}
    zstack.inject(fault)
    for retries in range(4):
        zstack.requests.clear()
        pauses.clear()
        assert failure(gather, zstack, retries=retries).transient
        assert zstack.paths.count(SCAN) == retries + 1
        assert pauses == [0, 2, 4][:retries]
    zstack.clear()
    zstack.inject(fault, times=2)
    pauses.clear()
    assert gather(zstack, retries=2)["total"] == zstack.storages[0].total
    assert pauses == [0, 2]
    assert not warnings


def test_any_other_failure_is_not_retried(
    zstack: Simulator, gather: Gather, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, body in ((503, "{}"), (200, ENVELOPE % "SYS.1010"), (505, ENVELOPE % "SYS.1010")):
        zstack.clear()
        zstack.inject({"status": status, "body": body})
        assert not failure(gather, zstack, retries=5).transient
        assert zstack.paths.count(SCAN) == 1
    # Of an unknown kind, and a timeout of the system
    for exception, words in (
        (ZeroDivisionError("words"), "the call failed: words"),
        (TimeoutError(110, "Connection timed out"), "no response within 60 s"),
    ):
        monkeypatch.setattr(_client._Session, "request", Mock(side_effect=exception))
        error = failure(gather, zstack, retries=5)
        assert words in str(error)
        assert not error.transient
    assert pauses == []


def test_a_refused_connection_is_retried_and_answered_with_what_to_check(gather: Gather, pauses: list[float]) -> None:
    with Simulator() as zstack:
        pass
    error = failure(gather, zstack, retries=3)
    assert pauses == [0, 2, 4]
    words = f"connection refused: nothing is listening on port {zstack.port}. {error.error['hint']}"
    assert str(error) == f"127.0.0.1:{zstack.port}: LogInByAccount: {words}"
    assert (error.status, error.error["code"], error.error["hint_reason"]) == (None, None, "refused")


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
def test_no_pause_is_longer_than_what_is_left_of_the_time_limit(
    zstack: Simulator, gather: Gather, pauses: list[float], timeout: int, expected: list[float]
) -> None:
    zstack.inject({"status": 502, "body": "gone"})
    error = failure(gather, zstack, retries=100, timeout=timeout)
    assert "gone (HTTP 502)" in str(error)
    assert pauses == expected


def test_every_call_is_retried_that_was_not_carried_out(zstack: Simulator, gather: Gather, pauses: list[float]) -> None:
    zstack.inject("not_ready", on="login", times=1)
    for call in ("scan", "version", "timezone", "logout"):
        zstack.inject("reset_before_reply", on=call, times=1)
    assert gather(zstack, retries=1)["timezone_source"] == "server"
    assert pauses == [0] * 5
    assert not zstack.sessions


@pytest.mark.parametrize("fault", ["silence", "dripping_body"])
def test_a_call_ends_at_its_time_limit_and_names_the_option(zstack: Simulator, gather: Gather, fault: str) -> None:
    before = set(threading.enumerate())
    zstack.inject(fault, on="scan")
    begin = time.monotonic()
    error = failure(gather, zstack, timeout=UNANSWERED, retries=5)
    assert UNANSWERED <= time.monotonic() - begin < HANGS
    assert f"no response within {UNANSWERED} s. {error.error['hint']}" in str(error)
    assert error.error["hint_reason"] == "timeout"
    assert zstack.paths.count(SCAN) == 1
    assert not zstack.sessions
    if fault == "silence":
        for thread in set(threading.enumerate()) - before:
            thread.join(HANGS)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, "<html>Please log in</html>", "the response is not a JSON object: Please log in (HTTP 200)."),
        (200, "", "the response is not a JSON object: it is empty (HTTP 200)."),
        (299, "", "the response is not a JSON object: it is empty (HTTP 299)."),
        (200, "[]", "the response is not a JSON object: [] (HTTP 200)."),
        (405, "", "the response is empty (HTTP 405)."),
        (500, '{"message": "it broke"}', '{"message": "it broke"} (HTTP 500).'),
        (502, "<html><style>p {}</style><h1>Bad Gateway</h1><script>1 < 2</script>", ": Bad Gateway (HTTP 502)."),
        (502, "\n<h1>Bad <!-- a --> Gateway</h1><!-- of nginx", ": Bad Gateway (HTTP 502)."),
        (300, '{"backups": []}', "the response is a redirect to nowhere, which is not followed (HTTP 300)."),
    ],
)
def test_a_response_without_a_list_is_quoted(
    zstack: Simulator, gather: Gather, status: int, body: str, words: str
) -> None:
    # An empty body has no encoding.
    headers = {} if body else {"Content-Encoding": "gzip"}
    zstack.inject({"status": status, "headers": headers, "body": body})
    error = failure(gather, zstack)
    assert words in str(error)
    assert error.status == status


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


def test_any_status_of_success_is_one(zstack: Simulator, gather: Gather) -> None:
    for status in (200, 201, 202, 299):
        zstack.inject({"status": status, "body": '\ufeff{"error": null, "infos": []}'}, times=1)
        assert gather(zstack)["total"] == 0


@pytest.mark.parametrize("play", [lambda body: {"body": body}, compressed], ids=["plain", "gzip"])
def test_a_response_may_be_as_large_as_the_limit(
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
    assert "the response is larger than 1 MiB. " in str(failure(gather, zstack))


def test_a_response_may_hold_as_many_values_as_the_limit(
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


def test_a_compressed_response_that_breaks_off_is_a_failure(zstack: Simulator, gather: Gather) -> None:
    play = compressed('{"backups": []}' + " " * 1000)
    data = base64.b64decode(play["body"][0]["base64"])[:-9]
    zstack.inject({**play, "body": [{"base64": base64.b64encode(data).decode()}]})
    assert "the compressed response is incomplete" in str(failure(gather, zstack))
