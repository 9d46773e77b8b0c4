# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups as facts: gathered by Ansible's own gather_facts, and kept in a cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import play, save, saved, tasks
from ansible_collections.zstack.cloud.tests.system.leaks import leaks

MODULE = "zstack.cloud.zstack_db_backup_facts"
GATHERING = {"ansible_facts_modules": [MODULE]}
#: In parallel, Ansible would stop a slow scan after five seconds.
SERIALLY: list[dict[str, Any]] = [{"args": {"parallel": False}}, {"vars": {"ansible_facts_parallel": False}}]


def options(zstack: Simulator) -> dict[str, Any]:
    storage = zstack.storages[0]
    return {**zstack.options, "url": storage.url_without_password, "storage_password": storage.password}


def test_a_play_gathers_backups_and_a_later_one_finds_them_in_the_cache(zstack: Simulator, tmp_path: Path) -> None:
    cache: dict[str, Any] = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
    }
    defaults = {"group/zstack.cloud.zstack": options(zstack)}
    gathering = tasks(gather_facts=True, vars=GATHERING, module_defaults=defaults)
    printed = play(tmp_path, gathering, "-vvv", **cache)
    assert not zstack.sessions
    asked = len(zstack.requests)

    printed += play(tmp_path, tasks(save("ansible_facts.zstack_db_backups")), **cache)
    backups = saved(tmp_path)
    assert len(zstack.requests) == asked
    assert backups["count"] == backups["total"] == len(backups["backups"]) == zstack.storages[0].total
    assert backups["latest"] == backups["backups"][0]
    assert backups["storage"] == "ssh://root:***@192.0.2.20/zstack_bs"
    (file,) = (tmp_path / "cache").iterdir()
    assert leaks(file.read_text() + printed, zstack) == set()


@pytest.mark.parametrize("serially", SERIALLY if LONG else SERIALLY[:1], ids=str)
def test_a_slow_scan_is_gathered_together_with_other_facts(serially: dict[str, Any], tmp_path: Path) -> None:
    modules = {"ansible_facts_modules": ["ansible.builtin.setup", MODULE]}
    with Simulator(scan_seconds=7) as zstack:
        gathering = {"ansible.builtin.gather_facts": {}, "module_defaults": {MODULE: options(zstack)}, **serially}
        play(tmp_path, tasks(gathering, save("ansible_facts"), vars=modules))
        assert not zstack.sessions
    assert saved(tmp_path)["zstack_db_backups"]["count"] == 15
    assert saved(tmp_path)["python_version"]
