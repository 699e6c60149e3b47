"""Figures that guide and docstrings tell are those of the newest results, or are measured here."""

import gc
import json
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pages import GUIDE, README, ROOT, arguments, flat, section, table

from wooxy_async.campaigns import Campaign, Contacts
from wooxy_async.sandbox import Sandbox
from wooxy_async.sandbox._account import Account
from wooxy_async.sandbox._judge import Judge
from wooxy_async.sandbox._records import Kept, Records, Watch

NEWEST = max((ROOT / "benchmarks" / "results").glob("*.json"))
RESULTS: dict[str, Any] = json.loads(NEWEST.read_text())
SPEED = flat(section("Speed", GUIDE["benchmarks"]))
OURS = "wooxy_async send_many"
OURS_ALONE = "wooxy_async send, ten workers"
BARE = "bare aiohttp, tasks under a semaphore"
GATHER = "bare aiohttp, gather of all messages under a semaphore"


def report(file: Path) -> str:
    """Return all tables of a results file."""
    command = [sys.executable, "-m", "benchmarks", "report", str(file)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own


REPORT = report(NEWEST)


def figures(title: str, first: str = "") -> dict[str, list[str]]:
    """Return the rows of one table of the report, by their first cells."""
    found = REPORT.split(f"### {title}\n")[1]
    return {row[0]: row[1:] for row in table(found.split("\n### ")[0], first)}


def middle(cell: str) -> float:
    """Return the median of a cell."""
    return float(cell.split(" ", maxsplit=1)[0].replace(",", ""))


def spreads() -> Iterator[float]:
    """Yield how many times the CPU of its best round each client needed in its worst."""
    rounds: dict[str, list[float]] = {}
    for record in RESULTS["records"]:
        if "cpu_us" in record["values"]:
            rounds.setdefault(record["key"], []).append(record["values"]["cpu_us"])
    return (max(each) / min(each) for each in rounds.values())


def test_the_tables_beside_the_results_are_those_of_the_results() -> None:
    """What the page links to is the report of the newest file."""
    assert f"(../../benchmarks/results/{NEWEST.stem}.md)" in SPEED
    assert NEWEST.with_suffix(".md").read_text(encoding="utf-8").strip() == REPORT.strip()


def test_the_speed_table_is_that_of_the_newest_results() -> None:
    """Every row and every cell."""
    assert {row[0]: row[1:] for row in table(section("Speed", GUIDE["benchmarks"]), "")} == figures("In short")


def test_the_page_says_how_the_newest_results_were_measured() -> None:
    """Date, command, machine and versions; and what was measured in one round only."""
    machine = RESULTS["machine"]
    how = RESULTS["command"].removeprefix("python -m benchmarks run ")
    system = ".".join(machine["system"].split(".")[:2])
    assert (
        f"on {RESULTS['date']} with `nox -s bench -- {how}`, on {machine['cores']} cores of an {machine['processor']}, "
        f"{system}, {machine['python']}, aiohttp {machine['packages']['aiohttp']}."
    ) in SPEED
    assert RESULTS["rounds"] == 5
    assert "Medians of five rounds (of one: memory, and waits at 2 s)" in SPEED
    rounds = Counter((record["question"], record["name"], record["peer"]) for record in RESULTS["records"])
    once = {key for key, count in rounds.items() if count == 1}
    assert once == {key for key in rounds if key[0] == "memory" or (key[0] == "urgent" and key[1].startswith("2 s"))}
    assert {count for key, count in rounds.items() if key not in once} == {5}


def hours() -> str:
    """Say how long a campaign takes."""
    small, middling, large, two_small, two_middling, two_large = figures("Hours for a campaign")[OURS]
    return (
        f"**Hours,** computed from the throughput, not run: 300,000 messages take {small} hours at 50 ms, {middling} "
        f"at 200 ms and {large} at one second; two million take {two_small}, {two_middling} and {two_large}."
    )


def seconds(place: str, column: int, digits: int) -> str:
    """Return the wait that 99 of 100 did not exceed."""
    cell = figures("Wait of an urgent send() for its slot", "latency")[place][column]
    return f"{float(cell.split(' / ')[1].replace(',', '')) / 1e3:.{digits}f}"


def waits() -> str:
    """Say how long urgent messages wait."""
    four, hang = "2 s, four campaigns", "200 ms, 5 of 10 hang"
    return (
        "with four campaigns running and answers after 2 s, 99 of 100 waited at most "
        f"{seconds(four, 0, 1)} s; without its priority {seconds(four, 1, 1)} s. With 5 of 10 requests hanging and "
        f"answers after 200 ms it is {seconds(hang, 0, 2)} s, and {seconds(hang, 1, 2)} s without."
    )


def rules() -> str:
    """Say what the rules cost."""
    cost = {name: middle(cells[0]) for name, cells in figures("Rules alone").items()}
    return (
        f"a message takes {cost['check and encode a plain message']:.0f} to "
        f"{cost['check and encode a message with everything']:.0f} µs, checking a number "
        f'{cost["check a number, possible"]:.0f} µs (`"valid"`: {cost["check a number, valid"]:.0f} µs, '
        f"phonenumbers itself: {cost['check a number, possible, phonenumbers itself']:.0f} µs)."
    )


def memory() -> str:
    """Say by how much less memory bare loops need."""
    short = figures("In short")
    return f"{short[BARE][-1]} of memory instead of {short[OURS][-1].removesuffix(' MiB')};"


def uvloop() -> str:
    """Say what a message costs on uvloop, beside a bare loop."""
    cells = figures("CPU per message")[OURS]
    times = {f"{float(re.findall(r'· ([0-9.]+)', cells[column])[0]):.1f}" for column in (1, 3)}
    assert len(times) == 1
    return f"`send_many` costs {times.pop()} times as much as a loop under a semaphore."


def first_answers() -> str:
    """Say by how much earlier some peers give their first answer."""
    first = {title: [middle(cell) for cell in cells] for title, cells in figures("Time to the first outcome").items()}
    ours = first[OURS]
    early = [
        title for title in first if title.startswith(("httpx", "niquests", "requests", "bare")) and title != GATHER
    ]
    by = [mine - theirs for title in early for mine, theirs in zip(ours, first[title], strict=True)]
    assert all(theirs > mine for mine, theirs in zip(ours, first[GATHER], strict=True))
    return f"but for its gather, give their first answer {min(by):.0f} to {max(by):.0f} ms earlier."


def other_rounds() -> str:
    """Say by how much rounds differ."""
    return f"needed up to {max(spreads()):.1f} times the CPU in another round"


@pytest.mark.parametrize("said", [hours, waits, rules, memory, uvloop, first_answers, other_rounds])
def test_the_sentences_under_the_table_have_the_figures_of_the_newest_results(said: Callable[[], str]) -> None:
    """Each as it is computed from them."""
    assert said() in SPEED


def test_send_loses_more_than_send_many_but_not_in_the_tail() -> None:
    """Most at 5 ms; the share of the limit's throughput decides."""
    assert "loses more throughput than `send_many`, most at 5 ms, but not in the tail." in SPEED
    short = figures("In short")
    shares = [map(middle, short[title][:5]) for title in (OURS, OURS_ALONE)]
    *fixed, tail = [many - alone for many, alone in zip(*shares, strict=True)]
    assert min(fixed) > 0
    assert max(fixed) == fixed[0]
    assert tail <= 0


# Memory


@pytest.fixture(name="traced")
def _traced() -> Iterator[Callable[[], int]]:
    """Return what says how many bytes were asked for since the first call, and not given back."""
    gc.collect()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


def take(records: Records, count: int, first: int = 0, **fields: Any) -> None:
    """Let a sandbox's memory take messages to as many people."""
    judge = Judge(Account(), spelling="page", status=None, strict=False, button_field="both")
    for at in range(first, first + count):
        raw = {"domain": "shop.example", "phoneNumber": f"+1415{5550000 + at}", "text": f"Hello {at}"} | fields
        body = judge.read("application/json", json.dumps(raw).encode())
        assert body is not None
        records.take(records.next_id(), body, taken_at=at / 7, status="accepted")


def records(*, most: int) -> Records:
    """Return a sandbox's memory that has taken one message."""
    made = Records(kept=Kept(most=most, most_bytes=10**12), ids=Random(1), watch=Watch())
    take(made, 1)
    return made


WHOLE = {
    "senderId": "Shop",
    "buttons": {"text": "Open", "url": "https://shop.example/x"},
    "device": "phone",
    "ttl": 1801,
    "tags": ["sale", "summer"],
}
PLAIN = {"phoneNumber": "+14155550123"}


@pytest.mark.parametrize(
    ("sentence", "fields"),
    [
        (r"100,000 take (\d+) to (\d+) MiB if they are short", PLAIN),
        (r"and (\d+) to (\d+) MiB with sender, button and tags", PLAIN | WHOLE),
    ],
)
def test_what_the_sandbox_keeps_takes_what_its_docstring_says(
    sentence: str, fields: dict[str, Any], traced: Callable[[], int]
) -> None:
    """A fifth of it, measured; the range is that of the Pythons, of which later ones need less."""
    low, high = map(float, re.findall(sentence, arguments(Sandbox)["keep_messages"])[0])
    kept = records(most=10**9)
    before = traced()
    take(kept, 20_000, **fields)
    assert low - 1 < (traced() - before) * 5 / 2**20 < high + 1


def test_numbers_take_what_the_sandbox_says(traced: Callable[[], int]) -> None:
    """Least before the set of them grows, and most after it; nothing else is kept here."""
    low, high = map(float, re.findall(r"takes (\d+) to (\d+) bytes", arguments(Sandbox)["keep_bytes"])[0])
    kept = records(most=0)
    before = traced()
    take(kept, 19_600, 1)
    full = (traced() - before) / 19_600
    take(kept, 100, 19_601)
    grown = (traced() - before) / 19_700
    assert [full, grown] == [pytest.approx(low, abs=5), pytest.approx(high, abs=5)]


def test_numbers_take_what_campaigns_say(traced: Callable[[], int], tmp_path: Path) -> None:
    """Least before the dict of them grows, and most after it; nothing else is kept."""
    low, high = map(float, re.findall(r"(\d+) to (\d+) bytes each", flat(str(Campaign.rows.__doc__)))[0])
    path = tmp_path / "contacts.csv"
    path.write_text("phone\n" + "".join(f"+1415{5550000 + at}\n" for at in range(22_000)))
    rows = Campaign(Contacts(path), domain="shop.example", text="Hello").rows()
    next(rows)
    before, sizes = traced(), {}
    for row in rows:
        if row.row in (21_800, 22_000):
            sizes[row.row] = (traced() - before) / row.row
    assert list(sizes.values()) == [pytest.approx(low, abs=5), pytest.approx(high, abs=5)]


@pytest.mark.parametrize("page", ["README", *GUIDE])
def test_a_page_links_to_what_is_there(page: str) -> None:
    """Every file that it names by a link or a path is in the repository."""
    text, folder = (README, ROOT) if page == "README" else (GUIDE[page], ROOT / "wooxy_async" / "guide")
    linked = [folder / name for name in re.findall(r"\]\(((?!https?:)[^)]+)\)", text)]
    named = [ROOT / name for name in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", text)]
    assert [path for path in linked + named if not path.exists()] == []


def test_the_readme_links_to_every_page_of_the_guide() -> None:
    """None is left out."""
    assert [page for page in GUIDE if f"(wooxy_async/guide/{page}.md)" not in README] == []


def test_the_readme_is_short() -> None:
    """At most 900 words, tables and code among them."""
    assert len(README.split()) <= 900
