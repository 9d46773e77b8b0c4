# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that module and lookup share, and where the lookup finds them beside its keywords."""

    DOCUMENTATION = r"""
requirements:
  - requests >= 2.25
options:
  host:
    description:
      - Name or address of the management node, without scheme, port and path.
      - Where it is not given, the environment variable E(ZSTACK_HOST) is used.
    type: str
    required: true
  port:
    description:
      - Port of the management node's API, V(1) to V(65535).
      - Where it is not given, the environment variable E(ZSTACK_PORT) is used.
    type: int
    default: 8080
  use_ssl:
    description:
      - Whether to speak HTTPS.
      - Without it, everything that is sent can be read on the network, the password in the storage's URL included.
      - Where it is not given, the environment variable E(ZSTACK_USE_SSL) is used.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether the server's certificate has to be valid. Counts with O(use_ssl=true) only.
      - Where it is not given, the environment variable E(ZSTACK_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the certificate authorities to trust.
      - Without it, those that C(requests) trusts count.
      - Where it is not given, the environment variable E(ZSTACK_CA_PATH) is used.
    type: path
  context_path:
    description:
      - Where on the server the API begins, for servers behind a proxy that moves it.
    type: str
    default: /zstack
  timeout:
    description:
      - How many seconds one call of the API can take, from connecting to the last byte, tries again included.
        V(1) to V(86400).
      - A scan of a storage takes several seconds at best.
      - Where it is not given, the environment variable E(ZSTACK_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - How often to try a call again that was refused or cut off before an answer, or answered with 502 or 504,
        or with 503 while the management node starts. V(0) to V(100).
      - The second try comes at once, the third after 2 seconds, then 4, 8 and so on, as long as O(timeout) lasts.
    type: int
    default: 2
  timezone:
    description:
      - The time zone of the management node, as an IANA name such as V(Asia/Shanghai) or an offset such as V(+08:00).
      - ZStack writes times without a zone. Servers since ZStack 4.1.0 tell their zone when asked. For older ones,
        and for AccessKeys whenever the machine that runs this lives in another zone, set this option.
      - Where it is not given, the environment variable E(ZSTACK_TIMEZONE) is used.
    type: str
  session_uuid:
    description:
      - A session that exists, by its UUID. It is not logged out.
      - Give one way of authentication, O(session_uuid), or O(account_name) with O(account_password),
        or O(access_key_id) with O(access_key_secret).
      - Where a task gives none of them, the environment variables E(ZSTACK_SESSION_ID), E(ZSTACK_ACCOUNT_NAME),
        E(ZSTACK_ACCOUNT_PASSWORD), E(ZSTACK_ACCESS_KEY_ID) and E(ZSTACK_ACCESS_KEY_SECRET) are used.
        Where a task gives any of them, all of these variables are ignored.
    type: str
  account_name:
    description:
      - The account to log in with. It is logged out in the end, also after a failure.
    type: str
  account_password:
    description:
      - The password of O(account_name). It is sent as its SHA-512 hash.
    type: str
  access_key_id:
    description:
      - The ID of an AccessKey, to sign requests with.
    type: str
  access_key_secret:
    description:
      - The secret of O(access_key_id). It is not sent.
    type: str
  registry_port:
    description:
      - Port of the storage's image registry, V(1) to V(65535). The server takes 8000 where it is not given.
    type: int
  system_tags:
    description:
      - System tags to send with the call.
    type: list
    elements: str
  user_tags:
    description:
      - User tags to send with the call.
    type: list
    elements: str
  max_age:
    description:
      - Return only backups that are not older than this, a whole number with a unit, such as V(90s), V(30m), V(24h),
        V(7d) or V(2w). A backup without a readable time is not returned then.
    type: str
  limit:
    description:
      - Return no more than this many backups, the newest ones. V(1) or more.
    type: int
notes:
  - Nothing is changed on the server, so check mode returns the same as a normal run.
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
