"""For tests of programs that send: outcomes made by hand, a client without a socket, and what both clients have.

```python
import asyncio

import pytest

from wooxy_async import InDoubtError, ViberMessage
from wooxy_async.testing import FakeClient, in_doubt

MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")


async def main() -> None:
    async with FakeClient() as client:
        client.script(in_doubt(MESSAGE, cause="no_answer"))  # what becomes of the next message
        with pytest.raises(InDoubtError):
            await client.send(MESSAGE)
        await client.send(MESSAGE)
        assert len(client.messages.to("+14155550123")) == 2


asyncio.run(main())
```
"""

from wooxy_async._public import show_public_paths
from wooxy_async.testing._clock import SkippingClock
from wooxy_async.testing._fake import FakeClient, GivenMessages
from wooxy_async.testing._outcomes import accepted, in_doubt, invalid, not_sent, rejected
from wooxy_async.testing._sender import Sender, Stream
from wooxy_async.testing._stream import FakeStream

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # outcomes
    "accepted",
    "rejected",
    "invalid",
    "not_sent",
    "in_doubt",
    # clients
    "FakeClient",
    "FakeStream",
    "GivenMessages",
    "Sender",
    "Stream",
    # time
    "SkippingClock",
]

show_public_paths(__name__)
