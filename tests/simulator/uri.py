# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the server reads the URL of a backup storage: java.net.URI first, then the parser of zstack-ctl."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple
from urllib.parse import unquote

# Beyond ASCII, Java's URI accepts all but spaces and control characters.
_OTHER = "\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\ud7ff\ue000-\U0010ffff"
_UNRESERVED = r"A-Za-z0-9_\-!.~'()*"


def _any_of(characters: str) -> str:
    return rf"(?:[{_UNRESERVED}{_OTHER}{characters}]|%[0-9A-Fa-f]{{2}})*"


_ANY_LEGAL = _any_of(r";/?:@&=+$,[\]")
_URI = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+\-.]*:)?//"
    rf"(?P<userinfo>{_any_of(';:&=+$,')})@"
    r"(?:\[(?P<ipv6>[^]]*)\]|(?P<host>[A-Za-z0-9.\-]+))"
    r"(?::(?P<port>[0-9]*))?"
    rf"/{_any_of(':@&=+$,;/')}"
    rf"(?:\?{_ANY_LEGAL})?(?:#{_ANY_LEGAL})?"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_LAST_LABEL = r"[A-Za-z](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?:{_LABEL}|(?:{_LABEL}\.)+{_LAST_LABEL})\.?")
_BYTE = r"0*(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")


class StorageUrl(NamedTuple):
    """Where zstack-ctl connects to. It decodes user, password and host once, and ignores the path."""

    username: str
    password: str
    host: str
    port: int


def parse(url: str) -> StorageUrl | None:
    """Return the parts of *url*; None if Java finds no user, host and path in it. The server checks nothing else."""
    match = _URI.fullmatch(url)
    if match is None or not _is_host(match) or int(match["port"] or 0) >= 2**31:
        return None
    username, _dummy, password = match["userinfo"].partition(":")
    port = int(match["port"] or 22)
    return StorageUrl(
        username=unquote(username),
        password=unquote(password),
        host=unquote(match["ipv6"] or match["host"]).lower(),
        # Python 2 ignores a port that is too large.
        port=port if port <= 65535 else 22,
    )


def _is_host(match: re.Match[str]) -> bool:
    if match["host"]:
        return bool(_IPV4.fullmatch(match["host"]) or _HOST_NAME.fullmatch(match["host"]))
    try:
        IPv6Address(match["ipv6"])
    except ValueError:
        return False
    return True
