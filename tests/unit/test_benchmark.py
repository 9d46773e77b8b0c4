# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark makes of its measurements."""

from __future__ import annotations

from functools import partial
from math import log
from random import Random

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._backups import _PARALLEL_SCANS
from ansible_collections.zstack.cloud.tests.benchmark.__main__ import AT_ONCE
from ansible_collections.zstack.cloud.tests.benchmark.figures import Figure, above, alternate, ratios


def test_the_result_is_the_median_of_the_rounds() -> None:
    assert Figure("task", [0.5, 9.0, 0.4]).value == 0.5


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [
        ([0.9, 1.3, 0.8], "met"),
        ([1.0, 1.0, 1.0], "met"),
        ([1.02, 1.2, 0.9], "unclear"),
        ([1.2, 1.2, 1.21], "missed"),
        ([1.2], "missed"),
        # Of nine rounds, the best and the worst can be outliers.
        ([0.1, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 9], "missed"),
        ([0.1, 0.1, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 9], "unclear"),
    ],
)
def test_a_goal_is_missed_only_if_the_median_is_certainly_above_it(rounds: list[float], verdict: str) -> None:
    assert Figure("task", rounds, goal=1.0).verdict == verdict


def test_a_figure_without_a_goal_cannot_miss_it() -> None:
    assert Figure("task", [100.0]).verdict == ""


@pytest.mark.parametrize(
    ("rounds", "first"), [(1, 1), (4, 1), (5, 1), (7, 1), (8, 2), (10, 2), (11, 3), (15, 4), (50, 19)]
)
def test_the_interval_is_that_of_tables_of_order_statistics(rounds: int, first: int) -> None:
    low, high = Figure("task", list(range(1, rounds + 1))).interval
    assert (low, high) == (first, rounds + 1 - first)


@pytest.mark.parametrize("count", [5, 8, 9, 11, 20])
def test_the_interval_contains_the_median_nine_times_of_ten(count: int) -> None:
    random = Random(count)
    trials, contained = 2_000, 0
    for _trial in range(trials):
        low, high = Figure("task", [random.expovariate(log(2)) for _round in range(count)]).interval
        contained += low <= 1 <= high
    assert contained > 0.88 * trials


def test_programs_take_turns_and_a_first_round_is_not_counted() -> None:
    calls: list[str] = []

    def program(name: str) -> int:
        calls.append(name)
        return len(calls)

    samples = alternate(2, {name: partial(program, name) for name in ("ours", "theirs")})
    assert calls == ["ours", "theirs"] * 3
    assert samples == {"ours": [3, 5], "theirs": [4, 6]}
    calls.clear()
    assert alternate(1, {"ours": partial(program, "ours")}, warm_up=False) == {"ours": [1]}


def test_a_ratio_is_of_what_both_add_to_the_same_round_of_an_empty_play() -> None:
    assert ratios([2.0, 3.0], [3.0, 5.0], [1.0, 1.0]) == [0.5, 0.5]
    assert above([2.0, 3.0], [1.0, 1.0]) == [1.0, 2.0]


def test_the_time_of_the_scans_is_that_of_as_many_at_once_as_the_lookup_starts() -> None:
    assert AT_ONCE == _PARALLEL_SCANS
