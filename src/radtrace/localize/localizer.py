"""Film -> `Localization`: the network's two lungs, judged, turned back and completed by geometry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from radtrace.anatomy import REGIONS
from radtrace.geometry import Box, Frame, letterbox
from radtrace.images import MIN_SIDE, Film, Pixels
from radtrace.localize import weights
from radtrace.localize.lungs import judge
from radtrace.localize.regions import Chest, boxes
from radtrace.localize.weights import KINDS

if TYPE_CHECKING:
    from radtrace.localize.network import LungNet

_WHOLE = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)
_FLAT = 0.02
"""A film whose 1st and 99th percentile differ by less shows nothing."""
_LONGEST = 4
"""Long edge of a film in short edges; the longest cassettes (whole spine) have 3."""
_SURE = 0.95
"""Below this probability the film is looked at in all four turns."""


@dataclass(frozen=True, slots=True)
class Localization:
    """What one film shows and where.

    kind: "frontal", "lateral", or "other": no chest film.
    rotation: 0, 90, 180 or 270 degrees by which the film is turned counter-clockwise from upright.
    regions: name of `radtrace.anatomy.REGIONS` -> box in the film as it was given, turned or not; all 35 or none.
    warnings: why there are no regions, or what to distrust about them.
    """

    kind: str
    rotation: int = 0
    regions: dict[str, Box] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class _Look(NamedTuple):
    """The network on one film. masks: (2, side, side); kind: (3,), rotation: (4,) log probabilities."""

    masks: npt.NDArray[np.float32]
    kind: npt.NDArray[np.float32]
    rotation: npt.NDArray[np.float32]

    @property
    def kind_name(self) -> str:
        """The likeliest kind."""
        return KINDS[int(self.kind.argmax())]


class Localizer:
    """Finds the anatomy on chest films; the same film gives the same boxes, alone or among others."""

    def __init__(self, network: "LungNet") -> None:
        self._network = network
        self._frame: Frame = letterbox(network.side)

    @classmethod
    def load(cls, path: Path | None = None) -> "Localizer":
        """Read the weights at `path`, else those that RADTRACE_WEIGHTS or the package radtrace-weights hold.

        Raises:  InputError where they are missing, damaged or of another version; MissingExtraError without torch.
        """
        return cls(weights.load(path or weights.find()))

    def __call__(self, films: Sequence[Pixels]) -> list[Localization]:
        """One localization a film; `films` hold true aspects where possible (a squash by a third is tolerated)."""
        return [self._localize(film) for film in films]

    def _localize(self, film: Pixels) -> Localization:
        problem = _unusable(film)
        if problem:
            return Localization("other", warnings=(problem,))
        look, turns = self._upright(film)
        said: tuple[str, ...] = ()
        if look.kind_name == "other":
            look, turns = self._upright(1 - film)
            if look.kind_name == "other" or np.exp(look.kind.max()) < _SURE:
                return Localization("other", warnings=("not a chest film",))
            said = ("the film's grays are inverted",)
        rotation = 90 * turns
        if rotation:
            said = (*said, f"the film is turned by {rotation} degrees counter-clockwise")
        if look.kind_name == "lateral":
            said = (*said, "lateral: regions are found on frontal films only")
            return Localization("lateral", rotation, warnings=said)
        regions, doubts = self._regions(look, np.rot90(film, -turns))
        turned = {name: box.turned(rotation) for name, box in regions.items()}
        return Localization("frontal", rotation, turned, (*said, *doubts))

    def _upright(self, film: Pixels) -> tuple[_Look, int]:
        """The network's look at the upright film, and how many quarter turns the film is away from it.

        An unsure first look is settled by looks at all four turns, each of which has a say about every turn.
        """
        first = self._look(film)
        turns = int(first.rotation.argmax())
        if min(np.exp(first.rotation).max(), np.exp(first.kind).max()) < _SURE or turns:
            looks = [first, *(self._look(np.rot90(film, -k)) for k in (1, 2, 3))]
            turns = int(np.sum([np.roll(look.rotation, k) for k, look in enumerate(looks)], axis=0).argmax())
            kind = np.mean([look.kind for look in looks], axis=0)
            return looks[turns]._replace(kind=kind), turns
        return first, 0

    def _look(self, film: Pixels) -> _Look:
        import torch

        x = torch.from_numpy(self._prepared(film))[None, None]
        with torch.inference_mode():
            output = self._network(x)
            masks = torch.nn.functional.interpolate(output.masks, scale_factor=2, mode="bilinear", align_corners=False)
            return _Look(
                masks[0].sigmoid().numpy(),
                output.kind[0].log_softmax(0).numpy(),
                output.rotation[0].log_softmax(0).numpy(),
            )

    def _prepared(self, film: Pixels) -> Pixels:
        """float32 (side, side): letterboxed, the film's 1st-99th percentile at 0 … 1, the letterbox black."""
        side, (height, width) = self._network.side, film.shape
        square = np.zeros((max(height, width),) * 2, np.float32)
        top, left = (square.shape[0] - height) // 2, (square.shape[0] - width) // 2
        square[top : top + height, left : left + width] = film
        image = Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        small = np.asarray(image, np.float32)
        x1, y1, x2, y2 = self._view(width, height)
        shown = small[y1:y2, x1:x2]
        low, high = np.quantile(shown, (0.01, 0.99))
        prepared = np.zeros_like(small)
        prepared[y1:y2, x1:x2] = np.clip((shown - low) / max(high - low, 1e-4), 0.0, 1.0)
        return prepared

    def _view(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Where the film lies on the network's input."""
        written = self._frame.write(_WHOLE, width, height)
        assert written is not None  # noqa: S101  a letterbox shows the whole view
        return written.coords

    def _regions(self, look: _Look, upright: Pixels) -> tuple[dict[str, Box], tuple[str, ...]]:
        height, width = upright.shape
        view = self._view(width, height)
        verdict = judge(look.masks, view)
        if verdict.lungs is None:
            return {}, verdict.warnings
        x1, y1, x2, y2 = view
        chest = Chest(*verdict.lungs, (float(x1), float(y1), float(x2), float(y2)))
        found = boxes(chest)
        return {name: self._frame.read(found[name], width, height) for name in REGIONS}, verdict.warnings


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
    return {
        "path": str(path),
        "kind": localization.kind,
        "rotation": localization.rotation,
        "width": film.width,
        "height": film.height,
        "regions": {name: [round(value, 5) for value in box.xyxy] for name, box in localization.regions.items()},
        "warnings": list(localization.warnings),
    }
