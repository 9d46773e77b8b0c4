#!/usr/bin/python
# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_image_store_info
short_description: List the image stores of a ZStack Cloud platform
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Lists the image stores that the platform knows, by name, with the URLs that M(zstack.cloud.zstack_db_backup_info)
    requires.
  - Calls the APIs C(QueryImageStoreBackupStorage) and C(QuerySystemTag).
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.image_store
  - zstack.cloud.attributes
seealso:
  - module: zstack.cloud.zstack_db_backup_info
  - plugin: zstack.cloud.zstack_image_store
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: List the image stores for database backups
  zstack.cloud.zstack_image_store_info:
    host: zstack.example.com
    account_name: admin
    account_password: "{{ zstack_password }}"
  register: known

- name: Show their URLs
  ansible.builtin.debug:
    msg: "{{ known.image_stores | map(attribute='url') }}"

- name: List the backups on each of them
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    account_name: admin
    account_password: "{{ zstack_password }}"
    url: "{{ item.url }}"
    storage_password: "{{ storage_password }}"
  loop: "{{ known.image_stores }}"
  loop_control:
    label: "{{ item.name }}"

- name: List all image stores, with or without a tag for backups
  zstack.cloud.zstack_image_store_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    purpose: any
"""

RETURN = r"""
image_stores:
  description: The image stores, by name. All keys are always present, with V(null) for what the server does not report.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the image store.
      returned: always
      type: str
      sample: backup-local
    uuid:
      description: UUID of the image store.
      returned: always
      type: str
      sample: 7f1f5b8b1a4c4f0f9a1f6d3f2c1b0a99
    description:
      description: Description of the image store.
      returned: always
      type: str
      sample: Nightly backups
    url:
      description:
        - URL of the image store without a password, as O(zstack.cloud.zstack_db_backup_info#module:url) requires it.
        - V(null), with a warning, if a scan would not accept a URL with this user name, host, SSH port or path.
      returned: always
      type: str
      sample: ssh://root@192.0.2.20:22/zstack_bs
    hostname:
      description: Host name or IP address of the image store.
      returned: always
      type: str
      sample: 192.0.2.20
    username:
      description: User name that the management node uses to connect over SSH.
      returned: always
      type: str
      sample: root
    ssh_port:
      description: SSH port of the image store.
      returned: always
      type: int
      sample: 22
    path:
      description: Directory of the image store.
      returned: always
      type: str
      sample: /zstack_bs
    backup_role:
      description:
        - V(local) if the image store is tagged as a local backup server, or as an image store that also serves as one.
          V(remote) if it is tagged as a remote backup server.
        - V(null) without such a tag. The image store can have database backups nevertheless.
      returned: always
      type: str
      sample: local
    state:
      description: V(Enabled) or V(Disabled).
      returned: always
      type: str
      sample: Enabled
    status:
      description: V(Connecting), V(Connected) or V(Disconnected).
      returned: always
      type: str
      sample: Connected
    total_capacity:
      description: Capacity in bytes.
      returned: always
      type: int
      sample: 4398046511104
    available_capacity:
      description: Available capacity in bytes.
      returned: always
      type: int
      sample: 2748779069440
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

from ..module_utils._module import ZStackModule, run
from ..module_utils._platform import image_store_spec, image_stores


def list_image_stores(module: ZStackModule) -> dict[str, Any]:
    return {"image_stores": image_stores(module.params, [module.task_options], module.warn)}


def main() -> None:
    run(image_store_spec(), list_image_stores)


if __name__ == "__main__":
    main()
