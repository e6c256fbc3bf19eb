import json

import pytest

from radtrace.errors import InputError
from radtrace.metrics import Pair, read_pairs
from radtrace.metrics.pairs import chunked, pair_up


@pytest.fixture
def write(tmp_path):
    def write(name, *entries):
        path = tmp_path / name
        lines = (entry if isinstance(entry, bytes) else json.dumps(entry).encode() for entry in entries)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


def line(name, text):
    return {"id": name, "text": text}


def test_pairs_stand_in_the_order_of_the_references(write):
    preds = write("p", line("b", "B"), b"", line(3, "C"), b'\xef\xbb\xbf{"id": "a", "text": "\xc3\xa4"}')
    refs = write("r", line("a", "x"), line("3", "y"), line("missing", "z"), line("b", None))
    assert read_pairs(preds, refs) == [
        Pair("a", "ä", "x"),
        Pair("3", "C", "y"),
        Pair("missing", None, "z"),
        Pair("b", "B", None),
    ]


def test_null_and_nan_are_no_text_and_a_blank_one_is_as_good_as_none(write):
    preds = write("p", line("a", None), line("b", float("nan")), line("c", " \n"), line("d", "x"))
    refs = write("r", *(line(name, "x") for name in "abc"), line("d", ""))
    pairs = read_pairs(preds, refs)
    assert [pair.prediction for pair in pairs] == [None, None, " \n", "x"]
    assert [pair.failed for pair in pairs] == [True, True, True, False]
    assert [pair.scored for pair in pairs] == [True, True, True, False]


@pytest.mark.parametrize("text", [" . ", "!!! ---", "\u200b\ufeff\u00ad", "\u00a0\u3000", "\u0000", "_"])
def test_a_text_without_a_letter_or_digit_says_nothing(text):
    assert Pair("a", text, "Clear.").failed
    assert Pair("a", text, "Clear.").predicted == ""
    assert not Pair("a", "Clear.", text).scored


@pytest.mark.parametrize(
    ("preds", "refs", "message"),
    [
        ([line("a", "x"), line("a", "y")], [line("a", "x")], "p: doubled id 'a'"),
        ([line("a", "x")], [line("a", "x"), line("b", "y"), line("b", "z")], "r: doubled id 'b'"),
        ([line(1, "x"), line("1", "y")], [line("1", "x")], "p: doubled id '1'"),
        ([line("z", "x")], [line("a", "x")], "p: unknown id 'z'"),
        ([line("a", 3)], [line("a", "x")], "p: the text of id 'a' is no string"),
        ([line("a", "x"), b"rubbish"], [line("a", "x")], "p: line 2: not JSON in UTF-8"),
        ([b'{"id": "a", "text": "\xff"}'], [line("a", "x")], "p: line 1: not JSON in UTF-8"),
        ([{"id": "a"}], [line("a", "x")], "p: line 1: not {"),
        ([line(True, "x")], [line("a", "x")], "p: line 1: not {"),
        ([["a", "x"]], [line("a", "x")], "p: line 1: not {"),
    ],
)
def test_what_is_wrong_is_named(write, preds, refs, message):
    with pytest.raises(InputError) as error:
        read_pairs(write("p", *preds), write("r", *refs))
    assert message in str(error.value)


def test_a_missing_file_is_named(tmp_path, write):
    with pytest.raises(InputError, match="nowhere"):
        read_pairs(tmp_path / "nowhere", write("r", line("a", "x")))


def test_texts_from_elsewhere_are_paired_alike():
    assert pair_up("p", [("a", "x")], "r", [("a", "y"), ("b", None)]) == [Pair("a", "x", "y"), Pair("b", None, None)]
    with pytest.raises(InputError, match="p: unknown id 'b'"):
        pair_up("p", [("b", "x")], "r", [("a", "y")])
    with pytest.raises(InputError, match="r: doubled id 'a'"):
        pair_up("p", [], "r", [("a", "y"), ("a", "y")])


def test_chunks_hold_everything_once():
    pairs = [Pair(str(number), "x", "y") for number in range(7)]
    chunks = list(chunked(pairs, 3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert [pair for chunk in chunks for pair in chunk] == pairs
    assert list(chunked([], 3)) == [[]]
