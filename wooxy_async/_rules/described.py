"""Records as FastAPI's body and return types, described in OpenAPI; pydantic is not imported before it asks."""

# Annotations are evaluated here: as strings msgspec would look them up in `wooxy_async`, the public `__module__`.

import importlib
import inspect
import re
from functools import partial
from typing import Any, Final

import msgspec

_ENTRY: Final = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)
_SECTION: Final = re.compile(r"\n\n(?:Args|Raises|Source):\n")


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A record that pydantic reads and writes as msgspec does, with what its docstring says of its fields."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Return how pydantic reads and writes this class."""
        core = importlib.import_module("pydantic_core.core_schema")
        return core.no_info_plain_validator_function(
            partial(_read, cls),
            serialization=core.plain_serializer_function_ser_schema(msgspec.to_builtins),
            ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """Return the JSON schema of this class, whole: what a reference leads to depends on who asks."""
        return json_schema(cls)


def _read(kind: type[msgspec.Struct], value: object) -> msgspec.Struct:
    if isinstance(value, kind):
        return value
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:  # names the field and the type, and not the value
        raise ValueError(str(error)) from None


def json_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a record, without references, each field with the words of its docstring."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    inherited = "\n".join(str(inspect.getdoc(base)) for base in kind.__mro__ if issubclass(base, Described))
    described = {name: _described(part, inherited if name == kind.__name__ else "") for name, part in parts.items()}
    whole: dict[str, Any] = _inlined(schema, described)
    return whole


def _described(part: dict[str, Any], inherited: str) -> dict[str, Any]:
    """Return the schema of a class with its docstring in two: what it is, and what its fields are."""
    documented = inspect.cleandoc(part.get("description", ""))
    about = {
        name: " ".join(text.split())
        for names, text in _ENTRY.findall(f"{documented}\n{inherited}")
        for name in names.split(", ")
    }
    fields = {name: {**field, **_description(about.get(name))} for name, field in part.get("properties", {}).items()}
    return {
        **part,
        "description": _SECTION.split(documented)[0],
        **({"properties": fields} if fields else {}),
    }


def _description(text: str | None) -> dict[str, str]:
    return {} if text is None else {"description": text}


def _inlined(schema: Any, parts: dict[str, dict[str, Any]]) -> Any:
    """Return a schema with each reference replaced by what it leads to; no record holds one of its own kind."""
    if isinstance(schema, list):
        return [_inlined(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    merged = {**parts[schema["$ref"]], **schema} if "$ref" in schema else schema
    return {name: _inlined(value, parts) for name, value in merged.items() if name != "$ref"}
