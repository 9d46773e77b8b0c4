# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._auth import LOGIN_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._backups import SCAN_CODE_HINTS, SCAN_OUTPUT_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._calls import NOT_ZSTACK
from ansible_collections.zstack.cloud.plugins.module_utils._failures import CODE_HINTS, STATUS_HINTS, TEXT_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import failure

Gather = Callable[..., Any]

# The codes of ZStack's API reference, and for each what the line ends with: by call, and for a scan by authentication.
HINTS: Mapping[str, Mapping[str, str]] = {
    "ID.1000": {"login": "Check account_name and account_password.", "session": "", "account": "", "access_key": ""},
    "ID.1001": {
        "session": "Log in again for a new session_uuid, or set account_name and account_password instead.",
        "account": "The session ended during the task: run it again.",
        "access_key": "Check access_key_id and access_key_secret.",
    },
    "ID.1002": {
        "login": "Use an account that has this permission, such as admin.",
        **dict.fromkeys(AUTH_METHODS, "Use an account that has this permission, such as admin."),
    },
    "ID.1005": {"login": "Log in to the ZStack UI once, and change the initial password there."},
    "ID.1006": {
        "login": "Log out unused sessions of this account, wait until they expire, or use an AccessKey.",
    },
    "ID.2000": {"login": "This account requires two-factor authentication: use an AccessKey."},
    "ID.2001": {"login": "This account requires two-factor authentication: use an AccessKey."},
    "SYS.1000": {
        "login": "Check the log of the management node.",
        **dict.fromkeys(AUTH_METHODS, "Check the log of the management node."),
    },
    "SYS.1001": dict.fromkeys(
        ["login", *AUTH_METHODS],
        "The management node timed out: run the task again when it is less busy.",
    ),
    "SYS.1003": {"login": "", **dict.fromkeys(AUTH_METHODS, "Check that url names an existing storage.")},
    "SYS.1006": {"login": "", **dict.fromkeys(AUTH_METHODS, "Check url and registry_port.")},
    "SYS.1007": {
        "login": "Check account_name and account_password.",
        **dict.fromkeys(AUTH_METHODS, "Check url, registry_port and the tags."),
    },
    "SYS.1010": dict.fromkeys(
        ["login", *AUTH_METHODS], "The management node is starting: run the task again in a few minutes."
    ),
    "SYS.1012": dict.fromkeys(
        ["login", *AUTH_METHODS], "Check the state of the management node with zstack-ctl status."
    ),
    "ELSE.9999": dict.fromkeys(["login", *AUTH_METHODS], ""),
}


def line(gather: Gather, zstack: Simulator, method: str) -> str:
    return str(failure(gather, zstack, timezone="Asia/Shanghai", **zstack.credentials(method)))


@pytest.mark.parametrize(("code", "where"), [(code, where) for code, hints in HINTS.items() for where in hints])
def test_a_code_is_followed_by_what_to_do_about_it_in_this_call(
    zstack: Simulator, gather: Gather, code: str, where: str
) -> None:
    body = json.dumps({"error": {"code": code, "description": "words", "details": "more words"}})
    zstack.inject({"status": 503, "body": body}, on="login" if where == "login" else "scan")
    method = "account" if where == "login" else where
    hint = HINTS[code][where]
    ending = f"[{code}] words: more words (HTTP 503)" + (f". {hint}" if hint else "")
    assert line(gather, zstack, method).endswith(ending)


def test_each_code_that_has_a_hint_is_in_the_table_above() -> None:
    assert {*CODE_HINTS, *SCAN_CODE_HINTS, *LOGIN_HINTS} < HINTS.keys()


