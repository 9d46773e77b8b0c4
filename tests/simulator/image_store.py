# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image stores that the platform knows, and the contents of a backup storage, in both kinds of reply.

``infos`` lists the images of the image store, as the API reference shows them. Newer servers select the database
backups among these and reply with ``backups``. Here, too, the second is made from the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import md5, sha256
from typing import Any

from . import java
from .clock import Clock
from .query import Inventory
from .site import Site, Storage

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
DATABASE_BACKUP = "zsbak"

_DEFAULTS = {"author": "zstack", "arch": "amd64"}


def images(site: Site, storage: Storage, clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield the images in *storage* with the fields of ``infos``, but with sizes as int."""
    now = clock.now()
    for entry in storage.images:
        yield {**entry, "created": clock.timestamp(site.moment(entry, now))}
    for entry in storage.backups:
        moment = site.moment(entry, now)
        name = entry.get("name", f"zstack-db-{entry['version']}-{moment:%Y%m%d%H%M%S}.gz")
        content = f"{name}/{entry['size']}/{moment}".encode()
        seed = f"{storage.url_without_password}/".encode() + content
        desc = {
            "name": name,
            "description": entry.get("description"),
            "version": entry["version"],
            "md5": entry.get("md5", md5(content).hexdigest()),
            "type": entry.get("type", "singleDatabase"),
            "createdTime": clock.timestamp(moment),
        }
        yield {
            **_DEFAULTS,
            "id": entry.get("id", md5(seed).hexdigest()),
            "blobsum": sha256(seed).hexdigest(),
            "created": clock.timestamp(moment),
            "desc": java.dumps(desc),
            "size": entry["size"],
            "virtualsize": entry.get("virtualsize", entry["size"]),
            "name": DATABASE_BACKUP,
        }


def infos(site: Site, storage: Storage, clock: Clock) -> list[dict[str, Any]]:
    """Return the entries of an ``infos`` reply, in which the server writes every long as a double."""
    return [
        {key: float(value) if isinstance(value, int) else value for key, value in image.items()}
        for image in images(site, storage, clock)
    ]


def backups(site: Site, storage: Storage, clock: Clock) -> list[dict[str, Any]]:
    """Return the entries of a ``backups`` reply: the database backups, as the JSON in their ``desc`` describes them."""
    found = []
    for image in images(site, storage, clock):
        if image["name"] != DATABASE_BACKUP:
            continue
        desc = json.loads(image["desc"])
        found.append(
            {
                "name": desc["name"],
                "version": desc["version"],
                "installPath": f"zstore://{image['name']}/{image['id']}",
                "type": desc["type"],
                "size": image["size"] or image["virtualsize"],
                "md5": desc["md5"],
                "createdTime": desc["createdTime"],
            }
        )
    return found


def image_stores(site: Site, clock: Clock) -> list[dict[str, Any]]:
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


def tags(site: Site) -> dict[str, list[str]]:
    """Return the system tags of the image stores, by the UUID of the store."""
    return {store.get("uuid", _uuid(store["hostname"])): store.get("tags", []) for store in site.image_stores}


def system_tags(site: Site, clock: Clock) -> list[dict[str, Any]]:
    """Return the system tags of the platform."""
    added = clock.timestamp(datetime(2024, 1, 8, 10, 12, 41, tzinfo=clock.zone))
    return [
        {
            "uuid": _uuid(f"{resource}/{tag}"),
            "inherent": False,
            "resourceUuid": resource,
            "resourceType": "BackupStorageVO",
            "tag": tag,
            "type": "System",
            "createDate": added,
            "lastOpDate": added,
        }
        for resource, its_tags in tags(site).items()
        for tag in its_tags
    ]


def _uuid(name: str) -> str:
    return md5(name.encode()).hexdigest()
