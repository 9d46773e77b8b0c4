# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Calls that run in the background, and signals that stop the process only when it has cleaned up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

# SIGALRM is how Ansible ends a lookup that runs longer than the task's ``timeout``.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
# Seconds to wait for a login or a logout once a signal has come; Ansible gives its workers five, too.
_PATIENCE = 5

T = TypeVar("T")


class Stopped(KeyboardInterrupt):
    """A signal came that will end the process."""


def in_background(work: Callable[[], T]) -> Future[T]:
    """Start ``work`` in a thread that, unlike an executor's, does not keep the process alive.

    Without a thread to be had, it runs at once.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as exc:
            outcome.set_exception(exc)

    def run_in_thread() -> None:
        # A signal that another thread takes does not wake a main thread that waits for this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        run()

    try:
        threading.Thread(target=run_in_thread, daemon=True).start()
    except RuntimeError:
        run()
    return outcome


def stopping_signals() -> dict[signal.Signals, Any]:
    """Return the signals that end this process, with their handlers. Under nohup, SIGHUP is not among them."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None is a handler that is not Python's.
    return {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}


class Interrupts:
    """Within this ``with``, a signal that would end the process only raises Stopped where the block waits.

    So it cannot come between a login and the code that cleans up after it. It takes effect after the block.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._came_at = 0.0
        self._handlers: dict[signal.Signals, Any] = {}
        # Its put() is reentrant, so that a handler can wake what waits.
        self._inbox: SimpleQueue[object] = SimpleQueue()

    def __enter__(self) -> Interrupts:
        # Elsewhere Python lets nobody set handlers, and no signal arrives.
        if threading.current_thread() is threading.main_thread():
            self._handlers = stopping_signals()
            for number in self._handlers:
                signal.signal(number, self._record)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._signal is not None:
            signal.raise_signal(self._signal)

    def wait(self, works: Sequence[Future[Any]], until: float) -> None:
        """Wait until one of ``works`` is done, or the time is ``until`` (monotonic). Raise Stopped on a signal."""
        self._wait(works, lambda: 0.0 if self._signal is not None else until)
        if self._signal is not None:
            raise Stopped

    def finish(self, work: Future[Any], until: float) -> None:
        """Wait for ``work``, or for the time ``until``. A signal shortens the wait, and raises nothing."""
        begin = time.monotonic()
        self._wait([work], lambda: until if self._signal is None else min(until, max(begin, self._came_at) + _PATIENCE))

    def _wait(self, works: Sequence[Future[Any]], until: Callable[[], float]) -> None:
        for work in works:
            work.add_done_callback(self._inbox.put)
        while not any(work.done() for work in works) and (left := until() - time.monotonic()) > 0:
            with suppress(Empty):
                self._inbox.get(timeout=left)

    def _record(self, number: int, *_dummy: object) -> None:
        if self._signal is None:
            self._signal, self._came_at = number, time.monotonic()
        self._inbox.put(None)
