# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check results of the modules and the lookup against a policy. This code reads neither a server nor a clock.

An unknown value does not meet a condition. A verdict has reasons and values, and _words makes the sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv6Address
from math import ceil, floor
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import unquote

from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible.module_utils.common.validation import check_type_bool

from ..module_utils._backups import FUTURE, parse_age
from ..module_utils._calls import ZStackError
from ..module_utils._options import check_ranges, yaml_type
from ..module_utils._redaction import one_line, shorten
from ..module_utils._times import read_epoch

# The options of a policy, with their defaults
DEFAULTS: Mapping[str, Any] = {
    "max_age": "24h",
    "restorable": True,
    "min_count": 1,
    "min_size": None,
    "max_shrink": 50,
    "min_storages": None,
}
# The options of the role
OPTIONS = ("storages", "fail", "language", *DEFAULTS)
_RANGES = {"min_count": (0, None), "min_storages": (1, None)}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
# Number of backups before the newest whose median is the usual size.
_USUAL = 7
_STORE_STATES = ("Connecting", "Disconnected", "Disabled")


@dataclass(frozen=True)
class Policy:
    """Validated conditions. None disables a condition."""

    max_age: int | None  # seconds
    restorable: bool | None
    min_count: int | None
    min_size: int | None  # bytes
    max_shrink: Fraction | None  # percent
    min_storages: int | None  # None: all


class Check(NamedTuple):
    name: str  # of the condition
    passed: bool
    reason: str  # a key of the table of sentences
    values: dict[str, Any]


def check_policy(written: Mapping[str, Any]) -> Policy:
    """Return the policy for the given options. An empty string means the default, and None disables a condition."""
    if unknown := sorted(written.keys() - DEFAULTS.keys()):
        names = shorten(one_line(", ".join(unknown)), 300)
        raise ZStackError(f"unsupported options: {names}; supported: {', '.join(sorted(DEFAULTS))}")
    values = {**DEFAULTS, **{option: value for option, value in written.items() if value != ""}}
    checked = {option: None if value is None else _READ[option](option, value) for option, value in values.items()}
    check_ranges(checked, _RANGES)
    return Policy(**{**checked, "restorable": checked["restorable"] or None})


# Ansible's own conversions differ between versions of ansible-core: some read 1,000MB as 1 byte, or true as 1.


def _read_age(_option: str, value: Any) -> int:
    return parse_age(str(value))


def read_bool(option: str, value: Any) -> bool:
    try:
        return bool(check_type_bool(value))
    except (TypeError, ValueError):
        raise _wrong(option, "true or false", value) from None


