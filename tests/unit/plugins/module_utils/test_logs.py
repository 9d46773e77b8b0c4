# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor, redact_logs
from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """All that is logged, tracebacks included, as a handler of the root logger writes it."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Handler(logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def secrets_of(zstack: Simulator) -> list[str]:
    """Return the secrets, and what is left of one in the URL of a request."""
    passwords = [storage.password for storage in zstack.storages]
    # The words of a password are the same in a URL, however often that is encoded.
    return [zstack.account[1], zstack.access_key[1], *passwords, *re.findall(r"\w{4,}", passwords[0])]


# urllib3 warns of a line that is no header, with the request's URL and a traceback.
PASSWORD = Simulator().storages[0].password
QUOTING = [f"no header but {PASSWORD}", f"{quote(quote(PASSWORD, safe=''), safe='')} neither"]
FAULTS: dict[str, dict[str, Any]] = {
    "no fault": {},
    "a line that is no header": {"lines": ["this is no header"]},
    "lines that quote the password": {"lines": QUOTING},
    "a reset": {"cut": "before", "by": "reset"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_requests_are_logged_without_secrets(
    zstack: Simulator, gather: Gather, lines: list[str], fault: dict[str, Any]
) -> None:
    zstack.inject(fault, times=1)
    gather(zstack, urls=zstack.storage_urls[:1] * 3, retries=1)
    log = "\n".join(lines)
    assert "GET /zstack/v1/database-backups/image-store?url=ssh%3A%2F%2Froot%3A***%40192.0.2.20" in log
    assert "DELETE /zstack/v1/accounts/sessions/*** " in log
    assert ("Failed to parse headers" in log) == ("lines" in fault)
    assert "Traceback" not in log
    assert [secret for secret in secrets_of(zstack) if secret in log] == []


def test_a_call_that_outlives_its_time_limit_is_logged_without_secrets(
    gather: Gather, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    start = threading.Thread.start

    def recorded_start(thread: threading.Thread) -> None:
        threads.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", recorded_start)
    with Simulator() as zstack:
        # Byte by byte: no single read takes long, so the thread reads on when nobody waits for it any more.
        body = [{"repeat": "0", "times": 10 * HANGS}]
        zstack.inject({"drip": "body", "pace": 0.3, "body": body, "lines": ["this is no header"]})
        session = zstack.open_session()
        assert "no response within 1 s" in str(failure(gather, zstack, timeout=1, session_uuid=session))
        gc.collect()
        lines.clear()
        logging.getLogger("urllib3.connectionpool").warning("late: %s", zstack.storage_url)
        outlived = [thread for thread in threads if thread.is_alive()]
        secrets = [*secrets_of(zstack), session]
    assert outlived
    for thread in outlived:
        thread.join(HANGS)
    log = "\n".join(lines)
    assert "late: ssh://root:***@192.0.2.20" in log
    assert [secret for secret in secrets if secret in log] == []


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "urllib3.util.retry", "requests", "charset_normalizer"])
def test_each_level_of_each_library_is_redacted(lines: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger(name)
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    redact = Redactor("Open-Sesame")
    redact_logs()
    levels = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL]
    try:
        raise ValueError("Open-Sesame")
    except ValueError:
        for level in levels:
            logger.log(level, "to %s", {"Open-Sesame": 1}, exc_info=True, stack_info=True)
    # Its arguments do not fit.
    logger.warning("%d of Open-Sesame", "Open-Sesame")
    logging.getLogger("somebody.else").warning("Open-Sesame")
    assert lines == ["to {'***': 1}"] * len(levels) + [f"%d of {redact('Open-Sesame')}", "Open-Sesame"]
    assert redact("Open-Sesame") == "***"


def test_the_filter_is_added_once(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    before = len(logging.getLogger("urllib3.connectionpool").filters)
    gather(zstack)
    assert len(logging.getLogger("urllib3.connectionpool").filters) == before == 1
