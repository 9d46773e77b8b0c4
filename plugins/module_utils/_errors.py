# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The one exception of this collection, and the redaction that keeps secrets out of it."""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

_MESSAGE_LIMIT = 1500
_FIELD_LIMIT = 4000
_CAUSES_LIMIT = 10

# What to do about an error code. The codes are ZStack's (SysErrors.java, IdentityErrors.java).
_HINTS = {
    "ID.1000": "Check account_name and account_password.",
    "ID.1001": "The session is unknown or has expired: log in again for a new session_uuid, "
    "or give account_name and account_password, which log in for each task. An AccessKey: check its ID and secret.",
    "ID.1002": "Use an account that may list database backups, such as admin.",
    "ID.1006": "Log out sessions of this account that nobody needs, or wait until they expire.",
    "SYS.1001": "The management node gave up waiting: try again when it is less busy.",
    "SYS.1003": "Check that url names a storage that exists.",
    "SYS.1006": "Check the password, host, SSH port and path in url, and registry_port.",
    "SYS.1007": "Check url, registry_port and the tags.",
    "SYS.1010": "The management node is not ready yet: try again in some minutes.",
    "SYS.1012": "The management node is unavailable: check its state with zstack-ctl status.",
}


class ZStackError(Exception):
    """A call that failed, or options that no call can be made with.

    As text it is one line of less than 2,000 characters, for a person. For programs it has

    - ``error``: a dict with ``code``, ``description`` and ``details`` (each a str or None), ``causes`` (a list of dicts
      with these three, the outermost first), and in snake_case whatever else the server's envelope held;
    - these four as attributes of their own;
    - ``status``: the HTTP status, an int, or None where no reply came;
    - ``passing``: whether another try may help.
    """

    def __init__(
        self,
        error: dict[str, Any] | str,
        *,
        call: str = "",
        status: int | None = None,
        hint: str | None = None,
        passing: bool = False,
    ) -> None:
        fields = error if isinstance(error, dict) else {"description": error}
        self.error: dict[str, Any] = {"code": None, "description": None, "details": None, "causes": [], **fields}
        self.code: str | None = self.error["code"]
        self.description: str | None = self.error["description"]
        self.details: str | None = self.error["details"]
        self.causes: list[dict[str, Any]] = self.error["causes"]
        self.status = status
        self.passing = passing
        what = "; caused by ".join(filter(None, map(_describe, [self.error, *self.causes]))) or "no reason is given"
        line = clip(one_line(f"{call}: {what}" if call else what), _MESSAGE_LIMIT)
        if status is not None:
            line += f" (HTTP {status})"
        hint = hint or _HINTS.get(self.code or "")
        super().__init__(f"{line}{'' if line.endswith('.') else '.'} {hint}" if hint else line)


def envelope_fields(envelope: Any) -> dict[str, Any]:
    """The ``error`` of a ZStackError, from what stands under "error" in a reply.

    Documented is an object with a chain of ``cause``; newer servers send a list of ``causes`` as well. Both come out
    as one flat list. Anything but an object is taken for the description.
    """
    fields = _error_fields(envelope)
    waiting = _causes(fields)
    causes: list[dict[str, Any]] = []
    while waiting and len(causes) < _CAUSES_LIMIT:
        cause = _error_fields(waiting.pop(0))
        waiting = _causes(cause) + waiting
        causes.append({key: cause[key] for key in ("code", "description", "details")})
    return {**fields, "causes": causes}


def _error_fields(envelope: Any) -> dict[str, Any]:
    if not isinstance(envelope, dict):
        envelope = {"description": envelope}
    fields: dict[str, Any] = camel_dict_to_snake_dict({"code": None, "description": None, "details": None, **envelope})
    for key in ("code", "description", "details"):
        if fields[key] is not None:
            fields[key] = clip(as_text(fields[key]), _FIELD_LIMIT)
    return fields


def _causes(fields: dict[str, Any]) -> list[Any]:
    """The causes that stand in an error's fields, which lose them."""
    cause, causes = fields.pop("cause", None), fields.pop("causes", None)
    found = [cause, *causes] if isinstance(causes, list) else [cause, causes]
    return [each for each in found if each is not None]


def _describe(error: dict[str, Any]) -> str:
    """``[code] description: details``, as much of it as there is."""
    code, description, details = error["code"], error["description"], error["details"]
    words = ": ".join(dict.fromkeys(filter(None, (description, details))))
    return f"[{code}] {words}".rstrip() if code else words


def as_text(value: Any) -> str:
    """A text as it is, and any other JSON value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def one_line(text: str) -> str:
    """The text without line breaks and control characters, which could forge lines or steer a terminal."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


class Redactor:
    """Replaces the secrets that it knows with ``***`` in a text, or in all texts of a JSON value.

    A secret is found as it was written, percent-decoded and percent-encoded, and in the escapes of the places that a
    server or a library quotes it from: a shell command line, JSON, HTML.
    """

    def __init__(self, *secrets: str | None) -> None:
        self._spellings: set[str] = set()
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        for secret in filter(None, secrets):
            for plain in (secret, unquote(secret)):
                encoded = quote(plain, safe="")
                self._spellings |= {plain, encoded, quote(plain), quote_plus(plain), quote(encoded, safe="")}
                self._spellings |= {json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]}
                self._spellings |= {shlex.quote(plain), html.escape(plain), repr(plain)[1:-1], one_line(plain)}
        self._spellings.discard("")
        longest_first = sorted(self._spellings, key=len, reverse=True)
        # Hexadecimal digits are written in both cases.
        self._pattern = re.compile("|".join(map(_verbatim, longest_first)) or r"(?!)", re.IGNORECASE)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._pattern.sub("***", value)
        if isinstance(value, list):
            return [self(each) for each in value]
        if isinstance(value, dict):
            return {self(key): self(each) for key, each in value.items()}
        return value


def _verbatim(secret: str) -> str:
    """The pattern of a secret. A very short one counts where it stands alone: the words around it stay readable."""
    return re.escape(secret) if len(secret) > 3 else rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])"
