# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of the report: what is drawn where, which days are missing, and what counts as a change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from statistics import median_low
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.zstack.cloud.plugins.plugin_utils._figures import (
    OTHER,
    RESTORABLE,
    UNKNOWN,
    Figures,
    Gap,
    draw,
    fingerprint,
)
from ansible_collections.zstack.cloud.tests.browser.pages import NOW, PLATFORM, VERSIONS, Images, node, scanned


def backup(taken: datetime | None, version: str | None = VERSIONS[0], size: int | None = 100) -> dict[str, Any]:
    created = taken and taken.isoformat()
    return {"name": f"zstack-db-{taken}", "version": version, "size": size, "createdTime": created}


def hours_ago(*hours: float) -> Images:
    return [backup(NOW - timedelta(hours=each)) for each in hours]


def nights(count: int, every: int = 1) -> Images:
    return hours_ago(*(24 * day + 15 for day in range(0, count, every)))


def drawn(*storages: Images, now: datetime = NOW) -> Figures:
    platform = PLATFORM._replace(zone=now.tzinfo)
    return draw([scanned(images, number, now, platform) for number, images in enumerate(storages)], 0)


def days(gaps: Sequence[Gap]) -> list[str]:
    """Return the missing days."""
    return [str(date(1970, 1, 1) + timedelta(days=day)) for gap in gaps for day in range(gap.since, gap.until + 1)]


@pytest.mark.parametrize(
    ("hours", "missed"),
    [
        pytest.param([15, 39, 63, 91.3, 111, 135], 1, id="an evening backup does not hide the next night"),
        pytest.param([16.9, 41.1, 64.9, 89.1], 0, id="nights around midnight"),
        pytest.param([24 * 7 * week + 15 for week in range(6)], 0, id="weekly"),
        pytest.param([24 * 7 * week + 15 for week in (0, 1, 2, 6, 7)], 27, id="a month without a weekly backup"),
        pytest.param([], 0, id="none"),
        pytest.param([15], 0, id="one"),
        pytest.param([15 + 24 * 3], 2, id="one, three days ago"),
        pytest.param([15, 15 + 24 * 10, 15 + 24 * 11], 9, id="the shorter of two intervals is the usual one"),
        pytest.param([15, 39, 63, 24 * 365 * 3], 0, id="one of years ago"),
        pytest.param([-24 * 30, 15, 39, 39 + 48], 1, id="one in the future"),
        pytest.param([-24 * 30], 0, id="only one in the future"),
        pytest.param([24 * 365 * 20], 13, id="only one of decades ago: all of the axis"),
    ],
)
def test_a_day_without_a_backup_is_missed_unless_backups_are_rarer(hours: list[float], missed: int) -> None:
    figures = drawn(hours_ago(*hours))
    assert figures.missed == sum(gap.days for gap in figures.rows[0].gaps) == missed
    assert all(gap.x >= 0 and gap.width > 0 and gap.x + gap.width <= 100 for gap in figures.gaps)


def missing_days(storages: Sequence[Sequence[datetime]], checked: datetime) -> list[list[str]]:
    """Return the missing days of each storage and of the platform as the guide defines them, day by day."""
    intervals = []
    for backups in storages:
        dates = sorted({each.date() for each in backups})
        intervals.append(median_low([(to - since).days for since, to in pairwise(dates)]) if len(dates) > 1 else None)
    intervals.append(min((each for each in intervals if each), default=None))
    found = []
    for backups, interval in zip([*storages, [each for mine in storages for each in mine]], intervals):
        longest = timedelta(hours=26) if (interval or 1) == 1 else timedelta(days=1.5 * (interval or 1))
        taken = {each.date() for each in backups}
        missing = []
        for number in range(60, 0, -1):
            day = checked.date() - timedelta(days=number)
            before = [each for each in backups if each.date() < day]
            after = [each for each in backups if each.date() > day] or [checked]
            if day not in taken and before and min(after) - max(before) > longest:
                missing.append(str(day))
        found.append(missing)
    return found


