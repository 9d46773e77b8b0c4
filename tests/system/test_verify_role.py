# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role verify_db_backup in real playbooks: what only they show. The unit tests hold the verdict and its sentences.

The cases share one run of ansible-playbook: each is a host of its inventory, with a management node of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run
from ansible_collections.zstack.cloud.tests.system.test_playbooks import shown

pytestmark = pytest.mark.xdist_group("verify_role")

NOW = datetime(2026, 11, 23, 17, 0, 0, tzinfo=timezone(timedelta(hours=8)))
PLAYBOOK_NAME = "zstack.cloud.verify_db_backup"
VERSION = "4.8.30"
STORAGE_PASSWORD = "Zürich'Äpfel Łódź夜班"
ACCOUNT_PASSWORD = "Ягода&Ünder"
# Names that need care in Jinja, terminals and reports
EVIL = "{{ 1 // 0 }}\n  good  passed   nothing\x1b[2K\u202e{% raw %}"
STORAGES: dict[str, list[dict[str, Any]]] = {
    name: [
        {
            "created": str((NOW - timedelta(seconds=age)).replace(tzinfo=None)),
            "version": version,
            "size": 90 * 2**20,
            "name": title,
        }
    ]
    for name, (age, version, title) in {
        "good": (3600, VERSION, "taken by hand"),
        "stale": (86401, VERSION, "old"),
        "evil": (3600, VERSION, EVIL),
        "evil_version": (3600, EVIL, "new"),
    }.items()
}
ADDRESSES = {name: f"192.0.2.{number}" for number, name in enumerate([*STORAGES, "unreachable"], 1)}
IS_STALE = "newest is 24 h 1 s old (required: at most 24 h old)"

# Every play saves the fact, and why the role failed.
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.include_role:
            name: zstack.cloud.verify_db_backup
      rescue:
        - ansible.builtin.set_fact:
            reason: "{{ ansible_failed_result.msg }}"
    - ansible.builtin.copy:
        content: "{{ dict(groups.all | zip(facts | zip(reasons))) | to_json }}"
        dest: "{{ playbook_dir }}/verdicts.json"
        mode: "0600"
      vars:
        hosts: "{{ groups.all | map('extract', hostvars) }}"
        facts: "{{ hosts | map(attribute='verify_db_backup_result', default={}) }}"
        reasons: "{{ hosts | map(attribute='reason', default='') }}"
      delegate_to: localhost
      run_once: true
