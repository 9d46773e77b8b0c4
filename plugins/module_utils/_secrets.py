# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Secrets that ansible-core must not show, and options without their secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

try:
    from ansible.module_utils.secrets import register_secrets  # type: ignore[import-not-found]
except ImportError:  # before ansible-core 2.22
    register_secrets = None

# What ansible-core writes for an option with no_log.
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# The password in a URL, however malformed the URL is: from the first colon that does not end the scheme to the last @.
_URL_PASSWORD = re.compile(r":(?!//)(.*)@", re.DOTALL)


def hide(secrets: Iterable[str], no_log_values: set[str] | None = None) -> None:
    """Keep ansible-core from showing secrets: in all output since 2.22, and before in what it applies the set to."""
    if register_secrets:
        register_secrets(secrets)
    elif no_log_values is not None:
        no_log_values.update(secrets)


def split_secrets(values: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], set[str]]:
    """Return the values with placeholders for their secrets, and the secrets.

    Secrets are the values of options with ``no_log``, passwords in URLs, and all that is not known to be none:
    the values of unsupported options, and values of a wrong type.
    """
    shown: dict[str, Any] = {}
    secrets: set[str] = set()
    for option, value in values.items():
        each = spec.get(option)
        shown[option] = value
        if each is None or each.get("no_log"):
            shown[option] = HIDDEN
            secrets |= {value} if isinstance(value, str) else set()
        elif isinstance(value, (dict, list)) and each["type"] != "list":
            shown[option] = HIDDEN
        elif isinstance(value, str) and (password := _URL_PASSWORD.search(value)):
            shown[option] = value[: password.start()] + ":***@" + value[password.end() :]
            secrets.add(password[1])
    return shown, secrets
