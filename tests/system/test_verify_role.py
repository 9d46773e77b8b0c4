# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role verify_db_backup, in real playbooks.

The cases share one run of ansible-playbook: each is a host of its inventory. The server's clock stands still, so that
each boundary is met to the second.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run
from ansible_collections.zstack.cloud.tests.system.test_examples import READMES, ROOT, blocks, platform_shown
from ansible_collections.zstack.cloud.tests.system.test_playbooks import shown

pytestmark = pytest.mark.xdist_group("verify_role")

NOW = datetime(2026, 11, 23, 17, 0, 0, tzinfo=timezone(timedelta(hours=8)))
PLAYBOOK_NAME = "zstack.cloud.verify_db_backup"
VERSION = "4.8.30"
STORAGE_PASSWORD = "Zürich'Äpfel Łódź夜班"
ACCOUNT_PASSWORD = "Ягода&Ünder"
MIB = 1024 * 1024

# At the boundary of each condition
POLICY = {"max_age": "24h", "restorable": True, "min_count": 4, "min_size": "50MB", "max_shrink": 50}
MET: dict[str, Any] = {"age": 86400, "version": VERSION, "count": 4, "size": 50 * MIB, "above": 0}
# The least that is beyond it, and the text of the report
UNMET: dict[str, tuple[dict[str, Any], str]] = {
    "max_age": ({"age": 86401}, "newest is 24 h 1 s old (wanted: at most 24 h old)"),
    "restorable": ({"version": "4.8.29"}, "newest has version 4.8.29 (wanted: version 4.8.30)"),
    "min_count": ({"count": 3}, "3 backups (wanted: at least 4)"),
    "min_size": ({"size": 50 * MIB - 1}, "newest is 52428799 bytes (wanted: at least 52428800 bytes)"),
    "max_shrink": (
        {"above": 1},
        "newest is 50.00 MB, 50.1% below the usual 100.00 MB (wanted: at most 50% below the usual size)",
    ),
}
COMBINATIONS = list(chain.from_iterable(combinations(UNMET, number) for number in range(len(UNMET) + 1)))


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


def backup(age: int, size: int, version: str, **more: Any) -> dict[str, Any]:
    """Return a backup that was taken *age* seconds ago."""
    created = (NOW - timedelta(seconds=age)).replace(tzinfo=None)
    return {"created": str(created), "version": version, "size": size, **more}


def backups(*unmet: str) -> list[dict[str, Any]]:
    """Return backups that narrowly miss these conditions, and narrowly meet all others."""
    values = dict(MET)
    for condition in unmet:
        values |= UNMET[condition][0]
    age, size, version = values["age"], values["size"], values["version"]
    usual = 2 * size + values["above"]
    earlier = [backup(age + 86400 * night, usual, version) for night in range(1, values["count"])]
    return [*earlier, backup(age, size, version)]


def name_of(unmet: tuple[str, ...]) -> str:
    return "+".join(unmet) or "good"


# Names that need care in Jinja, terminals and reports
EVIL = "{{ 1 // 0 }}\n  good  passed   nothing\x1b[2K\u202e{% raw %}"
STORAGES: dict[str, list[dict[str, Any]]] = {
    **{name_of(unmet): backups(*unmet) for unmet in COMBINATIONS},
    "empty": [],
    "zero_bytes": [backup(60, 0, VERSION)],
    "single": [backup(60, 60 * MIB, VERSION)],
    "future": [*backups()[:-1], backup(-301, 60 * MIB, VERSION)],
    "hardly_future": [*backups()[:-1], backup(-300, 60 * MIB, VERSION)],
    "evil": [*backups()[:-1], backup(3600, 60 * MIB, VERSION, name=EVIL)],
    "evil_version": [*backups()[:-1], backup(3600, 60 * MIB, EVIL)],
}
ADDRESSES = {name: f"192.0.2.{number}" for number, name in enumerate([*STORAGES, "unreachable"], 1)}


def term(name: str) -> dict[str, str]:
    return {"name": name, "url": f"ssh://root@{ADDRESSES[name]}/zs"}


@dataclass(frozen=True)
class Case:
    """A host of the inventory: what it checks, and the expected outcome."""

    storages: Any
    unmet: list[str] = field(default_factory=list)
    policy: dict[str, Any] = field(default_factory=dict)
    passed: bool | None = None  # None: unless something is unmet
    node: str = "node"
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        return not self.unmet if self.passed is None else self.passed


