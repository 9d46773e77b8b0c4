# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: what the collection takes, beside what a user would write instead, as ratios of one run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path

from ..tree import ROOT
from . import report, servers
from .figures import Figure, above, alternate, ratios
from .programs import Play, Usage, run_module

SIZES = (10, 1_000, 10_000, 100_000)
PEER_GOALS = {10: 0.40, 1_000: 0.35, 10_000: 0.15, 100_000: 0.10}
PROCESS_GOALS = {10: 1.10, 10_000: 1.30}
TASK_GOAL = 1.25
GROWTH_GOAL = 11.0
# What takes less than a second is measured more often, because a busy moment of the machine weighs more.
QUICK, QUICK_ROUNDS = 1_000, 3
STORAGES, SCAN_SECONDS, AT_ONCE = 16, 0.5, 5
NODES, FORKS = 100, 20
RESULTS = 1_000


def seconds(samples: Iterable[Usage]) -> list[float]:
    return list(map(attrgetter("seconds"), samples))


def tasks(directory: Path, rounds: int, sizes: Iterable[int]) -> Iterator[Figure]:
    """(a) Time that one task adds to an empty play; (f) how it grows."""
    empty = Play("empty", directory)
    added = {}
    for size in sizes:
        with servers.node(size) as zstack:
            known = servers.variables(zstack)
            plays = {
                "empty": empty,
                "floor": Play("floor", directory, **known),
                "limited": Play("module", directory, limit=1, **known),
                "full": Play("module", directory, **known),
                "peer": Play("peer", directory, **known),
            }
            often = rounds * QUICK_ROUNDS if size <= QUICK else rounds
            samples = alternate(often, **{name: play.run for name, play in plays.items()})
        times = {name: seconds(each) for name, each in samples.items()}
        base = times["empty"]
        added[size] = above(times["limited"], base)
        yield Figure(
            f"task, {size:,} backups, limit: 1, to the peer",
            ratios(times["limited"], times["peer"], base),
            PEER_GOALS[size],
        )
        yield Figure(
            f"task, {size:,} backups, all of them, to the peer", ratios(times["full"], times["peer"], base), 1.0
        )
        yield Figure(
            f"task, {size:,} backups, limit: 1, to the floor", ratios(times["limited"], times["floor"], base), TASK_GOAL
        )
        for name, label in (("limited", "limit: 1"), ("full", "all"), ("floor", "floor"), ("peer", "peer")):
            yield Figure(f"seconds, {size:,} backups, {label}", above(times[name], base), unit=" s")
    if {10_000, 100_000} <= added.keys():
        yield Figure("growth from 10,000 to 100,000 backups", ratios(added[100_000], added[10_000]), GROWTH_GOAL)


def processes(directory: Path, rounds: int) -> Iterator[Figure]:
    """(b) The module's own process, and (c) its memory."""
    for size in (*PROCESS_GOALS, 100_000):
        with servers.node(size) as zstack:
            known = servers.variables(zstack)
            ours = Play("module", directory, limit=1, **known).module()
            floor = Play("floor", directory, **known).module()
            often = rounds * QUICK_ROUNDS if size in PROCESS_GOALS else rounds
            samples = alternate(often, ours=partial(run_module, ours), floor=partial(run_module, floor))
        if goal := PROCESS_GOALS.get(size):
            for field in ("cpu", "seconds"):
                mine, theirs = (list(map(attrgetter(field), samples[name])) for name in ("ours", "floor"))
                label = "CPU time" if field == "cpu" else "time"
                yield Figure(f"process, {size:,} backups, {label}, to the floor", ratios(mine, theirs), goal)
        else:
            body = len(servers.reply(size))
            extra = [mine.memory - floor.memory for mine, floor in zip(samples["ours"], samples["floor"])]
            yield Figure(f"memory above the floor, {size:,} backups, in bodies", [each / body for each in extra], 4.0)


