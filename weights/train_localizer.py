"""Train the bundled localizer: `python weights/train_localizer.py --data $RADTRACE_DATA --out DIR`.

Round 1 trains a wider network: lungs, heart and mediastinum from the Shenzhen masks, the kind of film from Open-I's
projections, PA or AP from NIH and Hannover, and from films that the training itself turns, mirrors and spoils how they
are turned, mirrored and spoilt. Its averaged weights then draw the anatomy on the other hospitals' frontal films; round
2 trains the bundled network on those drawings (where they are credible) and the Shenzhen masks together, so that it
does not depend on one hospital's look; round 3 goes on slowly with more of the masks that people drew, half of them on
whole films. The mean of the weights of rounds 2 and 3 is the result, DIR/localizer.safetensors: round 3 alone gains on
Shenzhen's lungs what it loses on other hospitals' hearts. A killed run goes on at its last checkpoint.
"""

import argparse
import copy
import math
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset, Subset

sys.path.insert(0, str(Path(__file__).parent))

import augment
import films
from radtrace.localize.network import SIDE, ChestNet
from radtrace.localize.weights import KINDS, MASKS, PROJECTIONS, QUALITIES, save

SEED = 7
LEARNING_RATES = (2e-3, 2e-3, 8e-4)
REPORT_EVERY = 200
TEACHER = (32, 64, 96, 160)
"""Widths of the network of round 1."""
MIXES = (
    {"shenzhen": 16, "drawn": 0, "frontal": 4, "projection": 4, "lateral": 4, "other": 4, "inverted": 1},
    {"shenzhen": 8, "drawn": 12, "frontal": 4, "projection": 6, "lateral": 4, "other": 5, "inverted": 1},
    {"shenzhen": 16, "drawn": 8, "frontal": 4, "projection": 6, "lateral": 4, "other": 5, "inverted": 1},
)
"""Films of each pool in a batch."""


SHARES = {"openi": 1.0, "nih": 2.0, "hannover": 4.0, "shenzhen": 1.0}
"""How often a film of each source is drawn in the pools that mix them."""
PROJECTION_SHARES = {
    ("nih", "AP"): 0.3,
    ("hannover", "AP"): 0.2,
    ("nih", "PA"): 0.2,
    ("hannover", "PA"): 0.1,
    ("openi", "PA"): 0.2,
}
LAST = 3
"""The round of the last touches."""
MASKED = ("shenzhen", "drawn")


