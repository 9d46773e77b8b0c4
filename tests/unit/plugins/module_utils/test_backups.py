# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backups: what a reply says about them, their order, their age, and which of them are returned."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._backups import Backup, Options, summarize
from ansible_collections.zstack.cloud.plugins.module_utils._platform import Platform
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.java import timestamp
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import LOGIN, SCAN, Gather, failure, masked

Summary = Callable[..., dict[str, Any]]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2024, 5, 6, 11, 0, 11, tzinfo=SHANGHAI)
PLATFORM = Platform("4.7.21", SHANGHAI, "Asia/Shanghai", "server")
STORAGE = "ssh://root:***@192.0.2.20/bs"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
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
    "name": "zstack-db-4.7.21-20240506020011.gz",
    "version": "4.7.21",
    "installPath": "zstore://zsbak/0ed599ec519249489475112a058bb93a",
    "type": "singleDatabase",
    "size": 81788928,
    "md5": "9e107d9d372bb6826bd81d3542a419d6",
    "createdTime": "May 6, 2024 2:00:11 AM",
}


def read(image: dict[str, Any], platform: Platform = PLATFORM) -> dict[str, Any]:
    return Backup.from_image(image, platform.zone).fields(int(NOW.timestamp()), platform)


def aged(*ages: timedelta | None) -> list[dict[str, Any]]:
    return [{"id": str(age), "created": None if age is None else (NOW - age).isoformat()} for age in ages]


@pytest.fixture
def summary(checked: Callable[..., Options], warnings: list[str]) -> Summary:
    def make(images: list[Any], date: Any = NOW, platform: Platform = PLATFORM, **options: Any) -> dict[str, Any]:
        asked = checked(session_uuid="x", **options)
        return summarize(images, asked.storages[0], date, platform, asked, warnings.append)

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
        "created_epoch": 1510669257,
        "age_seconds": 204295154,
        "version": None,
        "type": None,
        "md5": None,
        "install_path": "zstore://78b6afbc9da73932a000fb9a75947962/270c67e3699f72ba",
        "restorable": None,
    }
    assert isinstance(read(INFO)["size"], int)


NO_SIZES: list[Any] = [-1, "a lot", True, float("inf"), float("nan"), "inf", "1e999", [], {}]
#: What is made of an image, beside its name ``zsbak`` and ID ``0ed5``, and of an entry of today's servers.
MADE: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        BACKUP,
        {},
        {
            "id": "0ed599ec519249489475112a058bb93a",
            "created": "May 6, 2024 2:00:11 AM",
            "created_at": "2024-05-06T02:00:11+08:00",
            "age_seconds": 9 * 3600,
            "restorable": True,
        },
    ),
    # What the image store does not know comes from a description in JSON.
    (
        {**INFO, "id": "0ed5", "name": "zsbak"},
        {"desc": '{"version": "4.7.20", "type": "multiDatabase", "md5": "ab", "name": "nightly"}'},
        {
            "version": "4.7.20",
            "type": "multiDatabase",
            "md5": "ab",
            "name": "nightly",
            "install_path": "zstore://zsbak/0ed5",
            "restorable": False,
        },
    ),
    *(
        ({**INFO, "name": "zsbak"}, {"desc": desc}, {"name": "zsbak", "version": None})
        for desc in (None, "{}", '{"name": null}', '{"name": ""}')
    ),
    # A description that is no JSON object is left as it is, but for a lone surrogate, which cannot be printed.
    *(
        (INFO, {"desc": desc}, {"desc": desc.replace("\ud800", "?"), "version": None, "name": INFO["name"]})
        for desc in ("taken by hand", "[1]", "null", "{", "\ud800", "[" * 100000)
    ),
    (
        BACKUP,
        {"createdTime": "yesterday"},
        {"created": "yesterday", "created_at": None, "created_epoch": None, "age_seconds": None},
    ),
    # Keys of a newer server are kept, but cannot take the place of ours.
    (BACKUP, {"encryptionType": {"keySize": 256}}, {"encryption_type": {"key_size": 256}}),
    (
        BACKUP,
        {"restorable": False, "ageSeconds": -1, "createdAt": "never"},
        {"restorable": True, "age_seconds": 9 * 3600, "created_at": "2024-05-06T02:00:11+08:00"},
    ),
    *((BACKUP, {"version": version}, {"restorable": False}) for version in ("4.7.20", "4.8.0", "4.7.21.1")),
    # A size that is not added up yet is the virtual size.
    *(
        (BACKUP, {"size": size, "virtualsize": virtual}, {"size": shown})
        for size, virtual, shown in ((0, 7, 7), (0, None, 0), (5, 7, 5), (None, 7, None))
    ),
    *((BACKUP, {"size": size}, {"size": int(size)}) for size in (7995392.0, 1.268224e7, "81788928", 2**60 + 1)),
    *((BACKUP, {"size": size}, {"size": None}) for size in NO_SIZES),
]


