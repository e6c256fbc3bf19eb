"""Batches as the world might send them: cropped, squashed, badly exposed, labelled, opaque films, and non-films."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from films import CANVAS

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a film that is shown, and where on the square input it comes to lie (all half extents).

    centre, extent: in canvas units from -1 to 1; content: share of the square's width and height.
    """

    centre: tuple[float, float]
    extent: tuple[float, float]
    content: tuple[float, float]
    tilt: float


def _squared(extent: tuple[float, float], squash: float) -> tuple[float, float]:
    aspect = extent[0] / extent[1] * squash
    return (1.0, 1 / aspect) if aspect >= 1 else (aspect, 1.0)


def whole_film(size: npt.NDArray[np.int64], zoom: float) -> Window:
    """The film as it is, in a border where zoom is above 1."""
    across, down = (float(side) / CANVAS * zoom for side in size)
    return Window((0.0, 0.0), (across, down), _squared((across, down), 1.0), 0.0)


def around_film(size: npt.NDArray[np.int64], rng: Generator) -> Window:
    """The film cropped or with borders, shifted, squashed and tilted."""
    zoom = rng.uniform(0.72, 1.0) if rng.random() < 0.5 else rng.uniform(0.97, 1.6)
    extent = tuple(side / CANVAS * zoom * rng.uniform(0.9, 1.1) for side in size)
    room = [max(0.06, abs(1 - zoom)) * side / CANVAS for side in size]
    centre = tuple(rng.uniform(-0.8, 0.8) * space for space in room)
    return _finish(centre, extent, rng)


def around_borders(size: npt.NDArray[np.int64], rng: Generator) -> Window:
    """The whole film with much black along one axis, on either side of it."""
    extent, centre = [side / CANVAS for side in size], [0.0, 0.0]
    axis = int(rng.integers(0, 2))
    added = extent[axis] * rng.uniform(0.1, 1.0)
    centre[axis] = float(rng.uniform(-1, 1) * added)
    extent[axis] += added
    return _finish(tuple(centre), tuple(extent), rng)


def around_lungs(mask: npt.NDArray[np.uint8], rng: Generator) -> Window:
    """A tight film: the lungs reach its edges or past them. mask: (2, CANVAS, CANVAS)."""
    lungs = mask.max(0) > 127
    edges = []
    for axis in (0, 1):
        inside = np.nonzero(lungs.any(axis))[0]
        low, high = inside[0], inside[-1] + 1
        margin = (high - low) * rng.uniform(-0.06, 0.2, 2)
        edges.append((2 * (low - margin[0]) / CANVAS - 1, 2 * (high + margin[1]) / CANVAS - 1))
    centre = tuple((low + high) / 2 for low, high in edges)
    return _finish(centre, tuple((high - low) / 2 for low, high in edges), rng)


def around_elsewhere(mask: npt.NDArray[np.uint8], size: npt.NDArray[np.int64], rng: Generator) -> Window:
    """A shoulder, the neck, the abdomen: a part of the film with next to no lung in it, turned by any angle."""
    lungs = mask.max(0) > 127
    for _ in range(20):
        extent = tuple(side / CANVAS * rng.uniform(0.16, 0.42) for side in size)
        centre = tuple(rng.uniform(-1, 1) * (side / CANVAS - half) for side, half in zip(size, extent, strict=True))
        edges = [
            (round((c - e + 1) / 2 * CANVAS), round((c + e + 1) / 2 * CANVAS))
            for c, e in zip(centre, extent, strict=True)
        ]
        (x1, x2), (y1, y2) = edges
        if lungs[max(y1, 0) : y2, max(x1, 0) : x2].mean() < 0.08:
            found = _finish(centre, extent, rng)
            return replace(found, tilt=float(rng.uniform(-math.pi, math.pi)))
    return around_detail(size, rng)


def around_detail(size: npt.NDArray[np.int64], rng: Generator) -> Window:
    """So small a part of a film that it is no chest film any more."""
    extent = tuple(side / CANVAS * rng.uniform(0.1, 0.26) for side in size)
    centre = tuple(rng.uniform(-1, 1) * (side / CANVAS - half) for side, half in zip(size, extent, strict=True))
    return _finish(centre, extent, rng)


