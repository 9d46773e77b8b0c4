# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls that must fail: ``failure(gather, zstack, timeout=1)``, ``refusal(checked, port=0)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError


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
