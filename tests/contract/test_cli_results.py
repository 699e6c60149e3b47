"""`wooxy results` and `wooxy status`: who got it and when, as lines, as a table, and in a few words."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from faults_connect import unused_port
from typer.testing import CliRunner

from wooxy_async.campaigns import Contact, Contacts
from wooxy_async.campaigns._guard import guarded, unguarded
from wooxy_async.cli._app import app
from wooxy_async.journals import Choices, Manifest, RowState, SQLiteJournal, read_status
from wooxy_async.journals.testing import row
from wooxy_async.sandbox import Fault, Sandbox

CONTACTS = '''phone,firstName,note,reference
+14155550101,=1+1,-5,a1
+14155550102,'=1,+x,@b
+14155550103,"Zoë, ""Z""",'x,c3
n/a,Bo,=2,d4
+14155550101,Twin,,e5
'''
JOURNAL = Path("contacts.csv.wooxy")


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in another thread, for servers."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", f"token-of-{tmp_path.name}"[:40])
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))
    Path("contacts.csv").write_text(CONTACTS, encoding="utf-8")


def wooxy(*arguments: object) -> Any:
    """Run the command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def ran(portal: BlockingPortal) -> None:
    """A campaign that has run: one row accepted, one refused, one in doubt, two unusable."""
    with portal.wrap_async_context_manager(Sandbox()) as server:
        server.script(Fault.error(17), number="+14155550102")
        server.script(Fault.reset_after_reading(), number="+14155550103")
        given = ("--domain", "shop.example", "--text", "Hi {{firstName}}", "--base-url", server.url)
        assert wooxy("run", "contacts.csv", *given).exit_code == 4


@pytest.mark.usefixtures("ran")
def test_each_row_is_a_line_with_what_became_of_it() -> None:
    """Its place, its ids or why there is none, when, and its own columns."""
    lines = [json.loads(line) for line in wooxy("results", JOURNAL).stdout.splitlines()]
    assert [line["state"] for line in lines] == ["accepted", "rejected", "in_doubt", "invalid", "invalid"]
    first, refused, lost, invalid, _twin = lines
    assert (first["row"], first["line"], first["number"], first["reference"]) == (2, 2, "+14155550101", "a1")
    assert first["message_ids"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"])
    assert first["values"] == {"phone": "+14155550101", "firstName": "=1+1", "note": "-5", "reference": "a1"}
    assert refused["errors"][0]["code"] == "COUNTRY_NOT_ALLOWED_FOR_SENDER"
    assert lost["cause"]["kind"] == "connection_lost"
    assert (invalid["at"], invalid["problems"][0]["field"]) == ("", "phone_number")


@pytest.mark.usefixtures("ran")
def test_only_some_rows_and_columns() -> None:
    """As they are named; a word that is none is refused with those that there are."""
    some = wooxy("results", JOURNAL, "--only", "in-doubt, rejected", "--columns", "note").stdout.splitlines()
    assert [json.loads(line)["values"] for line in some] == [{"note": "+x"}, {"note": "'x"}]
    for given, said in (
        (("--only", "doubt"), "--only: 'doubt' is none of pending, claimed, sending, accepted,"),
        (("--columns", "name"), "--columns: 'name' is none of phone, firstName, note, reference."),
        (("--output", "contacts.csv"), "--output: contacts.csv exists, and is never overwritten."),
        (("--output", "no/such.csv"), "--output: no/such.csv cannot be made (No such file or directory)."),
    ):
        refused = wooxy("results", JOURNAL, *given)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
        assert refused.stderr.endswith("Nothing was written.\n")


@pytest.mark.usefixtures("ran")
def test_the_table_runs_nothing_and_is_read_as_it_was() -> None:
    """No cell begins as a formula does; as contacts it has the values of the first file, and its number is found."""
    assert wooxy("results", JOURNAL, "--format", "csv", "--output", "out.csv").exit_code == 0
    assert stat.S_IMODE(os.stat("out.csv").st_mode) == 0o600  # noqa: PTH116 - the mode alone matters
    text = Path("out.csv").read_text(encoding="utf-8")
    assert text == wooxy("results", JOURNAL, "--format", "csv").stdout
    table = list(csv.DictReader(StringIO(text)))
    assert not [cell for line in table for cell in line.values() if cell.startswith(("=", "+", "-", "@"))]
    assert [line["wooxy_row"] for line in table] == ["2", "3", "4", "5", "6"]
    assert [line["wooxy_reference"] for line in table[:2]] == ["a1", "'@b"]
    assert table[1]["wooxy_reason"].startswith("COUNTRY_NOT_ALLOWED_FOR_SENDER: Country of contact")
    assert table[2]["wooxy_reason"].startswith("The request was sent, and the connection was lost")
    assert table[3]["wooxy_reason"].startswith("phone_number: There is no digit")
    before, after = (
        [each for each in Contacts(name) if isinstance(each, Contact)] for name in ("contacts.csv", "out.csv")
    )
    assert [(each.number, each.reference) for each in before] == [(each.number, each.reference) for each in after]
    own = [{name: each.values[name] for name in before[0].values} for each in after]
    assert own == [each.values for each in before]


def test_guarding_can_always_be_undone() -> None:
    """Whatever stood there, apostrophes included."""
    for cell in ("", "x", "=", "'=", "''=", "'x", "''", "+1", "-", "@a", "\ta", "\ra", "'\t"):
        assert unguarded(guarded(cell)) == cell
        assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_table_of_a_table_names_each_column_once(portal: BlockingPortal, ran: None) -> None:
    """Results that were contacts themselves; and a column whose name is a formula."""
    del ran
    wooxy("results", JOURNAL, "--only", "rejected", "--format", "csv", "--output", "rest.csv")
    with portal.wrap_async_context_manager(Sandbox()) as server:
        given = ("--domain", "shop.example", "--text", "Hi {{firstName}}", "--base-url", server.url)
        assert wooxy("run", "rest.csv", *given).exit_code == 0
        assert [message.text for message in server.messages] == ["Hi '=1"]
    header = wooxy("results", "rest.csv.wooxy", "--format", "csv").stdout.splitlines()[0].split(",")
    assert header == [
        *("wooxy_row", "wooxy_line", "wooxy_reference", "wooxy_state", "wooxy_at", "wooxy_message_ids"),
        *("wooxy_reason", "phone", "firstName", "note", "reference"),
    ]
    Path("odd.csv").write_text("wooxy_row,phone,'=a\n2,'+14155550101,'=b\n")
    (contact,) = Contacts("odd.csv")
    assert isinstance(contact, Contact)
    assert contact.values == {"wooxy_row": "2", "phone": "+14155550101", "=a": "=b"}


def test_whoever_reads_may_go(ran: None) -> None:
    """`wooxy results | head`: the exit code is that of SIGPIPE, without a traceback."""
    del ran
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "wooxy_async.cli", "results", str(JOURNAL)]
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE)  # noqa: S603 - our own
    os.close(writing)
    _, said = process.communicate()
    assert (process.returncode, said) == (141, b"")


async def _begun(path: Path, *, sending: int, rows: int = 6) -> SQLiteJournal:
    """Begin a run that has claimed five rows, has noted one as accepted, and is sending some."""
    from wooxy_async.journals import Settlement  # noqa: PLC0415

    journal = SQLiteJournal(path)
    await journal.begin(Manifest(settings={}))
    await journal.add([row(place) for place in range(1, rows + 1)])
    await journal.merge(Choices())
    first, *others = await journal.claim(5)
    journal.mark_sending(first.id)
    journal.note_outcome(first.id, Settlement(RowState.ACCEPTED, 1.0, None, b'{"outcome":"accepted"}'))
    for each in others[:sending]:
        journal.mark_sending(each.id)
    return journal


def test_status_while_it_runs_and_after_it_was_killed(tmp_path: Path) -> None:
    """Who holds it; then what the next run will find: one was accepted, two are in doubt, the rest is to be sent."""
    path = tmp_path / "a.wooxy"

    async def look() -> tuple[str, dict[str, Any]]:
        journal = await _begun(path, sending=2)
        try:
            return wooxy("status", path).stdout, json.loads(wooxy("status", path, "--json").stdout)
        finally:
            await journal._close()  # as a kill does: the run has no end

    shown, told = asyncio.run(look())
    assert re.search(rf"run +running; began .* UTC, process {os.getpid()} on {socket.gethostname()}", shown)
    assert (told["counts"], told["holder"]["pid"]) == ({"claimed": 5, "pending": 1}, os.getpid())
    found = read_status(path)
    assert found.counts == {RowState.ACCEPTED: 1, RowState.IN_DOUBT: 2, RowState.PENDING: 3}
    assert found.holder is None
    assert found.last_run is not None
    assert found.last_run.how == "killed"
    killed = wooxy("status", path).stdout
    assert re.search(r"rows +accepted 1 · in doubt 2 · to be sent 3", killed)
    assert f"In doubt, never sent again by themselves: wooxy resolve {path}" in killed
    (tmp_path / "a.wooxy-sending").unlink()
    assert read_status(path).counts == {RowState.IN_DOUBT: 5, RowState.PENDING: 1}


@pytest.mark.usefixtures("ran")
def test_status_of_a_campaign_that_has_ended() -> None:
    """When its outcomes came, what cannot be sent, and what a person has decided."""
    wooxy("resolve", JOURNAL, "--all", "--as", "delivered")
    shown = wooxy("status", JOURNAL).stdout
    assert re.search(r"run +finished \d{4}-.* UTC; began", shown)
    assert re.search(r"rows +accepted 1 · delivered, as a person says 1 · refused 1", shown)
    assert re.search(r"unusable +1 duplicate · 1 invalid", shown)
    assert re.search(r"outcomes +\d{4}-\S+ \S+ UTC to \d{4}-", shown)
    assert re.search(r"decided +\d{4}-.* UTC +\S+: resolve: delivered, 1 rows", shown)
    assert "wooxy resolve" not in shown


def test_a_run_is_finished_when_no_row_is_left_to_be_sent(portal: BlockingPortal) -> None:
    """One that had a limit, and one whose server was never reached, were stopped."""
    given = ("run", "contacts.csv", "--domain", "shop.example", "--text", "Hi")
    with portal.wrap_async_context_manager(Sandbox()) as server:
        at = ("--base-url", server.url)
        assert wooxy(*given, *at, "--limit", "1").exit_code == 5
        assert re.search(r"run +stopped \d{4}-", wooxy("status", JOURNAL).stdout)
        assert wooxy(*given, "--base-url", f"http://127.0.0.1:{unused_port()}", "--patience", "0").exit_code == 69
        assert re.search(r"run +stopped \d{4}-", wooxy("status", JOURNAL).stdout)
        assert wooxy(*given, *at).exit_code == 3
        assert re.search(r"run +finished \d{4}-", wooxy("status", JOURNAL).stdout)


def test_status_of_a_journal_that_was_never_run(tmp_path: Path) -> None:
    """As after a person looked for doubts in a new one; a file that is none is told."""
    path = tmp_path / "a.wooxy"

    async def made() -> None:
        path.touch()
        async with SQLiteJournal(path) as journal:
            assert await journal.doubts() == []

    asyncio.run(made())
    shown = wooxy("status", path).stdout
    assert re.search(r"run +never run *\n +rows +none", shown)
    assert wooxy("results", path).stdout == ""
    refused = wooxy("status", "contacts.csv")
    assert (refused.exit_code, "is no journal" in refused.stderr) == (2, True)
    assert refused.stderr.endswith("Nothing was read.\n")


def test_reasons_of_a_person_are_shown(tmp_path: Path) -> None:
    """Settings that were accepted are named."""
    path = tmp_path / "a.wooxy"

    async def runs() -> None:
        for text in ("a", "b"):
            async with SQLiteJournal(path) as journal:
                await journal.begin(Manifest(settings={"text": text}), accept_settings=True)
                await journal.merge(Choices())

    asyncio.run(runs())
    assert re.search(r"accept_settings, 0 rows \(text\)", wooxy("status", path).stdout)
