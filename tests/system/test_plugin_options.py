# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules and lookup in playbooks: how Ansible passes options to them, what it shows, and what it keeps as facts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import VERIFY, play, save, saved, tasks
from ansible_collections.zstack.cloud.tests.system.leaks import leaks, shown

pytestmark = pytest.mark.xdist_group("plugin_options")

VAULT_PASSWORD = "watchword"
MODULE, FACTS_MODULE = "zstack.cloud.zstack_db_backup_info", "zstack.cloud.zstack_db_backup_facts"
#: In parallel, Ansible would stop a slow scan after five seconds.
SERIALLY: list[dict[str, Any]] = [{"args": {"parallel": False}}, {"vars": {"ansible_facts_parallel": False}}]
#: A secret of a wrong type.
SECRET = "Open-Sesame"


class Vaulted(str):
    """A string that is encrypted in the playbook."""


def dump_vaulted(dumper: yaml.SafeDumper, text: Vaulted) -> yaml.ScalarNode:
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return dumper.represent_scalar("!vault", vault.encrypt(str(text)).decode(), style="|")


yaml.SafeDumper.add_representer(Vaulted, dump_vaulted)


def by_module(url: Any, options: Mapping[str, Any], **keywords: Any) -> dict[str, Any]:
    return {MODULE: {"url": url, **options}, **keywords}


def by_lookup(url: Any, options: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
    found = "{{ lookup('zstack.cloud.zstack_db_backup', url, **options) }}"
    return {"ansible.builtin.set_fact": {"found": found}, "vars": {"url": url, "options": dict(options), **variables}}


def by_role(**variables: Any) -> dict[str, Any]:
    show = {"ansible.builtin.set_fact": {"found": "{{ verify_db_backup_result }}"}}
    return {"block": [VERIFY, show], "vars": variables}


PLUGINS = {"module": by_module, "lookup": by_lookup}


class Run(NamedTuple):
    outcomes: dict[str, dict[str, Any]]
    output: str


def run_tasks(place: Path, named: Mapping[str, dict[str, Any]], *arguments: str, **env: Any) -> Run:
    """Run tasks, and return their results, or how they failed, by their names."""
    (place / "vault").write_text(VAULT_PASSWORD)
    for number, task in enumerate(named.values()):
        task["ignore_errors"] = True
        task.get("block", [task])[-1]["register"] = f"task_{number}"
    results = ", ".join(f"'{name}': task_{number}" for number, name in enumerate(named))
    output = play(
        place,
        tasks(*named.values(), save(f"{{{results}}}")),
        *arguments,
        ANSIBLE_VAULT_PASSWORD_FILE=str(place / "vault"),
        **env,
    )
    return Run({name: each.get("ansible_facts", {}).get("found", each) for name, each in saved(place).items()}, output)


def vaulted(zstack: Simulator) -> dict[str, dict[str, Any]]:
    """Return tasks with a vaulted secret in each place."""
    storage, (account, password) = zstack.storages[0], zstack.account
    known = {"host": zstack.host, "port": zstack.port, "account_name": account, "account_password": Vaulted(password)}
    own = {"storage_password": Vaulted(storage.password)}
    url, by_name = storage.url_without_password, {"storage_passwords": {"nightly": Vaulted(storage.password)}}
    named, term = {"url": url, "name": "nightly"}, {"url": url, "password": Vaulted(storage.password)}
    variables, passwords = (
        {f"zstack_{option}": value for option, value in options.items()} for options in (known, {**own, **by_name})
    )
    return {
        **{f"{name} url": use(Vaulted(storage.url), known) for name, use in PLUGINS.items()},
        **{f"{name} password": use(url, {**known, **own}) for name, use in PLUGINS.items()},
        **{f"{name} both": use(Vaulted(url), {**known, **own}) for name, use in PLUGINS.items()},
        "lookup term": by_lookup(term, known),
        "lookup url of a term": by_lookup({**term, "url": Vaulted(url)}, known),
        "lookup variables": by_lookup(url, {}, **variables, **passwords),
        "lookup named": by_lookup(named, {**known, **by_name}),
        "lookup named by variables": by_lookup([[named]], known, **passwords),
        "role url": by_role(**variables, verify_db_backup_storages=Vaulted(storage.url)),
        "role terms": by_role(**variables, **passwords, verify_db_backup_storages=[Vaulted(storage.url), term, url]),
        "role named": by_role(**variables, **passwords, zstack_storages=[named]),
    }


def of_wrong_types(zstack: Simulator) -> dict[str, dict[str, Any]]:
    """Return tasks with a secret of a wrong type, named by plugin, type and option."""
    url, mapping = zstack.storages[0].url_without_password, {"text": SECRET}
    # Without quotes, a colon and a space turn a URL into a mapping.
    split = {f"ssh://root:{SECRET}": "more@192.0.2.20/bs"}
    return {
        **{f"{name} mapping url": use(split, zstack.options) for name, use in PLUGINS.items()},
        "module list url": by_module([SECRET], zstack.options),
        "module mapping account_password": by_module(url, {**zstack.options, "account_password": mapping}),
        "module list storage_password": by_module(url, {**zstack.options, "storage_password": [SECRET]}),
        "lookup list account_password": by_lookup(url, {**zstack.options, "account_password": [SECRET]}),
        "lookup mapping storage_password": by_lookup(url, {**zstack.options, "storage_password": mapping}),
        "lookup mapping password": by_lookup({"url": url, "password": mapping}, zstack.options),
        "lookup list url": by_lookup({"url": [SECRET], "password": "not this"}, zstack.options),
    }


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Simulator]]:
    """A management node of today, and two old ones, which do not know their time zone."""
    with ExitStack() as stack:
        settings: list[dict[str, Any]] = [{}, {"has_timezone_call": False}, {"has_timezone_call": False}]
        yield [stack.enter_context(Simulator(**each)) for each in settings]


