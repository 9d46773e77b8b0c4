# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.tests import demo
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import ROOT, run

pytestmark = pytest.mark.xdist_group("demo")


def test_the_demo_shows_stores_backups_a_template_a_verdict_and_a_page(tmp_path: Path) -> None:
    leftover = {"ZSTACK_SESSION_ID": "of another day"}
    done = run(sys.executable, "-m", "tests.demo", place=ROOT, code=0, HOME=str(tmp_path), **leftover)
    stores, listed, rendered, verdict, page = re.split(r"(?=PLAY \[(?:List the d|Use|Verify|Report))", done.stdout)
    assert "ssh://root@192.0.2.30:22/zstack_bs" in stores
    assert "backup-local: 15 backups" in listed
    assert listed.count("zstack-db-4.7.21-") == 8 + 5
    assert "# ssh://root:***@192.0.2.20/zstack_bs" in rendered
    assert rendered.count("zstack-db-4.7.21-") == 8
    assert "NOT ready for an upgrade, running 4.8.30" in verdict
    assert re.search("backup-local   passed  zstack-db-4.8.30-.* old, 90.05 MB", verdict)
    assert re.search("backup-remote  FAILED  newest is [23] days .* old", verdict)
    assert "1 of 2 storages passed" in verdict
    assert str(ROOT / "build" / "backups.html") in page


def test_the_demo_uses_the_node_in_the_environment(
    zstack: Simulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    session = zstack.open_session()
    for name, value in {"HOST": zstack.host, "PORT": zstack.port, "SESSION_ID": session}.items():
        monkeypatch.setenv(f"ZSTACK_{name}", str(value))
    monkeypatch.setattr(demo, "PLAYBOOKS", demo.PLAYBOOKS[:1])
    assert demo.main() == 0
    assert "ssh://root@192.0.2.20:22/zstack_bs" in capfd.readouterr().out
    assert list(zstack.sessions) == [session]
