import numpy as np
import pytest
import torch

from radtrace.metrics.grounding.ssim import ssim
from radtrace.train.losses import LossWeights, ReconstructionLoss, gradient_loss, structure


def pictures(seed: int, side: int = 64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((2, side, side), np.float32))


def test_structure_is_the_ssim_that_metrics_report() -> None:
    one, other = pictures(0), (pictures(0) + pictures(1)) / 2
    expected = np.mean([ssim(a.numpy(), b.numpy()) for a, b in zip(one, other, strict=True)])
    assert structure(one, other, 1.5).item() == pytest.approx(float(expected), abs=1e-3)
    assert structure(one, one, 1.5).item() == pytest.approx(1.0)


def test_gradient_loss_by_hand() -> None:
    made, truth = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]), torch.zeros(1, 2, 2)
    assert gradient_loss(made, truth).item() == 1.0  # down the rows nothing changes, along them 1


@pytest.mark.parametrize("part", ["l1", "l2", "gradient", "ssim", "features"])
def test_each_part_falls_to_nothing_where_the_picture_is_right(part: str) -> None:
    weights = LossWeights(**{"l1": 0.0, "ssim": 0.0} | {part: 1.0})
    loss, truth = ReconstructionLoss(weights), pictures(0, 40)
    made = pictures(1, 40).requires_grad_()
    assert loss(truth, truth).item() == pytest.approx(0.0, abs=1e-5)
    value = loss(made, truth)
    assert value.item() > 0.05
    value.backward()
    assert made.grad is not None
    assert made.grad.abs().max() > 0
