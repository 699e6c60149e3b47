"""The sandbox's script: each fault as a raw socket sees it, and which message it falls on."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from wooxy_async.sandbox import Fault, Sandbox

NUMBER, OTHER = "+14155550123", "+14155550124"


def request(host: str, number: str) -> bytes:
    """Return the bytes of a request that breaks no rule."""
    body = json.dumps({"domain": "shop.example", "phoneNumber": number, "text": "Hello"}).encode()
    head = f"POST /v3/viber/send HTTP/1.1\r\nHost: {host}\r\nAccess-Token: any\r\nContent-Type: application/json\r\n"
    return f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def talk(sandbox: Sandbox, number: str = NUMBER) -> bytes:
    """Send one request on a connection of its own; return all that comes until it ends."""
    host, _, port = sandbox.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request(f"{host}:{port}", number))
        return await reader.read()
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def outcome(sandbox: Sandbox, number: str = NUMBER) -> str:
    """Return "reset", "closed", or the status code of the answer."""
    try:
        answer = await talk(sandbox, number)
    except ConnectionResetError:
        return "reset"
    return answer.split(b" ", 2)[1].decode() if answer else "closed"


# A fault, how the connection ends, how many requests were read, and the status of the message if it was taken.
FAULTS: list[tuple[Fault, str, int, str | None]] = [
    (Fault.none(), "200", 1, "accepted"),
    (Fault.slow_answer(0.001), "200", 1, "accepted"),
    (Fault.error(12), "200", 1, None),
    (Fault.error("INTERNAL_SERVER_ERROR"), "500", 1, None),
    (Fault.reset_before_reading(), "reset", 0, None),
    (Fault.reset_after_reading(), "reset", 1, "reset_after_reading"),
    (Fault.reset_after_reading(taken=False), "reset", 1, None),
    (Fault.close_after_reading(), "closed", 1, "close_after_reading"),
    (Fault.close_after_reading(taken=False), "closed", 1, None),
    (Fault.server_error(), "500", 1, None),
    (Fault.server_error(503, taken=True), "503", 1, "server_error"),
    (Fault.too_many_requests(), "429", 1, None),
    (Fault.half_answer(), "200", 1, "half_answer"),
    (Fault.half_answer(taken=False), "200", 1, None),
    (Fault.not_json(), "200", 1, "not_json"),
    (Fault.forbidden(), "403", 1, None),
    (Fault.redirect("https://elsewhere.example/"), "307", 1, None),
    (Fault.reply(204), "204", 1, None),
    (Fault.reply(418, "{}", headers={"X-Tea": "1"}, taken=True, name="teapot"), "418", 1, "teapot"),
]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_each_fault(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    """On both loops each fault ends as it says, and the message is taken or not as it says."""

    async def play() -> None:
        for fault, ending, read, status in FAULTS:
            async with Sandbox() as sandbox:
                sandbox.script(fault)
                seen = (await outcome(sandbox), sandbox.requests, [message.status for message in sandbox.messages])
                assert seen == (ending, read, [status] if status else []), fault.name
                assert await outcome(sandbox) == "200"

    run(play())


async def test_what_the_answers_hold() -> None:
    """Pages are HTML, 429 and redirects have their headers, half an answer is cut in the middle of its body."""
    async with Sandbox() as sandbox:
        sandbox.script(
            Fault.not_json(),
            Fault.too_many_requests(7),
            Fault.too_many_requests("Wed, 21 Oct 2026 07:28:00 GMT"),
            Fault.too_many_requests(None),
            Fault.redirect("https://elsewhere.example/", 308),
            Fault.half_answer(),
        )
        html, seven, date, bare, redirect, half = [await talk(sandbox) for _ in range(6)]
    assert b"Content-Type: text/html" in html
    assert html.endswith(b"</html>")
    assert b"\r\nRetry-After: 7\r\n" in seven
    assert b"\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n" in date
    assert b"Retry-After" not in bare
    assert b"\r\nLocation: https://elsewhere.example/\r\n" in redirect
    head, _, body = half.partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    assert len(body) == length // 2
    assert body.startswith(b'{"result":true')


async def test_no_answer_ends_with_the_sandbox() -> None:
    """A request that is never answered is in progress until the sandbox closes, which is at once."""
    before = asyncio.all_tasks()
    async with Sandbox() as sandbox:
        sandbox.script(Fault.no_answer(), Fault.no_answer(taken=False))
        waiting = [asyncio.create_task(outcome(sandbox, number)) for number in (NUMBER, OTHER)]
        await sandbox.until(lambda: sandbox.requests == 2 and sandbox.taken == 1)
        assert sandbox.in_progress == 2
        assert [message.status for message in sandbox.messages] == ["no_answer"]
    assert sandbox.in_progress == 0
    assert await asyncio.gather(*waiting) == ["closed", "closed"]
    assert asyncio.all_tasks() == before


async def test_a_fault_never_takes_what_the_account_refuses() -> None:
    """A fault that takes the message first leaves a message out that breaks a rule."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.reset_after_reading(), Fault.half_answer())
        assert await outcome(sandbox, "+380441234567") == "reset"
        assert await outcome(sandbox, "+380441234567") == "200"
        assert sandbox.messages == ()


