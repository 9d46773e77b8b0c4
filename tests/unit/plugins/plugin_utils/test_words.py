# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences: complete in each language, and safe to show."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils import _calls
from ansible_collections.zstack.cloud.plugins.module_utils._calls import Hint
from ansible_collections.zstack.cloud.plugins.plugin_utils._page import LABELS
from ansible_collections.zstack.cloud.plugins.plugin_utils._words import GUIDE, TABLES, Text, Words, width
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import all_hints


def fields(text: Text) -> set[str | None]:
    """The values that a text contains. A name of a month can be one of its numbers."""
    forms = [text] if isinstance(text, str) else text
    found = {field for form in forms for _text, field, _spec, _conversion in Formatter().parse(form)} - {None}
    return {"month" if field == "name" else field for field in found}


@pytest.mark.parametrize("tables", [TABLES, LABELS], ids=["sentences", "labels"])
def test_each_language_has_the_same_texts_with_the_same_values(tables: Any) -> None:
    assert tables.keys() == TABLES.keys() >= {"en", "zh"}
    english, *others = (
        {key: fields(text) for key, text in table.items() if not key.startswith("hint.")} for table in tables.values()
    )
    assert all(other == english for other in others)
    assert not TABLES["en"].keys() & LABELS["en"].keys()


@pytest.mark.parametrize("language", [language for language in TABLES if language != "en"])
def test_each_hint_of_a_failed_call_is_translated(language: str) -> None:
    reasons = {hint.reason for hint in all_hints()}
    written = {
        found
        for path in Path(_calls.__file__).parent.glob("_*.py")
        for found in re.findall(r'Hint\(\s*"(\w+)"', path.read_text())
    }
    assert len(reasons | written) > 50
    assert {f"hint.{reason}" for reason in reasons | written} == {
        key for key in TABLES[language] if key.startswith("hint.")
    }


@pytest.mark.parametrize("reason", [key.removeprefix("found.") for key in TABLES["en"] if key.startswith("found.")])
def test_each_unmet_condition_has_a_next_step(reason: str) -> None:
    met = {"enough_backups", "young_enough", "version_matches", "large_enough", "usual_size", "smaller", "only_backup"}
    assert (f"next.{reason}" in TABLES["en"]) == (reason not in met)


def verdict(name: str, reason: str, **values: Any) -> dict[str, Any]:
    """A verdict on one storage with one condition that is not met."""
    storage = {
        "name": "local",
        "latest": None,
        "newest_restorable": None,
        "passed": False,
        "values": {"count": 0, "total": 0, "knows_zone": True},
        "checks": [{"passed": False, "name": name, "reason": reason, "values": values}],
    }
    return {"passed": False, "values": {"passed": 0, "count": 1, "min_storages": None}, "storages": [storage]}


def failed_scan(reason: str = "scan_failed", hint: Hint | None = None, **values: Any) -> dict[str, Any]:
    text, key = (hint.text, hint.reason) if hint else (None, None)
    return verdict("scan", reason, **{"error": "no route", "hint": text, "hint_reason": key, **values})


def versions(version: str, platform_version: str) -> dict[str, Any]:
    return verdict("restorable", "version_differs", version=version, platform_version=platform_version)


TOO_OLD = verdict("max_age", "too_old", max_age=86400, age=266401)
UNAVAILABLE = "could not be scanned, and the platform reports it as Disconnected: no route"


@pytest.mark.parametrize(
    ("language", "judged", "sentence"),
    [
        ("en", TOO_OLD, "newest is 3 days 2 h old (required: at most 24 h old)"),
        ("zh", TOO_OLD, "最新备份距今 3 天 2 小时（要求：距今不超过 24 小时）"),
        ("en", failed_scan("store_unavailable", state="Disconnected"), UNAVAILABLE),
        # Texts of the server are cleaned, and quoted if they look alike.
        ("en", versions("4.7\n\x1b[31m.21", "4.8.30"), "newest has version 4.7 .21 (required: version 4.8.30)"),
        ("en", versions("4.7 ", "4.7"), 'newest has version "4.7 " (required: version "4.7")'),
    ],
)
def test_what_is_wrong_is_a_sentence(language: str, judged: dict[str, Any], sentence: str) -> None:
    described = Words(language).describe(judged)
    assert described["storages"][0]["unmet"] == [sentence]
    assert described["unmet"] == [f"local{'：' if language == 'zh' else ': '}{sentence}"]


def test_a_described_verdict_can_be_described_in_another_language() -> None:
    judged = verdict("min_count", "no_backup", min_count=1, count=0)
    assert Words("zh").describe(Words("en").describe(judged)) == Words("zh").describe(judged)


AGED = {"age_seconds": 3600, "size": 90 * 2**20, "version": "4.8.30", "created_at": "2026-11-23T02:00:11+08:00"}


def listed(*backups: dict[str, Any], knows_zone: bool = True) -> list[str]:
    """The table of a result with these backups."""
    result = {"backups": list(backups), "total": len(backups), "timezone": "Asia/Shanghai"}
    return Words("en").table(result, {"name": "local", "checks": [], "values": {"knows_zone": knows_zone}})


