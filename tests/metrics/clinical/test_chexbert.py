import hashlib
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.findings import CHEXPERT
from radtrace.metrics import PRESETS, Pair, metric, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.chexbert import CLASSES, Chexbert, clean
from radtrace.metrics.clinical.chexbert_scores import labels_of

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] no is the with of left right small large mild heart lungs normal clear enlarged "
    "pleural effusion pneumothorax cardiomegaly edema possible tube ##s ##ly . ,"
)
TEXTS = [
    "No pleural effusion.",
    "  Small LEFT pleural\n\neffusions,   possible edema. ",
    "The heart is enlarged with mild edema",
    "Lungs clear. No pneumothorax. Heart normal.",
    "Large right pneumothorax; tube left.",
    "Cardiomegaly",
    " ".join(["mild edema with small effusion ."] * 100),
]
"""The last is longer than 512 tokens."""
SIZES = {
    "vocab_size": len(WORDS.split()),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 512,
}


def drawn(name, shape):
    """Weights that are the same on every machine, and large enough that texts differ."""
    if name.endswith("LayerNorm.weight"):
        return torch.ones(shape)
    scale = 0.1 if "query" in name or "key" in name or "bias" in name else 2.0
    return torch.tensor(np.random.RandomState(zlib.crc32(name.encode())).randn(*shape) * scale, dtype=torch.float32)


