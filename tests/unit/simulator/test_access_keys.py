# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.simulator.caller import SCAN, Caller, plain

WRONG_FORMAT = (400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'")
SKEWED = (403, "requestTimeTooSkewed")
SHANGHAI = timezone(timedelta(hours=8))


def date(zone: timezone = SHANGHAI, name: str = "GMT+08:00", **late: float) -> str:
    """The time in *zone* now, or *late*, with the zone called *name*."""
    return f"{datetime.now(zone) + timedelta(**late):%a, %d %b %Y %H:%M:%S} {name}"


def test_a_signed_request_needs_no_session(zstack: Simulator, caller: Caller) -> None:
    assert caller.signed_scan(date()).json()["backups"]
    assert zstack.sessions == {}


@pytest.mark.parametrize("name", ["GMT", "CST", "Asia/Shanghai", "+08:00", "-05:00", "America/New_York"])
def test_the_zone_in_the_date_is_ignored(caller: Caller, name: str) -> None:
    assert caller.signed_scan(date(name=name)).status_code == 200
    assert plain(caller.signed_scan(date(timezone.utc, name))) == SKEWED


def test_a_server_that_checks_the_zone_takes_the_same_instant_in_any() -> None:
    with Simulator(check_timezone=True) as zstack:
        caller = Caller(zstack)
        assert caller.signed_scan(date(timezone.utc, "GMT")).status_code == 200
        assert caller.signed_scan(date()).status_code == 200
        assert caller.signed_scan(date(name="Asia/Shanghai")).status_code == 200
        assert plain(caller.signed_scan(date(name="GMT"))) == SKEWED
        assert plain(caller.signed_scan(date(name="EST"))) == SKEWED


@pytest.mark.parametrize(("minutes", "status"), [(-16, 403), (-14, 200), (14, 200), (16, 403)])
def test_fifteen_minutes_of_skew_are_accepted(caller: Caller, minutes: int, status: int) -> None:
    assert caller.signed_scan(date(minutes=minutes)).status_code == status


def test_the_skew_is_measured_against_the_clock_of_the_server() -> None:
    with Simulator(clock_offset=3600) as zstack:
        assert Caller(zstack).signed_scan(date()).status_code == 403
        assert Caller(zstack).signed_scan(date(hours=1)).status_code == 200


@pytest.mark.parametrize("text", ["", "today", "2024-05-06T02:00:11Z", "Mon, 31 Feb 2024 02:00:11 GMT"])
def test_a_date_of_another_form_is_refused(caller: Caller, text: str) -> None:
    assert plain(caller.signed_scan(text)) == WRONG_FORMAT


@pytest.mark.parametrize("name", ["+0800", "GMT+8", "GMT+0800", "BEIJING", ""])
def test_a_date_with_a_zone_that_java_does_not_read_is_refused(caller: Caller, name: str) -> None:
    assert plain(caller.signed_scan(date(name=name))) == WRONG_FORMAT


def test_the_release_of_java_decides_about_zones() -> None:
    for java, known, unknown in ((8, "SGT", "Etc/GMT-8"), (20, "Etc/GMT-8", "SGT")):
        with Simulator(java=java) as zstack:
            assert Caller(zstack).signed_scan(date(name=known)).status_code == 200
            assert plain(Caller(zstack).signed_scan(date(name=unknown))) == WRONG_FORMAT


def test_a_signature_needs_a_date(caller: Caller) -> None:
    reply = caller.call("GET", SCAN, headers={"Authorization": "ZStack id:signature"})
    assert plain(reply) == (400, "'Date' must be incuded in request header")


@pytest.mark.parametrize("credentials", ["", "id", "id:", ":", "id:signature:more"])
def test_an_access_key_of_another_form_is_refused(caller: Caller, credentials: str) -> None:
    headers = {"Date": date(), "Authorization": f"ZStack {credentials}"}
    reply = caller.call("GET", SCAN, headers=headers)
    assert plain(reply) == (400, "accessKey format is 'ZStack AccessKeyId:Signature'")


def test_the_date_is_checked_before_the_key_and_its_signature(caller: Caller) -> None:
    headers = {"Date": date(hours=1), "Authorization": "ZStack nothing"}
    assert plain(caller.call("GET", SCAN, headers=headers)) == SKEWED


def test_a_signature_with_another_secret_is_refused(caller: Caller) -> None:
    assert plain(caller.signed_scan(date(), secret="guessed")) == (403, "wrong accessKey signature")


@pytest.mark.parametrize("path", ["/zstack" + SCAN, SCAN + "?url=ssh", "/v1/management-nodes/platform-timezone"])
def test_a_signature_for_another_path_is_refused(caller: Caller, path: str) -> None:
    assert plain(caller.signed_scan(date(), path=path)) == (403, "wrong accessKey signature")


def test_an_unknown_access_key_is_refused(caller: Caller) -> None:
    headers = {"Date": date(), "Authorization": "ZStack nobody:bm90aGluZw=="}
    reply = caller.call("GET", SCAN, headers=headers)
    assert plain(reply) == (403, "access key id: nobody does not existed or disabled")


def test_a_signature_is_checked_before_the_parameters(caller: Caller) -> None:
    assert caller.signed_scan(date(), secret="guessed", registryPort="abc").status_code == 403
    assert caller.signed_scan(date(), registryPort="abc").status_code == 500


def test_a_release_without_access_keys_only_knows_sessions() -> None:
    with Simulator(has_access_keys=False) as zstack:
        caller = Caller(zstack)
        assert plain(caller.signed_scan(date())) == (400, "Authorization type must be 'OAuth'")
        assert caller.scan().status_code == 200
