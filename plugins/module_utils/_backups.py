# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API call GetDatabaseBackupFromImageStore: its options, the request, and its result."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone, tzinfo
from typing import Any, NamedTuple

from ._auth import Login, logged_in
from ._calls import Call, Hint, Reply, Warn, ZStackError
from ._client import CACHED, Client
from ._json import as_int, as_text, json_safe, parse_json, texts
from ._module import ZStackModule
from ._options import Connection, check_connection, check_ranges, connection_spec, yaml_type
from ._platform import Platform, PlatformCalls
from ._redaction import shorten
from ._storage import URL_FORM, Storage, check_storage
from ._times import read_epoch

_CALL, _PATH = "GetDatabaseBackupFromImageStore", "/v1/database-backups/image-store"
# A scan has one SSH connection at a time from the management node to the storage (src).
_PARALLEL_SCANS = 5
# Seconds that a backup may be ahead of the server's clock before its time counts as wrong.
FUTURE = 300
_RANGES = {"registry_port": (1, 65535), "limit": (1, None)}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TEXTS = (
    *("id", "parent", "blobsum", "created", "author", "arch", "desc"),
    *("name", "version", "type", "md5", "install_path"),
)

# The reason of a hint about the storage or url starts with storage_, or is registry_port.
SCAN_CODE_HINTS: Mapping[str, Hint] = {
    "SYS.1003": Hint("storage_missing", "Check that url names an existing storage."),
    "SYS.1006": Hint("storage_url", "Check url and registry_port."),
    "SYS.1007": Hint("storage_options", "Check url, registry_port and the tags."),
}
# By phrase in the last line of a failed scan. The last entry applies to any other.
SCAN_OUTPUT_HINTS: Mapping[str, Hint] = {
    phrase: Hint(reason, f"{text} Try ssh from the management node.".lstrip())
    for phrase, reason, text in (
        ("Permission denied", "storage_login", "Check the user name and password of the storage."),
        ("No route to host", "storage_network", "Check the host in url, and the network of the management node."),
        ("Connection refused", "storage_port", "Check the host and the SSH port in url, and registry_port."),
        ("Connection timed out", "storage_firewall", "Check the host and the SSH port in url, and firewalls."),
        ("Could not resolve hostname", "storage_name", "The management node cannot resolve the host in url."),
        ("wrong url", "storage_parts", "Check the user name, password and host in url."),
        ("", "storage_ssh", ""),
    )
}


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of all options except ``url``, which the lookup takes as its terms."""
    return {
        **connection_spec(),
        "storage_password": {"type": "str", "no_log": True},
        "registry_port": {"type": "int"},
        "system_tags": {"type": "list", "elements": "str"},
        "user_tags": {"type": "list", "elements": "str"},
        "max_age": {"type": "str"},
        "limit": {"type": "int"},
    }


class Options(NamedTuple):
    """Validated options."""

    connection: Connection
    storages: list[Storage]
    registry_port: int | None
    system_tags: list[str]
    user_tags: list[str]
    max_age: int | None  # seconds
    limit: int | None


def check(params: Mapping[str, Any], terms: Sequence[Any], sources: Sequence[Mapping[str, Any]]) -> Options:
    """Return the options from parameters that the argument spec has validated.

    ``terms`` are the storages: URLs, or mappings with ``url`` and ``password``. ``sources`` contain the secrets.
    """
    check_ranges(params, _RANGES)
    return Options(
        connection=check_connection(params, sources),
        storages=[check_storage(term, sources) for term in terms],
        registry_port=params["registry_port"],
        system_tags=params["system_tags"] or [],
        user_tags=params["user_tags"] or [],
        max_age=parse_age(params["max_age"]) if params["max_age"] else None,
        limit=params["limit"],
    )


def parse_age(age: str) -> int:
    """Return a ``max_age`` in seconds."""
    parts = re.fullmatch(r"([0-9]{1,9})([smhdw])", age.strip())
    if not parts:
        got = shorten(repr(age), 100)
        raise ZStackError(f"max_age must be a whole number with a unit, such as 90s, 30m, 24h, 7d or 2w, got {got}")
    return int(parts[1]) * _SECONDS[parts[2]]


def gather(options: Options, warn: Warn, report: bool = False) -> list[dict[str, Any]]:
    """Return a result for each storage, in order, as described in the module's RETURN.

    Scan all storages with one login. Raise ZStackError if anything fails. With ``report``, return the error in the
    results of the affected storages instead.
    """
    storages = options.storages
    secrets = [secret for storage in storages for secret in storage.secrets]
    results: list[dict[str, Any]] = []
    try:
        with Client(options.connection, warn, secrets) as client, logged_in(client, options.connection) as login:
            # Started first, because scans take seconds and these calls do not depend on them.
            platform_calls = PlatformCalls(client, login, options.connection)
            calls = [_scan(options, storage, login) for storage in storages]
            outcomes: dict[int, Reply | ZStackError] = {}
            for number, outcome in client.call_all(calls, _PARALLEL_SCANS):
                outcomes[number] = outcome
                if isinstance(outcome, ZStackError) and not report:
                    raise outcome.with_storage(storages[number].masked, named=len(storages) > 1)
            for number, storage in enumerate(storages):
                outcome = outcomes[number]
                try:
                    if isinstance(outcome, ZStackError):
                        raise outcome
                    # Not needed if nothing was scanned, when its warnings would only distract from the reason.
                    platform = platform_calls.platform
                    images = images_in(outcome, platform.clock, client)
                    results.append(summarize(images, storage, outcome.date, platform, options, client.warn))
                except ZStackError as exc:
                    exc.with_storage(storage.masked, named=len(storages) > 1)
                    if not report:
                        raise
                    results.append(failed_result(storage, exc))
    except ZStackError as exc:
        if not report:
            raise
        return [failed_result(storage, exc) for storage in storages]
    return results


def _scan(options: Options, storage: Storage, login: Login) -> Call:
    port = options.registry_port
    query = [
        ("url", storage.url),
        *([] if port is None else [("registryPort", str(port))]),
        *(("systemTags", tag) for tag in options.system_tags),
        *(("userTags", tag) for tag in options.user_tags),
    ]
    return Call(_CALL, "GET", _PATH, login.auth, query, hints=SCAN_CODE_HINTS, output_hints=SCAN_OUTPUT_HINTS)


def failed_result(storage: Storage, exc: ZStackError) -> dict[str, Any]:
    """Return the result for a storage that could not be scanned."""
    empty = dict.fromkeys(("latest", "checked_at", "timezone", "timezone_source", "platform_version"))
    counts = {"backups": [], "count": 0, "total": 0, "storage": storage.masked}
    error = {**exc.error, "storage": storage.masked}
    return {**counts, **empty, "failed": True, "msg": str(exc), "error": error, "status": exc.status}


def images_in(reply: Reply, clock: float | None, client: Client) -> list[Any]:
    """Return the list of backups in a reply. The documentation names it ``infos``, and current servers ``backups``.

    Its time must agree with the server's ``clock`` according to the other calls, or the reply is from a cache.
    """
    off = 0.0 if reply.clock is None or clock is None else abs(reply.clock - clock)
    if off > FUTURE:
        words = f"the response is from a cache: its time is {off:.0f} s off that of other responses"
        raise client.error(_CALL, words, reply.status, CACHED)
    images = next((reply.data[key] for key in ("backups", "infos") if reply.data.get(key) is not None), None)
    if not isinstance(images, list):
        raise client.error(_CALL, "the response contains no list of backups", reply.status)
    return images


def summarize(
    images: list[Any], storage: Storage, date: datetime | None, platform: Platform, options: Options, warn: Warn
) -> dict[str, Any]:
    """Return the result for one storage. ``date`` is the server's time, or None to use the local time."""
    if options.max_age is not None and platform.timezone_source in ("host", "differs"):
        problem = "the management node does not report one: set timezone"
        if platform.timezone_source == "differs":
            problem = "timezone differs from that of the management node: remove or correct it"
        raise ZStackError(f"max_age requires a known time zone, but {problem}", server=options.connection.address)
    now = (date or datetime.now(timezone.utc)).replace(microsecond=0).astimezone(platform.zone)
    epoch = int(now.timestamp())
    known = [image for image in images if isinstance(image, dict)]
    if len(known) < len(images):
        warn(f"{storage.masked}: ignored {len(images) - len(known)} entries that are not objects.")
    backups = [Backup.from_image(image, platform.zone) for image in known]
    # Newest first, and those without a readable time last.
    backups.sort(key=lambda each: -math.inf if each.epoch is None else each.epoch, reverse=True)
    _warn_of_times(backups, epoch, storage, warn)
    newest = backups[0] if backups and backups[0].epoch is not None else None
    selected = backups
    if options.max_age is not None:
        first, last = epoch - options.max_age, epoch + FUTURE
        selected = [each for each in backups if each.epoch is not None and first <= each.epoch <= last]
    selected = selected[: options.limit]
    return {
        "backups": [backup.fields(epoch, platform) for backup in selected],
        "latest": newest.fields(epoch, platform) if newest else None,
        "count": len(selected),
        "total": len(known),
        "storage": storage.masked,
        "checked_at": now.isoformat(),
        "timezone": platform.timezone,
        "timezone_source": platform.timezone_source,
        "platform_version": platform.version,
    }


