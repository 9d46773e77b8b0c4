# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: how to connect to a management node, and how to authenticate.

The secrets come from *sources*, which are mappings of the options that are set in one place, such as the task. The
first source takes precedence, and the environment comes last.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from typing import Any, NamedTuple

from ansible.module_utils.common.parameters import env_fallback

from ._calls import ZStackError
from ._redaction import shorten
from ._times import parse_zone

try:
    from ansible.module_utils.secrets import register_secrets  # type: ignore[import-not-found]
except ImportError:  # before ansible-core 2.22
    register_secrets = None

# The options of each authentication method. The last option is the secret.
AUTH_METHODS = {
    "session": ("session_uuid",),
    "account": ("account_name", "account_password"),
    "access_key": ("access_key_id", "access_key_secret"),
}
AUTH_OPTIONS = tuple(option for options in AUTH_METHODS.values() for option in options)

_RANGES = {"port": (1, 65535), "timeout": (1, 86400), "retries": (0, 100)}


def connection_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the connection options.

    The authentication options have no fallback, because they are never combined with another source.
    """
    return {
        "host": {"type": "str", "fallback": _from_env("host")},
        "port": {"type": "int", "default": 8080, "fallback": _from_env("port", _whole_number)},
        "use_ssl": {"type": "bool", "default": False, "fallback": _from_env("use_ssl")},
        "validate_certs": {"type": "bool", "default": True, "fallback": _from_env("validate_certs")},
        "ca_path": {"type": "path", "fallback": _from_env("ca_path")},
        "context_path": {"type": "str", "default": "/zstack"},
        "timeout": {"type": "int", "default": 60, "fallback": _from_env("timeout", _whole_number)},
        "retries": {"type": "int", "default": 2},
        "timezone": {"type": "str", "fallback": _from_env("timezone")},
        "session_uuid": {"type": "str", "no_log": True},
        "account_name": {"type": "str"},
        "account_password": {"type": "str", "no_log": True},
        "access_key_id": {"type": "str", "no_log": False},
        "access_key_secret": {"type": "str", "no_log": True},
    }


def _from_env(option: str, convert: Callable[[str], str] = str) -> tuple[Any, list[str]]:
    """Return an argument spec's ``fallback`` that reads the option's environment variable unless it is empty."""
    return (lambda name: convert(env_fallback(name) or env_fallback()), [environment_variable(option)])


def environment_variable(option: str) -> str:
    """Return the environment variable of an option. ZStack's Terraform provider and MCP server use the same names."""
    return "ZSTACK_SESSION_ID" if option == "session_uuid" else f"ZSTACK_{option.upper()}"


def set_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set. None and an empty string are treated as not set."""
    return {option: value for option, value in values.items() if value is not None and value != ""}


def with_whole_numbers(values: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with a string that Ansible rejects for each that is no whole number but should be one."""
    numbers = {option for option, each in spec.items() if each.get("type") == "int"}
    return {option: _whole_number(value) if option in numbers else value for option, value in values.items()}


def _whole_number(value: Any) -> Any:
    # Since ansible-core 2.19, infinity raises an error that does not name the option, and 1e999999999 takes forever.
    return value if re.fullmatch(r"\s*[+-]?[0-9]{1,30}(\.0*)?\s*", str(value)) else f"{value} (not a whole number)"


class Credentials(NamedTuple):
    method: str  # a key of AUTH_METHODS, or "none"
    values: tuple[str, ...]  # of the method's options; the last is the secret


class Connection(NamedTuple):
    """Validated options, in the form that the client uses."""

    address: str  # host:port
    port: int
    server: str  # with the scheme
    context_path: str
    verify: bool | str  # as in requests: whether to verify, or the path of a CA file
    timeout: int  # seconds
    retries: int
    timezone: str | None
    zone: tzinfo | None  # of `timezone`
    credentials: Credentials


def check_connection(params: Mapping[str, Any], sources: Iterable[Mapping[str, Any]] | None = None) -> Connection:
    """Return the connection from parameters that the argument spec has validated, with the credentials from sources.

    Without sources, the connection has no credentials and can only be used for calls that require no login.
    """
    check_ranges(params, _RANGES)
    address = f"{_host(params['host'])}:{params['port']}"
    timezone = params["timezone"] or None
    return Connection(
        address=address,
        port=params["port"],
        server=f"{'https' if params['use_ssl'] else 'http'}://{address}",
        context_path=_context_path(params["context_path"]),
        verify=_verify(params["validate_certs"], params["ca_path"] if params["use_ssl"] else None),
        timeout=params["timeout"],
        retries=params["retries"],
        timezone=timezone,
        zone=_zone(timezone) if timezone else None,
        credentials=Credentials("none", ()) if sources is None else _credentials(sources),
    )


def check_ranges(params: Mapping[str, Any], ranges: Mapping[str, tuple[int, int | None]]) -> None:
    for option, (low, high) in ranges.items():
        value = params[option]
        if value is not None and (value < low or (high is not None and value > high)):
            allowed = f"at least {low}" if high is None else f"between {low} and {high}"
            raise ZStackError(f"{option} must be {allowed}, got {value}")


