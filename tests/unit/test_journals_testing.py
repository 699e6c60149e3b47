"""The checks for journals: `SQLiteJournal` holds them all, and a journal that is wrong in one way fails one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import wooxy_async.journals.testing as checks
from wooxy_async.journals import (
    Beginning,
    Choices,
    ClaimedRow,
    JournalChangedError,
    JournalError,
    Merged,
    NewRow,
    RowState,
    Settlement,
    SQLiteJournal,
)
from wooxy_async.journals.testing import CHECKS, Check, check_claims


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))


def maker(folder: Path, kind: Callable[..., SQLiteJournal] = SQLiteJournal, **options: Any) -> checks.MakeJournal:
    """Return what makes journals of one folder."""
    return lambda name: kind(folder / f"{name}.wooxy", **options)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("durability", ["process", "power"])
async def test_sqlite_holds_all_checks(check: Check, durability: str, tmp_path: Path) -> None:
    """With either durability."""
    await check(maker(tmp_path, durability=durability))


def test_all_checks_are_exported() -> None:
    """Each by its name, and in the tuple of all."""
    assert {name for name in checks.__all__ if name.startswith("check_")} == {check.__name__ for check in CHECKS}


class AlwaysNew(SQLiteJournal):
    """Says that nothing stood in it."""

    async def begin(self, *given: Any, **options: Any) -> Beginning:
        """As the journal's."""
        return msgspec.structs.replace(await super().begin(*given, **options), is_new=True)


class Miscounting(SQLiteJournal):
    """Counts what cannot be sent as added."""

    async def merge(self, choices: Choices) -> Merged:
        """As the journal's."""
        merged = await super().merge(choices)
        return msgspec.structs.replace(merged, added=merged.added + 1, changed=merged.changed + 1)


class Silent(SQLiteJournal):
    """Adds nothing, and has nothing."""

    async def add(self, rows: Sequence[NewRow]) -> None:
        """Do nothing."""


class Endless(SQLiteJournal):
    """Gives out its last rows again where none are left."""

    last: Sequence[ClaimedRow] = ()

    async def claim(self, most: int) -> Sequence[ClaimedRow]:
        """As the journal's, or the last once more."""
        self.last = await super().claim(most) or self.last
        return self.last


class Unmarked(SQLiteJournal):
    """Marks nothing."""

    def mark_sending(self, row: int) -> None:
        """Do nothing."""


class Sticky(SQLiteJournal):
    """Never takes a mark back."""

    def take_back(self, row: int) -> None:
        """Do nothing."""


class Boastful(SQLiteJournal):
    """Says that it has noted an outcome, and has not."""

    def note_outcome(self, row: int, settlement: Settlement) -> bool:  # noqa: ARG002 - as the journal's
        """Do nothing."""
        return True


class Lenient(SQLiteJournal):
    """Takes every outcome."""

    async def settle(self, row: int, settlement: Settlement) -> None:
        """As the journal's, without its refusal."""
        try:
            await super().settle(row, settlement)
        except JournalError:
            return


class Forgetful(SQLiteJournal):
    """Records every outcome as not sent."""

    async def settle(self, row: int, settlement: Settlement) -> None:
        """As the journal's."""
        await super().settle(row, settlement._replace(state=RowState.NOT_SENT))


class Undecided(SQLiteJournal):
    """Sends changed rows where nobody said so."""

    async def merge(self, choices: Choices) -> Merged:
        """As the journal's."""
        return await super().merge(msgspec.structs.replace(choices, changed=choices.changed or "send"))


class Refusing(SQLiteJournal):
    """Skips changed rows whatever was said."""

    async def merge(self, choices: Choices) -> Merged:
        """As the journal's."""
        return await super().merge(msgspec.structs.replace(choices, changed=choices.changed and "skip"))


class SameSettings(SQLiteJournal):
    """Sees no difference."""

    async def begin(self, *given: Any, **options: Any) -> Beginning:
        """As the journal's."""
        return msgspec.structs.replace(await super().begin(*given, **options), differences={})


class Swapped(SQLiteJournal):
    """Tells a difference the wrong way round."""

    async def begin(self, *given: Any, **options: Any) -> Beginning:
        """As the journal's."""
        found = await super().begin(*given, **options)
        turned = {name: (after, before) for name, (before, after) in found.differences.items()}
        return msgspec.structs.replace(found, differences=turned)


