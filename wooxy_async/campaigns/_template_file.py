"""A message in a file: TOML with the fields of a campaign, or a plain text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from wooxy_async._rules.messages import Button
from wooxy_async.campaigns._errors import CampaignError, listed

_MOST: Final = 2**20  # bytes
_EXAMPLE: Final = 'domain = "shop.example"\ntext = "Hi {{firstName|there}}"'


class _FileButton(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    url: str


class _Columns(msgspec.Struct, forbid_unknown_fields=True, rename=lambda name: name.removesuffix("_column")):
    sender_column: str | None = None
    ttl_column: str | None = None
    device_column: str | None = None
    tags_column: str | None = None
    country_column: str | None = None


class MessageFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a template file says; what it leaves out is None.

    Args:
        domain: as in `Campaign`; so are the others.
        text: a template.
        sender_id: in the file also `sender`.
        button: a table with `text` and `url`.
        device: "all" or "phone".
        ttl: seconds.
        tags: texts.
        columns: a table that names the columns of each row's own `sender`, `ttl`, `device`, `tags` and `country`.
    """

    domain: str | None = None
    text: str | None = None
    sender_id: str | None = msgspec.field(default=None, name="sender")
    button: _FileButton | None = None
    device: str | None = None
    ttl: int | None = None
    tags: tuple[str, ...] | None = None
    columns: _Columns | None = None

    def options(self) -> dict[str, Any]:
        """Return what the file says as arguments of `Campaign`."""
        return dict(self._options())

    def _options(self) -> Iterator[tuple[str, Any]]:
        for name in ("domain", "text", "sender_id", "device", "ttl", "tags"):
            if (value := getattr(self, name)) is not None:
                yield name, value
        if self.button is not None:
            yield "button", Button(text=self.button.text, url=self.button.url)
        if self.columns is not None:
            yield from (each for each in msgspec.structs.asdict(self.columns).items() if each[1] is not None)


_KNOWN: Final = tuple(field.encode_name for field in msgspec.structs.fields(MessageFile))


def read_message_file(path: str | os.PathLike[str]) -> MessageFile:
    """Read a TOML file of a message.

    Raises:
        CampaignError: it cannot be read, is no TOML, or holds what is no field of a message.
    """
    content = _read(Path(path))
    try:
        return msgspec.toml.decode(content, type=MessageFile)
    except msgspec.ValidationError as error:
        raise CampaignError(f"{path}: {_explained(str(error))}") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise CampaignError(f"{path} is no TOML ({error}). A message looks like this:\n{_EXAMPLE}") from None


def read_text_file(path: str | os.PathLike[str]) -> str:
    """Read a text from a file; the line end at its end is none of it.

    Raises:
        CampaignError: it cannot be read, or is not UTF-8.
    """
    try:
        text = _read(Path(path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CampaignError(f"{path} is not UTF-8. Save it as UTF-8.") from None
    return text.replace("\r\n", "\n").removesuffix("\n")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except OSError as error:
        raise CampaignError(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) > _MOST:
        raise CampaignError(f"{path} has more than {_MOST:,} bytes, which no message has.")
    return content


def _explained(error: str) -> str:
    """Return the decoder's words with the field that may be meant."""
    unknown = error.partition("unknown field `")[2].partition("`")[0]
    meant = get_close_matches(unknown, _KNOWN, n=1) if unknown else []
    guess = f" Did you mean {meant[0]}?" if meant else ""
    return f"{error}.{guess} A message has: {listed(_KNOWN)}."
