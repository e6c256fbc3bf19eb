"""Train the side-marker reader: `python weights/train_markers.py --data $RADTRACE_DATA --out DIR`.

Round 1 learns from letters drawn on real frontal films. After every round its networks look at the same films without
drawn letters: what they surely read on the side where an unmirrored film has it becomes a real letter to learn from in
the next round; what they read on the other side becomes an example of no letter. A killed run goes on at its last
checkpoint.
DIR/markers.safetensors is the result.
"""

import argparse
import io
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent))

import films
import glyphs
from radtrace.images import load_film
from radtrace.localize import markers, weights
from radtrace.localize.marker_network import STRIDE, MarkerNet
from radtrace.runs import progress

SEED = 11
LEARNING_RATE = 2e-3
EVERY = 50
CLOSEUPS, LOOKS = 128, 6
"""Close-ups and whole films in a batch."""
SIGNS = 4000
"""Drawn once a round; every use places, sizes, blurs and inks one anew."""
Array = glyphs.Array


@dataclass
class Shelf:
    """Training films in memory, uint8, long edge at most `markers.WORK`, and the letters found on them.

    real: (film, x, y, height, class) of letters and of what was taken for one; class -1 is unsettled.
    """

    pictures: list[np.ndarray]
    weights: np.ndarray
    real: np.ndarray = field(default_factory=lambda: np.zeros((0, 5)))

    def film(self, index: int) -> Array:
        """One film in [0, 1]."""
        return self.pictures[index].astype(np.float32) / 255


def load(data: Path, cache: Path) -> Shelf:
    """Every frontal film that may be learnt from, decoded once a folder."""
    if cache.exists():
        with np.load(cache) as saved:
            ends = np.cumsum(saved["shapes"].prod(1))[:-1]
            flat = np.split(saved["grays"], ends)
            pictures = [grays.reshape(shape) for grays, shape in zip(flat, saved["shapes"], strict=True)]
            return Shelf(pictures, saved["weights"])
    items = [item for item in films.training_items(data) if item.kind == "frontal" and item.part == "train"]
    share = {"openi": 1.0, "nih": 2.5, "hannover": 4.0, "shenzhen": 2.0}
    pictures = []
    with progress("films", len(items)) as advance:
        for item in items:
            film = markers.shrunk(load_film(item.path, item.true_size).pixels, markers.WORK)
            pictures.append(np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8))
            advance()
    weights = np.array([share[item.source] for item in items])
    shelf = Shelf(pictures, weights / weights.sum())
    shapes = np.array([picture.shape for picture in pictures])
    films.save_arrays(cache, grays=np.concatenate([p.ravel() for p in pictures]), shapes=shapes, weights=shelf.weights)
    return shelf


