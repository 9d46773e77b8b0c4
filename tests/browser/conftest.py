# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from ansible_collections.zstack.cloud.tests.browser import pages
from ansible_collections.zstack.cloud.tests.limits import HANGS

#: Width and height of a window, and the colours that its owner prefers.
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


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, str], Path]:
    """Make the page of a site in a language, once for all processes that run tests."""
    own = tmp_path_factory.getbasetemp()
    place = own if worker_id == "master" else own.parent

    def make(site: str, language: str = "en") -> Path:
        folder = place / f"{site}-{language}"
        with FileLock(f"{folder}.lock"):
            folder.mkdir(exist_ok=True)
            known = folder / pages.PAGE
            return known if known.exists() else pages.page(folder, site, language)

    return make


class Window:
    """A page in a window of its own, with all that it says to the console or asks the network for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._see)
        page.goto(path.as_uri())

    def _hear(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _see(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest.fixture
def look(chromium: Browser, made: Callable[[str, str], Path]) -> Iterator[Callable[..., Window]]:
    """Open a site's page: ``look("fifteen", "zh", size="phone", color_scheme="dark")``."""
    contexts = []

    def open_window(site: str, language: str = "en", size: str = "desktop", **options: object) -> Window:
        context = chromium.new_context(viewport=WINDOWS[size], **options)  # type: ignore[arg-type]
        context.set_default_timeout(HANGS * 1000)
        contexts.append(context)
        return Window(context.new_page(), made(site, language))

    yield open_window
    for context in contexts:
        context.close()
