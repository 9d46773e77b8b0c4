# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""What a failure says: texts for a person, and fields for a program. Bounded, printable, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.zstack.cloud.plugins.module_utils._json import as_text, portable, snake_case
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor
from ansible_collections.zstack.cloud.plugins.module_utils._spellings import TERMINAL

_MESSAGE_LIMIT = 1400
_FIELD_LIMIT = 4000
_FIELDS_LIMIT = 50
_CAUSES_LIMIT = 10
_KEY_LIMIT = 100


def failure_line(where: list[str | None], error: Mapping[str, Any], status: int | None, hint: str | None) -> str:
    """Return one line of less than 2,000 characters: where it failed, what failed, and what to do about it."""
    what = "; caused by ".join(filter(None, map(_describe, [error, *error["causes"]])))
    line = ": ".join(filter(None, [*where, clip(one_line(what), _MESSAGE_LIMIT) or "no reason is given"]))
    if status is not None:
        line += f" (HTTP {status})"
    return f"{line}{'' if line.endswith('.') else '.'} {hint}" if hint else line


def envelope_fields(envelope: Any, redact: Redactor) -> dict[str, Any]:
    """Return the ``error`` of a ZStackError from the value of "error" in a response.

    Documented is an object with a chain of ``cause``; newer servers also send a list of ``causes`` (src). Both become
    one flat list. Anything but an object becomes the description. Texts and lists are cut to a readable size.
    """
    fields, waiting = _error_fields(envelope, redact)
    causes: list[dict[str, Any]] = []
    while waiting and len(causes) < _CAUSES_LIMIT:
        cause, deeper = _error_fields(waiting.pop(0), redact)
        waiting = deeper + waiting
        causes.append({key: cause[key] for key in ("code", "description", "details")})
    return {**fields, "causes": causes}


def _error_fields(envelope: Any, redact: Redactor) -> tuple[dict[str, Any], list[Any]]:
    """Return the fields of one error, and its causes as they are."""
    if not isinstance(envelope, dict):
        envelope = {"description": envelope}
    fields: dict[str, Any] = {"code": None, "description": None, "details": None}
    causes = [envelope.get("cause"), *(_list(envelope.get("causes"))[:_CAUSES_LIMIT])]
    for key, value in list(envelope.items())[:_FIELDS_LIMIT]:
        if key in ("cause", "causes") or value is None:
            continue
        # Redacted before anything is cut or converted: afterwards, a secret would be another one.
        name, text = snake_case(redact(key, _KEY_LIMIT)), as_text(value)
        if key in fields or isinstance(value, str) or len(text) > _FIELD_LIMIT:
            fields[name] = clip(_redacted_ends(text, redact), _FIELD_LIMIT)
        else:
            fields[name] = portable(redact.value(portable(value, convert=str)))
    return fields, [each for each in causes if each is not None]


def _redacted_ends(text: str, redact: Redactor) -> str:
    """Return a text without secrets, or of a long one what stands at its start and at its end."""
    half = 2 * _FIELD_LIMIT
    return redact(text) if len(text) <= 2 * half else f"{redact(text, half)} … {redact.ending(text, half)}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _describe(error: dict[str, Any]) -> str:
    """Return ``[code] description: details``, as much of it as there is."""
    code, description, details = error["code"], error["description"], error["details"]
    words = ": ".join(dict.fromkeys(filter(None, (description, details and _last_line_first(details)))))
    return f"[{code}] {words}".rstrip() if code else words


def _last_line_first(text: str) -> str:
    """Return several lines as one that begins with the last: what a failed command said follows the command (src)."""
    lines = _lines(text)
    return f"{last_line(text)} ({'; '.join(lines[:-1])})" if len(lines) > 1 else text


def last_line(text: str) -> str:
    """Return the last words of a text, such as what a failed command said."""
    return (_lines(text) or [""])[-1].removeprefix("stderr: ")


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and line not in ("stdout:", "stderr:")]


def one_line(text: str) -> str:
    """Return the text on one line, without anything that could forge lines, steer a terminal or turn text around."""
    uncolored = TERMINAL.sub("", text)
    return " ".join("".join(each if each.isprintable() else " " for each in uncolored).split())


def clip(text: str, limit: int) -> str:
    """Cut a text in its middle: the end of an error says most."""
    return text if len(text) <= limit else f"{text[: limit // 3]} … {text[len(text) - limit * 2 // 3 :]}"
