# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version and the time zone of the running platform."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure


@pytest.fixture
def in_lima(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Move this machine to another zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Lima")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("asks", [True, False], ids=["by its own call", "by the login"])
# In a zone west of the node, the newest backup would be in the future for some hours of each day.
@pytest.mark.parametrize(
    ("option", "source"), [("Asia/Singapore", "option"), ("+08:00", "option"), ("Asia/Tokyo", "differs")]
)
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


def test_an_unknown_zone_is_replaced_by_its_offset(zstack: Simulator, gather: Gather, warnings: list[str]) -> None:
    zstack.inject({"body": '{"timezone": "Mars/Base", "offset": "+08:00"}'}, on="timezone")
    result = gather(zstack)
    assert (result["timezone"], result["timezone_source"], warnings) == ("+08:00", "server", [])


@pytest.mark.parametrize("method", ["session", "access_key"])
def test_an_old_server_without_a_login_is_read_in_this_machines_zone(
    gather: Gather, warnings: list[str], method: str, in_lima: None
) -> None:
    with Simulator(has_timezone_call=False, timezone="America/Lima") as zstack:
        written = zstack.credentials(method)
        result = gather(zstack, **written)
        (warning,) = warnings
        # No age is judged by a guess.
        line = str(failure(gather, zstack, **written, max_age="52w"))
        # What the option says is not compared with a guess.
        known = gather(zstack, session_uuid=zstack.open_session(), timezone="Asia/Shanghai", max_age="52w")
    assert (result["timezone"], result["timezone_source"]) == ("-05:00", "host")
    assert result["latest"]["created_at"].endswith("-05:00")
    words = "The server's time zone is unknown: this machine's, -05:00, is used. Set timezone."
    assert warning == f"127.0.0.1:{zstack.port}: {words}"
    assert "max_age requires a known time zone, " in line
    assert line.endswith(": set timezone")
    assert (known["count"], known["timezone_source"]) == (known["total"], "option")


CALLS = {"version": "GetVersion", "timezone": "GetPlatformTimeZone"}
FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"status": 503, "body": '{"error": {"code": "SYS.1000", "details": "stumbled"}}'}, "[SYS.1000] stumbled"),
    ({"status": 404, "body": "<html>Not Found</html>"}, "Not Found (HTTP 404)"),
    ({"cut": "before", "by": "reset"}, "the connection was cut off"),
    ({"body": "OK"}, "the response is not a JSON object: OK"),
]
NO_ZONE = "the response contains no time zone that this machine knows."
NO_ZONES = ("{}", '{"timezone": null}', '{"timezone": 8, "offset": []}', '{"timezone": "Mars"}')
NO_VERSION = "the response contains no version, so no backup is known to be restorable."
NO_VERSIONS = ("{}", '{"version": ""}', '{"version": null}', '{"version": 4.8}')


@pytest.mark.parametrize(
    ("call", "fault", "words"),
    [
        *((call, *each) for call in CALLS for each in FAILURES),
        *(("timezone", {"body": body}, NO_ZONE) for body in NO_ZONES),
        *(("version", {"body": body}, NO_VERSION) for body in NO_VERSIONS),
        # A release that does not know the call is no reason to warn.
        *((call, f"{call}_not_found", "") for call in CALLS),
    ],
)
def test_a_side_call_that_tells_nothing_is_a_warning_with_the_reason(
    zstack: Simulator, gather: Gather, warnings: list[str], call: str, fault: Any, words: str
) -> None:
    zstack.inject(fault, on=call)
    result = gather(zstack)
    assert result["total"] == zstack.storages[0].total
    start = f"127.0.0.1:{zstack.port}: {CALLS[call]}: "
    assert [(warning.startswith(start), words in warning) for warning in warnings] == [(True, True)] * bool(words)
    if call == "version":
        assert (result["platform_version"], result["timezone_source"]) == (None, "server")
        assert {backup["restorable"] for backup in result["backups"]} == {None}
    else:
        assert (result["platform_version"] is None, result["timezone_source"]) == (False, "login")
    assert not zstack.sessions


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
