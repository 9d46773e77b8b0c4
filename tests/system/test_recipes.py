# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recipes in the guide, run as they are shown, and the files that ansible-runner writes."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.site import Site
from ansible_collections.zstack.cloud.tests.system.commands import run

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_recipes.rst"
# The guide has passwords of the shipped site.
SHIPPED = Site.load()
ACCOUNT_PASSWORD, STORAGE_PASSWORD = SHIPPED.accounts[0].password, SHIPPED.storages[0].password
OTHER_PASSWORD = SHIPPED.storages[2].password

# Backups with fixed times, so that each value is known.
SITE: dict[str, Any] = {
    "version": "4.8.30",
    "timezone": "Asia/Shanghai",
    "accounts": [{"name": "admin", "password": ACCOUNT_PASSWORD}],
    "storages": [
        {
            "username": "root",
            "password": STORAGE_PASSWORD,
            "host": "192.0.2.20",
            "path": "/zstack_bs",
            "backups": [
                {"created": "2026-05-05 02:00:09", "version": "4.7.21", "size": 81788928},
                {"created": "2026-05-06 02:00:11", "version": "4.8.30", "size": 94420992},
            ],
        },
        {
            "username": "zstack",
            "password": STORAGE_PASSWORD,
            "host": "192.0.2.21",
            "path": "/var/lib/zstack_bs",
            "backups": [{"created": "2019-03-02 23:30:04", "version": "3.2.0", "size": 21495808}],
        },
        {"username": "root", "password": STORAGE_PASSWORD, "host": "192.0.2.22", "path": "/zstack_bs"},
        {
            "username": "root",
            "password": OTHER_PASSWORD,
            "host": "192.0.2.23",
            "path": "/zstack_bs",
            "backups": [{"created": "2026-05-04 02:00:10", "version": "4.8.30", "size": 83476480}],
        },
    ],
}
NIGHTLY, OLD, EMPTY, LOCKED = (
    f"ssh://{each['username']}:***@{each['host']}{each['path']}" for each in SITE["storages"]
)
NEWEST = int(datetime.fromisoformat("2026-05-06T02:00:11+08:00").timestamp())
NEWEST_OLD = int(datetime.fromisoformat("2019-03-02T23:30:04+08:00").timestamp())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yml"
    path.write_text(yaml.safe_dump(SITE), encoding="utf-8")
    return path


@pytest.fixture
def fixed(site: Path) -> Iterator[Simulator]:
    """A node with the backups above."""
    with Simulator(site) as simulator:
        yield simulator


