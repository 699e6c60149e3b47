"""The sandbox as a server: what it takes, lists and says, how it starts and ends."""

import asyncio
import gc
import io
import json
import logging
from typing import Any

import aiohttp
import pytest
import uvloop

from wooxy_async.sandbox import Account, Delay, Sandbox, SandboxStatistics, TakenButton

MESSAGE: dict[str, Any] = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}


async def send(sandbox: Sandbox, *messages: dict[str, Any]) -> list[Any]:
    """Send messages one after the other on one connection."""
    async with aiohttp.ClientSession(headers={"Access-Token": sandbox.token}) as session:
        answers = []
        for message in messages:
            async with session.post(f"{sandbox.url}/v3/viber/send", json=message) as response:
                answers.append(await response.json())
        return answers


async def get(sandbox: Sandbox, path: str) -> tuple[int, str]:
    """Return the status and the text of a GET."""
    async with aiohttp.ClientSession() as session, session.get(sandbox.url + path) as response:
        return response.status, await response.text()


async def test_a_taken_message_is_recorded_whole() -> None:
    """Every field of the page arrives in the record, and the answer holds the record's id."""
    whole = MESSAGE | {
        "senderId": "Shop",
        "buttons": {"text": "Open", "url": "https://shop.example/x"},
        "device": "phone",
        "ttl": 1800,
        "tags": ["sale", "summer"],
    }
    async with Sandbox() as sandbox:
        (answer,) = await send(sandbox, whole)
        (taken,) = sandbox.messages
    assert answer == {"result": True, "viber_message_ids": [taken.id]}
    assert (taken.number, taken.domain, taken.text) == ("+14155550123", "shop.example", "Hello")
    assert (taken.sender_id, taken.button) == ("Shop", TakenButton(text="Open", url="https://shop.example/x"))
    assert (taken.device, taken.ttl, taken.tags, taken.status) == ("phone", 1800, ("sale", "summer"), "accepted")
    assert len(taken.id) == 24
    assert set(taken.id) <= set("0123456789abcdef")
    assert 0 <= taken.taken_at < 60


async def test_both_spellings_of_the_button_field() -> None:
    """`button` is read like `buttons`, which counts where both are given."""
    one, other = {"text": "1", "url": "u"}, {"text": "2", "url": "u"}
    async with Sandbox() as sandbox:
        await send(sandbox, MESSAGE | {"button": one}, MESSAGE | {"button": one, "buttons": other}, MESSAGE)
        assert [message.button and message.button.text for message in sandbox.messages] == ["1", "2", None]


@pytest.mark.parametrize(("known", "ignored"), [("buttons", "button"), ("button", "buttons")])
async def test_a_sandbox_may_know_one_spelling_of_the_button_field(known: Any, ignored: str) -> None:
    """A button in the other field is ignored like any unknown key, whatever it holds: its message is taken without."""
    good, other = {"text": "1", "url": "https://u"}, {"text": "2", "url": "https://u"}
    fields: list[dict[str, Any]] = [
        {known: good},
        {ignored: good},
        {known: good, ignored: other},
        {known: None, ignored: other},
        {known: good, ignored: "no button"},
        {ignored: {"text": 5}},
    ]
    async with Sandbox(button_field=known, strict=True) as sandbox:
        answers = await send(sandbox, *(MESSAGE | field for field in fields))
        taken = [message.button and message.button.text for message in sandbox.messages]
        (refused,) = await send(sandbox, MESSAGE | {known: {"text": 5}, ignored: good})
    assert [answer["result"] for answer in answers] == [True] * 6
    assert taken == ["1", None, "1", None, "1", None]
    assert refused["errors"][0].startswith("Argument button must be an array")


async def test_only_the_first_hundred_tags_are_stored() -> None:
    """Messages with a 101st tag are taken, and the account keeps no statistics of it."""
    async with Sandbox() as sandbox:
        await send(sandbox, *(MESSAGE | {"tags": [f"tag-{number}", "tag-0"]} for number in range(102)))
        assert sandbox.stored_tags == tuple(f"tag-{number}" for number in range(100))
        assert sandbox.messages[-1].tags == ("tag-101", "tag-0")


async def test_the_seed_repeats_ids_and_draws() -> None:
    """Two sandboxes of one seed answer the same ids, whatever their latency."""
    ids = []
    for latency in (0, Delay.uniform(0, 0.001)):
        async with Sandbox(seed=7, latency=latency) as sandbox:
            await send(sandbox, MESSAGE, MESSAGE)
            ids.append([message.id for message in sandbox.messages])
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2