# The plain texts of ZStack's sources.
ANSWERS = [
    (
        400,
        "missing header 'Authorization'",
        "A proxy removed the Authorization header: connect to the management node directly.",
    ),
    (
        400,
        "Authorization type must be 'OAuth'",
        "This ZStack release does not support AccessKeys: use a session or an account.",
    ),
    (
        400,
        "the body doesn't contain action mapping to the URL[/v1/management-nodes/actions]",
        "This ZStack release does not support the call.",
    ),
    (
        404,
        "no api mapping to /v1/database-backups/image-store",
        "This ZStack release does not support the call. Also check host, port and context_path.",
    ),
    (
        400,
        "'Date' must be incuded in request header",
        "A proxy removed the Date header: connect to the management node directly.",
    ),
    (
        400,
        "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'",
        "A proxy changed the Date header: connect to the management node directly.",
    ),
    (
        400,
        "accessKey format is 'ZStack AccessKeyId:Signature'",
        "Check access_key_id: use it as issued, without a colon.",
    ),
    (403, "requestTimeTooSkewed", "Set timezone to the zone of the management node, and check both clocks."),
    (
        403,
        "access key id: 0123456789abcdefghij does not existed or disabled",
        "Check access_key_id, and that the AccessKey is enabled.",
    ),
    (403, "wrong accessKey signature", "Check access_key_secret."),
    (
        400,
        "Invalid query parameter[url], only one value is allowed for the parameter but multiple values found",
        "Check for a proxy that repeats parameters.",
    ),
    (500, 'For input string: "abc"', "Check registry_port."),
    (429, "Rate limit exceeded", "Run the task again in a minute, with fewer calls at a time."),
    (405, "Method Not Allowed", NOT_ZSTACK.text),
    (400, "words that nobody knows", NOT_ZSTACK.text),
    (418, "words that nobody knows", NOT_ZSTACK.text),
    (500, "java.lang.NullPointerException", "The management node hit an internal error: check its log."),
    (500, "", "The management node hit an internal error: check its log."),
]
# What others answer at the port: proxies, firewalls, portals, and web servers.
OTHERS = [
    (200, "<html><title>Sign in</title></html>", NOT_ZSTACK.text),
    (302, "", NOT_ZSTACK.text),
    *(
        (400, f"<html>{words}</html>", "The port expects HTTPS: check port, or set use_ssl to true.")
        for words in (
            "The plain HTTP request was sent to HTTPS port",
            "You're speaking plain HTTP to an SSL-enabled server port.",
            "This combination of host and port requires TLS.",
            "Client sent an HTTP request to an HTTPS server.",
        )
    ),
    (401, "", "A proxy requires its own authentication: connect to the management node directly."),
    (
        403,
        "<html>Request blocked</html>",
        "A proxy or firewall may have blocked the call: allow it there, or connect to the management node directly.",
    ),
    (404, "<html><h1>HTTP Status 404 \u2013 Not Found</h1></html>", NOT_ZSTACK.text),
    (
        407,
        "",
        "Add a user name and password to the proxy in HTTP_PROXY or HTTPS_PROXY, or add the host to NO_PROXY.",
    ),
    (501, "<html>Unsupported method ('GET')</html>", NOT_ZSTACK.text),
    (
        502,
        "<html><h1>Bad Gateway</h1></html>",
        "A proxy answered: check that the management node behind it is running.",
    ),
    (
        503,
        "<html>No server is available to handle this request.</html>",
        "A proxy answered: check that the management node behind it is running.",
    ),
    (504, "", "A proxy answered because the management node took too long: increase the proxy's timeout."),
    (511, "", "The network requires a login: open any web page from this machine and log in there."),
    (599, "words that nobody knows", NOT_ZSTACK.text),
]


@pytest.mark.parametrize("errors", ["text", "json"])
@pytest.mark.parametrize(
    ("status", "text", "hint"), ANSWERS, ids=[f"{status} {text[:40]}" for status, text, _dummy in ANSWERS]
)
def test_a_refusal_has_the_same_hint_in_old_and_new_releases(
    gather: Gather, status: int, text: str, hint: str, errors: str
) -> None:
    with Simulator(errors=errors) as zstack:
        zstack.inject({"refusal": True, "status": status, "body": text})
        error = failure(gather, zstack, timezone="Asia/Shanghai")
    assert str(error).endswith(f"(HTTP {status}). {hint}")
    assert error.unknown_call == ("does not support the call" in hint)
    assert (error.error["hint"], bool(error.error["hint_reason"])) == (hint, True)


@pytest.mark.parametrize(
    ("status", "text", "hint"), OTHERS, ids=[f"{status} {text[:40]}" for status, text, _dummy in OTHERS]
)
def test_a_response_of_something_else_is_followed_by_what_to_do(
    zstack: Simulator, gather: Gather, status: int, text: str, hint: str
) -> None:
    zstack.inject({"status": status, "body": text})
    assert line(gather, zstack, "session").endswith(f"(HTTP {status}). {hint}")


def test_each_text_and_status_that_has_a_hint_is_in_the_table_above() -> None:
    for words, hint in TEXT_HINTS.items():
        assert {hint.text} == {answer[2] for answer in [*ANSWERS, *OTHERS] if words in answer[1]}
    for status, hint in STATUS_HINTS.items():
        assert hint.text in [answer[2] for answer in [*ANSWERS, *OTHERS] if answer[0] == status]


