# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read JSON, and convert its values to a form that Ansible can return."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

Change = Callable[[str], str]
_KEY_LIMIT = 100
_DEPTH_LIMIT = 64
_LONGEST_NUMBER = 400


def parse_json(text: str) -> Any:
    """Return the value of a JSON text, or None if it is not valid JSON or nested too deeply."""
    try:
        return json.loads(text, parse_int=_number(int), parse_float=_number(float), parse_constant=lambda _dummy: None)
    except (ValueError, RecursionError):
        return None


def _number(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    # Python converts numbers in quadratic time.
    return lambda digits: convert(digits) if len(digits) < _LONGEST_NUMBER else None


def as_text(value: Any) -> str:
    """Return a string unchanged, and any other JSON value as JSON."""
    value = json_safe(value, convert=str)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def texts(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str | None]:
    """Return the values of the keys as strings, or None where there is no value."""
    return {key: None if values.get(key) is None else as_text(values[key]) for key in keys}


def as_int(value: Any) -> int | None:
    """Return a size or a count as an int. Some servers send a float, and some proxies a string."""
    try:
        number = value if isinstance(value, int) else float(value)
    except (TypeError, ValueError):
        return None
    return None if isinstance(value, bool) or not 0 <= number < math.inf else int(number)


@lru_cache(maxsize=1024)
def snake_case(key: str) -> str:
    """Return a key in snake_case, shortened."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key[:_KEY_LIMIT]).lower()


def json_safe(value: Any, convert: Change = snake_case, redact: Change = str, depth: int = _DEPTH_LIMIT) -> Any:
    """Return a JSON value in a form that Ansible can return.

    Replace lone surrogates, which Ansible cannot print, and NaN and Infinity, which JSON does not support. Values that
    are nested too deeply become None. ``convert`` changes keys, and ``redact`` hides secrets in strings, keys and
    numbers, before anything else changes them.
    """
    if isinstance(value, str):
        return redact(value).encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and redact is not str:
        digits = str(value).lstrip("-").removesuffix(".0")
        return value if (masked := redact(digits)) == digits else masked
    if isinstance(value, (list, dict)) and not depth:
        return None
    if isinstance(value, list):
        return [json_safe(each, convert, redact, depth - 1) for each in value]
    if isinstance(value, dict):
        converted = ((json_safe(convert(redact(key))), each) for key, each in value.items())
        # Ansible would read an object with such a key as one of its own types.
        shown = ((key, each) for key, each in converted if not key.startswith("__ansible_"))
        return {key: json_safe(each, convert, redact, depth - 1) for key, each in shown}
    return value
