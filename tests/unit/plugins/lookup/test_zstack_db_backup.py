# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup, with a templar that does nothing and with Ansible's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import ansible.template
import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display

from ansible_collections.zstack.cloud.plugins.module_utils._options import environment_variable
from ansible_collections.zstack.cloud.tests.simulator import Simulator

NAME = "zstack.cloud.zstack_db_backup"
URL = "ssh://root@192.0.2.20/bs"
LOGIN = "/v1/accounts/login"
SECRETS = (
    *("session_uuid", "account_name", "account_password", "access_key_id", "access_key_secret"),
    "storage_password",
)

# Until ansible-core 2.18, every string is trusted as a template.
trusted: Callable[[str], str] = getattr(ansible.template, "trust_as_template", str)


class Untouchable:
    """The value of a variable that must not be evaluated."""


class PlainTemplar:
    """Returns every value as it is, and fails for variables that must not be evaluated."""

    def template(self, value: Any) -> Any:
        assert not isinstance(value, Untouchable), "a variable was evaluated that is not needed"
        return value


class Vaulted(Sequence[str]):
    """An inline vaulted string, as it is until ansible-core 2.18."""

    __ENCRYPTED__ = True

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, index: Any) -> Any:
        return self.text[index]


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that Ansible would show."""
    texts: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda self, text, *_dummy, **_kwargs: texts.append(text))
    return texts


def look_up(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    """Run the lookup as Ansible does."""
    plugin = lookup_loader.get(NAME, loader=DataLoader(), templar=PlainTemplar())
    results: list[dict[str, Any]] = plugin.run(list(terms), variables=variables, **options)
    return results


def refusal(*terms: Any, **options: Any) -> str:
    with pytest.raises(AnsibleError) as caught:
        look_up(*terms, **options)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert "Sesame" not in line
    return line


def render(template: str, variables: dict[str, Any]) -> Any:
    """Render a template with Ansible's own templar, which runs the lookup. Texts in variables are templates, too."""
    values = {name: trusted(value) if isinstance(value, str) else value for name, value in variables.items()}
    templar = ansible.template.Templar(loader=DataLoader(), variables=values)
    return templar.template(trusted(template))


@pytest.fixture
def node(zstack: Simulator) -> dict[str, Any]:
    """The options for the address of the simulator."""
    return {"host": zstack.host, "port": zstack.port, "retries": 0}


@pytest.fixture
def options(zstack: Simulator, node: dict[str, Any]) -> dict[str, Any]:
    """The same with the account, as keywords."""
    return {**node, **zstack.credentials("account")}


@pytest.fixture
def as_variables(options: dict[str, Any]) -> dict[str, Any]:
    """The same as variables."""
    return {f"zstack_{option}": value for option, value in options.items()}


def test_each_term_has_a_result_in_the_order_of_the_terms_from_one_login(
    zstack: Simulator, options: dict[str, Any], shown: list[str]
) -> None:
    first, _dummy, third, *_others = zstack.storages
    results = look_up(third.url, first.url, third.url, **options)
    assert [result["total"] for result in results] == [third.total, first.total, third.total]
    assert zstack.paths.count(LOGIN) == 1
    assert not zstack.sessions
    assert shown == []


def test_lists_and_strings_of_urls_are_flattened(zstack: Simulator, options: dict[str, Any]) -> None:
    first, _dummy, third, *_others = zstack.storages
    results = look_up([f"{third.url}\n{first.url}"], "", third.url, **options)
    assert [result["total"] for result in results] == [0, first.total, 0]


def test_without_terms_the_result_is_an_empty_list_and_nothing_is_sent(
    zstack: Simulator, options: dict[str, Any]
) -> None:
    assert look_up(**options) == []
    assert look_up([], **options) == []
    assert zstack.requests == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"prot": 8080}, "unsupported options: prot"),
        ({"port": "many"}, "argument 'port'"),
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
        ({"host": "10.0.0.1:8080"}, "host must not include a port"),
        ({"max_age": "1 day"}, "max_age must be a whole number with a unit"),
        ({"access_key_id": "x"}, "account_name and access_key_id are mutually exclusive"),
    ],
)
def test_a_wrong_option_is_an_error_even_without_terms(
    options: dict[str, Any], wrong: dict[str, Any], words: str
) -> None:
    assert words in refusal(**{**options, **wrong})
    assert words in refusal([], **{**options, **wrong})