class Backup(NamedTuple):
    """A backup in either kind of reply, with its time. Other fields are read only if the backup is returned."""

    image: Mapping[str, Any]
    created: Any  # the time that the server reports, or the earliest if there are several
    epoch: int | None  # the same in seconds since 1970
    is_older_than_image: bool

    @classmethod
    def from_image(cls, image: Mapping[str, Any], zone: tzinfo | None) -> Backup:
        # An image can be newer than the backup in it.
        written = [image.get("created"), image.get("createdTime"), _described(image.get("desc")).get("createdTime")]
        times = [(epoch, time) for time in written if (epoch := read_epoch(time, zone)) is not None]
        if not times:
            return cls(image, next((time for time in written if time is not None), None), None, False)
        epoch, created = min(times, key=lambda each: each[0])
        return cls(image, created, epoch, max(times, key=lambda each: each[0])[0] - epoch > FUTURE)

    def fields(self, now: int, platform: Platform) -> dict[str, Any]:
        """Return the backup with all keys. ``now`` is in seconds since 1970."""
        fields: dict[str, Any] = json_safe(self.image)
        # The image's description contains the properties that the image store does not support (src).
        described = _described(fields.get("desc"))
        for key in ("version", "type", "md5"):
            if fields.get(key) is None:
                fields[key] = described.get(key)
        name = fields.get("name")
        if fields.get("install_path") is None and name is not None and fields.get("id") is not None:
            fields["install_path"] = f"zstore://{as_text(name)}/{as_text(fields['id'])}"
            # The images of all backups have the same name (src).
            fields["name"] = described.get("name") or name
        if fields.get("id") is None and isinstance(fields.get("install_path"), str):
            fields["id"] = fields["install_path"].rpartition("/")[2] or None
        fields["created"] = json_safe(self.created)
        fields.pop("created_time", None)
        fields.update(texts(fields, _TEXTS))
        version, running = fields["version"] and fields["version"].strip(), platform.version
        at = None if self.epoch is None else datetime.fromtimestamp(self.epoch, timezone.utc).astimezone(platform.zone)
        size = as_int(fields.get("size"))
        if size == 0:
            size = as_int(fields.get("virtualsize")) or 0  # as the server does (src)
        return {
            **fields,
            "version": version,
            "size": size,
            "virtualsize": as_int(fields.get("virtualsize")),
            "created_at": at and at.isoformat(),
            "created_epoch": self.epoch,
            "age_seconds": None if self.epoch is None else now - self.epoch,
            "restorable": version == running if version and running else None,
        }


