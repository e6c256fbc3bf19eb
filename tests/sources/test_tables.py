import pytest

from radtrace.errors import InputError
from radtrace.sources.tables import read_table


def rows(path, content, required=("id",)):
    path.write_bytes(content)
    return list(read_table(path, required))


def test_a_missing_column_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv: lacks the column text; it has id, words"):
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


@pytest.mark.parametrize("cell", ["0", "-3", "2.5", "wide", "nan", "inf"])
def test_what_is_no_whole_number(tmp_path, cell):
    row = rows(tmp_path / "t.csv", f"id,width\n1,{cell}\n".encode())[0]
    with pytest.raises((ValueError, OverflowError)):
        row.whole("width")


def test_half_a_surrogate_pair_is_a_fault(tmp_path):
    assert rows(tmp_path / "t.jsonl", rb'{"id": "\ud83d"}' + b"\n")[0].fault == "has half a surrogate pair"
    assert rows(tmp_path / "t.jsonl", rb'{"id": "\ud83d\ude00"}' + b"\n")[0].text("id") == "\U0001f600"
