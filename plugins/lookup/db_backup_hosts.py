# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: db_backup_hosts
short_description: Check the hosts of a playbook of this collection (internal)
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - This plugin is internal. It can change in any release.
  - Reports if a pattern of hosts has a part that matches no host, which Ansible only warns of, or if the hosts of the
    play are not those that the pattern matches. Also reports a misspelt variable of the playbook.
options:
  _terms:
    description: Name of the variable with the pattern, C(verify_db_backup_hosts) or C(report_db_backups_hosts).
    type: list
    elements: str
    required: true
  only:
    description:
      - Whether the play must run on exactly these hosts. Otherwise, it must have one of them, because C(--limit) may
        leave none.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Check the hosts
  ansible.builtin.fail:
    msg: "{{ error }}"
  when: error != ''
  vars:
    error: "{{ lookup('zstack.cloud.db_backup_hosts', 'verify_db_backup_hosts') }}"
"""

RETURN = r"""
_raw:
  description: What is wrong with the pattern or a variable, an empty string if nothing is.
  type: list
  elements: str
"""

from collections.abc import Collection
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.plugins.lookup import LookupBase

from ..module_utils._calls import ZStackError
from ..plugin_utils._lookup import Variables, check_names
from ..plugin_utils._verdict import OPTIONS

# The other options of the playbook, by the variable of its hosts
_OPTIONS = {
    "verify_db_backup_hosts": OPTIONS,
    "report_db_backups_hosts": ("dest", "language", "fail"),
}


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        name, values = terms[0], variables or {}
        try:
            check_names(values, name.removesuffix("hosts"), ("hosts", *_OPTIONS[name]), ("result",))
        except ZStackError as exc:
            return [str(exc)]
        pattern = Variables(self._templar, values, [name]).get(name)
        manager = InventoryManager(self._loader, parse=False)
        for group, members in values["groups"].items():
            manager.add_group(group)
            for host in members:
                manager.add_host(host, group=group)
        hosts = values["ansible_play_hosts_all"]
        found = pattern or "localhost"
        if kwargs.get("only"):
            error = check_play(_matches(manager, found), hosts, bool(values.get("ansible_limit")))
        else:
            error = check_pattern(manager, found, hosts)
        return [f"{name} {error}" if error else ""]


def check_pattern(manager: Any, pattern: Any, hosts: Collection[str]) -> str | None:
    """Return which part of a pattern matches nothing, or that the pattern matches none of the hosts."""
    for part in split_host_pattern(pattern):
        bare = part[1:] if part[0] in "!&" else part
        # With a comma, Ansible does not split the part again.
        if not bare or not _matches(manager, f"{bare},"):
            return f"matches no host of the inventory: {part}"
    if set(_matches(manager, pattern)) & set(hosts):
        return None
    return f"matches no host of the inventory: {pattern if isinstance(pattern, str) else ','.join(map(str, pattern))}"


def check_play(found: Collection[str], hosts: Collection[str], limited: bool) -> str | None:
    """Return how the hosts of the play differ from those that the pattern matches."""
    if not set(hosts) <= set(found):
        return "must be an extra variable, not one of the inventory: set it with -e"
    missing = [host for host in found if host not in hosts]
    return f"matches hosts that the play does not have: {', '.join(missing)}" if missing and not limited else None


def _matches(manager: Any, pattern: Any) -> list[str]:
    try:
        return [host.name for host in manager.get_hosts(pattern)]
    except AnsibleError:
        return []
