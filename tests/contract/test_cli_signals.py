"""Ctrl-C: what is in flight is waited for, a second one leaves, and every row keeps its outcome."""

import json
import os
import re
import signal
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
import pytest
from faults_connect import unused_port
from rich.console import Console
from terminal import COMMAND, Terminal
from typer.testing import CliRunner
from waiting import until

from wooxy_async import Outage, Outcome, Statistics, WooxyClient
from wooxy_async.campaigns import Campaign, Contacts
from wooxy_async.cli._app import app
from wooxy_async.cli._books import Report, ResultsFile, Tally
from wooxy_async.cli._ending import Ending, ExitCode, catching
from wooxy_async.cli._run import Carrier, RunBounds
from wooxy_async.cli._views import Progress, showing
from wooxy_async.journals import (
    JournalError,
    RowState,
    SQLiteJournal,
    ask_to_stop,
    default_path,
    read_rows,
    stop_was_asked,
)
from wooxy_async.journals._lock import RunLock
from wooxy_async.journals._place import lock_path
from wooxy_async.sandbox import Fault, Sandbox

_ENDED = (RowState.ACCEPTED, RowState.REJECTED, RowState.IN_DOUBT)


@pytest.fixture
def contacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two hundred contacts."""
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path.with_name(f"{tmp_path.name}-state")))
    path = tmp_path / "contacts.csv"
    path.write_text("phone,name\n" + "".join(f"+1415555{at:04},Bo\n" for at in range(200)))
    return path


async def interrupted(
    contacts: Path, sandbox: Sandbox, *signals: signal.Signals, **options: Any
) -> tuple[Report, list[dict[str, Any]]]:
    """Send, and give each signal when ten requests are in progress and the one before has been seen."""
    client = WooxyClient(sandbox.token, base_url=sandbox.url, loss_hold=0.05, **options)
    journal = SQLiteJournal(default_path(contacts))
    text = {"domain": "shop.example", "text": "Hi {{name}}"}
    with ResultsFile(contacts.with_name("out.jsonl")) as results:
        async with Campaign(Contacts(contacts), journal=journal, **text) as campaign:
            screen = Console(quiet=True)
            carrier = Carrier(client, campaign, journal, bounds=RunBounds(), screen=screen, results=results)

            async def press() -> None:
                for number in signals:
                    await until(lambda: sandbox.in_progress == 10)
                    os.kill(os.getpid(), number)
                    await until(lambda: carrier.ending.signal is not None)

            async with anyio.create_task_group() as group:
                group.start_soon(press)
                report = await carrier.carry()
    assert client.closed
    lines = [json.loads(line) for line in results.path.read_text().splitlines()]
    assert {row.number: row.state.value for row in read_rows(journal.path, *_ENDED)} == {
        line["message"]["phone_number"]: line["outcome"] for line in lines if line["outcome"] != "not_sent"
    }
    return report, lines


async def test_a_server_that_is_never_reached_is_not_waited_for_long(contacts: Path, token: str) -> None:
    """Half a minute unless said otherwise, however patient one is with a server that was."""
    client = WooxyClient(token, base_url=f"http://127.0.0.1:{unused_port()}", patience=600, limiter="process")
    journal = SQLiteJournal(default_path(contacts))
    async with Campaign(Contacts(contacts), domain="shop.example", text="Hi", journal=journal) as campaign:
        bounds = RunBounds(unreached=0.1)
        report = await Carrier(client, campaign, journal, bounds=bounds, screen=Console(quiet=True)).carry()
    assert (report.exit_code, report.not_started) == (ExitCode.NEVER_REACHED, 200)
    assert report.ending.error is not None
    assert report.ending.error.startswith("the server was never reached. No connection to the server: ")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HUNG_UP),
    ],
)
async def test_a_signal_lets_what_is_in_flight_finish(
    contacts: Path, token: str, number: signal.Signals, code: ExitCode
) -> None:
    """Every request that is out gets its answer and its line, nothing new is started, and the rest is counted."""
    async with Sandbox(token=token, latency=0.2) as sandbox:
        report, lines = await interrupted(contacts, sandbox, number)
        accepted = [line for line in lines if line["outcome"] == "accepted"]
        assert len(accepted) == sandbox.taken == report.tally.counts["accepted"] >= 10
        assert {line["message"]["phone_number"] for line in accepted} == {
            message.number for message in sandbox.messages
        }
    assert {line["outcome"] for line in lines} <= {"accepted", "not_sent"}
    assert report.not_started == 200 - len(accepted)
    assert report.exit_code == code


async def test_a_signal_that_is_ignored_stays_so() -> None:
    """As SIGHUP under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    caught: list[int] = []
    try:
        with catching(caught.append):
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            await until(lambda: bool(caught))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert caught == [signal.SIGTERM]


