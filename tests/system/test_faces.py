# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module and the lookup, which behave alike, in playbooks that ansible-playbook runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

FACES = ("module", "lookup")
MODULE = "zstack.cloud.zstack_db_backup_info"
LOOKUP = "{{ lookup('zstack.cloud.zstack_db_backup', url, **options) }}"
VAULT_PASSWORD = "watchword"
#: A secret of the wrong type, and the part that must not appear in any output.
SECRET, SHOWN = "Open-Sesame", "sesame"


class Vaulted(str):
    """A string that is encrypted in the playbook."""


class Dumper(yaml.SafeDumper):
    pass


def dump_vaulted(dumper: yaml.SafeDumper, text: Vaulted) -> yaml.ScalarNode:
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return dumper.represent_scalar("!vault", vault.encrypt(str(text)).decode(), style="|")


Dumper.add_representer(Vaulted, dump_vaulted)


@dataclass(frozen=True)
class Ask:
    """A task that lists the backups of a storage."""

    face: str
    url: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    lookup: str = LOOKUP
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def tasks(self) -> dict[str, Any]:
        """Return a block that adds what the task returns, or how it failed, to the list ``outcomes``."""
        if self.face == "module":
            task = {MODULE: {"url": self.url, **self.options}, "register": "found", "vars": dict(self.variables)}
        else:
            variables = {"url": self.url, "options": dict(self.options), **self.variables}
            task = {"ansible.builtin.set_fact": {"found": self.lookup}, "vars": variables}
        return {"block": [{**task, **self.keywords}, add("found")], "rescue": [add("ansible_failed_result")]}


def add(variable: str) -> dict[str, Any]:
    outcomes = f"{{{{ outcomes | default([]) + [{variable}] }}}}"
    return {"ansible.builtin.set_fact": {"outcomes": outcomes}}


class Played(NamedTuple):
    outcomes: list[dict[str, Any]]
    output: str


