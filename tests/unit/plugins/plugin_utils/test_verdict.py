# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict: each condition at its boundary, what is unknown, and that no result can upset it."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._backups import Backup
from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._platform import Platform
from ansible_collections.zstack.cloud.plugins.plugin_utils._verdict import check_policy, verify
from ansible_collections.zstack.cloud.plugins.plugin_utils._words import Words
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import refusal

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
HOUR, DAY = 3600, 86400
MB = 2**20
RUNNING = "4.8.30"
#: All conditions off but one, which a test then sets.
OFF: dict[str, Any] = dict.fromkeys(("max_age", "restorable", "min_count", "min_size", "max_shrink", "min_storages"))
FAILED: dict[str, Any] = {
    "backups": [],
    "latest": None,
    "total": 0,
    "failed": True,
    "msg": "zstack.example.com:8080: connection refused",
}


def backup(age: float | None = HOUR, size: int | None = 100 * MB, version: str | None = RUNNING) -> dict[str, Any]:
    """A backup as the server describes it."""
    created = None if age is None else (NOW - timedelta(seconds=age)).isoformat()
    return {"name": f"taken-{age}", "createdTime": created, "size": size, "version": version}


def result(*images: dict[str, Any], running: str | None = RUNNING, **keys: Any) -> dict[str, Any]:
    """A result of module and lookup with these backups, newest first."""
    platform = Platform(running, timezone.utc, "UTC", "server")
    backups = [Backup.from_image(image, platform.zone).fields(int(NOW.timestamp()), platform) for image in images]
    return {
        "backups": backups,
        "latest": backups[0] if backups and backups[0]["created_at"] else None,
        "count": len(backups),
        "total": len(backups),
        "storage": "ssh://root:***@192.0.2.20:22/zstack_bs",
        "checked_at": NOW.isoformat(),
        "timezone": platform.timezone,
        "timezone_source": platform.timezone_source,
        "platform_version": platform.version,
        **keys,
    }


def judge(results: Any, terms: Any = (), **policy: Any) -> dict[str, Any]:
    return Words("en").describe(verify(results, check_policy(policy), terms))


def words(check: dict[str, Any]) -> tuple[str, str, str | None]:
    return check["wanted"], check["found"], check["next_step"]