@pytest.mark.parametrize("form", ["mapping", "keyword", "variable", "environment"])
@pytest.mark.parametrize("password", ["Sesame@Street#7", "%41 /密'\"\\$&;"])
def test_a_plain_password_from_any_place_is_encoded(form: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator(storage_password=password) as zstack:
        storage = zstack.storages[0]
        options: dict[str, Any] = {"host": zstack.host, "port": zstack.port, **zstack.credentials("session")}
        if form == "mapping":
            results = look_up({"url": storage.url_without_password, "password": password}, **options)
        elif form == "keyword":
            results = look_up(storage.url_without_password, storage_password=password, **options)
        elif form == "variable":
            variables = {"zstack_storage_password": password}
            results = look_up(storage.url_without_password, variables=variables, **options)
        else:
            monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", password)
            results = look_up(storage.url_without_password, **options)
        assert results[0]["total"] == storage.total
        (url,) = [value for request in zstack.requests for name, value in request.query if name == "url"]
        assert url == storage.url
        assert password not in json.dumps(results, ensure_ascii=False)


def test_the_password_of_a_term_wins_over_the_keyword_this_over_the_variable_and_this_over_the_environment(
    zstack: Simulator, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = zstack.storages[0]
    url, wrong, right = storage.url_without_password, "wrong", storage.password
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", wrong)
    by_wrong = {"zstack_storage_password": wrong}
    assert look_up({"url": url, "password": right}, variables=by_wrong, storage_password=wrong, **options)[0]["total"]
    assert look_up(url, variables=by_wrong, storage_password=right, **options)[0]["total"]
    assert look_up(url, variables={"zstack_storage_password": right}, **options)[0]["total"]
    # A term with its own password needs no other one.
    assert look_up(storage.url, variables=by_wrong, **options)[0]["total"]


def test_a_password_both_in_the_url_and_in_a_keyword_or_nowhere_is_an_error(options: dict[str, Any]) -> None:
    url = "ssh://root:Sesame@192.0.2.20/bs"
    line = "url must not include a password if storage_password is set: keep one of them"
    assert refusal(url, storage_password="Open", **options) == line
    line = (
        "storage_password is missing: set it in the task, set zstack_storage_password (lookup) or export "
        "ZSTACK_STORAGE_PASSWORD, or include the percent-encoded password in url"
    )
    assert refusal(URL, **options) == line


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("Sesame", "url must have the form ssh://username@hostname[:sshPort]/path"),
        (
            7,
            "url must be a URL such as ssh://username@hostname[:sshPort]/path, or in the lookup a mapping with url",
        ),
        (True, "got a boolean"),
        ({"url": ["Sesame"]}, "or in the lookup a mapping with url and optionally password and name, got a list"),
        ({"pass": "Sesame"}, "url is missing"),
        ({"password": "Sesame"}, "url is missing: set it in the form ssh://username@hostname[:sshPort]/path"),
        (None, "url is missing"),
    ],
)
def test_the_error_about_a_wrong_term_says_what_a_term_must_be(
    zstack: Simulator, options: dict[str, Any], term: Any, words: str
) -> None:
    assert words in refusal(term, **options)
    assert words in refusal(zstack.storage_url, term, on_error="report", **options)
    assert zstack.requests == []


def test_a_missing_host_is_answered_with_every_place_to_write_it() -> None:
    line = "host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST"
    assert refusal(URL, session_uuid="x", storage_password="x") == line


def test_the_error_about_an_unknown_keyword_lists_the_supported_ones() -> None:
    line = refusal(URL, storagepassword="Sesame", validate_cert=False)
    assert line.startswith("unsupported options: storagepassword, validate_cert; supported: access_key_id, ")
    assert "on_error" in line
    assert "url" not in line


