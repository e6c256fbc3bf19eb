import json
import shutil

import numpy as np
import pytest

from radtrace.build.shards import Row
from radtrace.errors import InputError, RecipeError
from radtrace.geometry import Box
from radtrace.images import crop, encode_png
from radtrace.metrics import PRESETS, metric
from radtrace.metrics.backing import Backing
from radtrace.metrics.grounding import trace_pair
from radtrace.metrics.grounding.encoders import load_encoder
from radtrace.records import LocalizedImage, Step, Trace, View

PRESET = PRESETS["strict"]
FILM = np.rint(255 * np.random.default_rng(0).random((96, 128))).astype(np.float32) / np.float32(255)
LEFT, RIGHT, ALL = Box.of((0, 0, 0.5, 1)), Box.of((0.5, 0, 1, 1)), Box.of((0, 0, 1, 1))
BLACK = np.zeros((40, 40), np.float32)
ENCODERS = '''
import numpy as np


class Halves:
    """A text is (1, 0), a dark picture (0, 1), any other (1, 0)."""

    signed = "halves"

    def texts(self, texts):
        return np.array([(1.0, 0.0)] * len(texts))

    def pictures(self, pictures):
        return np.array([(0.0, 1.0) if picture.mean() < 0.1 else (1.0, 0.0) for picture in pictures])


class Contrary(Halves):
    """Nothing is like anything."""

    def pictures(self, pictures):
        return np.array([(-1.0, 0.0) if picture.mean() < 0.1 else (0.0, 1.0) for picture in pictures])
'''


def step(domain, box, picture):
    """A step with a generated picture, and its PNG."""
    png = picture if picture is None or isinstance(picture, bytes) else encode_png(picture)
    image = None if png is None else LocalizedImage(kind="generated", uri="x.png", box=box)
    return Step(domain=domain, rationale="The lungs are clear.", box=box, image=image), png


def cut(domain, box):
    return step(domain, box, crop(FILM, box))


def row(*steps):
    view = View(id="v", uri="f", projection="PA", width=128, height=96)
    trace = Trace(study_id="a", view=view, steps=tuple(one for one, _ in steps))
    return Row(trace, encode_png(FILM), tuple(png for _, png in steps))


def sem(*pairs, encoder="Halves"):
    return metric("sem", Backing({"sem": f"own_encoders:{encoder}"}))(pairs, PRESET)[0]


def pair(predicted, reference):
    return trace_pair(predicted, reference, seen=True)


@pytest.fixture(autouse=True)
def own_encoders(tmp_path, monkeypatch):
    (tmp_path / "own_encoders.py").write_text(ENCODERS)
    monkeypatch.syspath_prepend(tmp_path)


def test_by_hand():
    reference = row(cut("lung", LEFT), cut("bone", RIGHT), cut("mediastinal", ALL))
    # lung: the film itself, 1 + 1; bone: a black picture, 0 + 0; mediastinal: missing; other: extra.
    predicted = row(cut("lung", LEFT), step("bone", RIGHT, BLACK), cut("other", ALL))
    found = sem(pair(predicted, reference), pair(None, row(cut("lung", LEFT))))
    assert found.value == pytest.approx((2 + 0 + 0 + 0 + 0) / 5)
    assert found.per_sample == (pytest.approx(2 / 4), 0)
    assert "encoder:halves|range:0-2|floor:0" in found.signature


def test_a_step_that_is_there_is_no_worse_than_one_that_is_missing():
    black = pair(row(step("lung", LEFT, BLACK)), row(cut("lung", LEFT)))
    assert sem(black, encoder="Contrary").value == 0  # cos(text, picture) is -1


@pytest.mark.parametrize("picture", [b"", b"no picture", None])
def test_damaged_and_absent_pictures_are_0(picture):
    assert sem(pair(row(step("lung", LEFT, picture)), row(cut("lung", LEFT)))).value == 0


def test_pairs_without_pictures_are_refused():
    with pytest.raises(RecipeError, match="without keeping pictures"):
        sem(trace_pair(None, row(cut("lung", LEFT))))


def test_no_encoder_and_a_folder_that_is_none(tmp_path, tiny_clip):
    with pytest.raises(InputError, match="microsoft/BiomedCLIP"):
        metric("sem")
    with pytest.raises(InputError, match=r"open_clip_config\.json"):
        load_encoder(str(tmp_path))
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_clip.folder, damaged)
    (damaged / "open_clip_pytorch_model.bin").write_bytes(b"no weights")
    with pytest.raises(InputError, match="cannot be read as BiomedCLIP"):
        load_encoder(str(damaged))
    other = json.loads((tiny_clip.folder / "open_clip_config.json").read_text())
    other["model_cfg"]["text_cfg"]["hf_pooler_type"] = "mean_pooler"
    (damaged / "open_clip_config.json").write_text(json.dumps(other))
    with pytest.raises(InputError, match="cannot be read as BiomedCLIP"):
        load_encoder(str(damaged))


def test_the_published_layout_gives_what_its_networks_give(tiny_clip):
    import torch

    encoder = load_encoder(str(tiny_clip.folder))
    image = np.rint(255 * np.random.default_rng(1).random((32, 32))) / 255  # as large as the network wants it
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in ((0.5, 0.4, 0.3), (0.25, 0.2, 0.3)))
    pixels = (torch.tensor(image, dtype=torch.float32).expand(1, 3, 32, 32) - mean) / std
    with torch.inference_mode():
        token = tiny_clip.vit(pixels).last_hidden_state[:, 0]
        wanted = torch.nn.functional.normalize(token @ tiny_clip.states["visual.head.proj.weight"].T)
        # [CLS] the lungs are clear [SEP]
        state = tiny_clip.bert(torch.tensor([[2, 4, 5, 6, 7, 3]])).last_hidden_state[:, 0]
        hidden = torch.nn.functional.gelu(state @ tiny_clip.states["text.proj.0.weight"].T)
        said = torch.nn.functional.normalize(hidden @ tiny_clip.states["text.proj.2.weight"].T)
    assert encoder.pictures([image.astype(np.float32)]) == pytest.approx(wanted.numpy(), abs=1e-4)
    # Beside a longer text, which pads it, and one that is cut to the context.
    texts = encoder.texts(["The lungs are clear", "the heart .", "the " * 40])
    assert texts[:1] == pytest.approx(said.numpy(), abs=1e-4)
    assert np.linalg.norm(texts, axis=1) == pytest.approx(1)
    assert encoder.signed.startswith("biomedclip-")


def test_pictures_of_any_shape_and_more_than_a_batch(tiny_clip):
    encoder = load_encoder(str(tiny_clip.folder))
    pictures = [crop(FILM, LEFT), np.zeros((1, 300), np.float32), *[FILM] * 40]
    found = encoder.pictures(pictures)
    assert found.shape == (42, 24)
    assert found[2:] == pytest.approx(np.repeat(found[2:3], 40, axis=0), abs=1e-5)


def test_scored_by_a_checkpoint(tiny_clip):
    one = row(cut("lung", LEFT))
    (found,) = metric("sem", Backing({"sem": str(tiny_clip.folder)}))([pair(one, one)], PRESET)
    encoder = load_encoder(str(tiny_clip.folder))
    likeness = float(encoder.texts(["The lungs are clear."])[0] @ encoder.pictures([crop(FILM, LEFT)])[0])
    assert found.value == pytest.approx(likeness + 1, abs=1e-4)  # the picture is the film
