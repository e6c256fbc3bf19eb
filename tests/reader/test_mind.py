"""The small reader with random weights: whole traces that keep to what it sees, the same in every way of drawing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.reader.conftest import BOXES, locate

from radtrace.geometry import Box
from radtrace.images import load_film
from radtrace.reader import Manner, Reader, Reading
from radtrace.reader.bundle import load_bundle
from radtrace.reader.mind import SmallMind, decisions, load_mind
from radtrace.records import Rejected, Trace
from radtrace.sources.films import Films

Write = Callable[[str], list[Path]]


def readings(bundle: Path, paths: list[Path], **manner: object) -> list[Reading]:
    reader = Reader(load_mind(str(bundle), Manner.model_validate(manner)), load_film, locate)
    source = Films(paths=tuple(paths))
    found = list(reader.read_all(source.studies(), source))
    assert not any(isinstance(one, Rejected) for one in found), found
    return [one for one in found if isinstance(one, Reading)]


def said(trace: Trace) -> object:
    return [(step.regions, step.rationale, step.findings, step.box) for step in trace.steps], trace.report


def test_the_words_are_the_same_in_every_way_of_drawing(tiny_bundle: Path, films: Write) -> None:
    paths = films("ff")
    plain = readings(tiny_bundle, paths, visual="none")
    for manner in ({"visual": "draft"}, {"visual": "generate"}, {"visual": "insert"}, {"picture": "grid"}):
        drawn = readings(tiny_bundle, paths, **manner)
        assert [said(one.trace) for one in drawn] == [said(one.trace) for one in plain]
        for one in drawn:
            shown = [step.image is not None for step in one.trace.steps]
            assert shown == [step.box is not None for step in one.trace.steps]
            assert [picture is not None for picture in one.pictures] == shown
            kinds = {step.image.kind for step in one.trace.steps if step.image}
            assert kinds <= ({"zoom"} if manner.get("visual") == "insert" else {"generated"})


@pytest.mark.parametrize("samples", [1, 4, 12])
def test_a_trace_keeps_to_what_is_seen(tiny_bundle: Path, films: Write, samples: int) -> None:
    (one,) = readings(tiny_bundle, films("f"), visual="none", samples=samples)
    trace = one.trace
    told = {each.label: each.probability for each in trace.assessments}
    assert told["Fracture"] is None  # its encoder tells it, its policy does not trust that
    assert told["Cardiomegaly"] is not None
    present = {finding.label for step in trace.steps for finding in step.findings if finding.status == "present"}
    expected = {label for label, least in (("Cardiomegaly", 0.3), ("Pleural Effusion", 0.9)) if told[label] >= least}
    assert present == expected
    for step in trace.steps:
        assert all(region.box == BOXES[region.name] and region.origin == "localizer" for region in step.regions)
        assert step.box == (Box.hull([region.box for region in step.regions if region.box]) if step.regions else None)
    assert trace.report is not None


def test_of_several_samples_one_is_kept_and_the_seed_tells_which(tiny_bundle: Path, films: Write) -> None:
    paths = films("f")
    first, again = (readings(tiny_bundle, paths, visual="none", samples=3, seed=1)[0] for _ in range(2))
    assert said(first.trace) == said(again.trace)


def test_the_name_tells_weights_and_manner(tiny_bundle: Path) -> None:
    minds = [SmallMind(load_bundle(tiny_bundle), Manner(seed=seed)) for seed in (0, 1)]
    assert minds[0].name != minds[1].name
    assert load_bundle(tiny_bundle).sha256[:12] in minds[0].name


def test_the_likelier_side_is_told_and_the_other_where_it_is_not_much_less_likely() -> None:
    known = {
        "Abnormal": 0.1, "Support Devices": 0.1, "Nodule": 0.6, "Nodule, right": 0.5, "Nodule, left": 0.2,
        "Atelectasis": 0.6, "Atelectasis, right": 0.3, "Atelectasis, left": 0.35, "Pacemaker": 0.9,
    }  # fmt: skip
    assert (decisions(known, ("Nodule",)) > 0).tolist() == [[True, False, True, True, False, *[False] * 4]]
    both = decisions(known, ("Atelectasis", "Pacemaker")) > 0
    assert both.tolist() == [[True, True, False, False, False, True, True, True, True]]
    assert not (decisions(known, ()) > 0).any()


@pytest.mark.parametrize("visual", ["draft", "none"])
def test_studies_share_passes_without_changing_each_other(tiny_bundle: Path, films: Write, visual: str) -> None:
    paths = films("fff")
    together = readings(tiny_bundle, paths, visual=visual)
    alone = [readings(tiny_bundle, [path], visual=visual)[0] for path in paths]
    assert [said(one.trace) for one in together] == [said(one.trace) for one in alone]
