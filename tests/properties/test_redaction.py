"""Redaction: no part of a token is left that somebody who decodes what was logged could read."""

import base64
import html
import json
import re
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hypothesis import assume, example, given, settings, strategies as st
from tries import tries

from wooxy_async._rules.redaction import Redactor

PART = 12
# Printable ASCII without the mask's own character: a text whose ends join to a part over the mask tells nothing new.
TOKENS = st.text(string.ascii_letters + string.digits + "-_.~/+=:;,&<>'\"%\\", min_size=16, max_size=40)
PLAIN_TOKENS = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40)
AROUND = st.text("абв !", max_size=4)
ANY_TEXT = st.text(max_size=60)

SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    quote,
    quote_plus,
    lambda part: quote(part, safe=""),
    lambda part: quote(part, safe="").lower(),
    lambda part: "".join(f"%{ord(character):02X}" for character in part),
    lambda part: json.dumps(part)[1:-1],
    lambda part: json.dumps(part)[1:-1].replace("/", "\\/"),
    lambda part: "".join(f"\\u{ord(character):04x}" for character in part),
    html.escape,
    lambda part: html.escape(part, quote=False),
    lambda part: part.encode().hex(),
    lambda part: part.encode().hex().upper(),
)


def from_json(text: str) -> str:
    """Undo the escapes of JSON."""
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", plain)


def from_hex(text: str) -> Iterator[str]:
    """Undo hexadecimal, wherever it begins."""
    for run in re.findall(r"[0-9a-fA-F]+", text):
        for start in range(2):
            digits = run[start:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")


def from_base64(text: str) -> Iterator[str]:
    """Undo base64 of both alphabets, wherever it begins."""
    for run in re.findall(r"[A-Za-z0-9+/]+", text.replace("-", "+").replace("_", "/")):
        for start in range(4):
            digits = run[start:]
            yield base64.b64decode(digits[: len(digits) // 4 * 4]).decode("latin-1")


def readings(text: str) -> Iterator[str]:
    """Yield a text in each way in which somebody might decode it."""
    yield from (text, unquote(text), unquote_plus(text), html.unescape(text), from_json(text))
    yield from from_hex(text)
    yield from from_base64(text)


def leaks(text: str, token: str) -> bool:
    """Return whether twelve characters in a row of a token can be read in a text."""
    lower = token.lower()
    parts = [lower[at : at + PART] for at in range(len(token) - PART + 1)]
    return any(part in reading.lower() for reading in readings(text) for part in parts)


@st.composite
def tokens_with_part(draw: st.DrawFn, tokens: st.SearchStrategy[str] = TOKENS) -> tuple[str, str]:
    """Draw a token, and twelve or more characters in a row of it."""
    token = draw(tokens)
    start = draw(st.integers(0, len(token) - PART))
    return token, token[start : start + draw(st.integers(PART, len(token)))]


@settings(max_examples=tries(200))
@given(given_=tokens_with_part(), spell=st.sampled_from(SPELLINGS), before=AROUND, after=AROUND)
@example(given_=("a+b/c+d/e+f/g+h/",) * 2, spell=quote, before="", after="")
def test_no_part_survives_in_any_spelling(
    given_: tuple[str, str], spell: Callable[[str], str], before: str, after: str
) -> None:
    """Twelve characters in a row of a token cannot be read from a text, however they were spelled."""
    token, part = given_
    text = f"{before}{spell(part)}{after}"
    left = Redactor([token])(text)
    assert left.startswith(before)
    assert left.endswith(after)
    assert "***" in left
    assert not leaks(left, token)


@settings(max_examples=tries(150))
@given(given_=tokens_with_part(), before=st.binary(max_size=5), after=st.binary(max_size=5), for_urls=st.booleans())
def test_no_part_survives_in_base64(*, given_: tuple[str, str], before: bytes, after: bytes, for_urls: bool) -> None:
    """Nor from base64 of something that holds it, at any alignment and in either alphabet."""
    token, part = given_
    encode = base64.urlsafe_b64encode if for_urls else base64.b64encode
    left = Redactor([token])(f"Basic {encode(before + part.encode() + after).decode()}")
    assert left.startswith("Basic ")
    assert not leaks(left, token)


@settings(max_examples=tries(100))
@given(given_=tokens_with_part(), pieces=st.lists(st.sampled_from(SPELLINGS), max_size=3), text=ANY_TEXT)
def test_redaction_is_done_at_once(given_: tuple[str, str], pieces: list[Callable[[str], str]], text: str) -> None:
    """Several spellings in one text go at once, and what was redacted stays as it is."""
    token, part = given_
    redact = Redactor([token])
    left = redact(" ".join([text, *(spell(part) for spell in pieces), text]))
    assert not leaks(left, token)
    assert redact(left) == left


@settings(max_examples=tries(150))
@given(token=PLAIN_TOKENS, text=ANY_TEXT)
@example(token="0123456789abcdef", text="Argument ‘domain’ must be a non-empty string")  # noqa: RUF001 - the page's quotes
def test_other_texts_stay_as_they_are(token: str, text: str) -> None:
    """A text in which nothing of the token can be read is returned unchanged."""
    assume(not leaks(text, token))
    assert Redactor([token])(text) == text


@settings(max_examples=tries(100))
@given(token=st.text(string.printable.strip(), min_size=1, max_size=15).filter(str.isalnum), before=AROUND)
def test_short_tokens_go_as_a_whole(token: str, before: str) -> None:
    """A token of fewer than 16 characters is masked as a whole, in any case."""
    assert Redactor([token])(f"{before} {token} {before} {token.swapcase()}") == f"{before} *** {before} ***"
