# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import stopping_signals


@pytest.fixture
def handlers() -> Iterator[None]:
    """Restore the signal handlers, which a module sets for its own process."""
    before = stopping_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(handlers: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a module with options, as Ansible's wrapper does, and return what it prints."""

    def run_module(module: ModuleType, **options: Any) -> Any:
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
        # Since ansible-core 2.19
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return run_module
