"""WOOXY_ONLY: what a test machine or a staging system lets leave, whatever its programs ask for; the server counts."""

import asyncio
import socket
import string
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hostile import HostileServer
from hypothesis import given, strategies as st
from people import message, messages
from typer.testing import CliRunner

from wooxy_async import Accepted, InvalidMessageError, NotSent, NotSentError, Outcome, RetryPolicy, WooxyClient
from wooxy_async._rules.fuse import Fuse, read_fuse
from wooxy_async._rules.wire import encode
from wooxy_async.cli._app import app
from wooxy_async.sandbox import Sandbox

ONLY = "WOOXY_ONLY"
WRONG = [
    "",
    " ",
    ",",
    "LOOPBACK",
    "Loopback",
    "127.0.0.1",
    "loopback,+4366099887766",
    "+4366099887766,loopback",
    "+4366099887766,",
    ",+4366099887766",
    "+4366099887766;+43699*",
    "+4366099887766 +43699*",
    "4366099887766",
    "004366099887766",
    "+43 664 1234567",
    "+43(0)664*",
    "+0664*",
    "*",
    "+*",
    "+43*99",
    "+43**",
    "+43699",
    "+436991234567890123",
    "+123456789012345*",
    "+\uff14\uff13*",
    "none",
    "0",
]


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """A server in threads of its own; as a proxy it counts whatever would have left this machine."""
    with HostileServer() as opened:
        yield opened


def numbers(outcomes: list[Outcome], kind: type[Outcome]) -> list[str]:
    """Return the numbers of one kind of outcome."""
    return sorted(each.message.phone_number for each in outcomes if isinstance(each, kind))


async def stopped(client: WooxyClient, **fields: Any) -> NotSent:
    """Send a message that the fuse stops."""
    with pytest.raises(NotSentError, match="WOOXY_ONLY") as caught:
        await client.send(message(**fields))
    outcome = caught.value.outcome
    assert (outcome.cause.kind, outcome.cause.detail, outcome.attempts) == ("fuse", None, 0)
    return outcome


