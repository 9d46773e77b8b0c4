# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, error_of, plain
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

REFUSED_URLS = [param.values[1]["value"] for param in lines("url", 17) if not param.values[1]["accepted"]]


def test_the_first_storage_holds_a_fortnight_of_backups_over_an_upgrade(zstack: Simulator, caller: Caller) -> None:
    reply = caller.scan().json()
    backups = reply["backups"]
    assert reply["success"] is True
    assert len(backups) == zstack.storages[0].total == 15
    assert [backup["version"] for backup in backups] == ["4.7.21"] * 9 + ["4.8.30"] * 6
    assert all(
        backup.keys() == {"name", "version", "installPath", "type", "size", "md5", "createdTime"} for backup in backups
    )
    assert len({backup["installPath"] for backup in backups}) == 15


def test_an_empty_storage_has_an_empty_list(zstack: Simulator, caller: Caller) -> None:
    assert caller.scan(url=zstack.storage_urls[2]).json() == {"backups": [], "success": True}


def test_infos_are_written_as_the_api_reference_shows_them() -> None:
    with Simulator(reply="infos") as zstack:
        text = Caller(zstack).scan(url=zstack.storage_urls[1], registryPort=8001).content.decode()
    documented = (
        '{"infos":[{"id":"270c67e3699f72ba","created":"Nov 14, 2017 10:20:57 PM","author":"zstack","arch":"amd64",'
        '"size":7995392.0,"virtualsize":1.268224E7,"name":"78b6afbc9da73932a000fb9a75947962"}'
    )
    assert text.startswith(documented)
    assert json.loads(text).keys() == {"infos"}


def test_both_kinds_of_reply_describe_a_backup_alike() -> None:
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


def test_a_size_of_zero_is_replaced_by_the_virtual_size() -> None:
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


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_java_refuses_is_quoted_as_it_was_sent(caller: Caller, url: str) -> None:
    assert error_of(caller.scan(url=url)) == {
        "code": "SYS.1006",
        "description": "An operation failed",
        "details": f"illegal url[{url}], correct example is ssh://username:password@hostname[:sshPort]/path",
    }


CHECK = (
    "'ps -e | grep zstore || /usr/local/zstack/imagestore/bin/zstore -conf /usr/local/zstack/imagestore/bin/zstore.yaml"
    " -logfile /var/log/zstack/zstack-store/zstore.log'"
)


@pytest.mark.parametrize(
    ("place", "target", "code", "stderr"),
    [
        ("root:a%40b@192.0.2.99", "-p 22 {}root@192.0.2.99", 255, "port 22: No route to host"),
        ("root:a%40b@192.0.2.20:2222", "-p 2222 {}root@192.0.2.20", 255, "port 2222: Connection refused"),
        ("root:a%40b@store", "-p 22 {}root@store", 255, "hostname store: Name or service not known"),
        ("root:a%40b@192.0.2.20", "-p 22 {}root@192.0.2.20", 5, "Permission denied, please try again."),
        ("a%2Bb:a%40b@192.0.2.20:22", "-p 22 {}a+b@192.0.2.20", 5, "Permission denied, please try again."),
    ],
)
def test_a_failed_scan_quotes_the_url_as_sent_and_the_ssh_command_with_the_decoded_password(
    caller: Caller, place: str, target: str, code: int, stderr: str
) -> None:
    url = f"ssh://{place}/zstack_bs"
    error = error_of(caller.scan(url=url))
    assert (error["code"], error["description"]) == ("SYS.1000", "An internal error happened in system")
    ssh = "sshpass -p 'a@b' ssh " + target.format("-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no ")
    assert error["details"].startswith(
        f"\nshell command[zstack-ctl scan_database_backup --json --backup-storage-url {url} -p 8000] failed"
        f"\nret code: 1\nstderr: ERROR: failed to execute shell command: {ssh} {CHECK}"
        f"\nreturn code: {code}\nstdout: \nstderr: "
    )
    assert error["details"].endswith(f"{stderr}\n\nstdout: ")


def test_zstack_ctl_quotes_the_password(caller: Caller) -> None:
    error = error_of(caller.scan(url="ssh://root:it%27s%20%22%5C%24%25%41@192.0.2.20/zstack_bs"))
    assert r"""sshpass -p 'it'\''s "\$%A' ssh""" in error["details"]


def test_the_image_store_does_not_answer_at_another_port(caller: Caller) -> None:
    details = error_of(caller.scan(registryPort=9))["details"]
    assert details.endswith(
        "/zstack_bs -p 9] failed\nret code: 1\nstderr: ERROR: fail to run image store cli[images -name zsbak]: "
        "dial tcp 192.0.2.20:9: connect: connection refused\n\nstdout: "
    )


@pytest.mark.parametrize("userinfo", ["root", "root:", ":pw"])
def test_zstack_ctl_requires_user_and_password(caller: Caller, userinfo: str) -> None:
    details = error_of(caller.scan(url=f"ssh://{userinfo}@192.0.2.20/zstack_bs"))["details"]
    assert details.endswith("\nstderr: ERROR: wrong url, get guide from help.\n\nstdout: ")


