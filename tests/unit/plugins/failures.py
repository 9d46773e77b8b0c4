# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls that must fail: ``failure(gather, zstack, timeout=1)``, ``refusal(checked, port=0)``; and all hints."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils import _calls
from ansible_collections.zstack.cloud.plugins.module_utils._calls import Hint, ZStackError
from ansible_collections.zstack.cloud.tests.simulator.site import Storage

#: The type of the fixture.
Gather = Callable[..., Any]
LOGIN = "/v1/accounts/login"
SCAN = "/v1/database-backups/image-store"


def masked(storage: Storage) -> str:
    """Return the URL of a storage as it is shown."""
    return storage.url_without_password.replace("@", ":***@")


def failure(call: Callable[..., object], *arguments: Any, **options: Any) -> ZStackError:
    """Return the error that a call raises, whose text is one line."""
    with pytest.raises(ZStackError) as caught:
        call(*arguments, **options)
    line = str(caught.value)
    assert line.isprintable(), line
    assert len(line) < 2000
    return caught.value


def refusal(call: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """Return the line of an error about the options, which is raised without an answer of the server."""
    error = failure(call, *arguments, **options)
    assert error.status is None
    return str(error)


def all_hints() -> list[Hint]:
    """Return the hints that an error can end with."""
    names = [path.stem for path in Path(_calls.__file__).parent.glob("_*.py") if path.stem != "__init__"]
    modules = [import_module(f"{_calls.__package__}.{name}") for name in names]
    return sorted({hint for module in modules for hint in _hints_in(vars(module))})


def _hints_in(value: Any) -> set[Hint]:
    if isinstance(value, Hint):
        return {value}
    values = list(value.values()) if isinstance(value, dict) else []
    return {hint for each in values for hint in _hints_in(each)}
