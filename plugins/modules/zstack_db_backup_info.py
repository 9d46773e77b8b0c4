#!/usr/bin/python
# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_db_backup_info
short_description: List the database backups of a ZStack Cloud platform
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Lists the backups of a ZStack Cloud platform's own database on an image-store backup storage, newest first.
  - Reports each backup's age, size and version, and whether the running platform would accept it in a restore.
  - Calls the API C(GetDatabaseBackupFromImageStore), which requires ZStack 3.0.0 or later.
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.storage
  - zstack.cloud.storage.modules
  - zstack.cloud.selection
  - zstack.cloud.attributes
seealso:
  - module: zstack.cloud.zstack_db_backup_facts
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
  - plugin: zstack.cloud.verify_db_backup
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List the backups, using an account
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    account_name: admin
    account_password: "{{ zstack_password }}"
    url: ssh://root@192.0.2.20:22/zstack_bs
    storage_password: "{{ storage_password }}"
  register: result

- name: Show the newest backup
  ansible.builtin.debug:
    msg: "{{ result.latest.name }}, taken at {{ result.latest.created_at }}, {{ result.latest.size | human_readable }}"

- name: List the backups, using an existing session and the password in the URL
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "ssh://root:{{ storage_password | urlencode | replace('/', '%2F') }}@192.0.2.20:22/zstack_bs"

- name: List the backups over HTTPS, using an AccessKey
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    port: 8443
    use_ssl: true
    ca_path: /etc/pki/zstack-ca.pem
    access_key_id: "{{ key_id }}"
    access_key_secret: "{{ key_secret }}"
    timezone: Asia/Shanghai
    url: "{{ storage_url }}"
    storage_password: "{{ storage_password }}"

- name: Look for a recent backup before an upgrade
  zstack.cloud.zstack_db_backup_info:
    host: zstack.example.com
    session_uuid: "{{ session }}"
    url: "{{ storage_url }}"
    storage_password: "{{ storage_password }}"
    max_age: 24h
  register: recent

- name: Stop if none can be restored
  ansible.builtin.assert:
    that: recent.backups | selectattr('restorable') | length > 0
    fail_msg: >-
      No restorable backup in the last 24 hours. The newest is {{ recent.latest.name | default('missing') }},
      version {{ recent.latest.version | default('unknown') }}; the platform runs
      {{ recent.platform_version or 'an unknown version' }}.

- name: Set shared options once
  module_defaults:
    group/zstack.cloud.zstack:
      host: zstack.example.com
      session_uuid: "{{ session }}"
    zstack.cloud.zstack_db_backup_info:
      storage_password: "{{ storage_password }}"
  block:
    - name: Find the newest backup on each storage
      zstack.cloud.zstack_db_backup_info:
        url: "{{ item }}"
        limit: 1
      loop: "{{ storage_urls }}"
      register: storages

    - name: Show the storages without a backup
      ansible.builtin.debug:
        msg: "{{ storages.results | selectattr('total', '==', 0) | map(attribute='storage') }}"
"""

RETURN = r"""
backups:
  description:
    - The backups, newest first. Backups without a readable time come last.
    - All keys are always present, with V(null) for what the server does not report. Keys that a newer server adds are
      kept, in snake_case.
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
      description: Time of the backup, as written by the server.
      returned: always
      type: str
      sample: Nov 14, 2017 10:20:57 PM
    author:
      description: Author of the image.
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
      sample: zstack-db-4.8.10-20261122020012.gz
    version:
      description: Version of the platform's database when the backup was taken.
      returned: always
      type: str
      sample: 4.8.10
    type:
      description: V(singleDatabase), V(multiDatabase) for two management nodes, or V(unknown) for old backups.
      returned: always
      type: str
      sample: singleDatabase
    md5:
      description: MD5 checksum of the backup.
      returned: always
      type: str
      sample: 9e107d9d372bb6826bd81d3542a419d6
    install_path:
      description: Location of the backup on the storage.
      returned: always
      type: str
      sample: zstore://zsbak/0ed599ec519249489475112a058bb93a
    created_at:
      description: Time of the backup, in ISO 8601 with an offset.
      returned: always
      type: str
      sample: "2017-11-14T22:20:57+08:00"
    created_epoch:
      description: Time of the backup, in seconds since 1970-01-01 UTC.
      returned: always
      type: int
      sample: 1510669257
    age_seconds:
      description: Age of the backup at RV(checked_at), in seconds.
      returned: always
      type: int
      sample: 32400
    restorable:
      description:
        - Whether the running platform would accept the backup in a restore. It does if both have the same version.
        - V(null) if one of the versions is unknown.
      returned: always
      type: bool
      sample: true
latest:
  description:
    - The newest backup on the storage, even if O(max_age) or O(limit) exclude it from RV(backups). It has the same
      keys as the entries of RV(backups).
    - V(null) if there is no backup with a readable time.
  returned: success
  type: dict
  sample:
    name: zstack-db-4.8.10-20261122020012.gz
    created_at: "2026-11-22T02:00:11+08:00"
    restorable: true
count:
  description: Number of entries in RV(backups).
  returned: success
  type: int
  sample: 1
total:
  description: Number of backups on the storage, before O(max_age) and O(limit).
  returned: success
  type: int
  sample: 14
storage:
  description: URL of the storage, with its password replaced by V(***).
  returned: success
  type: str
  sample: ssh://root:***@192.0.2.20:22/zstack_bs
checked_at:
  description:
    - Time of the response according to the server, in ISO 8601. If the response has no time, the clock of the host
      that runs the module is used.
  returned: success
  type: str
  sample: "2026-11-22T11:00:11+08:00"
timezone:
  description: Time zone in which the server's times were read, as an IANA name or an offset.
  returned: success
  type: str
  sample: Asia/Shanghai
timezone_source:
  description:
    - Source of RV(timezone).
    - V(option) means that O(timezone) is set, V(server) that the management node reported its time zone, and V(login)
      that it was derived from the response to the login. V(host) is a guess, the time zone of the host that runs the
      module. V(differs) means that O(timezone) is set, but the management node is in another time zone, so no age is
      judged.
  returned: success
  type: str
  sample: server
platform_version:
  description: Version of the running platform's database, V(null) if unknown.
  returned: success
  type: str
  sample: 4.8.10
error:
  description:
    - The server's error, with C(code), C(description) and C(details). C(causes) is a list of errors with these three
      keys. Other fields of the server's error are kept, with keys in snake_case.
    - C(server) is the management node and C(storage) is the storage. Each is V(null) if the error is not related to it.
    - C(hint) is what to do, and C(hint_reason) a word that identifies the hint. Each is V(null) if there is no hint.
      C(output) is the last line of the output of a scan that failed on the management node.
    - If the server did not return an error, C(code) is V(null) and C(description) explains what went wrong.
  returned: when a call fails or an option is invalid, unless Ansible itself rejects the arguments
  type: dict
  sample:
    code: ID.1001
    description: The session is invalid, either wrong session id or the session has been expired
    details: Session expired
    causes: []
    server: zstack.example.com:8080
    storage: ssh://root:***@192.0.2.20:22/zstack_bs
status:
  description: HTTP status code of the failed response, V(null) if there was no response.
  returned: when a call fails or an option is invalid, unless Ansible itself rejects the arguments
  type: int
  sample: 503
"""

from ..module_utils._backups import list_backups, module_spec
from ..module_utils._module import run


def main() -> None:
    run(module_spec(), list_backups)


if __name__ == "__main__":
    main()
