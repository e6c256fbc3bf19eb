"""Whatever a model's weights, what is written is a whole trace that parses without a problem."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tests import tiny
from tests.tiny import ALPHABET, FIRST, TEXTS, WORDS

from radtrace.decode.easel import Easel
from radtrace.decode.events import BoxWritten, CutOff, Event, PictureWritten, StepStarted, Wrote
from radtrace.decode.guide import Guide
from radtrace.decode.passes import Batch
from radtrace.decode.pen import Pen
from radtrace.decode.pieces import Pieces
from radtrace.decode.plan import Budget, planned
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.words import BLANKS, Ban, Lexicon, known_words
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.dialects import Grammar, dialect, segments_of
from radtrace.errors import InputError
from radtrace.geometry import Box
from radtrace.models.unified import UnifiedModel
from radtrace.records import LocalizedImage, View

VIEW = View(id="v", uri="v.png", width=2000, height=2000)


@pytest.fixture(scope="module")
def model() -> UnifiedModel:
    return tiny.model()


def draw(box: str, place: str) -> Easel:
    """Two rows of as many columns as the box is tenths wide."""
    left, _, right, _ = map(int, box.split(","))
    columns = 1 + (right - left) // 100
    return Easel(2, columns, [2 + (column % 16) for column in range(2 * columns)])


def write(
    model: UnifiedModel,
    count: int,
    grammar: Grammar,
    budget: Budget,
    *,
    seed: int = 0,
    heard: list[Event] | None = None,
    prompts: int | None = None,
    **settings: Any,
) -> list[Draft]:
    writers = [
        TraceWriter(
            Pen(Chooser(Sampling(1.5, seed=seed), number)), ALPHABET, grammar, budget,
            draw if grammar.pictures else None, (heard.append if heard is not None else lambda event: None), **settings,
        ).write()
        for number in range(count)
    ]  # fmt: skip
    ids = torch.tensor([[0, 25, 26]] * (prompts or count))
    return Batch[Draft](model).run(ids, torch.ones_like(ids), writers)


@pytest.mark.parametrize("findings", [False, True])
@pytest.mark.parametrize("pictures", [False, True])
def test_every_trace_is_whole(model: UnifiedModel, findings: bool, pictures: bool) -> None:
    grammar = Grammar(findings=findings, pictures=pictures)
    budget = Budget(steps=3, decision=12, words=10, report=12)
    for draft in write(model, 24, grammar, budget):
        images = [LocalizedImage(kind="generated", uri=f"{n}.png") for n in range(len(draft.pictures))]
        parsed = dialect("radtrace", {"findings": findings}).parse(segments_of(draft.text, images), VIEW)
        assert {problem.kind for problem in parsed.problems} <= {"repeated"}  # a heading may stand twice
        assert 1 <= len(parsed.steps) <= 3
        assert parsed.report or parsed.answer is not None
        assert len(draft.pictures) == sum(step.box is not None for step in parsed.steps) * pictures
        assert all(step.rationale for step in parsed.steps)


def test_events_tell_the_trace_in_its_order(model: UnifiedModel) -> None:
    heard: list[Event] = []
    [draft] = write(model, 1, Grammar(findings=True), Budget(steps=2, words=8, report=10), seed=4, heard=heard)
    started = [event for event in heard if isinstance(event, StepStarted)]
    assert [event.number for event in started] == list(range(draft.steps))
    assert all(f'region="{event.place}"' in draft.text for event in started)
    for event in heard:
        if isinstance(event, BoxWritten):
            assert f"<box>{event.text}</box>" in draft.text
        if isinstance(event, PictureWritten):
            assert len(event.codes) == event.easel.rows * event.easel.columns
    said = "".join(event.text for event in heard if isinstance(event, Wrote) and event.part in ("report", "answer"))
    assert said
    assert re.search(rf"<(report|answer)>{re.escape(said)}\s*</\1>\Z", draft.text)
    decided = [event.text for event in heard if isinstance(event, Wrote) and event.part == "findings"]
    assert decided == re.findall("<findings>(.*?)</findings>", draft.text)
    assert draft.steps == len(started)
    assert draft.cut == [event.part for event in heard if isinstance(event, CutOff)]


def test_a_batch_writes_what_its_members_write_alone(model: UnifiedModel) -> None:
    grammar, budget = Grammar(), Budget(steps=2, words=6, report=8)
    many = write(model, 5, grammar, budget, seed=2)
    assert many[0] == write(model, 1, grammar, budget, seed=2)[0]


def test_traces_of_one_prompt_read_it_once_and_are_the_same(model: UnifiedModel) -> None:
    grammar, budget = Grammar(), Budget(steps=2, words=6, report=8)
    assert write(model, 6, grammar, budget, prompts=2) == write(model, 6, grammar, budget)
    with pytest.raises(ValueError, match="evenly"):
        write(model, 5, grammar, budget, prompts=2)


GUIDE = Guide(
    {"spine": Box(x1=0.4, y1=0.1, x2=0.6, y2=0.9), "right lung": Box(x1=0.1, y1=0.1, x2=0.45, y2=0.9)},
    {"Cardiomegaly": frozenset(("absent", "uncertain")), "Pneumothorax": frozenset()},
    present=("Pleural Effusion", "Scoliosis"),
)


@pytest.mark.parametrize("pictures", [False, True])
def test_a_guide_is_kept_to_whatever_the_model_would_do(model: UnifiedModel, pictures: bool) -> None:
    grammar = Grammar(findings=True, pictures=pictures)
    budget = Budget(steps=3, decision=30, words=10, report=12)
    for draft in write(model, 24, grammar, budget, guide=GUIDE, spelling=Ban((*BLANKS, "heart"))):
        images = [LocalizedImage(kind="generated", uri=f"{n}.png") for n in range(len(draft.pictures))]
        parsed = dialect("radtrace", {"findings": True}).parse(segments_of(draft.text, images), VIEW)
        assert {problem.kind for problem in parsed.problems} <= {"repeated"}
        assert draft.text.count("<report>FINDINGS: ") == 1
        assert 1 <= len(parsed.steps) <= 3
        decided: dict[str, set[str]] = {}
        for step in parsed.steps:
            boxes = [GUIDE.regions[region.name] for region in step.regions if region.name in GUIDE.regions]
            assert (step.box is None) == (not boxes)
            if step.box:
                assert step.box.iou(Box.hull(boxes)) > 0.98
            for finding in step.findings:
                decided.setdefault(finding.label, set()).add(finding.status)
                assert finding.change is None
        assert decided["Pleural Effusion"] == decided["Scoliosis"] == {"present"}
        assert decided.get("Cardiomegaly", set()) <= {"absent", "uncertain"}
        assert "Pneumothorax" not in decided
        assert all(len(statuses) == 1 for statuses in decided.values())
        assert "heart" not in " ".join(step.rationale for step in parsed.steps).lower()


def test_a_script_is_told_as_it_stands_with_its_pictures(model: UnifiedModel) -> None:
    budget = Budget(steps=3, decision=12, words=10, report=12)
    for number, draft in enumerate(write(model, 6, Grammar(findings=True, pictures=False), budget, guide=GUIDE)):
        heard: list[Event] = []
        [told] = write(model, 1, Grammar(findings=True), budget, heard=heard, script=draft.text)
        assert told.text.replace("<image></image>", "") == draft.text, number
        assert len(told.pictures) == told.text.count("</box><image></image>") == draft.text.count("</box>")
        assert told.steps == draft.steps
        [again] = write(model, 1, Grammar(findings=True, pictures=False), budget, script=told.text)
        assert again.text == draft.text
    with pytest.raises(ValueError, match="no whole trace"):
        write(model, 1, Grammar(findings=True, pictures=False), budget, script=draft.text[:-3])


def test_a_guide_bounds_decisions() -> None:
    with pytest.raises(ValueError, match="decisions"):
        TraceWriter(Pen(Chooser(Sampling(), 0)), ALPHABET, Grammar(pictures=False), Budget(), guide=GUIDE)


def test_banned_words_are_neither_spelled_nor_begun() -> None:
    ban = Ban(("unchanged", "new", "xx"))
    for text, piece in [("is ", "unchanged"), ("is un", "changed"), ("is", " unchanged."), ("", "New"), ("is x", "x"),
                        ("un", "cha"), ("is ", "unchang")]:  # fmt: skip
        assert not ban.takes(ban.key(text), piece)
    for text, piece in [("is ", "changed"), ("is ", "un"), ("", "newborn"), ("fun", "changed"), ("x", "-ray"),
                        ("un", "til"), ("is", " normal.")]:  # fmt: skip
        assert ban.takes(ban.key(text), piece)


def test_only_words_of_the_lexicon_are_spelled() -> None:
    lexicon = Lexicon.of(("no", "normal", "new", "newborn", "ray", "x", "edema"), Ban(("new",)))
    assert "new" not in lexicon.words  # banned as a whole word
    for text, piece in [("is ", "no"), ("", "Normal."), ("is nor", "mal"), ("no", " edema"), ("x", "-ray."),
                        ("", " (2"), ("no", ", x"), ("", "ne"), ("no", "</step>\n"), ("no", "\n<box>")]:  # fmt: skip
        assert lexicon.takes(lexicon.key(text), piece), (text, piece)
    for text, piece in [("no", "edema"), ("nor", "."), ("", "normality"), ("is ", "new "), ("ed", "</step>\n"),
                        ("x", "ray"), ("", "no edemal"), ("nor", " normal"), ("no", " <")]:  # fmt: skip
        assert not lexicon.takes(lexicon.key(text), piece), (text, piece)


def test_a_lexicon_is_kept_to_whatever_the_model_would_do(model: UnifiedModel) -> None:
    words = frozenset(("the", "heart", "is", "large", "normal", "no", "t"))
    for draft in write(model, 8, Grammar(findings=True, pictures=False), Budget(words=20), guide=GUIDE,
                       spelling=Lexicon(words)):  # fmt: skip
        said = [re.findall("[a-z]+", one.lower()) for one in draft.words]
        assert any(said)
        for one in said:
            assert words.issuperset(one[:-1])  # the last may be cut off
            assert not one or any(word.startswith(one[-1]) for word in words)


def test_where_one_text_alone_goes_on_its_longest_token_is_the_only_one() -> None:
    letters = {FIRST + number: character for number, character in enumerate(sorted(set("".join(WORDS)) | set('",>')))}
    pieces = Pieces(letters | {1: "iac", 2: "ight", 3: "ight l", 4: "eft"})
    named = Grammar().start().advance('<step region="card')
    assert named is not None
    assert pieces.allowed(named).tolist() == [1]  # "cardiac silhouette", and no other name
    begun = named.advance("iac silhouette, r")
    assert begun is not None
    assert len(pieces.allowed(begun)) == 3  # "ight l" is not the only way on: "right ribs"
    ends = {pieces.texts[token] for token in pieces.allowed(begun).tolist()}
    assert ends == {"i", "ight", "ight l"}


def test_a_slip_of_the_pen_is_no_known_word() -> None:
    assert known_words(["The heart, the lungs.", "Hearrt and lungs", "lungs the"]) == ["lungs", "the"]


def test_a_budget_gives_up_steps_and_never_the_report() -> None:
    wanted = Budget(steps=6, decision=10, words=50, report=100, picture=1024)
    # Anole: 4096 positions, a film of 1026 tokens: (4096 - 1100 - 100 - 40) // (40 + 10 + 50 + 1024) = 2 steps
    assert planned(wanted, 4096, 1100).steps == 2
    assert planned(Budget(steps=6, decision=10, words=50, report=100, picture=100), 4096, 1100).steps == 6
    with pytest.raises(InputError, match="smaller pictures"):
        planned(wanted, 2048, 1100)


def test_a_beginning_is_given_up_only_for_marks_that_are_written_whole() -> None:
    start = Grammar().start()
    said = start.advance('<step region="spine">Normal.')
    assert said is not None
    single = {FIRST + number: character for number, character in enumerate(sorted(set("".join(WORDS))))}
    hub = Pieces(single | {1: "</", 2: "<s"})  # as the hub's vocabularies: beginnings of some marks and no whole one
    for state in (start, said):
        assert "<" in {hub.texts[int(token)] for token in hub.allowed(state)}
    half = Pieces(single | {1: "</step>"})
    assert "<" in {half.texts[int(token)] for token in half.allowed(said)}  # a box must stay within reach
    ours = Pieces(single | {1: "</step>", 2: "\n<box>", 3: "</"})
    assert not {"<", "</"} & {ours.texts[int(token)] for token in ours.allowed(said)}


def test_a_vocabulary_that_cannot_go_on_is_told() -> None:
    pieces = Pieces({5: "lung"})
    with pytest.raises(ValueError, match="between steps"):
        pieces.allowed(Grammar().start())


def texts(tokens: Sequence[int]) -> set[str]:
    return {TEXTS[int(token)] for token in tokens}


def test_what_may_stand_is_what_the_grammar_takes() -> None:
    pieces, start = Pieces(TEXTS), Grammar().start()
    assert texts(pieces.allowed(start)) == {'<step region="', "<report>", "<answer>"}  # and not the bare "<"
    header = start.advance('<step region="')
    assert header is not None
    assert {text for text in texts(pieces.allowed(header)) if len(text) > 1} == {
        "lung",
        "right lung",
        "left lung",
        "mediastinal",
        "cardiac silhouette",
        "spine",
    }
    box = header.advance('spine">The heart.<box>500,')
    assert box is not None
    assert texts(pieces.allowed(box)) == set("0123456789")
