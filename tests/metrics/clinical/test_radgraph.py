import hashlib
import json
import tarfile
import warnings
import zlib

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair, metric, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.radgraph_model import ENCODER, LONGEST, load_radgraph, shortened

torch = pytest.importorskip("torch")
with warnings.catch_warnings(action="ignore"):  # the package's own, when it is compiled
    pytest.importorskip("radgraph")

WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a b 1 2 no is the of left right small mild heart lungs normal clear pleural "
    "effusion pneumothorax cardiomegaly edema ##s ##ly . ,"
)
TEXTS = [
    "No pleural effusion.",
    "Small LEFT pleural effusions, mild edema.\n2. No pneumothorax",
    "The heart is normal. Lungs clear.",
    "Cardiomegaly",
]
LABELS = ["", "Observation::definitely present", "Observation::definitely absent", "Anatomy::definitely present"]
RELATIONS = ["located_at", "modify", "suggestive_of"]
NAMED = {"type": "pretrained_transformer_mismatched", "model_name": "nobody/no-such-encoder", "max_length": 20}
CONFIG = {
    "dataset_reader": {"type": "dygie", "max_span_width": 2, "token_indexers": {"bert": NAMED}},
    "model": {
        "type": "dygie",
        "embedder": {"token_embedders": {"bert": NAMED}},
        "initializer": {},
        "module_initializer": {},
        "modules": {
            "coref": {"spans_per_word": 0.3, "max_antecedents": 2, "coref_prop": 0},
            "events": {
                "trigger_spans_per_word": 0.3,
                "argument_spans_per_word": 0.3,
                "loss_weights": {"trigger": 0.2, "arguments": 1.0},
            },
            "ner": {},
            "relation": {"spans_per_word": 0.5},
        },
        "feature_size": 4,
        "max_span_width": 2,
        "target_task": "relation",
        "feedforward_params": {"num_layers": 1, "hidden_dims": 8, "dropout": 0.4},
        "loss_weights": {"ner": 0.2, "relation": 1.0, "coref": 0.0, "events": 0.0},
    },
}
SEED = 16
BERT = {
    "model_type": "bert",
    "vocab_size": len(WORDS.split()),
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 32,
}


def bert_shapes():
    from transformers import BertConfig, BertModel

    inside = "_embedder.token_embedder_bert._matched_embedder.transformer_model"
    return {f"{inside}.{name}": value.shape for name, value in BertModel(BertConfig(**BERT)).state_dict().items()}


def forward(name, width, out):
    """Shapes of a feedforward network of one layer and, where `out` says so, the linear one after it."""
    shapes = {f"{name[0]}._linear_layers.0.weight": (8, width), f"{name[0]}._linear_layers.0.bias": (8,)}
    return shapes | {f"{name[1]}.weight": (out, 8), f"{name[1]}.bias": (out,)}


def shapes_of(model):
    """The names and shapes of DyGIE++'s weights: spans are start, end and width, 8 + 8 + 4 wide; pairs three spans."""
    span, ner, relation = 20, f"{model}__ner_labels", f"{model}__relation_labels"
    scorers, pruners = f"_ner._ner_scorers.{ner}", f"_relation._mention_pruners.{relation}._scorer"
    return {
        **bert_shapes(),
        "_endpoint_span_extractor._span_width_embedding.weight": (2, 4),
        **forward((f"{scorers}.0._module", f"{scorers}.1._module"), span, len(LABELS) - 1),
        "_coref._distance_embedding.weight": (10, 4),
        "_coref._f_network._linear_layers.0.weight": (span, 2 * span),
        "_coref._f_network._linear_layers.0.bias": (span,),
        "_events._distance_embedding.weight": (10, 4),
        **forward(("_coref._antecedent_feedforward._module", "_coref._antecedent_scorer._module"), 3 * span + 4, 1),
        **forward(("_coref._mention_pruner._scorer.0._module", "_coref._mention_pruner._scorer.1._module"), span, 1),
        **forward((f"{pruners}.0._module", f"{pruners}.1._module"), span, 1),
        **forward(
            (f"_relation._relation_feedforwards.{relation}", f"_relation._relation_scorers.{relation}"),
            3 * span,
            len(RELATIONS),
        ),
    }


def drawn(name, shape):
    """Weights that are the same on every machine, and large enough that words differ."""
    if name.endswith("LayerNorm.weight"):
        return torch.ones(shape)
    scale = 0.1 if any(part in name for part in ("query", "key", "bias", "width")) else 1.0
    numbers = np.random.RandomState(zlib.crc32(name.encode()) + SEED).randn(*shape) * scale
    return torch.tensor(numbers, dtype=torch.float32)


