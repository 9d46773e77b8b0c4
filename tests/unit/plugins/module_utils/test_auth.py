# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError
from ansible_collections.zstack.cloud.tests.simulator import Simulator

Gather = Callable[..., Any]


def access_key(zstack: Simulator) -> dict[str, str]:
    return dict(zip(("access_key_id", "access_key_secret"), zstack.access_key))


def test_a_login_is_logged_out(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    assert zstack.requests[0].method == "PUT"
    assert zstack.requests[-1].method == "DELETE"
    assert not zstack.sessions


def test_the_password_does_not_travel(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    assert not any(zstack.account[1] in request.body for request in zstack.requests)


def test_after_any_mix_of_successes_and_failures_no_session_is_left(zstack: Simulator, gather: Gather) -> None:
    for fault in ("silence", "reset_before_reply", "error_in_503", None, "html_502", None):
        zstack.clear()
        if fault:
            zstack.play(fault, on="scan")
            with pytest.raises(ZStackError):
                gather(zstack, timeout=1)
        else:
            gather(zstack)
    assert not zstack.sessions


def test_no_cookie_is_kept(zstack: Simulator, gather: Gather) -> None:
    zstack.play({"headers": {"Set-Cookie": "JSESSIONID=0123456789; Path=/"}, "body": [{"own": True}]}, on="any")
    assert gather(zstack)["total"] == 15
    assert not [request for request in zstack.requests if "Cookie" in request.headers]


def test_returned_data_is_not_redacted(zstack: Simulator, gather: Gather) -> None:
    name, password = zstack.account
    zstack.play({"body": json.dumps({"infos": [{"author": password, "created": "May 6, 2024 2:00:11 AM"}]})})
    assert gather(zstack, account_name=name, account_password=password)["latest"]["author"] == password


def test_a_session_that_exists_is_used_and_left_open(zstack: Simulator, gather: Gather) -> None:
    uuid = zstack.open_session("admin")
    assert gather(zstack, session_uuid=uuid)["total"] == 15
    assert list(zstack.sessions) == [uuid]


def test_an_expired_session_is_answered_with_what_to_do(zstack: Simulator, gather: Gather) -> None:
    with pytest.raises(ZStackError, match=r"\[ID.1001\].*log in again for a new session_uuid") as caught:
        gather(zstack, session_uuid="5" * 32)
    assert caught.value.error["global_error_code"] == "ORG_ZSTACK_IDENTITY_10020"
    assert "5" * 32 not in str(caught.value)


def test_too_many_sessions_are_answered_with_what_to_do(gather: Gather) -> None:
    with Simulator(session_limit=1) as zstack:
        zstack.open_session("admin")
        with pytest.raises(ZStackError, match=r"LogInByAccount: \[ID.1006\].*Log out sessions"):
            gather(zstack)


def test_a_failing_logout_is_a_warning(zstack: Simulator, gather: Gather, warnings: list[str]) -> None:
    zstack.play({"status": 503, "body": '{"error": {"code": "SYS.1000", "details": "not today"}}'}, on="logout")
    assert gather(zstack)["total"] == 15
    assert warnings == ["The session stays open until it expires. LogOut: [SYS.1000] not today (HTTP 503)"]


@pytest.mark.parametrize(
    "reply", ["{}", '{"inventory": null}', '{"inventory": {"uuid": 7}}', '{"inventory": {"uuid": "a b"}}']
)
def test_a_login_reply_without_a_session_is_a_failure(zstack: Simulator, gather: Gather, reply: str) -> None:
    zstack.play({"status": 200, "body": reply}, on="login")
    with pytest.raises(ZStackError, match="LogInByAccount: the reply holds no session"):
        gather(zstack)


def test_an_access_key_signs_in_the_zone_of_the_server(zstack: Simulator, gather: Gather) -> None:
    assert gather(zstack, **access_key(zstack), timezone="Asia/Shanghai")["total"] == 15
    assert not zstack.sessions


@pytest.mark.parametrize("context_path", ["/zstack", "/", "/cloud/zstack"])
def test_a_signature_does_not_cover_the_context_path(gather: Gather, context_path: str) -> None:
    with Simulator(context_path=context_path.rstrip("/")) as zstack:
        result = gather(zstack, **access_key(zstack), timezone="+08:00", context_path=context_path)
    assert result["total"] == 15


def test_an_access_key_in_the_wrong_zone_is_answered_with_the_option(zstack: Simulator, gather: Gather) -> None:
    with pytest.raises(ZStackError, match=r"requestTimeTooSkewed \(HTTP 403\). Set timezone"):
        gather(zstack, **access_key(zstack), timezone="America/New_York")


def test_a_wrong_access_key_secret_is_refused(zstack: Simulator, gather: Gather) -> None:
    with pytest.raises(ZStackError) as caught:
        gather(zstack, access_key_id=zstack.access_key[0], access_key_secret="Open-Sesame", timezone="+08:00")
    assert "Open-Sesame" not in str(caught.value)


def test_several_storages_are_asked_with_one_login_and_come_in_order(zstack: Simulator, gather: Gather) -> None:
    urls = [zstack.storage_urls[2], zstack.storage_urls[0], zstack.storage_urls[2]]
    results = gather(zstack, urls=urls)
    assert [result["total"] for result in results] == [0, 15, 0]
    paths = [request.path for request in zstack.requests]
    assert paths.count("/v1/accounts/login") == 1
    assert paths.count("/v1/database-backups/image-store") == 3
    assert not zstack.sessions


def test_the_zone_is_asked_of_the_server(gather: Gather) -> None:
    with Simulator(timezone="America/New_York") as zstack:
        result = gather(zstack)
    assert result["timezone"] == "America/New_York"
    assert result["latest"]["created_at"][-6:] in ("-05:00", "-04:00")


def test_an_old_server_is_read_at_the_offset_of_its_login_reply(gather: Gather, warnings: list[str]) -> None:
    with Simulator(has_timezone_call=False, timezone="Asia/Kathmandu") as zstack:
        result = gather(zstack)
    assert result["timezone"] == "+05:45"
    assert result["latest"]["created_at"].endswith("T02:00:11+05:45")
    assert not warnings


def test_an_old_server_without_a_login_is_read_in_the_local_zone_with_a_warning(
    gather: Gather, warnings: list[str]
) -> None:
    with Simulator(has_timezone_call=False) as zstack:
        gather(zstack, session_uuid=zstack.open_session("admin"))
    assert len(warnings) == 1
    assert "its times are read in this machine's" in warnings[0]
    assert "Set timezone" in warnings[0]


def test_a_zone_that_is_given_is_not_asked_for(zstack: Simulator, gather: Gather) -> None:
    assert gather(zstack, timezone="+09:00")["latest"]["created_at"].endswith("+09:00")
    assert "/v1/management-nodes/platform-timezone" not in [request.path for request in zstack.requests]


def test_a_server_that_does_not_tell_its_version_leaves_restorable_open(gather: Gather) -> None:
    with Simulator(has_version_call=False) as zstack:
        result = gather(zstack)
    assert result["platform_version"] is None
    assert {backup["restorable"] for backup in result["backups"]} == {None}
