# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import venv
from pathlib import Path

from ansible_collections.zstack.cloud.tests.system.commands import run


def test_a_missing_requests_library_is_named(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    arguments = "host=zstack.example.com session_uuid=0123456789abcdef url=ssh://root:password@192.0.2.20/bs"
    done = run(
        *("ansible", "localhost", "-m", "zstack.cloud.zstack_db_backup_info", "-a", arguments),
        *("-e", f"ansible_python_interpreter={python}"),
        place=tmp_path,
    )
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Failed to import the required Python library (requests) on" in output
    assert str(python) in output
    assert "Traceback" not in output
