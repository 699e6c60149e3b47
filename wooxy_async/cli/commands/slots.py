"""`wooxy slots`: who holds the slots of this machine, or of all who meet at a server, and who waits for one, now."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from wooxy_async.cli._ending import CommandError, Ending, ExitCode, catching, refusing
from wooxy_async.cli._options import AsJson
from wooxy_async.cli._processes import Process, look_up
from wooxy_async.cli._screen import lasting, make_screen, print_json, printable
from wooxy_async.limits import SLOTS
from wooxy_async.limits._choice import VARIABLE, HostLimits, _read as read_choice, needed_extra
from wooxy_async.limits._redis_choice import RedisLimits, has_password

_READABLE: Final = (
    "--limiter: everybody on this machine can read a password in an argument: put it into WOOXY_REDIS_PASSWORD, or "
    "into a file that WOOXY_REDIS_PASSWORD_FILE names."
)
_EVERY: Final = 0.5  # seconds
_NAME: Final = 8  # characters of an account's name that tell it from others
_PLACE: Final = "WOOXY_RUNTIME_DIR"
_COLOURS: Final = {"in use": "green", "closed": "yellow", "dead": "red", "overdue": "red"}

EXAMPLES: Final = r"""
  wooxy slots
  wooxy slots --limiter host:/srv/wooxy --once
  wooxy slots --limiter rediss://engine.example --json
"""


_Look = Callable[[], "_View"]


class _ShownRow(msgspec.Struct, frozen=True, kw_only=True):
    """One slot, or one waiting message.

    Args:
        slot: which one; None for a message that waits.
        state: of the slot, or "urgent waits" or "bulk waits".
        pid, command, directory, stopped: of the process, if there is one.
        host: the machine of the process, where that may be another.
        age: seconds since it was taken, or began to wait.
        opens_in: seconds until a closed slot opens.
    """

    slot: int | None
    state: str
    pid: int | None = None
    command: str = ""
    directory: str = ""
    stopped: bool = False
    host: str = ""
    age: float | None = None
    opens_in: float | None = None


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account: its slots that are not free, and who waits.

    Args:
        account: the name of its file, or at its server, which says nothing of its token.
        slots: those that are not free.
        waiting: the oldest message of each process and priority.
        paused: seconds for which it still pauses after a 429.
    """

    account: str
    slots: list[_ShownRow]
    waiting: list[_ShownRow]
    paused: float


