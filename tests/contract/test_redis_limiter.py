"""A client whose slots a real Valkey counts: what is refused, what is said, and what comes back."""

import asyncio
import gc
import logging
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, cast

import pytest
from certificates import authority, server_context, stranger_context
from people import message, messages
from valkey_server import Valkey, relay, valkey
from waiting import until

from wooxy_async import Accepted, InDoubt, NotSent, Outcome, RetryPolicy, WooxyClient, WooxyError, limits
from wooxy_async.limits._choice import make_limiter
from wooxy_async.limits._redis import RedisLimiter
from wooxy_async.limits._redis_choice import RedisLimits
from wooxy_async.sandbox import Fault, Sandbox

PASSWORD = "the-password-of-the-engine"
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
async def engine() -> AsyncIterator[Valkey]:
    """A Valkey."""
    async with valkey() as server:
        yield server


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    """No client leaves its link behind."""
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "wooxy_async redis"] == []


def client_of(sandbox: Sandbox, limiter: Any, **options: Any) -> WooxyClient:
    """Return a client."""
    options = {"loss_hold": 0.05, "retry": ONCE, "timeout": 40, **options}
    return WooxyClient(sandbox.token, base_url=sandbox.url, limiter=limiter, **options)


async def told(client: WooxyClient, number: int = 0, **options: Any) -> Outcome:
    """Return what becomes of a message."""
    try:
        return await client.send(message(number), **options)
    except WooxyError as error:
        outcome: Outcome = error.outcome  # type: ignore[attr-defined]
        return outcome


async def reason(sandbox: Sandbox, limiter: Any, **options: Any) -> str:
    """Return why nothing is sent."""
    async with client_of(sandbox, limiter, **options) as client:
        outcome = await told(client)
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind == "limiter_unavailable"
    assert sandbox.requests == 0
    return outcome.cause.text


async def test_messages_go_and_nothing_is_left(sandbox: Sandbox, engine: Valkey) -> None:
    """Two clients of one process share a link; the server has forgotten them when both are closed."""
    async with client_of(sandbox, f"{engine.url}") as client, client_of(sandbox, engine.url) as other:
        outcomes = [outcome async for outcome in client.send_many(messages(40))]
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert isinstance(await told(other, 50), Accepted)
        assert client.statistics().borrowed == 0
    assert [key for key in await engine.do("KEYS", "*") if not key.startswith(b"wooxy:")] == []
    assert await engine.do("KEYS", "*:members") == []
    assert (sandbox.taken, sandbox.violations) == (41, 0)


async def test_an_engine_that_may_evict_keys_is_refused(sandbox: Sandbox) -> None:
    """Its slots would be forgotten while they are used."""
    async with valkey(maxmemory="50mb", **{"maxmemory-policy": "allkeys-lru"}) as engine:
        text = await reason(sandbox, engine.url)
        assert "may evict keys (allkeys-lru)" in text
        assert "noeviction" in text


async def test_a_replica_is_refused_and_a_cluster_too(sandbox: Sandbox) -> None:
    """Neither can keep the cap."""
    async with valkey() as engine:
        await engine.do("REPLICAOF", "127.0.0.1", "9")
        assert "is a replica" in await reason(sandbox, engine.url)
    async with valkey(**{"cluster-enabled": "yes", "port": "0"}) as engine:
        assert "runs in cluster mode" in await reason(sandbox, engine.url)


async def test_another_lease_is_refused(sandbox: Sandbox, engine: Valkey) -> None:
    """Both would have another idea of when a slot opens."""
    sandbox.script(Fault.slow_answer(30))
    async with client_of(sandbox, limits.redis(engine.url, lease=3)) as client:
        sending = asyncio.ensure_future(told(client))
        await sandbox.until(lambda: sandbox.requests == 1)
        async with client_of(sandbox, limits.redis(engine.url, lease=4)) as other:
            outcome = await told(other, 1)
        assert isinstance(outcome, NotSent)
        assert "under a lease of 3 s and 10 slots, here it is 4 s and 10" in outcome.cause.text
        await client.aclose(drain=0)
        await sending


