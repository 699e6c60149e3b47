"""What the log and the hook `on_attempt` tell of each request."""

import asyncio
import logging
import sys

import pytest
from people import message, messages

from wooxy_async import Attempt, InDoubtError, RetryPolicy, WooxyClient
from wooxy_async._rules.redaction import mask_reference
from wooxy_async.sandbox import Fault, Sandbox


async def test_one_record_per_attempt(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Each request is one debug record with its parts as attributes, and the hook gets the same."""
    attempts: list[Attempt] = []
    sandbox.script(Fault.too_many_requests(0), Fault.none(), Fault.half_answer())
    with caplog.at_level(logging.DEBUG, "wooxy_async"):
        async with WooxyClient(
            sandbox.token, base_url=sandbox.url, retry=RetryPolicy(wait_initial=0), on_attempt=attempts.append
        ) as client:
            await client.send(message(7, reference="order-17"))
            with pytest.raises(InDoubtError):
                await client.send(message(8))
    assert [(attempt.attempt, attempt.outcome, attempt.status, attempt.cause) for attempt in attempts] == [
        (1, "not_sent", 429, "throttled"),
        (2, "accepted", 200, None),
        (1, "in_doubt", None, "connection_lost"),
    ]
    assert (attempts[0].reference, attempts[0].number) == ("order-17", "…007")
    records = [record for record in caplog.records if record.name == "wooxy_async"]
    assert [record.wooxy_outcome for record in records] == ["not_sent", "accepted", "in_doubt"]  # type: ignore[attr-defined]
    assert {record.wooxy_reference for record in records} == {mask_reference("order-17"), None}  # type: ignore[attr-defined]
    assert mask_reference("order-17") in records[0].message
    assert "order-17" not in caplog.text
    assert "+1415555" not in caplog.text
    assert "Hello" not in caplog.text


@pytest.mark.parametrize("whole", [False, True])
async def test_references_are_logged_where_they_are_asked_for(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, *, whole: bool
) -> None:
    """Every record about a message, its late answer's too, shows a digest of the reference, or with the option all."""
    reference = "anna@example.org\nforged: a line"
    sandbox.script(Fault.none(), Fault.slow_answer(0.3))
    with caplog.at_level(logging.DEBUG, "wooxy_async"):
        async with WooxyClient(sandbox.token, base_url=sandbox.url, log_references=whole) as client:
            await client.send(message(reference=reference))
            late = asyncio.ensure_future(client.send(message(reference=reference)))
            await sandbox.until(lambda: sandbox.requests == 2)
            late.cancel()
    shown = [record.getMessage() for record in caplog.records if record.name == "wooxy_async"]
    assert len(shown) == 3
    assert all((repr(reference) if whole else mask_reference(reference)) in text for text in shown)
    assert whole or not any("anna" in str(vars(record)) for record in caplog.records)
    assert not any("\n" in text for text in shown)
    logged = {getattr(record, "wooxy_reference", None) for record in caplog.records} - {None}
    assert logged == {reference if whole else mask_reference(reference)}


async def test_the_hook_alone(sandbox: Sandbox) -> None:
    """The hook is called also when nobody logs."""
    attempts: list[Attempt] = []
    async with WooxyClient(sandbox.token, base_url=sandbox.url, on_attempt=attempts.append) as client:
        async for _outcome in client.send_many(messages(3)):
            pass
    assert sorted(attempt.index for attempt in attempts) == [0, 1, 2]
    assert all(attempt.elapsed > 0 for attempt in attempts)


async def test_waiting_for_a_slot_is_no_attempt(sandbox: Sandbox) -> None:
    """A message that got no slot tells of no request."""
    attempts: list[Attempt] = []
    sandbox.script(Fault.slow_answer(0.2))
    async with (
        WooxyClient(sandbox.token, base_url=sandbox.url, max_concurrency=1, on_attempt=attempts.append) as client,
        client.send_many(messages(1)) as stream,
    ):
        outcome = await anext(stream)
    assert [attempt.attempt for attempt in attempts] == [outcome.attempts]


@pytest.fixture
def quiet() -> object:
    """Give the logger its state back."""
    logger = logging.getLogger("wooxy_async")
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.usefixtures("quiet")
async def test_wooxy_log_shows_records_to_people(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With WOOXY_LOG=debug each attempt is one line on standard error, once however many clients there are."""
    monkeypatch.setenv("WOOXY_LOG", "debug")
    async with (
        WooxyClient(sandbox.token, base_url=sandbox.url) as client,
        WooxyClient(sandbox.token, base_url=sandbox.url),
    ):
        await client.send(message(reference="order-17"))
    lines = [line for line in capsys.readouterr().err.splitlines() if mask_reference("order-17") in line]
    assert len(lines) == 1
    assert "accepted, status 200" in lines[0]


def test_a_wrong_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that does not exist is an error that names the variable."""
    monkeypatch.setenv("WOOXY_LOG", "loud")
    with pytest.raises(ValueError, match="WOOXY_LOG must be one of 'debug', 'info'"):
        WooxyClient("some-token")


def test_the_logger_is_silent_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    """A warning without any configuration reaches nobody."""
    logging.getLogger("wooxy_async").warning("nobody listens")
    assert "nobody listens" not in capfd.readouterr().err
    assert sys.stderr is not None
