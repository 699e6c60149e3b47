"""`wooxy check`: what people and machines are told of a file; its remedies are followed."""

import csv
import json
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from spreadsheets import DATA, as_csv, as_excel
from typer.testing import CliRunner

from wooxy_async import ViberMessage
from wooxy_async.campaigns import CostLimit, NumberReader, one_price
from wooxy_async.cli._app import app
from wooxy_async.cli._caring import CareOptions
from wooxy_async.sandbox import Account, Sandbox

EXPECTED = json.loads((DATA / "contacts.expected.json").read_text())
MESSAGE = ("-d", "shop.example", "-t", "Hi {{firstName|there}}")


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in another thread, for servers."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory of one's own, without a token."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN", raising=False)
    monkeypatch.delenv("WOOXY_BASE_URL", raising=False)
    return tmp_path


def check(path: object, *arguments: object, stdin: bytes | None = None, message: tuple[str, ...] = MESSAGE) -> Any:
    """Run `wooxy check` in this process."""
    words = ["check", str(path), *message, *map(str, arguments)]
    return CliRunner().invoke(app, words, input=stdin, env={"COLUMNS": "80", "TERM": "xterm"})


def written(name: str, content: str | bytes) -> Path:
    """Write a file into the current directory."""
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_json(path: object, *arguments: object, **options: Any) -> Any:
    """Return what `wooxy check --json` says."""
    return json.loads(check(path, *arguments, "--json", **options).stdout)


def test_the_shared_file_is_checked_as_expected() -> None:
    """All counts are those of the independent reading; the exit code says that not all can go."""
    found = as_json(DATA / "contacts.csv")
    assert found["rows"] == EXPECTED["rows"]
    assert found["sendable"] == EXPECTED["sendable"]
    assert found["restricted_by_country"] == EXPECTED["restricted_by_country"]
    assert sum(group["rows"] for group in found["problems"]) == EXPECTED["rows"] - EXPECTED["sendable"]
    assert sum(found["by_country"].values()) == EXPECTED["sendable"]
    assert check(DATA / "contacts.csv").exit_code == 3


def test_the_screen_groups_problems_and_shows_examples() -> None:
    """Each kind once, with how many, the first rows as the spreadsheet shows them, and what to do."""
    rows = "".join(f"abc {at}5551234,A\n" for at in range(7))
    path = written("c.csv", f"phone,firstName\n+14155550101,Bo\n+14155550102,\n{rows}+14155550101,Twin\n")
    shown = check(path).stdout
    assert "c.csv: 10 rows" in shown
    assert re.search(r"7 invalid phone +row 4, 5, 6, 7, 8, …", shown)
    assert "There are letters in the phone number" in shown
    assert re.search(r"1 duplicate phone +row 11", shown)
    assert "8 rows cannot be sent; wooxy check --problems FILE.csv writes all of them" in shown
    assert re.search(r"will go +2 messages", shown)
    assert re.search(r"countries +US 2", shown)
    assert re.search(r"takes about +0.0 s, 10 at a time, if each answer takes 0.2 s \(assumed\)", shown)
    assert "row 3, to …102" in shown
    assert "Hi there" in shown
    for field in ("domain", "sender", "device", "ttl", "reference"):
        assert re.search(rf"^  {field} ", shown, re.MULTILINE)


def test_all_fields_of_an_example_are_shown() -> None:
    """Button, sender and tags stand below the text; what a terminal would obey does not."""
    path = written("c.csv", "phone,firstName\n+14155550101," + "x" * 500 + "\n")
    more = ("--sender", "Shop", "--tag", "a", "--tag", "b", "--button-text", "Open", "--button-url", "https://x/\x9b")
    shown = check(path, *more).stdout
    assert "… (503 characters)" in shown
    assert re.search(r"sender +Shop", shown)
    assert re.search(r"tags +a, b", shown)
    assert re.search(r"button +\[ Open \] https://x/�", shown)


