#!/usr/bin/python
# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_db_backup_facts
short_description: Add the database backups of a ZStack Cloud platform to a host's facts
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Returns what M(zstack.cloud.zstack_db_backup_info) returns, as the fact C(zstack_db_backups).
  - C(ansible.builtin.gather_facts) runs it if its name is in the variable C(ansible_facts_modules).
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.storage
  - zstack.cloud.storage.modules
  - zstack.cloud.selection
  - zstack.cloud.attributes
  - zstack.cloud.attributes.facts
notes:
  - Facts in a cache keep the ages that they were gathered with. To get the age of a cached backup, subtract its
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

- name: Add the newest backup, together with the usual facts
  ansible.builtin.gather_facts:
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
            - The newest backup on the storage, even if O(max_age) or O(limit) exclude it from the list.
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
          description: The storage's URL with its password replaced.
          returned: always
          type: str
        checked_at:
          description: The server's time of the response, in ISO 8601. If the response has none, the time of the host.
          returned: always
          type: str
        timezone:
          description: Zone or offset that the server's times were read in.
          returned: always
          type: str
        timezone_source:
          description: Source of the time zone, V(option), V(server), V(login) or V(host).
          returned: always
          type: str
        platform_version:
          description: Version of the running platform's database, V(null) if unknown.
          returned: always
          type: str
error:
  description: The error as RV(zstack.cloud.zstack_db_backup_info#module:error) describes it.
  returned: when a call failed or an option is wrong, but not when Ansible itself refused the arguments
  type: dict
status:
  description: HTTP status of the response that failed, V(null) without a response.
  returned: when a call failed or an option is wrong, but not when Ansible itself refused the arguments
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.zstack.cloud.plugins.module_utils._db_backup_modules import list_backups, module_spec
from ansible_collections.zstack.cloud.plugins.module_utils._modules import AnyModule, TaskOptions, run


class Module(TaskOptions, AnsibleModule):
    pass


def facts(module: AnyModule) -> dict[str, Any]:
    return {"ansible_facts": {"zstack_db_backups": list_backups(module)}}


def main() -> None:
    run(Module(argument_spec=module_spec(), supports_check_mode=True), facts)


if __name__ == "__main__":
    main()