def _warn_of_times(backups: Sequence[Backup], now: int, storage: Storage, warn: Warn) -> None:
    unreadable = [each for each in backups if each.epoch is None]
    future = [each for each in backups if (each.epoch or 0) - now > FUTURE]
    older = [each for each in backups if each.is_older_than_image]
    for affected, problem, remedy in (
        (unreadable, "no readable time", "They are never the latest."),
        (future, "a time in the future", "Check timezone, and the clocks."),
        (older, "an image that is newer than the backup in it", "Their age is that of the backup."),
    ):
        if affected:
            count = f"{len(affected)} of {len(backups)}"
            examples = ", ".join(_example(each.created) for each in affected[:3])
            warn(f"{storage.masked}: backups with {problem}: {count}, such as {examples}. {remedy}")


def _example(time: Any) -> str:
    # Do not shorten the text, because part of a secret would no longer be redacted.
    if isinstance(time, str) and len(time) > 60:
        return f"a string of {len(time)} characters"
    return f"a {yaml_type(time)}" if isinstance(time, (list, dict)) else repr(time)


def _described(text: Any) -> dict[str, Any]:
    """Return the properties in the description of an image, which is an object in JSON."""
    value = parse_json(text) if isinstance(text, str) else text
    return value if isinstance(value, dict) else {}


def module_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the modules."""
    return {"url": {"type": "str", "required": True}, **argument_spec()}


def list_backups(module: ZStackModule) -> dict[str, Any]:
    """Return the result for the storage of the task."""
    # The original value, because AnsibleModule does not know the password in it.
    url = module.task_options["url"]
    if isinstance(url, (dict, list)):
        raise ZStackError(f"url must be a URL such as {URL_FORM}, got a {yaml_type(url)}")
    (result,) = gather(check(module.params, [url], [module.task_options]), module.warn)
    return result
