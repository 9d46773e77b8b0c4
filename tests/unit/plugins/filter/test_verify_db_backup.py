# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter as templates call it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ansible.template
import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.zstack.cloud.plugins.filter import verify_db_backup as plugin
from ansible_collections.zstack.cloud.plugins.plugin_utils import _verdict, _words


def render(expression: str, **variables: Any) -> Any:
    templar = ansible.template.Templar(loader=DataLoader(), variables=variables)
    # Until ansible-core 2.18, all text is trusted.
    trust = getattr(ansible.template, "trust_as_template", str)
    return templar.template(trust(f"{{{{ {expression} }}}}"))


def test_a_template_reads_the_verdict_on_what_the_lookup_returned() -> None:
    failed = {"backups": [], "failed": True, "msg": "connection refused", "storage": "ssh://root:***@192.0.2.20/bs"}
    unmet = render("(results | zstack.cloud.verify_db_backup(max_age='2d', min_size=none)).unmet", results=[failed])
    assert unmet == ["192.0.2.20/bs: could not be scanned: connection refused"]


def test_storages_are_named_and_counted_as_the_lookup_counts_its_terms() -> None:
    storages = ["ssh://root@192.0.2.20/zs ssh://root@192.0.2.21/zs", [{"name": "third"}]]
    verdict = render("[{}, {}, {}] | zstack.cloud.verify_db_backup(storages=storages)", storages=storages)
    assert [storage["name"] for storage in verdict["storages"]] == ["storage 1", "storage 2", "third"]


@pytest.mark.parametrize(
    ("results", "arguments", "words"),
    [
        ("[]", "max_age='1 day'", "max_age must be a whole number with a unit"),
        ("[{}]", "min_storages=2", "min_storages must be at most 1"),
        ("[]", "language='de'", "language must be en or zh, got 'de'"),
        ("[]", "max_sink=1", "unsupported options: max_sink; supported: max_age, "),
        ("'text'", "", "results must be what the module or the lookup returned"),
        ("[]", "storages='local'", "storages must be a list, got a string"),
        ("[{}, {}]", "storages=[{}]", "storages must have one entry for each of the 2 results, got 1"),
        ("[{}]", "storages=['ssh://a ssh://b']", "storages must have one entry for each of the 1 results, got 2"),
    ],
)
def test_a_wrong_use_fails_with_one_line_that_names_the_option(results: str, arguments: str, words: str) -> None:
    with pytest.raises(AnsibleError, match=words):
        render(f"{results} | zstack.cloud.verify_db_backup({arguments})")


def test_an_invalid_policy_is_a_filter_error() -> None:
    with pytest.raises(AnsibleFilterError):
        plugin.verify_db_backup([], min_count=-1)


def test_the_documentation_lists_every_reason() -> None:
    contains = yaml.safe_load(plugin.RETURN)["_value"]["contains"]["storages"]["contains"]["checks"]["contains"]
    documented = re.findall(r"V\((\w+)\)", " ".join(contains["reason"]["description"]))
    assert set(documented) == {key.removeprefix("found.") for key in _words.TABLES["en"] if key.startswith("found.")}


def test_the_verdict_is_in_the_given_language_and_names_the_platform() -> None:
    verdict = render("[] | zstack.cloud.verify_db_backup(language='zh', host='node1', address='192.0.2.10')")
    assert verdict["summary"] == "暂不满足升级条件：没有检查任何备份服务器。"
    assert verdict["platform"] == {"host": "node1", "address": "192.0.2.10"}


def test_the_documentation_names_every_condition_and_its_default() -> None:
    documented = yaml.safe_load(plugin.DOCUMENTATION)["options"]
    assert documented.keys() == {"_input", "storages", "host", "address", "language", *_verdict.DEFAULTS}
    for option, default in _verdict.DEFAULTS.items():
        assert documented[option].get("default") == default


def test_the_role_documents_every_variable_and_its_default() -> None:
    path = Path(plugin.__file__).parents[2] / "roles" / "verify_db_backup" / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    defaults = {"storages": None, "fail": True, "language": "en", **_verdict.DEFAULTS}
    assert {name: option.get("default") for name, option in options.items()} == {
        f"verify_db_backup_{name}": default for name, default in defaults.items()
    }
    assert set(_verdict.OPTIONS) == defaults.keys()
