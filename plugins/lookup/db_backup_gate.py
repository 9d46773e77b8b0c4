# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: db_backup_gate
short_description: Run the check of the role verify_db_backup (internal)
version_added: 1.0.0
author:
  - The zstack.cloud contributors (@zstack-cloud)
description:
  - This plugin is internal. It can change in any release. Use the role P(zstack.cloud.verify_db_backup#role) instead.
  - Reads the variables of the role, scans the storages and checks the backups. It returns an invalid option instead of
    failing, because Ansible would add several sentences before the message.
options:
  _terms:
    description: Not used.
    type: list
    elements: raw
    default: []
seealso:
  - plugin: zstack.cloud.zstack_db_backup
    plugin_type: lookup
  - plugin: zstack.cloud.verify_db_backup
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the report of the role
  ansible.builtin.debug:
    msg: "{{ lookup('zstack.cloud.db_backup_gate').report }}"
"""

RETURN = r"""
_raw:
  description: A list with one dictionary.
  type: list
  elements: dict
  contains:
    error:
      description: What is wrong with the options, V(null) if nothing is. Only returned without the other values.
      type: str
    verdict:
      description: The verdict, as RV(zstack.cloud.verify_db_backup#filter:_value) describes it.
      type: dict
    results:
      description: The results of P(zstack.cloud.zstack_db_backup#lookup).
      type: list
      elements: dict
    report:
      description: The lines of the report.
      type: list
      elements: str
    tables:
      description: The lines of a table for each storage.
      type: list
      elements: str
    failure:
      description: The message to fail with, V(null) if the role does not have to fail.
      type: str
    not_scanned:
      description: The storages that could not be scanned.
      type: list
      elements: str
"""

import os
from difflib import get_close_matches
from typing import Any

from ansible import errors
from ansible.errors import AnsibleError
from ansible.module_utils.common.validation import check_type_bool
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._calls import ZStackError
from ..module_utils._redaction import one_line, shorten
from ..module_utils._storage import storage_terms
from ..plugin_utils._verdict import DEFAULTS, check_policy, verify
from ..plugin_utils._words import TABLES, Words

_PREFIX = "verify_db_backup_"
_RESULT = f"{_PREFIX}result"
OPTIONS = ("storages", "fail", "language", *DEFAULTS)
# Similarity from which a name counts as misspelt: that of email and fail is 0.67, that of fial and fail 0.75.
_MISSPELT = 0.75


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        if terms or kwargs:
            raise AnsibleError("the lookup takes no terms and no options")
        self._values: dict[str, Any] = variables or {}
        try:
            return [{"error": None, **self._check()}]
        except ZStackError as exc:
            failure = str(exc)
        except AnsibleError as exc:
            failure = one_line(exc.message)
        return [{"error": f"{_PREFIX if failure.split(' ')[0] in OPTIONS else ''}{failure}"}]

    def _check(self) -> dict[str, Any]:
        self._check_names()
        self._check_hosts()
        options = {
            option: self._read(f"{_PREFIX}{option}") for option in OPTIONS if f"{_PREFIX}{option}" in self._values
        }
        given = {option: value for option, value in options.items() if value != ""}
        policy = check_policy({option: value for option, value in given.items() if option in DEFAULTS})
        fails = _read_bool("fail", given.get("fail"))
        language = given.get("language") or "en"
        if language not in TABLES:
            raise ZStackError(f"language must be {' or '.join(TABLES)}, got {shorten(one_line(repr(language)), 100)}")
        storages = given.get("storages") or self._read("zstack_storages") or os.environ.get("ZSTACK_STORAGE_URL") or []
        found = [term for term in storage_terms(storages) if term not in (None, "")]
        if not found:
            raise ZStackError(
                "storages is missing: set it, set zstack_storages or export ZSTACK_STORAGE_URL; "
                "the playbook zstack.cloud.list_image_stores lists the storages of a platform"
            )
        scan = lookup_loader.get("zstack.cloud.zstack_db_backup", loader=self._loader, templar=self._templar)
        results = scan.run(found, variables=self._values, on_error="report")
        words = Words(language)
        address = self._read("zstack_host") or os.environ.get("ZSTACK_HOST") or None
        verdict = verify(results, policy, found, self._values.get("inventory_hostname"), address)
        verdict = words.describe(verdict)
        for warning in words.warnings(verdict):
            Display().warning(warning)
        scans = [check for storage in verdict["storages"] for check in storage["checks"] if check["name"] == "scan"]
        failure = words.failure(verdict) if fails and not verdict["passed"] else None
        return {
            "verdict": verdict,
            "results": results,
            "report": words.report(verdict),
            "tables": [line for each in zip(results, verdict["storages"]) for line in words.table(*each)],
            "failure": failure,
            "not_scanned": [check["found"] for check in scans],
        }

    def _check_names(self) -> None:
        """Refuse misspelt options, which would be ignored, and a result that is not the role's."""
        known = {f"{_PREFIX}{option}" for option in OPTIONS} | {_RESULT, f"{_PREFIX}hosts"}
        for name in sorted(map(str, self._values)):
            if name.startswith(_PREFIX) and name not in known:
                close = get_close_matches(name.removeprefix(_PREFIX).lower(), OPTIONS, 1, _MISSPELT)
                if close:
                    raise ZStackError(f"unsupported variable: {name}; did you mean {_PREFIX}{close[0]}?")
        if self._read(_RESULT) not in (None, {}):
            raise ZStackError(f"{_RESULT} must not be set: the role sets it, and an extra variable would override it")

    def _check_hosts(self) -> None:
        """Refuse to check some hosts of the play only, or one platform as if it were several."""
        host, hosts = self._values.get("inventory_hostname"), self._values.get("ansible_play_hosts_all") or []
        others = [other for other in hosts if other != host]
        if not others:
            return
        of_others = {other: self._values["hostvars"][other] for other in others}
        # With run_once, a fact of this host is one of all hosts.
        if any(variables.get("__verify_db_backup_host") == host for variables in of_others.values()):
            raise ZStackError(f"run_once must not be set: {', '.join(others)} would not be checked")
        places: dict[Any, list[str]] = {}
        for each in hosts:
            variables = self._values if each == host else of_others[each]
            address = self._read("zstack_host") if each == host else variables.get("zstack_host")
            port = self._read("zstack_port") if each == host else variables.get("zstack_port")
            places.setdefault((str(address).lower(), str(port or 8080)) if address else None, []).append(each)
        if missing := places.pop(None, None):
            raise ZStackError(f"zstack_host must be set for each host of the play, and is not for {', '.join(missing)}")
        for (address, _port), same in places.items():
            if len(same) > 1:
                raise ZStackError(
                    f"zstack_host must differ between hosts of the play, got {address} for {', '.join(same)}"
                )

    def _read(self, name: str) -> Any:
        """Return the value of a variable, null if it is not defined or omitted."""
        if name not in self._values:
            return None
        try:
            value = self._templar.template(self._values[name])
        except getattr(errors, "AnsibleValueOmittedError", ()):
            return None
        return str(value) if getattr(value, "__ENCRYPTED__", False) else value


def _read_bool(option: str, value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(check_type_bool(value))
    except (TypeError, ValueError):
        raise ZStackError(f"{option} must be true or false, got {shorten(one_line(repr(value)), 100)}") from None
