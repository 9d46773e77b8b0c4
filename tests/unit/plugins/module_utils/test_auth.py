# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication: the login and logout around a run, and the signature of an AccessKey."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils import _auth, _backups
from ansible_collections.zstack.cloud.plugins.module_utils._auth import java_date
from ansible_collections.zstack.cloud.tests.limits import UNANSWERED, WAITING
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.java import parse_date
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import LOGIN, SCAN, Gather, failure

pytestmark = pytest.mark.xdist_group(WAITING)

SHANGHAI: dict[str, Any] = {"timezone": "Asia/Shanghai"}


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        *(
            ({"timezone": name, "check_timezone": checks}, {"timezone": name})
            # East and west of Greenwich, by half and quarter hours, with daylight saving in either hemisphere.
            for name in ("Etc/UTC", "America/New_York", "Australia/Sydney", "Asia/Kathmandu", "Pacific/Kiritimati")
            for checks in (False, True)
        ),
        (SHANGHAI, {"timezone": "+08:00"}),
        (SHANGHAI, {"timezone": "GMT+08:00"}),
        ({"timezone": "UTC"}, {"timezone": "Z"}),
        *(({"java": java}, SHANGHAI) for java in (8, 17, 25)),
        *(({"context_path": path}, {"context_path": path or "/", **SHANGHAI}) for path in ("", "/cloud/zstack", "/v1")),
    ],
    ids=str,
)
def test_an_access_key_works_in_every_zone_release_and_path(
    gather: Gather, settings: dict[str, Any], options: dict[str, Any]
) -> None:
    with Simulator(**settings) as zstack:
        assert gather(zstack, **zstack.credentials("access_key"), **options)["total"] == zstack.storages[0].total
        assert not zstack.sessions


def test_a_machine_without_sha_1_is_answered_with_the_other_methods(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hmac, "new", Mock(side_effect=ValueError("[digital envelope routines] unsupported")))
    error = failure(gather, zstack, **zstack.credentials("access_key"))
    assert ": this machine does not allow SHA-1, which AccessKeys require. " in str(error)
    assert error.error["hint_reason"] == "no_sha_1"


def test_an_attempt_is_signed_anew(zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(100))
    now = datetime.now(timezone.utc)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return (now + timedelta(seconds=next(moments))).astimezone(tz)

    monkeypatch.setattr(_auth, "datetime", Clock)
    zstack.inject("reset_before_reply", times=1)
    gather(zstack, **zstack.credentials("access_key"), **SHANGHAI, retries=1)
    assert len({request.headers["Date"] for request in zstack.requests if request.path == SCAN}) == 2


zones = st.timezones() | st.integers(-18 * 3600, 18 * 3600).map(lambda seconds: timezone(timedelta(seconds=seconds)))


@given(zones, st.integers(0, 4_000_000_000), st.sampled_from([17, 25]))
def test_every_date_that_is_sent_is_read_by_java(zone: tzinfo, epoch: int, java: int) -> None:
    local = datetime.fromtimestamp(epoch, zone)
    read = parse_date(java_date(local.replace(microsecond=999_999)), java)
    assert (read.replace(tzinfo=None), read.utcoffset()) == (local.replace(tzinfo=None, fold=0), local.utcoffset())


