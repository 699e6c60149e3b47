"""What a file's rows come to before anything leaves: on the screen, as JSON, and each problem in a CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from wooxy_async import AccountInfo, ViberMessage
from wooxy_async._rules.redaction import mask_number
from wooxy_async.campaigns import (
    CostLimit,
    Plan,
    PlanWarning,
    Prices,
    ProblemGroup,
    ReadyRow,
    SendingWindow,
    UnusableRow,
    at_night,
    zones_of,
)
from wooxy_async.campaigns._guard import guarded
from wooxy_async.cli._ending import in_options
from wooxy_async.cli._options import new_file
from wooxy_async.cli._reading import offered
from wooxy_async.cli._screen import counted, facts, lasting, printable

ASSUMED_LATENCY: Final = 0.2  # seconds; nobody knows before the first answer
_COUNTRIES_SHOWN: Final = 12
_TEXT_SHOWN: Final = 400


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages cost.

    Args:
        total: of those whose price is known.
        unknown: countries without a price.
        most: what they may cost; None where nobody said.
        stops_before: the row of the spreadsheet that would exceed it; None where none would.
        paid: how many messages go before it.
    """

    total: Decimal
    unknown: tuple[str, ...] = ()
    most: Decimal | None = None
    stops_before: int | None = None
    paid: int | None = None


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression list.

    Args:
        name: the file's.
        read: how many entries it has.
        matched: how many rows are on any of the lists.
        unreadable: how many of its lines may protect nobody.
        questions: what a person has to agree to before a run.
    """

    name: str
    read: int
    matched: int
    unreadable: int
    questions: tuple[str, ...]


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was checked.

    Args:
        name: the file's.
        number_column: what its column of numbers is called.
        plan: its rows, judged.
        slots: how many requests are in progress at once.
        latency: seconds that one answer takes.
        latency_is: "given", "measured" or "assumed".
        cost: what it costs; None where no price is known.
        account: the account; None where it was not asked.
        account_error: why the account said nothing.
        lists: the suppression lists.
        closed: recipients by country to whom nothing may go now, or who have night.
        closed_is: which of the two.
        open_hours: by country, today's hours in UTC in which messages may go.
    """

    name: str
    number_column: str
    plan: Plan
    slots: int
    latency: float = ASSUMED_LATENCY
    latency_is: str = "assumed"
    cost: Cost | None = None
    account: AccountInfo | None = None
    account_error: str | None = None
    lists: tuple[Suppressed, ...] = ()
    closed: dict[str, int] = {}
    closed_is: str = ""
    open_hours: dict[str, str] = {}

    @property
    def seconds(self) -> float:
        """How long sending takes."""
        return self.plan.sendable * self.latency / self.slots

    def to_json(self) -> bytes:
        """Encode to one line of JSON: all that the screen shows, numbers masked as there."""
        plan = self.plan
        names = ("rows", "sendable", "invalid", "restricted", "duplicates", "suppressed")
        counts = {name: getattr(plan, name) for name in names}
        return msgspec.json.encode(
            {
                "file": self.name,
                "number_column": self.number_column,
                **counts,
                "restricted_by_country": plan.restricted_by_country,
                "by_country": plan.by_country,
                "problems": [_group_as_json(group) for group in plan.groups],
                "warnings": plan.warnings,
                "distinct_tags": plan.distinct_tags,
                "seconds": round(self.seconds, 3),
                "latency": {"seconds": round(self.latency, 4), "is": self.latency_is},
                "cost": self.cost,
                "account": self.account,
                "account_error": self.account_error,
                "suppression_lists": self.lists,
                "closed_now": {"is": self.closed_is, "by_country": self.closed},
                "open_hours_utc": self.open_hours,
                "examples": [_example_as_json(row) for row in plan.samples],
            }
        )


def _group_as_json(group: ProblemGroup) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(group)
    shown["offers"] = [offered(offer).plain for offer in group.offers]
    shown["remedy"] = in_options(group.remedy)
    return shown


