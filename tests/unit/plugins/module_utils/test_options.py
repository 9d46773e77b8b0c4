# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options: what is taken, from where, and what is said about the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._backups import Options, argument_spec, check
from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._options import (
    AUTH_METHODS,
    AUTH_OPTIONS,
    environment_variable,
    set_options,
    with_whole_numbers,
)
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import refusal

Check = Callable[..., Options]
Export = Callable[..., None]
SESSION = {"session_uuid": "6c5dd5b1a3c54f2e8d52f8d2b1a0c3e4"}
ACCOUNT = {"account_name": "admin", "account_password": "password"}
ACCESS_KEY = {"access_key_id": "key", "access_key_secret": "secret"}
METHODS = (SESSION, ACCOUNT, ACCESS_KEY)
ODD_ACCOUNT = {"account_name": "管理员 one", "account_password": "password"}
HIDDEN = {name for name, option in argument_spec().items() if option.get("no_log")}

PARAMS = ArgumentSpecValidator(argument_spec()).validate({"host": "zstack.example.com"}).validated_parameters
DIRECTORY = str(Path(__file__).parent)
LONGEST_NAME = ".".join([*["a" * 63] * 3, "a" * 61])
NO_PATH = "context_path must be an absolute path such as /zstack, or / for none, without dot segments"
CONTROL = "must not contain control characters: check for a line break at its end"
NO_HEADER = "must be printable ASCII without white space: write it as issued"


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the environment variables of options."""

    def run(**options: str) -> None:
        for option, value in options.items():
            monkeypatch.setenv(environment_variable(option), value)

    return run


@pytest.mark.parametrize(
    ("exported", "written", "expected"),
    [
        *((exported, method, method) for method in METHODS for exported in ({}, *METHODS)),
        *((method, {}, method) for method in METHODS),
        (SESSION, {"session_uuid": ""}, SESSION),
        ({}, ODD_ACCOUNT, ODD_ACCOUNT),
        ({}, {**ACCESS_KEY, "access_key_secret": "密 码"}, {**ACCESS_KEY, "access_key_secret": "密 码"}),
    ],
)
def test_authentication_is_taken_from_the_task_or_else_the_environment(
    checked: Check, export: Export, exported: dict[str, str], written: dict[str, str], expected: dict[str, str]
) -> None:
    export(**exported)
    credentials = checked(**written).connection.credentials
    assert AUTH_METHODS[credentials.method] == tuple(expected)
    assert credentials.values == tuple(expected.values())


def pair(option: str) -> dict[str, str]:
    """Return the options of the authentication method of an option."""
    return next(dict.fromkeys(options, "x") for options in AUTH_METHODS.values() if option in options)


MISSING = (
    "authentication is missing: set session_uuid or account_name with account_password or access_key_id with "
    "access_key_secret in the task, or with the prefix zstack_ in variables (lookup), or export ZSTACK_SESSION_ID, "
    "ZSTACK_ACCOUNT_NAME, ZSTACK_ACCOUNT_PASSWORD, ZSTACK_ACCESS_KEY_ID, ZSTACK_ACCESS_KEY_SECRET"
)
EXCLUSIVE = "are mutually exclusive: keep one authentication method"
PAIRS = [names[::step] for names in map(list, (ACCOUNT, ACCESS_KEY)) for step in (1, -1)]
# What is exported, what the task sets, and what is said about it.
REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, MISSING),
    ({"session_uuid": ""}, {}, MISSING),
    ({}, {**SESSION, **ACCOUNT}, f"session_uuid and account_name {EXCLUSIVE}"),
    ({}, {**SESSION, **ACCESS_KEY}, f"session_uuid and access_key_id {EXCLUSIVE}"),
    ({}, {**SESSION, **ACCOUNT, **ACCESS_KEY}, f"session_uuid and account_name and access_key_id {EXCLUSIVE}"),
    ({}, {**SESSION, "account_password": "x"}, f"session_uuid and account_password {EXCLUSIVE}"),
    ({"session_uuid": "x", "access_key_id": "y"}, {}, f"ZSTACK_SESSION_ID and ZSTACK_ACCESS_KEY_ID {EXCLUSIVE}"),
    # The environment does not complete a task.
    (ACCOUNT, {"account_name": "admin"}, "account_name also requires account_password"),
    *(({}, {one: "x"}, f"{one} also requires {other}") for one, other in PAIRS),
    *(
        ({one: "x"}, {}, f"{environment_variable(one)} also requires {environment_variable(other)}")
        for one, other in PAIRS
    ),
    *(
        ({**pair(option), option: "Sesame\udcff"}, {}, f"{environment_variable(option)} must be valid UTF-8")
        for option in AUTH_OPTIONS
    ),
    *(
        ({}, {**pair(option), option: value}, f"{option} must be a string, got a {kind}: write it in quotes")
        for option in AUTH_OPTIONS
        for value, kind in (({"Sesame": "Sesame"}, "mapping"), (["Sesame"], "list"), (True, "boolean"), (83, "number"))
    ),
]


@pytest.mark.parametrize(("exported", "written", "line"), REFUSED)
def test_wrong_authentication_is_refused_by_the_name_of_the_option_alone(
    export: Export, exported: dict[str, str], written: dict[str, Any], line: str
) -> None:
    export(**exported)
    # Of the sources behind that of the task, none completes it.
    others = [SESSION] if written else []
    assert refusal(check, PARAMS, [], [{}, {"session_uuid": ""}, written, *others]) == line


@pytest.mark.parametrize(
    ("option", "value", "checked_value"),
    [
        ("host", "192.0.2.10", "http://192.0.2.10:8080"),
        ("port", "8443", "http://zstack.example.com:8443"),
        ("use_ssl", "yes", "https://zstack.example.com:8080"),
        ("timezone", "+08:00", "+08:00"),
        ("timeout", "5", 5),
        ("validate_certs", "no", False),
    ],
)
def test_each_option_with_an_environment_variable_is_found_there(
    checked: Check, export: Export, option: str, value: str, checked_value: Any
) -> None:
    export(**{option: value})
    written = {"host": None} if option == "host" else {}
    connection = checked(**SESSION, **written).connection
    assert checked_value in (connection.server, connection.timezone, connection.timeout, connection.verify)


def test_what_the_task_sets_wins_over_the_environment(checked: Check, export: Export) -> None:
    export(port="1", validate_certs="no")
    connection = checked(**SESSION, port=2, validate_certs=True).connection
    assert (connection.port, connection.verify) == (2, True)


@pytest.mark.parametrize("option", sorted(argument_spec().keys() - {"host", *AUTH_OPTIONS}))
def test_an_empty_string_is_the_same_as_an_omitted_option(checked: Check, export: Export, option: str) -> None:
    export(**{option: ""})
    assert checked(**SESSION, **{option: ""}) == checked(**SESSION)


@pytest.mark.parametrize("option", ["use_ssl", "validate_certs"])
def test_a_misspelt_boolean_is_an_error_and_never_false(option: str, export: Export) -> None:
    validator = ArgumentSpecValidator(argument_spec())
    messages = validator.validate({option: "ture"}).error_messages
    export(**{option: "ture"})
    messages += validator.validate({}).error_messages
    assert ["'ture'" in message and option in message for message in messages] == [True, True]


@pytest.mark.parametrize("value", [float("inf"), "1e999999999", [1, [5], 10**26], "many", {"a": 1}, 1.5], ids=repr)
def test_a_value_that_is_no_whole_number_is_refused_by_option(value: Any, export: Export) -> None:
    spec = argument_spec()
    for option in [name for name, each in spec.items() if each["type"] == "int"]:
        (message,) = ArgumentSpecValidator(spec).validate(with_whole_numbers({option: value}, spec)).error_messages
        assert message.startswith(f"argument '{option}' is of type ")
        assert "unable to convert to int" in message
    export(timeout=str(value))
    (message,) = ArgumentSpecValidator(spec).validate({}).error_messages
    assert message.startswith("argument 'timeout' is of type ")


RANGES = {"port": (1, 65535), "timeout": (1, 86400), "retries": (0, 100), "registry_port": (1, 65535)}
WRONG: list[tuple[dict[str, Any], str]] = [
    *(
        ({option: value}, f"{option} must be between {low} and {high}, got {value}")
        for option, (low, high) in RANGES.items()
        for value in (low - 1, high + 1)
    ),
    ({"limit": 0}, "limit must be at least 1, got 0"),
    *(
        ({"max_age": age}, f"max_age must be a whole number with a unit, such as 90s, 30m, 24h, 7d or 2w, got {age!r}")
        for age in ("7 days", "24", "-1d", "1.5h", "h", "1H", "\u0661d", "9999999999s")
    ),
    ({"max_age": "x" * 9000}, " … xxx"),
    ({"timezone": "Asia/Nowhere"}, "timezone must be an IANA name or an offset (Asia/Shanghai, +08:00), got"),
    ({"timezone": "../../etc/passwd"}, "got '../../etc/passwd': correct it, or install tzdata if the name is right"),
    ({"timezone": "+25:00"}, "got '+25:00': correct it"),
    ({"timezone": "x" * 9000}, "xxx': correct it"),
    *(
        ({"timezone": number}, f"got '{number}': write it in quotes, because YAML reads +10:00 as a number")
        for number in ("600", "-300")
    ),
    ({"timezone": "+08:00\n"}, "got '+08:00\\n'"),
    (
        {"host": "https://zstack.example.com:8443/zstack"},
        "host must not include a scheme: set use_ssl to true for https, and port and context_path",
    ),
    ({"host": "zstack.example.com/zstack"}, "host must not include a path: set context_path"),
    *(
        ({"host": f"{host}:8080"}, "host must not include a port: set port to 8080")
        for host in ("10.0.0.1", "zstack.example.com", "face", "[::1]")
    ),
    *(
        ({"host": host}, "host must be a host name or an IP address, such as zstack.example.com")
        for host in (
            *(":", "[", "[]", "a b", "a\r\nHost: b", "[::1", "::1]", "a..b", ".a", "é", "a" * 64, "1::2::3"),
            f"{LONGEST_NAME}a",
        )
    ),
    # A URL with a password, which is not repeated
    *(
        ({"host": host}, "host must ")
        for host in ("ssh://root:Sesame@192.0.2.20:22/bs", "root:Sesame@192.0.2.20", "root:Sesame@h/bs", "Sesame@h:22")
    ),
    *(
        ({"host": f"fe80::1%{zone}"}, "host must ")
        for zone in ("", "eth0\nx", "eth 0", "eth0]:1/@evil", "é", "a%b", "e@x", "\udcff")
    ),
    *(
        ({"context_path": path}, NO_PATH)
        for path in (
            *("zstack", "/zstack?x", "/a//b", "//", "/a b", "/a%2e", "/a\n", "/é"),
            *("/.", "/..", "/a/../b", "/a/./"),
        )
    ),
    *(
        ({"ca_path": path, "use_ssl": True}, f"ca_path must be a readable file in PEM format ({reason}")
        for path, reason in (("/nonexistent.pem", "No such file or directory)"), (__file__, ""), (DIRECTORY, "Is a"))
    ),
    ({"session_uuid": "a\n"}, CONTROL),
    *(({"account_password": f"Sesame{each}", "account_name": "admin"}, CONTROL) for each in "\n\x7f\0"),
    ({"account_name": "admin\r", "account_password": "Sesame"}, CONTROL),
    ({"access_key_secret": "\tSesame", "access_key_id": "key"}, CONTROL),
    ({"access_key_id": "key\n", "access_key_secret": "Sesame"}, CONTROL),
    *(({"session_uuid": uuid}, f"session_uuid {NO_HEADER}") for uuid in ("a b", " a", "é")),
    ({"access_key_id": "a b", "access_key_secret": "Sesame"}, f"access_key_id {NO_HEADER}"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_a_wrong_value_is_answered_with_option_and_allowed_values(
    checked: Check, options: dict[str, Any], words: str
) -> None:
    session = {} if options.keys() & set(AUTH_OPTIONS) else SESSION
    line = refusal(checked, **session, **options)
    assert line.startswith(f"{next(iter(options))} must ")
    assert words in line
    assert "Sesame" not in line


def test_a_missing_host_is_answered_with_every_place_to_write_it(checked: Check) -> None:
    line = "host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST"
    assert refusal(checked, **SESSION, host=None) == refusal(checked, **SESSION, host="") == line


SERVER = "http://zstack.example.com:8080"
DEFAULTS = {"server": SERVER, "context_path": "/zstack", "verify": True, "timeout": 60, "retries": 2}
HOSTS = {
    **{host: host for host in ("zstack.example.com.", "192.0.2.10", "mn_1", "face", LONGEST_NAME)},
    **dict.fromkeys(("2001:db8::10", "[2001:db8::10]"), "[2001:db8::10]"),
    "::1": "[::1]",
    "face::8080": "[face::8080]",
    "fe80::1%eth0": "[fe80::1%25eth0]",
    "[fe80::1%eth0.1]": "[fe80::1%25eth0.1]",
}
PATHS = {"/a/b/": "/a/b", "/": "", "": "/zstack", "/...": "/...", "/.a/b..": "/.a/b.."}
AGES = {"90s": 90, "30m": 1800, "24h": 86400, "7d": 604800, "2w": 1209600, "0s": 0, " 1d ": 86400}


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        *(({}, field, value) for field, value in DEFAULTS.items()),
        *(({option: end}, option, end) for option, ends in {**RANGES, "limit": (1, 2**64)}.items() for end in ends),
        *(({"host": host}, "server", f"http://{in_url}:8080") for host, in_url in HOSTS.items()),
        *(({"context_path": path}, "context_path", root) for path, root in PATHS.items()),
        *(({"max_age": age}, "max_age", seconds) for age, seconds in AGES.items()),
        # Without use_ssl, ca_path is ignored.
        ({"ca_path": "/nonexistent.pem"}, "verify", True),
    ],
)
def test_a_good_value_or_a_default_is_taken(checked: Check, options: dict[str, Any], field: str, value: Any) -> None:
    taken = checked(**SESSION, **options)
    assert {**taken._asdict(), **taken.connection._asdict()}[field] == value


def test_only_secrets_are_hidden_in_the_argument_spec() -> None:
    assert sorted(HIDDEN) == ["access_key_secret", "account_password", "session_uuid", "storage_password"]


scalars = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
names = st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9]{1,9}){0,2}", fullmatch=True)
hosts = names | st.ip_addresses().map(str)
good_options: dict[str, st.SearchStrategy[Any]] = {
    "port": st.integers(1, 65535) | st.integers(1, 65535).map(str),
    "use_ssl": st.booleans() | st.sampled_from(["yes", "off", 1]),
    "validate_certs": st.booleans(),
    "ca_path": st.just(""),
    "context_path": st.sampled_from(["/", "/zstack", "/a/b/"]),
    "timeout": st.integers(1, 86400),
    "retries": st.integers(0, 100),
    "timezone": st.sampled_from(["Asia/Shanghai", "+08:00", "UTC", "-3"]),
    "registry_port": st.integers(1, 65535),
    "system_tags": st.lists(st.text()),
    "user_tags": st.lists(st.text()),
    "max_age": st.from_regex(r"[0-9]{1,9}[smhdw]", fullmatch=True),
    "limit": st.integers(1, 2**64),
}
secrets = st.from_regex(r"[!-~]{1,20}", fullmatch=True)
methods = st.sampled_from(sorted(AUTH_METHODS)).flatmap(
    lambda method: st.fixed_dictionaries(dict.fromkeys(AUTH_METHODS[method], secrets))
)
good = st.tuples(st.fixed_dictionaries({"host": hosts}, optional=good_options), methods).map(
    lambda both: {**both[0], **both[1]}
)
odd = st.fixed_dictionaries({}, optional=dict.fromkeys(argument_spec(), values))
terms = st.just("ssh://root:Sesame@192.0.2.20/bs") | st.fixed_dictionaries(
    {"url": st.just("ssh://root@192.0.2.20/bs"), "password": st.from_regex(r"[ -~]{1,9}", fullmatch=True)}
)


def is_taken(written: dict[str, Any], term: Any) -> bool:
    """Return whether these options are taken, and check what is made of them or said about them."""
    written = set_options(written)
    result = ArgumentSpecValidator(argument_spec()).validate(with_whole_numbers(written, argument_spec()))
    if result.error_messages:
        return False
    try:
        options = check(result.validated_parameters, [term], [written])
    except ZStackError as error:
        line = str(error)
        assert len(line.splitlines()) == 1
        assert line.split()[0] in {*argument_spec(), "url", "password", "authentication", "unsupported"}
        texts = [value for name, value in written.items() if name in HIDDEN and isinstance(value, str)]
        # What a short one has in common with the message is chance.
        assert [text for text in texts if len(text) > 5 and text in line] == []
        return False
    method, secrets = options.connection.credentials
    assert secrets == tuple(str(written[option]) for option in AUTH_METHODS[method])
    assert options.storages[0].url.startswith("ssh://root:")
    assert options.storages[0].masked == "ssh://root:***@192.0.2.20/bs"
    return True


@settings(max_examples=100 if LONG else 30)
@given(good, terms, odd, values)
def test_good_options_are_taken_and_others_refused_by_name_in_one_line(
    right: dict[str, Any], term: Any, wrong: dict[str, Any], odd_term: Any
) -> None:
    assert is_taken(right, term)
    # As they are, and one of them among good ones, which leads deeper into the checks.
    is_taken(wrong, odd_term)
    is_taken({**right, **dict(list(wrong.items())[:1])}, term)
