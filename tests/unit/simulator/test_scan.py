# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import Caller, error_of


def test_the_first_storage_holds_a_fortnight_of_backups_over_an_upgrade(caller: Caller) -> None:
    backups = caller.scan().json()["backups"]
    assert len(backups) == 15
    assert {backup["version"] for backup in backups} == {"4.7.21", "4.8.30"}
    assert all(
        backup.keys() == {"name", "version", "installPath", "type", "size", "md5", "createdTime"} for backup in backups
    )
    assert len({backup["installPath"] for backup in backups}) == 15


def test_an_empty_storage_has_an_empty_list(zstack: Simulator, caller: Caller) -> None:
    assert caller.scan(url=zstack.storage_urls[2]).json() == {"backups": []}


def test_infos_are_written_as_the_api_reference_shows_them() -> None:
    with Simulator(reply="infos") as zstack:
        text = Caller(zstack).scan(url=zstack.storage_urls[1], registryPort=8001).content.decode()
    documented = (
        '{"infos":[{"id":"270c67e3699f72ba","created":"Nov 14, 2017 10:20:57 PM","author":"zstack","arch":"amd64",'
        '"size":7995392.0,"virtualsize":1.268224E7,"name":"78b6afbc9da73932a000fb9a75947962"}'
    )
    assert text.startswith(documented)


def test_both_kinds_of_reply_tell_the_same_of_a_backup() -> None:
    with Simulator() as new, Simulator(reply="infos") as old:
        backups = Caller(new).scan().json()["backups"]
        infos = Caller(old).scan().json()["infos"]
    for backup, info in zip(backups, infos, strict=True):
        desc = json.loads(info["desc"])
        assert backup["installPath"] == f"zstore://{info['name']}/{info['id']}"
        assert backup["createdTime"] == info["created"] == desc["createdTime"]
        assert [backup[key] for key in ("name", "version", "type", "md5")] == [
            desc[key] for key in ("name", "version", "type", "md5")
        ]


def test_a_size_of_zero_gives_way_to_the_virtual_size() -> None:
    with Simulator() as new, Simulator(reply="infos") as old:
        backup = next(each for each in Caller(new).scan().json()["backups"] if each["name"].startswith("before"))
        info = next(each for each in Caller(old).scan().json()["infos"] if each["size"] == 0)
    assert backup["size"] == info["virtualsize"] == 86310912


def test_images_that_are_no_database_backups_are_not_among_the_backups(zstack: Simulator, caller: Caller) -> None:
    backups = caller.scan(url=zstack.storage_urls[1], registryPort=8001).json()["backups"]
    assert [backup["version"] for backup in backups] == ["3.2.0"]


def test_null_fields_are_left_out() -> None:
    with Simulator(reply="infos") as zstack:
        assert b"null" not in Caller(zstack).scan().content


def test_a_scan_needs_a_url(caller: Caller) -> None:
    error = error_of(caller.scan(url=None))
    assert error["code"] == "SYS.1007"
    assert "mandatory" in error["details"]


@pytest.mark.parametrize(
    "url",
    [
        "192.0.2.20",
        "http://root:a@192.0.2.20/x",
        "ssh://root@192.0.2.20/x",
        "ssh://root:a@b@192.0.2.20/x",
        "ssh://root:a@192.0.2.20",
    ],
)
def test_an_ill_formed_url_is_quoted_back(caller: Caller, url: str) -> None:
    error = error_of(caller.scan(url=url))
    assert error["code"] == "SYS.1007"
    assert error["details"] == (
        f"illegal url[{url}], correct example is ssh://username:password@hostname[:sshPort]/path"
    )


@pytest.mark.parametrize(
    ("change", "stderr"),
    [
        ({"url": "ssh://root:Night%40Watch%237@192.0.2.99/zstack_bs"}, "No route to host"),
        ({"url": "ssh://root:Night%40Watch%237@192.0.2.20:2222/zstack_bs"}, "No route to host"),
        ({"url": "ssh://root:Night%40Watch%238@192.0.2.20/zstack_bs"}, "Permission denied"),
        ({"url": "ssh://admin:Night%40Watch%237@192.0.2.20/zstack_bs"}, "Permission denied"),
        ({"url": "ssh://root:Night%40Watch%237@192.0.2.20/other"}, "/other"),
        ({"registryPort": 8001}, "Connection refused"),
    ],
)
def test_a_storage_that_cannot_be_reached_fails_with_the_command(
    caller: Caller, change: dict[str, Any], stderr: str
) -> None:
    error = error_of(caller.scan(**change))
    assert error["code"] == "SYS.1006"
    assert stderr in error["details"]


def test_the_failed_command_is_quoted_with_the_decoded_password(caller: Caller) -> None:
    command = (
        "zstack-ctl scan_database_backup --json --backup-storage-url ssh://root:Night@Watch#7@192.0.2.20/zstack_bs -p 9"
    )
    details = error_of(caller.scan(registryPort=9))["details"]
    assert command in details
    assert "扫描镜像服务器失败" in details


def test_a_registry_port_that_is_no_number_is_refused_in_plain_text(caller: Caller) -> None:
    reply = caller.scan(registryPort="eight")
    assert reply.status_code == 400
    assert "registryPort" in reply.text


def test_a_registry_port_that_no_port_can_be_is_an_invalid_argument(caller: Caller) -> None:
    assert [error_of(caller.scan(registryPort=port))["code"] for port in (0, 65536)] == ["SYS.1007", "SYS.1007"]


def test_tags_are_accepted_and_recorded(zstack: Simulator, caller: Caller) -> None:
    assert caller.scan(systemTags=["a::b", "ü"], userTags="c d").status_code == 200
    query = zstack.requests[-1].query
    assert [pair for pair in query if pair[0] != "url"] == [
        ("systemTags", "a::b"),
        ("systemTags", "ü"),
        ("userTags", "c d"),
    ]
