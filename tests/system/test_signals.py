# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is stopped by a signal while it waits for a certain call: what it says, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, environment, until

CALLS = {
    "login": ("PUT", "/v1/accounts/login"),
    "scan": ("GET", "/v1/database-backups/image-store"),
    "logout": ("DELETE", "/v1/accounts/sessions/"),
}
SLOW = {"delay": 1}
STOPS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

Running = AbstractContextManager["subprocess.Popen[str]"]


def options(zstack: Simulator) -> dict[str, Any]:
    """Return options with more time than any of these tests has, so that what stops a task is the signal."""
    return {**zstack.options, "timeout": 10 * HANGS}


@contextmanager
def running(command: list[str], place: Path, ignore: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process group of its own, as a terminal does.

    Under nohup, or in the background of a script, the tests themselves ignore some of the signals, and a command would
    inherit that.
    """
    actions = {name: "SIG_IGN" if name == ignore else "SIG_DFL" for name in ("HUP", "INT", "TERM")}
    lines = [f"signal.signal(signal.SIG{name}, signal.{action})" for name, action in actions.items()]
    program = "; ".join(["import os, signal, sys", *lines, "os.execvp(sys.argv[1], sys.argv[1:])"])
    with subprocess.Popen(
        [sys.executable, "-c", program, *command],
        cwd=place,
        env=environment(HOME=str(place)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run_module(zstack: Simulator, place: Path, ignore: str | None = None) -> Running:
    arguments = place / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**options(zstack), "url": zstack.storage_url}}))
    return running([sys.executable, "-m", MODULE, str(arguments)], place, ignore)


def run_lookup(zstack: Simulator, place: Path) -> Running:
    expression = "{{ lookup('zstack.cloud.zstack_db_backup', url, **options) }}"
    task = {
        "ansible.builtin.debug": {"msg": expression},
        "vars": {"options": options(zstack), "url": zstack.storage_url},
    }
    playbook = place / "playbook.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return running(["ansible-playbook", str(playbook)], place)


def called(zstack: Simulator, call: str) -> bool:
    method, path = CALLS[call]
    return any(request.method == method and request.path.startswith(path) for request in zstack.requests)


def until_called(zstack: Simulator, call: str) -> None:
    until(lambda: called(zstack, call), f"the task did not get as far as the {call}")


def end(process: subprocess.Popen[str]) -> str:
    """Return what the command printed, once it has ended."""
    return process.communicate(timeout=HANGS)[0]


@pytest.mark.parametrize(
    ("run", "number"),
    [*((run_module, number) for number in STOPS), (run_lookup, signal.SIGINT), (run_lookup, signal.SIGTERM)],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_a_task_that_is_stopped_during_the_scan_logs_out(
    zstack: Simulator, run: Callable[..., Running], number: signal.Signals, tmp_path: Path
) -> None:
    zstack.inject("silence", on="scan")
    with run(zstack, tmp_path) as process:
        until_called(zstack, "scan")
        assert zstack.sessions
        os.killpg(process.pid, number)
        until(lambda: not zstack.sessions, "the session is still open")


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_module_that_is_stopped_ends_and_says_so(zstack: Simulator, number: signal.Signals, tmp_path: Path) -> None:
    zstack.inject("silence", on="scan")
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, "scan")
        process.send_signal(number)
        result = json.loads(end(process))
    assert result["failed"]
    assert result["msg"] == "The task was stopped by a signal."


@pytest.mark.parametrize("call", ["login", "logout"])
def test_a_module_that_is_stopped_during_login_or_logout_leaves_no_session_open(
    zstack: Simulator, call: str, tmp_path: Path
) -> None:
    zstack.inject(SLOW, on=call)
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, call)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        end(process)
    assert called(zstack, "logout")
    assert not zstack.sessions


@pytest.mark.parametrize("call", ["login", "logout"])
def test_a_module_that_is_stopped_without_an_answer_to_login_or_logout_ends_soon(
    zstack: Simulator, call: str, tmp_path: Path
) -> None:
    zstack.inject("silence", on=call)
    with run_module(zstack, tmp_path) as process:
        until_called(zstack, call)
        process.send_signal(signal.SIGTERM)
        result = json.loads(end(process))
    assert result["msg"] == "The task was stopped by a signal."


def test_signal_handlers_are_restored_afterwards(zstack: Simulator, gather: Callable[..., Any]) -> None:
    before = [signal.getsignal(number) for number in STOPS]
    assert gather(zstack)["total"] == zstack.storages[0].total
    assert [signal.getsignal(number) for number in STOPS] == before


def test_a_signal_that_is_ignored_stops_no_module(zstack: Simulator, tmp_path: Path) -> None:
    """As SIGHUP under nohup."""
    zstack.inject(SLOW, on="login")
    with run_module(zstack, tmp_path, ignore="HUP") as process:
        until_called(zstack, "login")
        process.send_signal(signal.SIGHUP)
        assert json.loads(end(process))["count"] == zstack.storages[0].total
