# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.report_db_backups: what only a run shows. The page itself has unit and browser tests."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from ansible_collections.zstack.cloud.tests.browser.pages import HOSTILE, PAGE, TEXT, nights
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import (
    exported,
    options_for,
    play,
    save,
    saved,
    site,
    tasks,
)
from ansible_collections.zstack.cloud.tests.system.leaks import leaks

PLAYBOOK = "zstack.cloud.report_db_backups"


def changes(printed: str) -> int:
    return sum(map(int, re.findall(r"changed=(\d+)", printed)))


def read(place: Path, name: str = TEXT) -> str:
    return (place / name).read_text(encoding="utf-8")


def test_each_host_has_a_section_and_fails_alone(tmp_path: Path) -> None:
    with site(tmp_path, nights(15)) as zstack, site(tmp_path, nights(15, missed=[0, 1, 2, 3])) as stale:
        up = options_for(zstack)
        hosts = {
            "mn1": up,
            "mn2": {**up, "zstack_port": 1, "zstack_retries": 0},
            "mn3": options_for(stale),
            "mn4": {**up, "zstack_port": 2, "zstack_timeout": "soon"},
            "mn5": {**up, "zstack_port": 3, "verify_db_backup_max_age": "old"},
        }
        chosen = {"report_db_backups_hosts": "mn*"}
        printed = play(tmp_path, PLAYBOOK, inventory={"hosts": hosts}, variables=chosen, code=2)
        assert len(re.findall(r"^mn[1-3] .*failed=0", printed, re.MULTILINE)) == 3
        assert len(re.findall(r"^mn[45] .*failed=1", printed, re.MULTILINE)) == 2
        assert re.search(r"""mn4\]: FAILED! => .*"msg": "argument 'timeout' is of type""", printed)
        text, page = read(tmp_path), read(tmp_path, PAGE)
        assert changes(printed) == 1
        assert page.count("<section") == 5
        assert "1 of 5 management nodes ready, 3 not checked" in page
        for line in (
            r"mn1 \(127.0.0.1\): ready for an upgrade.*",
            r"mn2 \(127.0.0.1\): Not checked\n  could not be scanned: 127.0.0.1:1: .*connection refused.*",
            r"mn3 \(127.0.0.1\): NOT ready for an upgrade.*",
            r"mn4 \(127.0.0.1\): Not checked\n  argument 'timeout' is of type.*",
            r"mn5 \(127.0.0.1\): Not checked\n  verify_db_backup_max_age must be.*old.*",
        ):
            assert re.search(f"^{line}$", text, re.MULTILINE), text

        # What differs is the policy of a host that is not the first.
        hosts["mn3"]["verify_db_backup_max_age"] = "3d"
        failing = {**chosen, "report_db_backups_fail": "true"}
        printed = play(tmp_path, PLAYBOOK, inventory={"hosts": hosts}, variables=failing, code=2)
        assert changes(printed) == 1
        assert len(re.findall(r"^mn[2-5] .*failed=1", printed, re.MULTILINE)) == 4
        assert re.search(r'mn3.*"msg": ".*NOT ready for an upgrade.*newest is 4 days', printed)


def test_the_environment_is_enough_and_check_mode_writes_nothing(tmp_path: Path) -> None:
    backups = [{**each, "name": name} for each, name in zip(nights(12), HOSTILE)]
    with site(tmp_path, backups) as zstack:
        env = exported(options_for(zstack))
        assert changes(play(tmp_path, PLAYBOOK, "--check", **env)) == 1
        assert not (tmp_path / PAGE).exists()
        printed = play(tmp_path, PLAYBOOK, **env)
        assert not zstack.sessions
    assert f'"msg": "{tmp_path.resolve() / PAGE}"' in printed
    # A name that is a template of Ansible stays a name.
    assert html.escape(HOSTILE[5], quote=False).replace("'", "&#39;") in read(tmp_path, PAGE)
    assert not (tmp_path / "taken").exists()


def test_nothing_has_changed_if_only_time_has_passed(tmp_path: Path) -> None:
    playbook = [{"ansible.builtin.import_playbook": PLAYBOOK}, *tasks(save("report_db_backups_result"))]
    found = []
    (tmp_path / "pages").mkdir()
    for later in (0, 3 * 3600):
        with site(tmp_path, nights(15), later=later) as zstack:
            hosts = {"mn1": {**options_for(zstack), "report_db_backups_dest": "pages/today.html"}}
            chosen = {"report_db_backups_hosts": "mn1"}
            printed = play(tmp_path, playbook, inventory={"hosts": hosts}, variables=chosen)
        found.append((saved(tmp_path)["changed"], read(tmp_path, "pages/today.html").count("17 h ago")))
        # The third task that changes something is the one that saves.
        assert changes(printed) == 1 + saved(tmp_path)["changed"]
    assert found == [(True, 0), (False, 1)]
    assert saved(tmp_path)["text"] == str(tmp_path.resolve() / "pages" / "today.txt")


def test_a_wrong_option_is_an_error_and_writes_nothing(zstack: Simulator, tmp_path: Path) -> None:
    hosts: dict[str, Any] = {"hosts": {"mn1": {}, "mn2": {}}}
    for wrong, message in (
        ({"report_db_backups_dest": "page.txt"}, "report_db_backups_dest must end in .html, got /"),
        ({"report_db_backups_hosts": "mn1:!mn1"}, "report_db_backups_hosts matches no host of the inventory: "),
    ):
        variables = {**options_for(zstack, 0), **wrong}
        assert message in play(tmp_path, PLAYBOOK, inventory=hosts, variables=variables, code=2)
    assert not zstack.requests
    assert not (tmp_path / PAGE).exists()


def test_no_secret_is_shown_or_written(zstack: Simulator, tmp_path: Path) -> None:
    zstack.inject("error_quotes_in_every_way", times=1)
    variables = {**zstack.variables, "zstack_storages": zstack.storage_urls}
    printed = play(tmp_path, PLAYBOOK, "-vvvvv", "--diff", variables=variables)
    text, page = read(tmp_path), read(tmp_path, PAGE)
    # Which storage fails is a matter of chance.
    assert "could not be scanned" in text and "zstack-db-" in page
    assert leaks(printed + text + page, zstack) == set()
