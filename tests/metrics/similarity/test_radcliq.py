import json
import shutil

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.chexbert import Chexbert
from radtrace.metrics.clinical.radgraph_model import Radgraph
from radtrace.metrics.similarity.bertscore import BertScore
from radtrace.metrics.similarity.radcliq import RadCliQ, graph_similarity, radcliq, radcliq_by

from .conftest import fill, vocabulary

pytest.importorskip("torch")
pytest.importorskip("transformers")

PRESET = PRESETS["strict"]
PAIRS = [
    Pair("same", "Small left effusion.", "Small left effusion."),
    Pair("other", "The heart is  normal.", "Small left effusion. The heart is normal in size."),
    Pair("failed", None, "The lungs are clear."),
    Pair("unscored", "The lungs are clear.", None),
]
LABELS = {"left": "ANAT-DP", "heart": "ANAT-DP", "lungs": "ANAT-DP", "effusion": "OBS-DP", "normal": "OBS-DP"}


def annotate(texts):
    """Graphs as the package radgraph answers them: known words, each observation located at the anatomy before it."""
    words = texts[0].lower().replace(".", "").split()
    known = [(word, LABELS[word]) for word in words if word in LABELS]
    entities = {}
    for number, (word, label) in enumerate(known):
        located = label == "OBS-DP" and number > 0
        relations = [["located_at", str(number - 1)]] if located else []
        entities[str(number)] = {"tokens": word, "label": label, "relations": relations}
    return {"0": {"entities": entities}}


@pytest.fixture(scope="module")
def distilroberta(roberta, tmp_path_factory):
    return shutil.copytree(roberta, tmp_path_factory.mktemp("networks") / "distilroberta-base")


@pytest.fixture(scope="module")
def chexbert(tmp_path_factory):
    """A CheXbert of 16 units as its authors publish it."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("networks") / "chexbert"
    folder.mkdir()
    words = vocabulary()
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": len(words), **sizes}), "utf-8")
    encoder = BertModel(BertConfig(vocab_size=len(words), **sizes), add_pooling_layer=False)
    fill(encoder, 5)
    whole = torch.nn.ModuleDict(
        {
            "bert": encoder,
            "linear_heads": torch.nn.ModuleList([torch.nn.Linear(16, count) for count in (4,) * 13 + (2,)]),
        }
    )
    torch.save({"model_state_dict": whole.state_dict()}, folder / "chexbert.pth")
    return folder


@pytest.fixture(scope="module")
def networks(distilroberta, chexbert):
    """Two tiny networks, and an annotator that finds graphs by words."""
    return RadCliQ(
        BertScore.load(str(distilroberta)),
        Chexbert.load(str(chexbert)),
        Radgraph(annotate, "words", "radgraph 0", "0" * 12),
    )


def test_the_published_combination():
    # Four ones: -.377083683 · (1 - .53792312) / .30282584 = -.575385; -.3703001 · (1 - .61757256) / .22430938 =
    # -.631329; -.252616218 · (1 - .76479421) / .25394391 = -.233976; BLEU counts 8e-12. Together -1.440690.
    assert radcliq(np.ones(4)) == pytest.approx(-1.440690, abs=1e-6)
    # The means: nothing but the intercept, 2.5e-10.
    assert radcliq(np.array([0.53792312, 0.61757256, 0.76479421, 0.44738335])) == pytest.approx(2.46655256e-10)
    # Four zeros: .377083683 · .53792312 / .30282584 + .3703001 · .61757256 / .22430938 + .252616218 · .76479421 /
    # .25394391 = .669828 + 1.019519 + .760796.
    assert radcliq(np.zeros((2, 4))) == pytest.approx([2.450143] * 2, abs=1e-6)


def test_graphs_are_compared_by_entities_and_by_relations():
    one = annotate(["Left effusion. Heart normal."])["0"]["entities"]
    other = annotate(["Left effusion. Lungs normal"])["0"]["entities"]
    # Entities: three of four on both sides, F1 .75. Relations: one of two on both sides, F1 .5.
    assert graph_similarity(one, other) == pytest.approx(0.625)
    assert graph_similarity(one, one) == 1.0
    assert graph_similarity(one, {}) == graph_similarity({}, {}) == 0.0
    # Without relations their F1 is 0, so that even the same graph has one half.
    assert graph_similarity(lone := annotate(["Lungs"])["0"]["entities"], lone) == 0.5
    capital = {key: {**entity, "tokens": entity["tokens"].upper()} for key, entity in one.items()}
    assert graph_similarity(one, capital) == 0.0


def test_pairs_and_their_mean_lower_being_better(networks):
    (found,) = radcliq_by(networks)(PAIRS, PRESET)
    features = networks.features(PAIRS[:2])
    assert features[0] == pytest.approx([1, 1, 1, 1], abs=1e-5)
    # Of "other": heart, normal of left, effusion, heart, normal: F1 2·2/6; heart-normal is one relation of one and two,
    # F1 2/3; BLEU-2 of the words "the heart is normal ." in a reference of ten: 5/5 · 3/4, exp(1 - 11/5).
    assert features[1, 0] == pytest.approx(2 / 3)
    assert features[1, 3] == pytest.approx(np.sqrt(3 / 4) * np.exp(1 - 11 / 5), abs=1e-6)
    raw = networks.bertscore([("The heart is normal.", PAIRS[1].reference)])[0, 2]
    assert features[1, 1] == pytest.approx((raw - 0.8473319) / (1 - 0.8473319), abs=1e-5)
    # A failed one: .669828 + .3703001 · (.8473319 / .1526681 + .61757256) / .22430938 + .760796.
    same, other, failed, unscored = found.per_sample
    assert (same, failed) == (pytest.approx(-1.440690, abs=1e-4), pytest.approx(11.612594, abs=1e-5))
    assert same < other < failed
    assert other == pytest.approx(float(radcliq(features[1])))
    assert unscored is None
    assert found.value == pytest.approx((same + other + failed) / 3)
    assert found.signature.startswith("radcliq_v1|variant:RadCliQ-v1|better:lower|failed:11.6126|")


def test_each_pair_stands_alone_and_chunks_change_nothing(networks):
    metric = radcliq_by(networks)
    whole = metric(PAIRS, PRESET)[0].per_sample
    assert [metric([pair], PRESET)[0].per_sample[0] for pair in PAIRS[:3]] == pytest.approx(whole[:3], abs=1e-5)
    assert metric([], PRESET)[0].value is None


def test_it_stands_on_distilroberta_and_on_all_three(roberta, distilroberta, chexbert):
    def asked(**checkpoints):
        return score([PAIRS], ["radcliq_v1"], PRESET, backing=Backing(checkpoints))

    with pytest.raises(InputError, match=r"bertscore: no checkpoint: distilbert/distilroberta-base"):
        asked()
    for other in (roberta, f"{distilroberta}#4"):
        with pytest.raises(InputError, match=r"radcliq_v1: bertscore=.*: it stands on .*distilroberta-base.*, layer 5"):
            asked(bertscore=str(other))
    with pytest.raises(InputError, match="chexbert: no checkpoint"):
        asked(bertscore=str(distilroberta))
    with pytest.raises(InputError, match="radgraph: no checkpoint"):
        asked(bertscore=str(distilroberta), chexbert=str(chexbert))