async def test_counts_go_on_when_the_list_is_full() -> None:
    """The list keeps the last messages; counts and repeated numbers cover all of them."""
    numbers = [f"+1415555010{digit}" for digit in "01120"]
    async with Sandbox(keep_messages=2) as sandbox:
        await send(sandbox, *(MESSAGE | {"phoneNumber": number} for number in numbers))
        assert [message.number for message in sandbox.messages] == numbers[-2:]
        assert sandbox.duplicate_numbers == {"+14155550101": 2, "+14155550100": 2}
        expected = SandboxStatistics(
            requests=5, taken=5, kept=2, in_progress=0, peak_in_progress=1, violations=0, duplicates=2
        )
        assert sandbox.statistics() == expected
        assert (sandbox.requests, sandbox.taken, sandbox.duplicates) == (5, 5, 2)
        assert json.loads((await get(sandbox, "/sandbox/status"))[1]) == {
            name: getattr(expected, name) for name in expected.__struct_fields__
        }


async def test_the_list_is_bounded_by_bytes_too() -> None:
    """The list keeps what fits into `keep_bytes`, the oldest go first, and counts cover all."""
    sizes = (100_000, 10, 100_000, 100_000, 10, 300_000, 10)
    async with Sandbox(keep_bytes=250_000) as sandbox:
        kept = []
        for size in sizes:
            await send(sandbox, MESSAGE | {"text": "x" * size})
            kept.append([len(message.text) for message in sandbox.messages])
        assert kept[2:5] == [[100_000, 10, 100_000], [10, 100_000, 100_000], [10, 100_000, 100_000, 10]]
        assert kept[5:] == [[], [10]]
        assert (sandbox.taken, sandbox.statistics().kept, sandbox.duplicate_numbers) == (7, 1, {"+14155550123": 7})
        for _ in range(2):
            await send(sandbox, MESSAGE | {"text": "x" * 240_000})
            assert [len(message.text) for message in sandbox.messages][-1:] == [240_000]
            sandbox.reset()


async def test_reset_forgets_what_was_seen() -> None:
    """After a reset the sandbox looks like a new one, at the same address."""
    async with Sandbox() as sandbox:
        await send(sandbox, MESSAGE | {"tags": ["sale"]}, MESSAGE)
        sandbox.reset()
        assert (sandbox.messages, sandbox.requests, sandbox.taken, sandbox.duplicates) == ((), 0, 0, 0)
        assert (sandbox.stored_tags, sandbox.peak_in_progress) == ((), 0)
        await send(sandbox, MESSAGE)
        assert (sandbox.taken, sandbox.duplicates) == (1, 0)


async def test_messages_are_listed_over_http() -> None:
    """The listing is a JSON array, one message a line, and can be cut by offset and limit."""
    texts = [f"\u2028 {number} გ" for number in range(502)]
    async with Sandbox() as sandbox:
        assert await get(sandbox, "/sandbox/messages") == (200, "[]\n")
        await send(sandbox, *(MESSAGE | {"text": text} for text in texts))
        _, listing = await get(sandbox, "/sandbox/messages")
        assert [message["text"] for message in json.loads(listing)] == texts
        assert len(listing.split("\n")) == 502 + 3
        _, piece = await get(sandbox, "/sandbox/messages?offset=500&limit=1")
        assert [message["text"] for message in json.loads(piece)] == [texts[500]]
        _, rest = await get(sandbox, "/sandbox/messages?offset=501")
        assert len(json.loads(rest)) == 1
        status, text = await get(sandbox, "/sandbox/messages?limit=-1")
        assert (status, text) == (400, "limit must be 0 or a positive integer, not '-1'\n")


