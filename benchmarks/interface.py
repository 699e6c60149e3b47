"""What questions, peers and the harness have in common, and how the questions and peers are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol, cast

import msgspec

from benchmarks import peers as peer_files, questions as question_files

SLOTS = 10  # requests in progress: the account's cap, and every peer's; peers are measured without wooxy_async
Answered = Callable[[], object]
AsyncSend = Callable[[Iterable[int], Answered], Any]


class Latency(msgspec.Struct, frozen=True):
    """How long the server takes for an answer.

    Args:
        median: seconds; 0 answers at once.
        sigma: spread of the logarithm; 0 is a fixed latency.
        most: no drawn latency is longer, in seconds.
        linger: seconds that a request counts as in progress after its answer, as behind a server that counts; then
            an eleventh one is answered 429 at once. 0 counts to the answer, and refuses nothing.
    """

    median: float = 0.0
    sigma: float = 0.0
    most: float = 3600.0
    linger: float = 0.0


class Counts(msgspec.Struct, frozen=True):
    """What the server counted since its latency was set."""

    total: int
    peak: int
    refused: int = 0


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, made once a round in a fresh process.

    Args:
        question: module name of its question.
        name: what is measured, without the peer; unique within question and peer.
        peer: module name of the peer, or "".
        latency: of the server.
        count: messages, or repetitions.
        loop: "asyncio" or "uvloop".
        options: whatever else the question's `measure` needs.
        once: in the first round alone: it takes long, and does not vary.
    """

    question: str
    name: str
    peer: str = ""
    latency: Latency = Latency()
    count: int = 0
    loop: str = "asyncio"
    options: dict[str, float] = {}
    once: bool = False

    @property
    def key(self) -> str:
        """The measurement's name in result files."""
        return " / ".join(filter(None, (self.question, self.name, self.peer)))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What one measurement gave.

    Args:
        key: of its case.
        question, name, peer: of its case.
        round: 0-based.
        values: figures by name; the name ends with the unit.
        counts: what the server counted.
    """

    key: str
    question: str
    name: str
    peer: str
    round: int
    values: dict[str, float]
    counts: Counts


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A result file."""

    date: str
    command: str
    machine: dict[str, Any]
    rounds: int
    peers: dict[str, str]
    records: list[Record]

    def rounds_of(self, question: str, name: str, peer: str, value: str) -> list[float]:
        """Return one figure of each round; empty where it was not measured."""
        wanted = (question, name, peer)
        found = [record for record in self.records if (record.question, record.name, record.peer) == wanted]
        return [record.values[value] for record in found]

    def names(self, question: str) -> list[str]:
        """Return what a question measured, in its order."""
        return list(dict.fromkeys(record.name for record in self.records if record.question == question))


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured.

    Args:
        quick: only prove that everything runs.
        peers: module names of the peers whose packages are installed.
        seconds: about how long one measurement takes.
    """

    quick: bool
    peers: tuple[str, ...]
    seconds: float

    def count(self, per_second: float) -> int:
        """Return how many messages fill a measurement, a multiple of ten."""
        return max(SLOTS, round(per_second * self.seconds / SLOTS) * SLOTS)


class Table(msgspec.Struct, frozen=True):
    """A table of the report; the note stands under it."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


class Line(msgspec.Struct, frozen=True):
    """One line of a plot: a median with its least and most for each place on the x axis."""

    title: str
    points: list[tuple[float, float, float] | None]


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of the report; the points of a line are joined where the places are a scale."""

    file: str
    title: str
    unit: str
    places: list[str]
    lines: list[Line]
    joined: bool = False


class Peer(Protocol):
    """A client: a module of `peers`."""

    TITLE: str
    REQUIRES: tuple[str, ...]

    def client(self, url: str) -> AbstractAsyncContextManager[AsyncSend] | AbstractContextManager[Any]:
        """Open the client, and give a function that sends numbered messages, ten at once, and calls back for each.

        The function may be a coroutine function (then `client` is an async context manager) or a plain one.
        """
        ...


class Question(Protocol):
    """What is measured: a module of `questions`."""

    TITLE: str
    ORDER: int

    def cases(self, scale: Scale) -> Iterable[Case]:
        """Return what is measured in each round."""
        ...

    def measure(self, case: Case, url: str) -> dict[str, float]:
        """Measure; runs in a fresh process beside the server."""
        ...

    def tables(self, results: Results) -> list[Table]:
        """Return the report's tables."""
        ...

    def plots(self, results: Results) -> list[Plot]:
        """Return the report's pictures."""
        ...


def questions() -> dict[str, Question]:
    """Return all questions by module name, in their order."""
    found = {name: question(name) for name in _names(question_files)}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))


def question(name: str) -> Question:
    """Return one question."""
    return cast("Question", importlib.import_module(f"{question_files.__name__}.{name}"))


def peers() -> dict[str, Peer]:
    """Return all peers by module name."""
    return {name: peer(name) for name in _names(peer_files)}


def peer(name: str) -> Peer:
    """Return one peer; its packages are imported when its client is opened."""
    return cast("Peer", importlib.import_module(f"{peer_files.__name__}.{name}"))


def missing(of: Peer) -> list[str]:
    """Return the packages that a peer needs and that are not installed."""
    return [name for name in of.REQUIRES if find_spec(name) is None]


def _names(folder: ModuleType) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