def read_choice(option: str, value: Any, choices: Collection[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise _wrong(option, " or ".join(choices), value)
    return value


def _read_whole(option: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,18}", str(value).strip()):
        raise _wrong(option, "a whole number", value)
    return int(str(value))


def _read_size(option: str, value: Any) -> int:
    text = str(value).strip()
    try:
        if re.fullmatch(rf"{_NUMBER} *(?:[KMGTPEZY]B?|[kmgtpezy]|B)?", text):
            return int(human_to_bytes(text))
    except (ValueError, OverflowError):
        pass
    raise _wrong(option, "a size in bytes or with a unit, such as 50MB", value)


def _read_percent(option: str, value: Any) -> Fraction:
    text = str(value).strip()
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        if (is_number or re.fullmatch(_NUMBER, text)) and 0 <= (percent := Fraction(text)) <= 100:
            return percent
    except ValueError:  # infinity and NaN
        pass
    raise _wrong(option, "a number of percent from 0 to 100, such as 50", value)


def _wrong(option: str, wanted: str, value: Any) -> ZStackError:
    return ZStackError(f"{option} must be {wanted}, got {shorten(one_line(repr(value)), 100)}")


_READ: Mapping[str, Callable[[str, Any], Any]] = {
    "max_age": _read_age,
    "restorable": read_bool,
    "min_count": _read_whole,
    "min_size": _read_size,
    "max_shrink": _read_percent,
    "min_storages": _read_whole,
}


def verify(
    results: Any,
    policy: Policy,
    terms: Sequence[Any] = (),
    host: str | None = None,
    address: str | None = None,
) -> dict[str, Any]:
    """Return the verdict on one or more results, including failed results and those of a loop, without sentences.

    ``terms`` are the storages as the lookup takes them, in the order of the results: a mapping can have a ``name``,
    ``state`` and ``status``. ``host`` and ``address`` identify the platform. Raise ZStackError if ``results`` has
    another type.
    """
    found = list(_flatten(results))
    storages = []
    for number, result in enumerate(found):
        _check_result(result)
        term = terms[number] if number < len(terms) and isinstance(terms[number], Mapping) else {}
        storages.append(_verify_storage(result, policy, term))
    names = Counter(storage["name"] for storage in storages)
    for result, storage in zip(found, storages):
        where = _address(result)
        if names[storage["name"]] > 1 and where and storage["name"] != where:
            storage["name"] += f" ({where})"
    passes = _passes(found, storages)
    wanted = policy.min_storages or len(passes)
    if storages and wanted > len(passes):
        raise ZStackError(f"min_storages must be at most {len(passes)}, the number of storages, got {wanted}")
    number_passed = sum(passes)
    versions = {result["platform_version"] for result in found if result.get("platform_version")}
    return {
        "passed": number_passed >= max(wanted, 1),
        "platform": {"host": host, "address": address},
        "platform_version": versions.pop() if len(versions) == 1 else None,
        "checked_at": min(
            (result["checked_at"] for result in found if result.get("checked_at")),
            key=lambda time: read_epoch(time, None) or 0,
            default=None,
        ),
        "values": {"passed": number_passed, "count": len(passes), "min_storages": policy.min_storages},
        "storages": storages,
    }


def _passes(results: Sequence[Mapping[str, Any]], storages: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return for each storage of each platform whether it passed, each time if it is listed several times."""
    platforms: dict[Any, dict[str | None, bool]] = {}
    for number, (result, storage) in enumerate(zip(results, storages)):
        passed = platforms.setdefault((place(url) if (url := _url(result)) else number), {})
        version = result.get("platform_version")
        passed[version] = passed.get(version, True) and storage["passed"]
    for passed in platforms.values():
        # A scan that does not report the platform can be of each.
        if len(passed) > 1 and None in passed and not passed.pop(None):
            passed.update(dict.fromkeys(passed, False))
    return [each for passed in platforms.values() for each in passed.values()]


def place(url: str) -> str:
    """Return the host and the SSH port of a storage's URL, with or without its password.

    They identify a storage: a scan uses only them, and the path selects nothing (src).
    """
    parts = re.fullmatch(r"[^@]*@(\[[^@]*\]|[^:@/]*)(?::([0-9]{1,5}))?/[^@]*", url)
    if not parts:
        return url
    host = unquote(parts[1]).lower().rstrip(".")
    with suppress(ValueError):
        host = f"[{IPv6Address(host.strip('[]'))}]"
    return f"{host}:{int(parts[2] or 22)}"


def _flatten(results: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(results, Mapping):
        of_loop = results.get("results")
        if isinstance(of_loop, Sequence) and "backups" not in results:
            yield from _flatten(of_loop)
        else:
            yield results
    elif isinstance(results, Sequence) and not isinstance(results, (str, bytes)):
        for result in results:
            yield from _flatten(result)
    else:
        raise ZStackError(f"results must be what the module or the lookup returned, got a {yaml_type(results)}")


def _check_result(result: Mapping[str, Any]) -> None:
    """Raise ZStackError unless the keys that a verdict needs are as module and lookup return them."""
    error = result.get("error")
    texts = [result.get("storage"), result.get("platform_version"), result.get("timezone_source")]
    if isinstance(error, Mapping):
        texts += [error.get("storage"), error.get("code"), error.get("details")]
    _require(all(text is None or isinstance(text, str) for text in texts), "storage and platform_version as strings")
    time = result.get("checked_at")
    _require(time is None or (isinstance(time, str) and read_epoch(time, None) is not None), "checked_at as a time")
    if not _is_scanned(result):
        return
    _require(_is_whole(result.get("total")), "total as a number")
    latest = result.get("latest")
    backups = [*result["backups"], *([] if latest is None else [latest])]
    _require(all(isinstance(backup, Mapping) for backup in backups), "latest and backups as mappings")
    numbers = [backup.get(key) for backup in backups for key in ("age_seconds", "created_epoch", "size")]
    _require(all(each is None or _is_whole(each) for each in numbers), "ages, times and sizes as numbers")


def _require(is_met: bool, what: str) -> None:
    if not is_met:
        raise ZStackError(f"results must be what the module or the lookup returned, with {what}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_scanned(result: Mapping[str, Any]) -> bool:
    backups = result.get("backups")
    return not result.get("failed") and isinstance(backups, Sequence) and not isinstance(backups, (str, bytes))


def _verify_storage(result: Mapping[str, Any], policy: Policy, term: Mapping[str, Any]) -> dict[str, Any]:
    scanned = _is_scanned(result)
    checks = list(_checks(result, policy)) if scanned else [_failed_scan(result, term)]
    latest = result.get("latest") if scanned else None
    backups = _distinct([latest, *result["backups"]] if latest else result["backups"]) if scanned else []
    restorable = [each for each in backups if each.get("restorable") is True and each.get("created_epoch") is not None]
    return {
        "storage": _url(result),
        "name": one_line(str(term.get("name") or "")) or _address(result) or None,
        "passed": all(check.passed for check in checks),
        "latest": latest,
        "newest_restorable": max(restorable, key=lambda each: each["created_epoch"], default=None),
        "values": {"count": len(backups), "total": result.get("total") or 0, "knows_zone": _knows_zone(result)},
        "checks": [check._asdict() for check in checks],
    }


def _failed_scan(result: Mapping[str, Any], term: Mapping[str, Any]) -> Check:
    """Return the reason for a failed scan. Of a failed command, only include the last line, because it is long."""
    fields = result.get("error")
    error = fields if isinstance(fields, Mapping) else {}
    hint = error.get("hint")
    text = one_line(str(result.get("msg") or "")).removesuffix(one_line(str(hint or ""))).strip()
    if output := one_line(str(error.get("output") or "")):
        text = shorten(output, 300)
    values = {"error": text.rstrip("."), "hint": hint, "hint_reason": error.get("hint_reason")}
    for state in (term.get("state"), term.get("status")):
        if state in _STORE_STATES:
            return Check("scan", False, "store_unavailable", {**values, "state": state})
    return Check("scan", False, "scan_failed" if text else "no_result", values)


def _knows_zone(result: Mapping[str, Any]) -> bool:
    return result.get("timezone_source") in ("option", "server", "login")


def _distinct(backups: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the backups that are not empty, each once, newest first."""
    found: dict[str, Mapping[str, Any]] = {}
    for backup in backups:
        identity = backup.get("install_path") or backup.get("id") or sorted(map(str, backup.items()))
        if backup.get("size") != 0:
            found.setdefault(str(identity), backup)
    return sorted(found.values(), key=lambda backup: (-(backup.get("created_epoch") or 0), str(backup)))


def _is_complete(result: Mapping[str, Any]) -> bool:
    return bool(len(result["backups"]) >= result["total"])


def _checks(result: Mapping[str, Any], policy: Policy) -> Iterator[Check]:
    latest, total = result.get("latest"), result["total"]
    if policy.min_count is not None:
        # limit and max_age do not change how many backups the storage has.
        count = total - len(result["backups"]) + len(_distinct(result["backups"]))
        passed = count >= policy.min_count
        short = "too_few_backups" if count else "only_empty" if total else "no_backup"
        values = {"count": count, "min_count": policy.min_count}
        yield Check("min_count", passed, "enough_backups" if passed else short, values)
    for name, check in _LATEST_CHECKS.items():
        limit = getattr(policy, name)
        if name == "min_size" and latest and latest.get("size") == 0:
            limit = limit or 1  # an empty file is no backup, whatever the policy
        if limit is None:
            continue
        values = {} if name == "restorable" else {name: float(limit) if name == "max_shrink" else limit}
        if latest:
            passed, reason, more = check(result, latest, limit)
        else:
            passed, reason, more = False, "no_readable_time" if total else "no_backup", {}
        yield Check(name, passed, reason, {**values, **more})


def _check_age(result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[bool, str, dict[str, Any]]:
    age = latest.get("age_seconds")
    if not _knows_zone(result):
        return False, "zone_differs" if result.get("timezone_source") == "differs" else "zone_unknown", {}
    if age is None:
        return False, "age_unknown", {}
    if age < -FUTURE:
        return False, "in_the_future", {"ahead": -age}
    return age <= limit, "young_enough" if age <= limit else "too_old", {"age": max(age, 0)}


def _check_version(
    result: Mapping[str, Any], latest: Mapping[str, Any], _limit: Any
) -> tuple[bool, str, dict[str, Any]]:
    version, platform = latest.get("version") or None, result.get("platform_version") or None
    values: dict[str, Any] = {"version": version, "platform_version": platform}
    if latest.get("restorable") is True:
        return True, "version_matches", values
    if not version:
        return False, "version_unknown" if platform else "versions_unknown", values
    if not platform:
        return False, "platform_version_unknown", values
    backups = _distinct(result["backups"])
    if len(backups) > 1 and _is_complete(result) and all(each.get("restorable") is False for each in backups):
        return False, "no_version_matches", {**values, "count": len(backups)}
    return False, "version_differs", values


def _check_size(_result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[bool, str, dict[str, Any]]:
    size = latest.get("size")
    if size is None:
        return False, "size_unknown", {}
    return size >= limit, "large_enough" if size >= limit else "too_small" if size else "empty", {"size": size}


def _check_shrink(result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[bool, str, dict[str, Any]]:
    size = latest.get("size")
    if size is None:
        return False, "size_unknown", {}
    others = [each for each in _distinct([latest, *result["backups"]]) if each != latest]
    earlier = [each for each in others if each.get("created_epoch") is not None]
    if len(earlier) < _USUAL and not _is_complete(result):
        return False, "list_incomplete", {}
    sizes = [Fraction(each["size"]) for each in earlier[:_USUAL] if each.get("size") is not None]
    if not sizes:
        return (False, "usual_size_unknown", {}) if others else (True, "only_backup", {})
    usual = median(sizes)
    values: dict[str, Any] = {"size": size, "usual": int(usual)}
    if size >= usual:
        return True, "usual_size", values
    shrink = 100 * (usual - size) / usual
    passed = shrink <= limit
    # Round away from the limit, so that the number agrees with the verdict.
    rounded = Fraction((floor if passed else ceil)(shrink * 10), 10)
    return passed, "smaller" if passed else "shrunk", {**values, "shrink": float(rounded)}


_LATEST_CHECKS = {
    "max_age": _check_age,
    "restorable": _check_version,
    "min_size": _check_size,
    "max_shrink": _check_shrink,
}


def _url(result: Mapping[str, Any]) -> str | None:
    error = result.get("error")
    return result.get("storage") or (error.get("storage") if isinstance(error, Mapping) else None)


def _address(result: Mapping[str, Any]) -> str:
    """Return the host, port and path of a storage."""
    return (_url(result) or "").rpartition("@")[2]