# What a scan that failed says last (ssh's and zstack-ctl's own words), and what the line says then.
LAST_WORDS = {
    "Permission denied, please try again.": "Check the user name and password of the storage.",
    "root@192.0.2.20: Permission denied (publickey,password).": "Check the user name and password of the storage.",
    "ssh: connect to host 192.0.2.20 port 22: No route to host": (
        "Check the host in url, and the network between the management node and the storage."
    ),
    "ssh: connect to host 192.0.2.20 port 22: Connection refused": (
        "Check the host and the SSH port in url, and registry_port."
    ),
    "dial tcp 192.0.2.20:8000: connect: connection refused": (
        "Check the host and the SSH port in url, and registry_port."
    ),
    "ssh: connect to host 192.0.2.20 port 22: Connection timed out": (
        "Check the host and the SSH port in url, and firewalls."
    ),
    "ssh: Could not resolve hostname storage: Name or service not known": (
        "Check the host in url: the management node cannot resolve it."
    ),
    "ERROR: wrong url, get guide from help.": "Check the user name, password and host in url.",
    "words that nobody knows": "",
}


@pytest.mark.parametrize("words", LAST_WORDS)
@pytest.mark.parametrize("length", [10, 100_000], ids=["a short command", "a very long command"])
@pytest.mark.parametrize("zsphere", [False, True], ids=["ZStack", "ZSphere"])
def test_the_last_words_of_a_failed_scan_come_first_and_decide_what_to_do(
    zstack: Simulator, gather: Gather, words: str, length: int, zsphere: bool
) -> None:
    storage = zstack.storages[0]
    command = f"zstack-ctl scan_database_backup --json --backup-storage-url {storage.url} -p 8000"
    output = (
        f"ERROR: failed to execute shell command: sshpass -p '{storage.password}' ssh -p 22 root@192.0.2.20 "
        f"'{'ps ' * length}'\nreturn code: 5\nstdout: \nstderr: {words}\n\nstdout: "
    )
    error: dict[str, Any] = {"code": "SYS.1000", "description": "An internal error happened in system"}
    error["details"] = f"\nshell command[{command}] failed\nret code: 1\nstderr: {output}"
    if zsphere:
        error["details"] = "failed to execute shell command"
        error["opaque"] = {"bash.cmd": command, "bash.code": 1, "bash.output": "", "bash.error": output}
    zstack.inject({"status": 503, "body": json.dumps({"error": error})})
    text = line(gather, zstack, "session")
    first = "failed to execute shell command" if zsphere else "shell command["
    assert f"[SYS.1000] An internal error happened in system: {words} ({first}" in text
    assert storage.password not in text
    assert text.endswith(f"{LAST_WORDS[words]} Try ssh from the management node.".strip())
    assert len(text) < 2000


@pytest.mark.parametrize("code", [None, "ID.1002", "SYS.1001"])
def test_the_last_words_of_a_command_decide_nothing_under_another_code(
    zstack: Simulator, gather: Gather, code: str | None
) -> None:
    error = {"code": code, "details": "shell command[ssh] failed\nstderr: Permission denied"}
    zstack.inject({"status": 503, "body": json.dumps({"error": error})})
    text = line(gather, zstack, "session")
    assert "Permission denied (shell command[ssh] failed)" in text
    assert "Try ssh" not in text


def test_each_failure_of_a_scan_that_has_a_hint_is_in_the_table_above() -> None:
    for words, hint in SCAN_OUTPUT_HINTS.items():
        assert hint.text in [
            f"{LAST_WORDS[last]} Try ssh from the management node.".lstrip()
            for last in LAST_WORDS
            if words.lower() in last.lower()
        ]


@pytest.mark.parametrize(
    ("url", "registry_port", "words", "hint"),
    [
        ("ssh://root:wrong@192.0.2.20/zstack_bs", None, "Permission denied", "Check the user name and password"),
        ("ssh://root:x-7@192.0.2.99/zstack_bs", None, "No route to host", "Check the host in url, and the network"),
        ("ssh://root:x-7@192.0.2.20:23/zstack_bs", None, "Connection refused", "Check the host and the SSH port"),
        ("ssh://root:x-7@storage/zstack_bs", None, "Could not resolve hostname", "Check the host in url: the"),
        ("", 8009, "connection refused", "Check the host and the SSH port in url, and registry_port"),
    ],
)
def test_a_scan_that_fails_on_a_server_is_answered_with_what_to_do(
    zstack: Simulator, gather: Gather, url: str, registry_port: int | None, words: str, hint: str
) -> None:
    error = failure(gather, zstack, urls=[url or zstack.storage_url], registry_port=registry_port)
    first, _dummy, rest = str(error).partition("(shell command[")
    assert words in first
    assert hint in rest
    assert rest.endswith("Try ssh from the management node.")
