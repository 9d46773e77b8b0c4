# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions are the same in all files that name them, and fit together. Tests import only what exists where they run."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.module_utils._client import VERSION

ROOT = Path(__file__).parents[2]
PINNED_IN = [
    *("noxfile.py", "antsibull-nox.toml", "requirements-dev.txt"),
    *(f"tests/{kind}/requirements.txt" for kind in ("benchmark", "browser", "integration", "unit")),
]
PIN = re.compile(r"\b([A-Za-z][\w-]*)(?:\[[\w,-]+\])?==([0-9][\w.]*)")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def constants() -> dict[str, Any]:
    """Return the constants of the noxfile that are written out."""
    found = {}
    for node in ast.parse(text("noxfile.py")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def pins() -> dict[str, dict[str, list[str]]]:
    """Return by package and version where it is pinned."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in PINNED_IN:
        for name, version in PIN.findall(text(path)):
            found[name.lower().replace("_", "-")][version].append(path)
    return found


def test_pins_are_found_in_every_file() -> None:
    assert {path for versions in pins().values() for paths in versions.values() for path in paths} == set(PINNED_IN)


@pytest.mark.parametrize("package", sorted(pins().keys() - {"ansible-core", "requests"}))
def test_a_package_is_pinned_to_one_version(package: str) -> None:
    versions = pins()[package]
    assert len(versions) == 1, dict(versions)


def test_each_ansible_core_is_one_of_the_matrix() -> None:
    assert pins()["ansible-core"].keys() <= constants()["CORES"].keys()


def test_one_ansible_core_is_used_where_any_would_do() -> None:
    (core,) = (core for core in constants()["CORES"] if core.startswith("2.19."))
    python = constants()["CORES"][core]
    assert {version for version, paths in pins()["ansible-core"].items() if "antsibull-nox.toml" in paths} == {core}
    workflows = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob(".github/workflows/*.yml"))
    used = re.findall(r"python-version: \"([\d.]+)\"|^ +([\d.]+)$", workflows, flags=re.MULTILINE)
    assert {version for versions in used for version in versions if version} == {python}


def test_the_readme_names_each_ansible_core_of_the_matrix_with_its_python() -> None:
    cores = [(core.rpartition(".")[0], python) for core, python in constants()["CORES"].items()]
    readme = " ".join(text("README.md").split())
    assert re.findall(r"(2\.\d+) \((?:Python )?(3\.\d+)\)", readme) == cores
    assert re.findall(r"(2\.\d+)(?: 的候选版本)?（(?:Python )?(3\.\d+)）", text("README.zh-CN.md")) == cores
    is_candidate = "rc" in list(constants()["CORES"])[-1]
    assert ("release candidate" in readme) == ("候选版本" in text("README.zh-CN.md")) == is_candidate


def test_requests_is_pinned_to_the_oldest_and_to_one_other_version() -> None:
    oldest = constants()["OLDEST_REQUESTS"].partition("==")[2]
    assert set(pins()["requests"][oldest]) == {"noxfile.py"}
    assert len(pins()["requests"]) == 2


def test_the_oldest_requests_is_what_an_execution_environment_asks_for() -> None:
    (required,) = re.findall(r"^requests>=(.+)$", text("meta/ee-requirements.txt"), flags=re.MULTILINE)
    assert constants()["OLDEST_REQUESTS"] in (f"requests=={required}", f"requests=={required}.0")


def test_the_oldest_python_of_hosts_is_that_of_the_tools() -> None:
    oldest = constants()["OLDEST_PYTHON"]
    assert yaml.safe_load(text("tests/config.yml"))["modules"]["python_requires"] == f">={oldest}"
    assert f'target-version = "py{oldest.replace(".", "")}"' in text("pyproject.toml")


def test_the_oldest_ansible_core_of_the_matrix_is_the_oldest_supported() -> None:
    releases = [core.rpartition(".")[0] for core in constants()["CORES"]]
    assert yaml.safe_load(text("meta/runtime.yml"))["requires_ansible"] == f">={releases[0]}.0"
    assert releases == [f"2.{minor}" for minor in range(16, 16 + len(releases))]


@pytest.mark.parametrize("path", sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(".github/workflows/*.yml")))
def test_an_action_is_pinned_to_one_commit(path: str) -> None:
    commits: dict[str, set[str]] = defaultdict(set)
    for workflow in ROOT.glob(".github/workflows/*.yml"):
        for action, pin in re.findall(r"uses: (\S+)@(.+)", workflow.read_text(encoding="utf-8")):
            commits[action].add(pin)
    used = re.findall(r"uses: (\S+)@(.+)", text(path))
    assert used
    for action, pin in used:
        assert re.fullmatch(r"[0-9a-f]{40} # v[0-9.]+", pin), action
        assert commits[action] == {pin}


def test_the_version_in_the_user_agent_is_that_of_galaxy_yml() -> None:
    assert yaml.safe_load(text("galaxy.yml"))["version"] == VERSION


@pytest.mark.parametrize("directory", ["module_utils", "modules"])
def test_tests_of_code_for_hosts_import_nothing_of_the_controller(directory: str) -> None:
    # ansible-test runs them without ansible-core's other modules.
    files = sorted((ROOT / "tests" / "unit" / "plugins" / directory).glob("*.py"))
    controller = re.compile(r"^\s*(?:from|import) ansible(?:\.(?!module_utils)| import)|plugin_utils", re.MULTILINE)
    assert files
    assert not [path.name for path in files if controller.search(path.read_text(encoding="utf-8"))]
