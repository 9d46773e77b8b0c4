# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.list_db_backups, with its options in variables and in the environment."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.site import SHIPPED
from ansible_collections.zstack.cloud.tests.system.commands import run

MISSING = "zstack_storage_url is missing: set the variable or export ZSTACK_STORAGE_URL"


def options(zstack: Simulator, storage: int = 0) -> dict[str, Any]:
    """Return the variables that an operator sets."""
    return {
        **zstack.variables,
        "zstack_storage_url": zstack.storages[storage].url_without_password,
        "zstack_storage_password": zstack.storages[storage].password,
    }


def exported(variables: dict[str, Any]) -> dict[str, str]:
    """Return the same as environment variables."""
    return {name.upper(): str(value) for name, value in variables.items()}


def list_db_backups(
    place: Path,
    *arguments: str,
    variables: dict[str, Any] | None = None,
    inventory: dict[str, Any] | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    (place / "variables.yml").write_text(yaml.safe_dump(variables or {}), encoding="utf-8")
    hosts = {"localhost": {"ansible_connection": "local"}}
    (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": inventory or {}}}))
    return run(
        *("ansible-playbook", "zstack.cloud.list_db_backups", "-i", "inventory.yml", "-e", "@variables.yml"),
        *arguments,
        place=place,
        **{"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", **(env or {})},
    )


def calls(zstack: Simulator) -> list[str]:
    """Return the calls that need a login or make one, in the order of their arrival."""
    names = {"/v1/accounts/login": "login", "/v1/database-backups/image-store": "scan"}
    return [names[request.path] for request in zstack.requests if request.path in names]


@pytest.fixture
def other() -> Iterator[Simulator]:
    """A second management node."""
    with Simulator() as simulator:
        yield simulator


@pytest.mark.parametrize("place", ["extra variables", "inventory", "environment"])
def test_options_come_from_variables_or_from_the_environment(place: str, zstack: Simulator, tmp_path: Path) -> None:
    given = options(zstack)
    where: dict[str, Any] = {
        "extra variables": {"variables": given},
        "inventory": {"inventory": given},
        "environment": {"env": exported(given)},
    }[place]
    done = list_db_backups(tmp_path, **where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("zstack-db-4.7.21-") == 8
    assert f"The newest of {zstack.storages[0].total} backups" in done.stdout
    assert calls(zstack) == ["login", "scan"]
    assert not zstack.sessions


@pytest.mark.parametrize("place", ["variables", "inventory"])
def test_variables_win_over_the_environment_and_one_node_is_asked_once(
    place: str, zstack: Simulator, other: Simulator, tmp_path: Path
) -> None:
    where: dict[str, Any] = {place: options(other, storage=2)}
    done = list_db_backups(tmp_path, **where, env=exported(options(zstack)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is no backup on ssh://root:***@192.0.2.22/zstack_bs." in done.stdout
    assert not zstack.requests
    assert calls(other) == ["login", "scan"]


def test_one_variable_completes_the_environment(zstack: Simulator, other: Simulator, tmp_path: Path) -> None:
    variables = {"zstack_host": other.host, "zstack_port": other.port}
    done = list_db_backups(tmp_path, variables=variables, env=exported(options(zstack)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not zstack.requests
    assert calls(other) == ["login", "scan"]


def test_a_credential_in_variables_replaces_that_of_the_environment(zstack: Simulator, tmp_path: Path) -> None:
    session = zstack.open_session()
    done = list_db_backups(tmp_path, variables={"zstack_session_uuid": session}, env=exported(options(zstack)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert calls(zstack) == ["scan"]
    assert list(zstack.sessions) == [session]


@pytest.mark.parametrize("empty", [{}, {"zstack_storage_url": ""}], ids=["not set", "empty"])
def test_the_error_about_a_missing_storage_url_names_both_places_to_set_it(
    empty: dict[str, str], zstack: Simulator, tmp_path: Path
) -> None:
    given = options(zstack)
    del given["zstack_storage_url"]
    done = list_db_backups(tmp_path, variables=given | empty, env=exported(empty))
    assert done.returncode != 0
    assert f"msg: '{MISSING}'" in map(str.strip, done.stdout.splitlines())
    assert not zstack.requests


def test_a_missing_host_is_answered_with_both_places(zstack: Simulator, tmp_path: Path) -> None:
    given = options(zstack)
    del given["zstack_host"]
    done = list_db_backups(tmp_path, variables=given)
    assert done.returncode != 0
    # Ansible wraps lines.
    assert re.search(r"host is missing: .*zstack_host.*ZSTACK_HOST", " ".join(f"{done.stdout} {done.stderr}".split()))
    assert not zstack.requests


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("4.8.30", "It can be restored on the running platform, version 4.8.30."),
        ("5.0.0", "It cannot be restored on the running platform, version 5.0.0."),
        (None, "Whether it can be restored on the running platform is unknown."),
    ],
)
def test_the_output_says_whether_the_newest_backup_can_be_restored(
    version: str | None, sentence: str, tmp_path: Path
) -> None:
    site = tmp_path / "site.yml"
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    site.write_text(yaml.safe_dump({**shipped, "version": version or "4.8.30"}), encoding="utf-8")
    with Simulator(site, has_version_call=version is not None) as zstack:
        done = list_db_backups(tmp_path, variables=options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentence in done.stdout


def test_check_mode_shows_the_same(zstack: Simulator, tmp_path: Path) -> None:
    done = list_db_backups(tmp_path, "--check", variables=options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The newest of {zstack.storages[0].total} backups" in done.stdout


@pytest.mark.parametrize("fault", [None, "error_quotes_in_every_way"], ids=["listed", "refused"])
def test_no_secret_is_shown_at_the_highest_verbosity(fault: str | None, zstack: Simulator, tmp_path: Path) -> None:
    given = options(zstack)
    if fault:
        zstack.inject(fault)
        given["zstack_storage_url"] = zstack.storage_url
        del given["zstack_storage_password"]
    done = list_db_backups(tmp_path, "-vvvvv", variables=given, env={"ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log")})
    assert (done.returncode != 0) == bool(fault), done.stdout + done.stderr
    account_password, storage_password = zstack.account[1], zstack.storages[0].password
    sessions = {header.split()[-1] for request in zstack.requests if (header := request.headers.get("Authorization"))}
    assert sessions
    secrets = {account_password, hashlib.sha512(account_password.encode()).hexdigest(), *sessions}
    secrets |= {storage_password, quote(storage_password), quote(quote(storage_password))}
    output = done.stdout + done.stderr + (tmp_path / "ansible.log").read_text(encoding="utf-8")
    assert not {secret for secret in secrets if secret in output}


@pytest.mark.parametrize("place", ["a string", "a list", "environment"])
def test_several_urls_are_answered_with_the_limit(place: str, zstack: Simulator, tmp_path: Path) -> None:
    urls = [storage.url_without_password for storage in zstack.storages[:2]]
    given = {**options(zstack), "zstack_storage_url": urls if place == "a list" else " ".join(urls)}
    where: dict[str, Any] = {"env": exported(given)} if place == "environment" else {"variables": given}
    done = list_db_backups(tmp_path, **where)
    assert done.returncode == 2
    assert "list_db_backups shows one storage: set one URL" in done.stdout
    assert not zstack.requests


def test_an_empty_storage_has_a_sentence_and_no_table(zstack: Simulator, tmp_path: Path) -> None:
    done = list_db_backups(tmp_path, variables=options(zstack, storage=2))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is no backup on ssh://root:***@192.0.2.22/zstack_bs." in done.stdout
    assert "RESTORABLE" not in done.stdout


def test_a_time_in_the_future_is_called_so_and_has_no_age(zstack: Simulator, tmp_path: Path) -> None:
    # 26 hours later than the server's +08:00: in the future at any time of day, for a backup of last night.
    done = list_db_backups(tmp_path, variables={**options(zstack), "zstack_timezone": "-18:00"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in the future  yes" in done.stdout
    assert "has a time in the future" in done.stdout
    assert "check zstack_timezone, and the clocks" in " ".join(done.stdout.split())
    assert not re.search(r"-\d+ (min|h|days)", done.stdout)
