import json
import shutil

import pytest
from click.testing import CliRunner

from radtrace.cli import cli
from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.pairs import chunked
from radtrace.metrics.similarity.bertscore import BertScore

pytest.importorskip("torch")
pytest.importorskip("transformers")

PRESET = PRESETS["strict"]
TEXTS = [
    ("The heart is normal. The lungs are clear.", "Heart size is normal. No pleural effusion is seen."),
    ("Small left pleural effusion, no pneumothorax.", "There is a small left pleural effusion."),
    (
        "x",
        "Right basilar atelectasis with a small effusion; the heart is unremarkable, "
        "and so on and so on and on and on.",
    ),
    ("The lungs are clear.", "The lungs are clear."),
    (" no  (mild) cardiomegaly\nseen ", "Mild cardiomegaly, unchanged."),
]
"""(prediction, reference); the third reference is longer than the networks read."""
# P, R, F1 by bert-score 0.3.13 with transformers 4.57.6 (slow tokenizers), torch 2.13, of the same folders and pairs:
# BERTScorer(model_type=folder, num_layers=layer, idf=idf, idf_sents=references if idf else None).score(…).
PUBLISHED = {
    ("bert", 2, False): [
        (0.91711128, 0.91801697, 0.91756386),
        (0.67792833, 0.93671143, 0.78658193),
        (0.93133247, 0.61147225, 0.73824501),
        (1.0, 1.0, 1.0),
        (0.91860402, 0.95179462, 0.93490481),
    ],
    ("bert", 2, True): [
        (0.91194510, 0.92065972, 0.91628170),
        (0.63719928, 0.93840480, 0.75901157),
        (0.93133247, 0.60718906, 0.73511469),
        (1.0, 1.0, 1.0),
        (0.92375278, 0.96383047, 0.94336617),
    ],
    ("bert", 3, False): [
        (0.94483924, 0.94184870, 0.94334155),
        (0.74808061, 0.86432946, 0.80201447),
        (0.85916054, 0.78508800, 0.82045579),
        (1.0, 1.0, 1.0),
        (0.96016032, 0.94691902, 0.95349365),
    ],
    ("roberta", 5, False): [
        (0.82111830, 0.85191762, 0.83623445),
        (0.97955573, 0.97324514, 0.97639024),
        (0.56589240, 0.39176455, 0.46299791),
        (1.0, 1.0, 1.0),
        (0.97932452, 0.97923130, 0.97927791),
    ],
    ("roberta", 5, True): [
        (0.83736223, 0.85511190, 0.84614396),
        (0.97888982, 0.96754813, 0.97318590),
        (0.55651325, 0.40045545, 0.46575978),
        (1.0, 1.0, 1.0),
        (0.97865421, 0.97965354, 0.97915363),
    ],
}
# The same with rescale_with_baseline=True, baseline_path=BASELINE; the last pair is an empty prediction.
BASELINE = "LAYER,P,R,F\n0,0.1,0.2,0.3\n1,0.3,0.31,0.32\n2,0.5,0.51,0.505\n3,0.6,0.61,0.605\n"
RESCALED = [
    (0.83422256, 0.83268768, 0.83346236),
    (0.35585666, 0.87083966, 0.56885242),
    (0.86266494, 0.20708624, 0.47120205),
    (1.0, 1.0, 1.0),
    (0.83720803, 0.90162170, 0.86849457),
    (-1.00000000, -1.04081631, -1.02020204),
]
NAMES = ("precision", "recall", "f1")


def _pairs() -> list[Pair]:
    return [Pair(str(number), *texts) for number, texts in enumerate(TEXTS)]


def _scored(pairs, names, folder):
    seen = []
    scored = score(
        [pairs], names, PRESET, lambda _, scores: seen.extend(scores), backing=Backing({"bertscore": str(folder)})
    )
    return scored, {one.name: one for one in seen}


