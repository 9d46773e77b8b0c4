# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options: what is taken, from where, and what is said about the others."""

from __future__ import annotations

from collections.abc import Callable
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
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import refusal

Check = Callable[..., Options]
SESSION = {"session_uuid": "6c5dd5b1a3c54f2e8d52f8d2b1a0c3e4"}
ACCOUNT = {"account_name": "admin", "account_password": "password"}
ACCESS_KEY = {"access_key_id": "key", "access_key_secret": "secret"}

PARAMS = ArgumentSpecValidator(argument_spec()).validate({"host": "zstack.example.com"}).validated_parameters
LONGEST_NAME = ".".join([*["a" * 63] * 3, "a" * 61])
NO_SCHEME = "host must not include a scheme"
NO_PATH = "context_path must be an absolute path such as /zstack, or / for none, without dot segments"
CONTROL = "must not contain control characters: check for a line break at its end"
NO_HEADER = "session_uuid must be printable ASCII without white space: write it as issued"


@pytest.mark.parametrize("written", [SESSION, ACCOUNT, ACCESS_KEY], ids=AUTH_METHODS)
def test_each_authentication_method_is_taken(checked: Check, written: dict[str, str]) -> None:
    credentials = checked(**written).connection.credentials
    assert AUTH_METHODS[credentials.method] == tuple(written)
    assert credentials.values == tuple(written.values())


@pytest.mark.parametrize("exported", [SESSION, ACCOUNT, ACCESS_KEY], ids=AUTH_METHODS)
def test_each_authentication_method_is_found_in_the_environment(
    checked: Check, exported: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, value in exported.items():
        monkeypatch.setenv(environment_variable(option), value)
    assert checked().connection.credentials.values == tuple(exported.values())


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
    checked: Check, option: str, value: str, checked_value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment_variable(option), value)
    written = {"host": None} if option == "host" else {}
    connection = checked(**SESSION, **written).connection
    assert checked_value in (connection.server, connection.timezone, connection.timeout, connection.verify)