def play(place: Path, asks: Iterable[Ask], *arguments: str, defaults: Any = None, **env: str) -> Played:
    """Run a playbook with these tasks."""
    result = place / "outcomes.json"
    save = {"content": "{{ outcomes | to_json }}", "dest": str(result), "mode": "0600"}
    playbook = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": dict(defaults or {}),
        "tasks": [*(ask.tasks() for ask in asks), {"ansible.builtin.copy": save}],
    }
    (place / "playbook.yml").write_text(yaml.dump([playbook], Dumper=Dumper, allow_unicode=True, width=1000))
    (place / "vault-password").write_text(VAULT_PASSWORD)
    vault = {"ANSIBLE_VAULT_PASSWORD_FILE": str(place / "vault-password")}
    done = run("ansible-playbook", *arguments, "playbook.yml", place=place, **vault, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return Played(json.loads(result.read_text()), done.stdout + done.stderr)


def refusal(outcome: Mapping[str, Any]) -> str:
    """Return the message of a task that failed, which is a single line."""
    assert outcome.get("failed"), outcome
    message = outcome["msg"]
    assert len(message.splitlines()) == 1
    return str(message)


def exported(zstack: Simulator) -> dict[str, str]:
    """Return an environment with the node, its account, and the password of its first storage."""
    return {**zstack.env, "ZSTACK_STORAGE_PASSWORD": zstack.storages[0].password}


def test_options_come_from_module_defaults(zstack: Simulator, tmp_path: Path) -> None:
    defaults = {"group/zstack.cloud.zstack": {**zstack.options, "limit": 2}}
    played = play(tmp_path, [Ask("module", zstack.storage_url)], defaults=defaults)
    assert [outcome["count"] for outcome in played.outcomes] == [2]


@pytest.mark.parametrize("face", FACES)
def test_options_come_from_the_environment(face: str, zstack: Simulator, tmp_path: Path) -> None:
    played = play(tmp_path, [Ask(face, zstack.storages[0].url_without_password)], **exported(zstack))
    assert [outcome["total"] for outcome in played.outcomes] == [zstack.storages[0].total]


@pytest.mark.parametrize("face", FACES)
def test_the_error_about_a_missing_host_names_every_place_to_set_it(
    face: str, zstack: Simulator, tmp_path: Path
) -> None:
    played = play(tmp_path, [Ask(face, zstack.storage_url, zstack.credentials("account"))])
    (outcome,) = played.outcomes
    message = "host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST"
    assert refusal(outcome).endswith(message)
    assert not zstack.requests


@pytest.mark.parametrize("face", FACES)
def test_an_empty_string_is_the_same_as_an_omitted_option(face: str, zstack: Simulator, tmp_path: Path) -> None:
    empty = dict.fromkeys(
        (
            *("host", "port", "use_ssl", "validate_certs", "ca_path", "context_path", "timeout", "retries", "timezone"),
            *("session_uuid", "account_name", "account_password", "access_key_id", "access_key_secret"),
            *("storage_password", "registry_port", "system_tags", "user_tags", "max_age", "limit"),
        ),
        "",
    )
    url = zstack.storages[0].url_without_password
    asks = [Ask(face, url, empty)]
    if face == "lookup":
        asks.append(Ask(face, url, {**empty, "on_error": ""}))
        asks.append(Ask(face, url, variables={f"zstack_{option}": "" for option in empty}))
        # An empty keyword does not override a variable.
        asks.append(Ask(face, url, {"limit": 1, "timezone": ""}, {"zstack_timezone": "+09:00"}))
    others = ("USE_SSL", "VALIDATE_CERTS", "CA_PATH", "TIMEOUT", "TIMEZONE", "SESSION_ID", "ACCESS_KEY_ID")
    env = {**exported(zstack), **{f"ZSTACK_{name}": "" for name in others}}
    played = play(tmp_path, asks, **env)
    assert [outcome.get("total") for outcome in played.outcomes] == [zstack.storages[0].total] * len(asks), (
        played.outcomes
    )
    assert [outcome["timezone"] for outcome in played.outcomes] == [*["Asia/Shanghai"] * 3, "+09:00"][: len(asks)]


@pytest.mark.parametrize("face", FACES)
def test_a_misspelt_boolean_is_refused(face: str, zstack: Simulator, tmp_path: Path) -> None:
    known = zstack.options
    asks = [
        Ask(face, zstack.storage_url, {**known, "use_ssl": False, "validate_certs": "flase"}),
        Ask(face, zstack.storage_url, known),
    ]
    if face == "lookup":
        asks.append(Ask(face, zstack.storage_url, known, {"zstack_use_ssl": "no", "zstack_validate_certs": "flase"}))
    played = play(tmp_path, asks, ZSTACK_USE_SSL="flase")
    for outcome, option in zip(played.outcomes, ("validate_certs", "use_ssl", "validate_certs")):
        assert f"argument '{option}' is of type" in refusal(outcome)
        assert "'flase' is not a valid boolean" in refusal(outcome)
    assert not zstack.requests


def test_omit_omits_an_option_of_a_lookup(zstack: Simulator, tmp_path: Path) -> None:
    url = zstack.storages[0].url_without_password
    keywords = "port=nowhere | default(omit), account_name=nowhere | default(omit), limit=nowhere | default(omit)"
    lookup = f"{{{{ lookup('zstack.cloud.zstack_db_backup', url, {keywords}) }}}}"
    variables = dict.fromkeys(
        ("zstack_port", "zstack_session_uuid", "zstack_timezone"), "{{ nowhere | default(omit) }}"
    )
    played = play(tmp_path, [Ask("lookup", url, {}, variables, lookup), Ask("lookup", url)], **exported(zstack))
    assert [outcome.get("count") for outcome in played.outcomes] == [zstack.storages[0].total] * 2, played.outcomes
    assert played.outcomes[0].keys() == played.outcomes[1].keys()


@pytest.mark.parametrize("face", FACES)
def test_a_secret_can_be_vaulted_in_the_playbook(face: str, zstack: Simulator, tmp_path: Path) -> None:
    storage, (name, password) = zstack.storages[0], zstack.account
    known = {"host": zstack.host, "port": zstack.port, "account_name": name, "account_password": Vaulted(password)}
    vaulted = {"storage_password": Vaulted(storage.password)}
    asks = [
        Ask(face, Vaulted(storage.url), known),
        Ask(face, storage.url_without_password, {**known, **vaulted}),
        Ask(face, Vaulted(storage.url_without_password), {**known, **vaulted}),
    ]
    if face == "lookup":
        term = {"url": storage.url_without_password, "password": Vaulted(storage.password)}
        named = {"url": storage.url_without_password, "name": "nightly"}
        passwords = {"storage_passwords": {"nightly": Vaulted(storage.password)}}
        variables = {f"zstack_{option}": value for option, value in {**known, **vaulted}.items()}
        asks += [
            Ask(face, term, known),
            Ask(face, {**term, "url": Vaulted(storage.url_without_password)}, known),
            Ask(face, [term, {"url": storage.url_without_password, "password": Vaulted("wrong")}][:1], known),
            Ask(face, storage.url_without_password, variables=variables),
            Ask(face, named, {**known, **passwords}),
            Ask(face, [[named]], known, {f"zstack_{option}": value for option, value in passwords.items()}),
        ]
    played = play(tmp_path, asks, "-vvv", ANSIBLE_INJECT_INVOCATION="true")
    assert [outcome.get("total") for outcome in played.outcomes] == [zstack.storages[0].total] * len(asks), (
        played.outcomes
    )
    for secret in (storage.password, quote(storage.password), password):
        assert secret not in played.output
        # A registered result, as ansible-core 2.22 and later write it to a file.
        assert secret not in json.dumps(played.outcomes)


def test_the_role_takes_vaulted_secrets_in_every_place(zstack: Simulator, tmp_path: Path) -> None:
    storage, password = zstack.storages[0], zstack.account[1]
    bare, named = storage.url_without_password, {"url": storage.url_without_password, "name": "nightly"}
    places: list[dict[str, Any]] = [
        {"verify_db_backup_storages": Vaulted(storage.url)},
        {"verify_db_backup_storages": [Vaulted(storage.url)]},
        {"verify_db_backup_storages": [{**named, "password": Vaulted(storage.password)}]},
        {"verify_db_backup_storages": bare, "zstack_storage_password": Vaulted(storage.password)},
        {"verify_db_backup_storages": [named], "zstack_storage_passwords": {"nightly": Vaulted(storage.password)}},
    ]
    role = {"ansible.builtin.include_role": {"name": "zstack.cloud.verify_db_backup"}}
    known = {**zstack.variables, "zstack_account_password": Vaulted(password)}
    playbook = {"hosts": "localhost", "gather_facts": False, "tasks": [{**role, "vars": each} for each in places]}
    (tmp_path / "playbook.yml").write_text(yaml.dump([{**playbook, "vars": known}], Dumper=Dumper))
    (tmp_path / "vault-password").write_text(VAULT_PASSWORD)
    vault = {"ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "vault-password")}
    done = run("ansible-playbook", "playbook.yml", "-vvv", place=tmp_path, **vault)
    assert done.returncode == 0, done.stdout + done.stderr
    assert zstack.paths.count("/v1/database-backups/image-store") == len(places)
    for secret in (storage.password, quote(storage.password), password):
        assert secret not in done.stdout + done.stderr


def test_a_variable_that_is_not_needed_is_not_evaluated(zstack: Simulator, tmp_path: Path) -> None:
    undefined = dict.fromkeys(("zstack_account_password", "zstack_host", "zstack_storage_password"), "{{ nowhere }}")
    known = {"host": zstack.host, "port": zstack.port, "session_uuid": zstack.open_session()}
    asks = [
        Ask("lookup", zstack.storage_url, known, undefined),
        Ask("lookup", zstack.storage_url, {"port": zstack.port, "session_uuid": known["session_uuid"]}, undefined),
    ]
    unneeded, needed = play(tmp_path, asks).outcomes
    assert unneeded["total"] == zstack.storages[0].total
    assert "nowhere" in needed["msg"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("value", [{"text": SECRET}, [SECRET]], ids=["mapping", "list"])
def test_a_secret_of_another_type_is_refused_without_showing_it(
    face: str, value: Any, zstack: Simulator, tmp_path: Path
) -> None:
    node = {"host": zstack.host, "port": zstack.port}
    url = zstack.storages[0].url_without_password
    asks = {
        "session_uuid": Ask(face, url, {**node, "session_uuid": value}),
        "account_password": Ask(face, url, {**node, "account_name": "admin", "account_password": value}),
        "access_key_secret": Ask(face, url, {**node, "access_key_id": "key", "access_key_secret": value}),
        "storage_password": Ask(face, url, {**zstack.options, "storage_password": value}),
    }
    if face == "module":
        asks["url"] = Ask(face, value, zstack.options)
    else:
        asks["password"] = Ask(face, {"url": url, "password": value}, zstack.options)
        asks["url "] = Ask(face, {"url": value, "password": "password"}, zstack.options)
    played = play(tmp_path, asks.values(), "-vvv")
    kind = "mapping" if isinstance(value, dict) else "list"
    for option, outcome in zip(asks, played.outcomes):
        assert f"{option.strip()} must be " in refusal(outcome)
        assert f"got a {kind}" in refusal(outcome)
    assert SHOWN not in played.output.lower()
    assert not zstack.requests


@pytest.mark.parametrize("face", FACES)
def test_a_url_that_yaml_reads_as_a_mapping_is_refused_without_showing_it(
    face: str, zstack: Simulator, tmp_path: Path
) -> None:
    # Without quotes, a colon and a space turn a URL into a mapping.
    split = {f"ssh://root:{SECRET}": "more@192.0.2.20/zstack_bs"}
    asks = [
        Ask(face, split, zstack.options),
        Ask(face, {"url": "ssh://root@192.0.2.20/bs", SECRET: ""}, zstack.options),
    ]
    played = play(tmp_path, asks, "-vvv")
    for outcome in played.outcomes:
        assert refusal(outcome)
    assert SHOWN not in played.output.lower()
    assert not zstack.requests


TEMPLATE = """
{% for storage in query('zstack.cloud.zstack_db_backup', *urls, on_error='report', **options) %}
{{ storage.storage }}|{{ storage.total }}|{{ storage.failed | default(false) }}|{{ storage.msg | default('') }}
{% endfor %}
"""


def test_a_template_shows_the_storages_that_work_and_reports_the_one_that_does_not(
    zstack: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "storages.j2").write_text(TEMPLATE)
    task = {
        "ansible.builtin.template": {"src": "storages.j2", "dest": str(tmp_path / "storages.txt"), "mode": "0600"},
        # The registry of the second one has another port.
        "vars": {"urls": zstack.storage_urls[:3], "options": zstack.options},
    }
    playbook = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "playbook.yml").write_text(yaml.safe_dump(playbook))
    done = run("ansible-playbook", "playbook.yml", place=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split("|") for line in (tmp_path / "storages.txt").read_text().split("\n") if line]
    assert [line[0] for line in lines] == [
        "ssh://root:***@192.0.2.20/zstack_bs",
        "ssh://zstack:***@192.0.2.21:2222/var/lib/zstack_bs",
        "ssh://root:***@192.0.2.22/zstack_bs",
    ]
    assert [line[1:3] for line in lines] == [[str(zstack.storages[0].total), "False"], ["0", "True"], ["0", "False"]]
    assert [bool(line[3]) for line in lines] == [False, True, False]
    message = lines[1][3]
    assert message.startswith(
        f"{zstack.host}:{zstack.port}: {lines[1][0]}: GetDatabaseBackupFromImageStore: [SYS.1000] "
    )
    assert len([request for request in zstack.requests if request.path == "/v1/accounts/login"]) == 1
    assert not zstack.sessions


@pytest.mark.parametrize("face", FACES)
def test_a_warning_names_its_node_and_is_shown_for_each(face: str, tmp_path: Path) -> None:
    with Simulator(has_timezone_call=False) as first, Simulator(has_timezone_call=False) as second:
        nodes = [first, second]
        asks = [
            Ask(
                face,
                zstack.storage_url,
                {"host": zstack.host, "port": zstack.port, "session_uuid": zstack.open_session()},
            )
            for zstack in nodes
        ]
        played = play(tmp_path, asks)
    assert [outcome["timezone_source"] for outcome in played.outcomes] == ["host", "host"]
    # Ansible breaks its lines at spaces.
    output = " ".join(played.output.split())
    for zstack in nodes:
        assert f"[WARNING]: {zstack.host}:{zstack.port}: The server's time zone is unknown" in output


@pytest.mark.parametrize("face", FACES)
def test_an_age_is_not_judged_in_a_guessed_zone(face: str, tmp_path: Path) -> None:
    with Simulator(has_timezone_call=False) as zstack:
        known = {
            "host": zstack.host,
            "port": zstack.port,
            "session_uuid": zstack.open_session(),
            "max_age": "7d",
        }
        asks = [Ask(face, zstack.storage_url, known), Ask(face, zstack.storage_url, {**known, "timezone": "+08:00"})]
        guessed, told = play(tmp_path, asks).outcomes
    assert f"{zstack.host}:{zstack.port}: " in refusal(guessed)
    assert refusal(guessed).endswith("set timezone")
    assert 0 < told["count"] < told["total"] == zstack.storages[0].total


@pytest.mark.parametrize("face", FACES)
def test_no_log_hides_success_and_failure(face: str, zstack: Simulator, tmp_path: Path) -> None:
    wrong = {**zstack.options, "account_password": "Open-Sesame"}
    asks = [
        Ask(face, zstack.storage_url, zstack.options, keywords={"no_log": True}),
        Ask(face, zstack.storage_url, wrong, keywords={"no_log": True}),
    ]
    played = play(tmp_path, asks)
    assert played.outcomes[0]["total"] == zstack.storages[0].total
    assert played.outcomes[1]["failed"]
    assert "no_log: true" in played.output
    # ansible-core 2.19 and later show the message of a failure nevertheless.
    for hidden in ("zstack-db-4", "192.0.2.20", "Sesame", zstack.storages[0].password):
        assert hidden not in played.output


def test_a_loop_shows_urls_without_a_password(zstack: Simulator, tmp_path: Path) -> None:
    storages = [zstack.storages[0], zstack.storages[2]]
    # Each has its own password, from a dictionary that the loop does not show.
    passwords = {storage.url_without_password: storage.password for storage in storages}
    ask = Ask(
        "module",
        "{{ item }}",
        {**zstack.options, "storage_password": "{{ passwords[item] }}"},
        {"passwords": passwords},
        keywords={"loop": list(passwords)},
    )
    for arguments in ([], ["-vvv"]):
        played = play(tmp_path, [ask], *arguments)
        (outcome,) = played.outcomes
        assert [result["total"] for result in outcome["results"]] == [zstack.storages[0].total, 0]
        for storage in storages:
            assert f"(item={storage.url_without_password})" in played.output
            assert storage.password not in played.output
