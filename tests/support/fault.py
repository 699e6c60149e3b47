"""What one row of the fault table says, and the words in which rows are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from hostile import ACCEPT, Act, HostileServer, Peer, Request

ACCEPTED, REJECTED, NOT_SENT, IN_DOUBT = "Accepted", "Rejected", "NotSent", "InDoubt"
TCP: Final = frozenset({"tcp"})
TLS: Final = frozenset({"tls"})
BOTH: Final = TCP | TLS
SHORT: Final = 0.2  # seconds of `answer_limit` in rows whose fault is that no answer ends
UNLIMITED: Final = 5.0  # seconds of it in all others
REAL: Final = 2.0  # seconds of it where they pass in fact, so that a busy machine has connected before
TAKEN_BODY: Final = b'{"result": true, "viber_message_ids": ["$id"]}'

Setting = Callable[[HostileServer], AbstractContextManager[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row: what the peer does, and which outcome of the message is right.

    Args:
        name: of the row, unique.
        right: the outcome that is right, or two or more where the reason says why each is.
        taken: whether the server has taken the message in the end; None where a race decides.
        why: the row of the outcome table that fits, and how.
        acts: what the server does with the first, second … reading of the message; later ones are accepted.
        prime: what it does with a message that is sent before, and answered; the connection is then idle.
        unseen: the client's event loop stands still from the answer to `prime` until the server has acted.
        opening: how the first connection is opened.
        usual: how connections are opened when `opening` was used up.
        setting: makes the client's options out of the server, for faults that lie elsewhere.
        on: the transports on which the row makes sense.
        loops: the event loops on which it does.
        timing: "jumps" on a clock that jumps alone, where the outcome depends on a time limit; "both" on that clock and
            in real time; "real" in real time alone, where not all that is waited for is this server's.
        limit: the client's `answer_limit`.
        timeout: of the `send`, or None for the client's.
        attempts: of the retry policy.
        text: what follows the message's name in its text.
        shows: what the outcome's attributes must be.
        options: further arguments of the client.
        settles: the late outcome that `on_settled` is told.
        recovers: whether another message of this client can go through afterwards.
    """

    name: str
    right: str | tuple[str, ...]
    taken: bool | None
    why: str
    acts: tuple[Act, ...] = ()
    prime: Act | None = None
    unseen: bool = False
    opening: Callable[[Peer], None] | None = None
    usual: Callable[[Peer], None] | None = None
    setting: Setting | None = None
    on: frozenset[str] = BOTH
    loops: frozenset[str] = frozenset({"asyncio", "uvloop"})
    timing: Literal["jumps", "both", "real"] = "both"
    limit: float = UNLIMITED
    timeout: float | None = None
    attempts: int = 1
    text: str = ""
    shows: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    settles: str | None = None
    recovers: bool = True

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The outcomes that are right."""
        return (self.right,) if isinstance(self.right, str) else self.right


def http(status: int | str, body: bytes = b"", *headers: str, version: str = "HTTP/1.1", length: bool = True) -> bytes:
    """Write an answer.

    Args:
        status: the status, or status and reason.
        body: the body.
        headers: further header lines.
        version: of the protocol.
        length: whether the answer says how long its body is.
    """
    reason = status if isinstance(status, str) else f"{status} Whatever"
    lines = [f"{version} {reason}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def filled(template: bytes, request: Request) -> bytes:
    """Fill a template: `$id` is the message's own id, `$body` the documented answer, `$size` and `$hex` its length."""
    own = b"id-" + request.name.encode()
    body = TAKEN_BODY.replace(b"$id", own)
    values = {b"$id": own, b"$body": body, b"$size": b"%d" % len(body), b"$hex": b"%x" % len(body)}
    for word, value in values.items():
        template = template.replace(word, value)
    return template


def raw(template: bytes, *, takes: bool = True, then: Callable[[Peer], None] | None = None) -> tuple[Act, ...]:
    """Answer once with these bytes, in one piece, and then do something to the connection."""

    def do(peer: Peer, request: Request) -> None:
        peer.answer(filled(template, request))
        if then is not None:
            then(peer)

    return (Act(do, takes=takes),)


def replying(status: int | str, body: bytes = b"", *headers: str, takes: bool = True) -> tuple[Act, ...]:
    """Answer once with an ordinary HTTP/1.1 answer."""

    def do(peer: Peer, request: Request) -> None:
        peer.answer(http(status, filled(body, request), *headers))

    return (Act(do, takes=takes),)


__all__ = [
    "ACCEPT",
    "ACCEPTED",
    "BOTH",
    "IN_DOUBT",
    "NOT_SENT",
    "REAL",
    "REJECTED",
    "SHORT",
    "TAKEN_BODY",
    "TCP",
    "TLS",
    "UNLIMITED",
    "Act",
    "Fault",
    "HostileServer",
    "Peer",
    "Request",
    "filled",
    "http",
    "raw",
    "replying",
]
