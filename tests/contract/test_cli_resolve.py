"""`wooxy resolve`: what a person says of rows in doubt, by options, in a table, and when asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from terminal import typed
from typer.testing import CliRunner

from wooxy_async.cli._app import app
from wooxy_async.journals import Choices, JournalError, Manifest, NewRow, RowState, Settlement, SQLiteJournal, read_rows
from wooxy_async.journals._lock import RunLock
from wooxy_async.journals._place import lock_path
from wooxy_async.journals._schema import connect_to_read
from wooxy_async.journals.testing import row

LOST = b'{"outcome":"in_doubt","cause":{"kind":"connection_lost","text":"The connection was lost."}}'


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def make(path: Path, rows: Sequence[NewRow], doubts: int, accepted: int = 0) -> None:
    """Make a journal with rows in doubt, rows that were accepted, and the rest still to be sent."""

    async def work() -> None:
        async with SQLiteJournal(path) as made:
            await made.begin(Manifest(settings={}))
            await made.add(rows)
            await made.merge(Choices())
            for place, claimed in enumerate(await made.claim(doubts + accepted)):
                made.mark_sending(claimed.id)
                state = RowState.IN_DOUBT if place < doubts else RowState.ACCEPTED
                await made.settle(claimed.id, Settlement(state, 1.0, None, LOST))

    asyncio.run(work())


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five rows, of which the first three are in doubt, and the last is pending."""
    path = tmp_path / "contacts.csv.wooxy"
    make(path, [row(place) for place in range(1, 6)], 3, 1)
    return path


def resolve(path: Path, *arguments: object) -> Any:
    """Run the command, where nobody can be asked."""
    result = CliRunner().invoke(app, ["resolve", str(path), *map(str, arguments)], env={"COLUMNS": "80"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def states(path: Path) -> list[str]:
    """Return the state of each row."""
    return [each.state.value for each in read_rows(path)]


def acts(path: Path) -> list[tuple[str, int]]:
    """Return what was noted, with how many rows."""
    with closing(connect_to_read(path)) as db:
        return list(db.execute("SELECT act, rows FROM acts"))


UNCHANGED = ["in_doubt", "in_doubt", "in_doubt", "accepted", "pending"]


def test_rows_are_resolved_one_by_one_and_all_at_once(journal: Path) -> None:
    """Each with what became of it; who decided is noted, and what is in doubt still is told by the exit code."""
    sheet = [each.sheet_row for each in read_rows(journal)]
    first = resolve(journal, "--row", sheet[0], "--as", "delivered")
    assert (first.exit_code, first.stdout) == (4, "delivered 1; 2 rows in doubt\n")
    assert resolve(journal, "--row", sheet[0], "--as", "delivered").exit_code == 2
    last = resolve(journal, "--all", "--as", "give-up")
    assert (last.exit_code, last.stdout) == (0, "give-up 2; 0 rows in doubt\n")
    assert states(journal) == ["delivered", "given_up", "given_up", "accepted", "pending"]
    assert acts(journal) == [("resolve: delivered", 1), ("resolve: give-up", 2)]
    again = resolve(journal)
    assert (again.exit_code, again.stdout) == (0, "nothing decided; 0 rows in doubt\n")


def test_sending_again_needs_the_count(journal: Path) -> None:
    """Because people may get the message twice; then the next run sends them."""
    given = ("--all", "--as", "again")
    for more in ((), ("--send-again", 2)):
        refused = resolve(journal, *given, *more)
        assert refused.exit_code == 2
        assert "3 messages would be sent again, and may then arrive twice" in refused.stderr
        assert "give --send-again 3." in refused.stderr
        assert states(journal) == UNCHANGED
    assert resolve(journal, *given, "--send-again", 3).exit_code == 0
    assert states(journal) == ["pending", "pending", "pending", "accepted", "pending"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--row", 99, "--as", "delivered"), "--row 99: this row is not in doubt."),
        (("--row", 2), "--row and --all need --as, with one of delivered, again, give-up."),
        (("--row", 2, "--all", "--as", "delivered"), "--row and --all: give one of them."),
        (("--from", "none.csv"), "none.csv"),
    ],
)
def test_wrong_options_change_nothing(journal: Path, given: tuple[object, ...], said: str) -> None:
    """They are told in a sentence."""
    refused = resolve(journal, *given)
    assert (refused.exit_code, states(journal)) == (2, UNCHANGED)
    assert said in refused.stderr
    assert refused.stderr.endswith("Nothing was changed.\n")


def test_a_table_decides_row_by_row(journal: Path) -> None:
    """By the column wooxy_row, where it has one, or by number; empty cells decide nothing."""
    told = list(read_rows(journal))
    lines = [f"{each.sheet_row},{each.number}" for each in told[:3]]
    Path("rows.csv").write_text(f"wooxy_row,phone,decision\n{lines[0]},delivered\n{lines[1]},\n")
    assert resolve(journal, "--from", "rows.csv").stdout == "delivered 1; 2 rows in doubt\n"
    Path("numbers.csv").write_text(f"phone,what\n{told[1].number},give-up\n{told[2].number},delivered\n")
    assert resolve(journal, "--from", "numbers.csv", "--decision-column", "what").exit_code == 0
    assert states(journal) == ["delivered", "given_up", "delivered", "accepted", "pending"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("phone,what\n{0},delivered\n", "has no column 'decision'"),
        (
            "phone,decision\n{0},delivered\n{1},yes\n",
            "t.csv, row 3: 'yes' is no decision. Write delivered, again, give-up",
        ),
        ("phone,decision\n{0},delivered\n{3},delivered\n", "t.csv, row 3: no row in doubt has this number."),
        ("wooxy_row,phone,decision\n99,{0},delivered\n", "t.csv, row 2: no row in doubt has this wooxy_row."),
        ("phone,decision\n{0},delivered\n{0},again\n", "t.csv, row 3: another decision stands above"),
        ("phone,decision\n{0},delivered,x\n", "t.csv, row 2: has 3 cells where the header has 2"),
    ],
)
def test_a_table_that_is_wrong_changes_nothing(journal: Path, table: str, said: str) -> None:
    """The row and the remedy are named."""
    Path("t.csv").write_text(table.format(*(each.number for each in read_rows(journal))))
    refused = resolve(journal, "--from", "t.csv")
    assert (refused.exit_code, states(journal)) == (2, UNCHANGED)
    assert said in refused.stderr