def _finish(centre: tuple[float, ...], extent: tuple[float, ...], rng: Generator) -> Window:
    squash = math.exp(rng.uniform(-0.29, 0.29)) if rng.random() < 0.5 else 1.0
    tilt = math.radians(rng.uniform(-8, 8)) if rng.random() < 0.6 else 0.0
    across, down = extent
    return Window((centre[0], centre[1]), (across, down), _squared((across, down), squash), tilt)


def warp(images: Tensor, windows: list[Window], side: int) -> Tensor:
    """(B, C, CANVAS, CANVAS) -> (B, C, side, side), the windows letterboxed."""
    thetas = []
    for window in windows:
        cos, sin = math.cos(window.tilt), math.sin(window.tilt)
        x, y = (extent / share for extent, share in zip(window.extent, window.content, strict=True))
        thetas.append([[cos * x, -sin * y, window.centre[0]], [sin * x, cos * y, window.centre[1]]])
    grid = functional.affine_grid(
        torch.tensor(thetas, dtype=torch.float32), [len(images), 1, side, side], align_corners=False
    )
    return functional.grid_sample(images, grid, align_corners=False)


def content(windows: list[Window], side: int) -> Tensor:
    """(B, 1, side, side) bool: where the square shows the film and not the letterbox."""
    centres = (torch.arange(side) + 0.5) / side * 2 - 1
    across = torch.tensor([window.content[0] for window in windows], dtype=torch.float32)[:, None, None]
    down = torch.tensor([window.content[1] for window in windows], dtype=torch.float32)[:, None, None]
    return ((centres.abs()[None, None, :] <= across) & (centres.abs()[None, :, None] <= down))[:, None]


def normalise(films: Tensor, shown: Tensor) -> Tensor:
    """As `radtrace.localize` prepares a film: 1st-99th percentile of what is shown to 0 … 1; letterbox 0."""
    result = torch.zeros_like(films)
    for index in range(len(films)):
        low, high = torch.quantile(films[index][shown[index]][::7], torch.tensor([0.01, 0.99]))
        result[index] = ((films[index] - low) / (high - low).clamp(min=1e-4)).clamp(0, 1) * shown[index]
    return result


def _smooth_field(side: int, cells: int, rng: Generator) -> Tensor:
    coarse = torch.from_numpy(rng.standard_normal((1, 1, cells, cells)).astype(np.float32))
    return functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)[0]


def _opacity(film: Tensor, lungs: Tensor, rng: Generator) -> Tensor:
    """Dense air space: an effusion from below, patches, or a whole lung; the lung's mask stays whole.

    film: (1, S, S); lungs: (2, S, S) in [0, 1].
    """
    side = film.shape[-1]
    which = rng.integers(0, 3)
    where = lungs.amax(0, keepdim=True) if which == 2 else lungs[which : which + 1]
    if where.sum() < 50:
        return film
    where = functional.avg_pool2d(functional.max_pool2d(where[None], 7, 1, 3), 9, 1, 4, count_include_pad=False)[0]
    rows_inside = torch.nonzero(where[0].amax(1) > 0.5)[:, 0]
    if not len(rows_inside):
        return film
    top, bottom = float(rows_inside[0]), float(rows_inside[-1])
    style = rng.random()
    if style < 0.45:
        level = top + (bottom - top) * rng.uniform(0.3, 0.95)
        lines = torch.arange(side, dtype=torch.float32)[None, :, None]
        slope = torch.arange(side, dtype=torch.float32)[None, None, :] * rng.uniform(-0.4, 0.4)
        dense = torch.sigmoid((lines - level + slope - slope.mean()) / rng.uniform(1.5, 10))
    elif style < 0.8:
        dense = torch.sigmoid(2.5 * (_smooth_field(side, int(rng.integers(4, 14)), rng) + rng.uniform(-0.8, 0.8)))
    else:
        dense = torch.ones_like(where)
    strength = rng.uniform(0.35, 0.97) * (0.75 if which == 2 else 1)
    tissue = torch.quantile(film.flatten()[::5], float(rng.uniform(0.6, 0.92)))
    return film + (tissue - film) * strength * dense * where


