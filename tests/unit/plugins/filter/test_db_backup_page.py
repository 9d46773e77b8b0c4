# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The internal filter db_backup_page: which files a report may replace, and what it decides."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.filter.db_backup_page import db_backup_page
from ansible_collections.zstack.cloud.plugins.plugin_utils._words import Words
from ansible_collections.zstack.cloud.tests.browser.pages import PAGE, TEXT, nights, node, scanned


def variables(**policy: Any) -> dict[str, Any]:
    """Return the variables of a host after the role."""
    checked = node(scanned(nights(3)), **policy)
    return {
        "verify_db_backup_result": Words("en").describe(checked["verdict"]),
        "__verify_db_backup": {"results": json.dumps(checked["results"])},
    }


HOSTVARS = {
    "ready": variables(),
    "stale": variables(max_age="1h"),
    "wrong": {"verify_db_backup_result": {}, "__report_db_backups_reason": "timeout must be an integer"},
}


def made(place: Path, *hosts: str, **options: Any) -> dict[str, Any]:
    return db_backup_page(HOSTVARS, hosts or ("ready",), dest=str(place / PAGE), **options)


def written(place: Path, *hosts: str, **options: Any) -> bool:
    """Write a report, and return whether it has changed."""
    report = made(place, *hosts, write=True, **options)
    assert report["error"] is None
    modes = {stat.S_IMODE(Path(report["result"][key]).stat().st_mode) for key in ("page", "text")}
    assert modes == {0o644}
    return bool(report["result"]["changed"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_only_what_an_earlier_run_wrote_is_replaced(language: str, tmp_path: Path) -> None:
    assert written(tmp_path, language=language)
    assert not written(tmp_path, language=language)
    assert written(tmp_path, "stale", language=language)
    for name in (PAGE, TEXT):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(b"notes about zstack.cloud \xff\n")
        error = made(tmp_path)["error"]
        problem = "was not written by an earlier run: remove it, or choose another path"
        assert error == f"report_db_backups_dest: {tmp_path / name} {problem}"
        (tmp_path / name).write_bytes(content)


@pytest.mark.parametrize("name", [PAGE, TEXT])
def test_a_file_that_is_gone_or_private_is_a_change(name: str, tmp_path: Path) -> None:
    assert written(tmp_path)
    (tmp_path / name).chmod(0o600)
    assert written(tmp_path)
    assert not written(tmp_path)
    (tmp_path / name).unlink()
    assert written(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [PAGE, TEXT]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert made(tmp_path, write=True)["error"] == (
        f"report_db_backups_dest: {tmp_path / PAGE} cannot be written: No space left on device"
    )


def test_a_link_of_this_user_is_followed(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / PAGE).symlink_to("site/index.html")
    assert written(tmp_path)
    assert (tmp_path / PAGE).is_symlink()
    assert "</html>" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    (tmp_path / "site" / "index.html").write_text("<html>my own page")
    assert "was not written by an earlier run" in made(tmp_path)["error"]


def test_a_link_of_another_user_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / TEXT).symlink_to("elsewhere.txt")
    if os.geteuid() == 0:  # the links of root are followed
        os.lchown(tmp_path / TEXT, 12345, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12346)
    assert made(tmp_path)["error"] == (
        f"report_db_backups_dest must not be a link of another user, got {tmp_path / TEXT}"
    )


@pytest.mark.parametrize("name", [PAGE, TEXT])
def test_what_is_no_file_in_an_existing_directory_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(name)
    assert "must not be a link to itself" in made(tmp_path)["error"]
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert made(tmp_path)["error"] == f"report_db_backups_dest: {tmp_path / name} is a directory"
    place = tmp_path / "missing"
    assert made(place)["error"] == f"report_db_backups_dest: {place / PAGE} is in a directory that does not exist"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"dest": "page.txt"}, f"report_db_backups_dest must end in .html, got {Path.cwd()}/page.txt"),
        ({"language": "de"}, "report_db_backups_language must be en or zh, got 'de'"),
        ({"fail": "nope"}, "report_db_backups_fail must be true or false, got 'nope'"),
    ],
)
def test_an_invalid_option_is_named(options: dict[str, Any], error: str) -> None:
    assert db_backup_page({}, **options) == {"error": error}


def test_empty_options_have_their_defaults_and_without_write_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = db_backup_page(HOSTVARS, ["ready"], dest="", language="", fail="")
    assert report["result"] == {"page": str(tmp_path / PAGE), "text": str(tmp_path / TEXT), "changed": True}
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_option_fails_and_a_verdict_only_if_asked(tmp_path: Path) -> None:
    hosts = ("ready", "stale", "wrong")
    assert made(tmp_path, *hosts)["failures"] == {"wrong": "timeout must be an integer"}
    failures = made(tmp_path, *hosts, fail="yes")["failures"]
    assert failures.keys() == {"stale", "wrong"}
    assert "NOT ready for an upgrade" in failures["stale"]


def test_without_any_verdict_nothing_is_written(tmp_path: Path) -> None:
    report = made(tmp_path, "wrong", write=True)
    assert (report["result"], list(report["failures"])) == ({}, ["wrong"])
