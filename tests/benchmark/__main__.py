# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: time and memory of the collection, as ratios to what a user would write instead.

plays.yml contains the programs. They take turns, so that a busy moment of the machine slows all of them. The servers
are simulators whose response is prepared, so that they add no time of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from hashlib import md5
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from ..simulator import Simulator
from ..tree import ROOT, collections_path

HERE = Path(__file__).parent
GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance.rst"
CHART = ROOT / "docs" / "images" / "performance.png"

# The goals: a ratio of 1.10 means at most 10% more than the other program.
TASK_TO_PEER = {10: 0.40, 1_000: 0.35, 10_000: 0.35, 100_000: 0.10}
TASK_TO_FLOOR = 1.25
PROCESS_TO_FLOOR = {10: 1.10, 10_000: 1.30}
MEMORY = 4.0  # sizes of the response above the floor
STORAGES, SCAN_SECONDS, AT_ONCE, STORAGES_SECONDS = 16, 0.5, 5, 0.7
REPORTS = ((1, 15, 1.5), (1, 10_000, 6.0), (1_000, 15, 10.0))  # storages, backups of each, seconds
REPORT_MIB = 400.0
NODES, FORKS, NODES_TO_PEER = 100, 20, {"module": 0.50, "lookup": 0.25}

BIN = Path(sys.executable).parent
# Nothing else of the environment, such as proxies and settings of Ansible.
ENV = {
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "HOME": str(Path.home()),
    "LC_ALL": "C.UTF-8",
    "ANSIBLE_COLLECTIONS_PATH": collections_path(),
    "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
}
# A process of its own, because the peak memory of a new process is never less than that of its parent.
METER = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=sys.stderr)
seconds = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
sys.exit(code)
"""


class Usage(NamedTuple):
    """What a process and its children took."""

    seconds: float
    cpu: float  # seconds
    memory: float  # bytes of the largest process at its peak


class Figure(NamedTuple):
    """A measurement: one value for each round, and the goal, which is the most that the median may be."""

    name: str
    rounds: Sequence[float]
    goal: float | None = None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is met, missed in every round, or unclear."""
        if self.goal is None:
            return ""
        return "met" if median(self.rounds) <= self.goal else "missed" if min(self.rounds) > self.goal else "unclear"

    @property
    def row(self) -> list[str]:
        middle, low, high = (f"{value:.2f}" for value in (median(self.rounds), min(self.rounds), max(self.rounds)))
        goal = "" if self.goal is None else f"{self.goal:.2f}{self.unit}"
        return [self.name, f"{middle}{self.unit}", f"{low} to {high}", goal, self.verdict]


def run(*command: str | Path, **env: str) -> Usage:
    """Run a command that must succeed."""
    metered = [sys.executable, "-c", METER, *map(str, command)]
    done = subprocess.run(metered, env={**ENV, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-4000:]}")
    return Usage(*json.loads(done.stdout))


class Play:
    """The programs of plays.yml, with the hosts that they run on."""

    def __init__(self, directory: Path, **hosts: Mapping[str, Any]) -> None:
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = directory / f"{len(list(directory.iterdir()))}.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}), encoding="utf-8")
        command = (BIN / "ansible-playbook", HERE / "plays.yml", "--inventory", inventory, "--forks", FORKS, "--tags")
        self.command = [str(each) for each in command]
        self.directory = directory

    def run(self, program: str, **env: str) -> Usage:
        return run(*self.command, program, **env)

    def programs(self, *names: str) -> dict[str, Callable[[], Usage]]:
        return {name: partial(self.run, name) for name in names}

    def module(self, program: str) -> Path:
        """Return the file that Ansible runs on the host for a program that is one task."""
        kept = Path(tempfile.mkdtemp(dir=self.directory))
        self.run(program, ANSIBLE_KEEP_REMOTE_FILES="true", ANSIBLE_REMOTE_TMP=str(kept))
        (file,) = kept.glob("*/AnsiballZ_*.py")
        return file


