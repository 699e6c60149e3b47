"""The command line against a real sandbox: what people see, what machines read, and what the shell gets."""

import json
import os
import re
import resource
import runpy
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
from typer.testing import CliRunner

import wooxy_async.cli
from wooxy_async.cli import main
from wooxy_async.cli._app import app
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
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS, encoding="utf-8-sig")
    return path


def wooxy(*arguments: object, terminal: bool = False) -> Any:
    """Run the command in this process."""
    env = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm", "FORCE_COLOR": "1" if terminal else None}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def run(sandbox: Sandbox, contacts: Path, *arguments: object, **options: bool) -> Any:
    """Run `wooxy run` against a sandbox."""
    return wooxy(
        "run", contacts, "--domain", "shop.example", "--text", TEXT, "--base-url", sandbox.url, *arguments, **options
    )


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


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
    lines = {line["row"]: line for line in lines_of(Path("out.jsonl"))}
    assert {row: line["outcome"] for row, line in lines.items()} == {
        1: "accepted",
        2: "accepted",
        3: "unusable",
        4: "unusable",
        5: "unusable",
        6: "accepted",
    }
    assert (lines[5]["kind"], lines[5]["repeats"]) == ("duplicate", 1)
    assert lines[1]["message"]["phone_number"] == "+14155550101"
    assert lines[1]["message_ids"]


def test_the_field_of_the_button_can_be_chosen(portal: BlockingPortal, contacts: Path) -> None:
    """Buttons of a campaign arrive at a Wooxy that knows `button` alone with `--button-field button`."""
    button = ("--button-text", "Open", "--button-url", "https://x.example")
    for number, given in enumerate(((), ("--button-field", "buttons"), ("--button-field", "button"))):
        with portal.wrap_async_context_manager(Sandbox(button_field="button")) as server:
            results = ("--results", contacts.with_name(f"{number}.jsonl"))
            assert run(server, contacts, *button, *given, *results).exit_code == 3  # some rows cannot be sent
            assert {message.button is not None for message in server.messages} == {given[1:] == ("button",)}


def test_before_anything_leaves_the_screen_says_what_will_go(sandbox: Sandbox, contacts: Path) -> None:
    """Address, domain, sender, count, time, the unusable rows and one rendered message, numbers masked."""
    said = run(sandbox, contacts, "--button-text", "Open", "--button-url", "https://x.example/{{city}}").stdout
    for part in (
        "contacts.csv: 6 rows",
        "3 rows cannot be sent: 1 invalid · 1 restricted (UA 1) · 1 duplicate",
        "row 3    invalid     phone: There is no digit",
        "row 5    duplicate   phone: repeats the number of row 1",
        sandbox.url,
        "Wooxy's default",
        "3 messages",
        "0.1 s, 10 at a time, if each answer takes 0.2 s (an estimate)",
        "row 1, to …101",
        "Hi José of Kraków, Stare",
        "[ Open ] https://x.example/Krak%C3%B3w%2C%20Stare%0AMiasto",
        "contacts.results.jsonl holds the outcomes of 6 rows.",
    ):
        assert part in said
    assert not any(number in said for number in NUMBERS)


def test_results_are_for_their_owner_and_never_overwritten(sandbox: Sandbox, contacts: Path) -> None:
    """The file is made with mode 0600; a name that is taken is refused, or the next free one is found."""
    assert run(sandbox, contacts, "--results", "out.jsonl").exit_code == 3
    assert stat.S_IMODE(os.stat("out.jsonl").st_mode) == 0o600  # noqa: PTH116 - the mode alone matters
    before = Path("out.jsonl").read_bytes()
    refused = run(sandbox, contacts, "--results", "out.jsonl")
    assert refused.exit_code == 2
    assert "--results: out.jsonl exists, and is never overwritten. Give another name." in refused.stderr
    assert Path("out.jsonl").read_bytes() == before
    assert sandbox.taken == 3
    for name in ("contacts.results.jsonl", "contacts.results-2.jsonl"):
        run(sandbox, contacts)
        assert len(lines_of(Path(name))) == 6


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
    assert run(sandbox, contacts, "--unique", "none", "--number-column", "whatsapp", "--text", "x").exit_code == 0
    assert sandbox.duplicates == 1


def test_json_is_all_that_stands_on_standard_output(sandbox: Sandbox, contacts: Path) -> None:
    """A machine reads one object: the plan's counts, the outcomes, and where the results are."""
    result = run(sandbox, contacts, "--json")
    report = json.loads(result.stdout)
    assert report.pop("seconds") > 0
    assert report == {
        "rows": 6,
        "sendable": 3,
        "invalid": 1,
        "restricted": 1,
        "duplicates": 1,
        "restricted_by_country": {"UA": 1},
        "outcomes": {"accepted": 3, "rejected": 0, "invalid": 0, "not_sent": 0, "in_doubt": 0},
        "not_started": 0,
        "results": "contacts.results.jsonl",
        "error": None,
        "exit_code": result.exit_code,
    }
    assert result.stderr == ""