def _example_as_json(row: ReadyRow) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(row.message)
    return {"row": row.sheet_row, **shown, "phone_number": mask_number(row.message.phone_number)}


class CostCount:
    """Counts the cost as rows pass.

    Args:
        prices: of messages.
        most: what they may cost, or None.
    """

    def __init__(self, prices: Prices, most: Decimal | None) -> None:
        self._prices = prices
        self._most = most
        self._limit = None if most is None else CostLimit(prices, most)
        self._paid = 0
        self._stops_before: int | None = None

    def add(self, row: ReadyRow) -> None:
        """Count one message.

        Raises:
            CampaignError: a limit was given, and nobody knows the price.
        """
        if self._limit is None or self._stops_before is not None:
            return
        if self._limit.take(row.message.phone_number):
            self._paid += 1
        else:
            self._stops_before = row.sheet_row

    def cost(self, plan: Plan) -> Cost:
        """Return what was counted."""
        total, unknown = self._prices.total(plan.by_country)
        paid = self._paid if self._limit else None
        return Cost(total=total, unknown=unknown, most=self._most, stops_before=self._stops_before, paid=paid)


class ProblemsFile:
    """A new CSV file of all rows that cannot be sent, for spreadsheets.

    Args:
        path: where; nothing may stand there.

    Raises:
        CommandError: it exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(new_file("--problems", path), "w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(("row", "line", "kind", "problem", "field", "value", "what to do"))

    def add(self, row: UnusableRow) -> None:
        """Write one row's problems, each on a line."""
        for problem in row.problems:
            remedy = problem.remedy
            if row.repeats_sheet_row is not None:
                word = problem.field.removeprefix("phone_")
                remedy = f"repeats the {word} of row {row.repeats_sheet_row}; each {word} is sent to once"
            shown = (problem.rule, problem.field, guarded(problem.value), in_options(remedy))
            self._rows.writerow((row.sheet_row, row.line or "", row.kind, *shown))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def show_preflight(screen: Console, checked: Preflight, *, problems: Path | None) -> None:
    """Show what was found, in the order in which a person has to look at it.

    Args:
        screen: where.
        checked: the file.
        problems: the CSV of all problems, or None.
    """
    plan = checked.plan
    screen.print(Text(f"{printable(checked.name)}: {counted(plan.rows, 'row')}", style="bold"))
    for group in plan.groups:
        _show_group(screen, group, checked.number_column)
    if plan.groups:
        where = f"each is a line of {problems}" if problems else "wooxy check --problems FILE.csv writes all of them"
        screen.print(Text(f"{counted(plan.rows - plan.sendable, 'row')} cannot be sent; {where}", style="dim"))
    for warning in plan.warnings:
        screen.print(_warning(warning))
    if plan.needs_consent_to_tags:
        remark = f"{plan.distinct_tags:,} different tags; the account keeps the first 100 it sees for ever"
        screen.print(Text.assemble(("warning: ", "yellow"), remark))
    for listed in checked.lists:
        for question in listed.questions:
            screen.print(Text.assemble(("question: ", "yellow"), printable(question)))
    if plan.sendable:
        screen.print()
        screen.print(facts(*_facts(checked)))
    for row in plan.samples:
        _show_example(screen, row)


def _show_group(screen: Console, group: ProblemGroup, number_column: str) -> None:
    field = {"phone_number": number_column, "row": ""}.get(group.field, group.field)
    colour = "yellow" if group.kind == "duplicate" else "red"
    more = ", …" if group.rows > len(group.first_rows) else ""
    rows = f"row {', '.join(map(str, group.first_rows))}{more}"
    kind = group.kind + (f" ({group.country})" if group.country else "")
    screen.print(Text.assemble((f"{group.rows:>9,} {kind}", colour), f" {printable(field)}", (f"  {rows}", "dim")))
    screen.print(Padding(printable(in_options(group.remedy)), (0, 0, 0, 10)))
    for offer in group.offers:
        screen.print(Padding(offered(offer), (0, 0, 0, 10)))


