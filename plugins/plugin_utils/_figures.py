# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of the report: its time axis, gaps, marks and fingerprint. This code has no texts and reads no clock.

An x is a percentage of the width. Days are counted since 1970 in the time zone of the node.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median_low
from typing import Any, NamedTuple

from ..module_utils._backups import FUTURE

DAY = 86400
# The glyphs of backups that can be restored, that cannot, and of which it is unknown.
RESTORABLE, OTHER, UNKNOWN = range(3)
_GLYPHS = {True: RESTORABLE, False: OTHER}
_SHORTEST_AXIS, _OLDEST = 13 * DAY, 3650 * DAY
# A long gap ends the axis, because it would compress everything after it.
_LONG_GAP = 60 * DAY
# Nightly backups can be taken before midnight on one day, and after midnight on the next but one.
_NIGHTLY = 26 * 3600
_TICK_DAYS = (1, 2, 3, 7, 14, 30, 61, 91, 182, 365, 730, 1826)
_TICKS = 6
# Width of a bar in pixels, by the largest number of bars in a row.
_BAR_WIDTHS = ((20, 7.0), (60, 4.0), (150, 2.5))
# Width of a label, as a percentage: of its margin and of each character, up to the length to which it is shortened.
_LABEL_MARGIN, _LABEL_CHARACTER, LABEL_LENGTH = 3, 2, 12
# Height of the largest bar of a size.
HEIGHT = 70
_SIZE_LIMIT = 2**96


class Gap(NamedTuple):
    """Days without a backup, from ``since`` to ``until``."""

    since: int
    until: int
    x: float
    width: float

    @property
    def days(self) -> int:
        return self.until - self.since + 1

    @property
    def center(self) -> float:
        return round(self.x + self.width / 2, 2)


class Mark(NamedTuple):
    x: float
    glyph: int


class Bar(NamedTuple):
    x: float
    y: float


class Change(NamedTuple):
    """A version that differs from that of the backup before, which was taken at ``at``."""

    x: float
    old: Any
    new: Any
    at: str


class Label(NamedTuple):
    x: float
    version: Any
    at_end: bool


class Tick(NamedTuple):
    x: float
    day: int
    at_start: bool
    at_end: bool


@dataclass(frozen=True)
class Row:
    """What is drawn of a storage."""

    marks: Sequence[Mark]
    bars: Mapping[int, Sequence[Bar]]  # by glyph
    newest_size: int | None
    largest_size: int
    gaps: Sequence[Gap]  # oldest first
    changes: Sequence[Change]  # oldest first
    labels: Sequence[Label]
    older: int  # than the axis
    oldest: str | None
    future: int
    undated: int


@dataclass(frozen=True)
class Figures:
    """What is drawn of a node."""

    checked_at: str | None
    offset: int  # from UTC, in seconds
    ticks: Sequence[Tick]
    by_month: bool  # whether the ticks are too far apart for days
    since: int | None  # first day on the axis with a backup
    gaps: Sequence[Gap]
    rows: Sequence[Row]
    glyphs: Sequence[int]
    bar_width: float

    @property
    def missed(self) -> int:
        return sum(gap.days for gap in self.gaps)


class _Backup(NamedTuple):
    at: int
    offset: int
    day: int


@dataclass(frozen=True)
class _Axis:
    first: int  # nothing before this time is drawn
    left: float
    scale: float

    def x(self, time: float) -> float:
        return round((time - self.left) * self.scale, 2)


