"""Train the bundled localizer: `python weights/train_localizer.py --data $RADTRACE_DATA --out DIR`.

Round 1 learns lungs from the Shenzhen masks, the kind of film from Open-I's projections and how it is turned from
films that the training turns itself. Its averaged weights then draw lungs on the other hospitals' frontal films; round
2 learns from those drawings (where they are credible) and the Shenzhen masks together, so that it does not depend on
one hospital's look. A killed run goes on at its last checkpoint. DIR/localizer.safetensors is the result.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

sys.path.insert(0, str(Path(__file__).parent))

import augment
import films
from radtrace.localize.network import LungNet
from radtrace.localize.weights import KINDS, save

SEED = 7
LEARNING_RATE = 2e-3
REPORT_EVERY = 100


class Batches:
    """Endless batches; the draw of step n depends on the seed and n alone, so a resumed run sees the same films."""

    def __init__(self, canvas: films.Canvas, part: str, round_: int, side: int, per_batch: dict[str, int]) -> None:
        self.canvas, self.round, self.side, self.per_batch = canvas, round_, side, per_batch
        chosen = np.array([item.part == part for item in canvas.items])
        kinds = np.array([item.kind for item in canvas.items])
        sources = np.array([item.source for item in canvas.items])
        self.pools = {
            "shenzhen": np.nonzero(chosen & (sources == "shenzhen") & canvas.has_mask)[0],
            "drawn": np.nonzero(chosen & (sources != "shenzhen") & canvas.has_mask)[0],
            "frontal": np.nonzero(chosen & (kinds == "frontal"))[0],
            "lateral": np.nonzero(chosen & (kinds == "lateral"))[0],
            "other": np.nonzero(chosen)[0],
            "inverted": np.nonzero(chosen)[0],
        }
        weight = {"openi": 1.0, "nih": 2.0, "hannover": 4.0, "shenzhen": 1.0}
        self.weights = {
            name: np.array([weight[source] for source in sources[pool]]) for name, pool in self.pools.items()
        }

    def __call__(self, step: int) -> dict[str, Tensor]:
        """Films (B, 1, S, S); masks (M, 2, S/2, S/2) of the first M films; kind, rotation (B,), -1 is unknown."""
        rng = np.random.default_rng((SEED, self.round, step))
        groups = [self._group(name, count, rng) for name, count in self.per_batch.items() if count]
        return {
            "films": torch.cat([group["films"] for group in groups]),
            "masks": torch.cat([group["masks"] for group in groups if "masks" in group]),
            "kind": torch.cat([group["kind"] for group in groups]),
            "rotation": torch.cat([group["rotation"] for group in groups]),
        }

    def _group(self, name: str, count: int, rng: np.random.Generator) -> dict[str, Tensor]:
        weights = self.weights[name]
        indices = rng.choice(self.pools[name], count, p=weights / weights.sum())
        masked = name in ("shenzhen", "drawn")
        windows = [self._window(name, index, rng) for index in indices]
        images = torch.from_numpy(self.canvas.films[indices]).float()[:, None] / 255
        shown = augment.warp(images, windows, self.side)
        inside = augment.content(windows, self.side)
        result: dict[str, Tensor] = {}
        if masked:
            lungs = augment.warp(torch.from_numpy(self.canvas.masks[indices]).float() / 255, windows, self.side)
            lungs = lungs * inside
            result["masks"] = functional.avg_pool2d(lungs, 2)
        changed = []
        for index in range(count):
            film = shown[index]
            if name == "other":
                film = augment.other(film, self.side, rng)
            elif name == "inverted":
                film = 1 - film
            changed.append(augment.degrade(film, lungs[index] if masked else None, rng))
        ready = augment.normalise(torch.stack(changed), inside)
        turns = np.zeros(count, np.int64) if masked else rng.integers(0, 4, count)
        result["films"] = torch.stack([torch.rot90(x, int(k), (1, 2)) for x, k in zip(ready, turns, strict=True)])
        kind = "frontal" if masked else name if name in KINDS else "other"
        result["kind"] = torch.full((count,), KINDS.index(kind))
        result["rotation"] = torch.from_numpy(np.where(kind == "other", -1, turns))
        return result

    def _window(self, name: str, index: int, rng: np.random.Generator) -> augment.Window:
        size, mask = self.canvas.sizes[index], self.canvas.masks[index]
        if name == "other":
            if self.canvas.has_mask[index] and rng.random() < 0.75:
                return augment.around_elsewhere(mask, size, rng)
            return augment.around_detail(size, rng)
        if rng.random() < 0.1:
            return augment.around_borders(size, rng)
        if name in ("shenzhen", "drawn") and rng.random() < 0.4:
            return augment.around_lungs(mask, rng)
        return augment.around_film(size, rng)


def losses(network: LungNet, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cross-entropy and Dice of the masks, cross-entropy of kind and rotation."""
    stages = network.encode(batch["films"].contiguous(memory_format=torch.channels_last))
    count = len(batch["masks"])
    logits, truth = network.decode([stage[:count] for stage in stages]), batch["masks"]
    found = logits.sigmoid()
    overlap = 2 * (found * truth).sum((2, 3)) + 30
    dice = 1 - overlap / (found.sum((2, 3)) + truth.sum((2, 3)) + 30)
    return {
        "mask": functional.binary_cross_entropy_with_logits(logits, truth),
        "dice": dice.mean(),
        "kind": functional.cross_entropy(network.kind(stages[-1]), batch["kind"]),
        "rotation": functional.cross_entropy(network.rotation(stages[-1]), batch["rotation"], ignore_index=-1),
    }


