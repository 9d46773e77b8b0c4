# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._options import WAYS, Options, argument_spec, variable

Check = Callable[..., Options]
SESSION = {"session_uuid": "6c5dd5b1a3c54f2e8d52f8d2b1a0c3e4"}
ACCOUNT = {"account_name": "admin", "account_password": "password"}
ACCESS_KEY = {"access_key_id": "key", "access_key_secret": "secret"}


def refusal(check: Check, **options: Any) -> str:
    with pytest.raises(ZStackError) as caught:
        check(**options)
    assert caught.value.status is None
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("given", [SESSION, ACCOUNT, ACCESS_KEY], ids=WAYS)
def test_each_way_of_authentication_is_taken(checked: Check, given: dict[str, str]) -> None:
    assert checked(**given).credentials.values == tuple(given.values())


@pytest.mark.parametrize("given", [SESSION, ACCOUNT, ACCESS_KEY], ids=WAYS)
def test_each_way_of_authentication_is_found_in_the_environment(
    checked: Check, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, value in given.items():
        monkeypatch.setenv(variable(option), value)
    assert checked().credentials.values == tuple(given.values())


def test_a_password_that_yaml_reads_as_a_number_is_taken_as_text(checked: Check) -> None:
    assert checked(account_name="admin", account_password=12345).credentials.values == ("admin", "12345")


def test_a_session_in_the_task_wins_over_an_account_in_the_environment(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, value in ACCOUNT.items():
        monkeypatch.setenv(variable(option), value)
    assert checked(**SESSION).credentials.way == "session"


def test_half_a_pair_in_the_task_is_not_completed_from_the_environment(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_ACCOUNT_PASSWORD", "of somebody else")
    assert "account_name is half of a pair: write account_password beside it" in refusal(checked, account_name="admin")


def test_an_empty_session_in_the_environment_is_none(checked: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSTACK_SESSION_ID", "")
    assert "no way of authentication is given" in refusal(checked)


@pytest.mark.parametrize("option", ["port", "use_ssl", "validate_certs", "ca_path", "timeout", "timezone"])
def test_every_empty_environment_variable_counts_as_not_set(
    checked: Check, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = checked(**SESSION)
    monkeypatch.setenv(variable(option), "")
    assert checked(**SESSION) == without


def test_without_a_way_of_authentication_all_three_are_named(checked: Check) -> None:
    line = refusal(checked)
    for option in (option for way in WAYS.values() for option in way):
        assert f"{option} ({variable(option)})" in line


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({**SESSION, **ACCOUNT}, ("session_uuid", "account_name")),
        ({**SESSION, **ACCESS_KEY}, ("session_uuid", "access_key_id")),
        ({**ACCOUNT, **ACCESS_KEY}, ("account_name", "access_key_id")),
        ({**SESSION, "account_password": "password"}, ("session_uuid", "account_password")),
    ],
)
def test_two_ways_of_authentication_are_refused_by_name(
    checked: Check, given: dict[str, str], names: tuple[str, str]
) -> None:
    assert refusal(checked, **given).startswith(f"{names[0]} and {names[1]} are different ways of authentication")


def test_two_ways_in_the_environment_are_named_as_its_variables(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_SESSION_ID", "x")
    monkeypatch.setenv("ZSTACK_ACCESS_KEY_ID", "y")
    assert "ZSTACK_SESSION_ID and ZSTACK_ACCESS_KEY_ID are different ways" in refusal(checked)


@pytest.mark.parametrize("option", [*ACCOUNT, *ACCESS_KEY])
def test_half_a_pair_is_answered_with_the_other_half(checked: Check, option: str) -> None:
    pair = next(way for way in WAYS.values() if option in way)
    (other,) = set(pair) - {option}
    assert f"write {other} beside it" in refusal(checked, **{option: "x"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 0}, "port is 0: write a number that is from 1 to 65535"),
        ({"port": 65536}, "port is 65536"),
        ({"registry_port": 70000}, "registry_port is 70000: write a number that is from 1 to 65535"),
        ({"timeout": 0}, "timeout is 0"),
        ({"retries": -1}, "retries is -1"),
        ({"limit": 0}, "limit is 0: write a number that is 1 or more"),
        ({"max_age": "7 days"}, "max_age is '7 days': write a whole number and a unit, such as 90s, 30m, 24h"),
        ({"max_age": "24"}, "max_age is '24'"),
        ({"max_age": "-1d"}, "max_age is '-1d'"),
        ({"timezone": "Asia/Nowhere"}, "timezone is 'Asia/Nowhere'"),
        ({"timezone": "../../etc/passwd"}, "or an offset such as +08:00"),
        ({"timezone": "+25:00"}, "timezone is '+25:00'"),
        ({"host": "http://zstack.example.com"}, "host is not a host name or an IP address"),
        ({"host": "zstack.example.com:8080"}, "host is not"),
        ({"host": "zstack.example.com/zstack"}, "host is not"),
        ({"host": ""}, "host is not"),
        ({"host": "a b"}, "host is not"),
        ({"host": "a\r\nHost: b"}, "host is not"),
        ({"context_path": "zstack"}, "context_path is not an absolute path: write it like /zstack"),
        ({"context_path": "/zstack?x"}, "context_path is not"),
        ({"ca_path": "/nonexistent.pem"}, "ca_path cannot be used (No such file or directory)"),
        ({"ca_path": __file__}, "ca_path cannot be used"),
        ({"session_uuid": "a\r\nX-Header: b"}, "session_uuid holds white space"),
        ({"session_uuid": "a b"}, "session_uuid holds white space"),
        ({"session_uuid": ""}, "session_uuid is empty: write its value, or leave it out"),
        ({"session_uuid": "é"}, "session_uuid holds white space, a control character or a non-ASCII one"),
    ],
)
def test_a_wrong_value_is_answered_with_the_option_and_what_to_write(
    checked: Check, options: dict[str, Any], words: str
) -> None:
    assert words in refusal(checked, **{**SESSION, **options})


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("zstack.example.com", "http://zstack.example.com:8080"),
        ("192.0.2.10", "http://192.0.2.10:8080"),
        ("2001:db8::10", "http://[2001:db8::10]:8080"),
        ("[2001:db8::10]", "http://[2001:db8::10]:8080"),
        ("mn_1", "http://mn_1:8080"),
    ],
)
def test_a_name_or_an_address_is_taken_as_host(checked: Check, host: str, server: str) -> None:
    assert checked(host=host, **SESSION).server == server