@pytest.mark.parametrize(("image", "more", "expected"), MADE)
def test_an_entry_has_every_key_and_these_values(
    image: dict[str, Any], more: dict[str, Any], expected: dict[str, Any]
) -> None:
    backup = read({**image, **more})
    assert backup.keys() >= read(INFO).keys()
    assert {key: backup[key] for key in expected} == expected


def test_both_kinds_of_reply_and_every_java_describe_a_backup_alike(gather: Gather) -> None:
    results = []
    for reply, java in (("backups", 8), ("infos", 17), ("infos", 25)):
        with Simulator(reply=reply, java=java) as zstack:
            results.append(gather(zstack))
    first, *others = results
    assert first["latest"]["created_at"].endswith("T02:00:11+08:00")
    same = ("id", "name", "version", "type", "md5", "install_path", "created_at", "created_epoch", "restorable")
    for other in others:
        assert other.keys() == first.keys()
        assert [[each[key] for key in same] for each in other["backups"]] == [
            [each[key] for key in same] for each in first["backups"]
        ]
        assert (first["latest"]["desc"], bool(other["latest"]["desc"])) == (None, True)


@pytest.mark.parametrize("zone", [SHANGHAI, timezone.utc, ZoneInfo("America/New_York"), None])
def test_the_epoch_is_that_of_the_time(zone: tzinfo | None) -> None:
    backup = read(BACKUP, PLATFORM._replace(zone=zone))
    assert backup["created_epoch"] == datetime.fromisoformat(backup["created_at"]).timestamp()
    assert backup["age_seconds"] == NOW.timestamp() - backup["created_epoch"]
    assert isinstance(backup["created_epoch"], int)


def test_restorable_is_null_if_the_version_of_the_platform_is_unknown() -> None:
    for version in (None, ""):
        assert read(BACKUP, PLATFORM._replace(version=version))["restorable"] is None


@pytest.mark.parametrize("value", [7, 7.5, True, ["a"], {"a": 1}])
def test_a_text_of_another_type_becomes_a_text(value: Any) -> None:
    image = dict.fromkeys(("id", "name", "author", "desc", "version", "md5", "createdTime", "installPath"), value)
    backup = read(image)
    assert {
        type(backup[key]) for key in image.keys() - {"createdTime", "installPath"} | {"created", "install_path"}
    } == {str}


def test_backups_are_sorted_newest_first_and_those_without_a_time_last(summary: Summary, warnings: list[str]) -> None:
    result = summary([*aged(3 * HOUR, None, 1 * HOUR, 2 * HOUR), {"created": "1969-12-31T00:00:00Z"}])
    assert [each["age_seconds"] for each in result["backups"][:3]] == [3600, 7200, 10800]
    assert [each["created_epoch"] for each in result["backups"][3:]] == [-86400, None]
    assert result["latest"] == result["backups"][0]
    assert warnings == [f"{STORAGE}: backups with no readable time: 1 of 5, such as None. They are never the latest."]


