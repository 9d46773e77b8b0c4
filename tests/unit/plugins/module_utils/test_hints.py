# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a failure: which hint an error ends with. The texts of the hints stand in the code alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._auth import LOGIN_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._backups import SCAN_CODE_HINTS, SCAN_OUTPUT_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._failures import CODE_HINTS, STATUS_HINTS, TEXT_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure

EVERYWHERE = ("login", *AUTH_METHODS)
# The codes of ZStack's API reference, and for each the reason of the hint: by call, and for a scan by authentication.
CODES: Mapping[str, Mapping[str, str | None]] = {
    "ID.1000": {"login": "account", **dict.fromkeys(AUTH_METHODS)},
    "ID.1001": {"session": "session_expired", "account": "session_ended", "access_key": "access_key"},
    "ID.1002": dict.fromkeys(EVERYWHERE, "permission"),
    "ID.1005": {"login": "initial_password"},
    "ID.1006": {"login": "session_limit"},
    "ID.2000": {"login": "two_factor"},
    "ID.2001": {"login": "two_factor"},
    "SYS.1000": dict.fromkeys(EVERYWHERE, "node_log"),
    "SYS.1001": dict.fromkeys(EVERYWHERE, "node_busy"),
    "SYS.1003": {"login": None, **dict.fromkeys(AUTH_METHODS, "storage_missing")},
    "SYS.1006": {"login": None, **dict.fromkeys(AUTH_METHODS, "storage_url")},
    "SYS.1007": {"login": "account", **dict.fromkeys(AUTH_METHODS, "storage_options")},
    "SYS.1010": dict.fromkeys(EVERYWHERE, "node_starting"),
    "SYS.1012": dict.fromkeys(EVERYWHERE, "node_state"),
    "ELSE.9999": dict.fromkeys(EVERYWHERE),
}


def hint_of(gather: Gather, zstack: Simulator, method: str = "session", **options: Any) -> tuple[str | None, str]:
    """Return the reason of the hint that the error of a run ends with, and its line before the hint."""
    error = failure(gather, zstack, timezone="Asia/Shanghai", **zstack.credentials(method), **options)
    line, hint = str(error), error.error["hint"]
    assert line.endswith(f". {hint}" if hint else ")"), line
    return error.error["hint_reason"], line.removesuffix(f". {hint}")


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_followed_by_what_to_do_about_it_in_this_call(zstack: Simulator, gather: Gather, code: str) -> None:
    body = json.dumps({"error": {"code": code, "description": "words", "details": "more words"}})
    for where, reason in CODES[code].items():
        zstack.clear()
        zstack.inject({"status": 503, "body": body}, on="login" if where == "login" else "scan")
        found, line = hint_of(gather, zstack, "account" if where == "login" else where)
        assert found == reason, where
        assert line.endswith(f"[{code}] words: more words (HTTP 503)")


