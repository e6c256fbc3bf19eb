"""What a tokenizer leaves of films that it never saw, beside what simpler means leave."""

import io
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from radtrace.anatomy import DOMAINS, REGIONS
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, resized
from radtrace.metrics.grounding.ssim import ssim
from radtrace.metrics.grounding.steps import SIDE
from radtrace.train.crops import grey
from radtrace.train.films import LearnedFilm

if TYPE_CHECKING:
    from torch import Tensor

    from radtrace.models.tokenizer import ImageTokenizer

_WHOLE = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)
_QUICK = 48
"""Pictures that are looked at during training."""
_MEAN_FILMS = 400
_SHOWN = 8
THUMBNAILS = (16, 32)


@dataclass(frozen=True, slots=True)
class ValPicture:
    """film: its index; kind: "frontal", "lateral", "other", a domain, "region" or "grid"; name: region, domain or kind;
    box: of whole cells where the kind is "grid".
    """

    film: int
    kind: str
    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class ValPictures:
    """Fixed pictures of val films: whole, at each domain's and one region's box, and one block of whole cells."""

    films: Sequence[LearnedFilm]
    pictures: tuple[ValPicture, ...]
    side: int
    cell: int

    @classmethod
    def of(cls, films: Sequence[LearnedFilm], side: int, cell: int) -> "ValPictures":
        """The same pictures whenever the films are the same."""
        pictures = []
        for index, film in enumerate(films):
            pictures.append(ValPicture(index, film.kind, film.kind, _WHOLE))
            if film.boxes:
                region, other = (REGIONS[(7 * index + offset) % len(REGIONS)] for offset in (0, 11))
                pictures += [ValPicture(index, domain, domain, film.boxes[domain]) for domain in DOMAINS]
                pictures.append(ValPicture(index, "region", region, film.boxes[region]))
                pictures.append(ValPicture(index, "grid", other, film.boxes[other].snapped(side // cell)))
        return cls(films, tuple(pictures), side, cell)

    def quick(self, tokenizer: "ImageTokenizer") -> dict[str, float]:
        """SSIM and perplexity of some of the pictures, for the run's log."""
        import torch

        from radtrace.train.fitting import perplexity

        few = self.pictures[:: max(1, len(self.pictures) // _QUICK)]
        values, codes = zip(*(self._likeness(tokenizer, picture) for picture in few), strict=True)
        counts = torch.bincount(torch.cat([each.flatten() for each in codes]), minlength=tokenizer.codebook)
        return {"val_ssim": fmean(one for one, _ in values), "val_perplexity": perplexity(counts)}

    def figures(self, tokenizer: "ImageTokenizer", train: Sequence[LearnedFilm]) -> dict[str, Any]:
        """JSON-ready. By kind of picture: `count`, `ssim` and `psnr` at 256 pixels against the film at the box, and the
        SSIM of what simpler means leave: `thumbnail_16`, `thumbnail_32`, `squeezed` (to the tokenizer's side and back:
        nothing better can be reached), `mean_crop` (the mean training picture of that name). `codebook`: size, `used`,
        `perplexity`. `agreement`: how many codes of a block coded alone are those of the whole film there.
        """
        import torch

        from radtrace.train.fitting import perplexity

        means = mean_crops(train, {picture.name for picture in self.pictures if picture.kind != "grid"})
        rows: dict[str, list[dict[str, float]]] = defaultdict(list)
        counts = torch.zeros(tokenizer.codebook)
        for picture in self.pictures:
            (likeness, noise), codes = self._likeness(tokenizer, picture)
            counts += torch.bincount(codes.flatten(), minlength=tokenizer.codebook)
            simpler = {} if picture.kind == "grid" else self._simpler(picture, means)
            rows[picture.kind].append({"ssim": likeness, "psnr": noise} | simpler)
        return {
            "codebook": {
                "size": tokenizer.codebook,
                "used": int((counts > 0).sum()),
                "perplexity": round(perplexity(counts), 1),
            },
            "agreement": self._agreement(tokenizer),
            "kinds": {
                kind: {"count": len(found)} | {name: round(fmean(row[name] for row in found), 4) for name in found[0]}
                for kind, found in sorted(rows.items())
            },
        }

    def sheet(self, tokenizer: "ImageTokenizer") -> bytes:
        """PNG: originals above their reconstructions, some of each kind a row."""
        lines = []
        for kind in dict.fromkeys(picture.kind for picture in self.pictures):
            some = [picture for picture in self.pictures if picture.kind == kind][:_SHOWN]
            pairs = [(self._truth(picture), self._made(tokenizer, picture)[0]) for picture in some]
            blank = [np.zeros((SIDE, SIDE), np.float32)] * (_SHOWN - len(some))
            lines += [np.hstack([pair[row] for pair in pairs] + blank) for row in (0, 1)]
        buffer = io.BytesIO()
        Image.fromarray(np.rint(np.vstack(lines) * 255).astype(np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    def _truth(self, picture: ValPicture) -> Pixels:
        return resized(crop(grey(self.films[picture.film]), picture.box), SIDE, SIDE)

    def _drawn(self, picture: ValPicture) -> Pixels:
        """What the tokenizer is given."""
        film = grey(self.films[picture.film])
        if picture.kind == "grid":
            return np.ascontiguousarray(crop(resized(film, self.side, self.side), picture.box))
        return resized(crop(film, picture.box), self.side, self.side)

    def _made(self, tokenizer: "ImageTokenizer", picture: ValPicture) -> "tuple[Pixels, Tensor]":
        codes = tokenizer.encode([self._drawn(picture)])
        return resized(tokenizer.decode(codes)[0], SIDE, SIDE), codes

    def _likeness(self, tokenizer: "ImageTokenizer", picture: ValPicture) -> "tuple[tuple[float, float], Tensor]":
        """SSIM and PSNR in dB, and the codes."""
        made, codes = self._made(tokenizer, picture)
        truth = self._truth(picture)
        error = float(np.square(made - truth, dtype=np.float64).mean())
        return (ssim(made, truth), -10 * math.log10(max(error, 1e-10))), codes

    def _simpler(self, picture: ValPicture, means: dict[str, Pixels]) -> dict[str, float]:
        truth, whole = self._truth(picture), crop(grey(self.films[picture.film]), picture.box)
        sides = {f"thumbnail_{side}": side for side in THUMBNAILS} | {"squeezed": self.side}
        found = {name: ssim(resized(resized(whole, side, side), SIDE, SIDE), truth) for name, side in sides.items()}
        return found | {"mean_crop": ssim(means[picture.name], truth)}

    def _agreement(self, tokenizer: "ImageTokenizer") -> float | None:
        """None where there is no block."""
        same = total = 0
        for picture in self.pictures:
            if picture.kind == "grid":
                whole = tokenizer.encode([resized(grey(self.films[picture.film]), self.side, self.side)])
                rows, columns = picture.box.pixel_slices(tokenizer.grid, tokenizer.grid)
                alone = tokenizer.encode([self._drawn(picture)])
                same += int((whole[:, rows, columns] == alone).sum())
                total += alone.numel()
        return round(same / total, 4) if total else None


def mean_crops(films: Sequence[LearnedFilm], names: set[str]) -> dict[str, Pixels]:
    """The mean picture, 256 pixels a side, of each name: a kind of film (whole), a region or a domain; else black."""
    sums = {name: np.zeros((SIDE, SIDE)) for name in names}
    counts = dict.fromkeys(names, 0)
    for film in films[:: max(1, len(films) // _MEAN_FILMS)]:
        places = {name: box for name, box in ({film.kind: _WHOLE} | film.boxes).items() if name in names}
        for name, box in places.items():
            sums[name] += resized(crop(grey(film), box), SIDE, SIDE)
            counts[name] += 1
    return {name: (total / max(1, counts[name])).astype(np.float32) for name, total in sums.items()}


def in_words(figures: dict[str, Any]) -> str:
    """One line."""
    book, kinds = figures["codebook"], figures["kinds"]
    parts = ", ".join(f"{kind} {row['ssim']:.3f}" for kind, row in kinds.items())
    return (
        f"SSIM at 256 px: {parts}; {book['used']} of {book['size']} codes used, perplexity {book['perplexity']:.0f}; "
        f"blocks agree with the film in {figures['agreement']}"
    )
