# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences: complete in each language, and safe to show."""

from __future__ import annotations

from string import Formatter
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.plugin_utils._words import TABLES, Text, Words


def fields(text: Text) -> set[str | None]:
    """The values that a text contains."""
    forms = [text] if isinstance(text, str) else text
    return {field for form in forms for _text, field, _spec, _conversion in Formatter().parse(form)} - {None}


@pytest.mark.parametrize("language", TABLES)
def test_each_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    assert {key: fields(text) for key, text in TABLES[language].items()} == {
        key: fields(text) for key, text in TABLES["en"].items()
    }


@pytest.mark.parametrize("reason", [key.removeprefix("found.") for key in TABLES["en"] if key.startswith("found.")])
def test_each_unmet_condition_has_a_next_step(reason: str) -> None:
    met = {"enough_backups", "young_enough", "version_matches", "large_enough", "usual_size", "smaller", "only_backup"}
    assert (f"next.{reason}" in TABLES["en"]) == (reason not in met)


def verdict(**check: Any) -> dict[str, Any]:
    """A verdict on one storage with one condition that is not met."""
    storage = {
        "name": "local",
        "latest": None,
        "newest_restorable": None,
        "values": {"count": 0, "total": 0, "knows_zone": True},
        "checks": [{"passed": False, **check}],
    }
    return {"passed": False, "values": {"passed": 0, "count": 1, "min_storages": None}, "storages": [storage]}


def test_a_sentence_is_made_in_each_language() -> None:
    judged = verdict(name="max_age", reason="too_old", values={"max_age": 86400, "age": 266400})
    assert Words("en").describe(judged)["unmet"] == ["local: newest is 3 days 2 h old (required: at most 24 h old)"]
    assert Words("zh").describe(judged)["unmet"] == ["local：最新备份距今 3 天 2 小时（要求：距今不超过 24 小时）"]


def test_a_described_verdict_can_be_described_in_another_language() -> None:
    judged = verdict(name="min_count", reason="no_backup", values={"min_count": 1, "count": 0})
    assert Words("zh").describe(Words("en").describe(judged)) == Words("zh").describe(judged)


def test_texts_of_the_server_are_cleaned() -> None:
    values = {"version": "4.7\n\x1b[31m.21", "platform_version": "4.8.30"}
    (unmet,) = Words("en").describe(verdict(name="restorable", reason="version_differs", values=values))["unmet"]
    assert unmet == "local: newest has version 4.7 .21 (required: version 4.8.30)"


def test_versions_that_look_alike_are_quoted() -> None:
    values = {"version": "4.7.21 ", "platform_version": "4.7.21"}
    (unmet,) = Words("en").describe(verdict(name="restorable", reason="version_differs", values=values))["unmet"]
    assert unmet == 'local: newest has version "4.7.21 " (required: version "4.7.21")'
