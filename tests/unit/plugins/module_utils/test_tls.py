# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.plugins.module_utils._failures import CERTIFICATE_HINTS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure


def refusal(gather: Gather, zstack: Simulator, **options: Any) -> ZStackError:
    error = failure(gather, zstack, use_ssl=True, **options)
    assert not zstack.requests, "something was sent"
    assert (error.status, error.transient) == (None, False)
    return error


def test_an_unknown_authority_is_refused_and_answered_with_ca_path(gather: Gather, secure_zstack: Simulator) -> None:
    error = refusal(gather, secure_zstack)
    assert "certificate was rejected: " in str(error)
    assert error.error["hint_reason"] == "certificate_authority"


def leaf(authority: trustme.CA, name: str = "127.0.0.1", **dates: Any) -> bytes:
    """Return a certificate of an authority, with its key."""
    return authority.issue_cert(name, **dates).private_key_and_cert_chain_pem.bytes()


NOW, DAY = datetime.now(timezone.utc), timedelta(days=1)
CA, OTHER, ALONE = trustme.CA(), trustme.CA(), trustme.CA(path_length=0)
# An authority to trust, the certificate of the server with its key, what is said about it, and the key of the hint.
REFUSED = {
    "of another authority": (CA, leaf(OTHER), "unable to", "issuer"),
    # OpenSSL 1.1 writes it without the hyphen.
    "self-signed": (CA, OTHER.private_key_pem.bytes() + OTHER.cert_pem.bytes(), "self.signed", "signed certificate"),
    "of another name": (CA, leaf(CA, "zstack.example.com"), "127.0.0.1", "match"),
    "expired": (CA, leaf(CA, not_before=NOW - DAY, not_after=NOW), "has expired", "expired"),
    "of tomorrow": (CA, leaf(CA, not_before=NOW + DAY), "not yet valid", "not yet valid"),
    "against RFC 5280": (ALONE, leaf(trustme.CA(ALONE)), "path length constraint exceeded", ""),
}


@pytest.mark.parametrize(("authority", "pem", "words", "hint"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_certificate_is_refused_before_anything_is_sent(
    gather: Gather, tmp_path: Path, authority: trustme.CA, pem: bytes, words: str, hint: str
) -> None:
    trusted, own = tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(trusted)
    own.write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own)
    with Simulator(ssl=context) as zstack:
        error = refusal(gather, zstack, ca_path=str(trusted))
    assert re.search(f"certificate was rejected: .*{words}", str(error)), str(error)
    assert error.error["hint"] == CERTIFICATE_HINTS[hint].text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_tls_1_0_is_refused_and_answered_with_the_required_version(
    gather: Gather, authority: trustme.CA, ca_path: str
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL would not speak it on the server's side either
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with Simulator(ssl=context) as zstack:
        error = refusal(gather, zstack, ca_path=ca_path)
    assert re.search("TLS failed: [A-Z]", str(error)), str(error)
    assert error.error["hint_reason"] == "tls"


def test_https_to_a_server_without_tls_is_answered_with_the_port(gather: Gather, zstack: Simulator) -> None:
    error = refusal(gather, zstack)
    assert re.search("TLS failed: [A-Z_ ]+. ", str(error)), str(error)
    assert error.error["hint_reason"] == "tls"


def test_http_to_a_server_with_tls_is_answered_with_use_ssl(gather: Gather, secure_zstack: Simulator) -> None:
    assert "use_ssl" in failure(gather, secure_zstack).error["hint"]


@pytest.mark.parametrize("variable", ["NO_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_does_not_override_ca_path_and_validate_certs(
    gather: Gather,
    secure_zstack: Simulator,
    ca_path: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.setenv(variable, "/nonexistent.pem")
    for trust in ({"ca_path": ca_path}, {"validate_certs": False}):
        assert gather(secure_zstack, use_ssl=True, **trust)["total"] == secure_zstack.storages[0].total
    assert not list(recwarn)


def test_a_bundle_of_the_environment_that_is_missing_is_one_line(
    gather: Gather, secure_zstack: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent.pem")
    assert "/nonexistent.pem" in str(refusal(gather, secure_zstack))
