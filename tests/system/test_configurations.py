# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything works alike under everyone's configuration: each folder in configurations/ is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.zstack.cloud.tests.browser.pages import NOW
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import frozen, options_for, run
from ansible_collections.zstack.cloud.tests.system.leaks import leaks

FOLDER = Path(__file__).with_name("configurations")
#: Two in one, since each run takes about ten seconds.
QUICK = "any_errors_fatal+become_variable"
CONFIGURATIONS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if LONG else [QUICK]
#: The one that all others are compared with.
FIRST = "plain" if LONG else QUICK
MODULE_PYTHON = os.environ.get("MODULE_PYTHON", sys.executable)
#: What differs from one run to the next, or describes how a task ran.
OTHER = ("invocation", "ansible_job_id", "started", "finished", "results_file", "stdout", "stderr", "warnings")

pytestmark = pytest.mark.xdist_group("configurations")


class Outcome(NamedTuple):
    results: dict[str, Any]
    text: list[str]
    page: list[str]


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Simulator]]:
    with frozen(NOW) as first, frozen(NOW) as second:
        yield [first, second]


@pytest.fixture(scope="module")
def first(nodes: list[Simulator], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_under(FIRST, nodes, tmp_path_factory.mktemp(FIRST))


def run_under(configuration: str, nodes: list[Simulator], place: Path) -> Outcome:
    """Run everything under a configuration, and return what it leaves."""
    for name in configuration.split("+"):
        shutil.copytree(FOLDER / name, place, dirs_exist_ok=True)
    shutil.copy(FOLDER / "run.yml", place)
    variables = {**options_for(nodes[0], 0), "zstack_retries": 0}
    url = variables.pop("zstack_storages")[0]
    del variables["zstack_host"]
    hosts = {f"node{number}": zstack.variables for number, zstack in enumerate(nodes, start=1)}
    hosts["broken"] = {"zstack_host": "127.0.0.1", "zstack_port": 9}
    hosts["invalid"] = {"zstack_host": "10.0.0.1:8080"}
    variables |= {
        "ansible_connection": "local",
        "ansible_async_dir": str(place / "async"),
        "ansible_python_interpreter": MODULE_PYTHON,
        "report_db_backups_dest": str(place / "page.html"),
    }
    inventory = {"all": {"hosts": {**hosts, "localhost": nodes[0].variables}, "vars": variables}}
    (place / "hosts.yml").write_text(yaml.safe_dump(inventory))
    done = run("ansible-playbook", "run.yml", "-i", "hosts.yml", place=place, code=2, ZSTACK_STORAGE_URL=url)
    assert (place / "page.html").exists(), done.stdout + done.stderr
    files = [path for path in place.rglob("*") if path.is_file() and path.name != "hosts.yml"]
    output = "".join(path.read_text(errors="replace") for path in files) + done.stdout + done.stderr
    # With ANSIBLE_DEBUG, ansible-core itself shows the arguments of modules, or since 2.22 the secrets in them.
    if configuration != "debug":
        assert leaks(output, *nodes) == set()
    assert "Traceback" not in output
    results = json.loads((place / "results.json").read_text())
    # The page shows the time of this machine for the host that does not answer.
    files = [place / "page.txt", place / "page.html"]
    pages = [re.sub(r"\d\d:\d\d", "", path.read_text("utf-8")).splitlines() for path in files]
    return Outcome(without_other(results), *pages)


def without_other(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_other(each)
            for key, each in value.items()
            if key not in OTHER and not key.startswith(("ansible_", "_ansible", "std"))
        }
    return [without_other(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_everything_works_alike_under_each_configuration(
    configuration: str, nodes: list[Simulator], first: Outcome, tmp_path: Path
) -> None:
    ours = first if configuration == FIRST else run_under(configuration, nodes, tmp_path)
    results = ours.results
    assert results["module"]["count"] == nodes[0].storages[0].total
    for other in ("background", "checked", "facts", "lookup", "list"):
        assert {**results["module"], **results[other]} == results["module"], other
    assert results["stores"][0] == results["stores"][1] != []
    assert [verdict["passed"] for verdict in results["verdicts"]] == [True, True]
    for words in ("connection refused", "host must not include a port: set port to 8080"):
        assert words in "".join(ours.page)
    for one, expected in zip(ours, first):
        assert one == expected