def apart(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results, each of a storage of its own."""
    return [{**each, "storage": f"ssh://root:***@192.0.2.{number}/bs"} for number, each in enumerate(results, 1)]


def only(condition: str, value: Any, *images: dict[str, Any], **keys: Any) -> tuple[bool, list[str]]:
    """Whether the single condition is met, and the storage's unmet conditions."""
    (storage,) = judge(result(*images, **keys), **{**OFF, condition: value})["storages"]
    assert [check["name"] for check in storage["checks"]] == [condition]
    assert storage["passed"] == storage["checks"][0]["passed"] == (not storage["unmet"])
    return storage["passed"], storage["unmet"]


def test_a_fresh_restorable_backup_of_the_usual_size_passes_without_a_policy() -> None:
    verdict = judge(result(backup(), backup(DAY)))
    assert verdict["passed"] is True
    assert verdict["unmet"] == []
    assert verdict["summary"] == "Ready for an upgrade: 1 of 1 storage passed (required: all)."
    assert verdict["platform_version"] == RUNNING
    assert verdict["checked_at"] == "2026-11-23T09:00:00+00:00"
    (storage,) = verdict["storages"]
    assert storage["name"] == "192.0.2.20:22/zstack_bs"
    assert storage["latest"]["name"] == "taken-3600"
    assert [check["name"] for check in storage["checks"]] == ["min_count", "max_age", "restorable", "max_shrink"]
    assert [check["found"] for check in storage["checks"]] == [
        "2 backups",
        "newest is 1 h old",
        "newest has version 4.8.30",
        "newest is 100.00 MB, the usual is 100.00 MB",
    ]


@pytest.mark.parametrize(
    ("max_age", "age", "words"),
    [
        ("24h", DAY, None),
        ("24h", DAY + 1, "newest is 24 h 1 s old (required: at most 24 h old)"),
        ("1d", 3 * DAY + 2 * HOUR + 59, "newest is 3 days 2 h old (required: at most 24 h old)"),
        ("90s", 91, "newest is 1 min 31 s old (required: at most 1 min 30 s old)"),
        ("47h", 2 * DAY, "newest is 2 days old (required: at most 47 h old)"),
        ("2w", 14 * DAY, None),
        ("2w", 14 * DAY + 60, "newest is 14 days 1 min old (required: at most 14 days old)"),
        ("32461s", 10 * HOUR, "newest is 10 h old (required: at most 9 h 1 min old)"),
        ("0s", 0, None),
        ("0s", 1, "newest is 1 s old (required: at most 0 s old)"),
        ("24h", -300, None),
        ("24h", -301, "newest is 5 min 1 s in the future (required: at most 24 h old)"),
        ("24h", None, "no backup with a readable time"),
    ],
)
def test_the_newest_must_be_no_older_than_max_age(max_age: str, age: int | None, words: str | None) -> None:
    assert only("max_age", max_age, backup(age)) == (words is None, [words] if words else [])


@pytest.mark.parametrize(
    ("age", "found"),
    [
        (90061, "25 h 1 min"),
        (90060, "25 h 1 min"),
        (0, "0 s"),
        (-1, "0 s"),
    ],
)
def test_an_age_within_the_limit_is_shown_in_two_units_and_never_as_negative(age: int, found: str) -> None:
    (storage,) = judge(result(backup(age)), **{**OFF, "max_age": "90061s"})["storages"]
    assert words(storage["checks"][0]) == ("at most 25 h 1 min old", f"newest is {found} old", None)


@pytest.mark.parametrize("source", ["host", None, "a guess"])
def test_no_age_passes_if_the_time_zone_is_a_guess(source: str | None) -> None:
    words = "age unknown, because the server's time zone is unknown (required: at most 24 h old)"
    assert only("max_age", "24h", backup(), timezone_source=source) == (False, [words])


def test_no_age_passes_if_timezone_differs_from_the_servers() -> None:
    sentence = "age unknown, because timezone has another offset than the server reports (required: at most 24 h old)"
    assert only("max_age", "24h", backup(), timezone_source="differs") == (False, [sentence])


def test_an_unknown_age_does_not_pass() -> None:
    latest = {**result(backup())["latest"], "age_seconds": None}
    assert only("max_age", "24h", backup(), latest=latest) == (False, ["age unknown (required: at most 24 h old)"])


@pytest.mark.parametrize("source", ["option", "server", "login"])
def test_an_age_passes_if_the_time_zone_is_known(source: str) -> None:
    assert only("max_age", "24h", backup(), timezone_source=source) == (True, [])


@pytest.mark.parametrize(
    ("version", "running", "words"),
    [
        (RUNNING, RUNNING, None),
        ("4.7.21", RUNNING, "newest has version 4.7.21 (required: version 4.8.30)"),
        (None, RUNNING, "newest has an unknown version (required: version 4.8.30)"),
        (
            RUNNING,
            None,
            "newest has version 4.8.30, and the platform's is unknown (required: the running platform's version)",
        ),
    ],
)
def test_the_newest_must_be_restorable(version: str | None, running: str | None, words: str | None) -> None:
    assert only("restorable", True, backup(version=version), running=running) == (not words, [words] if words else [])


def test_versions_of_which_none_is_the_platforms_have_a_reason_of_their_own() -> None:
    images = [backup(version="4.3.0"), backup(DAY, version="4.2.0")]
    passed, (sentence,) = only("restorable", True, *images, running="4.8.0.6")
    assert not passed
    assert sentence.startswith("newest has version 4.3.0, and none of the 2 backups has the platform's")
    (storage,) = judge(result(*images, running="4.8.0.6"))["storages"]
    assert any("ZSphere's mapping" in step for step in storage["next_steps"])
    # One that matches, or may be in the rest of the list, shows that the versions are of one kind.
    for more in ({}, {"total": 3}):
        others = [*images, backup(2 * DAY, version="4.8.0.6")] if not more else images
        (storage,) = judge(result(*others, running="4.8.0.6", **more))["storages"]
        assert "version_differs" in [check["reason"] for check in storage["checks"]]


def test_the_newest_backup_that_can_be_restored_is_named() -> None:
    images = [backup(version="4.7.21"), backup(DAY), backup(2 * DAY)]
    (storage,) = judge(result(*images))["storages"]
    assert storage["newest_restorable"]["name"] == f"taken-{DAY}"
    (storage,) = judge(result(images[0]))["storages"]
    assert storage["newest_restorable"] is None


@pytest.mark.parametrize(
    ("min_count", "words"), [(0, None), (2, None), ("2", None), (3, "2 backups (required: at least 3 backups)")]
)
def test_a_storage_must_have_min_count_backups(min_count: Any, words: str | None) -> None:
    assert only("min_count", min_count, backup(), backup(DAY)) == (words is None, [words] if words else [])


def test_backups_that_a_limit_leaves_out_are_counted() -> None:
    assert only("min_count", 15, backup(), total=15) == (True, [])


@pytest.mark.parametrize(
    ("min_size", "size", "words"),
    [
        ("50MB", 50 * MB, None),
        ("50MB", 51 * MB, None),
        ("50MB", 41 * MB, "newest is 41.00 MB (required: at least 50.00 MB)"),
        ("50MB", 9 * MB, "newest is 9.00 MB (required: at least 50.00 MB)"),
        ("50 MB", 50 * MB - 1, "newest is 52428799 bytes (required: at least 52428800 bytes)"),
        ("1.5 KB", 1536, None),
        (1, 0, "newest is empty (0 bytes)"),
        ("0", 0, "newest is empty (0 bytes)"),
        ("1K", None, "size unknown (required: at least 1.00 KB)"),
    ],
)
def test_the_newest_must_have_min_size(min_size: Any, size: int | None, words: str | None) -> None:
    assert only("min_size", min_size, backup(size=size)) == (words is None, [words] if words else [])


@pytest.mark.parametrize("size", [50 * MB, 50 * MB + 1])
def test_a_size_at_the_limit_is_shown_in_readable_units(size: int) -> None:
    (storage,) = judge(result(backup(size=size)), **{**OFF, "min_size": "50MB"})["storages"]
    assert words(storage["checks"][0]) == ("at least 50.00 MB", "newest is 50.00 MB", None)


@pytest.mark.parametrize(
    ("max_shrink", "sizes", "words"),
    [
        (50, [50, 100], None),
        (50, [49, 100], "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        ("0", [100, 100], None),
        (0, [99, 100], "newest is 99.00 MB, 1% below the usual 100.00 MB"),
        (12.5, [87, 100], "newest is 87.00 MB, 13% below the usual 100.00 MB"),
        (100, [1, 1000], None),
        # Empty backups are not compared with.
        (50, [49, 0, 0, 0, 100], "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, [49, *[0] * 9, 100], "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, [49, 0], None),
        (50, [40, 60, 100], None),
        (50, [39, 60, 100], "newest is 39.00 MB, 51.3% below the usual 80.00 MB"),
        # A single large one does not make the others small.
        (50, [60, 1000, 100, 100], None),
        # The eighth before the newest does not count: with it, the median would be 105.
        (50, [50, 100, 100, 100, 100, 110, 110, 110, 110], None),
        (50, [54, 100, 100, 100, 110, 110, 110, 110], "newest is 54.00 MB, 51% below the usual 110.00 MB"),
        (50, [100], None),
        (50, [200, 100], None),
        (50, [49, None, 100], "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, [49, None], "usual size unknown"),
        (50, [10**400 - 1, 10**400], None),
        (50, [None, 100], "size unknown"),
        (50, [10**400, 10**400], None),
    ],
)
def test_the_newest_must_not_be_smaller_than_usual_by_more_than_max_shrink(
    max_shrink: Any, sizes: list[int | None], words: str | None
) -> None:
    images = [backup(DAY * number, size and size * MB) for number, size in enumerate(sizes)]
    if words:
        words += f" (required: at most {float(max_shrink):g}% below the usual size)"
    assert only("max_shrink", max_shrink, *images) == (words is None, [words] if words else [])


def test_what_is_larger_than_usual_is_not_called_smaller() -> None:
    (storage,) = judge(result(backup(size=200 * MB), backup(DAY)))["storages"]
    assert storage["checks"][-1]["found"] == "newest is 200.00 MB, the usual is 100.00 MB"


def test_a_shrink_just_above_the_limit_does_not_read_as_the_limit() -> None:
    found = only("max_shrink", 50, backup(size=50 * MB - 1), backup(DAY))[1]
    assert found == ["newest is 50.00 MB, 50.1% below the usual 100.00 MB (required: at most 50% below the usual size)"]


@pytest.mark.parametrize("policy", [{}, OFF, {"min_size": "0", "max_shrink": 100}, {"min_size": "1K"}])
def test_an_empty_backup_never_passes(policy: dict[str, Any]) -> None:
    for images in ([backup(size=0)], [backup(size=0), backup(DAY, 0)], [backup(size=0), backup(DAY)]):
        verdict = judge(result(*images), **policy)
        assert verdict["passed"] is False
        assert any("newest is empty (0 bytes)" in sentence for sentence in verdict["unmet"])


@pytest.mark.parametrize(("virtual", "size"), [(7 * MB, 7 * MB), (0, 0), (None, 0), ("odd", 0)])
def test_an_image_without_a_size_has_its_virtual_size(virtual: Any, size: int) -> None:
    (storage,) = judge(result({**backup(size=0), "virtualsize": virtual}))["storages"]
    assert storage["latest"]["size"] == size
    assert storage["passed"] == bool(size)


@pytest.mark.parametrize(("size", "words"), [(10**24, "847.03 ZB"), (1000 * 2**80, "more than 1000 YB")])
def test_a_size_beyond_all_units_is_not_written_out(size: int, words: str) -> None:
    (storage,) = judge(result(backup(size=size)), **{**OFF, "min_size": "1"})["storages"]
    assert storage["checks"][0]["found"] == f"newest is {words}"


def test_a_backup_that_is_listed_again_is_neither_compared_with_nor_counted() -> None:
    copies = [backup(DAY, 10 * MB)] * 8 + [backup(2 * DAY)]
    assert only("max_shrink", 50, *copies)[0] is False
    assert only("min_count", 3, *copies) == (False, ["2 backups (required: at least 3 backups)"])


def test_empty_backups_are_not_counted() -> None:
    assert only("min_count", 2, backup(), backup(DAY, 0))[0] is False
    (storage,) = judge(result(backup(size=0)))["storages"]
    assert storage["unmet"][0] == "all backups are empty"


def test_what_is_beyond_a_limit_never_reads_as_the_limit() -> None:
    seconds = st.integers(0, 40 * DAY)

    @given(seconds, st.integers(1, 100), st.integers(1, 10**9), st.integers(1, 10**9), st.floats(0, 100))
    def check(limit: int, more: int, size: int, usual: int, shrink: float) -> None:
        for age in (limit + 1, limit + more):
            reason = only("max_age", f"{limit}s", backup(age))[1][0]
            found, _wanted, wanted = reason.removeprefix("newest is ").partition(" (required: at most ")
            assert found + ")" != wanted
        passed, reasons = only("max_shrink", shrink, backup(size=size), backup(DAY, usual))
        checks = judge(result(backup(size=size), backup(DAY, usual)), **{**OFF, "max_shrink": shrink})
        check = checks["storages"][0]["checks"][0]
        if "below" in check["found"]:
            share = float(check["found"].partition("% below")[0].split()[-1])
            assert (share <= float(check["wanted"].split()[2][:-1])) == passed == (not reasons)

    check()


def test_backups_without_a_readable_time_are_not_compared_with() -> None:
    untimed = [backup(None, 10 * MB)] * 3
    assert only("max_shrink", 50, backup(size=60 * MB), backup(DAY), *untimed) == (True, [])
    assert only("max_shrink", 50, backup(size=40 * MB), backup(DAY), *untimed)[0] is False


def test_the_usual_size_is_unknown_if_the_result_does_not_hold_the_backups_before_the_newest() -> None:
    words = "usual size unknown, because the result does not contain all backups"
    for total in (2, 7, 15):
        found = only("max_shrink", 50, backup(), total=total)
        assert found == (False, [f"{words} (required: at most 50% below the usual size)"])


def test_seven_backups_before_the_newest_are_enough_for_the_usual_size() -> None:
    for count in (8, 9):
        assert only("max_shrink", 50, *[backup(DAY * number) for number in range(count)], total=15) == (True, [])
    assert only("max_shrink", 50, *[backup(DAY * number) for number in range(7)], total=15)[0] is False


def test_an_empty_storage_has_one_reason() -> None:
    verdict = judge(result(), min_size="1MB")
    assert [check["passed"] for check in verdict["storages"][0]["checks"]] == [False] * 5
    assert verdict["storages"][0]["unmet"] == ["no backup"]


def test_a_condition_that_is_null_is_switched_off() -> None:
    verdict = judge(result(backup(9 * DAY, 1, "1.0"), backup(10 * DAY)), **OFF)
    assert verdict["passed"] is True
    assert verdict["storages"][0]["checks"] == []


def test_restorable_false_is_switched_off_too() -> None:
    assert judge(result(backup(version="1.0")), restorable=False)["passed"] is True


def test_an_empty_text_stands_for_the_default() -> None:
    assert check_policy(dict.fromkeys(OFF, "")) == check_policy({})


@pytest.mark.parametrize(
    ("passing", "min_storages", "passed", "summary"),
    [
        (3, None, True, "Ready for an upgrade: 3 of 3 storages passed (required: all)."),
        (2, None, False, "NOT ready for an upgrade: 2 of 3 storages passed (required: all)."),
        (2, 2, True, "Ready for an upgrade: 2 of 3 storages passed (required: at least 2)."),
        (3, 2, True, "Ready for an upgrade: 3 of 3 storages passed (required: at least 2)."),
        (1, 2, False, "NOT ready for an upgrade: 1 of 3 storages passed (required: at least 2)."),
        (0, 1, False, "NOT ready for an upgrade: 0 of 3 storages passed (required: at least 1)."),
    ],
)
def test_min_storages_must_pass(passing: int, min_storages: int | None, passed: bool, summary: str) -> None:
    results = [result(backup())] * passing + [result()] * (3 - passing)
    verdict = judge(apart(results), min_storages=min_storages)
    assert (verdict["passed"], verdict["summary"]) == (passed, summary)
    assert [storage["passed"] for storage in verdict["storages"]] == [True] * passing + [False] * (3 - passing)


@pytest.mark.parametrize(
    "place",
    [
        "root:***@192.0.2.20/zstack_bs",
        "root:***@192.0.2.20:0022/other",
        "zstack:***@192.0.2.20:22//./zstack_bs/",
        "root:***@192.0.2.20/%7Astack_bs",
    ],
)
def test_a_storage_that_is_listed_twice_counts_once(place: str) -> None:
    good, again = result(backup()), result(backup(), storage=f"ssh://{place}")
    with pytest.raises(ZStackError, match="min_storages must be at most 1, the number of storages, got 2"):
        judge([good, again], min_storages=2)
    stale = result(backup(9 * DAY), storage="ssh://root:***@192.0.2.21/zstack_bs")
    verdict = judge([good, again, stale], min_storages=2)
    assert verdict["summary"] == "NOT ready for an upgrade: 1 of 2 storages passed (required: at least 2)."
    assert len(verdict["storages"]) == 3
    failed = {**FAILED, "storage": again["storage"]}
    assert judge([good, failed], min_storages=1)["passed"] is False


def test_two_platforms_on_one_storage_are_two_results() -> None:
    other = result(backup(version="4.7.21"), running="4.7.21")
    assert judge([result(backup()), other], min_storages=2)["values"]["count"] == 2
    stale = result(backup(9 * DAY, version="4.7.21"), running="4.7.21")
    assert judge([result(backup()), stale], min_storages=1)["passed"] is True
    # A failed scan does not report the platform, so it can be of each.
    failed = {**FAILED, "storage": other["storage"]}
    assert judge([result(backup()), other, failed], min_storages=1)["passed"] is False


@pytest.mark.parametrize(
    ("judged", "summary"),
    [
        (result(backup(15 * HOUR + 120)), "taken-54120, 15 h 2 min old, 100.00 MB"),
        (result(backup(-300, None)), "taken--300, 0 s old, size unknown"),
        (result(backup(-301)), "taken--301, age unknown, 100.00 MB"),
        (result(backup(), timezone_source="host"), "taken-3600, age unknown, 100.00 MB"),
        (result({**backup(), "name": "two\nlines \u202e"}), "two lines, 1 h old, 100.00 MB"),
        (result({**backup(), "name": None}), "a backup without a name, 1 h old, 100.00 MB"),
        (result(), "no backup, and none is required"),
        (result(backup(None)), "no backup with a readable time, and none is required"),
    ],
)
def test_the_summary_of_a_storage_that_passed_describes_its_newest_backup(judged: dict[str, Any], summary: str) -> None:
    (storage,) = judge(judged, **OFF)["storages"]
    assert (storage["passed"], storage["summary"]) == (True, summary)


def test_the_summary_of_a_storage_that_has_not_passed_says_what_is_wrong() -> None:
    (storage,) = judge(result(backup(3 * DAY, version="4.7.21")))["storages"]
    assert storage["summary"] == (
        "newest is 3 days old (required: at most 24 h old); newest has version 4.7.21 (required: version 4.8.30)"
    )


@pytest.mark.parametrize("results", [[], {"results": []}, [[]]])
def test_a_verdict_on_no_storage_does_not_pass(results: Any) -> None:
    verdict = judge(results, **OFF)
    assert verdict["passed"] is False
    assert verdict["summary"] == "NOT ready for an upgrade: no storage was checked."
    assert verdict["unmet"] == ["no storage was checked"]
    assert (verdict["checked_at"], verdict["platform_version"]) == (None, None)


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (FAILED, "zstack.example.com:8080: connection refused"),
        ({"failed": True, "msg": "several\nlines"}, "several lines"),
        ({"skipped": True, "changed": False}, "the result contains no list of backups"),
        ({"unreachable": True, "msg": "ssh failed"}, "ssh failed"),
    ],
)
def test_a_storage_that_could_not_be_scanned_has_not_passed(failed: dict[str, Any], reason: str) -> None:
    verdict = judge([result(backup()), failed], **OFF)
    assert verdict["passed"] is False
    assert verdict["unmet"] == [f"storage 2: could not be scanned: {reason}"]
    (check,) = verdict["storages"][1]["checks"]
    assert (check["name"], check["passed"]) == ("scan", False)
    assert words(check)[:2] == ("a list of backups", f"could not be scanned: {reason}")


def test_of_a_failed_command_the_verdict_has_the_last_words_and_the_hint() -> None:
    details = f"shell command[{'x' * 700}] failed\nstderr: root@192.0.2.20: Permission denied (publickey)."
    output = "root@192.0.2.20: Permission denied (publickey)."
    failed = {**FAILED, "msg": details, "error": {"code": "SYS.1000", "details": details, "output": output}}
    failed["error"]["hint"] = "Check the user name."
    verdict = judge(failed)
    assert verdict["unmet"] == ["storage 1: could not be scanned: root@192.0.2.20: Permission denied (publickey)"]
    assert verdict["storages"][0]["next_steps"] == ["Check the user name."]


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ({"state": "Enabled", "status": "Connected"}, "scan_failed"),
        ({"state": "Enabled", "status": "Disconnected"}, "store_unavailable"),
        ({"state": "Disabled", "status": "Connected"}, "store_unavailable"),
    ],
)
def test_the_state_of_a_store_is_said_beside_its_failed_scan(store: dict[str, str], reason: str) -> None:
    (storage,) = judge(FAILED, terms=[{"name": "local", **store}])["storages"]
    assert [check["reason"] for check in storage["checks"]] == [reason]
    assert judge(result(backup()), terms=[{"name": "local", **store}])["passed"] is True


