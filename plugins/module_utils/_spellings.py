# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Find secrets in a text, even if they are escaped, quoted or interrupted by invisible characters.

A text is searched in layers: unchanged, then with escapes decoded repeatedly, then without quotes and backslashes,
which can reveal more escapes, and without invisible characters. The secrets are decoded in the same way. If a layer
contains a secret, the corresponding part of the original text counts as the secret. Each character of a secret can
therefore be quoted differently: literally, percent-encoded, as an escape of JSON, Java, Python or HTML, with shell
quotes, or with several of these at once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

# Each pass decodes escapes or removes quotes. Each level of quoting takes one or two passes.
_PASSES = 16
_HEX = "[0-9A-Fa-f]"


def _utf8(prefix: str) -> str:
    """Return a pattern for one character in UTF-8 or Latin-1, as hexadecimal bytes that each follow ``prefix``."""
    rest = f"{prefix}[89ABab]{_HEX}"
    starts = (f"[Ff][0-7]{rest * 3}", f"[Ee]{_HEX}{rest * 2}", f"[CDcd]{_HEX}{rest}", _HEX * 2)
    return f"{prefix}(?:{'|'.join(starts)})"


# Escape sequences that set the colors or the title of a terminal.
TERMINAL_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")

_PERCENT = r"%(?:25)*"
# Only match from the first of several backslashes. Matching from each would take quadratic time.
_BACKSLASH = r"(?<!\\)\\+"
_ESCAPES: list[tuple[str, Callable[[str], str]]] = [
    (_utf8(_PERCENT), lambda text: _from_bytes(re.findall(f"{_PERCENT}({_HEX}{{2}})", text))),
    (f"{_PERCENT}[Uu]{_HEX}{{4}}", lambda text: chr(int(text[-4:], 16))),
    (
        rf"{_BACKSLASH}u+[Dd][89ABab]{_HEX}{{2}}\\+u+[Dd][C-Fc-f]{_HEX}{{2}}",
        lambda text: bytes.fromhex("".join(re.findall(f"u({_HEX}{{4}})", text))).decode("utf-16-be"),
    ),
    (rf"{_BACKSLASH}u+{_HEX}{{4}}", lambda text: chr(int(text[-4:], 16))),
    (rf"{_BACKSLASH}u\{{{_HEX}{{1,6}}\}}", lambda text: _character(int(text.rpartition("{")[2][:-1], 16))),
    (rf"{_BACKSLASH}[bfnrtv]", lambda _text: " "),
    (rf"{_BACKSLASH}[01][0-7]{{2}}", lambda text: chr(int(text[-3:], 8))),
    (rf"{_BACKSLASH}U00{_HEX}{{6}}", lambda text: _character(int(text[-6:], 16))),
    (_utf8(rf"{_BACKSLASH}x"), lambda text: _from_bytes(re.findall(f"x({_HEX}{{2}})", text))),
    (r"&(?:amp;)*#[0-9]{1,7};", html.unescape),
    (rf"&(?:amp;)*#[Xx]{_HEX}{{1,6}};", html.unescape),
    (r"&(?:amp;)*[A-Za-z][A-Za-z0-9]{1,31};", html.unescape),
]
_ESCAPED = re.compile("|".join(f"({pattern})" for pattern, _dummy in _ESCAPES))
# Characters that quoting inserts into a text, and characters that represent a space.
_QUOTING = re.compile(r"""[\s"'\\+]+""")
# Terminal escapes and all characters that are not printable ASCII.
_INVISIBLE = re.compile(f"{TERMINAL_ESCAPES.pattern}|[^ -~]")
# UTF-8 bytes that were decoded as Latin-1. Python writes both as \\x.
_LATIN_1 = re.compile("[\xf0-\xf7][\x80-\xbf]{3}|[\xe0-\xef][\x80-\xbf]{2}|[\xc0-\xdf][\x80-\xbf]")


def needles_of(secret: str) -> set[str]:
    """Return the forms of a secret in all layers, in lower case."""
    found: set[str] = set()
    # There are too many ways to write a control character, so search for the text before and after it.
    for line in re.split(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", f"{secret}\n{unquote(secret)}"):
        if not line.strip():
            continue
        for layer in [*_Text(line).layers(), *_Text(_LATIN_1.sub(_as_utf8, line)).layers()]:
            # Quotes can be removed from a text before its escapes are decoded, or after that.
            needles = {layer.lower, layer.without_quotes().lower}
            # Without its invisible characters, a secret may be a single letter, which occurs everywhere.
            unsafe = not line.isprintable() and len(line) > 3
            found |= {needle for needle in needles if len(needle) > 3 or not unsafe}
    return found - {""}


def find(text: str, needles: Iterable[str]) -> list[tuple[int, int]]:
    """Return the positions of the needles in the text, in order and without overlaps."""
    found: list[tuple[int, int]] = []
    for layer in _Text(text).layers():
        lowered = layer.lower
        for needle in needles:
            for position in _positions(needle, lowered):
                start, stop = layer.starts[position], layer.stops[position + len(needle) - 1]
                if (
                    len(needle) > 3
                    or _stands_alone(text, start, stop)
                    or _stands_alone(lowered, position, position + len(needle))
                ):
                    found.append((start, stop))
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


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

    def layers(self) -> Iterable[_Text]:
        """Yield this text, then with its escapes decoded repeatedly, then without quotes when no escape is left."""
        layer = self
        for _dummy in range(_PASSES):
            yield layer
            yield layer.visible()
            after = layer.replaced(_ESCAPED, lambda match: _ESCAPES[(match.lastindex or 1) - 1][1](match[0]))
            if after.text == layer.text:
                after = layer.without_quotes()
            if after.text == layer.text:
                after = layer.visible()
            if after.text == layer.text:
                break
            layer = after

    def without_quotes(self) -> _Text:
        """Return the text without what quoting puts between its characters."""
        return self.replaced(_QUOTING, lambda _match: "")

    def visible(self) -> _Text:
        """Return the text without invisible characters, which could otherwise hide a secret from the search."""
        return self.replaced(
            _INVISIBLE, lambda match: match[0] if match[0].isprintable() and match[0] != "\ufffd" else ""
        )

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


def _as_utf8(match: re.Match[str]) -> str:
    return _from_bytes([f"{ord(each):02x}" for each in match[0]])


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 else ""


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Return whether no letter or digit is adjacent, so that very short secrets do not make words unreadable."""
    return not (text[start - 1 : start].isalnum() or text[stop : stop + 1].isalnum())
