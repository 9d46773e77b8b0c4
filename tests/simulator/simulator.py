# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated management node in a thread, for a test or for the command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from .server import Request, Server
from .site import Settings, Site, Storage

HOST = "127.0.0.1"


class Simulator:
    """A management node that listens on 127.0.0.1 while the ``with`` block runs.

    *site* is the YAML file of its site, or None for the shipped one; *settings* are the fields of Settings::

        with Simulator(reply="infos", timezone="UTC") as zstack:
            requests.get(f"http://{zstack.host}:{zstack.port}/zstack/v1/...")
            assert not zstack.sessions
    """

    def __init__(self, site: Path | None = None, **settings: Any) -> None:
        self._settings = Settings(**settings)
        self._site = Site.load(site)
        if self._settings.storage_password is not None:
            first, *others = self._site.storages
            first = replace(first, password=self._settings.storage_password)
            self._site = replace(self._site, storages=[first, *others])
        self._server = Server(self._site, self._settings)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="zstack", daemon=True)
        self._listening: Future[int] = Future()
        self.host = HOST
        self.port = 0

    def __enter__(self) -> Simulator:
        self._thread.start()
        self.port = self._listening.result()
        return self

    def __exit__(self, *_dummy: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def credentials(self, method: str, account: str | None = None) -> dict[str, str]:
        """Return the options of an authentication method, session, account or access_key, for the *account* so named.

        If omitted, it is the site's first account.
        """
        it = next(each for each in self._site.accounts if account in (None, each.name))
        if method == "session":
            return {"session_uuid": self._server.node.open_session(it.name)}
        if method == "access_key":
            key, secret = next(iter(it.access_keys.items()))
            return {"access_key_id": key, "access_key_secret": secret}
        return {"account_name": it.name, "account_password": it.password}

    @property
    def options(self) -> dict[str, Any]:
        """The options of a task that logs in here."""
        return {"host": self.host, "port": self.port, **self.credentials("account")}

    @property
    def variables(self) -> dict[str, Any]:
        """The same as variables, which the lookup and the playbooks read."""
        return {f"zstack_{option}": value for option, value in self.options.items()}

    @property
    def env(self) -> dict[str, str]:
        """The same as environment variables."""
        return {variable.upper(): str(value) for variable, value in self.variables.items()}

    @property
    def account(self) -> tuple[str, str]:
        """Name and password of the site's first account."""
        known = self.credentials("account")
        return known["account_name"], known["account_password"]

    @property
    def access_key(self) -> tuple[str, str]:
        """ID and secret of this account's first AccessKey."""
        known = self.credentials("access_key")
        return known["access_key_id"], known["access_key_secret"]

    @property
    def storages(self) -> list[Storage]:
        """The site's backup storages, each with its url, url_without_password, password and total of backups."""
        return self._site.storages

    @property
    def storage_urls(self) -> list[str]:
        """The URLs of the backup storages, with their passwords."""
        return [storage.url for storage in self.storages]

    @property
    def storage_url(self) -> str:
        """The URL of the first backup storage, with its password."""
        return self.storage_urls[0]

    @property
    def requests(self) -> list[Request]:
        """The requests so far, oldest first."""
        return self._server.requests

    @property
    def paths(self) -> list[str]:
        """The paths of these requests."""
        return [request.path for request in self.requests]

    @property
    def sessions(self) -> dict[str, str]:
        """The open sessions: their accounts by UUID."""
        return dict(self._server.node.sessions)

    def open_session(self) -> str:
        """Open a session of the first account, as a login does, and return its UUID."""
        return self.credentials("session")["session_uuid"]

    def inject(self, fault: str | Mapping[str, Any], on: str | None = None, times: int | None = None) -> None:
        """Inject a fault: its name in the catalogue, or the fields of Injection.

        It affects the next *times* requests of the call *on*, one of CALLS. If omitted, it affects all requests of the
        call that the catalogue names. Raises LookupError, TypeError or ValueError if there is no such fault or call.
        """
        self._server.faults.add(fault, on, times)

    def freeze(self, at: datetime) -> None:
        """Answer with this time until ``clear``, so that ages are the same however long a test takes."""
        self.inject({"headers": {"Date": format_datetime(at.astimezone(timezone.utc), usegmt=True)}}, on="any")

    def clear(self) -> None:
        """Forget the faults and the requests."""
        self._server.faults.clear()
        self._server.requests.clear()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        # A handler ends with its connection, or a fault without an end would outlive the client.
        runner = web.AppRunner(
            self._server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        try:
            await runner.setup()
            await web.TCPSite(runner, HOST, self._settings.port, ssl_context=self._settings.ssl).start()
        except Exception as error:  # raised by whoever waits for the port
            self._listening.set_exception(error)
        else:
            self._listening.set_result(runner.addresses[0][1])
            await self._stopped.wait()
            # Aborted, not closed: a client that keeps its connection open would never complete a close of TLS.
            for connection in runner.server.connections if runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()
        finally:
            await runner.cleanup()