async def test_other_paths_and_methods_are_not_there() -> None:
    """A path that the page does not have is 404, a GET of the endpoint 405, a body over 1 MiB 413."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        assert (await get(sandbox, "/"))[0] == 404
        assert (await get(sandbox, "/v3/viber/send"))[0] == 405
        async with session.post(f"{sandbox.url}/v3/viber/send", data=io.BytesIO(b"x" * 1_100_000)) as response:
            assert response.status == 413
        assert (sandbox.requests, sandbox.in_progress) == (0, 0)


async def test_any_token_is_accepted_unless_one_is_set() -> None:
    """Without a token of its own the sandbox gives an example; with one it gives that."""
    async with Sandbox() as sandbox:
        assert (await send(sandbox, MESSAGE))[0]["result"]
    assert Sandbox(token="t-1").token == "t-1"
    assert Sandbox(token="t-1", account=Account(token="t-1")).token == "t-1"
    assert Sandbox(account=Account(token="t-2")).token == "t-2"


async def test_no_token_in_repr_listing_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    """The token is in nothing that the sandbox prints, lists or logs, not even for a malformed request."""
    caplog.set_level(logging.DEBUG)
    token = "secret-0123456789abcdef"
    async with Sandbox(token=token) as sandbox:
        await send(sandbox, MESSAGE)
        reader, writer = await asyncio.open_connection(*address(sandbox))
        writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nAccess-Token: {token}\x01\r\n\r\n".encode())
        assert b" 400 Bad Request" in await reader.read()
        writer.close()
        await writer.wait_closed()
        shown = [repr(sandbox), repr(vars(sandbox)), (await get(sandbox, "/sandbox/messages"))[1], caplog.text]
        assert token not in "".join(shown)


def test_a_sandbox_runs_again_on_both_loops() -> None:
    """One sandbox is started and closed on asyncio and on uvloop, and keeps what it saw."""
    sandbox = Sandbox()

    async def once() -> None:
        async with sandbox:
            assert sandbox.url in repr(sandbox)
            await send(sandbox, MESSAGE)

    asyncio.run(once(), debug=True)
    uvloop.run(once())
    assert sandbox.taken == 2
    assert "not running" in repr(sandbox)


async def test_start_and_close_by_hand() -> None:
    """Starting twice is refused, closing twice is not, and nothing is left: no task, no port."""
    before = asyncio.all_tasks()
    sandbox = Sandbox(host="localhost")
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
    await sandbox.start()
    host, port = address(sandbox)
    with pytest.raises(RuntimeError, match="runs already"):
        await sandbox.start()
    taken = Sandbox(port=port)
    with pytest.raises(OSError, match="address already in use"):
        await taken.start()
    assert "not running" in repr(taken)
    _, idle = await asyncio.open_connection(host, port)
    await sandbox.aclose()
    await sandbox.aclose()
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)
    idle.close()
    gc.collect()


async def test_ipv6_loopback() -> None:
    """An IPv6 address stands in brackets in the URL."""
    async with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert (await send(sandbox, MESSAGE))[0]["result"]


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"host": "0.0.0.0"}, "host"),  # noqa: S104 - it is refused
        ({"host": "example.com"}, "host"),
        ({"host": ""}, "host"),
        ({"host": None}, "host"),
        ({"port": 65_536}, "port"),
        ({"port": "80"}, "port"),
        ({"token": ""}, "token"),
        ({"token": "a", "account": Account(token="b")}, "token"),
        ({"account": "shop"}, "account"),
        ({"latency": "fast"}, "latency"),
        ({"latency": -1}, "latency"),
        ({"latency": True}, "latency"),
        ({"seed": 1.5}, "seed"),
        ({"keep_messages": -1}, "keep_messages"),
        ({"keep_bytes": -1}, "keep_bytes"),
        ({"keep_bytes": 1.5}, "keep_bytes"),
        ({"loss_grace": float("nan")}, "loss_grace"),
        ({"linger": -0.001}, "linger"),
        ({"linger": None}, "linger"),
        ({"body_timeout": float("inf")}, "body_timeout"),
        ({"retry_after": "1"}, "retry_after"),
        ({"retry_after": -1}, "retry_after"),
        ({"error_status": 99}, "error_status"),
        ({"error_spelling": "shouted"}, "error_spelling"),
        ({"strict": 1}, "strict"),
        ({"button_field": "Buttons"}, "button_field"),
        ({"button_field": []}, "button_field"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], names: str) -> None:
    """An argument of a wrong type or range gets an error that names it."""
    with pytest.raises((TypeError, ValueError), match=f"^{names} must"):
        Sandbox(**wrong)


@pytest.mark.parametrize(
    ("make", "arguments", "names"),
    [
        (Delay.fixed, (-0.1,), "seconds"),
        (Delay.uniform, (2, 1), "high"),
        (Delay.uniform, ("1", 2), "low"),
        (Delay.lognormal, (0, 1), "median"),
        (Delay.lognormal, (1, 4), "sigma|median"),
    ],
)
def test_wrong_delays_are_named(make: Any, arguments: tuple[Any, ...], names: str) -> None:
    """A distribution that cannot be says which argument is wrong."""
    with pytest.raises((TypeError, ValueError), match=f"^({names}) must"):
        make(*arguments)


def address(sandbox: Sandbox) -> tuple[str, int]:
    """Return host and port of a running sandbox."""
    host, _, port = sandbox.url.removeprefix("http://").rpartition(":")
    return host, int(port)
