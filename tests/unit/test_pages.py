"""What pages, help and docstrings say is what the code knows: tables, ranges, defaults, exit codes, variables."""

import ast
import inspect
import math
import pydoc
import re
import time
import tomllib
from collections.abc import Callable, Iterable
from typing import Any, get_args

import pytest
import typer
from pages import GUIDE, README, ROOT, arguments, flat, section, sentences, stated_range, table
from people import COMMON, message
from typer.testing import CliRunner

import wooxy_async
from wooxy_async import (
    Accepted,
    ApiError,
    Cause,
    ErrorCode,
    NotSent,
    Outcome,
    OutcomeStream,
    Rejected,
    RejectedError,
    RetryPolicy,
    ViberMessage,
    WooxyClient,
    WooxyError,
)
from wooxy_async._client.breaker import CircuitBreaker
from wooxy_async._client.settings import DEFAULT_URL, RANGES
from wooxy_async._rules.checks import problems
from wooxy_async._rules.documented import DOCUMENTED, Scope
from wooxy_async._rules.journal import CHANGES, MEANINGS as MEANINGS_OF_STATES
from wooxy_async._rules.judgement import TABLE
from wooxy_async._rules.phones import PhoneCheck
from wooxy_async._rules.wire import ButtonField
from wooxy_async._runtime.log import _LEVELS
from wooxy_async.cli._app import app
from wooxy_async.cli._ending import MEANINGS
from wooxy_async.limits import SLOTS
from wooxy_async.limits._pace import Pace
from wooxy_async.sandbox import Sandbox

OUTCOMES = GUIDE["outcomes-and-faults"]
CONFIGURED = {
    names: (default, text) for names, default, text in table(section("Configure", GUIDE["operating"]), "argument")
}
CONFIGURED |= {f"`{name}`": row for names, row in CONFIGURED.items() for name in re.findall(r"`(\w+)`", names)}
PARAMETERS = {name: each.default for name, each in inspect.signature(WooxyClient).parameters.items()}


def shown_help(*command: str) -> str:
    """Return the help of a command."""
    result = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "80", "TERM": "dumb", "FORCE_COLOR": None})
    assert result.exit_code == 0
    return result.stdout


PAGES = {
    "README": README,
    **GUIDE,
    "package": str(wooxy_async.__doc__),
    "summary": tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["description"],
    "help": shown_help(),
    "help of run": shown_help("run"),
    "exit codes": ". ".join(text for codes in MEANINGS.values() for text in codes.values()),
    "stream": str(OutcomeStream.__doc__),
    "stream's end": str(OutcomeStream.aclose.__doc__),
    "client's end": str(WooxyClient.aclose.__doc__),
}


# The tables


@pytest.mark.parametrize("page", ["README", "outcomes-and-faults"])
def test_the_outcome_table_is_that_of_the_code(page: str) -> None:
    """Each row in its place, none more and none less."""
    told = table(section("The one table", PAGES[page]), "seen")
    assert told == [[row.seen, row.verdict.value, row.again.value] for row in TABLE]


def test_the_states_of_a_journals_row_are_those_of_the_code() -> None:
    """Each change and each state in its place, none more and none less."""
    told = section("A journal", GUIDE["campaigns"])
    assert table(told, "from") == [[each.before.value, each.after.value, each.by] for each in CHANGES]
    assert table(told, "state") == [[state.value, meaning] for state, meaning in MEANINGS_OF_STATES.items()]


def test_the_exceptions_are_those_of_the_package() -> None:
    """The table names each exception, and the subclasses of a refusal."""
    told = table(section("Exceptions", OUTCOMES), "exception")
    direct = [each.__name__ for each in WooxyError.__subclasses__()]
    assert sorted(row[0].strip("`") for row in told) == sorted(direct)
    refusal = next(row for row in told if row[0] == "`RejectedError`")
    assert set(re.findall(r"`(\w+Error)`", refusal[1])) == {each.__name__ for each in RejectedError.__subclasses__()}


def test_help_begins_with_what_people_need() -> None:
    """A message, a stream, the five outcomes, the exceptions, and where the rest stands, before any list of methods."""
    first = pydoc.plain(pydoc.render_doc(wooxy_async)).split("PACKAGE CONTENTS")[0]
    assert first.count("\n") < 60
    outcomes = [each.__name__ for each in get_args(Outcome)]
    assert [word for word in outcomes if f"- `{word}`:" not in first] == []
    errors = [each.__name__ for each in WooxyError.__subclasses__()]
    assert [word for word in errors if f"`{word}`" not in first] == []
    assert [word for word in ("client.send(", "client.send_many(", "wooxy_async/guide") if word not in first] == []


