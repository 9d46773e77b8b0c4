# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
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
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from hashlib import md5
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import yaml

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
    """Seconds and CPU seconds of a process and its children, and bytes of the largest of them at its peak."""

    seconds: float
    cpu: float
    memory: float


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
        values = [median(self.rounds), min(self.rounds), max(self.rounds)]
        middle, low, high = (f"{value:.2f}" for value in values)
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

    def __init__(self, directory: Path, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = directory / f"{len(list(directory.iterdir()))}.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}), encoding="utf-8")
        options = ["--inventory", str(inventory), "--forks", str(FORKS)]
        self.command = [str(BIN / "ansible-playbook"), str(HERE / "plays.yml"), *options, "--tags"]
        self.directory = directory

    def run(self, program: str, **env: str) -> Usage:
        return run(*self.command, program, **env)

    def module(self, program: str) -> Path:
        """Return the file that Ansible runs on the host for a program that is one task."""
        kept = Path(tempfile.mkdtemp(dir=self.directory))
        self.run(program, ANSIBLE_KEEP_REMOTE_FILES="true", ANSIBLE_REMOTE_TMP=str(kept))
        (file,) = kept.glob("*/AnsiballZ_*.py")
        return file


def take_turns(rounds: int, programs: Mapping[str, Callable[[], Usage]], warm_up: int = 1) -> dict[str, list[Usage]]:
    """Return what each program took in each round. Rounds to warm up are not included."""
    samples: dict[str, list[Usage]] = {name: [] for name in programs}
    for number in range(rounds + warm_up):
        for name, program in programs.items():
            usage = program()
            if number >= warm_up:
                samples[name].append(usage)
    return samples


def ratios(ours: Sequence[float], theirs: Sequence[float], base: Sequence[float] | None = None) -> list[float]:
    """Return the ratio in each round, both without what an empty play takes."""
    return [(our - low) / (their - low) for our, their, low in zip(ours, theirs, base or [0.0] * len(ours))]


def above(samples: Sequence[float], base: Sequence[float]) -> list[float]:
    return [sample - low for sample, low in zip(samples, base)]


def seconds(samples: Sequence[Usage]) -> list[float]:
    return [sample.seconds for sample in samples]


def response(backups: int) -> str:
    """Return a response with hourly backups, the oldest first."""
    entries = []
    for number in reversed(range(backups)):
        created = datetime(2026, 11, 20, 2, 0, 11) - timedelta(hours=number)
        digest = md5(str(number).encode()).hexdigest()
        entry = {
            "name": f"zstack-db-4.8.30-{created:%Y%m%d%H%M%S}.gz",
            "version": "4.8.30",
            "installPath": f"zstore://zsbak/{digest}",
            "type": "singleDatabase",
            "size": 80_000_000 + number,
            "md5": digest[::-1],
            "createdTime": f"{created:%b} {created.day}, {created.year} {created.hour % 12 or 12}:{created:%M:%S %p}",
        }
        entries.append(entry)
    return json.dumps({"backups": entries, "success": True})


@contextmanager
def node(backups: int) -> Iterator[Simulator]:
    """Yield a management node with backups. Each program must call it and log out."""
    with Simulator() as zstack:
        zstack.inject({"body": response(backups)}, on="scan")
        yield zstack
        assert zstack.paths and not zstack.sessions


def variables(zstack: Simulator, storages: Sequence[str] = ()) -> dict[str, Any]:
    return {
        **zstack.variables,
        "storage_url": zstack.storage_url,
        "storage_urls": storages or [zstack.storage_url],
    }


def processes(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the module's own process takes, without Ansible."""
    sizes = (*PROCESS_TO_FLOOR, 100_000)
    with ExitStack() as stack:
        programs = {}
        for size in sizes:
            play = Play(directory, {"node": variables(stack.enter_context(node(size)))})
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
    for size, goal in TASK_TO_PEER.items():
        with node(size) as zstack:
            play = Play(directory, {"node": variables(zstack)})
            programs = ("empty", "floor", "module", "all_backups", "peer")
            samples = take_turns(rounds, {name: partial(play.run, name) for name in programs})
        times = {name: seconds(usages) for name, usages in samples.items()}
        base = times["empty"]
        for other, limit in (("peer", goal), ("floor", TASK_TO_FLOOR)):
            yield Figure(f"task, {size:,} backups, to the {other}", ratios(times["module"], times[other], base), limit)
        for name in programs[1:]:
            yield Figure(f"task, {size:,} backups, {name}", above(times[name], base), unit=" s")


def storages(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the lookup adds to scans that take their time."""
    storage = {"username": "root", "password": "Night-Watch", "path": "/zstack_bs"}
    site = {
        "version": "4.8.30",
        "timezone": "Asia/Shanghai",
        "accounts": [{"name": "admin", "password": "Moon-Cake"}],
        "storages": [{**storage, "host": f"192.0.2.{number}"} for number in range(1, STORAGES + 1)],
    }
    path = directory / "site.yml"
    path.write_text(yaml.safe_dump(site), encoding="utf-8")
    with Simulator(site=path, scan_seconds=SCAN_SECONDS) as zstack:
        play = Play(directory, {"node": variables(zstack, zstack.storage_urls)})
        samples = take_turns(rounds, {name: partial(play.run, name) for name in ("empty", "lookup")})
    scans = -(-STORAGES // AT_ONCE) * SCAN_SECONDS
    extra = [each - scans for each in above(seconds(samples["lookup"]), seconds(samples["empty"]))]
    yield Figure(f"lookup, {STORAGES} storages, above the scans", extra, STORAGES_SECONDS, " s")


def nodes(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what a play with many management nodes takes."""
    with ExitStack() as stack:
        fleet = [variables(stack.enter_context(node(10))) for _number in range(NODES)]
        play = Play(directory, {f"node{number}": known for number, known in enumerate(fleet)})
        programs = ("empty", "module", "lookup", "peer")
        samples = take_turns(min(rounds, 2), {name: partial(play.run, name) for name in programs}, warm_up=0)
    times = {name: seconds(usages) for name, usages in samples.items()}
    for name, goal in NODES_TO_PEER.items():
        found = ratios(times[name], times["peer"], times["empty"])
        yield Figure(f"{NODES} nodes, {name} to the peer", found, goal)


def reports(directory: Path, rounds: int) -> Iterator[Figure]:
    """Yield what the playbook report_db_backups takes."""
    for count, backups, goal in REPORTS:
        urls = [f"ssh://root:Night-Watch@192.0.{2 + number // 250}.{1 + number % 250}/bs" for number in range(count)]
        with node(backups) as zstack:
            given = {
                **zstack.variables,
                "zstack_storages": urls,
                "report_db_backups_dest": str(directory / "page.html"),
            }
            report = (BIN / "ansible-playbook", "zstack.cloud.report_db_backups", "-e", json.dumps(given))
            empty = Play(directory, {"node": variables(zstack)})
            samples = take_turns(rounds, {"empty": partial(empty.run, "empty"), "report": partial(run, *report)})
        name = f"report, {count:,} x {backups:,} backups"
        extra = above(seconds(samples["report"]), seconds(samples["empty"]))
        yield Figure(f"{name}, above an empty play", extra, goal, " s")
    yield Figure(f"{name}, memory", [usage.memory / 2**20 for usage in samples["report"]], REPORT_MIB, " MiB")


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Draw the seconds that one task adds to a play, by the number of backups."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    labels = {
        "peer": "four tasks with ansible.builtin.uri",
        "all_backups": "zstack_db_backup_info",
        "module": "zstack_db_backup_info, limit: 1",
        "floor": "the same HTTP requests alone",
    }
    _figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for (name, label), marker in zip(labels.items(), "so^d"):
        named = {figure.name: median(figure.rounds) for figure in figures}
        values = [named[f"task, {size:,} backups, {name}"] for size in TASK_TO_PEER]
        axes.plot(list(TASK_TO_PEER), values, marker=marker, label=label)
    axes.set(xscale="log", yscale="log", xlabel="backups on the storage", ylabel="seconds added to an empty play")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend()
    pyplot.savefig(path, dpi=120)


def write(figures: Sequence[Figure], machine: str) -> None:
    """Write the goals into the documentation, and draw the chart."""
    from tabulate import tabulate

    rows = [figure.row for figure in figures if figure.goal is not None]
    table = tabulate(rows, ("Measurement", "Median", "Rounds", "Goal", ""), tablefmt="rst", disable_numparse=True)
    text = GUIDE.read_text(encoding="utf-8")
    pattern = r"(\.\. figures begin\n).*(\n\.\. figures end)"
    text = re.sub(pattern, rf"\1\n{machine}:\n\n{table}\n\2", text, flags=re.DOTALL)
    GUIDE.write_text(text, encoding="utf-8")
    draw(figures, CHART)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection beside its peer.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each measurement (5)")
    parser.add_argument("--write", action="store_true", help="write the figures into the documentation")
    arguments = parser.parse_args()
    packages = [f"{name} {version(name)}" for name in ("ansible-core", "requests")]
    load = f"load average {os.getloadavg()[0]:.1f}"
    machine = ", ".join([platform.machine(), f"{os.cpu_count()} cores", platform.python_version(), *packages, load])
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