@pytest.mark.parametrize(("images", "total"), [([], 0), ([{"created": None}] * 2, 2)])
def test_a_storage_without_readable_times_has_no_latest(
    summary: Summary, warnings: list[str], images: list[Any], total: int
) -> None:
    result = summary(images)
    assert (result["latest"], result["count"], result["total"]) == (None, total, total)
    assert bool(warnings) == bool(images)


@pytest.mark.parametrize("put", [str, lambda text: [text], lambda text: {text: text}], ids=["text", "list", "mapping"])
def test_a_warning_of_times_shows_no_part_of_a_secret(
    summary: Summary, warnings: list[str], put: Callable[[str], Any]
) -> None:
    secret = "Night@Watch#7"
    for before in range(0, 400, 7):
        summary([{"createdTime": put("a" * before + secret + "b" * 300)}, {"createdTime": put("a" * before + secret)}])
        shown = Redactor(secret)(warnings.pop())
        assert [secret[at : at + 4] for at in range(len(secret) - 3) if secret[at : at + 4] in shown] == []


@pytest.mark.parametrize("depth", [100, 960, 5000])
def test_a_time_however_deeply_nested_is_only_a_warning(depth: int, summary: Summary, warnings: list[str]) -> None:
    nested: Any = []
    for _dummy in range(depth):
        nested = [nested]
    assert summary([{"name": "x", "createdTime": nested}])["backups"][0]["created_at"] is None
    assert warnings == [f"{STORAGE}: backups with no readable time: 1 of 1, such as a list. They are never the latest."]


def test_a_warning_of_times_quotes_the_first_three_in_one_short_line(summary: Summary, warnings: list[str]) -> None:
    summary([{"created": created} for created in "abcd"])
    summary([{"created": "a\nb\x1b[31m" + "x" * 10000}] * 1000)
    quoting, short = warnings
    words = "backups with no readable time: 4 of 4, such as 'a', 'b', 'c'. They are never the latest."
    assert quoting == f"{STORAGE}: {words}"
    assert len(short) < 400
    assert short.isprintable()


def test_max_age_leaves_out_what_is_older_or_of_unknown_age(summary: Summary) -> None:
    result = summary(aged(DAY + timedelta(seconds=1), None, DAY, DAY / 2), max_age="24h")
    assert [each["age_seconds"] for each in result["backups"]] == [43200, 86400]
    assert (result["count"], result["total"]) == (2, 4)


@pytest.mark.parametrize("options", [{}, {"max_age": "1s"}, {"limit": 1}, {"max_age": "1s", "limit": 1}])
def test_latest_is_the_newest_on_the_storage_whatever_the_selection(summary: Summary, options: dict[str, Any]) -> None:
    result = summary(aged(3 * DAY, 1 * DAY, 2 * DAY), **options)
    assert result["latest"]["age_seconds"] == 86400
    ages = [] if "max_age" in options else [86400] if options else [86400, 2 * 86400, 3 * 86400]
    assert [each["age_seconds"] for each in result["backups"]] == ages
    assert (result["count"], result["total"]) == (len(ages), 3)


@pytest.mark.parametrize("ahead", [301, 3600, 8 * 3600])
def test_a_backup_in_the_future_is_warned_of_and_never_young_enough(
    summary: Summary, warnings: list[str], ahead: int
) -> None:
    images = aged(-timedelta(seconds=ahead), HOUR)
    result = summary(images, max_age="52w")
    assert [each["age_seconds"] for each in result["backups"]] == [3600]
    assert result["total"] == 2
    created = images[0]["created"]
    assert warnings == [
        f"{STORAGE}: backups with a time in the future: 1 of 2, such as '{created}'. Check timezone, and the clocks."
    ]


