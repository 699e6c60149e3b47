"""What never shows: secrets in any spelling, and numbers in what people log."""

import base64
import copy
import dataclasses
import hashlib
import html
import inspect
import io
import json
import pickle
import pprint
import re
import reprlib
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import msgspec
import pytest
import rich
from rich.console import Console
from rich.pretty import Pretty, traverse

from wooxy_async._rules.redaction import ChangingSecret, Redactor, Secret, mask_digits, mask_number, mask_reference

TOKEN = "4f9c/1d+7b&2e'8a\"60<3c"
PLAIN = "4f9c1d7b2e8a603c5d6e7f80"
LONG = "".join(f"{at:03}" for at in range(60))

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "quoted": quote,
    "quoted whole": lambda token: quote(token, safe=""),
    "quoted in lower case": lambda token: quote(token, safe="").lower(),
    "quoted as JavaScript does": lambda token: quote(token, safe="!'()*"),
    "quoted as in a path": lambda token: quote(token, safe="!#$&'()*+,/:;=?@"),
    "quoted for a form": quote_plus,
    "percent, every byte": lambda token: "".join(f"%{byte:02X}" for byte in token.encode()),
    "JSON": lambda token: json.dumps(token)[1:-1],
    "JSON of PHP": lambda token: json.dumps(token)[1:-1].replace("/", "\\/"),
    "JSON, every character": lambda token: "".join(f"\\u{ord(character):04X}" for character in token),
    "Python": lambda token: repr(token)[1:-1],
    "Python, in a text with both quotes": lambda token: repr(f"{token}\"'")[1:-4],
    "HTML": html.escape,
    "HTML of Jinja": lambda token: html.escape(token).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "HTML text": lambda token: html.escape(token, quote=False),
    "hex": lambda token: token.encode().hex(),
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "base64, one byte before": lambda token: base64.b64encode(b":" + token.encode() + b"\n").decode(),
    "base64, two bytes before": lambda token: base64.b64encode(b"u:" + token.encode() + b"?").decode(),
    "base64 of URLs": lambda token: base64.urlsafe_b64encode(token.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("token", [TOKEN, PLAIN])
def test_a_token_is_masked_in_each_spelling(token: str, spelling: str) -> None:
    """Whatever a server makes of the token, nothing of it is left but the characters that share a byte with others."""
    spelled = SPELLINGS[spelling](token)
    left = Redactor([token])(f"token: {spelled} (refused)")
    before, after = left.removeprefix("token: ").removesuffix(" (refused)").split("***")
    shared = 3 if "base64" in spelling else 0
    assert len(before) <= shared
    assert len(after.rstrip("=")) <= shared


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (PLAIN[:12], "***"),
        (PLAIN[5:17], "***"),
        (PLAIN[:11], PLAIN[:11]),
        (f"<{PLAIN[:14]}|{PLAIN[3:]}>", "<***|***>"),
        (PLAIN * 2, "***"),
        (f"{PLAIN} and {PLAIN}", "*** and ***"),
        ("", ""),
        ("İ" * 30 + PLAIN, "İ" * 30 + "***"),
    ],
)
def test_twelve_characters_in_a_row_are_masked(text: str, left: str) -> None:
    """Twelve characters of a long token are a leak, eleven are not; each run of hits is one mask."""
    assert Redactor([PLAIN])(text) == left


def test_a_short_token_is_masked_as_a_whole_only() -> None:
    """Parts of a token under 16 characters are ordinary words."""
    redact = Redactor(["secret-token-15"])
    assert redact("secret-token-1, SECRET-TOKEN-15!") == "secret-token-1, ***!"
    assert redact(base64.b64encode(b"secret-token-15").decode()) == "***"


def test_a_token_of_16_characters_is_long() -> None:
    """From 16 characters on, twelve in a row are a leak."""
    assert Redactor(["secret-token-016"])("secret-token") == "***"


def test_encodings_of_eight_characters_are_masked() -> None:
    """An encoding of a short token goes from 8 characters on: fewer are ordinary words and ids."""
    assert Redactor(["abcd"])("61626364") == "***"
    assert Redactor(["abc"])("616263") == "616263"


def test_a_tiny_token_spoils_no_other_text() -> None:
    """The encodings of a token of few characters are letters of ordinary words and ids: they stay."""
    assert Redactor(["t"])("id 5d914c3dd132d5f45a4e3674 for order") == "id 5d914c3dd132d5f45a4e3674 for order"


def test_several_secrets_are_masked_and_empty_ones_passed_over() -> None:
    """A proxy's password is masked beside the token; an empty secret masks nothing."""
    redact = Redactor(["", PLAIN, "päss/wort"])
    assert redact(f"{PLAIN} päss/wort p%C3%A4ss%2Fwort") == "*** *** ***"
    assert Redactor([""])("text") == "text"


def test_eleven_characters_in_a_row_stay_wherever_they_stand() -> None:
    """At each end of a token, and in its middle."""
    token = "abcdefghijklmnopqrstuvwxyz"
    redact = Redactor([token])
    for at in range(len(token) - 10):
        assert redact(f"-{token[at : at + 11]}-") == f"-{token[at : at + 11]}-"
        assert redact(token[at : at + 11]) == token[at : at + 11]
        assert redact(f"-{token[at : at + 12]}-") == ("-***-" if at + 12 <= len(token) else f"-{token[at:]}-")


@pytest.mark.parametrize("spelling", [r"a\\b?c?d", "a%5Cb%3Fc%3Fd"])
def test_a_short_token_with_a_backslash_is_masked_as_written(spelling: str) -> None:
    """By Python's repr, and in an address."""
    assert Redactor([r"a\b?c?d"])(f"<{spelling}>") == "<***>"
    token = "a\\b'c\"d"
    assert Redactor([token])(repr(token)) == "'***'"


