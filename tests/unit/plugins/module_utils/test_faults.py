# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import html
import json
import time
from collections import Counter
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.tests.limits import HANGS, UNANSWERED, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.faults import Fault, catalogue
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather

pytestmark = pytest.mark.xdist_group(WAITING)

# Of the hundred thousand backups in the largest reply, this many are enough to see.
FEW = 100


def spellings(zstack: Simulator) -> list[str]:
    """Return the secrets of a run in the spellings that are easily looked for; test_redaction.py has all others."""
    secrets = [zstack.account[1], *(storage.password for storage in zstack.storages), *zstack.sessions]
    ways = (str, lambda text: quote(text, safe=""), lambda text: quote(quote(text, safe=""), safe=""), html.escape)
    hashed = hashlib.sha512(zstack.account[1].encode()).hexdigest()
    return [hashed, *(way(secret) for secret in secrets for way in ways)]


CASES = {name: ("text", fault) for name, fault in catalogue().items()}
# What newer servers send in another form
CASES |= {f"{name}-json": ("json", fault) for name, fault in catalogue("json").items() if fault != catalogue()[name]}


@pytest.mark.parametrize(("errors", "fault"), CASES.values(), ids=CASES)
def test_each_fault_ends_as_it_should_in_time_and_without_a_session(
    errors: str, fault: Fault, gather: Gather, warnings: list[str]
) -> None:
    with Simulator(errors=errors) as zstack:
        if fault.injection:
            zstack.inject(fault.name)
        begin = time.monotonic()
        # Only a fault about time reaches the time limit, even on a busy machine.
        options = {"timeout": UNANSWERED if fault.waits else HANGS, "limit": FEW, "retries": 1, **fault.client}
        try:
            result = gather(zstack, **options)
        except ZStackError as error:
            line = str(error)
            assert fault.expect == "failed", line
            assert (error.status, error.error["code"]) == (fault.status, fault.code)
            assert error.error["server"] == f"{options.get('host', zstack.host)}:{options.get('port', zstack.port)}"
            assert line.startswith(error.error["server"])
            assert all(words in line for words in fault.says), line
            assert fault.hint in (None, error.error["hint_reason"])
            assert len(line) < 2000
            assert line.isprintable()
            shown = json.dumps([line, error.error, warnings], allow_nan=False, ensure_ascii=False)
            assert [secret for secret in spellings(zstack) if secret in shown] == []
            assert "diagnostic" not in shown
            # A call is made again only if that helps.
            assert error.transient == fault.retry_helps or not fault.injection
            assert max(Counter(zstack.paths).values(), default=1) == (2 if fault.retry_helps else 1)
        else:
            assert fault.expect == "ok"
            json.dumps(result, allow_nan=False).encode()
            assert [secret for secret in spellings(zstack) if secret in "".join(warnings)] == []
        assert all(warning.isprintable() for warning in warnings)
        assert time.monotonic() - begin < HANGS
        assert bool(zstack.sessions) == fault.leaves_session
