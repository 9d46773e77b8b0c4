# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that select backups, and the tags of the call that lists them."""

    DOCUMENTATION = r"""
options:
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
      - Maximum age of the backups to return, as a whole number with a unit, such as V(90s), V(30m), V(24h), V(7d) or
        V(2w).
      - If set, backups without a readable time and backups from the future are not returned.
      - Requires a known time zone. If the management node does not report its zone, set O(timezone).
    type: str
  limit:
    description:
      - Maximum number of backups to return, newest first. V(1) or more.
    type: int
"""
