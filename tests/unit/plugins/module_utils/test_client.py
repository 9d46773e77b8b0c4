# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.tests.simulator import Simulator

Gather = Callable[..., Any]


def failure(gather: Gather, zstack: Simulator, **options: Any) -> ZStackError:
    with pytest.raises(ZStackError) as caught:
        gather(zstack, **options)
    return caught.value


def paths(zstack: Simulator) -> list[str]:
    return [request.path for request in zstack.requests]


def test_every_parameter_of_the_call_is_sent(zstack: Simulator, gather: Gather) -> None:
    gather(zstack, registry_port=8000, system_tags=["a::b", "c d"], user_tags=["x&y"])
    scan = next(request for request in zstack.requests if request.path == "/v1/database-backups/image-store")
    assert list(scan.query) == [
        ("url", zstack.storage_url),
        ("registryPort", "8000"),
        ("systemTags", "a::b"),
        ("systemTags", "c d"),
        ("userTags", "x&y"),
    ]


def test_all_calls_of_a_run_share_one_connection(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    assert len(zstack.requests) == 5
    assert len({request.connection for request in zstack.requests}) == 1


@pytest.mark.parametrize("reply", ["backups", "infos"])
@pytest.mark.parametrize("java", [8, 9, 20])
def test_both_kinds_of_reply_and_every_java_give_the_same_backups(gather: Gather, reply: str, java: int) -> None:
    with Simulator(reply=reply, java=java) as zstack:
        result = gather(zstack)
    newest = result["latest"]
    assert (result["count"], result["total"]) == (15, 15)
    assert newest["created_at"].endswith("T02:00:11+08:00")
    assert (newest["version"], newest["restorable"]) == ("4.8.30", True)
    assert newest["install_path"].rpartition("/")[2] == newest["id"]
    assert result["backups"][-1]["restorable"] is False


def test_chinese_words_come_through_without_a_content_type(zstack: Simulator, gather: Gather) -> None:
    error = failure(gather, zstack, account_name="admin", account_password="wrong")
    assert "密码" in str(error)
    assert (error.status, error.code) == (503, "ID.1000")


def test_a_redirect_is_not_followed(zstack: Simulator, gather: Gather) -> None:
    target = f"http://127.0.0.1:{zstack.port}/zstack/v1/elsewhere"
    zstack.play({"status": 302, "headers": {"Location": target}, "body": ""})
    error = failure(gather, zstack)
    assert f"redirect to {target}, which is not followed" in str(error)
    assert error.status == 302
    assert "/v1/elsewhere" not in paths(zstack)


def test_an_entry_in_netrc_does_not_replace_the_authorization(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    gather(zstack)
    sent = [request.headers.get("Authorization", "none") for request in zstack.requests]
    assert [header.split()[0] for header in sent] == ["none", "OAuth", "none", "OAuth", "OAuth"]


def test_a_proxy_of_the_environment_is_used_and_its_password_not_told(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:Open-Sesame@127.0.0.1:{zstack.port}")
    assert gather(zstack, host="zstack.example.com", port=8080)["total"] == 15
    assert {request.headers["Host"] for request in zstack.requests} == {"zstack.example.com:8080"}
    zstack.play({"status": 502, "body": "cannot reach it for me:Open-Sesame"})
    assert "cannot reach it for me:***" in str(failure(gather, zstack, host="zstack.example.com", port=8080))


def test_no_proxy_is_heeded(zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert gather(zstack)["total"] == 15


def test_nobody_at_the_port_is_tried_again_and_told_with_what_to_check(gather: Gather) -> None:
    with Simulator() as zstack:
        pass
    error = failure(gather, zstack, retries=1, session_uuid="0123456789")
    assert "Connection refused. Check host and port" in str(error)
    assert (error.status, error.code) == (None, None)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": "<html><title>Bad Gateway</title></html>"},
        {"status": 504, "body": ""},
        {"status": 503, "body": json.dumps({"error": {"code": "SYS.1010", "description": "not ready"}})},
        {"status": 503, "body": json.dumps({"error": {"code": "SYS.1012", "description": "unavailable"}})},
        {"cut": "before", "by": "reset"},
    ],
    ids=["502", "504", "SYS.1010", "SYS.1012", "reset"],
)
def test_what_passes_is_tried_again_as_often_as_asked(zstack: Simulator, gather: Gather, fault: dict[str, Any]) -> None:
    zstack.play(fault, times=1)
    assert gather(zstack, retries=1)["total"] == 15
    zstack.clear()
    zstack.play(fault)
    failure(gather, zstack, retries=1)
    assert paths(zstack).count("/v1/database-backups/image-store") == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": "oops"},
        {"status": 503, "body": json.dumps({"error": {"code": "SYS.1006"}})},
        {"status": 200, "body": json.dumps({"error": {"code": "SYS.1010"}})},
        {"status": 404, "body": "no api mapping to /v1/x"},
        {"cut": "middle", "by": "reset"},
    ],
    ids=["500", "SYS.1006", "SYS.1010 in a 200", "404", "cut off"],
)
def test_what_does_not_pass_is_not_tried_again(zstack: Simulator, gather: Gather, fault: dict[str, Any]) -> None:
    zstack.play(fault)
    failure(gather, zstack, retries=2)
    assert paths(zstack).count("/v1/database-backups/image-store") == 1


