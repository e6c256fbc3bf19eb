"""`radtrace score --floors`, on phantoms."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import ChameleonVQVAEConfig

from radtrace.models.tokenizer import ImageTokenizer, load_tokenizer, save_tokenizer
from radtrace.models.vqgan import VQGAN

ROOT = Path(__file__).parents[2]
TEXT = [
    "constant",
    "constant_bleu_4",
    "constant_rouge_l",
    "climbed_bleu_4",
    "climbed_rouge_l",
    "climbed_labels",
    "random",
    "nearest",
]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    return tmp_path_factory.mktemp("floors")


@pytest.fixture
def built(radtrace, tmp_path, datasets):
    """refs: phantoms 0-4, train: phantoms 3-14, so that two studies are in both."""
    for name, first, count in (("refs", 0, 5), ("train", 3, 12)):
        if not (datasets / name).exists():
            settings = [f"output={datasets / name}", f"source.first_seed={first}", f"source.count={count}"]
            settings += ["source.side=128", "workers=1", "split.train=1.0", "split.val=0", "split.test=0"]
            overrides = [part for setting in settings for part in ("--set", setting)]
            done = radtrace("build", ROOT / "recipes" / "phantoms.toml", *overrides)
            assert done.returncode == 0, done.stderr
        shutil.copytree(datasets / name, tmp_path / name)
    return ("--preds", "refs", "--refs", "refs", "--floors", "train")


def test_floors_stand_beside_the_scores(radtrace, built, tmp_path):
    metrics = ("--metrics", "chexpert_rules,bleu,rouge_l,grd,gen")
    done = radtrace("score", *built, *metrics, "--json", "--floors-output", "out")
    assert done.returncode == 0, done.stderr
    assert "2 studies of train share id, film or patient with refs: left out" in done.stderr
    result = json.loads(done.stdout)
    assert list(result) == ["scores", "signatures", "n", "failed", "floors"]
    floors = result["floors"]
    assert list(floors) == [*TEXT, "mean_box", "usual_boxes", "mean_crop", "tokenizer", "dealt"]
    assert "--checkpoint tokenizer=DIR" in floors.pop("tokenizer")["absent"]
    for name, floor in floors.items():
        assert (floor["n"], floor["failed"]) == (5, 0)
        assert floor["signature"].startswith(f"{name}|rule:")
        assert name == "dealt" or "|n:10|left_out:2|" in floor["signature"]
    assert floors["constant"]["scores"].keys() == result["scores"].keys() - {"grd", "gen"}
    assert floors["mean_box"]["scores"].keys() == {"grd"}
    assert floors["mean_crop"]["scores"].keys() == {"gen"}
    assert floors["dealt"]["scores"].keys() == result["scores"].keys()
    assert 0 < floors["dealt"]["scores"]["rouge_l"] < 1
    assert {"grd", "gen", "bleu_4"} <= floors["dealt"]["p"].keys()
    assert 0 < floors["mean_box"]["scores"]["grd"] < 1
    # What a floor wrote can be scored by itself.
    again = radtrace("score", "--preds", "out/nearest.preds.jsonl", "--refs", "refs", "--metrics", "rouge_l", "--json")
    assert json.loads(again.stdout)["scores"]["rouge_l"] == pytest.approx(floors["nearest"]["scores"]["rouge_l"])
    assert json.loads((tmp_path / "out" / "dealt.jsonl").read_text().splitlines()[0])["radtrace"] == "scores"


def test_lines_of_text_have_floors_of_language(radtrace, tmp_path):
    texts = {"a": "The heart is normal.", "b": "Small left pleural effusion.", "c": "Clear lungs."}
    lines = [json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items()]
    for name, some in (("r", lines), ("p", lines[1:2]), ("t", [line.replace('"id": "', '"id": "t') for line in lines])):
        (tmp_path / f"{name}.jsonl").write_text("".join(some))
    files = ("--preds", "p.jsonl", "--refs", "r.jsonl", "--floors", "t.jsonl", "--metrics", "bleu,rouge_l")
    done = radtrace("score", *files, "--json")
    assert done.returncode == 0, done.stderr
    floors = json.loads(done.stdout)["floors"]
    assert list(floors) == [*TEXT, "dealt"]
    assert "both be trace datasets" in floors["nearest"]["absent"]
    # One prediction of three: it is dealt to nobody, and the failures stay.
    assert (floors["dealt"]["n"], floors["dealt"]["failed"], floors["constant"]["failed"]) == (3, 2, 0)
    lines = radtrace("score", *files).stdout.splitlines()
    assert any(line.split()[:3] == ["model", "floor", "constant"] for line in lines)
    assert next(line for line in lines if line.startswith("nearest: ")).endswith("trace datasets")


TINY = {
    "embed_dim": 8,
    "num_embeddings": 16,
    "latent_channels": 32,
    "resolution": 8,
    "in_channels": 4,
    "base_channels": 32,
    "channel_multiplier": [1, 1],
    "num_res_blocks": 1,
    "attn_type": "none",
}


def test_a_tokenizer_is_a_row_of_its_own(radtrace, built, tmp_path):
    torch.manual_seed(0)
    network = VQGAN(ChameleonVQVAEConfig(**TINY)).eval()
    save_tokenizer(ImageTokenizer(network, side=16, patch=2, sha256=""), tmp_path / "vq")
    done = radtrace("score", *built, "--metrics", "gen", "--checkpoint", "tokenizer=vq", "--json")
    assert done.returncode == 0, done.stderr
    floors = json.loads(done.stdout)["floors"]
    assert list(floors) == ["mean_crop", "tokenizer", "dealt"]
    assert 0 <= floors["tokenizer"]["scores"]["gen"] < 0.9
    assert f"checkpoint:sha256-{load_tokenizer(tmp_path / 'vq').sha256[:12]}|" in floors["tokenizer"]["signature"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--floors", "refs"], "no report to fit on: 5 studies, 5 of them among the references"),
        (["--floors", "train", "--floors-split", "trian"], "no split 'trian'"),
        (["--floors", "nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(radtrace, built, arguments, message):
    done = radtrace("score", *built[:4], *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_settings_of_floors_need_floors(radtrace, built):
    done = radtrace("score", *built[:4], "--floors-split", "train")
    assert (done.returncode, done.stderr) == (2, "radtrace: --floors-split and --floors-output are of --floors\n")
