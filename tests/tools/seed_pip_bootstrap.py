# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spare ``ansible-test --venv`` the download of pip's bootstrap script.

The script lies on a server that machines behind a package mirror do not reach. ansible-test looks into its cache first,
so what is put there is a bootstrap that starts from the pip inside Python and gets the wanted one from wherever pip is
configured to look. A script that is already there stays. Run this with a Python that has ansible-core installed.
"""

from __future__ import annotations

import re
from importlib.metadata import files
from pathlib import Path

CACHE = Path("~/.ansible/test/cache").expanduser()

# ansible-test hands it pip's options, the packages (pip of one version among them), and two options that only the
# original script knows.
BOOTSTRAP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *arguments]))
"""


def wanted_versions() -> set[str]:
    """The versions of pip that the installed ansible-test asks for."""
    sources = files("ansible-core") or []
    source = next(file for file in sources if file.match("ansible_test/_internal/python_requirements.py"))
    return set(re.findall(r"\bpip='([\d.]+)'", source.read_text()))


def main() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    for version in sorted(wanted_versions()):
        script = CACHE / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            script.write_text(BOOTSTRAP)
            print(f"Seeded {script}")


if __name__ == "__main__":
    main()