@pytest.fixture(scope="module")
def ran(nodes: list[Simulator], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of all tasks with a high verbosity, and with results as ansible-core 2.22 and later write them to files."""
    zstack, *old = nodes
    named = {**vaulted(zstack), **of_wrong_types(zstack)}
    for number, node in enumerate(old):
        options = {"host": node.host, "port": node.port, "session_uuid": node.open_session()}
        named |= {f"{name} old {number}": use(node.storage_url, options) for name, use in PLUGINS.items()}
    # Not the first, because ansible-core 2.22 hides vaulted text everywhere, and its URL is also vaulted above.
    passwords = {zstack.storages[each].url_without_password: zstack.storages[each].password for each in (2, 3)}
    options = {**zstack.options, "storage_password": "{{ passwords[item] }}"}
    named["loop"] = by_module("{{ item }}", options, loop=list(passwords), vars={"passwords": passwords})
    return run_tasks(tmp_path_factory.mktemp("run"), named, "-vvv", ANSIBLE_INJECT_INVOCATION="true")


def test_a_secret_can_be_vaulted_in_every_place(nodes: list[Simulator], ran: Run) -> None:
    found = {name: ran.outcomes[name] for name in vaulted(nodes[0])}
    total = nodes[0].storages[0].total
    # All storages of the role have passed.
    assert {name: each for name, each in found.items() if each.get("total") != total and each.get("unmet") != []} == {}


def test_a_secret_of_a_wrong_type_is_refused_in_one_line(nodes: list[Simulator], ran: Run) -> None:
    for name in of_wrong_types(nodes[0]):
        _dummy, kind, option = name.split()
        message = ran.outcomes[name]["msg"]
        assert ran.outcomes[name]["failed"]
        assert len(message.splitlines()) == 1
        # In the lookup, a mapping is a term.
        expected = "url is missing" if name == "lookup mapping url" else rf"{option} must be .*got a {kind}"
        assert re.search(expected, message), message


def test_neither_output_nor_results_show_a_secret(nodes: list[Simulator], ran: Run) -> None:
    text = ran.output + json.dumps(ran.outcomes, ensure_ascii=False)
    assert "PLAY RECAP" in text
    assert leaks(text, *nodes) | shown([SECRET], text) == set()


def test_a_warning_names_its_node_and_is_shown_for_each(nodes: list[Simulator], ran: Run) -> None:
    # Ansible breaks its lines at spaces.
    output = " ".join(ran.output.split())
    for node in nodes[1:]:
        assert f"[WARNING]: {node.host}:{node.port}: The server's time zone is unknown" in output
    assert {ran.outcomes[f"{name} old 0"]["timezone_source"] for name in PLUGINS} == {"host"}


def test_a_loop_shows_urls_without_a_password(nodes: list[Simulator], ran: Run) -> None:
    storages = [nodes[0].storages[each] for each in (2, 3)]
    assert [each["total"] for each in ran.outcomes["loop"]["results"]] == [each.total for each in storages]
    assert all(f"(item={each.url_without_password})" in ran.output for each in storages)


def fact_options(zstack: Simulator) -> dict[str, Any]:
    storage = zstack.storages[0]
    return {**zstack.options, "url": storage.url_without_password, "storage_password": storage.password}


def test_a_play_gathers_backups_and_a_later_one_reads_the_cache(zstack: Simulator, tmp_path: Path) -> None:
    cache: dict[str, Any] = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
    }
    defaults = {"group/zstack.cloud.zstack": fact_options(zstack)}
    gathering = tasks(gather_facts=True, vars={"ansible_facts_modules": [FACTS_MODULE]}, module_defaults=defaults)
    printed = play(tmp_path, gathering, "-vvv", **cache)
    assert not zstack.sessions
    asked = len(zstack.requests)

    printed += play(tmp_path, tasks(save("ansible_facts.zstack_db_backups")), **cache)
    backups = saved(tmp_path)
    assert len(zstack.requests) == asked
    assert backups["count"] == backups["total"] == len(backups["backups"]) == zstack.storages[0].total
    assert backups["latest"] == backups["backups"][0]
    assert backups["storage"] == "ssh://root:***@192.0.2.20/zstack_bs"
    (file,) = (tmp_path / "cache").iterdir()
    assert leaks(file.read_text() + printed, zstack) == set()


@pytest.mark.parametrize("serially", SERIALLY if LONG else SERIALLY[:1], ids=str)
def test_a_slow_scan_is_gathered_together_with_other_facts(serially: dict[str, Any], tmp_path: Path) -> None:
    modules = {"ansible_facts_modules": ["ansible.builtin.setup", FACTS_MODULE]}
    with Simulator(scan_seconds=7) as zstack:
        gathering = {
            "ansible.builtin.gather_facts": {},
            "module_defaults": {FACTS_MODULE: fact_options(zstack)},
            **serially,
        }
        play(tmp_path, tasks(gathering, save("ansible_facts"), vars=modules))
        assert not zstack.sessions
    assert saved(tmp_path)["zstack_db_backups"]["count"] == 15
    assert saved(tmp_path)["python_version"]
