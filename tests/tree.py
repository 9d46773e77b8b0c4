# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Python and Ansible find this collection in a plain checkout."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent


def collections_path() -> str:
    """Return the root of a tree of collections with this one, which is a link to this checkout."""
    link = ROOT / "build" / "ansible_collections" / "zstack" / "cloud"
    link.parent.mkdir(parents=True, exist_ok=True)
    # Relative, so that it is right in a copy of the checkout.
    with suppress(FileExistsError):
        link.symlink_to(Path("..", "..", ".."))
    return str(ROOT / "build")