def test_missing_days_are_those_of_an_independent_computation() -> None:
    chance = random.Random(7)
    lengths = set()
    for _node in range(100):
        zone = ZoneInfo(chance.choice(["America/New_York", "Asia/Shanghai", "Europe/Berlin"]))
        now = NOW.astimezone(zone)
        storages = []
        for _storage in range(chance.choice([1, 1, 2, 3])):
            step, hour = chance.choice([1, 1, 1, 2, 7]), chance.choice([0, 2, 23])
            hours = [day * 24 + hour + chance.choice([0, 0, 0.4, -0.4]) for day in range(1, 50, step)]
            times = [NOW - timedelta(hours=each) for each in hours if chance.random() < 0.8]
            storages.append([each.astimezone(zone) for each in times or [NOW - timedelta(hours=5)]])
        figures = drawn(*([backup(each) for each in mine] for mine in storages), now=now)
        expected = missing_days(storages, now)
        assert [*(days(row.gaps) for row in figures.rows), days(figures.gaps)] == expected
        lengths |= {len(each) for each in expected}
    assert len(lengths) > 5


def test_the_day_of_a_backup_is_by_the_offset_at_its_time() -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime(2026, 11, 5, 12, tzinfo=zone)
    dates = [(11, day) for day in range(1, 6)] + [(10, day) for day in range(15, 32) if day != 20]
    taken = [datetime(2026, month, day, 0, 15, tzinfo=zone) for month, day in dates]
    assert days(drawn([backup(each) for each in taken], now=now).gaps) == ["2026-10-20"]


def test_an_old_backup_does_not_compress_the_time_axis() -> None:
    figures = drawn([*nights(15), *hours_ago(24 * 2900)])
    (row,) = figures.rows
    positions = [mark.x for mark in row.marks]
    assert len(positions) == 15
    assert max(positions) - min(positions) > 80
    assert (row.older, str(row.oldest)[:4]) == (1, "2018")


