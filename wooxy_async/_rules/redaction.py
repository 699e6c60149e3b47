"""What never shows: the access token, and personal data in anything that people log."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NoReturn, Self
from urllib.parse import quote, quote_plus

MASK: Final = "***"
_PART: Final = 12  # so many characters of a token in a row are already a leak
_LONG: Final = 16  # a shorter token is redacted as a whole only: its parts are ordinary words
_SHORT: Final = 8  # fewer characters are no encoding that can be told from ordinary words and ids
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # keeps positions, as lower() may not
# What stays as it is: in a strict quotation, in Python's default one, in JavaScript's encodeURIComponent, in a path.
_KEPT_IN_URLS: Final = ("", "/", "!'()*", "!#$&'()*+,/:;=?@")
_DIGEST_KEY: Final = secrets.token_bytes(16)  # without it a number or an address is soon found by trying all
_DIGITS: Final = re.compile(r"(?<![0-9a-fA-F])\+?\d{4,}(\d{3})(?![0-9a-fA-F])")


class Secret:
    """Holds a text that only `reveal` shows: no repr, no traceback with locals, no list of attributes, no pickle.

    It is no `str`, because what prints locals does not always ask a string for its repr (rich cuts a long one first),
    and because `json`, `"%s"` and `+` take a string's characters themselves.

    Args:
        text: the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        # In a closure: what lists attributes, as rich.inspect does, shows a function.
        self._text: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """Return the text; keep it out of every local, for a frame that raises shows them."""
        return self._text()

    def __repr__(self) -> str:
        return f"'{MASK}'"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        """Travel as the mask: a pickle never holds the secret."""
        return (type(self), (MASK,))


class ChangingSecret(Secret):
    """A secret that may become another."""

    __slots__ = ()

    def change(self, text: str) -> None:
        """Hold another text."""
        self._text = lambda: text


class Redactor:
    """Removes secrets, and every longer part of them, from texts that a server or a library wrote.

    Args:
        secrets: what must not show, printable ASCII; empty ones are passed over.
    """

    __slots__ = ("_grams", "_parts")

    def __init__(self, secrets: Iterable[str]) -> None:
        self._parts: dict[int, set[str]] = {}
        self._grams: list[tuple[int, set[str]]] = []
        for secret in filter(None, secrets):
            self.add(secret)

    def add(self, secret: str) -> None:
        """Remove one secret more from now on; texts may be redacted meanwhile, in any thread."""
        parts: defaultdict[int, set[str]] = defaultdict(set)
        parts.update({size: set(known) for size, known in self._parts.items()})
        whole = len(secret) < _LONG
        for spelling in _spellings(secret):
            size = len(spelling) if whole else _PART
            if size >= _SHORT or spelling == secret:
                parts[size].update(_windows(spelling.translate(_LOWER), size))
        # Whatever holds a part of 2n characters holds n of them in a row at a multiple of n: n-grams tell quickly
        # that most texts hold nothing.
        halves = {size: (size + 1) // 2 for size in parts}
        self._parts = dict(parts)
        self._grams = [
            (half, {gram for part in parts[size] for gram in _windows(part, half)}) for size, half in halves.items()
        ]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: it is made of secrets."""
        raise TypeError("A Redactor holds secrets: it is not pickled and not copied.")

    def __call__(self, text: str) -> str:
        """Return the text with a mask where a secret, or 12 characters of a long one, stood."""
        lower = text.translate(_LOWER)
        if not self._may_hold(lower):
            return text
        hits = sorted(
            (at, at + size)
            for size, parts in self._parts.items()
            for at, window in enumerate(_windows(lower, size))
            if window in parts
        )
        return _masked(text, hits) if hits else text

    def _may_hold(self, lower: str) -> bool:
        for half, grams in self._grams:
            for at in range(0, len(lower) - half + 1, half):  # a generator costs twice the time, for every answer
                if lower[at : at + half] in grams:
                    return True
        return False


def _windows(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(len(text) - size + 1))


def _masked(text: str, hits: list[tuple[int, int]]) -> str:
    """Replace each run of overlapping or touching hits by one mask."""
    pieces: list[str] = []
    end = 0
    for start, stop in hits:
        if start > end or not pieces:
            pieces += [text[end:start], MASK]
        end = max(end, stop)
    return "".join(pieces) + text[end:]


def _spellings(secret: str) -> set[str]:
    """Return the secret as servers and proxies write it."""
    raw, escaped, marked = secret.encode(), json.dumps(secret)[1:-1], html.escape(secret)
    backslashed = secret.replace("\\", "\\\\")
    return {
        secret,
        backslashed,  # as Python's repr does; an apostrophe only beside a quotation mark
        backslashed.replace("'", "\\'"),
        *(quote(secret, safe=kept) for kept in _KEPT_IN_URLS),
        quote_plus(secret),
        "".join(f"%{byte:02x}" for byte in raw),
        escaped,
        escaped.replace("/", "\\/"),
        "".join(f"\\u{byte:04x}" for byte in raw),
        marked,
        marked.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        html.escape(secret, quote=False),
        raw.hex(),
        *_in_base64(raw),
    } - {""}


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield the characters that the secret makes of itself at each of base64's three alignments, in both alphabets."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        inner = encoded[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3].decode()
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def mask_number(number: object) -> str:
    """Return a phone number with only its last three characters to be read."""
    return f"…{number[-3:]}" if isinstance(number, str) and len(number) > 2 * 3 else "…"


def mask_reference(reference: object) -> str:
    """Return a short digest of a caller's id of a message, the same throughout this process and no other.

    It often is an e-mail address or a number; who has the log only can match its lines and guess nothing back.
    """
    if not isinstance(reference, str):
        return str(reference) if reference is None else f"<{type(reference).__name__}>"
    digest = hashlib.blake2b(reference.encode("utf-8", "surrogatepass"), key=_DIGEST_KEY, digest_size=3)
    return f"ref:{digest.hexdigest()}"


def mask_digits(text: str) -> str:
    """Return a text in which every long run of digits, as a phone number is, shows its last three only."""
    return _DIGITS.sub(r"…\1", text)
