import pytest

from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.similarity.ratescore import RateScore
from radtrace.metrics.similarity.ratescore_entities import entity_spans, our_sentences

pytest.importorskip("torch")
pytest.importorskip("transformers")

PRESET = PRESETS["strict"]
TEXTS = [
    ("The heart is normal. The lungs are clear.", "Heart size is normal. No pleural effusion is seen."),
    ("Small left pleural effusion, no pneumothorax.", "There is a small left pleural effusion"),
    ("The lungs are clear. Mild cardiomegaly.", "The lungs are clear. Mild cardiomegaly."),
    (
        "No pneumothorax.\nRight basilar atelectasis, unchanged. The heart is small.",
        "Right lower lobe opacity and a small effusion. The heart is normal in size.",
    ),
    ("Left normal pneumothorax. Left mild pleural effusion", "Mild cardiomegaly, unchanged. A clear opacity"),
    ("There is no change.", "The heart is normal."),
]
# The package RaTEScore 0.6.0 with medspacy 1.3.1 and transformers 5.23.0 on the same folders and pairs: run_ner(…, 1)
# and RaTEScore(bert_model, eval_model, use_gpu=False).compute_score(predictions, references).
ENTITIES = [
    [("heart", "ANATOMY"), ("normal", "NON-ABNORMALITY"), ("lungs", "ANATOMY"), ("clear", "NON-ABNORMALITY")],
    [
        ("small", "ABNORMALITY"),
        ("left", "ANATOMY"),
        ("pleural effusion", "DISEASE"),
        ("pneumothorax", "NON-DISEASE"),
    ],
    [("lungs", "ANATOMY"), ("clear", "NON-ABNORMALITY"), ("mild cardiomegaly", "DISEASE")],
    [
        ("pneumothorax", "NON-DISEASE"),
        ("right basilar", "ANATOMY"),
        ("atelectasis", "DISEASE"),
        ("heart", "ANATOMY"),
        ("small", "ABNORMALITY"),
    ],
    [
        ("left", "ANATOMY"),
        ("normal", "NON-ABNORMALITY"),
        ("pneumothorax", "NON-DISEASE"),
        ("left", "ANATOMY"),
        ("mild", "DISEASE"),
    ],
    [],
]
"""Of the predictions. The last two show the package's ways: "mild" ends before a B-, so "pleural effusion", still open
at the end, is lost."""
PUBLISHED = [0.88068763, 0.97754587, 1.0, 0.89629429, 0.96800305, 0.5]


def _pairs():
    return [Pair(str(number), *texts) for number, texts in enumerate(TEXTS)]


def _values(pairs, name, given):
    seen = []
    scored = score(
        [pairs], [name], PRESET, lambda _, scores: seen.extend(scores), backing=Backing({"ratescore": given})
    )
    return scored, seen[0].per_sample


def test_the_numbers_of_the_package(rate):
    found = list(RateScore.load(rate, our_sentences)(TEXTS))
    assert [predicted for predicted, _, _ in found] == ENTITIES
    assert [value for _, _, value in found[:5]] == pytest.approx(PUBLISHED[:5], abs=1e-6)


def test_with_its_own_sentences_it_is_the_package(rate):
    pytest.importorskip("medspacy")
    pairs = [*_pairs(), Pair("failed", "", "The heart is normal."), Pair("blank", "The heart is normal.", " ")]
    scored, values = _values(pairs, "ratescore", rate)
    assert values[:6] == pytest.approx(PUBLISHED, abs=1e-6)
    assert values[6:] == (0.0, None)
    assert "|sentences:medspacy " in scored.signatures["ratescore"]
    assert "|no_entities:0.5|" in scored.signatures["ratescore"]


