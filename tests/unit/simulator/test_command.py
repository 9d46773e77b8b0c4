# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system.commands import run

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.simulator"]


@contextmanager
def running(ready_file: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with *arguments*, and what it wrote to its ready file."""
    command = [*COMMAND, "--ready-file", str(ready_file), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            while not ready_file.exists():
                assert process.poll() is None
                time.sleep(0.02)
            yield process, json.loads(ready_file.read_text(encoding="utf-8"))
        finally:
            process.kill()


def scan(facts: dict[str, Any], scheme: str = "http", **arguments: Any) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    return session.get(
        f"{scheme}://{facts['host']}:{facts['port']}/zstack/v1/database-backups/image-store",
        headers={"Authorization": f"OAuth {facts['session_uuid']}"},
        params={"url": facts["storage_url"]},
        timeout=HANGS,
        **arguments,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    ready_file = tmp_path / "ready.json"
    with running(ready_file) as (process, facts):
        assert facts["pid"] == process.pid
        assert scan(facts).json()["backups"]
        os.kill(process.pid, number)
        output, _dummy = process.communicate(timeout=HANGS)
    assert (process.returncode, ready_file.exists()) == (0, False)
    assert output == f"A simulated ZStack listens on http://127.0.0.1:{facts['port']}\n"


def test_its_ready_file_has_all_that_a_caller_needs(tmp_path: Path) -> None:
    with running(tmp_path / "ready.json") as (_dummy, facts):
        assert set(facts) == {
            *("host", "port", "pid", "storage_url", "storage_urls", "totals", "account_name", "account_password"),
            *("access_key_id", "access_key_secret", "session_uuid"),
        }


def test_its_options_are_the_settings_of_the_simulator(authority: trustme.CA, ca_path: str, tmp_path: Path) -> None:
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    options = ["--reply", "infos", "--java", "9", "--errors", "json", "--no-has-timezone-call", "--storage-password"]
    options += ["it's", "--certfile", str(tmp_path / "server.pem"), "--fault", "html_504@login"]
    with running(tmp_path / "ready.json", *options) as (_dummy, facts):
        assert facts["storage_url"].startswith("ssh://root:it%27s@")
        assert scan(facts, "https", verify=ca_path).json()["infos"][0]["created"].count(",") == 2
        api = f"https://127.0.0.1:{facts['port']}/zstack/v1/"
        reply = requests.get(api + "management-nodes/platform-timezone", verify=ca_path, timeout=HANGS)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "SYS.1003")
        assert requests.put(api + "accounts/login", verify=ca_path, timeout=HANGS).status_code == 504


def test_it_lists_the_faults() -> None:
    output = run(*COMMAND, "--list-faults", place=ROOT).stdout
    assert [line.split()[0] for line in output.splitlines()] == list(catalogue())


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--port", "{port}", "address already in use"),
        ("--site", "nowhere.yml", "No such file or directory: 'nowhere.yml'"),
        ("--fault", "html_502@nowhere", "there is no call 'nowhere'"),
        ("--fault", "connection_refused", "there is no fault 'connection_refused' to inject, see --list-faults"),
    ],
)
def test_it_says_in_one_line_why_it_cannot_start(zstack: Simulator, option: str, value: str, reason: str) -> None:
    process = run(*COMMAND, option, value.format(port=zstack.port), place=ROOT)
    line = process.stderr.splitlines()[-1]
    assert process.returncode == 2
    assert line.startswith("python -m tests.simulator: ")
    assert reason in line
