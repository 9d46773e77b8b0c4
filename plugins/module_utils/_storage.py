# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URL of a backup storage, and its password."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ._calls import ZStackError
from ._options import environment_variable, hide, secret_string, yaml_type
from ._redaction import MASK

URL_FORM = "ssh://username@hostname[:sshPort]/path"
_ALLOWED_TERMS = f"a URL such as {URL_FORM}, or in the lookup a mapping with url and optionally password and name"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST_NAME = rf"(?:{_LABEL}|(?:{_LABEL}\.)+(?![0-9]){_LABEL})\.?"
_URL = (
    r"ssh://(?P<user>[A-Za-z0-9_][A-Za-z0-9_.%+-]*)(?::(?P<password>[^:@/]*))?"
    r"@(?P<host>\[[^@/]*\]|[^:@/]+)(?P<end>(?::(?P<port>[0-9]{1,5}))?/[^@]+)"
)


class Storage(NamedTuple):
    url: str  # with the password, percent-encoded
    masked: str  # with *** in place of the password
    secrets: tuple[str, str]  # the password, unencoded and percent-encoded


def check_storage(term: Any, sources: Sequence[Mapping[str, Any]]) -> Storage:
    """Return the storage for a URL, or for a mapping with ``url`` and optionally ``password`` and ``name``.

    The server parses the URL with ``java.net.URI`` and uses it on a command line (src). Errors do not include the URL,
    because it may contain a password.
    """
    # Other keys are ignored, so that what the lookup zstack_image_store returns is a term.
    given = term if isinstance(term, Mapping) else {"url": term}
    url = given.get("url")
    if url is None or url == "":
        raise ZStackError(f"url is missing: set it in the form {URL_FORM}, and the password in storage_password")
    if not isinstance(url, str):
        raise ZStackError(f"url must be {_ALLOWED_TERMS}, got a {yaml_type(url)}")
    parts = check_url(secret_string("url", url))
    variable = environment_variable("storage_password")
    exported = variable, os.environ.get(variable)
    # Variables and the environment are for URLs without a password. In the task, only one of the two can be set.
    passwords = _passwords(given, sources[:1]) if parts["password"] else chain(_passwords(given, sources), [exported])
    option, value = next(((option, value) for option, value in passwords if value not in (None, "")), ("", None))
    if parts["password"]:
        if option:
            raise ZStackError(f"url must not include a password if {option} is set: keep one of them")
        option, value = "the password in url", unquote(parts["password"])
    elif not option:
        raise ZStackError(
            "storage_password is missing: set it in the task, set zstack_storage_password (lookup) or export "
            f"{variable}, or include the percent-encoded password in url"
        )
    password = secret_string(option, value)
    encoded = parts["password"] or quote(password, safe="")
    hide((password, encoded))
    form = f"ssh://{parts['user']}:{{}}@{parts['host']}{parts['end']}"
    return Storage(form.format(encoded), form.format(MASK), (password, encoded))


def _passwords(term: Mapping[Any, Any], sources: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each option with a password for this storage, in order of precedence."""
    yield "password", term.get("password")
    for source in sources:
        named = source.get("storage_passwords") if isinstance(name := term.get("name"), str) else None
        if isinstance(named, Mapping):
            yield f"storage_passwords[{name!r}]", named.get(name)
        elif named not in (None, ""):
            got = yaml_type(named)
            raise ZStackError(f"storage_passwords must be a mapping of names to passwords, got a {got}")
        yield "storage_password", source.get("storage_password")


def check_url(url: str) -> re.Match[str]:
    """Return the user, the password, the host and the rest of a URL, or raise ZStackError if a scan would refuse it."""
    instead = "set storage_password instead, which takes the password as it is"
    start = re.match(r"ssh://[^:@/?#]+:", url)
    password = url[start.end() :].rpartition("@")[0] if start else ""
    if re.search(r"[@#?/:]", password):
        raise ZStackError(f"url must have its password percent-encoded (it has one of @ # ? / :): {instead}")
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        raise ZStackError(f"url must have its password percent-encoded (it has a % that encodes nothing): {instead}")
    # \s includes Unicode spaces. Brackets only around an IPv6 address.
    if re.search(r"[\s\x00-\x1f\x7f-\x9f;&|<>()$`\"'\\*?\[\]{}!#^]", re.sub(r"@\[[0-9A-Fa-f:.]+\]", "@", url)):
        raise ZStackError(
            "url must not contain white space, control characters or shell metacharacters: "
            f"if they are in the password, {instead}"
        )
    parts = re.fullmatch(_URL, url)
    if not parts or parts["password"] == "" or not 0 < int(parts["port"] or 22) < 65536:
        raise ZStackError(f"url must have the form {URL_FORM}")
    if not _is_host(parts["host"]):
        raise ZStackError(
            "url must have a host that ZStack accepts: an IPv4 address, an IPv6 address in brackets, or a name of "
            "letters, digits and hyphens whose last label begins with a letter"
        )
    return parts


def _is_host(host: str) -> bool:
    """Return whether java.net.URI accepts the host: no underscore, and no last label that starts with a digit (src)."""
    try:
        return bool(ipaddress.IPv6Address(host[1:-1]) if host[0] == "[" else ipaddress.IPv4Address(host))
    except ValueError:
        return re.fullmatch(_HOST_NAME, host) is not None
