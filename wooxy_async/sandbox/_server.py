"""The sandbox: a Wooxy of one's own on loopback."""

import ipaddress
import logging
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web
from aiohttp.http import HttpProcessingError

from wooxy_async._rules import arguments as checks
from wooxy_async.sandbox._account import Account, with_token
from wooxy_async.sandbox._control import Control
from wooxy_async.sandbox._delay import Delay, as_delay
from wooxy_async.sandbox._endpoint import AccountEndpoint, Endpoint
from wooxy_async.sandbox._errors import Spelling
from wooxy_async.sandbox._faults import Fault, Script
from wooxy_async.sandbox._gate import check_address
from wooxy_async.sandbox._judge import Judge
from wooxy_async.sandbox._listing import Listing, SandboxStatistics, statistics
from wooxy_async.sandbox._message import ButtonField
from wooxy_async.sandbox._records import Kept, Records, TakenMessages, Watch
from wooxy_async.sandbox._traffic import Traffic, Violation

EXAMPLE_TOKEN = "sandbox-token-0123456789"  # noqa: S105 - opens nothing but a sandbox
_MANY = 1_000_000_000
Method = Literal["send", "account_info"]


class Sandbox:
    """A server on loopback that follows Wooxy's page, counts what it sees, and fails when it is told to.

    Used as `async with Sandbox() as sandbox:`, or with `start()` and `aclose()`; it belongs to one event loop. What
    the page leaves open is our reading: the HTTP statuses of refusals, 429 for an eleventh concurrent request, and
    that a message counts as taken when it was read and found right, before the latency passes.

    Times are seconds, 0 or more.

    Args:
        token: short for `Account(token=...)`: the only token that is accepted. `None` accepts any.
        account: what is registered, and what is wrong with it; by default any domain, sender and tag is accepted.
        latency: seconds between the reading of a request and its answer, or a `Delay`. The default
            answers at once, so that requests hardly ever overlap.
        seed: makes message ids, drawn latencies and faults the same in every run; 0 to 2^64, None for others each time.
        host: an address of this machine's loopback; nothing else can be bound.
        port: 0 to 65,535; 0 (the default) takes a free one.
        keep_messages: how many taken messages are listed, 0 to 1,000,000,000; the oldest go first. 100,000
            take 40 to 43 MiB if they are short, and 80 to 88 MiB with sender, button and tags, more than the default
            of `keep_bytes` leaves.
        keep_bytes: how much memory they may take together, in bytes, 0 to 10^12; the oldest go first. Beside them each
            distinct number takes 60 to 140 bytes, so that no duplicate is missed.
        loss_grace: seconds that a request which was read stays in progress after its connection is lost. The
            default is under the client's `loss_hold` of 5 and over 0, as with real servers.
        linger: seconds that a request still counts as in progress after its answer is out. By default none; a real
            nginx that counts connections does so for a moment, so that a client which never has more than ten in
            progress now and then meets a 429: 0.001 shows it.
        body_timeout: seconds from a request's headers within which its body must end; then it is answered 408, not
            counted as read, and gives its place back.
        retry_after: what the 429 to an eleventh request says in `Retry-After`, in seconds; `None` leaves the header
            off, as nginx does.
        error_status: one HTTP status for all refusals, 200 to 599; `None` takes 200 for what is wrong with a message,
            400 for error 22, 401 or 403 for the token, 500 for error 21.
        error_spelling: "page" as printed, with curly quotes; "plain" in lower case with straight ones.
        strict: whether it also refuses what Wooxy may take and wooxy_async refuses by itself, for programs that have
            no such client: texts, names and captions that are blank or hold NUL or `{{name}}`, domains and addresses
            that are none, numbers of fewer than seven digits or with a trunk zero (+49 0151…). The error is the
            documented one that comes nearest.
        button_field: the field in which a button is looked for: "buttons", "button", or "both". The page says both; a
            button in a field that is not known is ignored like any unknown key, and its message is taken without it.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: an argument is out of its range, the host is not loopback, or `token` was given twice.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        account: Account | None = None,
        latency: float | Delay = 0.0,
        seed: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_messages: int = 100_000,
        keep_bytes: int = 64 * 1_048_576,
        loss_grace: float = 1.0,
        linger: float = 0.0,
        body_timeout: float = 30.0,
        retry_after: float | None = 1,
        error_status: int | None = None,
        error_spelling: Spelling = "page",
        strict: bool = False,
        button_field: ButtonField = "both",
    ) -> None:
        checks.one_of("error_spelling", error_spelling, ("page", "plain"))
        checks.one_of("button_field", button_field, ("both", "buttons", "button"))
        if error_status is not None:
            checks.whole("error_status", error_status, 200, 599)
        self._account = with_token(_as_account(account), token)
        self._host = _loopback(host)
        self._port = checks.whole("port", port, 0, 65_535)
        self._runner: web.AppRunner | None = None
        self._watch = Watch()
        ids, draws, chances = _generators(seed)
        kept = Kept(
            most=checks.whole("keep_messages", keep_messages, 0, _MANY),
            most_bytes=checks.whole("keep_bytes", keep_bytes, 0, _MANY * 1_000),
        )
        self._records = Records(kept=kept, ids=ids, watch=self._watch)
        self._traffic = Traffic(
            loss_grace=checks.number("loss_grace", loss_grace, 0),
            linger=checks.number("linger", linger, 0),
            watch=self._watch,
        )
        self._scripts: dict[Method, Script] = {"send": Script(chances), "account_info": Script(chances)}
        judge = Judge(
            self._account,
            spelling=error_spelling,
            status=error_status,
            strict=checks.flag("strict", strict),
            button_field=button_field,
        )
        shared: dict[str, Any] = {
            "judge": judge,
            "records": self._records,
            "traffic": self._traffic,
            "latency": as_delay(latency),
            "draws": draws,
            "body_timeout": checks.number("body_timeout", body_timeout, 0),
            "retry_after": None if retry_after is None else checks.number("retry_after", retry_after, 0),
        }
        self._endpoint = Endpoint(**shared, script=self._scripts["send"])
        self._account_endpoint = AccountEndpoint(**shared, script=self._scripts["account_info"])

    async def start(self) -> None:
        """Open the port and answer from now on.

        Raises:
            RuntimeError: it runs already.
            OSError: the port is taken.
        """
        if self._runner is not None:
            raise RuntimeError("this sandbox runs already: use one Sandbox for each server")
        runner = web.AppRunner(self._application(), access_log=None, handler_cancellation=True, logger=_logger())
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._traffic.begin()
        self._watch.begin()

    async def aclose(self) -> None:
        """Close the port, end what is in progress without an answer, and wait until nothing is left of it.

        What was seen stays readable. Calling it again does nothing.
        """
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def script(
        self,
        *faults: Fault,
        number: str | None = None,
        always: bool = False,
        share: float | None = None,
        method: Method = "send",
    ) -> None:
        """Say what happens to the next messages, one fault each, or to the messages to one number.

        A fault for the next message belongs to the next request whose headers arrive and that the cap does not
        refuse. A message that gets one leaves the faults of its number for later.

        Args:
            faults: in the order in which they happen, after those that were said before; `Fault.none()` lets a
                message pass.
            number: in E.164; `None` means the next messages, to whomever.
            always: over and over, in the same order, when those that happen once are used up; said again, it
                replaces what it was. By default each happens once.
            share: the share of all messages that each of them falls on, 0 to 1, drawn anew for each message (the same
                in every run with the same `seed`); what was said for the next message comes first. All shares
                together are 1 at the most.
            method: "send", or "account_info" for requests of that method, which have no number.

        Raises:
            TypeError: something else than a `Fault` was given.
            ValueError: no fault was given, the number is not E.164, or a number was given for
                `Fault.reset_before_reading()`: a request that was not read has no number yet.
        """
        checks.one_of("method", method, tuple(self._scripts))
        if method != "send" and number is not None:
            raise ValueError("number must be None for account_info: such a request has none")
        self._scripts[method].add(faults, number=number, always=checks.flag("always", always), share=share)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds of what the server saw: `await sandbox.until(lambda: sandbox.taken == 3)`.

        It waits as long as it takes: put `asyncio.timeout` around it where that may be for ever.

        Args:
            condition: looked at when a request has arrived, was read or has ended, and when a message was taken;
                what holds only between two such moments may be missed.
        """
        await self._watch.until(condition)

    def reset(self) -> None:
        """Forget the messages, the counts and the script; the account, the clock and the port stay."""
        self._records.forget()
        self._traffic.forget()
        for script in self._scripts.values():
            script.forget()

    @property
    def url(self) -> str:
        """What a client takes as its base URL.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        if self._runner is None:
            raise RuntimeError("this sandbox is not running: use `async with`, or `await sandbox.start()`")
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def token(self) -> str:
        """A token that is accepted: the account's, or an example where any is."""
        return self._account.token or EXAMPLE_TOKEN

    @property
    def account_infos(self) -> int:
        """How many requests for the account's info were read whole."""
        return self._records.account_infos

    @property
    def messages(self) -> TakenMessages:
        """The messages taken, oldest first: the last that `keep_messages` and `keep_bytes` have room for.

        `sandbox.messages.to("+14155550123")` are those to one number.
        """
        return TakenMessages(self._records.messages)

    @property
    def stored_tags(self) -> tuple[str, ...]:
        """The tags that the account keeps statistics of: the first 100 distinct ones of all messages."""
        return tuple(self._records.stored_tags)

    @property
    def requests(self) -> int:
        """How many requests were read whole, refused ones included."""
        return self._records.requests

    @property
    def taken(self) -> int:
        """How many messages were taken, whether they are still listed or not."""
        return self._records.taken

    @property
    def in_progress(self) -> int:
        """How many requests are in progress now, of all tokens."""
        return self._traffic.in_progress

    @property
    def peak_in_progress(self) -> int:
        """The most requests of one token that were in progress at once; over 10 is a violation."""
        return self._traffic.peak

    @property
    def violations(self) -> int:
        """How many requests arrived when ten of their token were in progress."""
        return self._traffic.violations

    @property
    def violation_records(self) -> tuple[Violation, ...]:
        """The last 1,000 violations, oldest first."""
        return tuple(self._traffic.records)

    @property
    def duplicates(self) -> int:
        """How many numbers were taken more than once."""
        return len(self._records.repeats)

    @property
    def duplicate_numbers(self) -> dict[str, int]:
        """How often each number was taken that was taken more than once."""
        return dict(self._records.repeats)

    def statistics(self) -> SandboxStatistics:
        """Return all counts at once."""
        return statistics(self._records, self._traffic)

    def __repr__(self) -> str:
        where = "not running" if self._runner is None else self.url
        return f"<Sandbox {where}, {self.taken} taken, {self.in_progress} in progress>"

    def _application(self) -> web.Application:
        listing = Listing(self._records, self._traffic)
        application = web.Application(middlewares=[check_address])
        application.router.add_post("/v3/viber/send", self._endpoint.handle)
        application.router.add_post("/v3/account/info", self._account_endpoint.handle)
        application.router.add_get("/sandbox/messages", listing.messages)
        application.router.add_get("/sandbox/status", listing.status)
        control = Control(self.script, self.reset)
        application.router.add_post("/sandbox/script", control.script)
        application.router.add_post("/sandbox/reset", control.reset)
        application.on_shutdown.append(self._end_requests)
        return application

    async def _end_requests(self, _: web.Application) -> None:
        await self._traffic.aclose()


def _as_account(account: object) -> Account:
    if account is not None and not isinstance(account, Account):
        raise TypeError(f"account must be an Account, not {type(account).__name__}")
    return account or Account()


def _loopback(host: object) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(checks.filled("host", host))
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(f"host must be an address of loopback such as '127.0.0.1' or '::1', not {host!r}")
    return str(address)


def _generators(seed: int | None) -> tuple[Random, Random, Random]:
    """Return sources of randomness for ids, latencies and faults, so that none changes the others."""
    if seed is None:
        return Random(), Random(), Random()  # noqa: S311 - no secret is drawn
    whole = checks.whole("seed", seed, 0, 2**64)
    names = ("ids", "latencies", "faults")
    ids, draws, chances = (Random(f"{name} of {whole}") for name in names)  # noqa: S311 - likewise
    return ids, draws, chances


def _logger() -> logging.Logger:
    logger = logging.getLogger("wooxy_async.sandbox")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    """Drop what clients do: malformed requests, whose records repeat header lines and so the token, and leaving."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError | ConnectionError))
