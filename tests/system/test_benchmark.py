# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark compares programs that do the same job, and judges them by the median."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._backups import _PARALLEL_SCANS
from ansible_collections.zstack.cloud.tests.benchmark.__main__ import (
    AT_ONCE,
    Figure,
    Play,
    Usage,
    added,
    node,
    ratios,
    variables,
)


def test_each_program_sends_one_scan_and_the_floor_what_the_module_sends(tmp_path: Path) -> None:
    requests = {}
    for program in ("module", "peer", "floor"):
        with node(30) as zstack:
            Play(tmp_path, node=variables(zstack)).run(program)
            requests[program] = sorted((each.method, re.sub("[0-9a-f]{32}", "", each.path)) for each in zstack.requests)
        assert sum("image-store" in path for _method, path in requests[program]) == 1
    assert requests["module"] == requests["floor"]


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [([0.9, 1.3, 0.8], "met"), ([1.0], "met"), ([1.02, 1.2, 0.9], "unclear"), ([1.2, 1.3, 1.1], "missed")],
)
def test_a_goal_is_missed_only_if_every_round_misses_it(rounds: list[float], verdict: str) -> None:
    assert Figure("task", rounds, goal=1.0).verdict == verdict


def test_a_ratio_is_without_what_an_empty_play_takes() -> None:
    seconds = {"empty": [1, 2], "module": [2, 3], "peer": [3, 6]}
    samples = {name: [Usage(each, 0, 0) for each in rounds] for name, rounds in seconds.items()}
    assert ratios(added(samples, "module"), added(samples, "peer")) == [0.5, 0.25]


def test_the_benchmark_expects_as_many_scans_at_once_as_the_lookup_starts() -> None:
    assert AT_ONCE == _PARALLEL_SCANS
