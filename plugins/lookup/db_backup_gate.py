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
  tables:
    description: Whether to return RV(_raw[].tables).
    type: bool
    default: false
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
      description: The results of P(zstack.cloud.zstack_db_backup#lookup), as JSON.
      type: str
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

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._calls import ZStackError
from ..module_utils._redaction import one_line
from ..plugin_utils._lookup import Variables, check_names, storage_terms
from ..plugin_utils._verdict import DEFAULTS, OPTIONS, check_policy, read_bool, read_choice, verify
from ..plugin_utils._words import TABLES, Words

_PREFIX = "verify_db_backup_"
_RESULT = f"{_PREFIX}result"
_PLACE = "__verify_db_backup_place"
_ADDRESS = ("host", "port", "context_path")


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        if terms or kwargs.keys() - {"tables"}:
            raise AnsibleError("the lookup takes no terms, and no options except tables")
        self._values: dict[str, Any] = variables or {}
        names = [*(f"{_PREFIX}{option}" for option in OPTIONS), _RESULT, "zstack_storages", "zstack_host"]
        self._variables = Variables(self._templar, self._values, names)
        try:
            return [{"error": None, **self._check(bool(kwargs.get("tables")))}]
        except ZStackError as exc:
            failure = str(exc)
        except AnsibleError as exc:
            failure = one_line(exc.message)
        # The messages about options begin with their names, which are those of the variables without the prefix.
        return [{"error": f"{_PREFIX if failure.partition(' ')[0] in OPTIONS else ''}{failure}"}]

    def _check(self, with_tables: bool) -> dict[str, Any]:
        self._check_names()
        if _PLACE in self._values:
            self._check_hosts()
        options = {option: self._variables.get(f"{_PREFIX}{option}", "") for option in OPTIONS}
        given = {option: value for option, value in options.items() if value != ""}
        policy = check_policy({option: value for option, value in given.items() if option in DEFAULTS})
        fails = given.get("fail") is None or read_bool("fail", given["fail"])
        language = read_choice("language", given.get("language") or "en", TABLES)
        storages = self._storages(given.get("storages"))
        if _is_empty(storages):
            raise ZStackError(
                "storages is missing: set it, set zstack_storages or export ZSTACK_STORAGE_URL; "
                "the playbook zstack.cloud.list_image_stores lists the storages of a platform"
            )
        if _has_empty(storages):
            raise ZStackError("storages must not have an empty entry, because it would not be checked")
        found = storage_terms(storages)
        scan = lookup_loader.get("zstack.cloud.zstack_db_backup", loader=self._loader, templar=self._templar)
        results = scan.run(found, variables=self._values, on_error="report")
        words = Words(language)
        address = self._variables.get("host") or os.environ.get("ZSTACK_HOST") or None
        verdict = verify(results, policy, found, self._values.get("inventory_hostname"), address)
        verdict = words.describe(verdict)
        for warning in words.warnings(verdict):
            Display().warning(warning)
        failure = words.failure(verdict) if fails and not verdict["passed"] else None
        return {
            "verdict": verdict,
            # As one text, because ansible-core takes long to copy and to check thousands of mappings.
            "results": json.dumps(results),
            "report": words.report(verdict),
            "tables": [line for each in zip(results, verdict["storages"]) for line in (*words.table(*each), "")]
            if with_tables
            else [],
            "failure": failure,
            "not_scanned": [
                words.text("of_storage", name=storage["name"], sentence=check["found"])
                for storage in verdict["storages"]
                for check in storage["checks"]
                if check["name"] == "scan"
            ],
        }

    def _storages(self, own: Any) -> Any:
        """Return the storages from the first source that sets them."""
        for name in ("storages", "zstack_storages"):
            value = own if name == "storages" else self._variables.get("storages")
            if value is not None and value != "":
                if not value:  # for instance, a query that found none
                    raise ZStackError(f"{name} must not be empty, got {value!r}: no storage would be checked")
                return value
        return os.environ.get("ZSTACK_STORAGE_URL")

    def _check_names(self) -> None:
        """Refuse misspelt options, which would be ignored, and a result that is not the role's."""
        check_names(self._values, _PREFIX, (*OPTIONS, "hosts"), ("result",))
        if self._variables.get(_RESULT) not in (None, {}):
            raise ZStackError(f"{_RESULT} must not be set: the role sets it, and an extra variable would override it")

    def _check_hosts(self) -> None:
        """Refuse to check some hosts of the play only, or one platform as if it were several."""
        host = self._values["inventory_hostname"]
        others = [other for other in self._values["ansible_play_hosts_all"] if other != host]
        facts = {other: fact for other in others if (fact := self._values["hostvars"][other].get(_PLACE))}
        # With run_once, a fact of this host is one of all hosts.
        if unchecked := [other for other, fact in facts.items() if fact["host"] == host]:
            raise ZStackError(f"run_once must not be set: {', '.join(unchecked)} would not be checked")
        own = _address(self._values[_PLACE]["address"])
        if others and not own:
            raise ZStackError(f"zstack_host must be set for each host of the play, and is not for {host}")
        addresses = {other: _address(fact["address"]) for other, fact in facts.items()}
        # With serial or the strategy free, other hosts may come later.
        if self._address_of(host) == own:
            later = {other: self._address_of(other) for other in others if other not in facts}
        else:  # A variable of the play, which is the same for all hosts unless it is a template
            is_template = any("{{" in str(self._values.get(f"zstack_{option}")) for option in _ADDRESS)
            later = {} if is_template else dict.fromkeys(others, own)
        if same := [other for other, address in {**later, **addresses}.items() if address == own != ()]:
            raise ZStackError(
                f"zstack_host must differ between hosts of the play: {', '.join([host, *same])} have the same"
            )

    def _address_of(self, host: str) -> tuple[str, ...]:
        """Return the address in the variables of a host, without those of the play."""
        variables = self._values["hostvars"][host]
        try:
            return _address({option: variables.get(f"zstack_{option}") for option in _ADDRESS})
        except AnsibleError:  # an undefined variable
            return ()


def _address(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return an address such that equal ones are equal, or nothing if there is no host."""
    host, port, path = (str(options.get(option) or "").strip().lower() for option in _ADDRESS)
    port = port or os.environ.get("ZSTACK_PORT") or "8080"
    return (host.rstrip("."), port.lstrip("0"), path.strip("/") or "zstack") if host else ()


def _is_empty(storages: Any) -> bool:
    return not storages or (isinstance(storages, str) and not storages.strip())


def _has_empty(storages: Any) -> bool:
    return _is_empty(storages) or (isinstance(storages, (list, tuple)) and any(map(_has_empty, storages)))