def _draw(film: Tensor, rng: Generator) -> None:
    """Side markers and burned-in text at the edges, lines and leads, in place."""
    side = film.shape[-1]
    level = float(film.max()) if rng.random() < 0.85 else float(film.min())
    for _ in range(rng.integers(0, 4)):
        height, width = int(side * rng.uniform(0.02, 0.06)), int(side * rng.uniform(0.03, 0.22))
        y = int(rng.choice([rng.uniform(0, 0.15), rng.uniform(0.85, 0.95), rng.uniform(0, 0.9)]) * side)
        x = int(rng.uniform(0, 0.9) * side)
        glyphs = torch.from_numpy(rng.random((height, width)) < rng.uniform(0.4, 1.01))
        patch = film[0, y : y + height, x : x + width]
        patch[glyphs[: patch.shape[0], : patch.shape[1]]] = level
    for _ in range(rng.integers(0, 4)):
        points = rng.uniform(-0.1, 1.1, (3, 2)) * side
        t = np.linspace(0, 1, 3 * side)[:, None]
        curve = ((1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]).astype(int)
        curve = curve[((curve >= 0) & (curve < side - 1)).all(1)]
        for shift in range(rng.integers(1, 3)):
            film[0, curve[:, 0] + shift, curve[:, 1]] += (level - film[0, curve[:, 0] + shift, curve[:, 1]]) * 0.7


def _occlude(film: Tensor, rng: Generator) -> None:
    """A box of even gray (a device, a covered name) or a black collimator edge, in place."""
    side = film.shape[-1]
    if rng.random() < 0.5:
        y, x = rng.uniform(0, 0.85, 2) * side
        height, width = rng.uniform(0.05, 0.2, 2) * side
        film[0, int(y) : int(y + height), int(x) : int(x + width)] = rng.uniform(float(film.min()), float(film.max()))
    else:
        edge = max(1, int(side * rng.uniform(0.01, 0.08)))
        turns = int(rng.integers(0, 4))
        torch.rot90(film, turns, (1, 2))[0, :edge] = float(film.min() if rng.random() < 0.7 else film.max())


def degrade(film: Tensor, lungs: Tensor | None, rng: Generator) -> Tensor:
    """(1, S, S) in [0, 1] -> the same film as another room, machine or patient might have given it."""
    side = film.shape[-1]
    if lungs is not None and rng.random() < 0.45:
        film = _opacity(film, lungs, rng)
    film = film.clamp(0, 1) ** math.exp(rng.uniform(-0.8, 0.8))
    if rng.random() < 0.4:
        film = film * (1 + 0.2 * rng.random() * _smooth_field(side, 3, rng))
    if rng.random() < 0.3:
        coarse = functional.interpolate(film[None], (7, 7), mode="area")
        local = functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)[0]
        film = film + rng.uniform(-0.5, 1.6) * (film - local)
    if rng.random() < 0.3:
        low, high = torch.quantile(film.flatten()[::5], torch.tensor([rng.uniform(0, 0.2), rng.uniform(0.8, 1)]))
        film = film.clamp(float(low), max(float(high), float(low) + 0.05))
    if rng.random() < 0.25:
        small = functional.interpolate(film[None], scale_factor=float(rng.uniform(0.3, 0.8)), mode="area")
        film = functional.interpolate(small, (side, side), mode="bilinear", align_corners=False)[0]
    if rng.random() < 0.4:
        spread = float(film.std()) * rng.uniform(0.02, 0.25)
        film = film + spread * torch.from_numpy(rng.standard_normal(film.shape).astype(np.float32))
    film = film.clone()
    if rng.random() < 0.6:
        _draw(film, rng)
    if rng.random() < 0.25:
        _occlude(film, rng)
    return film


def spoil(film: Tensor, rng: Generator) -> tuple[Tensor, list[float]]:
    """(1, S, S) -> a film that is blurred, noisy or badly exposed beyond use, or as it was; and which of the three."""
    side, kind = film.shape[-1], int(rng.choice(4, p=(0.55, 0.15, 0.15, 0.15)))
    said = [float(kind == 1), float(kind == 2), float(kind == 3)]
    if kind == 1:
        small = functional.interpolate(film[None], scale_factor=float(rng.uniform(0.07, 0.17)), mode="area")
        return functional.interpolate(small, (side, side), mode="bicubic", align_corners=False)[0], said
    if kind == 2:
        grain = torch.from_numpy(rng.standard_normal(film.shape).astype(np.float32))
        return film + float(film.std()) * rng.uniform(0.5, 1.4) * grain, said
    if kind == 3:
        share = rng.uniform(0.5, 0.8)
        start = rng.uniform(0.02, 0.98 - share) if rng.random() < 0.4 else rng.choice([0.02, 0.98 - share])
        # What lies outside the window of grays that is left is all black or all white.
        low, high = torch.quantile(film.flatten()[::5], torch.tensor([start, start + 1 - share], dtype=torch.float32))
        return ((film - low) / max(float(high - low), 0.02)).clamp(0, 1), said
    return film, said


