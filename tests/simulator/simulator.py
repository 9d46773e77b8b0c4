# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated ZStack management node in a thread, to be used from a test or behind a command."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from .server import Request, Server
from .sessions import Session
from .settings import Settings
from .site import Site, Storage

HOST = "127.0.0.1"


class Simulator:
    """A management node that listens on 127.0.0.1 while the ``with`` block runs.

    *site* is the YAML file of the site to play, the shipped one if None; *settings* are the fields of Settings::

        with Simulator(reply="infos", timezone="UTC") as zstack:
            requests.get(f"http://{zstack.host}:{zstack.port}/zstack/v1/...")
            assert not zstack.sessions
    """

    def __init__(self, site: Path | str | None = None, **settings: Any) -> None:
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that lead a client here."""
        return {"ZSTACK_HOST": self.host, "ZSTACK_PORT": str(self.port)}

    @property
    def account(self) -> tuple[str, str]:
        """Name and password of the site's first account."""
        account = self._site.accounts[0]
        return account.name, account.password

    @property
    def access_key(self) -> tuple[str, str]:
        """Id and secret of the first account's first access key."""
        return next(iter(self._site.accounts[0].access_keys.items()))

    @property
    def storages(self) -> list[Storage]:
        """The site's backup storages, each with its url, url_without_password, password and total of backups."""
        return self._site.storages

    @property
    def storage_urls(self) -> list[str]:
        """The URLs of the site's backup storages, as a caller has to write them."""
        return [storage.url for storage in self.storages]

    @property
    def storage_url(self) -> str:
        """The URL of the first backup storage."""
        return self.storage_urls[0]

    @property
    def requests(self) -> list[Request]:
        """The requests seen so far, oldest first."""
        return self._server.requests

    @property
    def sessions(self) -> dict[str, Session]:
        """The sessions that are open now, by uuid."""
        return self._server.node.sessions.alive()

    def open_session(self, account: str) -> str:
        """The uuid of a new session, as somebody's login would have left it."""
        return self._server.node.sessions.open(account).uuid

    def play(self, fault: str | Mapping[str, Any], on: str | None = None, times: int | None = None) -> None:
        """Arm *fault*: a name of the catalogue, or what to play as its entries have it under ``play``.

        It hits the next *times* requests, or all, of the call *on*: scan, login, logout, timezone, version or any; if
        None, the call that the catalogue names. Raises LookupError, TypeError or ValueError for what does not exist.
        """
        self._server.faults.arm(fault, on, times)

    def clear(self) -> None:
        """Forget the armed faults and the recorded requests."""
        self._server.faults.clear()
        self._server.requests.clear()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        # A handler ends with its connection, so that a fault which is never over does not outlive the client
        runner = web.AppRunner(
            self._server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        try:
            await runner.setup()
            await web.TCPSite(runner, HOST, self._settings.port, ssl_context=self._settings.ssl).start()
        except Exception as error:  # whatever it is belongs to whoever waits for the port
            self._listening.set_exception(error)
        else:
            self._listening.set_result(runner.addresses[0][1])
            await self._stopped.wait()
            # Not closed but aborted: a client that keeps its connection open would never complete a close of TLS
            for connection in runner.server.connections if runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()
        finally:
            await runner.cleanup()