@pytest.mark.parametrize(
    "url", ["http://api.invalid", "https://api.wooxy.com", "http://127.0.0.1.invalid", "http://localhost.invalid"]
)
async def test_with_loopback_nothing_goes_to_another_machine(
    token: str, server: HostileServer, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Whatever the arguments are: no connection is made, no slot is taken, and a stream tells each of its messages."""
    monkeypatch.setenv(ONLY, "loopback")
    options: dict[str, Any] = {"allow_http": True, "proxy": server.url(), "retry": RetryPolicy(attempts=100)}
    async with WooxyClient(token, base_url=url, **options) as client:
        outcome = await stopped(client)
        assert (
            outcome.cause.text == "WOOXY_ONLY=loopback keeps messages on this machine, and base_url leads to another."
        )
        outcomes = [each async for each in client.send_many(messages(100))]
        assert {each.cause.kind for each in outcomes if isinstance(each, NotSent)} == {"fuse"}
        assert len(outcomes) == 100
        assert (client.statistics().not_sent, client.statistics().borrowed) == (101, 0)
    assert (server.connections, server.books.read.total()) == (0, 0)


async def test_with_loopback_no_proxy_of_another_machine_is_asked(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls itself 127.0.0.1 there is not this machine."""
    asked: list[str] = []

    async def unknown(host: str, *_args: Any, **_options: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    monkeypatch.setenv(ONLY, "loopback")
    proxy = "http://user:s3cret-word@proxy.invalid:3128"
    async with WooxyClient(token, base_url="https://127.0.0.1:1", proxy=proxy) as client:
        outcome = await stopped(client)
    assert "proxy leads to another" in outcome.cause.text
    assert "s3cret" not in repr(outcome)
    assert not asked


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_with_loopback_this_machine_is_reached(
    token: str, server: HostileServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A sandbox, or any server on this machine, is what the fuse is for."""
    monkeypatch.setenv(ONLY, "loopback")
    async with WooxyClient(token, base_url=server.url(host)) as client:
        assert (await client.send(message())).attempts == 1
    assert server.books.taken.total() == 1


async def test_with_numbers_only_these_are_reached(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number in any spelling is judged by its E.164 form, as it would leave; a prefix stands for all behind it."""
    monkeypatch.setenv(ONLY, " +14155550007 , +1415555002*")
    async with WooxyClient(sandbox.token, base_url=sandbox.url) as client:
        outcomes = [each async for each in client.send_many(messages(50))]
        right = [f"+1415555{at:04d}" for at in (7, *range(20, 30))]
        assert numbers(outcomes, Accepted) == right
        assert sorted(each.number for each in sandbox.messages) == right
        assert {each.cause.kind for each in outcomes if isinstance(each, NotSent)} == {"fuse"}
        assert len(outcomes) == 50
        assert (await client.send(message(phone_number=" +1 (415) 555-00 07"))).attempts == 1
        outcome = await stopped(client, phone_number="+1 415 555 0008")
        assert not any(part in f"{outcome.cause.text} {outcome!r}" for part in ("5550008", "5550007", "1415555"))
        with pytest.raises(InvalidMessageError):
            await client.send(message(phone_number="0007"))
    assert (sandbox.requests, sandbox.taken) == (12, 12)


async def test_the_fuse_is_read_when_a_client_is_made(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither code that changes the environment later, nor another client, widens it."""
    monkeypatch.setenv(ONLY, "+43699*")
    async with WooxyClient(sandbox.token, base_url=sandbox.url) as client:
        monkeypatch.delenv(ONLY)
        await stopped(client)
        async with WooxyClient(sandbox.token, base_url=sandbox.url) as other:
            await other.send(message())
        await stopped(client)
    assert sandbox.requests == 1


@pytest.mark.parametrize("value", WRONG)
def test_a_fuse_that_says_nothing_clear_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """When the client is made, with what is right; the value, which holds numbers, is not repeated."""
    monkeypatch.setenv(ONLY, value)
    with pytest.raises(
        ValueError, match=r'^WOOXY_ONLY must be "loopback" alone, or numbers .*; part \d+ of it'
    ) as caught:
        WooxyClient("a-token")
    assert not any(part in str(caught.value) for part in value.split(",") if len(part) > len("loopback"))


def test_the_command_line_honours_the_fuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """`wooxy send` says what stopped it, ends with 5, and sends nothing; a fuse that is wrong is exit code 2."""
    given = ["send", "--to", "+14155550123", "--domain", "shop.example", "--text", "Hello"]
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", "token-of-the-command-line")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Sandbox()) as sandbox:
        monkeypatch.setenv("WOOXY_BASE_URL", sandbox.url)
        for value, code, said in (
            ("+43699*", 5, "Not sent: WOOXY_ONLY lets messages go to certain numbers only"),
            ("+43699", 2, "WOOXY_ONLY must be"),
            ("loopback", 0, ""),
        ):
            monkeypatch.setenv(ONLY, value)
            result = CliRunner().invoke(app, given, env={"COLUMNS": "300", "FORCE_COLOR": None})
            assert (result.exit_code, said in result.stderr) == (code, True), result.output
        assert sandbox.requests == 1


DIGITS = st.text(string.digits, min_size=6, max_size=14)
NUMBERS = st.builds("+{}{}".format, st.sampled_from("123456789"), DIGITS)


@given(
    allowed=st.lists(NUMBERS, max_size=4), begin=st.lists(NUMBERS, max_size=4), number=NUMBERS, cut=st.integers(2, 8)
)
def test_what_passes_is_in_the_list_or_begins_as_it_says(
    allowed: list[str], begin: list[str], number: str, cut: int
) -> None:
    """For any list: a number passes if it stands there, or if a prefix is its beginning, and not otherwise."""
    prefixes = [each[:cut] for each in begin]
    parts = [*allowed, *(f"{each}*" for each in prefixes)]
    if not parts:
        return
    fuse = read_fuse(ONLY, ",".join(parts), {"base_url": "api.wooxy.com"})
    assert isinstance(fuse, Fuse)
    for each in (number, *allowed, *begin):
        passes = each in allowed or any(each.startswith(prefix) for prefix in prefixes)
        assert (fuse.stops(encode(message(), each)) is None) == passes
