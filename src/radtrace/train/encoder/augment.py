"""Films as another room, machine or patient might have given them: moved, stretched, tilted, exposed otherwise."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from radtrace.config import Settings


class Augment(Settings):
    """How much. All are half ranges of a uniform draw.

    zoom, stretch: in log scale; shift: of the side; tilt: in degrees; gamma: in log scale; contrast, brightness: of
    the gray range. noise, blur, cutout: share of the films that get it. No film is mirrored: hearts have sides.
    """

    zoom: float = 0.15
    stretch: float = 0.08
    shift: float = 0.06
    tilt: float = 8.0
    gamma: float = 0.4
    contrast: float = 0.2
    brightness: float = 0.08
    noise: float = 0.3
    blur: float = 0.15
    cutout: float = 0.3


def uniform(count: int, half: float, generator: Generator) -> Tensor:
    """(count,) in [-half, half]."""
    return (torch.rand(count, generator=generator) * 2 - 1) * half


def thetas(count: int, how: Augment, generator: Generator) -> Tensor:
    """Affine maps (count, 2, 3) from the shown square to the canvas."""
    zoom = uniform(count, how.zoom, generator).exp()
    stretch = uniform(count, how.stretch, generator).exp()
    tilt = uniform(count, math.radians(how.tilt), generator)
    cos, sin = tilt.cos() * zoom, tilt.sin() * zoom
    x, y = uniform(count, 2 * how.shift, generator), uniform(count, 2 * how.shift, generator)
    return torch.stack([torch.stack([cos * stretch, -sin, x], 1), torch.stack([sin, cos / stretch, y], 1)], 1)


def warp(images: Tensor, theta: Tensor, side: int) -> Tensor:
    """(N, C, H, W) -> (N, C, side, side), black beyond the edge."""
    grid = functional.affine_grid(theta, [len(images), 1, side, side], align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def expose(films: Tensor, how: Augment, generator: Generator) -> Tensor:
    """(N, 1, S, S) in [0, 1] -> the same films, exposed otherwise, some noisy, blurred or partly covered."""
    count, side = len(films), films.shape[-1]

    def column(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    films = films.clamp(1e-4, 1) ** column(uniform(count, how.gamma, generator).exp())
    films = (films - 0.5) * column(1 + uniform(count, how.contrast, generator)) + 0.5
    films = films + column(uniform(count, how.brightness, generator))
    blurred = torch.rand(count, generator=generator) < how.blur
    if blurred.any():
        coarse = functional.avg_pool2d(films[blurred], 3, 1, 1)
        films = films.clone()
        films[blurred] = coarse
    noisy = (torch.rand(count, generator=generator) < how.noise).float() * 0.04 * torch.rand(count, generator=generator)
    films = films + column(noisy) * torch.randn(films.shape, generator=generator)
    covered = torch.rand(count, generator=generator) < how.cutout
    for index in torch.nonzero(covered)[:, 0].tolist():
        height, width = (torch.rand(2, generator=generator) * 0.2 * side + 0.05 * side).long().tolist()
        top, left = (torch.rand(2, generator=generator) * 0.85 * side).long().tolist()
        films[index, 0, top : top + height, left : left + width] = torch.rand(1, generator=generator)
    return films.clamp(0, 1)
