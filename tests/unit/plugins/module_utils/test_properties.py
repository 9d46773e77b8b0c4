# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever comes in, a well-formed result or a ZStackError comes out, and never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import Response

from ansible_collections.zstack.cloud.plugins.module_utils._auth import NoAuth
from ansible_collections.zstack.cloud.plugins.module_utils._client import Call, Client, parse_json
from ansible_collections.zstack.cloud.plugins.module_utils._db_backups import (
    Options,
    argument_spec,
    check,
    images_of,
    summarize,
)
from ansible_collections.zstack.cloud.plugins.module_utils._errors import ZStackError, envelope_fields
from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.plugins.module_utils._options import given as given_values
from ansible_collections.zstack.cloud.plugins.module_utils._platform import Platform
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor
from ansible_collections.zstack.cloud.plugins.module_utils._storage import check_storage
from ansible_collections.zstack.cloud.plugins.module_utils._times import parse_zone, read_time

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PLATFORM = Platform("4.8.30", timezone.utc, "UTC", "server")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
times = st.sampled_from(
    ["May 6, 2024 2:00:11 AM", "May 6, 2024, 2:00:11\u202fAM", "2024-05-06T02:00:11Z", 1714960811000]
)
FIELDS = ("id", "name", "size", "virtualsize", "version", "installPath", "md5", "desc", "createdTime", "created")
ERROR_FIELDS = ("code", "description", "details", "cause", "causes")
entries = st.dictionaries(st.sampled_from(FIELDS) | st.text(), values | times, max_size=4)


def replies_with(value: Any, entry: dict[str, Any]) -> Iterator[Any]:
    """Replies that have a value in every place that the code looks at: drawing them one by one takes much longer."""
    yield value
    yield from ({key: value} for key in ("backups", "infos", "error"))
    yield from ({key: [value, entry]} for key in ("backups", "infos"))
    yield from ({"backups": [{**entry, field: value}]} for field in FIELDS)
    yield {"backups": [{**entry, "desc": json.dumps({"version": value, "type": value, "md5": value})}]}
    yield from ({"error": {**entry, field: value}} for field in ERROR_FIELDS)
    yield {"error": {"cause": {"causes": [value, entry]}, "causes": [{"code": value, "cause": entry}]}}


dates = st.none() | st.text() | st.just("Mon, 06 May 2024 03:00:11 GMT")
statuses = st.sampled_from([200, 200, 200, 503, 503]) | st.integers(100, 599)

KEYS = {
    "backups",
    "latest",
    "count",
    "total",
    "storage",
    "checked_at",
    "timezone",
    "timezone_source",
    "platform_version",
}


@pytest.fixture
def options(checked: Callable[..., Options]) -> Options:
    return checked(session_uuid="0123456789abcdef", max_age="2w", limit=3)


@settings(UNHURRIED, max_examples=1000)
@given(status=statuses, value=values, entry=entries, date=dates)
def test_any_of_20_000_replies_is_a_result_or_a_zstack_error(
    status: int, value: Any, entry: dict[str, Any], date: str | None, options: Options
) -> None:
    for reply in replies_with(value, entry):
        assert_result_or_error(status, json.dumps(reply).encode(), date, options)


def test_an_example_of_those_is_20_replies_at_least() -> None:
    assert len(list(replies_with(None, {}))) >= 20


@UNHURRIED
@given(status=statuses, body=st.binary() | st.text().map(str.encode), date=dates)
def test_any_body_is_a_result_or_a_zstack_error(status: int, body: bytes, date: str | None, options: Options) -> None:
    assert_result_or_error(status, body, date, options)


