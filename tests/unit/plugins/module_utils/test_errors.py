# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.zstack.cloud.plugins.module_utils._errors import Redactor, ZStackError, envelope_fields

ENVELOPE = {
    "code": "SYS.1006",
    "description": "An operation failed",
    "details": "the scan failed",
    "location": "node-1",
    "globalErrorCode": "ORG_ZSTACK_1",
    "cause": {"code": "SYS.1001", "description": "Timeout", "cause": {"code": "X.1", "details": "no route"}},
    "causes": [{"code": "X.2", "description": "and another"}],
}


def test_the_line_says_call_code_words_causes_status_and_what_to_do() -> None:
    error = ZStackError(envelope_fields(ENVELOPE), call="GetDatabaseBackupFromImageStore", status=503)
    assert str(error) == (
        "GetDatabaseBackupFromImageStore: [SYS.1006] An operation failed: the scan failed"
        "; caused by [SYS.1001] Timeout; caused by [X.1] no route; caused by [X.2] and another (HTTP 503)."
        " Check the password, host, SSH port and path in url, and registry_port."
    )


def test_the_fields_of_an_envelope_are_kept_in_snake_case_with_one_list_of_causes() -> None:
    error = ZStackError(envelope_fields(ENVELOPE), status=503)
    assert (error.code, error.description, error.details) == ("SYS.1006", "An operation failed", "the scan failed")
    assert error.causes == [
        {"code": "SYS.1001", "description": "Timeout", "details": None},
        {"code": "X.1", "description": None, "details": "no route"},
        {"code": "X.2", "description": "and another", "details": None},
    ]
    assert error.error["global_error_code"] == "ORG_ZSTACK_1"
    assert error.error["location"] == "node-1"
    assert "cause" not in error.error


@pytest.mark.parametrize("envelope", ["broken", 7, True, [], {}, {"code": 7}, {"cause": "x", "causes": ["y", None]}])
def test_an_envelope_of_any_type_makes_a_well_formed_error(envelope: Any) -> None:
    error = ZStackError(envelope_fields(envelope), call="Call")
    assert {"code", "description", "details", "causes"} <= error.error.keys()
    assert str(error).startswith("Call: ")


def test_the_line_stays_one_line_without_control_characters_and_short() -> None:
    error = ZStackError({"description": "a\r\nb\x1b[31m\x00\u2028c", "details": "d" * 100000}, status=503)
    assert str(error).startswith("a b [31m c: ddd")
    assert len(str(error)) < 2000
    assert str(error).endswith("… (HTTP 503)")


def test_a_long_chain_of_causes_is_cut() -> None:
    envelope: dict[str, Any] = {}
    for _dummy in range(60):
        envelope = {"code": "X.1", "cause": envelope, "causes": [{"code": "X.2"}] * 60}
    assert len(envelope_fields(envelope)["causes"]) == 10


PASSWORD = 'Night@Watch\'s "#7"/é'


@pytest.mark.parametrize(
    "quoted",
    [
        PASSWORD,
        quote(PASSWORD, safe=""),
        quote(PASSWORD, safe="").lower(),
        quote(quote(PASSWORD, safe=""), safe=""),
        json.dumps(PASSWORD),
        json.dumps(PASSWORD, ensure_ascii=False),
        shlex.quote(PASSWORD),
        repr(PASSWORD),
    ],
)
@pytest.mark.parametrize("known", [PASSWORD, quote(PASSWORD, safe="")])
def test_a_secret_is_found_however_it_is_quoted(known: str, quoted: str) -> None:
    text = Redactor(known)(f"scan ssh://root:{quoted}@192.0.2.20/bs -p 8000")
    assert "Watch" not in text
    assert text.startswith("scan ssh://root:")
    assert text.endswith("@192.0.2.20/bs -p 8000")


def test_secrets_are_found_in_all_texts_of_a_value() -> None:
    redact = Redactor("sesame", None, "")
    assert redact({"sesame": ["open sesame", 7, None, {"x": "SESAME"}]}) == {"***": ["open ***", 7, None, {"x": "***"}]}


def test_a_short_secret_is_found_where_it_stands_alone_and_leaves_words_readable() -> None:
    assert Redactor("x")("ssh://root:x@192.0.2.20: expired, next") == "ssh://root:***@192.0.2.20: expired, next"


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert Redactor()("nothing to hide") == "nothing to hide"