GOOD, STALE, BOTH = term("good"), term("max_age"), [term("good"), term("max_age")]
IS_STALE = f"max_age: {UNMET['max_age'][1]}"
UNREACHABLE = "unreachable: {node}: GetDatabaseBackupFromImageStore: [SYS.1000] An internal error happened in system: "
NO_ROUTE = "ssh: connect to host"

CASES: dict[str, Case] = {
    "boundary": Case([GOOD]),
    **{f"alone_{name}": Case([term(name)], [f"{name}: {words}"]) for name, (_dummy, words) in UNMET.items()},
    **{f"off_{name}": Case([term(name)], policy={name: None}) for name in UNMET},
    "everything_off": Case([term("+".join(UNMET))], policy=dict.fromkeys(UNMET)),
    "restorable_false": Case([term("restorable")], policy={"restorable": False}),
    # A command line and a survey have only strings, and a survey passes an empty one
    "texts": Case([GOOD], policy={"restorable": "true", "min_count": "4", "max_shrink": "50", "min_storages": "1"}),
    "texts_unmet": Case(
        [term("restorable+min_count")],
        [f"restorable+min_count: {UNMET[name][1]}" for name in ("min_count", "restorable")],
        policy={"restorable": "yes", "min_count": "4"},
    ),
    "defaults": Case([term("min_count+min_size")], policy=dict.fromkeys([*UNMET, "min_storages"], "")),
    "defaults_unmet": Case([STALE], [IS_STALE], policy=dict.fromkeys([*UNMET, "min_storages"], "")),
    "all_of_two": Case(BOTH, [IS_STALE]),
    "one_of_two": Case(BOTH, [IS_STALE], {"min_storages": 1}, passed=True),
    "two_of_three": Case([*BOTH, term("single")], [IS_STALE], {"min_storages": 2, "min_count": 1}, passed=True),
    "one_of_three": Case(
        [*BOTH, term("max_age+min_count")],
        [IS_STALE, "max_age+min_count: ", "max_age+min_count: ", "1 of 3 storages passed (wanted: at least 2)"],
        {"min_storages": 2},
    ),
    "listed_twice": Case(
        [GOOD, GOOD, STALE], [IS_STALE, "1 of 2 storages passed (wanted: at least 2)"], {"min_storages": 2}
    ),
    "fail_not_answered": Case([STALE], [IS_STALE], more={"verify_db_backup_fail": ""}),
    "zero_bytes": Case(
        [term("zero_bytes")], ["zero_bytes: newest is 0.00 Bytes"], {**dict.fromkeys(UNMET), "min_size": ""}
    ),
    "nothing_required": Case([term("empty")], policy=dict.fromkeys(UNMET)),
    "empty": Case([term("empty")], ["empty: no backup (wanted: at least 4, at most 24 h old, "]),
    "single": Case([term("single")], policy={"min_count": 1}),
    "future": Case([term("future")], ["future: newest is 5 min 1 s in the future: check timezone, and the clocks"]),
    "hardly_future": Case([term("hardly_future")]),
    "unreachable": Case([GOOD, term("unreachable")], ["unreachable: "]),
    "evil": Case([term("evil")]),
    "evil_version": Case([term("evil_version")], ["evil_version: newest has version {{ 1 // 0 }} good passed nothing"]),
    "zone_guessed": Case(
        [GOOD], ["good: age unknown, because the server's time zone is unknown: set timezone"], node="old"
    ),
    "zone_guessed_and_age_off": Case([GOOD], policy={"max_age": None}, node="old"),
    "zone_set": Case([GOOD], node="old", more={"zstack_timezone": "Asia/Shanghai"}),
    "version_unknown": Case([GOOD], ["good: newest has version 4.8.30, and the platform's is unknown"], node="mute"),
    "down": Case(BOTH, ["good: ", "max_age: "], node="down"),
    "wrong_password": Case([GOOD], ["good: "], more={"zstack_account_password": "wrong"}),
    "written_plainly": Case(
        f"ssh://root@{ADDRESSES['good']}/zs\n ssh://root@{ADDRESSES['max_age']}/zs ",
        [f"{ADDRESSES['max_age']}/zs: {UNMET['max_age'][1]}"],
    ),
    "own_password": Case(
        [{**GOOD, "password": STORAGE_PASSWORD}, STALE["url"].replace("root", f"root:{quote(STORAGE_PASSWORD)}")],
        [f"{ADDRESSES['max_age']}/zs: {UNMET['max_age'][1]}"],
        more={"zstack_storage_password": ""},
    ),
    "wrong_own_password": Case([{**GOOD, "password": "Łódź wrong"}, GOOD], ["good: "]),
}
#: Wrong options, which give an error instead of a verdict
REFUSED: dict[str, tuple[Case, str]] = {
    "no_host": (Case([GOOD], more={"zstack_host": ""}), "host is missing"),
    "no_storage": (Case([]), "verify_db_backup_storages is missing: set the variable or export ZSTACK_STORAGE_URL"),
    "no_storage_password": (Case([GOOD], more={"zstack_storage_password": ""}), "storage_password is missing"),
    "not_a_url": (Case([STORAGE_PASSWORD.replace(" ", "")]), "url must"),
    "null_storage": (Case([GOOD, None]), "url is missing"),
    "empty_storage": (Case([GOOD, ""]), "url is missing"),
    "null_in_a_list": (Case([[GOOD, None]]), "url is missing"),
    "too_many_wanted": (Case([GOOD], policy={"min_storages": 2}), "verify_db_backup_min_storages must be at most 1"),
    "misspelt": (
        Case([GOOD], policy={"maxage": "1d"}),
        "unsupported variables: verify_db_backup_maxage; supported: verify_db_backup_storages, ",
    ),
    "undefined": (Case([GOOD], policy={"max_age": "{{ nowhere }}"}), "nowhere"),
    "not_a_list": (Case([[{"link": STORAGE_PASSWORD}]]), "url must"),
    **{
        f"wrong_{name}": (Case([GOOD], policy={name: value}), f"verify_db_backup_{name} must be ")
        for name, value in {
            "max_age": "tomorrow",
            "restorable": "perhaps",
            "min_count": "many",
            "min_size": "huge",
            "max_shrink": 101,
            "min_storages": 0,
        }.items()
    },
    "wrong_fail": (
        Case([GOOD], more={"verify_db_backup_fail": "flase"}),
        "verify_db_backup_fail must be true or false, got",
    ),
}