class _View(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts that have a file in a directory, or something at a server, which stands for the directory then."""

    directory: str
    accounts: list[_Account]


def slots(
    context: typer.Context,
    *,
    limiter: Annotated[
        str, typer.Option("--limiter", envvar=VARIABLE, help="Whose slots: host, host:/dir, or redis://…")
    ] = "host",
    once: Annotated[bool, typer.Option("--once", help="Show them once, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who holds the slots of this machine or server, and who waits.

    On a terminal it goes on until Ctrl-C; elsewhere, and with --once or
    --json, it shows them once. It disturbs nobody, and shows no token: of
    commands it names the program alone, because arguments may hold secrets.
    """
    with refusing("Nothing was shown."):
        if has_password(limiter) and _is_argument(context):
            raise CommandError(_READABLE)
        look = _looking_at(limiter)
        screen, ending = make_screen(as_json=as_json), Ending()
        if as_json:
            print_json(msgspec.json.encode(look()))
        elif once or not screen.is_terminal:
            screen.print(_picture(look(), screen))
        else:
            asyncio.run(_follow(look, screen, ending))
    raise typer.Exit(ending.exit_code or ExitCode.ACCEPTED)


def _is_argument(context: typer.Context) -> bool:
    """Return whether the limiter was said on the command line, and not in the environment."""
    source = context.get_parameter_source("limiter")
    return source is not None and source.name == "COMMANDLINE"


def _looking_at(limiter: str) -> _Look:
    """Return what looks at the place where the limiters meet that are meant.

    Raises:
        CommandError: they do not meet anywhere.
    """
    try:
        choice = read_choice(f"--limiter (or {VARIABLE})", limiter)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if isinstance(choice, RedisLimits):
        return partial(_look_at_server, choice)
    if not isinstance(choice, HostLimits):
        raise CommandError('--limiter: only the slots of "host" and of a server can be seen from outside.')
    return partial(_look, _directory(choice))


def _directory(choice: HostLimits) -> Path:
    named = choice.directory or os.environ.get(_PLACE)
    if named and not Path(named).is_dir():
        raise CommandError(f"--limiter: {named} is no directory.")
    try:
        from wooxy_async.limits._host_place import find  # noqa: PLC0415 - not on every platform
    except ImportError:
        raise CommandError("--limiter: processes do not share slots on this platform.") from None
    try:
        return find(named).path
    except ValueError as error:
        raise CommandError(f"--limiter: {error}") from None


async def _follow(look: _Look, screen: Console, ending: Ending) -> None:
    """Show them again and again, until a signal."""
    ended = asyncio.Event()

    def end(number: int) -> None:
        ending.signal = number
        ended.set()

    with catching(end), Live(console=screen, auto_refresh=False, transient=True) as live:
        while not ended.is_set():
            live.update(_picture(await asyncio.to_thread(look), screen), refresh=True)
            try:
                async with asyncio.timeout(_EVERY):
                    await ended.wait()
            except TimeoutError:
                continue


def _look(directory: Path) -> _View:
    from wooxy_async.limits._host_view import SeenAccount, see  # noqa: PLC0415 - not on every platform

    now = time.monotonic()

    def account(seen: SeenAccount) -> _Account:
        pids = {each.pid for each in seen.slots} | {each.pid for each in seen.waiting}
        known = {pid: look_up(pid, seen.path) for pid in pids if pid}
        unknown = Process()

        def row(slot: int | None, state: str, pid: int | None, since: float) -> _ShownRow:
            if state == "closed":
                return _ShownRow(slot=slot, state=state, opens_in=max(0.0, since - now))
            process = known.get(pid or 0, unknown)
            return _ShownRow(
                slot=slot, state=state, pid=pid, age=max(0.0, now - since), **msgspec.structs.asdict(process)
            )

        return _Account(
            account=seen.path.stem,
            slots=[row(each.slot, each.state, each.pid, each.since) for each in seen.slots],
            waiting=[row(None, f"{each.priority} waits", each.pid, each.since) for each in seen.waiting],
            paused=seen.paused,
        )

    return _View(directory=str(directory), accounts=[account(seen) for seen in see(directory, now)])


def _look_at_server(choice: RedisLimits) -> _View:
    try:
        from wooxy_async.limits._redis_view import SeenEngineAccount, UnseenError, see_engine  # noqa: PLC0415 - an extra
    except ImportError:
        raise CommandError(needed_extra(choice)) from None

    def account(seen: SeenEngineAccount) -> _Account:
        slots, waiting = list[_ShownRow](), list[_ShownRow]()
        for member in seen.members:
            known: dict[str, Any] = {**msgspec.structs.asdict(member.who), "stopped": member.silent}
            for age in member.held:
                slots.append(_ShownRow(slot=len(slots), state="in use", age=age, **known))
            for kind, age in member.waiting.items():
                waiting.append(_ShownRow(slot=None, state=f"{kind} waits", age=age, **known))
        slots += [_ShownRow(slot=at, state="closed", opens_in=left) for at, left in enumerate(seen.closed, len(slots))]
        return _Account(account=seen.name, slots=slots, waiting=waiting, paused=seen.paused)

    try:
        return _View(directory=choice.name, accounts=[account(seen) for seen in asyncio.run(see_engine(choice))])
    except UnseenError as error:
        raise CommandError(f"--limiter: {error}") from None


def _picture(view: _View, screen: Console) -> Group:
    parts: list[Text | Table] = [Text(f"Slots in {printable(view.directory)}", style="bold")]
    busy = [account for account in view.accounts if account.slots or account.waiting or account.paused]
    for account in busy:
        parts += [Text(""), _title(account)]
        if account.slots or account.waiting:
            parts.append(_table(account, screen))
    if not busy:
        parts.append(Text("Nobody holds a slot, and nobody waits for one."))
    return Group(*parts)


def _title(account: _Account) -> Text:
    in_use = sum(row.state in ("in use", "overdue") for row in account.slots)
    closed = sum(row.state in ("closed", "dead") for row in account.slots)
    said = [f"{in_use} of {SLOTS} slots in use"]
    if closed:
        said.append(f"{closed} closed")
    if account.paused:
        said.append(f"pauses {lasting(account.paused)} more after a 429")
    return Text(f"account {account.account[:_NAME]}: {', '.join(said)}")


def _table(account: _Account, screen: Console) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=screen.width // 3)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
    for row in (*account.slots, *account.waiting):
        runs = "" if row.pid is None else "stopped" if row.stopped else "runs"
        table.add_row(
            Text(row.state, style=_COLOURS.get(row.state, "")),
            f"opens in {lasting(row.opens_in)}" if row.opens_in is not None else lasting(row.age or 0.0),
            "" if row.pid is None else str(row.pid),
            printable(row.command),
            Text(runs, style="red" if row.stopped else ""),
            printable(row.host or row.directory),
        )
    return table
