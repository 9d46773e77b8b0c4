# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: processes, each with its time, CPU time and memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..tree import collections_path

HERE = Path(__file__).parent
FAILED = 2  # exit status if a program fails; 1 is that of a missed goal
_BIN = Path(sys.executable).parent
# Nothing else of the environment, such as proxies and settings of Ansible.
_ENV = {
    "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
    "HOME": str(Path.home()),
    "LC_ALL": "C.UTF-8",
    "ANSIBLE_COLLECTIONS_PATH": collections_path(),
    "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
}


class Usage(NamedTuple):
    """What a process and its children took."""

    seconds: float
    cpu: float  # seconds
    memory: int  # bytes, of the largest process at its peak


def run(*command: str, env: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end, which has to be a good one."""
    with tempfile.NamedTemporaryFile() as output:
        meter = [sys.executable, str(HERE / "meter.py"), output.name, *command]
        done = subprocess.run(meter, env={**_ENV, **(env or {})}, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{output.read().decode(errors='replace')[-4000:]}", file=sys.stderr)
            sys.exit(FAILED)
    return Usage(*json.loads(done.stdout))


class Play:
    """A playbook of this directory, with its variables."""

    def __init__(self, name: str | Path, directory: Path, **variables: Any) -> None:
        playbook = name if isinstance(name, Path) else HERE / "plays" / f"{name}.yml"
        self._variables = directory / f"{playbook.stem}-{len(list(directory.iterdir()))}.json"
        self._variables.write_text(json.dumps(variables), encoding="utf-8")
        self._command = [str(_BIN / "ansible-playbook"), str(playbook)]
        self._command += ["--extra-vars", f"@{self._variables}"]

    def run(self, *options: str, **env: str) -> Usage:
        return run(*self._command, *options, env=env)

    def output(self, *options: str) -> str:
        return subprocess.run([*self._command, *options], env=_ENV, capture_output=True, text=True, check=True).stdout

    def module(self) -> Path:
        """Return the file that Ansible runs on a host for the play's only task."""
        with tempfile.TemporaryDirectory() as directory:
            self.run(ANSIBLE_KEEP_REMOTE_FILES="true", ANSIBLE_REMOTE_TMP=directory)
            (program,) = Path(directory).glob("*/AnsiballZ_*.py")
            return Path(shutil.copy(program, self._variables.with_suffix(".py")))


def run_module(program: Path) -> Usage:
    return run(sys.executable, str(program))
