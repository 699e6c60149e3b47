"""The command line against a real sandbox: what people see, what machines read, and what the shell gets."""

import json
import os
import re
import resource
import runpy
import shlex
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from faults_connect import unused_port
from terminal import COMMAND, typed
from typer.testing import CliRunner

import wooxy_async.cli
from wooxy_async.cli import main
from wooxy_async.cli._app import app
from wooxy_async.journals import RowState, default_path, read_rows, read_status
from wooxy_async.journals._lock import RunLock
from wooxy_async.journals._place import lock_path
from wooxy_async.sandbox import Account, Fault, Sandbox

DATA = Path(__file__).parents[1] / "data"
CONTACTS = """phone,firstName,city
+1 415 555 0101,José,"Kraków, Stare
Miasto"
+14155550102,გიორგი,Riga
n/a,Bo,Riga
+380501234567,Bo,Riga
+1 (415) 555-0101,Twin,Riga
+14155550103,"O""Brien 🎉",Riga
"""
NUMBERS = ("4155550101", "415 555 0101", "4155550102", "4155550103", "380501234567")
TEXT = "Hi {{firstName}} of {{ city }}"


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in another thread, for servers."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture
def sandbox(portal: BlockingPortal) -> Iterator[Sandbox]:
    """A Wooxy that runs beside the command."""
    with portal.wrap_async_context_manager(Sandbox(latency=0.001)) as server:
        yield server


@pytest.fixture
def contacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file with every kind of row, in the current directory; and a token."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", f"token-of-{tmp_path.name}"[:40])
    monkeypatch.delenv("WOOXY_BASE_URL", raising=False)
    monkeypatch.setenv("WOOXY_RUNTIME_DIR", str(tmp_path / "state"))
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS, encoding="utf-8-sig")
    return path


def wooxy(*arguments: object, terminal: bool = False) -> Any:
    """Run the command in this process."""
    env = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm", "FORCE_COLOR": "1" if terminal else None}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def run(sandbox: Sandbox, contacts: Path | str, *arguments: object, **options: bool) -> Any:
    """Run `wooxy run` against a sandbox."""
    return wooxy(
        "run", contacts, "--domain", "shop.example", "--text", TEXT, "--base-url", sandbox.url, *arguments, **options
    )


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def states_of(state: str) -> list[int]:
    """Return the rows of the journal that are in a state."""
    return [row.row for row in read_rows("contacts.csv.wooxy", RowState(state))]


