# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the README, the guides and the plugin documentation, run as users do.

A block of YAML that is a mapping is no play: it sets something up for the example after it. One with ``fields`` and one
with ``env`` are the two halves of a credential type of AWX, one with ``images`` defines an execution environment, one
with a group of hosts is an inventory, all others are variables.
"""

from __future__ import annotations

import re
import shlex
import ssl
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import jinja2
import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.module_utils._options import AUTH_METHODS
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import ROOT, frozen, options_for, play, run, tasks

GUIDES = "docs/docsite/rst"
README, NOTIFY, UPGRADE_DAY = "README.md", f"{GUIDES}/guide_notify.rst", f"{GUIDES}/guide_upgrade_day.rst"
# Each page in Chinese, and its original
TRANSLATIONS = {"README.zh-CN.md": README} | {
    f"{GUIDES}/zh/{page.name}": f"{GUIDES}/{page.name}" for page in sorted(ROOT.glob(f"{GUIDES}/zh/*.rst"))
}
MARKDOWN = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^ *\.\. code-block:: (\S+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
EXAMPLES = re.compile(r'^EXAMPLES = r"""(.*?)^"""$', re.MULTILINE | re.DOTALL)
# Within sentences: names of options, variables and files, values, short commands, and versions
LITERALS = {
    ".md": re.compile(r"(?<!`)`[^`]+`(?!`)|\d+(?:\.\d+)+"),
    ".rst": re.compile(r"``[^`]+``|:(?:ans\w+|file):`[^`]+`|\d+(?:\.\d+)+"),
}
# The pages that show what the gate or a playbook prints, and the time of the management node at which they show it.
PAGES_WITH_OUTPUT = [
    README,
    *(f"{GUIDES}/guide_{name}.rst" for name in ("getting_started", "image_stores", "upgrade_day")),
]
SHOWN_AT = datetime.fromisoformat("2026-11-23T17:20:30+08:00")


class Example(NamedTuple):
    source: str
    language: str  # yaml for plays or tasks, jinja for a template
    text: str
    settings: tuple[dict[str, Any], ...] = ()


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of each block of code on a page."""
    pattern = MARKDOWN if page.endswith(".md") else DIRECTIVE
    return [(each[1], dedent(each[2])) for each in pattern.finditer((ROOT / page).read_text(encoding="utf-8"))]


def examples() -> Iterator[Example]:
    """Yield everything that a reader may copy: plays, tasks and templates. Translations have those of the originals."""
    for path in sorted(ROOT.glob("plugins/*/*.py")):
        code = path.read_text(encoding="utf-8")
        # Playbooks and the role run the internal plugins, with what else these need.
        for text in [] if "(internal)" in code else EXAMPLES.findall(code):
            yield Example(path.stem, "yaml", text)
    for page in [README, *(f"{GUIDES}/{path.name}" for path in sorted(ROOT.glob(f"{GUIDES}/*.rst")))]:
        settings: list[dict[str, Any]] = []
        for number, (language, text) in enumerate(blocks(page), 1):
            if language == "yaml" and isinstance(content := yaml.safe_load(text), dict):
                settings.append(content)
            elif language in ("yaml", "jinja"):
                yield Example(f"{page}, block {number}", language, text, tuple(settings))
                settings = []


def for_awx(example: Example) -> bool:
    return any("env" in setting for setting in example.settings)


def commands(page: str) -> str:
    """Return the commands of a page that reach a platform, one after the other, without scripts."""
    found = [text for language, text in blocks(page) if language == "bash" and not text.startswith("#!")]
    return "".join(text for text in found if re.search(r"ZSTACK_|ansible-playbook zstack\.cloud\.", text))


def variables_of(zstack: Simulator, place: Path) -> dict[str, Any]:
    """Return the variables that examples read, and the connection."""
    storage = zstack.storages[0]
    key_id, key_secret = zstack.access_key
    return {
        "session": zstack.open_session(),
        "zstack_password": zstack.account[1],
        "key_id": key_id,
        "key_secret": key_secret,
        "storage_url": storage.url_without_password,
        "storage_password": storage.password,
        "storage_urls": [storage.url_without_password] * 2,
        "status_page": str(place / "status.txt"),
        "metrics_file": str(place / "zstack.prom"),
        "sendmail": "cat",
        **options_for(zstack, 0),
        # Some examples show a gate that says no.
        "verify_db_backup_fail": False,
    }


def tasks_that_render(templates: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"ansible.builtin.debug": {"msg": f"{{{{ lookup('template', '{name}').splitlines() }}}}"}} for name in templates
    ]


def replaced(content: Any, words: dict[str, str]) -> Any:
    """Return YAML content with other words in its texts, and with other numbers."""
    text = yaml.safe_dump(content, width=1000)
    for word, replacement in words.items():
        text = text.replace(word, replacement)
    return yaml.safe_load(text)