def place(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[float, float]:
    """Where a marker may stand: mostly to the sides."""
    height, width = shape
    x = rng.uniform(0, 0.36) if rng.random() < 0.8 else rng.uniform(0, 0.5)
    x = x if rng.random() < 0.5 else 1 - x
    y = rng.uniform(0.01, 0.45) if rng.random() < 0.6 else rng.uniform(0.01, 0.99)
    return float(np.clip(x, 0.015, 0.985) * width), float(y * height)


def tall(shape: tuple[int, ...], rng: np.random.Generator) -> float:
    """A letter's height in pixels of a film of that shape."""
    return float(np.exp(rng.uniform(math.log(0.018), math.log(0.062))) * max(shape))


def compressed(film: Array, rng: np.random.Generator) -> Array:
    """The film after some noise and a JPEG."""
    if rng.random() < 0.3:
        film = np.clip(film + rng.normal(0, rng.uniform(0.005, 0.04), film.shape).astype(np.float32), 0, 1)
    if rng.random() < 0.6:
        buffer = io.BytesIO()
        Image.fromarray(np.rint(film * 255).astype(np.uint8)).save(buffer, "JPEG", quality=int(rng.integers(40, 96)))
        film = np.asarray(Image.open(buffer), np.float32) / 255
    return film


class Lessons:
    """Endless batches; the draw of step n depends on the seed and n alone."""

    def __init__(self, shelf: Shelf, number: int) -> None:
        self.shelf, self.number = shelf, number
        draftsman = glyphs.Draftsman(np.random.default_rng((SEED, number)))
        self.signs = [draftsman.sign() for _ in range(SIGNS)]
        self.reach = np.cumsum(shelf.weights)
        real = shelf.real
        self.letters = real[real[:, 4] > 0] if len(real) else real
        self.others = real[real[:, 4] == 0] if len(real) else real

    def _picture(self, rng: np.random.Generator) -> int:
        return min(int(np.searchsorted(self.reach, rng.random())), len(self.reach) - 1)

    def _sign(self, rng: np.random.Generator) -> glyphs.Sign:
        return self.signs[rng.integers(SIGNS)]

    def closeups(self, step: int) -> tuple[Tensor, Tensor]:
        """(B, 1, CROP, CROP), (B,) classes."""
        rng = np.random.default_rng((SEED, self.number, step, 0))
        views, classes = [], []
        for _ in range(CLOSEUPS):
            draw = rng.random()
            real = self.letters if draw < 0.2 else self.others if draw < 0.4 else self.letters[:0]
            view, reading = self._real(real, rng) if len(real) else self._drawn(rng)
            if rng.random() < 0.5:
                view, reading = view[:, ::-1], markers.MIRRORED[reading]
            if rng.random() < 0.04:
                view = -view
            views.append(np.ascontiguousarray(view))
            classes.append(reading)
        return torch.from_numpy(np.stack(views))[:, None], torch.tensor(classes)

    def _real(self, pool: np.ndarray, rng: np.random.Generator) -> tuple[Array, int]:
        """A real letter, tilted a little or turned by quarters (which makes it none), or what was taken for one."""
        index, x, y, height, reading = pool[rng.integers(len(pool))]
        shape = self.shelf.pictures[int(index)].shape
        reach = math.ceil(2.5 * height)
        part, at = _part(self.shelf.pictures[int(index)], x, y, reach)
        part = part.astype(np.float32) / 255
        if reading and rng.random() < 0.5:
            tilted = Image.fromarray(part).rotate(rng.normal(0, 8), Image.Resampling.BILINEAR, center=at)
            part = np.asarray(tilted, np.float32)
        part = np.clip(part ** rng.uniform(0.6, 1.6), 0, 1)
        view = markers.closeup(compressed(part, rng), *_jittered(*at, height, rng))
        turned = int(rng.integers(1, 4)) if rng.random() < 0.15 or not reading else 0
        assert max(shape) <= markers.WORK  # noqa: S101
        return np.rot90(view, turned), 0 if turned else int(reading)

    def _drawn(self, rng: np.random.Generator) -> tuple[Array, int]:
        picture = self.shelf.pictures[self._picture(rng)]
        x, y = place(picture.shape, rng)
        height = tall(picture.shape, rng)
        part, at = _part(picture, x, y, math.ceil(3.8 * height))
        part = part.astype(np.float32) / 255
        reading = 0
        if rng.random() < 0.8:
            sign = self._sign(rng)
            glyphs.put(part, sign, *at, height, rng)
            reading = sign.reading
        view = markers.closeup(compressed(part, rng), *_jittered(*at, height, rng))
        return view, reading

    def looks(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Films (B, 1, S, S); truth (B, S/4, S/4), 1 letter, 0 none, -1 not asked; log heights of the same shape."""
        rng = np.random.default_rng((SEED, self.number, step, 1))
        side = markers.LOOK
        cells = side // STRIDE
        views = torch.zeros(LOOKS, 1, side, side)
        truth, heights = torch.full((LOOKS, cells, cells), -1.0), torch.zeros(LOOKS, cells, cells)
        for row in range(LOOKS):
            index = self._picture(rng)
            film = self.shelf.film(index)
            scale = min(1.0, side / max(film.shape))
            film = np.array(markers.shrunk(film, side), np.float32)
            known = [(x * scale, y * scale, h * scale, c) for f, x, y, h, c in self.shelf.real if f == index]
            for _ in range(rng.integers(1, 5)):
                sign, (x, y), height = self._sign(rng), place(film.shape, rng), tall(film.shape, rng)
                if all(abs(x - a) + abs(y - b) > 3 * (height + h) for a, b, h, _ in known):
                    glyphs.put(film, sign, x, y, height, rng)
                    known.append((x, y, height, float(sign.reading or -1)))
            view = markers.prepared(compressed(film, rng))
            if rng.random() < 0.5:
                view = view[:, ::-1]
                known = [(film.shape[1] - x - 1, y, h, c) for x, y, h, c in known]
            views[row, 0, : view.shape[0], : view.shape[1]] = torch.from_numpy(np.ascontiguousarray(view))
            truth[row, : view.shape[0] // STRIDE, : view.shape[1] // STRIDE] = 0
            _mark(truth[row], heights[row], known)
        return views, truth, heights


def _mark(truth: Tensor, heights: Tensor, known: list[tuple[float, float, float, float]]) -> None:
    """Ask nothing about what is near a sign, but for a letter's own cell and those next to it."""
    rows, columns = torch.meshgrid(*(torch.arange(n) * STRIDE + STRIDE / 2 for n in truth.shape), indexing="ij")
    for x, y, height, _ in known:
        truth[(rows - y).abs().maximum((columns - x).abs()) < max(1.2 * height, 1.5 * STRIDE)] = -1
    for x, y, height, reading in known:
        if reading > 0:
            near = (rows - y).square() + (columns - x).square() <= max(3.0, 0.25 * height) ** 2
            truth[near], heights[near] = 1, math.log(height)


def _part(picture: np.ndarray, x: float, y: float, reach: int) -> tuple[np.ndarray, tuple[float, float]]:
    """The picture within `reach` pixels of a place, its edge going on outside; where the place is in it."""
    rows, columns = (np.arange(round(at) - reach, round(at) + reach + 1) for at in (y, x))
    part = picture[np.clip(rows, 0, picture.shape[0] - 1)[:, None], np.clip(columns, 0, picture.shape[1] - 1)]
    return part, (x - columns[0], y - rows[0])


def _jittered(x: float, y: float, height: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """As inexact as the finder is."""
    dx, dy = rng.normal(0, 0.13, 2) * height
    return x + dx, y + dy, height * math.exp(float(np.clip(rng.normal(0, 0.16), -0.4, 0.4)))


def losses(network: MarkerNet, lessons: Lessons, step: int) -> dict[str, Tensor]:
    """Cross-entropy of close-ups; of the finder's cells, letters weighing as much as all else; and of heights."""
    views, classes = lessons.closeups(step)
    read = functional.cross_entropy(network.reader(views), classes, label_smoothing=0.02)
    if step % 2:
        return {"read": read}
    looks, truth, heights = lessons.looks(step)
    output = network.finder(looks)
    logits, found = output[:, 0], truth > 0
    each = functional.binary_cross_entropy_with_logits(logits, (truth > 0).float(), reduction="none")
    doubtful = (truth == 0) & (logits.detach() > 0) & (torch.tensor(lessons.number == 1))
    none = (truth == 0) & ~doubtful
    size = (output[:, 1] - heights)[found].abs().mean()
    spot = each[found].mean() + 40 * each[none].sum() / none.sum()
    return {"read": read, "spot": spot, "size": 3 * size}


def train(number: int, steps: int, shelf: Shelf, out: Path, start: MarkerNet | None) -> MarkerNet:
    """One round, from its last checkpoint on."""
    torch.manual_seed(SEED + number)
    network = MarkerNet()
    if start is not None:
        network.load_state_dict(start.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps + 1)
    path, first = out / f"round{number}.pt", 0
    if path.exists():
        saved = torch.load(path, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        first = saved["step"]
    lessons, began, network = Lessons(shelf, number), time.monotonic(), network.train()
    sums: dict[str, list[float]] = {}
    for step in range(first, steps):
        parts = losses(network, lessons, step)
        optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        for name, value in parts.items():
            sums.setdefault(name, []).append(float(value.detach()))
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            said = ", ".join(f"{name} {np.mean(values):.4f}" for name, values in sums.items())
            print(f"round {number} step {step + 1}: {said}, {time.monotonic() - began:.0f} s", flush=True)
            sums.clear()
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "schedule": schedule.state_dict(), "step": step + 1}, path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
    return network.eval()


def look_around(network: MarkerNet, shelf: Shelf, path: Path) -> np.ndarray:
    """What stands on the real films: letters surely read on their side, what was misread, what is unclear (-1)."""
    if path.exists():
        found: np.ndarray = np.load(path)
        return found
    reader, rows = markers.MarkerReader(network), []
    for index in range(len(shelf.pictures)):
        film = shelf.film(index)
        for spot in reader.find(film):
            (marker,) = reader.read(film, [spot], 0.5)
            rows.append((index, spot.x, spot.y, spot.height, _settled(marker)))
    found = np.array(rows)
    np.save(path, found)
    counts = {reading: int((found[:, 4] == reading).sum()) for reading in range(-1, 5)}
    print(f"on {len(shelf.pictures)} films: {counts}", flush=True)
    return found


def _settled(marker: markers.Marker) -> int:
    """The class to learn from a place on a real film, none of which is known to be mirrored.

    That of a letter surely read on its usual side, mirrored or not (markers laid on back to front are common); 0 for
    none and for a letter on the wrong side, which is nearly always a misreading; -1 where it is unclear.
    """
    if marker.confidence < 0.1:
        return 0
    if marker.image_right_is == "left":
        reading = 1 + markers.READINGS.index((marker.letter, marker.mirrored))
        return reading if marker.confidence > 0.85 else -1
    return 0 if marker.confidence > 0.5 else -1


def main() -> None:
    """Every round, from the last checkpoint on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the real films")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--steps", type=int, nargs="+", default=(800, 600, 600), help="of each round")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    shelf, network = load(args.data, args.out / "films.npz"), None
    for number, steps in enumerate(args.steps, start=1):
        if network is not None:
            shelf.real = look_around(network, shelf, args.out / f"found{number}.npy")
        network = train(number, steps, shelf, args.out, network)
        markers.save(network, args.out / weights.MARKERS)


if __name__ == "__main__":
    main()
