# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites and their reports, made without Ansible and without a server. The server's clock stands still at NOW."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.zstack.cloud.plugins.module_utils._backups import Backup
from ansible_collections.zstack.cloud.plugins.module_utils._platform import Platform
from ansible_collections.zstack.cloud.plugins.plugin_utils._page import Report, render
from ansible_collections.zstack.cloud.plugins.plugin_utils._verdict import check_policy, verify

NOW = datetime(2026, 11, 23, 17, 0, 0, tzinfo=timezone(timedelta(hours=8)))
PAGE, TEXT = "zstack-db-backups.html", "zstack-db-backups.txt"
VERSIONS = ("4.8.30", "4.8.25", "4.8.20", "4.8.9", "4.8.0", "4.7.21", "4.7.11", "4.7.0")
PLATFORM = Platform(VERSIONS[0], NOW.tzinfo, "Asia/Shanghai", "server")

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

Images = list[dict[str, Any]]


def night(ago: int, version: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the backup of a night at two o'clock; the version changes every 55 nights."""
    at = (NOW - timedelta(days=ago)).replace(hour=2, second=11)
    version = version or VERSIONS[min(ago // 55, len(VERSIONS) - 1)]
    return {
        "name": f"zstack-db-{version}-{at:%Y%m%d%H%M%S}.gz",
        "createdTime": f"{at:%Y-%m-%d %H:%M:%S}",
        "version": version,
        "size": 104_000_000 - ago * 90_000,
        **more,
    }


def nights(count: int, missed: Sequence[int] = (), **more: Any) -> Images:
    """Return ``count`` nightly backups, without those of the missed nights."""
    return [night(ago, **more) for ago in range(count + len(missed)) if ago not in missed]


def scanned(
    images: Images, number: int = 0, now: datetime = NOW, platform: Platform = PLATFORM, **more: Any
) -> dict[str, Any]:
    """Return the result of a scan, as module and lookup return it."""
    found = [Backup.from_image(image, platform.zone) for image in images]
    found.sort(key=lambda each: each.epoch or 0, reverse=True)
    backups = [each.fields(int(now.timestamp()), platform) for each in found]
    return {
        "backups": backups,
        "latest": backups[0] if found and found[0].epoch is not None else None,
        "count": len(backups),
        "total": len(backups),
        "storage": f"ssh://root:***@192.0.2.{20 + number}/zstack_bs",
        "checked_at": now.isoformat(),
        "timezone": platform.timezone,
        "timezone_source": platform.timezone_source,
        "platform_version": platform.version,
        **more,
    }


def failed(message: str, number: int = 0, status: int | None = None) -> dict[str, Any]:
    """Return the result of a scan that failed."""
    unknown: dict[str, Any] = dict.fromkeys(("checked_at", "timezone", "timezone_source", "platform_version"))
    return scanned([], number, failed=True, msg=message, error={"details": message}, status=status, **unknown)


def node(*results: dict[str, Any], host: str = "localhost", names: Sequence[str] = (), **policy: Any) -> dict[str, Any]:
    """Return a node as the page takes it."""
    address = "zstack.example.com" if host == "localhost" else f"{host}.example.com"
    terms = [{"name": name} for name in names]
    verdict = verify(list(results), check_policy(policy), terms, host, address)
    return {"host": host, "address": address, "reason": None, "results": list(results), "verdict": verdict}


def unchecked(host: str, reason: str) -> dict[str, Any]:
    return {"host": host, "address": f"{host}.example.com", "reason": reason, "results": [], "verdict": None}


DOWN = "mn4.example.com:8080: POST login: connection refused: nothing is listening on port 8080"
#: The nodes of each site, by its name.
SITES: dict[str, list[dict[str, Any]]] = {
    "none": [node(scanned([]))],
    "fifteen": [node(scanned(nights(15, missed=[3, 8, 9])))],
    "many": [node(scanned(nights(400, missed=[5, 90, 91, 200])))],
    "shared": [
        node(*(scanned([night(ago) for ago in range(0, days, 10)], at) for at, days in enumerate((200, 120, 80))))
    ],
    "hostile": [
        node(
            scanned(
                [
                    night(
                        ago,
                        version=VERSIONS[0] if ago < 6 else f"<b>{ago}&\"'</b>" if ago < 9 else "{{ 7 * 7 }}",
                        name=name,
                    )
                    for ago, name in enumerate(HOSTILE)
                ]
            ),
            failed("<i>[SYS.1000]</i>: {{ 7 * 7 }}", 1, 503),
            names=["夜间备份 <local>", "<b>remote</b>"],
        )
    ],
    "several": [
        node(scanned(nights(15)), host="mn1"),
        node(scanned(nights(15)), scanned(nights(15, missed=[4]), 1), host="mn2"),
        node(
            scanned([*nights(3, version="4.7.21"), *nights(9, missed=[0, 1, 2])]),
            scanned(nights(5, size=None), 1),
            failed("192.0.2.22: No route to host", 2, 503),
            host="mn3",
        ),
        node(failed(DOWN), failed(DOWN, 1), host="mn4"),
        unchecked("mn5", "timeout must be a whole number, got soon"),
    ],
}


def report(site: str, language: str = "en") -> Report:
    return render(SITES[site], language, int(NOW.timestamp()))
