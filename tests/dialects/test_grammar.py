"""The canonical grammar: every rendered trace is a sentence of it, and what it lets through is never malformed."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.conftest import VIEW, traces

from radtrace.dialects import Grammar, Text, Where, dialect, segments_of, state_of, written
from radtrace.geometry import Box
from radtrace.records import LocalizedImage

HEADER = '<step region="spine">'
words = st.sampled_from(
    ("The heart is large.", "Size < 2 cm & > 1 cm.", "a</b>c", "<<i>Fine</i>", "See <step 2>.", "<b", "x.")
)


def pictured(trace):
    """The trace with a picture where there is a box, and only there."""
    crop = LocalizedImage(kind="crop", uri="a.png")
    steps = [step.model_copy(update={"image": crop if step.box else None}) for step in trace.steps]
    return trace.model_copy(update={"steps": tuple(steps)})


@settings(max_examples=200)
@given(trace=traces(words), decided=st.booleans())
def test_every_rendered_trace_is_a_sentence_of_the_grammar(trace, decided):
    text = written(dialect("radtrace", {"findings": decided}).render(pictured(trace)))
    state = state_of(text, Grammar(findings=decided))
    assert state is not None
    assert state.ended


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), decided=st.booleans(), drawn=st.booleans())
def test_a_random_walk_never_ends_in_a_dead_end_and_parses_clean(seed, decided, drawn):
    rng = random.Random(seed)
    grammar = Grammar(findings=decided, pictures=drawn)
    state, text = grammar.start(), ""
    for _ in range(3000):
        if state.ended:
            break
        allowed = state.next_characters()
        options = (
            sorted(allowed)
            if allowed is not None
            else ["a", " ", "x", "_", "<", "</step>", "\n<box>", "</report>", "</answer>"]
        )
        assert options
        choice = rng.choice(options)
        following = state.advance(choice)
        if following is not None:
            state, text = following, text + choice
    picture = LocalizedImage(kind="generated", uri="p")
    segments = segments_of(text, [picture] * text.count("<image>"))
    if state.ended:
        assert dialect("radtrace").parse(segments, VIEW).problems == ()


def test_the_state_tells_what_is_being_written():
    wheres = [
        ("", Where.BETWEEN),
        ('<step region="right l', Where.HEADER),
        (HEADER, Where.WORDS),
        (f"{HEADER}Fine.\n<box>1", Where.BOX),
        (f"{HEADER}Fine.\n<box>1,2,3,4</box>", Where.AFTER_BOX),
        (f"{HEADER}Fine.\n<box>1,2,3,4</box><image>", Where.IMAGE),
        (f"{HEADER}Fine.\n<box>1,2,3,4</box><image></image>", Where.AFTER_IMAGE),
        (f"{HEADER}Fine.</step>", Where.AFTER_STEP),
        (f"{HEADER}Fine.</step>\n", Where.BETWEEN),
        (f"{HEADER}Fine.</step>\n<report>", Where.REPORT_HEADING),
        (f"{HEADER}Fine.</step>\n<report>FINDINGS: F", Where.REPORT),
        (f"{HEADER}Fine.</step>\n<answer>y", Where.ANSWER),
        (f"{HEADER}Fine.</step>\n<report>FINDINGS: F</report>", Where.END),
    ]
    assert [state_of(text).where for text, _ in wheres] == [where for _, where in wheres]
    assert [state_of(f"{HEADER}Fine.\n<box>{box}").coordinate for box in ("", "1,", "1,2,3", "1,2,3,4")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("fine", "wrong"),
    [
        ("", "Hello"),
        ('<step region="', "liv"),
        ('<step region="spine', ', spine"'),
        ('<step region="spine', ", lung"),
        (HEADER, "</step>"),
        (HEADER, "<box>"),
        (f"{HEADER}Fine.", "<report>"),
        (f"{HEADER}Fine.", "<BOX"),
        (f"{HEADER}Fine.", "<image>"),
        (f"{HEADER}Fine. XXX", "X"),
        (f"{HEADER}Fine. xxx", "X"),
        (f"{HEADER}Fine. __", "_"),
        (f"{HEADER}Fine.<box>0", "1"),
        (f"{HEADER}Fine.<box>99", "9"),
        (f"{HEADER}Fine.<box>100", "0"),
        (f"{HEADER}Fine.<box>400,2,4", ","),
        (f"{HEADER}Fine.<box>400,2,", "3"),
        (f"{HEADER}Fine.<box>400,2,40", "0"),
        (f"{HEADER}Fine.<box>1,2,3", "</box>"),
        (f"{HEADER}Fine.<box>1,2,3,4", ","),
        (f"{HEADER}Fine.<box>1,2,3,4</box>", "</step>"),
        (f"{HEADER}Fine.<box>1,2,3,4</box><image>", "a"),
        ("<report>", "The"),
        ("<report>FINDINGS: ", "</report>"),
    ],
)
def test_what_breaks_the_grammar_is_refused(fine, wrong):
    assert state_of(fine) is not None
    assert state_of(fine + wrong) is None


def test_a_decision_is_spelled_from_its_vocabulary():
    grammar = Grammar(findings=True)
    decided = f"{HEADER}<findings>scoliosis present mild; spinal fusion absent</findings>Fine."
    assert state_of(decided, grammar).where is Where.WORDS
    assert state_of(f"{HEADER}<findings>none</findings>F", grammar).where is Where.WORDS
    for wrong in (
        "gout",
        "scoliosis mild",
        "scoliosis present mild severe",
        "none;",
        "scoliosis present; none",
        "scoliosis present; scoliosis present;",
    ):
        assert state_of(f"{HEADER}<findings>{wrong}", grammar) is None
    assert state_of(f"{HEADER}Fine.", grammar) is None


def test_pictures_may_be_off():
    state = state_of(f"{HEADER}Fine.\n<box>1,2,3,4</box>", Grammar(pictures=False))
    assert state.forced() == "</step>\n<"


def test_what_must_come_is_told():
    assert state_of(f"{HEADER}Fine.\n<box>1,2,3,4</box>").forced() == "<image></image></step>\n<"
    assert state_of("<report>F").forced() == "INDINGS: "
    assert state_of('<step region="des').forced() == "cending aorta"


def test_states_of_words_are_few():
    states = {state_of(f"{HEADER}{text}") for text in ("a", "The heart is large.", "Fine, size < 2 cm.")}
    assert len(states) == 1


@given(box=st.lists(st.integers(0, 999), min_size=4, max_size=4))
def test_the_grammar_lets_a_box_through_where_it_has_an_area(box):
    x1, y1, x2, y2 = box
    state = state_of(f"{HEADER}Fine.<box>{x1},{y1},{x2},{y2}</box>")
    assert (state is not None) == (x1 < x2 and y1 < y2)
    if state:
        text = f"{HEADER}Fine.<box>{x1},{y1},{x2},{y2}</box></step>"
        (step,) = dialect("radtrace").parse([Text(text)], VIEW).steps
        assert step.box == Box.of((x1 / 999, y1 / 999, x2 / 999, y2 / 999))
