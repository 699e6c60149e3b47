"""The options that several commands share, and what they make: a message's fields, a button, a client."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, get_type_hints
from urllib.parse import urlsplit

import msgspec
import typer

from wooxy_async import Button, ButtonField, PhoneCheck, WooxyClient
from wooxy_async._client.settings import DEFAULT_URL
from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.messages import Device
from wooxy_async._rules.redaction import Secret
from wooxy_async.cli._ending import CommandError, in_options
from wooxy_async.journals import default_path

MESSAGE: Final = "Message"
ACCOUNT: Final = "Account"
OUTPUT: Final = "Output"
ADDRESS_VARIABLE: Final = "WOOXY_BASE_URL"
TOKEN_VARIABLE: Final = "WOOXY_ACCESS_TOKEN"  # noqa: S105 - the variable's name
_MAX_TOKEN: Final = 4096

Domain: TypeAlias = Annotated[
    str,
    typer.Option("--domain", "-d", help="A domain that is verified in your Wooxy account.", rich_help_panel=MESSAGE),
]
OptionalDomain: TypeAlias = Annotated[
    str | None,
    typer.Option("--domain", "-d", help="A domain that is verified in your account.", rich_help_panel=MESSAGE),
]
OptionalText: TypeAlias = Annotated[
    str | None, typer.Option("--text", "-t", help="What people read; {{firstName|there}}.", rich_help_panel=MESSAGE)
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output.", rich_help_panel=OUTPUT)
]


class MessageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is made of beside domain and text."""

    sender: Annotated[
        str | None, typer.Option("--sender", help="A registered sender; else Wooxy's default.", rich_help_panel=MESSAGE)
    ] = None
    button_text: Annotated[
        str | None, typer.Option("--button-text", help="The caption of a button.", rich_help_panel=MESSAGE)
    ] = None
    button_url: Annotated[
        str | None, typer.Option("--button-url", help="The address that it opens.", rich_help_panel=MESSAGE)
    ] = None
    button_field: Annotated[
        ButtonField,
        typer.Option(
            "--button-field", help="The button's name on the wire: the page has both.", rich_help_panel=MESSAGE
        ),
    ] = "buttons"
    device: Annotated[
        Device, typer.Option("--device", help="phone: shown in the mobile app only.", rich_help_panel=MESSAGE)
    ] = "all"
    ttl: Annotated[
        int, typer.Option("--ttl", metavar="SECONDS", help="How long to try, 1800 to 259200.", rich_help_panel=MESSAGE)
    ] = 3600
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="A registered tag; may be repeated.", rich_help_panel=MESSAGE),
    ] = None
    phone_check: Annotated[
        PhoneCheck, typer.Option("--phone-check", help="How strictly numbers are checked.", rich_help_panel=MESSAGE)
    ] = "possible"

    def fields(self) -> dict[str, Any]:
        """Return the fields that a `ViberMessage` and a `Campaign` have by the same name.

        Raises:
            CommandError: a button has no text, or no address.
        """
        return {
            "sender_id": self.sender,
            "button": _button(self.button_text, self.button_url),
            "device": self.device,
            "ttl": self.ttl,
            "tags": tuple(self.tag or ()),
        }

    def said(self) -> dict[str, Any]:
        """Return what the options say beside their defaults, so that a template file can say the rest."""
        silent = MessageOptions().fields()
        return {name: value for name, value in self.fields().items() if value != silent[name]}


class AccountOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a command needs to reach an account."""

    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="Holds the token; else WOOXY_ACCESS_TOKEN does.", rich_help_panel=ACCOUNT),
    ] = None
    base_url: Annotated[
        str, typer.Option("--base-url", envvar="WOOXY_BASE_URL", help="Where Wooxy is.", rich_help_panel=ACCOUNT)
    ] = DEFAULT_URL

    @property
    def leaves_this_machine(self) -> bool:
        """Whether requests to the address go to another machine."""
        return not is_loopback(urlsplit(self.base_url).hostname or "")

    def client(self, **options: Any) -> WooxyClient:
        """Return a client for the account of the environment's token, or of a file's.

        Raises:
            CommandError: there is no token, or the client refuses what it was given.
        """
        token = _read_token(self.token_file) if self.token_file else None
        if token is None and not os.environ.get(TOKEN_VARIABLE):
            raise CommandError(
                f"there is no access token. Set {TOKEN_VARIABLE}, or give --token-file with a file that holds it "
                "(for `wooxy sandbox` any word will do)."
            )
        try:
            return WooxyClient(None if token is None else token.reveal(), base_url=self.base_url, **options)
        except (ValueError, TypeError) as error:
            raise CommandError(in_options(str(error))) from None


def flat(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command as typer reads it: where a parameter is a struct of options, its fields stand."""
    kinds = get_type_hints(command)
    groups = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)}

    @wraps(command)
    def flattened(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in kind.__struct_fields__})
        command(**given)

    flattened.__signature__ = inspect.Signature(list(_flattened(command, groups)))  # type: ignore[attr-defined]
    return flattened


def _flattened(command: Callable[..., None], groups: dict[str, type[msgspec.Struct]]) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        if name not in groups:
            yield parameter
            continue
        hints = get_type_hints(groups[name], include_extras=True)
        for field in inspect.signature(groups[name]).parameters.values():
            yield field.replace(annotation=hints[field.name])


def new_file(option: str, path: Path, *, goes_on: bool = False) -> int:
    """Make a file that only its owner may read, and return its descriptor.

    Args:
        option: that named it.
        path: where; nothing may stand there.
        goes_on: something may, and what is written goes behind it.

    Raises:
        CommandError: it exists, or cannot be made.
    """
    how = os.O_APPEND if goes_on else os.O_EXCL
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
    except FileExistsError:
        raise CommandError(f"{option}: {path} exists, and is never overwritten. Give another name.") from None
    except OSError as error:
        raise CommandError(f"{option}: {path} cannot be made ({error.strerror}).") from None


def journal_at(path: Path) -> Path:
    """Return the path of a journal that is there.

    Raises:
        CommandError: it is not.
    """
    beside = default_path(path)
    if path.is_file() and not beside.is_file():
        return path
    raise CommandError(f"there is no journal at {path}." + (f" Did you mean {beside}?" if beside.is_file() else ""))


def _button(text: str | None, url: str | None) -> Button | None:
    if text is None and url is None:
        return None
    if text is None or url is None:
        raise CommandError("--button-text and --button-url belong together: give both, or none.")
    return Button(text=text, url=url)


def _read_token(path: Path) -> Secret:
    token, why = _token_in(path)
    if why:
        raise CommandError(f"--token-file: {path} cannot be read ({why}).")
    if token is None:
        raise CommandError(f"--token-file: {path} is empty. It must hold the access token and nothing else.")
    return token


def _token_in(path: Path) -> tuple[Secret | None, str | None]:
    """Return a file's token, or why it cannot be read: an exception of the decoder would hold the file."""
    try:
        with path.open("rb") as file:
            token = file.read(_MAX_TOKEN).decode().strip()
    except OSError as error:
        return None, str(error.strerror)
    except UnicodeDecodeError:
        return None, "it is not text"
    return (Secret(token) if token else None), None
