"""The token stays secret: nothing that comes out of a run holds it, or 12 characters of it, in any usual encoding."""

import asyncio
import base64
import copy
import html
import inspect
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from people import message
from showing import chain, own_frames, spellings, texts, tracebacks

from wooxy_async import (
    AuthenticationError,
    InDoubtError,
    NotSentError,
    Outcome,
    RejectedError,
    RetryPolicy,
    WooxyClient,
    WooxyError,
)
from wooxy_async.limits import ProcessLimiter
from wooxy_async.sandbox import Fault, Sandbox

LONG_TOKEN = "".join(f"{at * 7919 % 9973:04}-" for at in range(1, 30))  # longer than what rich shows of a string
ELSEWHERE = "another-secret-of-the-environment"
TOKEN = "kZ7/q+Wm=2x&<Tq9>vLr%40bHs'8c"  # every character that some encoding writes in another way
PROXY_PASSWORD = "pr0xy-pa55word/with+signs"
PROXY = f"http://user:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1:1"


def assert_clean(text: str) -> None:
    """Fail where a text shows a secret."""
    lower = text.lower()
    for secret in (TOKEN, LONG_TOKEN, PROXY_PASSWORD, ELSEWHERE):
        for part in spellings(secret):
            assert part.lower() not in lower, f"{part!r} shows"


def without_own_frames(error: BaseException) -> BaseException:
    """Return an exception as the library let it go: this file's own frames hold the token by right."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return error.with_traceback(frames)


def everything(error: BaseException) -> str:
    """Return all that programs write of an exception: texts, pickles, tracebacks with the locals of every frame."""
    error = without_own_frames(error)
    told = [str(error), repr(error), repr(vars(error)), repr(error.args), tracebacks(error)]
    told += traceback.format_exception(error)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        told.append(pickle.dumps(error, protocol).decode("latin-1"))
    return "\n".join(told)


def echoes() -> list[Fault]:
    """Answers that repeat the token in every spelling, under several statuses."""
    said = " ".join([TOKEN, quote(TOKEN, safe=""), html.escape(TOKEN), base64.b64encode(TOKEN.encode()).decode()])
    faults = [Fault.error(number) for number in range(1, 27)]
    for status in (200, 301, 400, 401, 403, 404, 408, 418, 429, 500, 502):
        headers = {"X-Token": quote(TOKEN), "Location": f"http://127.0.0.1:1/?{quote(TOKEN)}", "Retry-After": "0"}
        faults += [
            Fault.reply(status, json.dumps({"result": False, "errors": [said, f"denied {TOKEN}"]}).encode()),
            Fault.reply(status, json.dumps({"result": True, "viber_message_ids": [TOKEN, said]}).encode()),
            Fault.reply(status, f"<html>{said}</html>".encode(), headers=headers),
        ]
    return [*faults, Fault.reset_after_reading(), Fault.half_answer(), Fault.close_after_reading(), Fault.not_json()]


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything that any logger says, at every level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("wooxy_async").setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("wooxy_async").setLevel(logging.NOTSET)


async def test_no_answer_makes_the_token_show(heard: io.StringIO) -> None:
    """Whatever a server echoes, no outcome, exception, log record or pickle holds it."""
    told: list[Outcome] = []
    async with Sandbox(token=TOKEN, loss_grace=0.01) as sandbox:
        client = WooxyClient(
            TOKEN,
            base_url=sandbox.url,
            retry=RetryPolicy(attempts=1, wait_max=0),
            loss_hold=0.02,
            on_outcome=told.append,
        )
        async with client:
            for fault in echoes():
                sandbox.script(fault)
                try:
                    receipt = await client.send(message(tags=("spring",), sender_id="Shop", reference="r"))
                except WooxyError as error:
                    assert_clean(everything(error))
                    assert_clean(everything(copy.copy(error)))
                else:
                    assert_clean(repr(receipt))
        assert sandbox.requests == len(echoes())
    for outcome in told:
        assert_clean(f"{outcome!r} {outcome.to_json().decode()}")
    assert_clean(f"{client!r} {client.statistics()!r} {vars(client)!r} {heard.getvalue()}")


async def test_what_fails_before_an_answer_shows_nothing(heard: io.StringIO) -> None:
    """Connections that are not made, time-outs and cancellations hold neither the token nor the proxy's password."""
    async with Sandbox(token=TOKEN) as sandbox:
        sandbox.script(Fault.slow_answer(0.2), Fault.slow_answer(0.2))
        for client in (
            WooxyClient(TOKEN, base_url="http://127.0.0.1:1", retry=RetryPolicy(attempts=1)),
            WooxyClient(TOKEN, base_url=sandbox.url, proxy=PROXY, retry=RetryPolicy(attempts=1)),
            WooxyClient(TOKEN, base_url="https://nowhere.invalid", retry=RetryPolicy(attempts=1)),
            WooxyClient(TOKEN, base_url=sandbox.url),
        ):
            async with client:
                with pytest.raises((NotSentError, InDoubtError)) as caught:
                    await client.send(message(), timeout=0.1)
                assert_clean(everything(caught.value))
                task = asyncio.ensure_future(client.send(message()))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError) as cancelled:
                    await task
                told = traceback.TracebackException.from_exception(
                    without_own_frames(cancelled.value), capture_locals=True
                )
                assert_clean("".join(told.format()))
            assert_clean(f"{client!r} {vars(client)!r} {client._settings!r}")
    assert_clean(heard.getvalue())


