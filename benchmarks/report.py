"""The report: what a README shows."""

from __future__ import annotations

from benchmarks.discovery import questions
from benchmarks.hours import hours
from benchmarks.interface import Results, Table
from benchmarks.machine import line
from benchmarks.summary import summary


def markdown(results: Results) -> str:
    """Return all tables with date, machine and command."""
    how = f"Measured on {results.date} with `{results.command}`, {results.rounds} interleaved rounds, each measurement"
    parts = [f"{how} in a fresh process. {line(results.machine)}."]
    measured = [table for question in questions().values() for table in question.tables(results)]
    tables = [summary(results), *measured, hours(results)]
    parts += [_table(table) for table in tables if table.rows]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    lines = [f"### {table.title}", "", _row(table.header), _row(["---"] + ["---:"] * (len(table.header) - 1))]
    lines += map(_row, table.rows)
    return "\n".join([*lines, "", table.note] if table.note else lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
