# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that are safe to show: without secrets, on one line, and short."""

from __future__ import annotations

import re

# Escape sequences that set the colors or the title of a terminal.
TERMINAL = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
MASK = "***"
# Number of characters to search after the end of a shortened text, where a secret may continue.
_OVERLAP = 8192


class Redactor:
    """Replace the secrets that it knows with ``***``, however they are quoted."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets: dict[str, None] = {}
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        self._secrets.update(dict.fromkeys(filter(None, secrets)))

    def __call__(self, text: str, limit: int | None = None) -> str:
        """Return the text, or its first ``limit`` characters, without secrets, including one that crosses the limit."""
        end = len(text) if limit is None else min(limit, len(text))
        return self._masked(text[: end + _OVERLAP], 0, end)

    def ending(self, text: str, limit: int) -> str:
        """Return the last ``limit`` characters without secrets, including one that crosses the start."""
        window = text[-limit - _OVERLAP :]
        return self._masked(window, max(len(window) - limit, 0), len(window))

    def _masked(self, text: str, begin: int, end: int) -> str:
        # A module compiles its imports in every run, and most runs show no text.
        from ._search import find

        pieces: list[str] = []
        position = begin
        for start, stop in sorted(find(text, list(self._secrets))):
            if stop > position and start < end:
                # Secrets that overlap or touch are one.
                if start > position or not pieces:
                    pieces += [text[position:start], MASK]
                position = stop
        return "".join([*pieces, text[position:end]])


def one_line(text: str) -> str:
    """Return the text on one line, without characters that control a terminal or reverse the direction of text."""
    return " ".join("".join(each if each.isprintable() else " " for each in re.sub(TERMINAL, "", text)).split())


def shorten(text: str, limit: int) -> str:
    """Shorten a text in the middle, because the end of an error contains the most information."""
    return text if len(text) <= limit else f"{text[: limit // 3]} … {text[len(text) - limit * 2 // 3 :]}"
