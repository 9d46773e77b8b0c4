# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search outputs for secrets."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from ansible_collections.zstack.cloud.tests.simulator import Simulator


def readings(text: str) -> Iterator[str]:
    """Yield the letters and digits of a text, as it is and decoded again and again: URLs, HTML, escapes."""
    decoded = text
    for _number in range(5):
        text = decoded
        yield re.sub(r"[\W_]+", "", text).lower()
        decoded = re.sub(r"\\+[nrt]", " ", decoded)
        decoded = re.sub(r"(?i)\\+u(d[89ab][0-9a-f]{2})\\+u(d[c-f][0-9a-f]{2})", _surrogates, decoded)
        decoded = re.sub(r"\\+u([0-9A-Fa-f]{4})|\\+U([0-9A-Fa-f]{8})", _character, decoded)
        decoded = re.sub(r"(?:\\+x[0-9A-Fa-f]{2})+", _bytes, decoded)
        decoded = unquote(html.unescape(decoded))
        if decoded == text:
            return


def _surrogates(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16))


def _bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(re.sub(r"\\+x", "", match[0])).decode(errors="replace")


def shown(secrets: Iterable[str], text: str) -> set[str]:
    """Return the secrets that somebody who reads the text can find, however they are quoted."""
    sought = {secret: set(readings(secret)) for secret in secrets}
    return {
        secret
        for reading in readings(text)
        for secret, spellings in sought.items()
        if any(spelling in reading for spelling in spellings)
    }


def words(password: str) -> set[str]:
    """Return the words of a password that occur nowhere else, or else the password."""
    return {word for word in re.findall(r"[^\W\d_]+", password) if not word.isascii()} or {password}


def leaks(text: str, *nodes: Simulator) -> set[str]:
    """Return the secrets of management nodes that a text shows: passwords, also hashed, keys and sessions."""
    secrets: set[str] = set()
    for zstack in nodes:
        password, key = zstack.account[1], zstack.access_key[1]
        secrets.add(hashlib.sha512(password.encode()).hexdigest())
        secrets.update(*(words(each) for each in (password, key, *(storage.password for storage in zstack.storages))))
        sent = [request.headers.get("Authorization", "") for request in zstack.requests]
        secrets.update(header.removeprefix("OAuth ") for header in sent if header.startswith("OAuth "))
    return shown(secrets, text)
