# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a command: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from .simulator import Simulator
from .site import SHIPPED


def main() -> None:
    """Run a simulator until SIGTERM or SIGINT."""
    parser = _parser()
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_dummy: stop.set())
    with ExitStack() as running:
        try:
            zstack = running.enter_context(Simulator(arguments.site, port=arguments.port, **dict(arguments.set)))
            for fault in arguments.fault:
                name, _dummy, call = fault.partition("@")
                zstack.inject(name, on=call or None)
        except (OSError, LookupError, TypeError, ValueError) as error:  # such as a port in use
            parser.exit(2, f"{parser.prog}: {error}\n")
        running.enter_context(_announced(zstack, arguments.ready_file))
        print(f"A simulated ZStack listens on http://{zstack.host}:{zstack.port}", flush=True)
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
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument(
        "--ready-file", type=Path, help="write the address and the credentials here once it is listening"
    )
    for option, metavar, kind, words in (
        ("--set", "NAME=VALUE", _setting, "a setting of site.py"),
        ("--fault", "NAME[@CALL]", str, "inject a fault of the catalogue"),
    ):
        parser.add_argument(
            option, type=kind, action="append", default=[], metavar=metavar, help=f"{words}; repeatable"
        )
    return parser


def _setting(text: str) -> tuple[str, Any]:
    name, _dummy, value = text.partition("=")
    return name, yaml.safe_load(value)


if __name__ == "__main__":
    main()
