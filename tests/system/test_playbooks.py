# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of the catalogue, met by module and lookup in a real playbook, and what its output gives away.

One run of ansible-playbook serves all tests: each fault is a host of its inventory, with a simulator of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue

# What runs the module: hosts may have an older Python than Ansible's, and older requests.
MODULE_PYTHON = os.environ.get("MODULE_PYTHON", sys.executable)
STORAGE_PASSWORD = "Night@Watch#7"
WAYS = ("account", "session", "access_key")
# Those whose answers quote the request, or the command line that the storage's URL stands on.
QUOTING = ("plain_500", "html_that_quotes_the_request", "error_in_503", "session_expired", "illegal_url")

PLAYBOOK = """
- hosts: all
  connection: local
  gather_facts: false
  strategy: ansible.builtin.free
  vars:
    both: "{{ {'host': '127.0.0.1', 'port': zstack_at, 'retries': 0, 'timeout': 5} | combine(credentials, client) }}"
  tasks:
    - zstack.cloud.zstack_db_backup_info:
        url: "{{ url }}"
        host: "{{ both.host }}"
        port: "{{ both.port }}"
        retries: "{{ both.retries }}"
        timeout: "{{ both.timeout }}"
        timezone: "{{ both.timezone | default(omit) }}"
        session_uuid: "{{ both.session_uuid | default(omit) }}"
        account_name: "{{ both.account_name | default(omit) }}"
        account_password: "{{ both.account_password | default(omit) }}"
        access_key_id: "{{ both.access_key_id | default(omit) }}"
        access_key_secret: "{{ both.access_key_secret | default(omit) }}"
      no_log: "{{ quiet }}"
      ignore_errors: true
      register: by_module
    - block:
        - ansible.builtin.set_fact:
            by_lookup: "{{ lookup('zstack.cloud.zstack_db_backup', url, **both) }}"
          no_log: "{{ quiet }}"
      rescue:
        - ansible.builtin.set_fact:
            by_lookup: {failed: true, msg: "{{ ansible_failed_result.msg }}"}
    - ansible.builtin.copy:
        content: "{{ {'module': by_module, 'lookup': by_lookup} | to_json }}"
        dest: "{{ playbook_dir }}/results/{{ inventory_hostname }}.json"
        mode: "0600"
"""


@dataclass
class Run:
    """What a run of the playbook left behind."""

    results: dict[str, dict[str, Any]]  # by host: what module and lookup returned
    outputs: dict[str, str]  # all that can be read, by where it stands
    sessions_left: dict[str, bool]
    secrets: set[str]


