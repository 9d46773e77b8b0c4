# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins import failures
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather


def refusal(gather: Gather, zstack: Simulator, **options: Any) -> str:
    error = failures.failure(gather, zstack, use_ssl=True, **options)
    assert not zstack.requests, "something was sent"
    assert (error.status, error.transient) == (None, False)
    return str(error)


def test_an_unknown_authority_is_refused_and_answered_with_ca_path(gather: Gather, secure_zstack: Simulator) -> None:
    line = refusal(gather, secure_zstack)
    assert re.search("certificate was rejected: .*Set ca_path to the certificate authority", line), line


def leaf(authority: trustme.CA, name: str = "127.0.0.1", **dates: Any) -> bytes:
    """Return a certificate of an authority, with its key."""
    return authority.issue_cert(name, **dates).private_key_and_cert_chain_pem.bytes()


NOW, DAY = datetime.now(timezone.utc), timedelta(days=1)
CA, OTHER, ALONE = trustme.CA(), trustme.CA(), trustme.CA(path_length=0)
# An authority to trust, the certificate of the server with its key, and what is said about it.
REFUSED = {
    "of another authority": (CA, leaf(OTHER), "Set ca_path to the certificate authority"),
    # OpenSSL 1.1 writes it without the hyphen.
    "self-signed": (CA, OTHER.private_key_pem.bytes() + OTHER.cert_pem.bytes(), "self.signed certificate.*Set ca_path"),
    "of another name": (CA, leaf(CA, "zstack.example.com"), "127.0.0.1.*Set host to a name in the certificate"),
    "expired": (CA, leaf(CA, not_before=NOW - DAY, not_after=NOW), "certificate has expired.*Renew"),
    "of tomorrow": (CA, leaf(CA, not_before=NOW + DAY), "not yet valid.*Check the clocks"),
    "against RFC 5280": (ALONE, leaf(trustme.CA(ALONE)), "path length constraint exceeded. Reissue the certificate"),
}


@pytest.mark.parametrize(("authority", "pem", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_certificate_is_refused_before_anything_is_sent(
    gather: Gather, tmp_path: Path, authority: trustme.CA, pem: bytes, words: str
) -> None:
    trusted, own = tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(trusted)
    own.write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own)
    with Simulator(ssl=context) as zstack:
        line = refusal(gather, zstack, ca_path=str(trusted))
    assert re.search(f"certificate was rejected: .*{words}", line), line


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_tls_1_0_is_refused_and_answered_with_the_required_version(
    gather: Gather, authority: trustme.CA, ca_path: str
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL would not speak it on the server's side either
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with Simulator(ssl=context) as zstack:
        line = refusal(gather, zstack, ca_path=ca_path)
    assert re.search("TLS failed: [A-Z].* TLS 1.2 or later", line), line


def test_https_to_a_server_without_tls_is_answered_with_the_port_first(gather: Gather, zstack: Simulator) -> None:
    line = refusal(gather, zstack)
    assert re.search("TLS failed: [A-Z_ ]+. Check that port is an HTTPS port .* set use_ssl to false", line), line


def test_http_to_a_server_with_tls_is_answered_with_use_ssl(gather: Gather, secure_zstack: Simulator) -> None:
    assert "Check host, port and use_ssl" in str(failures.failure(gather, secure_zstack))


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
    assert "/nonexistent.pem" in refusal(gather, secure_zstack)
