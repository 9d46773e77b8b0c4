# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils import _interrupts
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import Interrupts, Stopped, in_background
from ansible_collections.zstack.cloud.tests.limits import HANGS, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.node import ManagementNode
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import LOGIN, SCAN, Gather, failure

pytestmark = pytest.mark.xdist_group(WAITING)


@pytest.fixture(autouse=True)
def ended() -> Iterator[list[int]]:
    """The signals that would have ended the process."""
    ended: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _interrupts._SIGNALS}
    for number in handlers:
        signal.signal(number, lambda number, _dummy: ended.append(number))
    yield ended
    for number, handler in handlers.items():
        signal.signal(number, handler)


def soon(work: Callable[[], object], seconds: float = 0.1) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


def hang() -> float:
    return time.monotonic() + HANGS


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in _interrupts._SIGNALS]


@pytest.mark.parametrize("number", _interrupts._SIGNALS)
def test_a_signal_is_only_recorded_and_takes_effect_behind_the_block(number: int, ended: list[int]) -> None:
    with Interrupts():
        signal.raise_signal(number)
        # Of several signals, the first counts.
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert ended == []
    assert ended == [number]


@pytest.mark.parametrize("number", _interrupts._SIGNALS)
def test_a_signal_stops_a_wait_at_once(number: int, ended: list[int]) -> None:
    begin = time.monotonic()
    with Interrupts() as interrupts:
        soon(lambda: os.kill(os.getpid(), number))
        with pytest.raises(Stopped):
            interrupts.wait([Future()], hang())
    assert time.monotonic() - begin < HANGS / 2
    assert ended == [number]


def test_a_signal_before_a_wait_stops_it_even_without_work() -> None:
    done: Future[int] = Future()
    done.set_result(1)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped):
            interrupts.wait([done], hang())


def test_a_wait_ends_with_the_first_work_that_is_done() -> None:
    works: list[Future[int]] = [Future(), Future()]
    soon(lambda: works[1].set_result(1))
    with Interrupts() as interrupts:
        interrupts.wait(works, hang())
    assert [work.done() for work in works] == [False, True]


def test_a_wait_ends_at_its_time() -> None:
    begin = time.monotonic()
    with Interrupts() as interrupts:
        interrupts.wait([Future()], begin + 0.2)
        interrupts.finish(Future(), begin + 0.4)
    assert 0.4 <= time.monotonic() - begin < HANGS / 2


