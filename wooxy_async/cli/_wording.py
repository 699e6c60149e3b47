"""How figures and foreign texts are written on the screen."""

from __future__ import annotations

from typing import Final

from wooxy_async import InDoubt, Invalid, NotSent, Rejected
from wooxy_async._rules.redaction import mask_digits

_MINUTE: Final = 60
_HOUR: Final = 3600
_SHORT: Final = 10
# What the library's sentences name, and what takes its place where people type a command.
_IN_OPTIONS: Final = (
    ("access_token must", "--token-file: the token must"),
    ("base_url", "--base-url (or WOOXY_BASE_URL)"),
    (", unless allow_http=True", ""),
    ("with number_column=…", "with --number-column"),
    ("give ssl=…", "set SSL_CERT_FILE"),
)


def counted(count: int, what: str) -> str:
    """Return a count with its noun, as in "1,862 messages"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def lasting(seconds: float) -> str:
    """Return a duration as in "7.9 s", "1 min 02 s" or "2 h 05 min"."""
    if seconds < _SHORT:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def printable(text: str) -> str:
    """Return a foreign text without characters that steer the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def in_options(text: str) -> str:
    """Return a sentence of the library with the command's options in place of Python arguments."""
    for argument, option in _IN_OPTIONS:
        text = text.replace(argument, option)
    return text


def reason(outcome: Rejected | Invalid | NotSent | InDoubt) -> str:
    """Return why a message was not accepted, in one line, numbers masked."""
    if isinstance(outcome, Rejected):
        said = "; ".join(error.text for error in outcome.errors)
    elif isinstance(outcome, Invalid):
        said = "; ".join(f"{problem.field}: {problem.remedy}" for problem in outcome.problems)
    else:
        said = outcome.cause.text
    return in_options(printable(mask_digits(said).replace("\n", " ")))
