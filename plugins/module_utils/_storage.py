# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The URL of a backup storage, and its password."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ._calls import ZStackError
from ._options import environment_variable, secret_string, yaml_type

URL_FORM = "ssh://username@hostname[:sshPort]/path"
_ALLOWED_TERMS = f"a URL such as {URL_FORM}, or in the lookup a mapping with url and password"
# The role and the report use the name.
_KEYS = {"url", "password", "name"}

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST_NAME = rf"(?:{_LABEL}|(?:{_LABEL}\.)+(?![0-9]){_LABEL})\.?"
_URL = (
    r"ssh://(?P<user>[A-Za-z0-9_][A-Za-z0-9_.%+-]*)(?::(?P<password>[^:@/]*))?"
    r"@(?P<host>[^:@/]+)(?P<end>(?::(?P<port>[0-9]{1,5}))?/[^@]+)"
)


def storage_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the options of a storage, except its URL."""
    return {"storage_password": {"type": "str", "no_log": True}, "registry_port": {"type": "int"}}


class Storage(NamedTuple):
    url: str  # with the password, percent-encoded
    masked: str  # with *** in place of the password
    secrets: tuple[str, str]  # the password, unencoded and percent-encoded


def check_storage(term: Any, sources: Sequence[Mapping[str, Any]]) -> Storage:
    """Return the storage for a URL, or for a mapping with ``url`` and ``password``.

    The server parses the URL with ``java.net.URI`` and uses it on a command line (src). Errors do not include the URL,
    because it may contain a password.
    """
    own = None
    if isinstance(term, Mapping):
        # Do not include the keys: without quotes, YAML reads a URL whose password contains ": " as a mapping.
        if term.keys() - _KEYS:
            raise ZStackError(f"url must be {_ALLOWED_TERMS}, got a mapping with other keys")
        term, own = term.get("url"), term.get("password")
    if term is None or term == "":
        raise ZStackError(f"url is missing: set it in the form {URL_FORM}, and the password in storage_password")
    if not isinstance(term, str):
        raise ZStackError(f"url must be {_ALLOWED_TERMS}, got a {yaml_type(term)}")
    parts = _check_url(secret_string("url", term))
    if own is not None and own != "":
        name, value = "password", own
    else:
        name, value = _storage_password(sources, parts["password"] is not None)
    if parts["password"] is not None:
        if value is not None:
            raise ZStackError(f"url must not include a password if {name} is set: keep one of them")
        password = unquote(parts["password"])
        name = "the password in url"
    elif value is None:
        raise ZStackError(
            "storage_password is missing: set it in the task, set zstack_storage_password (lookup) or export "
            f"{environment_variable('storage_password')}, or include the percent-encoded password in url"
        )
    else:
        password = secret_string(name, value)
    if re.search(r"[\x00-\x1f\x7f]", password):
        raise ZStackError(f"{name} must not contain control characters: check for a line break at its end")
    start = f"ssh://{parts['user']}"
    encoded = parts["password"] or quote(password, safe="")
    rest = f"@{parts['host']}{parts['end']}"
    return Storage(f"{start}:{encoded}{rest}", f"{start}:***{rest}", (password, encoded))


def _storage_password(sources: Sequence[Mapping[str, Any]], in_url: bool) -> tuple[str, Any]:
    """Return the name and the value of the password option, from the first source that sets it.

    If the URL contains a password, only the first source is read, to detect a conflict.
    """
    for source in sources[:1] if in_url else sources:
        if (value := source.get("storage_password")) not in (None, ""):
            return "storage_password", value
    name = environment_variable("storage_password")
    return name, None if in_url else os.environ.get(name) or None


def _check_url(url: str) -> re.Match[str]:
    instead = "set storage_password instead, which takes the password as it is"
    start = re.match(r"ssh://[^:@/?#]+:", url)
    password = url[start.end() :].rpartition("@")[0] if start else ""
    if re.search(r"[@#?/:]", password):
        raise ZStackError(f"url must have its password percent-encoded (it has one of @ # ? / :): {instead}")
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        raise ZStackError(f"url must have its password percent-encoded (it has a % that encodes nothing): {instead}")
    # \s includes Unicode spaces.
    if re.search(r"[\s\x00-\x1f\x7f-\x9f;&|<>()$`\"'\\*?\[\]{}!#^]", url):
        raise ZStackError(
            "url must not contain white space, control characters or shell metacharacters: "
            f"if they are in the password, {instead}"
        )
    parts = re.fullmatch(_URL, url)
    if not parts or parts["password"] == "" or not 0 < int(parts["port"] or 22) < 65536:
        raise ZStackError(f"url must have the form {URL_FORM}")
    if not _is_host(parts["host"]):
        raise ZStackError(
            "url must have a host that ZStack accepts: an IPv4 address, or a name of letters, digits and hyphens "
            "whose last label begins with a letter"
        )
    return parts


def _is_host(host: str) -> bool:
    """Return whether java.net.URI accepts the host: no underscore, and no last label that starts with a digit (src)."""
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return re.fullmatch(_HOST_NAME, host) is not None
