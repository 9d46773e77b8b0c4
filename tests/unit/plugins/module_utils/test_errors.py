# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a call that failed: its line, its fields, and the hint what to do."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._auth import LOGIN_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._backups import SCAN_CODE_HINTS, SCAN_OUTPUT_HINTS
from ansible_collections.zstack.cloud.plugins.module_utils._calls import Hint, ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._failures import (
    CODE_HINTS,
    STATUS_HINTS,
    TEXT_HINTS,
    describe,
    envelope_fields,
)
from ansible_collections.zstack.cloud.plugins.module_utils._json import json_safe
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor, one_line, shorten
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure, masked

ENVELOPE = {
    "code": "SYS.1006",
    "description": "An operation failed",
    "details": "the scan failed",
    "location": "node-1",
    "globalErrorCode": "ORG_ZSTACK_1",
    "cause": {"code": "SYS.1001", "description": "Timeout", "cause": {"code": "X.1", "details": "no route"}},
    "causes": [{"code": "X.2", "description": "and another"}],
}


def error_of(envelope: Any, secret: str = "sesam3", **more: Any) -> ZStackError:
    fields = envelope_fields(envelope, Redactor(secret))
    return ZStackError(describe(fields), fields=fields, **more)


def nested(value: Any, levels: int, within: Callable[[Any], Any] = lambda value: [value]) -> Any:
    for _dummy in range(levels):
        value = within(value)
    return value


def test_the_line_has_server_call_code_words_causes_status_and_hint() -> None:
    hint = Hint("something", "Do something.")
    error = error_of(ENVELOPE, server="zstack.example.com:8080", call="LogInByAccount", status=503, hint=hint)
    assert str(error) == (
        "zstack.example.com:8080: LogInByAccount: [SYS.1006] An operation failed: the scan failed; caused by "
        "[SYS.1001] Timeout; caused by [X.1] no route; caused by [X.2] and another (HTTP 503). Do something."
    )
    fields = ("code", "description", "details")
    causes = [("SYS.1001", "Timeout", None), ("X.1", None, "no route"), ("X.2", "and another", None)]
    assert error.error == {
        **{field: ENVELOPE[field] for field in fields},
        "causes": [dict(zip(fields, cause)) for cause in causes],
        "global_error_code": "ORG_ZSTACK_1",
        "location": "node-1",
        "output": None,
        "server": "zstack.example.com:8080",
        "storage": None,
        "hint": "Do something.",
        "hint_reason": "something",
    }


def test_only_a_failed_scan_has_its_storage_in_the_error(zstack: Simulator, gather: Gather) -> None:
    server = f"{zstack.host}:{zstack.port}"
    zstack.inject("error_in_503")
    for options, line, storage in (
        ({}, "GetDatabaseBackupFromImageStore: [SYS.1000]", masked(zstack.storages[0])),
        ({"urls": zstack.storage_urls, "account_password": "wrong"}, "LogInByAccount: [ID.1000]", None),
    ):
        error = failure(gather, zstack, **options)
        assert str(error).startswith(f"{server}: {line}")
        assert (error.error["server"], error.error["storage"]) == (server, storage)


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ("broken", "broken"),
        (7, "7"),
        (True, "true"),
        ([], "[]"),
        ({}, "no reason is given"),
        ({"code": 7}, "[7]"),
        ({"code": "X.1", "description": None}, "[X.1]"),
        ({"description": ["a", {"b": None}]}, '["a", {"b": null}]'),
        ({"description": {"键": "值"}}, '{"键": "值"}'),
        ({"cause": "x", "causes": ["y", None, 5]}, "x; caused by y; caused by 5"),
        ({"description": "same", "details": "same"}, "same"),
        ({"description": "words", "details": "one\ntwo\nthree"}, "words: three (one; two)"),
        ({"description": "words", "details": " \n "}, "words"),
        ({"details": "\n\nfirst\n  second\n\nstdout: "}, "second (first)"),
        ({"Code": ["X"], "Details": {"a": 1}}, '[["X"]] {"a": 1}'),
    ],
)
def test_an_envelope_of_any_type_makes_a_well_formed_error(envelope: Any, words: str) -> None:
    error = error_of(envelope, call="Call")
    assert {"code", "description", "details", "causes", "server", "storage"} <= error.error.keys()
    assert str(error) == f"Call: {words}"


