# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in README, guides and plugin documentation, run as a user would run it, with ansible-playbook.

A block of YAML that is a mapping is no play: it sets something up for the example after it. One with ``fields`` and one
with ``env`` are the two halves of a credential type of AWX, all others are variables.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import jinja2
import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.lookup import zstack_db_backup
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.plugins.modules import zstack_db_backup_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator

ROOT = Path(__file__).parents[2]
PLAYS = ("yaml", "yaml+jinja")
TEMPLATES = ("jinja", "jinja2")


class Example(NamedTuple):
    source: str
    language: str
    text: str
    settings: tuple[dict[str, Any], ...] = ()


def examples() -> Iterator[Example]:
    """All that a reader may copy and run: plays, tasks, templates."""
    yield Example("module", "yaml", zstack_db_backup_info.EXAMPLES)
    yield Example("lookup", "yaml", zstack_db_backup.EXAMPLES)
    markdown = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    directive = re.compile(r"^ *\.\. code-block:: (\S+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
    pages = [(ROOT / "README.md", markdown)]
    pages += [(page, directive) for page in sorted(ROOT.glob("docs/docsite/rst/*.rst"))]
    for page, pattern in pages:
        settings: list[dict[str, Any]] = []
        for number, block in enumerate(pattern.finditer(page.read_text(encoding="utf-8")), 1):
            language, text = block[1], dedent(block[2])
            content = yaml.safe_load(text) if language in PLAYS else None
            if isinstance(content, dict):
                settings.append(content)
                continue
            yield Example(f"{page.name}-{number}", language, text, tuple(settings))
            if language in PLAYS + TEMPLATES:
                settings.clear()


def runnable() -> list[Example]:
    everything = [example for example in examples() if example.language in PLAYS + TEMPLATES]
    return [example for example in everything if not is_for_awx(example)]


def is_for_awx(example: Example) -> bool:
    return any("env" in setting for setting in example.settings)


def commands() -> list[Example]:
    return [each for each in examples() if each.language == "console" and "zstack.cloud.gather" in each.text]


@pytest.mark.parametrize("example", runnable(), ids=lambda example: example.source)
def test_an_example_runs_as_it_stands_in_the_documentation(
    example: Example, zstack: Simulator, secure_zstack: Simulator, ca_path: str, tmp_path: Path
) -> None:
    # What an operator has in place of the names that the documentation uses.
    here = {
        "zstack.example.com": zstack.host,
        "8443": str(secure_zstack.port),
        "/etc/pki/zstack-ca.pem": ca_path,
    }
    text = replaced(example.text, here)
    variables = variables_of(zstack, tmp_path)
    if example.language in TEMPLATES:
        (tmp_path / "example.j2").write_text(text, encoding="utf-8")
        content = "{{ lookup('ansible.builtin.template', 'example.j2') }}"
        plays: list[dict[str, Any]] = tasks_only([{"ansible.builtin.debug": {"msg": content}}])
        name, password = zstack.account
        variables |= {
            "zstack_host": zstack.host,
            "zstack_account_name": name,
            "zstack_account_password": password,
            "zstack_storage_password": zstack.storages[0].password,
        }
    else:
        plays = yaml.safe_load(text)
        plays = plays if {"hosts", "ansible.builtin.import_playbook"} & plays[0].keys() else tasks_only(plays)
    for setting in example.settings:
        variables |= yaml.safe_load(replaced(yaml.safe_dump(setting), here))

    done = play(plays, variables, {}, zstack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout
    assert "unreachable=0" in done.stdout
    assert zstack.requests or secure_zstack.requests, "the example did not ask for backups"
    assert set(zstack.sessions) <= {variables["session"]}
    assert not secure_zstack.sessions


@pytest.mark.parametrize("way", AUTH_METHODS)
def test_a_credential_of_awx_works_with_each_way_of_authentication(way: str, zstack: Simulator, tmp_path: Path) -> None:
    example = next(filter(is_for_awx, examples()))
    form, injectors = example.settings
    values = {"session": (zstack.open_session("admin"),), "account": zstack.account, "access_key": zstack.access_key}
    filled_in = dict(zip(AUTH_METHODS[way], values[way]))
    filled_in |= {"host": zstack.host, "timezone": "Asia/Shanghai"}
    filled_in |= {
        "storage_url": zstack.storages[0].url_without_password,
        "storage_password": zstack.storages[0].password,
    }
    assert filled_in.keys() >= set(form["required"])
    # AWX takes what nobody filled in for an empty text.
    inputs = {field["id"]: filled_in.get(field["id"], "") for field in form["fields"]}
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment = {name: jinja.from_string(text).render(inputs) for name, text in injectors["env"].items()}
    done = play(yaml.safe_load(example.text), {}, environment, zstack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert zstack.requests


@pytest.mark.parametrize("example", commands(), ids=lambda example: example.source)
def test_the_commands_around_the_playbook_run_as_they_stand_in_the_documentation(
    example: Example, zstack: Simulator, tmp_path: Path
) -> None:
    lines = re.findall(r"^\$ (.*)$", replaced(example.text, {"zstack.example.com": zstack.host}), re.MULTILINE)
    # What the commands ask for, in their order.
    typed = f"{zstack.account[1]}\n{zstack.storages[0].password}\n"
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env={**os.environ, "ZSTACK_PORT": str(zstack.port)},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zstack-db-backup-" in done.stdout
    assert not zstack.sessions


def replaced(text: str, words: dict[str, str]) -> str:
    for word, replacement in words.items():
        text = text.replace(word, replacement)
    return text


def tasks_only(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]


def variables_of(zstack: Simulator, tmp_path: Path) -> dict[str, Any]:
    """The variables that examples read."""
    key_id, key_secret = zstack.access_key
    return {
        "session": zstack.open_session("admin"),
        "zstack_password": zstack.account[1],
        "storage_password": zstack.storages[0].password,
        "storage_url": zstack.storages[0].url_without_password,
        "storage_urls": [zstack.storages[0].url_without_password] * 2,
        "key_id": key_id,
        "key_secret": key_secret,
        "status_page": str(tmp_path / "status.txt"),
        "zstack_port": zstack.port,
    }


def play(
    plays: list[dict[str, Any]],
    variables: dict[str, Any],
    environment: dict[str, str],
    zstack: Simulator,
    place: Path,
) -> subprocess.CompletedProcess[str]:
    (place / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    return subprocess.run(
        ["ansible-playbook", "play.yml", "-e", "@variables.yml"],
        cwd=place,
        env={**os.environ, "ZSTACK_PORT": str(zstack.port), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
