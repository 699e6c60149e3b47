"""`wooxy send` and `wooxy sandbox`, each against the other side for real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import IO, Any

import aiohttp
import certificates
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from listening import Listener
from typer.testing import CliRunner

from wooxy_async.cli._app import app
from wooxy_async.sandbox import Fault, Sandbox


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in another thread, for servers."""
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture
def sandbox(
    portal: BlockingPortal, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    """A Wooxy that runs beside the command, and a token of one's own for it."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", f"token-{request.node.name}"[:60].translate({91: "-", 93: "-"}))
    with portal.wrap_async_context_manager(Sandbox()) as server:
        monkeypatch.setenv("WOOXY_BASE_URL", server.url)
        yield server


def send(*arguments: str, env: dict[str, str] | None = None) -> Any:
    """Run `wooxy send` in this process."""
    given = ["send", "--to", "+1 415 555 0123", "--domain", "shop.example", "--text", "Hello", *arguments]
    result = CliRunner().invoke(app, given, env={"COLUMNS": "80", "FORCE_COLOR": None, **(env or {})})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def interrupt_when(condition: Callable[[], bool]) -> None:
    """Press Ctrl-C once as soon as a condition holds."""

    def watch() -> None:
        while not condition():
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def test_an_accepted_message_ends_with_its_id(sandbox: Sandbox) -> None:
    """The person reads the id and a masked number; the server has the message as it was given."""
    result = send("--button-text", "Open", "--button-url", "https://x.example", "--sender", "Shop", "--tag", "a")
    (message,) = sandbox.messages
    assert result.exit_code == 0
    assert result.stdout == f"Accepted for …123; id: {message.id}\n"
    assert (message.number, message.text, message.sender_id, message.tags) == ("+14155550123", "Hello", "Shop", ("a",))
    assert message.button is not None


@pytest.mark.parametrize(("known", "other"), [("buttons", "button"), ("button", "buttons")])
def test_the_field_of_the_button_can_be_chosen(portal: BlockingPortal, known: Any, other: str) -> None:
    """Where Wooxy knows one of the two names alone, the button arrives under that name, and is lost under the other."""
    with portal.wrap_async_context_manager(Sandbox(token="token-of-button-field", button_field=known)) as server:
        button = ("--button-text", "Open", "--button-url", "https://x.example", "--base-url", server.url)
        for given in ((), ("--button-field", known), ("--button-field", other)):
            result = send(*button, *given, env={"WOOXY_ACCESS_TOKEN": server.token})
            assert result.exit_code == 0
        arrived = [message.button is not None for message in server.messages]
    assert arrived == [known == "buttons", True, False]


def test_a_field_of_the_button_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    """The error names the option and both values; nothing is sent."""
    result = send("--button-field", "knob")
    assert result.exit_code == 2
    assert all(word in result.stderr for word in ("--button-field", "'buttons'", "'button'"))
    assert sandbox.requests == 0


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault.error(17), 3, "Refused: Wooxy refused the message"),
        (Fault.reset_after_reading(), 4, "In doubt: The request was sent, and the connection was lost"),
        (Fault.too_many_requests(0), 5, "Not sent: "),
    ],
)
def test_what_is_not_accepted_is_told_with_what_to_do(sandbox: Sandbox, fault: Fault, code: int, said: str) -> None:
    """An exit code of its own, what happened, and whether it is safe to send again."""
    sandbox.script(fault, always=True)
    result = send()
    assert result.exit_code == code
    assert result.stderr.startswith(said)
    assert "4155550123" not in result.stdout + result.stderr


def test_an_invalid_message_names_the_options(sandbox: Sandbox) -> None:
    """All mistakes at once, by the options that they come from; nothing is sent."""
    result = send("--to", "0151 2345678", "--ttl", "5", "--button-text", "x", "--button-url", "", "--tag", "_x")
    assert result.exit_code == 2
    for option in ("--to", "--ttl", "--button-url", "--tag"):
        assert f"Error: {option}: " in result.stderr
    assert result.stderr.endswith("Nothing was sent.\n")
    assert sandbox.requests == 0


def test_json_holds_the_outcome_and_nobody(sandbox: Sandbox) -> None:
    """One object on standard output, without message and values; people read nothing there."""
    accepted = json.loads(send("--json").stdout)
    assert (accepted["outcome"], accepted["message_ids"]) == ("accepted", [sandbox.messages[0].id])
    invalid = send("--json", "--to", "0151 2345678")
    problem = json.loads(invalid.stdout)["problems"][0]
    assert problem["field"] == "phone_number"
    assert "2345678" not in invalid.stdout


def test_ctrl_c_waits_for_the_answer_that_is_on_its_way(sandbox: Sandbox) -> None:
    """A message that is out is not forgotten: the command ends with its true outcome, and with 130."""
    sandbox.script(Fault.slow_answer(0.3))
    interrupt_when(lambda: sandbox.in_progress == 1)
    result = send()
    assert result.exit_code == 130
    assert result.stdout == f"Accepted for …123; id: {sandbox.messages[0].id}\n"


def serve(*arguments: str) -> Any:
    """Run `wooxy sandbox` in this process, until it is interrupted."""
    result = CliRunner().invoke(app, ["sandbox", *arguments], env={"COLUMNS": "80", "FORCE_COLOR": None})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_an_authority_that_nobody_trusts_is_told_with_what_a_command_can_do(tmp_path: Path) -> None:
    """Not with an argument of Python's; and what it says works."""
    command = [sys.executable, "-m", "wooxy_async.cli", "send", "--domain", "d.example", "--to", "+14155550123"]
    file = tmp_path / "authority.pem"
    certificates.authority().cert_pem.write_to_path(str(file))
    listener = Listener(tls=True)
    with listener.server:
        given = {**os.environ, "WOOXY_ACCESS_TOKEN": "a-word", "WOOXY_BASE_URL": listener.server.url()}
        refused, sent = (
            subprocess.run([*command, "--text", "m"], env=env, capture_output=True, check=False, text=True)  # noqa: S603
            for env in (given, given | {"SSL_CERT_FILE": str(file)})
        )
    assert "for a private CA set SSL_CERT_FILE. The message was not taken" in refused.stderr
    assert (refused.returncode, sent.returncode) == (5, 0), sent.stderr


@pytest.mark.parametrize(
    ("option", "said"), [(("--token", "a b"), "--token must be"), (("--latency", "inf"), "--latency must be")]
)
def test_a_wrong_option_of_the_sandbox_is_named(option: tuple[str, str], said: str) -> None:
    """As it is typed."""
    result = serve(*option)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {said}")


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether somebody answers at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_sandbox_says_how_to_use_it_and_what_it_saw() -> None:
    """The banner is a set of commands that work; Ctrl-C ends it with the totals and exit code 0."""
    port = free_port()
    interrupt_when(lambda: listens(port))
    result = serve("--port", str(port), "--latency", "0")
    assert result.exit_code == 0
    for part in (
        f"listens on http://127.0.0.1:{port}",
        "export WOOXY_ACCESS_TOKEN=",
        f"export WOOXY_BASE_URL=http://127.0.0.1:{port}",
        "Ctrl-C",
    ):
        assert part in result.stdout
    assert re.search(r"messages taken +0", result.stdout)


def test_the_sandbox_tells_machines_where_it_is_and_what_it_saw() -> None:
    """The first line holds the address, the last one the counts."""
    port = free_port()
    interrupt_when(lambda: listens(port))
    url, seen = map(json.loads, serve("--port", str(port), "--json").stdout.splitlines())
    assert url == {"url": f"http://127.0.0.1:{port}"}
    assert seen["taken"] == 0


def test_a_port_that_is_taken_is_refused(sandbox: Sandbox) -> None:
    """The error names the option; the sandbox did not start."""
    result = serve("--port", sandbox.url.rpartition(":")[2])
    assert result.exit_code == 2
    assert "Error: --port: the port cannot be opened" in result.stderr
    assert result.stderr.endswith("The sandbox did not start.\n")


def test_a_token_that_is_none_is_refused() -> None:
    """The sandbox takes no token that a client could not send."""
    result = serve("--token", "")
    assert result.exit_code == 2
    assert "token" in result.stderr


def told(stdout: IO[str], last: str) -> list[str]:
    """Return the commands that are shown until a line."""
    lines = iter(stdout.readline, "")
    return [line.strip() for line in takewhile(lambda line: not line.startswith(last), lines) if line.startswith("  ")]


async def test_the_commands_of_the_banner_work() -> None:
    """A person who copies what the sandbox says sends a message to it, and sees it listed and counted."""
    command = [sys.executable, "-m", "wooxy_async.cli", "sandbox", "--port", "0", "--token", "a-word"]
    path = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(  # noqa: ASYNC220, S603 - our own command; it is read line by line
        command, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        lines = told(server.stdout, "Ctrl-C")
        typed = "\n".join(line for line in lines if not line.startswith("curl "))
        sent = subprocess.run(typed, shell=True, env=path, capture_output=True, check=False)  # noqa: ASYNC221, S602
        async with aiohttp.ClientSession() as session:
            answers = [await (await session.get(line.split()[1])).json() for line in lines if line.startswith("curl ")]
        server.send_signal(signal.SIGTERM)
        rest = server.stdout.read()
    assert (sent.returncode, server.returncode) == (0, 0), sent.stderr
    assert [line.split("=")[0] for line in lines[:2]] == ["export WOOXY_BASE_URL", "export WOOXY_ACCESS_TOKEN"]
    assert [message["text"] for message in answers[0]] == ["Hello"]
    assert answers[1]["taken"] == 1
    assert re.search(r"messages taken +1\n", re.sub(" +\n", "\n", rest))


def ask(*arguments: str) -> Any:
    """Run `wooxy account` in this process."""
    result = CliRunner().invoke(app, ["account", *arguments], env={"COLUMNS": "80", "FORCE_COLOR": None})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_account_is_shown(sandbox: Sandbox) -> None:
    """Name and balance, for people and for machines; nothing is sent."""
    assert re.search(r"account +Sandbox +\n +balance +100\.0", ask().stdout)
    assert json.loads(ask("--json").stdout) == {"name": "Sandbox", "balance": "100.0"}
    assert (sandbox.account_infos, sandbox.requests) == (2, 0)


def test_an_account_that_is_not_told_is_an_error(sandbox: Sandbox) -> None:
    """Exit code 3, and the server's words."""
    sandbox.script(Fault.error(24), method="account_info")
    result = ask()
    assert result.exit_code == 3
    assert "refused to give the account's info" in result.stderr


def test_an_account_without_a_server_was_never_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 69: nobody knows anything of the account."""
    monkeypatch.setenv("WOOXY_ACCESS_TOKEN", "a-word")
    assert ask("--base-url", f"http://127.0.0.1:{free_port()}").exit_code == 69


def test_an_interrupted_question_ends_at_once(sandbox: Sandbox) -> None:
    """Ctrl-C while the server is silent: nothing was told, exit code 130."""
    sandbox.script(Fault.no_answer(), method="account_info")
    interrupt_when(lambda: sandbox.in_progress == 1)
    result = ask()
    assert (result.exit_code, result.stdout) == (130, "")


def test_without_a_token_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and how a token is given."""
    monkeypatch.delenv("WOOXY_ACCESS_TOKEN", raising=False)
    result = ask()
    assert result.exit_code == 2
    assert "Nothing was asked." in result.stderr