async def test_the_token_reaches_the_server_whole() -> None:
    """The header holds the token as it was given."""
    async with Sandbox(token=TOKEN) as sandbox, WooxyClient(TOKEN, base_url=sandbox.url) as client:
        await client.send(message())
    async with Sandbox(token="another-token") as sandbox, WooxyClient(TOKEN, base_url=sandbox.url) as client:
        with pytest.raises(AuthenticationError):
            await client.send(message())


async def test_a_redirect_is_never_followed(token: str) -> None:
    """The host that a redirect names sees no request, and so no token."""
    async with (
        Sandbox(token=token) as sandbox,
        Sandbox(token=token) as other,
        WooxyClient(token, base_url=sandbox.url) as client,
    ):
        for status in (301, 302, 303, 307, 308):
            sandbox.script(Fault.redirect(other.url + "/v3/viber/send", status))
            with pytest.raises(InDoubtError, match="redirected"):
                await client.send(message())
        assert other.requests == 0


def test_a_short_token_is_redacted_as_a_whole() -> None:
    """A token of a few characters does not blot out ordinary words."""

    async def refused() -> RejectedError:
        async with Sandbox(token="abc123") as sandbox, WooxyClient("abc123", base_url=sandbox.url) as client:
            sandbox.script(Fault.reply(400, b'{"result": false, "errors": ["abc is not abc123"]}'))
            with pytest.raises(RejectedError) as caught:
                await client.send(message())
            return caught.value

    assert asyncio.run(refused()).errors[0].text == "abc is not ***"


def test_warnings_show_no_token() -> None:
    """A client that is left open warns without its token."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        async def leave_open() -> None:
            async with Sandbox(token=TOKEN) as sandbox:
                await WooxyClient(TOKEN, base_url=sandbox.url).send(message())

        asyncio.run(leave_open())
    assert_clean("\n".join(str(warning.message) for warning in caught))


class Unspeakable:
    """A value whose own repr fails, as that of a half-made object may."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Dear:
    """A value that hides what it holds in its repr only, as pydantic's SecretStr does."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "Dear('**********')"


ARGUMENTS = tuple(inspect.signature(WooxyClient).parameters)
SHAPES: dict[str, Any] = {
    "itself": str,
    "with a line break": "{}\n".format,
    "bytes": str.encode,
    "a list": lambda secret: [secret],
    "a list of many": lambda secret: ["x" * 200, secret],
    "a mapping": lambda secret: {"token": secret},
    "hidden": Dear,
    "an address": lambda secret: f"https://user:{quote(secret, safe='')}@api.wooxy.com",
    "an address of another kind": lambda secret: f"socks5://user:{quote(secret, safe='')}@127.0.0.1:1/\n",
    "a query": "https://api.wooxy.com?token={}".format,
    "unspeakable": lambda _secret: Unspeakable(),
    "nothing": lambda _secret: None,
    "a number": lambda _secret: -(10**400),
}


def refusal(**given: Any) -> BaseException | None:
    """Return how the client refuses arguments, without this file's frames; None where it takes them."""
    try:
        WooxyClient(**given)
    except (TypeError, ValueError) as error:
        return without_own_frames(error)
    return None


def assert_unseen(error: BaseException) -> None:
    """Fail where an exception, or a frame of the library that it passed, shows a secret or holds one."""
    assert_clean(f"{error} {error!r} {tracebacks(error)}")
    for each in chain(error):
        assert_clean("\n".join(texts([each.args, vars(each)])))
    for frame in own_frames(error):
        assert_clean("\n".join(texts(dict(frame.f_locals))))


