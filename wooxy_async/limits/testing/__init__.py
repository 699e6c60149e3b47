"""Checks for a limiter of your own: each is an async function of what makes limiters, and needs no test framework.

A check raises an AssertionError whose sentence names what is wrong. All of them hold the limiters of this package.
"""

from wooxy_async._public import show_public_paths
from wooxy_async.limits.testing._client import (
    CLIENT_CHECKS,
    check_failing_acquire,
    check_failing_release,
    check_hanging_acquire,
    check_hanging_release,
    check_lost_after_request,
    check_lost_before_request,
    check_lost_during_request,
    check_slow_clock,
    check_timed_out_release,
)
from wooxy_async.limits.testing._limiter import (
    LIMITER_CHECKS,
    check_aclose,
    check_cancelled_waiter,
    check_cap,
    check_closed_slot,
    check_deadline,
    check_lease,
    check_many_cancelled,
    check_priority,
    check_share_of_bulk,
    check_statistics,
    check_turns,
)
from wooxy_async.limits.testing._stand import PATIENCE, Check, MakeLimiter

CHECKS = (*LIMITER_CHECKS, *CLIENT_CHECKS)

__all__ = [
    "CHECKS",
    "CLIENT_CHECKS",
    "LIMITER_CHECKS",
    "PATIENCE",
    "Check",
    "MakeLimiter",
    "check_aclose",
    "check_cancelled_waiter",
    "check_cap",
    "check_closed_slot",
    "check_deadline",
    "check_failing_acquire",
    "check_failing_release",
    "check_hanging_acquire",
    "check_hanging_release",
    "check_lease",
    "check_lost_after_request",
    "check_lost_before_request",
    "check_lost_during_request",
    "check_many_cancelled",
    "check_priority",
    "check_share_of_bulk",
    "check_slow_clock",
    "check_statistics",
    "check_timed_out_release",
    "check_turns",
]

show_public_paths(__name__)