@pytest.mark.parametrize(("network", "layer", "idf"), PUBLISHED)
def test_the_numbers_of_bert_score(network, layer, idf, request):
    scorer = BertScore.load(f"{request.getfixturevalue(network)}#{layer}")
    for row, expected in zip(scorer(TEXTS, idf=idf), PUBLISHED[network, layer, idf], strict=True):
        assert row == pytest.approx(expected, abs=1e-6)


def test_rescaled_by_the_baseline_of_the_folder(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "copy")
    (folder / "rescale_baseline.tsv").write_text(BASELINE, "utf-8")
    names = ["bertscore_rescaled", "bertscore_rescaled_precision", "bertscore_rescaled_recall"]
    scored, scores = _scored([*_pairs(), Pair("failed", " ", "Clear.")], names, f"{folder}#2")
    columns = zip(*(scores[name].per_sample for name in (names[1], names[2], names[0])), strict=True)
    for row, expected in zip(columns, RESCALED, strict=True):
        assert row == pytest.approx(expected, abs=1e-6)
    assert "|layer:2|idf:no|rescaled:0.5/0.51/0.505|" in scored.signatures["bertscore_rescaled"]


def test_rescaling_needs_the_baseline_of_that_layer(bert, tmp_path):
    with pytest.raises(InputError, match=r"bertscore_rescaled: .* has no rescale_baseline.tsv"):
        _scored(_pairs(), ["bertscore_rescaled"], bert)
    folder = shutil.copytree(bert, tmp_path / "copy")
    (folder / "rescale_baseline.tsv").write_text("LAYER,P,R,F\n0,0.1,0.2,0.3\n", "utf-8")
    with pytest.raises(InputError, match="no line LAYER,P,R,F of layer 3"):
        _scored(_pairs(), ["bertscore_rescaled"], folder)


def test_failures_count_and_missing_references_do_not(bert):
    pairs = [*_pairs(), Pair("failed", None, "Clear."), Pair("unscored", "Clear.", None)]
    scored, scores = _scored(pairs, ["bertscore", "bertscore_precision", "bertscore_recall"], f"{bert}#2")
    assert (scored.n, scored.failed, scored.unscored) == (6, 1, 1)
    f1 = scores["bertscore"].per_sample
    assert f1[5:] == (0.0, None)
    # (0.91756386 + 0.78658193 + 0.73824501 + 1 + 0.93490481 + 0) / 6
    assert scored.scores["bertscore"] == pytest.approx(0.72954927, abs=1e-6)
    assert scores["bertscore_precision"].per_sample[2] > scores["bertscore_recall"].per_sample[2]


def test_each_pair_stands_alone_unless_weighed_by_rarity(bert):
    whole = _scored(_pairs(), ["bertscore", "bertscore_idf"], bert)[1]
    alone = _scored(_pairs()[:1], ["bertscore", "bertscore_idf"], bert)[1]
    assert alone["bertscore"].per_sample[0] == pytest.approx(whole["bertscore"].per_sample[0], abs=1e-6)
    # Of a single reference its own tokens weigh log(2 / 2) = 0, so nothing can be recalled.
    assert alone["bertscore_idf"].per_sample[0] == 0.0


def test_rarity_is_that_among_all_references_whatever_the_chunks(bert):
    backing = Backing({"bertscore": str(bert)})
    once, chunks = (
        score(pairs, ["bertscore_idf"], PRESET, backing=backing) for pairs in ([_pairs()], chunked(_pairs(), 2))
    )
    assert chunks.scores == once.scores


