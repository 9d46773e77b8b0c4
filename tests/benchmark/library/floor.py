# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor: a bare module that makes the HTTP exchanges of zstack_db_backup_info, without looking at the answers."""

from __future__ import annotations

import hashlib

import requests
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    spec = {"base": {}, "name": {}, "password": {"no_log": True}, "url": {"no_log": True}}
    module = AnsibleModule(argument_spec=spec)
    base, name = module.params["base"], module.params["name"]
    digest = hashlib.sha512(module.params["password"].encode()).hexdigest()
    session = requests.Session()
    body = {"logInByAccount": {"accountName": name, "password": digest}}
    uuid = session.put(f"{base}/accounts/login", json=body).json()["inventory"]["uuid"]
    session.headers["Authorization"] = f"OAuth {uuid}"
    session.get(f"{base}/database-backups/image-store", params={"url": module.params["url"]})
    session.put(f"{base}/management-nodes/actions", json={"getVersion": {}})
    session.get(f"{base}/management-nodes/platform-timezone")
    session.delete(f"{base}/accounts/sessions/{uuid}")
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
