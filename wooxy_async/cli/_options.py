"""The options that several commands share, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from wooxy_async import Button
from wooxy_async._rules.messages import Device as _Device
from wooxy_async._rules.phones import PhoneCheck as _PhoneCheck
from wooxy_async._rules.wire import ButtonField as _ButtonField
from wooxy_async.cli._exits import Refusal

MESSAGE = "Message"
ACCOUNT = "Account"
OUTPUT = "Output"

Domain: TypeAlias = Annotated[
    str, typer.Option("--domain", help="A domain that is verified in your Wooxy account.", rich_help_panel=MESSAGE)
]
Sender: TypeAlias = Annotated[
    str | None, typer.Option("--sender", help="A registered sender; else Wooxy's default.", rich_help_panel=MESSAGE)
]
ButtonText: TypeAlias = Annotated[
    str | None, typer.Option("--button-text", help="The caption of a button.", rich_help_panel=MESSAGE)
]
ButtonUrl: TypeAlias = Annotated[
    str | None, typer.Option("--button-url", help="The address that it opens.", rich_help_panel=MESSAGE)
]
ButtonField: TypeAlias = Annotated[
    _ButtonField,
    typer.Option("--button-field", help="The button's name on the wire: the page has both.", rich_help_panel=MESSAGE),
]
Device: TypeAlias = Annotated[
    _Device, typer.Option("--device", help="phone: shown in the mobile app only.", rich_help_panel=MESSAGE)
]
Ttl: TypeAlias = Annotated[
    int, typer.Option("--ttl", metavar="SECONDS", help="How long to try, 1800 to 259200.", rich_help_panel=MESSAGE)
]
Tags: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="A registered tag; may be repeated.", rich_help_panel=MESSAGE),
]
PhoneCheck: TypeAlias = Annotated[
    _PhoneCheck, typer.Option("--phone-check", help="How strictly numbers are checked.", rich_help_panel=MESSAGE)
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--token-file", help="Holds the token; else WOOXY_ACCESS_TOKEN does.", rich_help_panel=ACCOUNT),
]
BaseUrl: TypeAlias = Annotated[
    str, typer.Option("--base-url", envvar="WOOXY_BASE_URL", help="Where Wooxy is.", rich_help_panel=ACCOUNT)
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output.", rich_help_panel=OUTPUT)
]


def make_button(text: str | None, url: str | None) -> Button | None:
    """Return the button of the two options that belong together.

    Raises:
        Refusal: one of them is missing.
    """
    if text is None and url is None:
        return None
    if text is None or url is None:
        raise Refusal("--button-text and --button-url belong together: give both, or none.")
    return Button(text=text, url=url)
