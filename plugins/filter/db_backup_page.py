# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: db_backup_page
short_description: Make the files of the playbook report_db_backups (internal)
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - This plugin is internal. It can change in any release. Use the playbook C(zstack.cloud.report_db_backups) instead.
  - Makes a page and a text from the facts of the role P(zstack.cloud.verify_db_backup#role), and decides whether they
    differ from those of an earlier run by more than times and ages.
  - Writes them on the controller itself, because a task for each file would take longer than everything else.
  - Returns an invalid option instead of failing, because Ansible would add several sentences before the message.
positional: _input, hosts
options:
  _input:
    description: The variable C(hostvars).
    type: dict
    required: true
  hosts:
    description: Names of the hosts to report on. If it is empty, only the options are checked.
    type: list
    elements: str
    default: []
  dest:
    description: Path of the page.
    type: str
    default: zstack-db-backups.html
  language:
    description: Language of the report, V(en) or V(zh).
    type: str
    default: en
  write:
    description: Whether to write the files.
    type: bool
    default: false
  fail:
    description: Whether hosts whose backups do not meet the policy fail.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show where a report would be written
  ansible.builtin.debug:
    msg: "{{ (hostvars | zstack.cloud.db_backup_page(ansible_play_hosts_all)).result.page }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    error:
      description: What is wrong with the options, V(null) if nothing is. Only returned without the other values.
      type: str
    result:
      description: The fact C(report_db_backups_result), with the paths C(page) and C(text), and C(changed).
      type: dict
    failures:
      description: The message of each host that must fail.
      type: dict
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # to be removed in ansible-core 2.23

    def wrap_var(value: Any) -> Any:
        return value


from ..module_utils._calls import ZStackError
from ..module_utils._redaction import one_line, shorten
from ..plugin_utils._page import render
from ..plugin_utils._verdict import read_bool, read_choice
from ..plugin_utils._words import TABLES, Words

MODE = 0o644
# Both files contain the fingerprint: the page near its start, the text at its end.
_MARKS = {
    ".html": re.compile(r'<meta name="generator" content="zstack\.cloud [^"]*">\s*<meta name="state" content="(\w+)">'),
    ".txt": re.compile(r"zstack\.cloud .*\b([0-9a-f]{16})\s*\Z"),
}
_SEARCHED = 4096
_DRAWN_KEYS = ("id", "name", "version", "size", "created_at", "created_epoch", "age_seconds", "restorable")


def db_backup_page(
    hostvars: Mapping[str, Any],
    hosts: Sequence[str] = (),
    dest: Any = None,
    language: Any = None,
    fail: Any = None,
    write: bool = False,
) -> dict[str, Any]:
    """Write a report, and return where it is, or what is wrong with the options. An empty text counts as not given."""
    try:
        paths = _paths(str(dest or "zstack-db-backups.html"))
        language = read_choice("report_db_backups_language", language or "en", TABLES)
        fails = fail not in (None, "") and read_bool("report_db_backups_fail", fail)
        earlier = [_earlier_mark(path) for path in paths]
        nodes = [_node(host, hostvars[host]) for host in hosts]
        failures = _failures(nodes, fails, language)
        if not any(node["verdict"] for node in nodes):
            return {"error": None, "result": {}, "failures": failures}
        report = render(nodes, language, int(time.time()))
        if write:
            for path, content in zip(paths, (report.page, report.text)):
                _write(path, content)
    except ZStackError as exc:
        return {"error": str(exc)}
    changed = any(mark != report.mark for mark in earlier)
    result = {"page": str(paths[0]), "text": str(paths[1]), "changed": changed}
    return {"error": None, "result": result, "failures": failures}


def _paths(dest: str) -> list[Path]:
    path = Path(dest).expanduser().absolute()
    if path.suffix != ".html":
        raise ZStackError(f"report_db_backups_dest must end in .html, got {_shown(str(path))}")
    return [_target(path), _target(path.with_suffix(".txt"))]


def _target(path: Path) -> Path:
    """Follow the links of this user and of root only: in a shared directory, a link can lead anywhere."""
    for _link in range(40):
        if not path.is_symlink():
            return path
        if path.lstat().st_uid not in (os.geteuid(), 0):
            raise ZStackError(f"report_db_backups_dest must not be a link of another user, got {_shown(str(path))}")
        path = path.parent / path.readlink()
    raise ZStackError(f"report_db_backups_dest must not be a link to itself, got {_shown(str(path))}")


def _write(path: Path, content: str) -> None:
    """Replace a file, so that nobody reads half of it and a link that appeared since is not followed."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".zstack-") as folder:
            new = Path(folder, path.name)
            new.write_text(content, encoding="utf-8")
            new.chmod(MODE)
            new.replace(path)
    except OSError as exc:
        raise ZStackError(f"report_db_backups_dest: {_shown(str(path))} cannot be written: {exc.strerror}") from None


def _earlier_mark(path: Path) -> str | None:
    """Return the fingerprint in the file of an earlier run, None if there is no file, an empty text if it is private.

    Raise ZStackError for any other file, because it must not be replaced.
    """
    problem = "was not written by an earlier run: remove it, or choose another path"
    try:
        if not path.parent.is_dir():
            problem = "is in a directory that does not exist"
        elif not path.exists():
            return None
        elif path.is_dir():
            problem = "is a directory"
        elif path.is_file() and os.access(path, os.W_OK):
            with path.open("rb") as file:
                start = file.read(_SEARCHED) if path.suffix == ".html" else b""
                file.seek(max(path.stat().st_size - _SEARCHED, 0))
                text = (start or file.read()).decode(errors="replace")
            if found := _MARKS[path.suffix].search(text):
                return found[1] if path.stat().st_mode & 0o777 == MODE else ""
        else:
            problem = "cannot be written"
    except OSError as exc:
        problem = f"cannot be read: {exc.strerror}"
    raise ZStackError(f"report_db_backups_dest: {_shown(str(path))} {problem}")


def _shown(text: str) -> str:
    return shorten(one_line(text), 300)


def _node(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    verdict = _plain(variables.get("verify_db_backup_result")) or None
    results = json.loads((variables.get("__verify_db_backup") or {}).get("results") or "[]")
    if verdict:
        address = verdict["platform"]["address"]
    else:
        try:
            address = variables.get("zstack_host")
        except AnsibleError:  # a template that cannot be evaluated, which is the reason
            address = None
    return {
        "host": str(host),
        "address": _plain(address) or os.environ.get("ZSTACK_HOST"),
        "reason": _plain(variables.get("__report_db_backups_reason")),
        "verdict": verdict,
        "results": [
            {
                **_plain({key: value for key, value in result.items() if key != "backups"}),
                "backups": [{key: _plain(backup.get(key)) for key in _DRAWN_KEYS} for backup in result["backups"]],
            }
            for result in (results if verdict else [])
        ],
    }


def _failures(nodes: Sequence[Mapping[str, Any]], fails: bool, language: str) -> dict[str, str]:
    """Return the gate's message for each host that did not pass. An invalid option always fails."""
    words = Words(language)
    found = {node["host"]: node["reason"] or "the backups were not checked" for node in nodes if not node["verdict"]}
    if fails:
        verdicts = {node["host"]: node["verdict"] for node in nodes if node["verdict"]}
        failed = {host: words.describe(verdict) for host, verdict in verdicts.items() if not verdict["passed"]}
        found.update({host: words.failure(verdict) for host, verdict in failed.items()})
    return found


def _plain(value: Any) -> Any:
    """Return a value without the types with which ansible-core wraps containers, texts and numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    return next((kind(value) for kind in (int, float, str) if isinstance(value, kind)), None)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        # Before 2.19, ansible-core would evaluate templates in what a filter returns.
        return {"db_backup_page": lambda *args, **kwargs: wrap_var(db_backup_page(*args, **kwargs))}
