# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page and as text, from verdicts and figures. The templates only lay out and escape."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..module_utils._backups import FUTURE
from ..module_utils._client import VERSION
from ._figures import HEIGHT, LABEL_LENGTH, OTHER, RESTORABLE, UNKNOWN, Change, Figures, Gap, Row, draw, fingerprint
from ._words import GUIDE, Text, Words

_NAME_LIMIT, _ERROR_LIMIT = 120, 2000
# Number of gaps of a storage that are listed.
_GAPS = 3
_NOTHING = "\N{EN DASH}"
_SYMBOLS = {"ok": "✓", "warn": "!", "bad": "✗", "none": _NOTHING}

_EN: Mapping[str, Text] = {
    "page.lang": "en",
    "page.title": "ZStack database backups",
    "page.ready": "Ready for an upgrade",
    "page.not_ready": "Not ready for an upgrade",
    "page.not_checked": "Not checked",
    "page.nodes_ready": "{ready} of {count} management nodes ready",
    "page.nodes_not_checked": ("{count} not checked", "{count} not checked"),
    "page.node": "Management node",
    "page.nodes": "Management nodes",
    "page.not_scanned": "Not scanned: {names}",
    "page.steps": "What to do",
    "page.guide": "When the gate says no",
    "page.running": "Platform version",
    "page.newest_restorable": "Newest restorable backup",
    "page.newest": "newest",
    "page.newest_of_all": "newest of all: {backup}",
    "page.none": "none",
    "page.ago": "{age} ago",
    "page.missed": "Days without a backup",
    "page.none_missed": "none since {day}",
    "page.with_gaps": ("but {count} storage has gaps", "but {count} storages have gaps"),
    "page.missed_line": "Days without a backup: {gaps}",
    "page.change": "Last version change",
    "page.changed_on": "{old} → {new} on {day}",
    "page.changed": "{old} → {new}",
    "page.timeline": "Timeline",
    "page.timeline_of": "Timeline of {name}",
    "page.hint": "Each bar is a backup. Dashed lines are version changes.",
    "page.legend": "Legend",
    "page.can": "can be restored",
    "page.can_version": "version {version}: can be restored",
    "page.cannot": "another version: cannot be restored",
    "page.maybe": "unknown whether it can be restored",
    "page.gap": "no backup",
    "page.sizes": "Size over time",
    "page.sizes_of": "Size over time on {name}",
    "page.sizes_about": "Newest {newest}, largest {largest}.",
    "page.table": "All backups",
    "page.name": "Backup",
    "page.storage": "Storage",
    "page.version": "Version",
    "page.size": "Size",
    "page.taken": "Taken",
    "page.restorable": "Restorable",
    "page.yes": "yes",
    "page.no": "no",
    "page.passed": "passed",
    "page.failed": "failed",
    "page.scan_failed": "not scanned",
    "page.backups": ("{count} backup", "{count} backups"),
    "page.older": ("{count} older", "{count} older"),
    "page.oldest": "oldest {day}",
    "page.future": ("{count} in the future", "{count} in the future"),
    "page.undated": ("{count} without a readable time", "{count} without a readable time"),
    "page.no_backup": "no backup",
    "page.gap_day": "no backup on {since}",
    "page.gap_days": "no backup from {since} to {until} ({days} days)",
    "page.more_gaps": ("{count} more gap before", "{count} more gaps before"),
    "page.day": "{day} {name}",
    "page.month": "{name} {year}",
    "page.months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "page.checked": "Checked {time}",
    "page.zone": "times in {zone}",
    "page.zone_unknown": "time zone unknown, times in the controller's time zone",
    "page.written": "Written {time} by the Ansible collection zstack.cloud {version}, state {mark}",
}

