# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.report_db_backups: what only a run shows. The page itself has unit and browser tests."""

from __future__ import annotations

import hashlib
import html
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.browser.pages import HOSTILE, NOW, PAGE, TEXT, VERSIONS, Images, nights
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run


@contextmanager
def site(place: Path, *storages: Images, later: float = 0) -> Iterator[Simulator]:
    """Simulate a site with these storages, ``later`` seconds after NOW."""
    description = {
        "version": VERSIONS[0],
        "timezone": "Asia/Shanghai",
        "accounts": [{"name": "admin", "password": "Moon#Cake&88"}],
        "storages": [
            {
                "username": "root",
                "password": f"Night@Watch#{number}",
                "host": f"192.0.2.{20 + number}",
                "path": "/zstack_bs",
                "backups": [
                    {"created" if key == "createdTime" else key: value for key, value in image.items()}
                    for image in images
                ],
            }
            for number, images in enumerate(storages)
        ],
    }
    path = place / "site.yml"
    path.write_text(yaml.safe_dump(description), encoding="utf-8")
    with Simulator(path) as zstack:
        zstack.freeze(NOW + timedelta(seconds=later))
        yield zstack


def options(zstack: Simulator) -> dict[str, Any]:
    """Return the variables that an operator sets."""
    storages = [{"url": each.url_without_password, "password": each.password} for each in zstack.storages]
    return {**zstack.variables, "zstack_storages": storages}