def when(condition: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Do something as soon as a condition holds."""

    def watch() -> None:
        while not condition():
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_every_row_is_sent_or_reported(sandbox: Sandbox, contacts: Path) -> None:
    """Each sendable number gets one message with its own text; each other row is a line with its reason."""
    result = run(sandbox, contacts, "--results", "out.jsonl")
    assert result.exit_code == 3
    assert sorted((message.number, message.text) for message in sandbox.messages) == [
        ("+14155550101", "Hi José of Kraków, Stare\nMiasto"),
        ("+14155550102", "Hi გიორგი of Riga"),
        ("+14155550103", 'Hi O"Brien 🎉 of Riga'),
    ]
    rows = {row.sheet_row: row for row in read_rows("contacts.csv.wooxy")}
    assert {place: row.state for place, row in rows.items()} == {
        **dict.fromkeys((2, 3, 7), RowState.ACCEPTED),
        **dict.fromkeys((4, 5, 6), RowState.INVALID),
    }
    assert rows[6].outcome is not None
    assert rows[6].outcome["kind"] == "duplicate"
    lines = {line["row"]: line for line in lines_of(Path("out.jsonl"))}
    assert {row: line["outcome"] for row, line in lines.items()} == dict.fromkeys((2, 3, 7), "accepted")
    assert lines[2]["message"]["phone_number"] == "+14155550101"
    assert lines[2]["message_ids"]


def test_the_same_command_again_sends_nothing_and_says_so(sandbox: Sandbox, contacts: Path) -> None:
    """A finished campaign tells what became of it; new rows of the file are sent, changed ones are asked about."""
    run(sandbox, contacts, "--results", "out.jsonl")
    again = run(sandbox, contacts, "--results", "out.jsonl")
    assert (again.exit_code, sandbox.taken) == (3, 3)
    assert f"{default_path(contacts)} knows this campaign: accepted 3" in again.stdout
    assert "\nNo message is left to be sent.\n" in again.stdout
    assert "accepted  " not in again.stdout
    assert f"Who got it and when: wooxy results {default_path(contacts)}" in again.stdout
    whole = contacts.read_text(encoding="utf-8-sig")
    contacts.write_text(whole + "+14155550104,New,Riga\n", encoding="utf-8-sig")
    added = run(sandbox, contacts, "--results", "out.jsonl")
    assert (sandbox.taken, "1 row new" in added.stdout, len(lines_of(Path("out.jsonl")))) == (4, True, 4)
    contacts.write_text(whole.replace("გიორგი", "Giorgi"), encoding="utf-8-sig")
    changed = run(sandbox, contacts)
    assert (changed.exit_code, sandbox.taken) == (10, 4)
    assert "(row 3). Say whether" in changed.stderr
    assert "(--send-changed), or are not sent (--skip-changed)." in changed.stderr
    assert run(sandbox, contacts, "--skip-changed").exit_code == 3
    assert sandbox.taken == 4
    assert run(sandbox, contacts, "--send-changed").exit_code == 3
    assert (sandbox.taken, sandbox.messages[-1].text) == (5, "Hi Giorgi of Riga")


def test_another_text_is_refused_with_the_difference(sandbox: Sandbox, contacts: Path) -> None:
    """Until it is accepted in so many words; then it is that of the rows that are still to be sent."""
    assert run(sandbox, contacts, "--limit", 1).exit_code == 5
    refused = run(sandbox, contacts, "--text", "Ho {{firstName}}")
    assert (refused.exit_code, sandbox.taken) == (10, 1)
    assert "text was" in refused.stderr
    assert "(--accept-settings)" in refused.stderr
    assert run(sandbox, contacts, "--text", "Ho {{firstName}}", "--accept-settings").exit_code == 3
    assert [message.text[:2] for message in sandbox.messages] == ["Hi", "Ho", "Ho"]


def test_refused_rows_are_reopened_by_their_error(sandbox: Sandbox, contacts: Path) -> None:
    """What was refused is passed over, until its error is named."""
    sandbox.script(Fault.error(17), number="+14155550102")
    run(sandbox, contacts)
    run(sandbox, contacts)
    assert (sandbox.requests, sandbox.taken) == (3, 2)
    said = run(sandbox, contacts, "--reopen", "COUNTRY_NOT_ALLOWED_FOR_SENDER").stdout
    assert (sandbox.taken, "1 row refused before, and sent again" in said) == (3, True)


def test_a_limit_and_a_rate_are_kept(sandbox: Sandbox, contacts: Path) -> None:
    """The rest waits for the next run; both are refused where they make no sense."""
    limited = run(sandbox, contacts, "--limit", 2, "--rate", 200)
    assert (limited.exit_code, sandbox.taken) == (5, 2)
    assert "1 message still to be sent: the same command again goes on." in limited.stdout
    assert run(sandbox, contacts, "--limit", 0).exit_code == 2
    assert run(sandbox, contacts, "--rate", 0).exit_code == 2
    assert run(sandbox, contacts, "--send-changed", "--skip-changed").exit_code == 2
    assert (run(sandbox, contacts).exit_code, sandbox.taken) == (3, 3)


def test_standard_input_needs_a_name_for_the_journal(sandbox: Sandbox, contacts: Path) -> None:
    """Nobody could find it again beside nothing."""
    refused = run(sandbox, Path("-"))
    assert (refused.exit_code, "need --journal" in refused.stderr) == (2, True)
    process = command(
        *("run", "-", "--journal", "a.wooxy", "--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    _, said = process.communicate(contacts.read_bytes())
    assert (process.returncode, sandbox.taken) == (3, 3), said


def test_a_journal_that_another_run_holds_is_refused(sandbox: Sandbox, contacts: Path) -> None:
    """With who holds it, and an exit code of its own."""
    with RunLock(lock_path(default_path(contacts)), time.time()):
        refused = run(sandbox, contacts)
    assert (refused.exit_code, sandbox.taken) == (75, 0)
    assert f"Another run holds this journal: process {os.getpid()} on" in refused.stderr


def test_the_field_of_the_button_can_be_chosen(portal: BlockingPortal, contacts: Path) -> None:
    """Buttons of a campaign arrive at a Wooxy that knows `button` alone with `--button-field button`."""
    button = ("--button-text", "Open", "--button-url", "https://x.example")
    for number, given in enumerate(((), ("--button-field", "buttons"), ("--button-field", "button"))):
        with portal.wrap_async_context_manager(Sandbox(button_field="button")) as server:
            journal = ("--journal", f"{number}.wooxy")
            assert run(server, contacts, *button, *given, *journal).exit_code == 3  # some rows cannot be sent
            assert {message.button is not None for message in server.messages} == {given[1:] == ("button",)}


def test_before_anything_leaves_the_screen_says_what_will_go(sandbox: Sandbox, contacts: Path) -> None:
    """Address, domain, sender, count, time, the unusable rows and one rendered message, numbers masked."""
    said = run(sandbox, contacts, "--button-text", "Open", "--button-url", "https://x.example/{{city}}").stdout
    for part in (
        "contacts.csv: 6 rows",
        "1 invalid phone  row 4",
        "1 restricted (UA) phone  row 5",
        "1 duplicate phone  row 6",
        "3 rows cannot be sent",
        "Wooxy's default",
        "3 messages",
        "0.1 s, 10 at a time, if each answer takes 0.2 s (assumed)",
        "row 2, to …101",
        "Hi José of Kraków, Stare",
        "[ Open ] https://x.example/Krak%C3%B3w%2C%20Stare%0AMiasto",
    ):
        assert part in said
    assert not any(number in said for number in NUMBERS)


def test_results_are_for_their_owner_and_never_overwritten(sandbox: Sandbox, contacts: Path) -> None:
    """The file is made with mode 0600; a name that is taken is refused, unless the campaign's own runs have made it."""
    assert run(sandbox, contacts, "--results", "out.jsonl").exit_code == 3
    assert stat.S_IMODE(os.stat("out.jsonl").st_mode) == 0o600  # noqa: PTH116 - the mode alone matters
    before = Path("out.jsonl").read_bytes()
    refused = run(sandbox, contacts, "--results", "out.jsonl", "--journal", "another.wooxy")
    assert refused.exit_code == 2
    assert "--results: out.jsonl exists, and is never overwritten. Give another name." in refused.stderr
    assert Path("out.jsonl").read_bytes() == before
    assert sandbox.taken == 3


def test_a_file_without_mistakes_ends_with_exit_code_0(sandbox: Sandbox, contacts: Path) -> None:
    """Repeated numbers are left out and do not count; every option reaches the message."""
    contacts.write_text("name,whatsapp\nBo,+14155550101\nBo,+1 415 555 0101\n")
    result = wooxy(
        *("run", contacts, "--domain", "shop.example", "--text", "Hi {{name}}", "--base-url", sandbox.url, "--json"),
        *("--number-column", "whatsapp", "--sender", "Shop", "--device", "phone", "--ttl", "1800", "--tag", "a"),
        *("--tag", "b", "--phone-check", "valid", "--max-concurrency", "1"),
    )
    assert result.exit_code == 0
    (message,) = sandbox.messages
    assert (message.sender_id, message.device, message.ttl, message.tags) == ("Shop", "phone", 1800, ("a", "b"))
    assert sandbox.peak_in_progress == 1
    every = ("--unique", "none", "--number-column", "whatsapp", "--text", "x", "--journal", "every.wooxy")
    assert run(sandbox, contacts, *every).exit_code == 0
    assert sandbox.duplicates == 1


def test_json_is_all_that_stands_on_standard_output(sandbox: Sandbox, contacts: Path) -> None:
    """A machine reads one object: the plan's counts, the outcomes, and where the results are."""
    result = run(sandbox, contacts, "--json")
    report = json.loads(result.stdout)
    assert report.pop("seconds") > 0
    assert report == {
        "journal": str(default_path(contacts)),
        "resumed": {
            **dict.fromkeys(("given_back", "in_doubt", "changed", "gone", "reopened"), 0),
            "is_new": True,
            "added": 3,
        },
        "to_send": 3,
        "outcomes": {"accepted": 3, "rejected": 0, "invalid": 0, "not_sent": 0, "in_doubt": 0},
        "rows": {"accepted": 3, "invalid": 3},
        "unusable": {"duplicate": 1, "invalid": 1, "restricted": 1},
        "parked": [],
        "not_started": 0,
        "results": None,
        "error": None,
        "exit_code": result.exit_code,
    }
    assert result.stderr == ""


def test_a_dry_run_sends_nothing_and_needs_no_token(
    sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is checked and shown, numbers masked; no journal is made."""
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN")
    shown = run(sandbox, contacts, "--dry-run")
    assert (shown.exit_code, "row 2, to …101" in shown.stdout) == (3, True)
    result = run(sandbox, contacts, "--dry-run", "--json")
    checked = json.loads(result.stdout)
    assert [problem["kind"] for problem in checked["problems"]] == ["invalid", "restricted", "duplicate"]
    assert checked["sendable"] == 3
    assert not any(number in result.stdout for number in NUMBERS)
    contacts.write_text("phone,firstName,city\n+14155550101,a,b\n")
    assert run(sandbox, contacts, "--dry-run", "--text", "x" * 500).exit_code == 0
    assert (sandbox.requests, list(Path().glob("*wooxy*"))) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--text", "Hi {{firstname}}"),
            "--text: {{firstname}} is no column of the contacts. Did you mean {{firstName}}",
        ),
        (("--button-text", "x", "--button-url", "{{z}}"), "--button-url: {{z}} is no column"),
        (("--button-text", "x"), "--button-text and --button-url belong together"),
        (
            ("--ttl", "5", "--tag", "_x"),
            "--ttl must be a whole number of seconds from 1800 to 259200\nError: --tag must",
        ),
        (("--number-column", "city2"), "has no column 'city2' for the phone number"),
        (("--base-url", "http://wooxy.example"), "--base-url (or WOOXY_BASE_URL) must start with https://"),
        (("--base-url", "http://wooxy.example"), "http:// is for loopback only.\n"),
        (("--base-url", "https://api.wooxy.com/v3"), "--base-url (or WOOXY_BASE_URL) must end before /v3"),
        (("--base-url", "https://wooxy.example"), "would go to https://wooxy.example, and nobody can be asked here"),
        (("--results", "no/such/out.jsonl"), "--results: no/such/out.jsonl cannot be made (No such file or directory)"),
        (("--token-file", "none"), "--token-file: none cannot be read (No such file or directory)"),
        (("--token-file", "contacts.csv"), "--token-file: the token must be printable ASCII"),
        (("--text", "{{firstName}}", "--number-column", "city"), "no row of the file can be sent"),
    ],
)
def test_what_cannot_begin_is_told_in_a_sentence(
    sandbox: Sandbox, contacts: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, the option, the remedy, no traceback, and nothing sent."""
    result = run(sandbox, contacts, *arguments)
    assert result.exit_code == 2
    assert f"Error: {said}" in result.stderr or said in result.stderr
    assert result.stderr.endswith("Nothing was sent.\n")
    assert re.findall(r"\b[a-z]+_[a-z_]+\b|=…|=True", result.stderr) == []  # no argument of Python's
    assert (sandbox.requests, list(Path().glob("*.jsonl")), list(Path().glob("*wooxy*"))) == (0, [], [])


def test_two_columns_of_numbers_are_told_with_the_option(sandbox: Sandbox, contacts: Path) -> None:
    """By which one says which it is."""
    contacts.write_text("phone,mobile\n+14155550123,+14155550124\n")
    assert "say which it is with --number-column." in run(sandbox, contacts, "--text", "x").stderr


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"\xff\xfe", "cannot be read (it is not text)")])
def test_a_token_file_without_a_token_is_refused(sandbox: Sandbox, contacts: Path, content: bytes, said: str) -> None:
    """The file must hold the token and nothing else."""
    Path("token").write_bytes(content)
    assert said in run(sandbox, contacts, "--token-file", "token").stderr


