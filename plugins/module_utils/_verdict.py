# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Check results of the modules and the lookup against a policy. This code reads neither a server nor a clock.

An unknown value does not meet a condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from statistics import median
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.formatters import bytes_to_human, human_to_bytes

from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import FUTURE, parse_age
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._messages import clip, one_line
from ansible_collections.zstack.cloud.plugins.module_utils._options import check_ranges, kind_of

POLICY_SPEC: Mapping[str, dict[str, Any]] = {
    "max_age": {"type": "str", "default": "24h"},
    "restorable": {"type": "bool", "default": True},
    "min_count": {"type": "int", "default": 1},
    "min_size": {"type": "str"},
    "max_shrink": {"type": "float", "default": 50.0},
    "min_storages": {"type": "int"},
}
_RANGES = {"min_count": (0, None), "min_storages": (1, None)}
# Number of backups before the newest whose median is the usual size.
_USUAL = 7
_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


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
    name: str
    passed: bool
    wanted: str
    found: str


def check_policy(written: Mapping[str, Any]) -> Policy:
    """Return the policy for the given options. An empty string means the default, and None disables a condition."""
    if unknown := sorted(written.keys() - POLICY_SPEC.keys()):
        raise ZStackError(f"unsupported options: {', '.join(unknown)}; supported: {', '.join(sorted(POLICY_SPEC))}")
    set_values = {option: value for option, value in written.items() if value is not None and value != ""}
    try:
        checked = ArgumentSpecValidator(POLICY_SPEC).validate(set_values)
    except OverflowError:  # ansible-core does not check whether a float is finite
        raise ZStackError("min_count and min_storages must be whole numbers") from None
    if checked.error_messages:
        raise ZStackError(one_line("; ".join(checked.error_messages)))
    values = {**checked.validated_parameters, **{option: None for option, value in written.items() if value is None}}
    check_ranges(values, _RANGES)
    if values["max_shrink"] is not None and not 0 <= values["max_shrink"] <= 100:  # nor is it NaN
        raise ZStackError(f"max_shrink must be between 0 and 100, got {values['max_shrink']}")
    return Policy(
        max_age=None if values["max_age"] is None else parse_age(values["max_age"]),
        restorable=values["restorable"] or None,
        min_count=values["min_count"],
        min_size=None if values["min_size"] is None else _parse_size(values["min_size"]),
        max_shrink=None if values["max_shrink"] is None else Fraction(str(values["max_shrink"])),
        min_storages=values["min_storages"],
    )


def _parse_size(size: str) -> int:
    try:
        return int(human_to_bytes(size))
    except (ValueError, OverflowError):
        raise ZStackError(f"min_size must be a size with a unit, such as 50MB, got {size!r}") from None


def verify(results: Any, policy: Policy, names: Sequence[Any] = ()) -> dict[str, Any]:
    """Return the verdict on one or more results, including failed results and those of a loop.

    ``names`` are the names of the storages, in order. The filter's RETURN describes the verdict. Raise ZStackError if
    ``results`` has another type.
    """
    found = list(_flatten(results))
    storages = []
    for number, result in enumerate(found):
        name = one_line(str(names[number] or "")) if number < len(names) else ""
        storages.append(_verify_storage(result, policy, name or _address(result) or f"storage {number + 1}"))
    number_passed = sum(storage["passed"] for storage in storages)
    wanted = policy.min_storages or len(storages)
    passed = number_passed >= max(wanted, 1)
    unmet = [f"{storage['name']}: {reason}" for storage in storages for reason in storage["unmet"]]
    versions = {result["platform_version"] for result in found if result.get("platform_version")}
    if storages:
        share = "all" if policy.min_storages is None else f"at least {wanted}"
        reason = f"{number_passed} of {_plural(len(storages), 'storage')} passed (wanted: {share})"
    else:
        reason = "no storage was checked"
    if not passed and (policy.min_storages or not storages):
        unmet.append(reason)
    return {
        "passed": passed,
        "summary": f"{'Ready' if passed else 'NOT ready'} for an upgrade: {reason}.",
        "platform_version": versions.pop() if len(versions) == 1 else None,
        "checked_at": min(
            (result["checked_at"] for result in found if result.get("checked_at")),
            key=datetime.fromisoformat,
            default=None,
        ),
        "storages": storages,
        "unmet": unmet,
    }


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
        raise ZStackError(f"results must be what the module or the lookup returned, got a {kind_of(results)}")


def _verify_storage(result: Mapping[str, Any], policy: Policy, name: str) -> dict[str, Any]:
    if result.get("failed") or not isinstance(result.get("backups"), Sequence):
        message = one_line(str(result.get("msg") or "the result contains no list of backups"))
        checks = [Check("scan", False, "a list of backups", f"could not be scanned: {message}")]
    else:
        checks = list(_checks(result, policy))
    unmet = _reasons(checks)
    return {
        "storage": _url(result),
        "name": name,
        "passed": not unmet,
        "summary": "; ".join(unmet) or _describe(result, result.get("latest")),
        "latest": result.get("latest"),
        "checks": [check._asdict() for check in checks],
        "unmet": unmet,
    }