class Batches(Dataset[dict[str, Tensor]]):
    """One batch a step; the draw of step n depends on the seed and n alone, so a resumed run sees the same films."""

    def __init__(
        self, canvas: films.Canvas, part: str, round_: int, side: int, per_batch: dict[str, int], steps: range
    ) -> None:
        self.canvas, self.round, self.side, self.per_batch, self.steps = canvas, round_, side, per_batch, steps
        chosen = np.array([item.part == part for item in canvas.items])
        kinds = np.array([item.kind for item in canvas.items])
        sources = np.array([item.source for item in canvas.items])
        told = np.array([item.projection is not None for item in canvas.items])
        self.pools = {
            "shenzhen": np.nonzero(chosen & (sources == "shenzhen") & canvas.has_mask)[0],
            "drawn": np.nonzero(chosen & (sources != "shenzhen") & canvas.has_mask)[0],
            "frontal": np.nonzero(chosen & (kinds == "frontal"))[0],
            "projection": np.nonzero(chosen & told)[0],
            "lateral": np.nonzero(chosen & (kinds == "lateral"))[0],
            "other": np.nonzero(chosen)[0],
            "inverted": np.nonzero(chosen)[0],
        }
        self.weights = {
            name: np.array([SHARES[source] for source in sources[pool]]) for name, pool in self.pools.items()
        }
        groups = [(canvas.items[i].source, str(canvas.items[i].projection)) for i in self.pools["projection"]]
        self.weights["projection"] = np.array([PROJECTION_SHARES[group] / groups.count(group) for group in groups])

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Films (B, 1, S, S); masks (M, 4, S/2, S/2) of the first M films, with_heart (M,); the heads' truths (B,).

        -1 is unknown; quality is (B, 3).
        """
        rng = np.random.default_rng((SEED, self.round, self.steps[index]))
        groups = [self._group(name, count, rng) for name, count in self.per_batch.items() if count]
        names = dict.fromkeys(name for group in groups for name in group)
        return {name: torch.cat([group[name] for group in groups if name in group]) for name in names}

    def _group(self, name: str, count: int, rng: np.random.Generator) -> dict[str, Tensor]:
        weights = self.weights[name]
        indices = rng.choice(self.pools[name], count, p=weights / weights.sum())
        kind = name if name in KINDS else "other" if name in ("other", "inverted") else "frontal"
        windows = [self._window(name, index, rng) for index in indices]
        images = torch.from_numpy(self.canvas.films[indices]).float()[:, None] / 255
        shown = augment.warp(images, windows, self.side)
        inside = augment.content(windows, self.side)
        masks = None
        if name in MASKED:
            drawn = torch.from_numpy(self.canvas.masks[indices]).float() / 255
            masks = augment.warp(drawn, windows, self.side) * inside
        films_, quality = self._changed(name, shown, masks, rng)
        ready = augment.normalise(films_, inside)
        mirrored = rng.random(count) < (0.0 if kind == "other" else 0.2)
        turns = np.zeros(count, np.int64) if masks is not None else rng.integers(0, 4, count)
        result = {
            "films": torch.stack([_placed(*each) for each in zip(ready, mirrored, turns, strict=True)]),
            "kind": torch.full((count,), KINDS.index(kind)),
            "rotation": torch.from_numpy(np.where(kind == "other", -1, turns)),
            "mirrored": torch.from_numpy(np.where(kind == "frontal", mirrored, -1)).long(),
            "projection": torch.tensor([self._projection(name, index) for index in indices]),
            "quality": quality,
        }
        if masks is not None:
            swapped = [mask[[1, 0, 2, 3]].flip(2) if flip else mask for mask, flip in zip(masks, mirrored, strict=True)]
            result["masks"] = functional.avg_pool2d(torch.stack(swapped), 2)
            result["with_heart"] = torch.from_numpy(self.canvas.has_heart[indices])
        return result

    def _changed(
        self, name: str, shown: Tensor, masks: Tensor | None, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """The films as another room might have given them, and what of them is beyond use (-1 unknown)."""
        changed, said = [], []
        for index, film in enumerate(shown):
            if name == "other":
                film = augment.other(film, self.side, rng)
            elif name == "inverted":
                film = 1 - film
            film = augment.degrade(film, None if masks is None else masks[index, :2], rng)
            spoilt = [-1.0] * len(QUALITIES)
            if name in ("frontal", "lateral", "projection"):
                film, spoilt = augment.spoil(film, rng)
            changed.append(film)
            said.append(spoilt)
        return torch.stack(changed), torch.tensor(said)

    def _projection(self, name: str, index: int) -> int:
        told = self.canvas.items[index].projection
        return PROJECTIONS.index(told) if name == "projection" and told else -1

    def _window(self, name: str, index: int, rng: np.random.Generator) -> augment.Window:
        size, mask = self.canvas.sizes[index], self.canvas.masks[index, :2]
        if name == "other":
            if self.canvas.has_mask[index] and rng.random() < 0.75:
                return augment.around_elsewhere(mask, size, rng)
            return augment.around_detail(size, rng)
        if self.round == LAST and name in MASKED and rng.random() < 0.5:
            return augment.whole_film(size, rng.uniform(0.95, 1.1))
        if rng.random() < 0.1:
            return augment.around_borders(size, rng)
        if name in MASKED and rng.random() < 0.4:
            return augment.around_lungs(mask, rng)
        return augment.around_film(size, rng)


def _placed(film: Tensor, mirrored: bool, turns: int) -> Tensor:
    """(1, S, S) mirrored, then turned counter-clockwise."""
    return torch.rot90(film.flip(2) if mirrored else film, int(turns), (1, 2))


def losses(network: ChestNet, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cross-entropy and Dice of the masks, cross-entropies of the heads."""
    stages = network.encode(batch["films"].contiguous(memory_format=torch.channels_last))
    truth = batch["masks"]
    logits, heads = network.decode([stage[: len(truth)] for stage in stages]), network.heads(stages[-1])
    known = torch.ones(truth.shape[:2])
    known[:, 2:] = batch["with_heart"].float()[:, None]
    found = logits.sigmoid()
    overlap = 2 * (found * truth).sum((2, 3)) + 30
    dice = 1 - overlap / (found.sum((2, 3)) + truth.sum((2, 3)) + 30)
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((2, 3))
    quality = batch["quality"]
    return {
        "mask": (entropy * known).sum() / known.sum(),
        "dice": (dice * known).sum() / known.sum(),
        "edges": sum(_entropy_of_edges(logits[:, :2], truth[:, :2], axis) for axis in (2, 3)),
        **{name: functional.cross_entropy(heads[name], batch[name], ignore_index=-1) for name in ONE_OF},
        "quality": functional.binary_cross_entropy_with_logits(
            heads["quality"][quality[:, 0] >= 0], quality[quality[:, 0] >= 0]
        ),
    }


