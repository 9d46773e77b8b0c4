# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python meter.py OUTPUT COMMAND...``: run a command, and print what it took, as JSON.

A process of its own, because the memory of a new process at its peak is never less than that of its parent.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

with Path(sys.argv[1]).open("wb") as output:
    begin = time.perf_counter()
    code = subprocess.call(sys.argv[2:], stdout=output, stderr=output)
    seconds = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
sys.exit(code)
