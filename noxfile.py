# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = [
#   "nox==2026.10.20",
#   "antsibull-nox==1.10.0",
#   "ansible-core==2.17.14; python_version < '3.11'",
#   "ansible-core==2.19.14; python_version >= '3.11'",
# ]
# ///

"""The nox sessions of this collection. ``nox --list`` lists them, and ``nox`` runs those that are marked with a star.

antsibull-nox.toml configures the standard sessions of antsibull-nox. This file defines the others, including those that
antsibull-nox would run in containers. Here they use virtual environments.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import antsibull_nox
import antsibull_nox.ansible
import antsibull_nox.collection
import antsibull_nox.sessions
import antsibull_nox.sessions.utils
import nox
from packaging.version import Version

ROOT = Path(__file__).parent

# The releases of ansible-core to test with, each with a Python version. Plain `nox` uses only one of them, CORE.
CORES = {
    "2.16.19": "3.10",
    "2.17.14": "3.12",
    "2.18.19": "3.13",
    "2.19.14": "3.11",
    "2.20.10": "3.12",
    "2.21.5": "3.13",
    "2.22.0rc1": "3.13",  # until the release is on PyPI
}
CORE = next(core for core in CORES if core.startswith("2.19."))
OLDEST_CORE, NEWEST_CORE = next(iter(CORES)), next(reversed(CORES))
# If LATEST_PATCHES is set, sessions use the latest patch release of each. The weekly run of the workflow sets it.
PINNED = "~=" if os.environ.get("LATEST_PATCHES") else "=="
# The Python for the development version of ansible-core, whose session may fail.
DEVEL_PYTHON = "3.14"

# The oldest supported versions on a host.
OLDEST_PYTHON = "3.9"
OLDEST_REQUESTS = "requests==2.25.0"

# Tests of a group, such as those that share a long playbook, run in one process, and any others where there is room.
# There is a process more than cores, because one of the groups mostly waits.
DISTRIBUTED = [f"--numprocesses={(os.cpu_count() or 1) + 1}", "--dist=loadgroup"]

# pyenv's shims only work for active Python versions, so put all installed versions on the PATH. The directory of nox
# comes first, because antsibull-nox calls the ansible-galaxy in it.
PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
for directory in [*sorted(PYENV.glob("versions/3.*/bin")), Path(sys.executable).parent]:
    os.environ["PATH"] = f"{directory}{os.pathsep}{os.environ['PATH']}"

# Tests use a simulator. They must not connect to the platform that is set for `make demo`.
# Nor may they depend on Ansible settings in the environment of whoever runs them.
for name in [name for name in os.environ if name.startswith(("ZSTACK_", "ANSIBLE_"))]:
    del os.environ[name]

nox.needs_version = ">=2026.10.20"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.allow_parallel = True  # with --parallel, because most sessions use one core
nox.options.default_venv_backend = "virtualenv"  # not uv, which ignores the configuration of pip

antsibull_nox.load_antsibull_nox_toml()


def stock_package(name: str) -> str:
    """Return the requirement for a package that antsibull-nox.toml pins."""
    settings = (ROOT / "antsibull-nox.toml").read_text(encoding="utf-8")
    (package,) = re.findall(rf'"({name}==[^"]+)"', settings)
    return str(package)


# The examples are linted with the same version as the collection.
ANSIBLE_LINT = stock_package("ansible-lint")


def copy_collection(session: nox.Session) -> antsibull_nox.sessions.CollectionSetup:
    """Copy the collection to a directory in which ansible finds it."""
    copy = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if copy is None:
        session.skip("nox runs without virtual environments")
    return copy


def release_of(core: str) -> str:
    """Return the release of a version of ansible-core, such as 2.19."""
    return core.rpartition(".")[0]


def add_to_matrix(name: str, pythons: Iterable[str], *, optional: bool = False) -> None:
    """Add a session to the matrix of the GitHub workflow, which ``nox -s matrix-generator`` prints."""
    session = {"name": name, "python": "\n".join(pythons), "optional": optional}
    antsibull_nox.sessions.utils.register("sessions", session)


def run_ansible_test(session: nox.Session, package: str, test: str, *options: str) -> None:
    """Run ansible-test in a copy of the collection, with virtual environments."""
    session.install(package)
    session.run("python", "tests/tools/seed_pip_bootstrap.py")
    copy = copy_collection(session)
    with session.chdir(copy.current_path):
        session.run("ansible-test", test, *options, *session.posargs)
        if test == "sanity":
            refuse_skipped_tests(session, Path("tests/output/junit"))


def refuse_skipped_tests(session: nox.Session, reports: Path) -> None:
    """Fail if a sanity test was skipped because a requirement is missing."""
    skipped = [
        f"{element.get('message') or element.text}"
        for report in sorted(reports.glob("*.xml"))
        for element in ElementTree.parse(report).iter("skipped")
    ]
    if reasons := [reason for reason in skipped if "Skipping sanity test" in reason]:
        session.error("\n".join(reasons))


def add_ansible_test(test: str, core: str, *options: str, default: bool) -> None:
    """Add a session, such as units-2.19, that runs ansible-test with one ansible-core."""
    release = release_of(core)
    python = CORES[core]

    @nox.session(name=f"{test}-{release}", python=python, default=default, tags=["matrix"])
    def ansible_test(session: nox.Session) -> None:
        run_ansible_test(session, f"ansible-core{PINNED}{core}", test, "--venv", *options)

    ansible_test.__doc__ = f"Run ansible-test {test} with ansible-core {release} and Python {python}."
    add_to_matrix(f"{test}-{release}", [python])


def host_pythons(release: str) -> list[str]:
    """Return the Python versions on hosts that both a release of ansible-core and this collection support."""
    core = antsibull_nox.ansible.parse_ansible_core_version(release)
    pythons = map(str, antsibull_nox.ansible.get_ansible_core_info(core).remote_python_versions)
    return [python for python in pythons if Version(python) >= Version(OLDEST_PYTHON)]


def run_sanity(session: nox.Session, package: str, pythons: list[str], *options: str) -> None:
    """Run the sanity tests. The tests that compile and import modules use each of these Python versions."""
    targets = [f"--target-python={python}" for python in pythons]
    controller = f"--controller=origin:python=venv/{session.python}"
    run_ansible_test(session, package, "sanity", "--junit", controller, *targets, *options)


def add_sanity(release: str, package: str, python: str, *, optional: bool = False) -> None:
    """Add a session, such as sanity-2.19, that requires all Python versions that are supported on hosts."""
    pythons = host_pythons(release)

    # Not parallel, because ansible-test keeps the environments for sanity tests in the home directory.
    @nox.session(
        name=f"sanity-{release}",
        python=python,
        default=False,
        tags=["devel" if optional else "matrix"],
        allow_parallel=False,
    )
    def sanity(session: nox.Session) -> None:
        if missing := [python for python in pythons if not shutil.which(f"python{python}")]:
            session.error(f"not found: Python {', '.join(missing)}. This session requires Python {', '.join(pythons)}")
        run_sanity(session, package, pythons)

    sanity.__doc__ = f"Run the sanity tests of ansible-core {release} with all Python versions supported on hosts."
    add_to_matrix(f"sanity-{release}", sorted({*pythons, python}, key=Version), optional=optional)


@nox.session(python=CORES[CORE], default=True)
def sanity(session: nox.Session) -> None:
    """Run the sanity tests with one Python version and without pylint. The matrix runs all of them on all versions."""
    # pylint takes longer than all others together.
    run_sanity(session, f"ansible-core{PINNED}{CORE}", [CORES[CORE]], "--skip-test=pylint")


def install_pytest(session: nox.Session, core: str, *others: str) -> None:
    """Install the requirements of the pytest tests, and others."""
    session.install(
        f"ansible-core{PINNED}{core}",
        stock_package("pytest"),
        "pytest-xdist==3.8.0",
        "ansible-builder==3.1.1",  # the last version for Python 3.10
        "-r",
        "tests/unit/requirements.txt",
        *others,
    )


def add_system(core: str) -> None:
    """Add a session, such as system-2.19, that tests playbooks with one ansible-core and the oldest requests.

    The oldest ansible-core also tests plugins with that requests. On any other, units-* tests them with the latest. The
    oldest and the newest run the modules with the oldest Python, and the long variants of tests. On those between, only
    the role, the playbooks and the way options are set are tested, which is where releases of ansible-core differ.
    """
    release = release_of(core)

    @nox.session(name=f"system-{release}", python=CORES[core], default=False, tags=["matrix"])
    def system(session: nox.Session) -> None:
        install_pytest(session, core)
        session.install(OLDEST_REQUESTS)
        if core not in (OLDEST_CORE, NEWEST_CORE):
            parts = ("verify_role", "list_playbooks", "plugin_options", "demo")
            tests = [f"tests/system/test_{part}.py" for part in parts]
            session.run("pytest", *DISTRIBUTED, *(session.posargs or tests))
            return
        host = Path(session.virtualenv.location).absolute() / "host"
        session.run(f"python{OLDEST_PYTHON}", "-m", "venv", str(host), external=True)
        python = str(host / "bin" / "python")
        session.run(python, "-m", "pip", "install", "--quiet", OLDEST_REQUESTS, external=True)
        # ansible-lint does not run on every ansible-core.
        tests = ["tests/system", "-k", "not ansible_lint"]
        if core == OLDEST_CORE:
            tests.append("tests/unit/plugins")
        env = {"MODULE_PYTHON": python, "LONG_TESTS": "1"}
        session.run("pytest", *DISTRIBUTED, *(session.posargs or tests), env=env)

    system.__doc__ = f"Test playbooks with ansible-core {release} and the oldest requests."
    oldest = [OLDEST_PYTHON] if core in (OLDEST_CORE, NEWEST_CORE) else []
    add_to_matrix(f"system-{release}", [*oldest, CORES[core]])


for core in CORES:
    add_system(core)
    add_sanity(release_of(core), f"ansible-core{PINNED}{core}", CORES[core])
    add_ansible_test("integration", core, default=core == CORE)
    # Other tests have nothing to do with Ansible.
    add_ansible_test("units", core, "--python", CORES[core], "tests/unit/plugins/", default=False)
add_sanity("devel", antsibull_nox.ansible.get_ansible_core_package_name("devel").name, DEVEL_PYTHON, optional=True)


@nox.session(default=True)
def molecule(session: nox.Session) -> None:
    """Run the Molecule scenarios. The standard session uses a directory where Molecule does not find config.yml."""
    session.install(f"ansible-core{PINNED}{CORE}", "molecule==26.10.0", "-r", "tests/integration/requirements.txt")
    copy = copy_collection(session)
    # The default port of the simulator may be in use.
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # Files that a killed run left must not reach this one: its simulator is gone, or listens on another port.
    state = Path(session.create_tmp()).absolute() / "molecule"
    shutil.rmtree(state, ignore_errors=True)
    env = {
        "ANSIBLE_COLLECTIONS_PATH": str(copy.current_place),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(state),
        "SIMULATOR_PORT": str(port),
    }
    session.run("molecule", "test", *(session.posargs or ["--all"]), env=env)


@nox.session(default=True)
def docs(session: nox.Session) -> None:
    """Render the documentation to build/docs. Any warning is an error."""
    session.install(
        f"ansible-core{PINNED}{CORE}",
        stock_package("antsibull-docs"),
        stock_package("Sphinx"),
        "sphinx-ansible-theme==0.10.4",
        "sphinx-copybutton==0.5.2",
    )
    copy = copy_collection(session)
    source = ROOT / "build" / "docs-source"
    source.mkdir(mode=0o755, parents=True, exist_ok=True)
    session.run(
        *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"),
        *("--cleanup", "everything", "--dest-dir", str(source), "zstack.cloud"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(copy.current_place)},
    )
    session.run("sphinx-build", "-q", "-E", "-W", "--keep-going", "-c", "docs/docsite", str(source), "build/docs")
    session.log("Open build/docs/index.html")


@nox.session(name="import-check", default=False, tags=["matrix"])
def import_check(session: nox.Session) -> None:
    """Build the collection, and check it with the importer of Galaxy and Automation Hub. Any warning is an error."""
    session.install(f"ansible-core{PINNED}{CORE}", "galaxy-importer==0.4.44", ANSIBLE_LINT)
    tarball, _path, _data = antsibull_nox.collection.build_collection(session)
    if tarball is None:
        session.error("no artifact was built")
    rules = {"GALAXY_IMPORTER_CONFIG": str(ROOT / "tests" / "galaxy-importer.cfg")}
    with session.chdir(tarball.parent):
        log = str(session.run("python", "-m", "galaxy_importer.main", tarball.name, env=rules, silent=True))
    session.log(log)
    if complaints := [line for line in log.splitlines() if line.startswith(("WARNING", "ERROR"))]:
        session.error("\n".join(complaints))


add_to_matrix("import-check", [CORES[CORE]])


def install_browser(session: nox.Session) -> str | None:
    """Install the requirements of the browser tests, and return the path of Chromium, or None if it is missing."""
    chromium = shutil.which("chromium")
    if chromium:
        install_pytest(session, CORE, "-r", "tests/browser/requirements.txt")
    return chromium


@nox.session(python=CORES[CORE], default=True)
def browser(session: nox.Session) -> None:
    """Test the page of report_db_backups in Chromium. If it is missing, skip, or fail if REQUIRE_CHROMIUM is set."""
    if install_browser(session):
        session.run("pytest", *DISTRIBUTED, *(session.posargs or ["tests/browser"]))
    elif os.environ.get("REQUIRE_CHROMIUM"):
        session.error("chromium is not installed, and REQUIRE_CHROMIUM is set")
    else:
        session.skip("NOT TESTED: the page of report_db_backups. Install chromium to test it")


@nox.session(python=CORES[CORE], default=False)
def screenshot(session: nox.Session) -> None:
    """Update the screenshots of the page of report_db_backups in the documentation. Requires a Chinese font."""
    if not install_browser(session):
        session.error("chromium is not installed")
    session.run("python", "-m", "tests.browser.screenshot", "docs/images")


@nox.session(python=CORES[CORE], default=False)
def bench(session: nox.Session) -> None:
    """Measure the collection, and fail if a goal is missed. The arguments are those of tests.benchmark."""
    session.install(
        f"ansible-core{PINNED}{CORE}",
        "-r",
        "tests/integration/requirements.txt",
        "-r",
        "tests/benchmark/requirements.txt",
    )
    session.run("python", "-m", "tests.benchmark", *session.posargs)


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """Generate CHANGELOG.rst from the fragments, for the version in galaxy.yml."""
    session.install(f"ansible-core{PINNED}{CORE}", "antsibull-changelog==0.36.0")
    session.run("antsibull-changelog", "release", *session.posargs)


# Not parallel, because it uses all cores.
@nox.session(python=CORES[CORE], default=True, allow_parallel=False)
def unit(session: nox.Session) -> None:
    """Run the unit and system tests."""
    install_pytest(session, CORE, ANSIBLE_LINT)
    session.run("pytest", *(session.posargs or DISTRIBUTED))


@nox.session(python=CORES[CORE], default=False, tags=["matrix"])
def coverage(session: nox.Session) -> None:
    """Check how much of plugins/ the unit tests reach, and list the lines that they do not."""
    install_pytest(session, CORE, "pytest-cov==7.1.0")
    report = ["--cov=plugins", "--cov-report=term-missing:skip-covered"]
    session.run("pytest", *DISTRIBUTED, *report, *(session.posargs or ["tests/unit"]))


add_to_matrix("coverage", [CORES[CORE]])


@nox.session(python=CORES[CORE], default=False)
def mutants(session: nox.Session) -> None:
    """Mutation-test module_utils and plugin_utils, and list the mutants that unit tests do not detect. It takes hours.

    The arguments are names of files, such as ``_times.py``. Results are kept in build/mutants until any file in plugins
    changes. Until then, another run tries only the mutants that are left, that survived or that timed out. If you
    weaken a test, remove that directory first.
    """
    install_pytest(session, CORE, "cosmic-ray==8.7.0")
    copy = copy_collection(session)
    reports = ROOT / "build" / "mutants"
    reports.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path("plugins").rglob("*.py")))).hexdigest()
    survivors = undecided = 0
    with session.chdir(copy.current_path):
        files = sorted(path for path in Path("plugins").glob("*_utils/_*.py"))
        for file in [path for path in files if not session.posargs or path.name in session.posargs]:
            module = file.name
            results = reports / f"{module}.{digest[:8]}.sqlite"
            config = reports / f"{module}.toml"
            config.write_text(mutation_config(file), encoding="utf-8")
            session.run("cosmic-ray", "baseline", str(config))
            if results.exists():
                with closing(sqlite3.connect(results)) as database:
                    database.execute(f"DELETE FROM work_results WHERE test_outcome = 'SURVIVED' OR {UNDECIDED}")
                    database.commit()
            else:
                session.run("cosmic-ray", "init", str(config), str(results))
                session.run("cr-filter-operators", str(results), str(config))
                session.run("cr-filter-pragma", str(results))
            session.run("cosmic-ray", "exec", str(config), str(results))
            report = str(session.run("cr-report", "--surviving-only", "--show-diff", str(results), silent=True))
            (reports / f"{module}.txt").write_text(report, encoding="utf-8")
            survivors += report.count("worker outcome")
            with closing(sqlite3.connect(results)) as database:
                undecided += database.execute(f"SELECT count(*) FROM work_results WHERE {UNDECIDED}").fetchone()[0]
    session.log(f"{survivors} mutants survived: see {reports.relative_to(ROOT)}/*.txt")
    if undecided:
        session.warn(f"{undecided} mutants count as detected, but their tests did not end or could not be run")


# In cosmic-ray's results: mutants that say nothing about the tests, which did not end or could not be run.
UNDECIDED = "(output = 'timeout' OR test_outcome = 'INCOMPETENT')"

# The unit tests that check a file, if not only those of its own name.
CHECKED_BY = {
    "_auth.py": ("_auth.py", "_platform.py"),
    "_backups.py": (
        "_backups.py",
        "_options.py",
        "_platform.py",
        "_errors.py",
        "_interrupts.py",
        "_client.py",
        "_faults.py",
    ),
    "_calls.py": ("_errors.py", "_client.py"),
    "_client.py": ("_client.py", "_faults.py", "_interrupts.py", "_tls.py"),
    "_failures.py": ("_errors.py", "_tls.py", "_client.py", "_faults.py"),
    "_json.py": ("_redaction.py", "_client.py", "_backups.py", "_errors.py"),
    "_platform.py": ("_platform.py", "_image_stores.py"),
    "_redaction.py": ("_redaction.py", "_errors.py"),
    "_search.py": ("_redaction.py",),
}


def mutation_config(file: Path) -> str:
    """Return the settings in tests/mutants.toml for one file, with the unit tests that check it."""
    names = CHECKED_BY.get(file.name, (file.name,))
    found = [str(path) for name in names for path in Path("tests", "unit", "plugins").glob(f"*_utils/test{name}")]
    tests = " ".join(found) or "tests/unit/plugins/modules"
    settings = (ROOT / "tests" / "mutants.toml").read_text(encoding="utf-8")
    return settings.format(module=str(file), tests=tests)


# Lets tools that read the metadata at the top, such as uv and pipx, run this file as a script.
if __name__ == "__main__":
    nox.main()
