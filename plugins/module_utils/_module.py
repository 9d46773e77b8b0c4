# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""Code that all modules share: load the options of the task, and return a result or a failure.

This file does not import AnsibleModule, so that lookups and filters can import all files in this directory.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from ._calls import ZStackError
from ._interrupts import stopping_signals
from ._options import set_options, with_safe_numbers


class TaskOptions:
    """A mixin for AnsibleModule that treats an empty string as not set, so that the environment applies.

    ``task_options`` contains the options as set in the task, before the argument spec converts them.
    """

    argument_spec: dict[str, Any]
    task_options: dict[str, Any]
    params: dict[str, Any]

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[misc]
        self.task_options = set_options(self.params)
        # Ansible hides the values of a mapping, but not its keys. No option accepts a mapping.
        params = {option: "" if isinstance(value, dict) else value for option, value in self.task_options.items()}
        self.params = with_safe_numbers(params, self.argument_spec)


class AnyModule(Protocol):
    """An AnsibleModule with TaskOptions."""

    task_options: dict[str, Any]
    params: dict[str, Any]

    def warn(self, warning: str, /) -> None:
        """Show a warning."""

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """Exit with a result."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Exit with a failure."""


def run(module: AnyModule, work: Callable[[AnyModule], dict[str, Any]]) -> NoReturn:
    """Exit the module with the result of ``work``, or with a failure if it raises ZStackError."""
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
