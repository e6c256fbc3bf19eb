import csv

import pytest

from radtrace.errors import InputError
from radtrace.sources import tables
from radtrace.sources.tables import read_table


def rows(path, content, required=("id",)):
    path.write_bytes(content)
    return list(read_table(path, required))


def test_a_missing_column_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv: lacks the column text; columns found: 2"):
        rows(tmp_path / "t.csv", b"id,words\n1,a\n", ("id", "text"))
    with pytest.raises(InputError, match=r"t\.csv: lacks the column id; it has no header"):
        rows(tmp_path / "t.csv", b"")
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv", ())
    with pytest.raises(InputError, match=r"ends in \.csv"):
        rows(tmp_path / "t.xlsx", b"PK")


def test_a_bad_row_is_marked_and_the_others_are_read(tmp_path):
    found = rows(tmp_path / "t.csv", b"id,text\n1,fine\n2,\xff\xfe\n3\n4,a,b\n5,\xc3\xa9\n")
    assert [row.fault for row in found] == [
        None,
        "not UTF-8",
        "fewer cells than columns",
        "more cells than columns",
        None,
    ]
    assert [row.place for row in found][:2] == ["t.csv line 2", "t.csv line 3"]
    assert found[4].text("text") == "é"


def test_quotes_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    found = rows(tmp_path / "t.csv", b'\xef\xbb\xbfid,text\r\n1,"two\nlines, and a comma"\r\n')
    assert found[0].text("text") == "two\nlines, and a comma"


def test_a_row_of_several_lines_is_called_by_its_first(tmp_path):
    found = rows(tmp_path / "t.csv", b'id,text\n\n1,"two\nlines"\n2,"a\nb"\n3\n')
    assert [row.place for row in found] == ["t.csv line 3", "t.csv line 5", "t.csv line 7"]


@pytest.mark.parametrize("row", [b'2,"never closed\n3,fine\n', b'2,"closed" twice"\n3,fine\n'])
def test_broken_quotes_are_refused_by_the_line_where_the_row_begins(tmp_path, row):
    with pytest.raises(InputError, match=r"t\.csv: the row that begins in line 3: ") as caught:
        rows(tmp_path / "t.csv", b"id,text\n1,fine\n" + row)
    assert "fine" not in str(caught.value)


def test_a_header_that_is_none_is_not_told(tmp_path):
    first = b"7,The lungs are clear.,The lungs are clear.,images/a.png\n"
    with pytest.raises(InputError) as caught:
        rows(tmp_path / "t.csv", first * 2)
    assert str(caught.value).endswith("t.csv: lacks the column id; columns found: 4")
    with pytest.raises(InputError, match=r"columns found: 2; did you mean 'study id'\?"):
        rows(tmp_path / "t.csv", b"study id,text\n", ["study_id"])


def test_a_doubled_column_is_refused(tmp_path):
    with pytest.raises(InputError, match="has the column text more than once"):
        rows(tmp_path / "t.csv", b"id,text,text\n1,a,b\n")
    with pytest.raises(InputError, match="has the column more than once"):
        rows(tmp_path / "t.csv", b"id,1. Clear.,1. Clear.\n1,a,b\n")
    assert rows(tmp_path / "t.csv", b"id,,\n1,,\n")[0].text("id") == "1"


@pytest.mark.parametrize("content", ["id,text\n1,a\n".encode("utf-16"), b"\x89PNG\r\n\x1a\n\0\0", b"id,\xff\n"])
def test_a_header_that_is_no_text_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"t\.csv: not UTF-8 text"):
        rows(tmp_path / "t.csv", content)


def test_a_nul_character_is_a_fault_and_no_id(tmp_path):
    (row,) = rows(tmp_path / "t.csv", b"id,image\n1,a\0.png\n")
    assert (row.fault, row.text("id"), row.text("image")) == ("has a NUL character", "1", "")


def test_a_cell_too_large_is_refused_with_its_line(tmp_path, monkeypatch):
    limit = csv.field_size_limit()
    monkeypatch.setattr(tables, "_LARGEST_CELL", 1000)
    with pytest.raises(InputError, match="row that begins in line 3: field larger"):
        rows(tmp_path / "t.csv", b"id,text\n1,a\n2," + b"x" * 1001 + b"\n")
    csv.field_size_limit(limit)


def test_json_lines_faults(tmp_path):
    found = rows(
        tmp_path / "t.jsonl", b'{"id": 1}\n\n[1]\nrubbish\n{"x": 2}\n\xff\n{"id": null}\n' + b"[" * 100_000 + b"\n"
    )
    assert [row.fault for row in found] == [
        None, "not a JSON object", "not JSON", "lacks id", "not UTF-8", None, "not JSON",
    ]  # fmt: skip


@pytest.mark.parametrize(("cell", "value"), [("", None), ("2320.0", 2320), ("7", 7)])
def test_whole_numbers(tmp_path, cell, value):
    assert rows(tmp_path / "t.csv", f"id,width\n1,{cell}\n".encode())[0].whole("width") == value


@pytest.mark.parametrize("cell", ["0", "-3", "2.5", "wide", "nan", "inf", "100001"])
def test_what_is_no_whole_number(tmp_path, cell):
    row = rows(tmp_path / "t.csv", f"id,width\n1,{cell}\n".encode())[0]
    with pytest.raises(ValueError, match=r"^width is not a whole number from 1 to 100000$"):
        row.whole("width")


def test_half_a_surrogate_pair_is_a_fault(tmp_path):
    assert rows(tmp_path / "t.jsonl", rb'{"id": "\ud83d"}' + b"\n")[0].fault == "has half a surrogate pair"
    assert rows(tmp_path / "t.jsonl", rb'{"id": "\ud83d\ude00"}' + b"\n")[0].text("id") == "\U0001f600"


def test_cells_parted_by_semicolons_are_guessed(tmp_path):
    with pytest.raises(InputError, match="columns found: 1, since cells are parted by ';'"):
        rows(tmp_path / "t.csv", b"id;text\n1;a\n")
