# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each call returns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.image_store import IMAGE_STORE
from ansible_collections.zstack.cloud.tests.simulator.query import Query
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import (
    SHANGHAI,
    STORES,
    TIMEZONE,
    VERSION,
    Caller,
    error_of,
    read,
)

TAGS = "/v1/system-tags"
NAMES = ["backup-local", "backup-new", "backup-remote", "images"]
SSH = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
ZSTORE = "/usr/local/zstack/imagestore/bin/zstore"
CHECK = f"'ps -e | grep zstore || {ZSTORE} -conf {ZSTORE}.yaml -logfile /var/log/zstack/zstack-store/zstore.log'"


def test_a_login_opens_a_session_until_it_is_logged_out(zstack: Simulator, caller: Caller) -> None:
    inventory = caller.log_in().json()["inventory"]
    assert inventory.keys() == {"uuid", "accountUuid", "userUuid", "expiredDate", "createDate"}
    sessions = caller.raw("GET", "/simulator/sessions").json()["sessions"]
    assert sessions == [{"uuid": inventory["uuid"], "account": "admin"}]
    assert caller.scan(inventory["uuid"]).status_code == 200
    # Another logout is no error.
    assert [caller.log_out(inventory["uuid"]).json() for _dummy in range(2)] == [{}, {}]
    assert zstack.sessions == {}


def test_an_account_holds_as_many_sessions_as_the_limit() -> None:
    with Simulator(session_limit=2) as zstack:
        first, caller = zstack.open_session(), Caller(zstack)
        assert caller.log_in().status_code == 200
        error = error_of(caller.log_in())
        caller.log_out(first)
        assert caller.log_in().status_code == 200
    limit = "Login sessions hit limit of max allowed concurrent login sessions"
    assert (error["code"], error["details"]) == ("ID.1006", limit)


def test_a_login_reports_the_local_time_of_the_server_and_gmt() -> None:
    with Simulator(timezone="GMT-03:30", clock_offset=86400) as zstack:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        reply = Caller(zstack).log_in()
        after = datetime.now(timezone.utc)
    inventory = reply.json()["inventory"]
    created = read(inventory["createDate"], timezone(timedelta(hours=-3.5)))
    for moment in (created, parsedate_to_datetime(reply.headers["Date"])):
        assert before <= moment - timedelta(days=1) <= after
    assert reply.headers["Date"].endswith(" GMT")
    assert read(inventory["expiredDate"]) - read(inventory["createDate"]) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("zone", "name", "offset"), [("Asia/Shanghai",) * 2 + ("+08:00",), ("GMT+8", "GMT+08:00", "+08:00"), ("Z",) * 3]
)
def test_the_server_reports_its_zone_even_to_an_unknown_session(zone: str, name: str, offset: str) -> None:
    with Simulator(timezone=zone) as zstack:
        reply = Caller(zstack).get(TIMEZONE, "unknown")
    assert reply.json() == {"timezone": name, "offset": offset, "success": True}


def test_the_version_is_reported_without_a_login(caller: Caller) -> None:
    reply = caller.call("PUT", VERSION, json={"getVersion": {}})
    assert reply.json() == {"version": "4.8.30", "success": True}


def test_the_storages_hold_a_fortnight_of_backups_over_an_upgrade_and_their_copies(
    zstack: Simulator, caller: Caller
) -> None:
    first, copies = (caller.scan(url=zstack.storage_urls[number]).json() for number in (0, 3))
    assert first["success"] is True
    backups = {backup["name"]: backup for backup in first["backups"]}
    assert [backup["version"] for backup in backups.values()] == ["4.7.21"] * 9 + ["4.8.30"] * 6
    assert len({backup["installPath"] for backup in backups.values()}) == zstack.storages[0].total == 15
    for name, backup in backups.items():
        assert backup.keys() == {"name", "version", "installPath", "type", "size", "md5", "createdTime"}
        scheduled = f"zstack-db-{backup['version']}-{read(backup['createdTime']):%Y%m%d%H%M%S}.gz"
        assert name in (scheduled, "before-upgrade-4.8.30")
    # The last copy is incomplete.
    for number, copy in enumerate(reversed(copies["backups"])):
        assert (copy["md5"] == backups[copy["name"]]["md5"]) == (number > 0)


@pytest.mark.parametrize("hour", [1, 2, 3, 23])
def test_the_newest_backup_is_of_the_last_night_at_any_hour(hour: int) -> None:
    now = datetime.now(SHANGHAI)
    then = now.replace(hour=hour, minute=30)
    with Simulator(clock_offset=(then - now).total_seconds()) as zstack:
        times = [read(backup["createdTime"]) for backup in Caller(zstack).scan().json()["backups"]]
    assert times == sorted(times)
    assert timedelta(0) < then - times[-1] < timedelta(hours=24, minutes=1)


def test_infos_describe_a_backup_as_backups_do() -> None:
    with Simulator() as new, Simulator(reply="infos") as old:
        backups = Caller(new).scan().json()["backups"]
        text = Caller(old).scan().content.decode()
    infos = json.loads(text)["infos"]
    assert "null" not in text
    # Java writes a long as a double.
    assert '"size":94420992.0' in text
    for backup, info in zip(backups, infos, strict=True):
        desc = json.loads(info["desc"])
        assert backup["installPath"] == f"zstore://{info['name']}/{info['id']}"
        assert backup["createdTime"] == info["created"] == desc["createdTime"]
        assert backup["size"] == (info["size"] or info["virtualsize"]) > 0
        assert all(backup[key] == desc[key] for key in ("name", "version", "type", "md5"))


