# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module in processes of its own without importing it each time, which takes ten times as long as a run.

A server imports the module once, and forks a process for each run. There is one run at a time.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from ansible.module_utils import basic

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, environment

#: The part of an output that is kept. All of it could make the server large, and thus each later run.
SHOWN = 10_000


class Outcome(NamedTuple):
    """The outcome of a run. A negative ``returncode`` is the signal that killed the process."""

    returncode: int
    computing: float  # seconds of processor time
    peak: int  # bytes of resident memory, including what the process shares with the server
    stdout: str  # its first SHOWN bytes
    stderr: str


class ForkServer:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._pid = 0

    def start(self, options: Mapping[str, Any]) -> None:
        self._pid = self._ask({"ANSIBLE_MODULE_ARGS": options})

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the run. Its PID belongs to it until ``wait``, even if it has ended."""
        os.kill(self._pid, number)

    def wait(self) -> Outcome:
        outcome = Outcome(**self._ask("wait"))
        assert outcome.returncode != -signal.SIGKILL, f"the module hangs, after {HANGS} s"
        return outcome

    def run(self, options: Mapping[str, Any]) -> Outcome:
        self.start(options)
        return self.wait()

    def _ask(self, question: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Serve runs of the module for as long as the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C at the terminal is for the tests alone
    ) as process:
        try:
            yield ForkServer(process)
        finally:
            process.kill()


def serve() -> None:
    """Answer the lines of standard input: arguments with the PID of a run, then anything with its outcome."""
    # As a fresh Python has them: under nohup, or behind an `&`, some are ignored, and a run would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGALRM, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # Until a run begins: what Python does after a fork survives no exception.
    signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
    module = import_module(MODULE)
    gc.freeze()  # or the end of each run would first copy what it shares with the server
    for line in iter(sys.stdin.readline, ""):
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            pid = os.fork()
            if pid == 0:
                for target, source in enumerate((os.open(os.devnull, os.O_RDONLY), stdout.fileno(), stderr.fileno())):
                    os.dup2(source, target)
                # As Ansible's own wrapper passes them; ansible-core before 2.19 has no profiles and ignores this one.
                basic._ANSIBLE_ARGS = line.encode()
                basic._ANSIBLE_PROFILE = "legacy"
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                module.main()
                return
            # Not signal.alarm(), because the module handles SIGALRM itself.
            hangs = threading.Timer(HANGS, os.kill, (pid, signal.SIGKILL))
            hangs.start()
            print(pid, flush=True)
            sys.stdin.readline()
            _pid, status, usage = os.wait4(pid, 0)
            hangs.cancel()
            hangs.join()
            outcome: dict[str, Any] = {
                "returncode": os.waitstatus_to_exitcode(status),
                "computing": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * 1024,
            }
            for name, file in (("stdout", stdout), ("stderr", stderr)):
                file.seek(0)
                outcome[name] = file.read(SHOWN).decode(errors="replace")
            print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    serve()
