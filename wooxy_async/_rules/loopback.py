"""What this machine is called: the one place that tells loopback from the world."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

NAMES: Final = ("localhost", "ip6-localhost", "ip6-loopback")  # each also with a dot at its end


def loopback_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address of loopback, or None where a text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    plain = getattr(address, "ipv4_mapped", None) or address
    return address if plain.is_loopback else None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: by its address, or by a name that stands for it alone."""
    return host.lower().removesuffix(".") in NAMES or loopback_address(host) is not None
