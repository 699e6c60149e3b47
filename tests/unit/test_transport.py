"""The transport's own judgement, where no server can be made to hit the moment."""

import socket
from typing import Any

import pytest

from wooxy_async._adapters.payload import Probe
from wooxy_async._adapters.transport import MAX_REPLY_BYTES, _Socket, _unusable
from wooxy_async._ports import Handover


def test_an_answer_that_was_there_before_its_request_means_that_nothing_was_sent() -> None:
    """An answer on a connection to which nothing was written belongs to nobody; one that is too long to a request."""
    handover = Handover(lambda: True)
    assert _unusable(handover).kind == "not_connected"
    handover.started = True
    assert _unusable(handover).kind == "unreadable_answer"


class Gone:
    """A protocol whose connection ended while it was being made."""

    should_close = False

    def __init__(self, transport: Any) -> None:
        self.transport = transport


class Closing:
    """A transport that is closing."""

    def is_closing(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("transport", [None, Closing()])
def test_a_connection_that_has_ended_is_stale(transport: Any) -> None:
    """A connection that ended before it was handed out is not used."""
    protocol = Gone(transport)
    assert Probe(protocol).is_stale(may_hold_ticket=True)  # type: ignore[arg-type]


class Lost:
    """A TLS transport whose connection was lost: it knows no socket any more."""

    def is_closing(self) -> bool:
        """Say so."""
        return True

    def get_extra_info(self, _name: str) -> None:
        """Return nothing."""


def test_a_lost_tls_connection_is_cut_in_silence() -> None:
    """What has no socket any more needs no cutting when its loop is found dead."""
    protocol = Gone(Lost())
    Probe(protocol).shut_down()  # type: ignore[arg-type]


def test_no_more_is_read_at_once_than_an_answer_may_be_long() -> None:
    """However much asyncio asks of a socket at once, it gets no more than an answer may take."""
    near, far = socket.socketpair()
    with _Socket(fileno=near.detach()) as reader, far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_REPLY_BYTES)
        assert far.send(bytes(MAX_REPLY_BYTES + 1)) == MAX_REPLY_BYTES + 1
        assert len(reader.recv(256 * 1024)) == MAX_REPLY_BYTES
        assert len(reader.recv(256 * 1024)) == 1
