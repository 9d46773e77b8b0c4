# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever comes in, a well-formed result or a ZStackError comes out, and never another exception."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import Request, Response

from ansible_collections.zstack.cloud.plugins.module_utils._backups import Options, images_in, summarize
from ansible_collections.zstack.cloud.plugins.module_utils._calls import Call, ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._client import Client
from ansible_collections.zstack.cloud.plugins.module_utils._platform import Platform
from ansible_collections.zstack.cloud.tests.limits import LONG

PLATFORM = Platform("4.8.30", timezone.utc, "UTC", "server")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
times = st.sampled_from(
    ["May 6, 2024 2:00:11 AM", "May 6, 2024, 2:00:11\u202fAM", "2024-05-06T02:00:11Z", 1714960811000]
)
FIELDS = ("id", "name", "size", "virtualsize", "version", "installPath", "md5", "desc", "createdTime", "created")
ERROR_FIELDS = ("code", "description", "details", "cause", "causes")
entries = st.dictionaries(st.sampled_from(FIELDS) | st.text(), values | times, max_size=4) | st.fixed_dictionaries(
    {"createdTime": times, "version": st.sampled_from(["4.8.30", "4.7.21"])}
)


def replies_with(value: Any, entry: dict[str, Any]) -> Iterator[Any]:
    """Replies that have a value in every place that the code looks at: drawing them one by one takes much longer."""
    yield value
    yield from ({key: value} for key in ("backups", "infos", "error"))
    yield from ({key: [value, entry]} for key in ("backups", "infos"))
    yield from ({"backups": [{**entry, field: value}]} for field in FIELDS)
    yield {"backups": [{**entry, "desc": json.dumps({"version": value, "type": value, "md5": value})}]}
    yield from ({"error": {**entry, field: value}} for field in ERROR_FIELDS)
    yield {"error": {"cause": {"causes": [value, entry]}, "causes": [{"code": value, "cause": entry}]}}


bodies = st.binary() | st.text().map(str.encode) | st.sampled_from([b"", b"<p>"])
dates = st.none() | st.text() | st.just("Mon, 06 May 2024 03:00:11 GMT")
statuses = st.sampled_from([200, 200, 200, 503, 503]) | st.integers(100, 599)

KEYS = {
    *("backups", "latest", "count", "total", "storage", "checked_at"),
    *("timezone", "timezone_source", "platform_version"),
}


@pytest.fixture
def options(checked: Callable[..., Options]) -> Options:
    return checked(session_uuid="0123456789abcdef", max_age="9999w", limit=3)


def test_any_response_is_a_result_or_a_zstack_error(options: Options) -> None:
    client = Client(options.connection, lambda _dummy: None)
    reached: Counter[str] = Counter()

    @settings(max_examples=1000 if LONG else 100)
    @given(status=statuses, value=values, entry=entries, body=bodies, date=dates)
    def check(status: int, value: Any, entry: dict[str, Any], body: bytes, date: str | None) -> None:
        for each in (body, *(json.dumps(reply).encode() for reply in replies_with(value, entry))):
            reached.update(outcome_of(status, each, date, options, client))

    check()
    assert min(reached[each] for each in OUTCOMES) >= 0.002 * reached["replies"], reached


# What can become of a response
OUTCOMES = (
    *("result", "latest", "selected", "unreadable time", "entries that are no objects", "restorable", "date"),
    *("failed", "code", "causes", "no list", "not a JSON object", "redirect", "empty", "in words of its own"),
)


def outcome_of(status: int, body: bytes, date: str | None, options: Options, client: Client) -> Iterator[str]:
    """Check that a reply is a result or a ZStackError, and yield what became of it."""
    response = Response()
    response.request = Request("GET", "http://zstack.example.com").prepare()
    response.status_code = status
    response.headers.update({} if date is None else {"Date": date})
    warnings: list[str] = []
    yield "replies"
    try:
        reply = client.unwrap(Call("Call", "GET", "/v1"), response, body.decode("utf-8-sig", "replace"))
        images = images_in(reply, None, client)
        result = summarize(images, options.storages[0], reply.date, PLATFORM, options, warnings.append)
    except ZStackError as error:
        assert_well_formed(error)
        assert error.status == status
        assert error.error["server"] == "zstack.example.com:8080"
        yield "failed"
        yield from (field for field in ("code", "causes") if error.error[field])
        phrases = ("no list", "not a JSON object", "redirect", "empty")
        yield next((phrase for phrase in phrases if phrase in str(error)), "in words of its own")
        return
    assert 200 <= status < 300
    assert result.keys() == KEYS
    assert len(result["backups"]) == result["count"] <= min(3, result["total"])
    for backup in result["backups"]:
        assert isinstance(backup["age_seconds"], int)
        assert {type(backup[size]) for size in ("size", "virtualsize")} <= {int, type(None)}
        assert datetime.fromisoformat(backup["created_at"]).tzinfo
        assert backup["restorable"] in (True, False, None)
    json.dumps([result, warnings], allow_nan=False, ensure_ascii=False).encode()
    yield "result"
    found = {
        "latest": result["latest"],
        "selected": result["backups"],
        "restorable": (result["latest"] or {}).get("restorable") is not None,
        "date": reply.date,
        "unreadable time": "no readable time" in "".join(warnings),
        "entries that are no objects": "not objects" in "".join(warnings),
    }
    yield from (outcome for outcome, is_reached in found.items() if is_reached)


def assert_well_formed(error: ZStackError) -> None:
    assert 0 < len(str(error)) < 2000
    assert str(error).isprintable()
    assert {"code", "description", "details", "causes", "server", "storage"} <= error.error.keys()
    json.dumps(error.error, allow_nan=False, ensure_ascii=False).encode()
