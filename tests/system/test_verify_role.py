# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role verify_db_backup in real playbooks: what only they show. The unit tests hold the verdict and its sentences.

The cases share one run of ansible-playbook: each is a host of its inventory, with a management node of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.zstack.cloud.tests.browser.pages import night
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import (
    VERIFY,
    exported,
    messages,
    options_for,
    play,
    save,
    saved,
    site,
    tasks,
)
from ansible_collections.zstack.cloud.tests.system.leaks import leaks

pytestmark = pytest.mark.xdist_group("verify_role")

PLAYBOOK = "zstack.cloud.verify_db_backup"
# Names that need care in Jinja, terminals and reports
EVIL = "{{ 1 // 0 }}\n  good  passed   nothing\x1b[2K\u202e{% raw %}"
BACKUPS = [night(0, name="by hand"), night(1), night(0, name=EVIL), night(0, version=EVIL)]
GOOD, STALE, EVIL_NAME, EVIL_VERSION, UNREACHABLE = (
    {"name": name, "url": f"ssh://root@192.0.2.{number}/zs"}
    for number, name in enumerate(["good", "stale", "evil", "evil_version", "unreachable"], 1)
)
IS_STALE = "newest is 38 h 59 min old (required: at most 24 h old)"


def storages(*terms: Any, **options: Any) -> dict[str, Any]:
    given = {f"verify_db_backup_{option}": value for option, value in options.items()}
    return {"verify_db_backup_storages": list(terms), **given}


# By host: its variables, whether it passes, and how each sentence of the verdict begins
CASES: dict[str, tuple[dict[str, Any], bool, list[str]]] = {
    "defaults": (storages(GOOD), True, []),
    "each_must_pass": (storages(GOOD, STALE), False, [f"stale: {IS_STALE}"]),
    "one_is_enough": (storages(GOOD, STALE, min_storages="1"), True, [f"stale: {IS_STALE}"]),
    # A survey that is not answered passes an empty text.
    "not_answered": (storages(STALE, fail="", max_age="", min_size="", language=""), False, [f"stale: {IS_STALE}"]),
    "omitted": (storages(STALE, max_age="{{ omit }}"), False, [f"stale: {IS_STALE}"]),
    "switched_off": (storages(STALE, max_age=None), True, []),
    "other_names": ({**storages(GOOD), "verify_db_backup_email": "x@example.com", "verify_db_backup_run": 1}, True, []),
    "chinese": (
        storages(STALE, language="zh"),
        False,
        ["stale：最新备份距今 38 小时 59 分钟（要求：距今不超过 24 小时）"],
    ),
    "list_of_all": ({"zstack_storages": [GOOD, STALE]}, False, [f"stale: {IS_STALE}"]),
    "own_list_first": ({**storages(GOOD), "zstack_storages": [STALE]}, True, []),
    "urls": ({"verify_db_backup_storages": f" {GOOD['url']}\n{STALE['url']} "}, False, [f"192.0.2.2/zs: {IS_STALE}"]),
    "own_password": ({**storages({**GOOD, "password": "{{ secret }}"}), "zstack_storage_password": ""}, True, []),
    "evil": (storages(EVIL_NAME), True, []),
    "evil_version": (storages(EVIL_VERSION), False, ["evil_version: newest has version {{ 1 // 0 }} good passed"]),
    "unreachable": (storages(GOOD, UNREACHABLE), False, ["unreachable: could not be scanned: "]),
    "wrong_password": ({**storages(GOOD), "zstack_account_password": "n-1"}, False, ["good: could not be scanned: "]),
    "down": ({**storages(GOOD), "zstack_port": 1, "zstack_retries": 0}, False, ["good: could not be scanned: "]),
    "zone_unknown": (
        {**storages(GOOD), "zstack_account_name": "", "zstack_account_password": ""},
        False,
        ["good: age unknown, because the server's time zone is unknown"],
    ),
}
# Wrong options, which give an error instead of a verdict
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no_host": ({**storages(GOOD), "zstack_host": ""}, "zstack_host must be set for each host of the play, and is not"),
    "empty_list": (storages(), "verify_db_backup_storages must not be empty, got []: no storage would be checked"),
    "no_storage": ({}, "verify_db_backup_storages is missing: set it, set zstack_storages or export "),
    "empty_storage": (storages([GOOD, " "]), "verify_db_backup_storages must not have an empty entry"),
    "no_password": ({**storages(GOOD), "zstack_storage_password": ""}, "storage_password is missing"),
    "not_a_url": (storages("{{ secret }}"), "url must"),
    "not_a_storage": (storages({"link": "{{ secret }}"}), "url is missing"),
    "too_many_required": (storages(GOOD, min_storages=2), "verify_db_backup_min_storages must be at most 1"),
    "misspelt": (storages(GOOD, maxage="1d"), "unsupported variable: verify_db_backup_maxage; did you mean "),
    "wrong_fail": (storages(GOOD, fail="flase"), "verify_db_backup_fail must be true or false, got 'flase'"),
    "languages": (storages(GOOD, language=["en"]), "verify_db_backup_language must be en or zh, got ['en']"),
}


