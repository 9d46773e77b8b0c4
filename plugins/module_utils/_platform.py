# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a management node knows of its platform: the version, the time zone, and the image stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Any, NamedTuple

from ._auth import Login, logged_in
from ._calls import Call, Hint, Reply, Warn, ZStackError
from ._client import Client, Pending
from ._json import as_int, as_text, json_safe, texts
from ._options import Connection, check_connection, connection_spec
from ._redaction import one_line, shorten
from ._storage import check_url
from ._times import offset_name, parse_zone

_PATH = "/v1/management-nodes"

# What the tags of an image store say about its backups (src).
_ROLES = {"onlybackup": "local", "allowbackup": "local", "remotebackup": "remote", "aliyun": "remote"}
# Rows in a page of a query, the server's own default (src).
PAGE_SIZE = 1000
QUERY_HINTS: Mapping[str, Hint] = {
    "ID.1002": Hint("query_permission", "Use an account with this permission, such as admin, or set the URLs yourself.")
}


class Platform(NamedTuple):
    version: str | None
    zone: tzinfo | None
    timezone: str  # name or offset of `zone`
    # option, server, login, host, which is a guess, or differs, if the option and the server disagree
    timezone_source: str
    clock: float | None = None  # Reply.clock of the first call that has one


class PlatformCalls:
    """The calls for the version and the time zone, which run in the background from the start.

    Neither can fail a task, because older servers support only one of them or none.
    """

    def __init__(self, client: Client, login: Login, connection: Connection) -> None:
        self._client, self._login, self._connection = client, login, connection
        self._version = client.start(Call("GetVersion", "PUT", f"{_PATH}/actions", body={"getVersion": {}}))
        self._timezone = client.start(Call("GetPlatformTimeZone", "GET", f"{_PATH}/platform-timezone", login.auth))

    @cached_property
    def platform(self) -> Platform:
        version, zone = self._reply(self._version), self._reply(self._timezone)
        # The responses to the first two are never in a cache.
        clocks = [version and version.clock, self._login.clock, zone and zone.clock]
        clock = next((clock for clock in clocks if clock is not None), None)
        return Platform(self._read_version(version), *self._read_timezone(zone), clock)

    def _read_version(self, reply: Reply | None) -> str | None:
        version = json_safe(reply.data.get("version")) if reply else None
        if isinstance(version, str) and version.strip():
            return version.strip()
        if reply:
            self._client.warn("GetVersion: the response contains no version, so no backup is known to be restorable.")
        return None

    def _read_timezone(self, reply: Reply | None) -> tuple[tzinfo | None, str, str]:
        zone, name, source = self._server_zone(reply)
        if self._connection.timezone is None:
            return zone, name, source
        option = self._connection.zone, self._connection.timezone
        if source == "host" or offset_name(zone) == offset_name(option[0]):
            return *option, "option"
        self._client.warn(
            f"timezone is {option[1]} ({offset_name(option[0])}), but the time zone of the management node is {name} "
            f"({offset_name(zone)}), so no age is judged. Remove timezone, or correct it."
        )
        return *option, "differs"

    def _server_zone(self, reply: Reply | None) -> tuple[tzinfo | None, str, str]:
        """Return the time zone that the server reports, or else that of this machine."""
        for name in (reply.data.get("timezone"), reply.data.get("offset")) if reply else ():
            if isinstance(name, str) and (zone := parse_zone(name)):
                return zone, name, "server"
        if reply:
            self._client.warn("GetPlatformTimeZone: the response contains no time zone that this machine knows.")
        if zone := self._login.server_zone:
            return zone, offset_name(zone), "login"
        local = offset_name(None)
        if self._connection.timezone is None:
            self._client.warn(f"The server's time zone is unknown: this machine's, {local}, is used. Set timezone.")
        return None, local, "host"

    def _reply(self, pending: Pending) -> Reply | None:
        """Return the reply, or None if the call failed. Warn unless the release does not support the call."""
        try:
            return self._client.result(pending)
        except ZStackError as exc:
            if not exc.unknown_call:
                self._client.warn(str(exc))
            return None


