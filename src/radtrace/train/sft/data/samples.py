"""Traces as a small model is taught them: tokens, which of them it is to learn, and what the films show."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from radtrace.build.shards import Row
from radtrace.config import Settings
from radtrace.decode.easel import Crops, box_text
from radtrace.dialects import Blanks, Dialect, Segment, Text, dialect, without_blanks, written
from radtrace.geometry import Box
from radtrace.images import Pixels, resized
from radtrace.images.pictures import decode_picture
from radtrace.reader.prompt import Tokens, Wording
from radtrace.records import Finding, LocalizedImage, Rejected, Report, Span, Step, Trace
from radtrace.reports import sentences
from radtrace.train.encoder.targets import read_report
from radtrace.train.sft.data.alone import alone

if TYPE_CHECKING:
    from radtrace.train.sft.data.codes import Codes

NO_LOSS, TEXT, PICTURE = 0, 1, 2
STAGE = "train sft"


@dataclass(frozen=True, slots=True)
class Sample:
    """One trace as a model is taught it.

    ids: int32 (T,), prompt first. kinds: uint8 (T,), `NO_LOSS` in the prompt, else `TEXT` or `PICTURE`.
    cells: int16 (T,), the film's own code where the next picture token draws, -1 none.
    truths: float32 (F,), how sure the report is of each finding in [0, 1], nan where it says nothing; F is nought for a
        model without facts.
    """

    study_id: str
    ids: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.uint8]
    cells: npt.NDArray[np.int16]
    truths: npt.NDArray[np.float32]


class Writing(Settings):
    """How traces are written for a model.

    decisions: each step decides on its findings before its words. blanks: see `radtrace.dialects`.
    pictures: kinds of localized image that are drawn, each in a sample of its own beside the one without; share: of the
        traces that have such samples; most: codes of one picture; at_once: pictures of a sample.
    """

    decisions: bool = True
    blanks: Blanks = "mend"
    pictures: tuple[Literal["grid", "zoom"], ...] = ()
    share: float = Field(default=1.0, gt=0, le=1)
    most: int = Field(default=256, ge=1)
    at_once: int = Field(default=2, ge=1)


class Drawn(NamedTuple):
    """A step's picture. codes: of the image tokenizer; cells: the film's own where they draw."""

    codes: Sequence[int]
    cells: Sequence[int]


def learnable(trace: Trace, blanks: Blanks = "mend") -> Trace | None:
    """What of a trace a model that is given no earlier film can learn; None where no step or no report is left.

    Blanks are treated, comparisons with an earlier film go, a finding's change is forgotten, and a sentence
    that finds something becomes a step of its own.
    """
    told = alone(without_blanks(trace, blanks))
    report = told.report
    if not told.steps or not report or not f"{report.findings}{report.impression}".strip():
        return None
    steps = (apart for step in told.steps for apart in _apart(_unchanged(step)))
    return told.model_copy(update={"steps": tuple(steps)})


def _unchanged(step: Step) -> Step:
    findings = tuple(finding.model_copy(update={"change": None}) for finding in step.findings)
    return step.model_copy(update={"findings": findings})


def _apart(step: Step) -> Iterator[Step]:
    """A sentence that finds something as a step of its own, then what is left: words that follow from one decision."""
    left: list[Span] = []
    spans = sentences(step.rationale)
    for span in spans:
        findings = _within(step, [span])
        if len(spans) > 1 and any(finding.status != "absent" for finding in findings):
            yield _part(step, [span], findings)
        else:
            left.append(span)
    if left:
        loose = [finding for finding in step.findings if finding.span is None]
        yield _part(step, left, [*_within(step, left), *loose]) if len(left) < len(spans) else step


def _within(step: Step, spans: Sequence[Span]) -> list[Finding]:
    """The findings that some sentences say, their spans in these sentences alone."""
    found, before = [], 0
    for span in spans:
        for finding in step.findings:
            if finding.span and span.start <= finding.span.start < span.end:
                end = min(finding.span.end, span.end) - finding.span.start
                start = before + finding.span.start - span.start
                found.append(finding.model_copy(update={"span": Span(start=start, end=start + end)}))
        before += span.end - span.start + 1
    return found


def _part(step: Step, spans: Sequence[Span], findings: Sequence[Finding]) -> Step:
    """Some sentences of a step, at the regions of what they find where these are known."""
    named = {name for finding in findings if finding.status != "absent" for name in finding.regions}
    regions = tuple(region for region in step.regions if region.name in named) or step.regions
    boxes = [region.box for region in regions if region.box]
    words = " ".join(step.rationale[span.start : span.end] for span in spans)
    update = {"rationale": words, "findings": tuple(findings), "regions": regions}
    return step.model_copy(update=update | {"box": Box.hull(boxes) if boxes and step.box else step.box})


def text_of(trace: Trace, how: Writing) -> str:
    """The words of a `learnable` trace, from which a vocabulary is learnt."""
    return written(_dialect(how).render(trace), picture="")


def _dialect(how: Writing) -> Dialect:
    return dialect("radtrace", {"findings": how.decisions})


def truths_of(report: Report, labels: Sequence[str]) -> npt.NDArray[np.float32]:
    """How sure a report is of each finding of an encoder: float32 (F,); what it does not name is absent."""
    said, _ = read_report(report)
    return np.array([said.get(label, 0.0) for label in labels], np.float32)


def sample_of(
    trace: Trace,
    dialect: Dialect,
    wording: Wording,
    truths: npt.NDArray[np.float32],
    film: torch.Tensor | None = None,
    drawn: Sequence[Drawn | None] = (),
    *,
    shortened: bool = False,
) -> Sample:
    """One sample of a `learnable` trace.

    Args:    film: codes of the frontal view, where pictures are drawn. drawn: of each step; None draws nothing there.
        shortened: whether the report had more sentences.
    """
    tokens = wording.prompt(film, shortened=shortened)
    kinds = [NO_LOSS] * len(tokens.ids)
    segments = dialect.render(trace)
    for part, kind in _parts(segments, wording, drawn):
        tokens, kinds = tokens + part, kinds + [kind] * len(part.ids)
    return Sample(
        trace.study_id,
        np.array([*tokens.ids, wording.end], np.int32),
        np.array([*kinds, TEXT], np.uint8),
        np.array([*tokens.cells, -1], np.int16),
        truths,
    )


def _parts(
    segments: Iterable[Segment], wording: Wording, drawn: Sequence[Drawn | None]
) -> Iterator[tuple[Tokens, int]]:
    for segment in segments:
        if isinstance(segment, Text):
            yield wording.text(segment.text), TEXT
        elif drawn and (picture := drawn[segment.step]):
            yield wording.picture(picture.codes, picture.cells), PICTURE


@dataclass(frozen=True, slots=True)
class Scribe:
    """Traces -> samples. labels: findings of the encoder.

    codes: of films and pictures, where some are drawn or no encoder tells what the film shows.
    """

    how: Writing
    wording: Wording
    labels: tuple[str, ...] = ()
    codes: "Codes | None" = None

    def __call__(self, row: Row) -> Iterator[Sample | Rejected]:
        """A sample of the words and one for each kind of picture; rejected where nothing is left to learn."""
        trace = learnable(row.trace, self.how.blanks)
        if trace is None or trace.report is None:
            reason = "no step or no report is left without blanks and comparisons with an earlier film"
            yield Rejected(study_id=row.trace.study_id, stage=STAGE, reason=reason)
            return
        truths, dialect = truths_of(trace.report, self.labels), _dialect(self.how)
        write = partial(sample_of, shortened=_is_shorter(trace.report, row.trace.report))
        if self.codes is None:
            yield write(trace, dialect, self.wording, truths)
            return
        film = decode_picture(row.film_png)
        codes = self.codes([resized(film, self.codes.tokenizer.side, self.codes.tokenizer.side)])[0]
        shown = torch.from_numpy(codes).long()
        yield write(trace, dialect, self.wording, truths, None if self.labels else shown)
        if not any(step.box for step in trace.steps) or random.Random(trace.study_id).random() >= self.how.share:  # noqa: S311
            return
        for kind in self.how.pictures:
            drawn = self._drawn(trace, kind, film, shown)
            steps = tuple(_with_image(step, each) for step, each in zip(trace.steps, drawn, strict=True))
            yield write(trace.model_copy(update={"steps": steps}), dialect, self.wording, truths, shown, drawn)

    def _drawn(
        self, trace: Trace, kind: Literal["grid", "zoom"], film: Pixels, shown: torch.Tensor
    ) -> list[Drawn | None]:
        """The pictures of some steps, which ones by the study's id."""
        assert self.codes is not None  # noqa: S101  # asked by the caller
        boxes = [number for number, step in enumerate(trace.steps) if step.box]
        chosen = set(random.Random(f"{trace.study_id} {kind}").sample(boxes, min(len(boxes), self.how.at_once)))  # noqa: S311
        tokenizer = self.codes.tokenizer
        every = torch.arange(tokenizer.codebook)
        crops = Crops(tokenizer, film, shown, every, self.how.most, kind)
        easels = [
            crops(box_text(step.box), "") if number in chosen and step.box else None
            for number, step in enumerate(trace.steps)
        ]
        return [Drawn(easel.draft, easel.cells) if easel else None for easel in easels]


def _is_shorter(told: Report, given: Report | None) -> bool:
    return given is not None and any(
        len(sentences(getattr(told, part))) < len(sentences(getattr(given, part)))
        for part in ("findings", "impression")
    )


def _with_image(step: Step, drawn: Drawn | None) -> Step:
    image = LocalizedImage(kind="generated", uri="") if drawn else None
    return step.model_copy(update={"image": image})
