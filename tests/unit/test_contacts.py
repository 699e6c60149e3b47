"""Contacts: files as people's exports look, and what is wrong with them."""

import gc
import json
import pickle
from pathlib import Path

import pytest

from wooxy_async.campaigns import Contact, Contacts, ContactsError
from wooxy_async.campaigns._contacts import BrokenRow


def _written(folder: Path, content: str | bytes, name: str = "contacts.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _values(contacts: Contacts) -> list[dict[str, str]]:
    return [row.values for row in contacts if isinstance(row, Contact)]


def _refusal(path: Path, **options: str) -> str:
    with pytest.raises(ContactsError) as caught:
        list(Contacts(path, **options))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "phone,city\n+1,Riga\n",
        "\ufeffphone,city\r\n+1,Riga\r\n",
        "phone;city\n+1;Riga",
        "phone\tcity\r+1\tRiga\r",
        ' phone , "city"\n +1 , "Riga"\n',
        'phone,"city"\n\n+1,"Riga"\n\n',
    ],
    ids=["plain", "BOM and CRLF", "semicolons, no end", "tabs and CR", "blanks around", "empty lines"],
)
def test_one_contact_is_read_from_every_usual_form_of_csv(tmp_path: Path, content: str) -> None:
    """Delimiters, line ends, a byte-order mark and blanks around cells make no difference."""
    contacts = Contacts(_written(tmp_path, content))
    assert contacts.columns == ("phone", "city")
    assert _values(contacts) == [{"phone": "+1", "city": "Riga"}]


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    """What stands in quotes stays as it is, and rows are counted as rows, not as lines."""
    contacts = Contacts(_written(tmp_path, 'phone,city\n+1,"Kraków, ""Stare""\nMiasto"\n+2,Riga\n'))
    rows = [(row.row, row.values["city"]) for row in contacts if isinstance(row, Contact)]
    assert rows == [(1, 'Kraków, "Stare"\nMiasto'), (2, "Riga")]


def test_a_delimiter_inside_quotes_of_the_header_is_no_delimiter(tmp_path: Path) -> None:
    """The header's delimiter is counted outside of quotes only."""
    contacts = Contacts(_written(tmp_path, '"a,b,c";phone\nx;+1\n'))
    assert contacts.columns == ("a,b,c", "phone")


def test_one_column_without_a_delimiter_is_a_file_of_numbers(tmp_path: Path) -> None:
    """A file of nothing but numbers needs no delimiter."""
    assert _values(Contacts(_written(tmp_path, "phone\n+1\n+2\n"))) == [{"phone": "+1"}, {"phone": "+2"}]


@pytest.mark.parametrize(
    "name",
    ["phone", "Phone", "PHONE_NUMBER", "phoneNumber", "number", "msisdn", "Mobile", "tel", "Mobile Phone", "phone-no."],
)
def test_the_number_column_is_found_by_its_usual_names(tmp_path: Path, name: str) -> None:
    """Case, blanks, hyphens, dots and underscores do not matter."""
    contacts = Contacts(_written(tmp_path, f"name,{name}\nAnna,+1\n"))
    assert contacts.number_column == name
    assert [row.number for row in contacts if isinstance(row, Contact)] == ["+1"]


def test_the_number_column_can_be_named(tmp_path: Path) -> None:
    """A name that the caller gives is taken, and settles which of several is meant."""
    path = _written(tmp_path, "phone,whatsapp,mobile\n+1,+2,+3\n")
    assert Contacts(path, number_column="whatsapp").number_column == "whatsapp"
    assert "phone, mobile could each hold the phone number" in _refusal(path)
    assert "no column 'Whatsapp'" in _refusal(path, number_column="Whatsapp")