@pytest.mark.parametrize("where", ["address", "file", "variable", "file of a variable"])
async def test_a_password_comes_from_four_places(
    sandbox: Sandbox, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And shows in none."""
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    async with valkey(requirepass=PASSWORD) as engine:
        url, options = engine.url, {}
        if where == "address":
            url = url.replace("unix://", f"unix://default:{PASSWORD}@")
        elif where == "file":
            options["password_file"] = file
        elif where == "variable":
            monkeypatch.setenv("WOOXY_REDIS_PASSWORD", PASSWORD)
        else:
            monkeypatch.setenv("WOOXY_REDIS_PASSWORD_FILE", str(file))
        choice = limits.redis(url, lease=3, **options)
        async with client_of(sandbox, choice) as client:
            assert isinstance(await told(client), Accepted)
    assert PASSWORD not in caplog.text + repr(choice) + repr(vars(choice)) + repr(client)


async def test_a_wrong_password_is_refused_and_does_not_show(sandbox: Sandbox, tmp_path: Path) -> None:
    """The engine's own words say it; a file that is not there is said too."""
    async with valkey(requirepass=PASSWORD) as engine:
        wrong = engine.url.replace("unix://", "unix://:another-password@")
        text = await reason(sandbox, wrong)
        assert "refuses: " in text
        assert "another-password" not in text
        assert "Authentication required" in await reason(sandbox, engine.url)
        choice = limits.redis(engine.url, password_file=tmp_path / "nowhere")
        assert "cannot be read from its file" in await reason(sandbox, choice)


async def test_a_user_of_the_access_list(sandbox: Sandbox, engine: Valkey) -> None:
    """What it needs is enough: its own keys and channels, INFO, TIME, scripts, hashes and sorted sets."""
    await engine.do(
        *("ACL", "SETUSER", "sender", "on", f">{PASSWORD}", "~wooxy:*", "&wooxy:*", "-@all", "+info", "+time"),
        *("+evalsha", "+eval", "+script|load", "+hset", "+hdel", "+hmget", "+hgetall"),
        *("+zadd", "+zcard", "+zrange", "+zremrangebyscore", "+publish", "+subscribe", "+client|setinfo", "+select"),
    )
    choice = limits.redis(engine.url.replace("unix://", f"unix://:{PASSWORD}@"), username="sender", lease=3)
    async with client_of(sandbox, choice) as client:
        assert isinstance(await told(client), Accepted)


async def test_tls(sandbox: Sandbox, engine: Valkey, tmp_path: Path) -> None:
    """A private authority is named by its file; a certificate of anybody else is refused."""
    file = tmp_path / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    async with relay(engine, tls=stranger_context()) as between:
        choice = limits.redis(f"rediss://127.0.0.1:{between.port}", ca_file=file)
        assert "certificate that can be verified" in await reason(sandbox, choice)
    async with relay(engine, tls=server_context()) as between:
        choice = limits.redis(f"rediss://127.0.0.1:{between.port}", ca_file=file)
        async with client_of(sandbox, choice) as client:
            assert isinstance(await told(client), Accepted)


async def test_an_engine_that_is_not_there(sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing starts, and after one lease it is said what is wrong; a warning tells it once."""
    began = time.monotonic()
    text = await reason(sandbox, limits.redis(f"unix://{tmp_path}/nowhere", lease=3))
    assert time.monotonic() - began >= 3
    assert "does not answer: no request starts without it" in text
    assert caplog.text.count("no slots: ") == 1


async def test_a_message_that_comes_while_the_engine_is_away_is_told_at_once_and_goes_when_it_is_back(
    sandbox: Sandbox, engine: Valkey
) -> None:
    """The first answer of the engine and one lease later, urgent messages go."""
    async with client_of(sandbox, limits.redis(engine.url, lease=3), loss_hold=0.5) as client:
        assert isinstance(await told(client), Accepted)
        await engine.kill()
        assert isinstance(await told(client, 1), NotSent)
        began = time.monotonic()
        assert isinstance(await told(client, 2), NotSent)
        assert time.monotonic() - began < 2  # it did not wait for a lease again
        await engine.start()
        while isinstance(await told(client, 3), NotSent):
            await asyncio.sleep(0.05)
    assert (sandbox.taken, sandbox.duplicates) == (2, 0)


async def test_the_offline_share_is_used_while_the_engine_is_away(
    sandbox: Sandbox, engine: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """After one lease two requests at once may go, no more; the engine that is back knows of them."""
    sandbox.script(*[Fault.slow_answer(1.0)] * 6)
    async with client_of(sandbox, limits.redis(engine.url, lease=3, offline_share=2)) as client:
        await engine.kill()
        outcomes = await asyncio.gather(*(told(client, number) for number in range(6)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert sandbox.peak_in_progress == 2
        sandbox.script(Fault.slow_answer(20))
        sending = asyncio.ensure_future(told(client, 10))
        await sandbox.until(lambda: sandbox.in_progress == 1)
        await engine.start()
        while not await engine.do("KEYS", "*:members"):
            await asyncio.sleep(0.05)
        await client.aclose(drain=0)
        assert isinstance(await sending, InDoubt)
    assert "is away: this process uses its offline_share of 2" in caplog.text
    assert "is back: offline_share is not used any more" in caplog.text


async def test_a_slot_that_the_engine_does_not_know_any_more_ends_its_request(sandbox: Sandbox, engine: Valkey) -> None:
    """Another may have it: the request is cut, in doubt, cause `lease_lost`."""
    sandbox.script(Fault.slow_answer(30))
    async with client_of(sandbox, limits.redis(engine.url, lease=3)) as client:
        sending = asyncio.ensure_future(told(client))
        await sandbox.until(lambda: sandbox.requests == 1)
        (key,) = await engine.do("KEYS", "*:members")
        await engine.do("DEL", key.decode())
        outcome = await sending
    assert isinstance(outcome, InDoubt)
    assert outcome.cause.kind == "lease_lost"


async def test_a_pause_of_the_account_reaches_other_processes(engine: Valkey) -> None:
    """Two links of one account stand for two processes: what one has learned from a 429, the other hears."""
    terms = {"token": "token", "url": "https://api.wooxy.com", "loss_hold": 1.0, "answer_limit": 60.0, "account": None}
    made = [
        make_limiter(limits.redis(engine.url, lease=3, offline_share=share), share=10, clock=time, **terms)
        for share in (0, 1)
    ]
    one, other = (cast("RedisLimiter", limiter) for limiter in made)
    async with other.slot(priority="urgent"), one.slot(priority="urgent"):
        one.pause(600.0)
        await until(lambda: other.paused_for() > 500)
    await one.aclose()
    await other.aclose()


async def test_a_freed_slot_goes_to_who_waits_elsewhere_by_a_message(engine: Valkey) -> None:
    """Long before its next call, which is due in a third of the lease."""
    terms = {"token": "token", "url": "https://api.wooxy.com", "loss_hold": 1.0, "answer_limit": 60.0, "account": None}
    one, other = (
        make_limiter(limits.redis(engine.url, lease=12, offline_share=share), share=10, clock=time, **terms)
        for share in (0, 1)
    )
    async with AsyncExitStack() as held:
        for _ in range(10):
            await held.enter_async_context(one.slot(priority="urgent"))
        waits = asyncio.ensure_future(other.slot(priority="urgent").__aenter__())
        (members,) = await engine.do("KEYS", "*:members")
        while len(await engine.do("HGETALL", members.decode())) < 2:
            await asyncio.sleep(0.01)
        freed = time.monotonic()
    await waits
    assert time.monotonic() - freed < 3.9
    await one.aclose()
    await other.aclose()


async def test_a_client_that_sends_nothing_needs_no_engine(sandbox: Sandbox) -> None:
    """Its link begins with its first message."""
    async with client_of(sandbox, "unix:///nowhere"):
        assert [thread for thread in threading.enumerate() if thread.name == "wooxy_async redis"] == []


async def test_a_limiter_that_was_made_before_a_fork_has_a_link_of_its_own(engine: Valkey) -> None:
    """What the child does first when it is there, done here before the first use."""
    terms = {"token": "token", "url": "https://api.wooxy.com", "loss_hold": 1.0, "answer_limit": 60.0, "account": None}
    made = make_limiter(limits.redis(engine.url, lease=3), share=10, clock=time, **terms)
    cast("RedisLimiter", made).account.start_anew()
    async with made.slot(priority="urgent") as lease:
        assert lease.holds()
    await made.aclose()


async def test_who_is_cut_off_for_a_moment_goes_on(sandbox: Sandbox, engine: Valkey) -> None:
    """Over TCP and a relay that cuts: the next message finds a new connection."""
    async with relay(engine) as between, client_of(sandbox, f"redis://127.0.0.1:{between.port}") as client:
        assert isinstance(await told(client), Accepted)
        before = between.connections
        between.abort()
        await until(lambda: between.connections >= before + 2)
        assert isinstance(await told(client, 1), Accepted)


async def test_who_does_not_hear_any_more_connects_anew(sandbox: Sandbox, engine: Valkey) -> None:
    """The engine ends the connection by which the grants of others come, and no other: both are made anew."""
    async with relay(engine) as between, client_of(sandbox, f"redis://127.0.0.1:{between.port}") as client:
        assert isinstance(await told(client), Accepted)
        before = between.connections
        assert await engine.do("CLIENT", "KILL", "TYPE", "pubsub") == 1
        await until(lambda: between.connections >= before + 2)
        assert isinstance(await told(client, 1), Accepted)


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ("", "has version 0: Redis 6.2 or newer, or Valkey, is needed"),
        ("redis_version:6.0.16\r\nredis_mode:standalone\r\n", "has version 6.0.16"),
        ("redis_version:unknown\r\n", "does not answer"),
    ],
)
async def test_what_is_no_such_server_is_refused_by_name(sandbox: Sandbox, info: str, text: str) -> None:
    """By its version, where it says one; whatever else is wrong with it, nobody waits for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while line := await reader.readline():
                words = [(await reader.readexactly(await size(reader) + 2))[:-2] for _ in range(int(line[1:]))]
                said = f"${len(info)}\r\n{info}\r\n" if words[0] == b"INFO" else "+OK\r\n"
                writer.write(said.encode())

    async def size(reader: asyncio.StreamReader) -> int:
        return int((await reader.readline())[1:])

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert text in await reason(sandbox, limits.redis(f"redis://127.0.0.1:{port}", lease=3))


async def test_a_deadline_and_a_cancellation_give_their_wish_up(sandbox: Sandbox, engine: Valkey) -> None:
    """Whoever does not wait any more is granted nothing: ten slots are free for others."""
    async with client_of(sandbox, limits.redis(engine.url, lease=3)) as client:
        assert (await told(client, timeout=0.2)).cause.kind == "no_slot"  # type: ignore[union-attr]
        waits = [asyncio.ensure_future(client.send(message(number))) for number in range(30)]
        await asyncio.sleep(0)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        outcomes = [outcome async for outcome in client.send_many(messages(20))]
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert (sandbox.taken, sandbox.violations) == (20, 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_slots_of_a_closed_loop_come_back(sandbox: Sandbox, engine: Valkey) -> None:
    """A program that leaves its loop without closing its client: the link finds out, and cuts its connections."""
    sandbox.script(*[Fault.slow_answer(30)] * 10)
    limiter, left, home = limits.redis(engine.url, lease=3), [], asyncio.get_running_loop()
    out = asyncio.Event()

    async def begin() -> None:
        client = client_of(sandbox, limiter, loss_hold=1.5)  # more than the grace of the server
        left.extend((client, [asyncio.ensure_future(client.send(message(number))) for number in range(10)]))
        while client.statistics().borrowed < 10:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(asyncio.run_coroutine_threadsafe(out.wait(), home).result)

    def leave() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin())
        loop.close()

    leaving = asyncio.ensure_future(asyncio.to_thread(leave))
    await sandbox.until(lambda: sandbox.in_progress == 10)
    out.set()
    await leaving
    async with client_of(sandbox, limiter, loss_hold=1.5) as client:
        assert isinstance(await told(client, 20), Accepted)
        await sandbox.until(lambda: sandbox.in_progress == 0)
        await left[0].aclose()
    left.clear()
    gc.collect()
    assert (sandbox.peak_in_progress, sandbox.violations) == (10, 0)


def test_without_the_extra_the_error_names_it() -> None:
    """Who says redis:// without redis-py reads what to install."""
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from wooxy_async import WooxyClient\n"
        "try: WooxyClient('token', limiter='redis://user:the-password-of-the-engine@localhost')\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == (
        "limits.redis('redis://localhost:6379/0') needs the extra: pip install \"wooxy-async[redis]\"."
    )


def test_without_the_extra_nothing_of_it_is_missed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice itself needs none of it."""
    monkeypatch.setitem(sys.modules, "wooxy_async.limits._redis", None)
    choice = limits.redis("unix:///run/engine.sock")
    with pytest.raises(ValueError, match=r"wooxy-async\[redis\]"):
        WooxyClient("token", limiter=choice)


def test_what_is_wrong_with_an_address_is_said_without_it() -> None:
    """A password may stand in it."""
    wrong = [
        "rediss://:secret-word@host/zero",
        "redis://:secret-word@",
        "redis://:secret-word@host:99999",
        "redis://:secret-word@localhost:0",
        "unix://secret-word",
        "redis://:secret-word@localhost/0#x",
        "unix:///path?db=1&secret-word=2",
    ]
    for url in wrong:
        with pytest.raises(ValueError, match=r"limits\.redis takes") as caught:
            limits.redis(url)
        assert "secret-word" not in str(caught.value)
    with pytest.raises(ValueError, match="another address") as caught:
        WooxyClient("token", limiter="reddiss://:secret-word@host")
    assert "secret-word" not in str(caught.value)
    with pytest.raises(TypeError, match="as a text, not int"):
        limits.redis(7)  # type: ignore[arg-type]


def test_another_machine_is_reached_by_tls_or_by_leave() -> None:
    """Passwords and grants would travel unencrypted."""
    with pytest.raises(ValueError, match="must use rediss://"):
        limits.redis("redis://engine.example")
    assert repr(limits.redis("redis://engine.example", allow_plain=True)) == (
        "limits.redis('redis://engine.example:6379/0')"
    )
    assert limits.redis("rediss://[2001:db8::1]:7/3").name == "rediss://[2001:db8::1]:7/3"
    assert limits.redis("unix:///run/engine.sock?db=2").name == "unix:///run/engine.sock?db=2"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"prefix": ""}, "prefix must be 1 to 64"),
        ({"prefix": "a b"}, "prefix must be 1 to 64"),
        ({"lease": 2.9}, "lease must be"),
        ({"offline_share": 11}, "offline_share must be"),
        ({"ca_file": "ca.pem"}, "ca_file goes with rediss://"),
    ],
)
def test_each_option_is_checked(options: dict[str, Any], text: str) -> None:
    """And named."""
    with pytest.raises(ValueError, match=text):
        RedisLimits("redis://localhost", **options)


async def test_the_smallest_share_of_bulk_counts_among_the_clients_of_a_process(
    sandbox: Sandbox, engine: Valkey
) -> None:
    """As long as its client is open."""
    choice = limits.redis(engine.url)
    async with client_of(sandbox, choice, max_bulk=7) as first:
        slots = cast("RedisLimiter", first._session.limiter)._slots
        async with client_of(sandbox, choice, max_bulk=2):
            assert slots.max_bulk == 2
        assert slots.max_bulk == 7
    assert slots.max_bulk == 10
