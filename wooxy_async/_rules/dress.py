"""What a text says under its dress: case, quotes, hyphens, blanks, widths, escapes and characters that nobody sees.

A text is compared undressed and quoted as it was written, so each undressed character knows where it stood. Nearly all
texts are one `str.translate` from it; only escapes and invisible characters change the positions.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Sequence
from typing import Final, NamedTuple

_QUOTES = (
    "\"'`\u00b4\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
    "\u2032\u2033\u2039\u203a\u300c\u300d\u301d\u301e\u301f"
)
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_BLANKS = "\t\n\r \u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# Soft hyphen, joiners, zero-width blanks, marks of direction and of variation, byte-order mark.
_RANGES: Final = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
INVISIBLE: Final = "\u00ad\u034f\u061c\u180e\ufeff" + "".join(
    chr(code) for first, last in _RANGES for code in range(first, last + 1)
)
_FULL_WIDTH: Final = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
_LOWER: Final = dict(zip(map(ord, string.ascii_uppercase), map(ord, string.ascii_lowercase), strict=True))
# str.translate is twice as fast where the table also holds the characters that stay.
_STRAIGHT: Final = (
    {code: code for code in range(0x80)}
    | _LOWER
    | {ord(quote): ord('"') for quote in _QUOTES}
    | {ord(hyphen): ord("-") for hyphen in _HYPHENS}
    | {ord(blank): ord(" ") for blank in _BLANKS}
)
_PLAIN: Final = _STRAIGHT | {wide: _STRAIGHT[code] for wide, code in _FULL_WIDTH.items()}

_NAMES = (
    "quot|QUOT|apos|amp|AMP|lt|gt|nbsp|shy|hyphen|dash|ndash|mdash|hellip|zwj|zwnj"
    "|[lrsb]squo|[lrb]dquo|[lr]aquo|[lr]saquo"
)
# Each repetition is bounded or anchored at its first character, so that no text takes more than linear time.
_ESCAPE: Final = (
    rf"&(?:amp;)*(?P<entity>#\d{{1,7}}|#[xX][\da-fA-F]{{1,6}}|{_NAMES});"
    rf"|\\{{1,4}}(?:u(?![dD][89a-fA-F])(?P<code>[\da-fA-F]{{4}})|(?P<sign>[{_QUOTES}\uff02\uff07/]))"
)
_ESCAPES: Final = re.compile(_ESCAPE)
_MAY_MOVE: Final = re.compile(rf"[&\\{INVISIBLE}]")
_MOVES: Final = re.compile(rf"{_ESCAPE}|[{INVISIBLE}]")


class Undressed(NamedTuple):
    """A text in lower case with straight quotes, and where in the original each character, and its end, stands."""

    text: str
    where: Sequence[int]


def undress(text: str) -> Undressed:
    """Take a text's dress off.

    Args:
        text: without runs of blanks.
    """
    if _MAY_MOVE.search(text) is None:
        return Undressed(text.translate(_PLAIN), range(len(text) + 1))
    pieces: list[str] = []
    where: list[int] = []
    at = 0
    for found in _MOVES.finditer(text):
        character = _character(found).strip(INVISIBLE)
        pieces += text[at : found.start()], character
        where += (*range(at, found.start()), *[found.start()] * len(character))
        at = found.end()
    return Undressed("".join((*pieces, text[at:])).translate(_PLAIN), (*where, *range(at, len(text) + 1)))


def unescape(text: str) -> str:
    """Return a text without HTML entities and without backslashes before quotes; all else stays as it is written."""
    return _ESCAPES.sub(_character, text) if "&" in text or "\\" in text else text


def _character(found: re.Match[str]) -> str:
    if found["entity"]:
        return html.unescape(f"&{found['entity']};")
    return chr(int(found["code"], 16)) if found["code"] else found["sign"] or ""