def test_what_the_task_sets_wins_over_the_environment(checked: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSTACK_PORT", "1")
    monkeypatch.setenv("ZSTACK_VALIDATE_CERTS", "no")
    connection = checked(**SESSION, port=2, validate_certs=True).connection
    assert (connection.port, connection.verify) == (2, True)


@pytest.mark.parametrize(
    ("value", "kind"),
    [({"Sesame": "Sesame"}, "mapping"), (["Sesame"], "list"), (True, "boolean"), (83, "number"), (1.1, "number")],
)
@pytest.mark.parametrize("option", [option for options in AUTH_METHODS.values() for option in options])
def test_a_secret_of_another_type_is_refused_by_name_alone(checked: Check, option: str, value: Any, kind: str) -> None:
    written = dict.fromkeys(next(options for options in AUTH_METHODS.values() if option in options), "x")
    line = refusal(lambda **source: check(PARAMS, [], [source]), **{**written, option: value})
    assert line == f"{option} must be a string, got a {kind}: write it in quotes"


@pytest.mark.parametrize("option", [option for options in AUTH_METHODS.values() for option in options])
def test_a_secret_in_the_environment_that_is_no_utf_8_is_refused_by_name_alone(
    checked: Check, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in next(options for options in AUTH_METHODS.values() if option in options):
        monkeypatch.setenv(environment_variable(other), "Sesame\udcff" if other == option else "x")
    assert refusal(checked) == f"{environment_variable(option)} must be valid UTF-8"


def test_a_session_in_the_task_wins_over_an_account_in_the_environment(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, value in ACCOUNT.items():
        monkeypatch.setenv(environment_variable(option), value)
    assert checked(**SESSION).connection.credentials.method == "session"


def test_the_first_source_that_sets_any_authentication_option_is_the_only_one() -> None:
    connection = check(PARAMS, [], [{}, {"session_uuid": ""}, ACCOUNT, SESSION]).connection
    assert connection.credentials.values == tuple(ACCOUNT.values())
    line = refusal(lambda **source: check(PARAMS, [], [source, ACCOUNT]), access_key_id="x")
    assert line == "access_key_id also requires access_key_secret"


def test_a_missing_secret_in_the_task_is_not_taken_from_the_environment(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_ACCOUNT_PASSWORD", "of somebody else")
    assert refusal(checked, account_name="admin") == "account_name also requires account_password"


@pytest.mark.parametrize("option", sorted(argument_spec()))
def test_an_empty_string_is_the_same_as_an_omitted_option_in_the_task_and_in_the_environment(
    checked: Check, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {} if option in SESSION else SESSION
    if option in SESSION:
        monkeypatch.setenv("ZSTACK_SESSION_ID", SESSION["session_uuid"])
    else:
        monkeypatch.setenv(environment_variable(option), "")
    if option == "host":
        assert refusal(checked, **SESSION, host="").startswith("host is missing")
    else:
        assert checked(**{**written, option: ""}) == checked(**written)


def test_an_empty_session_in_the_environment_is_ignored(checked: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSTACK_SESSION_ID", "")
    assert "authentication is missing" in refusal(checked)


@pytest.mark.parametrize("option", ["use_ssl", "validate_certs"])
@pytest.mark.parametrize("place", ["task", "environment"])
def test_a_misspelt_boolean_is_an_error_and_never_false(
    option: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "environment":
        monkeypatch.setenv(environment_variable(option), "ture")
    result = ArgumentSpecValidator(argument_spec()).validate({option: "ture"} if place == "task" else {})
    (message,) = result.error_messages
    assert option in message
    assert "'ture'" in message


@pytest.mark.parametrize("value", [float("inf"), "1e999999999", [1, [5], 10**26], "many", {"a": 1}, 1.5], ids=repr)
def test_a_value_that_is_no_whole_number_is_an_error_that_names_the_option(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = argument_spec()
    for option in [name for name, each in spec.items() if each["type"] == "int"]:
        (message,) = ArgumentSpecValidator(spec).validate(with_whole_numbers({option: value}, spec)).error_messages
        assert message.startswith(f"argument '{option}' is of type ")
        assert "unable to convert to int" in message
    monkeypatch.setenv("ZSTACK_TIMEOUT", str(value))
    (message,) = ArgumentSpecValidator(spec).validate({}).error_messages
    assert message.startswith("argument 'timeout' is of type ")


def test_without_authentication_all_three_methods_are_named(checked: Check) -> None:
    assert refusal(checked) == (
        "authentication is missing: set session_uuid or account_name with account_password or access_key_id with "
        "access_key_secret in the task, or with the prefix zstack_ in variables (lookup), or export ZSTACK_SESSION_ID, "
        "ZSTACK_ACCOUNT_NAME, ZSTACK_ACCOUNT_PASSWORD, ZSTACK_ACCESS_KEY_ID, ZSTACK_ACCESS_KEY_SECRET"
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ({**SESSION, **ACCOUNT}, "session_uuid and account_name"),
        ({**SESSION, **ACCESS_KEY}, "session_uuid and access_key_id"),
        ({**ACCOUNT, **ACCESS_KEY}, "account_name and access_key_id"),
        ({**SESSION, **ACCOUNT, **ACCESS_KEY}, "session_uuid and account_name and access_key_id"),
        ({**SESSION, "account_password": "password"}, "session_uuid and account_password"),
    ],
)
def test_two_authentication_methods_are_refused_by_name(checked: Check, written: dict[str, str], names: str) -> None:
    assert refusal(checked, **written) == f"{names} are mutually exclusive: keep one authentication method"


def test_two_authentication_methods_in_the_environment_are_named_as_its_variables(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_SESSION_ID", "x")
    monkeypatch.setenv("ZSTACK_ACCESS_KEY_ID", "y")
    assert "ZSTACK_SESSION_ID and ZSTACK_ACCESS_KEY_ID are mutually exclusive" in refusal(checked)


@pytest.mark.parametrize("option", [*ACCOUNT, *ACCESS_KEY])
@pytest.mark.parametrize("place", ["task", "environment"])
def test_one_option_of_a_pair_is_answered_with_the_other_one(
    checked: Check, option: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = next(options for options in AUTH_METHODS.values() if option in options)
    (other,) = set(pair) - {option}
    if place == "environment":
        monkeypatch.setenv(environment_variable(option), "x")
        assert refusal(checked) == f"{environment_variable(option)} also requires {environment_variable(other)}"
    else:
        assert refusal(checked, **{option: "x"}) == f"{option} also requires {other}"


def test_a_missing_host_is_answered_with_every_place_to_write_it(checked: Check) -> None:
    line = "host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST"
    assert refusal(checked, **SESSION, host=None) == line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
        ({"port": 65536}, "port must be between 1 and 65535, got 65536"),
        ({"registry_port": 70000}, "registry_port must be between 1 and 65535, got 70000"),
        ({"registry_port": 0}, "registry_port must be between 1 and 65535, got 0"),
        ({"timeout": 0}, "timeout must be between 1 and 86400, got 0"),
        ({"timeout": 86401}, "timeout must be between 1 and 86400, got 86401"),
        ({"retries": -1}, "retries must be between 0 and 100, got -1"),
        ({"retries": 101}, "retries must be between 0 and 100, got 101"),
        ({"limit": 0}, "limit must be at least 1, got 0"),
        *(
            (
                {"max_age": age},
                f"max_age must be a whole number with a unit, such as 90s, 30m, 24h, 7d or 2w, got {age!r}",
            )
            for age in ("7 days", "24", "-1d", "1.5h", "h", "1H", "\u0661d", "9999999999s")
        ),
        (
            {"timezone": "Asia/Nowhere"},
            "timezone must be an IANA name such as Asia/Shanghai, or an offset such as +08:00",
        ),
        (
            {"timezone": "../../etc/passwd"},
            "got '../../etc/passwd': correct it, or install tzdata if the name is right",
        ),
        ({"timezone": "+25:00"}, "got '+25:00': correct it"),
        ({"timezone": "x" * 9000}, "xxx': correct it"),
        ({"max_age": "x" * 9000}, " … xxx"),
        ({"timezone": "600"}, "got '600': write it in quotes, because YAML reads +10:00 as a number"),
        ({"timezone": "-300"}, "got '-300': write it in quotes, because YAML reads +10:00 as a number"),
        ({"timezone": "+08:00\n"}, "got '+08:00\\n'"),
        (
            {"host": "http://zstack.example.com"},
            f"{NO_SCHEME}: set use_ssl to true for https, and port and context_path",
        ),
        ({"host": "https://zstack.example.com:8443/zstack"}, NO_SCHEME),
        ({"host": "zstack.example.com/zstack"}, "host must not include a path: set context_path"),
        ({"host": "10.0.0.1:8080"}, "host must not include a port: set port to 8080"),
        ({"host": "127.0.0.1:18080"}, "host must not include a port: set port to 18080"),
        ({"host": "zstack.example.com:8080"}, "host must not include a port: set port to 8080"),
        ({"host": "face:8080"}, "host must not include a port: set port to 8080"),
        ({"host": "cafe:8080"}, "host must not include a port: set port to 8080"),
        ({"host": "[::1]:8080"}, "host must not include a port: set port to 8080"),
        *(
            ({"host": host}, "host must be a host name or an IP address, such as zstack.example.com")
            for host in (":", "[", "[]", "a b", "a\r\nHost: b", "[::1", "::1]", "a..b", ".a", "é", "a" * 64, "1::2::3")
        ),
        *(
            ({"host": f"fe80::1%{zone}"}, "host must ")
            for zone in ("", "eth0\nx", "eth 0", "eth0]:1/@evil", "é", "a%b", "e@x", "\udcff")
        ),
        *(
            ({"context_path": path}, NO_PATH)
            for path in (
                "zstack",
                "/zstack?x",
                "/a//b",
                "//",
                "/a b",
                "/a%2e",
                "/a\n",
                "/.",
                "/..",
                "/a/../b",
                "/a/./",
                "/é",
            )
        ),
        *(
            ({"ca_path": path, "use_ssl": True}, f"ca_path must be a readable file in PEM format ({reason}")
            for path, reason in (("/nonexistent.pem", "No such file or directory)"), (__file__, ""))
        ),
        ({"session_uuid": "a\n"}, CONTROL),
        ({"account_password": "Sesame\n", "account_name": "admin"}, CONTROL),
        ({"account_name": "admin\r", "account_password": "Sesame"}, CONTROL),
        ({"access_key_secret": "\tSesame", "access_key_id": "key"}, CONTROL),
        ({"access_key_id": "key\n", "access_key_secret": "Sesame"}, CONTROL),
        ({"session_uuid": "a b"}, NO_HEADER),
        ({"session_uuid": " a"}, NO_HEADER),
        ({"session_uuid": "é"}, NO_HEADER),
        ({"host": f"{LONGEST_NAME}a"}, "host must be a host name or an IP address, such as zstack.example.com"),
    ],
)
def test_a_wrong_value_is_answered_with_the_option_and_what_it_must_be(
    checked: Check, options: dict[str, Any], words: str
) -> None:
    session = {} if options.keys() & set(AUTH_OPTIONS) else SESSION
    line = refusal(checked, **session, **options)
    assert line.startswith(f"{next(iter(options))} must ")
    assert words in line


def test_ca_path_is_ignored_without_use_ssl(checked: Check) -> None:
    assert checked(**SESSION, ca_path="/nonexistent.pem").connection.server.startswith("http://")


@pytest.mark.parametrize(
    ("option", "lowest", "highest"),
    [("port", 1, 65535), ("timeout", 1, 86400), ("retries", 0, 100), ("registry_port", 1, 65535), ("limit", 1, 2**64)],
)
def test_both_ends_of_a_range_are_taken(checked: Check, option: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        options = checked(**SESSION, **{option: value})
        assert getattr(options, option, None) or getattr(options.connection, option) == value


def test_options_that_are_not_set_have_their_documented_defaults(checked: Check) -> None:
    connection = checked(**SESSION).connection
    assert (connection.server, connection.context_path) == ("http://zstack.example.com:8080", "/zstack")
    assert (connection.verify, connection.timeout, connection.retries) == (True, 60, 2)


def test_an_access_key_has_an_id_for_a_header_and_any_secret(checked: Check) -> None:
    line = "access_key_id must be printable ASCII without white space: write it as issued"
    assert refusal(checked, access_key_id="a b", access_key_secret="secret") == line
    assert checked(access_key_id="key", access_key_secret="密 码").connection.credentials.values == ("key", "密 码")


def test_an_account_has_any_name(checked: Check) -> None:
    name = "管理员 one"
    assert checked(account_name=name, account_password="password").connection.credentials.values[0] == name


def test_a_password_in_a_url_that_was_written_as_host_is_not_repeated(checked: Check) -> None:
    for host in ("ssh://root:Sesame@192.0.2.20:22/bs", "root:Sesame@192.0.2.20", "root:Sesame@h/bs", "Sesame@h:22"):
        assert "Sesame" not in refusal(checked, host=host, **SESSION)


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("zstack.example.com", "http://zstack.example.com:8080"),
        ("zstack.example.com.", "http://zstack.example.com.:8080"),
        ("192.0.2.10", "http://192.0.2.10:8080"),
        ("2001:db8::10", "http://[2001:db8::10]:8080"),
        ("[2001:db8::10]", "http://[2001:db8::10]:8080"),
        ("::1", "http://[::1]:8080"),
        ("[::1]", "http://[::1]:8080"),
        ("face::8080", "http://[face::8080]:8080"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:8080"),
        ("[fe80::1%eth0.1]", "http://[fe80::1%25eth0.1]:8080"),
        ("mn_1", "http://mn_1:8080"),
        ("face", "http://face:8080"),
        (LONGEST_NAME, f"http://{LONGEST_NAME}:8080"),
    ],
)
def test_a_name_or_an_address_is_taken_as_host(checked: Check, host: str, server: str) -> None:
    connection = checked(host=host, **SESSION).connection
    assert connection.server == server
    assert server == f"http://{connection.address}"


@pytest.mark.parametrize(
    ("path", "root"),
    [("/zstack", "/zstack"), ("/a/b/", "/a/b"), ("/", ""), ("", "/zstack"), ("/...", "/..."), ("/.a/b..", "/.a/b..")],
)
def test_the_context_path_can_be_deep_or_none(checked: Check, path: str, root: str) -> None:
    assert checked(context_path=path, **SESSION).connection.context_path == root


@pytest.mark.parametrize(
    ("age", "seconds"),
    [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("0s", 0), (" 1d ", 86400)],
)
def test_max_age_has_units_from_seconds_to_weeks(checked: Check, age: str, seconds: int) -> None:
    assert checked(max_age=age, **SESSION).max_age == seconds


def test_what_is_no_secret_in_the_argument_spec_is_meant_to_be_seen() -> None:
    hidden = {name for name, option in argument_spec().items() if option.get("no_log")}
    assert hidden == {"session_uuid", "account_password", "access_key_secret", "storage_password"}


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


def test_good_options_are_taken_and_any_others_are_refused_in_one_line_that_names_one() -> None:
    outcomes: list[bool] = []
    hidden = {name for name, option in argument_spec().items() if option.get("no_log")}

    def check_these(written: dict[str, Any], term: Any) -> bool:
        """Whether they are taken."""
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
            texts = [value for name, value in written.items() if name in hidden and isinstance(value, str)]
            # What a short one has in common with the message is chance.
            assert [text for text in texts if len(text) > 5 and text in line] == []
            return False
        method, secrets = options.connection.credentials
        assert secrets == tuple(str(written[option]) for option in AUTH_METHODS[method])
        assert options.storages[0].url.startswith("ssh://root:")
        assert options.storages[0].masked == "ssh://root:***@192.0.2.20/bs"
        return True

    @settings(max_examples=100)
    @given(good, terms, odd, values)
    def check_any(right: dict[str, Any], term: Any, wrong: dict[str, Any], odd_term: Any) -> None:
        outcomes.append(check_these(right, term))
        assert outcomes[-1], "good options were refused"
        # As they are, and some of them among good ones, which leads deeper into the checks.
        outcomes.append(check_these(wrong, odd_term))
        outcomes.append(check_these({**right, **dict(list(wrong.items())[:1])}, term))

    check_any()
    assert sum(outcomes) >= 0.3 * len(outcomes), f"{sum(outcomes)} of {len(outcomes)} were taken"
