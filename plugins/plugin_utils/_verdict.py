# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Check results of the modules and the lookup against a policy. This code reads neither a server nor a clock.

An unknown value does not meet a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from statistics import median
from typing import Any, NamedTuple

from ansible.module_utils.common.text.formatters import bytes_to_human, human_to_bytes
from ansible.module_utils.common.validation import check_type_bool

from ..module_utils._backups import FUTURE, parse_age, scan_hint
from ..module_utils._calls import ZStackError
from ..module_utils._failures import last_line
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
_RANGES = {"min_count": (0, None), "min_storages": (1, None)}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
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
    if unknown := sorted(written.keys() - DEFAULTS.keys()):
        raise ZStackError(f"unsupported options: {', '.join(unknown)}; supported: {', '.join(sorted(DEFAULTS))}")
    values = {**DEFAULTS, **{option: value for option, value in written.items() if value != ""}}
    checked = {option: None if value is None else _READ[option](option, value) for option, value in values.items()}
    check_ranges(checked, _RANGES)
    return Policy(**{**checked, "restorable": checked["restorable"] or None})


# Ansible's own conversions differ between versions of ansible-core: some read 1,000MB as 1 byte, or true as 1.


def _read_age(_option: str, value: Any) -> int:
    return parse_age(str(value))


def _read_bool(option: str, value: Any) -> bool:
    try:
        return bool(check_type_bool(value))
    except (TypeError, ValueError):
        raise _wrong(option, "true or false", value) from None


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
    "restorable": _read_bool,
    "min_count": _read_whole,
    "min_size": _read_size,
    "max_shrink": _read_percent,
    "min_storages": _read_whole,
}


def verify(results: Any, policy: Policy, names: Sequence[Any] = ()) -> dict[str, Any]:
    """Return the verdict on one or more results, including failed results and those of a loop.

    ``names`` are the names of the storages, in order. The filter's RETURN describes the verdict. Raise ZStackError if
    ``results`` has another type.
    """
    found = list(_flatten(results))
    storages = []
    passes: dict[Any, bool] = {}  # by storage, because one that is listed several times counts once
    for number, result in enumerate(found):
        _check_result(result)
        name = one_line(str(names[number] or "")) if number < len(names) else ""
        storages.append(_verify_storage(result, policy, name or _address(result) or f"storage {number + 1}"))
        place = _place(result) or number
        passes[place] = passes.get(place, True) and storages[-1]["passed"]
    number_passed = sum(passes.values())
    wanted = policy.min_storages or len(passes)
    if storages and wanted > len(passes):
        raise ZStackError(f"min_storages must be at most {len(passes)}, the number of storages, got {wanted}")
    passed = number_passed >= max(wanted, 1)
    unmet = [f"{storage['name']}: {reason}" for storage in storages for reason in storage["unmet"]]
    versions = {result["platform_version"] for result in found if result.get("platform_version")}
    if storages:
        share = "all" if policy.min_storages is None else f"at least {wanted}"
        reason = f"{number_passed} of {_plural(len(passes), 'storage')} passed (wanted: {share})"
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
            key=lambda time: read_epoch(time, None) or 0,
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


def _scan_failure(result: Mapping[str, Any]) -> str:
    """Return the reason for a failed scan. Of a failed command, only include the last line, because it is long."""
    error = result.get("error")
    if isinstance(error, Mapping) and (hint := scan_hint({"code": None, "details": None, **error})):
        words = one_line(last_line(error.get("details") or ""))
        if words:
            return f"{shorten(words, 300).rstrip('.')}. {hint}"
    return one_line(str(result.get("msg") or "the result contains no list of backups"))


def _verify_storage(result: Mapping[str, Any], policy: Policy, name: str) -> dict[str, Any]:
    if _is_scanned(result):
        checks = list(_checks(result, policy))
    else:
        checks = [Check("scan", False, "a list of backups", f"could not be scanned: {_scan_failure(result)}")]
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
        return f"{_no_newest(result)}, and none is required"
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
    for name, check in _LATEST_CHECKS.items():
        limit = getattr(policy, name)
        if name == "min_size" and latest and latest.get("size") == 0:
            limit = limit or 1  # an empty file is no backup, whatever the policy
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
    old = _age(max(age, 0))
    if age > limit and old == _age(limit):
        wanted, old = f"at most {_age(limit, len(_UNITS))} old", _age(age, len(_UNITS))
    return wanted, age <= limit, f"newest is {old} old"


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
    earlier = [backup for backup in result["backups"] if backup.get("created_epoch") is not None]
    if latest in earlier:
        earlier.remove(latest)  # once, because other backups may be equal to it
    # Empty files are no backups to compare with.
    earlier = [backup for backup in earlier if backup.get("size") != 0]
    earlier.sort(key=lambda backup: (-backup["created_epoch"], str(backup)))
    if len(earlier) < _USUAL and len(result["backups"]) < result["total"]:
        found = "usual size unknown, because the result does not contain all backups: remove limit and max_age"
        return wanted, False, found
    sizes = [Fraction(backup["size"]) for backup in earlier[:_USUAL] if backup.get("size") is not None]
    if not sizes:
        only = all(backup == latest or backup.get("size") == 0 for backup in result["backups"])
        return wanted, only, "no earlier backup to compare with" if only else "usual size unknown"
    usual = median(sizes)
    if size >= usual:
        return wanted, True, f"newest is {_size(size)}, the usual is {_size(int(usual))}"
    shrink = 100 * (usual - size) / usual
    passed = shrink <= limit
    # Round away from the limit, so that the number agrees with the verdict.
    rounded = Fraction((floor if passed else ceil)(shrink * 10), 10)
    return wanted, passed, f"newest is {_size(size)}, {_percent(rounded)} below the usual {_size(int(usual))}"


_LATEST_CHECKS = {
    "max_age": _check_age,
    "restorable": _check_version,
    "min_size": _check_size,
    "max_shrink": _check_shrink,
}


def _url(result: Mapping[str, Any]) -> str | None:
    error = result.get("error")
    return result.get("storage") or (error.get("storage") if isinstance(error, Mapping) else None)


def _place(result: Mapping[str, Any]) -> str:
    """Return a storage's address, the same for all ways to write its URL."""
    host, _slash, path = _address(result).partition("/")
    return f"{host.lower().removesuffix(':22').rstrip('.')}/{path.rstrip('/')}" if host else ""


def _address(result: Mapping[str, Any]) -> str:
    """Return the host, port and path of a storage."""
    return (_url(result) or "").rpartition("@")[2]


def _text(value: Any) -> str:
    """Return a text from the server on one line, shortened."""
    return shorten(one_line(str(value or "")), 100)


def _age(seconds: int, units: int = 2) -> str:
    """Return an age in its largest units. Ages of less than two days are in hours."""
    parts = []
    for size, unit in _UNITS:
        if size == 86400 and seconds < 2 * size:
            continue
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:units]) or "0 s"


def _size(size: int) -> str:
    return str(bytes_to_human(size)) if size < 10**24 else f"{shorten(str(size), 30)} bytes"


def _percent(share: Fraction) -> str:
    return f"{str(float(share)).removesuffix('.0')}%"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