class Unreopened(SQLiteJournal):
    """Reopens nothing."""

    async def merge(self, choices: Choices) -> Merged:
        """As the journal's."""
        return await super().merge(msgspec.structs.replace(choices, reopen=()))


class Generous(SQLiteJournal):
    """Lets a second run begin, in a file of its own."""

    async def begin(self, *given: Any, **options: Any) -> Beginning:
        """As the journal's; elsewhere where it is held."""
        try:
            return await super().begin(*given, **options)
        except JournalError:
            self.path = self.path.with_suffix(".second")
            return await super().begin(*given, **options)


class Immortal(SQLiteJournal):
    """Gives out rows after its end."""

    is_ended = False

    async def claim(self, most: int) -> Sequence[ClaimedRow]:
        """As the journal's, or none."""
        return () if self.is_ended else await super().claim(most)

    async def end(self, how: str = "finished") -> None:
        """As the journal's."""
        await super().end(how)
        self.is_ended = True


class Uncounted(SQLiteJournal):
    """Counts nothing."""

    async def counts(self) -> dict[RowState, int]:
        """Return nothing."""
        return {}


WRONG = {
    (AlwaysNew, "check_claims"): "a journal that holds rows is new",
    (Miscounting, "check_claims"): "4 rows are said to be added; 3 can be sent",
    (Endless, "check_claims"): "a row is claimed although none is left",
    (Uncounted, "check_claims"): r"the counts are \{\}",
    (Uncounted, "check_states"): "a row that became accepted is not counted so",
    (Lenient, "check_states"): "from accepted to accepted: the table of states and the journal do not agree",
    (Unmarked, "check_resume"): "0 rows are in doubt; one was being sent",
    (Sticky, "check_resume"): "2 rows are in doubt; one was being sent",
    (Boastful, "check_resume"): "2 rows are in doubt; one was being sent, and of another an outcome was noted",
    (Forgetful, "check_resume"): r"rows \[2, 3, 4, 6\] are sent; 1 is in doubt, and 4 and 5 were accepted",
    (Miscounting, "check_known_rows"): "one row is new and one gone, not 2, 1",
    (Forgetful, "check_known_rows"): r"rows \[1, 3, 4\] are sent",
    (Uncounted, "check_known_rows"): "a row that is gone is not counted so",
    (Undecided, "check_changed_rows"): "the run begins although nobody said what to do",
    (Miscounting, "check_changed_rows"): "3 rows are said to have changed; 2 have",
    (Refusing, "check_changed_rows"): r"rows \[\] are sent after changed='send'",
    (SameSettings, "check_changed_settings"): r"the settings that differ are \{\}",
    (Swapped, "check_changed_settings"): "the difference .* is not",
    (Forgetful, "check_reopening"): "not exactly what was not sent, or invalid, is sent again",
    (Unreopened, "check_reopening"): "0 refused rows were reopened; one has the code",
    (Generous, "check_one_run"): "two runs hold one journal at once",
    (Immortal, "check_end"): "a journal that has ended gives out rows",
}


@pytest.mark.parametrize(("kind", "name"), WRONG, ids=lambda each: each if isinstance(each, str) else each.__name__)
async def test_a_wrong_journal_is_found(kind: type[SQLiteJournal], name: str, tmp_path: Path) -> None:
    """The check says in a sentence what is wrong."""
    with pytest.raises(AssertionError, match=WRONG[kind, name]):
        await getattr(checks, name)(maker(tmp_path, kind))


async def test_a_journal_that_has_no_rows_is_found(tmp_path: Path) -> None:
    """Nothing is claimed out of nothing."""
    with pytest.raises(AssertionError, match="0 rows are said to be added"):
        await check_claims(maker(tmp_path, Silent))


async def test_what_a_journal_raises_by_itself_is_not_hidden(tmp_path: Path) -> None:
    """A check lets through what is no part of the question."""

    class Broken(SQLiteJournal):
        async def merge(self, choices: Choices) -> Merged:
            raise JournalChangedError(f"broken: {choices}")

    with pytest.raises(JournalChangedError, match="broken"):
        await check_claims(maker(tmp_path, Broken))
