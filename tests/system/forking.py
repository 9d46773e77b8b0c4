# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module in separate processes without importing it each time.

The imports take ten times as long as a run. A server imports the module once and forks a process for each run::

    with fork_server() as server:
        outcome = server.run({"host": ...})
        running = server.start({"host": ...})
        running.send_signal(signal.SIGTERM)
        outcome = running.wait()
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
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ansible.module_utils import basic

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.system.commands import MODULE, environment

#: The part of an output that is kept. All of it could make the server large, and thus each later run.
SHOWN = 10_000


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run. A negative ``returncode`` is the signal that killed the process."""

    returncode: int
    computing: float  # seconds of processor time
    peak: int  # bytes of resident memory, including what the process shares with the server
    stdout: str  # its first SHOWN bytes
    stderr: str


class Running:
    """A run of the module. Its PID belongs to it until ``wait``, even if it has ended."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self._pid = pid

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    def wait(self) -> Outcome:
        outcome = Outcome(**self._server.ask("wait"))
        assert outcome.returncode != -signal.SIGKILL, f"the module hangs, after {HANGS} s"
        return outcome


class ForkServer:
    """The server, as the tests see it: one run at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, options: Mapping[str, Any]) -> Running:
        """Start the module with *options*."""
        return Running(self, self.ask({"ANSIBLE_MODULE_ARGS": options}))

    def run(self, options: Mapping[str, Any]) -> Outcome:
        """Run the module with *options* to its end."""
        return self.start(options).wait()

    def ask(self, question: Any) -> Any:
        """Send a line of JSON, and return the answer."""
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
