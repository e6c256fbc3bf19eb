"""Reading score files, good and bad."""

import json
from functools import partial

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.evaluate.scored import aligned, read_scored
from radtrace.metrics.clinical.label_scores import macro_f1
from radtrace.metrics.corpora import CORPORA, from_spec, to_spec
from radtrace.metrics.scores import ratio


def _edit(path, change):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_values_statistics_strata_and_failures_are_read(write_scores):
    strata = [{"source": "openi", "steps": 3}, {"source": "nih", "finding": ["Edema", "Fracture"]}, {"source": None}]
    path = write_scores(
        "a.jsonl", {"rouge_l": [0.5, None, 0.0]}, strata=strata, failed=[False, False, True], ids=[7, 8, "x"]
    )
    found = read_scored(path)
    assert found.ids == ("7", "8", "x")
    assert found.failed.tolist() == [False, False, True]
    assert found.strata[0] == {"source": ("openi",), "steps": ("3",)}
    assert found.strata[1]["finding"] == ("Edema", "Fracture")
    assert found.strata[2] == {"source": ()}
    metric = found.metrics["rouge_l"]
    assert metric.value == 0.25  # the failed sample counts, the unscored one does not
    assert metric.scored.tolist() == [True, False, True]
    assert np.isnan(metric.values[1])
    assert metric.summed
    assert not metric.lower


def test_the_signature_says_that_lower_is_better(write_scores):
    path = write_scores("a.jsonl", {"radcliq": [1.0]}, signatures={"radcliq": "radcliq|better:lower|v:1"})
    assert read_scored(path).metrics["radcliq"].lower


def test_statistics_without_a_known_sum_are_left_for_the_mean_of_samples(write_scores):
    path = write_scores("a.jsonl", {"odd": [0.2, 0.4]}, header={"corpora": {}})
    _edit(path, lambda lines: [line["statistics"].update(odd=[1, 2, 3]) for line in lines[1:]])
    found = read_scored(path).metrics["odd"]
    assert (found.summed, found.corpus) == (False, ratio)
    assert found.value == pytest.approx(0.3)


def test_a_metric_without_sample_values_counts_by_its_statistics(write_scores):
    path = write_scores("a.jsonl", {"macro": [None, None, None]})
    rows = ([1, 2], [3, 4], None)
    _edit(path, lambda lines: [line["statistics"].update(macro=row) for line, row in zip(lines[1:], rows, strict=True)])
    found = read_scored(path).metrics["macro"]
    assert found.scored.tolist() == [True, True, False]
    assert found.value == pytest.approx(4 / 6)


def test_sums_that_contradict_the_stated_value_are_refused(write_scores):
    assert read_scored(write_scores("a.jsonl", {"m": [0.2, 0.4]}, header={"values": {"m": 0.3}}))
    with pytest.raises(InputError, match=r"a\.jsonl: the statistics of 'm' do not sum up to its value 0\.5"):
        read_scored(write_scores("a.jsonl", {"m": [0.2, 0.4]}, header={"values": {"m": 0.5}}))
    assert read_scored(write_scores("a.jsonl", {"m": [None]}, header={"values": {"m": None}}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines.pop(0), "not a score file"),
        (lambda lines: lines.pop(), "1 samples where its first line says 2: incomplete"),
        (lambda lines: lines[2].update(id="s0"), "doubled id 's0'"),
        (lambda lines: lines[2].pop("id"), "sample 2 has no id"),
        (lambda lines: lines[2]["scores"].pop("m"), "id 's1' has no score 'm'"),
        (lambda lines: lines[2]["scores"].update(m="high"), "id 's1': 'm' is no number"),
        (lambda lines: lines[2]["scores"].update(m=True), "id 's1': 'm' is no number"),
        (lambda lines: lines[2]["scores"].update(m=float("nan")), "line 3: not JSON: NaN is no number"),
        (lambda lines: lines[2]["statistics"].update(m=[1]), "id 's1': statistics of 'm' differ in length"),
        (lambda lines: lines[2]["statistics"].update(m=None), "sample 2 has a score 'm' but no statistics"),
        (lambda lines: lines[2].update(strata=["openi"]), "id 's1': 'strata' is no table"),
        (lambda lines: lines[0].update(corpora={"m": {"by": "os:system"}}), "summed up by {'by': 'os:system'}, which"),
        (
            lambda lines: lines[0].update(corpora={"m": {"by": "coco_bleu", "order": 1}}),
            "'m' cannot be summed up from 2 statistics",
        ),
        (lambda lines: lines[0].update(corpora={"m": {"by": "ratio", "x": 1}}), "'m' cannot be summed up"),
        (lambda lines: lines[0].update(corpora={"m": 3}), "line 1: 'corpora' is not"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(write_scores, change, message):
    path = _edit(write_scores("bad.jsonl", {"m": [0.2, 0.4]}), change)
    with pytest.raises(InputError) as error:
        read_scored(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_what_is_no_text_is_named(tmp_path):
    path = tmp_path / "b.jsonl"
    for content in (b"", b"\xff\xfe", b"[]\n", b'{"id": "a", "text": "b"}\n'):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a score file"):
            read_scored(path)
    path.write_bytes(b'{"radtrace":"scores","n":1,"failed":0,"signatures":{}}\n\xff\n')
    with pytest.raises(InputError, match="line 2: not JSON in UTF-8"):
        read_scored(path)


def test_files_are_aligned_by_id_or_refused(write_scores):
    first = read_scored(write_scores("a.jsonl", {"m": [0.1, 0.2, 0.3]}))
    turned = read_scored(write_scores("b.jsonl", {"m": [0.3, 0.1, 0.2]}, ids=["s2", "s0", "s1"]))
    assert aligned(first, turned).metrics["m"].values.tolist() == [0.1, 0.2, 0.3]
    assert aligned(first, turned).ids == first.ids
    short = read_scored(write_scores("c.jsonl", {"m": [0.1]}))
    with pytest.raises(InputError, match=r"c\.jsonl: lacks the ids 's1', 's2' of .*a\.jsonl"):
        aligned(first, short)
    with pytest.raises(InputError, match=r"c\.jsonl: lacks"):
        aligned(short, first)
    many = read_scored(write_scores("d.jsonl", {"m": [0.1] * 10}))
    with pytest.raises(InputError, match="and 4 more"):
        aligned(many, short)


def test_what_sums_up_is_written_and_read_by_name():
    assert from_spec({"by": "ratio"}) is ratio
    assert to_spec(ratio) == {"by": "ratio"}
    assert to_spec(None) is None
    assert to_spec(np.sum) is None
    assert from_spec({"by": "os:system"}) is None
    macro = to_spec(partial(macro_f1, classes=[0, 2], absent=np.nan, support=10))
    assert json.loads(json.dumps(macro)) == {"by": "macro_f1", "classes": [0, 2], "absent": None, "support": 10}
    assert from_spec(macro) is from_spec(dict(reversed(macro.items())))
    sums = np.array([20.0, 5, 5, 0, 9, 9, 10, 0, 0])
    assert from_spec(macro)(sums) == pytest.approx((40 / 50 + 1) / 2)
    for name in CORPORA:
        assert from_spec({"by": name})
