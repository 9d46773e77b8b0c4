# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What authenticates a request: the signature of an AccessKey, its date, and nothing of the machine's own."""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import b64encode
from datetime import datetime, timedelta, timezone, tzinfo
from hashlib import sha1
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils import _auth
from ansible_collections.zstack.cloud.plugins.module_utils._auth import java_date
from ansible_collections.zstack.cloud.plugins.module_utils._times import parse_zone
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.simulator.java import parse_date
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import SCAN, Gather, failure
from ansible_collections.zstack.cloud.tests.unit.simulator.vectors import lines

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


def test_an_access_key_without_timezone_signs_in_the_zone_of_this_machine(
    gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        with Simulator(timezone="America/St_Johns") as zstack:
            result = gather(zstack, **zstack.credentials("access_key"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (result["total"], result["timezone_source"]) == (zstack.storages[0].total, "server")


def test_each_request_is_signed_on_its_own(zstack: Simulator, gather: Gather) -> None:
    key, secret = zstack.access_key
    gather(zstack, urls=zstack.storage_urls[::2], **zstack.credentials("access_key"), **SHANGHAI)
    signed = [request for request in zstack.requests if "Authorization" in request.headers]
    assert len(signed) == 3
    for request in signed:
        assert request.headers["Date"].endswith(" GMT+08:00")
        text = f"{request.method}\n{request.headers['Date']}\n{request.path}"
        signature = b64encode(hmac.new(secret.encode(), text.encode(), sha1).digest()).decode()
        assert request.headers["Authorization"] == f"ZStack {key}:{signature}"


def test_a_machine_that_does_not_allow_sha_1_is_told_what_to_use(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hmac, "new", Mock(side_effect=ValueError("[digital envelope routines] unsupported")))
    error = failure(gather, zstack, **zstack.credentials("access_key"))
    assert ": this machine does not allow SHA-1, which AccessKeys require. Use a session or an account" in str(error)


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


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({}, {"timezone": "America/New_York"}, "requestTimeTooSkewed (HTTP 403). Set timezone"),
        ({"clock_offset": 3600}, {}, "and check both clocks"),
        ({}, {"access_key_secret": "Open-Sesame"}, "wrong accessKey signature (HTTP 403). Check access_key_secret"),
        ({}, {"access_key_id": "nobody"}, "access key id: nobody does not existed or disabled (HTTP 403)"),
        ({"has_access_keys": False}, {}, "use a session or an account"),
    ],
)
def test_a_refused_access_key_is_answered_with_what_to_check(
    gather: Gather, settings: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    with Simulator(**settings) as zstack:
        secret = zstack.access_key[1]
        error = failure(gather, zstack, **{**zstack.credentials("access_key"), **SHANGHAI, **options})
    assert words in str(error)
    shown = json.dumps([str(error), error.error])
    assert "Open-Sesame" not in shown
    assert secret not in shown


def is_ours(line: dict[str, Any]) -> bool:
    """Return whether a line is of a date that Java reads, in the form that we write."""
    return bool(line["wall_clock"] and re.search(r" GMT[+-]\d\d:\d\d$", line["value"]))


@pytest.mark.parametrize(("release", "line"), [each for each in lines("date") if is_ours(each.values[1])])
def test_a_date_is_written_as_java_reads_it(release: int, line: dict[str, Any]) -> None:
    local = datetime.fromisoformat(line["wall_clock"]).replace(microsecond=999_999)
    assert java_date(local.replace(tzinfo=parse_zone(line["value"].partition(" GMT")[2]))) == line["value"]


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
