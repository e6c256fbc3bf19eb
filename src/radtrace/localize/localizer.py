"""Film -> `Localization`: what the network sees, judged, turned back and completed by geometry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from radtrace.anatomy import REGIONS
from radtrace.geometry import Box, Frame, letterbox
from radtrace.images import MIN_SIDE, Film, Pixels
from radtrace.localize import weights
from radtrace.localize.chest import judge
from radtrace.localize.markers import Marker, MarkerReader
from radtrace.localize.regions import Chest, boxes
from radtrace.localize.sides import MAYBE_MIRRORED, ToldBy, verified
from radtrace.localize.weights import KINDS, PROJECTIONS, QUALITIES
from radtrace.records import Projection

if TYPE_CHECKING:
    from radtrace.localize.network import ChestNet

_WHOLE = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)
_FLAT = 0.02
"""A film whose 1st and 99th percentile differ by less shows nothing."""
_LONGEST = 4
"""Long edge of a film in short edges; the longest cassettes (whole spine) have 3."""
_SURE = 0.95
"""Below this probability the film is looked at in all four turns."""
_BELIEVED = 0.7
"""Below this probability, after all looks, a film is no chest film: white noise gets up to 0.53."""
_TOLD = 0.9
"""From this probability on the projection is told."""
_COMPLAINT = 0.9
"""From this probability on the picture is called blurred, noisy or badly exposed."""
_BATCH = 8
"""Films in a pass; always as many, so that a film's result does not depend on its company."""


@dataclass(frozen=True, slots=True)
class Localization:
    """What one film shows and where.

    kind: "frontal", "lateral", or "other": no chest film.
    rotation: 0, 90, 180 or 270 degrees by which the film is turned counter-clockwise from upright.
    mirrored: whether the patient's right is on the right of the upright film, as far as `sides_by` tells.
    sides_by: what tells the patient's left from right; None, with a warning, where only the usual display does.
    projection: "PA" or "AP", as the header says or else the network where it is sure; else "unknown".
    regions: name of `radtrace.anatomy.REGIONS` -> box in the film as it was given, turned or not; all 35 or none.
    cardiothoracic_ratio: width of the heart over the inner width of the chest, on frontal films with regions.
    warnings: why there are no regions, or what to distrust about them.
    inverted: whether air is bright on the film as it was given.
    """

    kind: str
    rotation: int = 0
    regions: dict[str, Box] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    mirrored: bool = False
    sides_by: ToldBy | None = None
    projection: Projection = "unknown"
    cardiothoracic_ratio: float | None = None
    inverted: bool = False


class _Look(NamedTuple):
    """The network on one film: masks (4, side / 2, side / 2) as logits, the rest as probabilities."""

    masks: npt.NDArray[np.float32]
    kind: npt.NDArray[np.float32]
    rotation: npt.NDArray[np.float32]
    mirrored: npt.NDArray[np.float32]
    projection: npt.NDArray[np.float32]
    quality: npt.NDArray[np.float32]

    @property
    def kind_name(self) -> str:
        """The likeliest kind; "other" where none is likely."""
        return KINDS[int(self.kind.argmax())] if self.kind.max() >= _BELIEVED else "other"

    @property
    def doubtful(self) -> bool:
        """Whether the film has to be looked at in other turns."""
        return self.kind_name == "other" or min(self.rotation[0], self.kind.max()) < _SURE


class _Seen(NamedTuple):
    """An upright film, how it was found to lie, and the look at it."""

    pixels: Pixels
    look: _Look
    turns: int
    inverted: bool
    warnings: tuple[str, ...]