WEIGHTS = {"mask": 2.0, "dice": 1.0, "kind": 0.4, "rotation": 0.4}


def _moving_average(averages: list[Tensor], now: list[Tensor], count: Tensor | int) -> None:
    """Exponential, over about the last 500 steps; over fewer at first, so that the random start is soon forgotten."""
    share = max(0.002, 9 / (10 + int(count)))
    for average, value in zip(averages, now, strict=True):
        if average.is_floating_point():
            average.lerp_(value, share)
        else:
            average.copy_(value)


class Round:
    """One round of training with its checkpoint."""

    def __init__(self, out: Path, number: int, steps: int, start: LungNet | None) -> None:
        torch.manual_seed(SEED + number)
        self.path, self.number, self.steps, self.step = out / f"round{number}.pt", number, steps, 0
        self.network = LungNet()
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.network.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=_moving_average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), LEARNING_RATE, weight_decay=0.02)
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.step = state["step"]
            for name, part in self._parts().items():
                part.load_state_dict(state[name])

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {"network": self.network, "average": self.average, "optimiser": self.optimiser}

    def checkpoint(self) -> None:
        """Everything that a resumed run needs, written whole."""
        partial = self.path.with_suffix(".part")
        torch.save({"step": self.step} | {name: part.state_dict() for name, part in self._parts().items()}, partial)
        partial.replace(self.path)

    def rate(self) -> float:
        """Learning rate: short warm-up, then a half cosine to nothing."""
        warm = min(1.0, (self.step + 1) / 150)
        return LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))

    def train(self, batches: Batches, val: Batches) -> LungNet:
        """Run the remaining steps; returns the averaged network."""
        began, first, sums = time.monotonic(), self.step, dict.fromkeys(WEIGHTS, 0.0)
        self.network.train()
        while self.step < self.steps:
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate()
            parts = losses(self.network, batches(self.step))
            total = sum(WEIGHTS[name] * value for name, value in parts.items())
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimiser.step()
            self.average.update_parameters(self.network)
            self.step += 1
            for name, value in parts.items():
                sums[name] += float(value.detach())
            if self.step % REPORT_EVERY == 0 or self.step == self.steps:
                self.checkpoint()
                pace = (self.step - first) / (time.monotonic() - began)
                said = ", ".join(f"{name} {value / REPORT_EVERY:.4f}" for name, value in sums.items())
                left = (self.steps - self.step) / pace
                print(
                    f"round {self.number}: {self.step}/{self.steps}, {pace:.2f}/s, {left:.0f} s left: {said}",
                    flush=True,
                )
                print(f"  held-out part of training: {describe(self.result(), val)}", flush=True)
                sums = dict.fromkeys(WEIGHTS, 0.0)
        return self.result()

    def result(self) -> LungNet:
        """The averaged network, ready for use."""
        network = LungNet()
        network.load_state_dict(self.average.module.state_dict())
        return network.eval().to(memory_format=torch.channels_last)


def describe(network: LungNet, batches: Batches) -> str:
    """How the network does on films that only tell how the training goes."""
    right, count, dices = np.zeros(2), np.zeros(2), []
    with torch.inference_mode():
        for step in range(6):
            batch = batches(step)
            output = network(batch["films"])
            found, truth = output.masks[: len(batch["masks"])] > 0, batch["masks"] > 0.5
            dices.append((2 * (found & truth).sum((2, 3)) + 1) / (found.sum((2, 3)) + truth.sum((2, 3)) + 1))
            for index, (logits, labels) in enumerate(
                ((output.kind, batch["kind"]), (output.rotation, batch["rotation"]))
            ):
                known = labels >= 0
                right[index] += float((logits.argmax(1)[known] == labels[known]).sum())
                count[index] += float(known.sum())
    kind, rotation = right / count
    return f"dice {torch.cat(dices).mean():.4f}, kind {kind:.3f}, rotation {rotation:.3f}"


