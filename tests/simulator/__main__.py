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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from .faults import Faults, catalogue
from .simulator import Simulator
from .site import SHIPPED, Settings


def main() -> None:
    """Run a simulator until SIGTERM or SIGINT."""
    parser = _parser()
    arguments = vars(parser.parse_args())
    if arguments.pop("list_faults"):
        for fault in catalogue().values():
            print(f"{fault.name:32} {fault.summary}")
        return

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_dummy: stop.set())

    faults, ready_file = arguments.pop("fault"), arguments.pop("ready_file")
    certificate, key = arguments.pop("certfile"), arguments.pop("keyfile")
    with ExitStack() as running:
        try:
            if certificate:
                arguments["ssl"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                arguments["ssl"].load_cert_chain(certificate, key)
            zstack = running.enter_context(Simulator(**arguments))
        except OSError as error:  # such as a port in use
            parser.exit(2, f"{parser.prog}: {error}\n")
        for name, call in faults:
            zstack.inject(name, on=call)
        running.enter_context(_announced(zstack, ready_file))
        scheme = "https" if certificate else "http"
        print(f"A simulated ZStack listens on {scheme}://{zstack.host}:{zstack.port}", flush=True)
        stop.wait()


@contextmanager
def _announced(zstack: Simulator, path: Path | None) -> Iterator[None]:
    """Keep the address and the credentials in the file *path* for as long as the block runs."""
    if path is None:
        yield
        return
    facts = {
        **zstack.options,
        **zstack.credentials("access_key"),
        **zstack.credentials("session"),
        "pid": os.getpid(),
        "storage_url": zstack.storage_url,
        "totals": [storage.total for storage in zstack.storages],
    }
    # Renamed, so that no reader sees an incomplete file.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator",
        description="Simulate a ZStack management node on 127.0.0.1.",
    )
    parser.add_argument("--site", type=Path, default=SHIPPED, help="YAML file of the site (default: %(default)s)")
    for setting in fields(Settings):
        if setting.metadata:
            parser.add_argument("--" + setting.name.replace("_", "-"), **_argument(setting.default, setting.metadata))
    parser.add_argument("--certfile", type=Path, help="speak HTTPS with this certificate")
    parser.add_argument("--keyfile", type=Path, help="key of the certificate, if it is not in the same file")
    parser.add_argument(
        "--ready-file", type=Path, help="write the address and the credentials here once it is listening"
    )
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="NAME[@CALL]", help="inject this fault; repeatable"
    )
    parser.add_argument("--list-faults", action="store_true", help="list the faults and exit")
    return parser


def _argument(default: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of add_argument for a setting with this default."""
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction, "default": default, **metadata}
    if default is None:
        return dict(metadata)
    return {**metadata, "type": type(default), "default": default, "help": f"{metadata['help']} (default: %(default)s)"}


def _fault(text: str) -> tuple[str, str | None]:
    name, _dummy, call = text.partition("@")
    try:
        Faults().add(name, call or None)
    except (LookupError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{error}, see --list-faults") from None
    return name, call or None


if __name__ == "__main__":
    main()
