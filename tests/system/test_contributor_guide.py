# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the contributor guide works in a copy of the collection, and everything that the guide names exists."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import ROOT, play, run, tasks

GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_contributing.rst").read_text(encoding="utf-8")
EXAMPLE = ROOT / "tests" / "example"
NAME = "zstack_version_info"


def test_the_module_of_the_guide_is_documented_tested_and_runs(zstack: Simulator, tmp_path: Path) -> None:
    root = tmp_path / "tree" / "ansible_collections" / "zstack" / "cloud"
    for name in ("meta", "plugins", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "output"))
    for name in ("conftest.py", "galaxy.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    shutil.copy(EXAMPLE / "plugins" / "modules" / f"{NAME}.py", root / "plugins" / "modules")
    shutil.copy(EXAMPLE / f"test_{NAME}.py", root / "tests" / "unit" / "plugins" / "modules")
    [groups] = re.findall(r":caption: meta/runtime.yml\n\n((?:    .*\n)+)", GUIDE)
    runtime = yaml.safe_load((root / "meta" / "runtime.yml").read_text())
    known = {path.stem for path in (root / "plugins" / "modules").glob("*.py")}
    assert set(yaml.safe_load(groups)["action_groups"]["zstack"]) == known
    assert set(runtime["action_groups"]["zstack"]) == known - {NAME}
    (root / "meta" / "runtime.yml").write_text(yaml.safe_dump({**runtime, **yaml.safe_load(groups)}))
    here: dict[str, Any] = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "tree"), "PYTHONPATH": str(tmp_path / "tree")}

    documented = run("ansible-doc", "--type", "module", "--json", f"zstack.cloud.{NAME}", place=tmp_path, **here)
    assert {"host", "timeout"} <= json.loads(documented.stdout)[f"zstack.cloud.{NAME}"]["doc"]["options"].keys()

    test = root / "tests" / "unit" / "plugins" / "modules" / f"test_{NAME}.py"
    tested = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test), place=tmp_path, **here)
    assert "2 passed" in tested.stdout, tested.stdout

    task = {f"zstack.cloud.{NAME}": {}, "register": "outcome"}
    shown = {"ansible.builtin.assert": {"that": "outcome.version == '4.8.30'"}}
    defaults = {"group/zstack.cloud.zstack": {"host": zstack.host, "port": zstack.port}}
    play(tmp_path, tasks(task, shown, module_defaults=defaults), **here)


def test_what_the_guide_names_exists_and_it_lists_every_file() -> None:
    listed = re.findall(r"``(_\w+\.py)``", GUIDE)
    assert {path.name for path in ROOT.glob("plugins/*_utils/*.py")} <= set(listed)
    paths = re.findall(r"``((?:plugins|tests|docs|meta)/[\w/.]+)``", GUIDE)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/*/*.py"))
    functions, others = re.findall(r"``(\w+)\(\)``", GUIDE), re.findall(r"``([A-Z]\w+)``", GUIDE)
    assert functions and [name for name in functions if f"def {name}(" not in code] == []
    assert others and [name for name in others if not re.search(rf"(?m)^(?:class )?{name}\b", code)] == []
