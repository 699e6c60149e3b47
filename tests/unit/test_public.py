"""The public packages: their names look public wherever they are shown, and travel by their public paths."""

import importlib
import inspect
import pickle
import pickletools
import pkgutil
from typing import Any, get_type_hints

import msgspec
import pytest

import wooxy_async
from wooxy_async import ViberMessage
from wooxy_async.campaigns import ReadyRow, TemplateError
from wooxy_async.limits import HostLimits, LimiterStatistics
from wooxy_async.sandbox import Delay, Violation

PACKAGES = {
    name: package
    for name in (
        "wooxy_async",
        *(found.name for found in pkgutil.walk_packages(wooxy_async.__path__, "wooxy_async.") if found.ispkg),
    )
    if "._" not in name and hasattr(package := importlib.import_module(name), "__all__")
}
PUBLIC = [
    pytest.param(package, name, id=f"{package}.{name}")
    for package, module in PACKAGES.items()
    for name in module.__all__
    if inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name))
]
MESSAGE = ViberMessage(domain="shop.example", phone_number="+14155550123", text="Hello")


def strings(pickled: bytes) -> set[str]:
    """Return the texts of a pickle: the modules and names in it are some."""
    return {argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)}


def test_the_public_packages_are_found() -> None:
    """What is tested below is every package without an underscore that lists its names."""
    assert {"wooxy_async", "wooxy_async.limits", "wooxy_async.campaigns", "wooxy_async.sandbox"} <= set(PACKAGES)


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_public_names_look_public(package: str, name: str) -> None:
    """Each public class and function says where it is public, not where it is written, and is found there."""
    value = getattr(PACKAGES[package], name)
    assert getattr(PACKAGES[value.__module__], value.__qualname__) is value
    pickled = pickle.dumps(value)
    assert strings(pickled) == {value.__module__, name}
    assert pickle.loads(pickled) is value  # noqa: S301 - our own


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_public_names_are_explained(package: str, name: str) -> None:
    """Each public class and function has a docstring of its own, and annotations whose every name is known."""
    value = getattr(PACKAGES[package], name)
    assert value.__doc__
    assert not inspect.isclass(value) or value.__doc__ != value.__mro__[1].__doc__
    get_type_hints(value)
    if hasattr(value, "__struct_fields__"):
        msgspec.json.schema_components([value], schema_hook=lambda _: {})


@pytest.mark.parametrize(
    "value",
    [
        MESSAGE,
        LimiterStatistics(total=10, borrowed=1, closed=0, waiting=0),
        HostLimits("/run/wooxy"),
        ReadyRow(row=1, message=MESSAGE),
        Delay.fixed(1),
        Violation(in_progress=11, at=0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_of_every_package_travel_by_public_paths(value: Any) -> None:
    """A record's pickle names no private module, and gives an equal record."""
    pickled = pickle.dumps(value)
    assert not [text for text in strings(pickled) if text.startswith("wooxy_async") and "._" in text]
    assert pickle.loads(pickled) == value  # noqa: S301 - our own


def test_exceptions_travel_by_public_paths() -> None:
    """An exception's pickle names no private module, and gives the same text."""
    error = TemplateError("text", "{{nmae}} is no column.")
    pickled = pickle.dumps(error)
    assert "wooxy_async.campaigns" in strings(pickled)
    assert str(pickle.loads(pickled)) == str(error)  # noqa: S301 - our own


@pytest.mark.parametrize(
    "name", [name for name in wooxy_async.__all__ if hasattr(getattr(wooxy_async, name), "__struct_fields__")]
)
def test_public_records_are_frozen_and_take_keywords_only(name: str) -> None:
    """What users hold cannot change under them, and a new field never shifts another."""
    record = getattr(wooxy_async, name)
    assert record.__struct_config__.frozen
    assert {field.kind for field in inspect.signature(record).parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
