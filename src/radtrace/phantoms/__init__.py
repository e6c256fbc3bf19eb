"""Procedural frontal chest films with reports of our own, "SYNTHETIC" burned in: for demonstrations and tests.

Nothing in them comes from a person. They look like chest films but their contrast, texture and lesions are schematic:
what is measured on them says nothing about real films.
"""

from dataclasses import dataclass

import numpy as np

from radtrace.geometry import Box
from radtrace.images import Pixels
from radtrace.phantoms.body import SIDES, Body
from radtrace.phantoms.drawing import LABEL, Canvas, expose, mark, thorax, vessels
from radtrace.phantoms.lesions import CARDIOTHORACIC, Scene, choose
from radtrace.phantoms.words import report
from radtrace.records import Finding, Report

__all__ = ["LABEL", "Phantom", "phantom"]


@dataclass(frozen=True, slots=True)
class Phantom:
    """One made-up examination.

    pixels: float32 (H, W) in [0, 1], the patient's right on the image's left.
    regions: a box for each of `radtrace.anatomy.REGIONS`, as drawn.
    findings: what is abnormal in the picture, all of it said in the report; empty for a normal chest.
    """

    pixels: Pixels
    regions: dict[str, Box]
    report: Report
    findings: tuple[Finding, ...]


def phantom(seed: int, size: tuple[int, int] = (512, 512)) -> Phantom:
    """The phantom of a seed, the same on every run; the size changes the pixels but neither boxes nor report.

    Args:    seed: zero or more; size: (width, height) in pixels, at least 128 a side.
    """
    width, height = size
    if min(size) < 128:
        raise ValueError(f"a phantom has at least 128 pixels a side, not {width}x{height}")
    anatomy_rng, words_rng, texture_rng = np.random.default_rng(seed).spawn(3)
    lesions = choose(anatomy_rng)
    severity = next((lesion.severity for lesion in lesions if lesion.kind == "cardiomegaly"), None)
    body = Body.draw(anatomy_rng, CARDIOTHORACIC[severity] + anatomy_rng.uniform(-0.015, 0.015))
    canvas = Canvas(width, height)
    lungs = {side: canvas.fill([body.lung(side)], 0.002) for side in SIDES}
    tree = vessels(canvas, body, lungs, anatomy_rng)
    attenuation = thorax(canvas, body, lungs, anatomy_rng) + tree
    scene = Scene(canvas, body, lungs, tree, anatomy_rng)
    for lesion in lesions:
        attenuation = lesion.draw(attenuation, scene)
    return Phantom(
        pixels=mark(expose(canvas, attenuation, texture_rng)),
        regions=body.regions(),
        report=report(lesions, words_rng),
        findings=tuple(lesion.finding() for lesion in lesions),
    )
