# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``zstack-ctl scan_database_backup``, which the server runs for each scan: how it finds a storage and how it fails."""

from __future__ import annotations

from ipaddress import ip_address

from .site import Site, Storage
from .uri import StorageUrl

_ZSTORE = "/usr/local/zstack/imagestore/bin/zstore"
_CHECK = f"ps -e | grep zstore || {_ZSTORE} -conf {_ZSTORE}.yaml -logfile /var/log/zstack/zstack-store/zstore.log"


class ScanFailed(Exception):
    """Raised with what the command writes to stderr."""


def find_storage(site: Site, url: StorageUrl, registry_port: int) -> Storage:
    """Return the storage of *site* that the command reaches; raises ScanFailed."""
    if not url.username or not url.password:
        raise ScanFailed("ERROR: wrong url, get guide from help.")
    hosts = [storage for storage in site.storages if storage.host == url.host]
    storage = next((storage for storage in hosts if storage.ssh_port == url.port), None)
    if storage is None:
        raise _ssh_failed(url, 255, _unreachable(url, known=bool(hosts)))
    if (storage.username, storage.password) != (url.username, url.password):
        known = f"Warning: Permanently added '{url.host}' (ECDSA) to the list of known hosts."
        raise _ssh_failed(url, 5, f"{known}\nPermission denied, please try again.")
    if storage.registry_port != registry_port:
        words = f"dial tcp {url.host}:{registry_port}: connect: connection refused"
        raise ScanFailed(f"ERROR: fail to run image store cli[images -name zsbak]: {words}")
    return storage


def command(url: str, registry_port: int) -> str:
    """Return the command line, with *url* as it was sent."""
    return f"zstack-ctl scan_database_backup --json --backup-storage-url {url} -p {registry_port}"


def details(url: str, registry_port: int, stderr: str) -> str:
    """Return how the server reports that the command failed."""
    return f"\nshell command[{command(url, registry_port)}] failed\nret code: 1\nstderr: {stderr}\n\nstdout: "


def _ssh_failed(url: StorageUrl, code: int, stderr: str) -> ScanFailed:
    password = "'" + url.password.replace("'", "'\\''") + "'"
    options = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
    ssh = f"sshpass -p {password} ssh -p {url.port} {options} {url.username}@{url.host} '{_CHECK}'"
    return ScanFailed(f"ERROR: failed to execute shell command: {ssh}\nreturn code: {code}\nstdout: \nstderr: {stderr}")


def _unreachable(url: StorageUrl, known: bool) -> str:
    try:
        ip_address(url.host)
    except ValueError:
        return f"ssh: Could not resolve hostname {url.host}: Name or service not known"
    return f"ssh: connect to host {url.host} port {url.port}: {'Connection refused' if known else 'No route to host'}"
