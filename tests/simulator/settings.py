# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a simulator, which are also options of the command."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields
from ssl import SSLContext
from typing import Any, Literal


def _setting(default: Any, summary: str, **argument: Any) -> Any:
    """Return a field that is also an option of the command, with more arguments of ``add_argument`` if it needs any."""
    if isinstance(default, bool):
        argument["action"] = argparse.BooleanOptionalAction
    elif default is not None:
        argument = {"type": type(default), **argument}
        summary += " (default: %(default)s)"
    return field(default=default, metadata={"default": default, "help": summary, **argument})


@dataclass(frozen=True)
class Settings:
    """How a simulator behaves. The file of its site lists what it has."""

    port: int = _setting(0, "port to listen on; 0 for a free one")
    #: The context of a server that speaks HTTPS. The command makes one from the files of its certificate.
    ssl: SSLContext | None = None
    reply: Literal["backups", "infos"] = _setting(
        "backups",
        "backups as today's servers reply, or infos as in the API reference",
        choices=("backups", "infos"),
    )
    java: int = _setting(8, "release of the server's Java: 9 and 20 changed the form of timestamps")
    timezone: str | None = _setting(None, "the server's time zone, as Java names it, instead of the site's")
    clock_offset: float = _setting(0.0, "seconds that the server's clock is ahead")
    has_timezone_call: bool = _setting(
        True, "whether the server has platform-timezone, which is missing in old releases"
    )
    has_version_call: bool = _setting(True, "whether the server has getVersion")
    session_limit: int | None = _setting(None, "concurrent sessions of an account, instead of the site's", type=int)
    session_life: float = _setting(7200.0, "seconds until an unused session expires")
    has_access_keys: bool = _setting(True, "whether the server has AccessKeys, which are missing in old releases")
    scan_seconds: float = _setting(0.0, "seconds that each scan takes")
    storage_password: str | None = _setting(None, "password of the first storage, instead of the site's")
    context_path: str = _setting("/zstack", "path of the API, which is Tomcat's context path")
    check_timezone: bool = _setting(
        False, "whether the zone in the Date of a signed request counts: rest.checkTimeZone"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting to the parser of the command."""
    for setting in fields(Settings):
        if setting.metadata:
            parser.add_argument("--" + setting.name.replace("_", "-"), **setting.metadata)
