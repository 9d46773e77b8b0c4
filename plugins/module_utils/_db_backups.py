# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""GetDatabaseBackupFromImageStore, and what its reply means."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone, tzinfo
from functools import partial
from threading import Semaphore
from typing import Any, NamedTuple

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from ansible_collections.zstack.cloud.plugins.module_utils._auth import (
    AccessKeyAuth,
    NoAuth,
    SessionAuth,
    authenticated,
)
from ansible_collections.zstack.cloud.plugins.module_utils._client import Client, Reply, parse_json
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError, as_text, clip
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import in_background
from ansible_collections.zstack.cloud.plugins.module_utils._options import Options, StorageUrl
from ansible_collections.zstack.cloud.plugins.module_utils._times import offset_name, parse_zone, read_time

_CALL = "GetDatabaseBackupFromImageStore"
# A scan opens an ssh connection from the management node to the storage.
_SCANS_AT_ONCE = 5
_TEXTS = (
    "id",
    "parent",
    "blobsum",
    "created",
    "author",
    "arch",
    "desc",
    "name",
    "version",
    "type",
    "md5",
    "install_path",
)


class Platform(NamedTuple):
    """What the running platform says of itself, or what stands in where it does not."""

    version: str | None
    zone: tzinfo | None
    timezone: str  # the name or the offset of zone


def gather(options: Options, warn: Callable[[str], None]) -> list[dict[str, Any]]:
    """A result for each of the options' storages, in their order, as the module's RETURN describes it.

    All are asked for with one login. What a user should know but need not act on goes to ``warn``. Raises
    ZStackError where one of the storages cannot be told of.
    """
    with Client(options) as client, authenticated(client, options, warn) as auth:

        def scan(storage: StorageUrl) -> Reply:
            return client.call(
                _CALL, "GET", "/v1/database-backups/image-store", auth=auth, query=_query(options, storage)
            )

        slots = Semaphore(_SCANS_AT_ONCE)
        scans = [in_background(partial(scan, storage), slots) for storage in options.storages]
        try:
            replies = [each.result() for each in scans]
        finally:
            # Whatever ends this early, the logout comes at once, and no scan holds it up.
            for each in scans:
                each.cancel()
        found = [backups_of(reply) for reply in replies]
        platform = _platform(client, auth, options, warn)

        def warn_without_secrets(text: str) -> None:
            warn(client.redact(text))

        return [
            summarize(images, storage, reply.date, platform, options, warn_without_secrets)
            for images, storage, reply in zip(found, options.storages, replies)
        ]


def _query(options: Options, storage: StorageUrl) -> list[tuple[str, str]]:
    port = options.registry_port
    return [
        ("url", storage.url),
        *([] if port is None else [("registryPort", str(port))]),
        *(("systemTags", tag) for tag in options.system_tags),
        *(("userTags", tag) for tag in options.user_tags),
    ]


def backups_of(reply: Reply) -> list[Any]:
    """The list in a reply: ``infos`` as documented, ``backups`` as today's servers have it; none is an empty list."""
    images: Any = next((reply.data[key] for key in ("backups", "infos") if reply.data.get(key) is not None), [])
    if not isinstance(images, list):
        raise ZStackError("the reply's backups are not a list", call=_CALL, status=reply.status)
    return images


def _platform(
    client: Client, auth: SessionAuth | AccessKeyAuth, options: Options, warn: Callable[[str], None]
) -> Platform:
    """Asks for the platform's version and zone. Neither call can fail a task: old servers know only one or none."""
    actions = "/v1/management-nodes"
    version = _tell(client, "GetVersion", "PUT", f"{actions}/actions", auth=NoAuth(), body={"getVersion": {}})
    current = version.get("version")
    if not isinstance(current, str) or not current:
        current = None
    if options.timezone is not None:
        return Platform(current, options.zone, options.timezone)
    told = _tell(client, "GetPlatformTimeZone", "GET", f"{actions}/platform-timezone", auth=auth)
    for name in (told.get("timezone"), told.get("offset")):
        if isinstance(name, str) and (zone := parse_zone(name)):
            return Platform(current, zone, name)
    if auth.server_zone:
        return Platform(current, auth.server_zone, offset_name(auth.server_zone))
    local = offset_name(None)
    warn(f"The server does not tell its time zone: its times are read in this machine's, {local}. Set timezone.")
    return Platform(current, None, local)