@pytest.mark.parametrize(("path", "root"), [("/zstack", "/zstack"), ("/a/b/", "/a/b"), ("/", ""), ("", "")])
def test_the_context_path_can_be_deep_or_none(checked: Check, path: str, root: str) -> None:
    assert checked(context_path=path, **SESSION).context_path == root


@pytest.mark.parametrize(
    ("age", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("0s", 0)]
)
def test_max_age_has_units_from_seconds_to_weeks(checked: Check, age: str, seconds: int) -> None:
    assert checked(max_age=age, **SESSION).max_age == seconds


ENCODE = "write the password as {{ password | urlencode | replace('/', '%2F') }}"


@pytest.mark.parametrize(
    "password", ["Sesame@Street", "Sesame#Street", "Sesame?Street", "Sesame/Street", "Sesame:Street", "Sesame%Street"]
)
def test_a_password_that_is_not_encoded_is_answered_with_how_to_encode_it_and_not_repeated(
    checked: Check, password: str
) -> None:
    line = refusal(checked, urls=[f"ssh://root:{password}@192.0.2.20:22/bs"], **SESSION)
    assert line.startswith("url ")
    assert ENCODE in line
    assert "Sesame" not in line
    assert "Street" not in line


@pytest.mark.parametrize("character", list(" \t\n\r\0\x7f\x85\u00a0\u3000;&|<>()$`\"'\\*?[]{}!#^"))
@pytest.mark.parametrize("form", ["ssh://ro{}ot:pw@h/bs", "ssh://root:pw@h{}/bs", "ssh://root:pw@h/b{}s"])
def test_white_space_control_and_shell_characters_are_refused_anywhere_in_a_url(
    checked: Check, character: str, form: str
) -> None:
    assert refusal(checked, urls=[form.format(character)], **SESSION).startswith("url ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        7,
        "http://root:password@192.0.2.20/bs",
        "ssh://192.0.2.20/bs",
        "ssh://root@192.0.2.20/bs",
        "ssh://root:@192.0.2.20/bs",
        "ssh://:password@192.0.2.20/bs",
        "ssh://root:password@/bs",
        "ssh://root:password@192.0.2.20",
        "ssh://root:password@192.0.2.20/",
        "ssh://root:password@192.0.2.20:0/bs",
        "ssh://root:password@192.0.2.20:65536/bs",
        "ssh://root:password@-oProxyCommand=x/bs",
        "ssh://-oProxyCommand=x:password@192.0.2.20/bs",
    ],
)
def test_a_url_of_another_form_is_answered_with_the_form(checked: Check, url: Any) -> None:
    line = refusal(checked, urls=[url], **SESSION)
    assert line.startswith("url ")
    assert "ssh://username:password@hostname[:sshPort]/path" in line
    assert "root:password" not in line


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("ssh://root:password@192.0.2.20:22/zstack_bs", "ssh://root:***@192.0.2.20:22/zstack_bs"),
        ("ssh://zstack:p%40ss%2Fw~rd@bs-1.example.com/a/b.c", "ssh://zstack:***@bs-1.example.com/a/b.c"),
        ("ssh://root:root@root/root:root", "ssh://root:***@root/root:root"),
    ],
)
def test_a_storage_is_named_without_its_password(checked: Check, url: str, masked: str) -> None:
    (storage,) = checked(urls=[url], **SESSION).storages
    assert storage.url == url
    assert storage.masked == masked


def test_what_is_no_secret_in_the_argument_spec_is_meant_to_be_seen() -> None:
    hidden = {name for name, option in argument_spec().items() if option.get("no_log")}
    assert hidden == {"session_uuid", "account_password", "access_key_secret"}
