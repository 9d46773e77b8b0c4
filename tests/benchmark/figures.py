# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures of one run: samples that were taken alternately, their medians, and how far these can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Any

Samples = Mapping[str, Sequence[Any]]


def alternate(rounds: int, programs: Mapping[str, Callable[[], Any]], *, warm_up: bool = True) -> Samples:
    """Return what each program returns, as often as there are rounds. Do not count a first round, to warm up."""
    samples: dict[str, list[Any]] = {name: [] for name in programs}
    for number in range(rounds + warm_up):
        for name, program in programs.items():
            sample = program()
            if number >= warm_up:
                samples[name].append(sample)
    return samples


@dataclass(frozen=True)
class Figure:
    """What came out of each round, in ``unit``, and the goal: the most that it may be."""

    name: str
    rounds: Sequence[float]
    goal: float | None = None
    unit: str = ""

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the median of any number of rounds would be, with a confidence of 90%.

        It is the interval between two rounds, whatever their distribution is. Fewer than five rounds are too few for
        this confidence: then the interval is that of all rounds.
        """
        ordered, count = sorted(self.rounds), len(self.rounds)
        ranks = range(2, count // 2 + 1)
        # Each round is below the median with the probability that a coin shows heads.
        left_out = [rank - 1 for rank in ranks if 2 * sum(comb(count, k) for k in range(rank)) <= 0.1 * 2**count]
        first = max(left_out, default=0)
        return ordered[first], ordered[-1 - first]

    @property
    def verdict(self) -> str:
        """Whether the goal is met or missed, or unclear because it is within the interval."""
        if self.goal is None:
            return ""
        if self.value <= self.goal:
            return "met"
        return "missed" if self.interval[0] > self.goal else "unclear"

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """The cells of a table: name, value, interval, goal, and verdict."""
        goal = "" if self.goal is None else f"{self.goal:.2f}{self.unit}"
        low, high = self.interval
        return self.name, f"{self.value:.2f}{self.unit}", f"{low:.2f} to {high:.2f}", goal, self.verdict


def ratios(ours: Sequence[float], theirs: Sequence[float], base: Sequence[float] | None = None) -> list[float]:
    """Return, for each round, what ours takes of what theirs takes, both above what the base takes."""
    bases = base or [0.0] * len(ours)
    return [(our - low) / (their - low) for our, their, low in zip(ours, theirs, bases)]


def above(samples: Sequence[float], base: Sequence[float]) -> list[float]:
    return [sample - low for sample, low in zip(samples, base)]