_ZH: Mapping[str, Text] = {
    "page.lang": "zh-CN",
    "page.title": "ZStack 数据库备份",
    "page.ready": "可以升级",
    "page.not_ready": "暂不满足升级条件",
    "page.not_checked": "未检查",
    "page.nodes_ready": "{ready} / {count} 个管理节点满足升级条件",
    "page.nodes_not_checked": "{count} 个未检查",
    "page.node": "管理节点",
    "page.nodes": "管理节点",
    "page.not_scanned": "未扫描：{names}",
    "page.steps": "处理办法",
    "page.guide": "未通过检查时怎么办（英文）",
    "page.running": "云平台版本",
    "page.newest_restorable": "最新的可恢复备份",
    "page.newest": "最新备份",
    "page.newest_of_all": "最新备份：{backup}",
    "page.none": "无",
    "page.ago": "{age}前",
    "page.missed": "缺少备份的天数",
    "page.none_missed": "{day} 以来无缺失",
    "page.with_gaps": "但有 {count} 台备份服务器存在缺失",
    "page.missed_line": "缺少备份的日期：{gaps}",
    "page.change": "最近一次版本变更",
    "page.changed_on": "{old} → {new}（{day}）",
    "page.changed": "{old} → {new}",
    "page.timeline": "时间线",
    "page.timeline_of": "{name} 的备份时间线",
    "page.hint": "每根竖条代表一份备份；虚线表示版本变更。",
    "page.legend": "图例",
    "page.can": "可恢复",
    "page.can_version": "版本 {version}：可恢复",
    "page.cannot": "其他版本：不可恢复",
    "page.maybe": "无法判断能否恢复",
    "page.gap": "无备份",
    "page.sizes": "备份大小",
    "page.sizes_of": "{name} 的备份大小变化",
    "page.sizes_about": "最新 {newest}，最大 {largest}。",
    "page.table": "备份列表",
    "page.name": "备份",
    "page.storage": "备份服务器",
    "page.version": "版本",
    "page.size": "大小",
    "page.taken": "备份时间",
    "page.restorable": "可恢复",
    "page.yes": "是",
    "page.no": "否",
    "page.passed": "通过",
    "page.failed": "未通过",
    "page.scan_failed": "扫描失败",
    "page.backups": "{count} 份备份",
    "page.older": "另有 {count} 份更早的备份",
    "page.oldest": "最早 {day}",
    "page.future": "{count} 份备份的时间晚于当前时间",
    "page.undated": "{count} 份备份的时间无法识别",
    "page.no_backup": "没有备份",
    "page.gap_day": "{since} 无备份",
    "page.gap_days": "{since} 至 {until} 无备份（共 {days} 天）",
    "page.more_gaps": "此前还有 {count} 处缺失",
    "page.day": "{month}月{day}日",
    "page.month": "{year}年{month}月",
    "page.months": "1 2 3 4 5 6 7 8 9 10 11 12",
    "page.checked": "检查时间 {time}",
    "page.zone": "时区 {zone}",
    "page.zone_unknown": "服务器时区未知，时间按控制节点所在时区显示",
    "page.written": "生成时间 {time}，由 Ansible 集合 zstack.cloud {version} 生成，状态 {mark}",
}
LABELS: Mapping[str, Mapping[str, Text]] = {"en": _EN, "zh": _ZH}


@dataclass(frozen=True)
class Report:
    page: str
    text: str
    mark: str  # the start of the fingerprint, which both contain