# Arguments: names, defaults, ranges


def test_every_argument_of_the_client_stands_in_the_guide_and_nothing_else() -> None:
    """The table under Configure has them all, the log and the fuse."""
    assert {name.strip("`") for name in CONFIGURED if re.fullmatch(r"`\w+`", name)} == PARAMETERS.keys()
    assert {name for name in CONFIGURED if "`" not in name} == {"the log", "the fuse"}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_guide_has_the_default_of_each_argument(name: str) -> None:
    """As `inspect.signature` has it."""
    default = PARAMETERS[name]
    written = {
        "access_token": "`WOOXY_ACCESS_TOKEN`",
        "base_url": f"`WOOXY_BASE_URL`, else `{DEFAULT_URL}`",
        "ssl": "system",
        "clock": "`time`",
        "max_concurrency": f"`WOOXY_MAX_CONCURRENCY`, else {SLOTS}",
        "max_bulk": f"`WOOXY_MAX_BULK`, else {SLOTS}",
        "account": "`WOOXY_ACCOUNT`, else none",
        "limiter": '`WOOXY_LIMITER`, else `"host"`',
        "retry": "`RetryPolicy()`",
    }
    plain = "none" if default is None else f"{default:g}" if type(default) in (int, float) else None
    quoted = f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
    assert CONFIGURED[f"`{name}`"][0] == written.get(name, plain or quoted)
    assert default == {"retry": RetryPolicy(), "clock": time}.get(name, default)


@pytest.mark.parametrize(("name", "words"), [("phone_check", PhoneCheck), ("button_field", ButtonField)])
def test_the_guide_and_the_docstring_have_the_words_of_each_choice(name: str, words: Any) -> None:
    """All of them, and no other."""
    default, text = CONFIGURED[f"`{name}`"]
    assert set(re.findall(r'"(\w+)"', default + text)) == set(get_args(words))
    assert set(re.findall(r'"(\w+)"', arguments(WooxyClient)[name])) == set(get_args(words))


def test_the_guide_has_the_fields_of_the_retry_policy() -> None:
    """Each with its default, in its order."""
    fields = inspect.signature(RetryPolicy).parameters.values()
    assert f"`{', '.join(f'{field.name}={field.default!r}' for field in fields)}`" in CONFIGURED["`retry`"][1]


@pytest.mark.parametrize(
    "documented",
    [WooxyClient, WooxyClient.send, WooxyClient.send_many, RetryPolicy, Sandbox, ViberMessage],
    ids=lambda documented: documented.__qualname__,
)
def test_docstrings_have_all_arguments(documented: Any) -> None:
    """In their order, and none that is gone."""
    names = [name for name in inspect.signature(documented).parameters if name != "self"]
    assert list(arguments(documented)) == names


def client(name: str) -> Callable[[Any], object]:
    """Return what makes a client with one argument."""
    return lambda value: WooxyClient("a-token", **{name: value})


def policy(name: str) -> Callable[[Any], object]:
    """Return what makes a policy with one argument."""
    return lambda value: RetryPolicy(**{name: value})


def sandbox(name: str) -> Callable[[Any], object]:
    """Return what makes a sandbox with one argument."""
    return lambda value: Sandbox(**{name: value})


def checked(given: ViberMessage) -> None:
    """Refuse a message that breaks a rule."""
    if found := problems(given):
        raise ValueError(found)


RANGED = ("max_concurrency", "max_bulk", "max_waiting", *RANGES)
STATED: dict[str, tuple[str, Callable[[Any], object]]] = {
    **{f"client {name}": (arguments(WooxyClient)[name], client(name)) for name in RANGED},
    **{f"guide {name}": (CONFIGURED[f"`{name}`"][1], client(name)) for name in RANGED},
    **{
        f"policy {name}": (arguments(RetryPolicy)[name], policy(name))
        for name in ("attempts", "wait_initial", "wait_max")
    },
    **{
        f"sandbox {name}": (arguments(Sandbox)[name], sandbox(name))
        for name in ("seed", "port", "keep_messages", "keep_bytes", "error_status")
    },
    "message ttl": (arguments(ViberMessage)["ttl"], lambda value: checked(message(ttl=value))),
    "message tags": (arguments(ViberMessage)["tags"], lambda value: checked(message(tags=("x" * value,)))),
    "send --ttl": (
        flat(shown_help("send").replace("│", " ")).split("How long to try, ")[1],
        lambda value: checked(message(ttl=value)),
    ),
}


