# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that list backups and image stores. Unit tests hold the tables, and the lookups' tests options."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import exported, messages, options_for, play, run
from ansible_collections.zstack.cloud.tests.system.leaks import leaks

BACKUPS, STORES = "zstack.cloud.list_db_backups", "zstack.cloud.list_image_stores"


def test_the_environment_is_enough_for_a_table_of_each_storage(zstack: Simulator, tmp_path: Path) -> None:
    local = zstack.storages[0]
    printed = play(tmp_path, BACKUPS, "--check", **exported(options_for(zstack, 0, 2)))
    assert "changed=0" in printed
    lines = messages(printed)["localhost"]
    start = next(number for number, line in enumerate(lines) if "for an upgrade" in line)
    tables, summary = lines[:start], lines[start:]
    assert tables[0] == f"{local.url_without_password.partition('@')[2]}: {local.total} backups"
    assert tables[1].split() == ["NAME", "VERSION", "SIZE", "TAKEN", "AT", "AGE", "RESTORABLE"]
    assert len([line for line in tables if line.startswith("zstack-db-")]) + 1 == local.total
    assert any("0 backups" in line for line in tables)
    assert summary[0].startswith("127.0.0.1: NOT ready for an upgrade, running 4.8.30")
    assert not zstack.sessions


def test_a_storage_that_cannot_be_scanned_fails_after_the_others(zstack: Simulator, tmp_path: Path) -> None:
    local, remote = zstack.storages[:2]
    wrong = {"name": "remote", "url": remote.url_without_password, "password": "Łódź wrong"}
    right = {"name": "本地", "url": local.url_without_password, "password": local.password}
    variables = {**zstack.variables, "zstack_storages": [right, wrong]}
    log = tmp_path / "ansible.log"
    printed = play(tmp_path, BACKUPS, "-vvvvv", variables=variables, code=2, ANSIBLE_LOG_PATH=str(log))
    assert f"本地: {local.total} backups" in printed
    assert '"msg": "remote: could not be scanned: Permission denied' in printed
    output = printed + log.read_text(encoding="utf-8")
    assert leaks(output, zstack) == set()
    assert "Łódź" not in output


def test_an_error_is_one_line_without_a_secret(zstack: Simulator, tmp_path: Path) -> None:
    printed = play(tmp_path, BACKUPS, variables=zstack.variables, code=2)
    assert '"msg": "verify_db_backup_storages is missing: set it, set zstack_storages or export' in printed
    assert not zstack.requests
    operator = {f"zstack_{option}": value for option, value in zstack.credentials("account", "operator").items()}
    printed = play(tmp_path, STORES, "-vvvvv", code=2, **exported({**zstack.variables, **operator}))
    assert f'"msg": "127.0.0.1:{zstack.port}: QueryImageStoreBackupStorage: [ID.1002] The user' in printed
    assert operator["zstack_account_password"] not in printed
    assert leaks(printed, zstack) == set()


def test_the_table_of_image_stores_ends_with_the_command_to_paste(zstack: Simulator, tmp_path: Path) -> None:
    env = exported(zstack.variables)
    *table, command = messages(play(tmp_path, STORES, "--check", **env))["localhost"]
    assert table == [
        "NAME           ROLE    URL                                 STATUS        FREE",
        "backup-local   local   ssh://root@192.0.2.20:22/zstack_bs  Connected     2.50 TB of 4.00 TB",
        "backup-new     local   ssh://root@192.0.2.22:22/zstack_bs  Connected     2.00 TB of 2.00 TB",
        "backup-remote  remote  ssh://root@192.0.2.30:22/zstack_bs  Disconnected  3.50 TB of 4.00 TB",
    ]
    urls = " ".join(f"ssh://root@192.0.2.{number}:22/zstack_bs" for number in (20, 22, 30))
    assert command == f"export ZSTACK_STORAGE_URL='{urls}'"
    done = run("bash", "-c", f"{command} && printenv ZSTACK_STORAGE_URL", place=tmp_path)
    assert done.stdout == f"{urls}\n"
    assert not zstack.sessions
