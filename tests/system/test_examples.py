# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the README, the guides and the plugin documentation, run with ansible-playbook as users do.

A block of YAML that is a mapping is no play: it sets something up for the example after it. One with ``fields`` and one
with ``env`` are the two halves of a credential type of AWX, one with a group of hosts is an inventory, all others are
variables.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import jinja2
import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.filter import verify_db_backup
from ansible_collections.zstack.cloud.plugins.lookup import zstack_db_backup
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.plugins.modules import zstack_db_backup_facts, zstack_db_backup_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

ROOT = Path(__file__).parents[2]
PLAYS = ("yaml", "yaml+jinja")
TEMPLATES = ("jinja", "jinja2")
MARKDOWN = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^ *\.\. code-block:: (\S+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
# Within sentences: names of options, variables and files, values, short commands, and versions
LITERALS = {
    ".md": re.compile(r"(?<!`)`[^`]+`(?!`)|\d+(?:\.\d+)+"),
    ".rst": re.compile(r"``[^`]+``|:(?:ans\w+|file):`[^`]+`|\d+(?:\.\d+)+"),
}
GUIDES = "docs/docsite/rst"
READMES = ("README.md", "README.zh-CN.md")
# Each page in Chinese, and its original
TRANSLATIONS = {READMES[1]: READMES[0]} | {
    f"{GUIDES}/zh/{page.name}": f"{GUIDES}/{page.name}" for page in sorted(ROOT.glob(f"{GUIDES}/zh/*.rst"))
}
# The pages that show output, and the time of the management node at which they show it.
PAGES_WITH_OUTPUT = (READMES[0], f"{GUIDES}/guide_getting_started.rst")
SHOWN_AT = datetime.fromisoformat("2026-11-23T17:20:30+08:00")


@contextmanager
def platform_shown() -> Iterator[Simulator]:
    """Simulate the platform of these pages at that time. Each scan replies with it, however long the tests take."""
    with Simulator(clock_offset=(SHOWN_AT - datetime.now(timezone.utc)).total_seconds()) as zstack:
        zstack.freeze(SHOWN_AT)
        yield zstack


class Example(NamedTuple):
    source: str
    language: str
    text: str
    settings: tuple[dict[str, Any], ...] = ()


def examples() -> Iterator[Example]:
    """Yield everything that a reader may copy and run: plays, tasks and templates."""
    yield Example("module", "yaml", zstack_db_backup_info.EXAMPLES)
    yield Example("facts", "yaml", zstack_db_backup_facts.EXAMPLES)
    yield Example("lookup", "yaml", zstack_db_backup.EXAMPLES)
    yield Example("filter", "yaml", verify_db_backup.EXAMPLES)
    # Not of translations, which have the code of their originals.
    for page in [ROOT / READMES[0], *sorted(ROOT.glob(f"{GUIDES}/*.rst"))]:
        settings: list[dict[str, Any]] = []
        for number, (language, text) in enumerate(blocks(page), 1):
            content = yaml.safe_load(text) if language in PLAYS else None
            if isinstance(content, dict):
                settings += [] if is_result(content) else [content]
                continue
            yield Example(f"{page.relative_to(ROOT)}-{number}", language, text, tuple(settings))
            if language in PLAYS + TEMPLATES:
                settings.clear()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield language and text of each block of code on a page."""
    pattern = MARKDOWN if page.suffix == ".md" else DIRECTIVE
    for block in pattern.finditer(page.read_text(encoding="utf-8")):
        yield block[1], dedent(block[2])


def literals(page: Path) -> set[str]:
    """Return what a page writes the same way in each language."""
    return set(LITERALS[page.suffix].findall(page.read_text(encoding="utf-8")))


def is_result(content: dict[str, Any]) -> bool:
    """Return whether a mapping shows what module and lookup return."""
    return {"latest", "total"} <= content.keys()


def runnable() -> list[Example]:
    everything = [example for example in examples() if example.language in PLAYS + TEMPLATES]
    return [example for example in everything if not is_for_awx(example)]


def is_for_awx(example: Example) -> bool:
    return any("env" in setting for setting in example.settings)


def commands() -> dict[str, str]:
    """Return the commands that list backups, by page: its blocks one after the other, without scripts."""
    found: dict[str, str] = {}
    for each in examples():
        if (
            each.language == "bash"
            and not each.text.startswith("#!")
            and re.search(r"ZSTACK_|ansible-playbook zstack\.cloud\.", each.text)
        ):
            page = each.source.rpartition("-")[0]
            found[page] = found.get(page, "") + each.text
    return found


@pytest.mark.parametrize("example", runnable(), ids=lambda example: example.source)
def test_each_example_in_the_documentation_runs(
    example: Example, zstack: Simulator, secure_zstack: Simulator, ca_path: str, tmp_path: Path
) -> None:
    # The values for the names in the documentation.
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
        variables |= connection_of(zstack)
    else:
        plays = yaml.safe_load(text)
        plays = plays if {"hosts", "ansible.builtin.import_playbook"} & plays[0].keys() else tasks_only(plays)
    if "zstack.cloud.verify_db_backup\n" in text and not example.settings:
        # The page says next which variables the role needs.
        variables |= {**connection_of(zstack), "verify_db_backup_storages": variables["storage_url"]}
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
def test_a_credential_of_awx_works_with_each_authentication_method(way: str, zstack: Simulator, tmp_path: Path) -> None:
    example = next(filter(is_for_awx, examples()))
    form, injectors = example.settings
    filled_in = {
        **zstack.credentials(way),
        "host": zstack.host,
        "timezone": "Asia/Shanghai",
        "storage_url": zstack.storages[0].url_without_password,
        "storage_password": zstack.storages[0].password,
    }
    assert filled_in.keys() >= set(form["required"])
    # AWX passes an empty string for a field that is not filled in.
    inputs = {field["id"]: filled_in.get(field["id"], "") for field in form["fields"]}
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment = {name: jinja.from_string(text).render(inputs) for name, text in injectors["env"].items()}
    done = play(yaml.safe_load(example.text), {}, environment, zstack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert zstack.requests


@pytest.mark.parametrize("page", commands())
def test_the_commands_of_a_page_run_as_they_are_pasted(page: str, zstack: Simulator, tmp_path: Path) -> None:
    script = replaced(commands()[page], {"zstack.example.com": zstack.host})
    # What the commands ask for, in their order.
    typed = f"{zstack.account[1]}\n{zstack.storages[0].password}\n"
    done = run("bash", "-e", "-c", script, place=tmp_path, typed=typed, ZSTACK_PORT=str(zstack.port))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "zstack-db-4" in done.stdout
    assert not zstack.sessions


@pytest.mark.parametrize("page", PAGES_WITH_OUTPUT)
def test_the_output_that_a_page_shows_is_what_is_printed(page: str, tmp_path: Path) -> None:
    with platform_shown() as zstack:
        variables = {**variables_of(zstack, tmp_path), "result_file": str(tmp_path / "result.json")}
        variables["zstack_storage_url"] = variables["storage_url"]
        templates = [text for language, text in blocks(ROOT / page) if language in TEMPLATES]
        for number, text in enumerate(templates):
            (tmp_path / f"{number}.j2").write_text(text, encoding="utf-8")
        tasks: list[dict[str, Any]] = [
            {"ansible.builtin.debug": {"msg": f"{{{{ lookup('ansible.builtin.template', '{number}.j2') }}}}"}}
            for number in range(len(templates))
        ]
        content = "{{ zstack_db_backups | to_json }}"
        tasks += [{"ansible.builtin.copy": {"content": content, "dest": "{{ result_file }}", "mode": "0600"}}]
        listing = {"ansible.builtin.import_playbook": "zstack.cloud.list_db_backups"}
        variables |= connection_of(zstack)
        done = play([listing, *tasks_only(tasks)], variables, {}, zstack, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = [line.strip() for line in done.stdout.splitlines()]
    # The report of the role has its own test.
    texts = [text for language, text in blocks(ROOT / page) if language == "text" and "for an upgrade" not in text]
    shown = [line.strip() for text in texts for line in text.splitlines()]
    assert len(shown) > 5
    assert [line for line in shown if line not in printed] == []
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    mappings = [yaml.safe_load(text) for language, text in blocks(ROOT / page) if language == "yaml"]
    [sample] = [each for each in mappings if isinstance(each, dict) and is_result(each)]
    assert sample.pop("latest").items() <= result.pop("latest").items()
    assert sample.items() <= result.items()


@pytest.mark.parametrize(("page", "original"), TRANSLATIONS.items())
def test_a_translation_has_the_code_and_the_names_of_its_original(page: str, original: str) -> None:
    assert list(blocks(ROOT / page)) == list(blocks(ROOT / original))
    names, original_names = literals(ROOT / page), literals(ROOT / original)
    assert len(names) > 10
    assert names == original_names


@pytest.mark.parametrize("readme", READMES)
def test_each_link_of_the_readme_is_absolute_and_leads_to_a_file(readme: str) -> None:
    # Galaxy and Automation Hub show the page without the other files.
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / readme).read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("https://")] == []
    repository = "https://github.com/ansible-collections/zstack.cloud/blob/main/"
    files = [link.removeprefix(repository) for link in links if link.startswith(repository)]
    pages = [
        re.fullmatch(r"https://ansible-collections\.github\.io/zstack\.cloud/docsite/(.+)\.html", link)
        for link in links
    ]
    files += [f"{GUIDES}/{page[1]}.rst" for page in pages if page]
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).is_file()] == []


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
        "session": zstack.open_session(),
        "zstack_password": zstack.account[1],
        "storage_password": zstack.storages[0].password,
        "storage_url": zstack.storages[0].url_without_password,
        "storage_urls": [zstack.storages[0].url_without_password] * 2,
        "key_id": key_id,
        "key_secret": key_secret,
        "status_page": str(tmp_path / "status.txt"),
        "metrics_file": str(tmp_path / "zstack.prom"),
        "zstack_port": zstack.port,
    }


def connection_of(zstack: Simulator) -> dict[str, Any]:
    """The variables that the lookup reads."""
    return {**zstack.variables, "zstack_storage_password": zstack.storages[0].password}


def play(
    plays: list[dict[str, Any]],
    variables: dict[str, Any],
    environment: dict[str, str],
    zstack: Simulator,
    place: Path,
) -> subprocess.CompletedProcess[str]:
    (place / "play.yml").write_text(yaml.safe_dump(plays), encoding="utf-8")
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    groups = {name: value for name, value in variables.items() if isinstance(value, dict) and "hosts" in value}
    (place / "inventory.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    return run(
        *("ansible-playbook", "play.yml", "-e", "@variables.yml", *(["-i", "inventory.yml"] if groups else [])),
        place=place,
        **{"ZSTACK_PORT": str(zstack.port), "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", **environment},
    )
