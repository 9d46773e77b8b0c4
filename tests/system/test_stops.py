# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that a signal or its timeout stops says so, and leaves no session open that the server had answered."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, environment, play, tasks, until
from ansible_collections.zstack.cloud.tests.system.forking import ForkServer

pytestmark = pytest.mark.xdist_group(WAITING)

CALLS = {
    "login": ("PUT", "/v1/accounts/login"),
    "scan": ("GET", "/v1/database-backups/image-store"),
    "logout": ("DELETE", "/v1/accounts/sessions/"),
}
LOOKUP = "{{ lookup('zstack.cloud.zstack_db_backup', url, **options).total }}"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOPS = 2_000 if LONG else 30
#: How often to stop as many runs again, if too few of them had a session.
ROUNDS = 5
STOPPED = "The task was stopped by a signal."


@pytest.fixture
def zstack() -> Iterator[Simulator]:
    """A management node on which no session is refused because others were left open."""
    with Simulator(session_limit=10**6) as simulator:
        yield simulator


def options(zstack: Simulator) -> dict[str, Any]:
    """Return options with more time than any of these tests has, so that what stops a task is the signal."""
    return {**zstack.options, "url": zstack.storage_url, "timeout": 10 * HANGS}


def called(zstack: Simulator, call: str) -> bool:
    method, path = CALLS[call]
    return any(request.method == method and request.path.startswith(path) for request in zstack.requests)


def until_called(zstack: Simulator, call: str) -> None:
    until(lambda: called(zstack, call), f"the task did not get as far as the {call}")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_module_stopped_during_the_scan_logs_out_and_says_so(
    zstack: Simulator, server: ForkServer, number: signal.Signals
) -> None:
    zstack.inject("silence", on="scan")
    server.start(options(zstack))
    until_called(zstack, "scan")
    assert zstack.sessions
    server.send_signal(number)
    result = json.loads(server.wait().stdout)
    assert result["failed"]
    assert result["msg"] == STOPPED
    until(lambda: not zstack.sessions, "the session is still open")


@contextmanager
def running(*command: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process group of its own, as a terminal does, even if the tests ignore some of the signals."""
    with subprocess.Popen(
        ["env", "--default-signal=HUP,INT,TERM", *command],
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_lookup_that_is_stopped_during_the_scan_logs_out(
    zstack: Simulator, number: signal.Signals, tmp_path: Path
) -> None:
    zstack.inject("silence", on="scan")
    known = options(zstack)
    task = {"ansible.builtin.debug": {"msg": LOOKUP}, "vars": {"url": known.pop("url"), "options": known}}
    (tmp_path / "playbook.yml").write_text(json.dumps(tasks(task)))
    with running("ansible-playbook", "playbook.yml", place=tmp_path) as process:
        until_called(zstack, "scan")
        assert zstack.sessions
        os.killpg(process.pid, number)
        until(lambda: not zstack.sessions, "the session is still open")


def test_a_template_that_exceeds_the_timeout_of_its_task_logs_out(zstack: Simulator, tmp_path: Path) -> None:
    zstack.inject("silence", on="scan")
    (tmp_path / "total.j2").write_text(LOOKUP)
    known = options(zstack)
    task = {
        "ansible.builtin.template": {"src": "total.j2", "dest": str(tmp_path / "total.txt"), "mode": "0600"},
        "vars": {"url": known.pop("url"), "options": known},
    }
    # The first is time enough to log in on an idle machine.
    for seconds in (3, 15, 60, HANGS):
        assert "failed=1" in play(tmp_path, tasks({**task, "timeout": seconds}), code=2)
        if called(zstack, "scan"):
            break
    assert called(zstack, "scan")
    until(lambda: not zstack.sessions, "the session is still open")


@pytest.mark.parametrize("call", ["login", "logout"])
@pytest.mark.parametrize("answered", [True, False])
def test_a_module_stopped_twice_during_login_or_logout_leaves_no_session(
    zstack: Simulator, server: ForkServer, call: str, answered: bool
) -> None:
    zstack.inject({"delay": 1} if answered else "silence", on=call)
    server.start(options(zstack))
    until_called(zstack, call)
    server.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    server.send_signal(signal.SIGTERM)
    result = json.loads(server.wait().stdout)
    assert result["msg"] == STOPPED
    # Without an answer, nobody knows the session.
    assert called(zstack, "logout") or not answered
    assert not zstack.sessions or not answered


def test_a_module_under_nohup_is_not_stopped_by_a_hangup(zstack: Simulator, tmp_path: Path) -> None:
    zstack.inject({"delay": 1}, on="login")
    (tmp_path / "arguments.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options(zstack)}))
    with running("nohup", sys.executable, "-m", MODULE, "arguments.json", place=tmp_path) as process:
        until_called(zstack, "login")
        process.send_signal(signal.SIGHUP)
        assert json.loads(process.communicate(timeout=HANGS)[0])["count"] == zstack.storages[0].total


@pytest.mark.parametrize(
    ("stops", "signals", "late"),
    [(STOPS, 1, 0), (STOPS // 2, 2, 0), (STOPS // 3, 1, 0.01)],
    ids=["at any moment", "twice", "while a slow server answers"],
)
def test_a_module_that_is_stopped_at_any_moment_leaves_no_session_open(
    stops: int, signals: int, late: float, server: ForkServer, zstack: Simulator
) -> None:
    if late:  # so that most signals meet a call under way
        zstack.inject({"delay": late}, on="any")
    left: dict[str, str] = {}
    caught = 0  # runs that had a session when they were stopped
    for number in range(ROUNDS * stops):
        if number % stops == 0:
            # With fewer, this would not test what it is there for. If the load grows, more end before the login.
            if caught >= 0.1 * stops:
                break
            spread = median(duration(server, zstack) for _number in range(9))
        delay = spread * random.random()
        server.start(options(zstack))
        time.sleep(delay)
        caught += bool(zstack.sessions.keys() - left.keys())
        for each in random.choices(SIGNALS, k=signals):
            server.send_signal(each)
            time.sleep(random.uniform(0, spread / 2) if signals > 1 else 0)
        server.wait()
        for session in zstack.sessions.keys() - left.keys():
            left[session] = f"{each.name} after {delay * 1000:.1f} of {spread * 1000:.0f} ms"
    # The server may still be busy with a logout whose client did not wait for the reply.
    until(lambda: not zstack.sessions, f"sessions are still open: {[*left.values()]}")
    assert caught >= 0.1 * stops


def duration(server: ForkServer, zstack: Simulator) -> float:
    """Return the seconds that a whole run takes."""
    start = time.monotonic()
    server.run(options(zstack))
    return time.monotonic() - start
