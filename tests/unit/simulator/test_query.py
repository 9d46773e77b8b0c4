# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.image_store import IMAGE_STORE, SYSTEM_TAG
from ansible_collections.zstack.cloud.tests.simulator.query import Condition, Query
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller, date, error_of, plain

STORES = "/v1/backup-storage/image-store"
TAGS = "/v1/system-tags"
ALL = ["backup-local", "backup-new", "backup-remote", "images"]


def ask(caller: Caller, path: str = STORES, **query: Any) -> Any:
    return caller.get(path, caller.zstack.open_session(), params=query)


def test_an_image_store_has_the_fields_of_the_inventory(caller: Caller) -> None:
    reply = ask(caller, q="name=backup-local").json()
    (store,) = reply["inventories"]
    assert reply["schema"] == {
        "inventories[0]": "org.zstack.storage.backup.imagestore.ImageStoreBackupStorageInventory"
    }
    assert store.keys() == set(IMAGE_STORE.fields)
    assert (store["hostname"], store["username"], store["sshPort"]) == ("192.0.2.20", "root", 22)
    assert store["url"] == "/zstack_bs"


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ([], ALL),
        (["name=BACKUP-new"], ["backup-new"]),
        (["name!=images", "status=Connected"], ["backup-local", "backup-new"]),
        (["name?=images,backup-new,nothing"], ["backup-new", "images"]),
        (["name!?=images,backup-new"], ["backup-local", "backup-remote"]),
        (["name~=%-re%"], ["backup-remote"]),
        (["name!~=backup%"], ["images"]),
        (["sshPort>22"], ["images"]),
        (["sshPort<=22"], ALL[:3]),
        (["description is null"], ["backup-new", "images"]),
        (["description not null"], ["backup-local", "backup-remote"]),
        (["__systemTag__?=onlybackup,allowbackup,remotebackup"], ALL[:3]),
        (["__systemTag__=onlybackup"], ["backup-local"]),
        (["name= images"], []),
        (["name =images"], ["images"]),
        (["name==images"], ["images"]),
        (["name=back\\up"], []),
    ],
)
def test_conditions_select_as_the_server_reads_them(caller: Caller, conditions: list[str], names: list[str]) -> None:
    assert [each["name"] for each in ask(caller, q=conditions, sort="name").json()["inventories"]] == names


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"q": "name"}, "Invalid query parameter. The 'name' in the parameter[q] doesn't contain any query operator."),
        ({"q": "name="}, "Invalid query parameter. The 'name=' in parameter[q] is not a key-value pair split by ="),
        ({"q": "=x"}, "Invalid query parameter. The '=x' in parameter[q] is not a key-value pair split by ="),
        (
            {"q": "a=>="},
            "Invalid query parameter. The 'a=>=' in parameter[q] is not a key-value pair split by >=",
        ),
        ({"limit": "all"}, "Invalid query parameter. 'limit' must be an integer"),
        ({"start": "1.0"}, "Invalid query parameter. 'start' must be an integer"),
    ],
)
def test_a_query_of_another_form_is_refused(caller: Caller, query: dict[str, str], message: str) -> None:
    status, text = plain(caller.get(STORES, "unknown", params=query))
    assert (status, text[: len(message)]) == (400, message)


@pytest.mark.parametrize("query", [{"q": "name=it's"}, {"q": "a=b!=c"}, {"q": "password=x"}, {"sort": "password"}])
def test_a_query_that_zql_cannot_read_fails(caller: Caller, query: dict[str, str]) -> None:
    assert error_of(ask(caller, **query))["code"] == "SYS.1000"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"sort": "+name"}, ALL),
        ({"sort": "-name"}, ALL[::-1]),
        ({"sort": "name", "limit": 2}, ALL[:2]),
        ({"sort": "name", "limit": 2, "start": 3}, ALL[3:]),
        ({"sort": "name", "start": 9}, []),
    ],
)
def test_pages_are_sorted_and_counted(caller: Caller, query: dict[str, Any], names: list[str]) -> None:
    reply = ask(caller, replyWithCount="true", **query).json()
    assert [each["name"] for each in reply["inventories"]] == names
    assert reply["total"] == 4


def test_a_thousand_are_listed_unless_a_limit_is_given() -> None:
    rows = [{"uuid": f"{number}"} for number in range(1001)]
    assert len(Query().run(rows, IMAGE_STORE, {})["inventories"]) == 1000
    assert len(Query(limit=2000).run(rows, IMAGE_STORE, {})["inventories"]) == 1001


def test_a_platform_without_tags_answers_with_an_empty_list() -> None:
    query = Query([Condition("resourceUuid", "?=", "1,2")])
    assert query.run([], SYSTEM_TAG, {}) == {"inventories": [], "schema": {}}


def test_tags_name_the_store_that_they_are_on(caller: Caller) -> None:
    (store,) = ask(caller, q="name=backup-remote").json()["inventories"]
    reply = ask(caller, TAGS, q=[f"resourceUuid?={store['uuid']},0", "tag?=onlybackup,remotebackup"]).json()
    assert [(tag["resourceUuid"], tag["tag"], tag["type"]) for tag in reply["inventories"]] == [
        (store["uuid"], "remotebackup", "System")
    ]
    assert reply["schema"] == {"inventories[0]": "org.zstack.header.tag.SystemTagInventory"}


def test_an_access_key_may_query(caller: Caller) -> None:
    assert len(caller.signed(STORES, date()).json()["inventories"]) == 4


def test_an_account_without_rights_is_told_so(zstack: Simulator, caller: Caller) -> None:
    session = zstack.credentials("session", "operator")["session_uuid"]
    error = error_of(caller.get(STORES, session))
    assert error["code"] == "ID.1002"
    assert error["details"].endswith("APIQueryImageStoreBackupStorageMsg] is denied: no permission")
    assert caller.scan(session).status_code == 200
    assert error_of(caller.signed(STORES, date(), account="operator"))["code"] == "ID.1002"


def test_a_query_needs_a_session(caller: Caller) -> None:
    assert plain(caller.call("GET", STORES)) == (400, "missing header 'Authorization'")
    assert error_of(caller.get(TAGS, "unknown"))["code"] == "ID.1001"
