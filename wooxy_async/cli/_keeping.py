"""The options of a run that concern its journal, and how fast it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from wooxy_async import ErrorCode
from wooxy_async.campaigns import Resume
from wooxy_async.cli._ending import CommandError
from wooxy_async.cli._run import RunBounds
from wooxy_async.journals import Durability, SQLiteJournal, default_path
from wooxy_async.limits import SLOTS

JOURNAL: Final = "Journal"
PACE: Final = "Pace"


def _option(*names: str, text: str, panel: str = JOURNAL, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


class JournalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the journal is, and what a person has decided about a campaign that it knows."""

    journal: Annotated[
        Path | None, _option("--journal", "-j", text="Its file; else CONTACTS.wooxy.", metavar="FILE")
    ] = None
    durability: Annotated[
        Durability, _option("--durability", text="power: ten in doubt at most after a power loss too.")
    ] = "process"
    accept_settings: Annotated[
        bool, _option("--accept-settings", text="Go on with another text or other settings.")
    ] = False
    send_changed: Annotated[bool, _option("--send-changed", text="Send changed rows, also to those who have one.")] = (
        False
    )
    skip_changed: Annotated[bool, _option("--skip-changed", text="Send no changed row.")] = False
    reopen: Annotated[
        list[ErrorCode] | None,
        _option("--reopen", text="Send again what was refused with this error.", metavar="ERROR_CODE"),
    ] = None
    accept_old: Annotated[bool, _option("--accept-old", text="Go on with an older copy of the journal.")] = False

    def path(self, contacts: Path) -> Path:
        """Return where the journal of a file lies.

        Raises:
            CommandError: the contacts come from standard input, and nobody says where.
        """
        if self.journal is not None:
            return self.journal
        if str(contacts) == "-":
            raise CommandError("contacts from standard input need --journal, with the file that remembers them.")
        return default_path(contacts)

    def made(self, path: Path) -> SQLiteJournal:
        """Return the journal."""
        return SQLiteJournal(path, durability=self.durability, accept_old=self.accept_old)

    def resume(self) -> Resume:
        """Return what a person has decided.

        Raises:
            CommandError: both are said of changed rows.
        """
        if self.send_changed and self.skip_changed:
            raise CommandError("--send-changed and --skip-changed say the opposite: give one of them.")
        changed: Literal["send", "skip"] | None = "send" if self.send_changed else "skip" if self.skip_changed else None
        return Resume(accept_settings=self.accept_settings, changed=changed, reopen=tuple(self.reopen or ()))


class PaceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How much is sent, how fast, and when it ends."""

    limit: Annotated[
        int | None, _option("--limit", text="So many messages at the most, in this run.", panel=PACE, min=1)
    ] = None
    rate: Annotated[
        float | None, _option("--rate", text="So many a second at the most.", panel=PACE, metavar="NUMBER", min=0.001)
    ] = None
    patience: Annotated[
        float,
        _option("--patience", text="How long to wait for a valid reply.", panel=PACE, metavar="SECONDS", min=0),
    ] = 900.0
    max_concurrency: Annotated[
        int,
        _option(
            "--max-concurrency",
            text=f"Requests at once; {SLOTS} are all of an account.",
            panel=PACE,
            metavar=f"1-{SLOTS}",
            min=1,
            max=SLOTS,
            envvar="WOOXY_MAX_CONCURRENCY",
            show_envvar=False,
        ),
    ] = SLOTS
    keep_going: Annotated[
        bool, _option("--keep-going", text="In spite of refusals that are many or alike.", panel=PACE)
    ] = False

    def bounds(self) -> RunBounds:
        """Return how a run goes."""
        return RunBounds(
            slots=self.max_concurrency,
            limit=self.limit,
            rate=self.rate,
            patience=self.patience,
            keep_going=self.keep_going,
        )
