from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from radtrace.anatomy import DOMAIN_OF, REGIONS
from radtrace.build.annotate import READING_ORDER, steps_of
from radtrace.geometry import Box
from radtrace.records import Region, Report
from radtrace.reports import sentences, without_list_number
from radtrace.sources import open_source


def located(*names):
    """Regions one after the other from left to right, each a tenth of the view."""
    return {
        name: Region(name=name, box=Box.of((i / 10, 0.2, (i + 1) / 10, 0.5)), view_id="v", origin="localizer")
        for i, name in enumerate(names)
    }


def test_a_report_becomes_one_step_a_domain_in_reading_order():
    report = Report(
        findings="The bony thorax is intact. There is a small left pleural effusion. "
        "Frontal and lateral views were obtained. The heart is enlarged."
    )
    steps = steps_of(report, located(*REGIONS[:9]))
    assert [step.domain for step in steps] == ["mediastinal", "lung", "bone", "general"]
    assert steps[0].rationale == "The heart is enlarged."
    assert steps[1].rationale == "There is a small left pleural effusion."
    assert steps[3].rationale == "Frontal and lateral views were obtained."
    assert steps[3].box is None
    assert steps[3].regions == ()


def test_the_box_is_the_hull_of_the_regions_and_each_keeps_its_own():
    boxes = located("right lung", "cardiac silhouette", "left lung")
    (step,) = steps_of(Report(findings="The lungs are clear."), boxes)
    assert {region.name: region.box for region in step.regions} == {
        "right lung": boxes["right lung"].box,
        "left lung": boxes["left lung"].box,
    }
    assert step.box == Box.of((0.0, 0.2, 0.3, 0.5))


def test_a_region_that_nobody_located_stays_without_a_box():
    (step,) = steps_of(Report(findings="The lungs are clear."), located("left lung"))
    assert [(region.name, region.box is None) for region in step.regions] == [
        ("right lung", True),
        ("left lung", False),
    ]
    (nowhere,) = steps_of(Report(findings="The lungs are clear."), {})
    assert nowhere.box is None


def test_a_sentence_about_two_domains_stands_in_both_with_its_own_findings():
    sentence = "There is cardiomegaly and a right pleural effusion."
    heart, lung = steps_of(Report(findings=sentence), {})
    assert (heart.domain, lung.domain) == ("mediastinal", "lung")
    assert heart.rationale == lung.rationale == sentence
    assert {finding.label for finding in heart.findings}.isdisjoint(finding.label for finding in lung.findings)
    assert heart.findings
    assert lung.findings


def test_the_impression_is_read_where_there_are_no_findings():
    (step,) = steps_of(Report(impression="The lungs are clear."), {})
    assert step.rationale == "The lungs are clear."
    assert (
        steps_of(Report(findings="The heart is normal.", impression="The lungs are clear."), {})[0].domain
        == "mediastinal"
    )


def test_list_numbers_are_left_out_and_spans_still_fit():
    heart, lung = steps_of(Report(impression="1. Mild cardiomegaly. 2. Small left effusion. 3) Heart is enlarged."), {})
    assert heart.rationale == "Mild cardiomegaly. Heart is enlarged."
    assert lung.rationale == "Small left effusion."
    said = [step.rationale[f.span.start : f.span.end] for step in (heart, lung) for f in step.findings]
    assert said == ["cardiomegaly", "Heart is enlarged", "effusion"]


WORDS = ["no", "heart", "lungs", "effusion", "clear", ".", ". ", "spine", "XXXX", "1. ", "and", "right", "2.5 cm", "\n"]


@example("XXXX \n XXXX heart")
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=60))
def test_every_sentence_stands_in_a_step_and_every_span_in_its_words(text):
    check(Report(findings=text))


def test_every_sentence_of_every_real_report_stands_in_a_step(data_dir):
    source = open_source({"kind": "openi", "root": data_dir / "openi"})
    reports = [study.report for study in source.studies() if study.report.findings or study.report.impression]
    assert len(reports) == 3337
    for report in reports:
        check(report)


def check(report):
    text = report.findings or report.impression
    steps = steps_of(report, {})
    assert len({step.domain for step in steps}) == len(steps)
    assert [step.domain for step in steps] == sorted((s.domain for s in steps), key=READING_ORDER.index)
    words = tuple(text[without_list_number(text, span.start, span.end) : span.end] for span in sentences(text))
    said = set()
    for step in steps:
        read = read_back(step.rationale, words)
        assert read is not None, "words that are in no sentence of the report"
        said |= read
        for finding in step.findings:
            assert finding.span is None or finding.span.end <= len(step.rationale)
            assert all(DOMAIN_OF[name] == step.domain for name in finding.regions)
    assert said == set(range(len(words)))


@cache
def read_back(rationale, words, first=0):
    """Which sentences, from the first on and in their order, joined by blanks may make up the words; None: none do."""
    if not rationale:
        return frozenset()
    ways = []
    for number in range(first, len(words)):
        rest = rationale.removeprefix(words[number])
        if rationale.startswith(words[number]) and rest[:1] in ("", " "):
            after = read_back(rest[1:], words, number + 1)
            if after is not None:
                ways.append(after | {number})
    return frozenset().union(*ways) if ways else None


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_report_has_no_steps(text):
    assert steps_of(Report(findings=text), {}) == ()