def test_each_example_in_the_documentation_runs(
    zstack: Simulator, secure_zstack: Simulator, ca_path: str, tmp_path: Path
) -> None:
    here = {
        "zstack.example.com": zstack.host,
        "8443": str(secure_zstack.port),
        "/etc/pki/zstack-ca.pem": ca_path,
        "/usr/sbin/sendmail": "/bin/cat",
    }
    usual = variables_of(zstack, tmp_path)
    groups: dict[str, Any] = {}
    playbook: list[dict[str, Any]] = []
    for number, example in enumerate(each for each in examples() if not for_awx(each)):
        settings = [setting for setting in replaced(list(example.settings), here) if "images" not in setting]
        variables = dict(usual)
        for setting in settings:
            inventory = {name: value for name, value in setting.items() if isinstance(value, dict) and "hosts" in value}
            groups |= inventory
            variables |= {} if inventory else setting
        if "zstack_session_uuid" in example.text:
            variables = {name: value for name, value in variables.items() if not name.startswith("zstack_account_")}
        if variables.get("zstack_use_ssl") and "zstack_ca_path" not in variables:
            variables["zstack_ca_path"] = ca_path
        if example.language == "jinja":
            (tmp_path / f"{number}.j2").write_text(example.text, encoding="utf-8")
            content = tasks_that_render([f"{number}.j2"])
        else:
            content = replaced(yaml.safe_load(example.text), here)
        if not {"hosts", "ansible.builtin.import_playbook"} & content[0].keys():
            content = tasks(*content)
        for each in content:
            name = f"{example.source}: {each.get('name', 'tasks')}"
            # An inventory has the variables of its hosts.
            given = {} if each.get("hosts") in (*groups, "shanghai") else variables
            playbook.append({**each, "name": name, "vars": {**given, **each.get("vars", {})}})
    for group in groups.values():
        group["vars"] |= {name: value for name, value in usual.items() if name not in group["vars"]}
        for host in group["hosts"].values():
            host |= {"zstack_port": zstack.port, "ansible_connection": "local"}
            group["vars"] = {name: value for name, value in group["vars"].items() if name not in host}
    play(tmp_path, playbook, inventory={"children": groups}, ZSTACK_PORT=str(zstack.port))
    assert len(playbook) >= 25
    assert set(zstack.sessions) <= {usual["session"]}
    assert not secure_zstack.sessions
    assert secure_zstack.requests


def test_every_example_passes_ansible_lint_with_its_strictest_profile(tmp_path: Path) -> None:
    found: dict[str, list[str]] = {"playbooks": [], "tasks": []}
    for example in examples():
        if example.language == "yaml":
            is_playbook = {"hosts", "ansible.builtin.import_playbook"} & yaml.safe_load(example.text)[0].keys()
            text = example.text.strip().removeprefix("---").lstrip()
            found["playbooks" if is_playbook else "tasks"].append(f"# {example.source}\n{text}\n")
    assert min(map(len, found.values())) > 10
    for folder, texts in found.items():
        # In one file, since ansible-lint checks the syntax of each file in a process of its own.
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "examples.yml").write_text("---\n" + "\n".join(texts), encoding="utf-8")
    done = run("ansible-lint", "--offline", "--strict", "--profile=production", "--nocolor", place=tmp_path, code=0)
    # It also reads the playbooks and roles that the examples use.
    processed = re.search(r"in ([0-9]+) files processed", done.stderr)
    assert processed and int(processed[1]) >= 2, done.stderr


@pytest.mark.parametrize("page", [page for page in TRANSLATIONS.values() if commands(page)])
def test_the_commands_of_a_page_run_as_they_are_pasted(page: str, zstack: Simulator, tmp_path: Path) -> None:
    script = commands(page).replace("zstack.example.com", zstack.host)
    typed = f"{zstack.account[1]}\n{zstack.storages[0].password}\n"
    done = run("bash", "-e", "-c", script, place=tmp_path, typed=typed, code=0, ZSTACK_PORT=str(zstack.port))
    assert "ready for an upgrade" in done.stdout
    assert not zstack.sessions


