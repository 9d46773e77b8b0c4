# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.faults import Fault, catalogue


def limit(fault: Fault) -> int:
    """Return a time limit that only a fault about time reaches, even on a busy machine."""
    play = fault.play
    return 1 if play and (play.drip or (play.cut and play.by == "silence")) else 60


@pytest.mark.parametrize("fault", catalogue().values(), ids=catalogue())
def test_each_fault_ends_as_it_should_in_time_and_without_a_session(
    fault: Fault, zstack: Simulator, gather: Callable[..., Any]
) -> None:
    if fault.play:
        zstack.play(fault.name)
    timeout = limit(fault)
    begin = time.monotonic()
    try:
        result = gather(zstack, **{"timeout": timeout, **fault.client})
    except ZStackError as error:
        line = str(error)
        assert fault.expect == "failed", line
        assert (error.status, error.error["code"]) == (fault.status, fault.code)
        assert all(words in line for words in fault.says), line
        assert len(line) < 2000
        assert line.isprintable()
        assert not any(secret in line for secret in (*zstack.account, zstack.storage_url)[1:])
        json.dumps(error.error).encode()
    else:
        assert fault.expect == "ok"
        json.dumps(result, allow_nan=False).encode()
    # A scan that is late is followed by the logout, which may be as late.
    assert time.monotonic() - begin < 2 * timeout + 1
    assert bool(zstack.sessions) == fault.leaves_session


@pytest.mark.parametrize("fault", [fault for fault in catalogue().values() if fault.play], ids=lambda fault: fault.name)
def test_a_fault_that_passes_is_got_over_by_another_try_and_no_other(
    fault: Fault, zstack: Simulator, gather: Callable[..., Any]
) -> None:
    zstack.play(fault.name, times=1)
    try:
        gather(zstack, retries=1, timeout=limit(fault))
        succeeded = True
    except ZStackError:
        succeeded = False
    assert succeeded == (fault.retry_helps or fault.expect == "ok")