def test_a_pause_that_does_not_fit_into_the_time_limit_is_not_made(zstack: Simulator, gather: Gather) -> None:
    zstack.play({"status": 502, "body": "gone"})
    begin = time.monotonic()
    error = failure(gather, zstack, retries=100, timeout=1)
    assert time.monotonic() - begin < 1
    assert "gone (HTTP 502)" in str(error)


@pytest.mark.parametrize("fault", ["silence", "dripping_head", "dripping_body"])
def test_a_call_ends_at_its_time_limit_and_says_which_option_raises_it(
    zstack: Simulator, gather: Gather, fault: str
) -> None:
    zstack.play(fault, on="scan")
    begin = time.monotonic()
    error = failure(gather, zstack, timeout=1)
    assert time.monotonic() - begin < 2
    assert "no complete reply within 1 s. Raise timeout" in str(error)
    assert not zstack.sessions


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, "missing header 'Authorization'", "missing header 'Authorization' (HTTP 400). Something on the way"),
        (403, "requestTimeTooSkewed", "requestTimeTooSkewed (HTTP 403). Set timezone"),
        (404, "no api mapping to /v1/x", "no api mapping to /v1/x (HTTP 404). Check host, port and context_path"),
        (405, "", "Method Not Allowed (HTTP 405)"),
        (500, "NullPointerException", "NullPointerException (HTTP 500)"),
        (502, "<html><style>p {}</style><h1>Bad Gateway</h1></html>", ": Bad Gateway (HTTP 502). A proxy answered"),
        (200, "<html>Please log in</html>", "not a JSON object: Please log in (HTTP 200). This is no answer of a"),
        (200, "", "not a JSON object: it is empty (HTTP 200)"),
        (200, "[]", "not a JSON object: [] (HTTP 200)"),
        (200, '{"backups": 7}', "the reply's backups are not a list (HTTP 200)"),
        (200, '{"error": "it broke"}', "it broke (HTTP 200)"),
    ],
)
def test_an_answer_that_is_no_list_is_told_in_its_own_words(
    zstack: Simulator, gather: Gather, status: int, body: str, words: str
) -> None:
    zstack.play({"status": status, "body": body})
    error = failure(gather, zstack)
    assert words in str(error)
    assert error.status == status


def test_an_error_that_is_null_is_none(zstack: Simulator, gather: Gather) -> None:
    zstack.play({"status": 200, "body": '\ufeff{"error": null, "infos": []}'})
    assert gather(zstack)["total"] == 0


def test_values_that_ansible_cannot_carry_are_replaced(zstack: Simulator, gather: Gather) -> None:
    entry = r'{"name": "a\ud800b", "createdTime": "x", "load": NaN, "peak": 1e999}'
    zstack.play({"status": 200, "body": f'{{"backups": [{entry}]}}'})
    (backup,) = gather(zstack)["backups"]
    assert (backup["name"], backup["load"], backup["peak"]) == ("a?b", None, None)


def test_certificates_are_not_asked_of_a_server_without_tls(zstack: Simulator, gather: Gather) -> None:
    error = failure(gather, zstack, use_ssl=True)
    assert "no TLS connection" in str(error)
    assert "use_ssl" in str(error)
