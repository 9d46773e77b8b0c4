# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image stores that the platform knows, as the module and the lookup return them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils import _platform
from ansible_collections.zstack.cloud.plugins.module_utils._platform import ImageStore
from ansible_collections.zstack.cloud.plugins.modules import zstack_image_store_info
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator, uri
from ansible_collections.zstack.cloud.tests.simulator.site import SHIPPED

KEYS = yaml.safe_load(zstack_image_store_info.RETURN)["image_stores"]["contains"].keys()
STORES = "/v1/backup-storage/image-store"


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that Ansible would show."""
    texts: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda self, text, *_dummy, **_kwargs: texts.append(text))
    return texts


def look_up(zstack: Simulator, *terms: Any, plugin: str = "zstack_image_store", **options: Any) -> list[dict[str, Any]]:
    lookup = lookup_loader.get(f"zstack.cloud.{plugin}", loader=DataLoader(), templar=None)
    found: list[dict[str, Any]] = lookup.run(list(terms), **{**zstack.options, "retries": 0, **options})
    return found


def refusal(zstack: Simulator, *terms: Any, **options: Any) -> str:
    with pytest.raises(AnsibleError) as caught:
        look_up(zstack, *terms, **options)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert not zstack.sessions
    return line


def names(stores: list[dict[str, Any]]) -> list[str]:
    return [store["name"] for store in stores]


def test_stores_for_backups_have_a_role_and_are_terms(zstack: Simulator, shown: list[str]) -> None:
    stores = look_up(zstack)
    assert [(each["name"], each["backup_role"], each["url"]) for each in stores] == [
        ("backup-local", "local", "ssh://root@192.0.2.20:22/zstack_bs"),
        ("backup-new", "local", "ssh://root@192.0.2.22:22/zstack_bs"),
        ("backup-remote", "remote", "ssh://root@192.0.2.30:22/zstack_bs"),
    ]
    assert (zstack.sessions, shown) == ({}, [])
    password = zstack.storages[0].password
    results = look_up(zstack, *stores, plugin="zstack_db_backup", storage_password=password)
    assert [result["total"] for result in results] == [15, 0, 8]


def test_any_purpose_includes_a_store_without_a_tag(zstack: Simulator) -> None:
    (store,) = [each for each in look_up(zstack, purpose="any") if each["backup_role"] is None]
    uuid = store.pop("uuid")
    assert len(uuid) == 32
    assert store == {
        "name": "images",
        "description": None,
        "url": "ssh://zstack@192.0.2.40:2222/data/imagestore",
        "hostname": "192.0.2.40",
        "username": "zstack",
        "ssh_port": 2222,
        "path": "/data/imagestore",
        "backup_role": None,
        "state": "Disabled",
        "status": "Connected",
        "total_capacity": 1 << 40,
        "available_capacity": 107374182400,
    }


@pytest.mark.parametrize("count", [0, 4, 5])
def test_all_pages_are_read(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_platform, "PAGE_SIZE", 2)
    common = {"username": "root", "url": "/zstack_bs", "tags": ["onlybackup"]}
    stores = [{"hostname": f"192.0.2.{number}", "name": f"store-{number}", **common} for number in range(count)]
    site = {**yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), "image_stores": stores}
    (tmp_path / "site.yml").write_text(yaml.safe_dump(site))
    with Simulator(tmp_path / "site.yml") as zstack:
        assert names(look_up(zstack)) == [store["name"] for store in stores]
        assert zstack.paths.count(STORES) == max(1, -(-count // 2))


@pytest.mark.parametrize("total", [{"total": 10}, {"total": "many"}, {}], ids=str)
def test_a_page_that_is_repeated_ends_the_query(total: dict[str, Any], zstack: Simulator) -> None:
    page = {"inventories": [{"uuid": "1", "name": "one"}, {"uuid": "2", "name": "two"}], **total}
    zstack.inject({"body": json.dumps(page)}, on="image_stores")
    assert names(look_up(zstack, purpose="any")) == ["one", "two"]
    assert zstack.paths.count(STORES) == 2


@pytest.mark.parametrize("call", ["image_stores", "system_tags"])
def test_a_reply_without_a_list_is_a_failure(call: str, zstack: Simulator) -> None:
    for body in ("{}", '{"inventories": {}}', '{"inventories": [1]}', '{"backups": []}'):
        zstack.clear()
        zstack.inject({"body": body}, on=call)
        assert "the response contains no list of inventories (HTTP 200)" in refusal(zstack)


@pytest.mark.parametrize("call", ["image_stores", "system_tags"])
def test_an_account_without_rights_gets_a_hint(call: str, zstack: Simulator) -> None:
    zstack.inject({"status": 503, "body": '{"error": {"code": "ID.1002", "description": "no"}}'}, on=call)
    assert refusal(zstack).endswith(f"[ID.1002] no (HTTP 503). {_platform.QUERY_HINTS['ID.1002'].text}")


def test_terms_select_by_name_or_uuid(zstack: Simulator) -> None:
    first, second, _third = look_up(zstack)
    assert look_up(zstack, second["name"], first["uuid"], first["name"]) == [first, second]


def test_a_term_that_matches_nothing_is_answered_with_what_there_is(zstack: Simulator) -> None:
    line = refusal(zstack, "backup-new", "images", "backup")
    assert line.partition(": ")[2] == (
        "image store not found: images, backup; found: backup-local, backup-new, backup-remote; without a tag for "
        "backups, for which purpose=any is required: images"
    )
    assert "image store not found: ***; found: " in refusal(zstack, zstack.account[1])


@pytest.mark.parametrize("term", ["", None, [], ["backup-new"], 1, "ssh://root:Sesame-1@192.0.2.20/zstack_bs"], ids=str)
def test_a_term_that_is_no_name_never_selects_all_stores(term: Any, zstack: Simulator) -> None:
    line = refusal(zstack, term)
    assert "a term must be the name or the UUID of an image store, got a" in line
    assert "Sesame-1" not in line
    assert zstack.requests == []


def url_of(warned: list[str], **row: Any) -> Any:
    return ImageStore(row, None).fields(warned.append)["url"]


@pytest.mark.parametrize(
    ("row", "url"),
    [
        ({"hostname": "2001:db8::20"}, "ssh://root@[2001:db8::20]:22/zstack_bs"),
        ({"hostname": "store-1.example.com", "sshPort": 2222.0}, "ssh://root@store-1.example.com:2222/zstack_bs"),
        ({"username": "a%41"}, "ssh://a%2541@192.0.2.20:22/zstack_bs"),
        *(({"hostname": host}, None) for host in ("image_store", "fe80::1%eth0", None)),
        *(({"username": user}, None) for user in ("root:pw", "a@b", None)),
        *(({"url": path}, None) for path in ("/data/my store", "/$(reboot)", None)),
        *(({"sshPort": port}, None) for port in (70000, None)),
    ],
    ids=str,
)
def test_a_url_that_a_scan_would_refuse_is_null_with_a_warning(row: dict[str, Any], url: str | None) -> None:
    warned: list[str] = []
    store = {"name": "s1", "username": "root", "hostname": "192.0.2.20", "sshPort": 22, "url": "/zstack_bs", **row}
    assert url_of(warned, **store) == url
    words = "The image store s1 has no url, because a scan would not accept its user name, host, SSH port or path."
    assert warned == ([] if url else [words])


TEXTS = st.text(st.sampled_from("ab1._-:@/%?#[] $'+~é"), max_size=8)


@given(user=TEXTS, host=TEXTS, path=TEXTS.map("/{}".format))
def test_java_accepts_each_url_and_reads_the_same_user_and_host(user: str, host: str, path: str) -> None:
    url = url_of([], username=user, hostname=host, sshPort=22, url=path)
    if url is not None:
        assert quote(url, safe="/:@%[]~+-._") == url
        parsed = uri.parse(url.replace("@", ":password@", 1))
        assert parsed is not None
        assert unquote(url[6:].partition("@")[0]) == user
        assert (parsed.host or "").strip("[]") == host


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("uuid", "name", "description", "url", "hostname", "username", "sshPort", "state", "status", "totalCapacity")


@settings(max_examples=100 if LONG else 30)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.text(min_size=1))
def test_a_store_has_all_keys_and_no_password_whatever_the_server_sends(row: dict[str, Any], password: str) -> None:
    fields = ImageStore({**row, "password": {"word": password}}, "local").fields(lambda _text: None)
    assert fields.keys() == KEYS
    assert {"word": password} not in fields.values()
    json.dumps(fields, allow_nan=False).encode()