def test_the_command_scores_by_a_checkpoint(bert, tmp_path):
    for side, file in enumerate(("preds.jsonl", "refs.jsonl")):
        lines = [json.dumps({"id": number, "text": texts[side]}) for number, texts in enumerate(TEXTS)]
        (tmp_path / file).write_text("\n".join(lines), "utf-8")
    arguments = ["score", "--preds", str(tmp_path / "preds.jsonl"), "--refs", str(tmp_path / "refs.jsonl"), "--json"]
    done = CliRunner().invoke(cli, [*arguments, "--metrics", "bertscore", "--checkpoint", f"bertscore={bert}#2"])
    # (0.91756386 + 0.78658193 + 0.73824501 + 1 + 0.93490481) / 5
    scores = json.loads(done.stdout)["scores"]
    assert list(scores) == ["bertscore", "bertscore_precision", "bertscore_recall"]
    assert scores["bertscore"] == pytest.approx(0.87545912, abs=1e-6)
    with pytest.raises(InputError, match="--checkpoint bertscore=PATH"):
        CliRunner().invoke(cli, [*arguments, "--metrics", "bertscore"], catch_exceptions=False)


def test_a_text_and_itself_are_one_in_any_order(bert):
    pairs = [Pair(str(number), text, text) for number, (text, _) in enumerate(TEXTS)]
    values = _scored(pairs, ["bertscore"], bert)[1]["bertscore"].per_sample
    assert values == pytest.approx([1.0] * len(pairs), abs=1e-6)
    assert max(values) <= 1.0
    forth = _scored(_pairs(), ["bertscore"], bert)[1]["bertscore"].per_sample
    back = _scored(_pairs()[::-1], ["bertscore"], bert)[1]["bertscore"].per_sample
    assert back[::-1] == pytest.approx(forth, abs=1e-6)


def test_the_layer_is_the_named_one_the_known_one_or_the_last(bert, roberta, tmp_path):
    known = shutil.copytree(roberta, tmp_path / "distilroberta-base")
    assert BertScore.load(f"{bert}#1").layer == 1
    assert BertScore.load(str(bert)).layer == 3
    assert BertScore.load(str(known)).layer == 5
    with pytest.raises(InputError, match="#4: tiny-bert has layers 0 to 3"):
        BertScore.load(f"{bert}#4")


def test_the_signature_tells_networks_apart(bert, roberta):
    signatures = [_scored(_pairs(), ["bertscore"], folder)[0].signatures["bertscore"] for folder in (bert, roberta)]
    assert signatures[0].startswith("bertscore|variant:bert-score 0.3.13|model:tiny-bert|layer:3|idf:no|rescaled:no|")
    checkpoints = [signed.split("|checkpoint:")[1][:12] for signed in signatures]
    assert checkpoints[0] != checkpoints[1]


def test_absent_and_damaged_checkpoints_are_named(bert, tmp_path):
    with pytest.raises(InputError, match=r"bertscore: no checkpoint: .*roberta-large.*--checkpoint bertscore=PATH"):
        score([_pairs()], ["bertscore"], PRESET, backing=Backing())
    with pytest.raises(InputError, match="no such folder, and no hub id"):
        BertScore.load(str(tmp_path / "nowhere" / "at" / "all"))
    with pytest.raises(InputError, match=r"holds no config.json with model.safetensors"):
        BertScore.load(str(tmp_path))
    folder = shutil.copytree(bert, tmp_path / "copy")
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(InputError, match="no network that can be read"):
        BertScore.load(str(folder))


def test_weights_that_lack_a_tensor_are_refused(bert, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(bert, tmp_path / "copy")
    tensors = load_file(folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="the weights lack 1 tensors"):
        BertScore.load(str(folder))


class _Touch:
    """A pickle that would write a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_weights_of_torch_are_read_as_weights_alone(bert, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = shutil.copytree(bert, tmp_path / "tiny-bert")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert BertScore.load(f"{folder}#2")(TEXTS[:1])[0] == pytest.approx(PUBLISHED["bert", 2, False][0], abs=1e-6)
    torch.save({**tensors, "more": _Touch(tmp_path / "written")}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="no network that can be read"):
        BertScore.load(str(folder))
    assert not (tmp_path / "written").exists()


def test_code_of_a_folder_is_not_run(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "tiny-bert")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'written')!r}, 'w')\n", "utf-8")
    with pytest.raises(InputError, match=r"no config[.]json that transformers knows"):
        BertScore.load(str(folder))
    assert not (tmp_path / "written").exists()
