# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark makes of its measurements."""

from __future__ import annotations

import pytest

from ansible_collections.zstack.cloud.tests.benchmark.figures import Figure, above, alternate, ratios


def test_the_result_is_the_median_of_the_rounds() -> None:
    assert Figure("task", [0.5, 9.0, 0.4]).value == 0.5


@pytest.mark.parametrize(
    ("rounds", "missed"),
    [([0.9, 1.0, 0.8], False), ([1.0, 1.0, 1.0], False), ([1.02, 1.2, 1.0], False), ([1.2, 1.2, 1.21], True)],
)
def test_a_goal_is_missed_only_by_more_than_the_noise(rounds: list[float], missed: bool) -> None:
    assert Figure("task", rounds, goal=1.0).missed is missed


def test_a_figure_without_a_goal_cannot_miss_it() -> None:
    assert not Figure("task", [100.0]).missed


def test_programs_take_turns_and_a_first_round_is_not_counted() -> None:
    calls: list[str] = []

    def program(name: str) -> int:
        calls.append(name)
        return len(calls)

    samples = alternate(2, ours=lambda: program("ours"), theirs=lambda: program("theirs"))
    assert calls == ["ours", "theirs"] * 3
    assert samples == {"ours": [3, 5], "theirs": [4, 6]}


def test_a_ratio_is_of_what_both_add_to_the_same_round_of_an_empty_play() -> None:
    assert ratios([2.0, 3.0], [3.0, 5.0], [1.0, 1.0]) == [0.5, 0.5]
    assert above([2.0, 3.0], [1.0, 1.0]) == [1.0, 2.0]