def refusals() -> Iterator[tuple[str, str, BaseException]]:
    """Yield how the client refuses each of its arguments in each shape, the others being right."""
    for token in (TOKEN, LONG_TOKEN):
        for name in ARGUMENTS:
            for shape, make in SHAPES.items():
                error = refusal(**{"access_token": token, "proxy": PROXY, name: make(token)})
                if error is not None:
                    yield name, shape, error


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that holds the token and a secret of somebody else."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("SOME_PASSWORD", ELSEWHERE)
    monkeypatch.delenv("WOOXY_BASE_URL", raising=False)
    monkeypatch.delenv("WOOXY_LOG", raising=False)
    monkeypatch.delenv("WOOXY_ONLY", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_no_refused_argument_shows_a_secret() -> None:
    """Whatever stands in place of an argument, its refusal holds no secret, in words or in the locals of a frame."""
    refused = set()
    for name, _shape, error in refusals():
        refused.add(name)
        assert_unseen(error)
    assert refused == set(ARGUMENTS)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("token", [TOKEN, LONG_TOKEN])
def test_a_token_that_is_taken_for_another_argument_is_not_repeated(token: str) -> None:
    """The words of a refusal that repeat what was given leave the token out, and name the argument."""
    for name in ("limiter", "phone_check", "button_field", "timeout", "retry", "on_outcome", "allow_http"):
        error = refusal(access_token=token, **{name: token})
        assert str(error).startswith(f"{name} must be ")
        assert "***" in str(error)
        assert_unseen(error or AssertionError("not refused"))


def test_an_argument_that_does_not_exist_shows_no_secret() -> None:
    """A misspelled argument, and one too many, are refused as Python does it, from a frame that holds neither."""
    for error in (refusal(access_token=TOKEN, proxi=PROXY), refusal(acces_token=TOKEN)):
        assert isinstance(error, TypeError)
        assert_unseen(error)


LOGIN = f"user:{quote(PROXY_PASSWORD, safe='')}"
ADDRESSES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "a proxy of another kind": ("proxy", {"proxy": f"socks5://{LOGIN}@127.0.0.1:1"}),
    "a proxy without a host": ("proxy", {"proxy": f"http://{LOGIN}@"}),
    "a proxy without a scheme": ("proxy", {"proxy": f"{LOGIN}@127.0.0.1:1"}),
    "a proxy with a wrong port": ("proxy", {"proxy": f"http://{LOGIN}@127.0.0.1:99999"}),
    "a proxy with a bracket": ("proxy", {"proxy": f"http://{LOGIN}@[::1"}),
    "a proxy with a line break": ("proxy", {"proxy": f"{PROXY}\n"}),
    "a proxy in bytes": ("proxy", {"proxy": PROXY.encode()}),
    "a proxy elsewhere": ("proxy", {"proxy": f"http://{LOGIN}@proxy.example", "base_url": "http://127.0.0.1:1"}),
    "an API with a login": ("base_url", {"base_url": f"https://{LOGIN}@api.wooxy.com"}),
    "an API with a name": ("base_url", {"base_url": f"https://{quote(PROXY_PASSWORD, safe='')}@api.wooxy.com"}),
    "an API with a wrong port": ("base_url", {"base_url": f"https://{LOGIN}@api.wooxy.com:99999"}),
    "an API with a query": ("base_url", {"base_url": f"https://api.wooxy.com?key={LOGIN}"}),
    "an API with a fragment": ("base_url", {"base_url": f"https://api.wooxy.com#{LOGIN}"}),
    "an API that is the proxy": ("base_url", {"base_url": f"ftp://{LOGIN}@127.0.0.1", "proxy": PROXY}),
}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("name", ADDRESSES)
def test_no_refused_address_shows_its_login(name: str) -> None:
    """An address that cannot be right is named, and shows neither its password nor the token."""
    argument, given = ADDRESSES[name]
    error = refusal(**given)
    assert str(error).startswith(f"{argument} must ")
    assert_unseen(error or AssertionError("not refused"))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if not isinstance(SHAPES[shape](TOKEN), str)])
