# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults in a playbook with the module and the lookup, whose output must not show a secret.

Only those that quote the request, because the unit tests inject all faults; all of them in the long variant. One run of
ansible-playbook serves all tests: each fault is a host of its inventory, with a simulator of its own.
"""

from __future__ import annotations

import html
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.tests.limits import HANGS, LONG
from ansible_collections.zstack.cloud.tests.simulator import Fault, Simulator, catalogue
from ansible_collections.zstack.cloud.tests.system.commands import play, save, saved, tasks
from ansible_collections.zstack.cloud.tests.system.leaks import leaks, shown, words

pytestmark = pytest.mark.xdist_group("playbooks")

# The Python of the module: hosts may have an older one than Ansible, and an older requests.
MODULE_PYTHON = os.environ.get("MODULE_PYTHON", sys.executable)
# Characters that URLs, shells, JSON, HTML and YAML have to quote, between words that do not occur elsewhere.
STORAGE_PASSWORD = "Zürich'Äpfel\"Łódź\\Ягода $Ünder&Øresund<Straße>Cœur=Ñandú%25Kéfir+Façade~夜班夜班"
# The faults whose responses quote the request, or the command line with the storage's URL.
QUOTING = (
    *("plain_500", "html_that_quotes_the_request", "error_in_503", "error_quotes_in_every_way", "session_expired"),
    *("illegal_url", "odd_header_line"),
)
FAULTS = catalogue() if LONG else {name: catalogue()[name] for name in QUOTING}


class Host(NamedTuple):
    """A host of the inventory. One of module and lookup has the password in its URL, the other in storage_password."""

    fault: Fault | None = None
    method: str = "account"
    password_in_url_of: str = "module"

    def variables(self, zstack: Simulator) -> dict[str, Any]:
        storage, fault = zstack.storages[0], self.fault
        options = {"host": zstack.host, "port": zstack.port, "retries": 0, "limit": 20}
        options |= {"timeout": 10 if fault and fault.waits else HANGS, **zstack.credentials(self.method)}
        options |= {"timezone": "Asia/Shanghai"} if self.method == "access_key" else {}
        options |= fault.client if fault else {}
        whole, separate = (
            {"url": storage.url},
            {"url": storage.url_without_password, "storage_password": storage.password},
        )
        is_module = self.password_in_url_of == "module"
        return {
            "module_options": {**options, **(whole if is_module else separate)},
            "lookup_options": {**options, **(separate if is_module else whole)},
            "ansible_connection": "local",
            "ansible_python_interpreter": MODULE_PYTHON,
        }


def hosts() -> dict[str, Host]:
    others = cycle(method for method in AUTH_METHODS if method != "account")
    return {
        **{name: Host(fault) for name, fault in FAULTS.items()},
        **{f"{name}_in_lookup": Host(catalogue()[name], next(others), "lookup") for name in QUOTING},
        **{f"success_{method}": Host(method=method) for method in AUTH_METHODS},
    }


LOOKUP = "{{ lookup('zstack.cloud.zstack_db_backup', lookup_options.url, **options) }}"
PLAYBOOK = [
    *tasks(
        {"zstack.cloud.zstack_db_backup_info": {}, "register": "by_module", "ignore_errors": True},
        {
            "ansible.builtin.set_fact": {"by_lookup": LOOKUP},
            "vars": {"options": "{{ lookup_options | dict2items | rejectattr('key', '==', 'url') | items2dict }}"},
            "register": "lookup_task",
            "ignore_errors": True,
        },
        hosts="all",
        strategy="ansible.builtin.free",
        module_defaults={"zstack.cloud.zstack_db_backup_info": "{{ module_options }}"},
    ),
    *tasks(
        save("dict(groups.all | zip(modules | zip(lookups)))"),
        vars={
            "hosts": "{{ groups.all | map('extract', hostvars) }}",
            "modules": "{{ hosts | map(attribute='by_module') }}",
            "lookups": "{{ hosts | map(attribute='lookup_task') }}",
        },
    ),
]


class Run(NamedTuple):
    results: dict[str, tuple[dict[str, Any], dict[str, Any]]]  # by host: what module and lookup returned
    outputs: dict[str, str]  # everything that can be read, by its place
    leaks: dict[str, set[str]]
    sessions_left: dict[str, bool]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run with the highest verbosity."""
    place = tmp_path_factory.mktemp("run")
    with ExitStack() as stack:
        nodes: dict[str, Simulator] = {}
        inventory = {}
        for name, host in hosts().items():
            nodes[name] = zstack = stack.enter_context(Simulator(storage_password=STORAGE_PASSWORD))
            inventory[name] = host.variables(zstack)
            if host.fault and host.fault.injection:
                zstack.inject(host.fault.name)
        env: dict[str, Any] = {
            "ANSIBLE_LOG_PATH": str(place / "ansible.log"),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
            "JUNIT_OUTPUT_DIR": str(place / "junit"),
            "ANSIBLE_FORKS": "8",
        }
        outputs = {"printed": play(place, PLAYBOOK, "-vvvvv", inventory={"hosts": inventory}, **env)}
        written = [place / "ansible.log", place / "saved.json", *(place / "junit").iterdir()]
        outputs |= {path.name: path.read_text() for path in written}
        yield Run(
            results={
                name: (module, lookup.get("ansible_facts", {}).get("by_lookup", lookup))
                for name, (module, lookup) in saved(place).items()
            },
            outputs=outputs,
            leaks={name: found for name, text in outputs.items() if (found := leaks(text, *nodes.values()))},
            sessions_left={
                name: not zstack.sessions.keys() <= {inventory[name]["module_options"].get("session_uuid")}
                for name, zstack in nodes.items()
            },
        )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_module_and_lookup_end_alike_in_a_playbook(fault: Fault, ran: Run) -> None:
    module, lookup = ran.results[fault.name]
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


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_session_of_ours_stays_after_a_playbook(fault: Fault, ran: Run) -> None:
    assert ran.sessions_left[fault.name] == fault.leaves_session


def test_no_output_at_any_verbosity_shows_a_secret(ran: Run) -> None:
    assert len(ran.outputs) >= 4
    assert "GetDatabaseBackupFromImageStore" in ran.outputs["printed"]
    assert ran.leaks == {}


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
    assert len(words(STORAGE_PASSWORD)) == 12
    assert shown(words(STORAGE_PASSWORD), text) == words(STORAGE_PASSWORD)


def test_what_stands_around_a_secret_stays_readable(ran: Run) -> None:
    line = ran.results["error_in_503"][0]["msg"]
    command = "zstack-ctl scan_database_backup --json --backup-storage-url ssh://root:***@192.0.2.20/zstack_bs -p 8000"
    assert command in line
    assert "sshpass -p '***' ssh -p 22" in line


def test_the_http_libraries_write_nothing_to_the_log_of_the_controller(ran: Run) -> None:
    assert "urllib3" not in ran.outputs["ansible.log"]
