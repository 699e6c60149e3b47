"""What can be made to happen to a message, one constructor for each kind of fault, and which fault falls on which."""

from collections import deque
from itertools import cycle
from random import Random
from typing import Literal

from msgspec import Struct

from wooxy_async._rules import arguments as checks
from wooxy_async.sandbox._errors import DocumentedError, documented
from wooxy_async.sandbox._message import E164

Ending = Literal["own answer", "reply", "half", "reset", "close", "silence"]

_ROUNDING = 1e-9  # ten shares of 0.1 are one
_HTML = "text/html; charset=utf-8"
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Fault(Struct, frozen=True, kw_only=True):
    """What happens to a message instead of the account's answer; made by the constructors below.

    With `taken=True` the message is taken first, if it breaks none of the account's rules: it stands in
    `Sandbox.messages`, and only the answer is spoiled. With `taken=False` it never is.
    """

    name: str
    ending: Ending
    taken: bool = False
    before_reading: bool = False
    seconds: float = 0.0
    errors: tuple[DocumentedError, ...] = ()
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def none(cls) -> "Fault":
        """Let the account answer: a place in a script where nothing happens."""
        return cls(name="accepted", ending="own answer", taken=True)

    @classmethod
    def error(cls, *errors: int | str, status: int | None = None) -> "Fault":
        """Refuse with documented errors.

        Args:
            errors: numbers (1 to 26, their order on the page) or codes ("DOMAIN_NOT_FOUND"), one or more.
            status: the HTTP status; `None` takes the sandbox's own for these errors.

        Raises:
            ValueError: there is no such error, none was given, or the status is not 200 to 599.
        """
        if not errors:
            raise ValueError("errors must name at least one documented error: 1 to 26, or a code")
        rows = tuple(documented(error) for error in errors)
        shown = 0 if status is None else checks.whole("status", status, 200, 599)
        return cls(name="error", ending="own answer", errors=rows, status=shown)

    @classmethod
    def reply(
        cls,
        status: int,
        body: bytes | str = b"",
        *,
        headers: dict[str, str] | None = None,
        taken: bool = False,
        name: str = "reply",
    ) -> "Fault":
        """Answer with any status, body and headers.

        Args:
            status: 200 to 599.
            body: as it goes out; a string is encoded as UTF-8.
            headers: by name; `Content-Length` is added.
            taken: whether the message is taken first.
            name: what `TakenMessage.status` says.

        Raises:
            TypeError: an argument is of a wrong type.
            ValueError: the status is out of its range.
        """
        if not isinstance(body, bytes | str):
            raise TypeError(f"body must be bytes or a string, not {body!r}")
        return cls(
            name=checks.filled("name", name),
            ending="reply",
            taken=checks.flag("taken", taken),
            status=checks.whole("status", status, 200, 599),
            headers=_headers("headers", headers),
            body=body.encode() if isinstance(body, str) else body,
        )

    @classmethod
    def reset_before_reading(cls) -> "Fault":
        """Reset the connection when a request's headers have arrived and its body is not read.

        The approximation: small bodies arrive together with their headers, so the kernel may hold the bytes;
        the application has not read them, does not count the request, and does not take the message.
        """
        return cls(name="reset_before_reading", ending="reset", before_reading=True)

    @classmethod
    def reset_after_reading(cls, *, taken: bool = True) -> "Fault":
        """Reset the connection (RST) when the request was read whole, without an answer.

        Args:
            taken: whether the message is taken first; the default is the case that loses most.
        """
        return cls(name="reset_after_reading", ending="reset", taken=checks.flag("taken", taken))

    @classmethod
    def close_after_reading(cls, *, taken: bool = True) -> "Fault":
        """Close the connection (FIN) when the request was read whole, without an answer.

        Args:
            taken: whether the message is taken first.
        """
        return cls(name="close_after_reading", ending="close", taken=checks.flag("taken", taken))

    @classmethod
    def server_error(cls, status: int = 500, *, taken: bool = False) -> "Fault":
        """Answer 5xx with a page of HTML, as a front end does (`Fault.error(21)` is the API's own way).

        Args:
            status: 500 to 599, for example 503.
            taken: whether the message is taken first.

        Raises:
            ValueError: the status is no server error.
        """
        checks.whole("status", status, 500, 599)
        return _page("server_error", status, "Server Error", taken=taken)

    @classmethod
    def too_many_requests(cls, retry_after: float | str | None = 1) -> "Fault":
        """Answer 429; the message is not taken.

        Args:
            retry_after: the header `Retry-After`: seconds, or the header's text (a date); `None` leaves it off.

        Raises:
            TypeError: it is neither a number nor a string.
            ValueError: the number is negative or not finite.
        """
        if retry_after is not None and not isinstance(retry_after, str):
            checks.number("retry_after", retry_after, 0)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls.reply(429, "Too Many Requests", headers=headers, name="too_many_requests")

    @classmethod
    def no_answer(cls, *, taken: bool = True) -> "Fault":
        """Never answer: the request stays in progress until its connection is lost or the sandbox closes.

        Args:
            taken: whether the message is taken first.
        """
        return cls(name="no_answer", ending="silence", taken=checks.flag("taken", taken))

    @classmethod
    def slow_answer(cls, seconds: float) -> "Fault":
        """Answer as the account would, later.

        Args:
            seconds: in addition to the sandbox's latency.

        Raises:
            TypeError: it is no number.
            ValueError: it is negative or not finite.
        """
        pause = checks.number("seconds", seconds, 0)
        return cls(name="accepted", ending="own answer", taken=True, seconds=pause)

    @classmethod
    def half_answer(cls, *, taken: bool = True) -> "Fault":
        """Answer with the first half of what the account says, then close the connection.

        Args:
            taken: whether the message is taken first.
        """
        return cls(name="half_answer", ending="half", taken=checks.flag("taken", taken))

    @classmethod
    def not_json(cls, *, taken: bool = True) -> "Fault":
        """Answer 200 with a page of HTML.

        Args:
            taken: whether the message is taken first.
        """
        return _page("not_json", 200, "Welcome", taken=taken)

    @classmethod
    def forbidden(cls) -> "Fault":
        """Answer 403 with a page of HTML, as a firewall does; the message is not taken."""
        return _page("forbidden", 403, "Access Denied", taken=False)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> "Fault":
        """Answer with a redirect; the message is not taken.

        Args:
            location: the header `Location`.
            status: 300 to 399; 307 asks for the body again.

        Raises:
            ValueError: the status is no redirect, or the location is empty.
        """
        checks.whole("status", status, 300, 399)
        return cls.reply(status, headers={"Location": checks.filled("location", location)}, name="redirect")