def test_options_are_taken_from_keywords_then_variables_then_the_environment(
    zstack: Simulator, options: dict[str, Any], as_variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(prefix: str) -> dict[str, Any]:
        return {f"{prefix}host": "host.invalid", f"{prefix}port": 1, f"{prefix}timeout": 5, f"{prefix}retries": 0}

    for option, value in wrong("").items():
        monkeypatch.setenv(environment_variable(option), str(value))
    assert look_up(zstack.storage_url, variables=as_variables)[0]["total"]
    assert look_up(zstack.storage_url, variables={**as_variables, **wrong("zstack_")}, **options)[0]["total"]
    for option, value in options.items():
        monkeypatch.setenv(environment_variable(option), str(value))
    assert look_up(zstack.storage_url)[0]["total"]


def test_authentication_options_are_never_mixed_from_two_places(
    zstack: Simulator, node: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, password = zstack.account
    monkeypatch.setenv("ZSTACK_ACCOUNT_PASSWORD", password)
    half = {"zstack_account_name": name}
    assert refusal(zstack.storage_url, variables=half, **node) == "account_name also requires account_password"
    # A complete pair in a later place is ignored.
    both = {**half, "zstack_account_password": password}
    line = refusal(zstack.storage_url, variables=both, access_key_id="x", **node)
    assert line == "access_key_id also requires access_key_secret"
    assert look_up(zstack.storage_url, variables=both, **node)[0]["total"]


EMPTY = ["host", "port", "use_ssl", "validate_certs", "ca_path", "timeout", "timezone", "session_uuid"]


@pytest.mark.parametrize("option", [*EMPTY, "account_name", "access_key_id", "storage_password"])
def test_an_empty_string_is_the_same_as_an_omitted_option_in_every_place(
    zstack: Simulator,
    options: dict[str, Any],
    as_variables: dict[str, Any],
    option: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = {f"zstack_{option}": ""}
    by_variable = look_up(zstack.storage_url, variables={**as_variables, **empty, **as_variables}, **{option: ""})
    monkeypatch.setenv(environment_variable(option), "")
    by_keyword = look_up(zstack.storage_url, variables=empty, **{option: "", **options})
    assert by_variable[0]["total"] == by_keyword[0]["total"] == zstack.storages[0].total


def test_an_empty_validate_certs_leaves_certificates_validated(
    secure_zstack: Simulator, ca_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**secure_zstack.options, "use_ssl": True, "retries": 0}
    monkeypatch.setenv("ZSTACK_VALIDATE_CERTS", "")
    monkeypatch.setenv("ZSTACK_CA_PATH", "")
    for variables in ({}, {"zstack_validate_certs": ""}):
        line = refusal(secure_zstack.storage_url, variables=variables, validate_certs="", ca_path="", **options)
        assert "the server's certificate was rejected" in line
    monkeypatch.setenv("ZSTACK_CA_PATH", ca_path)
    assert look_up(secure_zstack.storage_url, ca_path="", **options)[0]["total"]


@pytest.mark.parametrize("option", ["use_ssl", "validate_certs"])
@pytest.mark.parametrize("place", ["keyword", "variable", "environment"])
def test_a_misspelt_boolean_is_an_error_in_every_place(
    zstack: Simulator, options: dict[str, Any], option: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "environment":
        monkeypatch.setenv(environment_variable(option), "ture")
    variables = {f"zstack_{option}": "ture"} if place == "variable" else {}
    keywords = {option: "ture"} if place == "keyword" else {}
    line = refusal(zstack.storage_url, variables=variables, **options, **keywords)
    assert option in line
    assert "'ture'" in line
    assert zstack.requests == []


@pytest.mark.parametrize("option", SECRETS)
def test_a_secret_of_a_wrong_type_is_refused_by_name_alone(
    zstack: Simulator, node: dict[str, Any], option: str
) -> None:
    others = {"account": "account_name account_password", "access": "access_key_id access_key_secret"}
    written: dict[str, Any] = dict.fromkeys(others.get(option.partition("_")[0], "session_uuid").split(), "x")
    password = {} if option == "storage_password" else {"storage_password": "x"}
    for value, kind in (({"Sesame": "x"}, "mapping"), (["Sesame"], "list"), (True, "boolean")):
        written[option] = value
        variables = {f"zstack_{name}": each for name, each in written.items()}
        for line in (
            refusal(URL, **node, **written, **password),
            refusal(URL, variables=variables, **node, **password),
        ):
            assert line == f"{option} must be a string, got a {kind}: write it in quotes"
    assert zstack.requests == []


@pytest.mark.parametrize("option", SECRETS)
def test_a_secret_in_the_environment_that_is_no_utf_8_is_refused_by_name_alone(
    node: dict[str, Any], option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"account": "account_name account_password", "access": "access_key_id access_key_secret"}
    for name in others.get(option.partition("_")[0], "session_uuid").split():
        monkeypatch.setenv(environment_variable(name), "x")
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", "x")
    monkeypatch.setenv(environment_variable(option), "Sesame\udcff")
    assert refusal(URL, **node) == f"{environment_variable(option)} must be valid UTF-8"


def omit() -> Any:
    """Ansible's variable of this name: a string until ansible-core 2.18, an object since then."""
    try:
        from ansible._internal._templating._utils import Omit
    except ImportError:
        return "__omit_place_holder__0123456789abcdef"
    return Omit


def with_omit(placeholder: Any) -> dict[str, Any]:
    """What Ansible adds to the variables: only a string."""
    return {"omit": placeholder} if isinstance(placeholder, str) else {}


@pytest.mark.parametrize("placeholder", ["__omit_place_holder__0123456789abcdef", omit()], ids=["text", "own"])
def test_omit_omits_an_option(
    zstack: Simulator, options: dict[str, Any], as_variables: dict[str, Any], placeholder: Any
) -> None:
    names = [*options, "session_uuid", "storage_password", "timezone", "validate_certs", "max_age"]
    keywords = dict.fromkeys(names, placeholder)
    variables = {
        **as_variables,
        **with_omit(placeholder),
        "zstack_session_uuid": placeholder,
        "zstack_timezone": placeholder,
    }
    (result,) = look_up(zstack.storage_url, variables=variables, **keywords)
    assert (result["total"], result["timezone_source"]) == (zstack.storages[0].total, "server")


UNNEEDED = {"zstack_session_uuid", "zstack_account_name", "zstack_account_password", "zstack_access_key_id"}


@pytest.mark.parametrize("method", ["session", "account", "access_key"])
def test_a_variable_that_the_chosen_method_does_not_need_is_not_evaluated(
    zstack: Simulator, node: dict[str, Any], method: str
) -> None:
    keywords = {
        "session": {"session_uuid": zstack.open_session()},
        "account": dict(zip(("account_name", "account_password"), zstack.account)),
        "access_key": dict(zip(("access_key_id", "access_key_secret"), zstack.access_key)),
    }[method]
    variables: dict[str, Any] = dict.fromkeys(
        [*UNNEEDED, "zstack_access_key_secret", "zstack_host", "zstack_port"], Untouchable()
    )
    storage = zstack.storages[0]
    for term in (storage.url, {"url": storage.url_without_password, "password": storage.password}):
        untouchable = {**variables, "zstack_storage_password": Untouchable()}
        (result,) = look_up(term, variables=untouchable, timezone="Asia/Shanghai", **node, **keywords)
        assert result["total"] == storage.total
    with_password = {**node, **keywords, "storage_password": storage.password}
    untouchable = {**variables, "zstack_storage_password": Untouchable(), "zstack_timezone": "Asia/Shanghai"}
    assert look_up(storage.url_without_password, variables=untouchable, **with_password)[0]["total"] == storage.total


@pytest.mark.parametrize("form", ["url", "mapping", "keyword", "variable"])
def test_an_inline_vaulted_string_is_decrypted(zstack: Simulator, options: dict[str, Any], form: str) -> None:
    storage = zstack.storages[0]
    url, password = storage.url_without_password, Vaulted(storage.password)
    if form == "url":
        results = look_up(Vaulted(storage.url), **{**options, "host": Vaulted(options["host"])})
    elif form == "mapping":
        results = look_up({"url": Vaulted(url), "password": password}, **options)
    elif form == "keyword":
        keywords = {**options, "account_password": Vaulted(options["account_password"])}
        results = look_up(url, storage_password=password, **keywords)
    else:
        results = look_up(url, variables={"zstack_storage_password": password}, **options)
    assert [result["total"] for result in results] == [storage.total]


def test_the_controllers_own_templar_evaluates_variables_and_leaves_those_alone_that_are_not_needed(
    zstack: Simulator, node: dict[str, Any]
) -> None:
    variables = {
        **{f"zstack_{option}": value for option, value in node.items()},
        "zstack_host": "{{ name_of_the_node }}",
        "name_of_the_node": zstack.host,
        "zstack_account_password": "{{ undefined_variable }}",
        "session": zstack.open_session(),
        "zstack_storage_password": "{{ secret }}",
        "secret": zstack.storages[0].password,
        "url": zstack.storages[0].url_without_password,
    }
    # A template that is more than a value is a text until ansible-core 2.18.
    total = render("{{ lookup('" + NAME + "', url, session_uuid=session).total }}", variables)
    assert int(total) == zstack.storages[0].total
    with pytest.raises(AnsibleError, match="undefined_variable"):
        render("{{ lookup('" + NAME + "', url).total }}", variables)


def test_the_controllers_own_omit_omits_a_keyword_or_a_variable(
    zstack: Simulator, as_variables: dict[str, Any]
) -> None:
    variables = {
        **as_variables,
        **with_omit(omit()),
        "url": zstack.storages[0].url,
        "zstack_session_uuid": "{{ not_there | default(omit) }}",
        "zstack_timezone": "{{ omit }}",
    }
    nothing = "not_there | default(omit)"
    options = f"port={nothing}, access_key_id={nothing}, storage_password={nothing}, max_age={nothing}, limit={nothing}"
    template = "{{ lookup('" + NAME + "', url, " + options + ").timezone_source }}"
    assert render(template, variables) == "server"


def test_the_controllers_own_templar_gets_lists_and_mappings_as_terms(
    zstack: Simulator, as_variables: dict[str, Any]
) -> None:
    first, _dummy, third, *_others = zstack.storages
    variables = {
        **as_variables,
        "zstack_timezone": "Asia/Shanghai",
        "storages": [{"url": first.url_without_password, "password": first.password}, third.url],
    }
    totals = "{{ query('" + NAME + "', *storages) | map(attribute='total') | list }}"
    assert render(totals, variables) == [first.total, 0]
    assert render("{{ query('" + NAME + "') }}", variables) == []


def test_a_failure_is_one_line_that_names_node_and_call_and_no_secret(zstack: Simulator, node: dict[str, Any]) -> None:
    line = refusal(zstack.storage_url, account_name="admin", account_password="Open-Sesame", **node)
    assert line.startswith(f"127.0.0.1:{zstack.port}: LogInByAccount: [ID.1000] Unable to authenticate a user")


def test_warnings_are_shown_with_the_node(zstack: Simulator, options: dict[str, Any], shown: list[str]) -> None:
    zstack.inject({"status": 502, "body": "not today"}, on="version")
    assert look_up(zstack.storage_url, **options)[0]["platform_version"] is None
    (warning,) = shown
    assert warning.startswith(f"127.0.0.1:{zstack.port}: GetVersion: not today (HTTP 502)")


def storages_of(zstack: Simulator) -> list[Any]:
    """Three storages as terms. The second fails, as its registry has another port."""
    first, second, third, *_others = zstack.storages
    return [first.url, {"url": second.url_without_password, "password": second.password}, third.url]


def test_with_report_a_storage_that_fails_is_reported_in_its_place_and_the_others_are_there(
    zstack: Simulator, options: dict[str, Any]
) -> None:
    first, second, third = look_up(*storages_of(zstack), on_error="report", **options)
    assert (first["total"], third["total"]) == (zstack.storages[0].total, zstack.storages[2].total)
    assert "failed" not in first
    assert first.keys() | {"failed", "msg", "error", "status"} == second.keys()
    assert (second["failed"], second["status"], second["error"]["code"]) == (True, 503, "SYS.1000")
    assert second["storage"] == zstack.storages[1].url_without_password.replace("@", ":***@")
    assert second["storage"] in second["msg"]
    assert (second["backups"], second["latest"], second["count"], second["total"]) == ([], None, 0, 0)
    assert zstack.paths.count(LOGIN) == 1
    assert not zstack.sessions


@pytest.mark.parametrize("keywords", [{}, {"on_error": "fail"}, {"on_error": ""}])
def test_without_report_a_storage_that_fails_is_an_error(
    zstack: Simulator, options: dict[str, Any], keywords: dict[str, Any]
) -> None:
    line = refusal(*storages_of(zstack), **options, **keywords)
    assert zstack.storages[1].url_without_password.replace("@", ":***@") in line
    assert "[SYS.1000]" in line
    assert not zstack.sessions


def test_with_report_every_storage_of_a_node_that_is_down_is_reported(
    zstack: Simulator, options: dict[str, Any]
) -> None:
    with Simulator() as gone:
        port = gone.port
    results = look_up(*storages_of(zstack), on_error="report", **{**options, "port": port})
    masked = [storage.url_without_password.replace("@", ":***@") for storage in zstack.storages[:3]]
    assert [result["storage"] for result in results] == masked
    for result in results:
        assert result["failed"] is True
        assert result["msg"].startswith(f"127.0.0.1:{port}: LogInByAccount: connection refused")
        assert result["status"] is None


NO_AGE = "max_age requires a known time zone, but the management node does not report one: set timezone"


def test_an_age_in_a_guessed_zone_is_an_error_which_report_shows_for_each_storage() -> None:
    with Simulator(has_timezone_call=False) as zstack:
        session = zstack.open_session()
        options: dict[str, Any] = {"host": zstack.host, "port": zstack.port, "session_uuid": session, "max_age": "24h"}
        urls = [zstack.storages[0].url, zstack.storages[2].url]
        assert NO_AGE in refusal(*urls, **options)
        results = look_up(*urls, on_error="report", **options)
        assert [result["storage"] for result in results] == [
            storage.url_without_password.replace("@", ":***@") for storage in (zstack.storages[0], zstack.storages[2])
        ]
        for result in results:
            assert (result["failed"], result["status"], result["backups"], result["latest"]) == (True, None, [], None)
            assert NO_AGE in result["msg"]
            assert result["error"]["server"] == f"{zstack.host}:{zstack.port}"
        known = look_up(*urls, timezone="+08:00", on_error="report", **options)
        assert ["failed" in result for result in known] == [False, False]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"on_error": "ignore"}, "value of on_error must be one of: fail, report, got: ignore"),
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
        ({"max_age": "1 day"}, "max_age must be a whole number with a unit"),
        ({"host": "10.0.0.1:8080"}, "host must not include a port: set port to 8080"),
        ({"access_key_id": "x"}, "account_name and access_key_id are mutually exclusive"),
        ({"limit": "many"}, "limit"),
    ],
)
def test_a_wrong_option_is_an_error_even_with_report(
    zstack: Simulator, options: dict[str, Any], wrong: dict[str, Any], words: str
) -> None:
    line = refusal(zstack.storage_url, **{"on_error": "report", **options, **wrong})
    assert words in line
    assert zstack.requests == []


def test_max_age_and_limit_select_backups_but_change_neither_latest_nor_total(
    zstack: Simulator, options: dict[str, Any]
) -> None:
    (whole,) = look_up(zstack.storage_url, **options)
    (result,) = look_up(zstack.storage_url, max_age="52w", limit="2", **options)
    assert (result["count"], result["total"]) == (2, whole["total"])
    assert [backup["id"] for backup in result["backups"]] == [backup["id"] for backup in whole["backups"][:2]]
    assert result["latest"]["id"] == result["backups"][0]["id"] == whole["latest"]["id"]
