# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Background calls, and signals that stop the process only after it has cleaned up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

# Ansible sends SIGALRM to stop a lookup when the ``timeout`` of the task expires.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
# Seconds to wait for a login or a logout after a signal. Ansible also gives its workers five.
_PATIENCE = 5

T = TypeVar("T")


class Stopped(KeyboardInterrupt):
    """A signal that will end the process was received."""


def in_background(work: Callable[[], T]) -> Future[T]:
    """Run ``work`` in a daemon thread, which does not keep the process alive, unlike an executor's threads.

    If no thread can be started, run it immediately.
    """
    outcome: Future[T] = Future()

    def run(in_thread: bool = True) -> None:
        if in_thread:
            # A signal that is delivered to this thread would not wake the waiting main thread.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            outcome.set_result(work())
        except BaseException as exc:
            outcome.set_exception(exc)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:
        run(in_thread=False)
    return outcome


def stopping_signals() -> dict[signal.Signals, Any]:
    """Return the signals that end this process, with their handlers. Under nohup, SIGHUP is not included."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None is a handler that was not installed from Python.
    return {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}


class Interrupts:
    """Delay signals that would end the process until the end of the ``with`` block.

    Within the block, a signal only makes wait() raise Stopped. It cannot interrupt the code between a login and its
    cleanup.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._received_at = float("inf")
        self._handlers: dict[signal.Signals, Any] = {}
        # put() is reentrant, so a signal handler can use it to wake a waiting thread.
        self._inbox: SimpleQueue[object] = SimpleQueue()

    def __enter__(self) -> Interrupts:
        # Only the main thread can set handlers and receives signals.
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

    def wait(self, futures: Sequence[Future[Any]], until: float) -> None:
        """Wait until one of ``futures`` is done, or the time is ``until`` (monotonic). Raise Stopped on a signal."""
        self._wait(futures, lambda: 0.0 if self._signal is not None else until)
        if self._signal is not None:
            raise Stopped

    def finish(self, work: Future[Any], until: float) -> None:
        """Wait for ``work``, or until the monotonic time ``until``. A signal shortens the wait, but raises nothing."""
        begin = time.monotonic()
        self._wait([work], lambda: min(until, max(begin, self._received_at) + _PATIENCE))

    def _wait(self, futures: Sequence[Future[Any]], until: Callable[[], float]) -> None:
        for future in futures:
            future.add_done_callback(self._inbox.put)
        while not any(future.done() for future in futures) and (left := until() - time.monotonic()) > 0:
            with suppress(Empty):
                self._inbox.get(timeout=left)

    def _record(self, number: int, *_dummy: object) -> None:
        if self._signal is None:
            self._signal, self._received_at = number, time.monotonic()
        self._inbox.put(None)
