"""The client: what people use."""

from __future__ import annotations

import asyncio
import ssl as tls
import time
import warnings
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, get_args

import anyio
import msgspec

from wooxy_async._adapters.transport import AiohttpTransport
from wooxy_async._client import slots
from wooxy_async._client.account_info import ask
from wooxy_async._client.session import Session
from wooxy_async._client.settings import Settings, make_settings, seconds
from wooxy_async._client.source import Messages, check_source
from wooxy_async._client.stream import Feeder, OutcomeStream
from wooxy_async._client.submission import Submission
from wooxy_async._client.tokens import Provider
from wooxy_async._ports import Clock, Limiter, Marks, Priority, Transport
from wooxy_async._rules.account import AccountError, AccountInfo
from wooxy_async._rules.arguments import hiding_arguments, one_of, redacting
from wooxy_async._rules.attempt import Attempt
from wooxy_async._rules.messages import ViberMessage
from wooxy_async._rules.outcomes import Accepted, Cause, Outcome
from wooxy_async._rules.phones import PhoneCheck
from wooxy_async._rules.redaction import Secret
from wooxy_async._rules.retry import RetryPolicy
from wooxy_async._rules.statistics import Statistics
from wooxy_async._rules.wire import ButtonField
from wooxy_async._runtime.log import listen
from wooxy_async._runtime.turns import after_what_arrived, begin
from wooxy_async.limits._choice import HostLimits, ProcessLimits, make_limiter
from wooxy_async.limits._redis_choice import RedisLimits


