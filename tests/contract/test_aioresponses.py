"""How users of aioresponses test their code: no connection is taken, and the mocked answer counts.

aioresponses 0.7.9 needs aiohttp 3.13 (aioresponses issue 289), so these run in the session `lowest`.
"""

import aiohttp
import pytest

from wooxy_async import Accepted, InDoubt, InDoubtError, NotSentError, Rejected, RejectedError, RetryPolicy, WooxyClient

if tuple(map(int, aiohttp.__version__.split(".")[:2])) > (3, 13):
    pytest.skip("aioresponses 0.7.9 does not run with aiohttp 3.14: see the session `lowest`", allow_module_level=True)

from aioresponses import aioresponses
from people import message, messages

URL = "https://api.wooxy.com/v3/viber/send"


async def test_a_mocked_acceptance_counts() -> None:
    """The mocked ids are in the receipt."""
    with aioresponses() as mocked:
        mocked.post(URL, payload={"result": True, "viber_message_ids": ["5d91"]})
        async with WooxyClient("mocked-token") as client:
            receipt = await client.send(message())
    assert receipt.message_ids == ("5d91",)


async def test_a_mocked_refusal_counts() -> None:
    """A mocked documented error raises as a real one would."""
    with aioresponses() as mocked:
        mocked.post(URL, payload={"result": False, "errors": ["Bad Request"]}, status=400)
        async with WooxyClient("mocked-token") as client:
            with pytest.raises(RejectedError, match="Bad Request"):
                await client.send(message())


async def test_a_mocked_failure_counts() -> None:
    """A mocked 500 is in doubt, a mocked connection error is not sent."""
    with aioresponses() as mocked:
        mocked.post(URL, status=500)
        mocked.post(URL, exception=aiohttp.ClientConnectionError())
        async with WooxyClient("mocked-token", retry=RetryPolicy(attempts=1)) as client:
            with pytest.raises(InDoubtError):
                await client.send(message())
            with pytest.raises(NotSentError):
                await client.send(message())


async def test_a_mocked_campaign() -> None:
    """`send_many` runs against mocked answers."""
    with aioresponses() as mocked:
        mocked.post(URL, payload={"result": True, "viber_message_ids": ["5d91"]})
        mocked.post(URL, payload={"result": False, "errors": ["Bad Request"]})
        mocked.post(URL, status=503)
        async with WooxyClient("mocked-token") as client:
            outcomes = [outcome async for outcome in client.send_many(messages(3))]
    assert {type(outcome) for outcome in outcomes} == {Accepted, Rejected, InDoubt}