def render(nodes: Sequence[Mapping[str, Any]], language: str, now: int) -> Report:
    """Return the report on nodes.

    A node has a ``host``, an ``address``, its ``results``, and a ``verdict``, or the ``reason`` why there is none.
    """
    words = _PageWords(language)
    nodes = [{**node, "verdict": node["verdict"] and words.describe(node["verdict"])} for node in nodes]
    drawn = [draw(node["results"], now) for node in nodes]
    mark = fingerprint(nodes, drawn, language, VERSION)[:16]
    offset = next((figures.offset for figures in drawn if figures.checked_at), 0)
    time = datetime.fromtimestamp(now, timezone(timedelta(seconds=offset))).isoformat()
    written = words.text("page.written", time=words.moment(time), version=VERSION, mark=mark)
    sections = [_Section(number, node, figures, words) for number, (node, figures) in enumerate(zip(nodes, drawn), 1)]
    ready = sum(section.state in ("ok", "warn") for section in sections)
    unchecked = sum(section.state == "none" for section in sections)
    overview = [words.text("page.nodes_ready", ready=ready, count=len(sections))]
    if unchecked:
        overview.append(words.text("page.nodes_not_checked", count=unchecked))
    word = "ready" if ready == len(sections) else "not_checked" if ready + unchecked == len(sections) else "not_ready"
    environment = _environment()
    script = environment.get_template("page.js.j2").render()
    page = environment.get_template("page.html.j2").render(
        t=words.label,
        words=words,
        word=words.text(f"page.{word}"),
        overview=words.text("comma").join(overview),
        nodes=sections,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=VERSION,
        mark=mark,
        written=written,
        height=HEIGHT,
        guide=GUIDE,
    )
    text = "\n\n".join([words.text("page.title"), *("\n".join(section.text_lines()) for section in sections), written])
    return Report(page, f"{text}\n", mark)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        # Ansible's own templating would evaluate texts of the server, and escapes nothing.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _PageWords(Words):
    """The labels of the page, and values as they are shown on it."""

    def __init__(self, language: str) -> None:
        super().__init__(language, LABELS)
        self._names = self.text("page.months").split()

    def label(self, key: str) -> str:
        return self.text(f"page.{key}")

    def version(self, value: Any, limit: int = 30) -> str:
        text = self.clean("" if value is None else value, _NAME_LIMIT) or self.text("unknown")
        return text if len(text) <= limit else f"{text[: limit - 1]}…"

    def short_version(self, value: Any) -> str:
        return self.version(value, LABEL_LENGTH)

    def moment(self, time: str | None) -> str:
        """Return a time without its seconds, with its offset."""
        return f"{self.minute(time)} {time[19:]}" if time else _NOTHING

    def minute(self, time: str | None) -> str:
        return time[:16].replace("T", " ") if time else _NOTHING

    def day(self, number: int) -> str:
        return _date(number).isoformat()

    def short_day(self, number: int, by_month: bool) -> str:
        day = _date(number)
        values = {"year": day.year, "month": day.month, "day": day.day, "name": self._names[day.month - 1]}
        return self.text("page.month" if by_month else "page.day", **values)

    def answer(self, restorable: bool | None) -> str:
        return self.text("unknown") if restorable is None else self.label("yes" if restorable else "no")

    def gap(self, gap: Gap) -> str:
        key = "page.gap_day" if gap.days == 1 else "page.gap_days"
        return self.text(key, since=self.day(gap.since), until=self.day(gap.until), days=gap.days)

    def gaps(self, gaps: Sequence[Gap]) -> list[str]:
        """Return the newest gaps, and the number of the others."""
        more = len(gaps) - _GAPS
        return [*map(self.gap, gaps[-_GAPS:]), *([self.text("page.more_gaps", count=more)] if more > 0 else [])]

    def change(self, change: Change, key: str = "page.changed_on") -> str:
        return self.text(key, old=self.version(change.old), new=self.version(change.new), day=change.at[:10])

    def age_of(self, backup: Mapping[str, Any], knows_zone: bool) -> str:
        age = backup.get("age_seconds")
        if age is None or not knows_zone:
            return self.text("age_of_newest_unknown")
        return self.text("in_the_future") if age < -FUTURE else self.text("page.ago", age=self.age(max(age, 0), 1))


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


@dataclass(frozen=True)
class _Card:
    label: str
    value: str
    details: Sequence[str]
    state: str = ""


@dataclass(frozen=True)
class _StorageRow:
    """A storage as it is shown above its drawing."""

    id: str
    number: int
    name: str
    state: str
    word: str
    facts: Sequence[str]
    reasons: Sequence[str]
    gaps: Sequence[str]
    description: str
    sizes: str | None
    figures: Row


