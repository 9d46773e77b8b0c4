# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all lookups do with terms, options and variables, shown by zstack_db_backup."""

from __future__ import annotations

from collections import UserString
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import ansible.template
import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display

from ansible_collections.zstack.cloud.plugins.module_utils._backups import argument_spec
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS, environment_variable
from ansible_collections.zstack.cloud.plugins.plugin_utils._lookup import storage_terms
from ansible_collections.zstack.cloud.tests.simulator import Simulator

NAME = "zstack.cloud.zstack_db_backup"
URL, OTHER = "ssh://root@192.0.2.20/bs", "ssh://root:Sesame@192.0.2.20/bs"

TEXT_OMIT = "__omit_place_holder__0123456789abcdef"
OMIT: Any = TEXT_OMIT  # until ansible-core 2.18
with suppress(ImportError):
    from ansible._internal._templating._utils import Omit as OMIT

# Until ansible-core 2.18, every string is trusted as a template.
trusted: Callable[[str], str] = getattr(ansible.template, "trust_as_template", str)


class Untouchable:
    """The value of a variable that must not be evaluated."""


class PlainTemplar:
    """Returns every value as it is, and fails for variables that must not be evaluated."""

    def template(self, value: Any) -> Any:
        assert not isinstance(value, Untouchable), "a variable was evaluated that is not needed"
        return value


class Vaulted(UserString):
    """An inline vaulted string, as it is until ansible-core 2.18: it is no str."""

    __ENCRYPTED__ = True


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


def total(*terms: Any, **options: Any) -> int:
    (result,) = look_up(*terms, **options)
    return int(result["total"])


def refusal(*terms: Any, **options: Any) -> str:
    with pytest.raises(AnsibleError) as caught:
        look_up(*terms, **options)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert "Sesame" not in line
    return line


def variables_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {f"zstack_{option}": value for option, value in options.items()}


def export(options: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for option, value in options.items():
        monkeypatch.setenv(environment_variable(option), str(value))


@pytest.fixture
def node(zstack: Simulator) -> dict[str, Any]:
    """The options for the address of the simulator."""
    return {"host": zstack.host, "port": zstack.port, "retries": 0}


@pytest.fixture
def options(zstack: Simulator, node: dict[str, Any]) -> dict[str, Any]:
    """The same with the account."""
    return {**node, **zstack.credentials("account")}


def test_each_term_has_a_result_in_its_place_from_one_login(
    zstack: Simulator, options: dict[str, Any], shown: list[str]
) -> None:
    first, _dummy, third, *_others = zstack.storages
    results = look_up([f"{third.url}\n{first.url}"], "", third.url, max_age="52w", limit="2", **options)
    assert [result["total"] for result in results] == [third.total, first.total, third.total] == [0, 15, 0]
    assert [result["count"] for result in results] == [0, 2, 0]
    assert zstack.paths.count("/v1/accounts/login") == 1
    assert not zstack.sessions
    assert shown == []


def test_without_terms_nothing_is_sent(zstack: Simulator, options: dict[str, Any]) -> None:
    assert look_up(**options) == look_up([], **options) == []
    assert zstack.requests == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"prot": 8080, "hots": "Sesame"}, "unsupported options: hots, prot; supported: access_key_id, "),
        ({"url": URL}, "unsupported options: url"),
        ({"port": "many"}, "argument 'port'"),
        ({"use_ssl": "ture"}, "argument 'use_ssl'"),
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
        ({"limit": "many"}, "argument 'limit'"),
        ({"host": "10.0.0.1:8080"}, "host must not include a port: set port to 8080"),
        ({"host": ""}, "host is missing"),
        ({"max_age": "1 day"}, "max_age must be a whole number with a unit"),
        ({"access_key_id": "x"}, "account_name and access_key_id are mutually exclusive"),
        ({"on_error": "ignore"}, "value of on_error must be one of: fail, report, got: ignore"),
    ],
)
def test_a_wrong_option_is_an_error_also_without_terms_and_with_report(
    zstack: Simulator, options: dict[str, Any], wrong: dict[str, Any], words: str
) -> None:
    calls: list[list[Any]] = [[], [[]], [zstack.storage_url]]
    for terms in calls:
        assert words in refusal(*terms, **{"on_error": "report", **options, **wrong})
    assert zstack.requests == []


