# Copyright (c) 2026, the zstack.cloud contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are hidden in texts, however they are quoted, and the HTTP libraries log nothing."""

from __future__ import annotations

import html
import json
import logging
import re
import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.zstack.cloud.plugins.module_utils._failures import envelope_fields
from ansible_collections.zstack.cloud.plugins.module_utils._redaction import Redactor, one_line
from ansible_collections.zstack.cloud.tests.limits import LONG
from ansible_collections.zstack.cloud.tests.simulator import Simulator
from ansible_collections.zstack.cloud.tests.unit.plugins.failures import Gather, failure


def percent_lower(text: str) -> str:
    return re.sub("%..", lambda match: match[0].lower(), quote(text, safe=""))


def java_escapes(text: str) -> str:
    return re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex())


# How programs quote: by name, so that a failing example can be read.
QUOTING: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False),
    "json in ASCII": json.dumps,
    "shell": shlex.quote,
    "zstack-ctl": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "html": html.escape,
    "xml attribute": quoteattr,
    "url": lambda text: quote(text, safe=""),
    "url path": quote,
    "form": quote_plus,
    "url in lower case": percent_lower,
    "repr": repr,
    "ascii": ascii,
    "regular expression": re.escape,
    "decimal references": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "hexadecimal references": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "java escapes": java_escapes,
    "bytes": lambda text: "".join(f"\\x{each:02x}" for each in text.encode()),
}
CONTEXTS = [
    ("scan ssh://root:", "@192.0.2.20:22/zstack_bs -p 8000"),
    ('{"error": {"code": "SYS.1000", "details": "sshpass -p ', ' ssh -p 22 root@192.0.2.20 failed"}}'),
    ("sshpass -p ", " ssh -p 22 root@192.0.2.20 'ps -e | grep zstore'"),
    ("<html><body><pre>GET /zstack/v1/x?url=", "</pre><p>nginx &copy;</p></body></html>"),
]
FILLING = "\\s'\"\\\\+"


