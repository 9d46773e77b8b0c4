# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import importlib.util
import json
import signal
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.zstack.cloud.plugins.module_utils._interrupts import stopping_signals

#: Whether ansible-core masks secrets that it is told.
MASKS = importlib.util.find_spec("ansible.module_utils.secrets") is not None


@pytest.fixture
def told_secrets(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The secrets that modules have told the controller, which ansible-core 2.22 and later masks in all output."""
    if MASKS:
        masker = importlib.import_module("ansible.module_utils._internal._secrets").SecretMasker()
        # As in a new process.
        monkeypatch.setattr("ansible.module_utils.secrets._secret_masker", masker)
    return set()


@pytest.fixture
def run(
    told_secrets: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Any]]:
    """Run a module with options, as Ansible's wrapper does, and return what it prints, with its invocation."""
    handlers = stopping_signals()

    def run_module(module: ModuleType, **options: Any) -> Any:
        if "inject_invocation" in PASS_VARS:  # since ansible-core 2.20
            options["_ansible_inject_invocation"] = True
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
        # Since ansible-core 2.19
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            module.main()
        outcome = json.loads(capsys.readouterr().out)
        told_secrets.update(outcome.pop("_ansible_new_secrets", []))
        return outcome

    yield run_module
    # A module sets them for its own process.
    for number, handler in handlers.items():
        signal.signal(number, handler)
