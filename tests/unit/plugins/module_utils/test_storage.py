# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A storage's URL, its password, and where that comes from."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._storage import check_storage
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import uri
from ansible_collections.zstack.cloud.tests.unit.plugins import failures
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

FORM = "ssh://username@hostname[:sshPort]/path"
URL = "ssh://root@192.0.2.20/bs"
WITH_PASSWORD = "ssh://root:Sesame@192.0.2.20/bs"
MISSING = (
    "storage_password is missing: set it in the task, set zstack_storage_password (lookup) or export "
    "ZSTACK_STORAGE_PASSWORD, or include the percent-encoded password in url"
)
TWICE = "url must not include a password if {} is set: keep one of them"


def refusal(term: Any, *sources: dict[str, Any]) -> str:
    return failures.refusal(check_storage, term, sources)


#: Whether Java accepts a URL.
JAVA = {line["value"]: line["accepted"] for _release, line in (each.values for each in lines("url"))}


def test_a_url_that_java_refuses_is_refused() -> None:
    refused = [url for url, accepted in JAVA.items() if not accepted]
    assert len(refused) > 20
    for url in refused:
        assert refusal(url, {} if re.match(r"ssh://[^@]*:", url) else {"storage_password": "Sesame"})


HOSTS = ("192.0.2.20", "store.example.com", "image-store", "1store", "store.", "STORE", "a.b1", "[2001:db8::20]")


@pytest.mark.parametrize(
    "url",
    [
        *(f"ssh://root:pw@{host}:22/zstack_bs" for host in HOSTS),
        *(f"ssh://root:{password}@192.0.2.20:22/zs" for password in ("p%40w", "p~w", "密码")),
        *("ssh://ro-ot.x:pw@192.0.2.20:22/zs", "ssh://ro%40ot:pw@192.0.2.20:22/zs"),
        *(f"ssh://root:pw@192.0.2.20:22/{path}" for path in ("存储", "z%20s", "/zs")),
    ],
)
def test_a_url_that_java_accepts_is_accepted(url: str) -> None:
    assert JAVA[url]
    storage = check_storage(url, [{}])
    assert (storage.url, storage.masked) == (url, re.sub(r"^(ssh://[^:@]*):[^@]*@", r"\1:***@", url))


@pytest.mark.parametrize(
    "host", ["image_store", "store.1", "a.1b", "-store", "store-", "192.0.2.300", "192.0.2", "a..b"]
)
def test_a_host_that_java_refuses_is_answered_with_the_allowed_forms(host: str) -> None:
    line = refusal(f"ssh://root:Sesame@{host}:22/bs")
    assert line.startswith("url must have a host that ZStack accepts: an IPv4 address, an IPv6 address in brackets, ")
    assert "Sesame" not in line


def test_a_port_is_kept_as_it_is_written_or_refused() -> None:
    for port in ("1", "22", "65535"):
        assert check_storage(f"ssh://root:a@[::1]:{port}/bs", [{}]).url == f"ssh://root:a@[::1]:{port}/bs"
    for port in ("", "0", "65536", "99999", "100000", "22x", "-1", "+22", "\uff12\uff12"):
        assert refusal(f"ssh://root:Sesame@192.0.2.20:{port}/bs") == f"url must have the form {FORM}"


@pytest.mark.parametrize("character", "@#?/:%")
def test_an_unencoded_password_is_answered_with_the_option_and_not_repeated(character: str) -> None:
    line = refusal(f"ssh://root:Sesame{character}Street@192.0.2.20:22/bs")
    assert line.startswith("url must have its password percent-encoded")
    assert line.endswith("set storage_password instead, which takes the password as it is")
    assert "Sesame" not in line
    assert "Street" not in line


@pytest.mark.parametrize("form", ["ssh://ro{}ot:Sesame@h/bs", "ssh://root:Sesa{}me@h/bs", "ssh://root:Sesame@h{}/bs"])
def test_white_space_control_and_shell_characters_are_refused_anywhere(form: str) -> None:
    for character in " \t\n\r\0\x7f\x85\u00a0\u2028\u3000;&|<>()$`\"'\\*?[]{}!#^":
        for url in (form.format(character), f"{WITH_PASSWORD}{character}"):
            line = refusal(url)
            assert line.startswith("url ")
            assert "Sesa" not in line


