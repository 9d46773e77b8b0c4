# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``nox -s screenshot``: take the screenshots of the page for the documentation, of the site of the simulator."""

from __future__ import annotations

import runpy
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from playwright.sync_api import sync_playwright

from ..tree import ROOT


def main(pictures: Path) -> None:
    runpy.run_path(str(ROOT / "conftest.py"))  # finds the collection
    from ansible_collections.zstack.cloud.plugins.module_utils._backups import argument_spec, check, gather
    from ansible_collections.zstack.cloud.plugins.plugin_utils._page import render
    from ansible_collections.zstack.cloud.tests.browser.pages import NOW, node
    from ansible_collections.zstack.cloud.tests.simulator import Simulator

    with Simulator(clock_offset=(NOW - datetime.now(timezone.utc)).total_seconds()) as zstack:
        # The nightly backups, and their copy on a second machine that has stopped.
        terms = [{"url": each.url_without_password, "password": each.password} for each in zstack.storages]
        defaults = {name: option.get("default") for name, option in argument_spec().items()}
        options = check({**defaults, **zstack.options}, [terms[0], terms[-1]], [zstack.options])
        results = gather(options, lambda _warning: None)
    shown = node(*results, host="mn1", names=["local", "remote"])
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1060, "height": 1180})
        for language, name in (("en", "report_db_backups.png"), ("zh", "report_db_backups.zh-CN.png")):
            path = Path(folder) / "page.html"
            path.write_text(render([shown], language, int(NOW.timestamp())).page, encoding="utf-8")
            page.goto(path.as_uri())
            page.screenshot(path=pictures / name)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