def _entropy_of_edges(logits: Tensor, truth: Tensor, axis: int) -> Tensor:
    """Cross-entropy of the masks' shadows on one axis: these are what a box is drawn around."""
    return functional.binary_cross_entropy_with_logits(logits.amax(axis), truth.amax(axis))


ONE_OF = ("kind", "rotation", "mirrored", "projection")
WEIGHTS = {
    "mask": 2.0,
    "dice": 1.0,
    "edges": 0.5,
    "kind": 0.4,
    "rotation": 0.4,
    "mirrored": 0.3,
    "projection": 0.2,
    "quality": 0.3,
}


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

    def __init__(self, out: Path, number: int, steps: int, start: ChestNet) -> None:
        torch.manual_seed(SEED + number)
        self.path, self.number, self.steps, self.step = out / f"round{number}.pt", number, steps, 0
        self.network = start
        self.network.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=_moving_average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), LEARNING_RATES[number - 1], weight_decay=0.02)
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
        return LEARNING_RATES[self.number - 1] * warm * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))

    def train(self, batches: Batches, val: Batches, workers: int) -> ChestNet:
        """Run the remaining steps; returns the averaged network."""
        began, first, told, sums = time.monotonic(), self.step, self.step, dict.fromkeys(WEIGHTS, 0.0)
        self.network.train()
        for batch in DataLoader(Subset(batches, range(self.step, self.steps)), None, num_workers=workers):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate()
            parts = losses(self.network, batch)
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
                said = ", ".join(f"{name} {value / (self.step - told):.4f}" for name, value in sums.items())
                left = (self.steps - self.step) / pace
                print(
                    f"round {self.number}: {self.step}/{self.steps}, {pace:.2f}/s, {left:.0f} s left: {said}",
                    flush=True,
                )
                print(f"  held-out part of training: {describe(self.result(), val)}", flush=True)
                told, sums = self.step, dict.fromkeys(WEIGHTS, 0.0)
        return self.result()

    def result(self) -> ChestNet:
        """The averaged network, ready for use."""
        network = ChestNet(widths=self.network.widths)
        network.load_state_dict(self.average.module.state_dict())
        return network.eval().to(memory_format=torch.channels_last)


def mean(one: ChestNet, other: ChestNet) -> ChestNet:
    """A network whose weights are the means of two others' (Wortsman et al. 2022)."""
    result, weights = copy.deepcopy(one), other.state_dict()
    for name, tensor in result.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(weights[name], 0.5)
    return result


