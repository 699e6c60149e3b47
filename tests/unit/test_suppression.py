"""Lists of those who opted out: what is read, what is asked, and what happens while somebody writes the file."""

import hashlib
import hmac
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from wooxy_async import ViberMessage
from wooxy_async.campaigns import CampaignError, Care, NumberReader, SuppressionList

LISTED = ("+4915123456789", "+14155550101", "+436641234567")
OTHER = "+14155550199"
KEY = b"a key of the shop, 32 bytes long"


def _list(folder: Path, content: str, kind: Any = "numbers", **options: Any) -> SuppressionList:
    path = folder / "out.txt"
    path.write_text(content)
    return SuppressionList(path, kind, **options)


def _hmac(number: str) -> str:
    return hmac.new(KEY, number.encode(), "sha256").hexdigest()


def _result(outcome: str, number: str) -> str:
    return json.dumps({"row": 1, "outcome": outcome, "message": {"phone_number": number, "text": "x"}})


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("numbers", ["Telefon", "+49 151 234-56789", "0014155550101", "'+436641234567"]),
        ("numbers", ["number;since", '"+49 (151) 23456789";2024', "+1 415 555 0101;2025", "+43 664/1234567;"]),
        ("hmac-sha256", [_hmac(LISTED[0]), _hmac(LISTED[1]).upper(), f'"{_hmac(LISTED[2])}"']),
        ("sha256", [hashlib.sha256(number.encode()).hexdigest() for number in LISTED]),
        (
            "results",
            [
                _result("accepted", LISTED[0]),
                _result("in_doubt", LISTED[1]),
                _result("accepted", LISTED[2]),
                _result("rejected", OTHER),
                json.dumps({"outcome": "unusable", "row": 9, "problems": []}),
            ],
        ),
    ],
    ids=["numbers", "a CSV", "hmac", "sha256", "results"],
)
def test_every_format_lists_the_same_numbers(tmp_path: Path, kind: str, lines: list[str]) -> None:
    """Who is on a list is on it in every format, empty lines and a byte-order mark aside."""
    (tmp_path / "key").write_bytes(KEY + b"\n")
    options = {"key_file": tmp_path / "key"} if kind == "hmac-sha256" else {}
    listed = _list(tmp_path, "\n".join(["", *lines, ""]) if kind != "numbers" else "\n".join(lines), kind, **options)
    assert [number in listed for number in (*LISTED, OTHER)] == [True, True, True, False]
    assert (listed.read, listed.unreadable) == (3, 0)
    assert listed.questions(matched=1) == ()
    assert "3 entries, 0 unreadable" in repr(listed)


def test_numbers_without_plus_are_left_out_and_asked_about(tmp_path: Path) -> None:
    """4915… is left out, and counted as not sure: it may be a number at home. The campaign's options make it sure."""
    content = "4915123456789\n0664 1234567\nn/a\n4.9E+11\n+380501234567\n"
    listed = _list(tmp_path, content)
    assert LISTED[0] in listed
    assert (listed.read, listed.unreadable) == (0, 4)
    assert any("cannot be read for sure (line 1, 2, 3, 4)" in question for question in listed.questions(matched=1))
    sure = _list(tmp_path, content, reader=NumberReader(country="AT", assume_plus=True, countries=("DE",)))
    assert (sure.read, sure.unreadable, sure.first_unreadable) == (2, 2, (3, 4))
    assert LISTED[2] in sure


def test_a_list_that_nobody_is_on_is_asked_about(tmp_path: Path) -> None:
    """It may be the wrong file."""
    (question,) = _list(tmp_path, "+14155550101\n").questions(matched=0)
    assert question == "No row of the campaign is on the suppression list out.txt. Is it the right list?"


@pytest.mark.parametrize(("kind", "line"), [("sha256", "abc"), ("sha256", "é" * 64), ("results", "{")])
def test_a_line_of_another_format_is_unreadable(tmp_path: Path, kind: str, line: str) -> None:
    """A list of another format than was said shows at once."""
    assert _list(tmp_path, f"{line}\n" * 9, kind).first_unreadable == (1, 2, 3, 4, 5)