def make_checkpoint(folder):
    """A CheXbert as its authors publish it, but tiny: names with "module.", a pooler, positions, an optimizer."""
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text(WORDS.replace(" ", "\n") + "\n")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **SIZES}))
    shapes = {f"bert.{name}": value.shape for name, value in BertModel(BertConfig(**SIZES)).state_dict().items()}
    for head in range(14):
        shapes |= {f"linear_heads.{head}.weight": (2 if head == 13 else 4, 16)}
        shapes |= {f"linear_heads.{head}.bias": (2 if head == 13 else 4,)}
    weights = {f"module.{name}": drawn(name, shape) for name, shape in shapes.items()}
    weights["module.bert.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save({"epoch": 3, "model_state_dict": weights, "optimizer_state_dict": {"lr": 0.1}}, folder / "chexbert.pth")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "chexbert")


@pytest.fixture(scope="module")
def network(folder):
    return Chexbert.load(str(folder))


CODES = [
    [0, 2, 0, 1, 3, 3, 2, 3, 3, 0, 2, 1, 3, 1],
    [1, 2, 0, 2, 3, 3, 2, 3, 3, 1, 2, 1, 3, 1],
    [0, 2, 0, 1, 3, 3, 2, 3, 3, 3, 2, 1, 3, 1],
    [1, 2, 0, 0, 3, 3, 2, 3, 3, 3, 2, 1, 3, 1],
    [0, 2, 0, 1, 3, 3, 2, 3, 3, 3, 0, 1, 3, 1],
    [0, 2, 0, 1, 3, 3, 2, 3, 3, 0, 2, 1, 3, 1],
    [3, 2, 0, 2, 3, 3, 2, 3, 0, 1, 1, 1, 1, 0],
]
"""The classes that f1chexbert 0.0.2 (transformers 4.46.3) finds in TEXTS with this very checkpoint."""
STATES = [
    [-0.53206134, 1.1786063, -0.38138866, 2.7221978],
    [-1.231046, 1.3316853, -0.41509637, 2.585361],
]
"""Its states of [CLS] of the first two texts, the first four numbers."""
PAIRS = [Pair(str(place), TEXTS[place], TEXTS[other]) for place, other in enumerate((3, 2, 1, 3, 5, 0, 6))]


def backing(folder):
    return Backing({"chexbert": str(folder)})


def test_labels_and_states_are_those_of_f1chexbert(network):
    codes, states = network.read(TEXTS)
    assert codes.tolist() == CODES
    assert states[:2, :4] == pytest.approx(np.array(STATES), abs=1e-5)
    assert (states.dtype, states.shape, network.width) == (np.float32, (7, 16), 16)
    assert (network.labels(TEXTS) == codes).all()
    assert (network.embed(TEXTS) == states).all()


def test_scores_are_those_of_f1chexbert(folder):
    scores = score([PAIRS], ["chexbert"], PRESETS["radeval"], backing=backing(folder)).scores
    # f1chexbert 0.0.2 (scikit-learn 1.9.1) on the same pairs: micro avg and macro avg of its two reports, and classes.
    expected = {
        "chexbert_micro_f1": 0.9333333333333333,
        "chexbert_macro_f1": 0.710204081632653,
        "chexbert_micro_f1_top5": 0.9615384615384616,
        "chexbert_macro_f1_top5": 0.76,
        "chexbert_f1_enlarged_cardiomediastinum": 0.5714285714285714,
        "chexbert_f1_lung_lesion": 0.5714285714285714,
        "chexbert_f1_pleural_effusion": 0.8,
        "chexbert_f1_support_devices": 1.0,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_how_a_text_is_read_does_not_depend_on_the_others(network):
    together = network.embed(TEXTS)
    for place, text in enumerate(TEXTS):
        assert network.embed([text])[0] == pytest.approx(together[place], abs=1e-5)
    assert network.embed([TEXTS[0].upper()])[0] == pytest.approx(together[0], abs=1e-6)
    assert network.embed([]).shape == (0, 16)
    assert (network.embed([" \n"]) == network.embed([""])).all()


def test_half_a_surrogate_pair_is_a_question_mark(network):
    assert (network.embed(["No \ud800 effusion."]) == network.embed(["No ? effusion."])).all()


def test_what_is_cleaned_before_the_tokeniser():
    assert clean("  Small\n\nleft\t effusion. \n") == "Small left effusion."


def test_codes_become_labels_in_our_order():
    codes = np.zeros((1, 14), np.int8)
    for name, code in (("Edema", 1), ("Pneumonia", 2), ("Fracture", 3), ("No Finding", 1)):
        codes[0, CLASSES.index(name)] = code
    labels = dict(zip(CHEXPERT, labels_of(codes)[0].tolist(), strict=True))
    assert sorted(CLASSES) == sorted(CHEXPERT)
    assert {name: label for name, label in labels.items() if label} == {"Edema": 1, "Fracture": -1, "No Finding": 1}
    assert labels["Pneumonia"] == 0


def test_uncertain_is_mapped_as_it_says(folder):
    f1 = {}
    for uncertain in ("present", "absent", "ignored"):
        preset = replace(PRESETS["r2gen"], uncertain=uncertain)
        result = score([PAIRS], ["chexbert"], preset, backing=backing(folder))
        assert f"uncertain:{uncertain}" in result.signatures["chexbert_micro_f1"]
        f1[uncertain] = result.scores["chexbert_f1_pleural_effusion"]
    # Codes of (prediction, reference): (0, 3), (1, 3), (3, 1), (3, 3), (3, 0), (0, 0), (1, 1).
    assert f1 == pytest.approx({"present": 2 * 4 / (8 + 1 + 1), "absent": 2 * 1 / (2 + 1 + 1), "ignored": 1})


def test_similarity_of_embeddings(folder, network):
    pairs = [
        *PAIRS[:1],
        Pair("same", TEXTS[1], TEXTS[1]),
        Pair("failed", " ", "Heart normal."),
        Pair("none", "Heart normal.", None),
    ]
    result = score([pairs[:1], pairs[1:]], ["chexbert_similarity"], PRESETS["r2gen"], backing=backing(folder))
    one, other = network.embed([TEXTS[0], TEXTS[3]]).astype(float)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert 0 < cosine < 0.999
    assert result.scores == pytest.approx({"chexbert_similarity": (cosine + 1 + 0) / 3}, abs=1e-6)
    assert (result.n, result.failed, result.unscored) == (3, 1, 1)


def test_a_failed_prediction_is_right_about_nothing(folder):
    pairs = [Pair("0", None, TEXTS[0]), Pair("1", "", TEXTS[1])]
    for name, value in score([pairs], ["chexbert"], PRESETS["r2gen"], backing=backing(folder)).scores.items():
        assert value in (None, 1 if "false_alarms" in name else 0)


def test_statistics_are_summed_to_the_corpus_value(folder):
    scores = metric("chexbert", backing(folder))(PAIRS, PRESETS["r2gen"])
    rows = [0, 0, 3, 6, 1]
    resampled = metric("chexbert", backing(folder))([PAIRS[row] for row in rows], PRESETS["r2gen"])
    for one, other in zip(scores, resampled, strict=True):
        value = float(one.corpus(one.statistics[rows].sum(axis=0)))
        assert value == pytest.approx(np.nan if other.value is None else other.value, nan_ok=True)


def test_signatures_name_weights_and_words(folder, network):
    signature = score([PAIRS], ["chexbert"], PRESETS["r2gen"], backing=backing(folder)).signatures["chexbert_macro_f1"]
    digest = hashlib.sha256((folder / "chexbert.pth").read_bytes()).hexdigest()[:12]
    assert f"|checkpoint:{digest}|vocabulary:{network.vocabulary}|" in signature


def test_other_forms_of_the_same_checkpoint(folder, network, tmp_path):
    from safetensors.torch import save_file
    from transformers import BertTokenizer

    whole = torch.load(folder / "chexbert.pth", weights_only=True)["model_state_dict"]
    tensors = {name.removeprefix("module."): value for name, value in whole.items() if "position_ids" not in name}
    save_file(tensors, tmp_path / "model.safetensors")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    for given in (tmp_path, tmp_path / "model.safetensors", folder / "chexbert.pth"):
        assert Chexbert.load(str(given)).read(TEXTS)[0].tolist() == CODES


def test_what_cannot_be_loaded_is_named(folder, tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint: CheXbert's own chexbert.pth"):
        score([PAIRS], ["chexbert"], PRESETS["r2gen"])
    with pytest.raises(InputError, match=r"no such file or folder"):
        Chexbert.load(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match=r"holds none of chexbert.pth"):
        Chexbert.load(str(tmp_path))
    weights = tmp_path / "chexbert.pth"
    weights.write_bytes((folder / "chexbert.pth").read_bytes())
    with pytest.raises(InputError, match=r"put that of bert-base-uncased there"):
        Chexbert.load(str(tmp_path))
    (tmp_path / "vocab.txt").write_text((folder / "vocab.txt").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**SIZES, "hidden_size": 32}))
    with pytest.raises(InputError, match=r"not those of a CheXbert of what config.json says"):
        Chexbert.load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"hidden_size": "wide"}')
    with pytest.raises(InputError, match=r"config.json: no settings of BERT"):
        Chexbert.load(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(SIZES))
    (tmp_path / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "more\n")
    with pytest.raises(InputError, match=r"vocab.txt: has more words than the weights"):
        Chexbert.load(str(tmp_path))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"damaged"):
        Chexbert.load(str(tmp_path))


class Trap:
    def __reduce__(self):
        return (print, ("a pickle ran",))


def test_a_pickle_of_more_than_tensors_is_refused(folder, tmp_path, capsys):
    torch.save({"model_state_dict": {"a": Trap()}}, tmp_path / "chexbert.pth")
    (tmp_path / "vocab.txt").write_text((folder / "vocab.txt").read_text())
    with pytest.raises(InputError, match=r"no file of weights alone"):
        Chexbert.load(str(tmp_path))
    assert "a pickle ran" not in capsys.readouterr().out


def test_without_config_it_is_of_bert_base(folder, tmp_path):
    for name in ("chexbert.pth", "vocab.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError, match=r"CheXbert of BERT base, and there is no config.json"):
        Chexbert.load(str(tmp_path))
