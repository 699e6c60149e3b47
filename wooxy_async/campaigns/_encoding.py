"""How a file's bytes are text: UTF-8 and UTF-16 are told by the bytes, anything else has to be said.

Every byte is a letter in Windows-1251 and in Windows-1252 alike, so that a guess makes Îëåíà of Олена. A person sees
which reading holds the names, no program does.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable
from typing import Final

from wooxy_async.campaigns._errors import ContactsError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UTF8: Final = "utf-8-sig"
# Spreadsheets of Windows and macOS, of Western, Central and Eastern Europe, Turkey, Greece, and East Asia.
CANDIDATES: Final = (
    "windows-1252",
    "windows-1251",
    "windows-1250",
    "windows-1257",
    "windows-1254",
    "windows-1253",
    "mac-roman",
    "koi8-u",
    "cp866",
    "shift_jis",
    "gb18030",
    "big5",
    "euc-kr",
)
HEAD: Final = 4096  # bytes that are looked at
_FEW: Final = 10  # of a hundred: digits, delimiters and line ends alone are more NULs than that in UTF-16
_SIDE: Final = 20  # times as many NULs on the one side as on the other
_WORDS: Final = 3
_WORD_MOST: Final = 24
_FOREIGN_WORD: Final = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")


def encoding_of(head: bytes, given: str | None) -> str:
    """Return how a file is to be decoded.

    Args:
        head: its first bytes.
        given: what the caller says, which is taken.

    Raises:
        ContactsError: there is no such encoding.
    """
    if given is not None:
        return _known(given)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[::2].count(0), head[1::2].count(0)
    if (even + odd) * 100 >= len(head) * _FEW:
        if odd > even * _SIDE:
            return "utf-16-le"
        if even > odd * _SIDE:
            return "utf-16-be"
    return UTF8


def readings(lines: Iterable[bytes]) -> dict[str, tuple[str, ...]]:
    """Return what each candidate makes of lines: the first words that are not plain ASCII.

    Args:
        lines: lines that are not UTF-8.
    """
    found: dict[str, tuple[str, ...]] = {}
    whole = b"".join(lines)
    for name in CANDIDATES:
        try:
            text = whole.decode(name)
        except UnicodeDecodeError:
            continue
        words = tuple(dict.fromkeys(word[:_WORD_MOST] for word in _FOREIGN_WORD.findall(text) if len(word) > 1))[
            :_WORDS
        ]
        if words and words not in found.values():
            found[name] = words
    return found


def _known(name: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)  # refuses also what is no encoding of text, such as base64
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ContactsError(f"encoding={name!r} is no encoding of text. Usual ones: {', '.join(CANDIDATES)}.") from None
    return UTF8 if found == "utf-8" else found