def test_a_failed_result_of_the_module_is_called_by_the_storage_in_its_error() -> None:
    failed = {"failed": True, "msg": "no", "error": {"storage": "ssh://root:***@192.0.2.21/zstack_bs"}}
    assert judge(failed)["storages"][0]["name"] == "192.0.2.21/zstack_bs"


def test_names_are_those_given_in_the_order_of_the_results() -> None:
    verdict = judge([result(backup()), result(), FAILED, result()], terms=[{"name": "local"}, "ssh://a", None])
    names = [storage["name"] for storage in verdict["storages"]]
    assert names == ["local", "192.0.2.20:22/zstack_bs", "storage 3", "192.0.2.20:22/zstack_bs"]


def test_two_storages_with_one_name_are_told_apart_by_their_places() -> None:
    terms = [{"name": "local"}, {"name": "local"}, {"name": "remote"}, "ssh://a", "ssh://a"]
    results = [*apart([result(), FAILED]), result(), result(), result(), {"failed": True}]
    verdict = judge(results, terms=terms)
    assert [storage["name"] for storage in verdict["storages"]] == [
        *("local (192.0.2.1/bs)", "local (192.0.2.2/bs)", "remote"),
        *("192.0.2.20:22/zstack_bs", "192.0.2.20:22/zstack_bs", "storage 6"),
    ]


