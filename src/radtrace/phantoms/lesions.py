"""Abnormal things in a phantom: each draws itself and says what it is.

An attenuation map goes in and comes out; the words are in `words`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from radtrace.phantoms.body import SIGN, Body, Curve, Side, smooth
from radtrace.phantoms.drawing import Canvas, Map, as_map
from radtrace.records import Finding, Severity

Kind = Literal[
    "cardiomegaly", "effusion", "consolidation", "pneumothorax", "nodule", "atelectasis", "central line", "pacemaker"
]
Zone = Literal["upper", "mid", "lower"]
ZONES: tuple[Zone, ...] = ("upper", "mid", "lower")
SEVERITIES: tuple[Severity, ...] = ("mild", "moderate", "severe")
CARDIOTHORACIC: dict[Severity | None, float] = {None: 0.45, "mild": 0.55, "moderate": 0.61, "severe": 0.68}

_PLACES: dict[Zone, tuple[float, float]] = {"upper": (0.19, 0.235), "mid": (0.25, 0.425), "lower": (0.27, 0.605)}
"""Middle of each zone, outward and y."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """One abnormality or device of a phantom. zone: only of what lies in a zone; severity: only of what has one."""

    kind: Kind
    side: Side | None = None
    zone: Zone | None = None
    severity: Severity | None = None

    def finding(self) -> Finding:
        """The record of it."""
        return Finding(
            label=_LABELS[self.kind],
            status="present",
            severity=self.severity,
            laterality=self.side,
            regions=tuple(name.format(side=self.side, zone=self.zone) for name in _REGIONS[self.kind]),
        )

    def draw(self, attenuation: Map, scene: "Scene") -> Map:
        """The attenuation with it; an enlarged heart is part of the body and already drawn."""
        painter = _PAINTERS.get(self.kind)
        return attenuation if painter is None else painter(attenuation, scene, self)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a lesion is drawn on."""

    canvas: Canvas
    body: Body
    lungs: dict[Side, Map]
    vessels: Map
    rng: np.random.Generator


_LABELS: dict[Kind, str] = {
    "cardiomegaly": "Cardiomegaly",
    "effusion": "Pleural Effusion",
    "consolidation": "Consolidation",
    "pneumothorax": "Pneumothorax",
    "nodule": "Nodule",
    "atelectasis": "Atelectasis",
    "central line": "Central Venous Catheter",
    "pacemaker": "Pacemaker",
}
_REGIONS: dict[Kind, tuple[str, ...]] = {
    "cardiomegaly": ("cardiac silhouette",),
    "effusion": ("{side} costophrenic angle",),
    "consolidation": ("{side} {zone} lung zone",),
    "pneumothorax": ("{side} apical zone",),
    "nodule": ("{side} {zone} lung zone",),
    "atelectasis": ("{side} lower lung zone",),
    "central line": ("svc",),
    "pacemaker": ("cardiac silhouette",),
}


def choose(rng: np.random.Generator) -> tuple[Lesion, ...]:
    """What one phantom has: nothing in a third of them, else one to three things that can be told apart."""
    if rng.random() < 1 / 3:
        return ()
    kinds: list[Kind] = [str(kind) for kind in rng.permutation(list(_LABELS))]  # type: ignore[misc]
    lesions: list[Lesion] = []
    for kind in kinds[: rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15])]:
        taken = {lesion.side for lesion in lesions}
        side: Side = "right" if rng.random() < 0.5 else "left"
        if side in taken:
            side = "left" if side == "right" else "right"
        if side not in taken or kind in ("cardiomegaly", "central line"):
            lesions.append(_chosen(kind, side, rng))
    return tuple(lesions)


def _chosen(kind: Kind, side: Side, rng: np.random.Generator) -> Lesion:
    severity = SEVERITIES[rng.integers(3)]
    zone = ZONES[rng.integers(3)]
    match kind:
        case "cardiomegaly":
            return Lesion(kind, severity=severity)
        case "effusion" | "pneumothorax":
            return Lesion(kind, side, severity=severity)
        case "consolidation" | "nodule":
            return Lesion(kind, side, zone)
        case "atelectasis":
            return Lesion(kind, side, "lower")
        case "central line":
            return Lesion(kind, "right")
        case "pacemaker":
            return Lesion(kind, "left")