def _limb(side: int, rng: Generator) -> Tensor:
    """Bones in soft tissue, as a film of some other part of the body might show."""
    lines, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    film = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(1, 5)):
        start, end = rng.uniform(-0.1, 1.1, (2, 2))
        along = end - start
        length = max(float(along @ along), 1e-3)
        t = np.clip(((lines - start[0]) * along[0] + (columns - start[1]) * along[1]) / length, 0, 1)
        distance = np.hypot(lines - start[0] - t * along[0], columns - start[1] - t * along[1])
        width = rng.uniform(0.02, 0.09) * (1 + rng.uniform(0, 1.2) * (2 * t - 1) ** 4)
        film += rng.uniform(0.2, 0.5) * np.exp(-((distance / (width * rng.uniform(3, 6))) ** 2))
        film += rng.uniform(0.3, 0.8) * np.exp(-((distance / width) ** 4))
    for _ in range(rng.integers(0, 4)):
        centre, radius = rng.uniform(0, 1, 2), rng.uniform(0.04, 0.2)
        ball = np.hypot(lines - centre[0], columns - centre[1]) / radius
        film += rng.uniform(-0.5, 0.8) * np.exp(-(ball ** rng.uniform(2, 8)))
    return torch.from_numpy(film)[None] + 0.08 * _smooth_field(side, int(rng.integers(4, 30)), rng)


def _scrambled(film: Tensor, rng: Generator) -> Tensor:
    """A film's tiles in another order, or its spectrum with other phases."""
    side = film.shape[-1]
    if rng.random() < 0.5:
        phases = torch.from_numpy(np.exp(2j * np.pi * rng.random((1, side, side))).astype(np.complex64))
        return torch.fft.ifft2(torch.fft.fft2(film - film.mean()).abs() * phases).real
    count = int(rng.integers(3, 6))
    tile = side // count
    tiles = [film[:, y * tile : (y + 1) * tile, x * tile : (x + 1) * tile] for y in range(count) for x in range(count)]
    order = [torch.rot90(tiles[i], int(rng.integers(0, 4)), (1, 2)) for i in rng.permutation(len(tiles))]
    rows = [torch.cat(order[i * count : (i + 1) * count], 2) for i in range(count)]
    return functional.interpolate(torch.cat(rows, 1)[None], (side, side), mode="nearest")[0]


def _mirrored(film: Tensor) -> Tensor:
    """The left half and its mirror image, as symmetric as a pelvis."""
    half = film[:, :, : film.shape[2] // 2]
    return torch.cat([half, half.flip(2)], 2)


def _text_page(side: int, rng: Generator) -> Tensor:
    page = torch.zeros(1, side, side)
    step = int(rng.integers(5, 16))
    for y in range(step, side - step, step):
        ink = torch.from_numpy(rng.random((max(2, step // 2), int(rng.uniform(0.2, 1) * side))) < 0.5)
        page[0, y : y + ink.shape[0], : ink.shape[1]] = ink.float()
    return page if rng.random() < 0.5 else 1 - page


def other(film: Tensor, side: int, rng: Generator) -> Tensor:
    """(1, S, S) something that is no chest film; `film` is a detail of one, used by some kinds."""
    choice = rng.random()
    if choice < 0.4:
        return film
    if choice < 0.5:
        return (film + film.flip(2)) / 2 if rng.random() < 0.3 else _mirrored(film)
    if choice < 0.62:
        return _scrambled(film, rng)
    if choice < 0.84:
        return _limb(side, rng)
    if choice < 0.88:
        return _text_page(side, rng)
    if choice < 0.91:
        return torch.from_numpy(rng.random((1, side, side), np.float32))
    if choice < 0.94:
        return sum(
            (_smooth_field(side, int(2 ** rng.uniform(1, 7.5)), rng) * rng.random() for _ in range(rng.integers(1, 4))),
            torch.zeros(1, side, side),
        )
    return torch.full((1, side, side), float(rng.random())) + 1e-3 * _smooth_field(side, 2, rng)
