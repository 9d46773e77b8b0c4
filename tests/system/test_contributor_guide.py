# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contributor guide: its module works in a copy of the collection, and everything that it names exists."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_contributing.rst").read_text(encoding="utf-8")
MODULE = "plugins/modules/zstack_version_info.py"
TEST = "tests/unit/plugins/modules/test_zstack_version_info.py"
RUNTIME = "meta/runtime.yml"
NAME = "zstack.cloud.zstack_version_info"
UNAVAILABLE = (
    "[SYS.1012] The management node is unavailable (HTTP 503). "
    "Check the state of the management node with zstack-ctl status."
)
NO_VERSION = (
    "the response contains no version (HTTP 200). This does not look like a response from a management node: "
    "check host, port, use_ssl and context_path."
)
#: The files that Ansible and the tests need.
COPIED = ("conftest.py", "galaxy.yml", "meta", "plugins", "pyproject.toml", "tests")


def blocks(caption: str) -> list[str]:
    """Return the code blocks with a caption, which names the file that they belong to."""
    directive = re.compile(r"^\.\. code-block:: \w+\n    :caption: (.*)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
    found = [dedent(text).strip("\n") + "\n" for name, text in directive.findall(GUIDE) if name == caption]
    assert found, f"the guide has no code for {caption}"
    return found


class Collection(NamedTuple):
    """A copy of the collection, with the module of the guide."""

    tree: Path
    place: Path

    def run(self, *command: str) -> CompletedProcess[str]:
        tree = str(self.tree)
        return run(*command, place=self.place, PYTHONPATH=tree, ANSIBLE_COLLECTIONS_PATH=tree)

    def play(self, **options: Any) -> dict[str, Any]:
        """Run a playbook with the module, whose options are the defaults of the action group. Return its outcome."""
        result = self.place / "result.json"
        save = {"content": "{{ outcome | to_json }}", "dest": str(result), "mode": "0600"}
        tasks = [{NAME: {}, "register": "outcome", "ignore_errors": True}, {"ansible.builtin.copy": save}]
        defaults = {"group/zstack.cloud.zstack": options}
        playbook = [{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]
        (self.place / "playbook.yml").write_text(yaml.safe_dump(playbook))
        done = self.run("ansible-playbook", "playbook.yml", "-vvv")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        outcome: dict[str, Any] = json.loads(result.read_text())
        return outcome


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    tree, place = tmp_path / "tree", tmp_path / "place"
    root = tree / "ansible_collections" / "zstack" / "cloud"
    root.mkdir(parents=True)
    place.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "output")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, root / name)
    (root / MODULE).write_text("\n".join(blocks(MODULE)))
    (root / TEST).write_text(*blocks(TEST))
    (block,) = blocks(RUNTIME)
    runtime = yaml.safe_load((root / RUNTIME).read_text())
    (root / RUNTIME).write_text(yaml.safe_dump({**runtime, **yaml.safe_load(block)}))
    return Collection(tree, place)


def node(zstack: Simulator) -> dict[str, Any]:
    return {"host": zstack.host, "port": zstack.port, "retries": 0}


def test_the_module_of_the_guide_returns_the_version(collection: Collection, zstack: Simulator) -> None:
    outcome = collection.play(**node(zstack))
    assert outcome["version"] == "4.8.30"
    assert outcome["changed"] is False
    assert zstack.paths == ["/v1/management-nodes/actions"]


@pytest.mark.parametrize(("fault", "line"), [("unavailable", UNAVAILABLE), ({"status": 200, "body": "{}"}, NO_VERSION)])
def test_a_failure_of_the_module_of_the_guide_is_one_line_with_a_hint(
    fault: Any, line: str, collection: Collection, zstack: Simulator
) -> None:
    zstack.inject(fault, on="version")
    outcome = collection.play(**node(zstack))
    assert outcome["failed"]
    assert outcome["msg"] == f"{zstack.host}:{zstack.port}: GetVersion: {line}"
    assert outcome["error"]["server"] == f"{zstack.host}:{zstack.port}"


def test_an_authentication_error_is_reported_without_credentials(collection: Collection, zstack: Simulator) -> None:
    zstack.inject({"status": 503, "body": '{"error": {"code": "ID.1001", "description": "Invalid"}}'}, on="version")
    outcome = collection.play(**node(zstack))
    assert outcome["msg"] == f"{zstack.host}:{zstack.port}: GetVersion: [ID.1001] Invalid (HTTP 503)"


