# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ansible_collections.zstack.cloud.tests.browser import pages
from ansible_collections.zstack.cloud.tests.limits import HANGS

#: Width and height of a window
WINDOWS = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium."""
    binary = shutil.which("chromium")
    assert binary, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary)
        yield browser
        browser.close()


class Window:
    """A page in a window of its own, with the console's messages and the requests of the page."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())


@pytest.fixture(scope="module")
def look(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Window]]:
    """Open a site's page: ``look("fifteen", "zh", size="phone", color_scheme="dark")``."""
    contexts = []
    place = tmp_path_factory.mktemp("pages")

    def open_window(site: str, language: str = "en", size: str = "desktop", **options: object) -> Window:
        context = chromium.new_context(viewport=WINDOWS[size], **options)  # type: ignore[arg-type]
        context.set_default_timeout(HANGS * 1000)
        contexts.append(context)
        return Window(context.new_page(), pages.page(place, site, language))

    yield open_window
    for context in contexts:
        context.close()
