# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import until
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SHANGHAI, Caller, error_of, read

OPTIONS = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
ZSTORE = "/usr/local/zstack/imagestore/bin/zstore"
CHECK = f"'ps -e | grep zstore || {ZSTORE} -conf {ZSTORE}.yaml -logfile /var/log/zstack/zstack-store/zstore.log'"


def test_the_first_storage_holds_a_fortnight_of_backups_over_an_upgrade(zstack: Simulator, caller: Caller) -> None:
    reply = caller.scan().json()
    backups = reply["backups"]
    assert reply["success"] is True
    assert [backup["version"] for backup in backups] == ["4.7.21"] * 9 + ["4.8.30"] * 6
    assert len({backup["installPath"] for backup in backups}) == zstack.storages[0].total == 15
    for backup in backups:
        assert backup.keys() == {"name", "version", "installPath", "type", "size", "md5", "createdTime"}
        scheduled = f"zstack-db-{backup['version']}-{read(backup['createdTime']):%Y%m%d%H%M%S}.gz"
        assert backup["name"] in (scheduled, "before-upgrade-4.8.30")


def test_the_remote_storage_holds_copies(zstack: Simulator, caller: Caller) -> None:
    first, copies = (caller.scan(url=zstack.storage_urls[n]).json()["backups"] for n in (0, 3))
    known = {backup["name"]: (backup["createdTime"], backup["md5"]) for backup in first}
    # The last copy is incomplete.
    assert all(known[copy["name"]] == (copy["createdTime"], copy["md5"]) for copy in copies[:-1])
    assert copies[-1]["name"] in known


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 12, 23])
def test_the_newest_backup_is_of_the_last_night_at_any_hour(hour: int) -> None:
    now = datetime.now(SHANGHAI)
    then = now.replace(hour=hour, minute=30)
    with Simulator(clock_offset=(then - now).total_seconds()) as zstack:
        backups = Caller(zstack).scan().json()["backups"]
    times = [read(backup["createdTime"], SHANGHAI) for backup in backups]
    assert times == sorted(times)
    assert timedelta(0) < then - times[-1] < timedelta(hours=24, minutes=1)


def test_infos_are_written_as_the_api_reference_shows_them() -> None:
    with Simulator(reply="infos") as zstack:
        text = Caller(zstack).scan(url=zstack.storage_urls[1], registryPort=8001).content.decode()
    assert text.startswith(
        '{"infos":[{"id":"270c67e3699f72ba","created":"Nov 14, 2017 10:20:57 PM","author":"zstack","arch":"amd64",'
        '"size":7995392.0,"virtualsize":1.268224E7,"name":"78b6afbc9da73932a000fb9a75947962"}'
    )
    assert json.loads(text).keys() == {"infos"}
    assert "null" not in text


def test_both_kinds_of_reply_describe_a_backup_alike() -> None:
    with Simulator() as new, Simulator(reply="infos") as old:
        backups = Caller(new).scan().json()["backups"]
        infos = Caller(old).scan().json()["infos"]
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
        f"\nret code: 1\nstderr: ERROR: failed to execute shell command: sshpass -p {ssh.format(OPTIONS)} {CHECK}"
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


@pytest.mark.parametrize(
    "query",
    [
        {"url": " ssh://root:Night%40Watch%237@192.0.2.20:22/elsewhere "},
        {"registryPort": "8000.0"},
        {"limit": ["1", "2"], "systemTags": ["a::b", "ü"]},
    ],
)
def test_the_path_blanks_and_unknown_parameters_are_ignored(caller: Caller, query: dict[str, str]) -> None:
    assert len(caller.scan(**query).json()["backups"]) == 15


def test_scans_wait_side_by_side() -> None:
    with ThreadPoolExecutor(30) as pool, Simulator(scan_seconds=HANGS) as zstack:
        scans = [pool.submit(Caller(zstack).scan) for _dummy in range(30)]
        until(lambda: len(zstack.requests) == 30, "the scans did not arrive")
        assert Caller(zstack).log_in().status_code == 200
        assert not any(scan.done() for scan in scans)


@pytest.mark.parametrize("password", ["it's", "%41", "p@ss:w/o?r#d", "密码", "a b\tc", "$(id)"])
def test_the_first_storage_can_have_any_password(password: str) -> None:
    with Simulator(storage_password=password) as zstack:
        assert zstack.storage_url == f"ssh://root:{quote(password, safe='')}@192.0.2.20/zstack_bs"
        assert Caller(zstack).scan().status_code == 200


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
        assert zstack.storage_urls == ["ssh://u:a%20b@192.0.2.1/bs"]
        caller = Caller(zstack)
        session = caller.log_in().json()["inventory"]["uuid"]
        (backup,) = caller.scan(session).json()["backups"]
        (store,) = caller.get("/v1/backup-storage/image-store", session).json()["inventories"]
    assert list(backup.values()) == [
        *("n", "5.1.0", "zstore://zsbak/0ed5", "multiDatabase", 7, "9e10", "May 6, 2024 2:00:11 AM"),
    ]
    assert (store["hostname"], store["sshPort"]) == ("192.0.2.1", 22)
