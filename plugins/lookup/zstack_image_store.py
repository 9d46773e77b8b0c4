# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: zstack_image_store
short_description: Look up the image stores of a ZStack Cloud platform
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Returns the same list as M(zstack.cloud.zstack_image_store_info), for templates. Each entry is a term of
    P(zstack.cloud.zstack_db_backup#lookup), and a storage of the role P(zstack.cloud.verify_db_backup#role).
  - Runs on the controller and reads the environment of the controller.
  - Each option is taken from its keyword argument, then from its variable, then from its environment variable.
    Authentication options are taken from the first of these sources that sets any of them; sources are never mixed.
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.connection.plugins
  - zstack.cloud.image_store
options:
  _terms:
    description:
      - Names or UUIDs of image stores. It is an error if no image store for the O(purpose) has a name or UUID.
      - Without terms, all image stores for the O(purpose) are returned.
    type: list
    elements: str
seealso:
  - module: zstack.cloud.zstack_image_store_info
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the newest backup on each image store for backups
  ansible.builtin.debug:
    msg: "{{ backups | map(attribute='latest') }}"
  vars:
    zstack_host: zstack.example.com
    zstack_account_name: admin
    zstack_account_password: "{{ zstack_password }}"
    stores: "{{ query('zstack.cloud.zstack_image_store') }}"
    backups: "{{ query('zstack.cloud.zstack_db_backup', *stores, storage_password=storage_password) }}"

- name: Verify the backups on two image stores
  ansible.builtin.include_role:
    name: zstack.cloud.verify_db_backup
  vars:
    zstack_host: zstack.example.com
    zstack_session_uuid: "{{ session }}"
    zstack_storage_password: "{{ storage_password }}"
    verify_db_backup_storages: "{{ query('zstack.cloud.zstack_image_store', 'backup-local', 'backup-new') }}"
    verify_db_backup_min_storages: 1
"""

RETURN = r"""
_raw:
  description:
    - A dictionary for each image store, by name, as RV(zstack.cloud.zstack_image_store_info#module:image_stores)
      describes it.
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.utils.display import Display

from ..module_utils._calls import ZStackError
from ..module_utils._options import yaml_type
from ..module_utils._platform import image_store_spec, image_stores
from ..plugin_utils._lookup import ZStackLookup


class LookupModule(ZStackLookup):
    def spec(self) -> dict[str, dict[str, Any]]:
        return image_store_spec()

    def look_up(
        self, terms: Sequence[Any], params: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        for term in terms:
            # Not an empty name either: without a name, the password would be sent for each image store.
            # A URL may contain a password, which the error for an unknown name would show.
            if not isinstance(term, str) or not term or "://" in term:
                kind = "an empty string" if term == "" else f"a {'URL' if isinstance(term, str) else yaml_type(term)}"
                raise ZStackError(f"a term must be the name or the UUID of an image store, got {kind}")
        return image_stores(params, sources, Display().warning, terms)
