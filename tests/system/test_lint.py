# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples in the documentation pass ansible-lint with its strictest profile."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.zstack.cloud.tests.system.commands import run
from ansible_collections.zstack.cloud.tests.system.test_examples import examples


def test_every_example_passes_ansible_lint(tmp_path: Path) -> None:
    for example in examples():
        if example.language == "yaml":
            is_playbook = {"hosts", "ansible.builtin.import_playbook"} & yaml.safe_load(example.text)[0].keys()
            name = re.sub(r"\W+", "-", example.source)
            path = tmp_path / ("playbooks" if is_playbook else "tasks") / f"{name}.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"---\n{example.text.strip()}\n", encoding="utf-8")
    count = len(list(tmp_path.rglob("*.yml")))

    done = run("ansible-lint", "--offline", "--strict", "--profile=production", "--nocolor", place=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    # It also reads the playbooks and roles that the examples use.
    processed = re.search(r"in ([0-9]+) files processed", done.stderr)
    assert processed and int(processed[1]) >= count, done.stderr
