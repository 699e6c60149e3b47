"""How a command ends: exit codes, errors that are told in a sentence, and signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

import anyio
import msgspec
import typer

from wooxy_async import WooxyClient
from wooxy_async.campaigns import CampaignError, TemplateError, UnsendableError
from wooxy_async.journals import JournalBusyError, JournalChangedError, JournalError, JournalOldError

# What the library's sentences name, and what takes its place where people type a command.
_IN_OPTIONS: Final = (
    ("access_token must", "--token-file: the token must"),
    ("base_url", "--base-url (or WOOXY_BASE_URL)"),
    (", unless allow_http=True", ""),
    ("with number_column=…", "with --number-column"),
    ("give ssl=…", "set SSL_CERT_FILE"),
    ("encoding=", "--encoding="),
    ("--encoding=…", "--encoding"),
    ("with sheet=…", "with --sheet"),
    ("key_file=…", "--suppress-key"),
    ("assume_plus=True", "--assume-plus"),
    ('countries=("DE", "AT")', "--countries DE,AT"),
    ("countries=…", "--countries"),
    ("(journal=PATH)", "(--journal PATH)"),
    ("(SQLiteJournal(…, accept_old=True))", "(--accept-old)"),
    ("(Resume(accept_settings=True))", "(--accept-settings)"),
    ('(Resume(changed="send"))', "(--send-changed)"),
    ('(Resume(changed="skip"))', "(--skip-changed)"),
    ("keep_going=True", "--keep-going"),
    *((f"{name}_column=", f"--{name}-column=") for name in ("sender", "ttl", "device", "tags", "country")),
)


class ExitCode(IntEnum):
    """What the shell sees. 1 is never used: that is what a shell and an interpreter say of their own errors."""

    ACCEPTED = 0
    NOT_BEGUN = 2
    REFUSED = 3
    IN_DOUBT = 4
    ENDED_EARLY = 5
    WAITS_FOR_PERSON = 10
    NEVER_REACHED = 69
    INTERNAL_ERROR = 70
    BUSY = 75
    HUNG_UP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


_CAUGHT: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED: Final = {
    ExitCode.HUNG_UP: "stopped by SIGHUP, as when its terminal is closed",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; what was in flight had 10 s for its answer",
    ExitCode.TERMINATED: "stopped by SIGTERM, likewise",
}
_BUG: Final = {ExitCode.INTERNAL_ERROR: "an error of this program; what it says is for its maintainers"}
_OF_SIGNAL: Final = 128
# The codes that each command ends with, and why; help and README print them.
MEANINGS: Final[dict[str, dict[ExitCode, str]]] = {
    "demo": {
        ExitCode.ACCEPTED: "it ran to its end; what it could not send is part of the demo",
        ExitCode.NOT_BEGUN: "nothing was started: a wrong option",
        **_BUG,
        **_STOPPED,
    },
    "run": {
        ExitCode.ACCEPTED: "all was accepted (--dry-run: can be sent), left-out duplicates aside",
        ExitCode.NOT_BEGUN: "nothing was begun: a wrong option, no token, a bad file, or a no",
        ExitCode.REFUSED: "some were refused, or some rows cannot be sent",
        ExitCode.IN_DOUBT: "some may have been delivered, and nobody knows: a person decides",
        ExitCode.ENDED_EARLY: "it ended before its last message; the same command again goes on",
        ExitCode.WAITS_FOR_PERSON: "nothing was begun: a person has to say what to do with what has changed",
        ExitCode.NEVER_REACHED: "the server was never reached; the same command again goes on",
        ExitCode.BUSY: "nothing was begun: another run holds the journal",
        **_BUG,
        **_STOPPED,
    },
    "check": {
        ExitCode.ACCEPTED: "all rows can be sent, left-out duplicates aside",
        ExitCode.NOT_BEGUN: "nothing was checked: a wrong option, or a bad file",
        ExitCode.REFUSED: "some cannot be sent, or the account gave no valid reply",
        **_BUG,
        ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    },
    "send": {
        ExitCode.ACCEPTED: "the message was accepted",
        ExitCode.NOT_BEGUN: "nothing was sent: a wrong option or message, or no token",
        ExitCode.REFUSED: "it was refused",
        ExitCode.IN_DOUBT: "it may have been delivered, and nobody knows",
        ExitCode.ENDED_EARLY: "it was not sent: there was no answer that takes or refuses it",
        **_BUG,
        **_STOPPED,
    },
    "account": {
        ExitCode.ACCEPTED: "the account was told",
        ExitCode.NOT_BEGUN: "nothing was asked: a wrong option, or no token",
        ExitCode.REFUSED: "it was not: Wooxy refuses the token or the account",
        ExitCode.NEVER_REACHED: "it was not: there was no valid reply",
        **_BUG,
        ExitCode.HUNG_UP: "stopped by SIGHUP",
        ExitCode.INTERRUPTED: "stopped by Ctrl-C",
        ExitCode.TERMINATED: "stopped by SIGTERM",
    },
    "slots": {
        ExitCode.ACCEPTED: "they were shown",
        ExitCode.NOT_BEGUN: "nothing was shown: a wrong option, or no such directory",
        **_BUG,
        ExitCode.HUNG_UP: "stopped by SIGHUP",
        ExitCode.INTERRUPTED: "stopped by Ctrl-C",
        ExitCode.TERMINATED: "stopped by SIGTERM",
    },
    "status": {
        ExitCode.ACCEPTED: "it was shown",
        ExitCode.NOT_BEGUN: "nothing was read: a wrong option, or no journal",
        **_BUG,
        ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    },
    "results": {
        ExitCode.ACCEPTED: "they were written",
        ExitCode.NOT_BEGUN: "nothing was written: a wrong option, or no journal",
        **_BUG,
        ExitCode.INTERRUPTED: "stopped by Ctrl-C",
        ExitCode.PIPE_CLOSED: "whoever read them has gone",
    },
    "stop": {
        ExitCode.ACCEPTED: "the run has ended",
        ExitCode.NOT_BEGUN: "nothing was stopped: no such journal, or no run that holds it",
        ExitCode.ENDED_EARLY: "it was asked to stop, and has not ended yet",
        **_BUG,
        ExitCode.INTERRUPTED: "stopped by Ctrl-C; what was asked stays asked",
    },
    "resolve": {
        ExitCode.ACCEPTED: "no row is in doubt any more",
        ExitCode.NOT_BEGUN: "nothing was changed: a wrong option or file, or a no",
        ExitCode.IN_DOUBT: "some rows stay in doubt",
        ExitCode.WAITS_FOR_PERSON: "nothing was changed: rows are in doubt, and nobody can be asked here",
        **_BUG,
        ExitCode.BUSY: "nothing was changed: a run holds the journal",
        ExitCode.INTERRUPTED: "stopped by Ctrl-C before it was decided",
    },
    "sandbox": {
        ExitCode.ACCEPTED: "it ran until Ctrl-C, SIGTERM or SIGHUP",
        ExitCode.NOT_BEGUN: "it did not start: a wrong option, or a port that is taken",
        **_BUG,
        ExitCode.INTERRUPTED: "stopped by Ctrl-C before it listened",
    },
}
# The option behind each field of a message, for errors.
OPTIONS: Final = {
    "phone_number": "--to",
    "text": "--text",
    "domain": "--domain",
    "sender_id": "--sender",
    "button.text": "--button-text",
    "button.url": "--button-url",
    "device": "--device",
    "ttl": "--ttl",
}


class CommandError(Exception):
    """The command cannot begin as it was given; the text says what to do."""


@contextmanager
def refusing(epilogue: str = "Nothing was sent.") -> Iterator[None]:
    """Tell what cannot begin on standard error, and end with exit code 2; Ctrl-C before the start likewise, with 130.

    Args:
        epilogue: what is said after the reason.
    """
    try:
        yield
    except (CommandError, CampaignError, JournalError) as error:
        typer.echo(f"Error: {_in_options(error)}\n{epilogue}", err=True)
        raise typer.Exit(_code(error)) from None
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(f"\nStopped. {epilogue}", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _code(error: Exception) -> ExitCode:
    if isinstance(error, JournalBusyError):
        return ExitCode.BUSY
    if isinstance(error, JournalChangedError | JournalOldError):
        return ExitCode.WAITS_FOR_PERSON
    return ExitCode.NOT_BEGUN


def listed(command: str) -> str:
    """Return the exit codes of a command as its help shows them."""
    lines = (f"  {code.value:<3}  {meaning}" for code, meaning in MEANINGS[command].items())
    return "\n".join(("[bold]Exit codes[/bold]", *lines))


def option(field: str) -> str:
    """Return the option that a message's field comes from."""
    return OPTIONS.get(field, "--tag" if field.startswith("tags") else field)