class Localizer:
    """Finds the anatomy on chest films; the same film gives the same boxes, alone or among others."""

    def __init__(self, network: "ChestNet", markers: MarkerReader, *, every_marker: bool = True) -> None:
        self._network, self._markers, self._every_marker = network, markers, every_marker
        self._frame: Frame = letterbox(network.side)

    @classmethod
    def load(cls, path: Path | None = None, *, every_marker: bool = True) -> "Localizer":
        """Read the weights at `path`, else those that RADTRACE_WEIGHTS or the package radtrace-weights hold.

        Args:    every_marker: read the side marker of every film; otherwise only of those that may be mirrored, which
                 spares half of the time and leaves the sides of nearly all films unverified.
        Raises:  InputError where they are missing, damaged or of another version; MissingExtraError without torch.
        """
        path = path or weights.find()
        return cls(weights.load(path), MarkerReader.load(path.with_name(weights.MARKERS)), every_marker=every_marker)

    def __call__(self, films: Sequence[Film | Pixels]) -> list[Localization]:
        """One localization a film, in their order; of pixels alone no header is known.

        `films` hold true aspects where possible (a squash by a third is tolerated).
        """
        pixels = [film.pixels if isinstance(film, Film) else film for film in films]
        problems = [_unusable(each) for each in pixels]
        looks = iter(self._looks(each for each, problem in zip(pixels, problems, strict=True) if not problem))
        return [
            Localization("other", warnings=(problem,)) if problem else self._localize(film, each, next(looks))
            for film, each, problem in zip(films, pixels, problems, strict=True)
        ]

    def _localize(self, film: Film | Pixels, pixels: Pixels, look: _Look) -> Localization:
        seen = self._upright(pixels, look)
        if seen is None:
            return Localization("other", warnings=("not a chest film",))
        projection, orientation = (film.projection, film.orientation) if isinstance(film, Film) else ("unknown", None)
        rotation = 90 * seen.turns
        if seen.look.kind_name == "lateral":
            said = (*seen.warnings, "lateral: regions are found on frontal films only")
            return Localization("lateral", rotation, warnings=said, inverted=seen.inverted)
        sides = verified(seen.look.mirrored[1], rotation, orientation, self._marker(seen))
        if sides.mirrored:
            flipped = np.ascontiguousarray(seen.pixels[:, ::-1])
            seen = seen._replace(pixels=flipped, look=self._looks([flipped])[0])
        chest, doubts = self._chest(seen)
        found = Localization(
            "frontal",
            rotation,
            warnings=(*seen.warnings, *sides.warnings, *_quality(seen.look), *doubts),
            mirrored=sides.mirrored,
            sides_by=sides.told_by,
            projection=_projection(projection, seen.look),
            inverted=seen.inverted,
        )
        if chest is None:
            return found
        x1, _, x2, _ = chest.heart_box
        return replace(
            found,
            regions={
                name: _as_given(box, sides.mirrored, rotation) for name, box in self._regions(chest, seen).items()
            },
            cardiothoracic_ratio=(x2 - x1) / chest.width if chest.heart else None,
        )

    def _marker(self, seen: _Seen) -> Marker | None:
        if self._every_marker or seen.look.mirrored[1] >= MAYBE_MIRRORED:
            return self._markers(seen.pixels, None)
        return None

    def _upright(self, film: Pixels, first: _Look) -> _Seen | None:
        """The film as it should stand, or None for what is no chest film.

        An unsure first look is settled by looks at all four turns, each of which has a say about every turn; and what
        looks like no chest film may be one with inverted grays.
        """
        if not first.doubtful:
            return _Seen(film, first, 0, inverted=False, warnings=())
        looks = [first, *self._looks(np.rot90(film, -turns) for turns in (1, 2, 3))]
        seen = _agreed(film, looks)
        if seen.look.kind_name == "other":
            seen = _agreed(1 - film, self._looks(np.rot90(1 - film, -turns) for turns in range(4)))
            if seen.look.kind_name == "other" or seen.look.kind.max() < _SURE:
                return None
            seen = seen._replace(inverted=True, warnings=("the film's grays are inverted",))
        if seen.turns:
            turned = f"the film is turned by {90 * seen.turns} degrees counter-clockwise"
            seen = seen._replace(warnings=(*seen.warnings, turned))
        return seen

    def _looks(self, films: Iterable[Pixels]) -> list[_Look]:
        import torch

        side, looks = self._network.side, []
        prepared = [self._prepared(film) for film in films]
        for start in range(0, len(prepared), _BATCH):
            some = prepared[start : start + _BATCH]
            x = torch.zeros(_BATCH, 1, side, side)
            x[: len(some), 0] = torch.from_numpy(np.stack(some))
            with torch.inference_mode():
                output = self._network(x)
                chosen = [torch.softmax(head, 1).numpy() for head in output[1:-1]]
                parts = [output.masks.numpy(), *chosen, torch.sigmoid(output.quality).numpy()]
            looks += [_Look(*(part[index] for part in parts)) for index in range(len(some))]
        return looks

    def _prepared(self, film: Pixels) -> Pixels:
        """float32 (side, side): letterboxed, the film's 1st-99th percentile at 0 … 1, the letterbox black."""
        import torch

        side, (height, width) = self._network.side, film.shape
        x1, y1, x2, y2 = self._view(width, height)
        whole = torch.from_numpy(np.ascontiguousarray(film))[None, None]
        shown: Pixels = torch.nn.functional.interpolate(
            whole, size=(y2 - y1, x2 - x1), mode="bilinear", align_corners=False, antialias=True
        )[0, 0].numpy()
        some = np.sort(shown[::2, ::2], axis=None)
        low, high = some[len(some) // 100], some[-1 - len(some) // 100]
        prepared = np.zeros((side, side), np.float32)
        np.clip((shown - low) / max(float(high - low), 1e-4), 0.0, 1.0, out=prepared[y1:y2, x1:x2])
        return prepared

    def _view(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Where the film lies on the network's input."""
        written = self._frame.write(_WHOLE, width, height)
        assert written is not None  # noqa: S101  a letterbox shows the whole view
        x1, y1, x2, y2 = written.coords
        return x1, y1, x2, y2

    def _chest(self, seen: _Seen) -> tuple[Chest | None, tuple[str, ...]]:
        height, width = seen.pixels.shape
        shrunk = seen.look.masks.shape[-1] / self._network.side
        x1, y1, x2, y2 = (shrunk * value for value in self._view(width, height))
        return judge(seen.look.masks, (x1, y1, x2, y2))

    def _regions(self, chest: Chest, seen: _Seen) -> dict[str, Box]:
        """All 35 on the upright film."""
        height, width = seen.pixels.shape
        grown = self._network.side / seen.look.masks.shape[-1]
        found = boxes(chest)
        corners = grown * np.array([found[name] for name in REGIONS])
        return dict(zip(REGIONS, self._frame.read_all(corners, width, height), strict=True))


def _agreed(film: Pixels, looks: Sequence[_Look]) -> _Seen:
    """What the looks at a film's four turns say together; looks: at the film turned clockwise by 0, 1, 2 and 3."""
    votes = np.sum([np.roll(np.log(look.rotation + 1e-9), turns) for turns, look in enumerate(looks)], axis=0)
    turns = int(votes.argmax())
    kind = np.exp(np.mean([np.log(look.kind + 1e-9) for look in looks], axis=0))
    upright = np.ascontiguousarray(np.rot90(film, -turns))
    return _Seen(upright, looks[turns]._replace(kind=kind / kind.sum()), turns, inverted=False, warnings=())


def _projection(header: Projection, look: _Look) -> Projection:
    if header in PROJECTIONS:
        return header
    best = int(look.projection.argmax())
    told: dict[str, Projection] = {"PA": "PA", "AP": "AP"}
    return told[PROJECTIONS[best]] if look.projection[best] >= _TOLD else "unknown"


def _quality(look: _Look) -> tuple[str, ...]:
    """The network's complaints about the picture."""
    said = [name for name, probability in zip(QUALITIES, look.quality, strict=True) if probability >= _COMPLAINT]
    return (f"poor image quality: {' and '.join(said)}",) if said else ()


def _as_given(box: Box, mirrored: bool, rotation: int) -> Box:
    """A box of the upright film as a box of the film as it was given."""
    if mirrored:
        box = box.mirrored()
    return box.turned(rotation) if rotation else box


def _unusable(film: Pixels) -> str | None:
    """Why a film cannot be looked at."""
    height, width = film.shape
    if min(height, width) < MIN_SIDE:
        return f"{width}x{height} pixels are too few to find anatomy"
    if max(height, width) > _LONGEST * min(height, width):
        return f"{width}x{height} pixels: too long and thin for a film"
    low, high = np.quantile(film[:: height // MIN_SIDE, :: width // MIN_SIDE], (0.01, 0.99))
    return None if high - low >= _FLAT else "the film is blank"


def row(path: Path | str, film: Film, localization: Localization) -> dict[str, Any]:
    """A localization as a JSON-ready line: boxes as fractions [x1, y1, x2, y2], width and height in pixels."""
    ratio = localization.cardiothoracic_ratio
    return {
        "path": str(path),
        "kind": localization.kind,
        "rotation": localization.rotation,
        "mirrored": localization.mirrored,
        "sides_by": localization.sides_by,
        "projection": localization.projection,
        "width": film.width,
        "height": film.height,
        "cardiothoracic_ratio": None if ratio is None else round(ratio, 4),
        "regions": {name: [round(value, 5) for value in box.xyxy] for name, box in localization.regions.items()},
        "warnings": list(localization.warnings),
    }
