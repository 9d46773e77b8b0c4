# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make demo``: list image stores and backups, and render a template, with a simulator unless ZSTACK_HOST is set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from .simulator import Simulator
from .tree import ROOT, collections_path

PAGE = str(ROOT / "build" / "backups.html")
#: The playbooks, in this order. A verdict of "not ready" is no failure of the demo.
PLAYBOOKS = (
    ("zstack.cloud.list_image_stores",),
    ("zstack.cloud.list_db_backups",),
    (str(ROOT / "tests" / "demo.yml"),),
    ("zstack.cloud.verify_db_backup", "--extra-vars", "verify_db_backup_fail=false"),
    ("zstack.cloud.report_db_backups", "--extra-vars", json.dumps({"report_db_backups_dest": PAGE})),
)


def main() -> int:
    """Run the playbooks until one fails, and return the exit code of ansible-playbook."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": collections_path(),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    options: list[str] = []
    with ExitStack() as stack:
        if not env.get("ZSTACK_HOST"):
            zstack = stack.enter_context(Simulator())
            env = {key: value for key, value in env.items() if not key.startswith("ZSTACK_")}
            env |= zstack.env
            env["ZSTACK_STORAGE_URL"] = zstack.storages[0].url_without_password
            env["ZSTACK_STORAGE_PASSWORD"] = zstack.storages[0].password
            # Not the new one, which is empty.
            stores = "{{ query('zstack.cloud.zstack_image_store', 'backup-local', 'backup-remote') }}"
            options = ["--extra-vars", json.dumps({"zstack_storages": stores})]
        codes = (subprocess.call(["ansible-playbook", *playbook, *options], env=env) for playbook in PLAYBOOKS)
        return next(filter(None, codes), 0)


if __name__ == "__main__":
    sys.exit(main())
