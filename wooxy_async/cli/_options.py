"""The options that several commands share, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

SLOTS = 10
DEFAULT_URL = "https://api.wooxy.com"

_MESSAGE = "Message"
_ACCOUNT = "Account"
_OUTPUT = "Output"

Domain: TypeAlias = Annotated[
    str, typer.Option("--domain", help="A domain that is verified in your Wooxy account.", rich_help_panel=_MESSAGE)
]
Text: TypeAlias = Annotated[
    str, typer.Option("--text", help="What the person reads.", rich_help_panel=_MESSAGE)
]
Sender: TypeAlias = Annotated[
    str | None,
    typer.Option("--sender", help="A registered sender name. [default: Wooxy's]", rich_help_panel=_MESSAGE),
]
ButtonText: TypeAlias = Annotated[
    str | None, typer.Option("--button-text", help="The caption of a button.", rich_help_panel=_MESSAGE)
]
ButtonUrl: TypeAlias = Annotated[
    str | None, typer.Option("--button-url", help="The address that it opens.", rich_help_panel=_MESSAGE)
]
Device: TypeAlias = Annotated[
    str, typer.Option("--device", help="all, or phone: shown in the mobile app only.", rich_help_panel=_MESSAGE)
]
Ttl: TypeAlias = Annotated[
    int,
    typer.Option("--ttl", help="Seconds that Viber tries to deliver, 1800 to 259200.", rich_help_panel=_MESSAGE),
]
Tags: TypeAlias = Annotated[
    list[str] | None, typer.Option("--tag", help="A registered tag; may be repeated.", rich_help_panel=_MESSAGE)
]
PhoneCheck: TypeAlias = Annotated[
    str,
    typer.Option("--phone-check", help="e164, possible or valid: how strict.", rich_help_panel=_MESSAGE),
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file that holds the token. [default: WOOXY_ACCESS_TOKEN]", rich_help_panel=_ACCOUNT),
]
BaseUrl: TypeAlias = Annotated[
    str,
    typer.Option("--base-url", envvar="WOOXY_BASE_URL", help="Where Wooxy is.", rich_help_panel=_ACCOUNT),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output, for machines.", rich_help_panel=_OUTPUT)
]
