# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook zstack.cloud.report_db_backups: its files, without a browser. tests/browser looks at the page."""

from __future__ import annotations

import hashlib
import html
import re
import stat
from collections.abc import Mapping, Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zstack.cloud.plugins.module_utils._version import VERSION
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


def test_the_page_says_by_which_version_and_in_which_zone(tmp_path: Path) -> None:
    made(tmp_path, SITES["fifteen"])
    found = Page(tmp_path / PAGE)
    for text in (found.text, words(tmp_path)):
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


@pytest.mark.parametrize(
    ("hours", "missed"),
    [
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
    ],
)
def test_a_day_without_a_backup_is_missed_unless_backups_are_rarer(
    hours: list[float], missed: int, tmp_path: Path
) -> None:
    made(tmp_path, [[night(0, created=f"{NOW - timedelta(hours=each):%Y-%m-%d %H:%M:%S}") for each in hours]])
    found = Page(tmp_path / PAGE)
    days = [
        int(days or 1)
        for days in re.findall(
            r"no backup (?:on|from) \S+(?: to \S+ \((\d+) days\))?", words(tmp_path).split("\n\n")[1]
        )
    ]
    assert sum(days) == missed
    assert found.source.count('<rect class="gap" x=') == len(days)


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
def test_a_change_is_reported_if_something_else_has_changed(what: dict[str, Any], tmp_path: Path) -> None:
    made(tmp_path, SITES["fifteen"])
    assert changes(made(tmp_path, **{"storages": SITES["fifteen"], **what})) == 1


@pytest.mark.parametrize("name", [PAGE, TEXT])
@pytest.mark.parametrize("harm", ["removed", "private"])
def test_a_file_that_is_gone_or_private_is_a_change(name: str, harm: str, tmp_path: Path) -> None:
    made(tmp_path, SITES["one"])
    if harm == "removed":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).chmod(0o600)
    assert changes(made(tmp_path, SITES["one"])) == 1
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        done = report(tmp_path, "--check", **options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    assert changes(done.stdout) == 1
    assert not (tmp_path / PAGE).exists()
    assert not (tmp_path / TEXT).exists()


def test_a_name_stays_a_name(tmp_path: Path) -> None:
    found = Page(page(tmp_path, "hostile"))
    harmless = Page(page(tmp_path, "fifteen"))
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


def test_the_page_asks_the_network_for_nothing(tmp_path: Path) -> None:
    found = Page(page(tmp_path, "fifteen"))
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
        zstack.play(fault)
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
    assert re.findall(r"^(mn\d): (.*)", text, re.MULTILINE) == [
        ("mn1", "Ready for an upgrade"),
        ("mn2", "Not ready for an upgrade"),
        ("mn3", "Ready for an upgrade"),
    ]
    assert "connection refused" in text
    found = Page(tmp_path / PAGE)
    assert found.elements.count("section") == 3
    assert "2 of 3 management nodes ready" in found.text
    assert "connection refused" in found.text


def test_a_wrong_option_of_one_node_is_on_the_page_and_fails_the_run(tmp_path: Path) -> None:
    with site(tmp_path, SITES["one"]) as zstack:
        up = options(zstack)
        hosts = {"mn1": {**up, "zstack_timeout": "soon"}, "mn2": up}
        done = report(tmp_path, hosts=hosts, report_db_backups_hosts="mn1:mn2")
    assert done.returncode == 2
    assert re.search(r"^mn1: Not checked\n +.*timeout", words(tmp_path), re.MULTILINE)
    assert "mn2: Ready for an upgrade" in words(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"report_db_backups_storages": ""},
            "report_db_backups_storages is missing: set the variable or export ZSTACK_STORAGE_URL",
        ),
        ({"report_db_backups_language": "de"}, "report_db_backups_language must be en or zh, got de"),
        ({"report_db_backups_dest": "page.txt"}, "report_db_backups_dest must end in .html, got page.txt"),
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
        zstack.play({"body": '{"backups": [{"name": "undated", "createdTime": "soon"}, {"name": null}]}'}, on="scan")
        done = report(tmp_path, **options(zstack))
    assert done.returncode == 0, done.stdout + done.stderr
    found = Page(tmp_path / PAGE)
    assert [cells[0].strip() for cells in found.rows[1:]] == ["undated", "\u2013"]
    assert "2 without a readable time" in found.text
    assert '<use href="#v0" x="' not in found.source
