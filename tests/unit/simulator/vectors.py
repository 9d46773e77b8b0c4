# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The behavior of Java with dates, URLs, times and zones: the lines of tests/java."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

#: The files, by the release of Java that timestamps look like.
FILES = {8: "java-8-formats", 17: "java-17", 25: "java-25"}


def lines(kind: str, *releases: int) -> list[Any]:
    """Parameters of a test: the release and the line, for each line of *kind* of *releases*, or of all.

    URLs and zones are read alike by all releases, so that each has one line.
    """
    found = {
        (None if kind in ("url", "zone") else release, json.dumps(line)): (release, line)
        for release in releases or FILES
        for line in _read(FILES[release])
        if line["kind"] == kind
    }
    return [
        pytest.param(release, line, id=f"{release}: {line.get('value', line.get('text'))}")
        for release, line in found.values()
    ]


def _read(name: str) -> list[dict[str, Any]]:
    path = Path(__file__).parents[2] / "java" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
