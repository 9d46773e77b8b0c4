# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No fault of the catalogue makes the module need much more memory or time than a good reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system.forking import ForkServer, Outcome, fork_server

MEBIBYTE = 1024 * 1024
PEAK = 400 * MEBIBYTE
#: Seconds beside the option timeout, generous for a busy machine: a fault without an end would exceed any limit.
SLACK = 20

BACKUP = (
    '{"name": "zstack-db-backup-4.7.21-2024-05-06", "version": "4.7.21", "type": "singleDatabase", "size": 81788928, '
    '"installPath": "zstore://zsbak/0ed599ec519249489475112a058bb93a", "md5": "9e107d9d372bb6826bd81d3542a419d6", '
    '"createdTime": "May 6, 2024 2:00:11 AM"}'
)

#: Bodies that cost far more than their bytes where they are read carelessly; those in HTML have the status 500.
EXPENSIVE: dict[str, list[Any]] = {
    "empty lists": ['{"backups": [', {"repeat": "[],", "times": 20_000_000}, "[]]}"],
    "a long key": ['{"backups": [{"', {"repeat": "aB", "times": 5_000_000}, '": 1}]}'],
    "a long key of an error": ['{"error": {"', {"repeat": "aB", "times": 30_000_000}, '": 1}}'],
    "a long key within an error": ['{"error": {"opaque": {"', {"repeat": "aB", "times": 30_000_000}, '": 1}}}'],
    "a long time of one word": ['{"backups": [{"createdTime": "', {"repeat": "a", "times": 60_000_000}, '"}]}'],
    "the same key many times": ['{"backups": [{"', {"repeat": 'aB": 1, "', "times": 1_000_000}, '": 1}]}'],
    "a long time": ['{"backups": [{"createdTime": "', {"repeat": "May 6, 2024 ", "times": 1_000_000}, '"}]}'],
    "many digits": ['{"backups": [{"size": ', {"repeat": "9", "times": 20_000_000}, ".0}]}"],
    "many line breaks": ['{"error": {"details": "', {"repeat": " \\n", "times": 5_000_000}, '"}}'],
    "causes side by side": ['{"error": {"causes": [', {"repeat": '{"code": "SYS.1006"},', "times": 500_000}, "{}]}}"],
    "tags without an end": ["<", {"repeat": "<script ", "times": 7_000_000}],
    "brackets without an end": ["<", {"repeat": "<", "times": 60_000_000}],
}


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as server:
        yield server


@pytest.fixture(scope="module")
def start_up(server: ForkServer) -> float:
    """Seconds that a run takes whose calls are all answered at once: no option bounds what a process needs to start."""
    with Simulator() as zstack:
        return max(server.run(options(zstack, timeout=60)).seconds for _number in range(3))


def options(zstack: Simulator, timeout: int) -> dict[str, Any]:
    name, password = zstack.account
    return {
        "host": zstack.host,
        "port": zstack.port,
        "account_name": name,
        "account_password": password,
        "url": zstack.storage_url,
        "timeout": timeout,
        "retries": 0,
        # What Ansible makes of a long result is not measured here.
        "limit": 100,
    }


def waits(fault: Fault) -> bool:
    """Whether only the option timeout ends the call: the server is silent, or slower than anybody waits."""
    play = fault.play
    return play is not None and (play.drip is not None or (play.cut is not None and play.by == "silence"))


def check(outcome: Outcome, seconds: float) -> None:
    print(f"{outcome.peak / MEBIBYTE:.0f} MiB, {outcome.seconds:.2f} s")
    assert outcome.returncode >= 0, outcome
    assert outcome.peak < PEAK
    assert outcome.seconds < seconds + SLACK


@pytest.mark.parametrize("fault", catalogue().values(), ids=catalogue())
def test_a_fault_takes_neither_much_memory_nor_much_longer_than_the_timeout(
    fault: Fault, zstack: Simulator, server: ForkServer, start_up: float
) -> None:
    timeout = 1 if waits(fault) else 5
    if fault.play:
        zstack.play(fault.name)

    outcome = server.run({**options(zstack, timeout), **fault.client})

    assert zstack.requests or fault.client, outcome.stdout
    check(outcome, timeout + start_up)


@pytest.mark.parametrize("body", EXPENSIVE.values(), ids=EXPENSIVE)
def test_a_reply_that_is_costly_to_read_takes_neither_much_memory_nor_much_longer_than_the_timeout(
    body: list[Any], zstack: Simulator, server: ForkServer, start_up: float
) -> None:
    zstack.play({"status": 500 if body[0].startswith("<") else 200, "body": body})

    outcome = server.run(options(zstack, timeout=5))

    check(outcome, 5 + start_up)


def test_a_hundred_thousand_backups_are_listed_without_much_memory(zstack: Simulator, server: ForkServer) -> None:
    zstack.play({"body": ['{"backups": [', {"repeat": BACKUP + ",", "times": 99_999}, BACKUP, "]}"]})

    outcome = server.run({**options(zstack, timeout=HANGS), "limit": 1})

    assert '"total": 100000' in outcome.stdout
    check(outcome, HANGS)


def test_retries_take_no_longer_than_the_timeout(zstack: Simulator, server: ForkServer, start_up: float) -> None:
    zstack.play({"status": 502, "body": ""})

    outcome = server.run({**options(zstack, timeout=4), "retries": 100})

    # The first ones have no pause or a short one.
    assert len([request for request in zstack.requests if "image-store" in request.path]) > 2
    check(outcome, 4 + start_up)