def quoted(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = QUOTING[name](text)
    return text


def as_character(match: re.Match[str]) -> str:
    try:
        return chr(int(match[0].lstrip("\\")[1:], 16))
    except (ValueError, OverflowError):
        return match[0]


def as_bytes(match: re.Match[str]) -> str:
    data = bytes.fromhex(re.sub(r"\\|x", "", match[0]))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def undone(text: str) -> str:
    """Undo every quoting as often as there is something to undo, and leave out what quotes put between characters."""
    plain = None
    while plain != text:
        plain = text
        text = html.unescape(unquote(text))
        text = re.sub(r"\\+(?:u.{4}|U.{8})", as_character, text)
        text = re.sub(r"(?:\\+x[0-9a-f]{2})+", as_bytes, text)
        text = re.sub(f"[{FILLING}]", "", text) if text == plain else text
    return text


def assert_hidden(secret: str, names: Sequence[str], context: tuple[str, str]) -> None:
    before, after = context
    shown = Redactor(secret)(before + quoted(secret, names) + after)
    assert shown.startswith(before), shown
    assert shown.endswith(after), shown
    middle = shown[len(before) : len(shown) - len(after)]
    # Whatever undoes the quoting finds nothing but the mask, and quotes.
    assert set(undone(middle)) == {"*"}, middle


# Rich in what the quoting functions treat in ways of their own.
SPECIAL = "'\"\\%&+ $<>=~;#!`|(){}[]^?*:/@,.-_"
characters = (
    st.sampled_from(SPECIAL)
    | st.sampled_from("aZ07éßΣİµ密码😀\u0131\xa0\u200b\u2003")
    | st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
)
pieces = characters | st.sampled_from(
    ["%41", "%25", "&amp;", "&#65;", "\\u0041", "\\x41", "\\'", "'\\''", "u0041", "Ã©"]
)
secrets = st.lists(pieces, min_size=4, max_size=12).map("".join)
ways = st.lists(st.sampled_from(list(QUOTING)), min_size=1, max_size=4)


@settings(max_examples=400 if LONG else 100)
@given(secret=secrets, names=ways, context=st.sampled_from(CONTEXTS))
def test_a_secret_is_hidden_however_programs_quote_it(secret: str, names: list[str], context: tuple[str, str]) -> None:
    # What is shorter is hidden only where it stands alone.
    assume(len(undone(secret)) > 3)
    # What is repetitive, such as four colons, is also found where the context ends.
    before, plain = undone(context[0]).lower(), undone(secret).lower()
    assume((before + plain).find(plain) == len(before))
    assert_hidden(secret, names, context)


@pytest.mark.parametrize(
    "names", [[name] for name in QUOTING] + [["zstack-ctl", "json"], ["url", "url", "html", "repr"]]
)
def test_a_password_is_hidden_from_each_way_of_quoting(names: list[str]) -> None:
    for secret in ('Night@Watch\'s "#7"/é', "it's\"\\ $&<>=%+~密码é😀", "p%40ss%25w", "100%25+tax"):
        for context in CONTEXTS:
            assert_hidden(secret, names, context)


READINGS = {
    "a secret that looks like a reference of HTML": ("'%%Z&#65;", ["regular expression"]),
    "a reference with backslashes in it": ("it's&it", ["html", "regular expression"]),
    "a character of the last plane of Unicode": ("%%%\U00100000", ["repr"]),
    "characters whose bytes are UTF-8 of another one": ("passÃ©", ["ascii"]),
    "such bytes behind other words": ("words\xa0\xa0é", ["ascii", "json"]),
    "quotes within something that looks percent-encoded": ("%'41bcde", ["zstack-ctl", "url"]),
}


@pytest.mark.parametrize(("secret", "names"), READINGS.values(), ids=READINGS)
def test_a_secret_is_hidden_where_two_readings_are_possible(secret: str, names: list[str]) -> None:
    assert_hidden(secret, names, CONTEXTS[0])


COMMANDS = "shell command[zstack-ctl --url ssh://root:{}@192.0.2.20/zs] sshpass -p '{}' ssh"
FADED = "0\U000e0fff\U000e0fff\U000e0fff"
# Secrets, a text, and what is shown of it.
REPLACED = [
    # Letters whose lower case depends on their place, or is longer
    *((["passΣ"], f"{text}{end}", f"***{end}") for text in ("PASSΣ", "pass\u03c3") for end in ("'s", "-1", "")),
    (["Gölcük"], "İİİ: Gölcük, İ", "İİİ: ***, İ"),
    # The password of a URL, known as written or encoded
    *(
        (secrets, COMMANDS.format("p%40ss", "p@ss"), COMMANDS.format("***", "***"))
        for secrets in (["p%40ss"], ["p@ss"])
    ),
    # Secrets that overlap or touch
    (["Open-Sesam3", "Sesam3"], "it is Open-Sesam3.", "it is ***."),
    (["Open-Sesam3", "Sesam3"], "Sesam3, then Open-Sesam3.", "***, then ***."),
    (["Open-Sesame", "Sesame-Street"], "it is Open-Sesame-Street.", "it is ***."),
    (["Op3n", "-Sesame"], "it is Op3n-Sesame.", "it is ***."),
    (["Sesam3"], "it is Sesam3Sesam3.", "it is ***."),
    # A secret of several lines
    (["first half\r\nsecond half\t"], "a first half, b\nSecond half", "a ***, b\n***"),
    (["\n \nfirst half"], "a first half", "a ***"),
    # From four characters on, also within words
    (["th3m"], "ssh://root:th3m@anth3m", "ssh://root:***@an***"),
    (["a'b'c"], "it is 'a'\\''b'\\''c'.", "it is '***'."),
    *(([secret], f"it is {secret}, {secret[:-1]}.", "it is ***, ***.") for secret in ("a\u200b", "ab\u200b")),
    # Escapes of C and JavaScript
    *(
        (["Night@Watch#7"], f"it is {spelled}.", "it is ***.")
        for spelled in (
            *("Night\\100Watch\\0437", "Night\\U00000040Watch\\U000000237", "Night\\u{40}Watch\\u{23}7"),
            *("Night%u0040Watch%U00237", "Night\\uu0040Watch\\u00237", "Ni\\nght@Wat\\tch#7"),
        )
    ),
    *(
        (["密码"], f"it is {spelled}码.", "it is ***.")
        for spelled in (
            *("%u5bc6", "\\u5bc6", "\\u{5bc6}", "\\U00005bc6", "&#23494;", "&#x5bc6;"),
            *("%E5%AF%86", "\\xe5\\xaf\\x86"),
        )
    ),
    # Escapes of no character
    *(
        (["sesam3"], f"{escape} sesam3", f"{escape} ***")
        for escape in (
            *("\\u{10ffff}", "\\u{110000}", "\\U00110000", "\\U00ffffff", "&#1114112;", "\\ud83d", "%ff", "\\xff"),
        )
    ),
    # Secrets that can hardly be seen
    ([FADED], f"ssh://root:{FADED}@192.0.2.20", "ssh://root:***@192.0.2.20"),
    (["the\u200b"], "the words", "the words"),
    (["the\U0001f600words"], "thewords", "thewords"),
    (["them\u200b"], "them and the words", "*** and the words"),
]


@pytest.mark.parametrize(("secrets", "text", "shown"), REPLACED)
def test_a_secret_is_replaced_and_all_else_stays_whole(secrets: list[str], text: str, shown: str) -> None:
    assert Redactor(*secrets)(text) == shown


def test_secrets_are_hidden_in_all_texts_and_numbers_of_an_error() -> None:
    opaque = {
        "sesam3": ["open sesam3", 7, None, {"innerKey": "SESAM3"}],
        "words": ["\nhunter\n", " hunter", {"hunter": 1}],
    }
    numbers = [12345678, -12345678, 12345678.0, 1234.5678, 7, True, {"pin": 12345678}, [1, 12345678]]
    redact = Redactor("sesam3", None, "", "hunter", "12345678", "1234.5678")
    fields = envelope_fields({"opaque": opaque, "pins": numbers, "pin": 12345678.0}, redact)
    words = ["\n***\n", " ***", {"***": 1}]
    assert fields["opaque"] == {"***": ["open ***", 7, None, {"inner_key": "***"}], "words": words}
    assert fields["pins"] == ["***", "***", "***", "***", 7, True, {"pin": "***"}, [1, "***"]]
    assert fields["pin"] == "***"


def test_a_secret_that_comes_later_is_hidden_from_then_on() -> None:
    redact = Redactor()
    assert redact("nothing to hide") == "nothing to hide"
    redact.add("nothing t")
    assert redact("nothing to hide") == "***o hide"


@pytest.mark.parametrize("secret", ["x", "e1", "zst", "22"])
def test_a_short_secret_is_hidden_alone_and_words_stay_readable(secret: str) -> None:
    words = "expired (ox) (xo) (de1) e10 the1 zstack_bs azst 2026-11-2210 1122, next"
    shown = Redactor(secret)(f"ssh://root:{secret}@192.0.2.20: {words}; sshpass -p '{secret}'")
    assert shown == f"ssh://root:***@192.0.2.20: {words}; sshpass -p '***'"


@pytest.mark.parametrize("names", [[], ["json in ASCII"], ["url"], ["zstack-ctl", "html"], ["java escapes", "url"]])
def test_a_secret_is_hidden_wherever_a_text_is_cut(names: list[str]) -> None:
    letters = "gHé密Jqwk"
    secret = f"{letters[:6]}'/ &{letters[6:]}"
    spelled = quoted(secret, names)
    text = f"the words before {spelled} and those behind"
    start = text.index(spelled)
    shown = Redactor(secret)(text)
    for limit in range(len(text) + 2):
        cut = Redactor(secret)(text, limit)
        if limit <= start:
            assert cut == text[:limit]
        elif limit < start + len(spelled):
            # Nothing is left but quotes around it, the first of them maybe cut.
            assert cut.startswith(text[:start])
            assert not set(letters) & set(undone(cut[start:]))
        else:
            assert shown.startswith(cut)
    assert cut == shown
    for limit in range(1, len(text) + 2):
        cut = Redactor(secret).ending(text, limit)
        if limit <= len(text) - start - len(spelled):
            assert cut == text[-limit:]
        elif limit < len(text) - start:
            assert cut.endswith(text[start + len(spelled) :])
            assert not set(letters) & set(undone(cut.removesuffix(text[start + len(spelled) :])))
        elif limit < len(text):
            assert shown.endswith(cut)
        else:
            assert cut == shown


def test_the_end_of_a_text_has_no_part_of_a_secret() -> None:
    redact = Redactor("Open-Sesame")
    assert redact.ending("x" * 20_000, 8000) == "x" * 8000
    assert redact.ending("x" * 20_000 + "Open-Sesame" + "y" * 7995, 8000) == "***" + "y" * 7995


HOSTILE = [
    *("\\", "%25", "%", "&amp;", "amp;", "'\"", "'\\''", "\\u005c", "\\ud83d", "\\uu", "&#1", "\\xf0\\x9f", "+"),
    *("sesame", "ses"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_it_takes_is_not_quadratic_in_the_length(piece: str) -> None:
    redact = Redactor("sesame's", "&amp;\\\\%25secret", "sesame")

    def seconds(length: int) -> float:
        text = ("&" if piece == "amp;" else "") + (piece * length)[:length]
        return min(_measured(lambda: redact(text)) for _dummy in range(3))

    # Eight times the length, as a few milliseconds more or less are the machine's: quadratic would be 64 times.
    assert seconds(40_000) < 32 * max(seconds(5_000), 0.005)


def _measured(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


@pytest.mark.parametrize("ways", [None, ["url"], ["json in ASCII"], ["zstack-ctl", "html"]])
def test_nothing_of_a_failed_scan_shows_the_password(
    gather: Gather, warnings: list[str], ways: list[str] | None
) -> None:
    password = "it's \"\\ $&<>=%+~ 密码é"
    with Simulator(storage_password=password) as zstack:
        # The right password at a wrong port: the server quotes the command lines.
        urls = [zstack.storage_url.replace("@192.0.2.20", "@192.0.2.20:2200"), *[zstack.storage_url] * 2]
        if ways:
            words = quoted(password, ways)
            zstack.inject({"status": 503, "body": json.dumps({"error": {"code": "X.1", words: words}})}, times=1)
            zstack.inject({"status": 500, "body": f"<p>{words}</p>"}, on="version")
            zstack.inject({"status": 500, "body": words}, on="logout")
        results = gather(zstack, urls=urls, retries=2, report=True)
        error = failure(gather, zstack, urls=urls, retries=2)
    assert len(warnings) == (3 if ways else 0)
    shown = json.dumps([str(error), error.error, warnings, results], ensure_ascii=False)
    assert "***" in shown
    assert [part for part in (undone(password), "密", "é", "$&", "=%", "~") if part in undone(shown)] == []


#: What a terminal does not show, or shows as a space or a box.
UNSEEN = ["\x1b[31m", "\x1b[0m", "\x1b[38;5;1m", "\x1b]0;title\x07", "\x9b1m", "\x00", "\x07"]
UNSEEN += ["\u200b", "\u00ad", "\ufeff", "\u202e", "\u2060", "\ufffd", "\n", "\r\n", "\t", "\u2028", "\xa0", "\ue000"]
unseen = st.lists(st.sampled_from(UNSEEN), max_size=3).map("".join)


@settings(max_examples=400 if LONG else 100)
@given(
    secret=st.sampled_from(["Night@Watch#7", "p%40ss'word", "密码é-Moon", "0123456789abcdef"]),
    data=st.data(),
    names=st.sampled_from([[], ["json in ASCII"], ["json in ASCII", "json"], ["html"], ["repr"]]),
)
def test_a_secret_with_invisible_characters_in_it_is_hidden(secret: str, data: st.DataObject, names: list[str]) -> None:
    spelled = "".join(character + data.draw(unseen) for character in secret)
    shown = one_line(Redactor(secret)(f"before {quoted(spelled, names)} after"))
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    left, plain = undone(shown), undone(secret)
    assert [plain[start : start + 3] for start in range(len(plain) - 2) if plain[start : start + 3] in left] == []


@pytest.mark.parametrize(
    "text",
    [
        *("\x1b]8;;x\x1b\\ab\x1b]8;;\x1b\\", "x=\x1b[31mab\x1b[0m y", "ssh%3A%2F%2Froot%3Aab%40192.0.2.20"),
        *('{\\"pw\\": \\"\\nab\\"}', "root:ab@host", "'ab'", "\u200bab\u200b"),
    ],
)
def test_a_short_secret_is_hidden_where_it_is_shown_alone(text: str) -> None:
    assert "ab" not in one_line(Redactor("ab")(text))


PLAIN_WORDS = ["password", "admin", "zstack", "2026", "root", "Denied", "session", "a", "12"]
SENTENCES = [
    "wrong account name or password",
    "Unable to authenticate a user",
    "The session is invalid, either wrong session id or the session has been expired",
    "root@192.0.2.20: Permission denied (publickey,password).",
    "Mon, 23 Nov 2026 08:05:09 GMT, zstack-db-4.8.30-20261123020011.gz, at 2026-11-23T08:05:09 or 12:2026-11",
    "zstack-ctl: the admin of zstack.example.com/zstack/v1 has 12 sessions as root",
]
VALUES = [
    *("ssh://user_1:{}@192.0.2.20/zs", "http://proxy:{}@proxy.example.com", "?name=me&password={}&x=1"),
    *('{{"password": "{}"}}', "{{'password': '{}'}}", "password: {}", "sshpass -p {} ssh"),
    *("zstack-ctl --password {}, -v", "[sshpass, -p, {}, ssh]", "shell command[echo {} | passwd] failed", "{}"),
]


@pytest.mark.parametrize("secret", PLAIN_WORDS)
def test_a_plain_word_that_is_a_secret_leaves_sentences_whole(secret: str) -> None:
    for sentence in SENTENCES:
        assert Redactor(secret)(sentence) == sentence


@given(
    secret=st.sampled_from(PLAIN_WORDS) | st.from_regex("[a-z]{1,12}|[0-9]{1,12}", fullmatch=True),
    value=st.sampled_from(VALUES),
    names=st.lists(st.sampled_from(["url", "html", "json", "json in ASCII", "repr"]), max_size=3),
    sentence=st.sampled_from(SENTENCES),
)
def test_a_plain_word_is_hidden_wherever_it_is_a_value(
    secret: str, value: str, names: list[str], sentence: str
) -> None:
    shown = Redactor(secret)(quoted(value.format(secret), names))
    assert undone(shown) == undone(quoted(value.format("***"), names))
    if value != "{}":
        assert "***" in Redactor(secret)(f"{sentence}\n{quoted(value.format(secret), names)}")


@pytest.mark.parametrize("fault", [{}, {"lines": ["this is no header"]}, {"cut": "before", "by": "reset"}], ids=str)
def test_the_http_libraries_log_nothing(
    zstack: Simulator, gather: Gather, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
        logger = logging.getLogger(name)
        logger.disabled = False
        caplog.set_level(logging.DEBUG, logger.name)
    zstack.inject(fault, times=1)
    gather(zstack, retries=1)
    assert [record for record in caplog.records if record.name.startswith(("urllib3", "requests"))] == []
