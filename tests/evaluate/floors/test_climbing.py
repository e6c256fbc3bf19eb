import pytest

from radtrace.evaluate.floors.climbing import Budget, as_text, climb, sentences_of, settling
from radtrace.evaluate.floors.label_climb import climb_labels
from radtrace.evaluate.floors.targets import BleuTarget, RougeTarget
from radtrace.evaluate.floors.texts import LabelTarget, text_floors
from radtrace.evaluate.floors.train import References, read_train
from radtrace.findings import annotate, nih14_labels
from radtrace.metrics import PRESETS, Pair, score

R2GEN = PRESETS["r2gen"]
TRAIN = [
    "The heart is normal. The lungs are clear.",
    "The heart is normal. No effusion. The lungs are clear.",
    "Heart size is normal. The lungs are clear. No effusion.",
    "Mild cardiomegaly. The lungs are clear.",
    "Mild cardiomegaly. Small left pleural effusion.",
    "The heart is enlarged. Small right pleural effusion. Bibasilar atelectasis.",
]


@pytest.mark.parametrize("kind", [BleuTarget, RougeTarget])
def test_a_climb_ends_no_lower_and_the_same_each_time(kind):
    references = [tuple(R2GEN.reference(text).split()) for text in TRAIN]
    target, start = kind(references), references[4]
    pool = [part for words in references for part in sentences_of(words)]
    first, second = (climb(target, start, pool, settling(R2GEN), Budget(3, 10_000), "test") for _ in range(2))
    assert first == second
    assert target.score(first) > max(map(target.score, references)) - 1e-9
    assert tuple(R2GEN.prediction(as_text(first, R2GEN)).split()) == first


def test_where_all_reports_are_the_same_the_climb_finds_them():
    wanted = tuple(R2GEN.reference(TRAIN[0]).split())
    start = ("heart", "clear", ".")
    for target in (BleuTarget([wanted] * 3), RougeTarget([wanted] * 3)):
        reached = climb(target, start, sentences_of(wanted), settling(R2GEN), Budget(5, 10_000), "test")
        assert target.score(reached) == pytest.approx(1)


def test_a_climb_ends_with_its_budget():
    wanted = tuple(R2GEN.reference(TRAIN[0]).split())
    target = RougeTarget([wanted])
    reached = [
        target.score(climb(target, ("no", "."), [("no", ".")], settling(R2GEN), Budget(5, moves), "test"))
        for moves in (0, 1, 200)
    ]
    assert reached[0] < reached[1] < reached[2]


@pytest.mark.parametrize("preset", ["r2gen", "r2gen_mimic", "strict", "radeval"])
def test_words_become_a_text_that_is_cleaned_into_them(preset):
    words = tuple(PRESETS[preset].prediction(TRAIN[2]).split(" "))
    assert tuple(PRESETS[preset].prediction(as_text(words, PRESETS[preset])).split(" ")) == words


def test_sentences_end_at_stops():
    assert sentences_of(("a", "b", ".", "c.", "d")) == [("a", "b", "."), ("c.",), ("d",)]


def test_the_labels_of_a_constant_by_hand():
    """Of six reports, three have cardiomegaly (the heart), two effusion, one atelectasis: micro F1 of the constant that
    says the first is 2 * 3 / (6 + 6) = .5, of the first two 2 * 5 / (12 + 6) = .56, of all three 2 * 6 / (18 + 6) = .5.
    """
    labels = nih14_labels(annotate(climb_labels(TRAIN, "nih14", "absent")))
    assert {name for name, status in labels.items() if status == "present"} == {"Cardiomegaly", "Effusion"}


def test_every_floor_of_language_is_signed_and_says_something(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(f'{{"id": "t{number}", "text": "{text}"}}\n' for number, text in enumerate(TRAIN)))
    train = read_train(path, None, "findings", References((), path))
    floors = {floor.name: floor for floor in text_floors(train, ["a", "b"], R2GEN, LabelTarget("chexpert", "present"))}
    assert list(floors) == [
        "constant",
        "constant_bleu_4",
        "constant_rouge_l",
        "climbed_bleu_4",
        "climbed_rouge_l",
        "climbed_labels",
        "random",
    ]
    for name, floor in floors.items():
        assert floor.signature.startswith(f"{name}|rule:")
        assert f"|train:sha256-{train.sha256[:12]}|n:6|left_out:0|" in floor.signature
        assert floor.predictions.keys() == {"a", "b"}
        assert all(floor.predictions.values())
    fitted = {
        name: score(
            [[Pair(str(n), floors[name].predictions["a"], text) for n, text in enumerate(TRAIN)]], ["bleu_4"], R2GEN
        )
        for name in ("constant_bleu_4", "climbed_bleu_4")
    }
    assert fitted["climbed_bleu_4"].scores["bleu_4"] >= fitted["constant_bleu_4"].scores["bleu_4"]
    assert floors["constant"].predictions["a"] in TRAIN
    assert floors["random"].predictions["b"] in TRAIN
