# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the gate. The tests of the role and of the verdict hold the rest."""

from __future__ import annotations

from typing import Any

import ansible.template
import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.zstack.cloud.plugins.lookup.db_backup_gate import LookupModule

trusted = getattr(ansible.template, "trust_as_template", str)
# What follows the check of the hosts
CHECKED = "verify_db_backup_storages is missing: "
SAME = "zstack_host must differ between hosts of the play: one, two have the same"


def error(**variables: Any) -> str:
    """What is wrong with these variables."""
    templar = ansible.template.Templar(loader=DataLoader(), variables=variables)
    (found,) = LookupModule(loader=DataLoader(), templar=templar).run([], variables)
    return str(found["error"])


def place(host: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The fact that the role sets."""
    address = {option: variables.get(f"zstack_{option}", "") for option in ("host", "port", "context_path")}
    return {"host": host, "address": address}


def in_play(one: dict[str, Any], *others: dict[str, Any], **of_play: Any) -> str:
    """What is wrong for the first host of a play, whether or not the others have set the fact before."""
    hosts = dict(zip(("one", "two"), (one, *others)))
    places = {host: place(host, {**variables, **of_play}) for host, variables in hosts.items()}
    done = {host: {**variables, "__verify_db_backup_place": places[host]} for host, variables in hosts.items()}
    values = {**one, **of_play, "__verify_db_backup_place": places["one"]}
    values |= {"inventory_hostname": "one", "ansible_play_hosts_all": list(hosts)}
    first, last = (error(**values, hostvars=hostvars) for hostvars in (hosts, done))
    assert first == last
    return first


def test_each_host_of_a_play_needs_an_address_also_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSTACK_HOST", "192.0.2.10")
    for one, two in (({}, {}), ({"zstack_host": ""}, {"zstack_host": "192.0.2.11"})):
        assert in_play(one, two) == "zstack_host must be set for each host of the play, and is not for one"
    assert in_play({}).startswith(CHECKED)


IP = "192.0.2.10"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"zstack_host": "zstack.example.com"}, {"zstack_host": "ZStack.example.com."}, True),
        ({"zstack_host": IP}, {"zstack_host": IP, "zstack_port": "8080"}, True),
        ({"zstack_host": IP, "zstack_port": 8443}, {"zstack_host": IP, "zstack_port": " 08443"}, True),
        ({"zstack_host": IP}, {"zstack_host": IP, "zstack_context_path": "zstack/"}, True),
        ({"zstack_host": IP}, {"zstack_host": "192.0.2.11"}, False),
        ({"zstack_host": IP}, {"zstack_host": IP, "zstack_port": 8081}, False),
    ],
)
def test_two_hosts_of_a_play_with_one_address_are_an_error(
    one: dict[str, Any], other: dict[str, Any], is_same: bool
) -> None:
    found = in_play(one, other)
    assert found.startswith(SAME if is_same else CHECKED)


def test_an_address_of_the_play_is_all_hosts_unless_a_template() -> None:
    own: dict[str, Any] = {"zstack_host": "192.0.2.99"}
    assert in_play(own, own, zstack_host=IP) == SAME
    values = {
        "inventory_hostname": "one",
        "ansible_play_hosts_all": ["one", "two"],
        "hostvars": {"one": own, "two": own},
    }
    values["__verify_db_backup_place"] = place("one", {"zstack_host": "one"})
    assert error(**values, zstack_host=trusted("{{ inventory_hostname }}")).startswith(CHECKED)


def test_the_environment_has_the_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSTACK_PORT", "8443")
    assert in_play({"zstack_host": IP}, {"zstack_host": IP, "zstack_port": 8443}) == SAME


@pytest.mark.parametrize("variable", ["verify_db_backup_storages", "zstack_storages"])
def test_a_list_without_storages_is_an_error_instead_of_another_source(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZSTACK_STORAGE_URL", "ssh://root@192.0.2.20/zs")
    others = {"zstack_storages": ["ssh://root@192.0.2.20/zs"]}
    expected = f"{variable} must not be empty, got []: no storage would be checked"
    assert error(**{**others, variable: []}) == expected
    assert error(**{**others, variable: trusted("{{ [] }}")}) == expected


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_text_counts_as_not_given(value: Any) -> None:
    assert error(verify_db_backup_storages=value, zstack_storages=value).startswith(CHECKED)
    found = error(verify_db_backup_storages=value, zstack_storages=["ssh://root@192.0.2.20/zs", ""])
    assert found.startswith("verify_db_backup_storages must not have an empty entry")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("pa{{Sesame-1", "zstack_host is not a valid template: tag it with !unsafe if it is a password"),
        ("{{ 1 // 0 }}", "division"),
        ("{{ missing }}", "'missing' is undefined"),
    ],
)
def test_a_variable_that_cannot_be_evaluated_is_not_quoted(value: str, words: str) -> None:
    line = error(verify_db_backup_storages="ssh://root@192.0.2.20/bs", zstack_host=trusted(value))
    assert words in line
    assert "Sesame" not in line
    assert len(line.splitlines()) == 1
