# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the simulator without any code of the collection, which could make the same mistake."""

from __future__ import annotations

import base64
import hashlib
import hmac
import weakref
from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from ansible_collections.zstack.cloud.tests.limits import HANGS
from ansible_collections.zstack.cloud.tests.simulator import Simulator

SCAN = "/v1/database-backups/image-store"
SHANGHAI = timezone(timedelta(hours=8))


class _NoRedirects(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target, or requests would read the body of a redirect that it does not follow."""


class Caller:
    """Calls the API of *zstack* over one connection, without the proxies of the environment."""

    def __init__(self, zstack: Simulator, scheme: str = "http", verify: str | bool = True) -> None:
        self.zstack = zstack
        self._url = f"{scheme}://{zstack.host}:{zstack.port}"
        self._http = _NoRedirects()
        self._http.trust_env = False
        self._http.verify = verify
        weakref.finalize(self, self._http.close)

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.raw(method, "/zstack" + path, **arguments)

    def raw(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self._http.request(method, self._url + path, **{"timeout": HANGS, "allow_redirects": False, **arguments})

    def login_body(self, password: str | None = None) -> dict[str, Any]:
        name, right_password = self.zstack.account
        digest = hashlib.sha512((password or right_password).encode()).hexdigest()
        return {"logInByAccount": {"accountName": name, "password": digest}}

    def log_in(self, password: str | None = None, **arguments: Any) -> requests.Response:
        return self.call("PUT", "/v1/accounts/login", json=self.login_body(password), **arguments)

    def log_out(self, session: str, **arguments: Any) -> requests.Response:
        return self.call("DELETE", f"/v1/accounts/sessions/{session}", **arguments)

    def scan(self, session: str | None = None, **query: Any) -> requests.Response:
        """Scan the first storage, or the one in *query*, with *session* or a new one."""
        session = session or self.zstack.open_session()
        arguments = {"stream": query.pop("stream")} if "stream" in query else {}
        return self.get(SCAN, session, params={"url": self.zstack.storage_url, **query}, **arguments)

    def get(self, path: str, session: str, **arguments: Any) -> requests.Response:
        return self.call("GET", path, headers={"Authorization": f"OAuth {session}"}, **arguments)

    def signed_scan(self, date: str, secret: str | None = None, path: str = SCAN, **query: Any) -> requests.Response:
        """Scan with the site's AccessKey, signed with *secret* and for *path*."""
        return self.signed(SCAN, date, secret, path, params={"url": self.zstack.storage_url, **query})

    def signed(
        self,
        target: str,
        date: str,
        secret: str | None = None,
        path: str | None = None,
        account: str | None = None,
        **arguments: Any,
    ) -> requests.Response:
        """Call *target* with an AccessKey of *account*, signed with *secret* and for *path*."""
        key, right_secret = self.zstack.credentials("access_key", account).values()
        text = f"GET\n{date}\n{path or target}".encode()
        digest = hmac.new((secret or right_secret).encode(), text, hashlib.sha1).digest()
        headers = {"Date": date, "Authorization": f"ZStack {key}:{base64.b64encode(digest).decode()}"}
        return self.call("GET", target, headers=headers, **arguments)


def plain(reply: requests.Response) -> tuple[int, str]:
    """Status and text of a reply that never reached the API."""
    return reply.status_code, reply.content.decode()


def error_of(reply: requests.Response) -> dict[str, Any]:
    """The error envelope of a failed call, which has to be one."""
    assert reply.status_code == 503, reply.content
    error = reply.json()["error"]
    assert isinstance(error, dict)
    return error


def date(zone: timezone = SHANGHAI, name: str = "GMT+08:00", **late: float) -> str:
    """The time in *zone* now, or *late*, with the zone called *name*."""
    return f"{datetime.now(zone) + timedelta(**late):%a, %d %b %Y %H:%M:%S} {name}"


def read(text: str, zone: timezone = timezone.utc) -> datetime:
    """A timestamp of the server."""
    return datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone)