@pytest.mark.parametrize("term", ["Sesame", True, None, {"pass": "Sesame"}, {"url": ["Sesame"]}, {"url": URL}])
def test_a_wrong_term_is_an_error_even_with_report(zstack: Simulator, options: dict[str, Any], term: Any) -> None:
    line = refusal(zstack.storage_url, term, on_error="report", **options)
    assert line.startswith(("url must be ", "url must have the form ", "url is missing", "storage_password is missing"))
    assert zstack.requests == []


def test_options_come_from_keywords_then_variables_then_the_environment(
    zstack: Simulator, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = zstack.storages[0]
    url, password = storage.url_without_password, {"storage_password": storage.password}
    right = {**options, **password}
    wrong = {"host": "host.invalid", "port": 1, "timeout": 5, "storage_password": "wrong"}
    export(wrong, monkeypatch)
    assert total(url, variables=variables_of(right)) == storage.total
    assert total(url, variables=variables_of(wrong), **right) == storage.total
    # A term with its own password needs no other one.
    assert total({"url": url, "password": storage.password}, **{**right, "storage_password": "wrong"}) == storage.total
    assert total(storage.url, variables=variables_of({**right, "storage_password": "wrong"})) == storage.total
    export(right, monkeypatch)
    assert total(url) == storage.total


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
    assert total(zstack.storage_url, variables=both, **node)


def test_an_empty_string_is_an_omitted_option_in_every_place(
    zstack: Simulator, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = dict.fromkeys({*argument_spec(), "storage_password", "on_error"} - {"url"}, "")
    assert total(zstack.storage_url, variables={**variables_of(empty), **variables_of(options)}, **empty)
    export(empty, monkeypatch)
    assert total(zstack.storage_url, variables=variables_of(empty), **{**empty, **options})


def test_a_misspelt_boolean_in_a_variable_is_an_error(zstack: Simulator, options: dict[str, Any]) -> None:
    line = refusal(zstack.storage_url, variables={"zstack_validate_certs": "ture"}, **options)
    assert line.startswith("argument 'validate_certs' is of type ")
    assert zstack.requests == []


@pytest.mark.parametrize("placeholder", [TEXT_OMIT, OMIT], ids=["text", "own"])
def test_omit_omits_an_option(zstack: Simulator, options: dict[str, Any], placeholder: Any) -> None:
    names = [*options, "session_uuid", "storage_password", "timezone", "validate_certs", "max_age"]
    omitted = {"session_uuid": placeholder, "timezone": placeholder}
    variables = {**variables_of({**options, **omitted}), "omit": placeholder}
    (result,) = look_up(zstack.storage_url, variables=variables, **dict.fromkeys(names, placeholder))
    assert (result["total"], result["timezone_source"]) == (zstack.storages[0].total, "server")


@pytest.mark.parametrize("method", AUTH_METHODS)
def test_a_variable_that_is_not_needed_is_not_evaluated(zstack: Simulator, node: dict[str, Any], method: str) -> None:
    known = {**node, **zstack.credentials(method), "timezone": "Asia/Shanghai"}
    names = [
        "host",
        "port",
        "timezone",
        "storage_password",
        *(name for names in AUTH_METHODS.values() for name in names),
    ]
    untouchable = variables_of(dict.fromkeys(names, Untouchable()))
    storage = zstack.storages[0]
    bare, password = storage.url_without_password, storage.password
    assert total(storage.url, variables=untouchable, **known) == storage.total
    assert total({"url": bare, "password": password}, variables=untouchable, **known) == storage.total
    assert total(bare, variables=untouchable, storage_password=password, **known) == storage.total


def test_an_inline_vaulted_string_is_decrypted(zstack: Simulator, options: dict[str, Any]) -> None:
    storage = zstack.storages[0]
    url, password = storage.url_without_password, Vaulted(storage.password)
    vaulted = {**options, "host": Vaulted(options["host"]), "account_password": Vaulted(options["account_password"])}
    assert total(Vaulted(storage.url), **vaulted) == storage.total
    assert total({"url": Vaulted(url), "password": password}, **options) == storage.total
    assert total(url, storage_password=password, **options) == storage.total
    assert total(url, variables=variables_of({**vaulted, "storage_password": password})) == storage.total


def test_the_controllers_own_templar_evaluates_what_is_needed(zstack: Simulator, node: dict[str, Any]) -> None:
    first, _dummy, third, *_others = zstack.storages
    variables = {
        **variables_of(node),
        **({"omit": OMIT} if isinstance(OMIT, str) else {}),
        "zstack_host": "{{ name_of_the_node }}",
        "name_of_the_node": zstack.host,
        "zstack_account_password": "{{ undefined_variable }}",
        "session": zstack.open_session(),
        "zstack_access_key_id": "{{ omit }}",
        "zstack_timezone": "{{ not_there | default(omit) }}",
        "zstack_storage_password": "{{ secret }}",
        "secret": first.password,
        "url": first.url_without_password,
        "storages": [{"url": first.url_without_password, "password": first.password}, third.url],
    }
    values = {name: trusted(value) if isinstance(value, str) else value for name, value in variables.items()}
    templar = ansible.template.Templar(loader=DataLoader(), variables=values)

    def totals(call: str) -> Any:
        return templar.template(trusted("{{ query('" + NAME + "', " + call + ") | map(attribute='total') | list }}"))

    nothing = "not_there | default(omit)"
    assert totals("*storages, session_uuid=session") == [first.total, third.total]
    assert totals(f"url, session_uuid=session, port={nothing}, account_name={nothing}, limit={nothing}") == [
        first.total
    ]
    with pytest.raises(AnsibleError, match="undefined_variable"):
        totals("url")


def test_warnings_are_shown_with_the_node(zstack: Simulator, options: dict[str, Any], shown: list[str]) -> None:
    zstack.inject({"status": 502, "body": "not today"}, on="version")
    assert look_up(zstack.storage_url, **options)[0]["platform_version"] is None
    (warning,) = shown
    assert warning.startswith(f"127.0.0.1:{zstack.port}: GetVersion: not today (HTTP 502)")


def test_only_with_report_a_storage_that_fails_is_a_result(zstack: Simulator, options: dict[str, Any]) -> None:
    # The second one fails, as its registry has another port.
    urls = zstack.storage_urls[:3]
    masked = zstack.storages[1].url_without_password.replace("@", ":***@")
    results = look_up(*urls, on_error="report", **options)
    assert ["failed" in result for result in results] == [False, True, False]
    assert masked in results[1]["msg"]
    for keywords in ({}, {"on_error": "fail"}, {"on_error": ""}):
        assert f"{masked}: GetDatabaseBackupFromImageStore: [SYS.1000]" in refusal(*urls, **options, **keywords)
    assert not zstack.sessions


def test_an_age_in_a_guessed_zone_is_an_error_of_each_storage() -> None:
    words = "max_age requires a known time zone, but the management node does not report one: set timezone"
    with Simulator(has_timezone_call=False) as zstack:
        urls = zstack.storage_urls[:3:2]
        options: dict[str, Any] = {"host": zstack.host, "port": zstack.port, "session_uuid": zstack.open_session()}
        assert words in refusal(*urls, max_age="24h", **options)
        for result in look_up(*urls, max_age="24h", on_error="report", **options):
            assert (result["failed"], result["status"], result["backups"], result["latest"]) == (True, None, [], None)
            assert words in result["msg"]
        assert "failed" not in look_up(*urls, timezone="+08:00", max_age="24h", on_error="report", **options)[0]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (f" {URL}\n{OTHER}\t", [URL, OTHER]),
        ([f"{URL} {OTHER}", [{"url": URL}]], [URL, OTHER, {"url": URL}]),
        (["", [], " "], []),
        ([7, None], [7, None]),
    ],
)
def test_a_string_can_contain_several_urls(terms: Any, expected: list[Any]) -> None:
    assert storage_terms(terms) == expected