def make_checkpoint(folder, model="radgraph-xl", encoder=True):
    """A RadGraph as its authors publish it, but tiny, with its encoder's settings and words beside it."""
    (folder / "vocabulary").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocabulary" / "non_padded_namespaces.txt").write_text("*labels\n*tags\n")
    (folder / "vocabulary" / f"{model}__ner_labels.txt").write_text("\n".join(LABELS) + "\n")
    (folder / "vocabulary" / f"{model}__relation_labels.txt").write_text("\n".join(RELATIONS) + "\n")
    torch.save({name: drawn(name, shape) for name, shape in shapes_of(model).items()}, folder / "weights.th")
    if encoder:
        (folder / ENCODER).mkdir(exist_ok=True)
        (folder / ENCODER / "config.json").write_text(json.dumps(BERT))
        (folder / ENCODER / "vocab.txt").write_text(WORDS.replace(" ", "\n") + "\n")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "any name")


FIRST = [
    ("No", LABELS[3], []),
    ("No pleural", LABELS[3], []),
    ("pleural", LABELS[3], []),
    ("pleural effusion", LABELS[3], []),
    ("effusion", LABELS[2], []),
    ("effusion .", LABELS[3], [["located_at", "6"], ["located_at", "7"]]),
    (".", LABELS[3], [["located_at", "6"], ["located_at", "7"]]),
]
"""What radgraph 0.1.18 under transformers 4.46.3 annotates in the first text with this very checkpoint."""
COUNTS = [(7, 4), (20, 25), (10, 4), (0, 0)]
"""Its entities and relations of each text; the second is read in two pieces of 20 word pieces."""
PAIRS = [
    Pair(str(place), prediction, reference)
    for place, (prediction, reference) in enumerate(
        [
            (TEXTS[0], TEXTS[1]),
            (TEXTS[1], TEXTS[2]),
            (TEXTS[2], TEXTS[2]),
            ("", TEXTS[0]),
            (TEXTS[2].lower(), TEXTS[2]),
            (TEXTS[3], TEXTS[3]),
            (TEXTS[0], f"{TEXTS[0]} Heart normal."),
        ]
    )
]
LEGACY = {
    "e": [0.23076923076923078, 0.07142857142857142, 1.0, 0.0, 0.8888888888888888, 0.0, 0.631578947368421],
    "er": [0.14814814814814817, 0.13333333333333333, 1.0, 0.0, 0.9, 0.0, 0.4],
    "ber": [0.0816326530612245, 0.07692307692307691, 1.0, 0.0, 0.9166666666666666, 0.0, 0.3529411764705882],
}
"""F1RadGraph of these pairs, likewise. The sixth texts are the same and have no entity: 0, as the package has it."""


def backing(folder):
    return Backing({"radgraph": str(folder)})


def scored(folder, *names, pairs=PAIRS):
    return {one.name: one for name in names for one in metric(name, backing(folder))(pairs, PRESETS["r2gen"])}


def test_graphs_are_those_of_the_package(folder):
    network = load_radgraph(str(folder))
    graphs = network.annotate(TEXTS)
    assert [(one["tokens"], one["label"], one["relations"]) for one in graphs[0].values()] == FIRST
    assert [(len(one), sum(len(each["relations"]) for each in one.values())) for one in graphs] == COUNTS
    assert (network.model, network.package) == ("radgraph-xl", "radgraph 0.1.18")
    assert network.annotate(TEXTS[::-1]) == graphs[::-1]


def test_legacy_rewards_are_those_of_the_package(folder):
    scores = scored(folder, "radgraph_legacy")
    assert list(scores) == ["radgraph_legacy_e", "radgraph_legacy_er", "radgraph_legacy_ber"]
    for part, values in LEGACY.items():
        assert scores[f"radgraph_legacy_{part}"].per_sample == tuple(values)
        assert scores[f"radgraph_legacy_{part}"].value == pytest.approx(sum(values) / 7)


def test_fixed_rewards_do_not_see_the_cases_of_letters(folder):
    for part, values in LEGACY.items():
        one = scored(folder, "radgraph")[f"radgraph_{part}"]
        assert one.per_sample[4] == 1
        assert one.per_sample[:4] == pytest.approx(values[:4])