def _describe(result: Mapping[str, Any], latest: Mapping[str, Any] | None) -> str:
    if not latest:
        return _no_newest(result)
    age, size = latest.get("age_seconds"), latest.get("size")
    old = "age unknown" if age is None or age < -FUTURE or not _knows_zone(result) else f"{_age(max(age, 0))} old"
    parts = [_text(latest.get("name")) or "a backup without a name", old]
    return ", ".join(parts if size is None else [*parts, _size(size)])


def _no_newest(result: Mapping[str, Any]) -> str:
    return "no backup with a readable time" if result["total"] else "no backup"


def _knows_zone(result: Mapping[str, Any]) -> bool:
    return result.get("timezone_source") in ("option", "server", "login")


def _reasons(checks: Sequence[Check]) -> list[str]:
    """Return the reasons for conditions that are not met. Several conditions can have the same reason."""
    wanted: dict[str, list[str]] = {}
    for check in checks:
        if not check.passed:
            wanted.setdefault(check.found, []).append(check.wanted)
    if any(check.name == "scan" for check in checks):
        return list(wanted)
    return [f"{found} (wanted: {', '.join(conditions)})" for found, conditions in wanted.items()]


def _checks(result: Mapping[str, Any], policy: Policy) -> Iterator[Check]:
    latest, total = result.get("latest"), result["total"]
    if policy.min_count is not None:
        count = _plural(total, "backup") if total else "no backup"
        yield Check("min_count", total >= policy.min_count, f"at least {policy.min_count}", count)
    for name, check in _OF_THE_LATEST.items():
        limit = getattr(policy, name)
        if limit is not None:
            wanted, passed, found = check(result, latest or {}, limit)
            if not latest:
                passed, found = False, _no_newest(result)
            yield Check(name, passed, wanted, found)


def _check_age(result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[str, bool, str]:
    age = latest.get("age_seconds")
    wanted = f"at most {_age(limit)} old"
    if not _knows_zone(result):
        return wanted, False, "age unknown, because the server's time zone is unknown: set timezone"
    if age is None:
        return wanted, False, "age unknown"
    if age < -FUTURE:
        return wanted, False, f"newest is {_age(-age)} in the future: check timezone, and the clocks"
    return wanted, age <= limit, f"newest is {_age(max(age, 0))} old"


def _check_version(result: Mapping[str, Any], latest: Mapping[str, Any], _limit: Any) -> tuple[str, bool, str]:
    version, platform = (_text(each) for each in (latest.get("version"), result.get("platform_version")))
    wanted = f"version {platform}" if platform else "the running platform's version"
    found = f"newest has {f'version {version}' if version else 'an unknown version'}"
    return wanted, latest.get("restorable") is True, found if platform else f"{found}, and the platform's is unknown"


def _check_size(_result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[str, bool, str]:
    size = latest.get("size")
    wanted = f"at least {_size(limit)}"
    if size is None:
        return wanted, False, "size of the newest is unknown"
    found = _size(size)
    if size < limit and found == _size(limit):
        wanted, found = f"at least {limit} bytes", f"{size} bytes"
    return wanted, size >= limit, f"newest is {found}"


def _check_shrink(result: Mapping[str, Any], latest: Mapping[str, Any], limit: Any) -> tuple[str, bool, str]:
    size = latest.get("size")
    wanted = f"at most {_percent(limit)} below the usual size"
    if size is None:
        return wanted, False, "size of the newest is unknown"
    earlier = [backup for backup in result["backups"] if backup.get("created_epoch") is not None and backup != latest]
    earlier.sort(key=lambda backup: (-backup["created_epoch"], str(backup)))
    if len(earlier) < min(_USUAL, result["total"] - 1) and len(result["backups"]) < result["total"]:
        found = "usual size unknown, because the result does not contain all backups: remove limit and max_age"
        return wanted, False, found
    sizes = [Fraction(backup["size"]) for backup in earlier[:_USUAL] if backup.get("size") is not None]
    if not sizes:
        only = result["total"] == 1
        return wanted, only, "no earlier backup to compare with" if only else "usual size unknown"
    usual = median(sizes)
    if size >= usual:
        return wanted, True, f"newest is {_size(size)}, the usual is {_size(int(usual))}"
    shrink = 100 * (usual - size) / usual
    found = f"newest is {_size(size)}, {_percent(shrink)} below the usual {_size(int(usual))}"
    return wanted, shrink <= limit, found


_OF_THE_LATEST = {
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


def _text(value: Any) -> str:
    """Return a text from the server on one line, shortened."""
    return clip(one_line(str(value or "")), 100)


def _age(seconds: int) -> str:
    """Return an age in its two largest units. Ages of less than two days are in hours."""
    parts = []
    for size, unit in _UNITS:
        if size == 86400 and seconds < 2 * size:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _size(size: int) -> str:
    return str(bytes_to_human(size)) if size < 10**24 else f"{clip(str(size), 30)} bytes"


def _percent(share: Fraction) -> str:
    # Round up, so that a value above a limit is not shown as equal to it.
    return f"{ceil(share * 10) / 10:g}%"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
