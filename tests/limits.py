# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long tests wait."""

from __future__ import annotations

#: Seconds. Far more than anything here needs on a busy machine: whatever takes this long hangs.
HANGS = 180
