# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of zstack.cloud.report_db_backups as Chromium shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import FloatRect, Locator

from ansible_collections.zstack.cloud.tests.browser.conftest import WINDOWS, Window
from ansible_collections.zstack.cloud.tests.browser.pages import FAILING, HOSTILE, SITES

Look = Callable[..., Window]

#: Both widths in both schemes, each of the four in one of the languages.
VIEWS = [
    ("en", "desktop", "light"),
    ("en", "phone", "dark"),
    ("zh", "desktop", "dark"),
    ("zh", "phone", "light"),
]
COUNTS = {name: sum(map(len, storages[:-1] if name in FAILING else storages)) for name, storages in SITES.items()}


@pytest.fixture(params=[(site, *view) for site in SITES for view in VIEWS], ids="-".join)
def window(request: pytest.FixtureRequest, look: Look) -> Window:
    site, language, size, scheme = request.param
    return look(site, language, size=size, color_scheme=scheme)


def column(window: Window, number: int) -> list[str]:
    """Return the cells of a column, from top to bottom."""
    cells = window.page.locator(f"tbody tr > :nth-child({number + 1})")
    return [text.strip() for text in cells.all_text_contents()]


def boxes_of(elements: Locator) -> list[FloatRect]:
    """Return where the elements are that can be seen."""
    return [box for each in elements.all() if (box := each.bounding_box())]


def test_the_page_logs_nothing_to_the_console_and_requests_nothing(window: Window) -> None:
    assert window.said == []
    assert window.asked == [window.page.url]
    assert re.fullmatch(r"(Ready|Not ready) for an upgrade · .*|(可以升级|暂不满足升级条件) · .*", window.page.title())


def test_the_page_does_not_scroll_sideways(window: Window) -> None:
    beyond = window.page.evaluate(
        """() => [...document.querySelectorAll('body *:not(svg *)')]
            .filter(each => each.getBoundingClientRect().right > innerWidth || each.scrollWidth > each.clientWidth + 1
                            && getComputedStyle(each).display !== 'inline' && each.clientWidth)
            .map(each => each.outerHTML.slice(0, 200))"""
    )
    assert beyond == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= window.page.evaluate("innerWidth")


