# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The version of this collection. Modules cannot read galaxy.yml. A test compares the two."""

from __future__ import annotations

VERSION = "1.0.0"
