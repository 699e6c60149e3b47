"""What a journal must do, whatever keeps it: give each row to one claim, and forget nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from itertools import product
from typing import Any, Final, TypeAlias

import anyio

from wooxy_async._ports import Beginning, Choices, Journal, Manifest, Merged
from wooxy_async._rules.documented import ErrorCode
from wooxy_async._rules.journal import CHANGES, NewRow, RowState, Settlement
from wooxy_async.journals._errors import JournalBusyError, JournalChangedError, JournalError

MakeJournal: TypeAlias = Callable[[str], Journal]
Check: TypeAlias = Callable[[MakeJournal], Coroutine[Any, Any, None]]
_FEW: Final = 10
_SETTINGS: Final = {"text": "Hi {{name}}"}
_OUTCOMES: Final = (RowState.ACCEPTED, RowState.REJECTED, RowState.INVALID, RowState.NOT_SENT, RowState.IN_DOUBT)


def row(place: int, *, key: str | None = None, content: str = "", unusable: bool = False) -> NewRow:
    """Return a row of contacts.

    Args:
        place: its number, from 1.
        key: what it is known by; None for its number.
        content: what its message is made of.
        unusable: whether it cannot be sent.
    """
    number = f"+1415555{place:04}"
    known_by = None if unusable else key or number
    problem = b'{"outcome":"unusable"}' if unusable else None
    return NewRow(known_by, place, place + 1, place + 1, number, f"row-{place}", b"{}", content.encode(), problem)


def settled(state: RowState, code: str | None = None) -> Settlement:
    """Return what is recorded of an outcome."""
    return Settlement(state, 1_800_000_000.0, code, b'{"outcome":"%b"}' % state.value.encode())


def require(truth: object, text: str) -> None:
    """Fail with a sentence."""
    if not truth:
        raise AssertionError(text)


class Run:
    """A journal that has begun.

    Args:
        journal: the journal.
        found: what it found.
        merged: what became of the rows.
    """

    def __init__(self, journal: Journal, found: Beginning, merged: Merged) -> None:
        self.journal = journal
        self.found = found
        self.merged = merged

    async def send(self, *states: RowState, code: str | None = None) -> None:
        """Claim as many rows as there are states, and settle each so."""
        for claimed, state in zip(await self.journal.claim(len(states)), states, strict=True):
            if state is not RowState.INVALID:
                self.journal.mark_sending(claimed.id)
            await self.journal.settle(claimed.id, settled(state, code))


@asynccontextmanager
async def run(
    journal: Journal, rows: Sequence[NewRow], choices: Choices | None = None, **accept: bool
) -> AsyncIterator[Run]:
    """Begin a run of some contacts, and end it however the block ends."""
    found = await journal.begin(Manifest(settings=_SETTINGS), **accept)
    try:
        await journal.add(())
        await journal.add(rows)
        merged = await journal.merge(choices or Choices())
        yield Run(journal, found, merged)
    finally:
        with anyio.CancelScope(shield=True):
            await journal.end("ended")


async def check_claims(make: MakeJournal) -> None:
    """Each row is claimed once, in order, and one that cannot be sent never.

    Args:
        make: takes a campaign's name and returns another journal each time; those of one name keep the same rows.

    Raises:
        AssertionError: the journal does not do what it must; the text says what.
    """
    rows = [row(1), row(2, unusable=True), row(3), row(4)]
    async with run(make("claims"), rows) as first:
        require(first.found.is_new, "a journal that holds nothing is not new")
        require(first.merged.added == len(rows) - 1, f"{first.merged.added} rows are said to be added; 3 can be sent")
        claimed = [*await first.journal.claim(2), *await first.journal.claim(_FEW)]
        require([each.row for each in claimed] == [1, 3, 4], "rows are not claimed once each, in their order")
        require(not await first.journal.claim(1), "a row is claimed although none is left")
        counts = await first.journal.counts()
        require(counts == {RowState.CLAIMED: 3, RowState.INVALID: 1}, f"the counts are {counts}")
        await first.journal.release([each.id for each in claimed])
    async with run(make("claims"), rows) as second:
        require(not second.found.is_new, "a journal that holds rows is new")
        require(
            len(await second.journal.claim(_FEW)) == len(claimed), "rows that were given back are not claimed again"
        )


async def check_states(make: MakeJournal) -> None:
    """An outcome is recorded where the table of states has it, and refused elsewhere; called as `check_claims` is."""
    legal = {(each.before, each.after) for each in CHANGES}
    for before, after in product(_OUTCOMES, _OUTCOMES):
        async with run(make(f"{before.value}-{after.value}"), [row(1)]) as now:
            (claimed,) = await now.journal.claim(1)
            await now.journal.settle(claimed.id, settled(before))
            require(await now.journal.counts() == {before: 1}, f"a row that became {before.value} is not counted so")
            refused = await _refuses(now.journal, claimed.id, after)
            require(
                refused is ((before, after) not in legal),
                f"from {before.value} to {after.value}: the table of states and the journal do not agree",
            )


async def _refuses(journal: Journal, at: int, after: RowState) -> bool:
    try:
        await journal.settle(at, settled(after))
    except JournalError:
        return True
    return False


async def check_resume(make: MakeJournal) -> None:
    """What a run left is in doubt where it was being sent, else it is to be sent; called as `check_claims` is.

    What it has noted of an outcome is not in doubt.
    """
    rows = [row(place) for place in range(1, 7)]
    async with run(make("resume"), rows) as killed:
        sending, taken_back, unmarked, accepted, noted = await killed.journal.claim(5)
        for each in (sending, taken_back, accepted, noted):
            await killed.journal.before_sending(each.id)
            killed.journal.mark_sending(each.id)
        killed.journal.take_back(taken_back.id)
        await killed.journal.settle(accepted.id, settled(RowState.ACCEPTED))
        if not killed.journal.note_outcome(noted.id, settled(RowState.ACCEPTED)):
            await killed.journal.settle(noted.id, settled(RowState.ACCEPTED))
    async with run(make("resume"), rows) as resumed:
        found = resumed.found
        require(
            found.in_doubt == 1,
            f"{found.in_doubt} rows are in doubt; one was being sent, and of another an outcome was noted",
        )
        require(
            found.given_back == len((taken_back, unmarked)),
            f"{found.given_back} rows were given back; two were claimed and not being sent",
        )
        left = [each.row for each in await resumed.journal.claim(_FEW)]
        require(left == [2, 3, 6], f"rows {left} are sent; 1 is in doubt, and 4 and 5 were accepted")


async def check_known_rows(make: MakeJournal) -> None:
    """Known contacts are not added again, and those that are gone are not sent; called as `check_claims` is."""
    async with run(make("known"), [row(1), row(2), row(3)]) as first:
        await first.send(RowState.ACCEPTED)
    async with run(make("known"), [row(1), row(3), row(4), row(5, unusable=True)]) as second:
        merged = second.merged
        require(
            (merged.added, merged.gone) == (1, 1), f"one row is new and one gone, not {merged.added}, {merged.gone}"
        )
        rows = [each.row for each in await second.journal.claim(_FEW)]
        require(rows == [3, 4], f"rows {rows} are sent; 1 was accepted, 2 is gone, 5 cannot be sent")
        counts = await second.journal.counts()
        require(counts.get(RowState.GONE) == 1, "a row that is gone is not counted so")
    async with run(make("known"), [row(1), row(2)]) as third:
        require([each.row for each in await third.journal.claim(_FEW)] == [2], "a row that came back is not sent")


async def check_changed_rows(make: MakeJournal) -> None:
    """A known key with another content is neither sent nor dropped unasked; called as `check_claims` is."""
    before = [row(place, key=f"k{place}", content="old") for place in (1, 2)]
    after = [row(place, key=f"k{place}", content="new") for place in (1, 2)]
    for changed, expected in (("send", [1, 2]), ("skip", [])):
        name = f"changed-{changed}"
        async with run(make(name), before) as first:
            await first.send(RowState.ACCEPTED)
        try:
            async with run(make(name), after):
                pass
        except JournalChangedError:
            pass
        else:
            raise AssertionError("rows have changed, and the run begins although nobody said what to do")
        async with run(make(name), after, Choices(changed=changed, who="a check")) as decided:  # type: ignore[arg-type]
            require(
                decided.merged.changed == len(after), f"{decided.merged.changed} rows are said to have changed; 2 have"
            )
            rows = [each.row for each in await decided.journal.claim(_FEW)]
            require(rows == expected, f"rows {rows} are sent after changed={changed!r}, not {expected}")


async def check_changed_settings(make: MakeJournal) -> None:
    """Other settings are told with what they were, and accepted in so many words; called as `check_claims` is."""
    now, other = Manifest(settings=_SETTINGS), Manifest(settings={"text": "Bye {{name}}"})
    for manifest, accept, expected in ((now, False, 0), (other, False, 1), (other, True, 1), (other, False, 0)):
        journal = make("settings")
        found = await journal.begin(manifest, accept_settings=accept)
        try:
            require(len(found.differences) == expected, f"the settings that differ are {found.differences}")
            if expected:
                pair = (_SETTINGS["text"], "Bye {{name}}")
                require(found.differences == {"text": pair}, f"the difference {found.differences} is not {pair}")
            await journal.merge(Choices())
        finally:
            await journal.end("ended")


async def check_reopening(make: MakeJournal) -> None:
    """The next run sends what was not sent, and what a named code refused; called as `check_claims` is."""
    rows = [row(place) for place in range(1, 6)]
    code = ErrorCode.SENDER_ID_EMPTY.value
    async with run(make("reopening"), rows) as first:
        await first.send(*_OUTCOMES, code=code)
    async with run(make("reopening"), rows) as second:
        again = await second.journal.claim(_FEW)
        require([each.row for each in again] == [3, 4], "not exactly what was not sent, or invalid, is sent again")
        await second.journal.release([each.id for each in again])
    async with run(make("reopening"), rows, Choices(reopen=(code,), who="a check")) as third:
        require(third.merged.reopened == 1, f"{third.merged.reopened} refused rows were reopened; one has the code")
        places = [each.row for each in await third.journal.claim(_FEW)]
        require(places == [2, 3, 4], f"rows {places} are sent after the refused row 2 was reopened")


async def check_one_run(make: MakeJournal) -> None:
    """A second run is refused while one goes on; called as `check_claims` is."""
    async with run(make("one"), [row(1)]):
        second = make("one")
        try:
            await second.begin(Manifest(settings=_SETTINGS))
        except JournalBusyError:
            pass
        else:
            await second.end("refused")
            raise AssertionError("two runs hold one journal at once")
    async with run(make("one"), [row(1)]) as after:
        require(len(await after.journal.claim(1)) == 1, "the run after a refused one has no rows")


async def check_end(make: MakeJournal) -> None:
    """A journal that has ended takes nothing more, and ending it again does nothing; called as `check_claims` is."""
    async with run(make("end"), [row(1)]) as ended:
        journal = ended.journal
    await journal.end("ended")
    try:
        await journal.claim(1)
    except JournalError:
        return
    raise AssertionError("a journal that has ended gives out rows")


CHECKS: Final[tuple[Check, ...]] = (
    check_claims,
    check_states,
    check_resume,
    check_known_rows,
    check_changed_rows,
    check_changed_settings,
    check_reopening,
    check_one_run,
    check_end,
)