def test_the_token_comes_from_a_file_or_the_environment(
    sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without either, the error names both; a line end in the file does not matter."""
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN")
    refused = run(sandbox, contacts)
    assert refused.exit_code == 2
    assert "Set WOOXY_ACCESS_TOKEN, or give --token-file" in refused.stderr
    Path("token").write_text("a-token-from-a-file\n")
    assert run(sandbox, contacts, "--token-file", "token").exit_code == 3
    assert sandbox.taken == 3


@pytest.mark.parametrize(
    ("answer", "said"), [("y\n", "exists, and is never"), ("n\n", "you said no"), ("\x04", "Stopped.")]
)
def test_anything_but_loopback_asks(
    contacts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, said: str
) -> None:
    """On a terminal the question names count and address; no, and an end of input, send nothing."""
    Path("out.jsonl").touch()
    with typed(monkeypatch, answer):
        arguments = ("run", str(contacts), "--domain", "shop.example", "--text", "x", "--results", "out.jsonl")
        with pytest.raises(SystemExit) as ended:
            app([*arguments, "--base-url", "https://wooxy.example"])
    said_all = capsys.readouterr().err
    assert ended.value.code == (130 if said == "Stopped." else 2)
    assert "Send 3 messages to https://wooxy.example? [y/N]" in said_all
    assert said in said_all


def test_foreign_texts_do_not_steer_the_terminal(sandbox: Sandbox, contacts: Path) -> None:
    """What stands in a file cannot colour, erase or beep; a long text is cut on the screen only."""
    contacts.write_text("phone,firstName,city\n+14155550101,\x1b[2J\x07[red]," + "x" * 500 + "\n")
    result = run(sandbox, contacts)
    assert "\x1b" not in result.stdout
    assert "Hi �[2J�[red] of" in result.stdout
    assert "… (517 characters)" in result.stdout
    assert sandbox.messages[0].text.startswith("Hi \x1b[2J\x07[red] of")


def test_what_is_not_accepted_is_listed_with_its_reason(portal: BlockingPortal, contacts: Path) -> None:
    """Refusals of one kind stand together, with their count and first rows; a doubt with its masked number."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+141555501{at:02},a,b\n" for at in range(30)))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        server.script(*[Fault.error(17)] * 12, Fault.reset_after_reading())
        result = run(server, contacts)
    assert result.exit_code == 4
    assert re.search(r"refused +12 +the server said no", result.stdout)
    assert re.search(r" 12 rows +(\d+, ){5}… +refused +Country of contact is not allowed", result.stdout)
    assert re.search(r"row \d+ +…1\d\d +in doubt +The request was sent, and the connection was lost", result.stdout)
    assert f"In doubt, never sent again by themselves: wooxy resolve {default_path(contacts)}" in result.stdout


