"""Each documented error in each dress that a person would recognize, with each filling of its placeholders."""
# ruff: noqa: RUF001 - quotes and hyphens that look alike are the point

import html
import json
import re
from collections.abc import Callable

import pytest

from wooxy_async._rules.documented import DOCUMENTED, Documented, recognize
from wooxy_async._rules.dress import undress, unescape
from wooxy_async._rules.wire import Refused, read_reply
from wooxy_async.sandbox import _errors as sandbox

# The page's texts, with its curly quotes, and a character that no dress touches for each placeholder.
HOLE = "\ue000"
TEXTS = {error.code: re.sub(r"[{$]\w+\}?", HOLE, error.text) for error in sandbox.DOCUMENTED}


def straight(text: str) -> str:
    """Write curly quotes straight."""
    return text.translate(str.maketrans("“”‘’", "\"\"''"))


def sub(pattern: str, by: str) -> Callable[[str], str]:
    """Return a dress that replaces what a pattern finds."""
    return lambda text: re.sub(pattern, by, text)


ARGUMENTS = r"\b(domain|senderId|text|button|ttl|device|tags|url)\b"
DRESSES: dict[str, Callable[[str], str]] = {
    "bare": str,
    "as printed": "“{}”".format,
    "straight": straight,
    "lower case": lambda text: straight(text).lower(),
    "upper case": str.upper,
    "more blanks": lambda text: f"\n {text}\t".replace(" ", " \n\u00a0"),
    "no-break blanks": sub(" ", "&nbsp;"),
    **{
        f"ends with {end}": ("{}" + end).format
        for end in ("!", ",", ":", ";", "…", ".", "...", "?", " .", "!!", "！", "。")
    },
    **{
        f"begins with {start}": (start + "{}").format
        for start in (
            "Error: ",
            "ERROR - ",
            "error:",
            "Error 401: ",
            "401: ",
            "401 - ",
            "HTTP 401: ",
            "HTTP/1.1 400 - ",
            "[401] ",
            "(400): ",
            "Status code: 400, ",
            "HTTP 401: 401 - ",
            "Error — ",
            "“Error”: ",
        )
    },
    "a prefix, quoted, with an end": "Error: “{}”!".format,
    "quoted with its prefix": "'401: {}.'".format,
    "named entities": lambda text: straight(text).replace('"', "&quot;").replace("'", "&apos;"),
    "curly entities": lambda text: html.escape(text).translate(
        {ord(quote): f"&{name};" for quote, name in zip("“”‘’", ("ldquo", "rdquo", "lsquo", "rsquo"), strict=True)}
    ),
    "numbered entities": lambda text: (
        "&#8220;" + straight(text).replace('"', "&#34;").replace("'", "&#x27;") + "&#x201D;"
    ),
    "escaped twice": lambda text: html.escape(html.escape(f'"{straight(text)}"')),
    "backslashed": lambda text: json.dumps(straight(text), ensure_ascii=False),
    "all backslashed": lambda text: straight(text).replace("'", "\\'").replace('"', '\\"').replace("/", "\\/"),
    "backslashed twice": lambda text: json.dumps(json.dumps(straight(text), ensure_ascii=False), ensure_ascii=False),
    "escaped as JSON": lambda text: text.translate({ord(quote): f"\\u{ord(quote):04x}" for quote in "“”‘’"}),
    "full-width quotes": lambda text: f"＂{text}＂".translate(str.maketrans("“”‘’", "＂＂＇＇")),
    "guillemets": lambda text: f"«{text}»".translate(str.maketrans("“”‘’", "‹›‹›")),
    "full width": lambda text: "".join(
        chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text
    ),
    "without quotes": sub("[“”‘’]", ""),
    "quoted arguments": lambda text: re.sub(ARGUMENTS, r"'\1'", re.sub("[“”‘’]", "", text)),
    "curly arguments": lambda text: re.sub(ARGUMENTS, r"“\1”", re.sub("[“”‘’]", "", text)),
    "buttons": sub("button", "buttons"),
    "sender id": sub("senderId", "sender id"),
    "sender_id": sub("senderId", "sender_id"),
    "Sender-ID": sub("senderId", "Sender-ID"),
    "non empty": sub("non-empty", "non empty"),
    "nonempty": sub("non-empty", "nonempty"),
    "E164": sub(r"E\.164", "E164"),
    "E-164": sub(r"E\.164", "E-164"),
    **{f"hyphen U+{ord(hyphen):04X}": sub("-", hyphen) for hyphen in "\u00ad‐‑‒–—―−﹣－"},
    "named hyphens": sub("-", "&shy;&ndash;"),
    **{f"strewn with U+{ord(mark):04X}": mark.join for mark in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e"},
    "marked at its ends": "\ufeff\u202a{}\u202c\u200b".format,
    "strewn with named marks": "&zwnj;".join,
}
NAMES = [
    "Shop",
    "",
    "Acme Inc.",
    "Shop is not approved",
    "O’Neil & “Sons”",
    "Zoë’s 👩\u200d🚀 \\ Shop",
    "not",
    "in account",
]
FILLINGS = {
    "phoneNumber": ["+14155550123", "", "+49 (0)30 123-45"],
    "domain": ["shop.example", "", "münchen.example", "not found in your account"],
    "code": ["KZ", ""],
    "senderId": NAMES,
    "tag": ["spring sale", "", "name", "is not", "“50%” & more!"],
    "accessToken": ["0123456789abcdef/+=", "", "a b"],
    "key": ["my-key", ""],
    "userId": ["4711", "", "u.4711-x"],
}
MEANINGS = {
    "DOMAIN_WITHOUT_DEFAULT_LIST": "domain",
    "USER_NOT_ENABLED": "userId",
}


def fillings(row: Documented) -> list[dict[str, str]]:
    """Return what to fill a row's placeholders with: each filling of the first, and of the second with the first's."""
    names = re.findall(r"\{(\w+)\}", row.text)
    kinds = [FILLINGS[MEANINGS.get(row.code, "senderId") if name == "id" else name] for name in names]
    return [
        {name: kind[at % len(kind)] for name, kind in zip(names, kinds, strict=True)}
        for at in range(max(map(len, kinds), default=1))
    ]


def filled(text: str, values: dict[str, str]) -> str:
    """Fill the holes of a text in their order."""
    for value in values.values():
        text = text.replace(HOLE, value, 1)
    return text


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: row.code)
def test_each_text_is_known_in_each_dress_and_with_each_filling(row: Documented, dress: str) -> None:
    """Code and values are those of the page's text, whole and without what the dress added; secrets are masked."""
    for values in fillings(row):
        text = filled(DRESSES[dress](TEXTS[row.code]), values)
        found = recognize(text, str)
        assert found.code is row.code, text
        expected = {
            name: "***" if name in {"key", "accessToken"} and value else value for name, value in values.items()
        }
        assert found.values == ({} if row.number == 21 else expected), text
        assert not any(values.get(name) and values[name] in found.text for name in ("key", "accessToken")), text


