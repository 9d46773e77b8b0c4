# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import Platform, entry, summarize
from ansible_collections.zstack.cloud.plugins.module_utils._options import Options

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2024, 5, 6, 11, 0, 11, tzinfo=SHANGHAI)
PLATFORM = Platform("4.7.21", SHANGHAI, "Asia/Shanghai")
# The two example replies, as the API reference documents one and as today's servers send one.
INFO = {
    "id": "270c67e3699f72ba",
    "created": "Nov 14, 2017 10:20:57 PM",
    "author": "zstack",
    "arch": "amd64",
    "size": 7995392.0,
    "virtualsize": 1.268224e7,
    "name": "78b6afbc9da73932a000fb9a75947962",
}
BACKUP = {
    "name": "zstack-db-backup-4.7.21-2024-05-06",
    "version": "4.7.21",
    "installPath": "zstore://zsbak/0ed599ec519249489475112a058bb93a",
    "type": "singleDatabase",
    "size": 81788928,
    "md5": "9e107d9d372bb6826bd81d3542a419d6",
    "createdTime": "May 6, 2024 2:00:11 AM",
}


def read(image: dict[str, Any]) -> dict[str, Any]:
    return entry(image, NOW, PLATFORM)


def aged(*ages: timedelta | None) -> list[dict[str, Any]]:
    return [{"id": str(age), "created": None if age is None else (NOW - age).isoformat()} for age in ages]


@pytest.fixture
def summary(checked: Callable[..., Options], warnings: list[str]) -> Callable[..., dict[str, Any]]:
    def make(images: list[Any], date: datetime | None = NOW, **options: Any) -> dict[str, Any]:
        asked = checked(session_uuid="x", **options)
        return summarize(images, asked.storages[0], date, PLATFORM, asked, warnings.append)

    return make


def test_the_documented_example_becomes_an_entry_with_every_key() -> None:
    assert read(INFO) == {
        "id": "270c67e3699f72ba",
        "parent": None,
        "blobsum": None,
        "created": "Nov 14, 2017 10:20:57 PM",
        "author": "zstack",
        "arch": "amd64",
        "desc": None,
        "size": 7995392,
        "virtualsize": 12682240,
        "name": "78b6afbc9da73932a000fb9a75947962",
        "created_at": "2017-11-14T22:20:57+08:00",
        "age_seconds": 204295154,
        "version": None,
        "type": None,
        "md5": None,
        "install_path": "zstore://78b6afbc9da73932a000fb9a75947962/270c67e3699f72ba",
        "restorable": None,
    }
    assert isinstance(read(INFO)["size"], int)


def test_an_entry_of_todays_servers_has_the_same_keys() -> None:
    backup = read(BACKUP)
    assert backup.keys() == read(INFO).keys()
    assert backup["id"] == "0ed599ec519249489475112a058bb93a"
    assert backup["created"] == "May 6, 2024 2:00:11 AM"
    assert backup["created_at"] == "2024-05-06T02:00:11+08:00"
    assert backup["age_seconds"] == 9 * 3600
    assert backup["restorable"] is True


def test_version_type_and_md5_come_from_a_description_in_json() -> None:
    described = read({**INFO, "desc": '{"version": "4.7.20", "type": "multiDatabase", "md5": "ab", "name": "x"}'})
    assert (described["version"], described["type"], described["md5"]) == ("4.7.20", "multiDatabase", "ab")
    assert described["name"] == INFO["name"]
    assert described["restorable"] is False


@pytest.mark.parametrize("desc", ["taken by hand", "[1]", "null", "{", "\ud800", "[" * 100000])
def test_a_description_that_is_no_json_object_is_left_as_it_is(desc: str) -> None:
    assert read({**INFO, "desc": desc})["desc"] == desc
    assert read({**INFO, "desc": desc})["version"] is None


def test_keys_of_a_newer_server_are_kept_in_snake_case() -> None:
    assert read({**BACKUP, "encryptionType": {"keySize": 256}})["encryption_type"] == {"key_size": 256}


