# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.report_db_backups: its files, without a browser. tests/browser looks at the page."""

from __future__ import annotations

import hashlib
import html
import json
import random
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.module_utils._client import VERSION
from ansible_collections.zstack.cloud.tests.browser.pages import (
    HOSTILE,
    NOW,
    PAGE,
    SITES,
    TEXT,
    night,
    nights,
    options,
    page,
    report,
    site,
)
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.system.commands import run

# Characters that no file may have: controls other than line feeds, and those that hide or change the direction of text
UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")


class Page(HTMLParser):
    """A page as a browser parses it: its elements, attributes, text, and tables by rows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._in_cell = False
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in ("td", "th")
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data


def made(place: Path, storages: Sequence[Sequence[Mapping[str, Any]]], later: float = 0, **more: Any) -> str:
    """Make the report of these storages and return what Ansible printed."""
    with site(place, storages, later) as zstack:
        done = report(place, **{**options(zstack), **more})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made_of_many(place: Path, sites: Sequence[Sequence[Sequence[Mapping[str, Any]]]]) -> list[tuple[str, str]]:
    """Report on a node for each of the sites, in one run, and return each node's part of the text and of the page."""
    with ExitStack() as stack:
        hosts = {}
        for number, storages in enumerate(sites):
            folder = place / f"mn{number:02}"
            folder.mkdir()
            hosts[folder.name] = options(stack.enter_context(site(folder, storages)))
        done = report(place, hosts=hosts, report_db_backups_hosts="mn*")
    assert done.returncode == 0, done.stdout + done.stderr
    texts = re.split(r"^mn\d\d \(", words(place), flags=re.MULTILINE)[1:]
    sections = (place / PAGE).read_text(encoding="utf-8").split("<section")[1:]
    assert len(texts) == len(sections) == len(sites)
    return list(zip(texts, sections))