def _tell(client: Client, *call: str, **request: Any) -> dict[str, Any]:
    try:
        return client.call(*call, **request).data
    except ZStackError:
        return {}


def summarize(
    images: list[Any],
    storage: StorageUrl,
    date: datetime | None,
    platform: Platform,
    options: Options,
    warn: Callable[[str], None],
) -> dict[str, Any]:
    """The result for one storage. ``date`` is the server's time, or None for this machine's."""
    now = (date or datetime.now(timezone.utc)).astimezone(platform.zone).replace(microsecond=0)
    entries = [entry(image, now, platform) for image in images if isinstance(image, dict)]
    if len(entries) < len(images):
        warn(f"{storage.masked}: left out what is no description of a backup: {len(images) - len(entries)} in all.")
    timeless = [each["created"] for each in entries if each["age_seconds"] is None]
    if timeless:
        text = clip(", ".join(map(repr, timeless[:3])), 200)
        warn(f"{storage.masked}: no readable time in {len(timeless)} of {len(entries)} backups, such as {text}.")
    backups = sorted(entries, key=lambda each: math.inf if each["age_seconds"] is None else each["age_seconds"])
    if options.max_age is not None:
        backups = [
            each for each in backups if each["age_seconds"] is not None and each["age_seconds"] <= options.max_age
        ]
    backups = backups[: options.limit]
    return {
        "backups": backups,
        "latest": backups[0] if backups else None,
        "count": len(backups),
        "total": len(entries),
        "storage": storage.masked,
        "checked_at": now.isoformat(),
        "timezone": platform.timezone,
        "platform_version": platform.version,
    }


def entry(image: dict[str, Any], now: datetime, platform: Platform) -> dict[str, Any]:
    """One backup, with every key, from an image of either kind of reply."""
    said = camel_dict_to_snake_dict(image)
    created = said.pop("created_time", None)
    if said.get("created") is None:
        said["created"] = created
    # The image store keeps what it does not know of a backup in the image's description (src).
    described = _json_object(said.get("desc"))
    for key in ("version", "type", "md5"):
        if said.get(key) is None:
            said[key] = described.get(key)
    if said.get("install_path") is None and said.get("name") is not None and said.get("id") is not None:
        said["install_path"] = f"zstore://{said['name']}/{said['id']}"
    if said.get("id") is None and isinstance(said.get("install_path"), str):
        said["id"] = said["install_path"].rpartition("/")[2] or None
    texts = {key: None if said.get(key) is None else as_text(said[key]) for key in _TEXTS}
    at = read_time(said["created"], platform.zone)
    known = texts["version"] and platform.version
    return {
        **said,
        **texts,
        "size": _bytes(said.get("size")),
        "virtualsize": _bytes(said.get("virtualsize")),
        "created_at": at.isoformat() if at else None,
        "age_seconds": int((now - at).total_seconds()) if at else None,
        "restorable": texts["version"] == platform.version if known else None,
    }


def _json_object(text: Any) -> dict[str, Any]:
    value = parse_json(text) if isinstance(text, str) else text
    return value if isinstance(value, dict) else {}


def _bytes(size: Any) -> int | None:
    """A size as an int: the server writes it as a float at times, a proxy's rewriting as a text."""
    try:
        number = size if isinstance(size, int) else float(size)
    except (TypeError, ValueError):
        return None
    return int(number) if 0 <= number < math.inf else None