def test_a_limiter_that_refuses_its_token_shows_no_secret(shape: str) -> None:
    """A limiter that a program makes by itself is given the token as well."""
    with pytest.raises(TypeError, match=r"^token must be a text") as caught:
        ProcessLimiter(SHAPES[shape](TOKEN))
    assert_unseen(without_own_frames(caught.value))


ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    "a token with a line break": {"WOOXY_ACCESS_TOKEN": f"{TOKEN}\n"},
    "a long token with a blank": {"WOOXY_ACCESS_TOKEN": f"{LONG_TOKEN} "},
    "an address with a password": {"WOOXY_BASE_URL": f"https://user:{quote(TOKEN, safe='')}@api.wooxy.com"},
    "an address that is the token": {"WOOXY_BASE_URL": TOKEN},
    "a fuse that is the token": {"WOOXY_ONLY": TOKEN},
    "a mistyped level": {"WOOXY_LOG": "debugg"},
    "a level that is the token": {"WOOXY_LOG": TOKEN},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_refused_variable_shows_a_secret(environment: pytest.MonkeyPatch, name: str) -> None:
    """A wrong variable of the environment is named, and neither it nor another is shown."""
    for variable, value in ENVIRONMENTS[name].items():
        environment.setenv(variable, value)
        error = refusal(proxy=PROXY)
        assert str(error).startswith(f"{variable} must ")
        assert_unseen(error or AssertionError("not refused"))


def test_a_refusal_keeps_what_the_caller_was_handling() -> None:
    """The exception that a caller was handling is still the context, as anywhere in Python."""
    try:
        {}["the caller's"]
    except KeyError as handled:
        with pytest.raises(TypeError) as caught:
            WooxyClient(17)  # type: ignore[arg-type]
        assert caught.value.__context__ is handled  # noqa: PT017 - of an exception raised within the block


DEVELOPMENT = """
import sys
import test_secrets
from showing import tracebacks

for name, shape, error in test_secrets.refusals():
    print(name, shape, tracebacks(error))
for _argument, given in test_secrets.ADDRESSES.values():
    print(tracebacks(test_secrets.refusal(**given)))
for variables in test_secrets.ENVIRONMENTS.values():
    test_secrets.os.environ.update(variables)
    print(tracebacks(test_secrets.refusal(proxy=test_secrets.PROXY)))
sys.exit("all of it")
"""


LEFT_OPEN = """
import asyncio
import gc
import sys
from urllib.parse import quote

import test_secrets
from aiohttp.connector import Connection
from listening import Listener
from people import message
from wooxy_async import WooxyClient

listener = Listener(tls=False)


async def leave_open() -> None:
    proxy = f"http://user:{quote(test_secrets.PROXY_PASSWORD, safe='')}@127.0.0.1:{listener.server.port}"
    client = WooxyClient(test_secrets.TOKEN, base_url="http://127.0.0.1:9", proxy=proxy)
    await client.send(message(text="m"))
    connector = client._session.transport()._connector
    ((key, rested),) = connector._conns.items()
    Connection(connector, key, rested.pop()[0], asyncio.get_running_loop())  # dropped, as with an unread response
    cut_off.append(asyncio.ensure_future(client.send(message(text="m"))))
    while len(listener.heads) < 2:
        await asyncio.sleep(0)


cut_off = []
with listener.server:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave_open())
    loop.close()
    cut_off.clear()
    del loop
    gc.collect()
assert all(test_secrets.TOKEN.encode() in head and b"Proxy-Authorization: Basic" in head for head in listener.heads)
sys.exit("all of it")
"""


def in_development_mode(program: str, warnings: str) -> subprocess.CompletedProcess[str]:
    """Run a program with `-X dev` and the secrets in its environment."""
    here = Path(__file__).parent
    paths = (here, here.parent / "support", here.parents[1])
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "WOOXY_ACCESS_TOKEN": TOKEN,
        "SOME_PASSWORD": ELSEWHERE,
    }
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-X", "dev", "-W", warnings, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("warnings", ["always", "default", "error::ResourceWarning"])
def test_development_mode_shows_no_secret_of_what_is_left_open(warnings: str) -> None:
    """What is left open behind a proxy, by us, by aiohttp or by a closed loop, warns without token and password."""
    done = in_development_mode(LEFT_OPEN, warnings)
    assert done.stderr.endswith("all of it\n")
    for told in ("<WooxyClient: open, http://127.0.0.1:9", "Unclosed connection Connection<ConnectionKey("):
        assert f"ResourceWarning: {told}" in done.stderr
    assert_clean(done.stdout + done.stderr)


def test_development_mode_shows_no_secret() -> None:
    """With `-X dev` and every warning on, refusals of all arguments print no secret either."""
    done = in_development_mode(DEVELOPMENT, "always")
    assert done.stderr.endswith("all of it\n")
    assert done.stdout.count("Traceback") > len(ARGUMENTS) * 2
    assert_clean(done.stdout + done.stderr)
