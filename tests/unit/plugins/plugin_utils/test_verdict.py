# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict: each condition at its boundary, what is unknown, and that no result can upset it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.plugin_utils._verdict import check_policy, place, read_choice, verify
from ansible_collections.zstack.cloud.plugins.plugin_utils._words import Words
from ansible_collections.zstack.cloud.tests.browser.pages import NOW, PLATFORM, scanned
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import refusal

HOUR, DAY = 3600, 86400
MB = 2**20
RUNNING = PLATFORM.version
#: All conditions off but one, which a test then sets.
OFF: dict[str, Any] = dict.fromkeys(("max_age", "restorable", "min_count", "min_size", "max_shrink", "min_storages"))
DOWN = "zstack.example.com:8080: connection refused"
FAILED: dict[str, Any] = {"backups": [], "latest": None, "total": 0, "failed": True, "msg": DOWN}


def backup(age: float | None = HOUR, size: int | None = 100 * MB, version: str | None = RUNNING) -> dict[str, Any]:
    """A backup as the server describes it."""
    created = None if age is None else (NOW - timedelta(seconds=age)).isoformat()
    return {"name": f"taken-{age}", "createdTime": created, "size": size, "version": version}


def result(*images: dict[str, Any], running: str | None = RUNNING, **keys: Any) -> dict[str, Any]:
    """A result of module and lookup with these backups."""
    return scanned(list(images), platform=PLATFORM._replace(version=running), **keys)


def aged(*ages: float | None) -> dict[str, Any]:
    return result(*[backup(age) for age in ages])


def sized(*megabytes: float | None, **keys: Any) -> dict[str, Any]:
    """A result with nightly backups of these sizes, newest first."""
    sizes = [None if size is None else int(size * MB) for size in megabytes]
    return result(*[backup(DAY * ago, size) for ago, size in enumerate(sizes)], **keys)


def of_version(version: str | None) -> dict[str, Any]:
    return result(backup(version=version))


def of_zone(source: str | None) -> dict[str, Any]:
    return result(backup(), timezone_source=source)


def judge(results: Any, terms: Any = (), **policy: Any) -> dict[str, Any]:
    return Words("en").describe(verify(results, check_policy(policy), terms))