# The plain texts of ZStack's sources.
ANSWERS = [
    (400, "missing header 'Authorization'", "no_authorization_header"),
    (400, "Authorization type must be 'OAuth'", "no_access_keys"),
    (400, "the body doesn't contain action mapping to the URL[/v1/management-nodes/actions]", "no_action"),
    (404, "no api mapping to /v1/database-backups/image-store", "no_api"),
    (400, "'Date' must be incuded in request header", "no_date_header"),
    (400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'", "date_format"),
    (400, "accessKey format is 'ZStack AccessKeyId:Signature'", "access_key_id"),
    (403, "requestTimeTooSkewed", "time_skewed"),
    (403, "access key id: 0123456789abcdefghij does not existed or disabled", "access_key_disabled"),
    (403, "wrong accessKey signature", "access_key_secret"),
    (400, "Invalid query parameter[url], only one value is allowed for the parameter", "repeated_parameter"),
    (500, 'For input string: "abc"', "registry_port"),
    (429, "Rate limit exceeded", "rate_limit"),
    (405, "Method Not Allowed", "not_zstack"),
    (400, "words that nobody knows", "not_zstack"),
    (418, "words that nobody knows", "not_zstack"),
    (500, "java.lang.NullPointerException", "node_error"),
    (500, "", "node_error"),
]
# What others answer at the port: proxies, firewalls, portals, and web servers.
OTHERS = [
    (200, "<html><title>Sign in</title></html>", "not_zstack"),
    (302, "", "not_zstack"),
    (400, "<html>The plain HTTP request was sent to HTTPS port</html>", "https_port"),
    (400, "<html>You're speaking plain HTTP to an SSL-enabled server port.</html>", "https_port"),
    (400, "<html>This combination of host and port requires TLS.</html>", "https_port"),
    (400, "<html>Client sent an HTTP request to an HTTPS server.</html>", "https_port"),
    (401, "", "proxy_login"),
    (403, "<html>Request blocked</html>", "blocked"),
    (404, "<html><h1>HTTP Status 404 \u2013 Not Found</h1></html>", "not_zstack"),
    (407, "", "proxy_credentials"),
    (501, "<html>Unsupported method ('GET')</html>", "not_zstack"),
    (502, "<html><h1>Bad Gateway</h1></html>", "no_server"),
    (503, "<html>No server is available to handle this request.</html>", "no_server"),
    (504, "", "proxy_timeout"),
    (511, "", "network_login"),
    (599, "words that nobody knows", "not_zstack"),
]


@pytest.mark.parametrize("errors", ["text", "json"])
def test_a_refusal_has_the_same_hint_in_old_and_new_releases(gather: Gather, errors: str) -> None:
    with Simulator(errors=errors) as zstack:
        for status, text, reason in ANSWERS:
            zstack.clear()
            zstack.inject({"refusal": True, "status": status, "body": text})
            error = failure(gather, zstack, timezone="Asia/Shanghai")
            assert str(error).endswith(f"(HTTP {status}). {error.error['hint']}")
            assert (error.error["hint_reason"], error.unknown_call) == (reason, reason in ("no_action", "no_api")), text


def test_a_response_of_something_else_is_followed_by_what_to_do(zstack: Simulator, gather: Gather) -> None:
    for status, text, reason in OTHERS:
        zstack.clear()
        zstack.inject({"status": status, "body": text})
        found, line = hint_of(gather, zstack)
        assert (found, line[-10:]) == (reason, f"(HTTP {status})"), text


# What a scan that failed says last, in the words of ssh and zstack-ctl.
LAST_WORDS = {
    "Permission denied, please try again.": "storage_login",
    "root@192.0.2.20: Permission denied (publickey,password).": "storage_login",
    "ssh: connect to host 192.0.2.20 port 22: No route to host": "storage_network",
    "ssh: connect to host 192.0.2.20 port 22: Connection refused": "storage_port",
    "dial tcp 192.0.2.20:8000: connect: connection refused": "storage_port",
    "ssh: connect to host 192.0.2.20 port 22: Connection timed out": "storage_firewall",
    "ssh: Could not resolve hostname storage: Name or service not known": "storage_name",
    "ERROR: wrong url, get guide from help.": "storage_parts",
    "words that nobody knows": "storage_ssh",
}


@pytest.mark.parametrize("length", [10, 100_000], ids=["a short command", "a very long command"])
@pytest.mark.parametrize("zsphere", [False, True], ids=["ZStack", "ZSphere"])
def test_the_last_words_of_a_failed_scan_come_first_and_decide(
    zstack: Simulator, gather: Gather, length: int, zsphere: bool
) -> None:
    storage = zstack.storages[0]
    command = f"zstack-ctl scan_database_backup --json --backup-storage-url {storage.url} -p 8000"
    for words, reason in LAST_WORDS.items():
        output = (
            f"ERROR: failed to execute shell command: sshpass -p '{storage.password}' ssh -p 22 root@192.0.2.20 "
            f"'{'ps ' * length}'\nreturn code: 5\nstdout: \nstderr: {words}\n\nstdout: "
        )
        error: dict[str, Any] = {"code": "SYS.1000", "description": "An internal error happened in system"}
        error["details"] = f"\nshell command[{command}] failed\nret code: 1\nstderr: {output}"
        if zsphere:
            error["details"] = "failed to execute shell command"
            error["opaque"] = {"bash.cmd": command, "bash.code": 1, "bash.output": "", "bash.error": output}
        zstack.clear()
        zstack.inject({"status": 503, "body": json.dumps({"error": error})})
        found, line = hint_of(gather, zstack)
        first = "failed to execute shell command" if zsphere else "shell command["
        assert f"[SYS.1000] An internal error happened in system: {words} ({first}" in line
        assert storage.password not in line
        assert found == reason


@pytest.mark.parametrize("code", [None, "ID.1002", "SYS.1001"])
def test_the_last_words_of_a_command_decide_nothing_under_another_code(
    zstack: Simulator, gather: Gather, code: str | None
) -> None:
    error = {"code": code, "details": "shell command[ssh] failed\nstderr: Permission denied"}
    zstack.inject({"status": 503, "body": json.dumps({"error": error})})
    found, line = hint_of(gather, zstack)
    assert "Permission denied (shell command[ssh] failed)" in line
    assert found == {None: "node_log", "ID.1002": "permission", "SYS.1001": "node_busy"}[code]


def test_each_hint_is_in_the_tables_above() -> None:
    assert {*CODE_HINTS, *SCAN_CODE_HINTS, *LOGIN_HINTS} < CODES.keys()
    for words, hint in TEXT_HINTS.items():
        assert {hint.reason} == {reason for _status, text, reason in [*ANSWERS, *OTHERS] if words in text}
    for status, hint in STATUS_HINTS.items():
        assert hint.reason in [answer[2] for answer in [*ANSWERS, *OTHERS] if answer[0] == status]
    for words, hint in SCAN_OUTPUT_HINTS.items():
        assert hint.reason in [reason for last, reason in LAST_WORDS.items() if words.lower() in last.lower()]


@pytest.mark.parametrize(
    ("url", "registry_port", "words", "reason"),
    [
        ("ssh://root:wrong@192.0.2.20/zstack_bs", None, "Permission denied", "storage_login"),
        ("ssh://root:x-7@192.0.2.99/zstack_bs", None, "No route to host", "storage_network"),
        ("ssh://root:x-7@192.0.2.20:23/zstack_bs", None, "Connection refused", "storage_port"),
        ("ssh://root:x-7@storage/zstack_bs", None, "Could not resolve hostname", "storage_name"),
        ("", 8009, "connection refused", "storage_port"),
    ],
)
def test_a_scan_that_fails_on_a_server_is_answered_with_what_to_do(
    zstack: Simulator, gather: Gather, url: str, registry_port: int | None, words: str, reason: str
) -> None:
    found, line = hint_of(gather, zstack, urls=[url or zstack.storage_url], registry_port=registry_port)
    assert words in line.partition("(shell command[")[0]
    assert found == reason
