# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites, and their reports as users get them, from ansible-playbook.

The server's clock stands still at NOW, so that a page is the same whenever it is made.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

NOW = datetime(2026, 11, 23, 17, 0, 0, tzinfo=timezone(timedelta(hours=8)))
PAGE, TEXT = "zstack-db-backups.html", "zstack-db-backups.txt"
VERSIONS = ("4.8.30", "4.8.25", "4.8.20", "4.8.9", "4.8.0", "4.7.21", "4.7.11", "4.7.0")

#: Names that would do something in HTML, an attribute, a script, CSS, Jinja, a terminal, or to the direction of text.
HOSTILE = (
    "<script>document.title='taken'</script>",
    "</script><script>document.title='taken'</script>",
    "</style></title></svg><!--",
    '"><img src=x onerror="document.title=\'taken\'">',
    "' onmouseover='alert(1)' x='",
    "{{ lookup('ansible.builtin.pipe', 'touch taken') }}",
    "{% raw %}",
    "&lt;b&gt;&amp;&#x3c;",
    "\u202egnp.exe\u202c\u2066x\u2069\u200b\u200f",
    "\x1b[31mred\x1b[0m\r\nnext line",
    "数据库备份" * 60,
    "https://elsewhere.invalid/" + "x" * 300,
)


def night(ago: int, version: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the backup of a night at two o'clock; the version changes every 55 nights."""
    at = (NOW - timedelta(days=ago)).replace(hour=2, second=11)
    return {
        "created": f"{at:%Y-%m-%d %H:%M:%S}",
        "version": version or VERSIONS[min(ago // 55, len(VERSIONS) - 1)],
        "size": 104_000_000 - ago * 90_000,
        **more,
    }


def nights(count: int, missed: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Return *count* nightly backups, without those of the missed nights."""
    return [night(ago) for ago in range(count + len(missed)) if ago not in missed]


#: The backups of each storage, by the name of the site.
SITES: dict[str, list[list[dict[str, Any]]]] = {
    "none": [[]],
    "one": [nights(1)],
    "fifteen": [nights(15, missed=[3, 8, 9])],
    "many": [nights(400, missed=[5, 90, 91, 200])],
    "shared": [nights(200), nights(120), nights(80)],
    "failed": [nights(15), nights(15)],
    "hostile": [
        [
            night(ago, version=VERSIONS[0] if ago < 6 else f"<b>{ago}&\"'</b>" if ago < 9 else "{{ 7 * 7 }}", name=name)
            for ago, name in enumerate(HOSTILE)
        ]
    ],
}
#: Sites whose last storage cannot be scanned.
FAILING = ("failed",)


@contextmanager
def site(place: Path, storages: Sequence[Sequence[Mapping[str, Any]]], later: float = 0) -> Iterator[Simulator]:
    """Simulate a site with these storages, *later* seconds after NOW."""
    description = {
        "version": VERSIONS[0],
        "timezone": "Asia/Shanghai",
        "accounts": [{"name": "admin", "password": "Moon#Cake&88"}],
        "storages": [
            {
                "username": "root",
                "password": f"Night@Watch#{n}",
                "host": f"192.0.2.{20 + n}",
                "path": "/zstack_bs",
                "backups": list(each),
            }
            for n, each in enumerate(storages)
        ],
    }
    path = place / "site.yml"
    path.write_text(yaml.safe_dump(description), encoding="utf-8")
    with Simulator(path) as zstack:
        zstack.freeze(NOW + timedelta(seconds=later))
        yield zstack


def options(zstack: Simulator) -> dict[str, Any]:
    """Return the variables that an operator sets."""
    return {
        **zstack.variables,
        "report_db_backups_storages": [
            {"url": storage.url_without_password, "password": storage.password} for storage in zstack.storages
        ],
    }


def report(
    place: Path,
    *arguments: str,
    hosts: Mapping[str, Mapping[str, Any]] | None = None,
    env: Mapping[str, str] | None = None,
    **variables: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the playbook in the folder *place*, on the hosts of an inventory where there are any."""
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    localhost = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory = {"all": {"hosts": {"localhost": localhost, **(hosts or {})}}}
    (place / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    return run(
        *("ansible-playbook", "zstack.cloud.report_db_backups", "-i", "inventory.yml", "-e", "@variables.yml"),
        *arguments,
        place=place,
        **(env or {}),
    )


def page(place: Path, name: str, language: str = "en") -> Path:
    """Make the page of a site and return its path."""
    with site(place, SITES[name]) as zstack:
        written = options(zstack)
        if name in FAILING:
            written["report_db_backups_storages"][-1] = {"url": "ssh://root@192.0.2.99/zstack_bs", "password": "x"}
        done = report(place, report_db_backups_language=language, **written)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / PAGE
