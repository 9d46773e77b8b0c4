# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of a backup storage, but for its URL, which a lookup takes as its terms."""

    DOCUMENTATION = r"""
options:
  storage_password:
    description:
      - Password for a URL that includes none. It is written as it is, not percent-encoded.
      - If not set, the value of E(ZSTACK_STORAGE_PASSWORD) is used.
    type: str
  registry_port:
    description:
      - Port of the storage's image registry, V(1) to V(65535). If omitted, the server uses 8000.
    type: int
"""

    PLUGINS = r"""
options:
  storage_password:
    env:
      - name: ZSTACK_STORAGE_PASSWORD
    vars:
      - name: zstack_storage_password
"""
