# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version and the time zone of the running platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.java import timestamp
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure


@pytest.fixture
def machine_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this machine to another zone."""

    def move(zone: str) -> None:
        patch.setenv("TZ", zone)
        time.tzset()

    with monkeypatch.context() as patch:
        yield move
    time.tzset()


@pytest.mark.parametrize("asks", [True, False], ids=["by its own call", "by the login"])
@pytest.mark.parametrize(("option", "source"), [("Asia/Singapore", "option"), ("+08:00", "option"), ("UTC", "differs")])
def test_a_timezone_option_is_compared_with_the_time_zone_of_the_server(
    gather: Gather, warnings: list[str], option: str, source: str, asks: bool
) -> None:
    with Simulator(has_timezone_call=asks) as zstack:
        result = gather(zstack, timezone=option)
        if source == "differs":
            error = failure(gather, zstack, timezone=option, max_age="52w")
            assert "max_age requires a known time zone, but timezone differs" in str(error)
    assert (result["timezone"], result["timezone_source"]) == (option, source)
    assert [warning for warning in warnings if "time zone of the management node is" not in warning] == []
    assert bool(warnings) == (source == "differs")


@pytest.mark.parametrize("name", ["America/New_York", "GMT+08:00", "Z"])
def test_the_zone_is_asked_of_the_server(gather: Gather, warnings: list[str], name: str) -> None:
    with Simulator(timezone=name) as zstack:
        result = gather(zstack, max_age="52w")
    assert (result["timezone"], result["timezone_source"]) == (name, "server")
    assert result["count"] == result["total"]
    assert warnings == []


@pytest.mark.parametrize(
    ("body", "source"),
    [
        ('{"timezone": "Mars/Base", "offset": "+08:00"}', "server"),
        *((body, "login") for body in ("{}", '{"timezone": null}', '{"timezone": 8, "offset": []}')),
        ('{"timezone": "Mars"}', "login"),
    ],
)
def test_an_unknown_zone_is_replaced_by_its_offset_or_the_logins(
    zstack: Simulator, gather: Gather, warnings: list[str], body: str, source: str
) -> None:
    zstack.inject({"body": body}, on="timezone")
    result = gather(zstack)
    assert (result["timezone"], result["timezone_source"]) == ("+08:00", source)
    words = "GetPlatformTimeZone: the response contains no time zone that this machine knows."
    assert warnings == ([] if source == "server" else [f"127.0.0.1:{zstack.port}: {words}"])


@pytest.mark.parametrize("method", ["session", "access_key"])
def test_an_old_server_without_a_login_is_read_in_this_machines_zone(
    gather: Gather, warnings: list[str], method: str, machine_in: Callable[[str], None]
) -> None:
    machine_in("America/Lima")
    with Simulator(has_timezone_call=False, timezone="America/Lima") as zstack:
        written = zstack.credentials(method)
        result = gather(zstack, **written)
        (warning,) = warnings
        # No age is judged by a guess.
        line = str(failure(gather, zstack, **written, max_age="52w"))
        known = gather(zstack, **written, timezone="America/Lima", max_age="52w")
    assert (result["timezone"], result["timezone_source"]) == ("-05:00", "host")
    assert result["latest"]["created_at"].endswith("-05:00")
    words = "The server's time zone is unknown: its times are read in this machine's time zone, -05:00. Set timezone."
    assert warning == f"127.0.0.1:{zstack.port}: {words}"
    assert "max_age requires a known time zone, " in line
    assert line.endswith(": set timezone")
    assert (known["count"], known["timezone_source"]) == (known["total"], "option")


def test_a_guessed_zone_that_is_wrong_shows_in_a_warning_of_the_future(
    gather: Gather, warnings: list[str], machine_in: Callable[[str], None]
) -> None:
    machine_in("America/Lima")
    with Simulator(has_timezone_call=False, timezone="Asia/Shanghai") as zstack:
        created = timestamp(datetime.now(ZoneInfo("Asia/Shanghai")), 8)
        zstack.inject({"body": f'{{"backups": [{{"createdTime": "{created}"}}]}}'})
        result = gather(zstack, session_uuid=zstack.open_session())
    assert result["latest"]["age_seconds"] < -12 * 3600
    assert len(warnings) == 2
    assert "backups with a time in the future: 1 of 1" in warnings[1]


def test_the_version_decides_what_can_be_restored(zstack: Simulator, gather: Gather) -> None:
    result = gather(zstack)
    version = result["platform_version"]
    assert version
    assert {backup["restorable"] for backup in result["backups"]} == {True, False}
    for backup in result["backups"]:
        assert backup["restorable"] is (backup["version"] == version)


def test_a_server_that_does_not_know_getversion_leaves_restorable_open(gather: Gather, warnings: list[str]) -> None:
    with Simulator(has_version_call=False) as zstack:
        result = gather(zstack)
    assert "/v1/management-nodes/actions" in zstack.paths
    assert result["platform_version"] is None
    assert {backup["restorable"] for backup in result["backups"]} == {None}
    assert warnings == []


@pytest.mark.parametrize("call", ["version", "timezone"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 503, "body": '{"error": {"code": "SYS.1000", "details": "stumbled"}}'}, "[SYS.1000] stumbled"),
        ({"status": 404, "body": "<html>Not Found</html>"}, "Not Found (HTTP 404)"),
        ({"cut": "before", "by": "reset"}, "the connection was cut off"),
        ({"body": "OK"}, "the response is not a JSON object: OK"),
    ],
)
def test_a_side_call_that_fails_is_a_warning_with_the_reason(
    zstack: Simulator, gather: Gather, warnings: list[str], call: str, fault: dict[str, Any], words: str
) -> None:
    zstack.inject(fault, on=call)
    result = gather(zstack)
    assert result["total"] == zstack.storages[0].total
    (warning,) = warnings
    name = {"version": "GetVersion", "timezone": "GetPlatformTimeZone"}[call]
    assert warning.startswith(f"127.0.0.1:{zstack.port}: {name}: ")
    assert words in warning
    assert (result["platform_version"] is None) is (call == "version")
    assert result["timezone_source"] == ("server" if call == "version" else "login")
    assert not zstack.sessions


@pytest.mark.parametrize("body", ["{}", '{"version": ""}', '{"version": null}', '{"version": 4.8}'])
def test_a_reply_without_a_version_is_a_warning(
    zstack: Simulator, gather: Gather, warnings: list[str], body: str
) -> None:
    zstack.inject({"body": body}, on="version")
    assert gather(zstack)["platform_version"] is None
    words = "GetVersion: the response contains no version, so no backup is known to be restorable."
    assert warnings == [f"127.0.0.1:{zstack.port}: {words}"]


def test_a_version_with_a_blank_at_its_end_matches_one_without(zstack: Simulator, gather: Gather) -> None:
    zstack.inject({"body": '{"version": "4.7.21 "}'}, on="version")
    zstack.inject({"body": '{"backups": [{"version": " 4.7.21", "createdTime": "May 6, 2024 2:00:11 AM"}]}'})
    result = gather(zstack)
    assert (result["platform_version"], result["latest"]["version"]) == ("4.7.21", "4.7.21")
    assert result["latest"]["restorable"] is True


@pytest.mark.parametrize("method", ["session", "account", "access_key"])
def test_side_calls_are_silent_if_nothing_was_scanned(gather: Gather, warnings: list[str], method: str) -> None:
    with Simulator(has_timezone_call=False) as zstack:
        zstack.inject({"status": 500, "body": "oops"}, on="version")
        zstack.inject({"status": 500, "body": "oops"})
        results = gather(zstack, urls=zstack.storage_urls, report=True, **zstack.credentials(method))
    assert [result["failed"] for result in results] == [True] * len(results)
    assert warnings == []
