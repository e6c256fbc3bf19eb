"""What the engine's ways to a picture cost on real films, beside transformers' own decoding of the same traces.

    python benchmarks/decode.py [READER] [--data DIR] [--studies N] [--json]

READER: a small reader's directory, the bundled one by default. One study at a time, every way in turn; the words are
settled first and are the same in every way. Per case: forward passes, tokens that they read, image tokens written and
the share of them that are those of the real crop; seconds of wall clock and of the processor. "none" has words only,
so that what pictures cost is the difference to it. transformers' `generate` and its prompt-lookup decoding write the
trace of "grid generate" again: same prompt, facts and cells, the same tokens forced where words stand, image tokens
chosen where pictures do; "same" is how many image tokens are those of the engine, and what the engine sees, decides
and paints is not in their seconds. Gen: SSIM of the pictures with the film at their boxes; Grd, BLEU-4 and ROUGE-L:
of the words, against traces built from the reports, whose regions are the localizer's as the reader's own are.
"""

import argparse
import copy
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from radtrace.build.annotate import steps_of
from radtrace.decode.events import Event, PictureWritten
from radtrace.dialects import Text, dialect
from radtrace.evaluate.readings.beside import scores_of
from radtrace.images import encode_png, load_film, resized
from radtrace.localize import Localizer
from radtrace.metrics.grounding import TracePair, trace_pair
from radtrace.metrics.presets import PRESETS
from radtrace.models.load import load_unified
from radtrace.models.unified import UnifiedModel
from radtrace.reader.bundle import Bundle, load_bundle
from radtrace.reader.loading import Manner, bundled
from radtrace.reader.mind import SmallMind
from radtrace.reader.prepared import Prepared, prepare_all
from radtrace.reader.prompt import Tokens
from radtrace.reader.reading import Reading
from radtrace.records import Region, Study, Trace
from radtrace.sources import open_source

WAYS = ("none", *(f"{picture} {visual}" for picture in ("grid", "zoom") for visual in ("generate", "draft", "insert")))
LOOKUP = 10
_AGAIN = "grid generate"


@dataclass(slots=True)
class Row:
    """Sums over the cases of one way."""

    cases: int = 0
    passes: int = 0
    read: int = 0
    image_tokens: int = 0
    copied: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    same: int | None = None
    pairs: list[TracePair] = field(default_factory=list)

    def figures(self, preset: str = "r2gen") -> dict[str, Any]:
        """Per case."""
        names = ("passes", "read", "image_tokens", "seconds", "processor")
        found: dict[str, Any] = {name: round(getattr(self, name) / self.cases, 4) for name in names}
        if self.image_tokens:
            found["copied"] = round(self.copied / self.image_tokens, 4)
        if self.same is not None:
            found["same"] = round(self.same / max(1, self.image_tokens), 4)
        if self.pairs:
            scores = scores_of(self.pairs, ("bleu", "rouge_l", "grd", "gen"), PRESETS[preset])
            found |= {name: scores[name].value for name in ("bleu_4", "rouge_l", "grd", "gen")}
        return found


