"""A Wooxy of one's own on loopback, for trying things out and for tests."""

from wooxy_async.sandbox._account import Account, Domain, Sender
from wooxy_async.sandbox._delay import Delay
from wooxy_async.sandbox._faults import Fault
from wooxy_async.sandbox._listing import SandboxStatistics
from wooxy_async.sandbox._records import TakenButton, TakenMessage
from wooxy_async.sandbox._server import Sandbox
from wooxy_async.sandbox._traffic import Violation

__all__ = [  # noqa: RUF022  # grouped by what they are for
    # the server
    "Sandbox",
    "SandboxStatistics",
    # what it plays
    "Account",
    "Domain",
    "Sender",
    "Delay",
    "Fault",
    # what it saw
    "TakenButton",
    "TakenMessage",
    "Violation",
]