async def test_faults_of_a_number_wait_for_it() -> None:
    """A number's faults fall on its messages alone, each once, in their order."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.server_error(), Fault.none(), Fault.forbidden(), number=NUMBER)
        assert [await outcome(sandbox, OTHER), await outcome(sandbox)] == ["200", "500"]
        assert [await outcome(sandbox) for _ in range(3)] == ["200", "403", "200"]


async def test_faults_that_happen_always() -> None:
    """Faults that happen always come in turns, after those that happen once, until the script is forgotten."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.server_error(), Fault.server_error(503), always=True)
        sandbox.script(Fault.forbidden())
        assert [await outcome(sandbox) for _ in range(4)] == ["403", "500", "503", "500"]
        sandbox.script(Fault.too_many_requests(), always=True)
        assert await outcome(sandbox) == "429"
        sandbox.reset()
        sandbox.script(Fault.server_error(), always=True, number=NUMBER)
        assert [await outcome(sandbox), await outcome(sandbox, OTHER), await outcome(sandbox)] == ["500", "200", "500"]


async def test_the_next_message_s_fault_goes_before_its_number_s() -> None:
    """A message that gets the fault for the next one leaves its number's fault for the message after it."""
    async with Sandbox() as sandbox:
        sandbox.script(Fault.server_error(), number=NUMBER)
        sandbox.script(Fault.forbidden())
        assert [await outcome(sandbox) for _ in range(3)] == ["403", "500", "200"]


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: Sandbox().script(), "faults"),
        (lambda: Sandbox().script("reset"), "faults"),  # type: ignore[arg-type]
        (lambda: Sandbox().script(Fault.none(), number="0151"), "number"),
        (lambda: Sandbox().script(Fault.none(), number=1), "number"),  # type: ignore[arg-type]
        (lambda: Sandbox().script(Fault.reset_before_reading(), number=NUMBER), "number"),
        (lambda: Sandbox().script(Fault.none(), always=1), "always"),  # type: ignore[arg-type]
        (Fault.error, "errors"),
        (lambda: Fault.error(27), "error"),
        (lambda: Fault.error(True), "error"),  # noqa: FBT003
        (lambda: Fault.error("NO_SUCH_CODE"), "error"),
        (lambda: Fault.error(1, status=100), "status"),
        (lambda: Fault.reply(200, 5), "body"),  # type: ignore[arg-type]
        (lambda: Fault.reply(200, headers=[]), "headers"),  # type: ignore[arg-type]
        (lambda: Fault.reply(200, headers={"X": "1\r\nY: 2"}), "headers"),
        (lambda: Fault.reply(200, name=""), "name"),
        (lambda: Fault.server_error(404), "status"),
        (lambda: Fault.redirect("", 307), "location"),
        (lambda: Fault.redirect("/x", 200), "status"),
        (lambda: Fault.too_many_requests(-1), "retry_after"),
        (lambda: Fault.slow_answer(float("inf")), "seconds"),
        (lambda: Fault.no_answer(taken="yes"), "taken"),  # type: ignore[arg-type]
    ],
)
def test_wrong_faults_are_named(make: Callable[[], object], names: str) -> None:
    """A fault that cannot be says which argument is wrong."""
    with pytest.raises((TypeError, ValueError), match=f"^{names} must"):
        make()
