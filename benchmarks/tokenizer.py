"""What image tokenizers leave of films of a val split, and how hard their codes are to foretell.

    python benchmarks/tokenizer.py TOKENIZER ... [--data DIR] [--films N] [--json]

TOKENIZER: a directory that `radtrace train recipes/tokenizer.toml` wrote. SSIM and PSNR are at 256 pixels against the
film at the picture's box, by kind of picture, beside a mean crop of the train split, thumbnails of 16 x 16 and 32 x 32
pixels and the film squeezed to the tokenizer's side and back. Agreement: how many codes of a block of cells coded alone
are those of the whole film there. Bits: cross-entropy of a code given its left, upper, upper left and upper right
neighbours and its place, by a small network fitted on whole train films, on whole val films; marginal: by its share.
"""

import argparse
import json
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from radtrace.images import resized
from radtrace.models.tokenizer import ImageTokenizer, load_tokenizer
from radtrace.runs import JsonLines
from radtrace.train.crops import grey
from radtrace.train.figures import ValPictures
from radtrace.train.films import FilmSet, LearnedFilm, load_films

_STEPS, _BATCH, _LEARNT = 300, 2048, 1000


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizers", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"), help="default: RADTRACE_DATA")
    parser.add_argument("--films", type=int, default=150, help="of val; 0 for all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, val = (openi_films(options.data, split) for split in (["train", "unsplit"], ["val"]))
    rows = {str(path): measured(load_tokenizer(path), train, val, options.films) for path in options.tokenizers}
    if options.json:
        print(json.dumps(rows))
    else:
        print("\n".join(table(rows)))


def openi_films(data: Path, split: Sequence[str]) -> list[LearnedFilm]:
    source = FilmSet.model_validate({"source": {"kind": "openi", "root": data / "openi", "split": tuple(split)}})
    with tempfile.TemporaryDirectory() as folder:
        return load_films([source], 384, JsonLines(Path(folder) / "boxes.jsonl"))


def measured(
    tokenizer: ImageTokenizer, train: Sequence[LearnedFilm], val: Sequence[LearnedFilm], count: int
) -> dict[str, Any]:
    pictures = ValPictures.of(val[: count or None], tokenizer.side, tokenizer.cell)
    learnt, told = (codes_of(tokenizer, films) for films in (train[:: max(1, len(train) // _LEARNT)], val))
    return pictures.figures(tokenizer, train) | bits(learnt, told, tokenizer.codebook)


def codes_of(tokenizer: ImageTokenizer, films: Sequence[LearnedFilm]) -> Tensor:
    """(N, rows, columns)."""
    side = tokenizer.side
    return torch.cat([tokenizer.encode([resized(grey(film), side, side)]) for film in films])


def bits(learnt: Tensor, told: Tensor, size: int) -> dict[str, float]:
    """Bits a code on `told`: by its share, and by its neighbours."""
    shares = torch.bincount(learnt.flatten(), minlength=size).float() + 1
    marginal = -(shares / shares.sum()).log2()[told].mean()
    torch.manual_seed(0)
    grid = learnt.shape[1]
    around = Neighbours(size, grid)
    optimiser = torch.optim.AdamW(around.parameters(), 4e-3)
    inputs, wanted = neighbours(learnt, size)
    for step in range(_STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 4e-3 * 0.5 * (1 + math.cos(math.pi * step / _STEPS))
        some = torch.randint(len(wanted), (_BATCH,))
        loss = functional.cross_entropy(around(inputs[some], some % grid**2), wanted[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    inputs, wanted = neighbours(told, size)
    with torch.inference_mode():
        places = torch.arange(len(wanted)) % grid**2
        parts = zip(inputs.split(8192), places.split(8192), wanted.split(8192), strict=True)
        total = sum(float(functional.cross_entropy(around(*each), code, reduction="sum")) for *each, code in parts)
    return {"bits_marginal": round(float(marginal), 3), "bits_neighbours": round(total / len(wanted) / math.log(2), 3)}


class Neighbours(nn.Module):
    """Four neighbours and the place in the grid -> logits of the code."""

    def __init__(self, size: int, grid: int) -> None:
        super().__init__()
        self.codes, self.places = nn.Embedding(size + 1, 32), nn.Embedding(grid**2, 32)
        self.inner = nn.Sequential(nn.Linear(160, 128), nn.GELU(), nn.Linear(128, size))

    def forward(self, codes: Tensor, places: Tensor) -> Tensor:
        """(B, 4) neighbours, (B) places -> (B, size)."""
        out: Tensor = self.inner(torch.cat([self.codes(codes).flatten(1), self.places(places)], 1))
        return out


def neighbours(codes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """((N * cells, 4) left, upper left, upper, upper right, `size` outside; (N * cells) the codes themselves)."""
    padded = functional.pad(codes, (1, 1, 1, 0), value=size)
    shifts = (padded[:, 1:, :-2], padded[:, :-1, :-2], padded[:, :-1, 1:-1], padded[:, :-1, 2:])
    return torch.stack(shifts, -1).flatten(0, 2), codes.flatten()


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    """Markdown."""
    kinds = list(next(iter(rows.values()))["kinds"])
    lines = [
        f"| | {' | '.join(kinds)} | PSNR | used | perplexity | bits | agreement |",
        "|---" * (len(kinds) + 6) + "|",
    ]
    for path, row in rows.items():
        found = " | ".join(f"{row['kinds'][kind]['ssim']:.3f}" for kind in kinds)
        noise = row["kinds"]["frontal"]["psnr"]
        book = row["codebook"]
        used = f"{book['used']}/{book['size']} | {book['perplexity']:.0f} | {row['bits_neighbours']:.2f}"
        lines.append(f"| {path} | {found} | {noise:.1f} | {used} | {row['agreement']:.2f} |")
    last = list(rows.values())[-1]["kinds"]
    for name in ("mean_crop", "thumbnail_16", "thumbnail_32", "squeezed"):
        found = " | ".join(f"{last[kind][name]:.3f}" if name in last[kind] else "" for kind in kinds)
        lines.append(f"| {name.replace('_', ' ')} | {found} | | | | | |")
    return lines


if __name__ == "__main__":
    main()
