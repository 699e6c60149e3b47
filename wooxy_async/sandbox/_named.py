"""Faults, shares and latencies as people type them, on a command line or over HTTP."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from wooxy_async.sandbox._delay import Delay
from wooxy_async.sandbox._faults import Fault

_FAULTS: Final[dict[str, Callable[[], Fault]]] = {
    "reset-before-reading": Fault.reset_before_reading,
    "reset-after-reading": Fault.reset_after_reading,
    "close-after-reading": Fault.close_after_reading,
    "no-answer": Fault.no_answer,
    "half-answer": Fault.half_answer,
    "not-json": Fault.not_json,
    "forbidden": Fault.forbidden,
    "429": Fault.too_many_requests,
    "none": Fault.none,
}
NAMES: Final = (*_FAULTS, "500 to 599", "error-1 to error-26", "slow-2.5")
_DELAYS: Final[dict[tuple[str, int], Callable[..., Delay]]] = {
    ("", 1): Delay.fixed,
    ("uniform", 2): Delay.uniform,
    ("lognormal", 2): Delay.lognormal,
}
_DEFAULT_SPREAD: Final = 0.5


class DrawnFault(Struct, frozen=True, kw_only=True):
    """A fault, and the share of the messages that it falls on.

    Args:
        fault: what happens.
        share: over 0 and up to 1; None is not by share.
    """

    fault: Fault
    share: float | None = None


def named_fault(name: str) -> Fault:
    """Return the fault of a name, as in "reset-after-reading", "429", "503", "error-12" or "slow-2.5" (seconds).

    Raises:
        ValueError: There is none.
    """
    kind, _, value = name.partition("-")
    try:
        if name in _FAULTS:
            return _FAULTS[name]()
        if kind == "error" and value.isascii() and value.isdecimal():
            return Fault.error(int(value))
        if kind == "slow":
            return Fault.slow_answer(float(value))
        if name.isascii() and name.isdecimal():
            return Fault.server_error(int(name))
    except ValueError:
        pass
    raise ValueError(f"fault must be one of {', '.join(NAMES)}, not {name[:40]!r}")


def drawn_fault(text: str) -> DrawnFault:
    """Return a fault with its share, as in "429:2%" or "no-answer:0.01"; without a share it falls on every message.

    Raises:
        ValueError: It is none.
    """
    name, _, share = text.partition(":")
    return DrawnFault(fault=named_fault(name), share=_share(share or "100%"))


def named_delay(text: str) -> Delay:
    """Return a latency, as in "0.2", "uniform:0.1,0.5", "lognormal:0.2" or "lognormal:0.2,0.8".

    Raises:
        ValueError: It is none.
    """
    kind, _, values = text.rpartition(":")
    try:
        numbers = [float(value) for value in values.split(",")]
        if kind == "lognormal" and len(numbers) == 1:
            numbers.append(_DEFAULT_SPREAD)
        make = _DELAYS[kind, len(numbers)]
    except (ValueError, KeyError):
        form = "seconds, uniform:LOW,HIGH, lognormal:MEDIAN or lognormal:MEDIAN,SPREAD"
        raise ValueError(f"latency must be {form}, not {text[:40]!r}") from None
    try:
        return make(*numbers)
    except ValueError as error:
        raise ValueError(f"latency must be right: {error}") from None


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise ValueError(f"share must be over 0 and up to 100%, as in 1% or 0.01, not {text[:40]!r}")
    return share