def test_a_row_without_a_reference_is_known_by_its_number(tmp_path: Path) -> None:
    """The reference column is taken where it holds something; else the row's number lets people find it."""
    contacts = Contacts(_written(tmp_path, "phone,Reference\n+1,order-7\n+2,\n"))
    assert [row.reference for row in contacts if isinstance(row, Contact)] == ["order-7", "row-2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty. The first line must name the columns, as in: phone,firstName"),
        ("\n\n", "is empty"),
        ("phone,name,name\n", "the header names name more than once"),
        ("city,name\nRiga,Bo\n", "no column for the phone number. Its columns are: city, name."),
        (",,\n", "Its columns are: (none)."),
        ("phone,name\n+1,Jos\u00e9\n".encode("latin-1"), "row 2 (line 2 of the file): byte 7 of the line is 0xE9"),
        ("phone,Stra\u00dfe\n".encode("latin-1"), "the header (line 1 of the file): byte 11 of the line is 0xDF"),
        ("phone,name\n+1,B\0o\n", "row 2 (line 2 of the file): a NUL byte"),
        ('phone,name\n+1,"Bo\n+2,Zoe\n', "a quote opens in line 2 and is not closed"),
        ('phone,name\n+1,"Bo\n+2,"Zoe"\n', "a quote opens in line 2 and is not closed"),
        ('"phone" x,name\n', "the header (line 1 of the file): is not well-formed CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place_and_remedy(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    """What concerns the whole file is an error before anything is sent, never a row that is lost."""
    path = _written(tmp_path, content)
    assert said in _refusal(path)
    assert str(path) in _refusal(path)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    assert _refusal(tmp_path / "none.csv").endswith("none.csv cannot be read: No such file or directory.")
    assert "is no regular file" in _refusal(tmp_path)


def test_a_file_that_the_system_does_not_let_read_is_refused(tmp_path: Path) -> None:
    """A reading that fails is told in the system's words."""
    path = tmp_path / "contacts.csv"
    path.symlink_to("/proc/self/mem")
    assert _refusal(path).endswith("cannot be read: Input/output error.")


def test_a_file_that_was_changed_in_between_is_refused(tmp_path: Path) -> None:
    """What was checked is what is sent: a file that changed is not read any further."""
    path = _written(tmp_path, "phone\n+1\n")
    contacts = Contacts(path)
    path.write_text("phone\n+1\n+2\n")
    with pytest.raises(ContactsError, match="was changed after it was checked"):
        list(contacts)
    path.unlink()
    with pytest.raises(ContactsError, match="cannot be read"):
        list(contacts)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("+1", "has 1 cells where the header has 2; put a cell"),
        ("+1,a,b", "has 3 cells where the header has 2; put a cell"),
        ('+1,"a"b', "is not well-formed CSV"),
        ('+1,"a', "is not well-formed CSV"),
        ('+1,"' + "x" * 140_000 + '"', "is not well-formed CSV (field larger than field limit"),
    ],
)
def test_a_broken_row_is_reported_and_the_others_are_read(tmp_path: Path, line: str, said: str) -> None:
    """A row that holds no contact keeps its number, and loses no other."""
    lines = ["phone,name", "+1,Bo", line] + ([] if line.endswith('"a') else ["+3,Zoe"])
    rows = list(Contacts(_written(tmp_path, "\n".join(lines))))
    broken = rows[1]
    assert isinstance(broken, BrokenRow)
    assert broken.row == 2
    assert said in broken.remedy
    assert [row.row for row in rows] == list(range(1, len(lines)))


def test_json_lines_give_the_same_contacts(tmp_path: Path) -> None:
    """One object a line; numbers, null, true, arrays and objects become text."""
    lines = (
        '{"phone": " +1 ", "n": 7, "x": 1.5, "t": true, "z": null, "l": [1], "o": {"a": "b"}}',
        "",
        '{"phone": "+2"}',
    )
    contacts = Contacts(_written(tmp_path, "\ufeff" + "\n".join(lines), "contacts.NDJSON"))
    assert contacts.columns == ("phone", "n", "x", "t", "z", "l", "o")
    assert _values(contacts) == [
        {"phone": "+1", "n": "7", "x": "1.5", "t": "true", "z": "", "l": "[1]", "o": '{"a":"b"}'},
        {"phone": "+2"},
    ]


def test_a_broken_json_line_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    """A line that is no object keeps its row number; without a number its row has an empty one."""
    deep = "[" * 100_000
    path = _written(tmp_path, f'{{"phone":"+1"}}\n[1]\n{{"phone"\n{{"x":{deep}\n{{"a":"b"}}\n', "c.jsonl")
    rows = list(Contacts(path))
    assert [type(row).__name__ for row in rows] == ["Contact", "BrokenRow", "BrokenRow", "BrokenRow", "Contact"]
    assert isinstance(rows[4], Contact)
    assert rows[4].number == ""
    assert rows[4].row == 5


def test_a_json_file_whose_first_line_is_broken_is_refused(tmp_path: Path) -> None:
    """The first line names the columns, so without it nothing is known."""
    said = _refusal(_written(tmp_path, "phone,name\n", "c.jsonl"))
    assert "row 1 (line 1 of the file): must be one JSON object on one line" in said


def test_contacts_are_read_lazily_and_again(tmp_path: Path) -> None:
    """A row is read when it is asked for, each reading starts at the first row, and no file stays open."""
    path = _written(tmp_path, "phone\n+1\n+2\n\xff")
    path.write_bytes(b"phone\n" + b"+1\n" * 100_000 + b"\xff\n")
    contacts = Contacts(path)
    for _ in range(2):
        reading = iter(contacts)
        assert isinstance(next(reading), Contact)
    with pytest.raises(ContactsError, match=r"row 100002 \(line 100002 of the file\): byte 1 of the line is 0xFF"):
        list(contacts)
    del reading
    gc.collect()


def test_what_is_printed_shows_no_person(tmp_path: Path) -> None:
    """The repr of contacts and of a contact names the file and the row, and nobody."""
    contacts = Contacts(_written(tmp_path, "phone,name\n+14155550123,Anna\n"))
    (contact,) = contacts
    assert repr(contact) == "Contact(row=1)"
    assert "Anna" not in repr(contacts)
    assert "columns=('phone', 'name')" in repr(contacts)


def test_the_errors_survive_pickling(tmp_path: Path) -> None:
    """An error that crosses a process says the same there."""
    with pytest.raises(ContactsError) as caught:
        Contacts(tmp_path / "none.csv")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own pickle


def test_json_values_are_those_of_the_json_module(tmp_path: Path) -> None:
    """Escapes and characters beyond ASCII arrive as they were meant."""
    path = _written(tmp_path, json.dumps({"phone": "+1", "name": "გიორგი 🎉 \n"}) + "\n", "c.jsonl")
    assert _values(Contacts(path)) == [{"phone": "+1", "name": "გიორგი 🎉"}]
