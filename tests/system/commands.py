# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands in a known environment, and never for longer than a hang."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.zstack.cloud.tests.limits import HANGS, PLAYBOOK_HANGS

MODULE = "ansible_collections.zstack.cloud.plugins.modules.zstack_db_backup_info"


def environment(**more: str) -> dict[str, str]:
    """Return an environment without the options, proxies and locale of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH")}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def run(*command: str, place: Path, typed: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder *place*, which is also its home, with *typed* as its input."""
    return subprocess.run(
        command,
        cwd=place,
        env=environment(**{"HOME": str(place), **env}),
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=PLAYBOOK_HANGS,
        check=False,
    )


def until(condition: Callable[[], Any], what: str, seconds: float = HANGS) -> None:
    """Wait until *condition* holds; fail with *what* if it does not within *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
