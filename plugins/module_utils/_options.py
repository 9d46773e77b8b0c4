# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The options that module and lookup share: which there are, which of them win, what they may hold.

Whatever is wrong with an option is a ZStackError that names it, raised before anything is sent.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, NamedTuple

from ansible.module_utils.common.parameters import env_fallback

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._times import parse_zone

# Each way of authentication with its options, the secret last.
WAYS = {
    "session": ("session_uuid",),
    "account": ("account_name", "account_password"),
    "access_key": ("access_key_id", "access_key_secret"),
}

_RANGES = {
    "port": (1, 65535),
    "timeout": (1, 86400),
    "retries": (0, 100),
    "registry_port": (1, 65535),
    "limit": (1, None),
}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def argument_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of all options but ``url``, which the module takes as an option and the lookup as terms.

    The options of authentication have no fallback of their own: see `_credentials`.
    """

    def from_environment(option: str) -> tuple[Any, list[str]]:
        return (_exported, [variable(option)])

    return {
        "host": {"type": "str", "required": True, "fallback": from_environment("host")},
        "port": {"type": "int", "default": 8080, "fallback": from_environment("port")},
        "use_ssl": {"type": "bool", "default": False, "fallback": from_environment("use_ssl")},
        "validate_certs": {"type": "bool", "default": True, "fallback": from_environment("validate_certs")},
        "ca_path": {"type": "path", "fallback": from_environment("ca_path")},
        "context_path": {"type": "str", "default": "/zstack"},
        "timeout": {"type": "int", "default": 60, "fallback": from_environment("timeout")},
        "retries": {"type": "int", "default": 2},
        "timezone": {"type": "str", "fallback": from_environment("timezone")},
        "session_uuid": {"type": "str", "no_log": True},
        "account_name": {"type": "str"},
        "account_password": {"type": "str", "no_log": True},
        "access_key_id": {"type": "str", "no_log": False},
        "access_key_secret": {"type": "str", "no_log": True},
        "registry_port": {"type": "int"},
        "system_tags": {"type": "list", "elements": "str"},
        "user_tags": {"type": "list", "elements": "str"},
        "max_age": {"type": "str"},
        "limit": {"type": "int"},
    }


def _exported(name: str) -> Any:
    """The fallback of an option: like `env_fallback`, but a variable that is empty counts as not set."""
    return env_fallback(name) or env_fallback()


def variable(option: str) -> str:
    """The environment variable of an option.

    The names are those that ZStack's Terraform provider and MCP server read already.
    """
    return "ZSTACK_SESSION_ID" if option == "session_uuid" else f"ZSTACK_{option.upper()}"


class Credentials(NamedTuple):
    way: str  # a key of WAYS
    values: tuple[str, ...]  # of its options; the last is the secret


class StorageUrl(NamedTuple):
    url: str
    password: str  # percent-encoded, as in the URL

    @property
    def masked(self) -> str:
        return self.url.replace(f":{self.password}@", ":***@", 1)


@dataclass(frozen=True)
class Options:
    """Options that were checked, in the form that the code works with."""

    server: str  # scheme, host and port
    context_path: str
    verify: bool | str  # as in requests: yes, no, or the path of the CAs to trust
    timeout: int  # seconds
    retries: int
    timezone: str | None
    zone: tzinfo | None  # what `timezone` names
    credentials: Credentials
    storages: list[StorageUrl]
    registry_port: int | None
    system_tags: list[str]
    user_tags: list[str]
    max_age: int | None  # seconds
    limit: int | None


def check(params: Mapping[str, Any], urls: list[Any], *written: Mapping[str, Any]) -> Options:
    """Options from values that passed the argument spec.

    ``urls`` are the storages to ask for. ``written`` are the places where a user wrote options down, the one that
    wins first; the environment comes after them.
    """
    for option, (low, high) in _RANGES.items():
        value = params[option]
        if value is not None and (value < low or (high is not None and value > high)):
            allowed = f"{low} or more" if high is None else f"from {low} to {high}"
            raise ZStackError(f"{option} is {value}: write a number that is {allowed}")
    scheme = "https" if params["use_ssl"] else "http"
    return Options(
        server=f"{scheme}://{_host(params['host'])}:{params['port']}",
        context_path=_context_path(params["context_path"]),
        verify=_verify(params["validate_certs"], params["ca_path"]),
        timeout=params["timeout"],
        retries=params["retries"],
        timezone=params["timezone"] or None,
        zone=_zone(params["timezone"]) if params["timezone"] else None,
        credentials=_credentials(*written),
        storages=[storage_url(url) for url in urls or [None]],
        registry_port=params["registry_port"],
        system_tags=params["system_tags"] or [],
        user_tags=params["user_tags"] or [],
        max_age=None if params["max_age"] is None else _seconds(params["max_age"]),
        limit=params["limit"],
    )


def _credentials(*written: Mapping[str, Any]) -> Credentials:
    """The first place that names a way of authentication counts, and counts alone.

    So a task with a session works on a machine whose environment names an account, and no half of a pair is ever
    completed with a half of somebody else's.
    """
    options = [option for way in WAYS.values() for option in way]
    exported = {option: os.environ.get(variable(option)) or None for option in options}
    for source in (*written, exported):
        # As text: a lookup's keywords and variables are of the types that YAML reads in them.
        given = {option: str(source[option]) for option in options if source.get(option) is not None}
        if given:
            return _one_way(given, variable if source is exported else str)
    ways = (" with ".join(f"{option} ({variable(option)})" for option in way) for way in WAYS.values())
    raise ZStackError(f"no way of authentication is given: write one of {', or '.join(ways)}")


def _one_way(given: Mapping[str, str], spelled: Any) -> Credentials:
    ways = [way for way, options in WAYS.items() if any(option in given for option in options)]
    names = [spelled(next(option for option in WAYS[way] if option in given)) for way in ways]
    if len(ways) > 1:
        raise ZStackError(f"{' and '.join(names)} are different ways of authentication: keep one of them")
    for option in WAYS[ways[0]]:
        if option not in given:
            raise ZStackError(f"{names[0]} is half of a pair: write {spelled(option)} beside it")
        if given[option] == "":
            raise ZStackError(f"{spelled(option)} is empty: write its value, or leave it out")
    if ways[0] != "account" and not sendable(given[WAYS[ways[0]][0]]):
        raise ZStackError(f"{names[0]} holds white space, a control character or a non-ASCII one: write it as issued")
    return Credentials(ways[0], tuple(given[option] for option in WAYS[ways[0]]))


def sendable(text: str) -> bool:
    """Whether a text can stand in an HTTP header without ending it or meaning something else."""
    return re.fullmatch(r"[!-~]+", text) is not None


def _host(host: str) -> str:
    address = re.fullmatch(r"\[?([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]?", host)
    if address:
        return f"[{address[1]}]"
    if not re.fullmatch(r"(?!.{254})[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", host):
        # Not repeated: it may be a URL with a password in it.
        raise ZStackError(
            "host is not a host name or an IP address: write it without scheme, port and path, "
            "such as zstack.example.com; use_ssl, port and context_path say the rest"
        )
    return host


def _context_path(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", path):
        raise ZStackError("context_path is not an absolute path: write it like /zstack, or / where there is none")
    return path.rstrip("/")


def _verify(validate_certs: bool, ca_path: str | None) -> bool | str:
    if not validate_certs or not ca_path:
        return validate_certs
    try:
        ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise ZStackError(f"ca_path cannot be used ({reason}): write the path of a readable file in PEM form") from None
    return ca_path


def _zone(name: str) -> tzinfo:
    zone = parse_zone(name)
    if zone is None:
        raise ZStackError(
            f"timezone is {name!r}, which this machine does not know: write an IANA name such as Asia/Shanghai, "
            "or an offset such as +08:00"
        )
    return zone


def _seconds(age: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,9})([smhdw])", age.strip())
    if not parts:
        raise ZStackError(f"max_age is {age!r}: write a whole number and a unit, such as 90s, 30m, 24h, 7d or 2w")
    return int(parts[1]) * _SECONDS[parts[2]]


def storage_url(url: Any) -> StorageUrl:
    """The URL of an image store, in the form that ZStack's server takes: it puts it on a command line.

    What is wrong with it is told without repeating it, as it carries a password.
    """
    form = "ssh://username:password@hostname[:sshPort]/path"
    if not isinstance(url, str) or not url:
        raise ZStackError(f"url is missing: write the storage as {form}")
    encode = "{{ password | urlencode | replace('/', '%2F') }}"
    start = re.match(r"ssh://[^:@/?#]+:", url)
    password = url[start.end() :].rpartition("@")[0] if start else ""
    if re.search(r"[@#?/:]", password):
        raise ZStackError(f"url has one of @ # ? / : in its password: write the password as {encode}")
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        raise ZStackError(f"url has a % that encodes nothing: write the password as {encode}")
    # What Jinja's urlencode leaves as it is has to pass; spaces include Unicode's.
    if re.search(r"[\s\x00-\x1f\x7f-\x9f;&|<>()$`\"'\\*?\[\]{}!#^]", url):
        raise ZStackError(
            f"url has white space, a control character or a shell metacharacter in it: write the password as {encode}, "
            "and the rest without them"
        )
    parts = re.fullmatch(
        r"ssh://[A-Za-z0-9_][A-Za-z0-9_.%+-]*:(?P<password>[^:@/]+)"
        r"@[A-Za-z0-9_][A-Za-z0-9_.-]*(:(?P<port>[0-9]{1,5}))?/[^@]+",
        url,
    )
    if not parts or not 0 < int(parts["port"] or 22) < 65536:
        raise ZStackError(f"url is not a storage's: write it as {form}")
    return StorageUrl(url, parts["password"])


def secrets(options: Options) -> list[str]:
    """Everything in the options that no output may show."""
    passwords = [storage.password for storage in options.storages]
    return [options.credentials.values[-1], *passwords]