def _in_options(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return f"{option(error.field)}: {error.text}"
    if isinstance(error, UnsendableError):
        return "\nError: ".join(f"{option(problem.field)} {problem.remedy}" for problem in error.problems)
    return in_options(str(error))


def in_options(text: str) -> str:
    """Return a sentence of the library with the command's options in place of Python arguments."""
    for argument, shown in _IN_OPTIONS:
        text = text.replace(argument, shown)
    return text


class Ending(msgspec.Struct):
    """How a run ended.

    Args:
        signal: the first signal that came, or None.
        error: what ended the run before its last message, in words.
        code: what the shell sees of that; None where the outcomes tell.
    """

    signal: int | None = None
    error: str | None = None
    code: ExitCode | None = None

    @property
    def exit_code(self) -> ExitCode | None:
        """What the shell sees of a signal, or of what ended the run; None where the outcomes tell."""
        return self.code if self.signal is None else ExitCode(_OF_SIGNAL + self.signal)


async def until_signalled(
    client: WooxyClient, work: Awaitable[None], ending: Ending, *, stopping: Callable[[], object] = bool
) -> None:
    """Await work with a client, and close the client.

    What came of it is told before `asyncio.run` ends, which waits for a name that is still being resolved.
    The first signal ends the work, and what is in flight has 10 seconds for its answer; the second one cuts it, unless
    it is SIGHUP: a terminal that is closed sends it twice, and a system that goes down right behind SIGTERM.

    Args:
        client: closed at the end.
        work: what is cancelled by the first signal.
        ending: is told of the signal at once.
        stopping: called at the first signal.
    """
    working, cuts = anyio.CancelScope(), list[asyncio.Task[None]]()

    def stop(number: int) -> None:
        if ending.signal is None:
            ending.signal = number
            working.cancel()
            stopping()
        elif number != signal.SIGHUP:
            cuts.append(asyncio.ensure_future(client.aclose(drain=0)))

    with catching(stop):
        try:
            with working:
                await work
        finally:
            await client.aclose()
            await asyncio.gather(*cuts)


@contextmanager
def asking() -> Iterator[None]:
    """Let signals end the program as usual while a person is asked in an event loop, which waits meanwhile."""
    before = {number: signal.getsignal(number) for number in _CAUGHT}
    usual = {signal.SIGINT: signal.default_int_handler}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, usual.get(number, signal.SIG_DFL))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf() -> Iterator[None]:
    """Ignore Ctrl-C for the block: what it would end has ended, and is being written down."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def catching(handle: Callable[[int], object]) -> Iterator[None]:
    """Call a function for each signal that comes during the block, in place of ending the process.

    A signal that is ignored, as SIGHUP under nohup, stays so.

    Args:
        handle: takes the signal's number.
    """
    loop = asyncio.get_running_loop()
    caught = [number for number in _CAUGHT if signal.getsignal(number) is not signal.SIG_IGN]
    for number in caught:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
