# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides promise is what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils import _db_backups, _hints, _login

GUIDES = Path(_hints.__file__).parents[2] / "docs" / "docsite" / "rst"
TESTS = Path(__file__).parents[1]


def guide(name: str) -> str:
    return (GUIDES / f"{name}.rst").read_text(encoding="utf-8")


def promised() -> list[str]:
    """The tests that the guide to security names."""
    return re.findall(r"``(test_\w+\.py::test_\w+)``", guide("security"))


def test_each_promise_has_a_test() -> None:
    table = guide("security").partition("   * - Promise\n")[2].partition("\n\n")[0]
    promises = re.split(r"^   \* - ", table, flags=re.MULTILINE)[1:]
    assert len(promises) >= 20
    assert [promise for promise in promises if "``test_" not in promise] == []


@pytest.mark.parametrize("test", promised())
def test_each_test_that_the_guide_to_security_names_exists(test: str) -> None:
    file, _dummy, function = test.partition("::")
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in TESTS.rglob(file)]
    assert function in [node.name for module in modules for node in module.body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize(
    "words",
    [
        *_hints.CODE_HINTS,
        *_hints.TEXT_HINTS,
        *map(str, _hints.STATUS_HINTS),
        *_login.LOGIN_HINTS,
        *_db_backups.SCAN_HINTS,
        *_db_backups.SCAN_FAILURES,
    ],
)
def test_each_answer_that_the_code_has_a_remedy_for_stands_in_the_guide(words: str) -> None:
    assert words in guide("guide_troubleshooting")