@pytest.mark.parametrize(
    "url",
    [
        *(f"{scheme}root:Sesame@192.0.2.20/bs" for scheme in ("http://", "SSH://", "ssh:", "")),
        *("ssh://192.0.2.20/bs", "ssh://root:@192.0.2.20/bs", "ssh://:Sesame@192.0.2.20/bs", "ssh://root:Sesame@/bs"),
        *("ssh://root:Sesame@192.0.2.20", "ssh://root:Sesame@192.0.2.20/", "ssh://root:Sesame@192.0.2.20/b@s"),
        *("ssh://-oProxyCommand=x:Sesame@192.0.2.20/bs", "Sesame", "ssh://"),
    ],
)
def test_a_url_of_another_form_is_not_repeated_in_the_answer(url: str) -> None:
    line = refusal(url, {"storage_password": "Sesame"})
    assert line.startswith("url must have ")
    assert "Sesame" not in line


@pytest.mark.parametrize("term", [None, "", {}, {"url": None}, {"url": ""}, {"password": "Sesame"}])
def test_a_missing_url_is_answered_with_its_form(term: Any) -> None:
    assert refusal(term) == f"url is missing: set it in the form {FORM}, and the password in storage_password"


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        (7, "number"),
        (True, "boolean"),
        (["ssh://root:Sesame@h/bs"], "list"),
        ({"url": {"Sesame": 1}}, "mapping"),
        ({"url": ["Sesame"]}, "list"),
        (b"ssh://root:Sesame@h/bs", "bytes"),
    ],
)
def test_a_term_of_another_type_is_answered_with_what_a_term_is(term: Any, kind: str) -> None:
    what = f"a URL such as {FORM}, or in the lookup a mapping with url and optionally password and name"
    assert refusal(term) == f"url must be {what}, got a {kind}"


A: dict[str, Any] = {"url": URL, "name": "a"}
TASK = {"storage_passwords": {"a": "task a", "e": ""}, "storage_password": "task"}
VARIABLES = {"storage_passwords": {"a": "variable a", "b": "variable b"}}