def test_the_alphabet_of_addresses_is_masked() -> None:
    """Base64 with - and _ where others have + and /."""
    token = "?????>???"
    written = base64.urlsafe_b64encode(token.encode()).decode()
    assert {"_", "-"} <= set(written)
    assert Redactor([token])(f"<{written}>") == "<***>"


def test_a_secret_that_changes_is_another_from_then_on() -> None:
    """And shows as little."""
    secret = ChangingSecret("first-secret")
    secret.change("second-secret")
    assert secret.reveal() == "second-secret"
    assert repr(secret) == "'***'"


def test_a_redactor_does_not_travel() -> None:
    """A redactor is made of secrets: it is refused to pickle and copy, and its repr shows none."""
    redact = Redactor([PLAIN])
    with pytest.raises(TypeError, match=r"^A Redactor holds secrets: it is not pickled and not copied\.$"):
        pickle.dumps(redact)
    with pytest.raises(TypeError, match="not copied"):
        copy.copy(redact)
    assert PLAIN[:6] not in repr(redact)


@dataclasses.dataclass
class Holder:
    """Something of a caller's that holds a secret, for what dumps attributes."""

    secret: Secret


def rich_shows(shown: object) -> str:
    """Return what rich prints."""
    console = Console(file=io.StringIO(), width=300)
    console.print(shown)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def rich_inspects(value: object) -> str:
    """Return all that rich's inspection of an object prints."""
    console = Console(file=io.StringIO(), width=300)
    rich.inspect(value, console=console, all=True, private=True, dunder=True, methods=True)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


SHOWING: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "conversion": "{!r:>20}".format,
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - it is a way of its own
    "container": lambda secret: repr({"token": [secret]}),
    "reprlib": reprlib.repr,
    "pprint": pprint.pformat,
    "dataclass": lambda secret: repr((Holder(secret), vars(Holder(secret)), dataclasses.asdict(Holder(secret)))),
    "members": lambda secret: repr(inspect.getmembers(secret)),
    "rich": lambda secret: rich_shows(Pretty({"token": secret}, max_string=80)),
    "rich traverse": lambda secret: rich_shows(traverse(secret, max_string=80)),
    "rich inspect": rich_inspects,
    "rich inspect a holder": lambda secret: rich_inspects(Holder(secret)),
    **{f"pickle {number}": lambda secret, number=number: pickle.dumps(secret, number) for number in range(6)},  # type: ignore[misc]
}


@pytest.mark.parametrize("way", SHOWING)
@pytest.mark.parametrize("token", [PLAIN, TOKEN, LONG], ids=["plain", "special", "long"])
def test_nothing_shows_a_secret(token: str, way: str) -> None:
    """Whatever prints, lists, cuts or pickles a secret shows no eight characters of it."""
    shown = SHOWING[way](Secret(token))
    text = shown.decode("latin-1") if isinstance(shown, bytes) else str(shown)
    assert not any(token[at : at + 8] in text for at in range(len(token) - 7))


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode, msgspec.to_builtins, "".join, "t".__add__])
def test_a_secret_is_no_string(encode: Callable[[object], object]) -> None:
    """What takes the characters of a string itself, without asking for its text, refuses a secret."""
    with pytest.raises(TypeError):
        encode(Secret(PLAIN))


def test_a_secret_is_revealed_and_copied_within_the_process_only() -> None:
    """Its text is given where it is asked for in so many words; a copy is the same, a pickle travels as the mask."""
    secret = Secret(PLAIN)
    assert secret.reveal() == PLAIN
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret]) == [secret]
    assert pickle.loads(pickle.dumps(secret)).reveal() == "***"  # noqa: S301 - our own pickle


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+14155550123", "…123"), ("1234567", "…567"), ("123456", "…"), ("", "…"), (None, "…"), (14155550123, "…")],
)
def test_a_number_shows_its_last_digits(number: object, shown: str) -> None:
    """Only the last three characters of a number can be read, and none of a short one."""
    assert mask_number(number) == shown


def test_a_reference_shows_as_a_short_digest() -> None:
    """The digest of a reference is short, the same each time, and another one for another reference."""
    shown = mask_reference("anna@example.org")
    assert re.fullmatch("ref:[0-9a-f]{6}", shown)
    assert mask_reference("anna@example.org") == shown != mask_reference("anne@example.org")
    assert mask_reference("half \udc80").startswith("ref:")
    assert (mask_reference(None), mask_reference(14155550123)) == ("None", "<int>")


def test_a_digest_cannot_be_guessed_back() -> None:
    """Another process has another key: who tries all numbers against a log finds none of them."""
    code = "from wooxy_async._rules.redaction import mask_reference; print(mask_reference('+14155550123'))"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]  # noqa: S603 - ours
    plain = hashlib.blake2b(b"+14155550123", digest_size=3).hexdigest()
    assert len({run.stdout.strip() for run in runs} | {mask_reference("+14155550123"), f"ref:{plain}"}) == 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+14155550123 is wrong", "…123 is wrong"),
        ("to 14155550123, 436641234567.", "to …123, …567."),
        ("number:+14155550123", "number:…123"),
        ("HTTP 200, error 123456", "HTTP 200, error 123456"),
        ("id 5d914c3dd132d5f45a4e3670", "id 5d914c3dd132d5f45a4e3670"),
    ],
)
def test_long_runs_of_digits_are_masked(text: str, shown: str) -> None:
    """What may be a phone number in a text shows its last three digits; short numbers and hexadecimal ids stay."""
    assert mask_digits(text) == shown
