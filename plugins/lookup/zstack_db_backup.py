# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: zstack_db_backup
short_description: Look up the database backups of a ZStack Cloud platform
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Returns the same data as M(zstack.cloud.zstack_db_backup_info), for templates.
  - Runs on the controller and reads the environment of the controller.
  - Each option is taken from its keyword argument, then from its variable, then from its environment variable.
    Authentication options are taken from the first of these sources that sets any of them; sources are never mixed.
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.connection.plugins
  - zstack.cloud.storage
  - zstack.cloud.storage.plugins
  - zstack.cloud.selection
options:
  _terms:
    description:
      - The image-store backup storages. Each is a URL such as V(ssh://username@hostname[:sshPort]/path), or a
        dictionary with C(url), and optionally C(password) and C(name). Other keys are ignored.
      - A string can contain several URLs, separated by white space.
      - O(storage_passwords) or O(storage_password) is used for each storage whose term does not include a password. A
        password can also be part of the URL, percent-encoded, as described in
        O(zstack.cloud.zstack_db_backup_info#module:url).
      - All storages are scanned with one login, several at a time. Without terms, the result is an empty list.
    type: list
    elements: raw
  on_error:
    description:
      - What to do if a storage cannot be scanned or the management node cannot be reached.
      - V(fail) fails the task.
      - V(report) returns a dictionary for the storage with empty values for the usual keys, and with C(failed),
        C(msg), C(error) and C(status).
    type: str
    choices:
      - fail
      - report
    default: fail
seealso:
  - module: zstack.cloud.zstack_db_backup_info
  - plugin: zstack.cloud.verify_db_backup
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the time of the newest backup
  ansible.builtin.debug:
    msg: "{{ lookup('zstack.cloud.zstack_db_backup', storage_url, **zstack).latest.created_at }}"
  vars:
    zstack:
      host: zstack.example.com
      session_uuid: "{{ session }}"
      storage_password: "{{ storage_password }}"

- name: Write a line for each storage, with the connection options in variables
  ansible.builtin.copy:
    dest: "{{ status_page }}"
    mode: "0644"
    content: |
      {% for storage in query('zstack.cloud.zstack_db_backup', *storage_urls, on_error='report') %}
      {% if storage.failed | default(false) %}
      {{ storage.storage }}: {{ storage.msg }}
      {% else %}
      {{ storage.storage }}: {{ storage.total }} backups, newest {{ storage.latest.created_at | default('none') }}
      {% endif %}
      {% endfor %}
  vars:
    zstack_host: zstack.example.com
    zstack_account_name: admin
    zstack_account_password: "{{ zstack_password }}"
    zstack_storage_password: "{{ storage_password }}"
"""

RETURN = r"""
_raw:
  description:
    - A dictionary for each term, in the order of the terms, with the keys that
      M(zstack.cloud.zstack_db_backup_info) returns on success.
  type: list
  elements: dict
  contains:
    backups:
      description: The backups, newest first, as RV(zstack.cloud.zstack_db_backup_info#module:backups) describes them.
      type: list
      elements: dict
    latest:
      description:
        - The newest backup on the storage, even if O(max_age) or O(limit) exclude it from the list. It has the same
          keys as the entries of the list.
        - V(null) if there is no backup with a readable time.
      type: dict
    count:
      description: Number of entries in the list of backups.
      type: int
    total:
      description: Number of backups on the storage, before O(max_age) and O(limit).
      type: int
    storage:
      description: URL of the storage, with its password replaced by V(***).
      type: str
    checked_at:
      description:
        - Time of the response according to the server, in ISO 8601. If the response has no time, the clock of the
          controller is used.
      type: str
    timezone:
      description: Time zone in which the server's times were read, as an IANA name or an offset.
      type: str
    timezone_source:
      description: "Source of the time zone: V(option), V(server), V(login), V(host) or V(differs)."
      type: str
    platform_version:
      description: Version of the running platform's database, V(null) if unknown.
      type: str
    failed:
      description: V(true) if the storage could not be scanned. Only returned with O(on_error=report).
      type: bool
    msg:
      description: The reason in one line. Only returned with C(failed).
      type: str
    error:
      description:
        - The error as RV(zstack.cloud.zstack_db_backup_info#module:error) describes it. Only returned with C(failed).
      type: dict
    status:
      description:
        - HTTP status code of the failed response, V(null) if there was no response. Only returned with C(failed).
      type: int
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.utils.display import Display

from ..module_utils._backups import argument_spec, check, gather
from ..plugin_utils._lookup import ZStackLookup, storage_terms


class LookupModule(ZStackLookup):
    def spec(self) -> dict[str, dict[str, Any]]:
        return {
            **argument_spec(),
            "storage_passwords": {"type": "dict", "no_log": True},
            "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        }

    def look_up(
        self, terms: Sequence[Any], params: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        options = check(params, storage_terms(terms), sources)
        return gather(options, Display().warning, params["on_error"] == "report") if options.storages else []
