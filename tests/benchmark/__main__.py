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
from contextlib import ExitStack
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
# What takes about a second is measured more often, because a busy moment of the machine weighs more.
QUICK, QUICK_ROUNDS = 1_000, 2
# What takes a minute or more is measured at most as often, without a round to warm up.
SLOW_ROUNDS = 2
# Rounds of a run that is published.
ROUNDS = 5
STORAGES, SCAN_SECONDS, AT_ONCE = 16, 0.5, 5
NODES, FORKS = 100, 20
RESULTS, BACKUPS = 1_000, 15


def seconds(samples: Iterable[Usage]) -> list[float]:
    return list(map(attrgetter("seconds"), samples))


def cpu(samples: Iterable[Usage]) -> list[float]:
    return list(map(attrgetter("cpu"), samples))


def processes(directory: Path, rounds: int) -> Iterator[Figure]:
    """(b) The module's own process, (c) its memory, and (f) how it grows."""
    bodies = 100_000
    with ExitStack() as stack:
        programs = {}
        for size in (*PROCESS_GOALS, bodies):
            known = servers.variables(stack.enter_context(servers.node(size)))
            ours, floor = Play("module", directory, limit=1, **known), Play("floor", directory, **known)
            programs[f"ours_{size}"] = partial(run_module, ours.module())
            programs[f"floor_{size}"] = partial(run_module, floor.module())
        samples = alternate(rounds * QUICK_ROUNDS, programs)
    for size, goal in PROCESS_GOALS.items():
        for label, of in (("CPU time", cpu), ("time", seconds)):
            found = ratios(of(samples[f"ours_{size}"]), of(samples[f"floor_{size}"]))
            yield Figure(f"process, {size:,} backups, {label}, relative to the floor", found, goal)
    most, many, few = (samples[f"ours_{size}"] for size in (bodies, 10_000, 10))
    found = ratios(cpu(most), cpu(many), cpu(few))
    yield Figure("process, growth of the CPU time above 10 backups, from 10,000 to 100,000", found, GROWTH_GOAL)
    body = len(servers.reply(bodies))
    for label, base, limit in (("the floor", samples[f"floor_{bodies}"], 4.0), ("10 backups", few, None)):
        extra = [(mine.memory - other.memory) / body for mine, other in zip(most, base)]
        yield Figure(f"process, memory above {label}, 100,000 backups, in sizes of the response", extra, limit)


def tasks(directory: Path, rounds: int) -> Iterator[Figure]:
    """(a) Time that one task adds to an empty play."""
    empty = Play("empty", directory)
    for size in SIZES:
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
            samples = alternate(often, {name: play.run for name, play in plays.items()})
        times = {name: seconds(each) for name, each in samples.items()}
        base = times["empty"]
        for ours, label, other, goal in (
            ("limited", "limit: 1, relative to the peer", "peer", PEER_GOALS[size]),
            ("full", "all of them, relative to the peer", "peer", 1.0),
            ("limited", "limit: 1, relative to the floor", "floor", TASK_GOAL),
        ):
            yield Figure(f"task, {size:,} backups, {label}", ratios(times[ours], times[other], base), goal)
        for name, label in (("limited", "limit: 1"), ("full", "all"), ("floor", "floor"), ("peer", "peer")):
            yield Figure(f"task, {size:,} backups, {label}", above(times[name], base), unit=" s")


def storages(directory: Path, rounds: int) -> Iterator[Figure]:
    """(d) A lookup over storages that take their time."""
    with servers.node_with_storages(directory, STORAGES, SCAN_SECONDS) as zstack:
        empty = Play("empty", directory)
        lookup = Play("lookup", directory, **servers.variables(zstack, zstack.storage_urls))
        samples = alternate(rounds, {"empty": empty.run, "lookup": lookup.run})
    scans = -(-STORAGES // AT_ONCE) * SCAN_SECONDS
    extra = [each - scans for each in above(seconds(samples["lookup"]), seconds(samples["empty"]))]
    yield Figure(f"lookup, {STORAGES} storages, in addition to the scans", extra, 0.7, " s")


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
        programs = {name: partial(play.run, *options) for name, play in plays.items()}
        samples = alternate(rounds, programs, warm_up=False)
    times = {name: seconds(each) for name, each in samples.items()}
    for name, goal in (("module", 0.5), ("lookup", 0.25)):
        yield Figure(
            f"{NODES} nodes, {name}, relative to the peer", ratios(times[name], times["peer"], times["empty"]), goal
        )
    for name in ("module", "lookup", "peer"):
        yield Figure(f"{NODES} nodes, {name}", above(times[name], times["empty"]), unit=" s")


def templates(directory: Path, rounds: int) -> Iterator[Figure]:
    """(g) The verdict, and what renders the page, over many results."""
    with servers.node(BACKUPS) as zstack:
        program = Play("module", directory, **servers.variables(zstack)).module()
        result = json.loads(subprocess.check_output([sys.executable, program]))
    storages = [f"ssh://root@192.0.2.1/bs{number}" for number in range(RESULTS)]
    known = {
        "results": [{**result, "storage": storage} for storage in storages],
        "report_db_backups_dest": str(directory / "page.html"),
        "report_db_backups_storages": storages,
    }
    names: dict[str, str | Path] = {"empty": "empty", "verdict": "verdict", "page": page_of_results(directory)}
    plays = {name: Play(playbook, directory, **known) for name, playbook in names.items()}
    samples = alternate(rounds, {name: play.run for name, play in plays.items()}, warm_up=False)
    times = {name: seconds(each) for name, each in samples.items()}
    for name in ("verdict", "page"):
        label = f"{name} of {RESULTS:,} storages with {BACKUPS} backups each"
        yield Figure(label, above(times[name], times["empty"]), unit=" s")


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
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help=f"rounds of each measurement, twice as many of the quick ones, {SLOW_ROUNDS} of the slow ones ({ROUNDS})",
    )
    parser.add_argument("--write", action="store_true", help="write the figures into the documentation")
    arguments = parser.parse_args()
    if arguments.rounds < (ROUNDS if arguments.write else 1):
        parser.error(f"--rounds must be at least 1, and at least {ROUNDS} with --write")
    described = machine()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        slow = min(arguments.rounds, SLOW_ROUNDS)
        measurements = (
            processes(directory, arguments.rounds),
            tasks(directory, arguments.rounds),
            storages(directory, arguments.rounds),
            fleet(directory, slow),
            templates(directory, slow),
        )
        for measurement in measurements:
            for figure in measurement:
                print(report.line(figure), flush=True)
                figures.append(figure)
    print(described)
    if arguments.write:
        report.write(figures, described)
    return int(any(figure.verdict == "missed" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
