# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site of a simulator: its version, time zone, accounts and backup storages, read from a YAML file.

The keys of the file::

    version        the platform's, that is its database's
    timezone       the management node's time zone, as Java names it
    session_limit  concurrent sessions of an account (500)
    night_ends     time of day from which ``nights_ago: 0`` is the night that has just ended
    accounts       name, password, access_keys (id, secret), denied: the calls that the account may not make
    storages       username, password, host, ssh_port (22), path, registry_port (8000), and their contents:
      backups      database backups: version, size, and when: nights_ago and at, or created; also virtualsize (size),
                   name, description, type (singleDatabase), id, md5
      images       other images, with the fields of ``infos``
    image_stores   those that the platform knows (one for each storage): the fields of the query's reply, and ``tags``,
                   their system tags
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

SHIPPED = Path(__file__).with_name("site.yml")


@dataclass(frozen=True)
class Account:
    """An account, with its AccessKeys as ``{id: secret}``."""

    name: str
    password: str
    access_keys: Mapping[str, str]
    denied: Sequence[str] = ()


@dataclass(frozen=True)
class Storage:
    """A backup storage, with ``backups`` and ``images`` as in the file."""

    username: str
    password: str
    host: str
    path: str
    ssh_port: int = 22
    registry_port: int = 8000
    backups: list[Mapping[str, Any]] = field(default_factory=list)
    images: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL with its password, percent-encoded."""
        return f"ssh://{self.username}:{quote(self.password, safe='')}@{self._place}"

    @property
    def url_without_password(self) -> str:
        """The URL without its password."""
        return f"ssh://{self.username}@{self._place}"

    @property
    def total(self) -> int:
        """The number of database backups."""
        return len(self.backups)

    @property
    def image_store(self) -> dict[str, Any]:
        """The storage as an image store that the platform knows."""
        place = {"hostname": self.host, "username": self.username, "sshPort": self.ssh_port, "url": self.path}
        return {**place, "tags": ["onlybackup"]}

    @property
    def _place(self) -> str:
        port = "" if self.ssh_port == 22 else f":{self.ssh_port}"
        return f"{self.host}{port}{self.path}"


@dataclass(frozen=True)
class Site:
    """A site, as its file describes it."""

    version: str
    timezone: str
    night_ends: time
    accounts: list[Account]
    storages: list[Storage]
    image_stores: list[Mapping[str, Any]]
    session_limit: int = 500

    @classmethod
    def load(cls, path: Path | None = None) -> Site:
        """Read the YAML file of a site, or the shipped one."""
        if path is None:
            return _shipped()
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        accounts = [
            Account(
                name=each["name"],
                password=each["password"],
                access_keys={key["id"]: key["secret"] for key in each.get("access_keys", [])},
                denied=each.get("denied", ()),
            )
            for each in data.pop("accounts")
        ]
        storages = [Storage(**each) for each in data.pop("storages")]
        night_ends = time.fromisoformat(data.pop("night_ends", "00:00"))
        stores = data.pop("image_stores", [each.image_store for each in storages])
        return cls(accounts=accounts, storages=storages, night_ends=night_ends, image_stores=stores, **data)

    def moment(self, entry: Mapping[str, Any], now: datetime) -> datetime:
        """Return when *entry* was stored, in the zone of *now*: ``created``, or ``at`` so many ``nights_ago``."""
        if "created" in entry:
            return datetime.fromisoformat(entry["created"]).replace(tzinfo=now.tzinfo)
        end = self.night_ends
        last_night = now - timedelta(hours=end.hour, minutes=end.minute, seconds=end.second)
        date = last_night.date() - timedelta(days=entry["nights_ago"])
        return datetime.combine(date, time.fromisoformat(entry["at"]), now.tzinfo)


@cache
def _shipped() -> Site:
    return Site.load(SHIPPED)