def storages(directory: Path, rounds: int) -> Iterator[Figure]:
    """(d) A lookup over storages that take their time."""
    with servers.node_with_storages(directory, STORAGES, SCAN_SECONDS) as zstack:
        empty, lookup = Play("empty", directory), Play("lookup", directory, **servers.variables(zstack))
        samples = alternate(rounds, empty=empty.run, lookup=lookup.run)
    scans = -(-STORAGES // AT_ONCE) * SCAN_SECONDS
    extra = [each - scans for each in above(seconds(samples["lookup"]), seconds(samples["empty"]))]
    yield Figure(f"lookup over {STORAGES} storages, above empty play and scans", extra, 0.7, " s")


def fleet(directory: Path, rounds: int) -> Iterator[Figure]:
    """(e) Many management nodes in one play."""
    with servers.fleet(NODES) as nodes:
        hosts = {f"node{number}": servers.variables(zstack) for number, zstack in enumerate(nodes)}
        connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = directory / "fleet.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": connection}}), encoding="utf-8")
        options = ("--inventory", str(inventory), "--forks", str(FORKS))
        plays = {
            name: Play(name, directory, hosts_to_ask="all", limit=1) for name in ("empty", "module", "lookup", "peer")
        }
        samples = alternate(rounds, **{name: partial(play.run, *options) for name, play in plays.items()})
    times = {name: seconds(each) for name, each in samples.items()}
    for name, goal in (("module", 0.5), ("lookup", 0.25)):
        yield Figure(f"{NODES} nodes, {name}, to the peer", ratios(times[name], times["peer"], times["empty"]), goal)
    for name in ("module", "lookup", "peer"):
        yield Figure(f"seconds, {NODES} nodes, {name}", above(times[name], times["empty"]), unit=" s")


def templates(directory: Path, rounds: int) -> Iterator[Figure]:
    """(g) The verdict, and what renders the page, over many results."""
    with servers.node(15) as zstack:
        program = Play("module", directory, limit=1, **servers.variables(zstack)).module()
        result = json.loads(subprocess.check_output([sys.executable, program]))
    known = {
        "results": [result] * RESULTS,
        "report_db_backups_dest": str(directory / "page.html"),
        "report_db_backups_storages": ["ssh://root@192.0.2.1/bs"] * RESULTS,
    }
    names: dict[str, str | Path] = {"empty": "empty", "verdict": "verdict", "page": page_of_results(directory)}
    plays = {name: Play(playbook, directory, **known) for name, playbook in names.items()}
    samples = alternate(rounds, **{name: play.run for name, play in plays.items()})
    times = {name: seconds(each) for name, each in samples.items()}
    for name in ("verdict", "page"):
        yield Figure(f"seconds, {name} over {RESULTS:,} results", above(times[name], times["empty"]), unit=" s")


def page_of_results(directory: Path) -> Path:
    """Return a copy of the playbook report_db_backups that reports given results instead of scanning."""
    shipped = ROOT / "playbooks"
    text = (shipped / "report_db_backups.yml").read_text(encoding="utf-8")
    scan = "query('zstack.cloud.zstack_db_backup', *__report_db_backups_storages, on_error='report')"
    assert scan in text
    playbooks = directory / "playbooks"
    playbooks.mkdir()
    for name in ("tasks", "templates", "vars"):
        (playbooks / name).symlink_to(shipped / name)
    (directory / "plugins").symlink_to(ROOT / "plugins")
    copy = playbooks / "page.yml"
    copy.write_text(text.replace(scan, "results"), encoding="utf-8")
    return copy


def machine() -> str:
    packages = [f"{name} {version(name)}" for name in ("ansible-core", "requests")]
    load = f"load average {os.getloadavg()[0]:.1f}"
    return ", ".join(
        [platform.machine(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *packages, load]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection beside its peer.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (3)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of backups")
    parser.add_argument("--write", action="store_true", help="write the figures into the documentation")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        measurements = (
            processes(directory, arguments.rounds),
            tasks(directory, arguments.rounds, arguments.sizes),
            storages(directory, arguments.rounds),
            fleet(directory, min(arguments.rounds, 2)),
            templates(directory, min(arguments.rounds, 2)),
        )
        for measurement in measurements:
            for figure in measurement:
                print(report.line(figure), flush=True)
                figures.append(figure)
    print(machine())
    if arguments.write:
        report.write(figures, machine())
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
