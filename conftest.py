# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let pytest import the collection as ansible does. ansible-test already takes care of this."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

# Ansible's modules set the locale of the process from this. Another locale would translate messages that tests compare.
os.environ["LC_ALL"] = "C.UTF-8"


def find_collection() -> None:
    # tests/tree.py cannot be imported yet, because it creates the tree that modules are imported from.
    tree = runpy.run_path(str(Path(__file__).parent / "tests" / "tree.py"))["collections_path"]()
    # For commands that the tests run
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = os.environ["PYTHONPATH"] = tree
    sys.path.insert(0, tree)

    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()


if not any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
    find_collection()
