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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import ansible_collections.zstack.cloud.plugins.modules.zstack_db_backup_info as module
from ansible_collections.zstack.cloud.tests.simulator import Simulator

CALLS = {
    "login": ("PUT", "/v1/accounts/login"),
    "scan": ("GET", "/v1/database-backups/image-store"),
    "logout": ("DELETE", "/v1/accounts/sessions/"),
}
SLOW = {"delay": 1, "body": [{"own": True}]}
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def options(zstack: Simulator) -> dict[str, Any]:
    """More time than any of these tests has, so that what stops a task is the signal."""
    name, password = zstack.account
    return {
        "host": zstack.host,
        "port": zstack.port,
        "account_name": name,
        "account_password": password,
        "timeout": 600,
    }


@contextmanager
def running(command: list[str], place: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, as a terminal starts it."""
    with subprocess.Popen(
        command,
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run_module(zstack: Simulator, place: Path) -> Any:
    arguments = place / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**options(zstack), "url": zstack.storage_url}}))
    return running([sys.executable, "-m", module.__name__, str(arguments)], place)


def run_lookup(zstack: Simulator, place: Path) -> Any:
    asked = f"{{{{ lookup('zstack.cloud.zstack_db_backup', '{zstack.storage_url}', **options) }}}}"
    task = {"ansible.builtin.debug": {"msg": asked}, "vars": {"options": options(zstack)}}
    playbook = place / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return running(["ansible-playbook", str(playbook)], place)


def until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def called(zstack: Simulator, call: str) -> bool:
    method, path = CALLS[call]
    return any(request.method == method and request.path.startswith(path) for request in zstack.requests)


def until_called(zstack: Simulator, call: str) -> None:
    until(lambda: called(zstack, call), f"the task did not get as far as the {call}")


@pytest.mark.parametrize(
    ("run", "number"),
    [*((run_module, number) for number in STOPS), (run_lookup, signal.SIGINT), (run_lookup, signal.SIGTERM)],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_a_task_that_is_stopped_in_the_middle_logs_out(
    zstack: Simulator, run: Callable[..., Any], number: signal.Signals, tmp_path: Path
) -> None:
    zstack.play("silence", on="scan")
    with run(zstack, tmp_path) as process:
        until_called(zstack, "scan")
        assert zstack.sessions
        os.killpg(process.pid, number)
        until(lambda: not zstack.sessions, "the session is still open")


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_module_that_is_stopped_ends_and_says_so(zstack: Simulator, number: signal.Signals, tmp_path: Path) -> None:
    zstack.play("silence", on="scan")
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, "scan")
        process.send_signal(number)
        assert json.loads(process.communicate(timeout=60)[0])["msg"] == "The task was stopped from outside."


@pytest.mark.parametrize("call", ["login", "logout"])
def test_a_module_that_is_stopped_while_it_logs_in_or_out_leaves_no_session(
    zstack: Simulator, call: str, tmp_path: Path
) -> None:
    zstack.play(SLOW, on=call)
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, call)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert called(zstack, "logout")
    assert not zstack.sessions


@pytest.mark.parametrize("call", ["login", "logout"])
def test_a_module_that_is_stopped_while_nobody_answers_ends_soon(zstack: Simulator, call: str, tmp_path: Path) -> None:
    zstack.play("silence", on=call)
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, call)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode


def test_what_signals_do_is_afterwards_what_it_was(zstack: Simulator, gather: Callable[..., Any]) -> None:
    before = [signal.getsignal(number) for number in STOPS]
    assert gather(zstack)["total"] == 15
    assert [signal.getsignal(number) for number in STOPS] == before


def test_a_signal_that_is_ignored_stops_no_module(zstack: Simulator, tmp_path: Path) -> None:
    """As SIGHUP under nohup."""
    zstack.play(SLOW, on="login")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with run_module(zstack, tmp_path) as process:
            until_called(zstack, "login")
            process.send_signal(signal.SIGHUP)
            assert json.loads(process.communicate(timeout=60)[0])["count"] == 15
    finally:
        signal.signal(signal.SIGHUP, before)
