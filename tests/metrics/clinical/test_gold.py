import csv
import hashlib

import pytest

from radtrace.errors import InputError
from radtrace.findings import CHEXPERT, NIH14
from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.clinical.gold import GoldLabels, read_gold


def write(path, rows, names=NIH14, key="uid", normal=True):
    """rows: id -> the classes that are there, or "normal"."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        lines = csv.writer(file)
        lines.writerow([key, *names, *(["normal"] if normal else [])])
        for name, present in rows.items():
            given = [int(one in present) for one in names]
            lines.writerow([name, *given, *([int("normal" in present)] if normal else [])])
    return path


GOLD = {
    "a": ["normal"],
    "b": ["normal"],
    "c": ["Effusion"],
    "d": ["Effusion", "Cardiomegaly"],
    "e": ["Effusion"],
    "f": [],
    "other": ["Hernia"],
}
PAIRS = [
    Pair("a", "The heart is normal. The lungs are clear.", "x"),
    Pair("b", "Small left pleural effusion.", "x"),
    Pair("c", "Small left pleural effusion.", "Large pneumothorax."),
    Pair("d", "Small left pleural effusion. Heart size is normal.", None),
    Pair("e", None, "x"),
    Pair("f", "Mild cardiomegaly.", "x"),
    Pair("unlabelled", "Large right pneumothorax.", "x"),
]


def values(labels, pairs=PAIRS, preset="r2gen"):
    return {one.name: one for one in labels(pairs, PRESETS[preset])}


def test_figures_by_hand(tmp_path):
    labels = GoldLabels(read_gold(write(tmp_path / "g.csv", GOLD)))
    scores = values(labels)
    # Effusion: c and d right, e (no prediction) missed, b a false alarm; a and f kept free of it.
    # Cardiomegaly: d missed, f a false alarm; a, b and c kept free of it, e failed and so kept nothing.
    expected = {
        "gold_sensitivity_effusion": 2 / 3,
        "gold_specificity_effusion": 2 / 3,
        "gold_f1_effusion": 2 * 2 / (2 * 2 + 1 + 1),
        "gold_sensitivity_cardiomegaly": 0,
        "gold_specificity_cardiomegaly": 3 / 5,
        # tp 2; fp b, f; fn e, d.
        "gold_micro_f1": 2 * 2 / (2 * 2 + 2 + 2),
        "gold_macro_f1_supported": None,
        # Studies c-f: tp 2, fp f, fn e and d.
        "gold_f1_not_normal": 2 * 2 / (2 * 2 + 1 + 2),
        "gold_false_alarms_on_normal": 1 / 2,
        "gold_specificity_pneumothorax": 5 / 6,
    }
    assert {name: scores[name].value for name in expected} == pytest.approx(expected)
    assert (labels.n, labels.failed, labels.missing, labels.normals) == (6, 1, 1, 2)
    assert (labels.positives["Effusion"], labels.positives["Hernia"], labels.supported) == (3, 0, [])
    assert scores["gold_micro_f1"].per_sample == pytest.approx((1, 0, 1, 2 / 3, 0, 0, None))
    assert len(scores) == 2 + 2 + 3 * 14


def test_the_reference_text_is_not_read(tmp_path):
    gold = read_gold(write(tmp_path / "g.csv", GOLD))
    blank = [Pair(pair.id, pair.prediction, None) for pair in PAIRS]
    for one, other in zip(values(GoldLabels(gold)).values(), values(GoldLabels(gold), blank).values(), strict=True):
        assert (one.value, one.per_sample) == (other.value, other.per_sample)


def test_the_signature_names_the_file_and_the_labeller(tmp_path):
    path = write(tmp_path / "g.csv", GOLD)
    signature = values(GoldLabels(read_gold(path)))["gold_macro_f1_supported"].signature
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for part in (f"gold:sha256-{digest}", "labeller:radtrace.findings/nih14", "support>=10", "normal:column"):
        assert part in signature


def test_macro_f1_is_of_classes_with_ten_positives(tmp_path):
    rows = {str(number): ["Effusion"] for number in range(10)} | {"x": ["Edema"]}
    labels = GoldLabels(read_gold(write(tmp_path / "g.csv", rows)))
    pairs = [Pair(name, "Small pleural effusion.", "x") for name in rows]
    # Effusion: ten right, one false alarm. Edema, missed, has one positive: not in the mean. In two chunks.
    result = score([pairs[:4], pairs[4:]], [], PRESETS["r2gen"], first=[labels])
    assert result.scores["gold_macro_f1_supported"] == pytest.approx(20 / 21)
    assert result.scores["gold_micro_f1"] == pytest.approx(20 / 22)
    assert (labels.supported, labels.n) == (["Effusion"], 11)


def test_what_may_be_is_not_there_unless_one_says_so(tmp_path):
    gold = read_gold(write(tmp_path / "g.csv", {"a": ["Pneumonia"]}))
    pairs = [Pair("a", "Possible pneumonia.", "x")]
    for uncertain, sensitivity in ((None, 0), ("absent", 0), ("present", 1), ("ignored", None)):
        one = values(GoldLabels(gold, uncertain), pairs)["gold_sensitivity_pneumonia"]
        assert one.value == sensitivity
        assert f"uncertain:{uncertain or 'absent'}" in one.signature


def test_the_columns_may_be_those_of_chexpert(tmp_path):
    rows = {"a": ["No Finding"], "b": ["Fracture"]}
    gold = read_gold(write(tmp_path / "g.csv", rows, CHEXPERT, "study_id", normal=False))
    assert (gold.scheme, gold.normal, gold.normal_by) == ("chexpert", {"a"}, "no_finding")
    scores = values(GoldLabels(gold), [Pair("a", "Clear lungs.", "x"), Pair("b", "Old rib fracture.", "x")])
    assert scores["gold_f1_no_finding"].value == scores["gold_f1_fracture"].value == 1


def test_without_a_column_of_normals_those_with_no_label_are(tmp_path):
    gold = read_gold(write(tmp_path / "g.csv", {"a": [], "b": ["Mass"]}, key="id", normal=False))
    assert (gold.normal, gold.normal_by) == ({"a"}, "none_of_14")


HEADER = ",".join(("uid", *NIH14))
ZEROS = ",0" * 13


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks columns"),
        (HEADER.replace("Mass,", ""), "lacks columns of the 14 classes of nih14: Mass"),
        (HEADER.replace("uid", "name"), "no column of ids: one of id, uid, study_id"),
        (f"{HEADER},Mass", "doubled column 'Mass'"),
        (f"{HEADER}\n7,2{ZEROS}", "line 2: Atelectasis is not 0 or 1"),
        (f"{HEADER}\n7,{ZEROS}", "line 2: Atelectasis is not 0 or 1"),
        (f"{HEADER}\n7,0{ZEROS}\n7,0{ZEROS}", "line 3: doubled id '7'"),
        (f"{HEADER}\n,0{ZEROS}", "line 2: no id"),
        (f"{HEADER}\n7,0", "line 2: 2 cells under 15 columns"),
        (f"{HEADER},normal\n7,0{ZEROS},yes", "line 2: normal is not 0 or 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, message):
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(InputError) as raised:
        read_gold(tmp_path / "g.csv")
    assert message in str(raised.value)
    assert "g.csv" in str(raised.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_gold(tmp_path / "none.csv")
    (tmp_path / "g.csv").write_bytes(b"uid,\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_gold(tmp_path / "g.csv")
