# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of modules that change nothing."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the same result as in a normal run.
    support: full
  diff_mode:
    description: Returns details on what has changed in diff mode.
    support: N/A
    details: This module changes nothing.
  async:
    description: Supports being used with the C(async) keyword.
    support: full
    details: Before ansible-core 2.17, Ansible refuses C(async) together with check mode.
  action_group:
    description: Use C(group/zstack.cloud.zstack) in C(module_defaults) to set the connection options of all modules.
    support: full
    membership:
      - zstack.cloud.zstack
"""

    # For modules that return facts.
    FACTS = r"""
options: {}
attributes:
  facts:
    description: Returns a dictionary C(ansible_facts), which is added to the facts of the host.
    support: full
"""