def test_failures_and_absent_references(folder):
    pairs = [Pair("0", None, TEXTS[0]), Pair("1", TEXTS[0], TEXTS[0]), Pair("2", TEXTS[0], None)]
    result = score([pairs[:1], pairs[1:]], ["radgraph"], PRESETS["r2gen"], backing=backing(folder))
    assert result.scores == {"radgraph_e": 0.5, "radgraph_er": 0.5, "radgraph_ber": 0.5}
    assert (result.n, result.failed, result.unscored) == (2, 1, 1)
    nothing = score([pairs[2:]], ["radgraph_er"], PRESETS["r2gen"], backing=backing(folder))
    assert nothing.scores == {"radgraph_er": None}


def test_statistics_are_summed_to_the_corpus_value(folder):
    rows = [0, 0, 4, 6]
    resampled = scored(folder, "radgraph", pairs=[PAIRS[row] for row in rows])
    for name, one in scored(folder, "radgraph").items():
        assert float(one.corpus(one.statistics[rows].sum(axis=0))) == pytest.approx(resampled[name].value)


def test_signatures_say_case_model_weights_and_package(folder):
    digest = hashlib.sha256((folder / "weights.th").read_bytes()).hexdigest()[:12]
    scores = scored(folder, "radgraph", "radgraph_legacy")
    for name, case in (("radgraph_ber", "fixed"), ("radgraph_legacy_ber", "legacy")):
        said = f"{name}|case:{case}|model:radgraph-xl|longest:600|checkpoint:{digest}|package:radgraph 0.1.18|v:"
        assert scores[name].signature.startswith(said)


def test_half_a_surrogate_pair_is_a_question_mark(folder):
    one, other = load_radgraph(str(folder)).annotate(["No \ud800 effusion.", "No ? effusion."])
    assert one == other


def test_of_a_long_text_the_beginning_is_read(folder, monkeypatch):
    words = [f"w{number}" for number in range(LONGEST - 1)]
    whole = " ".join(words) + ". "
    assert shortened(whole) == whole
    assert shortened(whole + " more, and more") == whole.strip()
    monkeypatch.setattr("radtrace.metrics.clinical.radgraph_model.LONGEST", 8)
    network = load_radgraph(str(folder))
    one, other = network.annotate([TEXTS[0] * 3000, TEXTS[0] * 2])
    assert one == other
    assert one


def test_an_archive_and_the_older_model(tmp_path):
    folder = make_checkpoint(tmp_path / "older", "radgraph")
    with tarfile.open(tmp_path / "radgraph.tar.gz", "w:gz") as archive:
        for path in folder.iterdir():
            archive.add(path, path.name)
    plain, packed = load_radgraph(str(folder)), load_radgraph(str(tmp_path / "radgraph.tar.gz"))
    assert plain.model == packed.model == "radgraph"
    assert plain.checkpoint == packed.checkpoint
    assert plain.annotate(TEXTS) == packed.annotate(TEXTS)
    assert load_radgraph(str(tmp_path)).checkpoint == plain.checkpoint  # a folder that holds the archive


def test_nothing_is_printed_where_results_are(folder, capsys):
    load_radgraph.cache_clear()
    scored(folder, "radgraph")
    assert capsys.readouterr().out == ""


def test_what_cannot_be_loaded_is_named(folder, tmp_path):
    with pytest.raises(InputError, match=r"no checkpoint: radgraph-xl.tar.gz or"):
        score([PAIRS], ["radgraph"], PRESETS["r2gen"])
    with pytest.raises(InputError, match=r"holds none of weights.th"):
        load_radgraph(str(tmp_path))
    bare = make_checkpoint(tmp_path / "bare", encoder=False)
    with pytest.raises(InputError, match=r"no encoder nobody/no-such-encoder: put its config.json and vocab.txt"):
        load_radgraph(str(bare))
    other = make_checkpoint(tmp_path / "other", model="words")
    with pytest.raises(InputError, match=r"no labels of radgraph, radgraph-xl"):
        load_radgraph(str(other))
    (other / "config.json").unlink()
    (other / "vocabulary" / "words__ner_labels.txt").rename(other / "vocabulary" / "radgraph__ner_labels.txt")
    with pytest.raises(InputError, match=r"the package cannot load it \(FileNotFoundError\)"):
        load_radgraph(str(other))
    broken = make_checkpoint(tmp_path / "broken")
    (broken / "weights.th").write_bytes((folder / "weights.th").read_bytes()[:999])
    with pytest.raises(InputError, match=r"the package cannot load it"):
        load_radgraph(str(broken))
    (tmp_path / "radgraph-xl.tar.gz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"damaged, or no tar archive"):
        load_radgraph(str(tmp_path))
