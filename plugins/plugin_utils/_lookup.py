# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The class of all lookups: it reads their options and checks them like those of a module."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ansible import errors
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase

from ..module_utils._calls import ZStackError
from ..module_utils._options import AUTH_OPTIONS, set_options, with_whole_numbers
from ..module_utils._redaction import one_line

# Similarity from which a name counts as misspelt: that of email and fail is 0.67, that of fial and fail 0.75.
_MISSPELT = 0.75


class ZStackLookup(LookupBase):
    """Check the options like a module, with an argument spec.

    get_option() is not used. It reads a misspelt boolean as false, does not evaluate the templates in variables, and an
    empty variable hides the environment. It would take each secret from a source of its own, so that a name and a
    password of different sources could be combined, and turn a password such as 0123 into another one, 83.
    """

    @abstractmethod
    def spec(self) -> dict[str, dict[str, Any]]:
        """Return the argument spec of the options."""

    @abstractmethod
    def look_up(
        self, terms: Sequence[Any], params: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the results, or raise ZStackError. The sources contain the secrets, ``params`` all other options."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        omit = (variables or {}).get("omit")
        keywords = set_options({name: _plain(value) for name, value in kwargs.items() if not _is_omitted(value, omit)})
        spec = self.spec()
        if unknown := sorted(kwargs.keys() - spec.keys()):
            raise AnsibleError(f"unsupported options: {', '.join(unknown)}; supported: {', '.join(sorted(spec))}")
        names = [each["name"] for option in self.option_definitions.values() for each in option.get("vars", [])]
        by_variable = Variables(self._templar, variables or {}, names)
        secrets = {*AUTH_OPTIONS, *(option for option, each in spec.items() if each.get("no_log"))}
        params = {
            option: keywords[option] if option in keywords else by_variable.get(option)
            for option in spec
            if option not in secrets
        }
        checked = ArgumentSpecValidator(spec).validate(with_whole_numbers(set_options(params), spec))
        if checked.error_messages:
            raise AnsibleError(one_line("; ".join(checked.error_messages)))
        try:
            return self.look_up(_plain(terms), checked.validated_parameters, [keywords, by_variable])
        except ZStackError as exc:
            failure = str(exc)
        raise AnsibleError(failure)


def storage_terms(terms: Any) -> list[Any]:
    """Return the terms in a term or a list of terms. A string can contain several URLs, separated by white space."""
    if isinstance(terms, str):
        return terms.split()
    if isinstance(terms, (list, tuple)):
        return [each for term in terms for each in storage_terms(term)]
    return [terms]


class Variables(Mapping[str, Any]):
    """The options that are set in variables, without those that are omitted.

    Ansible passes variables with unevaluated templates.

    A template is evaluated only if the option is needed, because it may be undefined or query a vault.
    """

    def __init__(self, templar: Any, variables: dict[str, Any], names: list[str]) -> None:
        self._templar = templar
        self._variables = variables
        self._names = {name.removeprefix("zstack_"): name for name in names if name in variables}

    def __getitem__(self, option: str) -> Any:
        name = self._names[option]
        value = self._variables[name]
        try:
            value = _plain(self._templar.template(value))
        except getattr(errors, "AnsibleValueOmittedError", ()):
            raise KeyError(option) from None
        except AnsibleError as exc:
            # Ansible quotes the template, which may be a password with braces.
            if not re.search("^Syntax error in template|^template error while templating string", exc.message):
                raise
            raise AnsibleError(f"{name} is not a valid template: tag it with !unsafe if it is a password") from None
        except Exception as exc:
            raise AnsibleError(f"{name} cannot be evaluated: {one_line(str(exc))}") from None
        if _is_omitted(value, self._variables.get("omit")):
            raise KeyError(option)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def check_names(names: Iterable[Any], prefix: str, options: Sequence[str], others: Sequence[str] = ()) -> None:
    """Raise ZStackError for a misspelt variable, which would be ignored.

    The options are ``prefix`` followed by one of ``options``, or of ``others``, which cannot be misspelt. Other names
    are accepted unless they are close to an option, also after a prefix in the singular or plural.
    """
    stem = prefix.rstrip("s_")
    known = {f"{prefix}{option}" for option in (*options, *others)}
    ends = {option.partition("_")[2]: option for option in options if "_" in option}
    for name in sorted(str(each) for each in names):
        start = next((start for start in (f"{stem}_", f"{stem}s_") if name.lower().startswith(start)), None)
        if start and name not in known:
            rest = name.lower().removeprefix(start)
            close = get_close_matches(rest, options, 1, _MISSPELT)
            if option := close[0] if close else ends.get(rest):
                raise ZStackError(f"unsupported variable: {name}; did you mean {prefix}{option}?")


def _is_omitted(value: Any, omit: Any) -> bool:
    # A string until ansible-core 2.18, and an object of a private type since 2.19.
    return bool(omit is not None and value == omit) or value.__class__.__name__ == "_OmitType"


def _plain(value: Any) -> Any:
    """Return a value as plain data. Until ansible-core 2.18, an inline-vaulted string is not a str."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
