"""Redirects, which are never followed: the token must not reach the other host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from fault import IN_DOUBT, Act, Fault, HostileServer, Peer, Request, http

FOLLOWED: Final = "A redirect is not followed and does not say whether the message was taken (last row)."


@contextmanager
def _trap(server: HostileServer) -> Iterator[Mapping[str, Any]]:
    """Listen on another port, to which nobody must ever come."""
    with HostileServer(tls=server.tls) as trap:
        server.trap = trap
        yield {}
        if trap.connections:
            raise AssertionError("the client followed a redirect")


def _redirecting(status: int, location: str) -> Act:
    """Redirect to the trap."""

    def do(peer: Peer, _request: Request) -> None:
        trap = peer.server.trap
        line = location.replace("$trap", trap.url() if trap is not None else "")
        peer.answer(http(status, b"<html>over there</html>", f"Location: {line}"))

    return Act(do)


def _row(status: int, name: str, location: str) -> Fault:
    return Fault(
        name=f"{status} {name}",
        right=IN_DOUBT,
        taken=True,
        why=FOLLOWED,
        acts=(_redirecting(status, location),),
        setting=_trap,
        shows={"status": status},
    )


REDIRECTS: Final = (
    *(_row(status, "to another host", "$trap/v3/viber/send") for status in (300, 301, 302, 303, 305, 307, 308)),
    _row(307, "without a scheme", "//127.0.0.1/elsewhere"),
    _row(308, "to nowhere", "::::"),
    _row(302, "to a file", "file:///etc/passwd"),
    _row(301, "with an empty Location", ""),
)
