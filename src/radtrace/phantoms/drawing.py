"""Rays through a phantom: a map of how much each place attenuates, and the film that this exposes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt, gaussian_filter

from radtrace.phantoms.body import LABEL_TOP, SIDES, SIGN, Body, Curve, Side, smooth

Map = npt.NDArray[np.float32]
"""float32 (H, W): attenuation, or the share of a pixel that a shape covers."""

LABEL = "SYNTHETIC"

_OVERSAMPLING = 2
_GENERATIONS = 5
_HILUM: dict[Side, float] = {"right": 0.440, "left": 0.425}
_BRIGHTEST = 0.97


@dataclass(frozen=True, slots=True)
class Canvas:
    """A raster of width x height on which shapes in fractions become maps; lengths are fractions of the height."""

    width: int
    height: int

    def fill(self, outlines: Iterable[Curve], blur: float = 0.003) -> Map:
        """Coverage in [0, 1] of closed outlines with soft edges."""
        image = self._blank()
        for outline in outlines:
            ImageDraw.Draw(image).polygon(_scaled(outline, image), fill=255)
        return self._finish(image, blur)

    def stroke(self, lines: Iterable[Curve], thickness: float, blur: float = 0.0015) -> Map:
        """Coverage in [0, 1] of lines with round ends; where they cross they do not add up."""
        image = self._blank()
        draw, width = ImageDraw.Draw(image), max(1, round(thickness * image.height))
        for line in lines:
            points = _scaled(line, image)
            draw.line(points, fill=255, width=width, joint="curve" if width > 4 else None)
            for x, y in (points[0], points[-1]):
                draw.circle((x, y), width / 2, fill=255)
        return self._finish(image, blur)

    def disc(self, x: float, y: float, radius: float) -> Curve:
        """Outline of a round spot."""
        turn = np.linspace(0, 2 * np.pi, 60)
        return np.stack([x + radius * self.height / self.width * np.cos(turn), y + radius * np.sin(turn)], axis=1)

    def blurred(self, values: Map, sigma: float) -> Map:
        """Gaussian blur by a fraction of the height."""
        result: Map = gaussian_filter(values, sigma * self.height)
        return result

    def clouds(self, rng: np.random.Generator, sigma: float) -> Map:
        """Smooth noise of mean 0 and standard deviation 1."""
        noise = self.blurred(rng.standard_normal((self.height, self.width), np.float32), sigma)
        result: Map = (noise - noise.mean()) / noise.std()
        return result

    def rows(self) -> Map:
        """Column (H, 1) of the pixels' y."""
        return (np.arange(self.height, dtype=np.float32)[:, None] + 0.5) / np.float32(self.height)

    def _blank(self) -> Image.Image:
        return Image.new("L", (self.width * _OVERSAMPLING, self.height * _OVERSAMPLING))

    def _finish(self, image: Image.Image, blur: float) -> Map:
        small = image.resize((self.width, self.height), Image.Resampling.BOX)
        return self.blurred(np.asarray(small, np.float32) / np.float32(255), blur)


def _scaled(places: Curve, image: Image.Image) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in places * (image.width, image.height)]


def as_map(values: npt.ArrayLike) -> Map:
    """Values of any precision as a `Map`."""
    return np.asarray(values, np.float32)


def thorax(canvas: Canvas, body: Body, lungs: dict[Side, Map], rng: np.random.Generator) -> Map:
    """Attenuation of a healthy chest without the vessels of the lungs."""
    skin = _skin(canvas, body)
    tissue = _soft_tissue(canvas, skin)
    tissue -= sum(1.04 * _air(canvas, lung) for lung in lungs.values())
    tissue += _abdomen(canvas, body) * skin * (1 - np.maximum(*lungs.values()))
    tissue += (_mediastinum(canvas, body) + _bones(canvas, body)) * skin
    tissue += _airways(canvas, body)
    texture = 1 + 0.015 * canvas.clouds(rng, 0.012) + 0.02 * canvas.clouds(rng, 0.05)
    return as_map(np.maximum(tissue, 0.02) * texture)


def expose(canvas: Canvas, attenuation: Map, rng: np.random.Generator) -> Map:
    """The film, [0, 1]: absorbed share of the rays with quantum noise, bright where little comes through."""
    film = 1 - np.exp(-1.15 * attenuation)
    film = film**1.35
    film = film + rng.standard_normal(film.shape, np.float32) * (0.008 + 0.012 * film)
    return as_map(np.clip(canvas.blurred(film, 0.0009) * _BRIGHTEST, 0, 1))