def draw_lungs(network: LungNet, canvas: films.Canvas, out: Path) -> None:
    """Give credible lungs to every frontal film that has none: the mean over four views of the film."""
    indices = [i for i, item in enumerate(canvas.items) if item.kind == "frontal" and not canvas.has_mask[i]]
    path = out / "drawn.npz"
    if path.exists():
        with np.load(path) as saved:
            canvas.masks[saved["indices"]] = saved["masks"]
            canvas.has_mask[saved["indices"]] = True
        return
    drawn = []
    with torch.inference_mode():
        for index in indices:
            film = torch.from_numpy(canvas.films[index]).float()[None, None] / 255
            masks, upright = _mean_masks(network, film, canvas.sizes[index])
            if upright and credible(masks):
                canvas.masks[index] = (masks * 255).round().to(torch.uint8).numpy()
                canvas.has_mask[index] = True
                drawn.append(index)
    films.save_arrays(path, indices=np.array(drawn), masks=canvas.masks[drawn])
    print(f"lungs drawn on {len(drawn)} of {len(indices)} films", flush=True)


def _mean_masks(network: LungNet, film: Tensor, size: np.ndarray) -> tuple[Tensor, bool]:
    """(2, CANVAS, CANVAS) probabilities, and whether every view is an upright frontal film."""
    total, upright = torch.zeros(2, films.CANVAS, films.CANVAS), True
    variants = [(1.0, 1.0), (1.12, 0.75), (1.0, 1.35), (1.25, 1.0)]
    for zoom, gamma in variants:
        window = augment.whole_film(size, zoom)
        shown = augment.warp(film**gamma, [window], network.side)
        output = network(augment.normalise(shown, augment.content([window], network.side)))
        upright &= int(output.kind.argmax()) == 0 and int(output.rotation.argmax()) == 0
        share = [extent / part for extent, part in zip(window.extent, window.content, strict=True)]
        theta = torch.tensor([[[1 / share[0], 0, 0], [0, 1 / share[1], 0]]])
        grid = functional.affine_grid(theta, [1, 2, films.CANVAS, films.CANVAS], align_corners=False)
        total += functional.grid_sample(output.masks.sigmoid(), grid, align_corners=False)[0]
    return total / len(variants), upright


def credible(masks: Tensor) -> bool:
    """Two lungs side by side, of similar height, surely drawn. masks: (2, H, W) probabilities."""
    areas, centres, heights = [], [], []
    for mask in masks:
        inside = torch.nonzero(mask > 0.5).float()
        if len(inside) < 0.03 * mask.numel():
            return False
        areas.append(float(len(inside)))
        centres.append(inside.mean(0))
        heights.append(float(inside[:, 0].max() - inside[:, 0].min()))
    unsure = float(((masks > 0.2) & (masks < 0.8)).sum()) / sum(areas)
    return (
        0.45 < areas[0] / areas[1] < 2.2
        and 0.7 < heights[0] / heights[1] < 1.43
        and float(centres[1][1] - centres[0][1]) > 0.14 * films.CANVAS
        and unsure < 0.22
    )


def cached(data: Path, out: Path) -> films.Canvas:
    """The films in memory, decoded once a folder."""
    items, path = films.training_items(data), out / "films.npz"
    if path.exists():
        with np.load(path) as saved:
            return films.Canvas(tuple(items), saved["films"], saved["masks"], saved["sizes"], saved["has_mask"])
    canvas = films.load(items)
    films.save_arrays(path, films=canvas.films, masks=canvas.masks, sizes=canvas.sizes, has_mask=canvas.has_mask)
    return canvas


def main() -> None:
    """Both rounds, from the last checkpoint on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the real films")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--steps", type=int, nargs=2, default=(1800, 4200), help="of round 1 and round 2")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    canvas = cached(args.data, args.out)
    mixes = (
        {"shenzhen": 16, "drawn": 0, "frontal": 5, "lateral": 5, "other": 4, "inverted": 0},
        {"shenzhen": 6, "drawn": 12, "frontal": 5, "lateral": 4, "other": 5, "inverted": 1},
    )
    network: LungNet | None = None
    for number, (steps, mix) in enumerate(zip(args.steps, mixes, strict=True), start=1):
        if network is not None:
            draw_lungs(network, canvas, args.out)
        side = LungNet().side
        batches, val = (Batches(canvas, part, number, side, mix) for part in ("train", "val"))
        network = Round(args.out, number, steps, network).train(batches, val)
        save(network, args.out / "localizer.safetensors")


if __name__ == "__main__":
    main()