def test_a_verdict_has_the_platform_that_it_is_about() -> None:
    verdict = verify([result(backup()), FAILED], check_policy({}), (), "node", "zstack.example.com")
    assert verdict["platform"] == {"host": "node", "address": "zstack.example.com"}


def test_a_single_result_a_list_and_a_loop_are_judged_alike() -> None:
    one = result(backup())
    verdicts = [judge(results) for results in (one, [one], [[one]], {"results": [one], "changed": False})]
    assert verdicts == [verdicts[0]] * 4


def test_results_of_two_platforms_have_no_version_in_common() -> None:
    verdict = judge([result(backup()), result(backup(), running="4.7.21")])
    assert verdict["platform_version"] is None


def test_the_verdict_is_as_old_as_its_oldest_result() -> None:
    later, earlier = "2026-11-23T10:00:00+00:00", "2026-11-23T17:30:00+08:00"
    verdict = judge([result(backup(), checked_at=later), result(backup(), checked_at=earlier), FAILED])
    assert verdict["checked_at"] == earlier


@pytest.mark.parametrize("results", ["all good", 7, None, True])
def test_a_value_that_is_not_a_result_is_refused(results: Any) -> None:
    with pytest.raises(ZStackError, match="results must be what the module or the lookup returned, got "):
        judge(results)