@dataclass
class Meter:
    """Counts the forward passes of a model and its time, of what is done within it."""

    model: Any
    row: Row

    def __enter__(self) -> None:
        self._hook = self.model.model.register_forward_hook(self._count, with_kwargs=True)
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.row.seconds += time.perf_counter() - self._started[0]
        self.row.processor += time.process_time() - self._started[1]
        self.row.cases += 1
        self._hook.remove()

    def _count(self, _: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        del args, kwargs
        self.row.passes += 1
        self.row.read += int(output.last_hidden_state.shape[0] * output.last_hidden_state.shape[1])


@dataclass(frozen=True, slots=True)
class Laid:
    """A trace with its pictures, as the metrics take it."""

    trace: Trace
    film_png: bytes
    step_pngs: tuple[bytes | None, ...]


class Scripted(UnifiedModel):
    """A unified model that transformers' own decoding can drive: it knows the cells of all tokens, and the facts."""

    def forward(self, input_ids: Tensor, past_key_values: Any = None, **rest: Any) -> Any:
        """As `UnifiedModel`, at the place where the cache ends."""
        start = past_key_values.get_seq_length() if past_key_values is not None else 0
        cells = self.layout[:, start : start + input_ids.shape[1]]
        facts = self.facts if start == 0 else None
        return super().forward(input_ids, past_key_values=past_key_values, cells=cells, facts=facts, **rest)


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", type=Path, nargs="?", default=bundled())
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"), help="default: RADTRACE_DATA")
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the films: --data DIR, or RADTRACE_DATA")
    torch.set_num_threads(1)
    found = measured(load_whole(options.reader), *cases(options.data, options.studies))
    print(json.dumps(found) if options.json else table(found))


def load_whole(path: Path) -> Bundle:
    """A reader whose model is transformers' own class in every way, so that like is compared with like."""
    model: Any = load_unified(str(path))
    return replace(load_bundle(path), model=model)


def cases(data: Path, count: int) -> tuple[list[Prepared], list[Study]]:
    """Val studies of Open-I that can be read, and the same with their reports."""
    source = open_source({"kind": "openi", "root": data / "openi", "split": "val"})
    studies = list(islice((study for study in source.studies() if isinstance(study, Study)), count))
    prepared = prepare_all(studies, partial(source.film, load=load_film), Localizer.load(), 8)
    ready = {one.study.id: one for one in prepared if isinstance(one, Prepared)}
    return list(ready.values()), [study for study in studies if study.id in ready]


def measured(bundle: Bundle, prepared: Sequence[Prepared], studies: Sequence[Study]) -> dict[str, Any]:
    """The figures of every way."""
    minds = {way: SmallMind(bundle, manner(way)) for way in WAYS}
    rows = {way: Row() for way in (*WAYS, "transformers generate", "transformers lookup")}
    for way in WAYS:  # what is worked out once for all films is worked out now
        minds[way].write(prepared[:1], lambda *_: None)
    for one, study in zip(prepared, studies, strict=True):
        for way, mind in minds.items():
            reading, drawn = written(mind, one, rows[way])
            rows[way].pairs.append(pair(reading, study))
            if way == _AGAIN:
                again(bundle, reading, drawn, rows["transformers generate"], None)
                again(bundle, reading, drawn, rows["transformers lookup"], LOOKUP)
    said = {way: [each.prediction for each in rows[way].pairs] for way in WAYS}
    return {
        "studies": len(studies),
        "same_words": all(words == said["none"] for words in said.values()),
        "ways": {way: row.figures() for way, row in rows.items()},
    }


def manner(way: str) -> Manner:
    picture, _, visual = way.partition(" ")
    return Manner(visual=visual or "none", picture=picture if visual else "grid", samples=1)  # type: ignore[arg-type]


def written(mind: SmallMind, one: Prepared, row: Row) -> tuple[Reading, list[PictureWritten]]:
    """One reading, and its pictures as they were told."""
    drawn: list[PictureWritten] = []

    def listen(_: int, event: Event) -> None:
        if isinstance(event, PictureWritten):
            drawn.append(event)

    with Meter(mind.bundle.model, row):
        [reading] = mind.write([one], listen)
    ids = mind.bundle.model.images.ids
    for event in drawn:
        row.image_tokens += len(event.codes)
        tokens = ids[list(event.codes)].tolist()
        row.copied += sum(token == real for token, real in zip(tokens, event.easel.draft, strict=False))
    return reading, drawn


def pair(reading: Reading, study: Study) -> TracePair:
    """The reading beside a trace built from the report, both of the upright film."""
    one = reading.prepared
    film = encode_png(one.film.pixels)
    pngs = tuple(None if picture is None else encode_png(picture) for picture in reading.pictures)
    regions = {
        name: Region(name=name, box=box, view_id=one.view.id, origin="localizer")
        for name, box in one.localization.regions.items()
    }
    steps = steps_of(study.report, regions) if study.report else ()
    reference = Trace(study_id=study.id, view=one.view, steps=steps, report=study.report)
    return trace_pair(Laid(reading.trace, film, pngs), Laid(reference, film, (None,) * len(steps)))


def again(bundle: Bundle, reading: Reading, drawn: Sequence[PictureWritten], row: Row, lookup: int | None) -> None:
    """The same trace by transformers' own `generate`."""
    one, model = reading.prepared, copy.copy(bundle.model)
    model.__class__ = Scripted
    side = bundle.pictures.side
    film = bundle.pictures.encode([resized(one.film.pixels, side, side)])[0]
    prompt, rest, pictured = layout(bundle, reading.trace, drawn, film)
    model.facts = SmallMind(bundle, Manner()).seen([one])[0].facts
    model.layout = torch.tensor([prompt.cells + rest.cells])
    images = bundle.model.images.ids

    def allowed(_: int, ids: Tensor) -> list[int]:
        at = len(ids) - len(prompt.ids)
        return images.tolist() if at < len(pictured) and pictured[at] else [rest.ids[min(at, len(rest.ids) - 1)]]

    with Meter(bundle.model, row), torch.inference_mode():
        made = model.generate(
            torch.tensor([prompt.ids]),
            attention_mask=torch.ones(1, len(prompt.ids), dtype=torch.long),
            max_new_tokens=len(rest.ids),
            min_new_tokens=len(rest.ids),
            do_sample=False,
            use_cache=True,
            eos_token_id=None,
            prefix_allowed_tokens_fn=allowed,
            prompt_lookup_num_tokens=lookup,
        )
    tokens = made[0, len(prompt.ids) :].tolist()
    row.image_tokens += sum(pictured)
    row.same = (row.same or 0) + sum(
        is_image and a == b for is_image, a, b in zip(pictured, tokens, rest.ids, strict=True)
    )


def layout(
    bundle: Bundle, trace: Trace, drawn: Sequence[PictureWritten], film: Tensor
) -> tuple[Tokens, Tokens, list[bool]]:
    """The prompt, the trace's tokens after it, and which of these are image tokens."""
    wording, pictures = bundle.wording, iter(drawn)
    rest, pictured = Tokens([], []), []
    for segment in dialect("radtrace", {"findings": True}).render(trace):
        if isinstance(segment, Text):
            part, marks = wording.text(segment.text), 0
        else:
            event = next(pictures)
            part, marks = wording.picture(event.codes, event.easel.cells), 1
        rest += part
        pictured += [bool(marks) and 0 < number < len(part.ids) - 1 for number in range(len(part.ids))]
    return wording.prompt(film), rest, pictured


def table(found: dict[str, Any]) -> str:
    """Markdown."""
    names = (
        "passes",
        "read",
        "image_tokens",
        "copied",
        "seconds",
        "processor",
        "same",
        "gen",
        "grd",
        "bleu_4",
        "rouge_l",
    )
    lines = [f"{found['studies']} studies; same words in every way: {found['same_words']}", ""]
    lines += [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for way, row in found["ways"].items():
        cells = ("" if row.get(name) is None else f"{row[name]:.4g}" for name in names)
        lines.append(f"| {way} | {' | '.join(cells)} |")
    base = found["ways"]["none"]
    for picture in ("grid", "zoom"):
        for name in ("passes", "seconds", "processor"):
            slow, fast = (found["ways"][f"{picture} {way}"][name] for way in ("generate", "draft"))
            alone = (slow - base[name]) / max(1e-9, fast - base[name])
            lines.append(
                f"{picture}: {name} of generate over draft {slow / fast:.2f}, of the pictures alone {alone:.2f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
