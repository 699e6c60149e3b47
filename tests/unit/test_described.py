"""Records as body and return types of FastAPI: read, written and described by pydantic."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from wooxy_async import AccountInfo, Attempt, Button, Outcome, Rejected, Statistics, ViberMessage
from wooxy_async.testing import accepted, in_doubt, invalid, not_sent, rejected

MESSAGE = ViberMessage(
    domain="shop.example",
    phone_number="+14155550123",
    text="Hello",
    button=Button(text="Open", url="https://shop.example"),
    tags=("a", "b"),
    not_after=datetime(2030, 1, 2, 3, 4, tzinfo=UTC),
)
BLANK = ViberMessage(domain="shop.example", phone_number="+14155550123", text="")
OUTCOMES: list[Outcome] = [
    accepted(MESSAGE),
    rejected(MESSAGE, 17),
    invalid(BLANK),
    not_sent(MESSAGE, retry_after=2.0),
    in_doubt(MESSAGE),
]


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each field of a schema and of those within it."""
    yield from schema.get("properties", {}).items()
    for part in [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("$defs", {}).values()]:
        yield from fields(part)
    if "items" in schema:
        yield from fields(schema["items"])


def test_a_message_is_read_from_json() -> None:
    """With its button, tags and time, as its own JSON says it; and a message is one already."""
    adapter = TypeAdapter(ViberMessage)
    assert adapter.validate_json(adapter.dump_json(MESSAGE)) == MESSAGE
    assert adapter.validate_python(MESSAGE) is MESSAGE


def test_what_is_no_message_is_refused_without_its_values() -> None:
    """The error names the field and what it must be."""
    with pytest.raises(ValidationError, match=r"Expected `int`, got `str` - at `\$.ttl`"):
        TypeAdapter(ViberMessage).validate_python(
            {"domain": "shop.example", "phone_number": "+14155550123", "text": "Hello", "ttl": "long"}
        )


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_is_written_as_its_own_json(outcome: Outcome) -> None:
    """As a union, where pydantic finds the right one of five by itself."""
    adapter: TypeAdapter[Outcome] = TypeAdapter(Outcome)
    assert adapter.validate_python(outcome) is outcome
    assert json.loads(adapter.dump_json(outcome)) == json.loads(outcome.to_json())


@pytest.mark.parametrize("kind", [ViberMessage, Outcome, Statistics, AccountInfo, Attempt], ids=str)
def test_each_field_is_described(kind: Any) -> None:
    """In the words of the docstring, and every reference leads somewhere; the word that names the kind needs none."""
    schema = TypeAdapter(kind).json_schema()
    assert [name for name, field in fields(schema) if "description" not in field and name != "outcome"] == []
    leading = [part["$ref"].removeprefix("#/$defs/") for part in schema.get("anyOf", [])]
    assert json.dumps(schema).count("$ref") == len(leading)
    assert set(leading) == set(schema.get("$defs", {}))


def test_units_and_ranges_are_in_the_description() -> None:
    """Those of the docstring, and the docstring's list of arguments is not in that of the class."""
    schema = TypeAdapter(ViberMessage).json_schema()
    assert schema["properties"]["ttl"]["description"].startswith("seconds that Viber tries to deliver, 1,800 ")
    assert TypeAdapter(Statistics).json_schema()["properties"]["not_sent"]["description"] == "outcomes so far."
    assert "Args" not in schema["description"]


def test_parts_have_their_own_words() -> None:
    """A field of a part is described by the part's docstring, though the whole has one of the same name."""
    schema = TypeAdapter(Rejected).json_schema()
    error = schema["properties"]["errors"]["items"]
    assert error["properties"]["text"]["description"] == "the server's words, without the token."
    assert "properties" not in error["properties"]["code"]
    assert all(isinstance(field["description"], str) for _name, field in fields(schema) if "description" in field)
    assert (
        TypeAdapter(ViberMessage)
        .json_schema()["properties"]["not_after"]["description"]
        .endswith("Wooxy, whose own limit is `ttl`.")
    )
    waited = TypeAdapter(Attempt).json_schema()["properties"]["waited"]["description"]
    assert waited == "seconds that it waited for its slot before."
