# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from ansible_collections.zstack.cloud.plugins.module_utils._times import in_zone, read_epoch


def read_time(value: Any, zone: tzinfo | None) -> datetime | None:
    """Return a timestamp as a time in its zone, or None, as the code does for a backup."""
    epoch = read_epoch(value, zone)
    return None if epoch is None else in_zone(epoch, zone)