class Run(NamedTuple):
    results: dict[str, tuple[dict[str, Any], str]]  # by host: the verdict, and why the role failed
    reports: dict[str, list[str]]
    output: str  # everything that can be read
    leaks: set[str]
    sessions_left: list[str]


def operator(zstack: Simulator, **more: Any) -> dict[str, Any]:
    """Return the variables of a host."""
    secret = zstack.storages[0].password
    # ansible_host is nowhere: the role needs no connection.
    known = {"zstack_storage_password": "{{ secret }}", "secret": secret, "ansible_host": "192.0.2.254"}
    return {**zstack.variables, **known, **more}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run of all cases with the highest verbosity."""
    place = tmp_path_factory.mktemp("cases")
    with ExitStack() as stack:
        nodes = {
            name: stack.enter_context(simulated(place, has_timezone_call=name != "zone_unknown")) for name in CASES
        }
        opened = nodes["zone_unknown"].open_session()  # the login of an account would reveal the offset
        hosts = {name: operator(nodes[name], **variables) for name, (variables, *_dummy) in CASES.items()}
        hosts["zone_unknown"]["zstack_session_uuid"] = opened
        for number, (name, (variables, _dummy)) in enumerate(REFUSED.items(), 1):
            hosts[name] = operator(nodes["defaults"], **{"zstack_host": f"198.51.100.{number}", **variables})
        keep = {
            **save("dict(groups.all | zip(verdicts | zip(reasons)))"),
            "vars": {
                "hosts": "{{ groups.all | map('extract', hostvars) }}",
                "verdicts": "{{ hosts | map(attribute='verify_db_backup_result', default={}) }}",
                "reasons": "{{ hosts | map(attribute='reason', default='') }}",
            },
        }
        rescue = {"ansible.builtin.set_fact": {"reason": "{{ ansible_failed_result.msg }}"}}
        playbook = tasks({"block": [VERIFY], "rescue": [rescue]}, keep, hosts="all")
        log = str(place / "ansible.log")
        printed = play(place, playbook, "-vvvvv", inventory={"hosts": hosts}, ANSIBLE_LOG_PATH=log, ANSIBLE_FORKS="4")
        output = "".join([printed, *((place / name).read_text() for name in ("ansible.log", "saved.json"))])
        sessions = {uuid for zstack in nodes.values() for uuid in zstack.sessions}
        yield Run(saved(place), messages(printed), output, leaks(output, *nodes.values()), [*sessions - {opened}])


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_follows_the_variables(name: str, cases: Run) -> None:
    _dummy, passes, sentences = CASES[name]
    verdict, reason = cases.results[name]
    assert verdict["passed"] == passes, verdict["unmet"]
    assert len(verdict["unmet"]) == len(sentences), verdict["unmet"]
    assert all(found.startswith(words) for found, words in zip(verdict["unmet"], sentences)), verdict["unmet"]
    assert verdict["platform"] == {"host": name, "address": "127.0.0.1"}
    assert bool(reason) != passes
    assert passes or all(words in reason for words in ["127.0.0.1", *verdict["unmet"]])


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_option_is_an_error_that_begins_with_its_name(name: str, cases: Run) -> None:
    verdict, reason = cases.results[name]
    assert reason.startswith(REFUSED[name][1])
    assert verdict == {}
    assert name not in cases.reports


def test_the_report_has_a_line_for_each_storage_and_the_next_step(cases: Run) -> None:
    head, good, stale, share, step, read_on = cases.reports["each_must_pass"]
    assert head == "127.0.0.1: NOT ready for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00"
    assert good == "  good   passed  by hand, 14 h 59 min old, 99.18 MB"
    assert stale == f"  stale  FAILED  {IS_STALE}"
    assert share == "  1 of 2 storages passed (required: all)"
    assert step.startswith("Next: Take a backup now: ")
    assert read_on.startswith("Read on: https://")
    heading, storage, *more = cases.reports["down"]
    assert heading == "127.0.0.1: NOT ready for an upgrade"
    assert "FAILED" in storage and "connection refused" in storage
    steps = [line for line in more if line.startswith("Next: ")]
    assert steps == [f"Next: {cases.results['down'][0]['storages'][0]['checks'][0]['values']['hint']}"]


def test_a_storage_that_fails_while_enough_others_pass_is_a_warning(cases: Run) -> None:
    assert f"[WARNING]: 127.0.0.1: stale: {IS_STALE}. Enough other storages passed." in " ".join(cases.output.split())


def test_text_from_a_server_is_neither_a_template_nor_a_forged_line(cases: Run) -> None:
    lines = cases.reports["evil"] + cases.reports["evil_version"]
    assert [line for line in lines if not line.isprintable() or line.startswith("  good")] == []
    assert cases.results["evil"][0]["storages"][0]["latest"]["name"] == EVIL


def test_no_output_shows_a_secret_and_no_session_stays_open(cases: Run) -> None:
    assert "verify_db_backup_result" in cases.output
    assert cases.leaks == set()
    assert cases.sessions_left == []


def simulated(place: Path, **settings: Any) -> Any:
    return site(place, *([backup] for backup in BACKUPS), **settings)


@pytest.fixture
def zstack(tmp_path: Path) -> Iterator[Simulator]:
    with simulated(tmp_path) as simulator:
        yield simulator


def logins(zstack: Simulator) -> int:
    return zstack.paths.count("/v1/accounts/login")


@pytest.mark.parametrize(("numbers", "state", "code"), [([0], "ready", 0), ([0, 1], "NOT ready", 2)])
def test_the_playbook_needs_only_the_environment_and_no_tag_skips_the_check(
    numbers: list[int], state: str, code: int, zstack: Simulator, tmp_path: Path
) -> None:
    env = exported(options_for(zstack, *numbers))
    printed = play(tmp_path, PLAYBOOK, "--check", "--tags", "other", code=code, **env)
    assert "changed=0" in printed
    head, *lines = messages(printed)["localhost"]
    assert head == f"127.0.0.1: {state} for an upgrade, running 4.8.30, checked 2026-11-23 17:00 +08:00"
    assert [line.split()[0] for line in lines[: len(numbers)]] == [f"192.0.2.{number + 1}/zs" for number in numbers]
    assert logins(zstack) == 1
    assert not zstack.sessions


def test_one_platform_is_not_checked_as_two_nor_one_host_for_all(zstack: Simulator, tmp_path: Path) -> None:
    once = {"ansible.builtin.include_role": {"name": PLAYBOOK, "apply": {"run_once": True}}}
    keywords = {"ignore_errors": True, "post_tasks": [{"ansible.builtin.meta": "clear_host_errors"}]}
    playbook = [
        *tasks(VERIFY, hosts="one,two", **keywords),
        *tasks(VERIFY, hosts="three,four", **keywords),
        *tasks(VERIFY, hosts="five,six", serial=1, **keywords),
        *tasks(once, hosts="all", **keywords),
    ]
    here = operator(zstack, **storages(GOOD))
    nowhere = {name: {**here, "zstack_host": ""} for name in ("three", "four", "five", "six")}
    env = exported(options_for(zstack, 0))
    printed = play(tmp_path, playbook, inventory={"hosts": {"one": here, "two": here, **nowhere}}, **env)
    assert "zstack_host must differ between hosts of the play: one, two have the same" in printed
    assert "zstack_host must be set for each host of the play, and is not for three" in printed
    assert "zstack_host must be set for each host of the play, and is not for five" in printed
    assert "run_once must not be set: " in printed
    assert not zstack.requests


def test_no_verdict_outlives_the_next_check(zstack: Simulator, tmp_path: Path) -> None:
    playbook = tasks(
        {**VERIFY, "vars": {"verify_db_backup_fail": "no"}},
        {"ansible.builtin.assert": {"that": "not verify_db_backup_result.passed"}},
        {
            "block": [{**VERIFY, "vars": {"verify_db_backup_fail": "flase"}}],
            "rescue": [{"ansible.builtin.assert": {"that": "verify_db_backup_result == {}"}}],
        },
        hosts="all",
    )
    # A role that is listed twice checks twice.
    playbook += tasks(hosts="all", roles=[PLAYBOOK, PLAYBOOK], vars=storages(GOOD))
    printed = play(tmp_path, playbook, inventory={"hosts": {"node": operator(zstack, **storages(STALE))}})
    assert "rescued=1" in printed
    assert logins(zstack) == 3


def test_neither_a_variable_nor_the_inventory_changes_what_is_checked(zstack: Simulator, tmp_path: Path) -> None:
    env = exported(options_for(zstack, 1))
    verdict = {"verify_db_backup_result": {"passed": True}}
    printed = play(tmp_path, PLAYBOOK, variables=verdict, code=2, **env)
    assert '"msg": "verify_db_backup_result must not be set: the role sets it' in printed
    hosts = {"hosts": {"one": {}}, "vars": {"verify_db_backup_hosts": ["one"]}}
    printed = play(tmp_path, PLAYBOOK, "--tags", "x", inventory=hosts, code=2, **env)
    assert "verify_db_backup_hosts must be an extra variable, not one of the inventory: set it with -e" in printed
    assert not zstack.requests


def test_the_playbook_checks_each_host_or_fails(tmp_path: Path) -> None:
    with simulated(tmp_path) as one, simulated(tmp_path) as two:
        hosts = {"one": operator(one, **storages(GOOD)), "two": operator(two, **storages(STALE))}
        inventory = {"hosts": hosts, "children": {"site": {"hosts": {"two": None}}}}
        chosen = {"verify_db_backup_hosts": "one:site"}
        printed = play(tmp_path, PLAYBOOK, inventory=inventory, variables=chosen, code=2)
        states = {name: lines[0].partition(" for an upgrade")[0] for name, lines in messages(printed).items()}
        assert states == {"one": "127.0.0.1: ready", "two": "127.0.0.1: NOT ready"}
        asked = len(one.requests)
        limited = ("--tags", "other", "--limit", "two")
        chosen = {"verify_db_backup_hosts": "one"}
        printed = play(tmp_path, PLAYBOOK, *limited, inventory=inventory, variables=chosen, code=2)
        assert "verify_db_backup_hosts matches no host of the inventory: one" in printed
        assert len(one.requests) == asked
