# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.zstack.cloud.plugins.module_utils._calls import ZStackError
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins import failures

Gather = Callable[..., Any]


def served_with(certificate: trustme.LeafCert) -> Simulator:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return Simulator(ssl=context)


def refusal(gather: Gather, zstack: Simulator, **options: Any) -> str:
    error = failures.failure(gather, zstack, use_ssl=True, **options)
    assert not zstack.requests, "something was sent"
    assert (error.status, error.transient) == (None, False)
    return str(error)


def test_a_good_certificate_is_taken(gather: Gather, secure_zstack: Simulator, ca_path: str) -> None:
    assert gather(secure_zstack, use_ssl=True, ca_path=ca_path)["total"] == secure_zstack.storages[0].total


def test_an_unknown_authority_is_refused_and_answered_with_ca_path(gather: Gather, secure_zstack: Simulator) -> None:
    line = refusal(gather, secure_zstack)
    assert "certificate was rejected: " in line
    assert "ca_path to the certificate authority" in line


def test_a_certificate_of_another_name_is_refused_and_answered_with_host(
    gather: Gather, authority: trustme.CA, ca_path: str
) -> None:
    with served_with(authority.issue_cert("zstack.example.com")) as zstack:
        line = refusal(gather, zstack, ca_path=ca_path)
    assert "127.0.0.1" in line
    assert "Set host to a name in the certificate" in line


def test_an_expired_certificate_is_refused(gather: Gather, authority: trustme.CA, ca_path: str) -> None:
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    with served_with(authority.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(month=2))) as zstack:
        assert "certificate has expired" in refusal(gather, zstack, ca_path=ca_path)


def test_a_self_signed_certificate_is_refused(gather: Gather) -> None:
    own = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    with Simulator(ssl=context) as zstack:
        # OpenSSL 1.1 writes it without the hyphen.
        assert re.search("self.signed certificate", refusal(gather, zstack))


def test_certificates_are_not_validated_if_validate_certs_is_false(
    gather: Gather, secure_zstack: Simulator, recwarn: pytest.WarningsRecorder
) -> None:
    assert gather(secure_zstack, use_ssl=True, validate_certs=False)["total"] == secure_zstack.storages[0].total
    assert not list(recwarn)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated:DeprecationWarning")
def test_tls_1_0_is_refused_and_answered_with_the_versions_that_are_not(
    gather: Gather, authority: trustme.CA, ca_path: str
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL would not speak it on the server's side either
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with Simulator(ssl=context) as zstack:
        line = refusal(gather, zstack, ca_path=ca_path)
    assert re.search("TLS failed: [A-Z]", line), line
    assert "TLS 1.2 or later" in line


def test_https_to_a_server_without_tls_is_answered_with_the_port_first(gather: Gather, zstack: Simulator) -> None:
    line = refusal(gather, zstack)
    assert re.search("TLS failed: [A-Z_ ]+. Check that port is an HTTPS port .* set use_ssl to false", line), line


def test_http_to_a_server_with_tls_is_answered_with_use_ssl(gather: Gather, secure_zstack: Simulator) -> None:
    with pytest.raises(ZStackError, match="Check host, port and use_ssl"):
        gather(secure_zstack)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_loses_against_ca_path(
    gather: Gather, secure_zstack: Simulator, ca_path: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/nonexistent.pem")
    assert gather(secure_zstack, use_ssl=True, ca_path=ca_path)["total"] == secure_zstack.storages[0].total


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_loses_against_validate_certs(
    gather: Gather, secure_zstack: Simulator, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "/nonexistent.pem")
    assert gather(secure_zstack, use_ssl=True, validate_certs=False)["total"] == secure_zstack.storages[0].total


def test_a_bundle_of_the_environment_that_is_missing_is_one_line(
    gather: Gather, secure_zstack: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent.pem")
    assert "/nonexistent.pem" in refusal(gather, secure_zstack)


@pytest.mark.parametrize("path", [__file__, str(Path(__file__).parent), "/nonexistent.pem"])
def test_a_ca_path_without_certificates_is_refused(gather: Gather, secure_zstack: Simulator, path: str) -> None:
    assert refusal(gather, secure_zstack, ca_path=path).startswith("ca_path must be a readable file in PEM format")


def test_a_ca_path_that_may_not_be_read_is_refused_with_the_reason(
    gather: Gather, secure_zstack: Simulator, ca_path: str
) -> None:
    Path(ca_path).chmod(0)
    # To root no file is closed.
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        line = refusal(gather, secure_zstack, ca_path=ca_path)
    finally:
        os.seteuid(user)
    assert line == "ca_path must be a readable file in PEM format (Permission denied)"
