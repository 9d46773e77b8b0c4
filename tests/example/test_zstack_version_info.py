# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.zstack.cloud.plugins.modules import zstack_version_info


def test_the_version_is_returned(run: Any, zstack: Any) -> None:
    result = run(zstack_version_info, host=zstack.host, port=zstack.port)
    assert result["version"] == "4.8.30"


def test_a_failure_is_reported(run: Any, zstack: Any) -> None:
    zstack.inject("unavailable", on="version")
    result = run(zstack_version_info, host=zstack.host, port=zstack.port, retries=0)
    assert result["failed"]
    assert result["error"]["code"] == "SYS.1012"
