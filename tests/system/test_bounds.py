# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No response makes the module need much memory or computing, or not end at all."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG, UNANSWERED, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system.forking import ForkServer, Outcome

pytestmark = pytest.mark.xdist_group(WAITING)

MEBIBYTE = 1024 * 1024
PEAK = 400 * MEBIBYTE
#: Seconds of processor time, which others on a busy machine do not use up. Most runs need less than one.
COMPUTING = 20

BACKUP = (
    '{"name": "zstack-db-4.7.21-20240506020011.gz", "version": "4.7.21", "type": "singleDatabase", "size": 81788928, '
    '"installPath": "zstore://zsbak/0ed599ec519249489475112a058bb93a", "md5": "9e107d9d372bb6826bd81d3542a419d6", '
    '"createdTime": "May 6, 2024 2:00:11 AM"}'
)

#: The faults that could cost the most. The long variant tries the whole catalogue.
FAULTS = catalogue() if LONG else {name: catalogue()[name] for name in ("dripping_body", "gzip_bomb", "million_values")}

#: Bodies that cost far more than their bytes where they are read carelessly, one of each kind; those in HTML have the
#: status 500. The long variant tries more of them.
EXPENSIVE: dict[str, list[Any]] = {
    "empty lists": ['{"backups": [', {"repeat": "[],", "times": 20_000_000}, "[]]}"],
    "a long key within an error": ['{"error": {"opaque": {"', {"repeat": "aB", "times": 30_000_000}, '": 1}}}'],
    "a long time": ['{"backups": [{"createdTime": "', {"repeat": "May 6, 2024 ", "times": 1_000_000}, '"}]}'],
    "brackets without an end": ["<", {"repeat": "<", "times": 60_000_000}],
}
if LONG:
    EXPENSIVE |= {
        "a long key": ['{"backups": [{"', {"repeat": "aB", "times": 5_000_000}, '": 1}]}'],
        "a long key of an error": ['{"error": {"', {"repeat": "aB", "times": 30_000_000}, '": 1}}'],
        "a time of one word": ['{"backups": [{"createdTime": "', {"repeat": "a", "times": 60_000_000}, '"}]}'],
        "the same key many times": ['{"backups": [{"', {"repeat": 'aB": 1, "', "times": 1_000_000}, '": 1}]}'],
        "many digits": ['{"backups": [{"size": ', {"repeat": "9", "times": 20_000_000}, ".0}]}"],
        "many line breaks": ['{"error": {"details": "', {"repeat": " \\n", "times": 5_000_000}, '"}}'],
        "causes": ['{"error": {"causes": [', {"repeat": '{"code": "SYS.1006"},', "times": 500_000}, "{}]}}"],
        "tags without an end": ["<", {"repeat": "<script ", "times": 7_000_000}],
    }


def options(zstack: Simulator, timeout: int) -> dict[str, Any]:
    return {
        **zstack.options,
        "url": zstack.storage_url,
        "timeout": timeout,
        "retries": 0,
        # What Ansible makes of a long result is not measured here.
        "limit": 100,
    }


def check(outcome: Outcome) -> None:
    print(f"{outcome.peak / MEBIBYTE:.0f} MiB, {outcome.computing:.2f} s")
    assert outcome.returncode >= 0, outcome
    assert outcome.peak < PEAK
    assert outcome.computing < COMPUTING


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_takes_neither_much_memory_nor_much_computing_and_ends(
    fault: Fault, zstack: Simulator, server: ForkServer
) -> None:
    if fault.injection:
        zstack.inject(fault.name)

    outcome = server.run({**options(zstack, timeout=UNANSWERED if fault.waits else HANGS), **fault.client})
    assert zstack.requests or fault.client, outcome.stdout
    check(outcome)


@pytest.mark.parametrize("body", EXPENSIVE.values(), ids=EXPENSIVE)
def test_a_reply_that_is_costly_to_read_takes_neither_memory_nor_computing(
    body: list[Any], zstack: Simulator, server: ForkServer
) -> None:
    zstack.inject({"status": 500 if body[0].startswith("<") else 200, "body": body})
    check(server.run(options(zstack, timeout=HANGS)))


def test_a_hundred_thousand_backups_are_listed_without_much_memory(zstack: Simulator, server: ForkServer) -> None:
    zstack.inject({"body": ['{"backups": [', {"repeat": BACKUP + ",", "times": 99_999}, BACKUP, "]}"]})
    outcome = server.run({**options(zstack, timeout=HANGS), "limit": 1})
    assert '"total": 100000' in outcome.stdout
    check(outcome)
