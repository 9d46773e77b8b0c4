# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ansible_collections.zstack.cloud.plugins.modules.zstack_db_backup_info as module
import ansible_collections.zstack.cloud.tests.simulator as simulator_package
from ansible_collections.zstack.cloud.tests.simulator import Simulator


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_module_that_is_stopped_in_the_middle_logs_out(
    zstack: Simulator, number: signal.Signals, tmp_path: Path
) -> None:
    zstack.play("silence", on="scan")
    name, password = zstack.account
    options = {"host": zstack.host, "port": zstack.port, "account_name": name, "account_password": password}
    collections = str(Path(simulator_package.__file__).parents[5])
    arguments = tmp_path / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "url": zstack.storage_url}}))
    task = subprocess.Popen(
        [sys.executable, "-m", module.__name__, str(arguments)],
        env={**os.environ, "PYTHONPATH": ":".join([collections, *filter(None, sys.path)])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while not any(request.path == "/v1/database-backups/image-store" for request in zstack.requests):
            assert time.monotonic() < until, "the module did not get as far as the scan"
            time.sleep(0.05)
        assert zstack.sessions
        task.send_signal(number)
        while zstack.sessions:
            assert time.monotonic() < until, "the session is still open"
            time.sleep(0.05)
    finally:
        task.kill()
        task.wait()
