# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox==2026.10.20", "antsibull-nox==1.10.0", "ansible-core==2.19.14"]
# ///

"""The tasks of this collection: ``nox --list`` shows them, plain ``nox`` runs those with a star.

The stock sessions of antsibull-nox are configured in antsibull-nox.toml. Here stand those that it would run in
containers, which run in virtual environments instead, and our own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import antsibull_nox
import antsibull_nox.config
import antsibull_nox.sessions
import nox

ROOT = Path(__file__).parent

# What everything is tested on: releases of ansible-core, each with a Python that it runs on. `nox` uses one of them.
CORES = {"2.16.19": "3.10", "2.19.14": "3.11", "2.21.5": "3.13"}
CORE = "2.19.14"

# The oldest that a host may have, in the matrix.
OLDEST_PYTHON = "3.9"
OLDEST_REQUESTS = "requests==2.25.0"

# By file: those that run a long playbook share it among their tests.
DISTRIBUTED = ["--numprocesses=auto", "--dist=loadfile"]

# The share of plugins/ that the integration tests and the unit tests must reach between them.
COVERAGE_PERCENT = 95
INTEGRATION_COVERAGE = ROOT / "tests" / "output" / "integration-coverage"

# pyenv's commands answer only for those Pythons that are switched on: offer nox, and ansible-test, all that it has. And
# first of all what was installed along with nox: antsibull-nox calls ansible-galaxy.
PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
for directory in [*sorted(PYENV.glob("versions/3.*/bin")), Path(sys.executable).parent]:
    os.environ["PATH"] = f"{directory}{os.pathsep}{os.environ['PATH']}"

# Tests have a ZStack of their own. They must not meet one that `make demo` was pointed at.
for name in [name for name in os.environ if name.startswith("ZSTACK_")]:
    del os.environ[name]

nox.needs_version = ">=2026.8.10"
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"  # not uv, which would not look where pip is told to

antsibull_nox.load_antsibull_nox_toml()
# What lints the examples is what lints the collection.
CONFIG = antsibull_nox.config.load_config_from_toml(ROOT / "antsibull-nox.toml")
ANSIBLE_LINT = CONFIG.sessions.ansible_lint.ansible_lint_package.name


def copy_collection(session: nox.Session) -> antsibull_nox.sessions.CollectionSetup:
    """Copy the collection into a tree of its own, where ansible finds it."""
    copy = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if copy is None:
        session.skip("nox is not to run in an environment of its own")
    return copy


def run_ansible_test(session: nox.Session, core: str, test: str, *options: str) -> None:
    """Run a test of ansible-test in a copy of the collection, in virtual environments that it makes."""
    session.install(f"ansible-core=={core}")
    session.run("python", "tests/tools/seed_pip_bootstrap.py")
    copy = copy_collection(session)
    with session.chdir(copy.current_path):
        session.run("ansible-test", test, "--venv", *options, *session.posargs)
        if "--coverage" in options:
            INTEGRATION_COVERAGE.mkdir(parents=True, exist_ok=True)
            session.run("ansible-test", "coverage", "combine", "--requirements", "--export", str(INTEGRATION_COVERAGE))


def add_ansible_test(test: str, core: str, *options: str, default: bool) -> None:
    """Add a session, such as sanity-2.19, that runs a test of ansible-test on one ansible-core."""
    release = core.rpartition(".")[0]
    python = CORES[core]

    @nox.session(name=f"{test}-{release}", python=python, default=default, tags=["matrix"])
    def ansible_test(session: nox.Session) -> None:
        run_ansible_test(session, core, test, *options)

    ansible_test.__doc__ = f"Run ansible-test {test} of ansible-core {release} on Python {python}."


def install_pytest(session: nox.Session, core: str) -> None:
    """Install what the tests of pytest need."""
    session.install(
        f"ansible-core=={core}",
        "pytest==9.2.0",
        "pytest-cov==7.1.0",
        "pytest-xdist==3.8.0",
        "ansible-builder==3.1.1",  # the last for Python 3.10
        "-r",
        "tests/unit/requirements.txt",
    )


def add_system(core: str) -> None:
    """Add a session, such as system-2.19, that tests whole playbooks on one ansible-core, with all else the oldest."""
    release = core.rpartition(".")[0]

    @nox.session(name=f"system-{release}", python=CORES[core], default=False, tags=["matrix"])
    def system(session: nox.Session) -> None:
        install_pytest(session, core)
        session.install(OLDEST_REQUESTS)
        host = Path(session.virtualenv.location).absolute() / "host"
        session.run(f"python{OLDEST_PYTHON}", "-m", "venv", str(host), external=True)
        python = str(host / "bin" / "python")
        session.run(python, "-m", "pip", "install", "--quiet", OLDEST_REQUESTS, external=True)
        # ansible-lint does not run on every ansible-core.
        tests = session.posargs or ["tests/unit/plugins", "tests/system", "--ignore=tests/system/test_lint.py"]
        session.run("pytest", *DISTRIBUTED, *tests, env={"MODULE_PYTHON": python})

    system.__doc__ = f"Test plugins and playbooks on ansible-core {release}, with the oldest that hosts may have."


for core in CORES:
    add_system(core)
    add_ansible_test("sanity", core, default=core == CORE)
    add_ansible_test("integration", core, *(["--coverage"] if core == CORE else []), default=core == CORE)
    add_ansible_test("units", core, "--python", CORES[core], default=False)


@nox.session(default=True)
def molecule(session: nox.Session) -> None:
    """Run the scenarios of molecule. The stock session would start where molecule does not see their config.yml."""
    session.install(f"ansible-core=={CORE}", "molecule==26.10.0", "-r", "tests/integration/requirements.txt")
    copy = copy_collection(session)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(copy.current_place)}
    session.run("molecule", "test", *(session.posargs or ["--all"]), env=env)


@nox.session(default=True)
def docs(session: nox.Session) -> None:
    """Render the guides and the plugins' pages into build/docs; any warning fails."""
    session.install(f"ansible-core=={CORE}", "antsibull-docs==2.28.0", "Sphinx==9.0.4", "sphinx-ansible-theme==0.10.4")
    copy = copy_collection(session)
    source = ROOT / "build" / "docs-source"
    source.mkdir(mode=0o755, parents=True, exist_ok=True)
    session.run(
        *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"),
        *("--cleanup", "everything", "--dest-dir", str(source), "zstack.cloud"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(copy.current_place)},
    )
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-c", "docs/docsite", str(source), "build/docs")
    session.log("Open build/docs/index.html")


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """Make CHANGELOG.rst of the fragments, for the version in galaxy.yml: the first step of a release."""
    session.install(f"ansible-core=={CORE}", "antsibull-changelog==0.36.0")
    session.run("antsibull-changelog", "release", *session.posargs)


@nox.session(python=CORES[CORE], default=True)
def unit(session: nox.Session) -> None:
    """Run unit and system tests. Without arguments: measure them with the integration tests, and demand coverage."""
    install_pytest(session, CORE)
    session.install(ANSIBLE_LINT)
    options = session.posargs
    if not options:
        session.run("coverage", "erase")
        options = [*DISTRIBUTED, "--cov=plugins", "--cov-report=term-missing:skip-covered"]
        # Where the integration tests have not run yet, what is covered is shown, no more
        if measured := sorted(map(str, INTEGRATION_COVERAGE.glob("*"))):
            session.run("coverage", "combine", "--keep", *measured)
            options += ["--cov-append", f"--cov-fail-under={COVERAGE_PERCENT}"]
    session.run("pytest", *options)


# `python noxfile.py` needs nothing but a tool that reads the metadata at the top, such as uv or pipx.
if __name__ == "__main__":
    nox.main()