def test_every_problem_is_a_line_of_a_new_file(folder: Path) -> None:
    """For a spreadsheet: only its owner reads it, no cell is a formula, and it is never overwritten."""
    path = written("c.csv", 'phone,firstName\n"=HYPERLINK(""x"")",A\n+14155550101,B\n\n+14155550101,C\n')
    result = check(path, "--problems", "problems.csv")
    assert "2 rows cannot be sent; each is a line of problems.csv" in result.stdout
    out = folder / "problems.csv"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    lines = list(csv.reader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert lines[0] == ["row", "line", "kind", "problem", "field", "value", "what to do"]
    assert lines[1][:4] == ["2", "2", "invalid", "no_digits"]
    assert lines[1][5] == '\'=HYPERLINK("x")'
    assert lines[2][:4] == ["5", "5", "duplicate", "duplicate"]
    assert lines[2][6] == "repeats the number of row 3; each number is sent to once"
    again = check(path, "--problems", "problems.csv")
    assert again.exit_code == 2
    assert "problems.csv exists, and is never overwritten" in again.stderr
    assert "cannot be made (No such file" in check(path, "--problems", "no/such/file.csv").stderr


def test_a_reference_that_stands_twice_is_named_as_that(folder: Path) -> None:
    """Where rows are known by it; a number may stand twice then."""
    path = written("c.csv", "phone,reference,firstName\n+14155550101,a,A\n+14155550101,b,B\n+14155550102,a,C\n")
    assert check(path, "--unique", "reference", "--problems", "problems.csv").exit_code == 0
    lines = list(csv.reader((folder / "problems.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [line[0] for line in lines[1:]] == ["4"]
    assert lines[1][6] == "repeats the reference of row 2; each reference is sent to once"


@pytest.mark.parametrize(
    ("numbers", "option"),
    [
        ([f"0151 2345{at:04}" for at in range(9)], "--country DE"),
        ([f"004915123{at:06}" for at in range(9)], "--country DE"),
        ([f"4915123{at:06}" for at in range(9)] + ["436641234567"], "--assume-plus --countries DE,AT"),
        ([f"4915123{at:06}.0" for at in range(9)], "--assume-plus --countries DE"),
    ],
    ids=["national", "00", "no +", "decimals"],
)
def test_the_options_that_are_offered_work_when_they_are_followed(numbers: list[str], option: str) -> None:
    """The remedy is the option's name and how many numbers it would read; typed, it reads as many."""
    path = written("c.csv", "phone\n" + "\n".join(numbers) + "\n")
    first = check(path, message=("-d", "shop.example", "-t", "Hi"))
    assert first.exit_code == 3
    assert f"{option} would read {len(numbers)} of the first {len(numbers)}" in first.stdout
    again = check(path, *shlex.split(option), message=("-d", "shop.example", "-t", "Hi"))
    assert re.search(rf"will go +{len(numbers)} messages", again.stdout)
    assert again.exit_code == 0


@pytest.mark.parametrize("name", ["c.xlsx", "c.csv", "c.csv.gz"])
def test_standard_input_is_checked_like_a_file(name: str) -> None:
    """`-` is standard input, whatever comes through it."""
    import gzip  # noqa: PLC0415

    rows = [["phone", "firstName"], ["+14155550101", "Bo"]]
    content = {"c.xlsx": as_excel(rows), "c.csv": as_csv(rows), "c.csv.gz": gzip.compress(as_csv(rows))}[name]
    result = check("-", stdin=content)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"will go +1 message\b", result.stdout)


def test_an_encoding_is_shown_and_refused_where_nobody_can_be_asked() -> None:
    """Names as each candidate reads them; the option that is named works."""
    path = written("c.csv", "phone;firstName\n+14155550101;Олена\n".encode("windows-1251"))
    result = check(path)
    assert result.exit_code == 2
    assert re.search(r"--encoding windows-1251 +Олена", result.stderr)
    assert re.search(r"--encoding windows-1252 +Îëåíà", result.stderr)
    assert "nobody can be asked here which is right. Give --encoding." in result.stderr
    assert "Hi Олена" in check(path, "--encoding", "windows-1251").stdout
    nothing = check(written("d.csv", b"phone,firstName\n+1,\x80\x81\n"))
    assert nothing.exit_code == 2
    assert "or say what it is with --encoding" in nothing.stderr


def test_columns_that_may_hold_the_number_are_shown_masked() -> None:
    """The samples name the option, which works."""
    path = written("c.csv", "Kontakt,firstName\n+14155550101,Bo\n")
    result = check(path)
    assert result.exit_code == 2
    assert re.search(r"--number-column Kontakt +…101", result.stderr)
    assert check(path, "-n", "Kontakt").exit_code == 0


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("windows-1251", 0, "Hi Олена"), ("klingon", 2, "'klingon' is none of them. Give --encoding.")],
)
def test_a_person_is_asked_for_the_encoding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int, said: str
) -> None:
    """At a terminal the right candidate is typed, and the file is read with it."""
    path = written("c.csv", "phone;firstName\n+14155550101;Олена\n".encode("windows-1251"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    master, slave = os.openpty()
    with os.fdopen(slave) as typed, os.fdopen(master, "w") as keyboard:
        keyboard.write(f"{answer}\n")
        keyboard.flush()
        monkeypatch.setattr(sys, "stdin", typed)
        with pytest.raises(SystemExit) as ended:
            app(["check", str(path), *MESSAGE])
    shown = capsys.readouterr()
    assert ended.value.code == code
    assert "Which is right (--encoding)" in shown.err
    assert said in shown.out + shown.err


def test_a_person_is_asked_for_the_column_of_the_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal its name is typed, and the file is read with it."""
    path = written("c.csv", "Kontakt,firstName\n+14155550101,Bo\n")
    monkeypatch.setenv("FORCE_COLOR", "1")
    master, slave = os.openpty()
    with os.fdopen(slave) as typed, os.fdopen(master, "w") as keyboard:
        keyboard.write("Kontakt\n")
        keyboard.flush()
        monkeypatch.setattr(sys, "stdin", typed)
        with pytest.raises(SystemExit) as ended:
            app(["check", str(path), *MESSAGE])
    assert ended.value.code == 0
    assert "Which is right (--number-column)" in capsys.readouterr().err


def test_a_file_whose_columns_hold_no_number_has_no_candidates() -> None:
    """There is nothing to choose from, so that nothing is asked."""
    result = check(written("c.csv", "firstName\nBo\n"))
    assert result.exit_code == 2
    assert "call one of them phone, or say which it is with --number-column" in result.stderr


def test_the_options_of_care_make_what_a_run_asks() -> None:
    """Lists, window and cost of the options judge a message."""
    written("out.txt", "+14155550101\n")
    options = CareOptions(suppress=[Path("out.txt")], suppress_format="numbers")
    lists = options.lists(NumberReader())
    care = options.care(lists, cost=CostLimit(one_price("1"), Decimal(1)))
    advice = [
        care.judge(ViberMessage(domain="shop.example", phone_number=number, text="Hi")).advice
        for number in ("+14155550101", "+14155550102", "+14155550103")
    ]
    assert advice == ["suppressed", "send", "stop"]


def test_cost_is_told_and_where_it_would_stop() -> None:
    """By country, with the countries that have no price, and the row that a limit stops before."""
    path = written("c.csv", "phone,firstName\n+4915123456789,A\n+14155550101,B\n+14155550102,C\n+4366412345678,D\n")
    prices = written("prices.csv", "Country;Price\nde;0,07\nUS;0.05\n")
    shown = check(path, "--prices", prices).stdout
    assert re.search(r"cost +over 0.17; no price for AT", shown)
    assert as_json(path, "--price-per-message", "0.05")["cost"]["total"] == "0.20"
    limited = as_json(path, "--price-per-message", "0.05", "--max-cost", "0.12")["cost"]
    assert (limited["stops_before"], limited["paid"], limited["most"]) == (4, 2, "0.12")
    shown = check(path, "--price-per-message", "0.05", "--max-cost", "0.12").stdout
    assert "--max-cost 0.12 stops before row 4, after 2 messages" in shown
    enough = as_json(path, "--price-per-message", "0.05", "--max-cost", "0.2")["cost"]
    assert (enough["stops_before"], enough["paid"]) == (None, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--price-per-message", "1", "--prices", "p.csv"), "--price-per-message and --prices say the same"),
        (("--max-cost", "1"), "--max-cost needs --price-per-message or --prices."),
        (("--price-per-message", "cheap"), "'cheap' is no price"),
        (("--price-per-message", "1", "--max-cost", "-1"), "a price must be 0 or more, not -1."),
        (("--prices", "none.csv"), "none.csv cannot be read (No such file or directory)."),
        (("--prices", "c.csv"), "the first line must name the columns: country,price"),
        (("--prices", "x.csv"), "'XX' is no country's two-letter code"),
        (("--prices", "binary.csv"), "is not UTF-8"),
        (("--prices", "de.csv", "--max-cost", "9"), "there is no price for messages to US"),
        (("--country", "Germany"), "is no country's two-letter code, such as DE"),
        (("--assume-plus",), "--assume-plus needs --countries with those"),
        (("--sender-column", "from"), "--sender-column='from' is no column of the contacts"),
        (("--sheet", "x", "--template", "none.toml"), "none.toml cannot be read"),
        (("--text-file", "x.csv"), "--text and --text-file say the same"),
        (("--button-text", "x"), "--button-text and --button-url belong together"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_checked(arguments: tuple[str, ...], said: str) -> None:
    """Each refusal names the option and what is right."""
    written("c.csv", "phone,firstName\n+14155550101,B\n")
    written("x.csv", "country,price\nXX,1\n")
    written("de.csv", "country,price\nDE,1\n")
    written("binary.csv", b"\xff")
    result = check("c.csv", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_template_file_says_the_rest() -> None:
    """Options go before it; without either domain and text are missing."""
    path = written("c.csv", "phone,firstName,topics\n+14155550101,B,x\n")
    template = written("m.toml", 'domain = "a.example"\ntext = "Hi"\nttl = 7200\n[columns]\ntags = "topics"\n')
    (shown,) = as_json(path, "-T", template, "--ttl", "3600", message=())["examples"]
    assert (shown["domain"], shown["text"], shown["ttl"], shown["tags"]) == ("a.example", "Hi", 7200, ["x"])
    (shown,) = as_json(path, "-T", template, "--domain", "b.example", "--ttl", "9000", message=())["examples"]
    assert (shown["domain"], shown["ttl"]) == ("b.example", 9000)
    written("t.txt", "Hello {{firstName}}\n")
    (shown,) = as_json(path, "-T", template, "--text-file", "t.txt", message=())["examples"]
    assert shown["text"] == "Hello B"
    assert "--domain is missing; it may also stand in a --template file." in check(path, message=()).stderr


def test_warnings_name_the_options_and_tags_are_counted() -> None:
    """Columns that look like fields, with the option; more than twenty tags."""
    rows = "".join(f"+141555501{at:02},t{at},x\n" for at in range(21))
    path = written("c.csv", f"phone,tags,ttl\n{rows}")
    shown = check(path, "--tags-column", "tags", message=("-d", "shop.example", "-t", "Hi")).stdout
    assert "warning: ttl looks like a ttl of each row, and is not used; --ttl-column='ttl' would use it" in shown
    assert "warning: 21 different tags; the account keeps the first 100 it sees for ever" in shown


def test_the_account_is_asked_for_its_name_and_balance(portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a token, its answer also measures the time; a wrong token is told."""
    path = written("c.csv", "phone,firstName\n+14155550101,B\n")
    account = Account(token="right-token-0123456789", name="Shop & Co", balance=1234.5)
    with portal.wrap_async_context_manager(Sandbox(account=account)) as server:
        monkeypatch.setenv("WOOXY_ACCESS_TOKEN", account.token or "")
        monkeypatch.setenv("WOOXY_BASE_URL", server.url)
        result = check(path)
        assert re.search(r"account +Shop & Co", result.stdout)
        assert re.search(r"balance +1,234.5", result.stdout)
        assert "(measured)" in result.stdout
        assert "(given)" in check(path, "--latency", "0.4").stdout
        monkeypatch.setenv("WOOXY_ACCESS_TOKEN", "wrong-token-0123456789")
        wrong = check(path)
        assert server.requests == 0
    assert wrong.exit_code == 3
    assert re.search(r"account +The access token", wrong.stdout) or "token" in wrong.stdout


def test_a_file_without_a_message_to_send_has_nothing_to_show() -> None:
    """All rows are unusable: problems alone, and the exit code."""
    result = check(written("c.csv", "phone,firstName\nx,B\n"))
    assert result.exit_code == 3
    assert "will go" not in result.stdout


def test_suppression_lists_leave_rows_out_and_ask_their_questions() -> None:
    """How many entries, rows and unreadable lines there are; what a run would ask is told."""
    path = written("c.csv", "phone,firstName\n+14155550101,A\n+14155550102,B\n+14155550101,C\n")
    listed = written("out.txt", "number\n+1 415 555 0101\n4155550199\n")
    found = as_json(path, "-s", listed, "--suppress-format", "numbers")
    assert (found["sendable"], found["suppressed"], found["duplicates"]) == (1, 2, 0)
    (told,) = found["suppression_lists"]
    assert (told["read"], told["matched"], told["unreadable"]) == (1, 2, 1)
    shown = check(path, "-s", listed, "--suppress-format", "numbers").stdout
    assert "question: 1 lines of the suppression list out.txt cannot be read for sure (line 3)" in shown
    assert "2 suppressed phone" in shown
    assert "is on the suppression list out.txt, and is not sent to" in shown
    assert re.search(r"suppressed +out.txt: 1 entries, 2 rows matched, 1 lines unreadable", shown)
    nobody = written("d.csv", "phone,firstName\n+14155550102,B\n")
    assert "Is it the right list?" in check(nobody, "-s", listed, "--suppress-format", "numbers").stdout


def test_the_recipients_hours_are_told() -> None:
    """With a window the open hours and who has to wait, without one who has night."""
    path = written("c.csv", "phone,firstName\n+4915123456789,A\n+14155550101,B\n+818012345678,C\n")
    found = as_json(path, "--send-between", "09:00-20:00", "--days", "mon-sun")
    assert list(found["open_hours_utc"]) == ["DE", "US", "JP"]
    assert all(re.fullmatch(r"(\w{3} )?\d\d:\d\d-\d\d:\d\d", hours) for hours in found["open_hours_utc"].values())
    assert found["closed_now"]["is"] == "closed now"
    assert found["closed_now"]["by_country"]  # at no time have Germany, Hawaii and Japan all day
    shown = check(path, "--send-between", "09:00-20:00").stdout
    assert re.search(r"open today +DE ", shown)
    assert re.search(r"closed now +", shown)
    night = as_json(path)["closed_now"]
    assert night["is"] == "night now"
    assert night["by_country"]
    never = as_json(path, "--send-between", "09:00-09:30")["open_hours_utc"]
    assert never["US"] == "never"
    all_day = check(path, "--send-between", "00:00-24:00", "--days", "mon-sun").stdout
    assert re.search(r"open today +DE \d\d:\d\d-24:00", all_day)
    assert "now" not in all_day


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--suppress", "out.txt"), "--suppress needs --suppress-format"),
        (("--suppress", "none", "--suppress-format", "numbers"), "the suppression list none cannot be read"),
        (("--suppress", "out.txt", "--suppress-format", "hmac-sha256"), "needs --suppress-key"),
        (("--days", "mon"), "--days and --not-on need --send-between."),
        (("--send-between", "9"), "is no window of half an hour"),
        (("--send-between", "09:00-20:00", "--not-on", "out.txt"), "is no date, as in 2026-12-24"),
    ],
)
def test_a_wrong_option_of_care_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """Formats are named, never guessed."""
    written("c.csv", "phone,firstName\n+14155550101,B\n")
    written("out.txt", "+14155550101\n")
    result = check("c.csv", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