def secret_string(name: str, value: Any) -> str:
    """Return a secret or a name as a string. Errors do not include the value."""
    # A number or a boolean may differ from what was written: YAML reads 0123 as 83, and yes as true.
    if not isinstance(value, str):
        raise ZStackError(f"{name} must be a string, got a {yaml_type(value)}: write it in quotes")
    text = str(value)  # without the tags that ansible-core adds
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ZStackError(f"{name} must be valid UTF-8") from None
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ZStackError(f"{name} must not contain control characters: check for a line break at its end")
    return text


def hide(secrets: Iterable[str], no_log_values: set[str] | None = None) -> None:
    """Keep ansible-core from showing secrets: in all output since 2.22, and before in what it applies the set to."""
    if register_secrets:
        register_secrets(secrets)
    elif no_log_values is not None:
        no_log_values.update(secrets)


def yaml_type(value: Any) -> str:
    """Return the YAML name of a value's type."""
    kinds: dict[Any, str] = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    kinds |= {Mapping: "mapping", list: "list"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), type(value).__name__)


def _credentials(sources: Iterable[Mapping[str, Any]]) -> Credentials:
    """Return the credentials of the first source that has any.

    A task with a session therefore works if the environment sets an account, and a name is never combined with a
    password from another source.
    """
    exported = {option: os.environ.get(environment_variable(option)) for option in AUTH_OPTIONS}
    for source in (*sources, exported):
        if values := set_options({option: source.get(option) for option in AUTH_OPTIONS}):
            return _one_method(values, environment_variable if source is exported else str)
    methods = " or ".join(" with ".join(options) for options in AUTH_METHODS.values())
    raise ZStackError(
        f"authentication is missing: set {methods} in the task, or with the prefix zstack_ in variables (lookup), or "
        f"export {', '.join(map(environment_variable, AUTH_OPTIONS))}"
    )


def _one_method(values: Mapping[str, Any], name_of: Callable[[str], str]) -> Credentials:
    methods = [method for method, options in AUTH_METHODS.items() if any(option in values for option in options)]
    names = [name_of(next(option for option in AUTH_METHODS[method] if option in values)) for method in methods]
    if len(methods) > 1:
        raise ZStackError(f"{' and '.join(names)} are mutually exclusive: keep one authentication method")
    options = AUTH_METHODS[methods[0]]
    for option in options:
        if option not in values:
            raise ZStackError(f"{names[0]} also requires {name_of(option)}")
    texts = tuple(secret_string(name_of(option), values[option]) for option in options)
    hide(texts[-1:])
    if methods[0] != "account" and not is_header_safe(texts[0]):
        raise ZStackError(f"{name_of(options[0])} must be printable ASCII without white space: write it as issued")
    return Credentials(methods[0], texts)


def is_header_safe(text: str) -> bool:
    """Return whether a text can be used in an HTTP header."""
    return re.fullmatch(r"[!-~]+", text) is not None


def _host(host: str | None) -> str:
    if not host:
        raise ZStackError("host is missing: set it in the task, set zstack_host (lookup) or export ZSTACK_HOST")
    try:
        address = ipaddress.ip_address(host[1:-1] if host[0] + host[-1] == "[]" else host)
        # A zone ID such as %eth0 must be encoded in a URL. Python accepts any text as a zone ID.
        if not re.fullmatch(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?", str(address)):
            raise ValueError
        return f"[{address}]".replace("%", "%25") if address.version == 6 else str(address)
    except ValueError:
        pass
    if re.fullmatch(r"(?!.{254})[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", host):
        return host
    # The value may be a URL with a password, so the messages only include a port.
    if port := re.fullmatch(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]*\]):([0-9]{1,5})", host):
        raise ZStackError(f"host must not include a port: set port to {port[1]}")
    if "://" in host:
        raise ZStackError("host must not include a scheme: set use_ssl to true for https, and port and context_path")
    if "/" in host:
        raise ZStackError("host must not include a path: set context_path")
    raise ZStackError("host must be a host name or an IP address, such as zstack.example.com")


def _context_path(path: str | None) -> str:
    path = path or "/"
    # requests would remove dot segments after the path has been signed.
    if not re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*/?", path):
        raise ZStackError("context_path must be an absolute path such as /zstack, or / for none, without dot segments")
    return path.rstrip("/")


def _verify(validate_certs: bool, ca_path: str | None) -> bool | str:
    if not validate_certs or not ca_path:
        return validate_certs
    try:
        ssl.create_default_context(cafile=ca_path)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise ZStackError(f"ca_path must be a readable file in PEM format ({reason})") from None
    return ca_path


def _zone(name: str) -> tzinfo:
    zone = parse_zone(name)
    if zone is None:
        got = shorten(repr(name), 100)
        remedy = "correct it, or install tzdata if the name is right"
        if re.fullmatch(r"[+-]?[0-9]+", name):
            remedy = "write it in quotes, because YAML reads +10:00 as a number"
        raise ZStackError(f"timezone must be an IANA name or an offset (Asia/Shanghai, +08:00), got {got}: {remedy}")
    return zone
