# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in README, guides and plugin documentation, run as a user would run it, with ansible-playbook."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest
import trustme
import yaml

import ansible_collections.zstack.cloud.tests.simulator as simulator_package
from ansible_collections.zstack.cloud.plugins.lookup import zstack_db_backup
from ansible_collections.zstack.cloud.plugins.modules import zstack_db_backup_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator

COLLECTION = Path(simulator_package.__file__).parents[2]
PLAYS = ("yaml", "yaml+jinja")
TEMPLATES = ("jinja", "jinja2")


class Example(NamedTuple):
    source: str
    language: str
    text: str


def examples() -> Iterator[Example]:
    """All that a reader may copy and run: plays, tasks, templates."""
    yield Example("module", "yaml", zstack_db_backup_info.EXAMPLES)
    yield Example("lookup", "yaml", zstack_db_backup.EXAMPLES)
    markdown = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    directive = re.compile(r"^\.\. code-block:: (\S+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
    pages = [(COLLECTION / "README.md", markdown)]
    pages += [(page, directive) for page in sorted(COLLECTION.glob("docs/docsite/rst/*.rst"))]
    for page, pattern in pages:
        for number, block in enumerate(pattern.finditer(page.read_text(encoding="utf-8")), 1):
            yield Example(f"{page.name}-{number}", block[1], dedent(block[2]))


def runnable() -> list[Example]:
    return [example for example in examples() if example.language in PLAYS + TEMPLATES]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_zstack(authority: trustme.CA) -> Iterator[Simulator]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Simulator(ssl=context) as simulator:
        yield simulator


@pytest.mark.parametrize("example", runnable(), ids=lambda example: example.source)
def test_an_example_runs_as_it_stands_in_the_documentation(
    example: Example, zstack: Simulator, secure_zstack: Simulator, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    # What an operator has in place of the names that the documentation uses.
    text = example.text
    for name, here in {
        "zstack.example.com": zstack.host,
        "8443": str(secure_zstack.port),
        "/etc/pki/zstack-ca.pem": str(tmp_path / "ca.pem"),
    }.items():
        text = text.replace(name, here)
    variables = variables_of(zstack, secure_zstack, tmp_path)
    if example.language in TEMPLATES:
        (tmp_path / "example.j2").write_text(text, encoding="utf-8")
        content = "{{ lookup('ansible.builtin.template', 'example.j2') }}"
        plays: list[dict[str, Any]] = tasks_only([{"ansible.builtin.debug": {"msg": content}}])
        name, password = zstack.account
        variables |= {
            "zstack_host": zstack.host,
            "zstack_account_name": name,
            "zstack_account_password": password,
        }
    else:
        plays = yaml.safe_load(text)
        plays = plays if "hosts" in plays[0] else tasks_only(plays)

    done = play(plays, variables, zstack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout
    assert "unreachable=0" in done.stdout
    assert zstack.requests, "the example did not ask for backups"
    assert set(zstack.sessions) <= {variables["session"]}


def tasks_only(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def variables_of(zstack: Simulator, secure_zstack: Simulator, tmp_path: Path) -> dict[str, Any]:
    """The variables that examples read."""
    key_id, key_secret = zstack.access_key
    return {
        "session": zstack.open_session("admin"),
        "zstack_password": zstack.account[1],
        "storage_password": "Night@Watch#7",
        "storage_url": zstack.storage_url,
        "storage_urls": [zstack.storage_urls[0], zstack.storage_urls[2]],
        "key_id": key_id,
        "key_secret": key_secret,
        "status_page": str(tmp_path / "status.txt"),
        "zstack_port": zstack.port,
    }


def play(
    plays: list[dict[str, Any]], variables: dict[str, Any], zstack: Simulator, place: Path
) -> subprocess.CompletedProcess[str]:
    (place / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ZSTACK_PORT": str(zstack.port),
    }
    return subprocess.run(
        ["ansible-playbook", "play.yml", "-e", "@variables.yml"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
