# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide *Mail, chat and Prometheus* sends and writes, and the files that ansible-runner writes."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import exported, options_for, play, run
from ansible_collections.zstack.cloud.tests.system.leaks import leaks
from ansible_collections.zstack.cloud.tests.system.test_examples import NOTIFY, blocks, variables_of


def play_recipe(name: str, zstack: Simulator, place: Path, **variables: Any) -> None:
    """Run the guide's playbook that begins with a play of this name, for a storage that passes and one that fails."""
    [text] = [text for language, text in blocks(NOTIFY) if text.startswith(f"- name: {name}")]
    variables = {**variables_of(zstack, place), **options_for(zstack, 0, 3), **variables}
    play(place, yaml.safe_load(text), variables=variables)


def test_metrics_have_the_verdict_of_the_platform_and_the_newest_backups(zstack: Simulator, tmp_path: Path) -> None:
    started = int(time.time())
    play_recipe("Export metrics about the backups", zstack, tmp_path)
    families = list(text_string_to_metric_families((tmp_path / "zstack.prom").read_text(encoding="utf-8")))
    # node_exporter refuses a file with a metric twice.
    assert len({family.name for family in families}) == len(families)
    found = {
        family.name.removeprefix("zstack_db_backup_"): {
            sample.labels.get("storage"): sample.value
            for sample in family.samples
            if sample.labels["platform"] == zstack.host
        }
        for family in families
    }
    assert found["passed"] == {None: 0}
    assert started <= found["checked_timestamp_seconds"][None] <= time.time()
    newest = found["newest_timestamp_seconds"]
    assert list(newest) == ["192.0.2.20/zstack_bs", "192.0.2.30/zstack_bs"]
    assert newest["192.0.2.20/zstack_bs"] - newest["192.0.2.30/zstack_bs"] >= 2 * 24 * 3600


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """The URL of a chat service, and the messages that it has received."""
    messages: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", messages
        server.shutdown()


def test_the_reasons_are_posted_to_a_chat(zstack: Simulator, webhook: tuple[str, list[Any]], tmp_path: Path) -> None:
    url, messages = webhook
    play_recipe("Post the verdict if it is bad", zstack, tmp_path, chat_webhook=url)
    [message] = messages
    summary, *reasons = message["text"].splitlines()
    assert summary == "NOT ready for an upgrade: 1 of 2 storages passed (required: all)."
    assert all(reason.startswith("192.0.2.30/zstack_bs: newest is ") for reason in reasons)
    assert len(reasons) == 2


def test_the_report_is_mailed_once_and_then_only_if_it_has_changed(zstack: Simulator, tmp_path: Path) -> None:
    sendmail, sent = tmp_path / "sendmail", tmp_path / "sent"
    sendmail.write_text(f"#!/bin/sh\ncat >> {shlex.quote(str(sent))}\n")
    sendmail.chmod(0o755)
    for _dummy in range(2):
        play_recipe("Write the report", zstack, tmp_path, sendmail=str(sendmail))
    header, _blank, body = sent.read_text(encoding="utf-8").partition("\n\n")
    assert "To: ops@example.com" in header.splitlines()
    assert body.count("NOT ready for an upgrade") == 1


def exposing(folder: Path, zstack: Simulator) -> set[str]:
    """Return the files in a folder that show a secret."""
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    assert len(texts) > 5
    return {str(path.relative_to(folder)) for path, text in texts.items() if leaks(text, zstack)}


def test_runner_keeps_secrets_in_variables_out_of_its_artifacts(zstack: Simulator, tmp_path: Path) -> None:
    variables = options_for(zstack, 0)
    playbook = [{"ansible.builtin.import_playbook": "zstack.cloud.list_db_backups"}]
    for path, content in (("job/env/extravars", variables), ("job/project/playbook.yml", playbook)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(yaml.safe_dump(content), encoding="utf-8")
    # In a mesh, nothing but the job itself has the variables.
    mesh = "ansible-runner transmit job -p playbook.yml | ansible-runner worker | ansible-runner process result"
    done = run("bash", "-e", "-o", "pipefail", "-c", mesh, place=tmp_path)
    assert (tmp_path / "result/artifacts/rc").read_text() == "0", done.stdout + done.stderr
    assert exposing(tmp_path / "result", zstack) == set()

    (tmp_path / "vault").write_text("correct horse battery staple")
    vault = ("--vault-password-file", str(tmp_path / "vault"))
    run("ansible-vault", "encrypt", *vault, "job/env/extravars", place=tmp_path, code=0)
    command = ("ansible-runner", "run", "job", "-p", "playbook.yml", "-i", "1", "-vvv", "--cmdline", " ".join(vault))
    run(*command, place=tmp_path, code=0)
    assert exposing(tmp_path / "job", zstack) == set()

    # As the guide warns
    (tmp_path / "job/env/extravars").unlink()
    run(*command[:6], "2", place=tmp_path, code=0, **exported(variables))
    assert exposing(tmp_path / "job", zstack) == {"artifacts/2/command"}