WRONG: dict[str, list[Any]] = {
    "max_age": ["1 day", False, "24", "-1h", "h", 24, True, [], "1.5h"],
    "restorable": ["ture", 2, [], "24h"],
    "min_count": [-1, "many", 1.5, [], float("inf"), "inf", True, False, "1_0", "\u0663", {}],
    "min_size": [
        *("big", "-1MB", "50Mb", "50 parsecs", [], "9" * 400, True, False, {}),
        *(
            "1,000MB",
            "1_000MB",
            "50.000.000",
            "50\u041c\u0411",
            "\uff15\uff10MB",
            "50MBMB",
            "50 M B",
            ".5MB",
            "5.MB",
            "1e3",
            "MB",
            "+1K",
        ),
    ],
    "max_shrink": [-0.1, 100.1, "50 %", "50%", "1/2", True, False, "1_0", float("nan"), float("inf"), [], {}],
    "min_storages": [0, -1, "two", [], float("inf"), True, False],
    "max_sink": [50],
}


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in WRONG.items() for value in values],
)
def test_a_wrong_policy_is_refused_with_the_name_of_the_option(option: str, value: Any) -> None:
    reason = refusal(check_policy, {option: value})
    assert option in reason
    assert "class" not in reason


def test_a_size_is_read_exactly_or_refused() -> None:
    units = {"": 1, "B": 1, **{unit: 1024**power for power, unit in enumerate("KMGTPEZY", 1)}}
    reached: Counter[str] = Counter()

    @settings(max_examples=200)
    @given(
        st.text(st.sampled_from("059.,_ +-eKMGBbyte\u041c\u0663\uff15"), min_size=1, max_size=8)
        | st.from_regex(r"[059]{1,3}(\.[059]{1,2})? ?[KMGTPEZYkmgtpezy]?[Bb]?", fullmatch=True)
    )
    @example("5b")  # bits, elsewhere
    @example("5mB")  # which ansible-core reads before 2.18
    def check(written: str) -> None:
        parts = re.fullmatch(r"([059]+(?:\.[059]+)?) *(?:([KMGTPEZY])B?|([kmgtpezy])|B?)", written.strip(" "))
        try:
            read = check_policy({"min_size": written}).min_size
        except ZStackError as exc:
            assert str(exc).startswith("min_size must be a size in bytes or with a unit, such as 50MB, got ")
            assert not parts
            reached["refused"] += 1
        else:
            assert parts
            assert read == pytest.approx(float(parts[1]) * units[(parts[2] or parts[3] or "").upper()], abs=1)
            reached["read"] += 1

    check()
    assert min(reached["refused"], reached["read"]) >= 40, reached


