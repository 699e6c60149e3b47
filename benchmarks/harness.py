"""Runs the questions: every case once a round, in another order each round, so that a slow minute hits all alike."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator

from benchmarks.interface import SLOTS, Case, Record
from benchmarks.processes import MeasurementError, Server, measure

_FIGURES = 4  # of a measurement, that are told while it runs


def run(cases: list[Case], rounds: int) -> Iterator[list[Record]]:
    """Measure all cases in interleaved rounds; yields, after each round, all records so far in the cases' order.

    Raises:
        MeasurementError: a measurement failed, or a peer had more than ten requests in progress.
    """
    records: list[Record] = []
    places = {case.key: at for at, case in enumerate(cases)}
    with Server() as server:
        for number in range(rounds):
            due = [case for case in cases if number == 0 or not case.once]
            for at, case in enumerate(_mixed(due, number), 1):
                record = _measure(server, case, number)
                records.append(record)
                _tell(f"round {number + 1}/{rounds}  {at}/{len(due)}  {case.key}  {_figures(record)}")
            yield sorted(records, key=lambda record: (places[record.key], record.round))


def _mixed(cases: Iterable[Case], seed: int) -> list[Case]:
    mixed = list(cases)
    random.Random(seed).shuffle(mixed)
    return mixed


def _measure(server: Server, case: Case, number: int) -> Record:
    server.set(case.latency)
    try:
        values = measure(case, server.url)
    except MeasurementError as error:
        raise MeasurementError(f"{case.key}: {error}") from None
    counts = server.counts()
    if counts.peak > SLOTS:
        raise MeasurementError(f"{case.key}: {counts.peak} requests were in progress at once, {SLOTS} are allowed")
    return Record(
        key=case.key,
        question=case.question,
        name=case.name,
        peer=case.peer,
        round=number,
        values=values,
        counts=counts,
    )


def _figures(record: Record) -> str:
    figures = [f"{name}={value:,.4g}" for name, value in list(record.values.items())[:_FIGURES]]
    return "  ".join([*figures, f"peak={record.counts.peak}"])


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