def of_year(year: int) -> dict[str, Any]:
    return backup(datetime(year, 6, 1, tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("odd", "counts"),
    [
        (of_year(2), (2, 0, 0)),
        (of_year(1970), (2, 0, 0)),
        (of_year(9998), (0, 2, 0)),
        (backup(None), (0, 0, 2)),
    ],
)
def test_a_backup_without_a_sensible_time_is_counted_and_not_drawn(
    odd: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    figures = drawn([odd, odd], [*hours_ago(15, 39), odd, odd])
    assert [len(row.marks) for row in figures.rows] == [0, 2]
    assert figures.missed == 0
    assert [(row.older, row.future, row.undated) for row in figures.rows] == [counts] * 2


def test_a_glyph_only_depends_on_whether_the_backup_can_be_restored() -> None:
    backups = [{**each, "version": version} for each, version in zip(nights(4), (VERSIONS[0], "4.7.21", None, "4.9.0"))]
    figures = drawn(backups)
    assert [mark.glyph for mark in figures.rows[0].marks] == [RESTORABLE, OTHER, UNKNOWN, OTHER]
    assert figures.glyphs == [RESTORABLE, OTHER, UNKNOWN]
    assert drawn(backups[1:2]).glyphs == [OTHER]


def test_a_change_of_version_has_a_line_and_labels_never_overlap() -> None:
    backups = nights(12)
    for number, each in enumerate(backups[6:]):
        each["version"] = f"4.7.{number}"
    (row,) = drawn(backups).rows
    assert (row.changes[-1].old, row.changes[-1].new, len(row.changes)) == ("4.7.0", VERSIONS[0], 6)
    assert [each.version for each in row.labels][:2] == [VERSIONS[0], "4.7.1"]
    assert all(later.x - earlier.x >= 10 for later, earlier in pairwise(row.labels))


@pytest.mark.parametrize("size", [None, 0, 1, 10**300])
def test_any_size_can_be_drawn(size: int | None) -> None:
    (row,) = drawn([backup(NOW, size=size), *hours_ago(24)]).rows
    bars = [mark for marks in row.bars.values() for mark in marks]
    assert len(bars) == (1 if size is None else 2)
    assert all(0 <= mark.y <= 70 for mark in bars)


def test_a_node_without_any_result_has_figures_too() -> None:
    figures = draw([], int(NOW.timestamp()))
    assert (figures.checked_at, figures.since, figures.missed, list(figures.rows)) == (None, None, 0, [])


STEPS = {1: 3, 40: 7, 80: 14, 160: 30, 350: 61, 515: 91, 1000: 182, 2000: 365, 3600: 730}


@pytest.mark.parametrize(("length", "step"), STEPS.items())
def test_ticks_are_few_at_equal_steps_and_within_the_width(length: int, step: int) -> None:
    figures = drawn(nights(length, every=1 + length // 400))
    assert 3 <= len(figures.ticks) <= 7
    assert all(0 <= tick.x <= 100 for tick in figures.ticks)
    assert {later.day - earlier.day for later, earlier in pairwise(figures.ticks)} == {step}
    assert figures.by_month == (step > 30)


def test_ticks_and_gaps_are_at_midnights_of_the_zone() -> None:
    figures = drawn(hours_ago(*(24 * day + 15 for day in range(15) if day != 6)))
    newest, *_others, oldest = (mark.x for mark in figures.rows[0].marks)
    day = (newest - oldest) / 14
    # The backups were taken at two o'clock.
    midnights = [newest - day * (number + 2 / 24) for number in range(14)]
    assert [tick.x for tick in figures.ticks] == pytest.approx(midnights[::3], abs=0.02)
    (gap,) = figures.gaps
    assert (gap.x, gap.width, gap.center) == pytest.approx((midnights[6], day, midnights[6] + day / 2), abs=0.02)


def test_ticks_near_the_ends_say_so() -> None:
    drawings = [drawn(nights(count), now=NOW.replace(hour=hour)) for count in range(15, 25) for hour in (16, 23)]
    ticks = [tick for figures in drawings for tick in figures.ticks]
    assert {(tick.at_start, tick.at_end) for tick in ticks} == {(True, False), (False, False), (False, True)}
    assert all((tick.at_start, tick.at_end) == (tick.x < 6, tick.x > 94) for tick in ticks)


def checked(images: Images, now: datetime = NOW, **policy: Any) -> dict[str, Any]:
    return node(scanned(images, now=now), host="mn1", **policy)


def mark_of(*nodes: dict[str, Any], language: str = "en") -> str:
    return fingerprint(nodes, [draw(each["results"], 0) for each in nodes], language)


def test_only_times_and_ages_are_no_change() -> None:
    assert mark_of(checked(nights(2))) == mark_of(checked(nights(2), NOW + timedelta(hours=3)))


@pytest.mark.parametrize(
    "change",
    [
        lambda one, other: other.update(checked(nights(2), max_age="3d")),
        lambda one, other: other.update(checked(nights(2), max_shrink=None)),
        lambda one, other: other.update(checked(nights(2), min_storages=1)),
        lambda one, other: other.update(checked(nights(1), min_count=1)),
        lambda one, other: other.update(host="mn2"),
        lambda one, other: other.update(address="192.0.2.11"),
        lambda one, other: other.update(verdict=None, reason="timeout must be an integer"),
        lambda one, other: one["results"][0].update(timezone_source="host"),
        lambda one, other: one["results"][0].update(platform_version=None),
        *(
            lambda one, other, key=key: one["results"][0]["backups"][0].update({key: "other"})
            for key in ("id", "name", "version", "restorable")
        ),
        lambda one, other: one["results"][0]["backups"][0].update(size=1),
    ],
)
def test_everything_else_of_each_host_is_a_change(change: Any) -> None:
    nodes = [checked(nights(2)), checked(nights(2))]
    before = mark_of(*nodes)
    change(*nodes)
    assert mark_of(*nodes) != before


def test_a_verdict_a_gap_and_the_language_are_changes() -> None:
    nodes = [checked(nights(1), NOW + timedelta(hours=later)) for later in (0, 10, 80)]
    assert len({mark_of(each, language=language) for each in nodes for language in ("en", "zh")}) == 6