def test_a_refused_account_ends_the_run(portal: BlockingPortal, contacts: Path) -> None:
    """What concerns every message stops at once, says why, and how many were not started."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(200)))
    with portal.wrap_async_context_manager(Sandbox(account=Account(enabled=False))) as server:
        result = run(server, contacts)
        assert server.requests <= 20
    assert result.exit_code == 5
    assert "The run ended early: Wooxy refuses the account" in result.stdout
    assert re.search(r"1[89]\d messages still to be sent: the same command again goes on\.", result.stdout)


def test_a_full_disk_ends_the_live_copy_and_not_the_run(sandbox: Sandbox, contacts: Path) -> None:
    """The journal has every outcome; the copy says how far it came."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(200)))
    with Path("out.jsonl").open("wb") as full:
        full.write(b"x" * 100)
    Path("out.jsonl").unlink()
    Path("out.jsonl").symlink_to("/dev/full")
    assert run(sandbox, contacts, "--limit", 1).exit_code == 5
    result = run(sandbox, contacts, "--results", "out.jsonl")
    assert (result.exit_code, sandbox.taken) == (0, 200)
    assert "out.jsonl has 0 outcomes of this run; it is not complete (No space left on device)." in result.stdout


def test_a_full_disk_under_the_journal_ends_the_run(sandbox: Sandbox, contacts: Path) -> None:
    """Nothing more is started, what is known and not written is named, and the next run goes on."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(2000)))
    assert run(sandbox, contacts, "--limit", 1).exit_code == 5
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path("contacts.csv.wooxy").stat().st_size + 100_000, before[1]))
    try:
        result = run(sandbox, contacts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (result.exit_code, sandbox.taken < 2000) == (5, True)
    assert re.search(r"The run ended early: \S+/contacts\.csv\.wooxy cannot be used: ", result.stdout)
    known = re.search(r"Known, but not in the journal: (row-\d+ accepted(?:, )?)+\.", result.stdout)
    left = re.search(r"([\d,]+) messages still to be sent", result.stdout)
    assert known is not None
    assert left is not None
    assert int(left[1].replace(",", "")) + known[0].count("accepted") + len(states_of("accepted")) == 2000
    assert run(sandbox, contacts).exit_code in {0, 4}
    doubts = sum(1 for _ in read_rows("contacts.csv.wooxy", RowState.IN_DOUBT))
    assert (sandbox.duplicates, doubts <= 10) == (0, True)
    assert 2000 - doubts <= sandbox.taken <= 2000


def test_a_file_that_changes_under_a_run_changes_nothing(portal: BlockingPortal, contacts: Path) -> None:
    """The journal keeps what was checked: nobody is sent to who was not."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(900)))
    with portal.wrap_async_context_manager(Sandbox(latency=0.01)) as server:
        spoiled = when(lambda: server.taken > 20, lambda: contacts.write_bytes(b"\xff" * contacts.stat().st_size))
        result = run(server, contacts)
        spoiled.join()
        assert (result.exit_code, server.taken) == (0, 900)
        assert {message.text for message in server.messages} == {"Hi a of b"}


