"""The options that keep a campaign from those whom it must not reach, and from the hours of their sleep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from wooxy_async.campaigns import (
    Care,
    CostLimit,
    NumberReader,
    SendingWindow,
    SuppressionFormat,
    SuppressionList,
    parse_window,
    read_dates,
)
from wooxy_async.cli._ending import CommandError

CARE: Final = "Care"


def _option(*names: str, text: str, metavar: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=CARE, metavar=metavar)


class CareOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Who is left out, and when nobody is sent to."""

    suppress: Annotated[
        list[Path] | None, _option("--suppress", "-s", text="Who opted out; may be repeated.", metavar="FILE")
    ] = None
    suppress_format: Annotated[
        SuppressionFormat | None,
        typer.Option("--suppress-format", help="What stands in it; never guessed.", rich_help_panel=CARE),
    ] = None
    suppress_key: Annotated[Path | None, _option("--suppress-key", text="The key of hmac-sha256.", metavar="FILE")] = (
        None
    )
    send_between: Annotated[
        str | None, _option("--send-between", text="Hours at the recipient's.", metavar="09:00-20:00")
    ] = None
    days: Annotated[str | None, _option("--days", text="With --send-between.", metavar="mon-fri")] = None
    not_on: Annotated[Path | None, _option("--not-on", text="Dates, one a line.", metavar="FILE")] = None

    def lists(self, reader: NumberReader) -> tuple[SuppressionList, ...]:
        """Return the suppression lists.

        Args:
            reader: reads their numbers without +.

        Raises:
            CampaignError: one cannot be read.
            CommandError: nobody says what it holds.
        """
        if not self.suppress:
            return ()
        if self.suppress_format is None:
            raise CommandError("--suppress needs --suppress-format, with what stands in the file: it is never guessed.")
        return tuple(
            SuppressionList(path, self.suppress_format, key_file=self.suppress_key, reader=reader)
            for path in self.suppress
        )

    def window(self) -> SendingWindow | None:
        """Return the sending window; None where none was given.

        Raises:
            CampaignError: it is none.
            CommandError: days or dates were given without it.
        """
        if self.send_between is None:
            if self.days is not None or self.not_on is not None:
                raise CommandError("--days and --not-on need --send-between.")
            return None
        return parse_window(self.send_between, days=self.days, not_on=read_dates(self.not_on) if self.not_on else ())

    def care(self, lists: tuple[SuppressionList, ...], *, cost: CostLimit | None = None) -> Care:
        """Return what a run asks right before each request.

        Args:
            lists: of `lists`, those that the campaign has.
            cost: what messages may cost, or None.
        """
        return Care(suppressed=lists, window=self.window(), cost=cost)