def draw(results: Sequence[Mapping[str, Any]], now: int) -> Figures:
    """Return the figures of a node's results. ``now`` is only used if no storage could be scanned."""
    times = [result["checked_at"] for result in results if result.get("checked_at")]
    checked_at = max(times, key=_epoch, default=None)
    clock = _epoch(checked_at) if checked_at else now
    offset = _offset(checked_at) if checked_at else 0
    past = [_past(result) for result in results]
    epochs = sorted(
        (each["created_epoch"] for mine in past for each in mine if each["age_seconds"] <= _OLDEST), reverse=True
    )
    first, right = _first(epochs, clock), max([clock, *epochs[:1]])
    left = min(first, right - _SHORTEST_AXIS)
    margin = (right - left) * 0.02
    axis = _Axis(first, left - margin, 100 / (right - left + 2 * margin))

    drawn = [[_dated(each) for each in mine if each["created_epoch"] >= first] for mine in past]
    merged = sorted((each for mine in drawn for each in mine), reverse=True)
    first_day = merged[-1].day if merged else (first + offset) // DAY
    today = _Backup(clock, offset, (clock + offset) // DAY)
    # If all backups are older than the axis, all of it is a gap.
    before = _Backup(0, offset, first_day - 1)
    intervals = [_interval(mine) for mine in drawn]
    # The platform has a backup as often as its most frequent storage.
    shortest = min((each for each in intervals if each), default=None)
    gaps = [
        _gaps([today, *(mine or [before])] if known else [], interval, axis)
        for mine, known, interval in zip([*drawn, merged], [*past, any(past)], [*intervals, shortest])
    ]
    largest = max((min(each["size"] or 0, _SIZE_LIMIT) for mine in past for each in mine), default=0) or 1
    rows = [_row(result, mine, found, axis, largest) for result, mine, found in zip(results, past, gaps)]
    most = max((len(row.marks) for row in rows), default=0)
    days = (right - left + 2 * margin) / DAY
    return Figures(
        checked_at=checked_at,
        offset=offset,
        ticks=list(_ticks(axis, right, offset, days)),
        by_month=days > 300,
        since=first_day if any(past) else None,
        gaps=gaps[-1],
        rows=rows,
        glyphs=sorted({mark.glyph for row in rows for mark in row.marks}),
        bar_width=next((width for limit, width in _BAR_WIDTHS if most <= limit), 1.5),
    )


def _epoch(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def _offset(time: str) -> int:
    offset = datetime.fromisoformat(time).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _past(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the backups that have a time that is not in the future, newest first."""
    return [
        each
        for each in result["backups"]
        if each["created_epoch"] is not None and each["age_seconds"] is not None and each["age_seconds"] >= -FUTURE
    ]


def _dated(backup: Mapping[str, Any]) -> _Backup:
    """Return a backup with its day. Its offset can differ from today's, because of daylight saving time."""
    at, offset = backup["created_epoch"], _offset(backup["created_at"])
    return _Backup(at, offset, (at + offset) // DAY)


def _first(epochs: Sequence[int], clock: int) -> int:
    """Return the time of the oldest backup before which there is no very long gap."""
    if not epochs:
        return clock - _SHORTEST_AXIS
    for later, earlier in pairwise(epochs):
        if later - earlier > max(_LONG_GAP, 2 * (epochs[0] - later)):
            return later
    return epochs[-1]


def _interval(backups: Sequence[_Backup]) -> int | None:
    """Return the usual number of days from a day with a backup to the next such day: the lower median."""
    days = dict.fromkeys(each.day for each in backups)
    steps = [later - earlier for later, earlier in pairwise(days)]
    return median_low(steps) if steps else None


def _gaps(backups: Sequence[_Backup], interval: int | None, axis: _Axis) -> list[Gap]:
    """Return the gaps between backups, which are newest first, oldest first."""
    longest = 1.5 * interval * DAY if interval and interval > 1 else _NIGHTLY
    found = []
    for later, earlier in pairwise(backups):
        since, until = earlier.day + 1, later.day - 1
        if later.at - earlier.at > longest and since <= until:
            x = axis.x(max(since * DAY - earlier.offset, axis.first))
            found.append(Gap(since, until, x, round(axis.x((until + 1) * DAY - later.offset) - x, 2)))
    return found[::-1]


def _row(
    result: Mapping[str, Any], past: Sequence[Mapping[str, Any]], gaps: Sequence[Gap], axis: _Axis, largest: int
) -> Row:
    shown = [each for each in past if each["created_epoch"] >= axis.first]
    marks = [Mark(axis.x(each["created_epoch"]), _GLYPHS.get(each["restorable"], UNKNOWN)) for each in shown]
    bars: dict[int, list[Bar]] = {}
    sizes = [min(each["size"], _SIZE_LIMIT) for each in shown if each["size"] is not None]
    for backup, mark in zip(shown, marks):
        if backup["size"] is not None:
            top = round(HEIGHT - HEIGHT * min(backup["size"], _SIZE_LIMIT) / largest, 1)
            bars.setdefault(mark.glyph, []).append(Bar(mark.x, top))
    changes = []
    for (newer, mark), older in zip(zip(shown, marks), shown[1:]):
        if newer["version"] != older["version"]:
            before = min(newer["created_epoch"] - older["created_epoch"], DAY / 2) * axis.scale / 4
            changes.append(Change(round(mark.x - before, 2), older["version"], newer["version"], newer["created_at"]))
    return Row(
        marks=marks,
        bars=dict(sorted(bars.items())),
        newest_size=sizes[0] if sizes else None,
        largest_size=max(sizes, default=0),
        gaps=gaps,
        changes=changes[::-1],
        labels=_labels(shown, marks),
        older=len(past) - len(shown),
        oldest=past[-1]["created_at"] if past else None,
        future=sum(each["created_epoch"] is not None for each in result["backups"]) - len(past),
        undated=sum(each["created_epoch"] is None for each in result["backups"]),
    )


def _labels(backups: Sequence[Mapping[str, Any]], marks: Sequence[Mark]) -> list[Label]:
    """Return a label at the first backup of each version. If labels would overlap, only the newer version has one."""
    labels, last = [], 200.0
    for number, (backup, mark) in enumerate(zip(backups, marks), 1):
        if number == len(backups) or backups[number]["version"] != backup["version"]:
            width = _LABEL_MARGIN + _LABEL_CHARACTER * min(len(str(backup["version"] or "")), LABEL_LENGTH)
            if last - mark.x > width:
                at_end = mark.x > 90
                last = mark.x - width if at_end else mark.x
                labels.append(Label(mark.x, backup["version"], at_end))
    return labels


def _ticks(axis: _Axis, right: int, offset: int, days: float) -> Iterator[Tick]:
    """Return at most seven midnights, starting from today."""
    every = next((each for each in _TICK_DAYS if each >= days / _TICKS), int(days / _TICKS))
    today = (right + offset) // DAY
    for day in range(today, today - _TICKS * every - 1, -every):
        x = axis.x(day * DAY - offset)
        if x >= 0:
            yield Tick(x, day, x < 6, x > 94)


_LASTING_KEYS = ("id", "name", "version", "size", "created_at", "restorable")
_RESULT_KEYS = ("storage", "msg", "platform_version", "timezone", "timezone_source")
# What changes although nothing has changed.
_TIMES = ("age", "ahead")


def fingerprint(nodes: Sequence[Mapping[str, Any]], drawn: Sequence[Figures], *more: str) -> str:
    """Return a hash of everything in the report except times and ages. An age only counts as passed or failed.

    The conditions of a verdict contain the policy. ``more`` is what is not in a node, such as the language.
    """
    digest = hashlib.sha256(json.dumps(more).encode())
    for node, figures in zip(nodes, drawn):
        verdict = node.get("verdict") or {}
        conditions = [
            [check["name"], check["passed"], check["reason"], _lasting(check["values"])]
            for storage in verdict.get("storages", [])
            for check in storage["checks"]
        ]
        names = [storage["name"] for storage in verdict.get("storages", [])]
        seen = [
            [[result.get(key) for key in _RESULT_KEYS], [[each.get(key) for key in _LASTING_KEYS] for each in backups]]
            for result in node["results"]
            for backups in [result["backups"]]
        ]
        gaps = [[(gap.since, gap.until) for gap in row.gaps] for row in figures.rows]
        about = [
            node["host"],
            node["address"],
            node.get("reason"),
            verdict.get("values"),
            names,
            conditions,
            seen,
            gaps,
        ]
        digest.update(json.dumps(about, sort_keys=True).encode())
    return digest.hexdigest()


def _lasting(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _TIMES}
