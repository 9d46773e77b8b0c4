# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long tests wait, and how much they try: nothing here fails because a machine is slow."""

from __future__ import annotations

import os

#: Seconds. Far more than any command or call needs, on a machine however busy: whatever takes this long hangs.
HANGS = 900
#: Seconds after which a client gives up a call that is never answered. The other calls of its task have the same limit,
#: so it must be enough for them.
UNANSWERED = 5
#: The same as HANGS, for a playbook of a hundred hosts.
PLAYBOOK_HANGS = 4 * HANGS
#: Whether to run the long variants of tests, which only a release needs. `make matrix` sets this.
LONG = bool(os.environ.get("LONG_TESTS"))
#: The group of tests that mostly wait for such a limit or a signal: one process runs them, while others use the cores.
WAITING = "waiting"
