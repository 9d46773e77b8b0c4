# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it can change in any release.

"""What every module does: it takes the options of its task, and ends with a result or a failure.

AnsibleModule is not imported here, so that lookups and filters can import everything in this directory.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import stopping_signals
from ansible_collections.zstack.cloud.plugins.module_utils._options import given, refusable


class TaskOptions:
    """A mixin for AnsibleModule: an empty string counts as not set, so that the environment applies.

    ``written`` has the options as the task sets them, before the argument spec converts them.
    """

    argument_spec: dict[str, Any]
    written: dict[str, Any]
    params: dict[str, Any]

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[misc]
        self.written = given(self.params)
        # Ansible hides the values of a mapping, but not its keys. No option is a mapping.
        params = {option: "" if isinstance(value, dict) else value for option, value in self.written.items()}
        self.params = refusable(params, self.argument_spec)


class AnyModule(Protocol):
    """An AnsibleModule with TaskOptions."""

    written: dict[str, Any]
    params: dict[str, Any]

    def warn(self, warning: str, /) -> None:
        """Show a warning."""

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End with a result."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with a failure."""


def run(module: AnyModule, work: Callable[[AnyModule], dict[str, Any]]) -> NoReturn:
    """End the module with what ``work`` returns, or with a failure if it raises ZStackError."""
    for number in stopping_signals():
        signal.signal(number, lambda *_dummy: module.fail_json(msg="The task was stopped by a signal."))
    result: dict[str, Any] = {}
    failure = None
    try:
        result = work(module)
    except ZStackError as exc:
        failure = exc
    # Outside of the except clause, where Ansible would add a traceback at -vvv.
    if failure:
        module.fail_json(msg=str(failure), error=failure.error, status=failure.status)
    module.exit_json(changed=False, **result)