def test_zstack_ctl_ignores_the_path(caller: Caller) -> None:
    assert len(caller.scan(url="ssh://root:Night%40Watch%237@192.0.2.20:22/elsewhere").json()["backups"]) == 15


def test_spaces_around_the_url_are_ignored(zstack: Simulator, caller: Caller) -> None:
    assert caller.scan(url=f" {zstack.storage_url} ").status_code == 200


def test_a_scan_needs_a_url(caller: Caller) -> None:
    error = error_of(caller.scan(url=None))
    assert (error["code"], error["description"]) == ("SYS.1007", "One or more API argument is invalid")
    assert error["details"].startswith("field[url] of message[")
    assert error["details"].endswith("] is mandatory, can not be null")


@pytest.mark.parametrize("name", ["url", "registryPort"])
def test_a_parameter_has_one_value(caller: Caller, name: str) -> None:
    query: dict[str, Any] = {name: ["8000", "8000"]}
    assert plain(caller.scan(**query)) == (
        400,
        f"Invalid query parameter[{name}], only one value is allowed for the parameter but multiple values found",
    )


def test_a_registry_port_that_is_no_number_is_an_exception_in_plain_text(caller: Caller) -> None:
    assert plain(caller.scan(registryPort="abc")) == (500, 'For input string: "abc"')


@pytest.mark.parametrize("port", ["8000", "8000.0", "8e3"])
def test_a_registry_port_is_read_as_a_double(caller: Caller, port: str) -> None:
    assert caller.scan(registryPort=port).status_code == 200


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_registry_port_out_of_range_is_an_invalid_argument(caller: Caller, port: int) -> None:
    error = error_of(caller.scan(registryPort=port))
    assert (error["code"], error["details"]) == ("SYS.1007", "field[registryPort] must be in range of [1, 65535]")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"url": ["a", "b"]}, 400, None),
        ({"registryPort": "abc"}, 500, None),
        ({"registryPort": "0"}, 503, "SYS.1007"),
        ({"url": None}, 503, "SYS.1007"),
        ({"url": "nonsense"}, 503, "ID.1001"),
    ],
)
def test_parameters_are_checked_before_the_session_and_the_url_after_it(
    caller: Caller, query: dict[str, Any], status: int, code: str | None
) -> None:
    reply = caller.scan("unknown", **query)
    assert reply.status_code == status
    if code:
        assert reply.json()["error"]["code"] == code


def test_unknown_parameters_are_ignored(caller: Caller) -> None:
    assert caller.scan(limit=["1", "2"], registry_port="abc").status_code == 200


def test_only_some_methods_have_their_parameters_in_the_query(zstack: Simulator, caller: Caller) -> None:
    headers, query = {"Authorization": f"OAuth {zstack.open_session()}"}, {"url": zstack.storage_url}
    replies = {method: caller.call(method, SCAN, headers=headers, params=query) for method in ("DELETE", "POST", "PUT")}
    assert replies["DELETE"].status_code == 200
    assert [error_of(replies[method])["code"] for method in ("POST", "PUT")] == ["SYS.1007", "SYS.1007"]


def test_tags_are_accepted_and_recorded(zstack: Simulator, caller: Caller) -> None:
    assert caller.scan(systemTags=["a::b", "ü"], userTags="c d").status_code == 200
    query = zstack.requests[-1].query
    assert [pair for pair in query if pair[0] != "url"] == [
        ("systemTags", "a::b"),
        ("systemTags", "ü"),
        ("userTags", "c d"),
    ]


def test_scans_wait_side_by_side() -> None:
    with ThreadPoolExecutor(30) as pool, Simulator(scan_seconds=HANGS) as zstack:
        scans = [pool.submit(Caller(zstack).scan) for _dummy in range(30)]
        until(lambda: len(zstack.requests) == 30, "the scans did not arrive")
        assert Caller(zstack).log_in().status_code == 200
        assert not any(scan.done() for scan in scans)


def test_a_scan_takes_its_time() -> None:
    with Simulator(scan_seconds=0.2) as zstack:
        begin = time.monotonic()
        assert Caller(zstack).scan().status_code == 200
        assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("password", ["it's", "%41", 'a"b\\c', "p@ss:w/o?r#d", "密码", "a b\tc", "$(id)", "<&>"])
def test_the_first_storage_can_have_any_password(password: str) -> None:
    with Simulator(storage_password=password) as zstack:
        storage = zstack.storages[0]
        assert storage.password == password
        assert storage.url == zstack.storage_url
        assert storage.url == f"ssh://root:{quote(password, safe='')}@192.0.2.20/zstack_bs"
        assert Caller(zstack).scan().status_code == 200


def test_each_storage_has_its_url_password_and_total(zstack: Simulator) -> None:
    assert [(storage.url_without_password, storage.password, storage.total) for storage in zstack.storages] == [
        ("ssh://root@192.0.2.20/zstack_bs", "Night@Watch#7", 15),
        ("ssh://zstack@192.0.2.21:2222/var/lib/zstack_bs", "0ld:Store%", 1),
        ("ssh://root@192.0.2.22/zstack_bs", "fresh-from-the-box", 0),
        ("ssh://root@192.0.2.30/zstack_bs", "Night@Watch#7", 8),
    ]
    assert [storage.url for storage in zstack.storages] == zstack.storage_urls