def blocks(title: str, language: str = "yaml") -> list[str]:
    """Return the code blocks in a section of the guide."""
    section = re.split(rf"^{title}\n[-~]+\n", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    section = re.split(r"^.+\n[-~]{3,}\n", section, flags=re.MULTILINE)[0]
    codes = re.findall(rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", section, flags=re.MULTILINE)
    return [dedent(code).rstrip() + "\n" for code in codes]


def recipe(title: str, number: int = -1) -> list[dict[str, Any]]:
    """Return a playbook in the guide; tasks become a play."""
    plays: list[dict[str, Any]] = yaml.safe_load(blocks(title)[number])
    is_play = {"hosts", "ansible.builtin.import_playbook"} & plays[0].keys()
    return plays if is_play else [{"hosts": "localhost", "gather_facts": False, "tasks": plays}]


def here(text: str, zstack: Simulator) -> str:
    return text.replace("zstack.example.com", zstack.host)


def play(
    plays: list[dict[str, Any]], zstack: Simulator, place: Path, *options: str, **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run a recipe with the variables that it reads."""
    variables = {
        "session": zstack.open_session(),
        "zstack_password": zstack.account[1],
        "storage_password": zstack.storages[0].password,
        "storage_url": zstack.storages[0].url_without_password,
        "storage_urls": [storage.url_without_password for storage in zstack.storages],
        "status_page": str(place / "status"),
        "metrics_file": str(place / "zstack.prom"),
        **variables,
    }
    (place / "play.yml").write_text(here(yaml.safe_dump(plays, width=1000), zstack), encoding="utf-8")
    (place / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    command = ("ansible-playbook", "play.yml", "-e", "@variables.yml", *options)
    return run(*command, place=place, ZSTACK_PORT=str(zstack.port))


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(template: str, zstack: Simulator, place: Path, **variables: Any) -> str:
    """Render a template in the guide."""
    (place / "template.j2").write_text(template, encoding="utf-8")
    render = {"src": "template.j2", "dest": str(place / "rendered"), "mode": "0600"}
    connection = {**zstack.variables, "zstack_storage_password": zstack.storages[0].password}
    tasks = [{"ansible.builtin.template": render, "vars": connection}]
    succeeded(play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], zstack, place, **variables))
    return (place / "rendered").read_text(encoding="utf-8")


def test_an_upgrade_is_stopped_without_a_recent_backup(zstack: Simulator, tmp_path: Path) -> None:
    gate = recipe("Stop before an upgrade")
    succeeded(play(gate, zstack, tmp_path))
    empty = zstack.storages[2]
    done = play(gate, zstack, tmp_path, storage_url=empty.url_without_password, storage_password=empty.password)
    assert done.returncode == 2
    assert "No backup from the last 24 hours on ssh://root:***@192.0.2.22/zstack_bs" in done.stdout
    assert "version 4.8.30. The newest backup was taken at an unknown time." in done.stdout


def test_a_missing_night_is_noticed(zstack: Simulator, tmp_path: Path) -> None:
    check = recipe("Detect missing backups")
    succeeded(play(check, zstack, tmp_path))
    empty = zstack.storages[2]
    done = play(check, zstack, tmp_path, storage_url=empty.url_without_password, storage_password=empty.password)
    assert done.returncode == 2
    assert "Assertion failed" in done.stdout


def test_a_summary_has_the_oldest_backup_the_total_size_and_the_versions(fixed: Simulator, tmp_path: Path) -> None:
    summary = blocks("Summarize a storage", "jinja")[0]
    assert rendered(summary, fixed, tmp_path).splitlines() == [
        "Oldest: 2026-05-05T02:00:09+08:00",
        "Total size: 168.05 MB",
        "Version 4.8.30: 1",
        "Version 4.7.21: 1",
    ]
    assert rendered(summary, fixed, tmp_path, storage_url=fixed.storages[2].url_without_password).splitlines() == [
        "Oldest: none",
        "Total size: 0.00 Bytes",
    ]


def test_the_list_is_written_as_json(fixed: Simulator, tmp_path: Path) -> None:
    succeeded(play(recipe("Write the list as JSON"), fixed, tmp_path))
    backups = json.loads((tmp_path / "status").read_text(encoding="utf-8"))
    assert [(backup["created_epoch"], backup["restorable"]) for backup in backups] == [
        (NEWEST, True),
        (NEWEST - 24 * 3600 - 2, False),
    ]


def test_a_template_shows_each_storage_and_why_one_failed(fixed: Simulator, tmp_path: Path) -> None:
    lines = rendered(blocks("Several storages", "jinja")[0], fixed, tmp_path).splitlines()
    assert lines[:3] == [
        f"{NIGHTLY}: 2026-05-06T02:00:11+08:00",
        f"{OLD}: 2019-03-02T23:30:04+08:00",
        f"{EMPTY}: no backup",
    ]
    assert lines[3].startswith(f"{LOCKED}: ")
    assert "Permission denied" in lines[3]


def test_a_loop_over_storages_goes_on_after_one_that_fails(fixed: Simulator, tmp_path: Path) -> None:
    output = succeeded(play(recipe("Several storages", 0), fixed, tmp_path, "-vvv"))
    for storage, total in ((NIGHTLY, 2), (OLD, 1), (EMPTY, 0)):
        assert f"(item={storage.replace(':***', '')}) => " in output
        assert f'"msg": "{total} backups"' in output
    assert "Permission denied" in output
    assert STORAGE_PASSWORD not in output


def test_a_loop_over_storages_with_passwords_of_their_own_shows_none(zstack: Simulator, tmp_path: Path) -> None:
    title = "Storages with different passwords"
    storages = yaml.safe_load(blocks(title)[0])
    output = succeeded(play(recipe(title), zstack, tmp_path, "-vvv", **storages))
    assert "ok: [localhost] => (item=192.0.2.20) => " in output
    assert "ok: [localhost] => (item=192.0.2.22) => " in output
    assert {storage["password"] for storage in storages["storages"]} == {STORAGE_PASSWORD, OTHER_PASSWORD}
    assert not exposed(output)


def test_the_lookup_takes_the_list_of_storages_with_their_passwords(zstack: Simulator, tmp_path: Path) -> None:
    storages = yaml.safe_load(blocks("Storages with different passwords")[0])
    [query] = re.findall(r"``(query\(.*\*storages\))``", GUIDE.read_text(encoding="utf-8"))
    template = "{{ " + query + " | map(attribute='total') | join(' ') }}"
    assert rendered(template, zstack, tmp_path, **storages) == f"{zstack.storages[0].total} 0"


def test_a_table_shows_the_platform_that_is_down_beside_the_others(fixed: Simulator, tmp_path: Path) -> None:
    inventory, table = blocks("Several platforms in one table")
    (tmp_path / "inventory.yml").write_text(here(inventory, fixed), encoding="utf-8")
    (tmp_path / "group_vars").mkdir()
    variables = {"zstack_password": ACCOUNT_PASSWORD, "storage_password": STORAGE_PASSWORD}
    variables["status_page"] = str(tmp_path / "table")
    (tmp_path / "group_vars" / "platforms.yml").write_text(yaml.safe_dump(variables))
    (tmp_path / "play.yml").write_text(table, encoding="utf-8")
    command = ("ansible-playbook", "-i", "inventory.yml", "play.yml")
    succeeded(run(*command, place=tmp_path, ZSTACK_PORT=str(fixed.port)))
    heading, up, down = (tmp_path / "table").read_text(encoding="utf-8").splitlines()
    shown = [line.split(maxsplit=2) for line in blocks("Several platforms in one table", "text")[0].splitlines()]
    assert heading.split() == shown[0]
    assert up.split() == ["shanghai", "2", "2026-05-06T02:00:11+08:00"]
    assert down.split(maxsplit=2)[:2] == shown[2][:2] == ["tokyo", "?"]
    # The guide shows the first words, with the default port.
    words = shown[2][2].removesuffix(" ...").replace("8080", str(fixed.port))
    assert down.split(maxsplit=2)[2].startswith(words)
    assert not fixed.sessions


def metrics(path: Path) -> dict[str, dict[str, float]]:
    """Return the values in a textfile, by the metric's name without its common start, and by storage."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.type == "gauge"
        assert family.documentation
        # node_exporter refuses a file with a metric twice, or with the same labels twice.
        name = family.name.removeprefix("zstack_db_backup_")
        assert name not in found
        values = found[name] = {}
        for sample in family.samples:
            assert sample.name == family.name
            assert sample.labels.keys() == {"storage"}
            storage = sample.labels["storage"]
            assert storage not in values
            values[storage] = sample.value
    return found


def test_metrics_have_the_values_of_each_storage(fixed: Simulator, tmp_path: Path) -> None:
    started = int(time.time())
    succeeded(play(recipe("Metrics for Prometheus"), fixed, tmp_path))
    ended = time.time()
    found = metrics(tmp_path / "zstack.prom")
    scanned = found.pop("scan_timestamp_seconds")
    assert scanned.keys() == {NIGHTLY, OLD, EMPTY, LOCKED}
    assert all(started <= moment <= ended for moment in scanned.values())
    assert found == {
        "scan_success": {NIGHTLY: 1, OLD: 1, EMPTY: 1, LOCKED: 0},
        "count": {NIGHTLY: 2, OLD: 1, EMPTY: 0},
        "newest_timestamp_seconds": {NIGHTLY: NEWEST, OLD: NEWEST_OLD},
        "newest_size_bytes": {NIGHTLY: 94420992, OLD: 21495808},
        "newest_restorable": {NIGHTLY: 1, OLD: 0},
    }


def test_metrics_of_a_node_that_is_down_say_that_no_scan_succeeded(fixed: Simulator, tmp_path: Path) -> None:
    fixed.inject("closed_before_reply", on="login")
    succeeded(play(recipe("Metrics for Prometheus"), fixed, tmp_path))
    found = metrics(tmp_path / "zstack.prom")
    assert found.pop("scan_timestamp_seconds").keys() == {NIGHTLY, OLD, EMPTY, LOCKED}
    assert found.pop("scan_success") == dict.fromkeys((NIGHTLY, OLD, EMPTY, LOCKED), 0)
    assert not any(found.values())


def test_metrics_name_a_storage_in_any_script(fixed: Simulator, tmp_path: Path) -> None:
    url = "ssh://root@192.0.2.20/备份"
    succeeded(play(recipe("Metrics for Prometheus"), fixed, tmp_path, storage_urls=[url]))
    assert metrics(tmp_path / "zstack.prom")["scan_success"].keys() == {"ssh://root:***@192.0.2.20/备份"}


def test_the_metrics_file_is_replaced_at_once(fixed: Simulator, tmp_path: Path) -> None:
    file, reader = tmp_path / "zstack.prom", tmp_path / "reader"
    file.write_text("old\n")
    reader.hardlink_to(file)
    succeeded(play(recipe("Metrics for Prometheus"), fixed, tmp_path))
    assert reader.read_text() == "old\n"
    assert len(metrics(file)) == 6


def cache(place: Path) -> dict[str, Any]:
    """Return the contents of the recipe's cache, which must not include a secret."""
    [file] = (place / ".ansible" / "facts").iterdir()
    text = file.read_text(encoding="utf-8")
    assert not exposed(text)
    facts = json.loads(text)
    found: dict[str, Any] = json.loads(facts["__payload__"]) if "__payload__" in facts else facts
    return found


def caching(place: Path) -> list[dict[str, Any]]:
    """Return the recipe, after its settings were written."""
    title = "Backups as cached facts"
    (place / "ansible.cfg").write_text(blocks(title, "ini")[0], encoding="utf-8")
    return recipe(title)


def test_cached_backups_are_used_without_another_scan(zstack: Simulator, tmp_path: Path) -> None:
    gate = caching(tmp_path)
    succeeded(play(gate, zstack, tmp_path))
    assert cache(tmp_path)["zstack_db_backups"]["total"] == zstack.storages[0].total
    zstack.clear()
    succeeded(play(gate, zstack, tmp_path))
    assert not zstack.requests


def test_the_age_of_a_cached_backup_is_its_age_now(tmp_path: Path) -> None:
    # A scan of yesterday: the server's clock is 25 hours behind that of this machine.
    with Simulator(clock_offset=-25 * 3600) as zstack:
        done = play(caching(tmp_path), zstack, tmp_path)
    newest = cache(tmp_path)["zstack_db_backups"]["latest"]
    assert newest["age_seconds"] < 24 * 3600
    assert done.returncode == 2
    assert f"The newest backup was taken at {newest['created_at']}." in done.stdout


def test_a_cached_backup_of_the_future_or_of_no_time_does_not_pass(tmp_path: Path) -> None:
    with Simulator(clock_offset=48 * 3600) as zstack:
        assert play(caching(tmp_path), zstack, tmp_path).returncode == 2
        assert cache(tmp_path)["zstack_db_backups"]["latest"]["age_seconds"] < 24 * 3600
        shutil.rmtree(tmp_path / ".ansible" / "facts")
        empty = zstack.storages[2]
        options = {"storage_url": empty.url_without_password, "storage_password": empty.password}
        done = play(caching(tmp_path), zstack, tmp_path, **options)
    assert done.returncode == 2
    assert "The newest backup was taken at an unknown time." in done.stdout


def exposed(text: str) -> set[str]:
    """Return the secrets that a text shows."""
    secrets = {ACCOUNT_PASSWORD, STORAGE_PASSWORD, OTHER_PASSWORD}
    return {secret for secret in secrets if secret in text or quote(secret) in text}


def exposing(folder: Path) -> set[str]:
    """Return the files in a folder that show a secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return {str(path.relative_to(folder)) for path in files if exposed(path.read_text(encoding="utf-8"))}


TITLE = "Run a job as AWX does"


@pytest.fixture
def job(zstack: Simulator, tmp_path: Path) -> Path:
    """The directory of a job, made as the guide says."""
    extravars, playbook = blocks(TITLE)
    for path, text in (("env/extravars", extravars), ("project/playbook.yml", playbook)):
        assert f"``job/{path}``" in GUIDE.read_text(encoding="utf-8")
        (tmp_path / "job" / path).parent.mkdir(parents=True)
        (tmp_path / "job" / path).write_text(here(text, zstack), encoding="utf-8")
    return tmp_path / "job"


def mesh(zstack: Simulator, place: Path) -> str:
    """Run the guide's command, and return what it showed. Only the worker finds this collection and the node."""
    [command] = blocks(TITLE, "bash")
    # Instead of ssh and the name of another machine.
    there = shlex.join(
        ["env", f"ANSIBLE_COLLECTIONS_PATH={os.environ['ANSIBLE_COLLECTIONS_PATH']}", f"ZSTACK_PORT={zstack.port}"]
    )
    command = command.replace("ansible-runner worker", f"{there} ansible-runner worker")
    output = succeeded(run("bash", "-e", "-c", command, place=place, ANSIBLE_COLLECTIONS_PATH="/nowhere"))
    kept = (place / "result" / "artifacts" / "stdout").read_text(encoding="utf-8")
    assert output.split() == kept.split()
    return output


def test_a_job_runs_in_a_mesh(zstack: Simulator, job: Path) -> None:
    output = mesh(zstack, job.parent)
    assert f"The newest of {zstack.storages[0].total} backups" in output
    assert (job.parent / "result" / "artifacts" / "rc").read_text() == "0"
    assert not exposing(job.parent / "result")
    assert not (job / "artifacts").exists()
    assert zstack.paths.count("/v1/database-backups/image-store") == 1
    assert not zstack.sessions


def test_a_job_that_fails_in_a_mesh_has_its_exit_code_and_reason_in_the_result(zstack: Simulator, job: Path) -> None:
    zstack.inject("error_quotes_in_every_way")
    output = mesh(zstack, job.parent)
    assert "GetDatabaseBackupFromImageStore" in output
    assert (job.parent / "result" / "artifacts" / "rc").read_text() == "2"
    assert not exposing(job.parent / "result")


def test_runner_keeps_passwords_of_vaulted_extravars_out_of_its_files(zstack: Simulator, job: Path) -> None:
    (job.parent / "vault").write_text("correct horse battery staple")
    vault = ("--vault-password-file", str(job.parent / "vault"))
    succeeded(run("ansible-vault", "encrypt", *vault, "job/env/extravars", place=job.parent))
    # The module and the cache of facts, too.
    options = {
        "account_name": "{{ zstack_account_name }}",
        "account_password": "{{ zstack_account_password }}",
        "host": "{{ zstack_host }}",
        "storage_password": "{{ zstack_storage_password }}",
        "url": "{{ zstack_storage_url }}",
    }
    tasks = [{"zstack.cloud.zstack_db_backup_facts": options}]
    playbook = job / "project" / "playbook.yml"
    facts = yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    playbook.write_text(playbook.read_text(encoding="utf-8") + facts, encoding="utf-8")
    command = ("ansible-runner", "run", "job", "-p", "playbook.yml", "-i", "1", "-vvv", "--cmdline", " ".join(vault))
    output = succeeded(run(*command, place=job.parent, ZSTACK_PORT=str(zstack.port)))
    assert f"The newest of {zstack.storages[0].total} backups" in output
    [cached] = (job / "artifacts" / "1" / "fact_cache").iterdir()
    assert "zstack_db_backups" in cached.read_text(encoding="utf-8")
    assert not exposing(job)


def test_runner_writes_the_environment_into_the_file_command(zstack: Simulator, job: Path) -> None:
    extravars = yaml.safe_load((job / "env" / "extravars").read_text(encoding="utf-8"))
    (job / "env" / "extravars").unlink()
    exported = {name.upper(): value for name, value in extravars.items()}
    command = ("ansible-runner", "run", "job", "-p", "playbook.yml", "-i", "1", "-vvv")
    succeeded(run(*command, place=job.parent, ZSTACK_PORT=str(zstack.port), **exported))
    assert exposing(job) == {"artifacts/1/command"}


def test_runner_puts_extravars_onto_the_command_line_without_files_for_them(zstack: Simulator, job: Path) -> None:
    extravars = yaml.safe_load((job / "env" / "extravars").read_text(encoding="utf-8"))
    (job / "env" / "extravars").unlink()
    for suppress in (False, True):
        options = {"playbook": "playbook.yml", "ident": "1", "extravars": extravars, "suppress_env_files": suppress}
        program = f"import ansible_runner as r; print(r.run(private_data_dir='job', **{options!r}).rc)"
        output = succeeded(run(sys.executable, "-c", program, place=job.parent, ZSTACK_PORT=str(zstack.port)))
        assert output.splitlines()[-1] == "0"
        assert exposing(job) == {"artifacts/1/command" if suppress else "env/extravars"}
        (job / "env" / "extravars").unlink(missing_ok=True)


def test_what_is_sent_over_a_mesh_can_be_read_on_the_way(zstack: Simulator, job: Path) -> None:
    environment = {"ZSTACK_PORT": str(zstack.port), "ELSEWHERE": OTHER_PASSWORD}
    command = "ansible-runner transmit job -p playbook.yml | tee there | ansible-runner worker > back"
    succeeded(run("bash", "-e", "-o", "pipefail", "-c", command, place=job.parent, **environment))
    there, back = ((job.parent / name).read_bytes() for name in ("there", "back"))
    archive = base64.b64decode(there.splitlines()[2].partition(b"{")[0])
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert exposed(files.read("env/extravars").decode()) == {ACCOUNT_PASSWORD, STORAGE_PASSWORD}
    lines = [json.loads(line) for line in back.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    assert lines[0]["status"] == "starting"
    assert lines[0]["env"]["ELSEWHERE"] == OTHER_PASSWORD
