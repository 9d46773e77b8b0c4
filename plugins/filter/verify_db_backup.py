# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_db_backup
short_description: Check database backups of a ZStack Cloud platform against a policy
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Checks whether the newest backup on each storage is recent, restorable and of a plausible size, for instance before
    an upgrade.
  - Each condition can be switched off with V(null). An empty string stands for the default.
  - Whatever is unknown has not passed, and neither has a storage that could not be scanned. The filter never fails
    because of a backup. It fails if an option is wrong.
  - Ages are those at the time of the check. Results from a cache are judged as of then.
positional: _input
options:
  _input:
    description:
      - Results of P(zstack.cloud.zstack_db_backup#lookup) or M(zstack.cloud.zstack_db_backup_info), including failed
        ones. A list of results, a single result, or what a task with a loop registers.
      - Use the lookup with O(zstack.cloud.zstack_db_backup#lookup:on_error=report).
    type: raw
    required: true
  max_age:
    description:
      - Maximum age of the newest backup, as a whole number with a unit, such as V(90s), V(30m), V(24h), V(7d) or V(2w).
      - An unknown age has not passed. That includes times read in a time zone that is only a guess, and times in the
        future.
    type: str
    default: 24h
  restorable:
    description:
      - Whether the newest backup must be of the running platform's version, so that a restore would be accepted.
    type: bool
    default: true
  min_count:
    description:
      - Minimum number of backups on the storage.
    type: int
    default: 1
  min_size:
    description:
      - Minimum size of the newest backup, such as V(50MB), as the filter C(human_to_bytes) of Ansible reads it.
    type: str
  max_shrink:
    description:
      - How much smaller than usual the newest backup may be, in percent, V(0) to V(100). The usual size is the median
        of up to seven backups before it.
      - Requires results without O(zstack.cloud.zstack_db_backup_info#module:limit) and
        O(zstack.cloud.zstack_db_backup_info#module:max_age). The only backup on a storage passes.
    type: float
    default: 50
  min_storages:
    description:
      - Number of storages that must pass. If omitted, all of them.
    type: int
  names:
    description:
      - Names for the storages, in the order of the results. A storage without a name is called by host and path.
    type: list
    elements: str
seealso:
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
  - module: zstack.cloud.zstack_db_backup_info
"""

EXAMPLES = r"""
- name: Stop unless each storage has a fresh backup that can be restored
  ansible.builtin.assert:
    that: verdict.passed
    fail_msg: "{{ [verdict.summary] + verdict.unmet }}"
    success_msg: "{{ verdict.summary }}"
  vars:
    results: "{{ query('zstack.cloud.zstack_db_backup', *storage_urls, on_error='report', **zstack) }}"
    verdict: "{{ results | zstack.cloud.verify_db_backup(max_age='2d', min_size='10MB') }}"
    zstack:
      host: zstack.example.com
      account_name: admin
      account_password: "{{ zstack_password }}"
      storage_password: "{{ storage_password }}"

- name: List the backups, even if that fails
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "{{ storage_url }}"
    storage_password: "{{ storage_password }}"
  register: result
  ignore_errors: true

- name: Show what is wrong, whatever the backups' sizes
  ansible.builtin.debug:
    msg: "{{ (result | zstack.cloud.verify_db_backup(max_shrink=none)).unmet }}"
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    passed:
      description: Whether enough storages have passed. V(false) if there is no storage.
      type: bool
    summary:
      description: The verdict in one sentence.
      type: str
      sample: "NOT ready for an upgrade: 1 of 2 storages passed (wanted: all)."
    platform_version:
      description: Version of the running platform's database, V(null) if it is unknown or the results differ.
      type: str
      sample: 4.8.30
    checked_at:
      description: The time of the check, in ISO 8601, V(null) if no storage could be scanned.
      type: str
      sample: "2026-11-23T17:00:11+08:00"
    storages:
      description: The storages, in the order of the results.
      type: list
      elements: dict
      contains:
        storage:
          description: URL of the storage with its password replaced, V(null) if the result does not have it.
          type: str
          sample: ssh://root:***@192.0.2.20:22/zstack_bs
        name:
          description: Name of the storage.
          type: str
          sample: local
        passed:
          description: Whether all conditions are met.
          type: bool
        summary:
          description: The newest backup of a storage that has passed, or what is wrong with the storage, in words.
          type: str
          sample: zstack-db-backup-4.8.30-2026-11-23, 15 h 2 min old, 90.05 MB
        latest:
          description: The newest backup, as the module describes it.
          type: dict
        checks:
          description:
            - The conditions. A storage that could not be scanned has a single one, V(scan).
          type: list
          elements: dict
          contains:
            name:
              description: The option of this filter.
              type: str
              sample: max_age
            passed:
              description: Whether the condition is met.
              type: bool
            wanted:
              description: The condition in words.
              type: str
              sample: at most 24 h old
            found:
              description: What was found, in words.
              type: str
              sample: newest is 3 days 2 h old
        unmet:
          description: Which conditions are not met, a phrase each.
          type: list
          elements: str
          sample: ["newest is 3 days 2 h old (wanted: at most 24 h old)"]
    unmet:
      description: Which conditions are not met, each with the name of its storage.
      type: list
      elements: str
      sample: ["remote: newest is 3 days 2 h old (wanted: at most 24 h old)"]
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._options import kind_of
from ansible_collections.zstack.cloud.plugins.module_utils._verdict import check_policy, verify


def verify_db_backup(results: Any, names: list[str] | None = None, **policy: Any) -> dict[str, Any]:
    """Return the verdict on results of module or lookup."""
    try:
        if not isinstance(names, (list, tuple, type(None))):
            raise ZStackError(f"names must be a list of strings, got a {kind_of(names)}")
        return verify(results, check_policy(policy), names or [])
    except ZStackError as exc:
        failure = str(exc)
    raise AnsibleFilterError(failure)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"verify_db_backup": verify_db_backup}
