"""The same contacts come out of every form that people have them in, from a path and from standard input."""

import gzip
import io
import json
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from spreadsheets import DATA, FORMS, as_csv, as_excel, as_json, as_json_lines, forms, rezipped, shared_rows

from wooxy_async.campaigns import Campaign, Contact, Contacts, ContactsError, ReadyRow, UnusableRow

EXPECTED = json.loads((DATA / "contacts.expected.json").read_text())
NAMES = [name for form in FORMS for name in (form, f"{form}.gz")]


@cache
def _forms() -> dict[str, tuple[bytes, str | None]]:
    return forms(shared_rows())


def _judged(contacts: Contacts) -> dict[str, Any]:
    rows = list(Campaign(contacts, domain="shop.example", text="Hi {{firstName}}").rows())
    unusable = [row for row in rows if isinstance(row, UnusableRow)]
    plan = Campaign(contacts, domain="shop.example", text="Hi").plan()
    return {
        "rows": len(rows),
        **{
            f"{kind}_rows": [row.row for row in unusable if row.kind == kind]
            for kind in ("invalid", "restricted", "duplicate")
        },
        "sendable": sum(isinstance(row, ReadyRow) for row in rows),
        "restricted_by_country": plan.restricted_by_country,
    }


def _path(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _refusal(path: Path | str, **options: str) -> str:
    with pytest.raises(ContactsError) as caught:
        list(Contacts(path, **options))
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_shared_file_is_read_from_every_form(tmp_path: Path, name: str) -> None:
    """Every form gives what the independent reading of the shared file found, and the names that it can hold."""
    content, encoding = _forms()[name]
    contacts = Contacts(_path(tmp_path, name, content), encoding=encoding)
    assert _judged(contacts) == EXPECTED
    held = encoding or "utf-8"
    names = [row[1].encode(held, "replace").decode(held) for row in shared_rows()[1:]]
    assert [row.values["firstName"] for row in contacts if isinstance(row, Contact)] == names


@pytest.mark.parametrize("name", NAMES)
def test_the_shared_file_is_read_from_standard_input(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe has no ending and cannot be read twice; what comes out is the same."""
    content, encoding = _forms()[name]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    contacts = Contacts("-", encoding=encoding)
    assert _judged(contacts) == EXPECTED
    assert stat.S_IMODE(contacts._source._spool.fileno() and _mode(contacts)) == 0o600


def _mode(contacts: Contacts) -> int:
    import os  # noqa: PLC0415

    spool = contacts._source._spool
    assert spool is not None
    return os.fstat(spool.fileno()).st_mode


def test_rows_are_named_as_the_spreadsheet_shows_them_with_the_files_line(tmp_path: Path) -> None:
    """The header and empty rows count in a spreadsheet, line breaks in quotes only in the file; `sep=` in neither."""
    path = _path(tmp_path, "c.csv", b'sep=;\r\n\r\nphone;name\r\n+1;"a\r\nb"\r\n\r\n+2;c\r\n')
    assert [(row.row, row.sheet_row, row.line) for row in Contacts(path)] == [(1, 3, 4), (2, 5, 7)]
    book = _path(tmp_path, "c.xlsx", as_excel([[], ["phone"], ["+1"], [], [None], ["+2"]]))
    assert [(row.row, row.sheet_row, row.line) for row in Contacts(book)] == [(1, 3, None), (2, 6, None)]
    array = _path(tmp_path, "c.json", b'[\n{"phone":"+1"},\n\n{"phone":"+2",\n"x":1}]\n')
    assert [(row.row, row.sheet_row, row.line) for row in Contacts(array)] == [(1, 1, 2), (2, 2, 4)]
    lines = _path(tmp_path, "c.jsonl", b'\n{"phone":"+1"}\n\n{"phone":"+2"}\n')
    assert [(row.row, row.sheet_row, row.line) for row in Contacts(lines)] == [(1, 1, 2), (2, 2, 4)]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=;\r"])
def test_a_line_that_says_the_delimiter_is_obeyed(tmp_path: Path, first: str) -> None:
    """Excel writes and reads `sep=;`; commas in the header do not outvote it."""
    path = _path(tmp_path, "c.csv", f"{first}phone;a,b,c\n+1;x\n".encode())
    assert Contacts(path).columns == ("phone", "a,b,c")


def test_a_bar_is_a_delimiter(tmp_path: Path) -> None:
    """Exports of databases have bars."""
    assert Contacts(_path(tmp_path, "c.txt", b"phone|name\n+1|Bo\n")).columns == ("phone", "name")


def test_json_is_told_from_csv_by_its_first_character_where_no_ending_says_so(tmp_path: Path) -> None:
    """A pipe and an odd name are no obstacle; `.csv` is believed."""
    assert len(list(Contacts(_path(tmp_path, "a", b'{"phone":"+1"}\n{"phone":"+2"}\n')))) == 2
    assert len(list(Contacts(_path(tmp_path, "b.dat", b' [{"phone":"+1"},{"phone":"+2"}]')))) == 2
    assert Contacts(_path(tmp_path, "c.csv", b"phone,[x\n+1,2\n")).columns == ("phone", "[x")


def test_number_cells_of_a_spreadsheet_are_the_numbers_that_they_were(tmp_path: Path) -> None:
    """What is shown as 4.9E+12 is read whole; other values are as they print."""
    rows = [["phone", "a", "b", "c"], [4915112345678, 1.5, True, None], [4915112345678.0, 1e300, "x ", "y"]]
    contacts = Contacts(_path(tmp_path, "c.xlsx", as_excel(rows)))
    assert [list(row.values.values()) for row in contacts if isinstance(row, Contact)] == [
        ["4915112345678", "1.5", "TRUE", ""],
        ["4915112345678", "1e+300", "x", "y"],
    ]
    content = rezipped(
        as_excel(rows), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"4915112345678", b"4.915112345678E12")
    )
    again = Contacts(_path(tmp_path, "d.xlsx", content))
    assert [row.number for row in again if isinstance(row, Contact)] == ["4915112345678"] * 2


def test_the_value_of_a_formula_is_named_as_such(tmp_path: Path) -> None:
    """A workbook keeps what a formula gave when it was saved, and may keep nothing."""
    book = as_excel([["phone", "name"], ["+1", "=A2"], ["+2", "=A3"], ["+3", "Bo"]])
    saved = rezipped(
        book,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<f>A2</f><v />", b"<f>A2</f><v>17</v>").replace(
            b"<f>A2</f><v/>", b"<f>A2</f><v>17</v>"
        ),
    )
    contacts = Contacts(_path(tmp_path, "c.xlsx", saved))
    rows = [row for row in contacts if isinstance(row, Contact)]
    assert [(row.values["name"], row.formulas) for row in rows] == [("17", ("name",)), ("", ("name",)), ("Bo", ())]


def test_a_workbook_with_several_sheets_asks_which(tmp_path: Path) -> None:
    """Empty sheets do not matter; between two that hold something nobody chooses but the caller."""
    path = _path(tmp_path, "c.xlsx", as_excel([["phone"], ["+1"]], Sheet2=[], Sheet3=[[None]]))
    assert len(list(Contacts(path))) == 1
    both = _path(tmp_path, "d.xlsx", as_excel([["phone"], ["+1"]], Old=[["phone"], ["+2"]]))
    assert "has several sheets: Contacts, Old. Say which it is with sheet=" in _refusal(both)
    assert [row.number for row in Contacts(both, sheet="Old") if isinstance(row, Contact)] == ["+2"]
    assert "has no sheet 'New'. Its sheets are: Contacts, Old." in _refusal(both, sheet="New")
    assert "is empty. The first row must name" in _refusal(_path(tmp_path, "e.xlsx", as_excel([])))


def test_a_row_that_is_too_long_for_its_header_is_broken_in_a_spreadsheet_too(tmp_path: Path) -> None:
    """What stands beside the table has no name."""
    rows = list(Contacts(_path(tmp_path, "c.xlsx", as_excel([["phone", "n"], ["+1", "a", "b"], ["+2"]]))))
    assert [type(row).__name__ for row in rows] == ["BrokenRow", "Contact"]


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without openpyxl a workbook is refused with what to install, and everything else is read."""
    path = _path(tmp_path, "c.xlsx", as_excel([["phone"], ["+1"]]))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert 'pip install "wooxy-async[xlsx]"; or save it as CSV UTF-8.' in _refusal(path)
    assert len(list(Contacts(_path(tmp_path, "c.csv", b"phone\n+1\n")))) == 1


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Rows that nobody has checked are never handed out, wherever the reading stands."""
    path = _path(tmp_path, "c.csv", b"phone\n" + b"+14155550123\n" * 100_000)
    reading = iter(Contacts(path))
    next(reading)
    with path.open("ab") as file:
        file.write(b"+14155550199\n")
    with pytest.raises(ContactsError, match="was changed after it was checked"):
        list(reading)


def test_a_file_that_is_replaced_while_it_is_read_stays_what_was_checked(tmp_path: Path) -> None:
    """A new file under the same name is another file: the open one is read to its end."""
    path = _path(tmp_path, "c.csv", b"phone\n+1\n+2\n")
    reading = iter(Contacts(path))
    next(reading)
    _path(tmp_path, "new.csv", b"phone\n+3\n+4\n+5\n").replace(path)
    assert [row.number for row in reading if isinstance(row, Contact)] == ["+2"]
    path.unlink()


@pytest.mark.parametrize("name", ["Telefon", "Handy", "Телефон", "recipient", "Номер телефона", "Teléfono", "Viber"])
def test_the_number_column_is_found_in_the_languages_of_those_who_send(tmp_path: Path, name: str) -> None:
    """Exports have headers of their country."""
    assert Contacts(_path(tmp_path, "c.csv", f"Name;{name}\nBo;+1\n".encode())).number_column == name


def test_columns_that_may_hold_the_number_come_with_samples(tmp_path: Path) -> None:
    """Where no name is usual, the columns that look like numbers are shown, masked; naming one works."""
    rows = [["Kunde", "Kontakt", "Plz"], ["Bo", "+14155550123", "10115"], ["Zoe", "0049 151 2345678", ""]]
    path = _path(tmp_path, "c.csv", as_csv(rows))
    with pytest.raises(ContactsError, match="Numbers seem to stand in: Kontakt") as caught:
        Contacts(path)
    (samples,) = (getattr(caught.value, "samples", {}),)
    assert list(samples) == ["Kontakt"]
    assert "+14155550123" not in str(samples)
    assert samples["Kontakt"][0].endswith("23")
    assert len(list(Contacts(path, number_column="Kontakt"))) == 2


def test_several_usual_names_come_with_samples(tmp_path: Path) -> None:
    """A person sees which of them is filled."""
    path = _path(tmp_path, "c.csv", b"phone,mobile\n,+14155550123\n")
    with pytest.raises(ContactsError, match="phone, mobile could each hold") as caught:
        Contacts(path)
    assert list(getattr(caught.value, "samples", {})) == ["phone", "mobile"]


def test_another_encoding_is_shown_with_what_candidates_make_of_the_names(tmp_path: Path) -> None:
    """Nobody but a person knows Олена from Îëåíà; the one that is chosen is read."""
    path = _path(tmp_path, "c.csv", "phone;name\n+1;Олена\n+2;Київ\n".encode("windows-1251"))
    with pytest.raises(ContactsError, match="or say what it is with encoding=") as caught:
        list(Contacts(path))
    samples = getattr(caught.value, "samples", {})
    assert samples["windows-1251"] == ("Олена", "Київ")
    assert samples["windows-1252"] == ("Îëåíà", "Êè")
    assert "Олена" not in str(caught.value)
    names = [row.values["name"] for row in Contacts(path, encoding="windows-1251") if isinstance(row, Contact)]
    assert names == ["Олена", "Київ"]


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A wrong word, a wrong encoding and a mixture end in a sentence, not in letters that nobody wrote."""
    path = _path(tmp_path, "c.csv", b"phone,name\n+1,\x81\n")
    assert "encoding='klingon' is no encoding of text." in _refusal(path, encoding="klingon")
    assert "encoding='base64' is no encoding of text." in _refusal(path, encoding="base64")
    assert "somewhere after line 0 stands what is not cp1252" in _refusal(path, encoding="windows-1252")
    assert "The file mixes encodings" in _refusal(path, encoding="utf-8")
    odd = _path(tmp_path, "d.csv", "phone,name\n+1,a\n".encode("utf-16") + b"\n")
    assert "stands what is not utf-16" in _refusal(odd)


def test_what_no_candidate_can_read_has_no_samples(tmp_path: Path) -> None:
    """A place without letters gives nobody anything to look at."""
    said = _refusal(_path(tmp_path, "c.csv", b"phone,name\n+1,\xa0\n"))
    assert said.endswith("or say what it is with encoding=…")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"phone":"+1"} {"phone":"+2"}]', "in the JSON array ']' is missing: '{' stands there"),
        (b'[{"phone":"+1"},', "holds objects, as in"),
        (b'[{"phone":"+1"},7]', "holds objects, as in"),
        (b'[{"phone":"+1"}', "']' is missing: the file ends"),
        (b'[{"phone":"+1"}] []', "the JSON array is over, and more stands behind it"),
        (b'[{"phone":"+1"},{"phone":+2}' + b" " * 99, "row 2 (line 1 of the file): is not well-formed JSON"),
        (b'[{"phone":"+1"},{"phone":"+2', "row 2 (line 1 of the file): is not well-formed JSON"),
        (b'[{"phone":"+1"},{"x":' + b"[" * 200_000 + b"]", "the object is nested too deep"),
        (b'[{"phone":"+1"},{"x":"' + b"y" * 5_000_000, "the row has more than 4,194,304 characters"),
        (b"[]", "is empty. The first line must name the columns"),
        (b"[7]", "']' is missing: '7' stands there"),
    ],
)
def test_a_json_array_that_is_none_is_refused_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    """Behind a mistake in an array nobody can say where the next object begins."""
    assert said in _refusal(_path(tmp_path, "c.json", content))


