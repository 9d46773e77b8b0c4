# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults in a playbook with the module and the lookup, whose output must not show a secret.

Only those that quote the request, because the unit tests inject all faults; all of them in the long variant. One run of
ansible-playbook serves all tests: each fault is a host of its inventory, with a simulator of its own.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system import commands

pytestmark = pytest.mark.xdist_group("playbooks")

# The Python of the module: hosts may have an older one than Ansible, and an older requests.
MODULE_PYTHON = os.environ.get("MODULE_PYTHON", sys.executable)
# Characters that URLs, shells, JSON, HTML and YAML have to quote, between words that do not occur elsewhere.
WORDS = (
    "Zürich",
    "Äpfel",
    "Łódź",
    "Ягода",
    "Ünder",
    "Øresund",
    "Straße",
    "Cœur",
    "Ñandú",
    "Kéfir",
    "Façade",
    "夜班夜班",
)
STORAGE_PASSWORD = "Zürich'Äpfel\"Łódź\\Ягода $Ünder&Øresund<Straße>Cœur=Ñandú%25Kéfir+Façade~夜班夜班"
METHODS = ("account", "session", "access_key")
# The options that a method needs in addition.
ZONES = {"access_key": {"timezone": "Asia/Shanghai"}}
# The faults whose responses quote the request, or the command line with the storage's URL.
QUOTING = (
    "plain_500",
    "html_that_quotes_the_request",
    "error_in_503",
    "error_quotes_in_every_way",
    "session_expired",
    "illegal_url",
)
FAULTS = catalogue() if LONG else {name: catalogue()[name] for name in (*QUOTING, "odd_header_line")}

# Either the module or the lookup gets the password in the URL, the other one gets it in storage_password.
PLAYBOOK = """
- hosts: all
  connection: local
  gather_facts: false
  strategy: ansible.builtin.free
  vars:
    both: >-
      {{ {'host': '127.0.0.1', 'port': zstack_at, 'retries': 0, 'timeout': patience, 'limit': 20}
      | combine(credentials, client) }}
  tasks:
    - zstack.cloud.zstack_db_backup_info:
        url: "{{ url if password_in == 'module_url' else url_without_password }}"
        storage_password: "{{ omit if password_in == 'module_url' else password }}"
        host: "{{ both.host }}"
        port: "{{ both.port }}"
        use_ssl: "{{ both.use_ssl | default(omit) }}"
        retries: "{{ both.retries }}"
        timeout: "{{ both.timeout }}"
        limit: "{{ both.limit }}"
        timezone: "{{ both.timezone | default(omit) }}"
        session_uuid: "{{ both.session_uuid | default(omit) }}"
        account_name: "{{ both.account_name | default(omit) }}"
        account_password: "{{ both.account_password | default(omit) }}"
        access_key_id: "{{ both.access_key_id | default(omit) }}"
        access_key_secret: "{{ both.access_key_secret | default(omit) }}"
      no_log: "{{ quiet }}"
      ignore_errors: true
      register: by_module
    - ansible.builtin.set_fact:
        by_lookup: "{{ lookup('zstack.cloud.zstack_db_backup', term, **options) }}"
      vars:
        term: "{{ url if password_in == 'lookup_url' else url_without_password }}"
        options: "{{ both | combine({} if password_in == 'lookup_url' else {'storage_password': password}) }}"
      no_log: "{{ quiet }}"
      ignore_errors: true
      register: lookup_task

- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ dict(groups.all | zip(modules | zip(lookups, lookup_tasks))) | to_json }}"
        dest: "{{ playbook_dir }}/results.json"
        mode: "0600"
      vars:
        hosts: "{{ groups.all | map('extract', hostvars) }}"
        modules: "{{ hosts | map(attribute='by_module') }}"
        lookups: "{{ hosts | map(attribute='by_lookup', default={}) }}"
        lookup_tasks: "{{ hosts | map(attribute='lookup_task') }}"
"""


@dataclass(frozen=True)
class Host:
    """A host of the inventory."""

    fault: Fault | None = None
    method: str = "account"
    password_in: str = "module_url"  # or lookup_url