def test_a_wrong_option_of_the_module_of_the_guide_is_refused(collection: Collection) -> None:
    assert collection.play(host="zstack.example.com:80")["msg"] == "host must not include a port: set port to 80"


def test_the_module_of_the_guide_imports_nothing_about_backups(collection: Collection) -> None:
    module = "ansible_collections.zstack.cloud.plugins.modules.zstack_version_info"
    done = collection.run(sys.executable, "-c", f"import sys, {module}; print(*sys.modules, {module}.__file__)")
    assert done.returncode == 0, done.stderr
    *imported, file = done.stdout.split()
    assert Path(file).is_relative_to(collection.tree)
    files = {name.rpartition(".")[2] for name in imported if ".plugins.module_utils._" in name}
    connection, others = files_of_guide()
    names = {f"{name}.py" for name in files}
    assert "_client.py" in names
    assert names <= connection
    assert "_backups.py" in others


def test_the_module_of_the_guide_is_documented(collection: Collection) -> None:
    done = collection.run("ansible-doc", "--type", "module", "--json", NAME)
    assert done.returncode == 0, done.stderr
    doc = json.loads(done.stdout)[NAME]["doc"]
    assert {"host", "timeout", "session_uuid"} <= doc["options"].keys()
    assert "url" not in doc["options"]
    assert doc["attributes"]["check_mode"]["support"] == "full"


def test_the_test_of_the_guide_passes(collection: Collection) -> None:
    root = collection.tree / "ansible_collections" / "zstack" / "cloud"
    done = collection.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(root / TEST))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_module_of_the_guide_is_short() -> None:
    _documentation, code = blocks(MODULE)
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


def test_a_call_that_requires_a_login_is_sent_as_the_guide_says(collection: Collection, zstack: Simulator) -> None:
    path = collection.tree / "ansible_collections" / "zstack" / "cloud" / MODULE
    documentation, code = blocks(MODULE)
    (block,) = blocks("with a login")
    code = code.replace("def main()", f"{block}\n\ndef main()").replace(", get_version)", ", get_timezone)")
    path.write_text(f"{documentation}\n{code}")
    assert collection.play(**node(zstack), **zstack.credentials("account"))["timezone"] == "Asia/Shanghai"
    assert [request.method for request in zstack.requests] == ["PUT", "GET", "DELETE"]
    assert not zstack.sessions

    zstack.clear()
    assert collection.play(**node(zstack))["msg"].startswith("authentication is missing: ")
    assert not zstack.requests


def files_of_guide() -> tuple[set[str], set[str]]:
    """Return the files that the guide calls independent of backups, and the others in its list."""
    table = GUIDE.partition("     - Content\n")[2].partition("\n\n")[0]
    files = re.findall(r"^   \* - ``(_\w+\.py)``$", table, flags=re.MULTILINE)
    sentence = r"^The files from ``(_\w+\.py)`` to ``(_\w+\.py)`` are independent of backups"
    span = re.search(sentence, GUIDE, flags=re.MULTILINE)
    assert span
    first, last = map(files.index, span.groups())
    return set(files[first : last + 1]), set(files[:first] + files[last + 1 :])


def test_the_guide_lists_every_file() -> None:
    connection, others = files_of_guide()
    assert connection | others == {path.name for path in ROOT.glob("plugins/module_utils/*.py")}


def test_the_group_in_the_guide_has_every_module() -> None:
    (block,) = blocks(RUNTIME)
    modules = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
    assert set(yaml.safe_load(block)["action_groups"]["zstack"]) == modules | {Path(MODULE).stem}
    assert set(yaml.safe_load((ROOT / RUNTIME).read_text())["action_groups"]["zstack"]) == modules


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"``((?:plugins|tests|docs|extensions|meta)/[\w/.]+)``", GUIDE)))
)
def test_each_path_in_the_guide_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"``(\w+\(\)|[A-Z]\w+)``", GUIDE))))
def test_each_name_in_the_guide_exists(name: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/*/*.py"))
    # Functions, classes, constants, and calls of the API
    patterns = (
        [rf"\bdef {name[:-2]}\("] if name.endswith("()") else [rf"^class {name}\b", rf"^{name}\b.* = ", f'"{name}"']
    )
    assert any(re.search(pattern, code, flags=re.MULTILINE) for pattern in patterns)