@pytest.mark.parametrize("stated", STATED)
def test_a_stated_range_is_the_one_that_is_taken(stated: str) -> None:
    """Both ends are taken, and nothing beyond them."""
    text, take = STATED[stated]
    low, high = stated_range(text)
    take(low)
    take(high)
    for end, step in ((low, -1), (high, 1)):
        for value in (end + step, math.nextafter(end, step * math.inf)):
            with pytest.raises((ValueError, TypeError)):
                take(value)


def test_the_timeout_of_one_send_has_the_range_of_the_clients() -> None:
    """In its docstring, as for the client's own."""
    assert stated_range(arguments(WooxyClient.send)["timeout"]) == RANGES["timeout"]


@pytest.mark.parametrize("name", ["latency", "loss_grace", "linger", "body_timeout", "retry_after"])
def test_the_sandbox_takes_times_of_0_seconds_or_more(name: str) -> None:
    """As its docstring says of all of them."""
    assert "Times are seconds, 0 or more." in flat(str(Sandbox.__doc__))
    assert "econds" in arguments(Sandbox)[name]
    sandbox(name)(0)
    for wrong in (-1e-9, math.inf):
        with pytest.raises(ValueError, match=name):
            sandbox(name)(wrong)


def test_the_sandbox_speaks_of_the_defaults_that_there_are() -> None:
    """A slot of the client is closed for longer than the sandbox counts a request that was lost."""
    stated = re.findall(r"the client's `loss_hold` of (\d+)", arguments(Sandbox)["loss_grace"])
    assert [float(seconds) for seconds in stated] == [PARAMETERS["loss_hold"]]
    assert 0 < inspect.signature(Sandbox).parameters["loss_grace"].default < PARAMETERS["loss_hold"]


@pytest.mark.parametrize("command", ["run", "send"])
def test_the_options_of_a_command_have_the_defaults_of_the_client(command: str) -> None:
    """Where both have one."""
    options = {option.name: option.default for option in typer.main.get_group(app).commands[command].params}
    shared = options.keys() & PARAMETERS.keys() - {"base_url"}
    defaults = PARAMETERS | {"max_concurrency": SLOTS}
    assert {name: options[name] for name in shared} == {name: defaults[name] for name in shared}
    assert options["base_url"] == DEFAULT_URL
    assert len(shared) >= 2


# The command line


def test_the_guide_has_the_exit_codes_of_run() -> None:
    """Code and meaning, as the table of the code has them."""
    plain = [
        [code, text.replace("`", "")]
        for code, text in table(section("From the command line", GUIDE["campaigns"]), "exit code")
    ]
    assert plain == [[str(code.value), text] for code, text in MEANINGS["run"].items()]


@pytest.mark.parametrize("command", MEANINGS)
def test_the_help_of_each_command_lists_its_exit_codes(command: str) -> None:
    """Each with its meaning, and examples before them; those of `run` stand in the first help too."""
    pages = [shown_help(command)] + ([shown_help()] if command == "run" else [])
    for page in pages:
        said = page.split("Exit codes")[1]
        found = re.findall(r"^ +(\d+) +(.+?) *$", said, re.MULTILINE)
        assert found == [(str(code.value), text) for code, text in MEANINGS[command].items()]
    assert "Examples" in pages[0]


def test_the_readme_says_where_the_sandbox_listens_by_default() -> None:
    """Address and token, as its banner says them; any token will do."""
    (port,) = [each.default for each in typer.main.get_group(app).commands["sandbox"].params if each.name == "port"]
    assert f"export WOOXY_BASE_URL=http://127.0.0.1:{port}\nexport WOOXY_ACCESS_TOKEN=" in README


@pytest.mark.parametrize("command", [(), *([name] for name in MEANINGS)])
def test_a_flag_names_no_value(command: tuple[str, ...]) -> None:
    """Its name alone is what is typed."""
    page = shown_help(*command)
    assert "--help" in page
    assert "<bool>" not in page


def test_every_command_has_exit_codes() -> None:
    """None is forgotten in the table, and none is left in it."""
    assert MEANINGS.keys() == typer.main.get_group(app).commands.keys()


def test_the_environment_variables_are_those_that_the_code_reads() -> None:
    """Whatever name the code holds stands in the table under Configure, and nothing else."""
    read = {
        node.value
        for path in (ROOT / "wooxy_async").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch("WOOXY_[A-Z_]+", node.value)
    }
    told = {name for row in CONFIGURED.values() for name in re.findall("WOOXY_[A-Z_]+", " ".join(row))}
    assert told == read
    assert set(re.findall(r"`(\w+)`", CONFIGURED["the log"][1])) == set(_LEVELS)