@dataclass(frozen=True)
class Run:
    """The results of a run of the playbook."""

    results: dict[str, dict[str, Any]]  # by host: what module and lookup returned
    outputs: dict[str, str]  # everything that can be read, by its place
    servers: dict[str, str]  # by host: address and port
    sessions_left: dict[str, bool]
    secrets: set[str]


def run(place: Path, hosts: dict[str, Host], quiet: bool) -> Run:
    """Run the playbook with the highest verbosity."""
    with ExitStack() as stack:
        simulators: dict[str, Simulator] = {}
        inventory: dict[str, dict[str, Any]] = {}
        for name, host in hosts.items():
            zstack = simulators[name] = stack.enter_context(Simulator(storage_password=STORAGE_PASSWORD))
            if host.fault and host.fault.injection:
                zstack.inject(host.fault.name)
            inventory[name] = {
                "zstack_at": zstack.port,
                "url": zstack.storage_url,
                "url_without_password": zstack.storages[0].url_without_password,
                "password": STORAGE_PASSWORD,
                "password_in": host.password_in,
                "credentials": zstack.credentials(host.method) | ZONES.get(host.method, {}),
                "client": dict(host.fault.client) if host.fault else {},
                "patience": 10 if host.fault and host.fault.waits else HANGS,
                "quiet": quiet,
                "ansible_python_interpreter": MODULE_PYTHON,
            }
        (place / "playbook.yml").write_text(PLAYBOOK)
        (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": inventory}}))
        done = commands.run(
            *("ansible-playbook", "-vvvvv", "-i", "inventory.yml", "playbook.yml"),
            place=place,
            ANSIBLE_LOG_PATH=str(place / "ansible.log"),
            ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit",
            JUNIT_OUTPUT_DIR=str(place / "junit"),
            ANSIBLE_FORKS="8",
            ANSIBLE_PIPELINING=str(not quiet),  # in one of the two runs, for speed
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        left = json.loads((place / "results.json").read_text())
        assert left.keys() == hosts.keys()
        written = [place / "ansible.log", place / "results.json", *(place / "junit").iterdir()]
        outputs = {path.name: path.read_text() for path in written}
        seen = [
            request.headers.get("Authorization", "") for zstack in simulators.values() for request in zstack.requests
        ]
        sessions = {header.removeprefix("OAuth ") for header in seen if header.startswith("OAuth ")}
        account_password, key_secret = (
            simulators["success_account"].account[1],
            simulators["success_account"].access_key[1],
        )
        digest = hashlib.sha512(account_password.encode()).hexdigest()
        return Run(
            results={
                name: {"module": module, "lookup": found or failed} for name, (module, found, failed) in left.items()
            },
            outputs={**outputs, "stdout": done.stdout, "stderr": done.stderr},
            servers={name: f"{zstack.host}:{zstack.port}" for name, zstack in simulators.items()},
            sessions_left={
                name: any(uuid != inventory[name]["credentials"].get("session_uuid") for uuid in zstack.sessions)
                for name, zstack in simulators.items()
            },
            secrets={account_password, key_secret, digest, *WORDS, *sessions},
        )


def readings(text: str) -> Iterator[str]:
    """Yield the letters and digits of a text, as it is and decoded again and again: URLs, HTML, escapes."""
    for _number in range(5):
        yield re.sub(r"[\W_]+", "", text).lower()
        text = re.sub(r"\\+[nrt]", " ", text)
        text = re.sub(r"(?i)\\+u(d[89ab][0-9a-f]{2})\\+u(d[c-f][0-9a-f]{2})", _surrogates, text)
        text = re.sub(
            r"\\+u([0-9A-Fa-f]{4})|\\+U([0-9A-Fa-f]{8})", lambda match: chr(int(match[1] or match[2], 16)), text
        )
        text = re.sub(r"(?:\\+x[0-9A-Fa-f]{2})+", lambda match: _decoded(re.sub(r"\\+x", "", match[0])), text)
        text = unquote(html.unescape(text))


def _surrogates(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")


def _decoded(digits: str) -> str:
    return bytes.fromhex(digits).decode(errors="replace")


def shown(secrets: set[str], text: str) -> set[str]:
    """Return the secrets that somebody who reads the text can find, however they are quoted."""
    sought = {secret: set(readings(secret)) for secret in secrets}
    return {
        secret
        for reading in readings(text)
        for secret, spellings in sought.items()
        if any(spelling in reading for spelling in spellings)
    }


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run without no_log."""
    hosts = {name: Host(fault) for name, fault in FAULTS.items()}
    for number, method in enumerate(METHODS):
        hosts[f"success_{method}"] = Host(method=method)
        quoting = QUOTING if LONG else QUOTING[number :: len(METHODS)]
        hosts |= {f"{name}_{method}": Host(catalogue()[name], method, "lookup_url") for name in quoting}
    hosts["odd_header_line_in_lookup"] = Host(catalogue()["odd_header_line"], password_in="lookup_url")
    return run(tmp_path_factory.mktemp("loud"), hosts, quiet=False)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with no_log."""
    hosts = {"success_account": Host(), **{name: Host(catalogue()[name]) for name in QUOTING[::2]}}
    return run(tmp_path_factory.mktemp("quiet"), hosts, quiet=True)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_module_and_lookup_end_alike_in_a_playbook(fault: Fault, loud: Run) -> None:
    module, lookup = loud.results[fault.name]["module"], loud.results[fault.name]["lookup"]
    assert bool(module.get("failed")) == bool(lookup.get("failed")) == (fault.expect == "failed")
    if fault.expect == "ok":
        assert module["count"] == lookup["count"] == len(module["backups"])
        return
    assert (module["status"], module["error"]["code"]) == (fault.status, fault.code)
    for line in (module["msg"], lookup["msg"]):
        assert all(words in line for words in fault.says)
        assert len(line.splitlines()) == 1
        assert module["error"]["server"] in line
    assert len(module["msg"]) < 2000
    assert module["msg"].isprintable()
    assert "Traceback" not in module.get("exception", "")


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS.values() if fault.expect == "failed"], ids=lambda fault: fault.name
)
def test_a_failure_returns_the_server_and_the_storage(fault: Fault, loud: Run) -> None:
    error = loud.results[fault.name]["module"]["error"]
    server = "{host}:{port}".format(**fault.client) if "port" in fault.client else loud.servers[fault.name]
    assert error["server"] == server.replace("127.0.0.1", fault.client.get("host", "127.0.0.1"))
    # The storage is named once the scan has begun.
    assert error["storage"] == (
        "ssh://root:***@192.0.2.20/zstack_bs" if fault.call == "scan" and fault.injection else None
    )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_session_of_ours_stays_after_a_playbook(fault: Fault, loud: Run) -> None:
    assert loud.sessions_left[fault.name] == fault.leaves_session


@pytest.mark.parametrize("runs", ["loud", "quiet"])
def test_no_output_at_any_verbosity_shows_a_secret(runs: str, request: pytest.FixtureRequest) -> None:
    result: Run = request.getfixturevalue(runs)
    assert len(result.secrets) > len(WORDS) + len(result.results) / 2
    assert not {place: found for place, text in result.outputs.items() if (found := shown(result.secrets, text))}


@pytest.mark.parametrize(
    "text",
    [
        STORAGE_PASSWORD,
        quote(STORAGE_PASSWORD),
        quote(quote(quote(quote(STORAGE_PASSWORD)))),
        json.dumps(json.dumps(STORAGE_PASSWORD)),
        html.escape(quote(json.dumps(STORAGE_PASSWORD))),
        shlex.quote(shlex.quote(STORAGE_PASSWORD)),
        repr(STORAGE_PASSWORD.encode()),
    ],
)
def test_the_search_for_secrets_finds_them_in_every_spelling(text: str) -> None:
    assert shown(set(WORDS), text) == set(WORDS)


def test_what_stands_around_a_secret_stays_readable(loud: Run) -> None:
    line = loud.results["error_in_503"]["module"]["msg"]
    assert (
        "zstack-ctl scan_database_backup --json --backup-storage-url ssh://root:***@192.0.2.20/zstack_bs -p 8000"
        in line
    )
    assert "sshpass -p '***' ssh -p 22" in line


def test_what_an_http_library_logs_in_the_controller_is_logged_without_the_password(loud: Run) -> None:
    lines = [line for line in loud.outputs["ansible.log"].splitlines() if "Failed to parse headers" in line]
    assert len(lines) == 2
    assert all("url=ssh%3A%2F%2Froot%3A***%40192.0.2.20" in line for line in lines), lines
