"""Which fault falls on which message."""

from collections import deque
from itertools import cycle

from wooxy_async.sandbox import _checks as checks
from wooxy_async.sandbox._faults import Fault


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

    def __init__(self) -> None:
        self._next = _Queue()
        self._numbers: dict[str, _Queue] = {}

    def add(self, faults: tuple[Fault, ...], *, number: str | None, always: bool) -> None:
        """Schedule faults; see `Sandbox.script`."""
        if not faults:
            raise ValueError("faults must hold at least one, for example Fault.reset_after_reading()")
        for fault in faults:
            if not isinstance(fault, Fault):
                raise TypeError(f"faults must be made by Fault, for example Fault.error(12), not {fault!r}")
        if number is None:
            self._next.add(faults, always=always)
            return
        if any(fault.before_reading for fault in faults):
            raise ValueError("number must be None for reset_before_reading: unread, a request has no number yet")
        self._numbers.setdefault(checks.number("number", number), _Queue()).add(faults, always=always)

    def forget(self) -> None:
        """Drop every fault that has not happened."""
        self._next = _Queue()
        self._numbers.clear()

    def on_arrival(self) -> Fault | None:
        """Return the fault of a request whose headers have arrived."""
        return self._next.next()

    def on_reading(self, number: object) -> Fault | None:
        """Return the fault of a message whose number is known now."""
        queue = self._numbers.get(number) if isinstance(number, str) else None
        return None if queue is None else queue.next()
