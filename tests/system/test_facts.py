# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups as facts: gathered by Ansible's own gather_facts, and kept in a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

MODULE = "zstack.cloud.zstack_db_backup_facts"
GATHERING = {"ansible_facts_modules": [MODULE]}
STORAGE_PASSWORD = "Open #Sesame/7"
WRONG_PASSWORD = "Close-Sesame"
WRONG_ACCOUNT = (
    "{node}: LogInByAccount: [ID.1000] Unable to authenticate a user: wrong account name or password (HTTP 503). "
    "Check account_name and account_password."
)


@pytest.fixture
def zstack() -> Iterator[Simulator]:
    with Simulator(storage_password=STORAGE_PASSWORD) as simulator:
        yield simulator


def options(zstack: Simulator) -> dict[str, Any]:
    storage = zstack.storages[0]
    return {**zstack.options, "url": storage.url_without_password, "storage_password": storage.password}


def play(place: Path, playbook: dict[str, Any], *arguments: str) -> CompletedProcess[str]:
    """Run a play with a cache of facts."""
    (place / "playbook.yml").write_text(yaml.safe_dump([{"hosts": "localhost", **playbook}]))
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(place / "cache")}
    return run("ansible-playbook", "playbook.yml", *arguments, place=place, **cache)


def save(place: Path, expression: str) -> dict[str, Any]:
    """Return a task that saves a value to result.json."""
    content = {"content": f"{{{{ {expression} | to_json }}}}", "dest": str(place / "result.json"), "mode": "0600"}
    return {"ansible.builtin.copy": content}


def saved(place: Path, done: CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((place / "result.json").read_text())


@pytest.mark.parametrize("defaults", [MODULE, "group/zstack.cloud.zstack"])
@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["run", "check"])
def test_a_play_gathers_backups_and_a_later_one_finds_them_in_the_cache(
    defaults: str, arguments: list[str], zstack: Simulator, tmp_path: Path
) -> None:
    gathering = {"gather_facts": True, "vars": GATHERING, "module_defaults": {defaults: options(zstack)}}
    done = play(tmp_path, gathering, *arguments, "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    (uuid,) = [request.path.rpartition("/")[2] for request in zstack.requests if request.method == "DELETE"]
    assert not zstack.sessions
    zstack.clear()

    later = {"gather_facts": False, "tasks": [save(tmp_path, "ansible_facts.zstack_db_backups")]}
    backups = saved(tmp_path, play(tmp_path, later))
    assert not zstack.requests
    assert backups["count"] == backups["total"] == len(backups["backups"]) == zstack.storages[0].total
    assert backups["latest"] == backups["backups"][0]
    assert backups["latest"]["created_epoch"]
    assert backups["storage"] == "ssh://root:***@192.0.2.20/zstack_bs"

    (file,) = (tmp_path / "cache").iterdir()
    account_password = zstack.account[1]
    digest = hashlib.sha512(account_password.encode()).hexdigest()
    secrets = {STORAGE_PASSWORD, quote(STORAGE_PASSWORD, safe=""), account_password, digest, uuid}
    assert len(secrets) == 5
    for text in (file.read_text(), done.stdout, done.stderr):
        assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("serially", [{"args": {"parallel": False}}, {"vars": {"ansible_facts_parallel": False}}])
def test_a_slow_scan_is_gathered_together_with_other_facts(serially: dict[str, Any], tmp_path: Path) -> None:
    modules = {"ansible_facts_modules": ["ansible.builtin.setup", MODULE]}
    # In parallel, Ansible would stop it after five seconds.
    with Simulator(storage_password=STORAGE_PASSWORD, scan_seconds=7) as zstack:
        gathering = {"ansible.builtin.gather_facts": {}, "module_defaults": {MODULE: options(zstack)}, **serially}
        tasks = [gathering, save(tmp_path, "ansible_facts")]
        done = play(tmp_path, {"gather_facts": False, "vars": modules, "tasks": tasks})
        assert not zstack.sessions
    facts = saved(tmp_path, done)
    assert facts["zstack_db_backups"]["count"] == 15
    assert facts["python_version"]


@pytest.mark.parametrize(
    ("wrong", "line", "status"),
    [
        (
            {"account_password": WRONG_PASSWORD},
            WRONG_ACCOUNT,
            503,
        ),
        ({"host": ""}, "host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST", None),
    ],
    ids=["call", "option"],
)
def test_a_failure_to_gather_is_one_line(
    wrong: dict[str, Any], line: str, status: int | None, zstack: Simulator, tmp_path: Path
) -> None:
    task = {"ansible.builtin.gather_facts": {}, "module_defaults": {MODULE: {**options(zstack), **wrong}}}
    tasks = [{"block": [task], "rescue": [save(tmp_path, "ansible_failed_result")]}]
    done = play(tmp_path, {"gather_facts": False, "vars": GATHERING, "tasks": tasks}, "-vvv")
    failure = saved(tmp_path, done)["failed_modules"][MODULE]
    message = line.format(node=f"{zstack.host}:{zstack.port}")
    assert (failure["msg"], failure["status"]) == (message, status)
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Sesame" not in done.stdout + done.stderr
    assert not list((tmp_path / "cache").glob("*"))
