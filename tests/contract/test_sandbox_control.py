"""The sandbox without Python: faults by share, orders over HTTP, and what it is asked of its messages."""

import asyncio
import json
import signal
import sys
from collections import Counter
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from wooxy_async.cli._app import app
from wooxy_async.sandbox import Account, Delay, Fault, Sandbox, drawn_fault, named_delay, named_fault

MESSAGE: dict[str, Any] = {"domain": "shop.example", "phoneNumber": "+14155550123", "text": "Hello"}
HEADERS = {"X-Wooxy-Sandbox": "1"}


async def _send(sandbox: Sandbox, *messages: dict[str, Any]) -> list[int]:
    """Send messages one after the other, and return the statuses; 0 is a lost connection."""
    statuses = []
    async with aiohttp.ClientSession(headers={"Access-Token": "t"}) as session:
        for message in messages:
            try:
                async with session.post(f"{sandbox.url}/v3/viber/send", json=message) as answer:
                    statuses.append(answer.status)
            except aiohttp.ClientError:
                statuses.append(0)
    return statuses


async def _order(sandbox: Sandbox, path: str, body: object = None, headers: Any = HEADERS) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.url}/sandbox/{path}", data=json.dumps(body), headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def _get(sandbox: Sandbox, query: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/sandbox/messages{query}") as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if answer.status == 200 else text


async def test_a_fault_falls_on_its_share_and_the_seed_repeats_it() -> None:
    """One in ten is about one in ten, the same ones each time; what was said for the next message comes first."""

    async def played(seed: int) -> list[int]:
        async with Sandbox(seed=seed) as sandbox:
            sandbox.script(Fault.too_many_requests(), Fault.server_error(503), share=0.1)
            sandbox.script(Fault.forbidden())
            return await _send(sandbox, *[MESSAGE] * 200)

    first = await played(7)
    assert first == await played(7)
    assert first != await played(8)
    counts = Counter(first)
    assert first[0] == 403
    assert 8 <= counts[429] <= 35
    assert 8 <= counts[503] <= 35
    assert counts[200] > 140


async def test_shares_end_with_a_reset_and_fit_into_one() -> None:
    """All together are at most all messages; a share is of all, so that it has no number."""
    async with Sandbox(seed=1) as sandbox:
        sandbox.script(Fault.forbidden(), share=0.7)
        with pytest.raises(ValueError, match="share must leave the shares of all faults together at 1 or less"):
            sandbox.script(Fault.not_json(), share=0.4)
        with pytest.raises(ValueError, match="share must be given without number and always"):
            sandbox.script(Fault.not_json(), share=0.1, number="+14155550123")
        with pytest.raises(ValueError, match="share must be from 0 to 1"):
            sandbox.script(Fault.not_json(), share=2)
        sandbox.reset()
        assert await _send(sandbox, *[MESSAGE] * 9) == [200] * 9


async def test_faults_are_ordered_over_http() -> None:
    """The next messages, a number's, all of them, or a share; then a reset forgets everything."""
    async with Sandbox() as sandbox:
        assert await _order(sandbox, "script", {"fault": ["429", "503"], "times": 2}) == (200, '{"scheduled": 4}')
        assert await _send(sandbox, *[MESSAGE] * 5) == [429, 503, 429, 503, 200]
        await _order(sandbox, "script", {"fault": "reset-after-reading", "number": "+14155550199"})
        assert await _send(sandbox, MESSAGE, MESSAGE | {"phoneNumber": "+14155550199"}) == [200, 0]
        await _order(sandbox, "script", {"fault": "error-12", "always": True})
        await _send(sandbox, MESSAGE)
        assert await _order(sandbox, "reset") == (200, '{"reset": true}')
        assert (sandbox.requests, sandbox.taken) == (0, 0)
        await _order(sandbox, "script", {"fault": "403x"})
        await _order(sandbox, "script", {"fault": "forbidden", "share": 1})
        assert await _send(sandbox, MESSAGE) == [403]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "flood"}, "fault must be one of reset-before-reading, reset-after-reading"),
        ({"fault": "error-99"}, "fault must be one of"),
        ({"fault": "slow-x"}, "fault must be one of"),
        ({"fault": "404"}, "fault must be one of"),
        ({"fault": "429", "times": 0}, "times must be from 1 to 1,000,000"),
        ({"fault": "429", "number": "0151"}, "number must be an E.164 number"),
        ({"fault": []}, "faults must hold at least one"),
        ({"flaut": "429"}, "Object contains unknown field `flaut`"),
        ("[", "Expected `object`"),
    ],
)
async def test_an_order_that_is_none_is_refused(body: object, said: str) -> None:
    """The answer says what is wrong, and an example of what is right."""
    async with Sandbox() as sandbox:
        status, text = await _order(sandbox, "script", body)
        assert status == 400
        assert said in text
        assert text.endswith('As in: {"fault": "429", "times": 3}\n')