def test_a_percentage_is_refused_in_our_words() -> None:
    with pytest.raises(
        ZStackError, match="max_shrink must be a number of percent from 0 to 100, such as 50, got '50%'"
    ):
        check_policy({"max_shrink": "50%"})


def test_more_storages_than_there_are_is_a_wrong_option() -> None:
    with pytest.raises(ZStackError, match="min_storages must be at most 1, the number of storages, got 2"):
        judge(result(backup()), min_storages=2)


@given(
    st.sampled_from(sorted(result(backup()))) | st.just("error"),
    st.sampled_from([None, *sorted(result(backup())["latest"])]),
    st.sampled_from(["missing", None, True, 7, -1.5, "7", "2026-11-23T09:00:00Z", [], ["a"], {}, {"a": []}]),
    st.booleans(),
)
def test_whatever_a_result_holds_there_is_a_verdict_or_one_line(key: str, inner: Any, value: Any, fails: bool) -> None:
    odd: dict[str, Any] = {**result(backup(), backup(DAY)), **(FAILED if fails else {})}
    holder = odd
    if inner is not None and isinstance(odd.get(key), (dict, list)) and odd[key]:
        holder = odd[key] if key == "latest" else odd[key][0]
        key = inner
    if value == "missing":
        holder.pop(key, None)
    else:
        holder[key] = value
    try:
        verdict = judge([odd, result(backup())])
    except ZStackError as exc:
        assert str(exc).startswith("results must be what the module or the lookup returned, with ")
    else:
        assert verdict["passed"] or verdict["unmet"]