def test_a_credential_of_awx_works_with_a_certificate_that_was_fetched(tmp_path: Path) -> None:
    files = {"cert": tmp_path / "zstack.pem", "key": tmp_path / "zstack.key"}
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=zstack -addext subjectAltName=IP:127.0.0.1"
    run(*made.split(), "-out", str(files["cert"]), "-keyout", str(files["key"]), place=tmp_path, code=0)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files["cert"], files["key"])
    [fetch] = [text for _language, text in blocks(UPGRADE_DAY) if text.startswith("openssl ")]
    [example] = filter(for_awx, examples())
    form, injectors = example.settings
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    with Simulator(ssl=context) as zstack:
        fetch = fetch.replace("zstack.example.com:8443", f"{zstack.host}:{zstack.port}")
        run("bash", "-e", "-c", fetch, place=tmp_path, code=0)
        for method in AUTH_METHODS:
            filled_in = {
                **zstack.credentials(method),
                "host": zstack.host,
                "port": str(zstack.port),
                "use_ssl": True,
                "timezone": "Asia/Shanghai",
                "ca_path": str(tmp_path / "zstack-ca.pem"),
                "storage_url": zstack.storages[0].url_without_password,
                "storage_password": zstack.storages[0].password,
            }
            assert filled_in.keys() >= set(form["required"])
            # AWX rejects a field with any other key.
            assert set().union(*form["fields"]) == {"id", "type", "label", "secret"}
            # AWX passes an empty string for a field that is not filled in.
            inputs = {field["id"]: filled_in.get(field["id"], "") for field in form["fields"]}
            injected: dict[str, Any] = {
                name: jinja.from_string(text).render(inputs) for name, text in injectors["env"].items()
            }
            play(tmp_path, yaml.safe_load(example.text), **injected)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines that the playbooks and templates of the pages print on the platform and at the time of the pages."""
    place = tmp_path_factory.mktemp("pages")
    templates = [text for page in PAGES_WITH_OUTPUT for language, text in blocks(page) if language == "jinja"]
    for number, text in enumerate(templates):
        (place / f"{number}.j2").write_text(text, encoding="utf-8")
    settings = yaml.safe_load(next(text for language, text in blocks(UPGRADE_DAY) if text.startswith("zstack_host")))
    with frozen(SHOWN_AT) as zstack:
        variables = {**variables_of(zstack, place), "zstack_storages": settings["zstack_storages"]}
        names = ("zstack.cloud.list_image_stores", "zstack.cloud.verify_db_backup")
        playbook = [{"ansible.builtin.import_playbook": name} for name in names]
        playbook += tasks(*tasks_that_render(f"{number}.j2" for number in range(len(templates))))
        output = play(place, playbook, variables=variables)
    return [line.strip(' ,"') for line in output.replace(zstack.host, "zstack.example.com").splitlines()]


@pytest.mark.parametrize("page", PAGES_WITH_OUTPUT)
def test_the_output_that_a_page_shows_is_what_is_printed(page: str, printed: list[str]) -> None:
    texts = [text for language, text in blocks(page) if language == "text" and not re.match(r"server|ansible-", text)]
    shown = [line.strip() for text in texts for line in text.splitlines() if line]
    assert len(shown) > 2
    assert [line for line in shown if line not in printed] == [], printed


def test_the_script_for_cron_prints_only_what_is_wrong(zstack: Simulator, tmp_path: Path) -> None:
    script, settings = (
        next(text for _language, text in blocks(NOTIFY) if text.startswith(start)) for start in ("#!", "ZSTACK_HOST=")
    )
    good, bad = (zstack.storages[index].url_without_password for index in (0, 3))
    values = {
        "ZSTACK_HOST": zstack.host,
        "ZSTACK_PORT": str(zstack.port),
        "ZSTACK_STORAGE_URL": good,
        "ZSTACK_ACCOUNT_NAME": zstack.account[0],
        "ZSTACK_ACCOUNT_PASSWORD": zstack.account[1],
        "ZSTACK_STORAGE_PASSWORD": zstack.storages[0].password,
    }
    assert {line.partition("=")[0] for line in settings.strip().splitlines()} == values.keys() - {"ZSTACK_PORT"}
    (tmp_path / "script").write_text(script.replace("/etc/check-zstack-backups.env", str(tmp_path / "env")))
    for url, code in ((good, 0), (f"{good} {bad}", 2)):
        pairs = {**values, "ZSTACK_STORAGE_URL": url}
        (tmp_path / "env").write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in pairs.items()))
        done = run("bash", "script", place=tmp_path, code=code)
        assert done.stderr == ""
        assert ("NOT ready for an upgrade" in done.stdout) == bool(done.stdout) == bool(code)
        assert "WARNING" not in done.stdout


def literals(page: str) -> set[str]:
    """Return what a page writes the same way in each language."""
    return set(LITERALS[Path(page).suffix].findall((ROOT / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize(("page", "original"), TRANSLATIONS.items())
def test_a_translation_has_the_code_and_the_names_of_its_original(page: str, original: str) -> None:
    assert blocks(page) == blocks(original)
    assert len(literals(page)) > 10
    assert literals(page) == literals(original)


@pytest.mark.parametrize("readme", [README, "README.zh-CN.md"])
def test_each_link_of_the_readme_is_absolute_and_leads_to_a_file(readme: str) -> None:
    # Galaxy and Automation Hub show the page without the other files.
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / readme).read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("https://")] == []
    repository = "https://github.com/ansible-collections/zstack.cloud/blob/main/"
    files = [link.removeprefix(repository) for link in links if link.startswith(repository)]
    site = r"https://ansible-collections\.github\.io/zstack\.cloud/docsite/(.+)\.html"
    files += [f"{GUIDES}/{page[1]}.rst" for page in (re.fullmatch(site, link) for link in links) if page]
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_a_guide_is_one_page() -> None:
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.glob(f"{GUIDES}/*.rst")}
    # A table by message is searched, not read.
    assert {name: count for name, count in lines.items() if count > 150}.keys() == {"guide_troubleshooting.rst"}
    assert len((ROOT / README).read_text(encoding="utf-8").splitlines()) <= 130