def test_secrets_are_hidden_at_both_ends_of_a_long_text() -> None:
    for padding in range(3990, 4010):
        details = f"sesam3 {'a' * padding} open sesam3 {'b' * 100_000} open sesam3 {'c' * padding} sesam3"
        shown = error_of({"details": details}).error["details"]
        assert "sesam3" not in shown
        assert len(shown) < 4100


def test_the_line_stays_one_line_without_control_characters_and_short() -> None:
    error = error_of({"description": "a\r\nb\x1b[31mred\x1b[0m\x00\u2028c", "details": "d" * 100_000}, status=503)
    assert str(error).startswith("a bred c: ddd")
    assert len(str(error)) < 2000
    assert str(error).endswith("ddd (HTTP 503)")


ODD = "".join(map(chr, [*range(32), *range(0x7F, 0xA0), 0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010)])) + "".join(
    map(chr, [*range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFF9, 0xE0001, 0xD800, 0xDFFF, 0xE000])
)


@given(st.text(st.characters() | st.sampled_from(ODD)), st.text(st.sampled_from("\x1b[31m;0K ab\n\u202e"), max_size=30))
def test_one_line_has_nothing_that_forges_lines_or_steers_a_terminal(text: str, colored: str) -> None:
    for each in (text, colored):
        assert one_line(each).isprintable()
        assert len(one_line(each).splitlines()) <= 1
        # Control and format characters (bidirectional ones are of these), lone surrogates, private ones, separators.
        assert not set(map(unicodedata.category, one_line(each))) & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    if not {"\x1b", "\x9b"} & set(text):
        assert [each for each in text if each.isalnum() and each.isprintable()] == [
            each for each in one_line(text) if each.isalnum()
        ]


