# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verify_db_backup
short_description: Check the database backups of a ZStack Cloud platform against a policy
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Checks whether the newest backup on each storage is recent, restorable and of a plausible size, for instance before
    an upgrade.
  - Set a condition to V(null) to disable it. If a condition is an empty string, its default is used.
  - An unknown value does not meet a condition, and a storage that could not be scanned does not pass. The filter itself
    fails only if an option is invalid.
  - A backup of 0 bytes never passes, and does not count towards O(min_count) and the usual size. Neither does a backup
    that the server lists again.
  - One host and SSH port is one storage, whatever the path, because the path selects nothing. If it is listed several
    times, it counts once, and passes if it passed each time.
  - Ages are those at the time of the scan, even if the results come from a cache.
positional: _input
options:
  _input:
    description:
      - Results of P(zstack.cloud.zstack_db_backup#lookup) or M(zstack.cloud.zstack_db_backup_info), including failed
        ones. Can be a list of results, a single result, or the registered result of a task with a loop.
      - Use the lookup with O(zstack.cloud.zstack_db_backup#lookup:on_error=report).
    type: raw
    required: true
  max_age:
    description:
      - Maximum age of the newest backup, as a whole number with a unit, such as V(90s), V(30m), V(24h), V(7d) or V(2w).
      - The condition is not met if the age is unknown, if the time zone is only a guess, or if the time of the backup
        is in the future.
    type: str
    default: 24h
  restorable:
    description:
      - Whether the newest backup must have the version of the running platform, which ZStack requires for a restore.
    type: bool
    default: true
  min_count:
    description:
      - Minimum number of backups on the storage.
    type: int
    default: 1
  min_size:
    description:
      - Minimum size of the newest backup, in bytes or with a unit, such as V(50MB) or V(1.5GB). V(1KB) is 1024 bytes.
    type: str
  max_shrink:
    description:
      - Maximum percentage by which the newest backup may be smaller than usual, V(0) to V(100). The usual size is the
        median of up to seven earlier backups.
      - Requires results without O(zstack.cloud.zstack_db_backup_info#module:limit) and
        O(zstack.cloud.zstack_db_backup_info#module:max_age). If a storage has only one backup, the condition is met.
    type: float
    default: 50
  min_storages:
    description:
      - Minimum number of storages that must pass, at most the number of storages. If omitted, all storages must pass.
    type: int
  storages:
    description:
      - The storages in the order of the results, as P(zstack.cloud.zstack_db_backup#lookup) takes them. A dictionary
        can have a C(name), and the C(state) and C(status) that P(zstack.cloud.zstack_image_store#lookup) returns, which
        the verdict reports if the scan failed.
      - Must have as many storages as there are results. A string can contain several URLs, separated by white space.
      - A storage without a name is identified by its host and path.
    type: list
    elements: raw
  host:
    description: Inventory name of the management node, for RV(_value.platform).
    type: str
  address:
    description: Address of the management node, for RV(_value.platform).
    type: str
  language:
    description: Language of the sentences, English or Chinese.
    type: str
    choices: [en, zh]
    default: en
seealso:
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
  - module: zstack.cloud.zstack_db_backup_info
"""

EXAMPLES = r"""
- name: Stop unless each storage has a recent backup that can be restored
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

- name: List the backups, and continue if that fails
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "{{ storage_url }}"
    storage_password: "{{ storage_password }}"
  register: result
  ignore_errors: true

- name: Show what is wrong, regardless of the backups' sizes
  ansible.builtin.debug:
    msg: "{{ (result | zstack.cloud.verify_db_backup(max_shrink=none)).unmet }}"
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    passed:
      description: Whether enough storages passed. V(false) if there is no storage.
      type: bool
    summary:
      description: The verdict in one sentence.
      type: str
      sample: "NOT ready for an upgrade: 1 of 2 storages passed (required: all)."
    platform:
      description: The management node, with O(host) and O(address), each V(null) if it was not given.
      type: dict
      sample: {"host": "node1", "address": "zstack.example.com"}
    values:
      description:
        - Number of storages that passed (C(passed)), number of storages (C(count)), and the C(min_storages) of the
          policy.
      type: dict
      sample: {"passed": 1, "count": 2, "min_storages": null}
    platform_version:
      description: Version of the running platform's database, V(null) if it is unknown or the results differ.
      type: str
      sample: 4.8.30
    checked_at:
      description: Time of the earliest scan, in ISO 8601, V(null) if no storage could be scanned.
      type: str
      sample: "2026-11-23T17:00:11+08:00"
    storages:
      description: The storages, in the order of the results.
      type: list
      elements: dict
      contains:
        storage:
          description:
            - URL of the storage, with its password replaced by V(***). V(null) if the result does not contain it.
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
          description: The newest backup if the storage passed, or else what is wrong with the storage, in words.
          type: str
          sample: zstack-db-4.8.30-20261123020011.gz, 15 h 2 min old, 90.05 MB
        latest:
          description: The newest backup, as the module describes it.
          type: dict
        newest_restorable:
          description: The newest backup that can be restored on the running platform, V(null) if there is none.
          type: dict
        values:
          description:
            - Number of different backups that are not empty (C(count)), number of all backups (C(total)), and whether
              the zone of the server's times is known (C(knows_zone)).
          type: dict
        checks:
          description:
            - The conditions. For a storage that could not be scanned, there is only one, V(scan).
          type: list
          elements: dict
          contains:
            name:
              description: Name of the filter's option.
              type: str
              sample: max_age
            passed:
              description: Whether the condition is met.
              type: bool
            reason:
              description:
                - What was found, as a word that does not change between releases and languages.
                - Met conditions have V(enough_backups), V(young_enough), V(version_matches), V(large_enough),
                  V(usual_size), V(smaller) or V(only_backup).
                - Other conditions have V(no_backup), V(only_empty), V(no_readable_time), V(too_few_backups),
                  V(too_old), V(in_the_future), V(age_unknown), V(zone_unknown), V(zone_differs), V(version_differs),
                  V(no_version_matches), V(version_unknown), V(platform_version_unknown), V(versions_unknown),
                  V(too_small), V(empty), V(size_unknown), V(shrunk), V(usual_size_unknown), V(list_incomplete),
                  V(scan_failed), V(store_unavailable) or V(no_result).
              type: str
              sample: too_old
            values:
              description:
                - The numbers and texts of the reason and the condition. Ages are in seconds, sizes in bytes.
              type: dict
              sample: {"max_age": 86400, "age": 266400}
            wanted:
              description: The condition in words.
              type: str
              sample: at most 24 h old
            found:
              description: What was found, in words.
              type: str
              sample: newest is 3 days 2 h old
            next_step:
              description: What to do about a condition that is not met, V(null) if it is met.
              type: str
              sample: Set timezone to the zone of the management node, and check the clocks.
        unmet:
          description: The conditions that are not met, one phrase for each.
          type: list
          elements: str
          sample: ["newest is 3 days 2 h old (required: at most 24 h old)"]
        next_steps:
          description: What to do about the conditions that are not met.
          type: list
          elements: str
    unmet:
      description: The conditions that are not met, each with the name of its storage.
      type: list
      elements: str
      sample: ["remote: newest is 3 days 2 h old (required: at most 24 h old)"]
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._calls import ZStackError
from ..module_utils._options import yaml_type
from ..plugin_utils._lookup import storage_terms
from ..plugin_utils._verdict import check_policy, read_choice, verify
from ..plugin_utils._words import TABLES, Words


def verify_db_backup(
    results: Any,
    storages: Any = None,
    host: str | None = None,
    address: str | None = None,
    language: str = "en",
    **policy: Any,
) -> dict[str, Any]:
    """Return the verdict on results of module or lookup."""
    try:
        if not isinstance(storages, (list, tuple, type(None))):
            raise ZStackError(f"storages must be a list, got a {yaml_type(storages)}")
        words = Words(read_choice("language", language, TABLES))
        terms = storage_terms(storages or [])
        verdict = verify(results, check_policy(policy), terms, host, address)
        if terms and len(terms) != (count := len(verdict["storages"])):
            raise ZStackError(f"storages must have one entry for each of the {count} results, got {len(terms)}")
        return words.describe(verdict)
    except ZStackError as exc:
        failure = str(exc)
    raise AnsibleFilterError(failure)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"verify_db_backup": verify_db_backup}
