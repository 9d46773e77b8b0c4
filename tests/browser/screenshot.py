# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``nox -s screenshot``: take the pictures of the page that the documentation shows, from the simulator's own site."""

from __future__ import annotations

import runpy
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from playwright.sync_api import sync_playwright

from ..tree import ROOT


def main(picture: Path, language: str) -> None:
    runpy.run_path(str(ROOT / "conftest.py"))  # finds the collection
    from ansible_collections.zstack.cloud.tests.browser.pages import NOW, PAGE, options, report
    from ansible_collections.zstack.cloud.tests.simulator import Simulator

    chromium = shutil.which("chromium")
    offset = (NOW - datetime.now(timezone.utc)).total_seconds()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        with Simulator(clock_offset=offset) as zstack:
            # The nightly backups, and their copy on a second machine that has stopped.
            storages = options(zstack)["report_db_backups_storages"]
            shown = [{**storages[0], "name": "local"}, {**storages[-1], "name": "remote"}]
            hosts = {"mn1.example.com": {**options(zstack), "report_db_backups_storages": shown}}
            done = report(
                Path(folder),
                hosts=hosts,
                report_db_backups_hosts="mn1.example.com",
                report_db_backups_language=language,
            )
            if done.returncode:
                sys.exit(done.stdout + done.stderr)
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1060, "height": 1125})
        page.goto((Path(folder) / PAGE).as_uri())
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    main(folder / "report_db_backups.png", "en")
    main(folder / "report_db_backups.zh-CN.png", "zh")
