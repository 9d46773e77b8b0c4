# Copyright (c) 2026, the zstack.cloud contributors
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
    runtime = yaml.safe_load((root / "meta" / "runtime.yml").read_text())
    runtime["action_groups"]["zstack"].append(NAME)
    (root / "meta" / "runtime.yml").write_text(yaml.safe_dump(runtime))
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


FILES = {
    f"/{path.relative_to(ROOT)}": path.read_text(encoding="utf-8") if path.suffix in (".py", ".yml") else ""
    for each in ("*.*", *(f"{folder}/**/*" for folder in ("docs", "meta", "playbooks", "plugins", "roles", "tests")))
    for path in ROOT.glob(each)
    if "output" not in path.parts and "__pycache__" not in path.parts
}


def test_each_file_that_the_guide_names_exists_and_each_private_is_named() -> None:
    named = re.findall(r"``([\w-]*[/.][\w/.-]+)``", GUIDE)
    files = [name for name in named if "/" in name or name.endswith((".py", ".yml", ".rst", ".md"))]
    assert len(files) > 50
    assert [name for name in files if not any(path.endswith(f"/{name}") for path in FILES)] == []
    private = [path for path, text in FILES.items() if re.search("/plugins/.*/_", path) or " (internal)\n" in text]
    assert [path for path in private if not any(path.endswith(f"/{name}") for name in files)] == []


def test_each_name_of_the_guide_is_in_the_file_that_it_names() -> None:
    text = " ".join(GUIDE.split())
    after = re.findall(r"``([\w/]+\.py)``: ((?:``\w+(?:\(\))?``(?:, | and )?)+)", text)
    before = re.findall(r"(``\w+(?:\(\))?``) in ``([\w/]+\.py)``", text)
    assert len(after) > 30 and len(before) > 2
    for file, names in [*after, *((file, name) for name, file in before)]:
        found = "".join(content for path, content in FILES.items() if path.endswith(f"/{file}"))
        for name, brackets in re.findall(r"``(\w+)(\(\))?``", names):
            start = rf"def {name}\(" if brackets else rf"(?m)^ *(?:class )?{name}\b *[:=(]"
            assert re.search(start, found), f"{file}: {name}"
    code = "".join(FILES.values())
    assert [name for name in re.findall(r"``(\w+)\(\)``", GUIDE) if f"def {name}(" not in code] == []
    constants = re.findall(r"``(_?[A-Z]\w+)``", GUIDE)
    assert [name for name in constants if not re.search(rf"(?m)^(?:class )?{name}\b", code)] == []
