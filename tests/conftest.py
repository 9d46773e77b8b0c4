# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, Phase, settings

from ansible_collections.zstack.cloud.plugins.module_utils import _backups
from ansible_collections.zstack.cloud.plugins.module_utils._backups import Options, argument_spec, check
from ansible_collections.zstack.cloud.plugins.module_utils._options import set_options
from ansible_collections.zstack.cloud.tests.simulator import Simulator

# Property tests try the same examples each time, and take as long as they need. Others: --hypothesis-profile=random
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("random", settings.get_profile("repeatable"), derandomize=False)
# For mutation testing, where only whether a test fails counts: without a search for the simplest example.
settings.register_profile("mutants", settings.get_profile("repeatable"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the options, proxies, certificates and NETRC of whoever runs the tests from the environment."""
    for name in os.environ:
        if name.startswith("ZSTACK_") or name.lower().endswith(("_proxy", "_ca_bundle")) or name == "NETRC":
            monkeypatch.delenv(name)


@pytest.fixture
def zstack() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority of the tests."""
    return trustme.CA()


@pytest.fixture
def ca_path(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of that certificate authority."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure_zstack(authority: trustme.CA) -> Iterator[Simulator]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Simulator(ssl=context) as simulator:
        yield simulator


@pytest.fixture
def checked() -> Callable[..., Options]:
    """Check options as the modules and the lookup do: first against the argument spec."""

    def make(urls: list[Any] | None = None, **written: Any) -> Options:
        result = ArgumentSpecValidator(argument_spec()).validate(set_options({"host": "zstack.example.com", **written}))
        assert not result.error_messages, result.error_messages
        return check(result.validated_parameters, urls or ["ssh://root:password@192.0.2.20/bs"], [set_options(written)])

    return make


@pytest.fixture
def warnings() -> list[str]:
    """The warnings of `gather`."""
    return []


@pytest.fixture
def gather(checked: Callable[..., Options], warnings: list[str]) -> Callable[..., Any]:
    """Gather from a simulator: the result of its first storage, or with ``urls`` a list of results.

    Its account logs in, unless the options include another authentication method.
    """

    def run(zstack: Simulator, urls: list[Any] | None = None, report: bool = False, **options: Any) -> Any:
        known = {"host": zstack.host, "port": zstack.port, "retries": 0}
        if not {"session_uuid", "access_key_id"} & options.keys():
            known |= zstack.credentials("account")
        asked = checked(urls or [zstack.storage_url], **{**known, **options})
        results = _backups.gather(asked, warnings.append, report=report)
        return results if urls else results[0]

    return run