class WooxyClient:
    """Sends Viber messages through Wooxy, never more than ten at once per account.

    Build it anywhere, also outside an event loop; use it as `async with WooxyClient(…) as client:`. It is good for
    one event loop at a time. All clients of one token on one machine share the account's ten slots.

    Where the environment variable WOOXY_ONLY is set when the client is made, to "loopback" or to numbers and prefixes
    as in "+4366412345678,+43699*", every other message is NotSent, its cause "fuse", whatever the arguments are.

    Args:
        access_token: the account's token; else WOOXY_ACCESS_TOKEN. It goes into the request header and nowhere else.
            A function, which is called in a thread, or a coroutine function is asked for it: each 60 seconds, and when
            the account was refused. It may take 5 seconds; while it fails the last token serves for 15 minutes. It
            needs `account`.
        base_url: where the API is; else WOOXY_BASE_URL, else https://api.wooxy.com.
        max_concurrency: this client's share, requests in progress, 1 to 10; else WOOXY_MAX_CONCURRENCY, else 10.
        max_bulk: slots that bulk may use at once, 1 to 10, that of other clients and processes included; urgent may use
            all ten; else WOOXY_MAX_BULK, else 10. Each client keeps to its own; a `Limiter` object knows nothing of it.
        max_waiting: how many messages of one priority may wait for their turn before `send` says at once that it is
            NotSent, its cause "overloaded", with `retry_after`; 1 to 1,000,000, None for no such bound.
        limiter: "host" or "host:/dir" (one cap for all processes of this user on this machine, or of all who meet in
            the directory, see `wooxy_async.limits.host`), "redis://…" (for all that meet at that server, see
            `wooxy_async.limits.redis`), "process" (for all clients of this process), or a `Limiter`;
            else WOOXY_LIMITER, else "host", or "process" and a warning in the log where processes cannot meet; with
            a `clock` of one's own "process". Machines do not see one another.
        account: a name for the account where several tokens share it, as while one is replaced by another, 1 to 64 of
            `[A-Za-z0-9._-]`; else WOOXY_ACCOUNT. A client without one joins the account that its token was seen with.
        timeout: seconds for one whole `send`, 0.001 to 86,400: the wait for a slot, every attempt, every pause.
        answer_limit: seconds after which a request without an answer is cut, 0.001 to 86,400; it keeps its slot until
            then, unless the client is closed.
        loss_hold: seconds that a slot stays closed after an end in doubt, as a lost connection is, 0 to 3,600,
            because the server may still be at work on the request.
        retry: when a message that is known not taken is sent again.
        phone_check: "e164" (the form only), "possible" (a length that the country uses), or "valid" (a range in use).
        button_field: "buttons" or "button"; the API page contradicts itself, and its table says "buttons".
        ssl: a context for a private CA; certificates are always verified.
        proxy: the address of an HTTP proxy; its password is as secret as the token.
        allow_http: let the token travel unencrypted to another machine, be it the API's or the proxy's of an http://
            `base_url`; only for a trusted network.
        fresh_connections: make a new connection for each request, the strictest defence against answers that belong
            to nobody, at twice the cost.
        patience: seconds that a `send_many` goes on while the API gives no valid reply, 0 to 2,592,000 (30 days).
        on_attempt: called with an `Attempt` after each request.
        on_outcome: called with each outcome.
        on_settled: called once for each `InDoubt` whose `may_settle` is true, with what became of its request: the
            late answer, or, when the client is closed at the latest, a doubt that is final.
            Hooks are called in the event loop and must not block it; what they raise is logged. They may be coroutine
            functions, or return anything that can be awaited: those of one message run one after another, in order,
            beside it and outside its slot. While 100 of them run or wait, streams pull nothing more; `send` goes on.
            What is not done at the end of `aclose` is logged with index and outcome.
        clock: where time comes from, for tests and simulations; the standard library's `time`.
        log_references: write references to the log as they are; else a short digest, by which the lines of one
            message are found within the process, because a reference is often an e-mail address or a number.
        drain: seconds that closing waits for what is in flight, 0 to 3,600; 0 cuts at once.
        hook_timeout: seconds after which a hook that is awaited is cancelled and logged, 0.001 to 3,600.

    Raises:
        TypeError, ValueError: an argument or environment variable is wrong; the text names it and says what is right.

    Source:
        API page, "Request".
    """

    @hiding_arguments
    def __init__(
        self,
        access_token: str | Provider | None = None,
        *,
        base_url: str | None = None,
        max_concurrency: int | None = None,
        max_bulk: int | None = None,
        max_waiting: int | None = None,
        limiter: str | ProcessLimits | HostLimits | RedisLimits | Limiter | None = None,
        account: str | None = None,
        timeout: float = 30.0,
        answer_limit: float = 60.0,
        loss_hold: float = 5.0,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen
        phone_check: PhoneCheck = "possible",
        button_field: ButtonField = "buttons",
        ssl: tls.SSLContext | None = None,
        proxy: str | None = None,
        allow_http: bool = False,
        fresh_connections: bool = False,
        patience: float = 900.0,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
        on_settled: Callable[[Outcome], object] | None = None,
        clock: Clock = time,
        log_references: bool = False,
        drain: float = 10.0,
        hook_timeout: float = 10.0,
    ) -> None:
        given = dict(locals())  # the arguments, because it is the first line
        del given["self"]
        self._settings = settings = make_settings(**given)
        with redacting(settings.redact):
            listen()
            self._session = Session(settings, _limiter(limiter, settings), _open_transport)

    def __repr__(self) -> str:
        if not hasattr(self, "_session"):  # refused; a traceback shows it all the same
            return "<WooxyClient: not made>"
        state = "closed" if self.closed else "open"
        return f"<WooxyClient: {state}, {self._settings.url}, max_concurrency={self._settings.max_concurrency}>"

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._session.closed

    async def send(
        self,
        message: ViberMessage,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the caller's wait ends, the request may go on
        priority: Priority = "urgent",
        retry_in_doubt: bool | None = None,
    ) -> Accepted:
        """Send one message.

        Args:
            message: the message.
            timeout: seconds for the whole of it, 0.001 to 86,400; else the client's. It ends the wait at once; a
                request that is out goes on in the background, keeps its slot until its answer, `answer_limit`, or 10
                seconds after the client was closed, and tells `on_settled` what became of it.
            priority: "urgent" goes before "bulk".
            retry_in_doubt: overrides `RetryPolicy.retry_in_doubt` for this message.

        Returns:
            The receipt, with Wooxy's message ids.

        Raises:
            InvalidMessageError: a local rule is broken; nothing was sent.
            RejectedError: the server refused it; its subclass says what has to be fixed.
            NotSentError: it is known not taken; safe to send again.
            InDoubtError: it may have been delivered; a person decides.
            RuntimeError: the client is closed or belongs to another event loop; nothing was sent.
            asyncio.CancelledError: the caller was cancelled, at once. Its `outcome` is what is known then: an `InDoubt`
                whose `may_settle` is true where the request is out, an `Accepted` where the answer came in that very
                moment. Who awaits the cancelled task has the same error the first time. A `TimeoutError` of
                `asyncio.timeout`, `asyncio.wait_for` or `anyio.fail_after` has it as its `__cause__` or `__context__`.
                asyncio loses it where the task is awaited again, in task groups, `shield` and a `gather` with
                `return_exceptions=True`, and in a `wait_for` that is itself cancelled under Python 3.11; a task that
                is cancelled before its first step never had one. `on_outcome` and `on_settled` are the sure way.
        """
        if not isinstance(message, ViberMessage):
            raise TypeError(f"send takes a ViberMessage, not {type(message).__name__}.")
        limit = self._settings.timeout if timeout is None else seconds("timeout", timeout)
        self._session.transport()  # refuses a client that is closed or belongs to another loop
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(_submission: Submission, outcome: Outcome) -> None:
            with suppress(asyncio.InvalidStateError):  # the caller is being cancelled at this very moment
                answered.set_result(outcome)

        submission = Submission(
            self._session,
            message,
            index=0,
            priority=_priority(priority),
            retry=self._retry(retry_in_doubt),
            done=done,
            deadline=self._settings.clock.monotonic() + limit,
        )
        submission.start()
        outcome = await _outcome(submission, answered, limit)
        return outcome.unwrap()

    def send_many(
        self, messages: Messages, *, priority: Priority = "bulk", retry_in_doubt: bool | None = None
    ) -> OutcomeStream:
        """Send many messages and stream their outcomes in the order of completion.

        Args:
            messages: any sync or async iterable of ViberMessages, however long; it is pulled only as fast as slots
                become free, at most two messages per slot ahead of the outcomes that were taken.
            priority: "bulk" goes behind "urgent", but never waits for ever.
            retry_in_doubt: overrides `RetryPolicy.retry_in_doubt` for these messages.

        Returns:
            An async iterator that is also an async context manager. It raises only what ends the whole stream: an
            account that is refused, 20 refusals in a row that are alike, an API that stays down longer than
            `patience`, or what the source itself raised; every outcome before is yielded first. Alike are: the same
            documented error of domain, sender or tag with the same value, error 22, 407 from the proxy, and the same
            undocumented text.

        Raises:
            TypeError: `messages` is not iterable.
        """
        check_source(messages)
        return self._stream(messages, _priority(priority), self._retry(retry_in_doubt))

    def _stream(
        self, messages: Messages, priority: Priority, retry: RetryPolicy, marks: Marks | None = None
    ) -> OutcomeStream:
        session = self._session

        def begin() -> Feeder:
            session.transport()  # refuses a client that is closed or belongs to another loop
            return Feeder(session, messages, priority=priority, retry=retry, marks=marks)

        return OutcomeStream(begin)

    def statistics(self) -> Statistics:
        """Return slots in use, messages waiting and outcomes so far."""
        return self._session.statistics()

    def _retry(self, in_doubt: bool | None) -> RetryPolicy:
        if in_doubt is None:
            return self._settings.retry
        return msgspec.structs.replace(self._settings.retry, retry_in_doubt=in_doubt)

    async def account_info(self, *, timeout: float | None = None) -> AccountInfo:  # noqa: ASYNC109 - as `send` has it
        """Ask for the account's name and balance: this checks token and connection, and sends nothing.

        It takes a slot, as every request does, and goes before bulk messages.

        Args:
            timeout: seconds for the whole of it, 0.001 to 86,400; else the client's.

        Raises:
            AccountError: there is no valid reply: `errors` has what Wooxy said, or `cause` what happened.
            RuntimeError: the client is closed or belongs to another event loop.

        Source:
            API page "Get account info".
        """
        limit = self._settings.timeout if timeout is None else seconds("timeout", timeout)
        self._session.transport()
        try:
            async with asyncio.timeout(limit):
                return await ask(self._session, priority="urgent")
        except TimeoutError:
            text = f"There was no answer within the time-out of {limit:g} s."
            raise AccountError(text, cause=Cause(kind="deadline", text=text)) from None

    async def aclose(self, *, drain: float | None = None) -> None:
        """Refuse new messages, wait for what is in flight, 10 seconds at the most, and close the connections.

        What has not started is NotSent. What is not answered after that time is InDoubt, and its reference is logged.
        Runs to its end, within that time and a second more, also when the caller is cancelled meanwhile and whatever a
        source does. While another call waits, a second one returns at once, and lets it wait no longer than it asks.

        Args:
            drain: seconds to wait, 0 to 3,600, in place of the client's 10; 0 cuts at once.

        Raises:
            RuntimeError: it is in use by an event loop that runs in another thread; it stays open.
        """
        limit = self._settings.drain if drain is None else seconds("drain", drain)
        await _to_its_end(_close(self._session, limit, asyncio.current_task()))

    async def __aenter__(self) -> Self:
        self._session.transport()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        """Warn of a client that was left open, as files and sockets do."""
        session = getattr(self, "_session", None)
        if session is not None and session.has_open_session:
            warnings.warn(
                f"{self!r} was left open: use `async with`, or aclose().", ResourceWarning, stacklevel=2, source=self
            )
            session.abandon()


