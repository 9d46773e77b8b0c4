# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: zstack_db_backup
short_description: The backups of a ZStack Cloud's database
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Gives templates what M(zstack.cloud.zstack_db_backup_info) gives playbooks.
  - Runs on the controller, and reads the controller's environment.
  - An option is taken from its keyword, else from its variable, else from the environment. Of the options of
    authentication, the first of these places that has any counts, and counts alone.
extends_documentation_fragment:
  - zstack.cloud.zstack
  - zstack.cloud.zstack.plugins
options:
  _terms:
    description:
      - The image-store backup storages, each in the form V(ssh://username:password@hostname[:sshPort]/path),
        as O(zstack.cloud.zstack_db_backup_info#module:url) describes it.
      - All are asked for with one login, at the same time.
    type: list
    elements: str
    required: true
seealso:
  - module: zstack.cloud.zstack_db_backup_info
"""

EXAMPLES = r"""
- name: Say when the newest backup was taken
  ansible.builtin.debug:
    msg: "{{ lookup('zstack.cloud.zstack_db_backup', storage_url, **zstack).latest.created_at }}"
  vars:
    zstack:
      host: zstack.example.com
      session_uuid: "{{ session }}"

- name: Render a line for each storage, with the connection in variables
  ansible.builtin.copy:
    dest: "{{ status_page }}"
    mode: "0644"
    content: |
      {% for storage in query('zstack.cloud.zstack_db_backup', *storage_urls) %}
      {{ storage.storage }}: {{ storage.total }} backups, newest of {{ storage.latest.created_at | default('never') }}
      {% endfor %}
  vars:
    zstack_host: zstack.example.com
    zstack_account_name: admin
    zstack_account_password: "{{ zstack_password }}"
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
      description: The first of the backups, V(null) where there is none.
      type: dict
    count:
      description: How many entries the list of backups has.
      type: int
    total:
      description: How many backups the storage holds, before O(max_age) and O(limit).
      type: int
    storage:
      description: The storage's URL with its password replaced.
      type: str
    checked_at:
      description: The server's time of the reply, in ISO 8601. Where the reply does not tell it, the controller's.
      type: str
    timezone:
      description: The zone or the offset that the server's times were read in.
      type: str
    platform_version:
      description: Version of the running platform's database, V(null) where the server does not tell it.
      type: str
"""

from typing import Any, cast

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import gather
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError, one_line
from ansible_collections.zstack.cloud.plugins.module_utils._options import argument_spec, check


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        spec = argument_spec()
        if unknown := sorted(kwargs.keys() - spec.keys()):
            raise AnsibleError(f"{', '.join(unknown)}: there is no such option; there are {', '.join(sorted(spec))}")
        names = [each["name"] for option in self.option_definitions.values() for each in option.get("vars", [])]
        variables, templar = variables or {}, cast("Any", self._templar)
        # Ansible hands variables over as they were written, with their templates.
        by_variable = {name: templar.template(variables[name]) for name in names if name in variables}
        self.set_options(var_options=by_variable, direct=kwargs)
        checked = ArgumentSpecValidator(spec).validate({option: self.get_option(option) for option in spec})
        if checked.error_messages:
            raise AnsibleError(one_line("; ".join(checked.error_messages)))
        written = {name.removeprefix("zstack_"): value for name, value in by_variable.items()}
        try:
            options = check(checked.validated_parameters, self._flatten(terms), kwargs, written)
            return gather(options, Display().warning)
        except ZStackError as exc:
            failure = str(exc)
        raise AnsibleError(failure)
