"""A listener that keeps the heads of all requests as they came, byte by byte."""

import uuid

import certificates
from hostile import Act, HostileServer, Peer, Request, accepted, ordinary


class Listener:
    """A hostile server that keeps the heads of all that it reads, and may play a proxy as well.

    Args:
        tls: whether it speaks TLS, behind CONNECT where it plays a proxy.
        connect: what it answers to CONNECT; None for no proxy.
    """

    def __init__(self, *, tls: bool, connect: bytes | None = None) -> None:
        self.connects: list[bytes] = []
        self.heads: list[bytes] = []
        self._connect = connect
        self.server = HostileServer(
            tls=certificates.server_context() if tls else None,
            usual=ordinary if connect is None else self._tunnel,
            otherwise=Act(self._answer),
        )

    def _tunnel(self, peer: Peer) -> None:
        if (head := peer.head()) is None:
            return
        self.connects.append(head)
        peer.send(self._connect or b"")
        if b" 200 " in (self._connect or b""):
            peer.secure()
            peer.serve()

    def _answer(self, peer: Peer, request: Request) -> None:
        self.heads.append(request.head)
        peer.answer(accepted(request.name))


def new_token() -> str:
    """Return a token that nobody else has."""
    return f"token-{uuid.uuid4()}"
