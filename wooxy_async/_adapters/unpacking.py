"""Answers that are packed, though nobody asked for it: what they hold, within a bound."""

from __future__ import annotations

import zlib
from typing import Final

# What zlib's `wbits` may be for an encoding. "deflate" means zlib's form, and many servers send it without its head.
_GZIP: Final = (16 + zlib.MAX_WBITS,)
_FORMS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Return what a packed body holds.

    Args:
        body: a whole body.
        encoding: its Content-Encoding, in any case.
        most: bytes that it may hold.

    Returns:
        What it holds, cut one byte after the bound; the body as it is where it is packed in another way, or not at all.
    """
    for form in _FORMS.get(encoding.strip().lower(), ()):
        try:
            return _inflated(body, form, most)
        except zlib.error:
            continue
    return body


def _inflated(body: bytes, form: int, most: int) -> bytes:
    """Unpack a body of one or more parts; each says itself where it ends.

    Raises:
        zlib.error: it is packed in another form, broken, or ends too early.
    """
    found = b""
    while body and len(found) <= most:
        part = zlib.decompressobj(form)
        found += part.decompress(body, most + 1 - len(found))
        if not part.eof and len(found) <= most:
            raise zlib.error("it ends too early")
        body = part.unused_data
    return found