@pytest.fixture(scope="module")
def run_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a run over fifteen backups, which many tests begin with."""
    place = tmp_path_factory.mktemp("before")
    made(place, SITES["fifteen"])
    return place


@pytest.fixture
def before(run_before: Path, tmp_path: Path) -> Path:
    """A copy of these files."""
    return Path(shutil.copytree(run_before, tmp_path, dirs_exist_ok=True))


def changes(printed: str) -> int:
    return int(re.findall(r"changed=(\d+)", printed)[-1])


def words(place: Path) -> str:
    return (place / TEXT).read_text(encoding="utf-8")


def test_page_and_text_are_written_to_the_working_directory_from_one_login(tmp_path: Path) -> None:
    with site(tmp_path, SITES["shared"]) as zstack:
        done = report(tmp_path, **options(zstack))
        assert not zstack.sessions
    assert done.returncode == 0, done.stdout + done.stderr
    assert zstack.paths.count("/v1/accounts/login") == 1
    assert zstack.paths.count("/v1/database-backups/image-store") == 3
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (PAGE, TEXT)} == {0o644}
    assert str(tmp_path / PAGE) in done.stdout


def test_the_environment_is_enough(zstack: Simulator, tmp_path: Path) -> None:
    urls = [
        storage.url_without_password for storage in zstack.storages if storage.password == zstack.storages[0].password
    ]
    report_env = {
        **zstack.env,
        "ZSTACK_STORAGE_URL": " ".join(urls),
        "ZSTACK_STORAGE_PASSWORD": zstack.storages[0].password,
    }
    done = report(tmp_path, env=report_env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(urls) == words(tmp_path).count("/zstack_bs: ") > 1


def test_the_page_says_by_which_version_and_in_which_zone(run_before: Path) -> None:
    found = Page(run_before / PAGE)
    for text in (found.text, words(run_before)):
        assert f"by the Ansible collection zstack.cloud {VERSION}" in text
        assert "times in Asia/Shanghai" in text
    assert "Checked 2026-11-23 17:00 +08:00" in " ".join(found.text.split())


def test_missed_nights_and_the_change_of_version_are_described(tmp_path: Path) -> None:
    backups = [night(ago, version="4.8.30" if ago < 7 else "4.7.21") for ago in range(15) if ago not in (3, 8, 9)]
    made(tmp_path, [backups])
    told = "no backup from 2026-11-14 to 2026-11-15 (2 days); no backup on 2026-11-20"
    assert f"Days without a backup: {told}" in words(tmp_path)
    assert "Last version change: 4.7.21 → 4.8.30 on 2026-11-17" in words(tmp_path)
    description = re.search("<desc[^>]*>(.*?)</desc>", Page(tmp_path / PAGE).source, re.DOTALL)
    assert description and told in description[1] and "4.7.21 → 4.8.30 on 2026-11-17" in description[1]


# The hours since the backups of a node, and the number of days that are missing.
GAPS: list[tuple[list[float], int]] = [
    # A second backup in the evening does not hide the night after it
    ([15, 39, 63, 91.3, 111, 135], 1),
    # Late nights around midnight are no gaps
    ([16.9, 41.1, 64.9, 89.1], 0),
    # A backup a week: a week is no gap, a month is
    ([24 * 7 * week + 15 for week in range(6)], 0),
    ([24 * 7 * week + 15 for week in (0, 1, 2, 6, 7)], 27),
    ([], 0),
    ([15], 0),
    ([15 + 24 * 3], 2),
    # Two intervals: the shorter one is the usual one
    ([15, 15 + 24 * 10, 15 + 24 * 11], 9),
    # What cannot be drawn makes no days missing: one of years ago, one of the future
    ([15, 39, 63, 24 * 365 * 3], 0),
    ([-24 * 30, 15, 39, 39 + 48], 1),
    ([-24 * 30], 0),
    # All of the timeline
    ([24 * 365 * 20], 13),
]


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    times = [[f"{NOW - timedelta(hours=each):%Y-%m-%d %H:%M:%S}" for each in hours] for hours, _missed in GAPS]
    return made_of_many(
        tmp_path_factory.mktemp("gaps"), [[[night(0, created=time) for time in each]] for each in times]
    )


@pytest.mark.xdist_group("gaps")
@pytest.mark.parametrize("number", range(len(GAPS)))
def test_a_day_without_a_backup_is_missed_unless_backups_are_rarer(number: int, gaps: list[tuple[str, str]]) -> None:
    text, section = gaps[number]
    days = [
        int(days or 1)
        for days in re.findall(r"no backup (?:on|from) \S+(?: to \S+ \((\d+) days\))?", text.split("\n\n")[0])
    ]
    assert sum(days) == GAPS[number][1]
    assert section.count('<rect class="gap" x=') == len(days)


def test_nothing_has_changed_if_only_time_has_passed(tmp_path: Path) -> None:
    assert changes(made(tmp_path, SITES["fifteen"])) == 1
    before = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert changes(made(tmp_path, SITES["fifteen"], later=3 * 3600)) == 0
    after = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "14 h ago" in before and "17 h ago" in after


@pytest.mark.parametrize(
    "what",
    [
        {"storages": [nights(15)]},
        {"storages": [[night(0, name="another"), *SITES["fifteen"][0][1:]]]},
        {"later": 10 * 3600},  # too old for the policy now
        {"report_db_backups_policy": {"max_age": "3d"}},
        {"report_db_backups_language": "zh"},
    ],
    ids=["a gap", "a name", "a verdict", "the policy", "the language"],
)
def test_a_change_is_reported_if_something_else_has_changed(what: dict[str, Any], before: Path) -> None:
    assert changes(made(before, **{"storages": SITES["fifteen"], **what})) == 1


@pytest.mark.parametrize("name", [PAGE, TEXT])
@pytest.mark.parametrize("harm", ["removed", "private"])
def test_a_file_that_is_gone_or_private_is_a_change(name: str, harm: str, before: Path) -> None:
    if harm == "removed":
        (before / name).unlink()
    else:
        (before / name).chmod(0o600)
    assert changes(made(before, SITES["fifteen"])) == 1
    assert stat.S_IMODE((before / name).stat().st_mode) == 0o644


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        done = report(tmp_path, "--check", **options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    assert changes(done.stdout) == 1
    assert not (tmp_path / PAGE).exists()
    assert not (tmp_path / TEXT).exists()


def test_a_name_stays_a_name(tmp_path: Path, run_before: Path) -> None:
    found = Page(page(tmp_path, "hostile"))
    harmless = Page(run_before / PAGE)
    assert set(found.elements) == set(harmless.elements)
    assert found.elements.count("script") == 1
    assert {name for name, _value in found.attributes} == {name for name, _value in harmless.attributes}
    shown = {cells[0].strip() for cells in found.rows[1:]}
    for name in HOSTILE:
        clean = UNWANTED.sub("\n", name.replace("\n", "\r"))
        parts = [part for part in clean[:119].split("\n") if part]
        assert any(all(part in text for part in parts) for text in shown), name
    assert "{{ 7 * 7 }}" in {cells[1].strip() for cells in found.rows}
    assert not (tmp_path / "taken").exists()
    for text in (found.source, words(tmp_path)):
        assert not UNWANTED.search(text)


def test_no_text_of_a_server_or_an_inventory_becomes_markup(tmp_path: Path) -> None:
    mark = "<i>&lt;"
    # More versions than the legend has, each with a change.
    backups = [night(ago, version=f"{mark}{ago // 2}", name=f"{mark}name") for ago in range(16)]
    with ExitStack() as stack:
        hosts: dict[str, dict[str, Any]] = {}
        for number, storages in enumerate([[backups, backups], [backups]]):
            (tmp_path / str(number)).mkdir()
            zstack = stack.enter_context(site(tmp_path / str(number), storages))
            zstack.inject({"body": json.dumps({"version": mark})}, on="version")
            hosts[f"mn{number}{mark}"] = options(zstack)
        error = {"error": {"code": "SYS.1000", "description": mark, "details": mark}}
        zstack.clear()
        zstack.inject({"status": 503, "body": json.dumps(error)}, on="scan")
        hosts["mn2"] = {**options(zstack), "report_db_backups_policy": mark}
        hosts["mn3"] = {**options(zstack), "zstack_host": mark}
        for variables in hosts.values():
            for storage in variables["report_db_backups_storages"]:
                storage["name"] = f"{mark}storage"
        done = report(tmp_path, hosts=hosts, report_db_backups_hosts="mn*")
    assert done.returncode == 2, done.stdout + done.stderr
    found = Page(tmp_path / PAGE)
    assert "i" not in found.elements
    shown = found.text.count(mark)
    assert shown == found.source.count("&lt;i&gt;&amp;lt;") > 40
    for text in (f"mn0{mark}", f"{mark}storage", f"{mark}name", f"{mark}0", f"[SYS.1000] {mark}", f"got {mark}"):
        assert text in found.text


def test_the_page_asks_the_network_for_nothing(run_before: Path) -> None:
    found = Page(run_before / PAGE)
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(found.elements)
    assert {value for name, value in found.attributes if name in ("href", "src")} <= {
        *(f"#v{glyph}" for glyph in range(6)),
        "#g",
    }
    assert "url(#h)" in found.source
    assert found.source.count("url(") == 1
    assert "@import" not in found.source
    policy = next(value or "" for _name, value in found.attributes if (value or "").startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")


@pytest.mark.parametrize("place", ["beside the URL", "in the URL"])
@pytest.mark.parametrize("fault", [None, "error_quotes_in_every_way"])
def test_no_secret_is_shown_or_written(fault: str | None, place: str, zstack: Simulator, tmp_path: Path) -> None:
    written = options(zstack)
    if place == "in the URL":
        written["report_db_backups_storages"] = zstack.storage_urls
    if fault:
        zstack.inject(fault)
    done = report(tmp_path, "-vvvvv", "--diff", **written)
    assert done.returncode == 0, done.stdout + done.stderr
    sessions = {header.split()[-1] for request in zstack.requests if (header := request.headers.get("Authorization"))}
    passwords = {zstack.account[1], *(storage.password for storage in zstack.storages)}
    assert sessions
    secrets = sessions | passwords | {quote(each, safe="") for each in passwords}
    secrets |= {quote(quote(each, safe="")) for each in passwords} | {html.escape(each) for each in passwords}
    secrets.add(hashlib.sha512(zstack.account[1].encode()).hexdigest())
    output = done.stdout + done.stderr + words(tmp_path) + (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "root:***@" in output
    assert not {secret for secret in secrets if secret in output}


def test_each_node_has_a_section_even_if_it_is_down(tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        up = options(zstack)
        hosts = {
            "mn1": up,
            "mn2": {**up, "zstack_port": 1, "zstack_retries": 0},
            "mn3": {**up, "zstack_timezone": "+08:00"},
        }
        done = report(tmp_path, hosts=hosts, report_db_backups_hosts="mn1:mn2:mn3")
    assert done.returncode == 0, done.stdout + done.stderr
    text = words(tmp_path)
    assert re.findall(r"^(mn\d .*): (.*)", text, re.MULTILINE) == [
        ("mn1 (127.0.0.1)", "Ready for an upgrade"),
        ("mn2 (127.0.0.1)", "Not ready for an upgrade"),
        ("mn3 (127.0.0.1)", "Ready for an upgrade"),
    ]
    assert "connection refused" in text
    found = Page(tmp_path / PAGE)
    assert found.elements.count("section") == 3
    assert "2 of 3 management nodes ready" in found.text
    assert "connection refused" in found.text


def test_a_node_with_a_wrong_option_is_on_the_page_as_not_checked_and_fails_alone(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("Ready, said an earlier run")
    wrong: dict[str, tuple[dict[str, Any], str]] = {
        "mn2": ({"zstack_timeout": "soon"}, "timeout"),
        "mn3": ({"report_db_backups_language": "de"}, "report_db_backups_language must be en or zh, got de"),
        "mn4": ({"report_db_backups_policy": "2d"}, "report_db_backups_policy must be a dictionary"),
        "mn5": ({"report_db_backups_storages": [None]}, "url is missing"),
        "mn6": ({"report_db_backups_storages": [""]}, "url is missing"),
    }
    with site(tmp_path, SITES["one"]) as zstack:
        up = options(zstack)
        hosts = {"mn1": up, **{host: {**up, **option} for host, (option, _message) in wrong.items()}}
        done = report(tmp_path, hosts=hosts, report_db_backups_hosts=",".join(hosts))
    assert done.returncode == 2
    text, found = words(tmp_path), Page(tmp_path / PAGE)
    assert "mn1 (127.0.0.1): Ready for an upgrade" in text
    for host, (_option, message) in wrong.items():
        assert re.search(rf"^{host} .*: Not checked\n +.*{re.escape(message)}", text, re.MULTILINE), text
        assert re.search(rf"^{host} .*failed=1", done.stdout, re.MULTILINE)
    assert re.search(r"^mn1 .*failed=0", done.stdout, re.MULTILINE)
    assert "<title>Not ready for an upgrade" in found.source
    assert "1 of 6 management nodes ready" in found.text


@pytest.mark.parametrize(
    ("hosts", "limit", "name"),
    [
        ("nowhere", "all", "nowhere"),
        ("mn1,nowhere", "mn1", "nowhere"),
        ("mn1:!mn1", "all", "mn1:!mn1"),
        ("mn1", "mn2", "mn1"),
    ],
)
def test_hosts_that_match_nothing_are_an_error(hosts: str, limit: str, name: str, tmp_path: Path) -> None:
    done = report(tmp_path, "--limit", limit, hosts={"mn1": {}, "mn2": {}}, report_db_backups_hosts=hosts)
    assert done.returncode == 2
    assert f'report_db_backups_hosts matches no host of the inventory: {name}"' in done.stdout
    assert not (tmp_path / PAGE).exists()


def test_hosts_that_are_set_in_the_inventory_are_an_error(tmp_path: Path) -> None:
    here = {"ansible_connection": "local", "report_db_backups_hosts": "mn1"}
    done = report(tmp_path, hosts={"localhost": here, "mn1": {}})
    assert done.returncode == 2
    assert "report_db_backups_hosts must be an extra variable, not one of the inventory: set it with -e" in done.stdout
    assert not (tmp_path / PAGE).exists()


def test_a_relative_path_is_one_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    printed = made(tmp_path, SITES["one"], report_db_backups_dest="pages/today.html")
    assert f'"msg": "{tmp_path.resolve() / "pages" / "today.html"}"' in printed
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {"today.html", "today.txt"}


def test_a_link_is_kept_and_its_file_written(tmp_path: Path) -> None:
    (tmp_path / PAGE).symlink_to("elsewhere.html")
    (tmp_path / "today.html").write_bytes(b"\xff\xfe not UTF-8")
    (tmp_path / TEXT).symlink_to("today.html")
    made(tmp_path, SITES["one"])
    assert (tmp_path / PAGE).is_symlink()
    assert (tmp_path / TEXT).is_symlink()
    assert "</html>" in (tmp_path / "elsewhere.html").read_text("utf-8")
    assert "Ready for an upgrade" in (tmp_path / "today.html").read_text("utf-8")


@pytest.mark.parametrize("name", [PAGE, TEXT])
def test_a_directory_in_place_of_a_file_is_named(name: str, zstack: Simulator, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    done = report(tmp_path, **options(zstack))
    assert done.returncode == 2
    assert "report_db_backups_dest must be the path of a file that can be read and written" in done.stdout
    assert f"{tmp_path.resolve() / name}, which is a directory" in done.stdout
    assert not zstack.requests


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"report_db_backups_storages": ""},
            "report_db_backups_storages is missing: set the variable or export ZSTACK_STORAGE_URL",
        ),
        ({"report_db_backups_language": "de"}, "report_db_backups_language must be en or zh, got de"),
        ({"report_db_backups_dest": "page.txt"}, "report_db_backups_dest must end in .html, got /"),
        ({"report_db_backups_policy": {"max_aeg": "2d"}}, "unsupported options: max_aeg"),
        ({"zstack_host": ""}, "host is missing"),
    ],
)
def test_a_wrong_option_leaves_the_page_of_an_earlier_run(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    earlier = {name: f"{name} of an earlier run" for name in (PAGE, TEXT)}
    for name, content in earlier.items():
        (tmp_path / name).write_text(content)
    with site(tmp_path, SITES["one"]) as zstack:
        done = report(tmp_path, **{**options(zstack), **wrong})
    assert done.returncode == 2
    assert message in done.stdout
    assert {name: (tmp_path / name).read_text() for name in earlier} == earlier


def test_the_policy_and_the_names_of_storages_can_be_set(tmp_path: Path) -> None:
    with site(tmp_path, [nights(3), []]) as zstack:
        given = options(zstack)
        given["report_db_backups_storages"][0]["name"] = "夜间备份 <local>"
        policy = {"max_age": "2d", "min_count": 4, "min_storages": 1}
        done = report(tmp_path, report_db_backups_policy=policy, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "夜间备份 <local>: failed\n    3 backups (required: at least 4)" in words(tmp_path)
    assert "0 of 2 storages passed (required: at least 1)" in words(tmp_path)
    source = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert source.count("夜间备份") == source.count("夜间备份 &lt;local&gt;") > 5


def test_every_verdict_is_translated_into_chinese(tmp_path: Path) -> None:
    now = nights(1)[0]
    storages = [
        nights(1),
        [],
        [{**now, "created": "2026-11-20 02:00:11", "version": "4.7.21", "size": 1}, *nights(9, missed=range(5))],
        [{**now, "created": "2026-11-24 02:00:11", "version": ""}],
        [{**now, "created": "2026-11-23 16:59:10"}],
        nights(3),
    ]
    for number, policy in enumerate(
        [{"min_size": "100MB"}, {"min_count": 4, "min_size": "1KB", "max_age": "90m", "min_storages": 2}]
    ):
        made(tmp_path, storages, report_db_backups_language="zh", report_db_backups_policy=policy)
        text = words(tmp_path)
        assert "ZStack 数据库备份" in text
        # The remaining Latin letters are names, units, and terms that are also used in Chinese
        latin = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"(?m)^    \d{4}-.*$|zstack_bs", "", text)))
        assert latin <= {"ZStack", "Asia", "Shanghai", "Ansible", "zstack", "cloud", "timezone"}, number
        page_of_zh = Page(tmp_path / PAGE)
        assert ("lang", "zh-CN") in page_of_zh.attributes


def test_every_language_has_every_text() -> None:
    folder = Path(__file__).parents[2] / "playbooks" / "vars"
    english, chinese = (
        yaml.safe_load((folder / f"report_db_backups.{each}.yml").read_text("utf-8")) for each in ("en", "zh")
    )
    assert english.keys() == chinese.keys()
    for key in english.keys() - {"verdict", "ages", "months"}:
        texts = [[each] if isinstance(each, str) else each for each in (english[key], chinese[key])]
        assert len({text.count("%s") for each in texts for text in each}) == 1, key


@pytest.mark.parametrize("name", ["many", "shared"])
def test_four_hundred_backups_make_a_page_of_less_than_100_kb(name: str, tmp_path: Path) -> None:
    found = page(tmp_path, name)
    assert found.stat().st_size < 100_000
    assert len(Page(found).rows) == 1 + 400


def test_an_old_backup_does_not_squeeze_the_time_axis(tmp_path: Path) -> None:
    made(tmp_path, [[*nights(15), night(0, created="2019-03-02 23:30:04")]])
    source = (tmp_path / PAGE).read_text(encoding="utf-8")
    marks = [float(x) for x in re.findall(r'<use href="#v\d" x="([\d.]+)%"/>', source)]
    assert len(marks) == 15
    assert max(marks) - min(marks) > 80
    assert "1 older, oldest 2019-03-02" in source


def test_a_backup_without_a_readable_time_is_in_the_table_alone(tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        zstack.clear()
        zstack.inject({"body": '{"backups": [{"name": "undated", "createdTime": "soon"}, {"name": null}]}'}, on="scan")
        done = report(tmp_path, **options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    found = Page(tmp_path / PAGE)
    assert [cells[0].strip() for cells in found.rows[1:]] == ["undated", "\u2013"]
    assert "2 without a readable time" in found.text
    assert '<use href="#v0" x="' not in found.source


def test_the_day_of_a_backup_is_that_of_the_offset_at_its_time(tmp_path: Path) -> None:
    zone, checked = ZoneInfo("America/New_York"), datetime(2026, 11, 5, 17, tzinfo=timezone.utc)
    backups = [
        night(0, created=f"2026-{month}-{day:02} 00:15:00")
        for month, days in ((10, range(15, 32)), (11, range(1, 6)))
        for day in days
        if (month, day) != (10, 20)
    ]
    later = (checked - NOW).total_seconds()
    made(tmp_path, [backups], later=later, zstack_timezone=str(zone))
    assert "Days without a backup: no backup on 2026-10-20\n" in words(tmp_path)


def test_times_that_are_nonsense_stay_out_of_the_timeline(tmp_path: Path) -> None:
    sites = []
    for created in ("0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z", "9998-12-30T00:00:00Z"):
        beside_others = [[night(0, created=created), night(1, created=created)], nights(3)]
        sites += [beside_others, [[night(0, created=created)]]]
    found = made_of_many(tmp_path, sites)
    for text, section in found[::2]:
        assert section.count('<use href="#v0" x="') == 1 + 3  # and the legend
        for shown in (text, section):
            assert max(map(int, re.findall(r"\((\d+) days\)", shown)), default=0) <= 3
    for _text, section in found[1::2]:
        assert section.count('<use href="#v0" x="') <= 1


def test_without_a_dated_backup_there_is_no_claim_about_missing_days(tmp_path: Path) -> None:
    made(tmp_path, SITES["none"])
    assert "Days without a backup: no backup\n" in words(tmp_path)
    assert "none since" not in words(tmp_path) + Page(tmp_path / PAGE).text


def test_the_text_too_says_that_single_storages_have_gaps(tmp_path: Path) -> None:
    made(tmp_path, [nights(9), nights(9, missed=[4])])
    told = "none since 2026-11-14, but 1 storage has gaps"
    assert f"Days without a backup: {told}\n" in words(tmp_path)
    assert told in Page(tmp_path / PAGE).text


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_written_and_checked_are_in_one_zone(zone: str, tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        done = report(tmp_path, env={"TZ": zone}, **options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (words(tmp_path), Page(tmp_path / PAGE).text):
        written = re.search(r"Written (\S+ \S+ \+08:00) by", text)
        assert written, text
        at = datetime.strptime(written[1], "%Y-%m-%d %H:%M %z")
        assert timedelta(0) <= datetime.now(timezone.utc) - at < timedelta(hours=1)


def test_an_absurd_size_is_short_on_the_page(tmp_path: Path) -> None:
    made(tmp_path, [[night(0, size=10**300), night(1)]])
    assert not re.search(r"\d{40}", Page(tmp_path / PAGE).source + words(tmp_path))
    assert "> 1000 YB" in words(tmp_path)


def test_a_nameless_backup_that_is_another_one_is_a_change(tmp_path: Path) -> None:
    changed = []
    for identifier in ("one", "one", "other"):
        with site(tmp_path, SITES["one"]) as zstack:
            backup = {"id": identifier, "createdTime": "2026-11-23 02:00:11", "version": "4.8.30"}
            zstack.clear()
            zstack.inject({"body": json.dumps({"backups": [backup]})}, on="scan")
            done = report(tmp_path, **options(zstack), report_db_backups_policy={"max_age": "900w"})
        assert done.returncode == 0, done.stdout + done.stderr
        changed.append(changes(done.stdout))
    assert changed == [1, 0, 1]


def missing_days(storages: Sequence[Sequence[datetime]], checked: datetime) -> list[set[date]]:
    """Return the missing days of each storage and of the platform as guide_report.rst defines them.

    All backups are on the timeline and dated; a platform has the shortest usual interval of its storages.
    """
    intervals = []
    for backups in storages:
        days = sorted({backup.date() for backup in backups})
        intervals.append(median_low([(to - since).days for since, to in pairwise(days)]) if len(days) > 1 else None)
    intervals.append(min((each for each in intervals if each), default=None))
    found = []
    for backups, interval in zip([*storages, [each for mine in storages for each in mine]], intervals):
        longest = timedelta(hours=26) if (interval or 1) == 1 else timedelta(days=1.5 * (interval or 1))
        taken = {backup.date() for backup in backups}
        missing = set()
        for number in range(1, 60):
            day = checked.date() - timedelta(days=number)
            before = [each for each in backups if each.date() < day]
            after = [each for each in backups if each.date() > day] or [checked]
            if day not in taken and before and (min(after) - max(before)) > longest:
                missing.add(day)
        found.append(missing)
    return found


def test_missing_days_are_those_of_an_independent_computation(tmp_path: Path) -> None:
    chance = random.Random(7)
    checked = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
    expected, hosts = [], {}
    for number in range(60):
        zone = ZoneInfo(chance.choice(["America/New_York", "Asia/Shanghai", "Europe/Berlin"]))
        storages = []
        for _storage in range(chance.choice([1, 1, 2, 3])):
            step, hour = chance.choice([1, 1, 1, 2, 7]), chance.choice([0, 2, 23])
            hours = [day * 24 + hour + chance.choice([0, 0, 0.4, -0.4]) for day in range(1, 50, step)]
            times = [checked - timedelta(hours=each) for each in hours if chance.random() < 0.8]
            storages.append([each.astimezone(zone) for each in times or [checked - timedelta(hours=5)]])
        now = checked.astimezone(zone)
        expected.append([sorted(map(str, days)) for days in missing_days(storages, now)])
        results = [
            {
                "checked_at": now.isoformat(),
                "backups": [
                    {
                        "created_at": each.isoformat(),
                        "created_epoch": int(each.timestamp()),
                        "age_seconds": int((now - each).total_seconds()),
                        "version": None,
                        "size": None,
                    }
                    for each in sorted(backups, reverse=True)
                ],
            }
            for backups in storages
        ]
        hosts[f"mn{number:02}"] = {"__report_db_backups_results": results}
    template = Path(__file__).parents[2] / "playbooks" / "templates" / "report_db_backups" / "figures.json.j2"
    copy = {
        "content": f"{{{{ lookup('ansible.builtin.template', '{template}', lstrip_blocks=true) }}}}",
        "dest": str(tmp_path / "figures.json"),
    }
    tasks = [{"ansible.builtin.copy": copy, "delegate_to": "localhost", "run_once": True}]
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"nodes": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "nodes", "gather_facts": False, "tasks": tasks}]))
    done = run("ansible-playbook", "play.yml", "-i", "inventory.yml", place=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr

    def days_of(gaps: Sequence[Mapping[str, int]]) -> list[str]:
        numbers = [day for gap in gaps for day in range(gap["since"], gap["until"] + 1)]
        return [str(date(1970, 1, 1) + timedelta(days=number)) for number in numbers]

    found = [
        [*(days_of(storage["gaps"]) for storage in node["storages"]), days_of(node["gaps"])]
        for node in json.loads((tmp_path / "figures.json").read_text())
    ]
    assert found == expected
    assert sum(map(bool, expected)) == 60
    assert len({len(days) for node in expected for days in node}) > 5