@pytest.mark.parametrize(
    ("place", "ssh", "code", "stderr"),
    [
        ("root:a%40b@192.0.2.99", "'a@b' ssh -p 22 {} root@192.0.2.99", 255, "port 22: No route to host"),
        ("root:a%40b@192.0.2.20:2222", "'a@b' ssh -p 2222 {} root@192.0.2.20", 255, "Connection refused"),
        ("root:a%40b@store", "'a@b' ssh -p 22 {} root@store", 255, "hostname store: Name or service not known"),
        ("root:it%27s%20%22%5C%24%25%41@192.0.2.20", r"""'it'\''s "\$%A' ssh -p 22 {} root@192.0.2.20""", 5, "again."),
    ],
)
def test_a_failed_scan_quotes_the_url_and_the_decoded_password(
    caller: Caller, place: str, ssh: str, code: int, stderr: str
) -> None:
    url = f"ssh://{place}/zstack_bs"
    error = error_of(caller.scan(url=url))
    assert (error["code"], error["description"]) == ("SYS.1000", "An internal error happened in system")
    assert error["details"].startswith(
        f"\nshell command[zstack-ctl scan_database_backup --json --backup-storage-url {url} -p 8000] failed"
        f"\nret code: 1\nstderr: ERROR: failed to execute shell command: sshpass -p {ssh.format(SSH)} {CHECK}"
        f"\nreturn code: {code}\nstdout: \nstderr: "
    )
    assert error["details"].endswith(f"{stderr}\n\nstdout: ")


@pytest.mark.parametrize(
    ("query", "stderr"),
    [
        ({"registryPort": 9}, "dial tcp 192.0.2.20:9: connect: connection refused"),
        ({"url": "ssh://root@192.0.2.20/zstack_bs"}, "ERROR: wrong url, get guide from help."),
        ({"url": "ssh://:pw@192.0.2.20/zstack_bs"}, "ERROR: wrong url, get guide from help."),
    ],
)
def test_a_scan_fails_without_ssh(caller: Caller, query: dict[str, str], stderr: str) -> None:
    assert error_of(caller.scan(**query))["details"].endswith(f"{stderr}\n\nstdout: ")


@pytest.mark.parametrize("password", ["it's", "%41", "p@ss:w/o?r#d", "密码", "a b\tc", "$(id)"])
def test_the_first_storage_can_have_any_password_and_its_path_selects_nothing(password: str) -> None:
    with Simulator(storage_password=password) as zstack:
        url = f"ssh://root:{quote(password, safe='')}@192.0.2.20"
        assert zstack.storage_url == f"{url}/zstack_bs"
        assert len(Caller(zstack).scan(url=f" {url}:22/elsewhere ", systemTags=["a::b", "ü"]).json()["backups"]) == 15


def test_another_site_can_be_simulated(tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text(
        "{version: 5.1.0, timezone: UTC, accounts: [{name: test, password: é}], storages: ["
        "{username: u, password: 'a b', host: 192.0.2.1, path: /bs, backups: ["
        "{created: '2024-05-06 02:00:11', version: 5.1.0, size: 7, id: 0ed5, md5: 9e10, name: n, type: multiDatabase}"
        "]}]}",
        encoding="utf-8",
    )
    with Simulator(site) as zstack:
        caller = Caller(zstack)
        (backup,) = caller.scan().json()["backups"]
        (store,) = caller.get(STORES, zstack.open_session()).json()["inventories"]
    assert list(backup.values()) == [
        *("n", "5.1.0", "zstore://zsbak/0ed5", "multiDatabase", 7, "9e10", "May 6, 2024 2:00:11 AM"),
    ]
    assert (store["hostname"], store["sshPort"]) == ("192.0.2.1", 22)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"sort": "+name"}, NAMES),
        ({"sort": "-name"}, NAMES[::-1]),
        ({"sort": "name", "limit": 2, "start": 3}, NAMES[3:]),
        ({"q": "name=BACKUP-new"}, ["backup-new"]),
        ({"q": ["name?=images,backup-new,nothing", "username=root"]}, ["backup-new"]),
        ({"q": "name= images"}, []),
    ],
)
def test_a_query_selects_sorts_and_counts(caller: Caller, query: dict[str, Any], names: list[str]) -> None:
    reply = caller.get(STORES, caller.zstack.open_session(), replyWithCount="true", **query).json()
    assert [each["name"] for each in reply["inventories"]] == names
    assert reply["total"] == (len(names) if "q" in query else 4)


def test_a_query_lists_a_thousand_unless_it_has_a_limit() -> None:
    rows = [{"uuid": f"{number}"} for number in range(1001)]
    found = [len(query.run(rows, IMAGE_STORE)["inventories"]) for query in (Query(), Query(limit=2000))]
    assert found == [1000, 1001]


def test_tags_name_the_store_that_they_are_on(caller: Caller) -> None:
    session = caller.zstack.open_session()
    reply = caller.get(STORES, session, q="name=backup-remote").json()
    (store,) = reply["inventories"]
    assert reply["schema"] == {"inventories[0]": IMAGE_STORE.name}
    assert store.keys() == set(IMAGE_STORE.fields)
    tags = caller.get(TAGS, session, q=[f"resourceUuid?={store['uuid']},0", "tag?=onlybackup,remotebackup"]).json()
    assert [(tag["resourceUuid"], tag["tag"]) for tag in tags["inventories"]] == [(store["uuid"], "remotebackup")]