def test_a_backup_that_is_ahead_by_five_minutes_at_most_is_young(summary: Summary, warnings: list[str]) -> None:
    result = summary(aged(-timedelta(minutes=5), timedelta(0)), max_age="0s")
    assert [each["age_seconds"] for each in result["backups"]] == [-300, 0]
    assert warnings == []


def test_no_age_is_judged_in_a_zone_that_was_guessed(summary: Summary) -> None:
    guessed = PLATFORM._replace(timezone_source="host")
    assert str(failure(summary, [BACKUP], platform=guessed, max_age="24h")) == (
        "zstack.example.com:8080: max_age requires a known time zone, but the management node does not report one: "
        "set timezone"
    )
    assert summary([BACKUP], platform=guessed)["timezone_source"] == "host"
    for source in ("option", "server", "login"):
        result = summary([BACKUP], platform=PLATFORM._replace(timezone_source=source), max_age="24h")
        assert (result["count"], result["timezone_source"]) == (1, source)


# Changes of clocks, by an hour or by half of one.
CHANGES = [
    (ZoneInfo(name), int(datetime.fromisoformat(f"{change}+00:00").timestamp()))
    for name, change in (
        ("Europe/Berlin", "2026-03-29T01:00:00"),
        ("Europe/Berlin", "2026-10-25T01:00:00"),
        ("America/New_York", "2026-03-08T07:00:00"),
        ("America/New_York", "2026-11-01T06:00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00"),
    )
]
zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(ZoneInfo) | st.integers(
    -18 * 60, 18 * 60
).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_ages_are_right_in_any_zone_and_over_a_change_of_clocks(summary: Summary) -> None:
    reached: Counter[bool] = Counter()

    def check(zone: tzinfo, now: int, ages: list[int], written: Any) -> None:
        def write(age: int) -> Any:
            moment = datetime.fromtimestamp(now - age, timezone.utc)
            if written == "Z":
                return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            local = moment.astimezone(zone)
            return local.isoformat()[:25] if written == "ISO" else timestamp(local, written)

        def is_ambiguous(age: int) -> bool:
            return datetime.fromtimestamp(now - age, zone).fold == 1 and isinstance(written, int)

        # Offsets with seconds are of a time before timestamps.
        ages = [age for age in ages if not (datetime.fromtimestamp(now - age, zone).utcoffset() or DAY).seconds % 60]
        images = [{"id": str(age), "created": write(age)} for age in ages]
        asked = {"date": datetime.fromtimestamp(now, timezone.utc), "platform": PLATFORM._replace(zone=zone)}
        result = summary(images, **asked)
        found = [backup["age_seconds"] for backup in result["backups"]]
        assert found == sorted(found)
        assert sorted(int(backup["id"]) for backup in result["backups"]) == sorted(ages)
        for backup in result["backups"]:
            age = int(backup["id"])
            # A time that occurred twice is taken for the earlier one: never for younger than it is.
            assert backup["age_seconds"] - age in ((1800, 3600, 7200) if is_ambiguous(age) else (0,))
            assert backup["created_epoch"] == now - backup["age_seconds"]
            assert datetime.fromisoformat(backup["created_at"]).timestamp() == backup["created_epoch"]
            reached[is_ambiguous(age)] += 1
        assert result["latest"] == next(iter(result["backups"]), None)
        kept = {int(backup["id"]) for backup in summary(images, **asked, max_age="24h")["backups"]}
        assert {age for age in ages if -300 <= age <= 86400 and not is_ambiguous(age)} <= kept
        assert max(kept, default=0) <= 86400

    @given(
        anywhere=st.tuples(zones, st.integers(10**8, 4 * 10**9)),
        ages=st.lists(st.integers(-(10**6), 10**8) | st.integers(-300, 200000), unique=True, max_size=12),
        change=st.sampled_from(CHANGES),
        later=st.integers(-2, 26 * 4),
        written=st.sampled_from(["ISO", "Z", 8, 25]),
    )
    def check_any(
        anywhere: tuple[tzinfo, int], ages: list[int], change: tuple[tzinfo, int], later: int, written: Any
    ) -> None:
        check(*anywhere, ages, written)
        # Backups of every quarter of an hour around a change
        zone, at = change
        check(zone, at + 900 * later, [900 * (later + number) for number in range(-10, 11)], 8)

    check_any()
    assert reached[True] > 20, reached