def take_turns(rounds: int, programs: Mapping[str, Callable[[], Usage]], warm_up: int = 1) -> dict[str, list[Usage]]:
    """Return what each program took in each round. Rounds to warm up are not included."""
    samples: dict[str, list[Usage]] = {name: [] for name in programs}
    for _round in range(rounds + warm_up):
        for name, program in programs.items():
            samples[name].append(program())
    return {name: usages[warm_up:] for name, usages in samples.items()}


def added(samples: Mapping[str, Sequence[Usage]], name: str) -> list[float]:
    """Return the seconds that a program adds to an empty play in each round."""
    return [usage.seconds - empty.seconds for usage, empty in zip(samples[name], samples["empty"])]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [our / their for our, their in zip(ours, theirs)]


def response(backups: int) -> str:
    """Return a response with hourly backups, the oldest first."""
    entries = []
    for number in reversed(range(backups)):
        at = datetime(2026, 11, 20, 2, 0, 11) - timedelta(hours=number)
        digest = md5(str(number).encode()).hexdigest()
        entry = {
            "name": f"zstack-db-4.8.30-{at:%Y%m%d%H%M%S}.gz",
            "version": "4.8.30",
            "installPath": f"zstore://zsbak/{digest}",
            "type": "singleDatabase",
            "size": 80_000_000 + number,
            "md5": digest[::-1],
            "createdTime": f"{at:%b} {at.day}, {at.year} {at.hour % 12 or 12}:{at:%M:%S %p}",
        }
        entries.append(entry)
    return json.dumps({"backups": entries, "success": True})


@contextmanager
def node(backups: int, scan_seconds: float = 0) -> Iterator[Simulator]:
    """Yield a management node with backups. Each program must call it and log out."""
    with Simulator() as zstack:
        zstack.inject({"body": response(backups), "delay": scan_seconds}, on="scan")
        yield zstack
        assert zstack.paths and not zstack.sessions


def variables(zstack: Simulator, storages: int = 1) -> dict[str, Any]:
    urls = [f"ssh://root:Night-Watch@192.0.{2 + number // 250}.{1 + number % 250}/bs" for number in range(storages)]
    return {**zstack.variables, "storage_url": urls[0], "storage_urls": urls}


