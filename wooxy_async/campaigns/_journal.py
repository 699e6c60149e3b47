"""A campaign and its journal: what the campaign is made of, what has changed, and which rows are new."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final, Literal

import anyio
import msgspec

from wooxy_async._ports import Beginning, Choices, Clock, Journal, Manifest, Merged
from wooxy_async._rules.arguments import shown
from wooxy_async._rules.documented import ErrorCode
from wooxy_async._rules.journal import NewRow, RowState
from wooxy_async._rules.messages import ViberMessage
from wooxy_async.campaigns._contacts import BrokenRow, Contact, Contacts
from wooxy_async.campaigns._iterables import AnyContacts, chunks
from wooxy_async.journals import JournalChangedError, JournalError, SQLiteJournal

_CHANGED: Final = (
    "The campaign is not what its journal knows: {}. Go back to what it was, take another journal for another "
    "campaign, or accept it in so many words for the rows that are still to be sent (Resume(accept_settings=True))."
)


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has decided about a campaign that its journal knows from before.

    Args:
        accept_settings: go on with another template or other settings, for the rows that are still to be sent.
        changed: rows whose number or text has changed: "send" sends them as they are now, also to those who have got a
            message before; "skip" sends none of them; None refuses to begin if there are any.
        reopen: documented errors: rows that were refused with one of them are sent again.
    """

    accept_settings: bool = False
    changed: Literal["send", "skip"] | None = None
    reopen: tuple[ErrorCode, ...] = ()


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal found when a campaign began.

    Args:
        is_new: it is the first run.
        given_back: rows that a killed run had taken and not begun to send; they are sent.
        in_doubt: rows that a killed run may have sent; they are listed, and not sent.
        added: rows that are new since the run before.
        changed: rows whose number or text has changed.
        gone: rows that are no longer among the contacts; they are not sent.
        reopened: refused rows that are sent again.
        counts: how many rows are what now.
    """

    is_new: bool
    given_back: int
    in_doubt: int
    added: int
    changed: int
    gone: int
    reopened: int
    counts: dict[RowState, int]


class JournalKeeper:
    """The journal of one campaign, for one block.

    Args:
        journal: a path, or a journal.
        resume: what a person has decided.
        clock: of a journal that is made here.
    """

    def __init__(self, journal: str | os.PathLike[str] | Journal, resume: Resume, clock: Clock) -> None:
        self.journal: Journal = (
            SQLiteJournal(journal, clock=clock) if isinstance(journal, str | os.PathLike) else journal
        )
        self.resumed: Resumed | None = None
        self.is_open = False
        self._resume = resume

    async def open(
        self, manifest: Manifest, source: AnyContacts, judge: Callable[[Contact | BrokenRow], NewRow]
    ) -> None:
        """Begin a run of the journal, and let it know every row of the contacts; see `Campaign.__aenter__`."""
        resume = self._resume
        found = await self.journal.begin(manifest, accept_settings=resume.accept_settings)
        try:
            _check_settings(found, resume)
            if not found.is_same_source:
                await self.journal.add(())
                async for rows in chunks(source, judge):
                    await self.journal.add(rows)
            codes = tuple(code.value for code in resume.reopen)
            merged = await self.journal.merge(Choices(changed=resume.changed, reopen=codes))
            self.resumed = _resumed(found, merged, await self.journal.counts())
        except BaseException:
            await self.journal.end("refused")
            raise
        self.is_open = True

    async def close(self, *, has_failed: bool) -> None:
        """End the run of the journal: it is finished where no row is left to be sent."""
        self.is_open = False
        await self.journal.end("stopped" if has_failed or await self._has_rows_left() else "finished")

    async def _has_rows_left(self) -> bool:
        try:
            counts = await self.journal.counts()
        except JournalError:  # it has told already what is wrong
            return True
        return any(counts.get(state) for state in (RowState.PENDING, RowState.NOT_SENT))


async def manifest_of(
    source: AnyContacts, message: ViberMessage, settings: Mapping[str, str], *, is_fixed: bool
) -> Manifest:
    """Return what a campaign is made of.

    Args:
        source: its contacts.
        message: its message, with the templates.
        settings: how its rows are read.
        is_fixed: the same file gives the same rows; not so where others may have opted out since.

    Raises:
        ContactsError: the file cannot be read.
    """
    button = message.button
    whole = {
        "domain": message.domain,
        "text": message.text,
        "sender_id": message.sender_id or "",
        "button.text": "" if button is None else button.text,
        "button.url": "" if button is None else button.url,
        "device": message.device,
        "ttl": str(message.ttl),
        "tags": ", ".join(message.tags),
        **settings,
    }
    if not isinstance(source, Contacts):
        return Manifest(settings=whole)
    whole["number_column"] = source.number_column
    digest = await anyio.to_thread.run_sync(source.digest) if is_fixed else ""
    return Manifest(settings=whole, columns=source.columns, source=digest)


def _check_settings(found: Beginning, resume: Resume) -> None:
    if found.differences and not resume.accept_settings:
        pairs = found.differences.items()
        told = "; ".join(f"{name} was {shown(before)} and is {shown(now)}" for name, (before, now) in pairs)
        raise JournalChangedError(_CHANGED.format(told))


def _resumed(found: Beginning, merged: Merged, counts: dict[RowState, int]) -> Resumed:
    return Resumed(
        is_new=found.is_new,
        given_back=found.given_back,
        in_doubt=found.in_doubt,
        added=merged.added,
        changed=merged.changed,
        gone=merged.gone,
        reopened=merged.reopened,
        counts=counts,
    )
