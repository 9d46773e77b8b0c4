# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The class of all modules, and how a module runs."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ._calls import ZStackError
from ._interrupts import stopping_signals
from ._options import hide, set_options, with_whole_numbers
from ._redaction import MASK

# What ansible-core writes for an option with no_log.
_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# The password in a URL, however malformed the URL is: from the first colon that does not end the scheme to the last @.
_URL_PASSWORD = re.compile(r":(?!//)(.*)@", re.DOTALL)


class ZStackModule(AnsibleModule):
    """An AnsibleModule that never sees the secrets, so that it cannot log or return them.

    An empty string is treated as not set, so that the environment applies. ``task_options`` contains the options as set
    in the task, with their secrets, before the argument spec converts them.
    """

    task_options: dict[str, Any]

    def _load_params(self) -> None:
        super()._load_params()
        internal = {name: value for name, value in self.params.items() if name.startswith("_ansible_")}
        self.task_options = set_options({name: self.params[name] for name in self.params.keys() - internal.keys()})
        options, secrets = _split_secrets(self.task_options, self.argument_spec)
        hide(secrets, self.no_log_values)
        self.params = {**internal, **with_whole_numbers(options, self.argument_spec)}


def run(spec: Mapping[str, Any], work: Callable[[ZStackModule], dict[str, Any]]) -> NoReturn:
    """Run a module: exit with the result of ``work``, or with a failure if it raises ZStackError."""
    module = ZStackModule(argument_spec=dict(spec), supports_check_mode=True)
    # Nothing that follows contains a secret, but can contain the same word.
    module.no_log_values.clear()
    for number in stopping_signals():
        signal.signal(number, lambda *_dummy: module.fail_json(msg="The task was stopped by a signal."))
    failure = None
    try:
        result = work(module)
    except ZStackError as exc:
        failure, result = exc, {}
    # Not in the except clause, because Ansible would add a traceback at -vvv.
    if failure:
        module.fail_json(msg=str(failure), error=failure.error, status=failure.status)
    module.exit_json(changed=False, **result)


def _split_secrets(values: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], set[str]]:
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
            shown[option] = _HIDDEN
            secrets |= {value} if isinstance(value, str) else set()
        elif isinstance(value, (dict, list)) and each["type"] != "list":
            shown[option] = _HIDDEN
        elif isinstance(value, str) and (password := _URL_PASSWORD.search(value)):
            shown[option] = f"{value[: password.start()]}:{MASK}@{value[password.end() :]}"
            secrets.add(password[1])
    return shown, secrets
