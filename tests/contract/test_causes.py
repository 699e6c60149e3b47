"""Why a connection was not made: a word for programs and a sentence for people, on both event loops."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import certificates
import pytest
from clocks import LoopClock, NetworkedJumpingLoop
from faults_connect import full, unused_port
from hostile import HostileServer
from people import message

from wooxy_async import Cause, NotSent, NotSentError, RetryPolicy, WooxyClient
from wooxy_async._adapters.reasons import why_not_connected
from wooxy_async.sandbox import Sandbox

CERTIFICATES: dict[str, tuple[Callable[[], ssl.SSLContext], str, str, str]] = {
    "expired": (certificates.expired_context, "127.0.0.1", "certificate_expired", "it has expired"),
    "of a stranger": (certificates.stranger_context, "127.0.0.1", "unknown_ca", "for a private CA give ssl="),
    "of another address": (
        lambda: certificates.server_context("other.example"),
        "127.0.0.1",
        "wrong_host",
        "it is for another host",
    ),
    "of another name": (
        lambda: certificates.server_context("other.example"),
        "localhost",
        "wrong_host",
        "it is for another host",
    ),
}


async def cause_of(token: str, url: str, **options: Any) -> Cause:
    """Send one message once, and return why it did not leave."""
    given: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "ssl": certificates.client_context(), **options}
    async with WooxyClient(token, base_url=url, **given) as client:
        with pytest.raises(NotSentError) as caught:
            await client.send(message())
    outcome = caught.value.outcome
    assert isinstance(outcome, NotSent)
    assert json.loads(outcome.to_json())["cause"]["detail"] == outcome.cause.detail
    assert (outcome.cause.kind, outcome.attempts) == ("not_connected", 1)
    assert outcome.cause.text in str(caught.value)
    assert token not in f"{outcome.cause.text} {outcome!r}"
    return outcome.cause


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_port_on_which_nobody_listens(token: str, scheme: str) -> None:
    """It is refused, and says so."""
    cause = await cause_of(token, f"{scheme}://127.0.0.1:{unused_port()}")
    assert (cause.detail, "nobody listens there" in cause.text) == ("refused", True)
    assert "detail='refused'" in repr(cause)


async def test_a_name_that_does_not_exist(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's refusal is named; the name itself is not asked for outside."""
    asked: list[str] = []

    async def unknown(host: str, *_args: Any, **_options: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    cause = await cause_of(token, "https://nothing.invalid")
    assert asked == ["nothing.invalid"]
    assert (cause.detail, "host name could not be resolved" in cause.text) == ("dns", True)


async def test_a_name_that_no_resolver_takes(token: str) -> None:
    """A label of 64 characters is no name."""
    cause = await cause_of(token, f"https://{'a' * 64}.example")
    assert cause.detail == "dns"


@pytest.mark.parametrize("certificate", CERTIFICATES)
async def test_a_certificate_that_is_refused_says_why(token: str, certificate: str) -> None:
    """Expired, signed by nobody who is trusted, or another host's: these have different remedies."""
    context, host, detail, words = CERTIFICATES[certificate]
    with HostileServer(tls=context()) as server:
        cause = await cause_of(token, server.url(host))
        assert not server.books.read
    assert (cause.detail, words in cause.text) == (detail, True)


async def test_a_server_that_speaks_no_tls(token: str) -> None:
    """Plain HTTP where https was asked for is a failure of the handshake, in OpenSSL's words."""
    async with Sandbox(token=token) as sandbox:
        cause = await cause_of(token, sandbox.url.replace("http:", "https:"))
        assert not sandbox.taken
    assert cause.detail == "tls"
    assert re.search(r"the TLS handshake failed: [a-z0-9 ]+\.$", cause.text)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_host_that_does_not_answer(token: str, scheme: str) -> None:
    """A connection that is not made in time is named so, when the answer's own limit ends it."""
    with full() as port:
        cause = await cause_of(token, f"{scheme}://127.0.0.1:{port}", answer_limit=0.1)
    assert (cause.detail, "in time" in cause.text) == ("timeout", True)


async def test_a_handshake_that_hangs(token: str) -> None:
    """It is a connection that is not made in time."""
    with HostileServer(usual=lambda peer: peer.hold()) as server:
        cause = await cause_of(token, f"https://127.0.0.1:{server.port}", answer_limit=0.1)
    assert cause.detail == "timeout"


def test_a_connection_has_ten_seconds(token: str) -> None:
    """The limit of connecting itself gives the same word."""

    async def main() -> tuple[Cause, float]:
        began = asyncio.get_running_loop().time()
        with full() as port:
            cause = await cause_of(token, f"https://127.0.0.1:{port}", clock=LoopClock())
        return cause, asyncio.get_running_loop().time() - began

    with asyncio.Runner(loop_factory=NetworkedJumpingLoop, debug=False) as runner:
        cause, took = runner.run(main())
    assert (cause.detail, cause.text) == (
        "timeout",
        "No connection to the server: the connection was not made in time.",
    )
    assert 10 <= took < 20


async def test_a_proxy_that_is_not_there(token: str) -> None:
    """It is refused, and the sentence says that it is the proxy; its login is not shown."""
    proxy = f"http://user:s3cret-word@127.0.0.1:{unused_port()}"
    cause = await cause_of(token, "http://127.0.0.1:1", proxy=proxy)
    assert cause.detail == "refused"
    assert "the proxy could not be reached: nobody listens there" in cause.text
    assert "s3cret" not in repr(cause)


async def test_what_happens_after_the_handshake_has_no_detail(token: str) -> None:
    """A connection that was made and lost is none of these."""
    with (
        HostileServer(usual=lambda peer: peer.reset()) as server,
        pytest.raises(Exception, match="connection") as caught,
    ):
        async with WooxyClient(token, base_url=server.url(), retry=RetryPolicy(attempts=1)) as client:
            await client.send(message())
    assert caught.value.outcome.cause.detail is None  # type: ignore[attr-defined]


def verification(code: int | None, words: str = "") -> aiohttp.ClientConnectorCertificateError:
    """Return aiohttp's exception for a certificate that OpenSSL refuses."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    if code is not None:
        error.verify_code, error.verify_message = code, words
    return aiohttp.ClientConnectorCertificateError(None, error)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "detail", "words"),
    [
        (verification(9), "tls", "the clock of this machine"),
        (verification(66, "EE certificate key too weak"), "tls", "EE certificate key too weak"),
        (verification(None), "tls", "certificate is not valid"),
        (aiohttp.ClientConnectorCertificateError(None, OSError()), "tls", "certificate is not valid"),  # type: ignore[arg-type]
        (aiohttp.ClientConnectorSSLError(None, ssl.SSLError(1, "no words")), "tls", "the TLS handshake failed"),  # type: ignore[arg-type]
        (aiohttp.ClientConnectorError(None, OSError(113, "no route")), None, "could not be made"),  # type: ignore[arg-type]
        (aiohttp.ClientConnectorError(None, OSError(110, "timed out")), "timeout", "did not answer in time"),  # type: ignore[arg-type]
        (RuntimeError("secret"), None, "the connection was lost"),
    ],
)
def test_what_no_loopback_can_show(error: Exception, detail: str | None, words: str) -> None:
    """Other failures of connecting have their word, or none; whatever is missing in an exception does no harm."""
    text, found = why_not_connected(error)
    assert (found, text.endswith(words)) == (detail, True)
