# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for secrets in a text. Imported only when a text is shown.

A text is searched in layers: unchanged, then with escapes decoded repeatedly, then without quotes and backslashes,
which can reveal more escapes, and without invisible characters. The secrets are decoded in the same way. If a layer
contains a secret, the corresponding part of the original text counts as the secret. Each character of a secret can
therefore be quoted differently: literally, percent-encoded, as an escape of JSON, Java, Python or HTML, with shell
quotes, or with several of these at once.

A short secret that is a plain word, such as ``password`` or ``2026``, also occurs in sentences that do not contain the
secret, such as ``wrong account name or password``. It is therefore only masked where it stands as a value: as the whole
text, after a colon or an equals sign, an opening quote, // or @, after a command-line option, and as a word of a quoted
command. A key of an object, such as ``"password":``, and a part of a longer name, such as ``admin-2``, are not values.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from ._redaction import TERMINAL

# A plain word: at most twelve letters, or at most twelve digits
_PLAIN_WORD = re.compile(r"[A-Za-z]{1,12}|[0-9]{1,12}")
# What precedes and what follows a value, and how far to look back for it
_BEFORE_VALUE = re.compile(r"""(?:[:=]\s*|["'`]|//|@|(?:^|\s)--?[\w-]+,?\s+|\bcommand\b.*[\s\[|])$""")
_AFTER_VALUE = re.compile(r"""(?![\w-]|\.\w|["']\s*:)""")
_LOOK_BACK = 500
# Each pass decodes escapes or removes quotes. Each level of quoting takes one or two passes.
_PASSES = 16
_HEX = "[0-9A-Fa-f]"


def _utf8(prefix: str) -> str:
    """Return a pattern for one character in UTF-8 or Latin-1, as hexadecimal bytes that each follow ``prefix``."""
    rest = f"{prefix}[89ABab]{_HEX}"
    starts = (f"[Ff][0-7]{rest * 3}", f"[Ee]{_HEX}{rest * 2}", f"[CDcd]{_HEX}{rest}", _HEX * 2)
    return f"{prefix}(?:{'|'.join(starts)})"


_PERCENT = r"%(?:25)*"
# Only match from the first of several backslashes. Matching from each would take quadratic time.
_BACKSLASH = r"(?<!\\)\\+"
_ESCAPES: list[tuple[str, Callable[[str], str]]] = [
    (_utf8(_PERCENT), lambda text: _from_bytes(re.findall(f"{_PERCENT}({_HEX}{{2}})", text))),
    (_utf8(rf"{_BACKSLASH}x"), lambda text: _from_bytes(re.findall(f"x({_HEX}{{2}})", text))),
    (
        rf"{_BACKSLASH}u+[Dd][89ABab]{_HEX}{{2}}\\+u+[Dd][C-Fc-f]{_HEX}{{2}}",
        lambda text: bytes.fromhex("".join(re.findall(f"u({_HEX}{{4}})", text))).decode("utf-16-be"),
    ),
    (
        rf"(?:{_PERCENT}[Uu]|{_BACKSLASH}u+){_HEX}{{4}}|{_BACKSLASH}(?:u\{{{_HEX}{{1,6}}\}}|U00{_HEX}{{6}})",
        lambda text: chr(min(int(re.split("[Uu{]", text.rstrip("}"))[-1], 16), 0x10FFFF)),
    ),
    (rf"{_BACKSLASH}[bfnrtv]", lambda _text: " "),
    (rf"{_BACKSLASH}[01][0-7]{{2}}", lambda text: chr(int(text[-3:], 8))),
    (rf"&(?:amp;)*(?:#[0-9]{{1,7}}|#[Xx]{_HEX}{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});", html.unescape),
]
_ESCAPED = re.compile("|".join(f"({pattern})" for pattern, _dummy in _ESCAPES))
# Patterns, and the replacement for a match.
_DECODE = (_ESCAPED, lambda match: _ESCAPES[(match.lastindex or 1) - 1][1](match[0]))
# Characters that quoting inserts into a text, and characters that represent a space.
_UNQUOTE = (re.compile(r"""[\s"'\\+]+"""), lambda _match: "")
# Terminal escapes and invisible characters, which could otherwise hide a secret from the search.
_CLEAN = (
    re.compile(f"{TERMINAL}|[^ -~]"),
    lambda match: match[0] if match[0].isprintable() and match[0] != "\ufffd" else "",
)
# UTF-8 bytes that were decoded as Latin-1. Python writes both as \\x.
_LATIN_1 = re.compile("[\xf0-\xf7][\x80-\xbf]{3}|[\xe0-\xef][\x80-\xbf]{2}|[\xc0-\xdf][\x80-\xbf]")


