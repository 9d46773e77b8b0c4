# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of every module and lookup: how to reach a management node, and how to authenticate."""

    DOCUMENTATION = r"""
requirements:
  - Python >= 3.9 on the host that runs the code
  - requests >= 2.25
options:
  host:
    description:
      - Name or IP address of the management node, without scheme, port or path. Required.
      - If not set, the value of E(ZSTACK_HOST) is used.
    type: str
  port:
    description:
      - Port of the management node's API, V(1) to V(65535).
      - If not set, the value of E(ZSTACK_PORT) is used.
    type: int
    default: 8080
  use_ssl:
    description:
      - Whether to use HTTPS.
      - With V(false), everything is sent in clear text, including the password of the storage.
      - If not set, the value of E(ZSTACK_USE_SSL) is used.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether to verify the server's certificate. Ignored unless O(use_ssl=true).
      - If not set, the value of E(ZSTACK_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path to a PEM file with the certificate authorities to trust.
      - If not set, the value of E(ZSTACK_CA_PATH) is used.
      - If neither is set, C(requests) uses its default CA bundle.
    type: path
  context_path:
    description:
      - Path of the API on the server. Change it only if a proxy serves the API under another path.
    type: str
    default: /zstack
  timeout:
    description:
      - Time limit in seconds for one API call, from connecting to the last byte, including retries. V(1) to V(86400).
      - A scan of a storage takes several seconds.
      - If not set, the value of E(ZSTACK_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - Number of retries for a call that is refused or cut off before a response, V(0) to V(100). A call is also
        retried if a proxy returns 502 or 504, or if the management node returns 503 because it is starting or
        unavailable.
      - The first retry follows immediately, the others after 2, 4, 8 seconds and so on, within O(timeout).
    type: int
    default: 2
  timezone:
    description:
      - Time zone of the management node, as an IANA name such as V(Asia/Shanghai) or an offset such as V(+08:00).
      - If not set, the value of E(ZSTACK_TIMEZONE) is used.
      - If neither is set, the management node is asked for its time zone, which requires ZStack 4.1.0 or later. For
        older releases, the time zone is derived from the response to the login of an account.
      - Always set this option with an AccessKey, unless the machine that runs the code is in the management node's time
        zone.
    type: str
  session_uuid:
    description:
      - UUID of an existing session. The session stays open.
      - Exactly one authentication method is required. The methods are O(session_uuid), O(account_name) with
        O(account_password), and O(access_key_id) with O(access_key_secret).
      - Authentication options are taken from the first source that sets any of them; sources are never mixed. If the
        task sets none, the values of E(ZSTACK_SESSION_ID), E(ZSTACK_ACCOUNT_NAME), E(ZSTACK_ACCOUNT_PASSWORD),
        E(ZSTACK_ACCESS_KEY_ID) and E(ZSTACK_ACCESS_KEY_SECRET) are used.
    type: str
  account_name:
    description:
      - Name of the account to log in with. The session is logged out at the end, even after a failure.
    type: str
  account_password:
    description:
      - Password of O(account_name). Only its SHA-512 hash is sent.
    type: str
  access_key_id:
    description:
      - ID of the AccessKey that signs the requests.
    type: str
  access_key_secret:
    description:
      - Secret of O(access_key_id). It is not sent.
    type: str
notes:
  - Nothing is changed on the server, so check mode returns the same as a normal run.
  - An option that is set to an empty string is treated as not set.
"""

    # Only for plugins: a module reads the environment of its own host, as its option descriptions say.
    PLUGINS = r"""
options:
  host:
    env:
      - name: ZSTACK_HOST
    vars:
      - name: zstack_host
  port:
    env:
      - name: ZSTACK_PORT
    vars:
      - name: zstack_port
  use_ssl:
    env:
      - name: ZSTACK_USE_SSL
    vars:
      - name: zstack_use_ssl
  validate_certs:
    env:
      - name: ZSTACK_VALIDATE_CERTS
    vars:
      - name: zstack_validate_certs
  ca_path:
    env:
      - name: ZSTACK_CA_PATH
    vars:
      - name: zstack_ca_path
  context_path:
    vars:
      - name: zstack_context_path
  timeout:
    env:
      - name: ZSTACK_TIMEOUT
    vars:
      - name: zstack_timeout
  retries:
    vars:
      - name: zstack_retries
  timezone:
    env:
      - name: ZSTACK_TIMEZONE
    vars:
      - name: zstack_timezone
  session_uuid:
    env:
      - name: ZSTACK_SESSION_ID
    vars:
      - name: zstack_session_uuid
  account_name:
    env:
      - name: ZSTACK_ACCOUNT_NAME
    vars:
      - name: zstack_account_name
  account_password:
    env:
      - name: ZSTACK_ACCOUNT_PASSWORD
    vars:
      - name: zstack_account_password
  access_key_id:
    env:
      - name: ZSTACK_ACCESS_KEY_ID
    vars:
      - name: zstack_access_key_id
  access_key_secret:
    env:
      - name: ZSTACK_ACCESS_KEY_SECRET
    vars:
      - name: zstack_access_key_secret
"""
