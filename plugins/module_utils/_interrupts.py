# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Work that ends before it is done: left behind when it is late, unwound when a signal stops the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# Seconds; Ansible, too, gives its workers five.
_PATIENCE = 5

T = TypeVar("T")


def in_background(work: Callable[[], T], slot: AbstractContextManager[object] | None = None) -> Future[T]:
    """Start ``work`` in a thread, unlike an executor's one that does not keep the process alive.

    With a ``slot``, such as a semaphore, it waits for that, and can be cancelled until then.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        # A signal that another thread takes does not wake a main thread that waits for this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        with slot or nullcontext():
            if not outcome.set_running_or_notify_cancel():
                return
            try:
                outcome.set_result(work())
            except BaseException as exc:  # pylint: disable=broad-exception-caught
                outcome.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return outcome


def stopping_signals() -> dict[signal.Signals, Any]:
    """The signals that end this process, with their handlers. Under nohup, SIGHUP is none of them."""
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None is a handler that is not Python's.
    return {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}


class Unwinding:
    """In this ``with``, a signal that would end the process ends the block first, and the process after it.

    The block sees the first signal as a KeyboardInterrupt, and no other. Without this, a worker of Ansible exits on the
    spot, or is sent a second signal while it unwinds on the first.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Unwinding:
        # Elsewhere Python lets nobody set handlers, and no signal arrives.
        if threading.current_thread() is threading.main_thread():
            self._handlers = stopping_signals()
            for number in self._handlers:
                signal.signal(number, self._stop)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._signal:
            signal.raise_signal(self._signal)

    def finish(self, work: Future[Any]) -> bool:
        """Wait for ``work``, once a signal came no longer than _PATIENCE; whether it is done. Raises nothing."""
        try:
            wait([work], _PATIENCE if self._signal else None)
        except KeyboardInterrupt:
            wait([work], _PATIENCE)
        return work.done()

    def _stop(self, number: int, *_dummy: object) -> None:
        if self._signal is None:
            self._signal = number
            raise KeyboardInterrupt
