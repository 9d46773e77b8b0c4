#!/usr/bin/python
# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_db_backup_facts
short_description: Gather facts about the database backups of a ZStack Cloud platform
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Returns the same data as M(zstack.cloud.zstack_db_backup_info), in the fact C(zstack_db_backups).
  - To run this module with M(ansible.builtin.gather_facts), add its name to the variable C(ansible_facts_modules).
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.storage
  - zstack.cloud.storage.modules
  - zstack.cloud.selection
  - zstack.cloud.attributes
  - zstack.cloud.attributes.facts
notes:
  - If C(ansible_facts_modules) lists more than one module, M(ansible.builtin.gather_facts) runs them in parallel and
    stops any that takes longer than five seconds. A scan can take longer. Set C(parallel) of
    M(ansible.builtin.gather_facts), or the variable C(ansible_facts_parallel), to V(false).
  - The ages in a fact cache are those at the time of the scan. To get the current age of a backup, subtract its
    C(created_epoch) from the current time.
seealso:
  - module: zstack.cloud.zstack_db_backup_info
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Add the backups to the facts of the host
  zstack.cloud.zstack_db_backup_facts:
    host: zstack.example.com
    account_name: admin
    account_password: "{{ zstack_password }}"
    url: "{{ storage_url }}"
    storage_password: "{{ storage_password }}"

- name: Show the newest backup
  ansible.builtin.debug:
    var: ansible_facts.zstack_db_backups.latest

- name: Add the newest backup to the facts, together with the usual facts
  ansible.builtin.gather_facts:
    parallel: false
  vars:
    ansible_facts_modules:
      - ansible.builtin.setup
      - zstack.cloud.zstack_db_backup_facts
  module_defaults:
    zstack.cloud.zstack_db_backup_facts:
      host: zstack.example.com
      session_uuid: "{{ session }}"
      url: "{{ storage_url }}"
      storage_password: "{{ storage_password }}"
      limit: 1
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to the host.
  returned: success
  type: dict
  contains:
    zstack_db_backups:
      description: The backups, with the keys that M(zstack.cloud.zstack_db_backup_info) returns on success.
      returned: success
      type: dict
      contains:
        backups:
          description:
            - The backups, newest first, as RV(zstack.cloud.zstack_db_backup_info#module:backups) describes them.
          returned: always
          type: list
          elements: dict
        latest:
          description:
            - The newest backup on the storage, even if O(max_age) or O(limit) exclude it from the list. It has the
              same keys as the entries of the list.
            - V(null) if there is no backup with a readable time.
          returned: always
          type: dict
        count:
          description: Number of entries in the list of backups.
          returned: always
          type: int
        total:
          description: Number of backups on the storage, before O(max_age) and O(limit).
          returned: always
          type: int
        storage:
          description: URL of the storage, with its password replaced by V(***).
          returned: always
          type: str
        checked_at:
          description:
            - Time of the response according to the server, in ISO 8601. If the response has no time, the clock of the
              host that runs the module is used.
          returned: always
          type: str
        timezone:
          description: Time zone in which the server's times were read, as an IANA name or an offset.
          returned: always
          type: str
        timezone_source:
          description: "Source of the time zone: V(option), V(server), V(login), V(host) or V(differs)."
          returned: always
          type: str
        platform_version:
          description: Version of the running platform's database, V(null) if unknown.
          returned: always
          type: str
error:
  description: The error as RV(zstack.cloud.zstack_db_backup_info#module:error) describes it.
  returned: when a call fails or an option is invalid, unless Ansible itself rejects the arguments
  type: dict
status:
  description: HTTP status code of the failed response, V(null) if there was no response.
  returned: when a call fails or an option is invalid, unless Ansible itself rejects the arguments
  type: int
"""

from typing import Any

from ..module_utils._backups import list_backups, module_spec
from ..module_utils._module import ZStackModule, run


def facts(module: ZStackModule) -> dict[str, Any]:
    return {"ansible_facts": {"zstack_db_backups": list_backups(module)}}


def main() -> None:
    run(module_spec(), facts)


if __name__ == "__main__":
    main()
