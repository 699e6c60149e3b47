"""`Campaign.run` with a journal: what it hands out stands there, and what ends it changes nothing that was sent."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest
from people import COMMON
from waiting import until

from wooxy_async import Accepted, ErrorCode, InDoubt, NotSent, Rejected, RetryPolicy, ViberMessage, WooxyClient
from wooxy_async.campaigns import (
    Campaign,
    Contact,
    Contacts,
    ContactsError,
    Resume,
    SuppressionList,
)
from wooxy_async.campaigns._iterables import AnyColumn
from wooxy_async.journals import ClaimedRow, JournalChangedError, JournalError, RowState, Settlement, SQLiteJournal
from wooxy_async.sandbox import Fault, Sandbox


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))


def number(place: int) -> str:
    """Return the number of a row."""
    return f"+1415555{place:04}"


def write(folder: Path, rows: int, text: Callable[[int], str] = lambda place: f"{number(place)},Bo,r{place}") -> Path:
    """Write contacts."""
    path = folder / "contacts.csv"
    path.write_text("phone,name,reference\n" + "".join(f"{text(place)}\n" for place in range(1, rows + 1)))
    return path


def campaign(contacts: Any, folder: Path, **options: Any) -> Campaign:
    """Return a campaign with a journal."""
    given = {"domain": "shop.example", "text": "Hi {{name}}", "journal": folder / "a.wooxy", **options}
    return Campaign(Contacts(contacts) if isinstance(contacts, Path) else contacts, **given)


def states(folder: Path) -> dict[str, str]:
    """Return the state of each number, as anybody can read it."""
    with closing(sqlite3.connect(folder / "a.wooxy")) as db:
        return dict(db.execute("SELECT number, state FROM rows"))


async def finish(made: Campaign, client: WooxyClient) -> dict[str, type]:
    """Run a campaign to its end; return the kind of each number's outcome."""
    async with made, aclosing(made.run(client)) as run:
        return {str(outcome.message.phone_number): type(outcome) async for outcome in run}