def judge_one(judged: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """The verdict on the storage of a single result."""
    (storage,) = judge(judged, **policy)["storages"]
    assert storage["passed"] == (not storage["unmet"]) == all(check["passed"] for check in storage["checks"])
    return dict(storage)


def only(condition: str, value: Any, judged: dict[str, Any]) -> dict[str, Any]:
    """The verdict on the single condition, and the storage's unmet conditions."""
    storage = judge_one(judged, **{**OFF, condition: value})
    (check,) = storage["checks"]
    assert check["name"] == condition
    return {**check, "unmet": storage["unmet"]}


def apart(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results, each of a storage of its own."""
    return [{**each, "storage": f"ssh://root:***@192.0.2.{number}/bs"} for number, each in enumerate(results, 1)]


def test_a_fresh_restorable_backup_of_the_usual_size_passes_without_a_policy() -> None:
    verdict = judge(aged(HOUR, DAY))
    assert (verdict["passed"], verdict["unmet"]) == (True, [])
    assert verdict["summary"] == "Ready for an upgrade: 1 of 1 storage passed (required: all)."
    assert (verdict["platform_version"], verdict["checked_at"]) == (RUNNING, NOW.isoformat())
    (storage,) = verdict["storages"]
    assert (storage["name"], storage["latest"]["name"]) == ("192.0.2.20/zstack_bs", "taken-3600")
    assert {check["name"]: check["found"] for check in storage["checks"]} == {
        "min_count": "2 backups",
        "max_age": "newest is 1 h old",
        "restorable": "newest has version 4.8.30",
        "max_shrink": "newest is 100.00 MB, the usual is 100.00 MB",
    }


ZONE_UNKNOWN = "age unknown, because the server's time zone is unknown (required: at most 24 h old)"
ZONE_DIFFERS = "age unknown, because timezone has another offset than the server reports (required: at most 24 h old)"
NO_PLATFORM = "newest has version 4.8.30, and the platform's is unknown (required: the running platform's version)"


@pytest.mark.parametrize(
    ("condition", "value", "judged", "sentence"),
    [
        ("max_age", "24h", aged(DAY), None),
        ("max_age", "24h", aged(DAY + 1), "newest is 24 h 1 s old (required: at most 24 h old)"),
        ("max_age", "1d", aged(3 * DAY + 2 * HOUR + 59), "newest is 3 days 2 h old (required: at most 24 h old)"),
        ("max_age", "32461s", aged(10 * HOUR), "newest is 10 h old (required: at most 9 h 1 min old)"),
        ("max_age", "0s", aged(0), None),
        ("max_age", "0s", aged(1), "newest is 1 s old (required: at most 0 s old)"),
        ("max_age", "24h", aged(-300), None),
        ("max_age", "24h", aged(-301), "newest is 5 min 1 s in the future (required: at most 24 h old)"),
        ("max_age", "24h", aged(None), "no backup with a readable time"),
        ("max_age", "24h", of_zone("host"), ZONE_UNKNOWN),
        ("max_age", "24h", of_zone(None), ZONE_UNKNOWN),
        ("max_age", "24h", of_zone("a guess"), ZONE_UNKNOWN),
        ("max_age", "24h", of_zone("differs"), ZONE_DIFFERS),
        ("max_age", "24h", of_zone("option"), None),
        ("max_age", "24h", of_zone("server"), None),
        ("max_age", "24h", of_zone("login"), None),
        ("max_age", "24h", {**aged(1), "latest": {"age_seconds": None}}, "age unknown (required: at most 24 h old)"),
        ("restorable", True, aged(HOUR), None),
        ("restorable", True, of_version("4.7.21"), "newest has version 4.7.21 (required: version 4.8.30)"),
        ("restorable", True, of_version(None), "newest has an unknown version (required: version 4.8.30)"),
        ("restorable", True, result(backup(), running=None), NO_PLATFORM),
        ("min_count", 0, aged(), None),
        ("min_count", 2, aged(HOUR, DAY), None),
        ("min_count", "2", aged(HOUR, DAY), None),
        ("min_count", 3, aged(HOUR, DAY), "2 backups (required: at least 3 backups)"),
        # Those that a limit leaves out of the list are counted, and empty ones are not.
        ("min_count", 15, result(backup(), total=15), None),
        ("min_count", 2, sized(100, 0), "1 backup (required: at least 2 backups)"),
        ("min_size", "50MB", sized(50), None),
        ("min_size", "50MB", sized(9), "newest is 9.00 MB (required: at least 50.00 MB)"),
        ("min_size", "50 MB", sized(50 - 1 / MB), "newest is 52428799 bytes (required: at least 52428800 bytes)"),
        ("min_size", "1.5 KB", sized(1536 / MB), None),
        ("min_size", 1, sized(0), "newest is empty (0 bytes)"),
        ("min_size", "0", sized(0), "newest is empty (0 bytes)"),
        ("min_size", "1K", sized(None), "size unknown (required: at least 1.00 KB)"),
    ],
)
def test_a_condition_is_met_up_to_its_limit_never_by_unknown_values(
    condition: str, value: Any, judged: dict[str, Any], sentence: str | None
) -> None:
    assert only(condition, value, judged)["unmet"] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("max_shrink", "judged", "sentence"),
    [
        (50, sized(50, 100), None),
        (50, sized(49, 100), "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, sized(50 - 1 / MB, 100), "newest is 50.00 MB, 50.1% below the usual 100.00 MB"),
        ("0", sized(100, 100), None),
        (0, sized(99, 100), "newest is 99.00 MB, 1% below the usual 100.00 MB"),
        (12.5, sized(87, 100), "newest is 87.00 MB, 13% below the usual 100.00 MB"),
        (100, sized(1, 1000), None),
        # Empty backups are not compared with.
        (50, sized(49, *[0] * 9, 100), "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, sized(49, 0), None),
        (50, sized(40, 60, 100), None),
        (50, sized(39, 60, 100), "newest is 39.00 MB, 51.3% below the usual 80.00 MB"),
        # A single large one does not make the others small.
        (50, sized(60, 1000, 100, 100), None),
        # The eighth before the newest does not count: with it, the median would be 105.
        (50, sized(50, 100, 100, 100, 100, 110, 110, 110, 110), None),
        (50, sized(54, 100, 100, 100, 110, 110, 110, 110), "newest is 54.00 MB, 51% below the usual 110.00 MB"),
        (50, sized(100), None),
        (50, sized(200, 100), None),
        (50, sized(49, None, 100), "newest is 49.00 MB, 51% below the usual 100.00 MB"),
        (50, sized(49, None), "usual size unknown"),
        (50, sized(None, 100), "size unknown"),
        (50, result(backup(size=10**400 - 1), backup(DAY, 10**400)), None),
        # Backups without a readable time are not compared with.
        (50, result(backup(size=60 * MB), backup(DAY), *[backup(None, 10 * MB)] * 3), None),
        # Seven before the newest are enough, if the result does not contain all backups.
        (50, sized(*[100] * 8, total=15), None),
        (50, sized(*[100] * 9, total=15), None),
        (50, sized(*[100] * 7, total=15), "usual size unknown, because the result does not contain all backups"),
        (50, sized(100, total=2), "usual size unknown, because the result does not contain all backups"),
    ],
)
def test_the_newest_is_not_smaller_than_usual_by_more_than_max_shrink(
    max_shrink: Any, judged: dict[str, Any], sentence: str | None
) -> None:
    wanted = f" (required: at most {float(max_shrink):g}% below the usual size)"
    assert only("max_shrink", max_shrink, judged)["unmet"] == ([sentence + wanted] if sentence else [])


@pytest.mark.parametrize(
    ("condition", "value", "judged", "wanted", "found"),
    [
        ("max_age", "90061s", aged(90061), "at most 25 h 1 min old", "newest is 25 h 1 min old"),
        ("max_age", "0s", aged(-1), "at most 0 s old", "newest is 0 s old"),
        ("min_size", "50MB", sized(50 + 1 / MB), "at least 50.00 MB", "newest is 50.00 MB"),
        ("max_shrink", 9, sized(2, 1), "at most 9% below the usual size", "newest is 2.00 MB, the usual is 1.00 MB"),
    ],
)
def test_a_condition_that_is_met_is_shown_in_short(
    condition: str, value: Any, judged: dict[str, Any], wanted: str, found: str
) -> None:
    check = only(condition, value, judged)
    assert (check["wanted"], check["found"], check["next_step"]) == (wanted, found, None)


def test_versions_none_of_which_match_have_a_reason_of_their_own() -> None:
    images = [backup(version="4.3.0"), backup(DAY, version="4.2.0")]
    check = only("restorable", True, result(*images, running="4.8.0.6"))
    assert check["unmet"][0].startswith("newest has version 4.3.0, and none of the 2 backups has the platform's")
    assert "ZSphere's mapping" in check["next_step"]
    # One that matches, or may be in the rest of the list, shows that the versions are of one kind.
    matching = result(*images, backup(2 * DAY, version="4.8.0.6"), running="4.8.0.6")
    for judged in (matching, result(*images, running="4.8.0.6", total=3)):
        assert only("restorable", True, judged)["reason"] == "version_differs"


def test_the_newest_backup_that_can_be_restored_is_named() -> None:
    old = backup(version="4.7.21")
    assert judge_one(result(old, backup(DAY), backup(2 * DAY)))["newest_restorable"]["name"] == f"taken-{DAY}"
    assert judge_one(result(old))["newest_restorable"] is None


@pytest.mark.parametrize("policy", [{}, OFF, {"min_size": "0", "max_shrink": 100}, {"min_size": "1K"}])
def test_an_empty_backup_never_passes(policy: dict[str, Any]) -> None:
    for judged in (sized(0), sized(0, 0), sized(0, 100)):
        assert any("newest is empty (0 bytes)" in sentence for sentence in judge_one(judged, **policy)["unmet"])
    assert judge_one(sized(0))["unmet"][0] == "all backups are empty"


def test_a_backup_that_is_listed_again_is_neither_compared_with_nor_counted() -> None:
    judged = result(*[backup(DAY, 10 * MB)] * 8, backup(2 * DAY))
    assert only("max_shrink", 50, judged)["reason"] == "shrunk"
    assert only("min_count", 3, judged)["unmet"] == ["2 backups (required: at least 3 backups)"]


@settings(max_examples=50)
@given(st.integers(0, 40 * DAY), st.integers(1, 100), st.integers(1, 10**9), st.integers(1, 10**9), st.floats(0, 100))
def test_what_is_beyond_a_limit_never_reads_as_the_limit(
    limit: int, more: int, size: int, usual: int, shrink: float
) -> None:
    for age in (limit + 1, limit + more):
        (reason,) = only("max_age", f"{limit}s", aged(age))["unmet"]
        found, _wanted, wanted = reason.removeprefix("newest is ").partition(" (required: at most ")
        assert found + ")" != wanted
    check = only("max_shrink", shrink, result(backup(size=size), backup(DAY, usual)))
    if "below" in check["found"]:
        share = float(check["found"].partition("% below")[0].split()[-1])
        assert (share <= float(check["wanted"].split()[2][:-1])) == check["passed"]


def test_an_empty_storage_has_one_reason() -> None:
    storage = judge_one(result(), min_size="1MB")
    assert [check["passed"] for check in storage["checks"]] == [False] * 5
    assert storage["unmet"] == ["no backup"]


def test_null_disables_a_condition_and_an_empty_string_is_the_default() -> None:
    assert judge_one(result(backup(9 * DAY, 1, "1.0"), backup(10 * DAY)), **OFF)["checks"] == []
    assert judge_one(of_version("1.0"), restorable=False)["passed"] is True
    default = {"max_age": "1d", "restorable": "yes", "min_count": "1", "max_shrink": 50.0}
    assert check_policy(dict.fromkeys(OFF, "")) == check_policy({}) == check_policy({**OFF, **default})


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
    verdict = judge(apart([aged(HOUR)] * passing + [result()] * (3 - passing)), min_storages=min_storages)
    assert (verdict["passed"], verdict["summary"]) == (passed, summary)
    assert [storage["passed"] for storage in verdict["storages"]] == [True] * passing + [False] * (3 - passing)


def test_a_storage_that_is_listed_twice_counts_once() -> None:
    good, again = aged(HOUR), {**aged(HOUR), "storage": "ssh://zstack:***@192.0.2.20:0022/other"}
    with pytest.raises(ZStackError, match="min_storages must be at most 1, the number of storages, got 2"):
        judge([good, again], min_storages=2)
    stale = {**aged(9 * DAY), "storage": "ssh://root:***@192.0.2.21/zstack_bs"}
    verdict = judge([good, again, stale], min_storages=2)
    assert verdict["summary"] == "NOT ready for an upgrade: 1 of 2 storages passed (required: at least 2)."
    assert len(verdict["storages"]) == 3
    failed = {**FAILED, "storage": again["storage"]}
    assert judge([good, failed], min_storages=1)["passed"] is False


def test_two_platforms_on_one_storage_are_two_results() -> None:
    other, stale = (result(backup(age, version="4.7.21"), running="4.7.21") for age in (HOUR, 9 * DAY))
    verdict = judge([aged(HOUR), other], min_storages=2)
    assert (verdict["values"]["count"], verdict["platform_version"]) == (2, None)
    assert judge([aged(HOUR), stale], min_storages=1)["passed"] is True
    # A failed scan does not report the platform, so it can be of each.
    failed = {**FAILED, "storage": other["storage"]}
    assert judge([aged(HOUR), other, failed], min_storages=1)["passed"] is False


@pytest.mark.parametrize(
    ("judged", "summary"),
    [
        (aged(15 * HOUR + 120), "taken-54120, 15 h 2 min old, 100.00 MB"),
        (result(backup(-300, None)), "taken--300, 0 s old, size unknown"),
        (aged(-301), "taken--301, age unknown, 100.00 MB"),
        (of_zone("host"), "taken-3600, age unknown, 100.00 MB"),
        (result({**backup(), "name": "two\nlines \u202e"}), "two lines, 1 h old, 100.00 MB"),
        (result({**backup(), "name": None}), "a backup without a name, 1 h old, 100.00 MB"),
        (result(), "no backup, and none is required"),
        (aged(None), "no backup with a readable time, and none is required"),
    ],
)
def test_the_summary_of_a_storage_that_passed_describes_its_newest_backup(judged: dict[str, Any], summary: str) -> None:
    storage = judge_one(judged, **OFF)
    assert (storage["passed"], storage["summary"]) == (True, summary)


@pytest.mark.parametrize("results", [[], {"results": []}, [[]]])
def test_a_verdict_on_no_storage_does_not_pass(results: Any) -> None:
    verdict = judge(results, **OFF)
    assert (verdict["passed"], verdict["unmet"]) == (False, ["no storage was checked"])
    assert verdict["summary"] == "NOT ready for an upgrade: no storage was checked."
    assert (verdict["checked_at"], verdict["platform_version"]) == (None, None)


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (FAILED, DOWN),
        ({"failed": True, "msg": "several\nlines"}, "several lines"),
        ({"skipped": True, "changed": False}, "the result contains no list of backups"),
        ({"unreachable": True, "msg": "ssh failed"}, "ssh failed"),
        # Of a failed command, the last words.
        ({**FAILED, "error": {"code": "SYS.1000", "output": "Permission denied."}}, "Permission denied"),
        ({**FAILED, "msg": "no. Log in again.", "error": {"hint": "Log in again."}}, "no"),
    ],
)
def test_a_storage_that_could_not_be_scanned_has_not_passed(failed: dict[str, Any], reason: str) -> None:
    verdict = judge([aged(HOUR), failed], **OFF)
    assert (verdict["passed"], verdict["unmet"]) == (False, [f"storage 2: could not be scanned: {reason}"])
    (check,) = verdict["storages"][1]["checks"]
    assert (check["name"], check["passed"], check["wanted"]) == ("scan", False, "a list of backups")
    assert check["next_step"] == (failed.get("error", {}).get("hint") or check["next_step"])


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        ("Enabled", "Connected", "scan_failed"),
        ("Enabled", "Disconnected", "store_unavailable"),
        ("Disabled", "Connected", "store_unavailable"),
    ],
)
def test_the_state_of_a_store_is_said_beside_its_failed_scan(state: str, status: str, reason: str) -> None:
    terms = [{"name": "local", "state": state, "status": status}]
    (storage,) = judge(FAILED, terms)["storages"]
    assert [check["reason"] for check in storage["checks"]] == [reason]
    assert judge(aged(HOUR), terms)["passed"] is True


def test_a_storage_has_the_name_of_its_term_its_address_or_number() -> None:
    failed = {"failed": True, "msg": "no", "error": {"storage": "ssh://root:***@192.0.2.21/zstack_bs"}}
    terms = [{"name": "local"}, {"name": "local"}, {"name": "remote"}, "ssh://a", "ssh://a", None]
    results = [*apart([result(), FAILED]), result(), result(), result(), failed, {"failed": True}]
    assert [storage["name"] for storage in judge(results, terms)["storages"]] == [
        *("local (192.0.2.1/bs)", "local (192.0.2.2/bs)", "remote"),
        *("192.0.2.20/zstack_bs", "192.0.2.20/zstack_bs", "192.0.2.21/zstack_bs", "storage 7"),
    ]


def test_a_single_result_a_list_and_a_loop_are_judged_alike() -> None:
    one = aged(HOUR)
    verdicts = [judge(results) for results in (one, [one], [[one]], {"results": [one], "changed": False})]
    assert verdicts == [verdicts[0]] * 4


def test_a_verdict_names_its_platform_and_the_time_of_its_oldest_result() -> None:
    later, earlier = "2026-11-23T10:00:00Z", "2026-11-23T17:30:00+08:00"
    results = [{**aged(HOUR), "checked_at": time} for time in (later, earlier)]
    verdict = verify([*results, FAILED], check_policy({}), (), "node", "zstack.example.com")
    assert verdict["checked_at"] == earlier
    assert verdict["platform"] == {"host": "node", "address": "zstack.example.com"}


WRONG: dict[str, list[Any]] = {
    "max_age": ["1 day", False, "24", "-1h", "h", 24, True, [], "1.5h"],
    "restorable": ["ture", 2, [], "24h"],
    "min_count": [-1, "many", 1.5, [], float("inf"), "inf", True, False, "1_0", "\u0663", {}],
    "min_size": [
        *("big", "-1MB", "50Mb", "50 parsecs", [], "9" * 400, True, False, {}, "1,000MB", "1_000MB", "50.000.000"),
        *("50\u041c\u0411", "\uff15\uff10MB", "50MBMB", "50 M B", ".5MB", "5.MB", "1e3", "MB", "+1K"),
    ],
    "max_shrink": [-0.1, 100.1, "50 %", "50%", "1/2", True, False, "1_0", float("nan"), float("inf"), [], {}],
    "min_storages": [0, -1, "two", [], float("inf"), True, False, 2],
    "max_sink": [50],
}


@pytest.mark.parametrize("option", WRONG)
def test_a_wrong_policy_is_refused_with_the_name_of_the_option(option: str) -> None:
    for value in WRONG[option]:
        reason = refusal(judge, aged(HOUR), **{option: value})
        assert reason.startswith((f"{option} must be ", f"unsupported options: {option}; supported: max_age, "))
        assert "class" not in reason
        assert reason.endswith(f", got {value!r}") or option in ("max_age", "max_sink") or value == "9" * 400


def test_a_size_is_read_exactly_or_refused() -> None:
    assert check_policy({"min_size": "7"}) == check_policy({"min_size": " 7 B "}) == check_policy({"min_size": 7})
    for power, unit in enumerate("KMGTPEZY", 1):
        for number in (f"3{unit}", f"3.0 {unit}B", f"3{unit.lower()}"):
            assert check_policy({"min_size": number}).min_size == 3 * 1024**power
        # Bits, elsewhere, or what ansible-core reads before 2.18
        for number in (f"3{unit}b", f"3{unit.lower()}b", f"3{unit.lower()}B", f"3{unit}iB", "3b"):
            assert "min_size must be a size in bytes or with a unit" in refusal(check_policy, {"min_size": number})


def test_a_choice_is_one_of_the_texts() -> None:
    choices = dict.fromkeys(("en", "zh"))
    assert read_choice("language", "zh", choices) == "zh"
    for wrong in ("de", "", ["en"], None, 1):
        line = refusal(read_choice, "language", wrong, choices)
        assert line == f"language must be en or zh, got {wrong!r}"


def test_a_value_that_is_not_a_result_is_refused() -> None:
    for results in ("all good", 7, None, True):
        assert "results must be what the module or the lookup returned, got " in refusal(judge, results)
    for time in (7, "soon", "7 o'clock", True):
        assert "with checked_at as a time" in refusal(judge, result(backup(), checked_at=time))


@given(
    st.sampled_from(sorted(aged(HOUR))) | st.just("error"),
    st.sampled_from([None, *sorted(aged(HOUR)["latest"])]),
    st.sampled_from(["missing", None, True, 7, -1.5, "7", "2026-11-23T09:00:00Z", [], ["a"], {}, {"a": []}]),
    st.booleans(),
)
def test_whatever_a_result_holds_there_is_a_verdict_or_one_line(key: str, inner: Any, value: Any, fails: bool) -> None:
    odd: dict[str, Any] = {**aged(HOUR, DAY), **(FAILED if fails else {})}
    holder = odd
    if inner is not None and isinstance(odd.get(key), (dict, list)) and odd[key]:
        holder = odd[key] if key == "latest" else odd[key][0]
        key = inner
    if value == "missing":
        holder.pop(key, None)
    else:
        holder[key] = value
    try:
        verdict = judge([odd, aged(HOUR)])
    except ZStackError as exc:
        assert str(exc).startswith("results must be what the module or the lookup returned, with ")
    else:
        assert verdict["passed"] or verdict["unmet"]


texts = st.none() | st.text(max_size=8) | st.sampled_from([RUNNING, "4.7.21", "singleDatabase"])
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
        return aged(*sorted(draw(st.sets(st.integers(0, DAY), min_size=1, max_size=12))))
    if kind == "failed":
        return draw(st.sampled_from([FAILED, {"failed": True, "msg": "no"}, {"skipped": True}]))
    made = result(*draw(st.lists(images, max_size=12)), running=draw(texts))
    made["timezone_source"] = draw(st.sampled_from(["option", "server", "login", "host"]))
    timed = [each for each in made["backups"] if each["created_epoch"] is not None]
    made["latest"] = max(timed, key=lambda each: each["created_epoch"], default=None)
    made["backups"] = made["backups"][: draw(st.integers(0, 12))]
    return made


def test_a_verdict_always_gives_reasons_and_does_not_depend_on_any_order() -> None:
    reached: list[bool] = []

    @given(st.lists(results_of_ours(), max_size=4), policies, texts, st.randoms(use_true_random=False))
    def check(results: list[dict[str, Any]], policy: dict[str, Any], name: Any, chance: random.Random) -> None:
        if results and (policy.get("min_storages") or 0) > len(results):
            return
        results = apart(results)
        shuffled = [
            {**each, "backups": chance.sample(each["backups"], len(each["backups"]))} if "backups" in each else each
            for each in chance.sample(results, len(results))
        ]
        verdict, other = (judge(each, [{"name": name, "state": name}] * 4, **policy) for each in (results, shuffled))
        for storage in verdict["storages"]:
            assert storage["passed"] == (not storage["unmet"]) == all(check["passed"] for check in storage["checks"])
            assert storage["passed"] or storage["summary"] == "; ".join(storage["unmet"])
            assert all("\n" not in text for text in [storage["name"], *storage["unmet"]])
        passed = sum(storage["passed"] for storage in verdict["storages"])
        assert verdict["passed"] == (passed >= (policy.get("min_storages") or max(1, len(results))))
        assert verdict["passed"] or verdict["unmet"]
        for key in ("passed", "summary", "platform_version"):
            assert verdict[key] == other[key]
        assert sorted(verdict["unmet"]) == sorted(other["unmet"])
        reached.append(verdict["passed"])

    check()
    assert 0.1 < sum(reached) / len(reached) < 0.9, f"{sum(reached)} of {len(reached)} passed"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://root@192.0.2.20/zs", "192.0.2.20:22"),
        ("ssh://root:***@192.0.2.20:0022//zs", "192.0.2.20:22"),
        ("ssh://other:p%40ss@192.0.2.20:22/%7as/./x:y", "192.0.2.20:22"),
        ("ssh://root@Store.Example.com.:2222/zs", "store.example.com:2222"),
        ("ssh://root@[2001:DB8:0::20]/zs", "[2001:db8::20]:22"),
        ("not a URL", "not a URL"),
    ],
)
def test_the_host_and_the_ssh_port_identify_a_storage(url: str, expected: str) -> None:
    assert place(url) == expected