"""


def term(name: str, **more: Any) -> dict[str, str]:
    return {"name": name, "url": f"ssh://root@{ADDRESSES[name]}/zs", **more}


@dataclass(frozen=True)
class Case:
    """A host of the inventory: its variables, and what the verdict says."""

    variables: dict[str, Any]
    unmet: list[str] = field(default_factory=list)
    passed: bool | None = None  # None: unless something is unmet
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        return not self.unmet if self.passed is None else self.passed


def storages(*terms: Any, **options: Any) -> dict[str, Any]:
    given = {f"verify_db_backup_{option}": value for option, value in options.items()}
    return {"verify_db_backup_storages": list(terms), **given}


GOOD, STALE = term("good"), term("stale")
CASES: dict[str, Case] = {
    "defaults": Case(storages(GOOD)),
    "each_must_pass": Case(storages(GOOD, STALE), [f"stale: {IS_STALE}"]),
    "one_is_enough": Case(storages(GOOD, STALE, min_storages="1"), [f"stale: {IS_STALE}"], passed=True),
    # A survey that is not answered passes an empty text.
    "not_answered": Case(storages(STALE, fail="", max_age="", min_size="", language=""), [f"stale: {IS_STALE}"]),
    "omitted": Case(storages(STALE, max_age="{{ omit }}"), [f"stale: {IS_STALE}"]),
    "switched_off": Case(storages(STALE, max_age=None)),
    "other_names": Case({**storages(GOOD), "verify_db_backup_email": "ops@example.com", "verify_db_backup_run": 1}),
    "chinese": Case(storages(STALE, language="zh"), ["stale：最新备份距今 24 小时 1 秒（要求：距今不超过 24 小时）"]),
    "list_of_all": Case({"zstack_storages": [GOOD, STALE]}, [f"stale: {IS_STALE}"]),
    "own_list_first": Case({**storages(GOOD), "zstack_storages": [STALE]}),
    "written_plainly": Case(
        {"verify_db_backup_storages": f" {GOOD['url']}\n{STALE['url']} "}, [f"{ADDRESSES['stale']}/zs: {IS_STALE}"]
    ),
    "own_password": Case({**storages(term("good", password=STORAGE_PASSWORD)), "zstack_storage_password": ""}),
    "evil": Case(storages(term("evil"))),
    "evil_version": Case(storages(term("evil_version")), ["evil_version: newest has version {{ 1 // 0 }} good passed"]),
    "unreachable": Case(storages(GOOD, term("unreachable")), ["unreachable: could not be scanned: "]),
    "wrong_password": Case({**storages(GOOD), "zstack_account_password": "wrong"}, ["good: could not be scanned: "]),
    "zone_unknown": Case(
        {**storages(GOOD), "zstack_account_name": "", "zstack_account_password": ""},
        ["good: age unknown, because the server's time zone is unknown"],
        settings={"has_timezone_call": False},
    ),
}
# Wrong options, which give an error instead of a verdict
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no_host": ({**storages(GOOD), "zstack_host": ""}, "zstack_host must be set for each host of the play, and is not"),
    "empty_list": (storages(), "verify_db_backup_storages must not be empty, got []: no storage would be checked"),
    "no_storage": ({}, "verify_db_backup_storages is missing: set it, set zstack_storages or export "),
    "empty_storage": (storages(GOOD, ""), "verify_db_backup_storages must not have an empty entry"),
    "nested_empty_storage": (storages([GOOD, " "]), "verify_db_backup_storages must not have an empty entry"),
    "null_storage": (storages(GOOD, None), "verify_db_backup_storages must not have an empty entry"),
    "no_password": ({**storages(GOOD), "zstack_storage_password": ""}, "storage_password is missing"),
    "not_a_url": (storages(STORAGE_PASSWORD.replace(" ", "")), "url must"),
    "not_a_storage": (storages({"link": STORAGE_PASSWORD}), "url is missing"),
    "too_many_required": (storages(GOOD, min_storages=2), "verify_db_backup_min_storages must be at most 1"),
    "misspelt": (
        storages(GOOD, maxage="1d"),
        "unsupported variable: verify_db_backup_maxage; did you mean verify_db_backup_max_age?",
    ),
    "wrong_max_age": (storages(GOOD, max_age="tomorrow"), "verify_db_backup_max_age must be "),
    "wrong_fail": (storages(GOOD, fail="flase"), "verify_db_backup_fail must be true or false, got 'flase'"),
    "wrong_language": (storages(GOOD, language="de"), "verify_db_backup_language must be en or zh, got 'de'"),
    "list_of_languages": (storages(GOOD, language=["en"]), "verify_db_backup_language must be en or zh, got ['en']"),
}


@dataclass(frozen=True)
class Run:
    """The results of the playbook."""

    verdicts: dict[str, dict[str, Any]]  # the facts, by host
    reasons: dict[str, str]  # why the role failed
    reports: dict[str, list[str]]
    outputs: dict[str, str]
    secrets: set[str]
    sessions_left: set[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with all storages."""
    path = tmp_path_factory.mktemp("site") / "site.yml"
    held = [
        {"username": "root", "password": STORAGE_PASSWORD, "host": ADDRESSES[name], "path": "/zs", "backups": backups}
        for name, backups in STORAGES.items()
    ]
    account = {"name": "admin", "password": ACCOUNT_PASSWORD, "access_keys": [{"id": "key", "secret": "Øresund"}]}
    content = {"version": VERSION, "timezone": "Asia/Shanghai", "accounts": [account], "storages": held}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@contextmanager
def frozen(site: Path, **settings: Any) -> Iterator[Simulator]:
    """Simulate a site whose clock does not advance."""
    with Simulator(site, **settings) as zstack:
        zstack.freeze(NOW)
        yield zstack


