from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from radtrace.train.sft.averaging import Average
from radtrace.train.sft.checkpoints import finished, newest, tidied
from radtrace.train.sft.data.samples import NO_LOSS, PICTURE, TEXT
from radtrace.train.sft.losses import kept_positions, losses, means

KINDS = torch.tensor([[NO_LOSS, NO_LOSS, TEXT, PICTURE, TEXT], [NO_LOSS, NO_LOSS, NO_LOSS, TEXT, NO_LOSS]])
TARGETS = torch.tensor([[5, 4, 3, 2, 1], [5, 4, 3, 2, 1]])


def test_prompt_and_padding_have_no_loss_and_pictures_their_weight() -> None:
    logits = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
    entropy = functional.cross_entropy(logits[:, :-1].flatten(0, 1), TARGETS[:, 1:].flatten(), reduction="none").view(
        2, 4
    )
    text, picture = entropy[0, 1] + entropy[0, 3] + entropy[1, 2], entropy[0, 2]
    found = losses(logits, TARGETS, KINDS, picture_weight=0.5, smoothing=0.0)
    assert found.sums.tolist() == pytest.approx([float(text), 3, float(picture), 1], rel=1e-5)
    assert float(found.total) == pytest.approx(float(text + 0.5 * picture) / 3.5, rel=1e-5)
    assert means(found.sums) == pytest.approx(
        {"loss": float(text + picture) / 4, "text": float(text) / 3, "picture": float(picture)}, rel=1e-5
    )


def test_the_last_positions_are_enough() -> None:
    logits = torch.randn(2, 5, 6)
    assert kept_positions(KINDS) == 4  # from the one before the first token that is learnt
    whole, part = (losses(each, TARGETS, KINDS, 1.0, 0.1) for each in (logits, logits[:, -4:]))
    assert torch.equal(whole.sums, part.sums)
    assert torch.equal(whole.total, part.total)


def test_smoothing_is_of_text_and_is_not_told() -> None:
    logits = torch.randn(1, 5, 6)
    kinds = torch.where(KINDS[:1] == PICTURE, NO_LOSS, KINDS[:1])
    where = kinds[:, 1:] == TEXT
    smooth = functional.cross_entropy(logits[:, :-1][where], TARGETS[:1, 1:][where], label_smoothing=0.1)
    found = losses(logits, TARGETS[:1], kinds, 1.0, 0.1)
    assert torch.allclose(found.total, smooth)
    assert torch.equal(found.sums, losses(logits, TARGETS[:1], kinds, 1.0, 0.0).sums)
    pictures = torch.where(KINDS[:1] == TEXT, NO_LOSS, KINDS[:1])
    assert torch.equal(*(losses(logits, TARGETS[:1], pictures, 1.0, share).total for share in (0.0, 0.1)))


def test_an_average_follows_the_weights_and_stands_in_for_them(tmp_path: Path) -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    average = Average(layer, length=2)
    for value in (1.0, 2.0):  # shares 9 / 10 and 9 / 11
        nn.init.constant_(layer.weight, value)
        average.update()
    expected = 0.9 + (2 - 0.9) * 9 / 11
    with average.shown():
        assert layer.weight.item() == pytest.approx(expected)
    assert layer.weight.item() == 2.0
    average.save(tmp_path)
    again = Average(layer, length=2)
    again.load(tmp_path)
    assert (again.count, float(again.values[0])) == (2, pytest.approx(expected))


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for step in (50, 100, 200):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if step < 200:
            finished(tmp_path / f"checkpoint-{step}")
    assert newest(tmp_path) == tmp_path / "checkpoint-100"
    tidied(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-50", "checkpoint-100"}