# The rules of a stream

ALIKE = re.search(r"Alike are: (.*?)\.", flat(OUTCOMES)).group(1)  # type: ignore[union-attr]
IN_A_ROW = int(re.search(r"after (\d+) refusals in a row that are alike", flat(OUTCOMES)).group(1))  # type: ignore[union-attr]


def ends_after(outcomes: Iterable[Outcome]) -> int | None:
    """Return after how many outcomes a stream ends; None where it goes on."""
    breaker = CircuitBreaker(900.0, lambda: None, time, Pace(time), 60.0)
    for count, outcome in enumerate(outcomes, start=1):
        assert breaker.admit_now()
        breaker.report(outcome, outcome)
        if breaker.fatal is not None:
            return count
    return None


def refusals(code: str, *, differ: bool) -> list[Outcome]:
    """Return three times as many refusals as it takes, of one error, with one value and text or with others each."""
    numbers = range(3 * IN_A_ROW) if differ else [0] * 3 * IN_A_ROW
    errors = [ApiError(code=ErrorCode[code], text=f"no {at}", values={"id": str(at)}) for at in numbers]
    return [Rejected(errors=(error,), status=400, **COMMON) for error in errors]


def test_the_docstring_has_the_alike_rules_of_the_guide() -> None:
    """In the same words, and with the same number."""
    said = flat(str(WooxyClient.send_many.__doc__))
    assert f"Alike are: {ALIKE}." in said
    assert f"{IN_A_ROW} refusals in a row that are alike" in said


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: row.code.value)
def test_documented_errors_are_alike_as_the_guide_says(row: Any) -> None:
    """Those of the scopes that it names, with the same value; the numbers that it names, with any; others never."""
    scopes = re.search(r"the same documented error of ([\w, ]+) with the same value", ALIKE).group(1)  # type: ignore[union-attr]
    if row.scope is Scope.ACCOUNT:
        assert "on a refused account" in flat(OUTCOMES)
        assert ends_after(refusals(row.code.name, differ=False)) == 1
        return
    by_value = row.scope.name.lower() in re.split(", | or ", scopes)
    always = str(row.number) in re.findall(r"error (\d+)", ALIKE)
    assert ends_after(refusals(row.code.name, differ=False)) == (IN_A_ROW if by_value or always else None)
    assert ends_after(refusals(row.code.name, differ=True)) == (IN_A_ROW if always else None)


def test_other_refusals_are_alike_as_the_guide_says() -> None:
    """The same undocumented text, and 407; what is accepted in between begins the count anew."""
    assert ALIKE.endswith("and the same undocumented text")
    same = refusals("UNKNOWN", differ=False)
    assert ends_after(same) == IN_A_ROW
    assert ends_after(refusals("UNKNOWN", differ=True)) is None
    taken = Accepted(message_ids=(), **COMMON)
    assert ends_after([*same[: IN_A_ROW - 1], taken, *same[: IN_A_ROW - 1]]) is None
    assert "407 from the proxy" in ALIKE
    refused = NotSent(cause=Cause(kind="proxy", text="HTTP 407."), **COMMON)
    assert ends_after([refused] * 3 * IN_A_ROW) == IN_A_ROW


# Sentences that stand in several places


def test_nothing_is_promised_twice_that_a_person_may_decide() -> None:
    """The promise is kept by the client by itself, and says so."""
    said = [sentence for page in PAGES.values() for sentence in sentences(page) if "one message twice" in sentence]
    assert len(said) >= 4
    assert [sentence for sentence in said if "one message twice by itself" not in sentence] == []


@pytest.mark.parametrize(
    "page",
    [
        "operating",
        "outcomes-and-faults",
        "campaigns",
        "help of run",
        "exit codes",
        "stream",
        "stream's end",
        "client's end",
    ],
)
def test_a_wait_for_what_is_in_flight_has_its_bound(page: str) -> None:
    """Wherever a page says that an end waits, it says how long."""
    assert ends(page)


def ends(page: str) -> list[str]:
    """Return the sentences of a page that say that an end waits."""
    told = re.compile(r"\bwaits? .*in flight|gives what is in flight|what was in flight had")
    return [sentence for sentence in sentences(PAGES[page]) if told.search(sentence)]


def test_no_page_says_that_an_end_waits_without_its_bound() -> None:
    """In the same sentence."""
    bound = re.compile(rf"\b{PARAMETERS['drain']:g}\)? s(econds)?\b|seconds \({PARAMETERS['drain']:g}\)")
    assert [sentence for page in PAGES for sentence in ends(page) if not bound.search(sentence)] == []
