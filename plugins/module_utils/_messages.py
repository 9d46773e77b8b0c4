# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The message and the fields of an error: short, printable and without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.zstack.cloud.plugins.module_utils._json import as_text, json_safe, snake_case
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor
from ansible_collections.zstack.cloud.plugins.module_utils._spellings import TERMINAL_ESCAPES

_MESSAGE_LIMIT = 1400
_FIELD_LIMIT = 4000
_FIELDS_LIMIT = 50
_CAUSES_LIMIT = 10
_KEY_LIMIT = 100


def failure_line(where: list[str | None], error: Mapping[str, Any], status: int | None, hint: str | None) -> str:
    """Return one line of less than 2,000 characters: where the failure occurred, what failed, and the hint."""
    what = "; caused by ".join(filter(None, map(_describe, [error, *error["causes"]])))
    line = ": ".join(filter(None, [*where, shorten(one_line(what), _MESSAGE_LIMIT) or "no reason is given"]))
    if status is not None:
        line += f" (HTTP {status})"
    return f"{line}{'' if line.endswith('.') else '.'} {hint}" if hint else line


def envelope_fields(envelope: Any, redact: Redactor) -> dict[str, Any]:
    """Return the ``error`` of a ZStackError from the value of "error" in a response.

    The documented value is an object with nested ``cause`` objects. Newer servers also send a list of ``causes`` (src).
    Both are returned as one flat list. A value that is not an object becomes the description. Long texts and lists are
    shortened.
    """
    fields, waiting = _error_fields(envelope, redact)
    causes: list[dict[str, Any]] = []
    while waiting and len(causes) < _CAUSES_LIMIT:
        cause, deeper = _error_fields(waiting.pop(0), redact)
        waiting = deeper + waiting
        causes.append({key: cause[key] for key in ("code", "description", "details")})
    return {**fields, "causes": causes}


def _error_fields(envelope: Any, redact: Redactor) -> tuple[dict[str, Any], list[Any]]:
    """Return the fields of one error, and its unprocessed causes."""
    if not isinstance(envelope, dict):
        envelope = {"description": envelope}
    fields: dict[str, Any] = {"code": None, "description": None, "details": None}
    causes = [envelope.get("cause"), *(_list(envelope.get("causes"))[:_CAUSES_LIMIT])]
    for key, value in list(envelope.items())[:_FIELDS_LIMIT]:
        if key in ("cause", "causes") or value is None:
            continue
        # Redact before shortening or converting, because a changed secret would not be found.
        name, text = snake_case(redact(key, _KEY_LIMIT)), as_text(value)
        if key in fields or isinstance(value, str) or len(text) > _FIELD_LIMIT:
            fields[name] = shorten(_redacted_ends(text, redact), _FIELD_LIMIT)
        else:
            fields[name] = json_safe(redact.value(json_safe(value, convert=str)))
    return fields, [each for each in causes if each is not None]


def _redacted_ends(text: str, redact: Redactor) -> str:
    """Return a text without secrets. If it is long, return only its start and its end."""
    half = 2 * _FIELD_LIMIT
    return redact(text) if len(text) <= 2 * half else f"{redact(text, half)} … {redact.ending(text, half)}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _describe(error: dict[str, Any]) -> str:
    """Return ``[code] description: details``, without missing parts."""
    code, description, details = error["code"], error["description"], error["details"]
    words = ": ".join(dict.fromkeys(filter(None, (description, details and _last_line_first(details)))))
    return f"[{code}] {words}".rstrip() if code else words


def _last_line_first(text: str) -> str:
    """Return several lines as one line that starts with the last, the output of a failed command (src)."""
    lines = _lines(text)
    return f"{last_line(text)} ({'; '.join(lines[:-1])})" if len(lines) > 1 else text


def last_line(text: str) -> str:
    """Return the last line of a text, such as the output of a failed command."""
    return (_lines(text) or [""])[-1].removeprefix("stderr: ")


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and line not in ("stdout:", "stderr:")]


def one_line(text: str) -> str:
    """Return the text on one line, without characters that control a terminal or reverse the direction of text."""
    uncolored = TERMINAL_ESCAPES.sub("", text)
    return " ".join("".join(each if each.isprintable() else " " for each in uncolored).split())


def shorten(text: str, limit: int) -> str:
    """Shorten a text in the middle, because the end of an error contains the most information."""
    return text if len(text) <= limit else f"{text[: limit // 3]} … {text[len(text) - limit * 2 // 3 :]}"
