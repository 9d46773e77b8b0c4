# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules: their options and return values, without ansible-playbook."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.modules import (
    zstack_db_backup_facts,
    zstack_db_backup_info,
    zstack_image_store_info,
)
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.modules.conftest import MASKS

SECRET = "Open-Sesame"
FORM = "ssh://username@hostname[:sshPort]/path"
#: The keys whose values change from one run to the next.
CLOCK = ("checked_at", "age_seconds")

Run = Callable[..., Any]


def modules(*names: ModuleType) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("module", names, ids=lambda module: module.__name__.rpartition(".")[2])


each_module = modules(zstack_db_backup_info, zstack_db_backup_facts, zstack_image_store_info)
each_list = modules(zstack_db_backup_info, zstack_db_backup_facts)


def options_of(module: ModuleType, zstack: Simulator) -> dict[str, Any]:
    url = {} if module is zstack_image_store_info else {"url": zstack.storage_url}
    return {**zstack.options, **url}


def result_of(module: ModuleType, outcome: dict[str, Any]) -> Any:
    """Return the part of an outcome that is the same for all modules that list backups."""
    if module is zstack_db_backup_facts:
        assert outcome["ansible_facts"].keys() == {"zstack_db_backups"}
        return outcome["ansible_facts"]["zstack_db_backups"]
    assert "ansible_facts" not in outcome
    return {key: value for key, value in outcome.items() if key not in ("changed", "invocation")}


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in CLOCK}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@each_module
def test_each_module_returns_what_it_documents_also_in_check_mode(
    module: ModuleType, run: Run, zstack: Simulator
) -> None:
    outcome = run(module, **options_of(module, zstack), _ansible_check_mode=True)
    result = result_of(module, outcome)
    assert timeless(result) == timeless(result_of(module, run(module, **options_of(module, zstack))))
    assert outcome["changed"] is False
    documented = yaml.safe_load(module.RETURN)
    assert {"error", "status"} < documented.keys()
    keys = documented.keys() - {"error", "status"}
    if module is zstack_db_backup_info:
        assert result["backups"][0].keys() == documented["backups"]["contains"].keys()
    if module is zstack_db_backup_facts:
        keys = documented["ansible_facts"]["contains"]["zstack_db_backups"]["contains"].keys()
    if module is zstack_image_store_info:
        assert [store["name"] for store in result["image_stores"]] == ["backup-local", "backup-new", "backup-remote"]
        keys, result = documented["image_stores"]["contains"].keys(), result["image_stores"][0]
    assert result.keys() == keys


@each_module
def test_a_failure_is_one_line_with_an_error_and_a_status(module: ModuleType, run: Run, zstack: Simulator) -> None:
    outcome = run(module, **{**options_of(module, zstack), "account_password": SECRET})
    assert outcome["failed"]
    assert outcome["msg"].startswith(f"{zstack.host}:{zstack.port}: LogInByAccount: [ID.1000] ")
    assert len(outcome["msg"].splitlines()) == 1
    assert (outcome["error"]["code"], outcome["status"]) == ("ID.1000", 503)
    assert "ansible_facts" not in outcome
    assert SECRET not in json.dumps(outcome)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        # As in the lookup, and as YAML splits it
        ({"url": "ssh://root@192.0.2.20/bs", "password": SECRET}, f"url must be a URL such as {FORM}, got a mapping"),
        ({f"ssh://root:{SECRET}": "more@192.0.2.20/bs"}, f"url must be a URL such as {FORM}, got a mapping"),
        ([f"ssh://root:{SECRET}@192.0.2.20/bs"], f"url must be a URL such as {FORM}, got a list"),
        (None, "missing required arguments: url"),
    ],
)
@each_list
def test_a_url_of_another_type_is_refused(
    module: ModuleType, url: Any, message: str, run: Run, zstack: Simulator
) -> None:
    outcome = run(module, **zstack.options, **({"url": url} if url else {}))
    assert outcome["msg"] == message
    assert SECRET not in json.dumps(outcome)
    assert not zstack.requests


def test_any_other_purpose_is_refused(run: Run, zstack: Simulator) -> None:
    outcome = run(zstack_image_store_info, **zstack.options, purpose="backups")
    assert outcome["msg"] == "value of purpose must be one of: backup, any, got: backups"
    assert not zstack.requests


@each_list
def test_an_empty_string_leaves_the_environment_in_force(
    module: ModuleType, run: Run, zstack: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_HOST", zstack.host)
    monkeypatch.setenv("ZSTACK_TIMEZONE", "+09:00")
    outcome = run(module, **{**options_of(module, zstack), "host": "", "timezone": ""})
    assert result_of(module, outcome)["timezone"] == "+09:00"


@pytest.fixture
def syslog_lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What AnsibleModule writes to the log of the system."""
    lines: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda _priority, line: lines.append(line))
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False, raising=False)
    return lines


@each_list
@pytest.mark.parametrize("in_url", [True, False], ids=["in the URL", "as an option"])
@pytest.mark.parametrize("password", ["2026", "zstack", "0", "p@ss/ w"])
def test_a_password_does_not_change_the_result_and_is_not_shown(
    module: ModuleType, run: Run, password: str, in_url: bool, syslog_lines: list[str]
) -> None:
    with Simulator(storage_password=password) as zstack, Simulator() as other:
        storage, options = zstack.storages[0], zstack.options
        url = storage.url if in_url else storage.url_without_password
        own = {} if in_url else {"storage_password": password}
        outcome = run(module, **options, url=url, **own)
        expected = run(module, **other.options, url=other.storage_url)
    assert timeless(result_of(module, outcome)) == timeless(result_of(module, expected))
    shown = outcome["invocation"]["module_args"]
    assert shown["url"] == (url if own else storage.url_without_password.replace("@", ":***@"))
    assert {shown[option] for option in own} | {shown["account_password"]} == {"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}
    log = "".join(syslog_lines)
    assert "Invoked with" in log
    assert [secret for secret in (options["account_password"], storage.url, "p@ss/ w") if secret in log] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage_pasword": SECRET},
        {"port": SECRET, "account_password": SECRET},
        {"port": float("inf")},
        {"host": f"https://admin:{SECRET}@192.0.2.10"},
        {"account_password": {SECRET: 1}},
        {"account_name": [SECRET]},
        {"url": f"ssh:root:{SECRET}@h@"},
        {"limit": {SECRET: 1}},
    ],
    ids=str,
)
@each_module
def test_an_invocation_that_fails_shows_no_secret(
    module: ModuleType,
    wrong: dict[str, Any],
    run: Run,
    zstack: Simulator,
    syslog_lines: list[str],
    told_secrets: set[str],
) -> None:
    outcome = run(module, **{**options_of(module, zstack), **wrong})
    assert outcome["failed"]
    assert outcome["invocation"]["module_args"].keys() >= wrong.keys()
    assert next(iter(wrong)) in outcome["msg"]
    output = json.dumps(outcome) + str(syslog_lines)
    if told_secrets:
        output = importlib.import_module("ansible.module_utils.secrets").mask_secrets(output)
    assert SECRET not in output


@each_list
def test_the_controller_is_told_the_secrets_where_it_masks_them(
    module: ModuleType, run: Run, zstack: Simulator, told_secrets: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    password = zstack.storages[0].password
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", password)
    run(module, **zstack.options, url=zstack.storages[0].url_without_password)
    assert ({zstack.account[1], password, quote(password)} <= told_secrets) == MASKS
    assert not {zstack.account[0], zstack.storages[0].url_without_password} & told_secrets
