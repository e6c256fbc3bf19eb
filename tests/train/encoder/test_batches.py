import numpy as np
import pytest
import torch

from radtrace.anatomy import REGIONS
from radtrace.models.encoder import EncoderConfig
from radtrace.train.encoder.augment import Augment, expose, thetas, warp
from radtrace.train.encoder.batches import Batches, Cases, chances
from radtrace.train.encoder.films import CANVAS, MASK_SIDE, Films
from radtrace.train.encoder.targets import Reading, targets_of

CONFIG = EncoderConfig(("Cardiomegaly", "Nodule"), side=64, widths=(4, 8), features=8)
STILL = Augment(zoom=0, stretch=0, shift=0, tilt=0, gamma=0, contrast=0, brightness=0, noise=0, blur=0, cutout=0)


def cases() -> Cases:
    """Four studies: both views and an enlarged heart; both; a frontal one; a lateral one."""
    owners, lateral = [0, 0, 1, 1, 2, 3], [False, True, False, True, False, True]
    count = len(owners)
    regions = np.full((count, len(REGIONS), 4), np.nan, np.float32)
    regions[0] = 0.5, 0.5, 1.0, 1.0
    films = Films(
        asked=np.array(list("abcd")),
        studies=np.array(owners),
        lateral=np.array(lateral),
        films=np.full((count, CANVAS, CANVAS), 255, np.uint8) * np.arange(1, count + 1, dtype=np.uint8)[:, None, None],
        masks=np.zeros((count, 4, MASK_SIDE, MASK_SIDE), np.uint8),
        regions=regions,
        ratios=np.full(count, np.nan),
        projections=np.array([0, -1, 1, -1, -1, -1]),
    )
    place = {"Cardiomegaly": frozenset({"cardiac silhouette"})}
    readings = [Reading({"Cardiomegaly": 1.0}, True, place), *(Reading({}, True, {}) for _ in range(3))]
    targets = targets_of(readings, [False] * 4, CONFIG.labels)
    return Cases(films, targets, np.zeros(4, np.int64), np.array(["train"] * 4))


def batches(how: Augment = STILL, lose_view: float = 0.0, count: int = 8) -> Batches:
    return Batches(cases(), CONFIG, how, (count,), rarest=4.0, lose_view=lose_view, seed=3)


def test_a_batch_depends_on_its_step_alone() -> None:
    one, again, other = batches(Augment())(5), batches(Augment())(5), batches(Augment())(6)
    assert torch.equal(one.films, again.films)
    assert torch.equal(one.values, again.values)
    assert not torch.equal(one.films, other.films)


def test_films_stand_in_their_view_and_missing_ones_are_told() -> None:
    made = cases()
    assert made.shown(np.arange(4)).tolist() == [[0, 1], [2, 3], [4, -1], [-1, 5]]
    assert made.rows("train").tolist() == [0, 1, 2, 3]
    assert made.rows("val").tolist() == []


def test_a_view_is_hidden_only_where_there_are_two() -> None:
    batch = batches(lose_view=1.0, count=40)(0)
    assert (batch.present.sum(1) == 1).all()
    assert batch.present[:, 0].any()
    assert batch.present[:, 1].any()


def test_what_is_drawn_and_where_findings_lie_follows_the_frontal_film() -> None:
    batch = batches(count=40)(0)
    enlarged = batch.values[:, 0] == 1
    assert torch.equal(batch.drawn, enlarged)
    assert batch.owner.tolist() == torch.nonzero(enlarged)[:, 0].tolist()
    assert (batch.column == 0).all()
    place = batch.places[0]  # 16 x 16 cells: the lower right quarter
    assert place.shape == (16, 16)
    assert place[9:, 9:].min() == 1
    assert place[:7].max() == 0
    assert place[:, :7].max() == 0


def test_rare_findings_are_drawn_more_often() -> None:
    readings = [Reading({"Nodule": 1.0}, True, {}), *(Reading({"Cardiomegaly": 1.0}, True, {}) for _ in range(15))]
    targets = targets_of([*readings, Reading({}, True, {})], [False] * 17, CONFIG.labels)
    shares = chances(targets, np.arange(17), rarest=4.0)
    # The median of 15 and 1 is 8: the nodule counts min(4, sqrt(32 / 1)), a heart sqrt(32 / 15), nothing 1.
    assert shares[0] / shares[16] == pytest.approx(4.0)
    assert shares[1] / shares[16] == pytest.approx((32 / 15) ** 0.5)
    assert shares.sum() == pytest.approx(1.0)


def test_augmentation_of_nothing_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    films = torch.rand(3, 1, 16, 16)
    assert warp(films, thetas(3, STILL, generator), 16).allclose(films, atol=1e-5)
    assert expose(films, STILL, generator).allclose(films, atol=1e-3)


def test_exposed_films_stay_in_range() -> None:
    generator = torch.Generator().manual_seed(0)
    films = expose(torch.rand(16, 1, 32, 32), Augment(noise=1, blur=1, cutout=1), generator)
    assert films.min() >= 0
    assert films.max() <= 1
