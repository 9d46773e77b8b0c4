# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run, until

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.simulator"]


@contextmanager
def running(place: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with *arguments*, and what it wrote to its ready file."""
    ready_file = place / "ready.json"
    command = [*COMMAND, "--ready-file", str(ready_file), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: ready_file.exists() or process.poll() is not None, "it is not ready")
            yield process, json.loads(ready_file.read_text(encoding="utf-8"))
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as (process, facts):
        assert facts.keys() == {
            *("host", "port", "pid", "storage_url", "totals", "account_name", "account_password"),
            *("access_key_id", "access_key_secret", "session_uuid"),
        }
        os.kill(facts["pid"], number)
        output, _dummy = process.communicate(timeout=HANGS)
    assert (process.returncode, list(tmp_path.iterdir())) == (0, [])
    assert output == f"A simulated ZStack listens on http://127.0.0.1:{facts['port']}\n"


def test_its_options_are_settings_and_faults(tmp_path: Path) -> None:
    options = ["--set", "reply=infos", "--set", "storage_password=it's", "--fault", "html_504@login"]
    with running(tmp_path, *options) as (_dummy, facts), requests.Session() as session:
        session.headers["Authorization"] = f"OAuth {facts['session_uuid']}"
        api = f"http://127.0.0.1:{facts['port']}/zstack/v1/"
        scan = session.get(f"{api}database-backups/image-store", params={"url": facts["storage_url"]}, timeout=HANGS)
        login = session.put(f"{api}accounts/login", timeout=HANGS)
    assert facts["storage_url"].startswith("ssh://root:it%27s@")
    assert '"size":81788928.0' in scan.text  # Java writes a long as a double.
    assert login.status_code == 504


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--port", "{port}", "address already in use"),
        ("--site", "nowhere.yml", "No such file or directory: 'nowhere.yml'"),
        ("--set", "hurry=1", "unexpected keyword argument 'hurry'"),
        ("--fault", "html_502@nowhere", "no call is named 'nowhere', only login, "),
        ("--fault", "connection_refused", "connection_refused is caused by the client's options "),
    ],
)
def test_it_says_in_one_line_why_it_cannot_start(zstack: Simulator, option: str, value: str, reason: str) -> None:
    process = run(*COMMAND, option, value.format(port=zstack.port), place=ROOT)
    line = process.stderr.splitlines()[-1]
    assert process.returncode == 2
    assert line.startswith("python -m tests.simulator: ")
    assert reason in line