@pytest.mark.parametrize("value", [7, "soon", "7 o'clock", True])
def test_a_checked_at_that_is_not_a_time_is_refused(value: Any) -> None:
    with pytest.raises(ZStackError, match="with checked_at as a time"):
        judge(result(backup(), checked_at=value))


def test_a_time_in_utc_can_end_in_z() -> None:
    assert judge(result(backup(), checked_at="2026-11-23T09:00:00Z"))["checked_at"] == "2026-11-23T09:00:00Z"


texts = st.none() | st.text(max_size=8) | st.sampled_from([RUNNING, "4.7.21", "singleDatabase"])
terms = st.none() | st.text(max_size=4) | st.fixed_dictionaries({}, optional={"name": texts, "state": texts})
times = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-(10**18), 10**18),
    st.integers(-HOUR, 10 * DAY).map(lambda age: (NOW - timedelta(seconds=age)).isoformat()),
)
sizes = st.none() | st.integers(-1, 10**12) | st.integers() | st.floats() | st.text(max_size=4) | st.just(10**400)
images = st.fixed_dictionaries({}, optional={"name": texts, "version": texts, "createdTime": times, "size": sizes})
policies: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        "max_age": st.none() | st.integers(0, 10**9 - 1).map("{}s".format),
        "restorable": st.none() | st.booleans(),
        "min_count": st.none() | st.integers(0, 20),
        "min_size": st.none() | st.integers(0, 10**15),
        "max_shrink": st.none() | st.integers(0, 100) | st.floats(0, 100),
        "min_storages": st.none() | st.integers(1, 4),
    },
)