@dataclass(frozen=True)
class Run:
    """The results of the playbook."""

    verdicts: dict[str, dict[str, Any]]  # the facts, by host
    reasons: dict[str, str]  # why the role failed
    reports: dict[str, list[str]]
    outputs: dict[str, str]
    nodes: dict[str, str]  # where they listen
    secrets: set[str]
    sessions_left: set[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with all storages."""
    path = tmp_path_factory.mktemp("site") / "site.yml"
    storages = [
        {"username": "root", "password": STORAGE_PASSWORD, "host": ADDRESSES[name], "path": "/zs", "backups": held}
        for name, held in STORAGES.items()
    ]
    account = {"name": "admin", "password": ACCOUNT_PASSWORD, "access_keys": [{"id": "key", "secret": "Øresund"}]}
    content = {"version": VERSION, "timezone": "Asia/Shanghai", "accounts": [account], "storages": storages}
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


def policy(**options: Any) -> dict[str, Any]:
    return {f"verify_db_backup_{option}": value for option, value in {**POLICY, **options}.items()}


def play(place: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run("ansible-playbook", *arguments, place=place, ANSIBLE_FORKS="4", **env)


def reports(shown: str) -> dict[str, list[str]]:
    """Return the reports that ansible-playbook printed, by host."""
    messages = re.finditer(r"^ok: \[(\S+)\] => (\{\n.*?^\})$", shown, re.MULTILINE | re.DOTALL)
    return {each[1]: json.loads(each[2])["msg"] for each in messages if '"msg": [' in each[2]}


@pytest.fixture(scope="module")
def all_cases(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all cases with the highest verbosity."""
    place = tmp_path_factory.mktemp("cases")
    with ExitStack() as stack:
        nodes = {
            "node": stack.enter_context(frozen(site)),
            "old": stack.enter_context(frozen(site, has_timezone_call=False)),
            "mute": stack.enter_context(frozen(site, has_version_call=False)),
        }
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        session = nodes["old"].open_session()
        of_node: dict[str, dict[str, Any]] = {name: variables(zstack) for name, zstack in nodes.items()}
        # The login of an account would reveal the offset.
        no_account = {"zstack_account_name": "", "zstack_account_password": "", "zstack_session_uuid": session}
        of_node["old"] |= no_account
        of_node["down"] = {**of_node["node"], "zstack_port": closed.getsockname()[1], "zstack_retries": 0}
        cases = {**CASES, "pairs": Case([term(name_of(unmet)) for unmet in COMBINATIONS])}
        cases |= {name: case for name, (case, _dummy) in REFUSED.items()}
        hosts = {
            name: {
                **of_node[case.node],
                **policy(**case.policy),
                "verify_db_backup_storages": case.storages,
                **case.more,
            }
            for name, case in cases.items()
        }
        (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        (place / "playbook.yml").write_text(PLAYBOOK)
        done = play(place, "-vvvvv", "-i", "inventory.yml", "playbook.yml", ANSIBLE_LOG_PATH=str(place / "ansible.log"))
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        left = json.loads((place / "verdicts.json").read_text())
        headers = [each.headers.get("Authorization", "") for zstack in nodes.values() for each in zstack.requests]
        sessions = {header.removeprefix("OAuth ") for header in headers if header.startswith("OAuth ")}
        assert len(sessions) > len(CASES) / 2
        digest = hashlib.sha512(ACCOUNT_PASSWORD.encode()).hexdigest()
        return Run(
            verdicts={name: fact for name, (fact, _dummy) in left.items()},
            reasons={name: reason for name, (_dummy, reason) in left.items()},
            reports=reports(done.stdout),
            outputs={
                "stdout": done.stdout,
                "stderr": done.stderr,
                "log": (place / "ansible.log").read_text(),
                "verdicts": (place / "verdicts.json").read_text(),
            },
            nodes={name: f"{zstack.host}:{zstack.port}" for name, zstack in nodes.items()},
            secrets={"Zürich", "Äpfel", "Łódź", "夜班", "Ягода", "Ünder", "Øresund", digest, *sessions},
            sessions_left={uuid for zstack in nodes.values() for uuid in zstack.sessions} - {session},
        )


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_follows_the_policy(name: str, all_cases: Run) -> None:
    case, verdict = CASES[name], all_cases.verdicts[name]
    assert verdict["passed"] == case.passes, verdict["unmet"]
    assert len(verdict["unmet"]) == len(case.unmet), verdict["unmet"]
    for sentence, words in zip(verdict["unmet"], case.unmet):
        assert sentence.startswith(words)


@pytest.mark.parametrize("name", CASES)
def test_the_role_fails_with_every_unmet_condition(name: str, all_cases: Run) -> None:
    reason, verdict = all_cases.reasons[name], all_cases.verdicts[name]
    assert bool(reason) == (not CASES[name].passes)
    if reason:
        assert reason == f"127.0.0.1: {verdict['summary']} {'; '.join(verdict['unmet'])}"


@pytest.mark.parametrize("unmet", COMBINATIONS, ids=name_of)
def test_each_combination_of_conditions_is_judged_to_the_second_and_to_the_byte(
    unmet: tuple[str, ...], all_cases: Run
) -> None:
    storage = next(each for each in all_cases.verdicts["pairs"]["storages"] if each["name"] == name_of(unmet))
    assert {check["name"] for check in storage["checks"]} == UNMET.keys()
    assert {check["name"] for check in storage["checks"] if not check["passed"]} == set(unmet)
    assert storage["passed"] == (not unmet)


def test_the_report_has_a_line_for_the_node_and_for_each_storage(all_cases: Run) -> None:
    assert all_cases.reports["two_of_three"] == [
        "127.0.0.1: ready for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00",
        "  good     passed   zstack-db-4.8.30-20261122170000.gz, 24 h old, 50.00 MB",
        "  max_age  FAILED   newest is 24 h 1 s old (wanted: at most 24 h old)",
        "  single   passed   zstack-db-4.8.30-20261123165900.gz, 1 min old, 60.00 MB",
        "  2 of 3 storages passed (wanted: at least 2)",
    ]
    assert all_cases.reports["alone_min_count"] == [
        "127.0.0.1: NOT ready for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00",
        "  min_count  FAILED   3 backups (wanted: at least 4)",
    ]


def test_the_report_shows_no_guessed_age(all_cases: Run) -> None:
    assert all_cases.reports["zone_guessed_and_age_off"][1] == (
        "  good  passed   zstack-db-4.8.30-20261122170000.gz, age unknown, 50.00 MB"
    )


def test_a_node_that_is_down_is_reported_as_such(all_cases: Run) -> None:
    heading, *storages, _sum = all_cases.reports["down"]
    assert heading == "127.0.0.1: NOT ready for an upgrade"
    assert all("FAILED" in line and "connection refused" in line for line in storages)
    assert len(storages) == 2


def test_each_case_has_a_report(all_cases: Run) -> None:
    assert all_cases.reports.keys() == {*CASES, "pairs"}


def test_text_from_a_server_is_neither_a_template_nor_a_forged_line(all_cases: Run) -> None:
    for name in ("evil", "evil_version"):
        report = all_cases.reports[name]
        assert len(report) == 2
        assert all(line.isprintable() for line in report)
    assert all_cases.verdicts["evil"]["storages"][0]["latest"]["name"] == EVIL


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_option_is_an_error_that_says_what_to_do(name: str, all_cases: Run) -> None:
    assert REFUSED[name][1] in all_cases.reasons[name]
    assert all_cases.verdicts[name] == {}


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


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["run", "check"])
@pytest.mark.parametrize(("names", "code"), [(("good",), 0), (("good", "max_age"), 2)], ids=["good", "stale"])
def test_the_playbook_needs_only_the_environment(
    names: tuple[str, ...], code: int, mode: list[str], zstack: Simulator, tmp_path: Path
) -> None:
    done = play(tmp_path, PLAYBOOK_NAME, *mode, **by_environment(zstack, *names))
    assert done.returncode == code, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    lines = reports(done.stdout)["localhost"]
    assert lines[0] == (
        f"127.0.0.1: {'NOT ready' if code else 'ready'} for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00"
    )
    addresses = [f"{ADDRESSES[name]}/zs" for name in names]
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == addresses
    assert len([path for path in zstack.paths if path.endswith("/accounts/login")]) == 1
    assert not zstack.sessions


def test_one_play_checks_many_nodes_one_of_them_down(zstack: Simulator, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        here = {**variables(zstack), "verify_db_backup_storages": [GOOD]}
        hosts = {
            "one": here,
            "two": {**here, "zstack_port": closed.getsockname()[1], "zstack_retries": 0},
            "three": {**here, "verify_db_backup_storages": [STALE]},
            "four": here,
        }
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        done = play(tmp_path, "-i", "inventory.yml", PLAYBOOK_NAME, "-e", "verify_db_backup_hosts=all")
    assert done.returncode == 2
    shown_of = reports(done.stdout)
    assert {name: "NOT ready" in lines[0] for name, lines in shown_of.items()} == {
        "one": False,
        "two": True,
        "three": True,
        "four": False,
    }
    assert "connection refused" in shown_of["two"][1]
    assert "newest is 24 h 1 s old" in shown_of["three"][1]
    assert re.findall(r"^(\S+) .* failed=(\d)", done.stdout, re.MULTILINE) == [
        ("four", "0"),
        ("one", "0"),
        ("three", "1"),
        ("two", "1"),
    ]


def test_with_fail_set_to_false_the_play_continues_with_the_verdict(zstack: Simulator, tmp_path: Path) -> None:
    url = f"ssh://root:{quote(STORAGE_PASSWORD)}@{ADDRESSES['max_age']}/zs"
    role = {"role": "zstack.cloud.verify_db_backup", "verify_db_backup_storages": [url], "verify_db_backup_fail": False}
    message = {"ansible.builtin.debug": {"msg": "Mail: {{ verify_db_backup_result.unmet[0] }}"}}
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "roles": [role], "tasks": [message]}])
    )
    env = {**by_environment(zstack), "ZSTACK_STORAGE_PASSWORD": ""}
    done = play(tmp_path, "-vvvvv", "play.yml", **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Mail: {ADDRESSES['max_age']}/zs: newest is 24 h 1 s old (wanted: at most 24 h old)" in done.stdout
    assert not shown({"Zürich", "Äpfel", "Łódź", "夜班", "Ягода"}, done.stdout + done.stderr)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zstack_host": ""},
        {"verify_db_backup_fail": "flase"},
        {"verify_db_backup_max_age": "{{ nowhere }}"},
        {"verify_db_backup_maxage": "1d"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_verdict_outlives_the_next_check(wrong: dict[str, str], zstack: Simulator, tmp_path: Path) -> None:
    include = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup"}}
    tasks = [
        include,
        {"block": [{**include, "vars": wrong}], "rescue": [{"ansible.builtin.meta": "noop"}]},
        {"ansible.builtin.assert": {"that": "verify_db_backup_result == {}"}},
    ]
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    hosts = {"node": {**variables(zstack), "verify_db_backup_storages": [GOOD]}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    done = play(tmp_path, "-i", "inventory.yml", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rescued=1" in done.stdout
    assert list(reports(done.stdout)) == ["node"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-e", "verify_db_backup_hosts=nowhere"], "nowhere"),
        (["-e", "verify_db_backup_hosts=one,nowhere"], "nowhere"),
        (["-e", "verify_db_backup_hosts=one:!one"], "one:!one"),
        (["-e", "verify_db_backup_hosts=one", "--limit", "two"], "one"),
        (["--limit", "two"], "localhost"),
    ],
    ids=str,
)
def test_the_playbook_fails_if_it_verifies_no_host(
    arguments: list[str], name: str, zstack: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"one": {}, "two": {}}}}))
    done = play(tmp_path, "-i", "inventory.yml", PLAYBOOK_NAME, *arguments, **by_environment(zstack, "good"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f'verify_db_backup_hosts matches no host of the inventory: {name}"' in done.stdout
    assert not zstack.requests


def test_hosts_that_are_set_in_the_inventory_are_an_error(zstack: Simulator, tmp_path: Path) -> None:
    inventory = {"all": {"hosts": {"one": {}}, "vars": {"verify_db_backup_hosts": ["one"]}}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
    done = play(tmp_path, PLAYBOOK_NAME, "-i", "inventory.yml", "--tags", "x", **by_environment(zstack, "good"))
    assert done.returncode == 2
    assert "verify_db_backup_hosts must be an extra variable, not one of the inventory: set it with -e" in done.stdout
    assert not zstack.requests


def test_no_tag_leaves_out_the_check(zstack: Simulator, tmp_path: Path) -> None:
    done = play(tmp_path, PLAYBOOK_NAME, "--tags", "other", **by_environment(zstack, "max_age"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "newest is 24 h 1 s old" in done.stdout


# The guide shows a report, and a script for cron. test_examples.py runs all other examples.
GUIDE = "docs/docsite/rst/guide_before_upgrade.rst"


def blocks_of(page: str) -> list[str]:
    return [text for _language, text in blocks(ROOT / page)]


@pytest.mark.parametrize("page", [READMES[0], GUIDE])
def test_a_page_shows_the_report_that_is_printed(page: str, tmp_path: Path) -> None:
    five_lines, settings, report = blocks_of(page)[:3]
    assert len(five_lines.strip().splitlines()) == 5
    (tmp_path / "play.yml").write_text(five_lines)
    values = yaml.safe_load(settings)
    with platform_shown() as zstack:
        secrets = {"zstack_password": zstack.account[1], "storage_password": zstack.storages[0].password}
        here = {"zstack_host": zstack.host, "zstack_port": zstack.port}
        (tmp_path / "variables.yml").write_text(yaml.safe_dump({**values, **secrets, **here}))
        done = play(tmp_path, "play.yml", "-e", "@variables.yml")
    assert done.returncode == 2, done.stdout + done.stderr
    heading, *storages = reports(done.stdout)["localhost"]
    assert [heading.replace(zstack.host, "zstack.example.com"), *storages] == report.strip().splitlines()


@pytest.mark.parametrize("names", [("good",), ("good", "max_age")], ids=["good", "stale"])
def test_the_script_for_cron_prints_only_what_is_wrong(
    names: tuple[str, ...], zstack: Simulator, tmp_path: Path
) -> None:
    script = next(each for each in blocks_of(GUIDE) if each.startswith("#!"))
    settings = next(each for each in blocks_of(GUIDE) if each.startswith("ZSTACK_HOST="))
    values = by_environment(zstack, *names)
    assert {line.partition("=")[0] for line in settings.strip().splitlines()} == values.keys() - {"ZSTACK_PORT"}
    file = tmp_path / "check.env"
    file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    (tmp_path / "script").write_text(script.replace("/etc/check-zstack-backups.env", str(file)))
    done = run("bash", "script", place=tmp_path)
    assert not done.stderr
    assert done.returncode == (2 if "max_age" in names else 0)
    assert "WARNING" not in done.stdout
    assert bool(done.stdout) == ("max_age" in names)
    assert ("newest is 24 h 1 s old" in done.stdout) == ("max_age" in names)