def find(text: str, secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the positions of secrets, which can overlap."""
    words = {secret.lower() for secret in secrets if _PLAIN_WORD.fullmatch(secret)}
    needles = {needle for secret in secrets if not _PLAIN_WORD.fullmatch(secret) for needle in _needles(secret)}
    for layer in _Text(text).layers():
        lowered = layer.lower
        for needle in needles:
            for position in _positions(needle, lowered):
                end = position + len(needle)
                start, stop = layer.starts[position], layer.stops[end - 1]
                if len(needle) > 3 or _stands_alone(text, start, stop) or _stands_alone(lowered, position, end):
                    yield start, stop
        for word in words:
            for position in _positions(word, lowered):
                end = position + len(word)
                if lowered.strip() == word or _is_value(lowered, position, end):
                    yield layer.starts[position], layer.stops[end - 1]


@lru_cache
def _needles(secret: str) -> set[str]:
    """Return the forms of a secret in all layers, in lower case."""
    found: set[str] = set()
    # There are too many ways to write a control character, so search for the text before and after it.
    for line in re.split(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", f"{secret}\n{unquote(secret)}"):
        if not line.strip():
            continue
        read = _LATIN_1.sub(lambda match: match[0].encode("latin-1").decode("utf-8", "ignore"), line)
        for layer in [*_Text(line).layers(), *_Text(read).layers()]:
            # Quotes can be removed from a text before its escapes are decoded, or after that.
            needles = {layer.lower, layer.replaced(*_UNQUOTE).lower}
            # Without its invisible characters, a secret may be a single letter, which occurs everywhere.
            unsafe = not line.isprintable() and len(line) > 3
            found |= {needle for needle in needles if len(needle) > 3 or not unsafe}
    return found - {""}


class _Text:
    """A decoded text, with the position of each character in the original text."""

    def __init__(self, text: str, starts: list[int] | None = None, stops: list[int] | None = None) -> None:
        self.text = text
        self.starts = list(range(len(text))) if starts is None else starts
        self.stops = list(range(1, len(text) + 1)) if stops is None else stops

    @property
    def lower(self) -> str:
        """Return the text in lower case with the same length. Two characters need special treatment for this."""
        return self.text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()

    def layers(self) -> Iterator[_Text]:
        """Yield this text, then with its escapes decoded repeatedly, then without quotes when no escape is left."""
        layer = self
        for _dummy in range(_PASSES):
            yield layer
            yield layer.replaced(*_CLEAN)
            readings = (layer.replaced(*how) for how in (_DECODE, _UNQUOTE, _CLEAN))
            changed = next((reading for reading in readings if reading.text != layer.text), None)
            if not changed:
                break
            layer = changed

    def replaced(self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> _Text:
        pieces: list[str] = []
        starts: list[int] = []
        stops: list[int] = []
        position = 0
        for match in pattern.finditer(self.text):
            new = replacement(match)
            pieces += [self.text[position : match.start()], new]
            starts += self.starts[position : match.start()] + [self.starts[match.start()]] * len(new)
            stops += self.stops[position : match.start()] + [self.stops[match.end() - 1]] * len(new)
            position = match.end()
        pieces.append(self.text[position:])
        return _Text("".join(pieces), starts + self.starts[position:], stops + self.stops[position:])


def _is_value(text: str, start: int, stop: int) -> bool:
    """Return whether a word of the text stands as a value."""
    before = _BEFORE_VALUE.search(text[max(start - _LOOK_BACK, 0) : start])
    return before is not None and _AFTER_VALUE.match(text, stop) is not None


def _positions(needle: str, text: str) -> Iterator[int]:
    position = text.find(needle)
    while position >= 0:
        yield position
        position = text.find(needle, position + len(needle))


def _from_bytes(digits: list[str]) -> str:
    data = bytes.fromhex("".join(digits))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Return whether no letter or digit is adjacent, so that very short secrets do not make words unreadable."""
    return not (text[start - 1 : start].isalnum() or text[stop : stop + 1].isalnum())
