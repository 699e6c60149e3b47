"""Whatever people write into their files comes out again, and templates put in nothing else."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
from hypothesis import given, strategies as st

from wooxy_async.campaigns import Contact, Contacts, Template

# Texts of UTF-8 files: no lone surrogates, no NUL, and no blanks around, which are not kept.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(str.strip)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0{}"), min_size=1).map(str.strip).filter(bool)
COLUMNS = st.lists(NAMES, min_size=1, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Draw a header and rows of as many cells."""
    columns = draw(COLUMNS)
    cells = st.lists(TEXTS, min_size=len(columns), max_size=len(columns))
    return columns, draw(st.lists(cells, max_size=5))


def _read(content: bytes, name: str, number_column: str) -> list[list[str]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        contacts = list(Contacts(path, number_column=number_column))
    rows = [row for row in contacts if isinstance(row, Contact)]
    assert [row.row for row in rows] == list(range(1, len(contacts) + 1))
    return [list(row.values.values()) for row in rows]


@given(tables(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_written_as_csv_is_read_back(
    table: tuple[list[str], list[list[str]]], line_end: Literal["\n", "\r\n"], with_mark: bool
) -> None:
    """Quotes, delimiters, line breaks and any script survive, with and without a byte-order mark."""
    columns, rows = table
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows([columns, *rows])
    content = text.getvalue().encode("utf-8-sig" if with_mark else "utf-8")
    assert _read(content, "contacts.csv", columns[0]) == rows


@given(tables())
def test_what_is_written_as_json_lines_is_read_back(table: tuple[list[str], list[list[str]]]) -> None:
    """Each object becomes the contact that it was."""
    columns, rows = table
    lines = [msgspec.json.encode(dict(zip(columns, row, strict=True))) for row in [[*columns], *rows]]
    assert _read(b"\n".join(lines), "contacts.jsonl", columns[0])[1:] == rows


@given(st.lists(st.tuples(TEXTS.filter(lambda text: "{{" not in text and "}}" not in text), TEXTS), max_size=5))
def test_a_template_is_its_literals_with_the_values_between(pieces: list[tuple[str, str]]) -> None:
    """Rendering gives the literals and the values in their order, and nothing else, whatever either holds."""
    values = {f"column {at}": value for at, (_, value) in enumerate(pieces)}
    literals = [literal.replace("{", "(").replace("}", ")") for literal, _ in pieces]
    source = "".join(f"{literal}{{{{{name}}}}}" for literal, name in zip(literals, values, strict=True))
    expected = "".join(literal + value for literal, value in zip(literals, values.values(), strict=True))
    assert Template(source, values).render(values) == expected
