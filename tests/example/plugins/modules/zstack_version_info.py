# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: zstack_version_info
short_description: Return the version of a ZStack Cloud platform
version_added: 1.1.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - Returns the version of the running platform, which requires no login.
extends_documentation_fragment:
  - zstack.cloud.connection
  - zstack.cloud.attributes
"""

EXAMPLES = r"""
- name: Get the version of the platform
  zstack.cloud.zstack_version_info:
    host: zstack.example.com
  register: platform
"""

RETURN = r"""
version:
  description: Version of the running platform.
  returned: success
  type: str
  sample: 4.8.30
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

from ..module_utils._calls import Call
from ..module_utils._client import Client
from ..module_utils._module import ZStackModule, run
from ..module_utils._options import check_connection, connection_spec


def get_version(module: ZStackModule) -> dict[str, Any]:
    connection = check_connection(module.params)
    with Client(connection, module.warn) as client:
        call = Call("GetVersion", "PUT", "/v1/management-nodes/actions", body={"getVersion": {}})
        reply = client.call(call)
        version = reply.data.get("version")
        if not isinstance(version, str):
            raise client.error(call.name, "the response contains no version", reply.status)
        return {"version": version}


def main() -> None:
    run(connection_spec(), get_version)


if __name__ == "__main__":
    main()
