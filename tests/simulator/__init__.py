# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated ZStack management node for tests and demos: ``with Simulator() as zstack: ...``."""

from __future__ import annotations

from .faults import Fault, catalogue
from .simulator import Simulator

__all__ = ["Fault", "Simulator", "catalogue"]
