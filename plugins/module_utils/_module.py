# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""The class of all modules, and how a module runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ._calls import ZStackError
from ._interrupts import stopping_signals
from ._options import set_options, with_whole_numbers
from ._secrets import hide, split_secrets


class ZStackModule(AnsibleModule):
    """An AnsibleModule that never sees the secrets, so that it cannot log or return them.

    An empty string is treated as not set, so that the environment applies. ``task_options`` contains the options as set
    in the task, with their secrets, before the argument spec converts them.
    """

    argument_spec: dict[str, Any]
    task_options: dict[str, Any]
    params: dict[str, Any]
    no_log_values: set[str]

    def _load_params(self) -> None:
        super()._load_params()
        internal = {name: value for name, value in self.params.items() if name.startswith("_ansible_")}
        self.task_options = set_options({name: self.params[name] for name in self.params.keys() - internal.keys()})
        options, secrets = split_secrets(self.task_options, self.argument_spec)
        hide(secrets, self.no_log_values)
        self.params = {**internal, **with_whole_numbers(options, self.argument_spec)}


def run(spec: Mapping[str, Any], work: Callable[[ZStackModule], dict[str, Any]]) -> NoReturn:
    """Run a module: exit with the result of ``work``, or with a failure if it raises ZStackError."""
    module = ZStackModule(argument_spec=dict(spec), supports_check_mode=True)
    # Nothing that follows contains a secret, but can contain the same word.
    module.no_log_values.clear()
    for number in stopping_signals():
        signal.signal(number, lambda *_dummy: module.fail_json(msg="The task was stopped by a signal."))
    result: dict[str, Any] = {}
    failure = None
    try:
        result = work(module)
    except ZStackError as exc:
        failure = exc
    # Not in the except clause, because Ansible would add a traceback at -vvv.
    if failure:
        module.fail_json(msg=str(failure), error=failure.error, status=failure.status)
    module.exit_json(changed=False, **result)
