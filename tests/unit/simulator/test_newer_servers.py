# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, error_of, plain

SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "details"),
    [
        ("GET", SCAN, 400, "SYS.1007", "missing header 'Authorization'"),
        ("GET", "/v1/nothing", 404, "SYS.1003", "no api mapping to /v1/nothing"),
        ("PATCH", SCAN, 405, None, "Method Not Allowed"),
        ("GET", "/v1/management-nodes/actions", 500, "SYS.1000", "No query API found"),
    ],
)
def test_plain_text_becomes_json_but_not_the_page_of_tomcat(
    method: str, path: str, status: int, code: str | None, details: str
) -> None:
    with Simulator(errors="json") as zstack:
        reply = Caller(zstack).call(method, path)
    assert reply.status_code == status
    assert details in reply.text
    if code:
        assert reply.json().keys() == {"error", "id", "success", "diagnostic"}
        assert (reply.json()["success"], reply.json()["error"]["code"]) == ("false", code)
        assert reply.json()["error"]["globalErrorCode"].startswith("ORG_ZSTACK_CORE_REST_1001")


def test_a_diagnostic_is_cut_within_a_password() -> None:
    with Simulator(errors="json") as zstack:
        zstack.inject("plain_500_cut_in_a_password")
        symptom = Caller(zstack).scan().json()["diagnostic"]["rawMessage"]["symptom"]
    assert symptom.endswith("ssh://root:Night%40Watc")


def test_a_message_is_in_the_language_of_the_client() -> None:
    with Simulator(errors="json") as zstack:
        replies = [Caller(zstack).call("GET", SCAN, headers={"Accept-Language": each}) for each in ("en-US", "zh-CN")]
    english, chinese = (reply.json()["error"]["message"] for reply in replies)
    assert english.isascii()
    assert not chinese.isascii()


@pytest.mark.parametrize(("errors", "is_json"), [("text", False), ("json", True)])
def test_a_client_that_calls_too_often_is_refused(errors: str, is_json: bool) -> None:
    with Simulator(errors=errors, rate_limit=1) as zstack:
        caller = Caller(zstack)
        assert caller.scan().status_code == 200
        reply = caller.scan()
    if is_json:
        assert (reply.status_code, json.loads(reply.content)["error"]["details"]) == (429, "Rate limit exceeded")
    else:
        assert plain(reply) == (429, "Rate limit exceeded")


def test_a_date_in_another_form_is_refused_in_other_words() -> None:
    with Simulator(zsphere=True) as zstack:
        status, text = plain(Caller(zstack).signed_scan("today"))
    assert status == 400
    assert text.startswith("Date format error. The 'Date' header must conform to one of the supported RFC 1123")


def test_a_failed_scan_of_zsphere_has_the_command_in_opaque() -> None:
    with Simulator(zsphere=True) as zstack:
        error = error_of(Caller(zstack).scan(url="ssh://root:p%40ss@192.0.2.20/zstack_bs"))
    assert (error["code"], error["details"]) == ("SYS.1000", "failed to execute shell command")
    opaque = error["opaque"]
    assert opaque.keys() == {"bash.cmd", "bash.code", "bash.output", "bash.error"}
    assert opaque["bash.cmd"].endswith("--backup-storage-url ssh://root:p%40ss@192.0.2.20/zstack_bs -p 8000")
    assert "sshpass -p 'p@ss'" in opaque["bash.error"]


def test_releases_3_0_to_3_1_list_four_fields() -> None:
    with Simulator(reply="backups-3.0") as zstack:
        reply = Caller(zstack).scan().json()
    assert reply.keys() == {"backups"}
    assert {tuple(backup) for backup in reply["backups"]} == {("name", "version", "installPath", "createdTime")}
