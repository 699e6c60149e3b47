"""Limiters: what keeps an account within its ten concurrent requests."""

from wooxy_async._ports import Lease, Limiter, LimiterStatistics, LimiterUnavailableError, Priority
from wooxy_async._public import show_public_paths
from wooxy_async.limits._choice import HostLimits, ProcessLimits, host, process
from wooxy_async.limits._process import ProcessLimiter
from wooxy_async.limits._redis_choice import RedisLimits, redis
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
    "RedisLimits",
    "host",
    "process",
    "redis",
]

show_public_paths(__name__)
