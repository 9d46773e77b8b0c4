#!/usr/bin/python
# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_db_backup_info
short_description: List the backups of a ZStack Cloud's database
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Lists the backups of a ZStack Cloud platform's database that an image-store backup storage holds, newest first.
  - Tells of each how old it is, how big, of which version, and whether the running platform would restore it.
  - Calls the API C(GetDatabaseBackupFromImageStore), which ZStack has since 3.0.0.
extends_documentation_fragment:
  - zstack.cloud.zstack
options:
  url:
    description:
      - The image-store backup storage, in the form V(ssh://username:password@hostname[:sshPort]/path).
      - A password with anything but letters, digits and V(-._~) in it has to be percent-encoded,
        for instance with V({{ password | urlencode | replace('/', '%2F'\) }}).
      - It is sent to the management node, which opens an SSH connection with it.
    type: str
    required: true
    aliases:
      - backup_storage_url
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the same as in a normal run.
    support: full
  diff_mode:
    description: Returns details on what has changed when in diff mode.
    support: N/A
    details: Nothing is changed.
  action_group:
    description: Use C(group/zstack.cloud.zstack) in C(module_defaults) to set options of all modules of the group.
    support: full
    membership:
      - zstack.cloud.zstack
seealso:
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: List the backups, with an account
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    account_name: admin
    account_password: "{{ zstack_password }}"
    url: "ssh://root:{{ storage_password | urlencode | replace('/', '%2F') }}@192.0.2.20:22/zstack_bs"
  register: result

- name: Say which is the newest
  ansible.builtin.debug:
    msg: "{{ result.latest.name }} of {{ result.latest.created_at }}, {{ result.latest.size | human_readable }}"

- name: List the backups, with a session that exists
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "{{ storage_url }}"

- name: List the backups over HTTPS, with an AccessKey
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    port: 8443
    use_ssl: true
    ca_path: /etc/pki/zstack-ca.pem
    access_key_id: "{{ key_id }}"
    access_key_secret: "{{ key_secret }}"
    timezone: Asia/Shanghai
    url: "{{ storage_url }}"

- name: Look for a backup to go back to before an upgrade
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "{{ storage_url }}"
    max_age: 24h
  register: today

- name: Stop without one
  ansible.builtin.assert:
    that: today.backups | selectattr('restorable') | length > 0
    fail_msg: No backup of the last 24 hours can be restored on {{ today.platform_version }}.

- name: Ask for several storages, and set what is the same for all tasks once
  module_defaults:
    group/zstack.cloud.zstack:
      host: zstack.example.com
      session_uuid: "{{ session }}"
  block:
    - name: List the newest backup of each storage
      zstack.cloud.zstack_db_backup_info:
        url: "{{ storage_urls[item] }}"
        limit: 1
      # Not over the URLs themselves: what a loop runs over is shown and registered, with the passwords in it.
      loop: "{{ range(storage_urls | length) | list }}"
      register: storages

    - name: Name the storages that hold no backup
      ansible.builtin.debug:
        msg: "{{ storages.results | selectattr('total', '==', 0) | map(attribute='storage') }}"
"""

RETURN = r"""
backups:
  description:
    - The backups, newest first. One without a readable time stands last.
    - Every key is always there. It is V(null) where the server says nothing.
      What a newer server says beyond the keys below is kept, with keys in snake_case.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID of the backup's image.
      returned: always
      type: str
      sample: 270c67e3699f72ba
    parent:
      description: Name of the parent image.
      returned: always
      type: str
      sample: null
    blobsum:
      description: Hash of the image.
      returned: always
      type: str
      sample: null
    created:
      description: When the backup was taken, as the server writes it.
      returned: always
      type: str
      sample: Nov 14, 2017 10:20:57 PM
    author:
      description: Who made the image.
      returned: always
      type: str
      sample: zstack
    arch:
      description: Architecture of the image.
      returned: always
      type: str
      sample: amd64
    desc:
      description: Description of the image.
      returned: always
      type: str
      sample: null
    size:
      description: Actual size in bytes.
      returned: always
      type: int
      sample: 7995392
    virtualsize:
      description: Virtual size in bytes.
      returned: always
      type: int
      sample: 12682240
    name:
      description: Name of the backup.
      returned: always
      type: str
      sample: zstack-db-backup-4.8.10-2026-11-22
    version:
      description: Version of the platform's database when the backup was taken.
      returned: always
      type: str
      sample: 4.8.10
    type:
      description: V(singleDatabase), V(multiDatabase) with two management nodes, or V(unknown) in old backups.
      returned: always
      type: str
      sample: singleDatabase
    md5:
      description: MD5 checksum of the backup.
      returned: always
      type: str
      sample: 9e107d9d372bb6826bd81d3542a419d6
    install_path:
      description: Where the backup storage keeps the backup.
      returned: always
      type: str
      sample: zstore://zsbak/0ed599ec519249489475112a058bb93a
    created_at:
      description: When the backup was taken, in ISO 8601 with an offset.
      returned: always
      type: str
      sample: "2017-11-14T22:20:57+08:00"
    age_seconds:
      description: How old the backup was at RV(checked_at), in seconds.
      returned: always
      type: int
      sample: 32400
    restorable:
      description:
        - Whether the running platform would accept the backup in a restore, that is, whether both are of one version.
        - V(null) where one of the versions is not known.
      returned: always
      type: bool
      sample: true
latest:
  description: The first of RV(backups), V(null) where there is none.
  returned: success
  type: dict
  sample:
    name: zstack-db-backup-4.8.10-2026-11-22
    created_at: "2026-11-22T02:00:11+08:00"
    restorable: true
count:
  description: How many entries RV(backups) has.
  returned: success
  type: int
  sample: 1
total:
  description: How many backups the storage holds, before O(max_age) and O(limit).
  returned: success
  type: int
  sample: 14
storage:
  description: The storage's URL with its password replaced.
  returned: success
  type: str
  sample: ssh://root:***@192.0.2.20:22/zstack_bs
checked_at:
  description: The server's time of the reply, in ISO 8601. Where the reply does not tell it, the host's.
  returned: success
  type: str
  sample: "2026-11-22T11:00:11+08:00"
timezone:
  description: The zone or the offset that the server's times were read in.
  returned: success
  type: str
  sample: Asia/Shanghai
platform_version:
  description: Version of the running platform's database, V(null) where the server does not tell it.
  returned: success
  type: str
  sample: 4.8.10
error:
  description:
    - What the server said of a failure, with C(code), C(description), C(details), and C(causes), a list of such.
      What else its error held is kept, with keys in snake_case.
    - Without an answer of the server, C(description) says what went wrong, and C(code) is V(null).
  returned: failure
  type: dict
  sample:
    code: ID.1001
    description: Session expired
    details: null
    causes: []
status:
  description: The HTTP status of a failure, V(null) where no answer came.
  returned: failure
  type: int
  sample: 503
"""

import signal
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import gather
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import stopping_signals
from ansible_collections.zstack.cloud.plugins.module_utils._options import argument_spec, check


def main() -> None:
    url = {"type": "str", "required": True, "no_log": True, "aliases": ["backup_storage_url"]}
    module = AnsibleModule(argument_spec={"url": url, **argument_spec()}, supports_check_mode=True)
    # A task that is stopped says so.
    for number in stopping_signals():
        signal.signal(number, lambda *_dummy: module.fail_json(msg="The task was stopped from outside."))
    result: dict[str, Any] = {}
    failure = None
    try:
        options = check(module.params, [module.params["url"]], module.params)
        (result,) = gather(options, module.warn)
    except ZStackError as exc:
        failure = exc
    # Outside of the except clause, where Ansible would add a traceback at -vvv.
    if failure:
        module.fail_json(msg=str(failure), error=failure.error, status=failure.status)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
