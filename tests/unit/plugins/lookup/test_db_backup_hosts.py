# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the playbooks: each host that the pattern names is in the play, or an error says what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

import ansible.template
import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.lookup.db_backup_hosts import LookupModule

GROUPS = {
    "all": ["node1", "node2", "node3", "web01.example.com"],
    "ungrouped": ["web01.example.com"],
    "sitea": ["node1"],
    "siteb": ["node2", "node3"],
    "platforms": ["node1", "node2"],
}


def loaded(groups: dict[str, list[str]]) -> Any:
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    return manager


def play_hosts(pattern: Any) -> list[str]:
    """The hosts that Ansible selects for a play with this pattern in a variable."""
    trust = getattr(ansible.template, "trust_as_template", str)
    play = Play.load({"hosts": trust("{{ pattern }}"), "tasks": []}, loader=DataLoader())
    play.post_validate(ansible.template.Templar(loader=DataLoader(), variables={"pattern": pattern}))
    return [host.name for host in loaded(GROUPS).get_hosts(play.hosts)]


def error(pattern: Any, hosts: list[str] | None = None, name: str = "verify_db_backup_hosts", **variables: Any) -> str:
    """What is wrong in a play on these hosts, or in a play on all hosts before it."""
    play = ["localhost", *GROUPS["all"]] if hosts is None else hosts
    values = {name: pattern, "groups": GROUPS, "ansible_play_hosts_all": play, **variables}
    templar = ansible.template.Templar(loader=DataLoader(), variables=values)
    lookup = LookupModule(loader=DataLoader(), templar=templar)
    (found,) = lookup.run([name], values, only=hosts is not None)
    return found


@pytest.mark.parametrize(
    ("part", "patterns"),
    [
        ("typo", ["typo", "node1:typo", "node1 typo", "node1,typo", ["node1:typo"], ["node1", "typo"]]),
        ("sitec", ["sitea:sitec"]),
        # Beside a comma, Ansible does not split at a colon.
        ("sitea:siteb", ["node1,sitea:siteb"]),
        ("siteb:&platforms", ["node1,siteb:&platforms"]),
        ("!typo", ["all:!typo"]),
        ("&typo", ["all:&typo"]),
        ("!", ["all,!"]),
        ("siteb[7]", ["siteb[7]"]),
        ("~db.*", ["~db.*"]),
        ("sitea:&siteb", ["sitea:&siteb"]),
    ],
)
def test_a_part_that_matches_no_host_is_an_error(part: str, patterns: list[Any]) -> None:
    for pattern in patterns:
        assert error(pattern) == f"verify_db_backup_hosts matches no host of the inventory: {part}"


@pytest.mark.parametrize(
    "pattern", [None, "", "localhost", "node1:node2", "siteb[0]", "siteb[0:1]", "~node[12]", "all"]
)
def test_a_pattern_that_matches_is_accepted(pattern: Any) -> None:
    assert error(pattern) == ""


LIMITED = {"ansible_limit": "node2"}


@pytest.mark.parametrize(
    ("pattern", "play", "variables", "words"),
    [
        ("node1", None, {**LIMITED, "ansible_play_hosts_all": ["node2"]}, "matches no host of the inventory: node1"),
        ("node1", ["localhost"], {}, "must be an extra variable, not one of the inventory: set it with -e"),
        ("siteb", ["node2"], {}, "matches hosts that the play does not have: node3"),
        ("siteb", ["node2"], LIMITED, None),
    ],
)
def test_only_with_a_limit_the_play_lacks_hosts_of_the_pattern(
    pattern: str, play: list[str] | None, variables: dict[str, Any], words: str | None
) -> None:
    assert error(pattern, play, **variables) == (f"verify_db_backup_hosts {words}" if words else "")


MISSPELT = {
    "verify_db_backup_hosts": "verify_db_backup_host verify_db_backups_hosts",
    "verify_db_backup_max_age": "verify_db_backups_max_age verify_db_backups_maxage verify_db_backup_age "
    "verify_db_backups_age verify_db_backup_Max_Age",
    "verify_db_backup_min_count": "verify_db_backup_count",
    "verify_db_backup_min_size": "verify_db_backup_size",
    "report_db_backups_fail": "report_db_backups_fial",
    "report_db_backups_hosts": "report_db_backups_host",
    "report_db_backups_dest": "report_db_backup_dest",
    "report_db_backups_language": "report_db_backups_langauge",
}
OTHERS = [
    *("verify_db_backup_email", "verify_db_backup_run", "verify_db_backup_result", "verify_db_backup_min_count"),
    *("verify_db_backups", "verify_db_backups_play", "verify_db_backup_report", "other_age"),
    *("report_db_backups_result", "report_db_backups_fail", "report_db_backups_mail_to", "report_db_backups_sizes"),
]


@pytest.mark.parametrize("meant", MISSPELT)
def test_a_misspelt_variable_is_an_error_that_says_which_was_meant(meant: str) -> None:
    name = "verify_db_backup_hosts" if meant.startswith("verify") else "report_db_backups_hosts"
    for variable in MISSPELT[meant].split():
        found = error("node1", ["node1"], name, **{variable: "x"})
        assert found == f"unsupported variable: {variable}; did you mean {meant}?"


def test_another_variable_is_accepted() -> None:
    for name in ("verify_db_backup_hosts", "report_db_backups_hosts"):
        for variable in OTHERS:
            assert error("node1", ["node1"], name, **{variable: "x"}) == "", variable


matching = st.sampled_from([*GROUPS, *GROUPS["all"], "node*", "~node[12]", "siteb[0]", "siteb[0:1]"])
parts = matching | matching | matching | st.sampled_from(["typo", "siteb[5]"])
signed = st.tuples(st.sampled_from(["", "", "", "", "!", "&"]), parts).map("".join)
texts = st.lists(st.tuples(signed, st.sampled_from([":", ",", " ", ", "])), min_size=1, max_size=4).map(
    lambda pairs: "".join(part + separator for part, separator in pairs).rstrip(":, ")
)


def test_what_is_accepted_is_what_the_play_runs_on() -> None:
    reached: Counter[bool] = Counter()

    @settings(max_examples=150)
    @given(texts | st.lists(texts, min_size=1, max_size=2))
    def check(pattern: Any) -> None:
        try:
            hosts = play_hosts(pattern)
        except AnsibleError:
            assert error(pattern)
            reached[True] += 1
            return
        refused = error(pattern) or error(pattern, hosts)
        named = {part for part in GROUPS["all"] if part in str(pattern).replace(",", " ").replace(":", " ").split()}
        if not refused:
            assert named <= set(hosts) or "!" in str(pattern) or "&" in str(pattern)
            assert error(pattern, hosts[1:]) or not hosts[1:]
        reached[bool(refused)] += 1

    check()
    assert min(reached.values()) >= 20, reached
