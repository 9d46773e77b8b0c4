# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of zstack.cloud.report_db_backups as Chromium shows it. A page is loaded once for several tests."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import FloatRect, Locator, Page, ViewportSize, sync_playwright

from ansible_collections.zstack.cloud.tests.browser.pages import HOSTILE, SITES, report
from ansible_collections.zstack.cloud.tests.limits import HANGS

#: Sites that have whatever the others have.
COLORED = ("none", "several", "hostile")
VIEWS = (("en", "dark"), ("zh", "light"))
SIZES: list[ViewportSize] = [{"width": 390, "height": 844}, {"width": 1280, "height": 900}]


class Window:
    """A site's page in a window of its own, with the console's messages and the requests of the page."""

    def __init__(self, page: Page, site: str, path: Path) -> None:
        self.page, self.site = page, site
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())

    def sizes(self) -> Iterator[Page]:
        """Yield the page in each size."""
        for size in SIZES:
            self.page.set_viewport_size(size)
            yield self.page


Look = Callable[..., Window]


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    """Open a site's page in the machine's own Chromium: ``look("fifteen", java_script_enabled=False)``."""
    binary = shutil.which("chromium")
    assert binary, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary)

        def open_window(site: str, language: str = "en", **options: Any) -> Window:
            path = tmp_path_factory.mktemp("page") / "page.html"
            path.write_text(report(site, language).page, encoding="utf-8")
            context = browser.new_context(**options)
            context.set_default_timeout(HANGS * 1000)
            return Window(context.new_page(), site, path)

        yield open_window
        browser.close()


# Some in each language and color scheme; the tests try both sizes. Those of a site run in one process.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param((site, *view), marks=pytest.mark.xdist_group(site), id=f"{site}-{view[0]}")
        for site in SITES
        for view in (VIEWS if site in COLORED else VIEWS[:1])
    ],
)
def window(request: pytest.FixtureRequest, look: Look) -> Window:
    site, language, scheme = request.param
    return look(site, language, color_scheme=scheme)


def column(window: Window, number: int) -> list[str]:
    """Return the cells of a column, from top to bottom."""
    cells = window.page.locator(f"tbody tr > :nth-child({number + 1})")
    return [text.strip() for text in cells.all_text_contents()]


def boxes_of(elements: Locator) -> list[FloatRect]:
    """Return where the visible elements are."""
    return [box for each in elements.all() if (box := each.bounding_box())]


def test_the_page_logs_nothing_and_requests_nothing(window: Window) -> None:
    assert window.messages == []
    assert window.requests == [window.page.url]
    assert re.fullmatch(r"(Ready|Not ready) for an upgrade · .*|(可以升级|暂不满足升级条件) · .*", window.page.title())


def test_the_page_does_not_scroll_sideways(window: Window) -> None:
    for page in window.sizes():
        beyond = page.evaluate(
            """() => [...document.querySelectorAll('body *:not(svg *)')]
                .filter(each => each.getBoundingClientRect().right > innerWidth
                                || each.scrollWidth > each.clientWidth + 1
                                && getComputedStyle(each).display !== 'inline' && each.clientWidth)
                .map(each => each.outerHTML.slice(0, 200))"""
        )
        assert beyond == []
        assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


def test_axe_finds_no_accessibility_issue(window: Window) -> None:
    # It takes seconds for the contrast of each text.
    rules = {"color-contrast": {"enabled": window.site in COLORED}}
    found = Axe().run(window.page, options={"resultTypes": ["violations"], "rules": rules})
    assert found.violations_count == 0, found.generate_report()


def test_each_backup_has_a_visible_mark_and_a_row(window: Window) -> None:
    backups = sum(len(result["backups"]) for each in SITES[window.site] for result in each["results"])
    for page in window.sizes():
        marks = page.evaluate(
            """() => [...document.querySelectorAll('.bars use[href^="#v"]')].map(each => {
                const box = each.getBoundingClientRect(), outside = each.closest('.bars').getBoundingClientRect();
                return [box.height, box.x - outside.x, outside.right - box.right];
            })"""
        )
        assert len(marks) == page.locator("tbody tr").count() == backups
        assert all(height > 8 and left >= 0 and right >= 0 for height, left, right in marks)


def test_the_names_of_versions_do_not_overlap(window: Window) -> None:
    for page in window.sizes():
        for bars in page.locator(".row svg.bars").all():
            boxes = sorted(boxes_of(bars.locator("text")), key=lambda box: box["x"])
            assert all(one["x"] + one["width"] <= other["x"] for one, other in pairwise(boxes))


