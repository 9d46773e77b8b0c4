# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from hashlib import sha1
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from ansible_collections.zstack.cloud.plugins.module_utils import _auth
from ansible_collections.zstack.cloud.plugins.module_utils._auth import access_key_auth, java_date, session_auth
from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError, no_auth
from ansible_collections.zstack.cloud.plugins.module_utils._times import parse_zone
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import failure

Gather = Callable[..., Any]

# East and west of Greenwich, half and quarter hours, with daylight saving on either half of the globe, and without.
ZONES = [
    *("Asia/Shanghai", "UTC", "Etc/UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney", "America/St_Johns"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Honolulu", "Etc/GMT+12"),
]


@pytest.mark.parametrize("check_timezone", [False, True], ids=["zone ignored", "zone checked"])
@pytest.mark.parametrize("zone", ZONES)
def test_an_access_key_works_in_the_zone_of_the_server(gather: Gather, zone: str, check_timezone: bool) -> None:
    with Simulator(timezone=zone, check_timezone=check_timezone) as zstack:
        assert gather(zstack, **zstack.credentials("access_key"), timezone=zone)["total"] == zstack.storages[0].total
        assert not zstack.sessions


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Asia/Shanghai", "+08:00"),
        ("Asia/Shanghai", "GMT+08:00"),
        ("Asia/Kathmandu", "+05:45"),
        ("Pacific/Honolulu", "-10:00"),
        ("UTC", "Z"),
    ],
)
def test_an_access_key_works_with_an_offset(gather: Gather, zone: str, written: str) -> None:
    with Simulator(timezone=zone) as zstack:
        assert gather(zstack, **zstack.credentials("access_key"), timezone=written)["total"] == zstack.storages[0].total


@pytest.mark.parametrize("java", [8, 17, 25])
def test_an_access_key_works_with_every_java(gather: Gather, java: int) -> None:
    with Simulator(java=java) as zstack:
        assert (
            gather(zstack, **zstack.credentials("access_key"), timezone="Asia/Shanghai")["total"]
            == zstack.storages[0].total
        )


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


@pytest.mark.parametrize("context_path", ["/zstack", "/", "/cloud/zstack", "/v1"])
def test_a_signature_does_not_cover_the_context_path(gather: Gather, context_path: str) -> None:
    with Simulator(context_path=context_path.rstrip("/")) as zstack:
        result = gather(zstack, **zstack.credentials("access_key"), timezone="+08:00", context_path=context_path)
    assert result["total"] == zstack.storages[0].total


def test_each_request_is_signed_on_its_own(zstack: Simulator, gather: Gather) -> None:
    key, secret = zstack.access_key
    gather(zstack, urls=zstack.storage_urls[::2], **zstack.credentials("access_key"), timezone="Asia/Shanghai")
    signed = [request for request in zstack.requests if "Authorization" in request.headers]
    assert len(signed) == 3
    for request in signed:
        text = f"{request.method}\n{request.headers['Date']}\n{request.path}"
        signature = b64encode(hmac.new(secret.encode(), text.encode(), sha1).digest()).decode()
        assert request.headers["Authorization"] == f"ZStack {key}:{signature}"


def test_a_machine_that_does_not_allow_sha_1_is_told_what_to_use(
    zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_dummy: Any) -> None:
        raise ValueError("[digital envelope routines] unsupported")

    monkeypatch.setattr(hmac, "new", refuse)
    error = failure(gather, zstack, **zstack.credentials("access_key"))
    assert str(error).endswith(
        ": this machine does not allow SHA-1, which AccessKeys require. "
        "Use a session or an account, or allow SHA-1 in the crypto policy."
    )


def test_an_attempt_is_signed_anew(zstack: Simulator, gather: Gather, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(100))
    now = datetime.now(timezone.utc)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return (now + timedelta(seconds=next(moments))).astimezone(tz)

    monkeypatch.setattr(_auth, "datetime", Clock)
    zstack.inject("reset_before_reply", times=1)
    gather(zstack, **zstack.credentials("access_key"), timezone="Asia/Shanghai", retries=1)
    dates = [each.headers["Date"] for each in zstack.requests if each.path == "/v1/database-backups/image-store"]
    assert len(set(dates)) == 2