def test_a_sender_that_a_country_refuses_is_parked(portal: BlockingPortal, contacts: Path) -> None:
    """After 20 refusals in a row the other messages to that country are not tried, and all others are."""
    numbers = [f"+1415555{at:04}" for at in range(60)] + [f"+4915112345{at:03}" for at in range(60)]
    contacts.write_text("phone,firstName,city\n" + "".join(f"{number},a,b\n" for number in numbers))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        for number in numbers[60:]:
            server.script(*[Fault.error(17)] * 2, number=number)
        result = run(server, contacts)
        asked = server.requests
    assert (result.exit_code, server.taken) == (5, 60)
    assert 80 <= asked <= 100  # those that were on their way when the twentieth refusal came
    parked = re.search(r"Wooxy's default sender may not send to DE: (\d+) rows not tried\.", result.stdout)
    assert parked is not None
    assert int(parked[1]) == 120 - asked


@pytest.mark.parametrize("keep_going", [False, True])
def test_refusals_of_many_kinds_end_a_run(portal: BlockingPortal, contacts: Path, *, keep_going: bool) -> None:
    """Over 30 % of the last 200, unless somebody has said that it goes on."""
    numbers = [f"+1415555{at:04}" for at in range(400)]
    contacts.write_text("phone,firstName,city\n" + "".join(f"{number},a,b\n" for number in numbers))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        for number in numbers[::3]:
            server.script(Fault.error(3), number=number)
        result = run(server, contacts, *(["--keep-going"] if keep_going else []))
        requests = server.requests
    assert (result.exit_code, requests == 400) == ((3, True) if keep_going else (5, False))
    assert ("Over 30% of the last 200 messages were refused, so the run ends." in result.stdout) is not keep_going


