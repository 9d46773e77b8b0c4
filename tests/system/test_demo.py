# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.site import Site
from ansible_collections.zstack.cloud.tests.system.commands import run

pytestmark = pytest.mark.xdist_group("demo")

ROOT = Path(__file__).parents[2]


def demo(home: Path, **environment: str) -> str:
    """Return what ``make demo`` shows."""
    done = run(sys.executable, "-m", "tests.demo", place=ROOT, HOME=str(home), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_shows_a_table_a_sentence_a_template_a_verdict_and_a_page(tmp_path: Path) -> None:
    leftover = {"ZSTACK_SESSION_ID": "of another day"}
    listed, rendered = demo(tmp_path, **leftover).split("PLAY [Use the lookup in a template]")
    rendered, verdict = rendered.split("PLAY [Verify the database backups")
    verdict, page = verdict.split("PLAY [Report the database backups")
    heading = next(line for line in listed.splitlines() if "NAME" in line)
    assert heading.split()[-7:] == ["NAME", "VERSION", "SIZE", "TAKEN", "AT", "AGE", "RESTORABLE"]
    assert f"local: {Site.load().storages[0].total} backups" in listed
    assert "NOT ready for an upgrade, running 4.8.30" in listed
    assert "# ssh://root:***@192.0.2.20/zstack_bs" in rendered
    assert rendered.count("zstack-db-4.7.21-") == 8
    assert "NOT ready for an upgrade, running 4.8.30" in verdict
    assert re.search("local   passed  zstack-db-4.8.30-.* old, 90.05 MB", verdict)
    assert re.search("remote  FAILED  newest is [23] days .* old", verdict)
    assert "1 of 2 storages passed" in verdict
    assert str(ROOT / "build" / "backups.html") in page


def test_the_demo_uses_the_node_in_the_environment(zstack: Simulator, tmp_path: Path) -> None:
    session = zstack.open_session()
    node = {"ZSTACK_HOST": zstack.host, "ZSTACK_PORT": str(zstack.port)}
    shown = demo(tmp_path, **node, ZSTACK_SESSION_ID=session, ZSTACK_STORAGE_URL=zstack.storage_urls[2])
    assert "192.0.2.22/zstack_bs: 0 backups" in shown
    assert list(zstack.sessions) == [session]
