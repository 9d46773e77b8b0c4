# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image stores that the platform knows, and the contents of a backup storage, in both kinds of reply.

``infos`` lists the images of the image store, as the API reference shows them. Newer servers select the database
backups among these and reply with ``backups``. Here, too, the second is made from the first.

The server runs ``zstack-ctl scan_database_backup`` for each scan, and quotes its command lines if it fails.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import md5, sha256
from ipaddress import ip_address
from typing import Any

from . import java
from .query import Inventory
from .replies import Refused, failed
from .site import Site, Storage
from .uri import StorageUrl

#: The classes in the schema of a query's reply.
IMAGE_STORE = Inventory(
    "org.zstack.storage.backup.imagestore.ImageStoreBackupStorageInventory",
    (
        *("uuid", "name", "description", "url", "hostname", "username", "sshPort", "type", "state", "status"),
        *("totalCapacity", "availableCapacity", "attachedZoneUuids", "createDate", "lastOpDate"),
    ),
)
SYSTEM_TAG = Inventory(
    "org.zstack.header.tag.SystemTagInventory",
    ("uuid", "inherent", "resourceUuid", "resourceType", "tag", "type", "createDate", "lastOpDate"),
)

#: The name of the images that are database backups.
_DATABASE_BACKUP = "zsbak"
_ZSTORE = "/usr/local/zstack/imagestore/bin/zstore"
_CHECK = f"ps -e | grep zstore || {_ZSTORE} -conf {_ZSTORE}.yaml -logfile /var/log/zstack/zstack-store/zstore.log"


def find_storage(site: Site, text: str, url: StorageUrl, port: int) -> Storage:
    """Return the storage of *site* that the command reaches at *url*, which was sent as *text*; raises Refused."""
    hosts = [storage for storage in site.storages if storage.host == url.host]
    storage = next((storage for storage in hosts if storage.ssh_port == url.port), None)
    if not url.username or not url.password:
        stderr = "ERROR: wrong url, get guide from help."
    elif storage is None:
        stderr = _ssh(url, 255, _unreachable(url, is_known=bool(hosts)))
    elif (storage.username, storage.password) != (url.username, url.password):
        stderr = _ssh(url, 5, "Permission denied, please try again.")
    elif storage.registry_port != port:
        words = f"dial tcp {url.host}:{port}: connect: connection refused"
        stderr = f"ERROR: fail to run image store cli[images -name zsbak]: {words}"
    else:
        return storage
    raise _scan_failed(text, port, stderr)


def _scan_failed(url: str, port: int, stderr: str) -> Refused:
    command = f"zstack-ctl scan_database_backup --json --backup-storage-url {url} -p {port}"
    return failed("SYS.1000", f"\nshell command[{command}] failed\nret code: 1\nstderr: {stderr}\n\nstdout: ")


def _ssh(url: StorageUrl, code: int, stderr: str) -> str:
    password = "'" + url.password.replace("'", "'\\''") + "'"
    options = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
    ssh = f"sshpass -p {password} ssh -p {url.port} {options} {url.username}@{url.host} '{_CHECK}'"
    return f"ERROR: failed to execute shell command: {ssh}\nreturn code: {code}\nstdout: \nstderr: {stderr}"


def _unreachable(url: StorageUrl, is_known: bool) -> str:
    try:
        ip_address(url.host)
    except ValueError:
        return f"ssh: Could not resolve hostname {url.host}: Name or service not known"
    return (
        f"ssh: connect to host {url.host} port {url.port}: {'Connection refused' if is_known else 'No route to host'}"
    )


def _images(site: Site, storage: Storage, clock: java.Clock) -> list[dict[str, Any]]:
    """Return the images in *storage* with the fields of ``infos``, but with sizes as int."""
    now = clock.now()
    images = [{**entry, "created": clock.timestamp(site.moment(entry, now))} for entry in storage.images]
    for entry in storage.backups:
        moment = site.moment(entry, now)
        name = entry.get("name", f"zstack-db-{entry['version']}-{moment:%Y%m%d%H%M%S}.gz")
        content = f"{name}/{entry['size']}/{moment}"
        seed = f"{storage.url_without_password}/{content}"
        desc = {
            "name": name,
            "description": entry.get("description"),
            "version": entry["version"],
            "md5": entry.get("md5", _uuid(content)),
            "type": entry.get("type", "singleDatabase"),
            "createdTime": clock.timestamp(moment),
        }
        image = {
            "id": entry.get("id", _uuid(seed)),
            "blobsum": sha256(seed.encode()).hexdigest(),
            "created": clock.timestamp(moment),
            "author": "zstack",
            "arch": "amd64",
            "desc": java.dumps(desc),
            "size": entry["size"],
            "virtualsize": entry.get("virtualsize", entry["size"]),
            "name": _DATABASE_BACKUP,
        }
        images.append(image)
    return images


def infos(site: Site, storage: Storage, clock: java.Clock) -> list[dict[str, Any]]:
    """Return the entries of an ``infos`` reply, in which the server writes every long as a double."""
    return [
        {key: float(value) if isinstance(value, int) else value for key, value in image.items()}
        for image in _images(site, storage, clock)
    ]


def backups(site: Site, storage: Storage, clock: java.Clock) -> list[dict[str, Any]]:
    """Return the entries of a ``backups`` reply: the database backups, as the JSON in their ``desc`` describes them."""
    images = [image for image in _images(site, storage, clock) if image["name"] == _DATABASE_BACKUP]
    return [
        {
            "name": desc["name"],
            "version": desc["version"],
            "installPath": f"zstore://{image['name']}/{image['id']}",
            "type": desc["type"],
            "size": image["size"] or image["virtualsize"],
            "md5": desc["md5"],
            "createdTime": desc["createdTime"],
        }
        for image, desc in ((image, json.loads(image["desc"])) for image in images)
    ]


def image_stores(site: Site, clock: java.Clock) -> list[dict[str, Any]]:
    """Return the image stores that the platform knows, in the order of its database: by UUID."""
    added = clock.timestamp(datetime(2024, 1, 8, 10, 12, 40, tzinfo=clock.zone))
    stores = [
        {
            "uuid": _uuid(store["hostname"]),
            "name": store["hostname"],
            "type": "ImageStoreBackupStorage",
            "state": "Enabled",
            "status": "Connected",
            "totalCapacity": 1 << 40,
            "availableCapacity": 3 << 38,
            "attachedZoneUuids": [_uuid("zone")],
            "createDate": added,
            "lastOpDate": added,
            "sshPort": 22,
            **{key: value for key, value in store.items() if key != "tags"},
        }
        for store in site.image_stores
    ]
    return sorted(stores, key=lambda store: str(store["uuid"]))


def system_tags(site: Site, clock: java.Clock) -> list[dict[str, Any]]:
    """Return the system tags of the platform."""
    added = clock.timestamp(datetime(2024, 1, 8, 10, 12, 41, tzinfo=clock.zone))
    return [
        {
            "uuid": _uuid(f"{store['hostname']}/{tag}"),
            "inherent": False,
            "resourceUuid": store.get("uuid", _uuid(store["hostname"])),
            "resourceType": "BackupStorageVO",
            "tag": tag,
            "type": "System",
            "createDate": added,
            "lastOpDate": added,
        }
        for store in site.image_stores
        for tag in store.get("tags", [])
    ]


def _uuid(name: str) -> str:
    return md5(name.encode()).hexdigest()
