# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, error_of

UTC = timezone.utc
SHANGHAI = timezone(timedelta(hours=8))


def date(zone: timezone, **late: float) -> str:
    return format_datetime(datetime.now(zone) + timedelta(**late))


def test_a_signed_request_needs_no_session(zstack: Simulator, caller: Caller) -> None:
    assert caller.signed_scan(date(SHANGHAI)).json()["backups"]
    assert zstack.sessions == {}


def test_the_zone_in_the_date_is_ignored(caller: Caller) -> None:
    written_in_shanghai = date(SHANGHAI)
    assert caller.signed_scan(written_in_shanghai.replace("+0800", "GMT")).status_code == 200
    reply = caller.signed_scan(date(UTC))
    assert (reply.status_code, reply.text) == (403, "requestTimeTooSkewed")


def test_a_server_that_checks_the_zone_takes_the_same_instant_in_any() -> None:
    with Simulator(check_timezone=True) as zstack:
        caller = Caller(zstack)
        assert caller.signed_scan(date(UTC)).status_code == 200
        assert caller.signed_scan(date(SHANGHAI)).status_code == 200
        assert caller.signed_scan(date(SHANGHAI).replace("+0800", "CST")).status_code == 200
        assert caller.signed_scan(date(SHANGHAI).replace("+0800", "GMT+08:00")).status_code == 200
        assert caller.signed_scan(date(SHANGHAI).replace("+0800", "GMT")).status_code == 403


@pytest.mark.parametrize(("minutes", "status"), [(-16, 403), (-14, 200), (14, 200), (16, 403)])
def test_a_quarter_of_an_hour_of_skew_is_accepted(caller: Caller, minutes: int, status: int) -> None:
    assert caller.signed_scan(date(SHANGHAI, minutes=minutes)).status_code == status


def test_the_skew_is_measured_against_the_server_s_own_clock() -> None:
    with Simulator(clock_offset=3600) as zstack:
        assert Caller(zstack).signed_scan(date(SHANGHAI)).status_code == 403
        assert Caller(zstack).signed_scan(date(SHANGHAI, hours=1)).status_code == 200


@pytest.mark.parametrize("text", ["today", "2024-05-06T02:00:11Z", "Mon, 31 Feb 2024 02:00:11 GMT", "Mon, 6 Mai 2024"])
def test_a_date_of_another_form_is_refused(caller: Caller, text: str) -> None:
    assert caller.signed_scan(text).status_code == 403


def test_a_signature_needs_a_date(caller: Caller) -> None:
    reply = caller.call("GET", SCAN, headers={"Authorization": "ZStack id:signature"})
    assert (reply.status_code, reply.text) == (400, "missing header 'Date'")


def test_a_signature_with_another_secret_is_refused(caller: Caller) -> None:
    assert error_of(caller.signed_scan(date(SHANGHAI), secret="guessed"))["code"] == "ID.1001"


def test_a_signature_for_another_path_is_refused(caller: Caller) -> None:
    for path in ("/zstack" + SCAN, SCAN + "?url=ssh", "/v1/management-nodes/platform-timezone"):
        assert error_of(caller.signed_scan(date(SHANGHAI), path=path))["code"] == "ID.1001"


def test_an_access_key_that_nobody_has_is_refused(caller: Caller) -> None:
    headers = {"Date": date(SHANGHAI), "Authorization": "ZStack nobody:bm90aGluZw=="}
    assert error_of(caller.call("GET", SCAN, headers=headers))["code"] == "ID.1001"