def test_what_must_finish_is_waited_for_in_spite_of_a_signal(ended: list[int]) -> None:
    work: Future[str] = Future()
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        soon(lambda: os.kill(os.getpid(), signal.SIGINT), 0.05)
        soon(lambda: work.set_result("logged out"), 0.3)
        interrupts.finish(work, hang())
        assert work.result(0) == "logged out"
    assert ended == [signal.SIGTERM]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_patience_with_what_must_finish_ends_some_seconds_after_a_signal(
    when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No longer than that of Ansible with its workers.
    assert 1 <= _interrupts._PATIENCE <= 5
    monkeypatch.setattr(_interrupts, "_PATIENCE", 0.3)
    with Interrupts() as interrupts:
        begin = time.monotonic()
        if when == "before":
            signal.raise_signal(signal.SIGTERM)
            # The logout has all of its patience, however long ago the signal came.
            time.sleep(0.4)
        else:
            soon(lambda: os.kill(os.getpid(), signal.SIGTERM), 0.2)
        interrupts.finish(Future(), hang())
    assert (0.7 if when == "before" else 0.5) <= time.monotonic() - begin < HANGS / 2


def test_handlers_are_restored_however_the_block_ends() -> None:
    before = handlers()
    with suppress(ZeroDivisionError), Interrupts():
        assert not set(handlers()) & set(before)
        raise ZeroDivisionError
    assert handlers() == before


def test_a_signal_that_is_ignored_stays_ignored(ended: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)
        interrupts.wait([in_background(lambda: 1)], hang())
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert ended == []


def test_in_another_thread_than_the_main_one_no_handlers_are_set() -> None:
    before = handlers()

    def work() -> int:
        with Interrupts() as interrupts:
            assert handlers() == before
            inner = in_background(lambda: 5)
            interrupts.wait([inner], hang())
            return inner.result(0)

    assert in_background(work).result(HANGS) == 5


@pytest.mark.parametrize("has_threads", [True, False])
def test_work_in_the_background_hands_over_its_result_or_exception(
    has_threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_threads:
        monkeypatch.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
    assert in_background(lambda: 5).result(HANGS) == 5
    assert isinstance(in_background(lambda: dict[str, int]()["key"]).exception(HANGS), KeyError)
    assert isinstance(in_background(sys.exit).exception(HANGS), SystemExit)


def test_work_in_the_background_is_a_daemon_that_takes_no_signal() -> None:
    def look() -> tuple[bool, set[int]]:
        return threading.current_thread().daemon, set(signal.pthread_sigmask(signal.SIG_BLOCK, []))

    daemon, blocked = in_background(look).result(HANGS)
    assert daemon
    assert set(_interrupts._SIGNALS) <= blocked
    assert not set(_interrupts._SIGNALS) & set(signal.pthread_sigmask(signal.SIG_BLOCK, []))


@pytest.mark.parametrize("startable", range(8))
def test_without_threads_everything_works_and_is_logged_out(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch, startable: int
) -> None:
    left = [startable]
    main = threading.current_thread()
    start = threading.Thread.start

    def start_or_fail(self: threading.Thread) -> None:
        if threading.current_thread() is main:
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    results = gather(zstack, urls=zstack.storage_urls[::2] * 4)
    assert left[0] < 0
    assert [result["total"] for result in results] == [zstack.storages[0].total, 0] * 4
    assert not zstack.sessions


# How many storages are scanned at once
AT_ONCE = 5


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many scans were under way when each began, as the server sees them. None ends before AT_ONCE have begun."""
    under_way: list[int] = []
    ended: list[Any] = []
    scan = ManagementNode.scan

    async def counted(node: ManagementNode, request: Any) -> Any:
        under_way.append(len(under_way) + 1 - len(ended))
        while len(under_way) < AT_ONCE:
            await asyncio.sleep(0.01)
        try:
            return await scan(node, request)
        finally:
            ended.append(request)

    monkeypatch.setattr(ManagementNode, "scan", counted)
    return under_way


def test_no_more_than_five_storages_are_scanned_at_once(gather: Gather, under_way: list[int]) -> None:
    with Simulator(scan_seconds=0.3) as zstack:
        assert len(gather(zstack, urls=[zstack.storage_url] * 12)) == 12
    assert (len(under_way), max(under_way)) == (12, AT_ONCE)


def test_after_a_failure_no_other_scan_is_started(gather: Gather, under_way: list[int]) -> None:
    with Simulator() as zstack:
        wrong = zstack.storage_url.replace("@192.0.2.20", "@192.0.2.99")
        assert "192.0.2.99" in str(failure(gather, zstack, urls=[wrong] * AT_ONCE + [zstack.storage_url] * 5))
        assert not zstack.sessions
    assert len(under_way) == AT_ONCE


# Seconds until a reply. On a busy machine, a signal still comes first. Less than _PATIENCE.
LATE = 2


def when_asked(zstack: Simulator, number: int, path: str) -> None:
    """Send a signal when the simulator has the ``number``-th request of a call."""

    def watch() -> None:
        until = hang()
        while sum(request.path.startswith(path) for request in zstack.requests) < number and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    soon(watch, 0)


PATHS = {
    "login": LOGIN,
    "scan": SCAN,
    "version": "/v1/management-nodes/actions",
    "timezone": "/v1/management-nodes/platform-timezone",
}


@pytest.mark.parametrize(
    ("call", "fault", "number"),
    [
        *((call, {"delay": LATE}, 1) for call in PATHS),
        ("login", {"status": 502, "delay": LATE, "body": ""}, 1),
        # In the pause before a third attempt, of two seconds.
        ("login", {"status": 503, "body": ""}, 2),
    ],
)
def test_a_signal_during_a_call_ends_the_task_and_leaves_no_session(
    zstack: Simulator, gather: Gather, ended: list[int], call: str, fault: dict[str, Any], number: int
) -> None:
    zstack.inject(fault, on=call)
    when_asked(zstack, number, PATHS[call])
    with pytest.raises(Stopped):
        gather(zstack, retries=5)
    assert ended == [signal.SIGTERM]
    assert zstack.paths.count(PATHS[call]) == number
    assert not zstack.sessions


def test_a_signal_during_the_logout_waits_for_its_end(zstack: Simulator, gather: Gather, ended: list[int]) -> None:
    zstack.inject({"delay": LATE}, on="logout")
    when_asked(zstack, 1, "/v1/accounts/sessions/")
    gather(zstack)
    assert ended == [signal.SIGTERM]
    assert not zstack.sessions
