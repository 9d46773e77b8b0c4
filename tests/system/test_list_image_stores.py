# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.list_image_stores. Unit tests hold what is listed, and the lookup's tests its options."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

TABLE = [
    "NAME           ROLE    URL                                 STATUS        FREE",
    "backup-local   local   ssh://root@192.0.2.20:22/zstack_bs  Connected     2.50 TB of 4.00 TB",
    "backup-new     local   ssh://root@192.0.2.22:22/zstack_bs  Connected     2.00 TB of 2.00 TB",
    "backup-remote  remote  ssh://root@192.0.2.30:22/zstack_bs  Disconnected  3.50 TB of 4.00 TB",
]


def list_image_stores(place: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run("ansible-playbook", "zstack.cloud.list_image_stores", *arguments, place=place, **env)


def shown(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the lines of the table, as ansible-playbook prints them without any setting."""
    assert done.returncode == 0, done.stdout + done.stderr
    message = re.search(r"^ok: \[localhost\] => (\{\n.*?^\})$", done.stdout, re.MULTILINE | re.DOTALL)
    assert message, done.stdout
    return json.loads(message[1])["msg"]


def test_the_environment_is_enough_for_a_table_with_the_urls_to_copy(zstack: Simulator, tmp_path: Path) -> None:
    *table, command = shown(list_image_stores(tmp_path, "--check", **zstack.env))
    assert table == TABLE
    urls = " ".join(f"ssh://root@192.0.2.{number}:22/zstack_bs" for number in (20, 22, 30))
    assert command == f"export ZSTACK_STORAGE_URL='{urls}'"
    # The command as it is copied
    done = run("bash", "-c", f"{command} && printenv ZSTACK_STORAGE_URL", place=tmp_path)
    assert done.stdout == f"{urls}\n"
    assert not zstack.sessions


def test_any_purpose_lists_a_store_without_a_tag(zstack: Simulator, tmp_path: Path) -> None:
    table = shown(list_image_stores(tmp_path, "-e", "list_image_stores_purpose=any", **zstack.env))
    (line,) = [line for line in table if line.startswith("images")]
    words = ["images", "-", "ssh://zstack@192.0.2.40:2222/data/imagestore", "Connected,", "Disabled", "100.00", "GB"]
    assert line.split()[:7] == words


def test_an_error_is_one_line_without_a_secret(zstack: Simulator, tmp_path: Path) -> None:
    operator = zstack.credentials("account", "operator")
    env = {**zstack.env, **{f"ZSTACK_{option.upper()}": value for option, value in operator.items()}}
    done = list_image_stores(tmp_path, "-vvvvv", **env)
    assert done.returncode == 2
    assert f'"msg": "127.0.0.1:{zstack.port}: QueryImageStoreBackupStorage: [ID.1002] The user' in done.stdout
    assert operator["account_password"] not in done.stdout + done.stderr
