# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that are asked: simulators with as many backups as wanted.

aiohttp sets TCP_NODELAY on its connections, as Tomcat does. The list of backups is made beforehand, so that the
simulator takes no time for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import yaml

from ..simulator import Simulator

_NEWEST = datetime(2026, 11, 20, 2, 0, 11)
NEWEST_ID = md5(b"0").hexdigest()


def reply(entries: int) -> str:
    """Return the body of a reply with this number of hourly backups, the oldest first."""
    return json.dumps({"backups": [_entry(number) for number in reversed(range(entries))], "success": True})


def _entry(number: int) -> dict[str, Any]:
    created = _NEWEST - timedelta(hours=number)
    digest = md5(str(number).encode()).hexdigest()
    return {
        "name": f"zstack-db-backup-4.8.30-{created:%Y-%m-%d}",
        "version": "4.8.30",
        "installPath": f"zstore://zsbak/{digest}",
        "type": "singleDatabase",
        "size": 80_000_000 + number,
        "md5": digest[::-1],
        "createdTime": f"{created:%b} {created.day}, {created.year} {created.hour % 12 or 12}:{created:%M:%S %p}",
    }


@contextmanager
def node(entries: int) -> Iterator[Simulator]:
    """Yield a management node with this number of backups. Whoever asks it must also log out."""
    with Simulator() as zstack:
        zstack.play({"body": reply(entries)}, on="scan")
        yield zstack
        assert zstack.paths and not zstack.sessions


@contextmanager
def node_with_storages(directory: Path, storages: int, scan_seconds: float) -> Iterator[Simulator]:
    """Yield a management node with this number of storages, each of which takes this time."""
    site = {
        "version": "4.8.30",
        "timezone": "Asia/Shanghai",
        "accounts": [{"name": "admin", "password": "Moon-Cake"}],
        "storages": [
            {"username": "root", "password": "Night-Watch", "host": f"192.0.2.{number}", "path": "/zstack_bs"}
            for number in range(1, storages + 1)
        ],
    }
    path = directory / "site.yml"
    path.write_text(yaml.safe_dump(site), encoding="utf-8")
    with Simulator(site=path, scan_seconds=scan_seconds) as zstack:
        yield zstack


@contextmanager
def fleet(nodes: int) -> Iterator[list[Simulator]]:
    """Yield this number of management nodes, each with ten backups."""
    with ExitStack() as stack:
        yield [stack.enter_context(node(10)) for _number in range(nodes)]


def variables(zstack: Simulator, storages: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the plays have to know of a management node. The lookup scans these storages, or the first."""
    name, password = zstack.account
    return {
        "zstack_host": zstack.host,
        "zstack_port": zstack.port,
        "zstack_account_name": name,
        "zstack_account_password": password,
        "storage_url": zstack.storage_url,
        "storage_urls": storages or [zstack.storage_url],
    }
