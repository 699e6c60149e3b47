"""The fuse: what may leave a test machine or a staging system, whatever its programs were told.

It stands in the environment, and no argument widens it. It judges the very bytes that would leave, and where to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from wooxy_async._rules.loopback import is_loopback
from wooxy_async._rules.wire import recipient

LOOPBACK: Final = "loopback"
_PART: Final = re.compile(r"\+[1-9](?:[0-9]{6,14}|[0-9]{0,13}\*)")
_RIGHT: Final = (
    'must be "loopback" alone, or numbers and prefixes with commas between them, as in +4366412345678,+43699*: each is '
    "+ and digits without blanks or zeros at their start, 7 to 15 of them, or fewer and a * at the end"
)


class Fuse(msgspec.Struct, frozen=True, kw_only=True):
    """What may leave.

    Args:
        numbers: E.164 numbers that messages may go to, or None for all.
        prefixes: beginnings of others.
        elsewhere: the argument that leads to another machine although messages must stay on this one, or None.
    """

    numbers: frozenset[str] | None = None
    prefixes: tuple[str, ...] = ()
    elsewhere: str | None = None

    def stops(self, body: bytes) -> str | None:
        """Say why a message must not leave; None where it may.

        Args:
            body: of its request.
        """
        if self.elsewhere is not None:
            return f"WOOXY_ONLY=loopback keeps messages on this machine, and {self.elsewhere} leads to another."
        if self.numbers is None:
            return None
        number = recipient(body)
        if number in self.numbers or number.startswith(self.prefixes):
            return None
        return "WOOXY_ONLY lets messages go to certain numbers only, and this is none of them."


def read_fuse(name: str, value: str, hosts: Mapping[str, str]) -> Fuse:
    """Read a fuse.

    Args:
        name: of the environment variable.
        value: "loopback", or E.164 numbers and prefixes, which end with *, with commas between them.
        hosts: the machines on a request's way, by the argument that names each.

    Raises:
        ValueError: it is anything else, also empty: a fuse that is set by mistake must not let everything pass.
    """
    parts = [part.strip() for part in value.split(",")]
    if parts == [LOOPBACK]:
        return Fuse(elsewhere=next((argument for argument, host in hosts.items() if not is_loopback(host)), None))
    for place, part in enumerate(parts, start=1):
        if not _PART.fullmatch(part):
            raise ValueError(f"{name} {_RIGHT}; part {place} of it is neither. Unset it where everything may leave.")
    prefixes = tuple(part[:-1] for part in parts if part.endswith("*"))
    return Fuse(numbers=frozenset(part for part in parts if not part.endswith("*")), prefixes=prefixes)
