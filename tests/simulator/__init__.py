# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated ZStack management node for tests and demos: ``with Simulator() as zstack: ...``."""

from __future__ import annotations

from .faults import Fault, catalogue
from .simulator import Simulator

__all__ = ["Fault", "Simulator", "catalogue"]