def run(place: Path, hosts: dict[str, tuple[Fault | None, str]], quiet: bool) -> Run:
    """Run the playbook for hosts of (fault or None, way of authentication), as verbosely as can be."""
    with ExitStack() as stack:
        simulators: dict[str, Simulator] = {}
        inventory: dict[str, dict[str, Any]] = {}
        for host, (fault, way) in hosts.items():
            zstack = simulators[host] = stack.enter_context(Simulator())
            if fault and fault.play:
                zstack.play(fault.name)
            inventory[host] = {
                "zstack_at": zstack.port,
                "url": zstack.storage_url,
                "credentials": credentials(zstack, way),
                "client": dict(fault.client) if fault else {},
                "quiet": quiet,
                "ansible_python_interpreter": MODULE_PYTHON,
            }
        (place / "results").mkdir()
        (place / "playbook.yml").write_text(PLAYBOOK)
        (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": inventory}}))
        done = subprocess.run(
            ["ansible-playbook", "-vvvvv", "-i", "inventory.yml", "playbook.yml"],
            cwd=place,
            env={
                **os.environ,
                "ANSIBLE_LOG_PATH": str(place / "ansible.log"),
                "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
                "JUNIT_OUTPUT_DIR": str(place / "junit"),
                "ANSIBLE_FORKS": "8",
                "ANSIBLE_PIPELINING": str(not quiet),  # in one of the two runs, for speed
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        results = {path.stem: json.loads(path.read_text()) for path in (place / "results").iterdir()}
        assert results.keys() == hosts.keys()
        written = [place / "ansible.log", *(place / "results").iterdir(), *(place / "junit").iterdir()]
        outputs = {path.name: path.read_text() for path in written}
        seen = [
            request.headers.get("Authorization", "") for zstack in simulators.values() for request in zstack.requests
        ]
        sessions = {header.removeprefix("OAuth ") for header in seen if header.startswith("OAuth ")}
        return Run(
            results=results,
            outputs={**outputs, "stdout": done.stdout, "stderr": done.stderr},
            sessions_left={
                host: any(uuid != inventory[host]["credentials"].get("session_uuid") for uuid in zstack.sessions)
                for host, zstack in simulators.items()
            },
            secrets=secrets(simulators["success_account"]) | sessions,
        )


def credentials(zstack: Simulator, way: str) -> dict[str, str]:
    if way == "session":
        return {"session_uuid": zstack.open_session("admin")}
    if way == "access_key":
        key, secret = zstack.access_key
        return {"access_key_id": key, "access_key_secret": secret, "timezone": "Asia/Shanghai"}
    name, password = zstack.account
    return {"account_name": name, "account_password": password}


def secrets(zstack: Simulator) -> set[str]:
    """All secrets but the sessions, in every spelling that a server or a library could quote."""
    plain = [zstack.account[1], zstack.access_key[1], STORAGE_PASSWORD]
    encoded = [quote(secret, safe="") for secret in plain]
    twice = [quote(secret, safe="") for secret in encoded]
    return {*plain, *encoded, *twice, hashlib.sha512(plain[0].encode()).hexdigest()}


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run without no_log, over all faults."""
    hosts: dict[str, tuple[Fault | None, str]] = {name: (fault, "account") for name, fault in catalogue().items()}
    for way in WAYS:
        hosts[f"success_{way}"] = (None, way)
        hosts |= {f"{name}_{way}": (catalogue()[name], way) for name in QUOTING}
    return run(tmp_path_factory.mktemp("loud"), hosts, quiet=False)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with no_log, over the faults that quote."""
    hosts: dict[str, tuple[Fault | None, str]] = {"success_account": (None, "account")}
    hosts |= {name: (catalogue()[name], "account") for name in QUOTING}
    return run(tmp_path_factory.mktemp("quiet"), hosts, quiet=True)


@pytest.mark.parametrize("fault", catalogue().values(), ids=catalogue())
def test_module_and_lookup_end_alike_in_a_playbook(fault: Fault, loud: Run) -> None:
    module, lookup = loud.results[fault.name]["module"], loud.results[fault.name]["lookup"]
    assert bool(module.get("failed")) == bool(lookup.get("failed")) == (fault.expect == "failed")
    if fault.expect == "ok":
        assert module["count"] == lookup["count"] == len(module["backups"])
    else:
        assert (module["status"], module["error"]["code"]) == (fault.status, fault.code)
        assert len(module["msg"]) < 2000
        assert module["msg"].isprintable()
        assert "Traceback" not in module.get("exception", "")
        for line in (module["msg"], lookup["msg"]):
            assert all(words in line for words in fault.says)
            assert len(line.splitlines()) == 1


@pytest.mark.parametrize("fault", catalogue().values(), ids=catalogue())
def test_no_session_of_ours_stays_after_a_playbook(fault: Fault, loud: Run) -> None:
    assert loud.sessions_left[fault.name] == fault.leaves_session


@pytest.mark.parametrize("runs", ["loud", "quiet"])
def test_no_output_at_any_verbosity_shows_a_secret(runs: str, request: pytest.FixtureRequest) -> None:
    result: Run = request.getfixturevalue(runs)
    assert len(result.secrets) >= 10
    shown = {
        (place, secret)
        for place, text in result.outputs.items()
        for secret in result.secrets
        if secret.lower() in text.lower()
    }
    assert not shown


def test_what_stands_around_a_secret_stays_readable(loud: Run) -> None:
    line = loud.results["error_in_503"]["module"]["msg"]
    assert "zstack-ctl scan_database_backup --json --backup-storage-url ssh://root:***@" in line
