# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides are right about tests, hints, messages and reasons."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.zstack.cloud.plugins.module_utils import _auth, _backups, _failures
from ansible_collections.zstack.cloud.plugins.plugin_utils import _words
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import all_hints

GUIDES = Path(_failures.__file__).parents[2] / "docs" / "docsite" / "rst"
PLUGINS = Path(_failures.__file__).parents[1]
TESTS = Path(__file__).parents[1]


def guide(name: str) -> str:
    return (GUIDES / f"{name}.rst").read_text(encoding="utf-8")


def promised() -> list[str]:
    """Return the tests that the list of promises names."""
    return re.findall(r"``(test_\w+\.py::test_\w+)``", guide("security_promises"))


def test_each_promise_has_a_test() -> None:
    table = guide("security_promises").partition("   * - Promise\n")[2].partition("\n\n")[0]
    promises = re.split(r"^   \* - ", table, flags=re.MULTILINE)[1:]
    assert len(promises) >= 20
    assert [promise for promise in promises if "``test_" not in promise] == []


@pytest.mark.parametrize("test", promised())
def test_each_test_that_a_promise_names_exists(test: str) -> None:
    file, _dummy, function = test.partition("::")
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in TESTS.rglob(file)]
    assert function in [node.name for module in modules for node in module.body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize(
    "words",
    [
        *_failures.CODE_HINTS,
        *_failures.TEXT_HINTS,
        *map(str, _failures.STATUS_HINTS),
        *_auth.LOGIN_HINTS,
        *_backups.SCAN_CODE_HINTS,
        *_backups.SCAN_OUTPUT_HINTS,
    ],
)
def test_the_guide_lists_each_answer_that_has_a_hint(words: str) -> None:
    assert words in guide("guide_troubleshooting")


def messages_in_guides() -> list[str]:
    """Return the cells of the guides' tables that quote messages."""
    cells = []
    for path in sorted(GUIDES.glob("*.rst")):
        for table in path.read_text(encoding="utf-8").split(".. list-table::")[1:]:
            header, *rows = re.findall(r"^   \* - (.*)$", table.partition("\n\n\n")[0], flags=re.MULTILINE)
            cells += [row for row in rows if "``" in row] if header in ("Message", "Last line of output") else []
    return cells


@cache
def texts_of_code() -> tuple[set[str], set[str]]:
    """Return the texts in plugins/: those without gaps, and the pieces of f-strings before a gap."""
    whole, before_gaps = {missing_required_lib("requests")}, set()
    for path in PLUGINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            if isinstance(node, ast.JoinedStr):
                for piece, gap in zip(node.values, node.values[1:]):
                    if isinstance(piece, ast.Constant) and isinstance(gap, ast.FormattedValue):
                        before_gaps.add(str(piece.value))
    return whole, before_gaps


@cache
def texts_of_simulator() -> list[str]:
    files = [path for path in (TESTS / "simulator").rglob("*") if path.suffix in (".py", ".yml")]
    return [path.read_text(encoding="utf-8") for path in files]


def is_message(words: str) -> bool:
    """Return whether a text of the code has these words, the last of which may be in a text that fills a gap."""
    whole, before_gaps = texts_of_code()
    splits = [(words[:index], words[index:]) for index in range(1, len(words)) if words[index - 1 : index] == " "]
    return any(words in text for text in whole) or any(
        any(text.endswith(start) for text in before_gaps) and any(text.startswith(end) for text in whole)
        for start, end in splits
    )


@pytest.mark.parametrize("cell", messages_in_guides())
def test_each_message_in_the_guides_is_of_the_code_or_the_simulator(cell: str) -> None:
    assert len(messages_in_guides()) >= 40
    # A message with a status is a response of ZStack or of a proxy.
    is_answer = re.search(r"\([0-9]{3}\)$", cell) is not None
    for message in re.findall(r"``([^`]+)``", cell):
        if is_answer:
            assert any(message in text for text in texts_of_simulator())
        else:
            assert all(is_message(part) for part in re.split("[0-9]+", message))


def errors_in_guides() -> list[str]:
    """The errors of a server that guides quote, each as one line."""
    blocks = [
        " ".join(block.split())
        for path in sorted(GUIDES.glob("*.rst"))
        for block in re.findall(r"^\.\. code-block:: text\n\n((?:    .*\n)+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    return [block for block in blocks if re.search(r"\(HTTP [0-9]{3}\)", block)]


@pytest.mark.parametrize("error", errors_in_guides())
def test_each_error_in_the_guides_ends_with_a_hint_of_the_code(error: str) -> None:
    assert re.split(r"\(HTTP [0-9]{3}\)\. ", error)[1] in {hint.text for hint in all_hints()}


def test_the_guide_explains_each_reason_that_the_gate_says_no() -> None:
    table = guide("guide_gate_says_no").partition("   * - Reason\n")[2].partition("\n\n")[0]
    reasons = [
        reason for row in re.findall(r"^   \* - (.*)$", table, re.MULTILINE) for reason in re.findall(r"``(\w+)``", row)
    ]
    assert sorted(reasons) == sorted(
        key[5:] for key in _words.TABLES["en"] if key.startswith("next.") and key != "next.no_result"
    )