def describe(network: ChestNet, batches: Batches) -> str:
    """How the network does on films that only tell how the training goes."""
    right, count, dices = Counter[str](), Counter[str](), []
    with torch.inference_mode():
        for index in range(len(batches)):
            batch = batches[index]
            output = network(batch["films"])
            found, truth = output.masks[: len(batch["masks"])] > 0, batch["masks"] > 0.5
            dice = (2 * (found & truth).sum((2, 3)) + 1) / (found.sum((2, 3)) + truth.sum((2, 3)) + 1)
            dices.append(dice[batch["with_heart"]])
            for name in ONE_OF:
                known = batch[name] >= 0
                right[name] += int((getattr(output, name).argmax(1) == batch[name])[known].sum())
                count[name] += int(known.sum())
            known = batch["quality"] >= 0
            right["quality"] += int(((output.quality > 0) == (batch["quality"] > 0.5))[known].sum())
            count["quality"] += int(known.sum())
    masks = ", ".join(f"{name} {value:.4f}" for name, value in zip(MASKS, torch.cat(dices).mean(0), strict=True))
    return masks + "; " + ", ".join(f"{name} {right[name] / count[name]:.3f}" for name in count)


def draw(network: ChestNet, canvas: films.Canvas, out: Path) -> None:
    """Give credible lungs and heart to every frontal film that has none: the mean over four views of the film."""
    indices = [i for i, item in enumerate(canvas.items) if item.kind == "frontal" and not canvas.has_mask[i]]
    path = out / "drawn.npz"
    if path.exists():
        with np.load(path) as saved:
            canvas.masks[saved["indices"]] = saved["masks"]
            canvas.has_mask[saved["indices"]] = canvas.has_heart[saved["indices"]] = True
        return
    drawn = []
    with torch.inference_mode():
        for index in indices:
            film = torch.from_numpy(canvas.films[index]).float()[None, None] / 255
            masks, upright = _mean_masks(network, film, canvas.sizes[index])
            if upright and credible(masks[:2]):
                canvas.masks[index] = (masks * 255).round().to(torch.uint8).numpy()
                canvas.has_mask[index] = canvas.has_heart[index] = True
                drawn.append(index)
    films.save_arrays(path, indices=np.array(drawn), masks=canvas.masks[drawn])
    print(f"anatomy drawn on {len(drawn)} of {len(indices)} films", flush=True)


def _mean_masks(network: ChestNet, film: Tensor, size: np.ndarray) -> tuple[Tensor, bool]:
    """(4, CANVAS, CANVAS) probabilities, and whether every view is an upright frontal film."""
    total, upright = torch.zeros(len(MASKS), films.CANVAS, films.CANVAS), True
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
            return films.Canvas(
                tuple(items), saved["films"], saved["masks"], saved["sizes"], saved["has_mask"], saved["has_heart"]
            )
    canvas = films.load(items)
    films.save_arrays(
        path, **{name: getattr(canvas, name) for name in ("films", "masks", "sizes", "has_mask", "has_heart")}
    )
    return canvas


def main() -> None:
    """Both rounds, from the last checkpoint on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the real films")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the result")
    parser.add_argument("--steps", type=int, nargs=3, default=(1500, 6500, 3000), help="of rounds 1, 2 and 3")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare batches")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    args.out.mkdir(parents=True, exist_ok=True)
    canvas = cached(args.data, args.out)

    def run(number: int, start: ChestNet) -> ChestNet:
        made, steps, mix = (
            Round(args.out, number, args.steps[number - 1], start),
            args.steps[number - 1],
            MIXES[number - 1],
        )
        batches = Batches(canvas, "train", number, SIDE, mix, range(steps))
        return made.train(batches, Batches(canvas, "val", number, SIDE, mix, range(6)), args.workers)

    draw(run(1, ChestNet(widths=TEACHER)), canvas, args.out)
    second = run(2, ChestNet())
    third = run(LAST, copy.deepcopy(second))
    save(mean(second, third), args.out / "localizer.safetensors")


if __name__ == "__main__":
    main()