def test_gaps_and_version_changes_are_visible(look: Look) -> None:
    for page in look("many").sizes():
        boxes = boxes_of(page.locator(".bars rect.gap"))
        assert len(boxes) == page.locator('.bars use[href="#g"]').count() == 3
        assert all(box["width"] > 1 and box["height"] > 20 for box in boxes)
    assert page.locator("line.change").count() == 7
    sizes = page.locator("path.s").evaluate_all("paths => paths.map(each => each.getAttribute('d')).join('')")
    assert sizes.count("M") == 400
    # What can be restored differs in shape as well as in color.
    shapes = page.locator("defs path[id^=v]")
    drawn = shapes.evaluate_all("all => all.map(each => [each.getAttribute('d'), getComputedStyle(each).stroke])")
    assert [len(set(each)) for each in zip(*drawn)] == [3, 3]


def test_each_column_sorts_both_ways_with_the_mouse_and_the_keyboard(look: Look) -> None:
    page = (window := look("shared")).page
    headings = page.locator("thead th")
    buttons = page.get_by_role("columnheader").get_by_role("button")
    names = ["Backup", "Storage", "Version", "Size", "Taken", "Restorable"]
    assert buttons.all_text_contents() == names
    assert headings.nth(4).get_attribute("aria-sort") == "descending"
    for number, way in enumerate(["click", "Tab Enter", "Tab Space", "click", "click", "click"]):
        for direction in ("ascending", "descending"):
            if way == "click":
                buttons.nth(number).click()
            else:
                for key in way.split() if direction == "ascending" else way.split()[1:]:
                    page.keyboard.press(key)
                focused = page.locator(":focus")
                assert focused.text_content() == names[number]
                assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
            stated = [each.get_attribute("aria-sort") for each in headings.all()]
            assert stated == [direction if each == number else None for each in range(6)]
            values: list[Any] = column(window, number)
            if number == 3:
                values = [float(text.split()[0]) for text in values]
            elif number in (0, 2):  # numbers in texts count as numbers
                parts = [re.split("([0-9]+)", text) for text in values]
                values = [[int(part) if part.isdigit() else part for part in each] for each in parts]
            assert values == sorted(values, reverse=direction == "descending")


def test_a_mark_names_its_backup(look: Look) -> None:
    page = look("shared").page
    for number, result in enumerate(SITES["shared"][0]["results"], 1):
        mark = page.locator(f'svg[data-storage="{number}"] use').nth(4)
        mark.dispatch_event("pointerover")
        title = mark.locator("title").text_content() or ""
        assert title.startswith(f"{result['backups'][4]['name']} · 192.0.2.{19 + number}/zstack_bs · 4.8.30 · ")


def test_pictures_have_a_name_and_a_description(look: Look) -> None:
    page = look("fifteen").page
    picture = page.get_by_role("img", name="Timeline of 192.0.2.20/zstack_bs")
    assert picture.count() == page.get_by_role("img", name="Size over time on 192.0.2.20/zstack_bs").count() == 1
    told = "15 backups; newest 2026-11-23 02:00; no backup from 2026-11-14 to 2026-11-15 (2 days)"
    assert told in (picture.locator("desc").text_content() or "")


def test_hostile_names_are_shown_and_do_nothing(look: Look) -> None:
    page = (window := look("hostile")).page
    assert set(HOSTILE[:4]) <= set(column(window, 0))
    assert page.locator("img, b b, [onmouseover]").count() == 0
    assert "taken" not in page.title()
    # Markup that would not be escaped would not run either.
    page.evaluate(
        """() => {
            document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title=1">');
            const script = document.createElement('script');
            script.textContent = 'document.title = 2';
            document.body.append(script);
        }"""
    )
    assert "·" in page.title()
    assert any("Content Security Policy" in text for text in window.messages)


def test_the_page_can_be_read_without_scripts(look: Look) -> None:
    page = look("fifteen", java_script_enabled=False).page
    assert page.locator("tbody tr").count() == page.locator(".bars use[href^='#v']").count() == 15
    assert page.locator("button").count() == 0


def test_the_printed_page_is_white_and_repeats_the_head_of_the_table(look: Look) -> None:
    page = look("fifteen", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # Chromium repeats a head that must not be divided and that has no buttons.
    style = "(each => [each.display, each.breakInside])(getComputedStyle(document.querySelector('thead')))"
    assert page.evaluate(style) == ["table-header-group", "avoid"]
    assert page.locator("thead button").first.is_hidden()
    heading = "getComputedStyle(document.querySelector('thead th'), '::before').content"
    assert page.evaluate(heading) == '"Backup"'
    assert page.pdf().startswith(b"%PDF")


def test_motion_is_reduced_on_request(look: Look) -> None:
    page = look("none").page
    for wanted, behavior in (("reduce", "auto"), ("no-preference", "smooth")):
        page.emulate_media(reduced_motion=wanted)  # type: ignore[arg-type]
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behavior
