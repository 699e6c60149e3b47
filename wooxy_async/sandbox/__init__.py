"""A Wooxy of one's own on loopback, for trying things out and for tests."""

from wooxy_async._public import show_public_paths
from wooxy_async.sandbox._account import Account, Domain, Sender
from wooxy_async.sandbox._delay import Delay
from wooxy_async.sandbox._faults import Fault
from wooxy_async.sandbox._listing import SandboxStatistics
from wooxy_async.sandbox._named import DrawnFault, drawn_fault, named_delay, named_fault
from wooxy_async.sandbox._records import TakenButton, TakenMessage, TakenMessages
from wooxy_async.sandbox._server import Sandbox
from wooxy_async.sandbox._traffic import Violation

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # the server
    "Sandbox",
    "SandboxStatistics",
    # what it plays
    "Account",
    "Domain",
    "Sender",
    "Delay",
    "Fault",
    "DrawnFault",
    "drawn_fault",
    "named_delay",
    "named_fault",
    # what it saw
    "TakenButton",
    "TakenMessage",
    "TakenMessages",
    "Violation",
]

show_public_paths(__name__)
