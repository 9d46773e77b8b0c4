# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock on the management node's wall."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from . import java


class Clock:
    """Tells the time of a management node: in a zone of its own, and perhaps wrong.

    *offset* is the node's clock minus the real one, in seconds; *version* the major version of the node's Java,
    which decides how timestamps look.
    """

    def __init__(self, zone: str, offset: float = 0, version: int = 8) -> None:
        self.name = zone
        self.zone = java.zone(zone)
        self._offset = timedelta(seconds=offset)
        self._version = version

    def now(self) -> datetime:
        """The node's time, aware of its zone, in whole seconds as its timestamps and headers are."""
        return (datetime.now(timezone.utc) + self._offset).astimezone(self.zone).replace(microsecond=0)

    def timestamp(self, moment: datetime) -> str:
        """*moment* as the node's Java writes it: in the node's zone, which is not written."""
        return java.timestamp(moment.astimezone(self.zone), self._version)

    def utc_offset(self) -> str:
        """``+08:00``: how far the node's zone is ahead of UTC today."""
        return self.now().isoformat()[-6:]

    def http_date(self) -> str:
        """The ``Date`` header of a reply: the node's time, in GMT as HTTP wants it."""
        return format_datetime(self.now().astimezone(timezone.utc), usegmt=True)
