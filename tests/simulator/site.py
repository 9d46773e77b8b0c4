# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a simulator has, which a YAML file lists: its site. And how it behaves: its settings.

The keys of the file::

    version        the platform's, that is its database's
    timezone       the management node's time zone, as Java names it
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
from ssl import SSLContext
from typing import Any, Literal
from urllib.parse import quote

import yaml

SHIPPED = Path(__file__).with_name("site.yml")


@dataclass(frozen=True)
class Settings:
    """How a simulator behaves."""

    #: The context of a server that speaks HTTPS.
    ssl: SSLContext | None = None
    #: The port to listen on; 0 for a free one.
    port: int = 0
    #: As today's servers reply, or as in the API reference.
    reply: Literal["backups", "infos"] = "backups"
    #: How a request is refused before it reaches the API: json as newer servers do.
    errors: Literal["text", "json"] = "text"
    #: Release of the server's Java: 9 and 20 changed the form of timestamps.
    java: int = 8
    #: The server's time zone, as Java names it, instead of the site's.
    timezone: str | None = None
    #: Seconds that the server's clock is ahead.
    clock_offset: float = 0
    #: Whether the zone in the Date of a signed request counts: rest.checkTimeZone.
    check_timezone: bool = False
    #: Whether the server has AccessKeys, platform-timezone and getVersion, which are missing in old releases.
    has_access_keys: bool = True
    has_timezone_call: bool = True
    has_version_call: bool = True
    #: Concurrent sessions of an account.
    session_limit: int = 500
    #: Seconds that each scan takes.
    scan_seconds: float = 0
    #: Password of the first storage, instead of the site's.
    storage_password: str | None = None
    #: Path of the API, which is Tomcat's context path.
    context_path: str = "/zstack"


@dataclass(frozen=True)
class Account:
    """An account, with its AccessKeys as ``{id: secret}``."""

    name: str
    password: str
    access_keys: Mapping[str, str]
    denied: Sequence[str]


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
        return self.url_without_password.replace("@", f":{quote(self.password, safe='')}@")

    @property
    def url_without_password(self) -> str:
        """The URL without its password."""
        port = "" if self.ssh_port == 22 else f":{self.ssh_port}"
        return f"ssh://{self.username}@{self.host}{port}{self.path}"

    @property
    def total(self) -> int:
        """The number of database backups."""
        return len(self.backups)


@dataclass(frozen=True)
class Site:
    """A site, as its file describes it."""

    version: str
    timezone: str
    night_ends: time
    accounts: list[Account]
    storages: list[Storage]
    image_stores: list[Mapping[str, Any]]

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
        stores = data.pop("image_stores", [_image_store(each) for each in storages])
        return cls(accounts=accounts, storages=storages, night_ends=night_ends, image_stores=stores, **data)

    def moment(self, entry: Mapping[str, Any], now: datetime) -> datetime:
        """Return when *entry* was stored, in the zone of *now*: ``created``, or ``at`` so many ``nights_ago``."""
        if "created" in entry:
            return datetime.fromisoformat(entry["created"]).replace(tzinfo=now.tzinfo)
        end = self.night_ends
        last_night = now - timedelta(hours=end.hour, minutes=end.minute, seconds=end.second)
        date = last_night.date() - timedelta(days=entry["nights_ago"])
        return datetime.combine(date, time.fromisoformat(entry["at"]), now.tzinfo)


def _image_store(storage: Storage) -> dict[str, Any]:
    """Return *storage* as an image store that the platform knows."""
    place = {"hostname": storage.host, "username": storage.username, "sshPort": storage.ssh_port, "url": storage.path}
    return {**place, "tags": ["onlybackup"]}


@cache
def _shipped() -> Site:
    return Site.load(SHIPPED)