def test_axe_finds_no_accessibility_issue(window: Window) -> None:
    found = Axe().run(window.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("size", WINDOWS)
@pytest.mark.parametrize("site", SITES)
def test_each_backup_has_a_mark_and_a_size_that_can_be_seen(site: str, size: str, look: Look) -> None:
    page = look(site, size=size).page
    marks = page.evaluate(
        """() => [...document.querySelectorAll('.bars use[href^="#v"]')].map(each => {
            const box = each.getBoundingClientRect(), outside = each.closest('.bars').getBoundingClientRect();
            return [box.height, box.x - outside.x, outside.right - box.right];
        })"""
    )
    assert len(marks) == COUNTS[site]
    assert all(height > 8 and left >= 0 and right >= 0 for height, left, right in marks)
    sizes = page.locator("path.s").evaluate_all("paths => paths.map(each => each.getAttribute('d')).join('')")
    assert (sizes or "").count("M") == COUNTS[site]
    assert page.locator("tbody tr").count() == COUNTS[site]


@pytest.mark.parametrize("size", WINDOWS)
@pytest.mark.parametrize(
    ("site", "gaps", "changes"), [("fifteen", 2, 0), ("many", 3, 7), ("shared", 0, 6), ("one", 0, 0)]
)
def test_gaps_and_changes_of_version_can_be_seen(site: str, gaps: int, changes: int, size: str, look: Look) -> None:
    page = look(site, size=size).page
    boxes = boxes_of(page.locator(".bars rect.gap"))
    assert len(boxes) == page.locator('.bars use[href="#g"]').count() == gaps
    assert all(box["width"] > 1 and box["height"] > 20 for box in boxes)
    assert page.locator("line.change").count() == changes


@pytest.mark.parametrize("size", WINDOWS)
def test_the_names_of_versions_do_not_overlap(size: str, look: Look) -> None:
    for site in ("many", "shared", "hostile"):
        for bars in look(site, size=size).page.locator(".row svg.bars").all():
            boxes = boxes_of(bars.locator("text"))
            boxes.sort(key=lambda box: box["x"])
            assert all(one["x"] + one["width"] <= other["x"] for one, other in pairwise(boxes))


def test_versions_differ_in_shape_as_well_as_in_colour(look: Look) -> None:
    shapes = look("many").page.locator("defs path[id^=v]")
    drawn = shapes.evaluate_all("all => all.map(each => [each.getAttribute('d'), getComputedStyle(each).stroke])")
    assert len(drawn) == 6
    assert all(len(set(column)) == 6 for column in zip(*drawn))


@pytest.mark.parametrize("way", ["click", "Enter", "Space"])
def test_each_column_sorts_both_ways(way: str, look: Look) -> None:
    page = (window := look("shared")).page
    headings = page.locator("thead th")
    buttons = page.get_by_role("columnheader").get_by_role("button")
    assert buttons.all_text_contents() == ["Backup", "Storage", "Version", "Size", "Taken", "Restorable"]
    assert headings.nth(4).get_attribute("aria-sort") == "descending"
    for number in range(6):
        for direction in ("ascending", "descending"):
            if way == "click":
                buttons.nth(number).click()
            else:
                buttons.nth(number).focus()
                page.keyboard.press(way)
            stated = [each.get_attribute("aria-sort") for each in headings.all()]
            assert stated == [direction if each == number else None for each in range(6)]
            values: list[Any] = column(window, number)
            if number == 0:
                # Numbers in names count as numbers.
                values = [
                    [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", text)] for text in values
                ]
            elif number == 3:
                values = [float(text.split()[0]) for text in values]
            elif number == 2:
                values = [[int(part) for part in text.split(".")] for text in values]
            assert values == sorted(values, reverse=direction == "descending")
            assert len(set(column(window, 0))) == 200


def test_the_headings_are_reached_with_the_tab_key_and_the_focus_can_be_seen(look: Look) -> None:
    page = look("fifteen").page
    for name in ("Backup", "Version"):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.text_content() == name
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"


def test_a_mark_names_its_backup(look: Look) -> None:
    for site in ("fifteen", "shared"):
        page = look(site).page
        for number, storage in enumerate(SITES[site], 1):
            titles = page.locator(f'[data-storage="{number}"] use title').all_text_contents()
            dates = [backup["created"][:10] for backup in storage]
            assert len(titles) == len(dates)
            assert all(
                f"zstack-db-4.8.30-{date.replace('-', '')}" in title or date in title
                for title, date in zip(titles, dates)
            )
            if site == "shared":
                assert all(f" 192.0.2.{19 + number}/zstack_bs " in title for title in titles)


def test_the_pictures_have_a_name_and_a_description(look: Look) -> None:
    page = look("fifteen").page
    picture = page.get_by_role("img", name="Timeline of 192.0.2.20/zstack_bs")
    assert picture.count() == page.get_by_role("img", name="Size over time on 192.0.2.20/zstack_bs").count() == 1
    told = "15 backups; Newest backup 2026-11-23 02:00; no backup from 2026-11-14 to 2026-11-15 (2 days)"
    assert told in (picture.locator("desc").text_content() or "")


def test_a_failed_storage_has_its_reason_and_no_picture(look: Look) -> None:
    rows = look("failed").page.locator(".row").filter(has_text="192.0.2.99/zstack_bs")
    assert rows.count() == 1
    assert "not scanned" in (rows.text_content() or "")
    assert "No route to host" in (rows.locator(".reason").text_content() or "")
    assert rows.locator("svg").count() == 0


def test_hostile_names_are_shown_and_do_nothing(look: Look) -> None:
    page = (window := look("hostile")).page
    names = column(window, 0)
    assert [names[number] for number in (0, 1, 2, 3, 5)] == [HOSTILE[number] for number in (0, 1, 2, 3, 5)]
    assert page.locator("script").count() == 1
    assert page.locator("img, b b, [onmouseover]").count() == 0
    assert "taken" not in page.title()


def test_a_script_that_is_not_escaped_does_not_run(look: Look) -> None:
    window = look("one")
    window.page.evaluate(
        """() => {
            document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title=1">');
            const script = document.createElement('script');
            script.textContent = 'document.title = 2';
            document.body.append(script);
        }"""
    )
    assert "·" in window.page.title()
    assert any("Content Security Policy" in text for text in window.said)


def test_the_page_can_be_read_without_scripts(look: Look) -> None:
    page = look("fifteen", java_script_enabled=False).page
    assert page.locator("tbody tr").count() == page.locator(".bars use[href^='#v']").count() == 15
    assert page.locator("button").count() == 0


def test_the_printed_page_is_white_and_has_no_buttons(look: Look) -> None:
    page = look("fifteen", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    arrow = "getComputedStyle(document.querySelector('thead button'), '::after').content"
    assert page.evaluate(arrow) == "none"
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(("wanted", "behavior"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_motion_is_reduced_on_request(wanted: str, behavior: str, look: Look) -> None:
    page = look("one", reduced_motion=wanted).page
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behavior