async def test_a_second_signal_leaves_and_says_what_is_in_doubt(contacts: Path, token: str) -> None:
    """What was in flight is in doubt, line by line, and nobody waits for the server."""
    async with Sandbox(token=token, latency=600) as sandbox:
        with anyio.fail_after(8):
            report, lines = await interrupted(contacts, sandbox, signal.SIGINT, signal.SIGTERM)
        in_doubt = {line["message"]["phone_number"] for line in lines if line["outcome"] == "in_doubt"}
        assert in_doubt == {message.number for message in sandbox.messages}
    assert (len(in_doubt), report.tally.counts["in_doubt"], report.not_started) == (10, 10, 190)
    assert report.exit_code == ExitCode.INTERRUPTED


async def test_a_closed_terminal_does_not_cut_what_is_in_flight(contacts: Path, token: str) -> None:
    """A second SIGHUP, or one right behind SIGTERM, is no second signal: everything that is out gets its answer."""
    async with Sandbox(token=token, latency=0.5) as sandbox:
        report, lines = await interrupted(contacts, sandbox, signal.SIGTERM, signal.SIGHUP)
        accepted = sum(line["outcome"] == "accepted" for line in lines)
        assert accepted == sandbox.taken == report.tally.counts["accepted"] == 10
    assert report.exit_code == ExitCode.TERMINATED


async def test_what_the_file_says_is_what_the_hooks_were_told(contacts: Path, token: str) -> None:
    """An answer that comes when the time for it is over changes neither; nobody is told later of a line in doubt."""
    told: list[Outcome] = []
    async with Sandbox(token=token, latency=0.6) as sandbox:
        hooks = {"on_outcome": told.append, "on_settled": told.append}
        report, lines = await interrupted(contacts, sandbox, signal.SIGINT, drain=0.2, **hooks)
        assert sandbox.requests == 10
    assert report.exit_code == ExitCode.INTERRUPTED
    outcomes = {outcome.message.phone_number: str(type(outcome).__struct_config__.tag) for outcome in told}
    ended = {number: outcome for number, outcome in outcomes.items() if outcome != "not_sent"}  # the rest is given back
    assert {line["message"]["phone_number"]: line["outcome"] for line in lines} == ended


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_send_waits_for_the_answer_that_is_on_its_way(
    tmp_path: Path, token: str, number: signal.Signals, code: int
) -> None:
    """One signal: the true outcome is told. A second: it is in doubt, at once, and nothing else is on the screen."""
    given = ["send", "--to", "+14155550123", "--domain", "shop.example", "--text", "Hi", "--base-url"]
    for twice, said in ((False, "Accepted for …123; id: [0-9a-f]+"), (True, "In doubt: The client was closed")):
        async with Sandbox(latency=600 if twice else 0.3) as sandbox:
            terminal = Terminal([*COMMAND, *given, sandbox.url], tmp_path, token)
            await until(lambda: terminal.read() and sandbox.in_progress == 1)  # noqa: B023 - used within the round
            terminal.process.send_signal(number)
            await terminal.read_until("Waiting up to 10 seconds for the answer; once more ends at once")
            if twice:
                terminal.process.send_signal(number)
            assert await terminal.end() == code
            plain = terminal.plain
            assert re.search(said, plain), plain
            assert "session" not in plain
            assert sandbox.requests == 1