SHAPES = (
    '{"result": false, "errors": [%s]}',
    '{"Result": false, "Errors": %s}',
    '{"result": false, "errors": {"0": %s}}',
    '{"result": false, "errors": [[%s]]}',
    '{"result": false, "errors": [{"message": %s}]}',
    '{"result": false, "error": %s}',
    '{"result": false, "error": true, "message": %s}',
)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_text_is_known_in_each_dress_in_each_shape_of_an_answer(shape: str, *, ascii_only: bool) -> None:
    """An answer of another shape says the same in any dress; 26 texts in each dress with their first filling."""
    for row in DOCUMENTED:
        values = fillings(row)[0]
        for name, dress in DRESSES.items():
            said = json.dumps(filled(dress(TEXTS[row.code]), values), ensure_ascii=ascii_only)
            answer = read_reply((shape % said).encode(), str)
            assert isinstance(answer, Refused)
            assert [error.code for error in answer.errors] == [row.code], (name, said)


@pytest.mark.parametrize("spelling", ["page", "plain"])
@pytest.mark.parametrize("value", ["", "x"])
@pytest.mark.parametrize("error", sandbox.DOCUMENTED, ids=lambda error: error.code)
def test_what_the_sandbox_says_is_known(error: sandbox.DocumentedError, value: str, spelling: sandbox.Spelling) -> None:
    """The project's own server is understood in both spellings, also where it has nothing to fill in."""
    facts = dict.fromkeys(
        ("phoneNumber", "domain", "domainId", "senderId", "code", "tag", "key", "accessToken", "userId"), value
    )
    assert recognize(sandbox.render(error, facts, spelling), str).code == error.code


@pytest.mark.parametrize(
    ("text", "plain", "where"),
    [
        ("Bad", "bad", [0, 1, 2, 3]),
        ("“Ä”", '"Ä"', [0, 1, 2, 3]),
        ("a\u200bb", "ab", [0, 2, 3]),
        ("&quot;a", '"a', [0, 6, 7]),
        ("&amp;amp;#8220;a", '"a', [0, 15, 16]),
        ("&#0;&#xD800;&#8203;", "\ufffd\ufffd", [0, 4, 19]),
        ("&unknown;&", "&unknown;&", list(range(11))),
        ("\\\\'a\\/b", '"a/b', [0, 3, 4, 6, 7]),
        ("\\u201ca\\ud83d\\", '"a\\ud83d\\', [0, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
    ],
)
def test_each_character_knows_where_it_stood(text: str, plain: str, where: list[int]) -> None:
    """An undressed text is as long as its list of places, but for the end, which is the last of them."""
    undressed = undress(text)
    assert (undressed.text, list(undressed.where)) == (plain, where)


def test_escapes_are_resolved_and_all_else_stays() -> None:
    """A value is what a person would read: case, quotes and joiners as they were written."""
    assert unescape("&lt;O&#39;Neil&gt; \\“X\\” 👩\u200d🚀 &c; \\n") == "<O'Neil> “X” 👩\u200d🚀 &c; \\n"
