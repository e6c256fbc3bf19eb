"""A parser reads anything, says what was wrong and where, and takes time in proportion."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.conftest import DIALECTS_UNDER_TEST, MARKS, VIEW, traces

from radtrace.dialects import KINDS, Picture, Problem, Text, dialect, written
from radtrace.dialects.mmrad import MMRad
from radtrace.dialects.parsed import MOST_PROBLEMS
from radtrace.geometry import Box
from radtrace.records import LocalizedImage

ALL = [dialect(name, flags) for name, flags in DIALECTS_UNDER_TEST]
PICTURE = Picture(0, LocalizedImage(kind="generated", uri="0.png"))
hostile = st.lists(
    st.sampled_from(MARKS) | st.text(max_size=6) | st.from_regex(r"[-+0-9.,naife \[\]]{1,30}"), max_size=30
)


def kinds(name: str, text: str, **flags: object) -> list[str]:
    return [problem.kind for problem in dialect(name, flags).parse([Text(text)], VIEW).problems]


@settings(max_examples=300)
@given(pieces=hostile, by=st.sampled_from(ALL), asked=st.booleans())
def test_no_text_is_an_error(pieces, by, asked):
    segments = [PICTURE if piece == "<image>" else Text(piece) for piece in pieces]
    parsed = by.parse(segments, VIEW, asked=asked)
    assert parsed.trace("s", VIEW).steps == parsed.steps
    for problem in parsed.problems:
        assert problem.kind in KINDS
        text = segments[problem.segment].text if segments and isinstance(segments[problem.segment], Text) else " "
        assert 0 <= problem.offset <= len(text)


@settings(max_examples=200)
@given(trace=traces(st.just("The heart is large.")), by=st.sampled_from(ALL), share=st.floats(0, 1))
def test_a_text_that_breaks_off_keeps_its_whole_steps_and_says_so(trace, by, share):
    text = written(by.render(trace), "")
    cut = int(share * len(text))
    parsed = by.parse([Text(text[:cut])], VIEW, asked=trace.answer is not None)
    assert len(parsed.steps) <= len(trace.steps)
    for step, whole in zip(parsed.steps[:-1], trace.steps, strict=False):
        assert (step.domain, step.rationale) == (whole.domain, whole.rationale)
    ends_open = isinstance(by, MMRad) and "Summarizing the previous analysis" in text[:cut]
    if cut < len(text) - len("</answer>") and trace.steps and not ends_open:
        assert parsed.problems


STEP = '<step region="spine">Normal.'
END = "</step>\n<report>FINDINGS: Normal.</report>"

MALFORMED = [
    # canonical text, the problems, in order
    (f"{STEP}{END}", []),
    (f"{STEP}<box>1,2,3,4</box>{END}", []),
    (f"{STEP}<box>1,2,3</box>{END}", ["box unreadable"]),
    (f"{STEP}<box>1,2,nan,4</box>{END}", ["box unreadable"]),
    (f"{STEP}<box>1,2,3,{'9' * 5000}</box>{END}", ["box unreadable"]),
    (f"{STEP}<box></box>{END}", ["box unreadable"]),
    (f"{STEP}<box>1,2,3,1004</box>{END}", ["box outside"]),
    (f"{STEP}<box>-5,2,3,4</box>{END}", ["box outside"]),
    (f"{STEP}<box>30,2,3,4</box>{END}", ["box inverted"]),
    (f"{STEP}<box>3,2,3,4</box>{END}", ["box inverted"]),
    (f"{STEP}<box>1,2,3,4</box><box>1,2,3,5</box>{END}", ["repeated"]),
    (f"{STEP}<box>1,2,3,4</box> More.{END}", ["misplaced"]),
    (f"{STEP}<box>1,2,3,4{END}", ["unclosed"]),
    (f"{STEP}</box>{END}", ["unopened"]),
    (f"{STEP}<image></image>{END}", ["picture missing"]),
    (f"{STEP}{STEP}{END}", ["unclosed"]),
    (f"{STEP}<findings>scoliosis present</findings>{END}", []),
    (f"{STEP}<findings>scoliosis present; gout present; scoliosis mild</findings>{END}", ["finding unreadable"] * 2),
    (f'<step region="liver, spine">Normal.{END}', ["place unknown"]),
    (f"<step>Normal.{END}", ["place missing"]),
    (f'<step region="spine">{END}', ["words missing"]),
    (f"Well, {STEP}{END}", ["misplaced"]),
    (f"<box>1,2,3,4</box>{STEP}{END}", ["misplaced", "misplaced", "unopened"]),
    (f"{STEP}{END}<report>FINDINGS: Again.</report>", ["repeated"]),
    (f"{STEP}</step><report>FINDINGS: Normal. FINDINGS: Again.</report>", ["repeated"]),
    (f"{STEP}</step>", ["conclusion missing"]),
    (f"{STEP}</step>\n<report>FINDINGS: Nor", ["unclosed"]),
    (f"{STEP}<bo", ["unclosed", "unclosed", "conclusion missing"]),
    (f"{STEP} The XXXX is fine.{END}", ["blank"]),
    ("The lungs are clear.", ["misplaced", "conclusion missing"]),
    ("", ["conclusion missing"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MALFORMED)
def test_what_is_malformed_is_named(text, expected):
    assert sorted(kinds("radtrace", text)) == sorted(expected)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("chestx", "<think>First, assess the spine. Normal.</think><answer>B", ["unclosed"]),
        ("chestx", "First, assess the spine. Normal.</think><answer>B</answer>", ["unopened"]),
        ("chestx", "<think>First, assess the spine. Normal.<answer>B</answer>", ["unclosed"]),
        ("chestx", "<answer>B</answer><think>First, assess the spine. Normal.</think>", ["misplaced"]),
        ("chestx", "<think>The spine is normal.</think><answer>B</answer>", ["place missing"]),
        ("chestx", "<think>First, assess the spine. Normal.</think> So: <answer>B</answer>", ["misplaced"]),
        ("deepmedix", "<think>1. spine [1, 2, 3, 900]: Normal.</think>\\boxed{B}", ["box outside"]),
        ("deepmedix", "<think>1. spine [1, 2, 3]: Normal.</think>\\boxed{B}", ["box unreadable"]),
        ("deepmedix", "<think>1. spine: Normal.</think>\\boxed{a {b} c", ["unclosed"]),
        ("deepmedix", "<think>1. spine: Normal.</think>B", ["misplaced", "conclusion missing"]),
        ("mmrad", "First, I need to analyze the bone region. Normal.", ["conclusion missing"]),
        (
            "mmrad",
            "First, I need to analyze the bone region. <image> Normal.",
            ["picture missing", "conclusion missing"],
        ),
        (
            "boxmed",
            "<think>Findings: Normal. → Anatomy: spine → Box: [9, 2, 3, 4]</think><answer>B</answer>",
            ["box inverted"],
        ),
        ("boxmed", "<think>Findings: Normal.</think><answer>B</answer>", ["place missing"]),
        (
            "boxmed",
            "<think>Findings: Hm. → Disease: Gout → Anatomy: spine</think><answer>B</answer>",
            ["finding unreadable"],
        ),
    ],
)
def test_what_is_malformed_is_named_in_the_papers_dialects(name, text, expected):
    assert sorted(kinds(name, text)) == sorted(expected)


def test_reasoning_in_other_words_is_still_read():
    text = "<think>\nThe heart [100, 200, 300, 400] is large.\n\nNo effusion.</think>\n\\boxed{Cardiomegaly.}"
    parsed = dialect("deepmedix").parse([Text(text)], VIEW)
    assert [step.rationale for step in parsed.steps] == ["The heart [100, 200, 300, 400] is large.", "No effusion."]
    assert parsed.steps[0].box == Box.of((100 / 512, 200 / 512, 300 / 512, 400 / 512))
    assert parsed.report.findings == "Cardiomegaly."


def test_a_report_with_other_headings_is_read_by_its_sections():
    text = "<answer>Findings:\nThe heart is large.\nImpression:\nCardiomegaly.</answer>"
    report = dialect("chestx").parse([Text(text)], VIEW).report
    assert (report.findings, report.impression) == ("The heart is large.", "Cardiomegaly.")


def test_a_problem_tells_its_segment_and_character():
    segments = [Text(f"{STEP}<box>1,2,3,4</box>"), PICTURE, PICTURE, Text(f" More.{END}")]
    problems = dialect("radtrace").parse(segments, VIEW).problems
    assert problems == (Problem("repeated", 2, 0), Problem("misplaced", 3, 1))


def test_nothing_malformed_becomes_a_box_or_a_second_picture():
    segments = [
        Text(f"{STEP}<box>30,2,3,4</box>"),
        PICTURE,
        Picture(1, LocalizedImage(kind="crop", uri="b")),
        Text(END),
    ]
    (step,) = dialect("radtrace").parse(segments, VIEW).steps
    assert step.box is None
    assert step.image == PICTURE.image


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<step ",
        '<step region="a',
        "<box>",
        "</box>a",
        "<image>",
        ", ",
        "\n",
        " ",
        "1. a\n",
        "[",
        "\\boxed{",
        "{",
        "x",
        "<think>",
        "</think>",
        "First, assess the ",
        "I need to analyze the ",
        "→ Box: [",
        "Findings: ",
        "&#60;",
        "FINDINGS: a ",
        "a. ",
        "; ",
        "The bounding box of this area is [",
        "\ufffc",
        " -",
        "- >",
        "x" * 4,
        "Findings:\n",
    ],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(piece):
    """What is quadratic would take hours."""
    size = 1 << 18
    for by in (dialect(name) for name in ("radtrace", "mmrad", "deepmedix", "chestx", "boxmed")):
        for opening in ("", "<think>" if by.carries != {"boxes", "pictures"} else STEP + "<box>"):
            parsed = by.parse([Text(opening + piece * (size // len(piece)))], VIEW)
            assert len(parsed.problems) <= MOST_PROBLEMS + 1