def test_a_number_that_is_in_doubt_twice_needs_rows(tmp_path: Path) -> None:
    """As where every row of the contacts is sent."""
    path = tmp_path / "a.wooxy"
    make(path, [row(1), row(2)._replace(number=row(1).number)], 2)
    Path("t.csv").write_text(f"phone,decision\n{row(1).number},delivered\n")
    refused = resolve(path, "--from", "t.csv")
    assert (refused.exit_code, states(path)) == (2, ["in_doubt", "in_doubt"])
    assert "a number is in doubt in several rows, so that t.csv needs a column wooxy_row." in refused.stderr


def test_where_nobody_can_be_asked_they_are_listed(journal: Path) -> None:
    """With an exit code of its own, numbers masked."""
    listed = resolve(journal)
    assert (listed.exit_code, states(journal)) == (10, UNCHANGED)
    assert (
        len(re.findall(r"row \d+  …\d{3}  since 1970-01-01 00:00:01 UTC  The connection was lost\.", listed.stdout))
        == 3
    )
    assert "nobody can be asked here. Give --row or --all with --as." in listed.stderr


@pytest.mark.parametrize(
    ("answers", "code", "after"),
    [
        ("d\nx\ng\n\n", 4, ["delivered", "given_up", "in_doubt", "accepted", "pending"]),
        ("a\na\n\n2\n", 4, ["pending", "pending", "in_doubt", "accepted", "pending"]),
        ("a\nd\nd\n2\n", 2, UNCHANGED),
        ("d\n\x04", 130, UNCHANGED),
    ],
)
def test_on_a_terminal_each_row_is_asked_about(
    journal: Path, monkeypatch: pytest.MonkeyPatch, answers: str, code: int, after: list[str]
) -> None:
    """What is sent again is typed as a number; an answer that is none is asked for again; an end changes nothing."""
    with typed(monkeypatch, answers), pytest.raises(SystemExit) as ended:
        app(["resolve", str(journal)])
    assert (ended.value.code, states(journal)) == (code, after)


def test_what_a_killed_run_left_is_judged_first(tmp_path: Path) -> None:
    """A person need not wait for the next run to say what became of it."""
    path = tmp_path / "a.wooxy"

    async def killed() -> None:
        async with SQLiteJournal(path) as made:
            await made.begin(Manifest(settings={}))
            await made.add([row(1), row(2)])
            await made.merge(Choices())
            first, _second = await made.claim(2)
            made.mark_sending(first.id)

    asyncio.run(killed())
    assert states(path) == ["claimed", "claimed"]
    assert resolve(path, "--all", "--as", "delivered").exit_code == 0
    assert states(path) == ["delivered", "pending"]


def test_while_a_run_goes_nothing_is_resolved(journal: Path) -> None:
    """The run holds the journal."""
    with RunLock(lock_path(journal), time.time()):
        refused = resolve(journal, "--all", "--as", "delivered")
    assert (refused.exit_code, states(journal)) == (75, UNCHANGED)


def test_a_journal_that_is_none_is_named(journal: Path) -> None:
    """And the one that was meant."""
    Path("contacts.csv").write_text("phone\n")
    refused = resolve(Path("contacts.csv"))
    assert (refused.exit_code, "Did you mean contacts.csv.wooxy?" in refused.stderr) == (2, True)
    assert "there is no journal at gone.wooxy.\n" in resolve(Path("gone.wooxy")).stderr
    assert not list(Path().glob("gone*"))
    assert journal.exists()


async def test_only_what_is_in_doubt_is_resolved(journal: Path) -> None:
    """All of a call or nothing; the words are checked."""
    async with SQLiteJournal(journal) as made:
        doubts = await made.doubts()
        with pytest.raises(ValueError, match="decision must be"):
            await made.resolve([doubts[0].id], "sent")  # type: ignore[arg-type]
        with pytest.raises(JournalError, match="Not all of these rows are in doubt; nothing was changed"):
            await made.resolve([doubts[0].id, doubts[-1].id + 1], "delivered")
    assert states(journal) == UNCHANGED
    with pytest.raises(JournalError, match="There is no journal at"):
        await SQLiteJournal(journal.with_name("gone")).doubts()