@pytest.mark.parametrize("keep_going", [False, True])
def test_refusals_alike_end_a_run(portal: BlockingPortal, contacts: Path, *, keep_going: bool) -> None:
    """Twenty in a row; with --keep-going every message is tried once."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(90)))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        server.script(*[Fault.error(15)] * 90)
        result = run(server, contacts, *(["--keep-going"] if keep_going else []))
        requests = server.requests
    assert (result.exit_code, requests == 90) == ((3, True) if keep_going else (5, False))
    assert ("20 messages in a row were refused alike" in result.stdout) is not keep_going


def test_a_server_that_was_never_reached_ends_the_run(contacts: Path) -> None:
    """Within the patience, or half a minute; nothing is lost, and the exit code says so."""
    url = f"http://127.0.0.1:{unused_port()}"
    result = wooxy("run", contacts, "-d", "shop.example", "-t", "x", "--base-url", url, "--patience", 1)
    assert result.exit_code == 69, result.stdout
    assert "No connection to the server" in result.stdout
    assert "3 messages still to be sent" in result.stdout


@pytest.mark.usefixtures("contacts")
def test_the_shared_contacts_reach_exactly_the_sendable_numbers(sandbox: Sandbox) -> None:
    """1,862 of 2,000 rows, each once; every other row stands in the journal with its reason."""
    expected = json.loads((DATA / "contacts.expected.json").read_text())
    run(sandbox, DATA / "contacts.csv", "--journal", "a.wooxy")
    assert (sandbox.taken, sandbox.duplicates) == (expected["sendable"], 0)
    kinds = {row.row: (row.outcome or {})["kind"] for row in read_rows("a.wooxy", RowState.INVALID)}
    for kind in ("invalid", "restricted", "duplicate"):
        assert sorted(row for row, found in kinds.items() if found == kind) == expected[f"{kind}_rows"]
    assert sum(1 for _ in read_rows("a.wooxy")) == 2000


def test_the_demo_shows_what_the_server_saw() -> None:
    """A campaign with refusals, unusable rows and one doubt; exit code 0, because that is what was meant."""
    result = wooxy("demo", "--count", 1000, "--latency", 0.001, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["outcomes"] == {"accepted": 985, "rejected": 3, "invalid": 0, "not_sent": 0, "in_doubt": 1}
    assert (report["to_send"], report["unusable"]) == (989, {"duplicate": 3, "invalid": 5, "restricted": 3})
    assert report["server"] == {
        "most_at_once": 10,
        "over_limit": 0,
        "taken": 986,
        "numbers_twice": 0,
        "lost": 0,
        "doubtful_taken": True,
    }


def test_the_last_screen_of_the_demo_fits_80_columns_and_24_lines() -> None:
    """The summary stands whole on the smallest usual terminal, the row in doubt and the first command included."""
    result = wooxy("demo", "--count", 1000, "--latency", 0.003, terminal=True)
    screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", result.stdout).rpartition("\r")[2]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stdout)
    summary = plain[plain.index("989 of 989 messages in") :].splitlines()
    assert len(summary) <= 24 - len(("wooxy demo · …", "", "$"))
    assert max(map(len, summary)) <= 80
    assert "wooxy send --to +your-number --domain your.domain" in summary[-3]
    assert "Look at the phone" in summary[-1]
    assert "--button-field button" in summary[-1]
    assert any(re.match(r"  row 732  …\d{3}  in doubt  The request was sent", line) for line in summary)
    assert "slots in use" in screen or "slots in use" in plain


@pytest.mark.parametrize("command", [(), ("demo",), ("run",), ("send",), ("sandbox",)])
def test_the_help_fits_80_columns_and_has_examples(command: tuple[str, ...]) -> None:
    """Every help text is whole on a usual terminal."""
    said = wooxy(*command, "--help").stdout
    assert max(map(len, said.splitlines())) <= 80
    assert ("Start here: wooxy demo" if not command else "Examples") in said


def test_the_script_is_the_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m wooxy_async.cli` is `wooxy`."""
    monkeypatch.setattr(sys, "argv", ["wooxy", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(wooxy_async.cli.__file__).with_name("__main__.py")), run_name="__main__")
    assert ended.value.code == 0
    assert re.fullmatch(r"wooxy-async \d+\.\d+.*\n", capsys.readouterr().out)