def _page(name: str, status: int, title: str, *, taken: bool) -> Fault:
    return Fault.reply(status, _PAGE.format(title), headers={"Content-Type": _HTML}, taken=taken, name=name)


class _Queue:
    """Faults in their order: each once, or over and over."""

    def __init__(self) -> None:
        self._once: deque[Fault] = deque()
        self._always: cycle[Fault] | None = None

    def add(self, faults: tuple[Fault, ...], *, always: bool) -> None:
        """Append faults, or replace what happens for ever."""
        if always:
            self._always = cycle(faults)
        else:
            self._once.extend(faults)

    def next(self) -> Fault | None:
        """Return the next fault, those that happen once first; `None` means that nothing happens."""
        if self._once:
            return self._once.popleft()
        return None if self._always is None else next(self._always)


class Script:
    """Faults for the next messages, and for messages to one number.

    A fault for the next message belongs to the next request whose headers arrive and that the cap does not
    refuse, whatever its token or its body. A message that has got one leaves the faults of its number alone.
    """

    def __init__(self, draws: Random) -> None:
        self._next = _Queue()
        self._numbers: dict[str, _Queue] = {}
        self._drawn: list[tuple[Fault, float]] = []
        self._draws = draws

    def add(self, faults: tuple[Fault, ...], *, number: str | None, always: bool, share: float | None = None) -> None:
        """Schedule faults; see `Sandbox.script`."""
        if not faults:
            raise ValueError("faults must hold at least one, for example Fault.reset_after_reading()")
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"faults must be made by Fault, for example Fault.error(12), not {fault!r}")
        if share is not None:
            self._add_share(faults, number=number, always=always, share=share)
            return
        if number is None:
            self._next.add(faults, always=always)
            return
        if any(fault.before_reading for fault in faults):
            raise ValueError("number must be None for reset_before_reading: unread, a request has no number yet")
        self._numbers.setdefault(_phone_number("number", number), _Queue()).add(faults, always=always)

    def _add_share(self, faults: tuple[Fault, ...], *, number: str | None, always: bool, share: float) -> None:
        if number is not None or always:
            raise ValueError("share must be given without number and always: it is of all messages")
        checks.number("share", share, 0, 1)
        if share * len(faults) + sum(share for _, share in self._drawn) > 1 + _ROUNDING:
            raise ValueError("share must leave the shares of all faults together at 1 or less")
        self._drawn += [(fault, share) for fault in faults]

    def forget(self) -> None:
        """Drop every fault that has not happened."""
        self._drawn.clear()
        self._next = _Queue()
        self._numbers.clear()

    def on_arrival(self) -> Fault | None:
        """Return the fault of a request whose headers have arrived: the next that was said, else one by chance."""
        return self._next.next() or self._by_chance()

    def _by_chance(self) -> Fault | None:
        left = self._draws.random() if self._drawn else 1.0
        for fault, share in self._drawn:
            left -= share
            if left < 0:
                return fault
        return None

    def on_reading(self, number: object) -> Fault | None:
        """Return the fault of a message whose number is known now."""
        queue = self._numbers.get(number) if isinstance(number, str) else None
        return None if queue is None else queue.next()


def _headers(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """Return header names and values as pairs."""
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise TypeError(f"{name} must be a dict of texts, not {checks.shown(value)}.")
    if any(set(part) & set("\r\n\0") for pair in value.items() for part in pair):
        raise ValueError(f"{name} must hold no line breaks, not {checks.shown(value)}.")
    return tuple(value.items())


def _phone_number(name: str, value: object) -> str:
    """Return a phone number that is spelled as E.164."""
    if not E164.fullmatch(checks.filled(name, value)):
        raise ValueError(f"{name} must be an E.164 number such as '+14155550123', not {checks.shown(value)}.")
    return str(value)