def test_a_table_has_a_row_for_each_backup_and_the_zone() -> None:
    new = {**AGED, "age_seconds": 3660, "name": "new", "restorable": True}
    old = {**AGED, "name": None, "restorable": False}
    nameless = {"age_seconds": -301, "size": None, "version": None, "created_at": None, "restorable": None}
    assert listed(new, old, nameless) == [
        "local: 3 backups",
        "NAME  VERSION      SIZE  TAKEN AT                    AGE  RESTORABLE",
        "new   4.8.30   90.00 MB  2026-11-23 02:00            1 h  yes",
        "-     4.8.30   90.00 MB  2026-11-23 02:00            1 h  no",
        "-     -               -  -                 in the future  unknown",
        "Times are in Asia/Shanghai.",
    ]
    assert listed() == ["local: 0 backups"]
    assert listed(new, knows_zone=False)[2].split()[-2:] == ["unknown", "yes"]


def test_wide_characters_keep_columns_straight() -> None:
    _head, _names, *rows, _zone = listed(*({**AGED, "name": name} for name in ("升级前", "e\u0301", "before")))
    assert {width(row[: row.index("4.8.30")]) for row in rows} == {width("before  ")}


def test_a_name_cannot_forge_a_row_of_the_table() -> None:
    lines = listed({**AGED, "name": "old\nnew   4.8.30   90.00 MB  2026-11-23 02:00  1 h  yes\x1b[2K\u202e"})
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_a_verdict_of_an_older_version_names_the_newest_restorable() -> None:
    judged = versions("4.7.21", "4.8.30")
    restorable = {**AGED, "name": "good", "restorable": True}
    judged["storages"][0].update(latest={**AGED, "name": "old", "restorable": False}, newest_restorable=restorable)
    judged.update(platform={"host": "n", "address": None}, platform_version=None, checked_at=None)
    words = Words("en")
    described = words.describe(judged)
    head, _unmet, headline, step, read_on = words.report(described)
    assert head == "n: NOT ready for an upgrade"
    assert headline.strip() == "newest restorable backup: good, 1 h old, 90.00 MB"
    assert step.startswith("Next: Take a new backup, because ")
    assert read_on == f"Read on: {GUIDE}"
    described["storages"][0]["newest_restorable"] = None
    assert "no backup can be restored on this platform" in words.report(described)[2]


def test_a_report_has_a_line_for_each_storage_and_says_how_many_passed() -> None:
    judged = verdict("min_count", "no_backup", min_count=1, count=0)
    met = {**judged["storages"][0], "passed": True, "checks": []}
    judged["storages"] += [
        {**met, "name": "remote", "latest": {**AGED, "name": "new", "age_seconds": -300}},
        {**met, "name": "other", "latest": {**AGED, "name": "late", "age_seconds": -301}},
        {**met, "name": "unread", "values": {"count": 0, "total": 2, "knows_zone": True}},
        {**met, "name": "empty"},
    ]
    judged.update(values={"passed": 4, "count": 5, "min_storages": 1}, passed=True)
    judged.update(platform={"host": "n", "address": None}, platform_version=None, checked_at=None)
    words = Words("en")
    head, *lines, _step, _read_on = words.report(words.describe(judged))
    assert head == "n: ready for an upgrade"
    assert [line.strip() for line in lines] == [
        "local   FAILED  no backup",
        "remote  passed  new, 0 s old, 90.00 MB",
        "other   passed  late, age unknown, 90.00 MB",
        "unread  passed  no backup with a readable time, and none is required",
        "empty   passed  no backup, and none is required",
        "4 of 5 storages passed (required: at least 1)",
    ]


AGES = {0: "0 s", 59: "59 s", 3660: "1 h 1 min", 172799: "47 h 59 min", 172800: "2 days", 266400: "3 days 2 h"}
SIZES = {None: "unknown", 0: "0 bytes", 1: "1 byte", 1024: "1.00 KB", 1000 * 2**80: "more than 1000 YB"}


def test_an_age_and_a_size_are_shown_in_readable_units() -> None:
    assert {age: Words("en").age(age) for age in AGES} == AGES
    assert {size: Words("en").size(size) for size in SIZES} == SIZES


# These are about the storage; all others are about the management node, the login or the network.
ABOUT_THE_STORAGE = ("storage_", "registry_port")


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize("reason", ["scan_failed", "store_unavailable"])
def test_only_a_failure_of_the_storage_has_a_next_step_about_it(reason: str, language: str) -> None:
    hints = [*all_hints(), Hint("unknown", "Do something about it.")]
    assert len(hints) > 50
    for hint in hints:
        described = Words(language).describe(failed_scan(reason, hint, state="Disconnected"))
        (step,) = described["storages"][0]["next_steps"]
        # A hint without a translation stays as it is.
        assert step == (hint.text if language == "en" else TABLES[language].get(f"hint.{hint.reason}", hint.text))
        if not hint.reason.startswith(ABOUT_THE_STORAGE):
            assert not re.search(r"stor(age|e)\b|url|备份服务器", step), step


@pytest.mark.parametrize(("language", "node", "storage"), [("en", "management node", "URL"), ("zh", "管理节点", "URL")])
def test_a_failure_without_a_hint_can_be_that_of_the_management_node(language: str, node: str, storage: str) -> None:
    (step,) = Words(language).describe(failed_scan())["storages"][0]["next_steps"]
    assert step.index(node) < step.index(storage)