class _Section:
    """A management node as it is shown, with all texts ready. The templates read its attributes."""

    def __init__(self, number: int, node: Mapping[str, Any], figures: Figures, words: _PageWords) -> None:
        self._node, self._words, self._verdict = node, words, node["verdict"]
        self.number, self.figures = number, figures
        host, address = (words.clean(node[key] or "", _NAME_LIMIT) for key in ("host", "address"))
        self.title = (address if host == "localhost" else host) or words.label("node")
        self.address = address if address != self.title else ""
        self._results = node["results"]
        self._error = None if self._verdict is None else _error_of_node(self._verdict, self._results)
        self.state = self._state()
        self.symbol = _SYMBOLS[self.state]
        self.word = words.label({"bad": "not_ready", "none": "not_checked"}.get(self.state, "ready"))
        self.sentences = list(self._sentences())
        self.steps = self._verdict_steps()
        self.overview = words.text("comma").join([self.word, *self._missed()] if self.state == "warn" else [self.word])
        known: Mapping[str, Any] = next((result for result in self._results if result.get("checked_at")), {})
        self.known = bool(known)
        self.checked = words.text("page.checked", time=words.moment(figures.checked_at)) if known else ""
        self.zone = self._zone(known) if known else ""
        self.cards = list(self._cards(known)) if known else []
        self.legend = list(self._legend(known))
        self.rows = [] if self._error else list(self._rows())
        self.many = len(self.rows) > 1
        self.has_sizes = any(row.sizes for row in self.rows)
        self.total = sum(len(result["backups"]) for result in self._results)

    def _state(self) -> str:
        if self._verdict is None or self._error:
            return "none"
        if not self._verdict["passed"]:
            return "bad"
        is_whole = all(storage["passed"] for storage in self._verdict["storages"])
        return "ok" if is_whole and not any(row.gaps for row in self.figures.rows) else "warn"

    def _sentences(self) -> Iterator[str]:
        if self._verdict is None:
            yield self._words.clean(self._node["reason"] or "", _ERROR_LIMIT)
        elif self._error:
            yield self._error
            names = [self._words.clean(storage["name"], 60) for storage in self._verdict["storages"]]
            yield self._words.text("page.not_scanned", names=self._words.text("comma").join(names))
        else:
            yield self._words.share(self._verdict)
            if self.state == "warn" and any(row.gaps for row in self.figures.rows):
                yield self._words.text("page.missed_line", gaps=self._words.text("semicolon").join(self._missed()))

    def _verdict_steps(self) -> list[str]:
        storages = self._verdict["storages"] if self._verdict else []
        if self._error and not storages[0]["checks"][0]["values"].get("hint"):
            return []  # the step of a storage that cannot be scanned, which is not the reason
        return list(dict.fromkeys(step for storage in storages for step in storage["next_steps"]))

    def _zone(self, known: Mapping[str, Any]) -> str:
        if known.get("timezone_source") == "host":
            return self._words.label("zone_unknown")
        return self._words.text("page.zone", zone=self._words.clean(known.get("timezone")))

    def _missed(self) -> list[str]:
        """Return the gaps of the platform, or since when it has none, although storages can have some."""
        words, figures = self._words, self.figures
        if figures.gaps:
            return words.gaps(figures.gaps)
        if figures.since is None:
            return [words.label("no_backup")]
        gappy = sum(bool(row.gaps) for row in figures.rows)
        since = words.text("page.none_missed", day=words.day(figures.since))
        return [words.text("comma").join([since, *([words.text("page.with_gaps", count=gappy)] if gappy else [])])]

    def _cards(self, known: Mapping[str, Any]) -> Iterator[_Card]:
        words, figures = self._words, self.figures
        yield self._newest()
        missed = str(figures.missed) if figures.since is not None else _NOTHING
        yield _Card(words.label("missed"), missed, self._missed(), "warn" if figures.missed else "")
        changes = sorted((each for row in figures.rows for each in row.changes), key=lambda each: each.at)
        if changes:
            details = [words.change(changes[-1], "page.changed")]
            yield _Card(words.label("change"), changes[-1].at[:10], details)
        else:
            since = figures.since
            none = words.label("no_backup") if since is None else words.text("page.none_missed", day=words.day(since))
            yield _Card(words.label("change"), _NOTHING, [none])
        backups = [backup for result in self._results for backup in result["backups"]]
        sizes = [backup["size"] for backup in backups if backup["size"] is not None]
        count = words.text("page.backups", count=sum(result.get("total") or 0 for result in self._results))
        size = [words.size(sum(sizes))] if sizes else []
        version = words.version(known.get("platform_version"))
        yield _Card(words.label("running"), version, [words.text("comma").join([count, *size])])

    def _newest(self) -> _Card:
        """Return the newest backup that can be restored, beside the newest of all if that is another one."""
        words, storages = self._words, self._verdict["storages"] if self._verdict else []
        knows_zone = all(storage["values"]["knows_zone"] for storage in storages if storage["latest"])
        newest = _newest(storage["latest"] for storage in storages)
        restorable = _newest(storage["newest_restorable"] for storage in storages)
        label = words.label("newest_restorable")
        if not newest:
            return _Card(label, words.label("none"), [words.label("no_backup")], "bad")
        version = words.version(newest.get("version"))
        parts = [words.age_of(newest, knows_zone), words.minute(newest["created_at"]), version]
        of_all = words.text("page.newest_of_all", backup=words.text("comma").join(parts))
        if not restorable:
            unknown = all(storage["latest"]["restorable"] is None for storage in storages if storage["latest"])
            return _Card(label, words.text("unknown") if unknown else words.label("none"), [of_all], "bad")
        details = [words.minute(restorable["created_at"])]
        is_newest = restorable["created_epoch"] == newest["created_epoch"]
        return _Card(label, words.age_of(restorable, knows_zone), details if is_newest else [*details, of_all])

    def _legend(self, known: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
        version = known.get("platform_version")
        texts = {
            RESTORABLE: self._words.text(
                "page.can_version" if version else "page.can", version=self._words.version(version)
            ),
            OTHER: self._words.label("cannot"),
            UNKNOWN: self._words.label("maybe"),
        }
        for glyph in self.figures.glyphs:
            yield glyph, texts[glyph]

    def _rows(self) -> Iterator[_StorageRow]:
        words = self._words
        storages = self._verdict["storages"] if self._verdict else []
        for number, (storage, result, row) in enumerate(zip(storages, self._results, self.figures.rows), 1):
            scanned = not result.get("failed")
            facts = list(self._facts(result, row)) if scanned else []
            gaps = words.gaps(row.gaps)
            state = "bad" if not storage["passed"] else "warn" if row.gaps else "ok"
            sizes = None
            if row.newest_size is not None:
                newest, largest = words.size(row.newest_size), words.size(row.largest_size)
                sizes = words.text("page.sizes_about", newest=newest, largest=largest)
            yield _StorageRow(
                id=f"{self.number}-{number}",
                number=number,
                name=words.clean(storage["name"], _NAME_LIMIT),
                state=state,
                word=words.label("passed" if storage["passed"] else "failed" if scanned else "scan_failed"),
                facts=facts,
                reasons=[*storage["unmet"], *filter(None, [words.restorable(storage)])],
                gaps=gaps,
                description=words.text("semicolon").join([*facts, *gaps, *map(words.change, row.changes)]),
                sizes=sizes,
                figures=row,
            )

    def _facts(self, result: Mapping[str, Any], row: Row) -> Iterator[str]:
        words, total = self._words, result.get("total")
        yield words.text("page.backups", count=total) if total else words.label("no_backup")
        if latest := result.get("latest"):
            yield f"{words.label('newest')} {words.minute(latest['created_at'])}"
        if row.older:
            oldest = words.text("page.oldest", day=words.minute(row.oldest)[:10])
            yield words.text("comma").join([words.text("page.older", count=row.older), oldest])
        if row.future:
            yield words.text("page.future", count=row.future)
        if row.undated:
            yield words.text("page.undated", count=row.undated)

    def table(self) -> Iterator[tuple[int, str, str, str, int, str, str, str]]:
        """Return the rows of the table, newest first; those without a time come last."""
        words = self._words
        names = [words.clean(row.name, 60) for row in self.rows]
        backups = [
            (backup["created_epoch"] is None, -(backup["created_epoch"] or 0), number, backup)
            for number, result in enumerate(self._results)
            for backup in result["backups"]
        ]
        for _is_undated, _time, number, backup in sorted(backups, key=lambda each: each[:3]):
            size = backup["size"]
            yield (
                number + 1,
                words.clean(backup["name"] or backup["id"] or "", _NAME_LIMIT) or _NOTHING,
                names[number],
                words.version(backup["version"]),
                -1 if size is None else min(size, 2**96),
                _NOTHING if size is None else words.size(size),
                words.minute(backup["created_at"]),
                words.answer(backup["restorable"]),
            )

    def text_lines(self) -> list[str]:
        """Return the gate's own lines, and the days without a backup."""
        words, name = self._words, f"{self.title} ({self.address})" if self.address else self.title
        if self.state == "none":
            lines = [words.text("head", node=name, state=self.word), *(f"  {each}" for each in self.sentences)]
            return [*lines, *(words.text("next_step", step=step) for step in self.steps)]
        lines = words.report({**self._verdict, "platform": {"host": None, "address": name}})
        if self.known:
            lines.append(words.text("page.missed_line", gaps=words.text("semicolon").join(self._missed())))
        return lines


def _newest(backups: Iterator[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    dated = [each for each in backups if each and each.get("created_epoch") is not None]
    return max(dated, key=lambda each: each["created_epoch"], default=None)


def _error_of_node(verdict: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the error if no storage could be reached because of the node: it is the same for each, and names none."""
    messages = {result.get("msg") for result in results if result.get("failed")}
    if not results or len(messages) != 1 or not all(result.get("failed") for result in results):
        return None
    # The error of a single storage does not name it. Without a status, there was no response.
    if len(results) == 1 and results[0].get("status") is not None:
        return None
    return str(verdict["storages"][0]["checks"][0]["found"])
