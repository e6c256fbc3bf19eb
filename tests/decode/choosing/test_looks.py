"""One look at each domain."""

from radtrace.decode.choosing.looks import once_each
from radtrace.decode.easel import box_text
from radtrace.decode.guide import Guide
from radtrace.decode.writer import Draft
from radtrace.dialects import Grammar, state_of
from radtrace.geometry import Box

HEART, RIGHT, LEFT = (Box(x1=0.3, y1=0.4, x2=0.7, y2=0.8), Box(x1=0, y1=0, x2=0.4, y2=1), Box(x1=0.6, y1=0, x2=1, y2=1))
GUIDE = Guide({"cardiac silhouette": HEART, "right lung": RIGHT, "left lung": LEFT}, echoes=True)
REPORT = "<report>FINDINGS: Right. Heart. Left. IMPRESSION: None.</report>"


def step(place: str, decision: str, words: str, box: Box) -> str:
    return f'<step region="{place}"><findings>{decision}</findings>{words}\n<box>{box_text(box)}</box></step>\n'


def test_steps_of_a_domain_become_one_and_the_report_stays() -> None:
    right = step("right lung", "lung opacity present right", "Right.", RIGHT)
    heart = step("cardiac silhouette", "none", "Heart.", HEART)
    left = step("left lung, right lung", "none", "Left.", Box.hull([LEFT, RIGHT]))
    merged = once_each(Draft(right + heart + left + REPORT, words=["Right.", "Heart.", "Left."], steps=3), GUIDE)
    lungs = step("right lung, left lung", "lung opacity present right", "Right. Left.", Box.hull([LEFT, RIGHT]))
    assert merged.text == lungs + heart + REPORT
    assert (merged.words, merged.steps) == (["Right. Left.", "Heart."], 2)
    end = state_of(merged.text, Grammar(findings=True, pictures=False))
    assert end is not None
    assert end.ended


def test_what_is_decided_twice_stands_once_and_a_place_without_box_has_none() -> None:
    text = "".join(
        f'<step region="general"><findings>{items}</findings>{words}</step>\n'
        for items, words in (("scoliosis absent; fracture absent", "A."), ("fracture absent", "B."))
    )
    merged = once_each(Draft(text + REPORT, words=["A.", "B."], steps=2), GUIDE)
    assert merged.text.startswith(
        '<step region="general"><findings>scoliosis absent; fracture absent</findings>A. B.</step>'
    )
