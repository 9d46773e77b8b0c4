# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The exception that every failure becomes, and the texts in it: bounded, printable, without secrets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from ansible_collections.zstack.cloud.plugins.module_utils._redaction import TERMINAL, Redactor

_MESSAGE_LIMIT = 1400
_FIELD_LIMIT = 4000
_FIELDS_LIMIT = 50
_CAUSES_LIMIT = 10
_KEY_LIMIT = 100
_DEPTH_LIMIT = 64


class ZStackError(Exception):
    """A call that failed, or options that no call can be made with.

    As text it is one line of less than 2,000 characters, for a person. For programs it has

    - ``error``: a dict with ``code``, ``description`` and ``details`` (str or None), ``causes`` (a list of dicts with
      these three keys, outermost first), ``server`` (``host:port``) and ``storage`` (str or None), and in snake_case
      whatever else the server's envelope held;
    - ``status``: the HTTP status (int), or None without a response;
    - ``transient``: whether another attempt may help;
    - ``unknown_call``: whether the server does not have this call, as older releases do not.
    """

    def __init__(
        self,
        error: dict[str, Any] | str,
        *,
        server: str | None = None,
        call: str | None = None,
        status: int | None = None,
        hint: str | None = None,
        transient: bool = False,
        unknown_call: bool = False,
    ) -> None:
        super().__init__()
        fields = error if isinstance(error, dict) else {"description": error}
        base: dict[str, Any] = {"code": None, "description": None, "details": None, "causes": []}
        self.error: dict[str, Any] = {**base, **fields, "server": server, "storage": None}
        self.status = status
        self.transient = transient
        self.unknown_call = unknown_call
        self._call = call
        self._hint = hint
        self._names_storage = False

    def at(self, storage: str, named: bool) -> ZStackError:
        """Set the storage that the call was about; with ``named``, the line names it, too."""
        self.error["storage"], self._names_storage = storage, named
        return self

    def __str__(self) -> str:
        where = [self.error["server"], self.error["storage"] if self._names_storage else None, self._call]
        what = "; caused by ".join(filter(None, map(_describe, [self.error, *self.error["causes"]])))
        line = ": ".join(filter(None, [*where, clip(one_line(what), _MESSAGE_LIMIT) or "no reason is given"]))
        if self.status is not None:
            line += f" (HTTP {self.status})"
        return f"{line}{'' if line.endswith('.') else '.'} {self._hint}" if self._hint else line


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


def as_text(value: Any) -> str:
    """Return a text as it is, and any other JSON value as JSON."""
    value = portable(value, convert=str)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def portable(value: Any, convert: Callable[[str], str] | None = None, depth: int = _DEPTH_LIMIT) -> Any:
    """Return a JSON value that Ansible can pass on.

    Ansible cannot print lone surrogates, and JSON has neither NaN nor Infinity. What is nested deeper than anything
    that ZStack sends becomes None. Keys of objects become snake_case, or what ``convert`` makes of them.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (list, dict)) and not depth:
        return None
    if isinstance(value, list):
        return [portable(each, convert, depth - 1) for each in value]
    if isinstance(value, dict):
        key_of = convert or snake_case
        return {portable(key_of(key)): portable(each, convert, depth - 1) for key, each in value.items()}
    return value


@lru_cache(maxsize=1024)
def snake_case(key: str) -> str:
    """Return a key in snake_case. Ansible's own conversion takes quadratic time, so a key is cut."""
    return str(next(iter(camel_dict_to_snake_dict({key[:_KEY_LIMIT]: None}))))


def one_line(text: str) -> str:
    """Return the text on one line, without anything that could forge lines, steer a terminal or turn text around."""
    uncolored = TERMINAL.sub("", text)
    return " ".join("".join(each if each.isprintable() else " " for each in uncolored).split())


def clip(text: str, limit: int) -> str:
    """Cut a text in its middle: the end of an error says most."""
    return text if len(text) <= limit else f"{text[: limit // 3]} … {text[len(text) - limit * 2 // 3 :]}"
