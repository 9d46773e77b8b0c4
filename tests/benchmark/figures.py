# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures of one run: samples that were taken alternately, their medians, and how far a ratio can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Samples = Mapping[str, Sequence[Any]]


def alternate(rounds: int, **programs: Callable[[], Any]) -> Samples:
    """Return what each program returns, as often as there are rounds. A first round is not counted."""
    samples: dict[str, list[Any]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, program in programs.items():
            sample = program()
            if number:
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
    def noise(self) -> float:
        """Half of the distance between the quartiles of the rounds."""
        if len(self.rounds) < 2:
            return 0.0
        first, _median, third = quantiles(self.rounds, n=4, method="inclusive")
        return (third - first) / 2

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.value - self.noise > self.goal

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """The cells of a table: name, value, noise, goal, and whether the goal is met."""
        goal, verdict = "", ""
        if self.goal is not None:
            goal, verdict = f"{self.goal:.2f}{self.unit}", "missed" if self.missed else "met"
        return self.name, f"{self.value:.2f}{self.unit}", f"± {self.noise:.2f}", goal, verdict


def ratios(ours: Sequence[float], theirs: Sequence[float], base: Sequence[float] | None = None) -> list[float]:
    """Return, for each round, what ours takes of what theirs takes, both above what the base takes."""
    bases = base or [0.0] * len(ours)
    return [(our - low) / (their - low) for our, their, low in zip(ours, theirs, bases)]


def above(samples: Sequence[float], base: Sequence[float]) -> list[float]:
    return [sample - low for sample, low in zip(samples, base)]