def processes(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the module's own process takes, without Ansible."""
    sizes = (*PROCESS_TO_FLOOR, 100_000)
    with ExitStack() as stack:
        programs = {}
        for size in sizes:
            play = Play(directory, node=variables(stack.enter_context(node(size))))
            for name in ("module", "floor"):
                programs[f"{name} {size}"] = partial(run, sys.executable, play.module(name))
        samples = take_turns(2 * rounds, programs)
    for size, goal in PROCESS_TO_FLOOR.items():
        ours, floor = ([usage.cpu for usage in samples[f"{name} {size}"]] for name in ("module", "floor"))
        yield Figure(f"process, {size:,} backups, CPU time to the floor", ratios(ours, floor), goal)
    body = len(response(sizes[-1]))
    pairs = zip(samples[f"module {sizes[-1]}"], samples[f"floor {sizes[-1]}"])
    extra = [(ours.memory - floor.memory) / body for ours, floor in pairs]
    yield Figure(f"process, {sizes[-1]:,} backups, memory above the floor in responses", extra, MEMORY)


def tasks(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what a task adds to an empty play."""
    names = ("floor", "module", "all_backups", "peer")
    for size, goal in TASK_TO_PEER.items():
        with node(size) as zstack:
            samples = take_turns(rounds, Play(directory, node=variables(zstack)).programs("empty", *names))
        took = {name: added(samples, name) for name in names}
        yield Figure(f"task, {size:,} backups, to the peer", ratios(took["module"], took["peer"]), goal)
        yield Figure(f"task, {size:,} backups, to the floor", ratios(took["module"], took["floor"]), TASK_TO_FLOOR)
        for name in names:
            yield Figure(f"task, {size:,} backups, {name}", took[name], unit=" s")


def storages(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the lookup adds to scans that take their time."""
    with node(10, SCAN_SECONDS) as zstack:
        play = Play(directory, node=variables(zstack, STORAGES))
        samples = take_turns(rounds, play.programs("empty", "lookup"))
    extra = [seconds - SCAN_SECONDS * ceil(STORAGES / AT_ONCE) for seconds in added(samples, "lookup")]
    yield Figure(f"lookup, {STORAGES} storages, above the scans", extra, STORAGES_SECONDS, " s")


def nodes(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what a play with many management nodes takes."""
    with ExitStack() as stack:
        fleet = {f"node{number}": variables(stack.enter_context(node(10))) for number in range(NODES)}
        programs = Play(directory, **fleet).programs("empty", "module", "lookup", "peer")
        samples = take_turns(min(rounds, 2), programs, warm_up=0)
    for name, goal in NODES_TO_PEER.items():
        yield Figure(f"{NODES} nodes, {name} to the peer", ratios(added(samples, name), added(samples, "peer")), goal)


def reports(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the playbook report_db_backups takes."""
    for count, backups, goal in REPORTS:
        with node(backups) as zstack:
            known = variables(zstack, count)
            given = {"zstack_storages": known["storage_urls"], "report_db_backups_dest": f"{directory}/page.html"}
            command = (BIN / "ansible-playbook", "zstack.cloud.report_db_backups", "-e", json.dumps({**known, **given}))
            programs = Play(directory, node=known).programs("empty")
            samples = take_turns(rounds, {**programs, "report": partial(run, *command)})
        name = f"report, {count:,} x {backups:,} backups"
        yield Figure(f"{name}, above an empty play", added(samples, "report"), goal, " s")
    yield Figure(f"{name}, memory", [usage.memory / 2**20 for usage in samples["report"]], REPORT_MIB, " MiB")


def write(figures: Sequence[Figure], machine: str) -> None:
    """Write the goals into the documentation, and draw what a task adds to a play, by the number of backups."""
    from matplotlib import pyplot
    from tabulate import tabulate

    rows = [figure.row for figure in figures if figure.goal is not None]
    table = tabulate(rows, ("Measurement", "Median", "Rounds", "Goal", ""), tablefmt="rst", disable_numparse=True)
    before, begin, rest = GUIDE.read_text(encoding="utf-8").partition(".. figures begin\n")
    _figures, end, after = rest.partition("\n.. figures end")
    GUIDE.write_text(f"{before}{begin}\n{machine}:\n\n{table}\n{end}{after}", encoding="utf-8")

    medians = {figure.name: median(figure.rounds) for figure in figures}
    _figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, marker, label in (
        ("peer", "s", "four tasks with ansible.builtin.uri"),
        ("all_backups", "o", "zstack_db_backup_info"),
        ("module", "^", "zstack_db_backup_info, limit: 1"),
        ("floor", "d", "the same HTTP requests alone"),
    ):
        values = [medians[f"task, {size:,} backups, {name}"] for size in TASK_TO_PEER]
        axes.plot(list(TASK_TO_PEER), values, marker=marker, label=label)
    axes.set(xscale="log", yscale="log", xlabel="backups on the storage", ylabel="seconds added to an empty play")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend()
    pyplot.savefig(CHART, dpi=120)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection beside its peer.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (5)")
    parser.add_argument("--write", action="store_true", help="write the figures into the documentation")
    arguments = parser.parse_args()
    packages = [f"{name} {version(name)}" for name in ("ansible-core", "requests")]
    about = [platform.machine(), f"{os.cpu_count()} cores", platform.python_version(), *packages]
    machine = f"{', '.join(about)}, load average {os.getloadavg()[0]:.1f}"
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        for measure in (processes, tasks, storages, nodes, reports):
            for figure in measure(Path(name), arguments.rounds):
                print("  ".join(f"{cell:{width}}" for cell, width in zip(figure.row, (70, 9, 16, 8, 0))).rstrip())
                figures.append(figure)
    print(machine)
    if arguments.write:
        write(figures, machine)
    return int(any(figure.verdict == "missed" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
