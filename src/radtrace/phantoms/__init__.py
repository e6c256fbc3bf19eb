"""Procedural frontal chest films with reports of our own, "SYNTHETIC" burned in: for demonstrations and tests.

Nothing in them comes from a person. They look like chest films but their contrast, texture and lesions are schematic:
what is measured on them says nothing about real films.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from radtrace.geometry import Box
from radtrace.images import Pixels
from radtrace.phantoms.body import SIDES, Body
from radtrace.phantoms.drawing import LABEL, Canvas, expose, mark, thorax, vessels
from radtrace.phantoms.lesions import CARDIOTHORACIC, Lesion, Scene, choose
from radtrace.phantoms.words import report
from radtrace.records import Finding, Report

__all__ = ["LABEL", "Examination", "Phantom", "examination", "phantom"]


@dataclass(frozen=True, slots=True)
class Examination:
    """One made-up examination, without its film.

    regions: a box for each of `radtrace.anatomy.REGIONS`, as the film is drawn.
    findings: what is abnormal in the picture, all of it said in the report; empty for a normal chest.
    """

    regions: dict[str, Box]
    report: Report
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Phantom(Examination):
    """An examination with its film. pixels: float32 (H, W) in [0, 1], the patient's right on the image's left."""

    pixels: Pixels


def examination(seed: int) -> Examination:
    """What the phantom of a seed shows and says; quick, since nothing is drawn."""
    plan = _Plan.of(seed)
    return Examination(plan.regions, plan.report, plan.findings)


def phantom(seed: int, size: tuple[int, int] = (512, 512)) -> Phantom:
    """The phantom of a seed, the same on every run; the size changes the pixels but neither boxes nor report.

    Args:    seed: zero or more; size: (width, height) in pixels, at least 128 a side.
    """
    width, height = size
    if min(size) < 128:
        raise ValueError(f"a phantom has at least 128 pixels a side, not {width}x{height}")
    plan = _Plan.of(seed)
    return Phantom(plan.regions, plan.report, plan.findings, plan.draw(Canvas(width, height)))


@dataclass(frozen=True, slots=True)
class _Plan(Examination):
    """An examination before it is drawn; the generators go on where the plan left them."""

    body: Body
    lesions: tuple[Lesion, ...]
    anatomy_rng: np.random.Generator
    texture_rng: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> Self:
        anatomy_rng, words_rng, texture_rng = np.random.default_rng(seed).spawn(3)
        lesions = tuple(choose(anatomy_rng))
        severity = next((lesion.severity for lesion in lesions if lesion.kind == "cardiomegaly"), None)
        body = Body.draw(anatomy_rng, CARDIOTHORACIC[severity] + anatomy_rng.uniform(-0.015, 0.015))
        return cls(
            regions=body.regions(),
            report=report(lesions, words_rng),
            findings=tuple(lesion.finding() for lesion in lesions),
            body=body,
            lesions=lesions,
            anatomy_rng=anatomy_rng,
            texture_rng=texture_rng,
        )

    def draw(self, canvas: Canvas) -> Pixels:
        lungs = {side: canvas.fill([self.body.lung(side)], 0.002) for side in SIDES}
        tree = vessels(canvas, self.body, lungs, self.anatomy_rng)
        attenuation = thorax(canvas, self.body, lungs, self.anatomy_rng) + tree
        scene = Scene(canvas, self.body, lungs, tree, self.anatomy_rng)
        for lesion in self.lesions:
            attenuation = lesion.draw(attenuation, scene)
        return mark(expose(canvas, attenuation, self.texture_rng))