def mark(film: Map) -> Map:
    """The film with LABEL burned in below the anatomy, and the side marker."""
    height, width = film.shape
    image = Image.fromarray(np.rint(film * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(0.072 * min(height, width))
    middle = (0.5 * width, (1 + LABEL_TOP) / 2 * height)
    stroke = max(1, round(0.006 * height))
    draw.text(middle, LABEL, 255, font, anchor="mm", stroke_width=stroke, stroke_fill=0)
    draw.text((0.055 * width, 0.06 * height), "R", 240, font, anchor="mm")
    return np.asarray(image, np.float32) / np.float32(255)


def _air(canvas: Canvas, lung: Map) -> Map:
    """How much air a ray crosses: little at the border of a lung, most in its middle."""
    depth = distance_transform_edt(lung > 0.5).astype(np.float32) / canvas.height
    return as_map(lung * (0.50 + 0.50 * (1 - np.exp(-depth / 0.055))))


def _skin(canvas: Canvas, body: Body) -> Map:
    """Silhouette of neck, shoulders, arms held away, and trunk."""
    half = (
        (0.080, -0.03),
        (0.088, 0.030),
        (0.16, 0.078),
        (0.33, 0.085),
        (0.46, 0.135),
        (0.53, 0.26),
        (0.47, 0.44),
        (0.448, 0.62),
        (0.452, 0.82),
        (0.465, 1.03),
    )
    return canvas.fill([np.concatenate([body.curve("right", half)[::-1], body.curve("left", half)])], 0.004)


def _soft_tissue(canvas: Canvas, skin: Map) -> Map:
    depth = distance_transform_edt(np.pad(skin > 0.5, ((1, 1), (0, 0)), mode="edge")[1:-1]).astype(np.float32)
    return as_map(skin * (0.40 + 0.85 * (1 - np.exp(-depth / (0.06 * canvas.height)))))


def _abdomen(canvas: Canvas, body: Body) -> Map:
    """Liver and spleen under the domes, and the gas of stomach and colon."""
    dense = np.clip((canvas.rows() - 0.62) / 0.16, 0, 1) * 0.45
    x, y = body.at("left", 0.185, 0.79 - body.lift["left"])
    turn = np.linspace(0, 2 * np.pi, 60)
    bubble = np.stack([x + 0.075 * np.cos(turn), y + 0.034 * np.sin(turn) - 0.012 * np.cos(2 * turn)], axis=1)
    colon = body.curve("left", ((0.27, 0.86), (0.315, 0.835), (0.335, 0.87), (0.31, 0.905)))
    gas = 0.85 * canvas.fill([bubble], 0.006) + 0.4 * canvas.stroke([colon], 0.03, 0.008)
    return as_map(dense - gas)


def _mediastinum(canvas: Canvas, body: Body) -> Map:
    """Great vessels, heart and their borders; overlapping parts do not add up."""
    right = body.curve("right", ((0.080, -0.05), (0.062, 0.15), (0.062, 0.30), (0.072, 0.40), (0.075, 0.50)))
    left = body.curve("left", ((0.080, -0.05), (0.060, 0.16), (0.062, 0.265), (0.066, 0.42), (0.075, 0.50)))
    trunk = canvas.fill([np.concatenate([right[::-1], left])], 0.006)
    x, y = body.at("left", 0.050, 0.325)
    knob = canvas.fill([canvas.disc(x, y, 0.046)], 0.006)
    aorta = canvas.stroke([body.curve("left", ((0.048, 0.33), (0.042, 0.50), (0.030, 0.76)))], 0.068, 0.006)
    heart = canvas.fill([body.heart()], 0.004)
    depth = distance_transform_edt(heart > 0.5).astype(np.float32) / canvas.height
    muscle = heart * (0.62 + 0.40 * (1 - np.exp(-depth / 0.05)))
    mediastinum = np.maximum.reduce([0.50 * trunk, 0.68 * knob, 0.66 * aorta, muscle])
    return as_map(mediastinum * (1 - 0.8 * np.clip((canvas.rows() - 0.68) / 0.07, 0, 1)))


def _airways(canvas: Canvas, body: Body) -> Map:
    """Trachea and main bronchi: dark in the mediastinum."""
    trachea = body.curve("right", ((0.004, -0.02), (0.006, 0.18), (0.010, 0.365)))
    right = body.curve("right", ((0.008, 0.36), (0.040, 0.40), (0.068, 0.428)))
    left = body.curve("left", ((-0.010, 0.36), (0.035, 0.405), (0.078, 0.436)))
    tubes = np.maximum(canvas.stroke([trachea], 0.036), canvas.stroke([right, left], 0.021))
    return -0.50 * canvas.blurred(tubes, 0.003)


def _bones(canvas: Canvas, body: Body) -> Map:
    ribs = [body.rib(side, number) for side in SIDES for number in range(1, 10)]
    bones = _spine(canvas, body)
    bones += _bone(canvas, [body.clavicle(side) for side in SIDES], 0.024, 0.26)
    bones += _bone(canvas, [back for back, _ in ribs], 0.020, 0.16)
    bones += _bone(canvas, [front for _, front in ribs], 0.023, 0.075)
    blade = ((0.36, 0.15), (0.335, 0.24), (0.37, 0.40), (0.415, 0.30), (0.43, 0.18), (0.36, 0.15))
    humerus = ((0.445, 0.150), (0.470, 0.20), (0.500, 0.30), (0.535, 0.42))
    heads = [canvas.disc(*body.at(side, 0.438, 0.152), 0.038) for side in SIDES]
    bones += 0.10 * canvas.fill([body.curve(side, blade) for side in SIDES], 0.006)
    bones += 0.12 * canvas.fill(heads, 0.004)
    return bones + _bone(canvas, [body.curve(side, humerus) for side in SIDES], 0.042, 0.14)


def _bone(canvas: Canvas, lines: Sequence[Curve], thickness: float, strength: float) -> Map:
    """Long bones: a marrow and a denser cortex on both edges."""
    whole = canvas.stroke(lines, thickness)
    marrow = canvas.stroke(lines, thickness - 0.007)
    return as_map(strength * (whole - 0.4 * marrow))


def _spine(canvas: Canvas, body: Body) -> Map:
    """Vertebral bodies, pedicles and spinous processes, seen through heart and mediastinum."""
    bodies, pedicles, processes = [], [], []
    y, size = 0.0, 0.034
    while y < 1:
        upper = np.array([body.at("right", 0.031, y), body.at("left", 0.031, y)])
        bodies.append(np.concatenate([upper, upper[::-1] + np.array([0, size])]))
        pedicles += [canvas.disc(*body.at(side, 0.020, y + 0.4 * size), 0.006) for side in SIDES]
        processes.append(canvas.disc(*body.at("right", 0, y + 0.75 * size), 0.005))
        y, size = y + size + 0.008, size + 0.0012
    return as_map(0.10 * canvas.fill(bodies, 0.004) + 0.06 * canvas.fill(pedicles) + 0.05 * canvas.fill(processes))


def vessels(canvas: Canvas, body: Body, lungs: dict[Side, Map], rng: np.random.Generator) -> Map:
    """Hila and the branching vessels of the lungs, thinner and fainter outwards."""
    tree = np.zeros((canvas.height, canvas.width), np.float32)
    for side in SIDES:
        hilum = np.asarray(body.at(side, 0.080, _HILUM[side]))
        root = np.array([(0.0, -0.06), (SIGN[side] * 0.022, 0.0), (SIGN[side] * 0.012, 0.08)]) + hilum
        generations: list[list[Curve]] = [[] for _ in range(_GENERATIONS)]
        for angle in np.linspace(-1.40, 1.45, 9):
            origin = hilum + np.array([SIGN[side] * 0.012, 0.045 * np.sin(angle)])
            _branch(generations, origin, angle + rng.normal(0, 0.1), SIGN[side], rng)
        drawn = [0.28 * canvas.stroke([smooth(root)], 0.044, 0.012)]
        for depth, lines in enumerate(generations):
            drawn.append(0.25 * 0.72**depth * canvas.stroke(lines, 0.0115 * 0.68**depth, 0.0018))
        tree += np.maximum.reduce(drawn) * lungs[side]
    return tree


def _branch(
    generations: list[list[Curve]], start: Curve, angle: float, sign: int, rng: np.random.Generator, depth: int = 0
) -> None:
    """Add one vessel and the two that it divides into; `angle` 0 is outwards, positive downwards."""
    length = rng.uniform(0.055, 0.095) * 0.94**depth
    bend = rng.normal(0, 0.22)
    middle = start + length / 2 * np.array([sign * np.cos(angle - bend), np.sin(angle - bend)])
    end = middle + length / 2 * np.array([sign * np.cos(angle + bend), np.sin(angle + bend)])
    along = np.linspace(0, 1, 7)[:, None]
    generations[depth].append((1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end)
    if depth + 1 < len(generations):
        for turn in (-0.34, 0.34):
            _branch(generations, end, angle + bend + turn + rng.normal(0, 0.15), sign, rng, depth + 1)
