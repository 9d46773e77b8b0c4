# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that select image stores."""

    DOCUMENTATION = r"""
options:
  purpose:
    description:
      - Which image stores to list. V(backup) lists those that are tagged as a local or remote backup server. V(any)
        lists all.
      - An image store without such a tag can have database backups, too.
    type: str
    choices:
      - backup
      - any
    default: backup
"""