async def test_the_outcome_is_told_while_a_name_is_still_being_resolved(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the process waits for the resolver; what became of the message is known before."""
    hanging = "import socket, time\nsocket.getaddrinfo = lambda *given, **more: time.sleep(600)\n"
    (tmp_path / "sitecustomize.py").write_text(hanging)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = ["--to", "+14155550123", "--domain", "shop.example", "--text", "Hi", "--timeout", "0.5"]
    terminal = Terminal([*COMMAND, "send", *given, "--base-url", "https://nothing.invalid"], tmp_path, token)
    await terminal.read_until("Not sent")
    assert terminal.process.poll() is None
    terminal.process.kill()
    await terminal.end()


def _pictured(state: Statistics, *, settled: int, ending: Ending | None = None, outage: Outage | None = None) -> str:
    tally = Tally()
    tally.counts["accepted"] = settled
    progress = Progress(tally, ending or Ending(), total=200, slots=10, statistics=lambda: state, outage=lambda: outage)
    screen = Console(file=StringIO(), width=80)
    screen.print(progress.picture())
    assert isinstance(screen.file, StringIO)
    return screen.file.getvalue()


def test_the_progress_says_how_far_how_fast_and_why_it_waits() -> None:
    """Share, speed, slots, time left, and each reason for which less than all slots are in use."""
    assert "0 of 200 · 0 %" in _pictured(Statistics(), settled=0)
    assert "? left" in _pictured(Statistics(), settled=0)
    busy = _pictured(Statistics(borrowed=9, closed=1, paused_for=2.5, paused_because="429"), settled=100)
    for part in ("100 of 200 · 50 %", "9 of 10 slots in use", "1 closed for now", "pausing 2.5 s: 429", "accepted 100"):
        assert part in " ".join(busy.split())
    others = " ".join(_pictured(Statistics(waiting=3), settled=1).split())
    assert "others use the account's slots, as wooxy slots shows" in others
    because = "No connection to the server: connection refused."
    outage = Outage(lasted=60.0, kind="not_connected", because=because, next_try_in=8.0, gives_up_in=840.0)
    said = " ".join(_pictured(Statistics(), settled=1, outage=outage).split())
    told = r"waiting since \d\d:\d\d: No connection to the server: connection refused · next try in 8.0 s · gives up at"
    assert re.search(told, said)
    assert "stopping: waiting for what is in flight" in _pictured(Statistics(), settled=1, ending=Ending(signal=2))


async def test_in_a_file_the_progress_is_a_line_now_and_then() -> None:
    """Where nobody watches, no bar is drawn; a line says the same."""
    asked: list[int] = []

    def statistics() -> Statistics:
        asked.append(1)
        return Statistics(borrowed=10)

    screen = Console(file=StringIO(), width=160)
    progress = Progress(Tally(), Ending(), total=200, slots=10, statistics=statistics, outage=lambda: None)
    async with showing(screen, progress, every=0.001):
        await until(lambda: len(asked) > 2)
    assert isinstance(screen.file, StringIO)
    assert "0 of 200 · 0 a second · 10 of 10 slots in use · ? left · accepted 0\n" in screen.file.getvalue()


@pytest.mark.usefixtures("contacts")
async def test_on_a_terminal_ctrl_c_is_told_and_the_summary_says_what_is_left(tmp_path: Path, token: str) -> None:
    """The live picture says that it stops and why it waits; the last screen says that running again goes on."""
    async with Sandbox(latency=0.7) as sandbox:
        terminal = Terminal(
            [*COMMAND, "run", "contacts.csv", "--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url],
            tmp_path,
            token,
        )
        await until(lambda: terminal.read() and sandbox.in_progress == 10)
        terminal.process.send_signal(signal.SIGINT)
        await terminal.read_until("stopping: waiting for what is in flight")
        code = await terminal.end()
        assert code == 130
        left = 200 - sandbox.taken
    assert re.search(rf"{left} messages still to be sent: the\s+same\s+command\s+again\s+goes\s+on", terminal.plain)
    assert max(len(line) for line in re.split(r"[\r\n]+", terminal.plain)) <= 80


@pytest.mark.usefixtures("contacts")
async def test_a_person_who_says_no_sends_nothing(tmp_path: Path, token: str) -> None:
    """Another machine is asked about on the terminal; without a yes nothing leaves and no file is made."""
    given = ["--domain", "shop.example", "--text", "Hi", "--base-url", "https://wooxy.example"]
    terminal = Terminal([*COMMAND, "run", "contacts.csv", *given], tmp_path, token)
    await terminal.read_until(r"Send 200 messages to https://wooxy\.example\? \[y/N\]")
    terminal.type("n\n")
    assert await terminal.end() == 2
    assert "Nothing was sent." in terminal.said
    assert os.listdir(tmp_path) == ["contacts.csv"]  # noqa: PTH208 - pathlib's calls are taken for blocking ones


async def test_wooxy_stop_ends_a_run_as_sigterm_does(contacts: Path, token: str) -> None:
    """From another process: what is in flight gets its answer, and the same command goes on afterwards."""
    async with Sandbox(latency=0.3) as sandbox:
        given = ["run", contacts.name, "--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url]
        running = Terminal([*COMMAND, *given], contacts.parent, token)
        await until(lambda: running.read() and sandbox.in_progress == 10)
        stopping = Terminal([*COMMAND, "stop", f"{contacts.name}.wooxy"], contacts.parent, token)
        assert await running.end() == 143
        assert await stopping.end() == 0
        assert f"Ended: process {running.process.pid} on" in stopping.said
        taken = sandbox.taken
        assert 10 <= taken < 200
        again = Terminal([*COMMAND, *given], contacts.parent, token)
        assert await again.end() == 0
        assert (sandbox.taken, sandbox.duplicates) == (200, 0)


def test_wooxy_stop_says_where_nothing_runs_or_does_not_end(contacts: Path) -> None:
    """Both have exit codes of their own."""
    path = default_path(contacts)
    path.touch()
    idle = CliRunner().invoke(app, ["stop", str(path)])
    assert (idle.exit_code, f"no run holds {path}.\nNothing was stopped." in idle.stderr) == (2, True)
    with RunLock(lock_path(path), 0.0):
        asked = CliRunner().invoke(app, ["stop", str(path), "--wait", "0"])
    assert (asked.exit_code, "Asked to stop, and not ended after 0 s: process" in asked.stdout) == (5, True)
    assert stop_was_asked(path)
    path.with_name(f"{path.name}-stop").unlink()
    with pytest.raises(JournalError, match="-stop cannot be made"):
        ask_to_stop(path.with_name("gone") / path.name)


@pytest.mark.parametrize(("output", "more"), [("closed pipe", ()), ("closed pipe", ("--json",)), ("full", ())])
async def test_a_screen_that_goes_away_stops_nothing(
    output: str, more: tuple[str, ...], contacts: Path, token: str
) -> None:
    """As with `wooxy run | head`, or a full disk behind a redirection."""
    reading, writing = os.pipe()
    os.close(reading)
    async with Sandbox(latency=0.01) as sandbox:
        given = ["--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url]
        if output == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), writing)
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own command
            [*COMMAND, "run", contacts.name, *given, *more],
            cwd=contacts.parent,
            env={**os.environ, "WOOXY_ACCESS_TOKEN": token},
            stdout=writing,
            stderr=subprocess.PIPE,
        )
        os.close(writing)
        await until(lambda: process.poll() is not None)
        assert process.stderr is not None
        said = process.stderr.read()
        process.stderr.close()
        assert (process.returncode, sandbox.taken, said) == (0, 200, b"")


@pytest.mark.parametrize(("no", "code"), [("n", ExitCode.ENDED_EARLY), ("Ctrl-C", ExitCode.INTERRUPTED)])
async def test_a_person_is_asked_whether_refusals_matter(no: str, code: ExitCode, contacts: Path, token: str) -> None:
    """After 20 that are alike; a yes goes on with the rest, a no ends it, and another run would go on."""
    async with Sandbox() as sandbox:
        sandbox.script(*[Fault.error(15)] * 200)
        given = ["run", contacts.name, "--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url]
        terminal = Terminal([*COMMAND, *given], contacts.parent, token)
        await terminal.read_until(r"refused alike.*Go on\? \[y/N\]")
        before = sandbox.requests
        terminal.said = ""
        os.write(terminal._master, b"y\n")
        await terminal.read_until(r"Go on\? \[y/N\]")
        assert before < sandbox.requests < 200
        if no == "n":
            terminal.type("n\n")
        else:
            terminal.process.send_signal(signal.SIGINT)
        assert await terminal.end() == code
        assert f"{200 - sandbox.requests} messages still to be sent" in " ".join(terminal.said.split())
