"""What programs show of an exception, and what there is to be shown: for the search for secrets."""

import base64
import html
import io
import json
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from urllib.parse import quote

from rich.console import Console
from rich.traceback import Traceback

LIBRARY = Path(__file__).parents[2] / "wooxy_async"
PART = 12  # characters of a secret that are too many


def spellings(secret: str) -> Iterator[str]:
    """Yield every part of a secret that must not show, in the encodings that servers and libraries write."""
    raw = secret.encode()
    for at in range(len(secret) - PART + 1):
        part = secret[at : at + PART]
        yield part
        yield quote(part, safe="")
        yield json.dumps(part)[1:-1]
        yield json.dumps(part)[1:-1].replace("/", "\\/")
        yield html.escape(part)
        yield part.encode().hex()
        yield "".join(f"\\u{ord(character):04x}" for character in part)
        yield "".join(f"%{ord(character):02x}" for character in part)
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + raw).decode()
        yield encoded[8:24]


def tracebacks(error: BaseException) -> str:
    """Return an exception with the locals of its frames, as the standard library and rich write it."""
    console = Console(file=io.StringIO(), width=300)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join([*told.format(), console.file.getvalue()])  # type: ignore[attr-defined]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that it came of, also what tracebacks leave out."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def own_frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames of the library in an exception and in all that it came of."""
    for each in chain(error):
        for frame, _line in traceback.walk_tb(each.__traceback__):
            if Path(frame.f_code.co_filename).is_relative_to(LIBRARY):
                yield frame


def texts(value: object, seen: set[int] | None = None) -> Iterator[str]:
    """Yield every text and every bytes that can be reached from a value by items and attributes, whatever its repr."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, ModuleType | FunctionType | type):
        return
    seen.add(id(value))
    if isinstance(value, str | bytes | bytearray):
        yield value if isinstance(value, str) else value.decode("latin-1")
    elif isinstance(value, Mapping):
        for pair in list(value.items()):
            yield from texts(pair, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from texts(item, seen)
    yield from texts(getattr(value, "__dict__", None), seen)
    for kind in type(value).__mro__:
        for name in (*getattr(kind, "__slots__", ()), *getattr(kind, "__struct_fields__", ())):
            yield from texts(getattr(value, name, None), seen)
