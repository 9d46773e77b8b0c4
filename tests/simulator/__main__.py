# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a command: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .faults import CALLS, catalogue
from .simulator import Simulator


def main() -> None:
    """Run a simulator until SIGTERM or SIGINT."""
    arguments = vars(_parser().parse_args())
    if arguments.pop("list_faults"):
        for fault in catalogue().values():
            print(f"{fault.name:32} {fault.summary}")
        return

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_dummy: stop.set())

    faults, ready_file = arguments.pop("fault"), arguments.pop("ready_file")
    certificate, key = arguments.pop("certfile"), arguments.pop("keyfile")
    if certificate:
        arguments["ssl"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        arguments["ssl"].load_cert_chain(certificate, key)

    with Simulator(**arguments) as zstack:
        for name, call in faults:
            zstack.play(name, on=call)
        with _announced(zstack, ready_file):
            scheme = "https" if certificate else "http"
            print(f"A simulated ZStack listens on {scheme}://{zstack.host}:{zstack.port}", flush=True)
            stop.wait()


@contextmanager
def _announced(zstack: Simulator, path: Path | None) -> Iterator[None]:
    """Keep what a caller needs to know in the file *path*, as long as the simulator runs."""
    if path is None:
        yield
        return
    name, password = zstack.account
    key, secret = zstack.access_key
    facts = {
        "host": zstack.host,
        "port": zstack.port,
        "pid": os.getpid(),
        "storage_url": zstack.storage_url,
        "storage_urls": zstack.storage_urls,
        "account_name": name,
        "account_password": password,
        "access_key_id": key,
        "access_key_secret": secret,
        "session_uuid": zstack.open_session(name),
    }
    # Renamed into place, so that whoever waits for the file never reads half of it
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description="A simulated ZStack on 127.0.0.1.")
    switch = argparse.BooleanOptionalAction
    parser.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")
    parser.add_argument("--site", type=Path, help="YAML file of the site to play (the shipped one)")
    parser.add_argument("--ready-file", type=Path, help="write address and credentials here, as JSON, once it listens")
    parser.add_argument("--certfile", type=Path, help="speak https with this certificate")
    parser.add_argument("--keyfile", type=Path, help="key of the certificate, if it is in a file of its own")
    parser.add_argument("--reply", choices=("backups", "infos"), default="backups", help="kind of reply (backups)")
    parser.add_argument("--java", type=int, choices=(8, 9, 20), default=8, help="form of timestamps (8)")
    parser.add_argument("--timezone", help="the server's time zone (the site's)")
    parser.add_argument("--clock-offset", type=float, default=0, help="seconds that the server's clock is ahead (0)")
    parser.add_argument("--has-timezone-call", action=switch, default=True, help="whether it knows platform-timezone")
    parser.add_argument("--has-version-call", action=switch, default=True, help="whether it knows getVersion")
    parser.add_argument("--session-limit", type=int, help="sessions that an account may hold at once (the site's)")
    parser.add_argument("--session-life", type=float, default=7200, help="seconds that an unused session lives (7200)")
    parser.add_argument("--has-access-keys", action=switch, default=True, help="whether it knows AccessKeys")
    parser.add_argument("--scan-seconds", type=float, default=0, help="seconds that each scan takes (0)")
    parser.add_argument("--storage-password", help="the first storage's password (the site's)")
    parser.add_argument("--context-path", default="/zstack", help="where the API is mounted (/zstack)")
    parser.add_argument("--check-timezone", action=switch, default=False, help="heed the zone of a signed Date")
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="NAME[@CALL]", help="play this fault; repeatable"
    )
    parser.add_argument("--list-faults", action="store_true", help="list the faults and leave")
    return parser


def _fault(text: str) -> tuple[str, str | None]:
    name, _dummy, call = text.partition("@")
    fault = catalogue().get(name)
    if fault is None or fault.play is None:
        raise argparse.ArgumentTypeError(f"there is no fault {name!r} to play, see --list-faults")
    if call and call not in CALLS:
        raise argparse.ArgumentTypeError(f"there is no call {call!r}, only {', '.join(CALLS)}")
    return name, call or None


if __name__ == "__main__":
    main()
