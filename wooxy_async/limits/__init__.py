"""Limiters: what keeps an account within its ten concurrent requests."""

from wooxy_async._ports import Lease, Limiter, LimiterStatistics, LimiterUnavailableError, Priority
from wooxy_async.limits._choice import HostLimits, ProcessLimits, host, process
from wooxy_async.limits._process import ProcessLimiter
from wooxy_async.limits._slots import SLOTS

__all__ = [
    "SLOTS",
    "HostLimits",
    "Lease",
    "Limiter",
    "LimiterStatistics",
    "LimiterUnavailableError",
    "Priority",
    "ProcessLimiter",
    "ProcessLimits",
    "host",
    "process",
]
