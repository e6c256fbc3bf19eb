"""Readings of many studies: every one is a trace or a reason, whatever some of them do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.reader.conftest import FRONTAL, Write, locate

from radtrace.decode.events import Event, StepStarted, Wrote
from radtrace.errors import InputError
from radtrace.images import Film, load_film
from radtrace.localize import Localization
from radtrace.reader import Mind, Prepared, Reader, Reading
from radtrace.reader.reading import STAGE
from radtrace.records import Rejected, Study, Trace, View


@dataclass
class Fragile:
    """A model that some studies break, in ways of their own. sizes: of the batches that it was given."""

    inner: Mind
    breaks: dict[str, Exception]
    name: str = "fragile"
    sizes: list[int] = field(default_factory=list)

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        self.sizes.append(len(prepared))
        for one in prepared:
            if one.study.id in self.breaks:
                raise self.breaks[one.study.id]
        return self.inner.write(prepared, listen)


def studies(paths: Sequence[Path]) -> list[Study]:
    return [
        Study(id=path.stem, source="t", views=(View(id=path.name, uri=str(path), width=60, height=80),))
        for path in paths
    ]


def name(outcome: Reading | Rejected) -> str:
    return outcome.study_id if isinstance(outcome, Rejected) else outcome.trace.study_id


def test_each_study_is_a_trace_or_a_reason_in_their_order(mind: Mind, films: Write, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no film")
    asked = [*studies(films("fofl")), *studies([tmp_path / "bad.png"])]
    refused = Rejected(study_id="r", stage="source", reason="bad row")
    outcomes = list(Reader(mind, load_film, locate, together=2).read_all([refused, *asked]))
    assert [name(one) for one in outcomes] == ["r", "0f", "1o", "2f", "3l", "bad"]
    assert [one.stage for one in outcomes if isinstance(one, Rejected)] == ["source", "localize", "view", "image"]
    for one in outcomes:
        if isinstance(one, Reading):
            assert one.trace.report or one.trace.answer is not None
            assert len(one.pictures) == len(one.trace.steps)
            assert {stage.name: stage.detail for stage in one.trace.provenance}[STAGE] == mind.name


def test_together_or_alone_a_study_reads_the_same(mind: Mind, films: Write) -> None:
    asked = studies(films("fff"))
    alone = [Reader(mind, load_film, locate).read(one) for one in asked]
    for together in (2, 3):
        outcomes = list(Reader(mind, load_film, locate, together).read_all(asked))
        assert [one.trace for one in outcomes if isinstance(one, Reading)] == [
            one.trace for one in alone if isinstance(one, Reading)
        ]


def test_what_breaks_a_model_costs_itself_only(mind: Mind, films: Write) -> None:
    broken = {"1f": MemoryError(), "4f": RuntimeError("a report's words"), "6f": RuntimeError("can't allocate memory")}
    fragile = Fragile(mind, broken)
    outcomes = list(Reader(fragile, load_film, locate).read_all(studies(films("f" * 8))))
    assert [name(one) for one in outcomes if isinstance(one, Reading)] == ["0f", "2f", "3f", "5f", "7f"]
    first, second, third = [one.reason for one in outcomes if isinstance(one, Rejected)]
    assert first == third
    assert first.startswith("out of memory")
    assert second.startswith("RuntimeError at test_reading.py:")
    assert fragile.sizes[0] == 8


def test_what_would_fail_for_every_study_is_raised(mind: Mind, films: Write) -> None:
    fragile = Fragile(mind, {"0f": InputError("too few positions")})
    with pytest.raises(InputError, match="positions"):
        list(Reader(fragile, load_film, locate).read_all(studies(films("ff"))))


def test_a_film_that_breaks_the_localizer_is_refused(mind: Mind, films: Write) -> None:
    def fragile(some: Sequence[Film]) -> list[Localization]:
        if any(film.pixels.mean() > 0.7 for film in some):
            raise ValueError("shape")
        return [FRONTAL] * len(some)

    outcomes = list(Reader(mind, load_film, fragile).read_all(studies(films("fof"))))
    assert [type(one) for one in outcomes] == [Reading, Rejected, Reading]
    assert isinstance(outcomes[1], Rejected)
    assert "its anatomy cannot be found: ValueError" in outcomes[1].reason


def test_what_is_written_is_told(mind: Mind, films: Write) -> None:
    heard: list[tuple[str, Event]] = []
    reader = Reader(mind, load_film, locate)
    outcomes = list(reader.read_all(studies(films("ff")), None, lambda one, event: heard.append((one.study.id, event))))
    for one in outcomes:
        assert isinstance(one, Reading)
        mine = [event for study, event in heard if study == one.trace.study_id]
        assert sum(isinstance(event, StepStarted) for event in mine) == len(one.trace.steps)
        assert any(isinstance(event, Wrote) and event.part in ("report", "answer") for event in mine)


class Terse:
    """A model of no words."""

    name = "terse"

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        return [Reading(one, Trace(study_id=one.study.id, view=one.view, steps=()), ()) for one in prepared]


def test_few_films_are_held_however_many_are_read() -> None:
    """A film of two million pixels each: they are drawn when they are asked for, and let go once they are read."""
    opened = done = most = 0

    def load(path: Path, size: tuple[int, int] | None) -> Film:
        nonlocal opened, most
        opened += 1
        most = max(most, opened - done)
        return Film(np.full((1600, 1250), 0.25, np.float32), "0" * 64)

    def endless() -> Iterator[Study]:
        for number in range(40):
            yield Study(id=str(number), source="t", views=(View(id="v", uri="v"),))

    for outcome in Reader(Terse(), load, locate, together=2).read_all(endless()):
        assert isinstance(outcome, Reading)
        done += 1
    assert done == 40
    assert most <= 12
