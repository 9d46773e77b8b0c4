# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.list_db_backups. The unit tests hold the tables, and the lookup's tests its options."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run


def list_db_backups(
    place: Path, variables: dict[str, Any], *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    command = ("ansible-playbook", "zstack.cloud.list_db_backups", "-e", "@variables.yml")
    return run(*command, *arguments, place=place, **env)


def shown(output: str) -> list[list[str]]:
    """Return the lines of each message, as ansible-playbook prints them without any setting."""
    messages = re.finditer(r"^ok: \[localhost\] => (\{\n.*?^\})$", output, re.MULTILINE | re.DOTALL)
    return [json.loads(each[1])["msg"] for each in messages]


def test_the_environment_is_enough_for_a_table_of_each_storage(zstack: Simulator, tmp_path: Path) -> None:
    local, _remote, empty = zstack.storages[:3]
    urls = f"{quote_password(local)} {quote_password(empty)}"
    done = list_db_backups(tmp_path, {}, "--check", **zstack.env, ZSTACK_STORAGE_URL=urls)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    (lines,) = shown(done.stdout)
    start = next(number for number, line in enumerate(lines) if "for an upgrade" in line)
    tables, summary = lines[:start], lines[start:]
    assert tables[0] == f"{local.url_without_password.partition('@')[2]}: {local.total} backups"
    assert tables[1].split() == ["NAME", "VERSION", "SIZE", "TAKEN", "AT", "AGE", "RESTORABLE"]
    assert len([line for line in tables if line.startswith("zstack-db-")]) + 1 == local.total
    assert any("0 backups" in line for line in tables)
    assert summary[0].startswith("127.0.0.1: NOT ready for an upgrade, running 4.8.30")
    assert not zstack.sessions


def quote_password(storage: Any) -> str:
    """Return a storage's URL with its password."""
    return str(storage.url_without_password).replace("@", f":{quote(storage.password, safe='')}@", 1)


def test_a_storage_that_cannot_be_scanned_fails_after_the_others_without_a_secret(
    zstack: Simulator, tmp_path: Path
) -> None:
    local, remote = zstack.storages[:2]
    wrong = {"name": "remote", "url": remote.url_without_password, "password": "Łódź wrong"}
    right = {"name": "本地", "url": local.url_without_password, "password": local.password}
    variables = {**zstack.variables, "zstack_storages": [right, wrong]}
    done = list_db_backups(tmp_path, variables, "-vvvvv", ANSIBLE_LOG_PATH=str(tmp_path / "ansible.log"))
    assert done.returncode == 2
    assert f"本地: {local.total} backups" in done.stdout
    assert re.search(r'"msg": "remote: could not be scanned: Permission denied', done.stdout)
    output = done.stdout + done.stderr + (tmp_path / "ansible.log").read_text(encoding="utf-8")
    password = zstack.account[1]
    secrets = {password, hashlib.sha512(password.encode()).hexdigest(), local.password, quote(local.password), "Łódź"}
    assert not {secret for secret in secrets if secret in output}


def test_a_missing_option_is_an_error_in_one_line(zstack: Simulator, tmp_path: Path) -> None:
    done = list_db_backups(tmp_path, zstack.variables)
    assert done.returncode == 2
    assert '"msg": "verify_db_backup_storages is missing: set it, set zstack_storages or export' in done.stdout
    variables = {"zstack_storages": zstack.storages[0].url_without_password, "zstack_storage_password": "x"}
    done = list_db_backups(tmp_path, variables)
    assert re.search(r'"msg": "host is missing: .*zstack_host.*ZSTACK_HOST', done.stdout)
    assert not zstack.requests