def send_marked(client: WooxyClient, messages: Messages, marks: Marks) -> OutcomeStream:
    """Send messages as `WooxyClient.send_many` does, for a journal.

    Args:
        client: the client.
        messages: the messages.
        marks: notes of each when a byte of it may be out.
    """
    return client._stream(messages, "bulk", client._retry(None), marks)  # noqa: SLF001 - beside it, not of its public face


async def _outcome(submission: Submission, answered: asyncio.Future[Outcome], limit: float) -> Outcome:
    """Wait for an outcome, or tell what is known when the caller's wait ends."""

    def judge() -> None:
        if not answered.done():
            answered.set_result(submission.give_up("deadline", f"The time-out of {limit:g} s ended"))

    def end() -> None:
        if submission.is_out:
            after_what_arrived(answered.get_loop(), judge)
        else:
            judge()

    timer = answered.get_loop().call_later(limit, end)
    try:
        return await answered
    except asyncio.CancelledError as error:
        error.outcome = submission.give_up("cancelled", "The caller was cancelled")  # type: ignore[attr-defined]
        raise
    finally:
        timer.cancel()


async def _close(session: Session, drain: float, caller: asyncio.Task[Any] | None) -> None:
    await session.aclose(drain, caller)
    if session.is_ended and not session.limiter_is_closed:
        await slots.close(session)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work also when the caller is cancelled meanwhile; the cancellation goes on afterwards."""
    task, cancelled = begin(work), False
    with anyio.CancelScope(shield=True):  # against anyio's scopes; `asyncio.shield` against `Task.cancel`
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


def _priority(given: Any) -> Priority:
    checked: Priority = one_of("priority", given, get_args(Priority))
    return checked


def _open_transport(settings: Settings, token: Secret) -> Transport:
    return AiohttpTransport(
        url=settings.url,
        token=token,
        ssl=settings.ssl,
        proxy=settings.proxy,
        fresh_connections=settings.fresh_connections,
        answer_limit=settings.answer_limit,
    )


def _limiter(given: Any, settings: Settings) -> Limiter:
    return make_limiter(
        given,
        token=settings.token.reveal(),
        account=settings.account,
        url=settings.url,
        share=settings.max_concurrency,
        max_bulk=settings.max_bulk,
        loss_hold=settings.loss_hold,
        answer_limit=settings.answer_limit,
        clock=settings.clock,
    )
