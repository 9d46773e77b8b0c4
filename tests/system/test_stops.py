# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is stopped at any moment leaves no session open that the server had answered.

The module is stopped many times, at moments spread over the time that a run takes until its logout. ``pytest -rP``
shows how far the runs were.
"""

from __future__ import annotations

import json
import random
import signal
import sys
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.server import Request
from ansible_collections.zstack.cloud.tests.system.commands import run, until
from ansible_collections.zstack.cloud.tests.system.forking import ForkServer, fork_server

STOPS = 2_000 if LONG else 30
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: What is injected into every call: it is answered as usual, but later, so that most signals meet a call under way.
LATE = {"delay": 0.01}
OPEN = "while a session was open"
#: How often to stop as many runs again, if too few of them had a session.
ROUNDS = 5


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as server:
        yield server


@pytest.fixture
def zstack() -> Iterator[Simulator]:
    """A management node on which no session is refused because others were left open."""
    with Simulator(session_limit=10**6) as simulator:
        yield simulator


def options(zstack: Simulator) -> dict[str, Any]:
    return {
        **zstack.options,
        "url": zstack.storage_url,
        # So that a task ends because it is stopped, not because it gives up
        "timeout": 10 * HANGS,
    }


def moment(calls: Sequence[Request], open_sessions: Container[str]) -> str:
    """Return how far a run is that has sent *calls*."""
    if not calls:
        return "before the login"
    if open_sessions:
        return OPEN
    return "after the logout" if calls[-1].method == "DELETE" else "during the login"


def until_logout(server: ForkServer, zstack: Simulator) -> float:
    """Return the seconds that a run usually takes until its logout: after that, it has no session to leave."""
    seconds = []
    for _number in range(9):
        before, start = len(zstack.requests), monotonic()
        running = server.start(options(zstack))
        while "DELETE" not in [request.method for request in zstack.requests[before:]]:
            assert monotonic() < start + HANGS, "there was no logout"
            sleep(0.0005)
        seconds.append(monotonic() - start)
        running.wait()
    return median(seconds)


def stop(server: ForkServer, zstack: Simulator, count: int, signals: int = 1) -> None:
    """Stop *count* runs with so many *signals* each, and see to it that they leave no session open."""
    moments: Counter[str] = Counter()
    left: dict[str, str] = {}
    # With fewer, this would not test what it is there for. If the load grows, more runs are stopped before the login.
    enough = 0.1 * count
    for _round in range(ROUNDS):
        stop_some(server, zstack, count, signals, moments, left)
        if moments[OPEN] >= enough:
            break
    # The server may still be busy with a logout whose client did not wait for the reply.
    until(lambda: not zstack.sessions, f"sessions are still open: {[*left.values()]}")
    assert moments[OPEN] >= enough, moments


def stop_some(
    server: ForkServer, zstack: Simulator, count: int, signals: int, moments: Counter[str], left: dict[str, str]
) -> None:
    """Stop runs; count in *moments* how far they were, and note in *left* which sessions were open at their end."""
    spread = 1.3 * until_logout(server, zstack)  # some of them end before they are stopped
    for number in range(count):
        before = len(zstack.requests)
        delay = spread * (number + random.random()) / count
        chosen = random.choices(SIGNALS, k=signals)
        running = server.start(options(zstack))
        sleep(delay)
        stopped = moment(zstack.requests[before:], zstack.sessions.keys() - left.keys())
        moments[stopped] += 1
        for each in chosen:
            running.send_signal(each)
            sleep(random.uniform(0, spread / 2) if signals > 1 else 0)
        running.wait()
        for session in zstack.sessions.keys() - left.keys():
            left[session] = f"{', '.join(each.name for each in chosen)} after {delay * 1000:.1f} ms, {stopped}"
    print(f"{count} runs were stopped within {spread * 1000:.0f} ms: {dict(moments)}; left open: {[*left.values()]}")


def test_a_module_that_is_stopped_at_any_moment_leaves_no_session_open(server: ForkServer, zstack: Simulator) -> None:
    stop(server, zstack, STOPS)


def test_a_module_that_is_stopped_while_a_slow_server_answers_leaves_no_session_open(
    server: ForkServer, zstack: Simulator
) -> None:
    zstack.inject(LATE, on="any")
    stop(server, zstack, STOPS // 3)


def test_a_module_that_is_stopped_twice_leaves_no_session_open(server: ForkServer, zstack: Simulator) -> None:
    stop(server, zstack, STOPS // 2, signals=2)


def test_a_template_that_exceeds_the_timeout_of_its_task_leaves_no_session_open(
    zstack: Simulator, tmp_path: Path
) -> None:
    zstack.inject("silence", on="scan")
    connection = options(zstack)
    url = connection.pop("url")
    (tmp_path / "backups.j2").write_text("{{ lookup('zstack.cloud.zstack_db_backup', url, **connection).total }}")
    task: dict[str, Any] = {
        "ansible.builtin.template": {"src": "backups.j2", "dest": str(tmp_path / "backups.txt"), "mode": "0600"},
        "vars": {"connection": connection, "url": url},
    }
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    # The first is time enough to log in on an idle machine.
    for seconds in (3, 15, 60, HANGS):
        task["timeout"] = seconds
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        done = run(sys.executable, "-m", "ansible", "playbook", "play.yml", place=tmp_path)
        assert "failed=1" in done.stdout, done.stdout + done.stderr
        if any("image-store" in path for path in zstack.paths):
            break
    else:
        pytest.fail("there was no scan")
    until(lambda: not zstack.sessions, "the session is still open")
