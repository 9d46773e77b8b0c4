# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Keep secrets out of texts: error messages, warnings, and what the HTTP libraries log."""

from __future__ import annotations

import logging
import threading
from typing import Any
from weakref import WeakSet

_MASK = "***"
# Number of characters to search after the end of a shortened text, where a secret may continue.
_OVERLAP = 8192

_redactors: WeakSet[Redactor] = WeakSet()
_registering = threading.Lock()


class Redactor:
    """Replace the secrets that it knows with ``***``, however they are quoted.

    The search is prepared when the first text is shown, because most runs show none.
    """

    def __init__(self, *secrets: str | None) -> None:
        self._needles: dict[str, set[str] | None] = {}
        self.add(*secrets)
        with _registering:
            _redactors.add(self)

    def add(self, *secrets: str | None) -> None:
        self._needles.update(dict.fromkeys(filter(None, secrets)))

    def __call__(self, text: str, limit: int | None = None) -> str:
        """Return the text, or its first ``limit`` characters, without secrets, including one that crosses the limit."""
        end = len(text) if limit is None else min(limit, len(text))
        return self._masked(text if limit is None else text[: limit + _OVERLAP], 0, end)

    def ending(self, text: str, limit: int) -> str:
        """Return the last ``limit`` characters without secrets, including one that crosses the start."""
        window = text[-limit - _OVERLAP :]
        return self._masked(window, max(len(window) - limit, 0), len(window))

    def _masked(self, text: str, begin: int, end: int) -> str:
        pieces, position = [], begin
        for start, stop in self._find(text):
            if stop > begin and start < end:
                pieces += [text[position:start], _MASK]
                position = stop
        return "".join([*pieces, text[position:end]])

    def value(self, value: Any) -> Any:
        """Return a JSON value without secrets in its strings, keys and numbers."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value if self(str(value)) == str(value) else _MASK
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self(key): self.value(each) for key, each in value.items()}
        return value

    def _find(self, text: str) -> list[tuple[int, int]]:
        from ansible_collections.zstack.cloud.plugins.module_utils._spellings import find, needles_of

        needles: set[str] = set()
        for secret, prepared in list(self._needles.items()):
            if prepared is None:
                prepared = self._needles[secret] = needles_of(secret)
            needles |= prepared
        return find(text, needles)


class _LogFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # the arguments do not match the format, and logging would print them
            text = str(record.msg)
        with _registering:
            redactors = list(_redactors)
        for redact in redactors:
            text = redact(text)
        record.msg, record.args = text, ()
        # A traceback can quote data from the server.
        record.exc_info = record.exc_text = record.stack_info = None
        return True


_log_filter = _LogFilter()


def redact_logs() -> None:
    """Redact the log messages of the HTTP libraries, because urllib3 logs URLs, which can contain passwords."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("requests", "urllib3", "charset_normalizer", "chardet", "idna"):
            logging.getLogger(name).addFilter(_log_filter)