def test_an_object_of_an_array_may_be_longer_than_a_piece(tmp_path: Path) -> None:
    """Objects are put together from the pieces that are read, numbers of any length as they stand."""
    name = "x" * 200_000
    path = _path(tmp_path, "c.json", f'[{{"phone":"+1","name":"{name}"}},{{"phone":{"9" * 300}}}]'.encode())
    first, second = Contacts(path)
    assert isinstance(first, Contact)
    assert first.values["name"] == name
    assert isinstance(second, Contact)


def test_gzip_that_is_none_is_refused(tmp_path: Path) -> None:
    """A cut, a damaged and a false gzip file each end in a sentence."""
    whole = gzip.compress(as_csv([["phone"], *[[f"+1415555{at:04}"] for at in range(5000)]]))
    assert "is not a whole gzip file" in _refusal(_path(tmp_path, "a.csv.gz", whole[:-100]))
    assert "is not a whole gzip file" in _refusal(_path(tmp_path, "b.csv.gz", whole[:200] + b"\0" * 50 + whole[250:]))
    assert "is not a whole gzip file" in _refusal(_path(tmp_path, "c.csv.gz", b"\x1f\x8bphone\n+1\n"))
    assert len(list(Contacts(_path(tmp_path, "d.csv.gz", b"phone\n+1\n")))) == 1


def test_standard_input_that_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that breaks is told in the system's words."""

    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            del buffer
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Broken())))
    assert "standard input cannot be kept for reading (Input/output error)." in _refusal("-")


def test_json_and_json_lines_agree() -> None:
    """Both writers of this test wrote the same rows."""
    rows = shared_rows()
    assert json.loads(as_json(rows)) == [json.loads(line) for line in as_json_lines(rows).splitlines()]
