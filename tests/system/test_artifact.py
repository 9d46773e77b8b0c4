# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact as users get it: its contents, and that it works without the rest of the repository."""

from __future__ import annotations

import json
import os
import sys
import tarfile
import venv
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system import commands
from ansible_collections.zstack.cloud.tests.system.commands import ROOT

pytestmark = pytest.mark.xdist_group("artifact")

FILES_FOR_USERS = {
    *("CHANGELOG.rst", "CHANGELOG.rst.license", "FILES.json", "LICENSE", "MANIFEST.json", "SECURITY.md"),
    *("README.md", "README.zh-CN.md"),
}
FOLDERS_FOR_USERS = {"LICENSES", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"}
# What tells pip where to find packages. Read here, because a fixture removes proxies and certificates before each test.
OF_PIP = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "XDG_CONFIG")
PIP = {name: value for name, value in os.environ.items() if name.upper().startswith(OF_PIP)}
MODULE = "zstack.cloud.zstack_db_backup_info"


def run(*command: str | Path, place: Path, **env: str) -> str:
    """Run a command that finds no collection but those in *place*, and return what it printed."""
    paths = {"PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(place)}
    # The real home directory has pip's settings and its cache. Ansible's settings are those of this file.
    (place / "ansible.cfg").touch()
    known = {"HOME": os.environ["HOME"], **paths, **env}
    return commands.run(*map(str, command), place=place, code=0, **known).stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built collection."""
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", ROOT, "--output-path", folder, place=folder)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed artifact, and no other collection."""
    folder = tmp_path_factory.mktemp("collections")
    # Without --force, a collection that is installed elsewhere would be enough.
    run("ansible-galaxy", "collection", "install", artifact, "--force", "--collections-path", folder, place=folder)
    return folder


def test_the_artifact_contains_what_users_need(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        files = {PurePath(member.name) for member in archive.getmembers() if member.isfile()}
    assert {str(file) for file in files if len(file.parts) == 1} <= FILES_FOR_USERS
    assert {file.parts[0] for file in files if len(file.parts) > 1} <= FOLDERS_FOR_USERS
    changelogs = {"changelogs/changelog.yaml", "changelogs/changelog.yaml.license"}
    assert {str(file) for file in files if file.parts[0] == "changelogs"} == changelogs
    assert {str(file) for file in files if file.parts[0] == "tests"} == {"tests/config.yml"}
    assert {file.suffix for file in files if file.parts[0] == "docs"} <= {".rst", ".svg", ".yml"}
    kept = ("plugins", "playbooks", "roles", "meta")
    tracked = run("git", "-C", ROOT, "ls-files", *kept, place=artifact.parent).split()
    assert set(tracked) <= set(map(str, files))


def test_the_artifact_works_with_only_ansible_core_and_requests(installed: Path, tmp_path: Path) -> None:
    """In the long variant, in an environment that has nothing else."""
    programs = Path(sys.executable).parent
    if LONG:
        venv.create(tmp_path / "venv", symlinks=True)
        programs = tmp_path / "venv" / "bin"
        packages = [f"{package}=={version(package)}" for package in ("ansible-core", "requests")]
        pip = (sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check")
        run(*pip, "install", *packages, place=tmp_path, **PIP)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    with Simulator() as zstack:
        arguments = json.dumps({"url": zstack.storage_url})
        command = (programs / "ansible", "localhost", "-m", MODULE, "-a", arguments)
        result = run(*command, place=installed, **{"PATH": path, **zstack.env})
    assert "localhost | SUCCESS" in result
    assert '"restorable": true' in result


def test_a_missing_requests_library_is_named(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = str(tmp_path / "bare" / "bin" / "python")
    arguments = "host=zstack.example.com session_uuid=0123456789abcdef url=ssh://root:password@192.0.2.20/bs"
    command = ("ansible", "localhost", "-m", MODULE, "-a", arguments, "-e", f"ansible_python_interpreter={python}")
    done = commands.run(*command, place=tmp_path, code=2)
    output = done.stdout + done.stderr
    assert "Failed to import the required Python library (requests) on" in output
    assert python in output
    assert "Traceback" not in output


def test_ansible_builder_finds_the_requirements_and_accepts_the_artifact(
    artifact: Path, installed: Path, tmp_path: Path
) -> None:
    builder = Path(sys.executable).with_name("ansible-builder")
    run(builder, "introspect", installed, "--write-pip", tmp_path / "requirements.txt", place=tmp_path)
    assert "requests>=2.25" in (tmp_path / "requirements.txt").read_text()
    dependencies: dict[str, Any] = {
        "ansible_core": {"package_pip": "ansible-core"},
        "ansible_runner": {"package_pip": "ansible-runner"},
        "galaxy": {"collections": [{"name": str(artifact), "type": "file"}]},
    }
    definition = {"version": 3, "images": {"base_image": {"name": "fedora:latest"}}, "dependencies": dependencies}
    (tmp_path / "environment.yml").write_text(json.dumps(definition))
    options = ("--file", "environment.yml", "--context", tmp_path, "--output-filename", "Containerfile")
    run(builder, "create", *options, place=tmp_path)
    assert (tmp_path / "Containerfile").is_file()
