# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a simulator, which are also options of the command."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields
from ssl import SSLContext
from typing import Any, Literal


def _option(summary: str, **argument: Any) -> dict[str, Any]:
    """Return the metadata of a setting that is also an option of the command: arguments of ``add_argument``."""
    return {"help": summary, **argument}


@dataclass(frozen=True)
class Settings:
    """How a simulator behaves. The file of its site lists what it has."""

    port: int = field(default=0, metadata=_option("port to listen on; 0 for a free one"))
    #: The context of a server that speaks HTTPS. The command makes one from the files of its certificate.
    ssl: SSLContext | None = None
    reply: Literal["backups", "backups-3.0", "infos"] = field(
        default="backups",
        metadata=_option(
            "backups as today's servers reply, or as releases 3.0.0 to 3.1.3 did, or infos as in the API reference",
            choices=("backups", "backups-3.0", "infos"),
        ),
    )
    errors: Literal["text", "json"] = field(
        default="text",
        metadata=_option(
            "how a request is refused that does not reach the API: text, or json as newer servers do",
            choices=("text", "json"),
        ),
    )
    zsphere: bool = field(default=False, metadata=_option("whether the server is ZSphere's"))
    rate_limit: int | None = field(
        default=None, metadata=_option("calls a minute before the server answers 429", type=int)
    )
    java: int = field(
        default=8, metadata=_option("release of the server's Java: 9 and 20 changed the form of timestamps")
    )
    timezone: str | None = field(
        default=None, metadata=_option("the server's time zone, as Java names it, instead of the site's")
    )
    clock_offset: float = field(default=0.0, metadata=_option("seconds that the server's clock is ahead"))
    has_timezone_call: bool = field(
        default=True, metadata=_option("whether the server has platform-timezone, which is missing in old releases")
    )
    has_version_call: bool = field(default=True, metadata=_option("whether the server has getVersion"))
    session_limit: int | None = field(
        default=None, metadata=_option("concurrent sessions of an account, instead of the site's", type=int)
    )
    session_life: float = field(default=7200.0, metadata=_option("seconds until an unused session expires"))
    has_access_keys: bool = field(
        default=True, metadata=_option("whether the server has AccessKeys, which are missing in old releases")
    )
    scan_seconds: float = field(default=0.0, metadata=_option("seconds that each scan takes"))
    storage_password: str | None = field(
        default=None, metadata=_option("password of the first storage, instead of the site's")
    )
    context_path: str = field(default="/zstack", metadata=_option("path of the API, which is Tomcat's context path"))
    check_timezone: bool = field(
        default=False, metadata=_option("whether the zone in the Date of a signed request counts: rest.checkTimeZone")
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting to the parser of the command."""
    for setting in fields(Settings):
        if setting.metadata:
            argument = {"default": setting.default, **setting.metadata}
            if isinstance(setting.default, bool):
                argument["action"] = argparse.BooleanOptionalAction
            elif setting.default is not None:
                argument = {
                    "type": type(setting.default),
                    **argument,
                    "help": f"{argument['help']} (default: %(default)s)",
                }
            parser.add_argument("--" + setting.name.replace("_", "-"), **argument)