def test_entries_that_are_not_objects_are_ignored_with_a_warning(summary: Summary, warnings: list[str]) -> None:
    assert summary([BACKUP, None, "x", 7, []])["total"] == 1
    assert warnings == [f"{STORAGE}: ignored 4 entries that are not objects."]


def test_the_result_says_when_and_where_its_times_hold(summary: Summary) -> None:
    result = summary([BACKUP])
    assert result["checked_at"] == "2024-05-06T11:00:11+08:00"
    assert (result["timezone"], result["timezone_source"]) == ("Asia/Shanghai", "server")
    assert (result["platform_version"], result["storage"]) == ("4.7.21", STORAGE)


def test_the_local_clock_is_used_if_the_reply_has_no_date(summary: Summary) -> None:
    checked_at = datetime.fromisoformat(summary([], date=None)["checked_at"])
    assert abs(datetime.now(SHANGHAI) - checked_at) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"success": true}', '{"backups": null}', '{"infos": null}', '{"backups": {}}', '{"backups": "none"}'],
)
@pytest.mark.parametrize("several", [False, True], ids=["one storage", "several storages"])
def test_a_reply_without_a_list_of_backups_is_a_failure(
    zstack: Simulator, gather: Gather, body: str, several: bool
) -> None:
    zstack.inject({"body": body})
    error = failure(gather, zstack, urls=[zstack.storage_url] * (2 if several else 1))
    storage = masked(zstack.storages[0])
    assert str(error).startswith(
        f"127.0.0.1:{zstack.port}: {f'{storage}: ' if several else ''}GetDatabaseBackupFromImageStore: "
        "the response contains no list of backups (HTTP 200)"
    )
    assert error.error["storage"] == storage
    assert not zstack.sessions


def test_of_two_lists_that_of_todays_servers_is_read(gather: Gather, zstack: Simulator) -> None:
    bodies: list[tuple[dict[str, Any], int]] = [
        ({"backups": []}, 0),
        ({"infos": []}, 0),
        ({"infos": [], "backups": None}, 0),
        ({"infos": [INFO], "backups": None}, 1),
        ({"infos": [INFO], "backups": []}, 0),
        ({"infos": [INFO], "backups": [BACKUP, BACKUP]}, 2),
    ]
    for body, total in bodies:
        zstack.inject({"body": json.dumps(body)}, times=1)
        assert gather(zstack)["total"] == total


def test_warnings_name_the_node_and_the_storage(zstack: Simulator, gather: Gather, warnings: list[str]) -> None:
    backups = [{"createdTime": "yesterday"}, {"createdTime": "Jan 1, 2099 1:00:00 AM"}, None]
    zstack.inject({"status": 200, "body": json.dumps({"backups": backups})})
    gather(zstack)
    start = f"127.0.0.1:{zstack.port}: ssh://root:***@192.0.2.20/zstack_bs: "
    assert [warning.partition(start)[:2] for warning in warnings] == [("", start)] * 3


@pytest.mark.parametrize("password", ["a@b#c?d:e%f/g h", "密码'\"\\$`;!*&<>|", "%41+%2F", " "])
def test_a_password_of_any_characters_opens_the_storage(gather: Gather, password: str) -> None:
    with Simulator(storage_password=password) as zstack:
        url = zstack.storages[0].url_without_password
        assert gather(zstack, urls=[url], storage_password=password)[0]["total"] == zstack.storages[0].total