def test_finding_nothing_is_worth_nothing_with_ours(rate):
    pairs = [*_pairs(), Pair("failed", None, "The heart is normal."), Pair("nothing", "The heart is normal.", "Seen.")]
    scored, values = _values(pairs, "ratescore_radtrace", rate)
    assert values[:5] == pytest.approx(PUBLISHED[:5], abs=1e-6)
    assert values[5:] == (0.0, 0.0, None)  # no entity predicted; failed; none to be found
    assert (scored.n, scored.failed) == (8, 1)
    # (0.88068763 + 0.97754587 + 1 + 0.89629429 + 0.96800305 + 0 + 0) / 7
    assert scored.scores["ratescore_radtrace"] == pytest.approx(0.67464726, abs=1e-6)


def test_an_empty_report_shifts_no_other(rate):
    whole = _values(_pairs(), "ratescore_radtrace", rate)[1]
    pairs = [Pair("first", "", "The heart is normal."), *_pairs()]
    pairs.insert(3, Pair("short", "a.", "The lungs are clear."))
    values = _values(pairs, "ratescore_radtrace", rate)[1]
    assert values == pytest.approx((0.0, *whole[:2], 0.0, *whole[2:]), abs=1e-6)


def test_a_report_and_itself_are_one_and_sides_may_be_exchanged(rate):
    same = [Pair(str(number), text, text) for number, (_, text) in enumerate(TEXTS)]
    assert _values(same, "ratescore_radtrace", rate)[1] == pytest.approx([1.0] * 6, abs=1e-6)
    exchanged = [Pair(str(number), *texts[::-1]) for number, texts in enumerate(TEXTS[:5])]
    assert _values(exchanged, "ratescore_radtrace", rate)[1] == pytest.approx(PUBLISHED[:5], abs=1e-6)


def _spans(labels):
    tokens = ["[CLS]", *map(str, range(len(labels) - 1)), "[SEP]"]
    return entity_spans(tokens, ["O", *labels])


def test_labels_are_read_as_the_package_reads_them():
    # Places count from [CLS]; the last label is that of [SEP]. Each line was run through RaTEScore 0.6.0's
    # post_process, as were 100,000 random sequences.
    assert _spans(["B-X", "I-X", "O", "B-Y", "O"]) == [(1, 2, "X"), (4, 4, "Y")]
    assert _spans(["B-X", "I-Y", "B-Y", "O"]) == [(1, 2, "X"), (3, 3, "Y")]
    assert _spans(["I-X", "I-X", "O", "O"]) == []
    assert _spans(["I-X", "B-Y", "O"]) == [(2, 2, "Y")]
    assert _spans(["O", "B-X", "I-X", "I-X"]) == [(2, 3, "X")]
    assert _spans(["B-X", "B-Y", "I-Y", "I-Y"]) == [(1, 1, "X")]
    assert _spans(["O"]) == []


def test_what_is_absent_is_named(rate, bert, tmp_path):
    with pytest.raises(InputError, match=r"ratescore: no checkpoint: NER,ENCODER.*Angelakeke/RaTE-NER-Deberta"):
        score([_pairs()], ["ratescore_radtrace"], PRESET, backing=Backing())
    ner, encoder = rate.split(",")
    with pytest.raises(InputError, match="write --checkpoint ratescore=NER,ENCODER"):
        RateScore.load(ner, our_sentences)
    with pytest.raises(InputError, match="the weights lack 2 tensors"):
        RateScore.load(f"{bert},{encoder}", our_sentences)  # no network of labels: its head would be drawn at random
    with pytest.raises(InputError, match="no such folder, and no hub id"):
        RateScore.load(f"{ner},{tmp_path}/none", our_sentences)


def test_labels_of_another_network_are_refused(rate, tmp_path):
    import json
    import shutil

    ner, encoder = rate.split(",")
    folder = shutil.copytree(ner, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["id2label"]["1"] = "B-PERSON"
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(InputError, match=r"label 'B-PERSON' is none of RaTE-NER's"):
        RateScore.load(f"{folder},{encoder}", our_sentences)