@pytest.mark.parametrize("path", ["script", "reset"])
async def test_nothing_changes_without_the_header(path: str) -> None:
    """A page in a browser cannot set it for another origin without being asked."""
    async with Sandbox() as sandbox:
        await _send(sandbox, MESSAGE)
        for headers in ({}, {"X-Wooxy-Sandbox": "0"}):
            status, text = await _order(sandbox, path, {"fault": "429"}, headers)
            assert (status, text) == (403, "What changes the sandbox needs the header X-Wooxy-Sandbox: 1\n")
        assert sandbox.taken == 1
        assert await _send(sandbox, MESSAGE) == [200]


async def test_messages_are_filtered_and_counted() -> None:
    """By number, domain, sender, tag, status and text; a filter that there is not is refused."""
    async with Sandbox() as sandbox:
        await _send(
            sandbox,
            MESSAGE,
            MESSAGE | {"phoneNumber": "+14155550199", "text": "Your code is 7", "senderId": "Shop", "tags": ["a", "b"]},
            MESSAGE | {"domain": "other.example"},
        )
        for query, number in (
            ("?number=%2B14155550199", 1),
            ("?domain=shop.example", 2),
            ("?sender=Shop", 1),
            ("?tag=b", 1),
            ("?status=accepted", 3),
            ("?text=code", 1),
            ("?domain=shop.example&text=Hello", 1),
            ("?sender=Nobody", 0),
            ("", 3),
        ):
            status, messages = await _get(sandbox, query)
            assert (status, len(messages)) == (200, number)
            assert await _get(sandbox, f"{query}{'&' if query else '?'}count=1") == (200, {"count": number})
        status, text = await _get(sandbox, "?numbr=1")
        assert status == 400
        assert text.startswith("'numbr' is no query argument. There are: number, domain, sender, tag, status, text")


def test_faults_and_latencies_have_names() -> None:
    """What people type becomes what Python has."""
    assert named_fault("reset-after-reading") == Fault.reset_after_reading()
    assert named_fault("error-17") == Fault.error(17)
    assert named_fault("503") == Fault.server_error(503)
    assert named_fault("slow-2.5") == Fault.slow_answer(2.5)
    assert (drawn_fault("429:2%").share, drawn_fault("429:0.5").share, drawn_fault("none").share) == (0.02, 0.5, 1.0)
    assert named_delay("0.2") == Delay.fixed(0.2)
    assert named_delay("uniform:0.1,0.3") == Delay.uniform(0.1, 0.3)
    assert named_delay("lognormal:0.2") == Delay.lognormal(0.2, 0.5)
    assert named_delay("lognormal:0.2,0.8") == Delay.lognormal(0.2, 0.8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fault", "flood:1%"), "fault must be one of"),
        (("--fault", "429:0"), "share must be over 0 and up to 100%"),
        (("--fault", "429:200%"), "share must be over 0 and up to 100%"),
        (("--fault", "429:x"), "share must be over 0 and up to 100%"),
        (("--fault", "429:60%", "--fault", "503:60%"), "share must leave the shares"),
        (("--latency", "-1"), "latency must be right: seconds must be a finite number, 0 or more"),
        (("--latency", "fast"), "latency must be seconds, uniform:LOW,HIGH, lognormal:MEDIAN"),
        (("--latency", "normal:1"), "latency must be seconds, uniform:LOW,HIGH, lognormal:MEDIAN"),
        (("--latency", "1,2"), "latency must be seconds"),
        (("--latency", "uniform:1"), "latency must be seconds"),
        (("--latency", "uniform:2,1"), "latency must be right: high must not be under low"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_wrong_options_are_refused_by_name(arguments: tuple[str, ...], said: str) -> None:
    """A sandbox that would do something else than was typed does not start."""
    result = CliRunner().invoke(app, ["sandbox", *arguments], env={"COLUMNS": "200", "FORCE_COLOR": None})
    assert result.exit_code == 2
    assert said in result.stderr


async def test_the_command_line_makes_trouble() -> None:
    """`--fault`, `--refuse-sender` and `--latency` reach the server, and orders over HTTP do."""
    command = (sys.executable, "-m", "wooxy_async.cli", "sandbox", "-p", "0", "--json", "--latency", "uniform:0,0")
    more = ("--fault", "503:100%", "--refuse-sender", "Shop", "--seed", "7")
    server = await asyncio.create_subprocess_exec(*command, *more, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    url = json.loads(await server.stdout.readline())["url"]
    async with aiohttp.ClientSession(headers={"Access-Token": "t"}) as session:
        async with session.post(f"{url}/v3/viber/send", json=MESSAGE) as answer:
            assert answer.status == 503
        async with session.post(f"{url}/sandbox/reset", headers=HEADERS) as answer:
            assert answer.status == 200
        async with session.post(f"{url}/v3/viber/send", json=MESSAGE | {"senderId": "Shop"}) as answer:
            assert "not approved" in (await answer.text()).lower()
    server.send_signal(signal.SIGTERM)
    await server.communicate()


async def test_refused_senders_stand_beside_registered_ones() -> None:
    """Error 16 for the refused name, whatever else the account has."""
    async with Sandbox(account=Account(senders=["Shop", "Other"], refused_senders=["Shop"])) as sandbox:
        await _send(sandbox, MESSAGE | {"senderId": "Shop"}, MESSAGE | {"senderId": "Other"})
        assert [message.sender_id for message in sandbox.messages] == ["Other"]
