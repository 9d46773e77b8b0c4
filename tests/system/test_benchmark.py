# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays that the benchmark compares do the same job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.tests.benchmark import servers
from ansible_collections.zstack.cloud.tests.benchmark.programs import Play


@pytest.mark.parametrize("play", ["module", "lookup", "peer"])
def test_each_play_of_the_benchmark_finds_the_newest_backup_with_one_scan(play: str, tmp_path: Path) -> None:
    with servers.node(30) as zstack:
        done = Play(play, tmp_path, limit=1, **servers.variables(zstack)).output("-v")
        assert sum("image-store" in path for path in zstack.paths) == 1
    assert set(re.findall(r"zsbak/([0-9a-f]{32})", done)) == {servers.NEWEST_ID}


def test_the_floor_sends_the_requests_of_the_module(tmp_path: Path) -> None:
    requests = []
    for play in ("module", "floor"):
        with servers.node(30) as zstack:
            Play(play, tmp_path, **servers.variables(zstack)).run()
            requests.append(sorted((each.method, re.sub("[0-9a-f]{32}", "", each.path)) for each in zstack.requests))
    assert requests[0] == requests[1]
