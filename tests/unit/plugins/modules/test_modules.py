# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that list backups: their options and return values, without ansible-playbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.modules import zstack_db_backup_facts, zstack_db_backup_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator

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
    return {key: value for key, value in outcome.items() if key not in ("changed", "invocation")}


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key not in CLOCK}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", [float("inf"), "inf", "1e999999999", [8080]])
@pytest.mark.parametrize("option", ["port", "registry_port", "limit"])
def test_infinity_is_refused_with_the_name_of_the_option(
    module: ModuleType, run: Run, zstack: Simulator, option: str, value: Any
) -> None:
    outcome = run(module, **{**zstack.options, option: value}, url="ssh://root:password@192.0.2.20/bs")
    assert outcome["failed"] is True
    assert option in outcome["msg"]
    assert "unable to convert to int" in outcome["msg"]


def test_infinity_in_the_environment_is_refused_with_the_name_of_the_option(
    module: ModuleType, run: Run, zstack: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_PORT", "inf")
    outcome = run(module, **{**zstack.options, "port": ""}, url="ssh://root:password@192.0.2.20/bs")
    assert outcome["failed"] is True
    assert "port" in outcome["msg"]


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


@pytest.mark.parametrize("option", ["url", "backup_storage_url"])
@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ({"url": "ssh://root@192.0.2.20/bs", "password": SECRET}, "mapping"),
        ({f"ssh://root:{SECRET}": "more@192.0.2.20/bs"}, "mapping"),
        ([f"ssh://root:{SECRET}@192.0.2.20/bs"], "list"),
    ],
    ids=["as in the lookup", "as YAML splits it", "list"],
)
def test_a_url_of_another_type_is_refused(
    module: ModuleType, option: str, url: Any, kind: str, run: Run, zstack: Simulator
) -> None:
    outcome = run(module, **zstack.options, **{option: url})
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