async def test_each_outcome_has_its_row(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """As a spreadsheet numbers it, also of those that nobody took; those that one is done with are forgotten."""
    made = campaign(write(tmp_path, 25), tmp_path)
    kept: list[Any] = []
    async with made:
        run = made.run(client)
        with pytest.raises(KeyError):
            run.row_of(Accepted(**COMMON, message_ids=()))
        async for outcome in run:
            assert number(run.row_of(outcome).sheet_row - 1) == outcome.message.phone_number
            kept.append(outcome)
            if len(kept) == 3:
                break
        await run.aclose()
        for outcome in run.undelivered:
            assert number(run.row_of(outcome).sheet_row - 1) == outcome.message.phone_number
        with pytest.raises(KeyError):
            run.row_of(kept[0])
    assert run.undelivered
    assert sandbox.taken >= 3


async def test_each_outcome_stands_before_it_is_handed_out(
    sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """A finished campaign that is run again sends nothing."""
    path = write(tmp_path, 40)
    sandbox.script(Fault.error(17), number=number(7))
    async with campaign(path, tmp_path) as first:
        assert first.resumed.is_new
        assert first.resumed.counts == {RowState.PENDING: 40}
        async for outcome in first.run(client):
            state = states(tmp_path)[outcome.message.phone_number]
            assert state == ("accepted" if isinstance(outcome, Accepted) else "rejected")
    async with campaign(path, tmp_path) as second:
        found = second.resumed
        assert (found.is_new, found.added, found.counts) == (
            False,
            0,
            {RowState.ACCEPTED: 39, RowState.REJECTED: 1},
        )
        assert [outcome async for outcome in second.run(client)] == []
    assert sandbox.taken == 39
    assert sandbox.peak_in_progress <= 10


@pytest.mark.parametrize("how", ["break", "aclose", "cancel", "error"])
async def test_leaving_a_run_waits_for_what_is_in_flight(how: str, token: str, tmp_path: Path) -> None:
    """Nothing that the server took is unknown; the rest is sent by the next run."""
    path = write(tmp_path, 60)
    async with Sandbox(token=token, latency=0.02) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:

        async def leave() -> None:
            async with campaign(path, tmp_path) as made:
                run = made.run(client)
                async for _outcome in run:
                    if how == "break":
                        break
                    if how == "aclose":
                        await run.aclose()
                        assert [outcome async for outcome in run] == []
                    if how == "cancel":
                        asyncio.current_task().cancel()  # type: ignore[union-attr]
                    if how == "error":
                        raise ZeroDivisionError

        expected = {"cancel": asyncio.CancelledError, "error": ZeroDivisionError}.get(how)
        if expected is None:
            await leave()
        else:
            with pytest.raises(expected):
                await asyncio.ensure_future(leave())
        left = states(tmp_path)
        assert {at for at, state in left.items() if state == "accepted"} == {each.number for each in sandbox.messages}
        assert set(left.values()) <= {"accepted", "pending", "not_sent"}
        await finish(campaign(path, tmp_path), client)
        assert sandbox.taken == 60
        assert sandbox.duplicates == 0
        assert set(states(tmp_path).values()) == {"accepted"}


async def test_what_nobody_took_is_undelivered(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """And stands in the journal; a run that was never begun has none."""
    async with campaign(write(tmp_path, 30), tmp_path) as made:
        assert (made.run(client).undelivered, made.run(client).unrecorded) == ((), ())
        async with made.run(client):
            assert sandbox.requests == 0  # nothing is begun before the first outcome is asked for
        async with made.run(client) as run:
            first = await anext(run)
        taken = [first, *run.undelivered]
    numbers = [outcome.message.phone_number for outcome in taken if isinstance(outcome, Accepted)]
    assert set(numbers) == {message.number for message in sandbox.messages}
    assert {type(outcome) for outcome in taken} <= {Accepted, NotSent}
    assert len(numbers) == sandbox.taken > 1
    assert list(states(tmp_path).values()).count("accepted") == sandbox.taken


async def test_a_run_that_nobody_holds_stops(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """As a stream does; the block's end waits for it."""
    async with campaign(write(tmp_path, 200), tmp_path) as made:
        run = made.run(client)
        await anext(run)
        del run
        gc.collect()
    assert 0 < sandbox.taken < 200
    assert list(states(tmp_path).values()).count("accepted") == sandbox.taken


async def test_late_answers_are_written_back(token: str, tmp_path: Path) -> None:
    """What was in doubt when the run ended is accepted when its answer comes while the client closes."""
    path = write(tmp_path, 10)
    async with Sandbox(token=token) as sandbox, campaign(path, tmp_path) as made:
        sandbox.script(*[Fault.slow_answer(2)] * 10)
        client = WooxyClient(token, base_url=sandbox.url, drain=0.05, loss_hold=0.05)
        run = made.run(client)
        taking = asyncio.ensure_future(anext(run))
        await until(lambda: sandbox.in_progress == 10)
        taking.cancel()
        await run.aclose()
        assert {type(outcome) for outcome in run.undelivered} == {InDoubt}
        assert set(states(tmp_path).values()) == {"in_doubt"}
        await client.aclose(drain=30)
        assert sandbox.taken == 10
    assert set(states(tmp_path).values()) == {"accepted"}


async def test_a_file_that_is_overwritten_changes_nothing(token: str, tmp_path: Path) -> None:
    """What was checked is sent, and nothing else."""
    path = write(tmp_path, 60)
    async with Sandbox(token=token, latency=0.005) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
        async with campaign(path, tmp_path) as made:
            async for outcome in made.run(client):
                if outcome.index == 3:
                    write(tmp_path, 60, lambda place: f"+1202555{place:04},Ann,x{place}")
        assert {message.number for message in sandbox.messages} == {number(place) for place in range(1, 61)}
        assert {message.text for message in sandbox.messages} == {"Hi Bo"}


async def test_a_file_that_changes_while_it_is_read_is_refused(client: WooxyClient, tmp_path: Path) -> None:
    """And leaves a journal without rows."""
    made = campaign(write(tmp_path, 5), tmp_path)
    write(tmp_path, 7)
    with pytest.raises(ContactsError, match="was changed"):
        await finish(made, client)
    await finish(campaign(tmp_path / "contacts.csv", tmp_path), client)
    assert set(states(tmp_path).values()) == {"accepted"}


async def test_new_rows_are_sent_and_vanished_ones_told(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """Beside rows that could not be sent before, which are judged again."""
    path = write(tmp_path, 4, lambda place: f"{number(place) if place > 1 else 'x'},Bo,r{place}")
    async with campaign(path, tmp_path) as made:
        async for _outcome in made.run(client, limit=2):
            pass
    assert sandbox.taken == 2
    write(tmp_path, 5, lambda place: f"{number(place if place != 4 else 9)},Bo,r{place}")
    async with campaign(path, tmp_path) as made:
        found = made.resumed
        assert (found.added, found.gone) == (3, 1)
        assert {outcome.message.phone_number async for outcome in made.run(client)} == {number(at) for at in (1, 5, 9)}
    assert states(tmp_path)[number(4)] == "gone"


async def test_changed_settings_are_refused_with_the_difference(
    sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """Unless they are accepted, for what is still to be sent; afterwards nothing has changed."""
    path = write(tmp_path, 4)
    async with campaign(path, tmp_path) as made:
        async for _outcome in made.run(client, limit=2):
            pass
    other = {"text": "Bye {{reference}}", "ttl": 7200}
    with pytest.raises(JournalChangedError, match=r"text was 'Hi {{name}}' and is 'Bye {{reference}}'; ttl was '3600'"):
        await finish(campaign(path, tmp_path, **other), client)
    assert sandbox.taken == 2
    accepted = Resume(accept_settings=True)
    assert len(await finish(campaign(path, tmp_path, resume=accepted, **other), client)) == 2
    texts = {message.number: message.text for message in sandbox.messages}
    assert [texts[number(place)] for place in range(1, 5)] == ["Hi Bo", "Hi Bo", "Bye r3", "Bye r4"]
    assert await finish(campaign(path, tmp_path, **other), client) == {}


async def test_changed_rows_are_neither_sent_nor_dropped_unasked(
    sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """By the spreadsheet's row; sent or skipped where somebody says so."""
    path = write(tmp_path, 3)
    await finish(campaign(path, tmp_path), client)
    write(tmp_path, 3, lambda place: f"{number(place)},{'Ann' if place == 2 else 'Bo'},r{place}")
    with pytest.raises(JournalChangedError, match=r"text of 1 rows .*\(row 3\).*changed=.send.*changed=.skip"):
        await finish(campaign(path, tmp_path), client)
    assert await finish(campaign(path, tmp_path, resume=Resume(changed="skip")), client) == {}
    sent = await finish(campaign(path, tmp_path, resume=Resume(changed="send")), client)
    assert list(sent) == [number(2)]
    assert sandbox.taken == 4


async def test_refused_rows_are_reopened_by_their_code(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """And by no other."""
    path = write(tmp_path, 2)
    sandbox.script(Fault.error(17), number=number(1))
    sandbox.script(Fault.error(6), number=number(2))
    first = await finish(campaign(path, tmp_path), client)
    assert set(first.values()) == {Rejected}
    with closing(sqlite3.connect(tmp_path / "a.wooxy")) as db:
        codes = dict(db.execute("SELECT number, code FROM rows"))
    reopen = Resume(reopen=(ErrorCode(codes[number(1)]),))
    assert await finish(campaign(path, tmp_path, resume=reopen), client) == {number(1): Accepted}


async def test_rows_are_known_by_their_reference(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """One number may get several messages, one reference gets one."""
    path = write(tmp_path, 4, lambda place: f"{number(1)},Bo,r{min(place, 3)}")
    plan = campaign(path, tmp_path, unique="reference").plan()
    assert (plan.sendable, plan.duplicates) == (3, 1)
    assert plan.groups[0].remedy == "repeats the reference of an earlier row; each reference is sent to once"
    assert plan.examples[0].problems[0].field == "reference"
    await finish(campaign(path, tmp_path, unique="reference"), client)
    assert sandbox.taken == 3
    without = tmp_path / "without.csv"
    without.write_text("phone\n+14155550001\n")
    with pytest.raises(ContactsError, match="has no column reference"):
        Campaign(Contacts(without), domain="shop.example", text="Hi", unique="reference")


async def test_every_row_may_be_sent(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """Known by its line and its content, so that it is still sent once."""
    path = write(tmp_path, 3, lambda _place: f"{number(1)},Bo,")
    await finish(campaign(path, tmp_path, unique="none"), client)
    await finish(campaign(path, tmp_path, unique="none"), client)
    assert sandbox.taken == 3


async def test_whoever_has_opted_out_since_is_not_sent_to(
    sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """The lists are read again at resume, although the file is the same."""
    path, listed = write(tmp_path, 3), tmp_path / "listed"
    listed.write_text("")
    suppressed = [SuppressionList(listed, "numbers")]
    async with campaign(path, tmp_path, suppressed=suppressed) as made:
        async for _outcome in made.run(client, limit=1):
            pass
    listed.write_text(f"{number(3)}\n")
    await finish(campaign(path, tmp_path, suppressed=[SuppressionList(listed, "numbers")]), client)
    assert {message.number for message in sandbox.messages} == {number(1), number(2)}


# Contacts that are no file.


def cursor() -> Iterator[dict[str, Any]]:
    """Yield rows as a database does."""
    for place in range(1, 251):
        yield {"name": "Bo", "msisdn": number(place), "reference": f"r{place}", "age": None}


async def slow_cursor() -> AsyncIterator[dict[str, Any]]:
    """Yield the same asynchronously."""
    for each in cursor():
        yield each


@pytest.mark.parametrize("make", [cursor, slow_cursor, lambda: list(cursor())], ids=["plain", "async", "list"])
async def test_any_iterable_of_contacts(
    make: Callable[[], Any], sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """Run again, it is compared with what the journal knows."""
    assert len(await finish(campaign(make(), tmp_path), client)) == 250
    assert await finish(campaign(make(), tmp_path), client) == {}
    assert sandbox.taken == 250


async def test_contacts_of_ones_own(client: WooxyClient, sandbox: Sandbox, tmp_path: Path) -> None:
    """A `Contact` is taken as it is; half a surrogate in what no message is made of is kept as it can be."""
    values = {"name": "Bo", "odd\udc80": "\udc80"}
    mine = [Contact(row=1, number=number(1), reference="a", values=values), {"name": "Al", "phone": number(2)}]
    made = campaign(mine, tmp_path)
    assert len(AnyColumn()) == 0
    assert made.plan().sendable == 2
    with pytest.raises(ContactsError, match="are no file"):
        made.contacts  # noqa: B018 - it raises
    await finish(made, client)
    assert sandbox.taken == 2


WRONG: dict[str, tuple[Any, str]] = {
    "text": (["+14155550001"], "contacts must be mappings or Contacts, but that of row 1 is str"),
    "no number": ([{"name": "Bo"}], "no column for the phone number"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_an_iterable_of_something_else(name: str, client: WooxyClient, tmp_path: Path) -> None:
    """Is refused with its row."""
    source, why = WRONG[name]
    with pytest.raises(ContactsError, match=why):
        await finish(campaign(source, tmp_path), client)


def test_asynchronous_contacts_have_no_plan(tmp_path: Path) -> None:
    """Only the block reads them."""
    with pytest.raises(ContactsError, match="asynchronous"):
        campaign(slow_cursor(), tmp_path).plan()


async def test_a_source_that_raises_is_raised_and_nothing_is_kept(client: WooxyClient, tmp_path: Path) -> None:
    """The next run begins anew."""

    def broken() -> Iterator[dict[str, Any]]:
        yield from list(cursor())[:200]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await finish(campaign(broken(), tmp_path), client)
    async with campaign(cursor(), tmp_path) as made:
        assert made.resumed.added == 250


async def test_a_run_needs_a_journal_and_its_block(client: WooxyClient, tmp_path: Path) -> None:
    """Each is said in a sentence."""
    path = write(tmp_path, 1)
    made = campaign(path, tmp_path)
    with pytest.raises(RuntimeError, match="needs a journal"):
        made.run(client)
    with pytest.raises(RuntimeError, match="known inside of the block"):
        made.resumed  # noqa: B018 - it raises
    plain = Campaign(Contacts(path), domain="shop.example", text="Hi")
    async with plain:
        with pytest.raises(RuntimeError, match="needs a journal"):
            plain.run(client)


# A journal that fails under the run.


class Failing(SQLiteJournal):
    """A journal whose calls fail from the nth on.

    Args:
        path: of the journal.
        call: which of its calls.
        after: how many of them succeed.
    """

    def __init__(self, path: Path, call: str, after: int) -> None:
        super().__init__(path)
        self.call = call
        self.left = after

    def fail(self, call: str) -> None:
        """Raise where it is time."""
        if call == self.call:
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left") if call == "mark_sending" else JournalError("No space left.")

    def mark_sending(self, row: int) -> None:
        """As the journal's."""
        self.fail("mark_sending")
        super().mark_sending(row)

    async def before_sending(self, row: int) -> None:
        """As the journal's."""
        self.fail("before_sending")
        await super().before_sending(row)

    async def settle(self, row: int, settlement: Settlement) -> None:
        """As the journal's."""
        self.fail("settle")
        await super().settle(row, settlement)

    async def claim(self, most: int) -> list[ClaimedRow]:
        """As the journal's."""
        self.fail("claim")
        return list(await super().claim(most))

    async def release(self, rows: Any) -> None:
        """As the journal's."""
        self.fail("release")
        await super().release(rows)


@pytest.mark.parametrize("call", ["mark_sending", "before_sending", "settle", "claim"])
async def test_a_journal_that_fails_ends_the_run(
    call: str, sandbox: Sandbox, client: WooxyClient, tmp_path: Path
) -> None:
    """What the server took is known to the caller, and accepted or in doubt after the next run: nobody gets two."""
    path = write(tmp_path, 60)
    journal = Failing(tmp_path / "a.wooxy", call, 2 if call == "claim" else 15)
    outcomes = []
    async with campaign(path, tmp_path, journal=journal) as made:
        run = made.run(client)
        with pytest.raises(JournalError, match="No space left"):
            while True:
                outcomes.append(await anext(run))
    known = [*outcomes, *run.undelivered, *run.unrecorded]
    accepted = {outcome.message.phone_number for outcome in known if isinstance(outcome, Accepted)}
    assert accepted == {message.number for message in sandbox.messages}
    assert {type(outcome) for outcome in known} <= {Accepted, NotSent}
    assert bool(run.unrecorded) is (call == "settle")
    await finish(campaign(path, tmp_path), client)
    left = states(tmp_path)
    assert sandbox.duplicates == 0
    assert set(left.values()) <= {"accepted", "in_doubt"}
    assert list(left.values()).count("in_doubt") <= 10
    assert call == "settle" or "in_doubt" not in left.values()


async def test_a_journal_that_fails_after_the_run_was_left_is_logged(
    sandbox: Sandbox, client: WooxyClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be given back is, by the next run."""
    path = write(tmp_path, 60)
    failing = Failing(tmp_path / "a.wooxy", "release", 0)
    async with campaign(path, tmp_path, journal=failing) as made, made.run(client) as run:
        await anext(run)
    assert "a run that was left has failed: No space left." in caplog.text
    assert "claimed" in states(tmp_path).values()
    async with campaign(path, tmp_path) as made:
        assert made.resumed.in_doubt == 0
        assert made.resumed.given_back > 0
        async for _outcome in made.run(client):
            pass
    assert sandbox.taken == 60


async def test_somebody_cancels_the_task_of_a_run(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """The run ends with a sentence, and nothing is lost."""
    path = write(tmp_path, 60)
    async with campaign(path, tmp_path) as made:
        run = made.run(client)
        await anext(run)
        made._pumps[0].task.cancel()
        with pytest.raises(RuntimeError, match="cancelled the tasks of this run"):
            async for _outcome in run:
                pass
    taken = {message.number for message in sandbox.messages}
    await finish(campaign(path, tmp_path), client)
    left = states(tmp_path)
    assert set(left.values()) <= {"accepted", "in_doubt"}
    assert taken <= left.keys()
    assert sandbox.duplicates == 0


async def test_a_slow_taker_holds_the_run_up(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """Twenty outcomes are kept for it, and ten more may be under way; nothing is lost."""
    async with campaign(write(tmp_path, 100), tmp_path) as made:
        run = made.run(client)
        taken = [await anext(run)]
        await until(lambda: len(run.undelivered) >= 20 and not sandbox.in_progress)
        assert sandbox.taken <= 50
        taken += [outcome async for outcome in run]
    assert len(taken) == sandbox.taken == 100


async def test_doubt_is_sent_again_where_the_client_says_so(sandbox: Sandbox, token: str, tmp_path: Path) -> None:
    """The row stays marked in between: a kill would leave it in doubt."""
    retry = RetryPolicy(retry_in_doubt=True, wait_initial=0)
    sandbox.script(Fault.server_error(500))
    async with WooxyClient(token, base_url=sandbox.url, loss_hold=0, retry=retry) as client:
        assert set((await finish(campaign(write(tmp_path, 1), tmp_path), client)).values()) == {Accepted}
    assert sandbox.requests == 2


@pytest.mark.parametrize("how", ["no answer", "journal closed"])
async def test_an_answer_that_never_comes_or_too_late(
    how: str, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The row stays in doubt; the second is logged."""
    path = write(tmp_path, 1)
    async with Sandbox(token=token) as sandbox:
        sandbox.script(Fault.slow_answer(2) if how == "journal closed" else Fault.no_answer())
        client = WooxyClient(token, base_url=sandbox.url, drain=0.05, loss_hold=0.05)
        async with campaign(path, tmp_path) as made:
            run = made.run(client)
            taking = asyncio.ensure_future(anext(run))
            await until(lambda: sandbox.in_progress == 1)
            taking.cancel()
            await run.aclose()
            if how == "no answer":
                await client.aclose(drain=0)
        await client.aclose(drain=30)
        await asyncio.sleep(0)
    assert set(states(tmp_path).values()) == {"in_doubt"}
    assert ("a late answer came when the journal was closed" in caplog.text) is (how == "journal closed")


async def test_an_answer_that_comes_while_its_doubt_is_told(token: str, tmp_path: Path) -> None:
    """What is known is written, not the doubt."""
    async with Sandbox(token=token) as sandbox, campaign(write(tmp_path, 1), tmp_path) as made:
        sandbox.script(Fault.no_answer())
        async with WooxyClient(token, base_url=sandbox.url, drain=0, loss_hold=0.05) as client:
            run = made.run(client)
            taking = asyncio.ensure_future(anext(run))
            await until(lambda: sandbox.in_progress == 1)
            message = ViberMessage(domain="shop.example", phone_number=number(1), text="Hi Bo")
            answer = Accepted(index=0, message=message, attempts=1, elapsed=0.1, message_ids=("a",))
            made._pumps[0].resolved(0, answer)
            taking.cancel()
            await run.aclose()
        assert run.undelivered == (answer,)
    assert set(states(tmp_path).values()) == {"accepted"}


def test_a_run_may_outlive_its_loop(token: str, tmp_path: Path) -> None:
    """Its end does nothing then."""

    async def begin() -> Any:
        async with Sandbox(token=token) as sandbox, WooxyClient(token, base_url=sandbox.url) as client:
            async with campaign(write(tmp_path, 1), tmp_path) as made:
                run = made.run(client)
                await anext(run)
            return run

    run = asyncio.run(begin())
    run.__del__()


async def test_each_mark_is_synced_where_that_is_wanted(sandbox: Sandbox, client: WooxyClient, tmp_path: Path) -> None:
    """With durability "power" an outcome is waited for, and all the rest is the same."""
    journal = SQLiteJournal(tmp_path / "a.wooxy", durability="power")
    found = await finish(campaign(write(tmp_path, 30), tmp_path, journal=journal), client)
    assert set(found.values()) == {Accepted}
    assert (len(found), sandbox.taken) == (30, 30)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan")])
async def test_a_rate_that_is_none_is_refused(rate: float, client: WooxyClient, tmp_path: Path) -> None:
    """With the argument's name, before anything is sent."""
    async with campaign(write(tmp_path, 1), tmp_path) as made:
        with pytest.raises(ValueError, match="rate must be above 0"):
            made.run(client, rate=rate)
