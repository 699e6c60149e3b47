"""The options that say how a file is read and what its rows become; a person chooses where the file does not tell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from wooxy_async.campaigns import (
    Campaign,
    Contacts,
    EncodingError,
    NumberColumnError,
    NumberReader,
    Offer,
    read_message_file,
    read_text_file,
)
from wooxy_async.cli._ending import CommandError, in_options
from wooxy_async.cli._options import MESSAGE
from wooxy_async.cli._screen import facts, printable

READING: Final = "Reading the file"
_CAMPAIGN: Final = ("country", *(f"{name}_column" for name in ("country", "sender", "ttl", "device", "tags")))
_Result = TypeVar("_Result")


def _option(*names: str, text: str, panel: str = READING, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar)


class ReadingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a file of contacts is read, and the columns that rows have of their own."""

    number_column: Annotated[
        str | None,
        _option("--number-column", "-n", text="The column of the number, if it is not found.", metavar="NAME"),
    ] = None
    encoding: Annotated[
        str | None, _option("--encoding", text="If neither UTF-8 nor UTF-16: windows-1251 …", metavar="NAME")
    ] = None
    sheet: Annotated[str | None, _option("--sheet", text="The sheet of an Excel workbook.", metavar="NAME")] = None
    country: Annotated[
        str | None, _option("--country", "-c", text="Reads 0151 … and 0049 … as of DE.", metavar="DE")
    ] = None
    country_column: Annotated[str | None, _option("--country-column", text="The same, row by row.", metavar="NAME")] = (
        None
    )
    assume_plus: Annotated[bool, _option("--assume-plus", text="Reads 4915 … as +4915 …, if of --countries.")] = False
    countries: Annotated[
        str | None, _option("--countries", text="What a number without + may be of.", metavar="DE,AT")
    ] = None
    sender_column: Annotated[str | None, _option("--sender-column", text="Each row's own sender.", metavar="NAME")] = (
        None
    )
    ttl_column: Annotated[str | None, _option("--ttl-column", text="Each row's own ttl.", metavar="NAME")] = None
    device_column: Annotated[str | None, _option("--device-column", text="Each row's own device.", metavar="NAME")] = (
        None
    )
    tags_column: Annotated[str | None, _option("--tags-column", text="Each row's own tags.", metavar="NAME")] = None
    template: Annotated[
        Path | None, _option("--template", "-T", text="A TOML file of the message.", panel=MESSAGE, metavar="FILE")
    ] = None
    text_file: Annotated[
        Path | None, _option("--text-file", text="A file with the text.", panel=MESSAGE, metavar="FILE")
    ] = None

    def contacts(self, path: Path) -> Contacts:
        """Return the contacts of a file.

        Raises:
            ContactsError: it cannot be read.
        """
        return Contacts(path, number_column=self.number_column, encoding=self.encoding, sheet=self.sheet)

    def numbers(self) -> NumberReader:
        """Return what reads numbers without +, as the campaign does where no column says the country.

        Raises:
            CampaignError: a country is no code.
        """
        return NumberReader(country=self.country, assume_plus=self.assume_plus, countries=self._codes())

    def _codes(self) -> list[str]:
        return (self.countries or "").replace(",", " ").split()

    def campaign(self, path: Path, given: Mapping[str, Any]) -> Campaign:
        """Return the campaign of a file.

        Args:
            path: the contacts.
            given: what other options say, which goes before a template file; None where they say nothing.

        Raises:
            CampaignError: the file, the template or an option is wrong.
            CommandError: domain or text is missing, or given twice.
        """
        said = read_message_file(self.template).options() if self.template else {}
        said |= {name: value for name, value in given.items() if value is not None}
        if self.text_file is not None:
            if given.get("text") is not None:
                raise CommandError("--text and --text-file say the same: give one of them.")
            said["text"] = read_text_file(self.text_file)
        for name in ("domain", "text"):
            if name not in said:
                raise CommandError(f"--{name} is missing; it may also stand in a --template file.")
        own = {name: value for name in _CAMPAIGN if (value := getattr(self, name)) is not None}
        more = {"assume_plus": self.assume_plus, "countries": self._codes()}
        return Campaign(self.contacts(path), **(said | own | more))


def chosen(screen: Console, reading: ReadingOptions, work: Callable[[ReadingOptions], _Result]) -> _Result:
    """Return what work makes of a file; a person is asked for an encoding or a column that the file does not tell.

    Args:
        screen: where candidates are shown.
        reading: the options.
        work: takes the options, and may be called again with more of them.

    Raises:
        EncodingError: nobody can be asked, or the person said nothing.
        NumberColumnError: likewise.
    """
    while True:
        try:
            return work(reading)
        except EncodingError as error:
            answer = _ask(screen, error, "--encoding", error.samples)
            reading = msgspec.structs.replace(reading, encoding=answer)
        except NumberColumnError as error:
            answer = _ask(screen, error, "--number-column", error.samples)
            reading = msgspec.structs.replace(reading, number_column=answer)


def _ask(screen: Console, error: Exception, option: str, samples: Mapping[str, tuple[str, ...]]) -> str:
    """Show what each candidate would read, and ask which is right."""
    if not samples:
        raise error
    typer.echo(in_options(str(error)), err=True)
    shown = Console(stderr=True, markup=False, highlight=False, emoji=False, width=screen.width)
    shown.print(facts(*((f"{option} {name}", printable(", ".join(values))) for name, values in samples.items())))
    if not (sys.stdin.isatty() and screen.is_terminal):
        raise CommandError(f"nobody can be asked here which is right. Give {option}.")
    answer = typer.prompt(f"Which is right ({option})", default="", show_default=False, err=True)
    if answer not in samples:
        raise CommandError(f"{answer!r} is none of them. Give {option}.")
    return str(answer)


def offered(offer: Offer) -> Text:
    """Return an offer as the options that it stands for."""
    options = (
        f"--country {offer.country}" if offer.country else f"--assume-plus --countries {','.join(offer.countries)}"
    )
    return Text.assemble((options, "cyan"), f" would read {offer.rows:,} of the first {offer.tried:,}")