def variables(zstack: Simulator, **more: Any) -> dict[str, Any]:
    """Return the variables that the role needs."""
    return {
        **zstack.variables,
        "zstack_storage_password": STORAGE_PASSWORD,
        "ansible_host": "192.0.2.254",  # which is nowhere: the role needs no connection
        **more,
    }


def play(place: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run("ansible-playbook", *arguments, place=place, ANSIBLE_FORKS="4", **env)


def write(place: Path, hosts: dict[str, Any], playbook: Any = None, **groups: Any) -> None:
    (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, **groups}}))
    (place / "play.yml").write_text(playbook if isinstance(playbook, str) else yaml.safe_dump(playbook))


def reports(shown: str) -> dict[str, list[str]]:
    """Return the reports that ansible-playbook printed, by host."""
    messages = re.finditer(r"^ok: \[(\S+)\] => (\{\n.*?^\})$", shown, re.MULTILINE | re.DOTALL)
    return {each[1]: json.loads(each[2])["msg"] for each in messages if '"msg": [' in each[2]}


@pytest.fixture(scope="module")
def all_cases(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all cases with the highest verbosity."""
    place = tmp_path_factory.mktemp("cases")
    with ExitStack() as stack:
        nodes, hosts, opened = {}, {}, set()
        for name, case in CASES.items():
            nodes[name] = zstack = stack.enter_context(frozen(site, **case.settings))
            hosts[name] = variables(zstack, **case.variables)
            if name == "zone_unknown":  # the login of an account would reveal the offset
                hosts[name]["zstack_session_uuid"] = zstack.open_session()
                opened.add(hosts[name]["zstack_session_uuid"])
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        down = {"zstack_port": closed.getsockname()[1], "zstack_retries": 0}
        hosts["down"] = variables(nodes["defaults"], **storages(GOOD), **down)
        for number, (name, (given, _words)) in enumerate(REFUSED.items(), 1):
            hosts[name] = variables(nodes["defaults"], **{"zstack_host": f"198.51.100.{number}", **given})
        write(place, hosts, PLAYBOOK)
        log = place / "ansible.log"
        done = play(place, "-vvvvv", "-i", "inventory.yml", "play.yml", ANSIBLE_LOG_PATH=str(log))
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        left = json.loads((place / "verdicts.json").read_text())
        headers = [each.headers.get("Authorization", "") for zstack in nodes.values() for each in zstack.requests]
        sessions = {header.removeprefix("OAuth ") for header in headers if header.startswith("OAuth ")}
        assert len(sessions) > len(CASES) / 2
        digest = hashlib.sha512(ACCOUNT_PASSWORD.encode()).hexdigest()
        return Run(
            verdicts={name: fact for name, (fact, _reason) in left.items()},
            reasons={name: reason for name, (_fact, reason) in left.items()},
            reports=reports(done.stdout),
            outputs={
                "stdout": done.stdout,
                "stderr": done.stderr,
                "log": log.read_text(),
                "verdicts": (place / "verdicts.json").read_text(),
            },
            secrets={"Zürich", "Äpfel", "Łódź", "夜班", "Ягода", "Ünder", "Øresund", digest, *sessions},
            sessions_left={uuid for zstack in nodes.values() for uuid in zstack.sessions} - opened,
        )


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_follows_the_variables(name: str, all_cases: Run) -> None:
    case, verdict, reason = CASES[name], all_cases.verdicts[name], all_cases.reasons[name]
    assert verdict["passed"] == case.passes, verdict["unmet"]
    assert len(verdict["unmet"]) == len(case.unmet), verdict["unmet"]
    for sentence, words in zip(verdict["unmet"], case.unmet):
        assert sentence.startswith(words)
    assert verdict["platform"] == {"host": name, "address": "127.0.0.1"}
    assert bool(reason) == (not case.passes)
    if reason:
        assert reason.startswith("127.0.0.1")
        assert all(sentence in reason for sentence in verdict["unmet"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_option_is_an_error_that_begins_with_its_name(name: str, all_cases: Run) -> None:
    assert all_cases.reasons[name].startswith(REFUSED[name][1])
    assert all_cases.verdicts[name] == {}
    assert name not in all_cases.reports


def test_the_report_has_a_line_for_each_storage_and_the_next_step(all_cases: Run) -> None:
    head, good, stale, share, step, read_on = all_cases.reports["each_must_pass"]
    assert head == "127.0.0.1: NOT ready for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00"
    assert good == "  good   passed  taken by hand, 1 h old, 90.00 MB"
    assert stale == f"  stale  FAILED  {IS_STALE}"
    assert share == "  1 of 2 storages passed (required: all)"
    assert step.startswith("Next: Take a backup now: ")
    assert read_on.startswith("Read on: https://")


def test_a_storage_that_fails_while_enough_others_pass_is_a_warning(all_cases: Run) -> None:
    warnings = " ".join((all_cases.outputs["stdout"] + all_cases.outputs["stderr"]).split())
    assert f"[WARNING]: 127.0.0.1: stale: {IS_STALE}. Enough other storages passed." in warnings


def test_a_node_that_is_down_is_reported_as_such(all_cases: Run) -> None:
    heading, storage, *_more = all_cases.reports["down"]
    assert heading == "127.0.0.1: NOT ready for an upgrade"
    assert "FAILED" in storage
    assert "connection refused" in storage
    steps = [line for line in all_cases.reports["down"] if line.startswith("Next: ")]
    assert steps == ["Next: Check host and port, and that the management node is running."]


def test_text_from_a_server_is_neither_a_template_nor_a_forged_line(all_cases: Run) -> None:
    for name in ("evil", "evil_version"):
        assert all(line.isprintable() for line in all_cases.reports[name])
        assert not any(line.startswith("  good") for line in all_cases.reports[name])
    assert all_cases.verdicts["evil"]["storages"][0]["latest"]["name"] == EVIL


def test_no_output_at_any_verbosity_shows_a_secret(all_cases: Run) -> None:
    assert "verify_db_backup_result" in all_cases.outputs["log"]
    assert not {place: found for place, text in all_cases.outputs.items() if (found := shown(all_cases.secrets, text))}


def test_no_session_stays_open(all_cases: Run) -> None:
    assert not all_cases.sessions_left


def by_environment(zstack: Simulator, *names: str) -> dict[str, str]:
    """Return an environment with all that the playbook needs."""
    return {
        **zstack.env,
        "ZSTACK_STORAGE_PASSWORD": STORAGE_PASSWORD,
        "ZSTACK_STORAGE_URL": "\n ".join(term(name)["url"] for name in names),
    }


@pytest.fixture
def zstack(site: Path) -> Iterator[Simulator]:
    with frozen(site) as simulator:
        yield simulator


@pytest.mark.parametrize(("names", "code"), [(("good",), 0), (("good", "stale"), 2)], ids=["good", "stale"])
def test_the_playbook_needs_only_the_environment_and_no_tag_skips_the_check(
    names: tuple[str, ...], code: int, zstack: Simulator, tmp_path: Path
) -> None:
    done = play(tmp_path, PLAYBOOK_NAME, "--check", "--tags", "other", **by_environment(zstack, *names))
    assert done.returncode == code, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    lines = reports(done.stdout)["localhost"]
    state = "NOT ready" if code else "ready"
    assert lines[0] == f"127.0.0.1: {state} for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00"
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == [f"{ADDRESSES[name]}/zs" for name in names]
    assert len([path for path in zstack.paths if path.endswith("/accounts/login")]) == 1
    assert not zstack.sessions


def test_no_variable_replaces_the_verdict(zstack: Simulator, tmp_path: Path) -> None:
    verdict = '{"verify_db_backup_result": {"passed": true}}'
    done = play(tmp_path, PLAYBOOK_NAME, "-e", verdict, **by_environment(zstack, "stale"))
    assert done.returncode == 2
    assert '"msg": "verify_db_backup_result must not be set: the role sets it' in done.stdout
    assert not zstack.requests


def test_one_platform_is_not_checked_as_two_nor_one_host_for_all(zstack: Simulator, tmp_path: Path) -> None:
    include = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup"}}
    once = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup", "apply": {"run_once": True}}}
    ignore = {"ansible.builtin.meta": "clear_host_errors"}
    plays = [
        {"hosts": hosts, "gather_facts": False, "ignore_errors": True, "tasks": [task, ignore]}
        for hosts, task in [("one,two", include), ("three,four", include), ("five,six", include), ("all", once)]
    ]
    plays[2]["serial"] = 1
    here = {**variables(zstack), **storages(GOOD)}
    nowhere = {**here, "zstack_host": ""}
    hosts = {"one": here, "two": here, **dict.fromkeys(("three", "four", "five", "six"), nowhere)}
    write(tmp_path, hosts, plays)
    done = play(tmp_path, "-i", "inventory.yml", "play.yml", **by_environment(zstack, "good"))
    said = done.stdout
    assert "zstack_host must differ between hosts of the play: one, two have the same" in said
    assert "zstack_host must be set for each host of the play, and is not for three" in said
    assert "zstack_host must be set for each host of the play, and is not for five" in said
    assert "run_once must not be set: " in said
    assert not zstack.requests


def test_no_verdict_outlives_the_next_check(zstack: Simulator, tmp_path: Path) -> None:
    include = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup"}}
    tasks = [
        {**include, "vars": {"verify_db_backup_fail": "no"}},
        {"ansible.builtin.assert": {"that": "not verify_db_backup_result.passed"}},
        {
            "block": [{**include, "vars": {"verify_db_backup_fail": "flase"}}],
            "rescue": [{"ansible.builtin.assert": {"that": "verify_db_backup_result == {}"}}],
        },
    ]
    write(
        tmp_path,
        {"node": variables(zstack, **storages(STALE))},
        [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
    )
    done = play(tmp_path, "-i", "inventory.yml", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rescued=1" in done.stdout


def test_a_role_that_is_listed_twice_checks_twice(zstack: Simulator, tmp_path: Path) -> None:
    play_twice = {"hosts": "all", "gather_facts": False, "roles": [PLAYBOOK_NAME, PLAYBOOK_NAME]}
    write(tmp_path, {"node": variables(zstack, **storages(GOOD))}, [play_twice])
    done = play(tmp_path, "-i", "inventory.yml", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len([path for path in zstack.paths if path.endswith("/accounts/login")]) == 2


def test_the_playbook_checks_each_host_or_fails(site: Path, tmp_path: Path) -> None:
    with frozen(site) as one, frozen(site) as two:
        hosts = {"one": variables(one, **storages(GOOD)), "two": variables(two, **storages(STALE))}
        write(tmp_path, hosts, children={"site": {"hosts": {"two": None}}})
        command = ("-i", "inventory.yml", PLAYBOOK_NAME)
        done = play(tmp_path, *command, "-e", "verify_db_backup_hosts=one:site")
        assert done.returncode == 2
        states = {name: lines[0].partition(" for an upgrade")[0] for name, lines in reports(done.stdout).items()}
        assert states == {"one": "127.0.0.1: ready", "two": "127.0.0.1: NOT ready"}
        for pattern, *limit in (["one:typo"], ["one", "--limit", "two"]):
            asked = len(one.requests)
            done = play(tmp_path, *command, "-e", f"verify_db_backup_hosts={pattern}", *limit)
            assert done.returncode == 2
            assert "verify_db_backup_hosts matches no host of the inventory: " in done.stdout
            assert len(one.requests) == asked


def test_hosts_that_are_set_in_the_inventory_are_an_error(zstack: Simulator, tmp_path: Path) -> None:
    write(tmp_path, {"one": {}}, vars={"verify_db_backup_hosts": ["one"]})
    done = play(tmp_path, PLAYBOOK_NAME, "-i", "inventory.yml", "--tags", "x", **by_environment(zstack, "good"))
    assert done.returncode == 2
    assert "verify_db_backup_hosts must be an extra variable, not one of the inventory: set it with -e" in done.stdout
    assert not zstack.requests