def report(
    place: Path,
    *arguments: str,
    hosts: Mapping[str, Mapping[str, Any]] | None = None,
    everyone: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    playbook: str = "zstack.cloud.report_db_backups",
    **variables: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the playbook in the folder ``place``, on the hosts of an inventory where there are any."""
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    inventory = {"all": {"hosts": dict(hosts or {}), "vars": dict(everyone or {})}}
    (place / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    return run(
        *("ansible-playbook", playbook, "-i", "inventory.yml", "-e", "@variables.yml"),
        *arguments,
        place=place,
        **(env or {}),
    )


def output_of(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def changes(printed: str) -> int:
    return sum(map(int, re.findall(r"changed=(\d+)", printed)))


def read(place: Path, name: str = TEXT) -> str:
    return (place / name).read_text(encoding="utf-8")


# Each would be fatal or wrong if the playbook did not set it aside: sudo is missing, and nothing may be written twice.
EVERYONE = {"ansible_become": True, "ansible_become_exe": "/nonexistent"}
CONFIGURATION = {"ANSIBLE_ANY_ERRORS_FATAL": "true", "ANSIBLE_STRATEGY": "free", "ANSIBLE_BECOME": "true"}


def test_each_host_has_a_section_and_fails_alone(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("mn1", "mn3")]
    for folder in folders:
        folder.mkdir()
    with site(folders[0], nights(15)) as zstack, site(folders[1], nights(15, missed=[0, 1, 2, 3])) as stale:
        up = options(zstack)
        hosts = {
            "mn1": up,
            "mn2": {**up, "zstack_port": 1, "zstack_retries": 0},
            "mn3": options(stale),
            "mn4": {**up, "zstack_port": 2, "zstack_timeout": "soon"},
            "mn5": {**up, "zstack_port": 3, "verify_db_backup_max_age": "old"},
        }
        run_on: dict[str, Any] = {
            "hosts": hosts,
            "everyone": EVERYONE,
            "env": CONFIGURATION,
            "report_db_backups_hosts": "mn*",
        }
        printed = output_of(report(tmp_path, **run_on), 2)
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
        assert changes(output_of(report(tmp_path, **run_on), 2)) == 0
        hosts["mn3"]["verify_db_backup_max_age"] = "3d"
        printed = output_of(report(tmp_path, report_db_backups_fail="true", **run_on), 2)
        assert changes(printed) == 1
        assert len(re.findall(r"^mn[2-5] .*failed=1", printed, re.MULTILINE)) == 4
        assert re.search(r'mn3.*"msg": ".*NOT ready for an upgrade.*newest is 4 days', printed)


def test_the_environment_is_enough_and_check_mode_writes_nothing(tmp_path: Path) -> None:
    backups = [{**each, "name": name} for each, name in zip(nights(12), HOSTILE)]
    with site(tmp_path, backups) as zstack:
        (storage,) = zstack.storages
        env = {
            **zstack.env,
            "ZSTACK_STORAGE_URL": storage.url_without_password,
            "ZSTACK_STORAGE_PASSWORD": storage.password,
        }
        assert changes(output_of(report(tmp_path, "--check", env=env))) == 1
        assert not (tmp_path / PAGE).exists()
        printed = output_of(report(tmp_path, env=env))
        assert not zstack.sessions
    assert f'"msg": "{tmp_path.resolve() / PAGE}"' in printed
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (PAGE, TEXT)} == {0o644}
    # A name that is a template of Ansible stays a name.
    assert html.escape(HOSTILE[5], quote=False).replace("'", "&#39;") in read(tmp_path, PAGE)
    assert not (tmp_path / "taken").exists()


def test_nothing_has_changed_if_only_time_has_passed(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump(
            [
                {"ansible.builtin.import_playbook": "zstack.cloud.report_db_backups"},
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "tasks": [{"ansible.builtin.debug": {"var": "report_db_backups_result"}}],
                },
            ]
        )
    )
    found = []
    for later in (0, 3 * 3600, 10 * 3600):  # too old for the policy in the end
        with site(tmp_path, nights(15), later=later) as zstack:
            given = {**options(zstack), "report_db_backups_dest": "pages/today.html"}
            (tmp_path / "pages").mkdir(exist_ok=True)
            printed = output_of(
                report(tmp_path, playbook="play.yml", hosts={"mn1": given}, report_db_backups_hosts="mn1")
            )
        fact = yaml.safe_load(printed[printed.index('{\n    "report_db_backups_result"') :].partition("\n\nPLAY")[0])
        names = {"page": "today.html", "text": "today.txt"}
        paths = {key: str(tmp_path.resolve() / "pages" / name) for key, name in names.items()}
        found.append((changes(printed) > 0, read(tmp_path, "pages/today.html").count("17 h ago")))
        assert fact == {"report_db_backups_result": {**paths, "changed": found[-1][0]}}
    assert found == [(True, 0), (False, 1), (True, 0)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"report_db_backups_dest": "page.txt"}, "report_db_backups_dest must end in .html, got /"),
        ({"report_db_backups_fial": True}, "report_db_backups_fial; did you mean report_db_backups_fail?"),
        ({"zstack_storages": ""}, "storages is missing"),
    ],
)
def test_a_wrong_option_leaves_the_page_of_an_earlier_run(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    with site(tmp_path, nights(1)) as zstack:
        printed = output_of(report(tmp_path, **{**options(zstack), **wrong}), 2)
        assert not zstack.requests
    assert message in printed
    assert not (tmp_path / PAGE).exists()


@pytest.mark.parametrize("fault", [None, "error_quotes_in_every_way"])
def test_no_secret_is_shown_or_written(fault: str | None, zstack: Simulator, tmp_path: Path) -> None:
    if fault:
        zstack.inject(fault)
    given = {**zstack.variables, "zstack_storages": zstack.storage_urls}
    done = report(tmp_path, "-vvvvv", "--diff", **given)
    output = output_of(done) + done.stderr + read(tmp_path) + read(tmp_path, PAGE)
    sessions = {header.split()[-1] for request in zstack.requests if (header := request.headers.get("Authorization"))}
    passwords = {zstack.account[1], *(storage.password for storage in zstack.storages)}
    assert sessions
    secrets = sessions | passwords | {quote(each, safe="") for each in passwords}
    secrets |= {quote(quote(each, safe="")) for each in passwords} | {html.escape(each) for each in passwords}
    secrets.add(hashlib.sha512(zstack.account[1].encode()).hexdigest())
    assert not {secret for secret in secrets if secret in output}


@pytest.mark.parametrize(("hosts", "arguments"), [("mn1,nowhere", ()), ("mn1:!mn1", ()), ("mn1", ("--limit", "mn2"))])
def test_hosts_that_match_nothing_are_an_error(hosts: str, arguments: Sequence[str], tmp_path: Path) -> None:
    done = report(tmp_path, *arguments, hosts={"mn1": {}, "mn2": {}}, report_db_backups_hosts=hosts)
    assert "report_db_backups_hosts" in output_of(done, 2)
    assert not (tmp_path / PAGE).exists()
