# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that list backups: their options and return values, without ansible-playbook."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.modules import zstack_db_backup_facts, zstack_db_backup_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.modules.conftest import MASKS

MODULES = (zstack_db_backup_info, zstack_db_backup_facts)
SECRET = "Open-Sesame"
FORM = "ssh://username@hostname[:sshPort]/path"
#: The keys whose values change from one run to the next.
CLOCK = ("checked_at", "age_seconds")

Run = Callable[..., Any]

pytestmark = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])


def backups_of(module: ModuleType, outcome: dict[str, Any]) -> Any:
    """Return the part of an outcome that is the same for all modules."""
    if module is zstack_db_backup_facts:
        assert outcome["ansible_facts"].keys() == {"zstack_db_backups"}
        return outcome["ansible_facts"]["zstack_db_backups"]
    assert "ansible_facts" not in outcome
    return {
        key: value for key, value in outcome.items() if key not in ("changed", "invocation", "_ansible_new_secrets")
    }


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in CLOCK}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def test_infinity_is_refused_with_the_name_of_the_option(module: ModuleType, run: Run, zstack: Simulator) -> None:
    outcome = run(module, **{**zstack.options, "port": float("inf")}, url=zstack.storage_url)
    assert outcome["failed"] is True
    assert "argument 'port'" in outcome["msg"]


def test_each_module_returns_the_same_in_check_mode(module: ModuleType, run: Run, zstack: Simulator) -> None:
    outcome = run(module, **zstack.options, url=zstack.storage_url, _ansible_check_mode=True)
    assert backups_of(module, outcome)["count"] == zstack.storages[0].total
    assert outcome["changed"] is False


def test_a_missing_url_is_named(module: ModuleType, run: Run, zstack: Simulator) -> None:
    assert run(module, **zstack.options)["msg"] == "missing required arguments: url"
    assert not zstack.requests


def test_each_module_documents_what_it_returns(module: ModuleType, run: Run, zstack: Simulator) -> None:
    documented = yaml.safe_load(module.RETURN)
    assert {"error", "status"} < documented.keys()
    if module is zstack_db_backup_facts:
        documented = documented["ansible_facts"]["contains"]["zstack_db_backups"]["contains"]
    outcome = run(module, **zstack.options, url=zstack.storage_url)
    assert backups_of(module, outcome).keys() == documented.keys() - {"error", "status"}


def test_a_failure_is_one_line_with_an_error_and_a_status(module: ModuleType, run: Run, zstack: Simulator) -> None:
    outcome = run(module, **{**zstack.options, "account_password": SECRET}, url=zstack.storage_url)
    assert outcome["failed"]
    assert outcome["msg"].startswith(f"{zstack.host}:{zstack.port}: LogInByAccount: [ID.1000] ")
    assert len(outcome["msg"].splitlines()) == 1
    assert (outcome["error"]["code"], outcome["status"]) == ("ID.1000", 503)
    assert "ansible_facts" not in outcome
    assert SECRET not in json.dumps(outcome)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ({"url": "ssh://root@192.0.2.20/bs", "password": SECRET}, "mapping"),
        ({f"ssh://root:{SECRET}": "more@192.0.2.20/bs"}, "mapping"),
        ([f"ssh://root:{SECRET}@192.0.2.20/bs"], "list"),
    ],
    ids=["as in the lookup", "as YAML splits it", "list"],
)
def test_a_url_of_another_type_is_refused(module: ModuleType, url: Any, kind: str, run: Run, zstack: Simulator) -> None:
    outcome = run(module, **zstack.options, url=url)
    assert outcome["msg"] == f"url must be a URL such as {FORM}, got a {kind}"
    assert SECRET not in json.dumps(outcome)
    assert not zstack.requests


def test_an_empty_string_leaves_the_environment_in_force(
    module: ModuleType,
    run: Run,
    zstack: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZSTACK_HOST", zstack.host)
    monkeypatch.setenv("ZSTACK_TIMEZONE", "+09:00")
    outcome = run(module, **{**zstack.options, "host": "", "timezone": ""}, url=zstack.storage_url)
    assert backups_of(module, outcome)["timezone"] == "+09:00"


@pytest.fixture
def syslog_lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What AnsibleModule writes to the log of the system."""
    lines: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda _priority, line: lines.append(line))
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False, raising=False)
    return lines


@pytest.mark.parametrize("in_url", [True, False], ids=["in the URL", "as an option"])
@pytest.mark.parametrize("password", ["2026", "zstack", "0", "p@ss/ w"])
def test_a_password_changes_nothing_of_the_result_and_is_neither_logged_nor_in_the_invocation(
    module: ModuleType, run: Run, password: str, in_url: bool, syslog_lines: list[str]
) -> None:
    with Simulator(storage_password=password) as zstack, Simulator() as other:
        storage, options = zstack.storages[0], zstack.options
        url = storage.url if in_url else storage.url_without_password
        own = {} if in_url else {"storage_password": password}
        outcome = run(module, **options, url=url, **own)
        expected = run(module, **other.options, url=other.storage_url)
    assert timeless(backups_of(module, outcome)) == timeless(backups_of(module, expected))
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
        {"port": SECRET, "storage_password": SECRET},
        {"url": f"ssh:root:{SECRET}@h@"},
        {"host": f"https://admin:{SECRET}@192.0.2.10"},
        {"account_password": {SECRET: 1}},
        {"account_name": [SECRET]},
        {"limit": {SECRET: 1}},
    ],
    ids=str,
)
def test_an_invocation_that_fails_shows_no_secret(
    module: ModuleType,
    wrong: dict[str, Any],
    run: Run,
    zstack: Simulator,
    syslog_lines: list[str],
    told_secrets: set[str],
) -> None:
    outcome = run(module, **{**zstack.options, "url": zstack.storage_url, **wrong})
    assert outcome["failed"]
    assert outcome["invocation"]["module_args"].keys() >= wrong.keys()
    output = json.dumps(outcome) + str(syslog_lines)
    if told_secrets:
        output = importlib.import_module("ansible.module_utils.secrets").mask_secrets(output)
    assert SECRET not in output


def test_the_controller_is_told_the_secrets_where_it_masks_them(
    module: ModuleType, run: Run, zstack: Simulator, told_secrets: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    password = zstack.storages[0].password
    monkeypatch.setenv("ZSTACK_STORAGE_PASSWORD", password)
    run(module, **zstack.options, url=zstack.storages[0].url_without_password)
    assert ({zstack.account[1], password, quote(password)} <= told_secrets) == MASKS
    assert not {zstack.account[0], zstack.storages[0].url_without_password} & told_secrets
