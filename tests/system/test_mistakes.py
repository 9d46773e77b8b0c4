# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common mistakes in the guide to troubleshooting: each gives the message, and is fixed, as described there.

A mistake has three blocks: a task with the wrong lines emphasized, the message, and the lines to write instead.
"""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path
from textwrap import dedent, indent
from typing import NamedTuple

import pytest
import trustme
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

pytestmark = pytest.mark.xdist_group("mistakes")

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"
SECTION = re.compile(r"^Common mistakes\n-+\n(.*?)^[^\n]+\n-+$", re.MULTILINE | re.DOTALL)
MISTAKE = re.compile(r"^([^\n]+)\n~+\n(.*?)(?=^[^\n]+\n~+$|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"^\.\. code-block:: \S+\n(?:    :emphasize-lines: (\d+)(?:-(\d+))?\n|    :class: fix\n)?((?:    .*\n|\n)+)",
    re.MULTILINE,
)
#: The replacement for a part of a message that is too long for the guide.
GAP = "[...]"


class Mistake(NamedTuple):
    title: str
    task: str
    message: str
    fixed: str


def mistakes() -> list[Mistake]:
    (section,) = SECTION.findall(GUIDE.read_text(encoding="utf-8"))
    return [read(title, text) for title, text in MISTAKE.findall(section)]


def read(title: str, text: str) -> Mistake:
    (first, last, task), (_dummy, _dummy, message), (_dummy, _dummy, fix) = BLOCK.findall(text)
    lines = dedent(task).strip("\n").splitlines()
    start, end = int(first) - 1, int(last or first)
    margin = " " * (len(lines[start]) - len(lines[start].lstrip()))
    fixed = [*lines[:start], indent(dedent(fix).strip("\n"), margin), *lines[end:]]
    return Mistake(title, "\n".join(lines), " ".join(message.split()), "\n".join(fixed))


class Made(NamedTuple):
    """The outputs of the tasks, by title, and the replacements for the names in the guide."""

    wrong: dict[str, str]
    fixed: dict[str, str]
    names: dict[str, str]


@pytest.fixture(scope="module")
def made(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make and fix all mistakes in one playbook, since starting one takes most of the time."""
    place = tmp_path_factory.mktemp("mistakes")
    authority.cert_pem.write_to_path(place / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Simulator() as zstack, Simulator(ssl=context) as secure:
        names = {
            "zstack.example.com": zstack.host,
            "8080": str(zstack.port),
            "8443": str(secure.port),
            "/etc/pki/zstack-ca.pem": str(place / "ca.pem"),
        }
        storage = zstack.storages[0]
        variables = {
            "session": zstack.open_session(),
            "zstack_password": zstack.account[1],
            "storage_url": storage.url_without_password,
            "storage_password": storage.password,
        }
        tasks = [
            {**task, "name": f"{kind}: {mistake.title}", "ignore_errors": True}
            for mistake in mistakes()
            for kind, text in (("wrong", mistake.task), ("fixed", mistake.fixed))
            for task in yaml.safe_load(replaced(text, names))
        ]
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
        (place / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        # With the default port, as in the guide.
        done = run("ansible-playbook", "play.yml", place=place, ZSTACK_PORT=str(zstack.port))
        assert done.returncode == 0, done.stdout + done.stderr
    parts = re.findall(r"^TASK \[(wrong|fixed): ([^\n]+)\] \*+\n(.*?)(?=^(?:TASK|PLAY) )", done.stdout, re.M | re.S)
    printed = {kind: {title: text for each, title, text in parts if each == kind} for kind in ("wrong", "fixed")}
    return Made(printed["wrong"], printed["fixed"], names)


def replaced(text: str, names: dict[str, str]) -> str:
    for name, here in names.items():
        text = text.replace(name, here)
    return text


def message_of(printed: str) -> str:
    """Return the message of a task that failed: the module's, or Ansible's with that of the lookup in it."""
    (result,) = re.findall(r"^fatal: \[localhost\]: FAILED! => (\{.*\})$", printed, re.MULTILINE)
    message: str = json.loads(result)["msg"]
    return message


def test_there_are_at_least_twelve_mistakes() -> None:
    assert len(mistakes()) >= 12


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.title)
def test_a_mistake_is_answered_with_the_message_that_the_guide_quotes(made: Made, mistake: Mistake) -> None:
    message = message_of(made.wrong[mistake.title])
    quoted = ".*".join(map(re.escape, replaced(mistake.message, made.names).split(GAP)))
    # A lookup's message is within Ansible's own.
    before = ".*" if "lookup(" in mistake.task else ""
    assert re.fullmatch(f"{before}{quoted}{before}", message), message


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.title)
def test_a_mistake_is_fixed_as_the_guide_says(made: Made, mistake: Mistake) -> None:
    assert made.fixed[mistake.title].startswith("ok: [localhost]"), made.fixed[mistake.title]


def test_the_message_that_the_guide_explains_is_one_of_these() -> None:
    example = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))[0][-1]
    assert " ".join(example.split()) in [mistake.message for mistake in mistakes()]