def assert_result_or_error(status: int, body: bytes, date: str | None, options: Options) -> None:
    response = Response()
    response.status_code = status
    response.headers.update({} if date is None else {"Date": date})
    warnings: list[str] = []
    try:
        client = Client(options.connection, warnings.append)
        reply = client.unwrap(Call("Call", "GET", "/v1", NoAuth()), response, body.decode("utf-8-sig", "replace"))
        images = images_of(reply, client)
        result = summarize(images, options.storages[0], reply.date, PLATFORM, options, warnings.append)
    except ZStackError as error:
        assert_well_formed(error)
        assert error.status == status
        return
    assert result.keys() == KEYS
    assert len(result["backups"]) == result["count"] <= min(3, result["total"])
    for backup in result["backups"]:
        assert isinstance(backup["age_seconds"], int)
        assert {type(backup[size]) for size in ("size", "virtualsize")} <= {int, type(None)}
        assert datetime.fromisoformat(backup["created_at"]).tzinfo
    json.dumps([result, warnings], allow_nan=False, ensure_ascii=False).encode()


def assert_well_formed(error: ZStackError) -> None:
    assert 0 < len(str(error)) < 2000
    assert len(str(error).splitlines()) == 1
    assert {"code", "description", "details", "causes"} <= error.error.keys()
    json.dumps(error.error, allow_nan=False, ensure_ascii=False).encode()


@UNHURRIED
@given(envelope=st.dictionaries(st.sampled_from(ERROR_FIELDS) | st.text(), values) | values)
def test_any_envelope_is_a_well_formed_error(envelope: Any) -> None:
    parsed = parse_json(json.dumps(envelope))
    assert_well_formed(ZStackError(envelope_fields(parsed, Redactor("secret")), call="Call", status=503))


@UNHURRIED
@given(
    url=st.from_regex(r"ssh://[a-z]{1,8}:[A-Za-z0-9~]{4,9}@[a-z]{1,9}(:2[0-9])?/[a-z]{1,9}", fullmatch=True)
    | st.from_regex(r"ssh://\w*:?\w*@?[\w.]*(:\d*)?/?.*", fullmatch=True)
    | st.text()
)
def test_any_url_is_taken_or_refused_without_its_password(url: str) -> None:
    try:
        storage = check_storage(url, [{}])
    except ZStackError as error:
        assert_well_formed(error)
        password = url.rpartition("@")[0].rpartition(":")[2]
        assert len(password) < 9 or password not in str(error)
    else:
        assert storage.url == url
        assert storage.secrets[0] not in storage.masked.replace("***", "").split("@")[0].split(":")
        assert storage.masked.count("***") >= 1


@UNHURRIED
@given(value=values | times | st.from_regex(r"[A-Z][a-z]{2} \d+, \d{4},? \d+:\d+:\d+ [AP]M", fullmatch=True))
def test_any_timestamp_is_a_time_with_an_offset_or_none(value: Any) -> None:
    for zone in (timezone.utc, parse_zone("Asia/Shanghai"), None):
        time = read_time(value, zone)
        assert time is None or time.tzinfo


@UNHURRIED
@given(name=st.text() | st.from_regex(r"(GMT|UTC)?[+-]\d+:?\d*", fullmatch=True))
def test_any_name_of_a_zone_is_a_zone_or_none(name: str) -> None:
    zone = parse_zone(name)
    assert zone is None or datetime(2024, 5, 6, tzinfo=zone).utcoffset() is not None


@UNHURRIED
@given(
    written=st.fixed_dictionaries({}, optional=dict.fromkeys(argument_spec(), values)),
    good=st.sampled_from([*AUTH_METHODS, None]),
    url=values | st.just("ssh://root:password@192.0.2.20/bs"),
)
def test_any_options_are_taken_or_refused_by_name(written: dict[str, Any], good: str | None, url: Any) -> None:
    names = AUTH_METHODS[good] if good else ()
    options = given_values({"host": "zstack.example.com", **written, **dict.fromkeys(names, "abc")})
    try:
        result = ArgumentSpecValidator(argument_spec()).validate(options)
    except OverflowError:
        return  # ansible-core itself stumbles over an infinite number
    if not result.error_messages:
        with suppress(ZStackError):
            checked_options = check(result.validated_parameters, [url], [options])
            assert checked_options.connection.credentials.method in AUTH_METHODS