def test_the_error_about_a_wrong_zone_names_the_option(zstack: Simulator, gather: Gather) -> None:
    with pytest.raises(ZStackError, match=r"requestTimeTooSkewed \(HTTP 403\). Set timezone"):
        gather(zstack, **zstack.credentials("access_key"), timezone="America/New_York")


def test_the_error_about_a_wrong_clock_names_both_clocks(gather: Gather) -> None:
    with Simulator(clock_offset=3600) as zstack, pytest.raises(ZStackError, match="and check both clocks"):
        gather(zstack, **zstack.credentials("access_key"), timezone="Asia/Shanghai")


def test_a_wrong_access_key_secret_is_refused_and_not_shown(zstack: Simulator, gather: Gather) -> None:
    wrong = {**zstack.credentials("access_key"), "access_key_secret": "Open-Sesame"}
    error = failure(gather, zstack, **wrong, timezone="+08:00")
    assert "wrong accessKey signature (HTTP 403). Check access_key_secret" in str(error)
    assert "Open-Sesame" not in json.dumps([str(error), error.error])


def test_an_access_key_that_the_server_does_not_know_is_refused(zstack: Simulator, gather: Gather) -> None:
    with pytest.raises(ZStackError, match=r"access key id: nobody does not existed or disabled \(HTTP 403\)"):
        gather(zstack, access_key_id="nobody", access_key_secret="Open-Sesame", timezone="+08:00")


def test_the_error_of_a_release_without_access_keys_names_the_other_methods(gather: Gather) -> None:
    with Simulator(has_access_keys=False) as zstack, pytest.raises(ZStackError, match="use a session or an account"):
        gather(zstack, **zstack.credentials("access_key"), timezone="+08:00")


@pytest.mark.parametrize(
    ("zone", "moment", "text"),
    [
        ("Asia/Shanghai", "2026-11-23T00:05:09", "Mon, 23 Nov 2026 08:05:09 GMT+08:00"),
        ("UTC", "2026-11-01T00:05:09", "Sun, 01 Nov 2026 00:05:09 GMT+00:00"),
        ("America/New_York", "2026-07-01T03:00:00", "Tue, 30 Jun 2026 23:00:00 GMT-04:00"),
        ("America/New_York", "2026-12-31T23:59:59", "Thu, 31 Dec 2026 18:59:59 GMT-05:00"),
        ("Asia/Kathmandu", "2026-02-28T18:15:00", "Sun, 01 Mar 2026 00:00:00 GMT+05:45"),
        ("America/St_Johns", "2026-01-01T00:00:00", "Wed, 31 Dec 2025 20:30:00 GMT-03:30"),
    ],
)
def test_a_date_is_written_as_java_reads_it(zone: str, moment: str, text: str) -> None:
    instant = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
    assert java_date(instant.astimezone(parse_zone(zone))) == text
    assert java_date(instant.replace(microsecond=999_999).astimezone(parse_zone(zone))) == text


@pytest.mark.parametrize("moment", ["2026-10-25T00:30:00", "2026-10-25T01:30:00"], ids=["first", "second"])
def test_an_hour_that_comes_twice_is_written_with_its_offset(moment: str) -> None:
    instant = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc).astimezone(ZoneInfo("Europe/Berlin"))
    offset = "+02:00" if moment.endswith("00:30:00") else "+01:00"
    assert java_date(instant) == f"Sun, 25 Oct 2026 02:30:00 GMT{offset}"


def test_what_authenticates_a_request_is_put_into_its_headers_alone() -> None:
    def headers(auth: Any) -> dict[str, str]:
        request = requests.Request("GET", "http://zstack.example.com:8080/zstack/v1/x?url=y", auth=auth).prepare()
        return dict(request.headers)

    assert headers(no_auth) == {}
    assert headers(session_auth("0123")) == {"Authorization": "OAuth 0123"}
    assert set(headers(access_key_auth("key", "secret", "/zstack", None))) == {"Date", "Authorization"}


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
