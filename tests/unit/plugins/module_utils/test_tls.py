# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.util.ssl_ import create_urllib3_context

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


def test_a_certificate_that_python_3_13_refuses_is_answered_with_the_reason(
    gather: Gather, authority: trustme.CA, ca_path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Without an Authority Key Identifier
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signing = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    now = datetime.now(timezone.utc)
    name = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "zstack")])
    builder = x509.CertificateBuilder(issuer.subject, subject, key.public_key(), 7, now, now + timedelta(1))
    certificate = builder.add_extension(name, False).sign(signing, hashes.SHA256())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "server.pem"
    path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(form[0]))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        made = create(*arguments, **options)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    # As urllib3 does on Python 3.13
    create = create_urllib3_context
    monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict)
    with Simulator(ssl=context) as zstack:
        line = refusal(gather, zstack, ca_path=ca_path)
    assert "certificate was rejected: Missing Authority Key Identifier. Reissue the certificate" in line


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
