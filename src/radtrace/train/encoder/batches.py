"""What one step of training shows: studies drawn by how rare their findings are, their films changed by chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from radtrace.models.encoder import MASK_STRIDE, EncoderConfig
from radtrace.train.encoder.augment import Augment, expose, thetas, warp
from radtrace.train.encoder.films import Films
from radtrace.train.encoder.targets import LIKELY, Targets, region_boxes
from radtrace.train.sampling import worth

MAP = 32
"""Cells a side in which the places of findings are drawn before they are warped with the film."""

Rows = npt.NDArray[np.int64]


class Cases:
    """Studies with their targets, and which of their films a draw shows.

    parts: of each study "train", "held" (for calibration), "val" or "out". pools: its place in the recipe's list.
    """

    def __init__(self, films: Films, targets: Targets, pools: Rows, parts: npt.NDArray[np.str_]) -> None:
        self.films, self.targets, self.pools, self.parts = films, targets, pools, parts
        self.views: list[tuple[list[int], list[int]]] = [([], []) for _ in targets.readings]
        for index, (study, lateral) in enumerate(zip(films.studies, films.lateral, strict=True)):
            self.views[study][int(lateral)].append(index)
        self.usable = np.array([bool(frontal or lateral) for frontal, lateral in self.views])

    def rows(self, part: str, pool: int | None = None) -> Rows:
        """The studies with films of a part, of one pool or of all."""
        chosen = self.usable & (self.parts == part)
        return np.flatnonzero(chosen if pool is None else chosen & (self.pools == pool))

    def shown(self, studies: Rows, rng: np.random.Generator | None = None) -> Rows:
        """(B, 2): a frontal and a lateral film of each study, -1 where there is none; the first ones without `rng`."""
        chosen = np.full((len(studies), 2), -1)
        for row, study in enumerate(studies):
            for side, films in enumerate(self.views[study]):
                if films:
                    chosen[row, side] = films[0] if rng is None else films[rng.integers(len(films))]
        return chosen


@dataclass(frozen=True, slots=True)
class Batch:
    """B studies.

    films: (B, 2, side, side), frontal first; present: bool (B, 2). values, known: (B, L).
    masks: (B, 4, side / 8, side / 8) of the frontal film; drawn: bool (B,), whether they are. projections: (B,), -1
    unknown. Of the P findings whose place is known: owner and column, (P,), and places, (P, 2 cells, 2 cells).
    """

    films: Tensor
    present: Tensor
    values: Tensor
    known: Tensor
    masks: Tensor
    drawn: Tensor
    projections: Tensor
    owner: Tensor
    column: Tensor
    places: Tensor


def chances(targets: Targets, rows: Rows, rarest: float) -> npt.NDArray[np.float64]:
    """Chance of each study, by `worth` of what it shows."""
    shares = worth((targets.values[rows] >= LIKELY) & targets.known[rows], rarest)
    return np.asarray(shares / shares.sum(), np.float64)


class Batches:
    """Batch n depends on the seed and n alone, so that a resumed run sees the same films."""

    def __init__(
        self,
        cases: Cases,
        config: EncoderConfig,
        how: Augment,
        counts: Sequence[int],
        *,
        rarest: float,
        lose_view: float,
        seed: int,
    ) -> None:
        """counts: studies of each pool in a batch. lose_view: how often one of two views is hidden."""
        self.cases, self.config, self.how, self.lose_view, self.seed = cases, config, how, lose_view, seed
        pools = [(count, cases.rows("train", pool)) for pool, count in enumerate(counts) if count]
        self.draws = [(count, rows, chances(cases.targets, rows, rarest)) for count, rows in pools]

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((self.seed, step))
        generator = Generator().manual_seed(int(rng.integers(1 << 62)))
        studies = np.concatenate([rng.choice(rows, count, p=shares) for count, rows, shares in self.draws])
        shown = self.cases.shown(studies, rng)
        both = (shown >= 0).all(1) & (rng.random(len(shown)) < self.lose_view)
        shown[both, rng.integers(0, 2, int(both.sum()))] = -1
        return self._batch(studies, shown, generator)

    def _batch(self, studies: Rows, shown: Rows, generator: Generator) -> Batch:
        films, targets, config = self.cases.films, self.cases.targets, self.config
        frontals = shown[:, 0]
        canvas = torch.from_numpy(films.films[shown.ravel()]).float()[:, None] / 255
        theta = thetas(len(canvas), self.how, generator)
        seen = expose(warp(canvas, theta, config.side), self.how, generator)[:, 0]
        theta = theta[::2]
        masks = torch.from_numpy(films.masks[frontals]).float() / 255
        owner, column, places = self._places(studies, frontals)
        return Batch(
            films=seen.view(-1, 2, config.side, config.side),
            present=torch.from_numpy(shown >= 0),
            values=torch.from_numpy(targets.values[studies]),
            known=torch.from_numpy(targets.known[studies]),
            masks=warp(masks, theta, config.side // MASK_STRIDE),
            drawn=torch.from_numpy((frontals >= 0) & ~np.isnan(films.regions[frontals, 0, 0])),
            projections=torch.from_numpy(np.where(frontals >= 0, films.projections[frontals], -1)),
            owner=owner,
            column=column,
            places=warp(places[:, None], theta[owner], 2 * config.cells)[:, 0],
        )

    def _places(self, studies: Rows, frontals: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """Where findings are on the frontal films, as far as it is known: (P,), (P,) and (P, MAP, MAP) of 0 and 1."""
        targets, regions = self.cases.targets, self.cases.films.regions
        owners, columns, maps = [], [], []
        for row, (study, film) in enumerate(zip(studies, frontals, strict=True)):
            for column in np.flatnonzero(targets.values[study] >= LIKELY) if film >= 0 else ():
                boxes = region_boxes(targets.readings[study], targets.labels[column], regions[film])
                if len(boxes):
                    owners.append(row)
                    columns.append(int(column))
                    maps.append(_drawn(boxes))
        drawn = np.stack(maps) if maps else np.zeros((0, MAP, MAP), np.float32)
        return torch.tensor(owners, dtype=torch.long), torch.tensor(columns, dtype=torch.long), torch.from_numpy(drawn)


def _drawn(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(MAP, MAP): 1 in any of the boxes (K, 4)."""
    drawn = np.zeros((MAP, MAP), np.float32)
    for x1, y1, x2, y2 in boxes * MAP:
        drawn[max(0, math.floor(y1)) : math.ceil(y2), max(0, math.floor(x1)) : math.ceil(x2)] = 1
    return drawn