def test_a_key_of_the_server_cannot_take_the_place_of_one_of_ours() -> None:
    backup = read({**BACKUP, "restorable": False, "ageSeconds": -1, "createdAt": "never"})
    assert (backup["restorable"], backup["age_seconds"]) == (True, 9 * 3600)
    assert backup["created_at"] == "2024-05-06T02:00:11+08:00"


@pytest.mark.parametrize("known", [Platform(None, SHANGHAI, ""), Platform("", SHANGHAI, "")])
def test_nothing_is_said_of_a_restore_where_the_platforms_version_is_not_known(known: Platform) -> None:
    assert entry(BACKUP, NOW, known)["restorable"] is None


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (7995392.0, 7995392),
        (1.268224e7, 12682240),
        ("81788928", 81788928),
        (0, 0),
        (2**60 + 1, 2**60 + 1),
        (-1, None),
        ("a lot", None),
        (None, None),
        (True, 1),
        (float("inf"), None),
        (float("nan"), None),
        ([], None),
        ({}, None),
    ],
)
def test_a_size_is_an_int_or_null(written: Any, size: int | None) -> None:
    assert read({**BACKUP, "size": written})["size"] == size


@pytest.mark.parametrize("value", [7, 7.5, True, ["a"], {"a": 1}])
def test_a_text_of_another_type_becomes_a_text(value: Any) -> None:
    image = dict.fromkeys(("id", "name", "author", "desc", "version", "md5", "createdTime", "installPath"), value)
    backup = read(image)
    assert {
        type(backup[key]) for key in image.keys() - {"createdTime", "installPath"} | {"created", "install_path"}
    } == {str}


def test_backups_stand_newest_first_and_one_without_a_time_last(
    summary: Callable[..., dict[str, Any]], warnings: list[str]
) -> None:
    hour = timedelta(hours=1)
    result = summary(aged(3 * hour, None, 1 * hour, 2 * hour))
    assert [each["age_seconds"] for each in result["backups"]] == [3600, 7200, 10800, None]
    assert result["latest"] == result["backups"][0]
    assert warnings == ["ssh://root:***@192.0.2.20/bs: no readable time in 1 of 4 backups, such as None."]


def test_max_age_leaves_out_what_is_older_or_of_unknown_age(summary: Callable[..., dict[str, Any]]) -> None:
    day = timedelta(days=1)
    result = summary(aged(day + timedelta(seconds=1), None, day, day / 2), max_age="24h")
    assert [each["age_seconds"] for each in result["backups"]] == [43200, 86400]
    assert (result["count"], result["total"]) == (2, 4)


def test_limit_keeps_the_newest(summary: Callable[..., dict[str, Any]]) -> None:
    result = summary(aged(*(timedelta(days=day) for day in (3, 1, 2))), limit=2)
    assert [each["age_seconds"] for each in result["backups"]] == [86400, 2 * 86400]
    assert (result["count"], result["total"]) == (2, 3)


def test_an_empty_storage_has_no_latest(summary: Callable[..., dict[str, Any]]) -> None:
    result = summary([])
    assert (result["backups"], result["latest"], result["count"], result["total"]) == ([], None, 0, 0)


def test_what_is_no_object_is_left_out_with_a_warning(
    summary: Callable[..., dict[str, Any]], warnings: list[str]
) -> None:
    assert summary([BACKUP, None, "x", 7, []])["total"] == 1
    assert warnings == ["ssh://root:***@192.0.2.20/bs: left out what is no description of a backup: 4 in all."]


def test_the_result_says_when_and_where_its_times_hold(summary: Callable[..., dict[str, Any]]) -> None:
    result = summary([BACKUP])
    assert result["checked_at"] == "2024-05-06T11:00:11+08:00"
    assert (result["timezone"], result["platform_version"]) == ("Asia/Shanghai", "4.7.21")


def test_the_local_clock_stands_in_where_the_reply_has_no_date(summary: Callable[..., dict[str, Any]]) -> None:
    checked_at = datetime.fromisoformat(summary([], date=None)["checked_at"])
    assert abs(datetime.now(SHANGHAI) - checked_at) < timedelta(minutes=1)