def test_a_key_is_needed_where_hashes_have_one(tmp_path: Path) -> None:
    """A missing, an unneeded, a short and an unreadable key are told."""
    with pytest.raises(CampaignError, match="needs key_file=…"):
        _list(tmp_path, "", "hmac-sha256")
    (tmp_path / "key").write_text("short")
    with pytest.raises(CampaignError, match="and no other has one"):
        _list(tmp_path, "", "sha256", key_file=tmp_path / "key")
    with pytest.raises(CampaignError, match="must have 16 to 4,096 bytes"):
        _list(tmp_path, "", "hmac-sha256", key_file=tmp_path / "key")
    with pytest.raises(CampaignError, match="cannot be read"):
        _list(tmp_path, "", "hmac-sha256", key_file=tmp_path / "none")
    with pytest.raises(CampaignError, match="cannot be read"):
        SuppressionList(tmp_path / "none", "numbers")
    with pytest.raises(ValueError, match="kind must be one of"):
        _list(tmp_path, "", "guess")


def test_a_file_that_loses_entries_or_is_gone_pauses(tmp_path: Path) -> None:
    """Missing, shrunken and unreadable: nothing goes until it is whole again, and who was listed stays so."""
    listed = _list(tmp_path, "+14155550101\n+14155550102\n")
    assert listed.refresh() is None
    listed.path.write_text("+14155550101\n")
    assert listed.refresh() == "the suppression list out.txt has lost 1 of its entries"
    assert "+14155550102" in listed
    listed.path.write_text("+14155550101\n+14155550102\n+1415\n")
    assert listed.refresh() == "the suppression list out.txt has 1 new lines that cannot be read"
    listed.path.unlink()
    assert listed.refresh() == "the suppression list out.txt cannot be read (No such file or directory)"
    listed.path.write_text("+14155550101\n+14155550102\n+14155550103\n")
    assert listed.refresh() is None
    assert "+14155550103" in listed


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    """One look at its state is all; a change of any kind is seen, one without a new size and time too."""
    listed = _list(tmp_path, "+14155550101\n")
    os.utime(listed.path, (1, 1))
    assert listed.refresh() is None
    state = listed._state
    assert state
    assert listed.refresh() is None
    assert listed._state is state
    other = tmp_path / "new.txt"
    other.write_text("+14155550102\n")
    os.utime(other, (1, 1))
    other.replace(listed.path)
    assert listed.refresh() == "the suppression list out.txt has lost 1 of its entries"
    assert "+14155550102" in listed


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: a disk takes milliseconds for each file that replaces another."""
    shared = Path("/dev/shm")  # noqa: S108
    if not shared.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_nobody_listed_is_sent_to_while_the_file_is_rewritten(memory: Path) -> None:
    """10,000 times another name is added, whole or half-written; who stood in a whole file before is never sent to."""
    draws = random.Random(4)
    path = memory / "out.txt"
    everybody = [hashlib.sha256(b"+1415555%04d" % at).hexdigest() for at in range(40)]
    path.write_text(f"{everybody[0]}\n")
    care = Care(suppressed=[SuppressionList(path, "sha256")])
    advice = {"suppressed": 0, "pause": 0, "send": 0}
    known = 1
    for at in range(10_000):
        known = min(len(everybody), known + (at % 250 == 0))
        content = "".join(f"{entry}\n" for entry in everybody[:known])
        half = draws.random() < 1 / 3
        written = content[: draws.randrange(len(content))] if half else content
        if draws.random() < 1 / 2:
            path.write_text(written)
        else:
            (memory / "new").write_text(written)
            (memory / "new").replace(path)
        one = draws.randrange(known if not half else max(1, known - 1))
        message = ViberMessage(domain="shop.example", phone_number=f"+1415555{one:04}", text="Hi")
        found = care.judge(message).advice
        assert found != "send"
        advice[found] += 1
        if not half:
            free = ViberMessage(domain="shop.example", phone_number="+14155559999", text="Hi")
            advice[care.judge(free).advice] += 1
    assert min(advice.values()) > 1_000