@pytest.mark.parametrize(
    ("term", "sources", "password"),
    [
        # The term wins over the task, the task over variables, and these over the environment.
        ({"url": URL, "password": "term"}, [{"storage_password": "task"}], "term"),
        (URL, [{"storage_password": "task"}, {"storage_password": "variable"}], "task"),
        (URL, [{}, {"storage_password": "variable"}], "variable"),
        (URL, [{}, {}], "environment"),
        # A named storage has a password of its own.
        (A, [TASK, VARIABLES], "task a"),
        ({**A, "name": "b"}, [TASK, VARIABLES], "task"),
        ({**A, "name": "b"}, [{}, VARIABLES], "variable b"),
        ({**A, "name": "e"}, [TASK], "task"),
        ({**A, "name": "c"}, [{}, VARIABLES], "environment"),
        ({**A, "name": None}, [{}, VARIABLES], "environment"),
        ({**A, "name": []}, [{}, VARIABLES], "environment"),
        ({**A, "password": "own"}, [TASK], "own"),
        # Other keys are ignored.
        ({"url": URL, "password": "a", "uuid": "6c5d", "state": "Enabled", 7: None}, [], "a"),
        # The password in a URL is sent as it is written, and known in both forms.
        ("ssh://root:p%40ss%2fw~rd@192.0.2.20/bs", [{}], "p@ss/w~rd"),
    ],
)
def test_a_password_is_taken_from_the_closest_place(
    term: Any, sources: list[dict[str, Any]], password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", "environment")
    storage = check_storage(term, sources)
    assert storage.secrets == (password, "p%40ss%2fw~rd" if "@" in password else quote(password))
    assert storage.url == f"ssh://root:{storage.secrets[1]}@192.0.2.20/bs"


NO_STRING = "must be a string, got a {}: write it in quotes"
NO_CONTROL = "must not contain control characters: check for a line break at its end"
# YAML reads 0123 as 83.
NO_STRINGS = [({"Sesame": 1}, "mapping"), (["Sesame"], "list"), (True, "boolean"), (83, "number"), (0, "number")]
PASSWORDS = [
    *((value, NO_STRING.format(kind)) for value, kind in NO_STRINGS),
    *((value, NO_CONTROL) for value in ("Sesame\n", "Ses\tame", "\0Sesame", "Sesame\x7f")),
    ("Sesame\udcff", "must be valid UTF-8"),
]


@pytest.mark.parametrize(("value", "words"), PASSWORDS)
def test_a_wrong_password_is_refused_by_name_alone(value: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(URL, {"storage_password": value}) == f"storage_password {words}"
    assert refusal(URL, {}, {"storage_password": value}) == f"storage_password {words}"
    assert refusal({"url": URL, "password": value}) == f"password {words}"
    assert refusal(A, {"storage_passwords": {"a": value}}) == f"storage_passwords['a'] {words}"
    if isinstance(value, str) and "\0" not in value:
        monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", value)
        assert refusal(URL, {}) == f"ZSTACK_STORAGE_PASSWORD {words}"


@pytest.mark.parametrize(
    ("term", "sources", "line"),
    [
        (
            A,
            [{"storage_passwords": "Sesame"}],
            "storage_passwords must be a mapping of names to passwords, got a string",
        ),
        ("ssh://root:Sesame\udcff@h/bs", [], "url must be valid UTF-8"),
        *((f"ssh://root:Sesame{each}@h/bs", [], f"the password in url {NO_CONTROL}") for each in ("%00", "%0A", "%7f")),
        # Without any password, or with two
        (URL, [{}, {}], MISSING),
        ({"url": URL, "password": ""}, [{"storage_password": ""}] * 2, MISSING),
        (WITH_PASSWORD, [{"storage_password": "Open"}], TWICE.format("storage_password")),
        ({"url": WITH_PASSWORD, "password": "Open"}, [{}], TWICE.format("password")),
    ],
)
def test_a_password_that_is_missing_or_wrong_is_answered_in_one_line(
    term: Any, sources: list[dict[str, Any]], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", "")
    assert refusal(term, *sources) == line


def test_only_the_password_is_masked_also_where_other_parts_are_the_same() -> None:
    assert check_storage("ssh://root:root@root/root:root", [{}]).masked == "ssh://root:***@root/root:root"


def test_a_url_with_a_password_needs_neither_variables_nor_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Untouchable(dict[str, Any]):
        def get(self, *_dummy: Any) -> Any:
            raise AssertionError("a variable was evaluated that is not needed")

        __getitem__ = get

    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", "of other storages")
    assert check_storage(WITH_PASSWORD, [{}, Untouchable()]).url == WITH_PASSWORD
    assert check_storage({"url": WITH_PASSWORD, "password": ""}, [{"storage_password": ""}]).url == WITH_PASSWORD
    assert check_storage({"url": URL, "password": "a"}, [Untouchable()]).secrets[0] == "a"


# Valid, part by part. Text in any of them makes the whole URL invalid, mostly.
user_names = st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}", fullmatch=True)
hosts = st.ip_addresses(v=4).map(str) | st.from_regex(
    r"([a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?\.){0,2}[a-z][a-z0-9]{0,5}\.?", fullmatch=True
)
passwords = st.from_regex(r"[A-Za-z0-9~._+,=-]{1,9}|(%[2-7][0-9A-E]){1,4}", fullmatch=True)
ports = st.just("") | st.integers(1, 65535).map(":{}".format)
paths = st.from_regex(r"(/[a-z0-9_.]{1,6}){1,3}/?", fullmatch=True)
odd = st.text(max_size=8)
odd_parts = st.tuples(
    user_names | odd, passwords | odd, hosts | odd, ports | odd.map(":{}".format), paths | odd.map("/{}".format)
)


@settings(max_examples=200 if LONG else 50)
@given(st.tuples(user_names, passwords, hosts, ports, paths), odd_parts)
def test_any_url_is_refused_without_its_password_or_java_accepts_it(
    good_parts: tuple[str, ...], odd_parts: tuple[str, ...]
) -> None:
    for parts in (good_parts, odd_parts):
        user, password, host, port, path = parts
        url = f"ssh://{user}:{password}@{host}{port}{path}"
        try:
            storage = check_storage(url, [{}])
        except ZStackError as error:
            assert parts is odd_parts, url
            assert len(str(error).splitlines()) == 1
            # What a short password has in common with the message is chance.
            assert len(password) < 6 or password not in str(error)
        else:
            parsed = uri.parse(url)
            assert parsed
            assert (parsed.username, parsed.password) == (unquote(user), unquote(password))
            assert storage == (url, f"ssh://{user}:***@{host}{port}{path}", (unquote(password), password))


@given(password=st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("@:/#%+ ~"), min_size=1))
def test_any_plain_password_arrives_as_it_was_written(password: str) -> None:
    storage = check_storage(URL, [{"storage_password": password}])
    parsed = uri.parse(storage.url)
    assert parsed
    assert (parsed.username, parsed.password, parsed.host) == ("root", password, "192.0.2.20")
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", storage.secrets[1])
    assert (storage.secrets[0], storage.masked) == (password, "ssh://root:***@192.0.2.20/bs")