@pytest.mark.parametrize("method", ["session", "account", "access_key"])
def test_an_entry_in_netrc_does_not_replace_the_authorization(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    gather(zstack, **zstack.credentials(method), timezone="Asia/Shanghai")
    sent = [request.headers.get("Authorization", "none").split()[0] for request in zstack.requests]
    # Login and version need none.
    expected = {"session": ["OAuth"] * 2 + ["none"], "account": ["OAuth"] * 3 + ["none"] * 2}
    assert sorted(sent) == expected.get(method, ["ZStack"] * 2 + ["none"])


def test_a_login_is_logged_out(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    first, *_others, last = zstack.requests
    assert (first.method, first.path) == ("PUT", LOGIN)
    assert (last.method, last.path[: len("/v1/accounts/sessions/")]) == ("DELETE", "/v1/accounts/sessions/")
    assert not zstack.sessions


def test_the_password_travels_as_its_hash_alone(zstack: Simulator, gather: Gather) -> None:
    gather(zstack)
    name, password = zstack.account
    digest = hashlib.sha512(password.encode()).hexdigest()
    login = json.loads(zstack.requests[0].body)
    assert login == {"logInByAccount": {"accountName": name, "password": digest}}
    assert not any(password in request.body for request in zstack.requests)


@pytest.mark.parametrize("call", ["version", "timezone"])
def test_a_silent_call_beside_the_scan_is_logged_out_too(zstack: Simulator, gather: Gather, call: str) -> None:
    zstack.inject("silence", on=call)
    assert gather(zstack, timeout=UNANSWERED)["total"] == zstack.storages[0].total
    assert not zstack.sessions


def test_an_exception_of_the_caller_is_logged_out_and_raised(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_backups, "summarize", Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        gather(zstack)
    assert not zstack.sessions


def test_a_session_that_exists_is_used_and_left_open(zstack: Simulator, gather: Gather) -> None:
    uuid = zstack.open_session()
    assert gather(zstack, session_uuid=uuid)["total"] == zstack.storages[0].total
    assert list(zstack.sessions) == [uuid]


def test_a_failing_logout_is_a_warning_that_names_the_server_once(
    zstack: Simulator, gather: Gather, warnings: list[str]
) -> None:
    zstack.inject({"status": 503, "body": '{"error": {"code": "SYS.1000", "details": "not today"}}'}, on="logout")
    assert gather(zstack)["total"] == zstack.storages[0].total
    words = "LogOut: [SYS.1000] not today (HTTP 503). Check the log of the management node."
    assert warnings == [f"{zstack.host}:{zstack.port}: The session stays open until it expires. {words}"]


def test_a_failure_is_raised_though_the_logout_fails_too_without_its_session(
    zstack: Simulator, gather: Gather, warnings: list[str]
) -> None:
    zstack.inject({"status": 500, "body": "the scan broke"})
    zstack.inject({"status": 500, "body": "${headers}"}, on="logout")
    assert "the scan broke" in str(failure(gather, zstack))
    (uuid,) = zstack.sessions
    (warning,) = warnings
    assert uuid not in warning
    assert "OAuth ***" in warning


@pytest.mark.parametrize(
    "reply",
    [
        *("{}", '{"inventory": null}', '{"inventory": []}'),
        *('{"inventory": {"uuid": 7}}', '{"inventory": {"uuid": "a b"}}', '{"inventory": {"uuid": ""}}'),
        *(r'{"inventory": {"uuid": "5d21\r\nX-Injected: yes"}}', r'{"inventory": {"uuid": "5d21\u00e9"}}'),
    ],
)
def test_a_login_reply_without_a_session_is_a_failure(zstack: Simulator, gather: Gather, reply: str) -> None:
    zstack.inject({"body": reply}, on="login")
    assert ": the response contains no session (HTTP 200). This does not" in str(failure(gather, zstack))
    assert len(zstack.requests) == 1


@pytest.mark.parametrize("around", ['{{"success": false, {}}}', "callback({{{}}})", "{{{}}}<script></script>"])
def test_a_session_in_an_unexpected_login_reply_is_not_shown(zstack: Simulator, gather: Gather, around: str) -> None:
    zstack.inject({"body": around.format('"inventory": {"uuid": "5e551011"}')}, on="login")
    error = failure(gather, zstack)
    assert "5e551011" not in str(error) + json.dumps(error.error)


def test_a_login_reply_with_an_age_is_logged_out(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"headers": {"Age": "5"}}, on="login")
    assert gather(zstack)["total"] > 0
    assert not zstack.sessions


def test_a_session_with_odd_characters_is_one_part_of_the_path(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"body": '{"inventory": {"uuid": "../a?b#c%2F"}}'}, on="login")
    zstack.inject({"body": '{"backups": []}'}, on="scan")
    gather(zstack, timezone="UTC")
    assert zstack.requests[-1].path == "/v1/accounts/sessions/..%2Fa%3Fb%23c%252F"


def test_no_cookie_is_kept(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"headers": {"Set-Cookie": "JSESSIONID=0123456789; Path=/"}}, on="any")
    assert gather(zstack)["total"] == zstack.storages[0].total
    assert len(zstack.requests) == 5
    assert not [request for request in zstack.requests if "Cookie" in request.headers]


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        *[("Asia/Kathmandu", "+05:45"), ("Asia/Shanghai", "+08:00"), ("Pacific/Kiritimati", "+14:00")],
        *[("-09:30", "-09:30"), ("UTC", "+00:00")],
    ],
)
@pytest.mark.parametrize("java", [8, 25])
def test_a_login_tells_the_offset_of_an_old_server(
    gather: Gather, warnings: list[str], zone: str, offset: str, java: int
) -> None:
    # A clock that is wrong by an hour makes no difference: both times are the server's.
    with Simulator(has_timezone_call=False, timezone=zone, java=java, clock_offset=3600) as zstack:
        result = gather(zstack, max_age="52w")
    assert (result["timezone"], result["timezone_source"]) == (offset, "login")
    assert result["latest"]["created_at"].endswith(f"T02:00:11{offset}")
    assert result["count"] == result["total"]
    assert abs(datetime.fromisoformat(result["checked_at"]).timestamp() - datetime.now().timestamp() - 3600) < 60
    assert not warnings


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        *[(timedelta(minutes=-5), "+00:00"), (timedelta(minutes=5), "+00:00")],
        *[(timedelta(hours=-18), "+18:00"), (timedelta(hours=18), "-18:00")],
        # No zone has these offsets.
        *[(timedelta(hours=-18.25), None), (timedelta(hours=18.25), None), ("Mon, 06 May 2024 03:00:11 GMT", None)],
        *[("soon", None), (None, None)],
    ],
    ids=str,
)
def test_the_offset_of_a_login_is_that_of_a_zone_or_none(
    gather: Gather, warnings: list[str], date: Any, offset: str | None
) -> None:
    if isinstance(date, timedelta):
        date = format_datetime(datetime.now(timezone.utc) + date, usegmt=True)
    with Simulator(has_timezone_call=False, timezone="UTC") as zstack:
        zstack.inject({"headers": {"Date": date}}, on="login")
        result = gather(zstack)
        assert not zstack.sessions
    assert result["total"] == zstack.storages[0].total
    assert result["timezone_source"] == ("login" if offset else "host")
    assert offset in (None, result["timezone"])
    assert ("time zone is unknown" in "".join(warnings)) is (offset is None)


@pytest.mark.parametrize("fault", ["login_times_with_an_offset", "login_times_in_milliseconds"])
def test_login_times_that_include_their_zone_tell_no_offset(gather: Gather, fault: str) -> None:
    with Simulator(has_timezone_call=False) as zstack:
        zstack.inject(fault)
        assert gather(zstack)["timezone_source"] == "host"