def _warning(warning: PlanWarning) -> Text:
    where = f"{counted(warning.rows, 'row')}, the first is row {warning.first_sheet_row}"
    return Text.assemble(("warning: ", "yellow"), printable(in_options(f"{warning.field} {warning.text} ({where})")))


def _facts(checked: Preflight) -> Iterator[tuple[str, str | Text]]:
    plan = checked.plan
    shown = [f"{country} {count:,}" for country, count in list(plan.by_country.items())[:_COUNTRIES_SHOWN]]
    others = len(plan.by_country) - len(shown)
    yield "will go", Text(counted(plan.sendable, "message"), style="bold")
    yield "countries", " · ".join(shown) + (f" · {others} more" if others else "")
    if checked.account is not None:
        yield "account", printable(checked.account.name)
        yield "balance", f"{checked.account.balance:,f}"
    elif checked.account_error is not None:
        yield "account", Text(printable(checked.account_error), style="red")
    for listed in checked.lists:
        counts = f"{listed.read:,} entries, {listed.matched:,} rows matched, {listed.unreadable:,} lines unreadable"
        yield "suppressed", f"{printable(listed.name)}: {counts}"
    if checked.open_hours:
        yield "open today", " · ".join(f"{country} {hours}" for country, hours in checked.open_hours.items()) + " (UTC)"
    if checked.closed:
        by_country = " · ".join(f"{country} {count:,}" for country, count in checked.closed.items())
        yield checked.closed_is, Text(by_country, style="yellow")
    if checked.cost is not None:
        yield "cost", _cost(checked.cost)
    took = f"if each answer takes {checked.latency:.3g} s ({checked.latency_is})"
    yield "takes about", f"{lasting(checked.seconds)}, {checked.slots} at a time, {took}"


def _cost(cost: Cost) -> str:
    said = f"{cost.total:,f}"
    if cost.unknown:
        said = f"over {said}; no price for {', '.join(cost.unknown)}"
    if cost.stops_before is not None:
        said += f"; --max-cost {cost.most} stops before row {cost.stops_before}, after {cost.paid:,} messages"
    return said


def _show_example(screen: Console, row: ReadyRow) -> None:
    message = row.message
    text = printable(message.text)
    body = Text(text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}… ({len(text):,} characters)")
    title = f"row {row.sheet_row}, to {mask_number(message.phone_number)}"
    screen.print(Panel(body, title=title, title_align="left", expand=False, border_style="dim"))
    screen.print(facts(*_fields(message)))


def _fields(message: ViberMessage) -> Iterator[tuple[str, str]]:
    yield "domain", printable(message.domain)
    yield "sender", printable(message.sender_id or "Wooxy's default")
    if message.button is not None:
        yield "button", printable(f"[ {message.button.text} ] {message.button.url}")
    yield "device", message.device
    yield "ttl", f"{message.ttl:,} s"
    if message.tags:
        yield "tags", printable(", ".join(message.tags))
    yield "reference", printable(str(message.reference))


def in_time(window: SendingWindow | None, by_country: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """Return what a preflight says of the recipients' hours.

    Args:
        window: when messages may go; None is always.
        by_country: the messages that will go.
        now: a time with its zone.
    """
    if window is None:
        return {"closed": at_night(by_country, now), "closed_is": "night now"}
    shown = list(by_country)[:_COUNTRIES_SHOWN]
    hours = {country: _hours(window, now, zones_of(country)) for country in shown}
    closed = {country: count for country, count in by_country.items() if not window.may_send(now, zones_of(country))}
    return {"closed": closed, "closed_is": "closed now", "open_hours": hours}


def _hours(window: SendingWindow, now: datetime, zones: tuple[str, ...]) -> str:
    opens = window.next_opening(now, zones)
    if opens is None:
        return "never"
    left = timedelta(seconds=window.seconds_left(opens, zones))
    closes = "24:00" if left >= timedelta(days=1) else f"{opens + left:%H:%M}"
    day = "" if opens.date() == now.astimezone(UTC).date() else f"{opens:%a }"
    return f"{day}{opens:%H:%M}-{closes}"
