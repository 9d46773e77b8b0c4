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

LOGIN = "/v1/accounts/login"
SCAN = "/v1/database-backups/image-store"
STORES = "/v1/backup-storage/image-store"
TIMEZONE = "/v1/management-nodes/platform-timezone"
VERSION = "/v1/management-nodes/actions"
SHANGHAI = timezone(timedelta(hours=8))


class Caller:
    """Calls the API of *zstack* over one connection, without the proxies of the environment."""

    def __init__(self, zstack: Simulator, scheme: str = "http", verify: str | bool = True) -> None:
        self.zstack = zstack
        self._url = f"{scheme}://{zstack.host}:{zstack.port}"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = verify
        weakref.finalize(self, self._http.close)

    def raw(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self._http.request(method, self._url + path, **{"timeout": HANGS, "allow_redirects": False, **arguments})

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.raw(method, "/zstack" + path, **arguments)

    def get(self, path: str, session: str, **query: Any) -> requests.Response:
        return self.call("GET", path, headers={"Authorization": f"OAuth {session}"}, params=query)

    def log_in(self, password: str | None = None) -> requests.Response:
        name, right_password = self.zstack.account
        digest = hashlib.sha512((password or right_password).encode()).hexdigest()
        return self.call("PUT", LOGIN, json={"logInByAccount": {"accountName": name, "password": digest}})

    def log_out(self, session: str) -> requests.Response:
        return self.call("DELETE", f"/v1/accounts/sessions/{session}")

    def scan(self, session: str | None = None, **query: Any) -> requests.Response:
        """Scan the first storage, or the one in *query*, with *session* or a new one."""
        return self.get(SCAN, session or self.zstack.open_session(), **{"url": self.zstack.storage_url, **query})

    def signed(
        self, target: str, date: str, secret: str = "", path: str = "", account: str = "admin"
    ) -> requests.Response:
        """Call *target* with an AccessKey of *account*, signed with *secret* and for *path*."""
        key, right_secret = self.zstack.credentials("access_key", account).values()
        digest = hmac.digest((secret or right_secret).encode(), f"GET\n{date}\n{path or target}".encode(), hashlib.sha1)
        headers = {"Date": date, "Authorization": f"ZStack {key}:{base64.b64encode(digest).decode()}"}
        return self.call("GET", target, headers=headers, params={"url": self.zstack.storage_url})


def plain(reply: requests.Response) -> tuple[int, str]:
    """Status and text of a reply that never reached the API."""
    return reply.status_code, reply.content.decode()


def error_of(reply: requests.Response) -> dict[str, Any]:
    """The error envelope of a failed call, which has to be one."""
    assert reply.status_code == 503, reply.content
    error = reply.json()["error"]
    assert isinstance(error, dict)
    return error


def read(text: str, zone: timezone = SHANGHAI) -> datetime:
    """A timestamp of the server."""
    return datetime.strptime(text, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=zone)
