# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report, as a page and as text: what it says, and that no text of a server becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._client import VERSION
from ansible_collections.zstack.cloud.plugins.plugin_utils._page import LABELS, render
from ansible_collections.zstack.cloud.plugins.plugin_utils._words import Words
from ansible_collections.zstack.cloud.tests.browser.pages import (
    DOWN,
    HOSTILE,
    NOW,
    SITES,
    failed,
    night,
    nights,
    node,
    report,
    scanned,
    unchecked,
)

# Characters that no file may have: controls other than line feeds, and those that hide or change the direction of text
UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")


class Page(HTMLParser):
    """A page as a browser parses it: its elements, attributes, text, and tables by rows."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._in_cell = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in ("td", "th")
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def made(*nodes: dict[str, Any], language: str = "en") -> tuple[Page, str]:
    """Return the page and the text about these nodes."""
    found = render(nodes, language, int(NOW.timestamp()))
    return Page(found.page), found.text


def cards(page: Page) -> list[str]:
    """Return the texts of each card."""
    found = re.findall(r"<div><dt>(.*?)</div>", page.source, re.DOTALL)
    return [" | ".join(filter(None, re.sub("<[^>]*>", "\n", card).split("\n"))) for card in found]


@pytest.mark.parametrize("site", SITES)
def test_the_text_has_the_lines_of_the_gate(site: str) -> None:
    text = report(site).text
    for each in SITES[site]:
        if each["host"] in ("localhost", "mn1", "mn2", "mn3"):
            lines = Words("en").report(Words("en").describe(each["verdict"]))
            assert "\n".join(lines[1:]) in text
            assert lines[0].partition(": ")[2] in text


def test_page_and_text_say_by_which_version_when_and_in_which_zone() -> None:
    page, text = made(node(scanned(nights(15))))
    assert f"by the Ansible collection zstack.cloud {VERSION}, state " in page.text
    assert "checked 2026-11-23 17:00 +08:00" in text
    assert "Checked 2026-11-23 17:00 +08:00 · times in Asia/Shanghai" in page.text
    assert "Written 2026-11-23 17:00 +08:00 by" in text


def test_missed_nights_and_the_change_of_version_are_described() -> None:
    backups = [night(ago, version="4.8.30" if ago < 7 else "4.7.21") for ago in range(15) if ago not in (3, 8, 9)]
    page, text = made(node(scanned(backups)))
    told = "no backup from 2026-11-14 to 2026-11-15 (2 days); no backup on 2026-11-20"
    assert f"Days without a backup: {told}" in text
    description = re.search("<desc[^>]*>(.*?)</desc>", page.source, re.DOTALL)
    assert description
    assert told in description[1]
    assert "4.7.21 → 4.8.30 on 2026-11-17" in description[1]


@pytest.mark.parametrize(
    ("nodes", "states", "overview"),
    [
        ([node(scanned(nights(15)))], ["ok"], "Ready for an upgrade"),
        ([node(scanned(nights(15, missed=[4])))], ["warn"], "Ready for an upgrade"),
        ([node(scanned(nights(15)), scanned([], 1), min_storages=1)], ["warn"], "Ready for an upgrade"),
        ([node(scanned([]))], ["bad"], "Not ready for an upgrade"),
        ([node(failed("192.0.2.20: No route to host", status=503))], ["bad"], "Not ready for an upgrade"),
        ([node(failed(DOWN), failed(DOWN, 1))], ["none"], "Not checked"),
        ([node(failed(DOWN))], ["none"], "Not checked"),
        ([unchecked("mn5", "host is missing"), node(scanned(nights(15)))], ["none", "ok"], "Not checked"),
        ([unchecked("mn5", "host is missing"), node(scanned([]))], ["none", "bad"], "Not ready for an upgrade"),
    ],
)
def test_ready_ready_with_gaps_not_ready_and_not_checked_differ(
    nodes: list[dict[str, Any]], states: list[str], overview: str
) -> None:
    page, _text = made(*nodes)
    assert re.findall(r'<div class="verdict (\w+)">', page.source) == states
    assert f"<title>{overview} · " in page.source


def test_a_node_that_is_down_has_its_error_once() -> None:
    page, text = made(node(*(failed(DOWN, number) for number in range(5))), node(scanned(nights(3)), host="mn1"))
    assert page.text.count("connection refused") == text.count("connection refused") == 1
    assert "Not scanned: 192.0.2.20/zstack_bs, 192.0.2.21/zstack_bs" in text
    assert "1 of 2 management nodes ready, 1 not checked" in page.text


NEWEST = night(0, version="4.7.21")
TWO_VERSIONS = [NEWEST, *nights(3)[1:]]


@pytest.mark.parametrize(
    ("backups", "platform", "card"),
    [
        (nights(3), "4.8.30", "14 h ago | 2026-11-23 02:00"),
        (TWO_VERSIONS, "4.8.30", "38 h ago | 2026-11-22 02:00 | newest of all: 14 h ago, 2026-11-23 02:00"),
        ([NEWEST], "4.8.30", "none | newest of all: 14 h ago, 2026-11-23 02:00, 4.7.21"),
        ([], "4.8.30", "none | no backup"),
        ([{**NEWEST, "version": None}], None, "unknown | newest of all: 14 h ago, "),
    ],
)
def test_the_first_card_is_the_newest_backup_that_can_be_restored(
    backups: list[dict[str, Any]], platform: str | None, card: str
) -> None:
    page, _text = made(node(scanned(backups, platform_version=platform)))
    assert cards(page)[0].startswith(f"Newest restorable backup | {card}")


def test_an_age_in_an_unknown_zone_is_unknown() -> None:
    page, text = made(node(scanned(nights(3), timezone_source="host")))
    assert " ago" not in page.text + text
    assert cards(page)[0].startswith("Newest restorable backup | age unknown")
    assert "time zone unknown, times in the controller's time zone" in page.text


def test_a_size_is_in_the_table_or_unknown() -> None:
    page, _text = made(node(scanned(nights(3, size=None)), max_shrink=None))
    assert "Size over time" not in page.text
    assert [row[2] for row in page.rows[1:]] == ["\N{EN DASH}"] * 3
    assert cards(page)[3].endswith("3 backups")
    page, text = made(node(scanned([night(0, size=10**300), night(1)])))
    assert not re.search(r"\d{40}", page.source + text)
    assert "more than 1000 YB" in page.text


def test_reasons_are_a_list_and_next_steps_are_said_once() -> None:
    old = nights(9, missed=range(5), version="4.7.21")
    page, _text = made(node(scanned(old), scanned(old, 1)))
    assert page.source.count("<li>newest is 5 days 14 h old (required: at most 24 h old)</li>") == 2
    assert page.source.count("<li>newest has version 4.7.21") == 2
    assert page.text.count("Take a backup now") == 1


def test_backups_without_a_readable_time_come_last_in_the_table() -> None:
    undated: list[dict[str, Any]] = [{"name": "undated", "createdTime": "soon"}, {"name": None}]
    page, _text = made(node(scanned([*undated, *nights(2)])))
    assert [row[0].strip() for row in page.rows[3:]] == ["undated", "\N{EN DASH}"]
    assert "2 without a readable time" in page.text


def test_what_is_said_of_missing_days() -> None:
    for results, told in (
        ([scanned([])], "no backup"),
        ([scanned(nights(9)), scanned(nights(9, missed=[4]), 1)], "none since 2026-11-14, but 1 storage has gaps"),
    ):
        page, text = made(node(*results))
        assert f"Days without a backup: {told}\n" in text
        assert told in page.text
        assert ("none since" in page.text) == ("none since" in told)


def test_a_name_stays_a_name() -> None:
    found, harmless = Page(report("hostile").page), Page(report("several").page)
    assert set(found.elements) <= set(harmless.elements)
    assert found.elements.count("script") == 1
    assert {name for name, _value in found.attributes} <= {name for name, _value in harmless.attributes}
    shown = {cells[0].strip() for cells in found.rows[1:]}
    for name in HOSTILE[:8]:
        assert name in shown
    assert "{{ 7 * 7 }}" in {cells[2].strip() for cells in found.rows}
    for text in (found.source, report("hostile").text):
        assert not UNWANTED.search(text)


def test_no_text_of_a_server_or_an_inventory_becomes_markup() -> None:
    mark = "<i>&lt;"
    backups = [night(ago, version=f"{mark}{ago // 2}", name=f"{mark}name") for ago in range(16)]
    more: dict[str, Any] = {"platform_version": mark, "timezone": mark}
    nodes = [
        node(scanned(backups, **more), scanned(backups, 1, **more), host=f"mn0{mark}", names=[f"{mark}storage"] * 2),
        node(failed(f"[SYS.1000] {mark}", status=503), scanned(nights(2), 1), host="mn1"),
        node(failed(f"{mark}: connection refused"), host="mn2"),
        unchecked("mn3", f"timeout must be an integer, got {mark}"),
    ]
    page, text = made(*nodes)
    assert "i" not in page.elements
    assert page.text.count(mark) == page.source.count("&lt;i&gt;&amp;lt;") > 40
    for each in (f"mn0{mark}", f"{mark}storage", f"[SYS.1000] {mark}", f"got {mark}"):
        assert each in page.text
        assert each in text


def test_the_page_requests_nothing_and_only_runs_its_own_script() -> None:
    page = Page(report("several").page)
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(page.elements)
    links = {value for name, value in page.attributes if name in ("href", "src")}
    assert {link for link in links if link and not re.fullmatch(r"#(n\d|v[0-2]|g)", link)} == {
        "https://ansible-collections.github.io/zstack.cloud/docsite/guide_gate_says_no.html"
    }
    assert page.source.count("url(") == page.source.count("url(#h)") == 1
    assert "@import" not in page.source
    policy = next(value or "" for _name, value in page.attributes if (value or "").startswith("default-src"))
    (script,) = re.findall("<script>(.*?)</script>", page.source, re.DOTALL)
    expected = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{expected}'; ")


def test_a_chinese_report_is_in_chinese() -> None:
    for key, text in LABELS["zh"].items():
        assert re.search("[\u4e00-\u9fff]", str(text)) or key in ("page.lang", "page.months") or "→" in text, key
    page, text = made(node(scanned([])), language="zh")
    assert ("lang", "zh-CN") in page.attributes
    assert "暂不满足升级条件" in page.text
    assert "暂不满足升级条件" in text


@pytest.mark.parametrize("counts", [(400,), (200, 120, 80)])
def test_four_hundred_backups_make_a_page_of_less_than_100_kb(counts: tuple[int, ...]) -> None:
    page, _text = made(node(*(scanned(nights(count), number) for number, count in enumerate(counts))))
    assert len(page.source.encode()) < 100_000
    assert len(page.rows) == 1 + 400


@pytest.mark.parametrize("results", [[scanned(nights(15), number) for number in range(100)], [scanned(nights(3_000))]])
def test_the_time_for_a_page_grows_with_its_length_only(results: list[dict[str, Any]]) -> None:
    each = node(*results)
    start = time.process_time()
    made(each)
    assert time.process_time() - start < 3
