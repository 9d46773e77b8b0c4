# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that lists image stores, without ansible-playbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml

from ansible_collections.zstack.cloud.plugins.modules import zstack_image_store_info
from ansible_collections.zstack.cloud.tests.simulator import Simulator

Run = Callable[..., Any]


def test_the_result_is_documented_and_the_same_in_check_mode(run: Run, zstack: Simulator) -> None:
    outcome = run(zstack_image_store_info, **zstack.options)
    assert run(zstack_image_store_info, **zstack.options, _ansible_check_mode=True) == outcome
    assert outcome["changed"] is False
    assert [store["name"] for store in outcome["image_stores"]] == ["backup-local", "backup-new", "backup-remote"]
    documented = yaml.safe_load(zstack_image_store_info.RETURN)["image_stores"]["contains"]
    assert outcome["image_stores"][0].keys() == documented.keys()


def test_any_other_purpose_is_refused(run: Run, zstack: Simulator) -> None:
    outcome = run(zstack_image_store_info, **zstack.options, purpose="backups")
    assert outcome["msg"] == "value of purpose must be one of: backup, any, got: backups"
    assert not zstack.requests


def test_a_failure_has_an_error_and_a_status_and_no_secret(run: Run, zstack: Simulator) -> None:
    outcome = run(zstack_image_store_info, **{**zstack.options, **zstack.credentials("account", "operator")})
    assert outcome["failed"]
    assert (outcome["error"]["code"], outcome["error"]["storage"], outcome["status"]) == ("ID.1002", None, 503)
    assert zstack.credentials("account", "operator")["account_password"] not in json.dumps(outcome)