def storages_of(zstack: Simulator) -> list[Any]:
    """The storages as terms. The second of them fails, as its registry has another port."""
    first, second, third, *_others = zstack.storages
    return [first.url, {"url": second.url_without_password, "password": second.password}, third.url]


def test_with_report_a_storage_that_fails_is_reported_beside_the_others(gather: Gather, zstack: Simulator) -> None:
    first, second, third = gather(zstack, urls=storages_of(zstack), report=True)
    assert (first["total"], third["total"]) == (zstack.storages[0].total, zstack.storages[2].total)
    assert "failed" not in first
    assert first.keys() | {"failed", "msg", "error", "status"} == second.keys()
    assert (second["failed"], second["status"], second["error"]["code"]) == (True, 503, "SYS.1000")
    storage = masked(zstack.storages[1])
    assert second["storage"] == second["error"]["storage"] == storage
    assert second["msg"].startswith(f"127.0.0.1:{zstack.port}: {storage}: GetDatabaseBackupFromImageStore: ")
    assert zstack.storages[1].password not in json.dumps(second, ensure_ascii=False)
    assert (second["backups"], second["latest"], second["count"], second["total"]) == ([], None, 0, 0)
    assert zstack.paths.count(LOGIN) == 1
    assert not zstack.sessions


def test_without_report_a_storage_that_fails_is_a_failure_that_names_it(gather: Gather, zstack: Simulator) -> None:
    for others in (1, 2):
        line = str(failure(gather, zstack, urls=storages_of(zstack)[: others + 1]))
        start = f"127.0.0.1:{zstack.port}: {masked(zstack.storages[1])}: GetDatabaseBackupFromImageStore: "
        assert line.startswith(start)


def test_with_report_a_failure_of_the_node_is_that_of_every_storage(gather: Gather, zstack: Simulator) -> None:
    with Simulator() as gone:
        port = gone.port
    down = gather(zstack, urls=storages_of(zstack), report=True, port=port)
    assert [result["storage"] for result in down] == [masked(storage) for storage in zstack.storages[:3]]
    for result in down:
        assert f"connection refused: nothing is listening on port {port}" in result["msg"]
        assert (result["failed"], result["status"], result["error"]["storage"]) == (True, None, result["storage"])
    refused = gather(zstack, urls=storages_of(zstack), report=True, account_password="Open-Sesame")
    assert [result["error"]["code"] for result in refused] == ["ID.1000"] * 3
    assert SCAN not in zstack.paths
    assert "Open-Sesame" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("created", "backup_created", "older", "warned"),
    [
        ("Nov 2, 2025 2:00:11 AM", "Jan 6, 2025 2:00:11 AM", "Jan 6, 2025 2:00:11 AM", True),
        ("Jan 6, 2025 2:00:11 AM", "Nov 2, 2025 2:00:11 AM", "Jan 6, 2025 2:00:11 AM", True),
        ("Jan 6, 2025 2:04:11 AM", "Jan 6, 2025 2:00:11 AM", "Jan 6, 2025 2:00:11 AM", False),
        ("Jan 6, 2025 2:00:11 AM", "some day", "Jan 6, 2025 2:00:11 AM", False),
        (None, "Jan 6, 2025 2:00:11 AM", "Jan 6, 2025 2:00:11 AM", False),
    ],
)
def test_of_the_times_of_an_image_and_its_backup_the_older_counts(
    summary: Summary, warnings: list[str], created: str | None, backup_created: str, older: str, warned: bool
) -> None:
    image = {"id": "a", "name": "zsbak", "created": created, "desc": json.dumps({"createdTime": backup_created})}
    latest = summary([image], date=datetime(2026, 1, 1, tzinfo=timezone.utc))["latest"]
    assert (latest["created"], latest["created_at"][:10]) == (older, "2025-01-06")
    assert ["an image that is newer than the backup in it: 1 of 1" in warning for warning in warnings] == [
        True
    ] * warned
