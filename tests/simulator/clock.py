# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of the management node."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from . import java


class Clock:
    """The clock of a node in its time zone, *offset* seconds ahead of the real time.

    *version* is the release of the node's Java, which decides the form of timestamps.
    """

    def __init__(self, zone: str, offset: float = 0, version: int = 8) -> None:
        self.name, self.zone = java.zone(zone)
        self.version = version
        self._offset = timedelta(seconds=offset)

    def now(self) -> datetime:
        """Return the node's time in its zone, in whole seconds."""
        return (datetime.now(timezone.utc) + self._offset).astimezone(self.zone).replace(microsecond=0)

    def timestamp(self, moment: datetime) -> str:
        """Return *moment* as the node's Java writes it: in the node's zone, but without its name."""
        return java.timestamp(moment.astimezone(self.zone), self.version)

    def utc_offset(self) -> str:
        """Return the current offset of the node's zone as a ZoneOffset, such as ``+08:00`` or ``Z``."""
        return java.offset_id(self.now().utcoffset() or timedelta(0))

    def http_date(self) -> str:
        """Return the ``Date`` header of a reply: the node's time in GMT."""
        return format_datetime(self.now().astimezone(timezone.utc), usegmt=True)