@given(st.text(min_size=9), st.integers(3, 8))
def test_only_a_long_text_is_cut_in_its_middle(text: str, limit: int) -> None:
    cut = shorten(text, limit)
    assert len(cut) <= limit + 3
    assert cut[: limit // 3] == text[: limit // 3]
    assert cut[-(limit * 2 // 3) :] == text[-(limit * 2 // 3) :]
    assert shorten(text, len(text)) == shorten(text, len(text) + 1) == text


def test_many_causes_or_fields_are_cut() -> None:
    envelope: dict[str, Any] = {}
    for _dummy in range(60):
        envelope = {"code": "X.1", "cause": envelope, "causes": [{"code": "X.2"}] * 60}
    assert len(error_of(envelope).error["causes"]) == 10
    assert len(error_of({f"field{number}": 1 for number in range(1000)}).error) < 70


@pytest.mark.parametrize(("length", "kind"), [(1, list), (3996, list), (3997, str), (9000, str)])
def test_a_field_of_too_much_json_becomes_a_shortened_text(length: int, kind: type) -> None:
    error = error_of({"code": "X.1", "opaque": ["x" * length], "words": "y" * length}).error
    assert isinstance(error["opaque"], kind)
    assert max(len(str(error[field])) for field in ("opaque", "words")) <= 4003


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        ("a\ud800b", "a?b"),
        (float("nan"), None),
        (float("-inf"), None),
        ({"camelCase": [{"aB": 1}]}, {"camel_case": [{"a_b": 1}]}),
        ({"A" * 60_000: 1}, {"a" * 100: 1}),
        (2**70, 2**70),
        ({"a": [{"__ansible_type": "X", "__AnsibleVault": "x", "b": 1}]}, {"a": [{"b": 1}]}),
    ],
)
def test_a_value_that_ansible_cannot_carry_is_replaced(value: Any, carried: Any) -> None:
    assert json_safe(value) == carried


@pytest.mark.parametrize("within", [lambda value: [value], lambda value: {"key": value}], ids=["lists", "mappings"])
@pytest.mark.parametrize(("levels", "kept"), [(64, True), (65, False), (500, False)])
def test_what_is_nested_deeper_than_anything_of_zstack_is_left_out(
    within: Callable[[Any], Any], levels: int, kept: bool
) -> None:
    carried = json.dumps(json_safe(nested("inside", levels, within)))
    assert ("inside" in carried, "null" in carried) == (kept, not kept)


def test_a_text_alone_is_an_error_without_a_code() -> None:
    error = ZStackError("host is missing")
    assert str(error) == "host is missing"
    assert (error.status, error.transient, error.unknown_call) == (None, False, False)
    nothing = dict.fromkeys(("code", "details", "server", "storage", "hint", "hint_reason"))
    assert error.error == {**nothing, "description": "host is missing", "causes": []}


#: In camel case, as keys of objects are converted.
SECRET = "NightWatch#7Moon"
around = st.text("aB_ -", max_size=120)
holding = st.builds(lambda before, after: before + SECRET + after, around, around)
values = st.recursive(
    st.none() | st.integers() | holding,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(holding | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100 if LONG else 30)
@given(
    st.dictionaries(
        st.sampled_from(["code", "description", "details", "opaque", "cause", "causes"]) | holding, values, max_size=6
    ),
    st.integers(0, 5000),
)
def test_no_part_of_a_secret_is_left_anywhere_in_an_error(envelope: dict[str, Any], padding: int) -> None:
    envelope["elaboration"] = {"x" * padding + SECRET: [SECRET, {SECRET: "y" * padding + SECRET}]}
    error = error_of(envelope, SECRET, server="zstack.example.com:8080", call="Call")
    # Conversions such as that of keys to snake_case change it.
    shown, secret = (
        re.sub("[^a-z0-9]", "", text.lower())
        for text in (json.dumps([error.error, str(error)], ensure_ascii=False), SECRET)
    )
    assert [secret[at : at + 5] for at in range(len(secret) - 4) if secret[at : at + 5] in shown] == []


@pytest.mark.parametrize("depth", [63, 64, 65, 400, 900, 5000])
def test_an_error_however_deep_keeps_its_code_and_its_words(depth: int) -> None:
    error = error_of({"code": "SYS.1000", "details": "Permission denied", "opaque": nested("the end", depth)})
    assert (error.error["code"], error.error["details"]) == ("SYS.1000", "Permission denied")
    assert str(error) == "[SYS.1000] Permission denied"
    json.dumps(error.error)


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


def hint_of(gather: Gather, zstack: Simulator, method: str = "session") -> tuple[str | None, str]:
    """Return the reason of the hint that the error of a run ends with, and its line before the hint."""
    error = failure(gather, zstack, timezone="Asia/Shanghai", **zstack.credentials(method))
    line, hint = str(error), error.error["hint"]
    assert line.endswith(f". {hint}" if hint else ")"), line
    return error.error["hint_reason"], line.removesuffix(f". {hint}")


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_followed_by_its_hint_in_this_call(zstack: Simulator, gather: Gather, code: str) -> None:
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
def test_a_plain_response_has_the_same_hint_in_old_and_new_releases(gather: Gather, errors: str) -> None:
    with Simulator(errors=errors) as zstack:
        for answer in [*ANSWERS, *OTHERS]:
            status, text, reason = answer
            zstack.clear()
            zstack.inject({"refusal": answer in ANSWERS, "status": status, "body": text})
            error = failure(gather, zstack, timezone="Asia/Shanghai")
            assert str(error).endswith(f"(HTTP {status}). {error.error['hint']}")
            assert (error.error["hint_reason"], error.unknown_call) == (reason, reason in ("no_action", "no_api")), text


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


@pytest.mark.parametrize("length", [10, 1_000, 100_000], ids="a command of {} words".format)
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
