# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands and playbooks, and simulate sites."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.zstack.cloud.tests.browser.pages import NOW, VERSIONS, Images
from ansible_collections.zstack.cloud.tests.limits import HANGS, PLAYBOOK_HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
MODULE = "ansible_collections.zstack.cloud.plugins.modules.zstack_db_backup_info"
VERIFY: dict[str, Any] = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup"}}


def environment(**more: str) -> dict[str, str]:
    """Return an environment without the options, proxies and locale of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH")}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def run(
    *command: str, place: Path, typed: str = "", code: int | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder *place*, which is also its home, with *typed* as input. It must exit with *code*."""
    done = subprocess.run(
        command,
        cwd=place,
        env=environment(**{"HOME": str(place), **env}),
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=PLAYBOOK_HANGS,
        check=False,
    )
    assert code in (None, done.returncode), (done.stdout + done.stderr)[-10_000:]
    return done


def play(
    place: Path,
    playbook: str | list[dict[str, Any]],
    *arguments: str,
    inventory: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    code: int | None = 0,
    **env: str,
) -> str:
    """Run a playbook, given by its name or as its plays, and return what it prints.

    *inventory* is the content of the group all, *variables* are extra variables.
    """
    files = {"inventory": {"all": inventory}, "variables": variables, "playbook": playbook}
    for name, content in files.items():
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
        (place / f"{name}.yml").write_text(text, encoding="utf-8")
    command = ["ansible-playbook", playbook if isinstance(playbook, str) else "playbook.yml"]
    command += ["-i", "inventory.yml"] if inventory else []
    command += ["-e", "@variables.yml"] if variables else []
    done = run(*command, *arguments, place=place, code=code, **{"ANSIBLE_PIPELINING": "true", **env})
    return done.stdout + done.stderr


def tasks(*content: dict[str, Any], hosts: str = "localhost", **keywords: Any) -> list[dict[str, Any]]:
    """Return a playbook of one play."""
    return [{"hosts": hosts, "gather_facts": False, **keywords, "tasks": list(content)}]


def save(expression: str) -> dict[str, Any]:
    """Return a task that saves a value, which ``saved`` returns."""
    copy = {"content": f"{{{{ {expression} | to_json }}}}", "dest": "{{ playbook_dir }}/saved.json", "mode": "0600"}
    return {"ansible.builtin.copy": copy, "delegate_to": "localhost", "run_once": True}


def saved(place: Path) -> Any:
    return json.loads((place / "saved.json").read_text(encoding="utf-8"))


def messages(output: str) -> dict[str, list[str]]:
    """Return the lines that each host showed last, as ansible-playbook prints them without any setting."""
    found = re.finditer(r"^ok: \[(\S+)\] => (\{\n.*?^\})$", output, re.MULTILINE | re.DOTALL)
    return {each[1]: json.loads(each[2])["msg"] for each in found if '"msg": [' in each[2]}


def until(condition: Callable[[], Any], what: str, seconds: float = HANGS) -> None:
    """Wait until *condition* holds; fail with *what* if it does not within *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@contextmanager
def frozen(at: datetime) -> Iterator[Simulator]:
    """Simulate the shipped site at a time at which its clock stands still, however long the tests take."""
    with Simulator(clock_offset=(at - datetime.now(timezone.utc)).total_seconds()) as zstack:
        zstack.freeze(at)
        yield zstack


@contextmanager
def site(place: Path, *storages: Images, later: float = 0, **settings: Any) -> Iterator[Simulator]:
    """Simulate a site with these backups on its storages, *later* seconds after NOW, when its clock stands still."""
    account = {"name": "admin", "password": "Ягода&Ünder", "access_keys": [{"id": "key", "secret": "Øresund"}]}
    storage = {"username": "root", "password": "Zürich'Äpfel Łódź夜班", "path": "/zs"}
    content = {
        "version": VERSIONS[0],
        "timezone": "Asia/Shanghai",
        "accounts": [account],
        "storages": [
            {
                **storage,
                "host": f"192.0.2.{number}",
                "backups": [
                    {"created" if key == "createdTime" else key: image[key] for key in image} for image in images
                ],
            }
            for number, images in enumerate(storages, 1)
        ],
    }
    (place / "site.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with Simulator(place / "site.yml", **settings) as zstack:
        zstack.freeze(NOW + timedelta(seconds=later))
        yield zstack


def options_for(zstack: Simulator, *numbers: int) -> dict[str, Any]:
    """Return the variables of an operator, with the storages of these numbers, or else all of them."""
    storages = [zstack.storages[number] for number in numbers] or zstack.storages
    return {
        **zstack.variables,
        "zstack_storage_password": storages[0].password,
        "zstack_storages": [each.url_without_password for each in storages],
    }


def exported(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same variables in the environment."""
    named = {"zstack_storages": "zstack_storage_url"}
    texts = {name: "\n ".join(each) if isinstance(each, list) else str(each) for name, each in variables.items()}
    return {named.get(name, name).upper(): text for name, text in texts.items()}