@st.composite
def results_of_ours(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever module and lookup can return: sorted, cut, failed. Most of them are good."""
    kind = draw(st.sampled_from(["good", "good", "good", "odd", "failed"]))
    if kind == "good":
        return result(*[backup(age) for age in sorted(draw(st.sets(st.integers(0, DAY), min_size=1, max_size=12)))])
    if kind == "failed":
        return draw(st.sampled_from([FAILED, {"failed": True, "msg": "no"}, {"skipped": True}]))
    made = result(*draw(st.lists(images, max_size=12)), running=draw(texts))
    made["timezone_source"] = draw(st.sampled_from(["option", "server", "login", "host"]))
    timed = [each for each in made["backups"] if each["created_epoch"] is not None]
    made["latest"] = max(timed, key=lambda each: each["created_epoch"], default=None)
    made["backups"] = made["backups"][: draw(st.integers(0, 12))]
    return made


def assert_both(passed: list[bool]) -> None:
    """Check that of generated verdicts neither the passed nor the failed ones are rare."""
    assert 0.1 < sum(passed) / len(passed) < 0.9, f"{sum(passed)} of {len(passed)} passed"


def test_a_verdict_never_raises_and_always_gives_reasons() -> None:
    reached: list[bool] = []

    @given(st.lists(results_of_ours(), max_size=4), policies, st.lists(terms, max_size=4))
    def check(results: list[dict[str, Any]], policy: dict[str, Any], names: list[Any]) -> None:
        if results and (policy.get("min_storages") or 0) > len(results):
            return
        verdict = judge(apart(results), terms=names, **policy)
        for storage in verdict["storages"]:
            assert storage["passed"] == (not storage["unmet"]) == all(check["passed"] for check in storage["checks"])
            assert all("\n" not in text for text in [storage["name"], *storage["unmet"]])
        passed = sum(storage["passed"] for storage in verdict["storages"])
        assert verdict["passed"] == (passed >= (policy.get("min_storages") or max(1, len(results))))
        assert verdict["passed"] or verdict["unmet"]
        reached.append(verdict["passed"])

    check()
    assert_both(reached)


def test_the_order_of_results_and_of_their_backups_does_not_matter() -> None:
    reached: list[bool] = []

    @given(st.lists(results_of_ours(), max_size=4), policies, st.randoms(use_true_random=False))
    def check(results: list[dict[str, Any]], policy: dict[str, Any], chance: random.Random) -> None:
        if results and (policy.get("min_storages") or 0) > len(results):
            return
        results = apart(results)

        def outcome(results: list[dict[str, Any]]) -> tuple[Any, ...]:
            verdict = judge(results, terms=[{"name": "a storage"}] * 4, **policy)
            return verdict["passed"], verdict["summary"], verdict["platform_version"], sorted(verdict["unmet"])

        shuffled = [
            {**each, "backups": chance.sample(each["backups"], len(each["backups"]))} if "backups" in each else each
            for each in chance.sample(results, len(results))
        ]
        assert outcome(shuffled) == outcome(results)
        reached.append(outcome(results)[0])

    check()
    assert_both(reached)


def test_more_age_never_turns_a_failed_verdict_into_a_passed_one() -> None:
    reached: list[bool] = []

    @given(
        st.lists(st.integers(-300, 10 * DAY), min_size=1, max_size=10, unique=True), st.integers(0, 10 * DAY), policies
    )
    def check(ages: list[int], more: int, policy: dict[str, Any]) -> None:
        policy = {**policy, "min_storages": None}
        younger = judge(result(*[backup(age) for age in sorted(ages)]), **policy)
        older = judge(result(*[backup(age + more) for age in sorted(ages)]), **policy)
        assert younger["passed"] or not older["passed"]
        reached.extend([younger["passed"], older["passed"]])

    check()
    assert_both(reached)
