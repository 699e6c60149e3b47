"""What is used beyond aiohttp's documented API: a canary for each, so that a new version says what it changed."""

import inspect
from typing import Any

import aiohttp
from aiohttp import BytesPayload, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import BaseConnector, Connection
from aiohttp.http_writer import StreamWriter


def parameters(function: Any) -> list[str]:
    """Return the names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def test_the_connector_is_asked_for_each_connection() -> None:
    """`connect(req, traces, timeout)` is a coroutine that hands out a `Connection` with its protocol and transport."""
    assert inspect.iscoroutinefunction(BaseConnector.connect)
    assert parameters(BaseConnector.connect) == ["self", "req", "traces", "timeout"]
    assert isinstance(Connection.protocol, property)
    assert isinstance(Connection.transport, property)
    assert callable(Connection.close)


def test_the_connector_closes_without_a_loop() -> None:
    """`_close` is synchronous: the public `close` is a coroutine, and a loop that is closed runs none."""
    assert not inspect.iscoroutinefunction(TCPConnector._close)


def test_sockets_are_made_by_a_factory() -> None:
    """`socket_factory` is an argument of the connector."""
    assert "socket_factory" in parameters(TCPConnector.__init__)


def test_a_protocol_says_what_it_has_read() -> None:
    """`should_close` covers bytes that were read and belong to no request; protocols can be held weakly."""
    assert isinstance(ResponseHandler.should_close, property)
    source = inspect.getsource(ResponseHandler.should_close.fget)  # type: ignore[arg-type]
    assert all(name in source for name in ("_tail", "_buffer", "_exception"))


def test_a_body_is_written_by_its_payload() -> None:
    """A payload's `write_with_length` writes the headers too, and the writer knows its protocol."""
    assert parameters(BytesPayload.write_with_length) == ["self", "writer", "content_length"]
    assert isinstance(StreamWriter.protocol, property)
    assert isinstance(StreamWriter.transport, property)
    assert isinstance(ClientRequest.body, property)


def test_a_post_is_never_sent_again_by_aiohttp() -> None:
    """Only idempotent methods are retried on a lost connection."""
    assert "POST" not in aiohttp.client.IDEMPOTENT_METHODS