def _effusion(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """Fluid as dense as the liver, up to a meniscus that climbs along the chest wall."""
    side, body = _side(lesion), scene.body
    top = {"mild": 0.715, "moderate": 0.60, "severe": 0.43}[lesion.severity or "mild"]
    level = ((0.40, top), (0.365, top + 0.06), (0.29, top + 0.105), (0.17, top + 0.125), (0.03, top + 0.12))
    floor = [body.at(side, 0.03, 0.90), body.at(side, 0.40, 0.90)]
    fluid = scene.canvas.fill([np.concatenate([body.curve(side, level), np.array(floor)])], 0.010)
    pleura = np.clip(2.5 * scene.canvas.blurred(scene.lungs[side], 0.008), 0, 1)
    return as_map(attenuation + fluid * pleura * np.clip(1.62 - attenuation, 0, None))


def _consolidation(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """A cloudy opacity with ill-defined edges; the bronchi stay dark in it."""
    side = _side(lesion)
    x, y = _place(scene, lesion)
    cloud = np.zeros_like(attenuation)
    for _ in range(9):
        dx, dy = scene.rng.normal(0, (0.030, 0.030))
        radius = scene.rng.uniform(0.022, 0.045)
        lobule = scene.canvas.fill([scene.canvas.disc(x + dx, y + dy, radius)], 0.014)
        cloud = np.maximum(cloud, scene.rng.uniform(0.7, 1.0) * lobule)
    bronchi = []
    for _ in range(3):
        start = np.array([x, y]) + scene.rng.normal(0, 0.016, 2)
        heading = np.array([SIGN[side] * 0.045, scene.rng.normal(0, 0.03)])
        bronchi.append(smooth(np.array([start - heading, start + scene.rng.normal(0, 0.004, 2), start + heading])))
    patchy = np.clip(1 + 0.16 * scene.canvas.clouds(scene.rng, 0.012), 0.4, 1.4)
    opacity = cloud * patchy - 0.35 * cloud * scene.canvas.stroke(bronchi, 0.006, 0.002)
    return as_map(attenuation + 0.60 * opacity * scene.lungs[side])


def _pneumothorax(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """A thin pleural line, beyond it air without vessels."""
    side, body = _side(lesion), scene.body
    keep = {"mild": 0.88, "moderate": 0.76, "severe": 0.56}[lesion.severity or "mild"]
    outline = body.lung(side)
    anchor = np.array(body.at(side, 0.06, 0.78))
    collapsed = anchor + (outline - anchor) * (keep, keep + 0.02)
    inside = scene.canvas.fill([collapsed], 0.002)
    outside = np.clip(scene.lungs[side] - inside, 0, 1)
    emptied = attenuation - outside * (scene.vessels + 0.07)
    emptied = emptied + inside * scene.lungs[side] * 0.10 * (1 / keep - 1)
    pleura = scene.canvas.stroke([collapsed[7:117]], 0.004, 0.0008)
    return as_map(np.maximum(emptied + 0.20 * pleura * scene.lungs[side], 0.02))


def _nodule(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    x, y = _place(scene, lesion)
    outline = scene.canvas.disc(x, y, float(scene.rng.uniform(0.017, 0.026)))
    return attenuation + 0.40 * scene.canvas.fill([outline])


def _atelectasis(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """Two or three plates above the dome."""
    side = _side(lesion)
    plates = []
    for number in range(scene.rng.integers(2, 4)):
        y = 0.655 - scene.body.lift[side] - 0.032 * number + scene.rng.normal(0, 0.004)
        start = 0.17 + scene.rng.normal(0, 0.02)
        ends = ((start, y + 0.018), (start + 0.07, y), (start + 0.15, y - 0.006 + scene.rng.normal(0, 0.01)))
        plates.append(scene.body.curve(side, ends))
    return attenuation + 0.30 * scene.canvas.stroke(plates, 0.010, 0.002) * scene.lungs[side]


def _central_line(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """A catheter from the right neck, its tip in the lower superior vena cava."""
    path = ((0.095, 0.02), (0.085, 0.12), (0.060, 0.22), (0.055, 0.32), (0.053, 0.425))
    return attenuation + 0.55 * scene.canvas.stroke([scene.body.curve("right", path)], 0.0065, 0.0008)


def _pacemaker(attenuation: Map, scene: Scene, lesion: Lesion) -> Map:
    """A generator in the left chest wall and one lead to the right ventricle."""
    body, canvas = scene.body, scene.canvas
    x, y = body.at("left", 0.285, 0.225)
    turn = np.linspace(0, 2 * np.pi, 80)
    rounded = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6
    case: Curve = np.stack([x + 0.047 * rounded[0], y + 0.040 * rounded[1]], axis=1)
    lead = [
        body.at("left", 0.25, 0.20),
        body.at("left", 0.16, 0.165),
        body.at("left", 0.04, 0.205),
        body.at("right", 0.045, 0.28),
        body.at("right", 0.062, 0.47),
        body.at("right", 0.01, 0.63),
        body.at("left", 0.105, 0.70),
    ]
    metal = np.maximum(1.1 * canvas.fill([case], 0.0012), 0.6 * canvas.stroke([smooth(lead)], 0.006, 0.0008))
    return as_map(attenuation + metal)


_PAINTERS: dict[Kind, Callable[[Map, Scene, Lesion], Map]] = {
    "effusion": _effusion,
    "consolidation": _consolidation,
    "pneumothorax": _pneumothorax,
    "nodule": _nodule,
    "atelectasis": _atelectasis,
    "central line": _central_line,
    "pacemaker": _pacemaker,
}


def _side(lesion: Lesion) -> Side:
    if lesion.side is None:
        raise ValueError(f"a {lesion.kind} has a side")
    return lesion.side


def _place(scene: Scene, lesion: Lesion) -> tuple[float, float]:
    """A point near the middle of the lesion's zone."""
    if lesion.zone is None:
        raise ValueError(f"a {lesion.kind} has a zone")
    outward, y = _PLACES[lesion.zone]
    jitter = scene.rng.uniform(-0.02, 0.02, 2)
    return scene.body.at(_side(lesion), outward + float(jitter[0]), y + float(jitter[1]))
