# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of a backup storage."""

    DOCUMENTATION = r"""
options:
  storage_password:
    description:
      - Password of the storage, for a URL that does not include it. Write it as it is, without percent-encoding.
      - If not set, the value of E(ZSTACK_STORAGE_PASSWORD) is used.
    type: str
  registry_port:
    description:
      - Port of the storage's image registry, V(1) to V(65535). If omitted, the server uses V(8000).
    type: int
"""

    # The lookup takes URLs as its terms.
    MODULES = r"""
options:
  url:
    description:
      - URL of the image-store backup storage, in the form V(ssh://username@hostname[:sshPort]/path).
      - Set the password in O(storage_password). It can also be part of the URL, as in
        V(ssh://username:password@hostname/path). It must then be percent-encoded, for example with
        V({{ password | urlencode | replace('/', '%2F'\) }}).
      - The URL is sent to the management node, which uses it to connect to the storage over SSH.
    type: str
    required: true
"""

    PLUGINS = r"""
options:
  storage_password:
    env:
      - name: ZSTACK_STORAGE_PASSWORD
    vars:
      - name: zstack_storage_password
  storage_passwords:
    description:
      - Passwords of storages by the C(name) in their terms. Write each as it is, without percent-encoding.
      - O(storage_password) is used for a storage that is not listed.
    type: dict
    vars:
      - name: zstack_storage_passwords
"""