def command(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    whole = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(whole, stderr=subprocess.PIPE, **options)  # noqa: S603 - our own command


def test_an_error_of_the_program_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """A traceback is for its maintainers; 1, as interpreters say of any error, would mean nothing to a script."""
    (tmp_path / "phonenumbers.py").write_text("raise RuntimeError('a package that is broken')")
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("phone\n+14155550101\n")
    given = ("check", contacts, "--domain", "shop.example", "--text", "x")
    process = command(*given, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    _, said = process.communicate()
    assert (process.returncode, b"a package that is broken" in said) == (70, True)


def test_a_reader_that_has_gone_is_no_error_of_the_program() -> None:
    """`wooxy --help | head`: the exit code is that of SIGPIPE, and there is no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    process = command("--help", stdout=writing)
    os.close(writing)
    _, said = process.communicate()
    assert (process.returncode, b"Traceback" in said) == (141, False)


def test_streams_that_the_shell_has_closed_lead_nowhere(sandbox: Sandbox, contacts: Path) -> None:
    """`wooxy run … >&- 2>&- <&-`: no file takes their place, everybody gets one, and the exit code is as ever."""
    given = ["run", str(contacts), "--domain", "shop.example", "--text", "Hi", "--base-url", sandbox.url]
    closed = ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *COMMAND, *given]
    assert subprocess.run(closed, check=False).returncode == 3  # noqa: S603 - our own
    assert sandbox.taken == 3
    assert read_status(default_path(contacts)).counts[RowState.ACCEPTED] == 3


def test_a_closed_stream_is_one_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads it finds its end."""
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "argv", ["wooxy", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    with sys.stdin as stdin:
        assert stdin.read() == ""


def test_a_command_that_is_shown_can_be_typed(sandbox: Sandbox, contacts: Path) -> None:
    """Whatever the name of the file: with blanks, or as if it were an option."""
    for name in ("my list.csv", "-x.csv"):
        contacts.rename(name)
        shown = run(sandbox, f"./{name}").stdout
        (line,) = re.findall("Who got it and when: wooxy (.*)", shown)
        assert CliRunner().invoke(app, shlex.split(line)).exit_code == 0
        Path(name).rename(contacts)


@pytest.mark.parametrize("missing", ["typer", "wooxy_async.cli._app"])
def test_without_the_extra_the_error_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """A person who installed the library alone reads what to install; another missing module is no such case."""
    for name in [name for name in sys.modules if name.startswith("wooxy_async.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "typer":
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert 'pip install "wooxy-async[cli]"' in capsys.readouterr().err
    else:
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 70
        assert "ModuleNotFoundError" in capsys.readouterr().err