def image_store_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the module, which is also that of the lookup."""
    return {**connection_spec(), "purpose": {"type": "str", "choices": ["backup", "any"], "default": "backup"}}


def image_stores(
    params: Mapping[str, Any], sources: Sequence[Mapping[str, Any]], warn: Warn, terms: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the image stores by name, as described in the module's RETURN. ``terms`` select by name or UUID."""
    connection = check_connection(params, sources)
    with Client(connection, warn) as client, logged_in(client, connection) as login:
        found = _query(client, login, "QueryImageStoreBackupStorage", "/v1/backup-storage/image-store")
        # All of them, because the UUIDs of many image stores would not fit in a URL.
        tags = _query(client, login, "QuerySystemTag", "/v1/system-tags", ("q", f"tag?={','.join(_ROLES)}")).values()
        tagged = {(as_text(tag.get("resourceUuid")), as_text(tag.get("tag"))) for tag in tags}
        stores = [
            ImageStore(row, next((role for tag, role in _ROLES.items() if (uuid, tag) in tagged), None))
            for uuid, row in found.items()
        ]
        # By name, and by UUID if several have the same name.
        stores.sort(key=lambda store: store.names)
        selected = [store for store in stores if store.role or params["purpose"] == "any"]
        if missing := [term for term in terms if not any(term in store.names for store in selected)]:
            line = f"image store not found: {', '.join(missing)}; found: {_names(selected) or 'none'}"
            if others := _names([store for store in stores if store not in selected]):
                line += f"; without a tag for backups, for which purpose=any is required: {others}"
            raise ZStackError(shorten(one_line(client.redact(line)), 1400), server=connection.address)
        return [store.fields(client.warn) for store in selected if not terms or set(store.names) & set(terms)]


class ImageStore(NamedTuple):
    """An image store in the server's reply, with its role in backups."""

    row: Mapping[str, Any]
    role: str | None

    @property
    def names(self) -> tuple[str, str]:
        name, uuid = texts(self.row, ("name", "uuid")).values()
        return name or "", uuid or ""

    def fields(self, warn: Warn) -> dict[str, Any]:
        """Return the image store with all keys. It never contains a password."""
        url = self._url()
        if url is None:
            problem = "because a scan would not accept its user name, host, SSH port or path"
            warn(f"The image store {self.names[0]} has no url, {problem}.")
        return {
            **texts(self.row, ("name", "uuid", "description", "hostname", "username", "state", "status")),
            "url": url,
            "ssh_port": as_int(self.row.get("sshPort")),
            "path": texts(self.row, ("url",))["url"],
            "backup_role": self.role,
            "total_capacity": as_int(self.row.get("totalCapacity")),
            "available_capacity": as_int(self.row.get("availableCapacity")),
        }

    def _url(self) -> str | None:
        """Return the URL without a password, or None if a scan would refuse it."""
        user, host, path = (text or "" for text in texts(self.row, ("username", "hostname", "url")).values())
        if ":" in host:
            host = f"[{host}]"
        url = f"ssh://{user}@{host}:{as_int(self.row.get('sshPort'))}{path}".replace("%", "%25")
        try:
            # A colon in the user name would begin a password.
            return None if check_url(url)["password"] else url
        except ZStackError:
            return None


def _names(stores: Sequence[ImageStore]) -> str:
    return ", ".join(store.names[0] for store in stores)


def _query(
    client: Client, login: Login, name: str, path: str, *conditions: tuple[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the rows of a query from all of its pages, by UUID."""
    rows: dict[str, dict[str, Any]] = {}
    while True:
        start, known = str(len(rows)), len(rows)
        # Sorted by UUID, because other fields are not unique, and a page could repeat or omit rows.
        paging = [("sort", "+uuid"), ("limit", str(PAGE_SIZE)), ("start", start), ("replyWithCount", "true")]
        reply = client.call(Call(name, "GET", path, login.auth, query=[*conditions, *paging], hints=QUERY_HINTS))
        page = reply.data.get("inventories")
        if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
            raise client.error(name, "the response contains no list of inventories", reply.status)
        rows.update((as_text(row.get("uuid")), row) for row in page)
        total = as_int(reply.data.get("total"))
        # A page without a new row ends the query, or a proxy that repeats a page would keep it running.
        if len(rows) == known or (total is not None and len(rows) >= total):
            return rows