def test_a_dry_run_sends_nothing_and_needs_no_token(
    sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is checked and shown; machines get each unusable row, without numbers."""
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN")
    shown = run(sandbox, contacts, "--dry-run")
    assert (shown.exit_code, "row 1, to …101" in shown.stdout) == (3, True)
    result = run(sandbox, contacts, "--dry-run", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row.get("kind") for row in rows] == ["invalid", "restricted", "duplicate", None]
    assert rows[3]["sendable"] == 3
    assert not any(number in result.stdout for number in NUMBERS)
    contacts.write_text("phone,firstName,city\n" + "n/a,a,b\n" * 6 + "+14155550101,,x\n")
    many = run(sandbox, contacts, "--dry-run").stdout
    assert "… and 1 more; `wooxy run --dry-run --json` lists each" in many
    assert "warning: firstName is empty and leaves a gap in the text (1 row, the first is row 7)" in many
    contacts.write_text("phone,firstName,city\n+14155550101,a,b\n")
    assert run(sandbox, contacts, "--dry-run", "--text", "x" * 500).exit_code == 0
    assert (sandbox.requests, list(Path().glob("*.jsonl"))) == (0, [])


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
    assert (sandbox.requests, list(Path().glob("*.jsonl"))) == (0, [])


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
    monkeypatch.setenv("FORCE_COLOR", "1")
    master, slave = os.openpty()
    with os.fdopen(slave) as typed, os.fdopen(master, "w") as keyboard:
        keyboard.write(answer)
        keyboard.flush()
        monkeypatch.setattr(sys, "stdin", typed)
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
    """Refusals and doubts stand on the screen with row and masked number, at most ten of a kind."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+141555501{at:02},a,b\n" for at in range(30)))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        server.script(*[Fault.error(17)] * 12, Fault.reset_after_reading())
        result = run(server, contacts)
    assert result.exit_code == 4
    assert re.search(r"refused +12 +the server said no", result.stdout)
    assert result.stdout.count("Country of contact is not allowed") == 10
    assert "… and 2 more" in result.stdout
    assert re.search(r"row \d+ +…1\d\d +in doubt +The request was sent, and the connection was lost", result.stdout)


def test_a_refused_account_ends_the_run(portal: BlockingPortal, contacts: Path) -> None:
    """What concerns every message stops at once, says why, and how many were not started."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(200)))
    with portal.wrap_async_context_manager(Sandbox(account=Account(enabled=False))) as server:
        result = run(server, contacts)
        assert server.requests <= 20
    assert result.exit_code == 5
    assert "The run ended early: Wooxy refuses the account" in result.stdout
    assert re.search(
        r"Not started: 1[89]\d messages\. Running the command again would also send the other \d+ again\.",
        result.stdout,
    )


def test_a_full_disk_stops_the_run_and_names_what_is_not_written(sandbox: Sandbox, contacts: Path) -> None:
    """Outcomes that cannot be written are on the screen, row by row, and nothing more is started."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(200)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        result = run(sandbox, contacts, "--results", "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    written = Path("out.jsonl").read_bytes().count(b"\n")
    assert result.exit_code == 5
    missing = re.findall(r"row \d+ accepted", result.stdout)
    assert "out.jsonl is not complete (" in result.stdout
    assert sandbox.taken == written + len(missing)
    assert sandbox.taken < 200


def test_an_unusable_row_that_cannot_be_written_stops_the_run_too(sandbox: Sandbox, contacts: Path) -> None:
    """Rows that are not sent are promised a line as well."""
    contacts.write_text("phone,firstName,city\n" + "n/a,a,b\n" * 200 + "+14155550101,a,b\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        result = run(sandbox, contacts, "--results", "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (result.exit_code, sandbox.taken) == (5, 0)
    assert re.search(r"Missing: row \d+ invalid\.", result.stdout)
    assert "Not started: 1 message.\n" in result.stdout


def test_a_file_that_breaks_midway_ends_the_run(portal: BlockingPortal, contacts: Path) -> None:
    """A file that is changed while it is sent ends the run with that reason, after what was in flight."""
    contacts.write_text("phone,firstName,city\n" + "".join(f"+1415555{at:04},a,b\n" for at in range(9000)))
    with portal.wrap_async_context_manager(Sandbox(latency=0.01)) as server:
        spoiled = when(lambda: server.taken > 20, lambda: contacts.write_bytes(b"\xff" * contacts.stat().st_size))
        result = run(server, contacts)
    spoiled.join()
    assert result.exit_code == 5
    assert "The run ended early: " in result.stdout
    assert "Not started: " in result.stdout


def test_the_shared_contacts_reach_exactly_the_sendable_numbers(sandbox: Sandbox, contacts: Path) -> None:
    """1,862 of 2,000 rows, each once; every other row is a line of the results."""
    expected = json.loads((DATA / "contacts.expected.json").read_text())
    run(sandbox, DATA / "contacts.csv", "--results", contacts.with_name("out.jsonl"))
    assert (sandbox.taken, sandbox.duplicates) == (expected["sendable"], 0)
    lines = lines_of(contacts.with_name("out.jsonl"))
    for kind in ("invalid", "restricted", "duplicate"):
        assert sorted(line["row"] for line in lines if line.get("kind") == kind) == expected[f"{kind}_rows"]
    assert sorted(line["row"] for line in lines) == list(range(1, 2001))


def test_the_demo_shows_what_the_server_saw() -> None:
    """A campaign with refusals, unusable rows and one doubt; exit code 0, because that is what was meant."""
    result = wooxy("demo", "--count", 1000, "--latency", 0.001, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["outcomes"] == {"accepted": 985, "rejected": 3, "invalid": 0, "not_sent": 0, "in_doubt": 1}
    assert (report["rows"], report["invalid"], report["restricted"], report["duplicates"]) == (1000, 5, 3, 3)
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
    assert any(re.match(r"  row 731  …\d{3}  in doubt  The request was sent", line) for line in summary)
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
    whole = [sys.executable, "-m", "wooxy_async.cli", *map(str, arguments)]
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
