"""Whatever a model's weights, what is written is a whole trace that parses without a problem."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import ChameleonConfig

from radtrace.decode.events import BoxWritten, CutOff, Event, PictureWritten, StepStarted, Wrote
from radtrace.decode.passes import Batch
from radtrace.decode.pen import Pen
from radtrace.decode.pieces import Pieces
from radtrace.decode.plan import Budget, planned
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.writer import Draft, Easel, TraceWriter
from radtrace.dialects import Grammar, dialect, segments_of
from radtrace.errors import InputError
from radtrace.models.unified import UnifiedModel
from radtrace.records import LocalizedImage, View

WORDS = [
    '<step region="', '">', "<findings>", "</findings>", "\n<box>", "<box>", "</box>", "<image>", "</image>", "</step>",
    "\n", "<report>", "</report>", "<answer>", "</answer>", "FINDINGS: ", " IMPRESSION: ", "IMPRESSION: ", ", ", "; ",
    "lung", "right lung", "left lung", "mediastinal", "cardiac silhouette", "spine", "cardiomegaly",
    "pleural effusion", " present", " absent", " mild", " left", "none", "The heart", " is", " enlarged", " normal",
    ".", " ", "<", "x", "_",
    *"0123456789,abcdefghijklmnopqrstuvwyzFINDGSMPREO:;-/=>()'\"",
]  # fmt: skip
FIRST = 30
"""Id of the first word; 2-17 are image tokens."""
TEXTS = {FIRST + number: text for number, text in enumerate(WORDS)}
IDS = {text: token for token, text in TEXTS.items()}
IMAGES = torch.arange(2, 18)
VQ: dict[str, Any] = {
    "embed_dim": 8, "num_embeddings": 16, "latent_channels": 32, "resolution": 8, "in_channels": 1,
    "base_channels": 32, "channel_multiplier": [1], "num_res_blocks": 1, "attn_type": "none",
}  # fmt: skip
VIEW = View(id="v", uri="v.png", width=2000, height=2000)


def encode(text: str) -> list[int]:
    """Longest words first, as a tokenizer that knows the marks does."""
    tokens = []
    while text:
        word = max((word for word in WORDS if text.startswith(word)), key=len)
        tokens.append(IDS[word])
        text = text.removeprefix(word)
    return tokens


@pytest.fixture(scope="module")
def model() -> UnifiedModel:
    torch.manual_seed(0)
    config = ChameleonConfig(
        vocab_size=FIRST + len(WORDS), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, pad_token_id=1, vq_config=VQ, vocabulary_map={"<image>": 20}, initializer_range=0.2,
    )  # fmt: skip
    return UnifiedModel(config).eval()


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
) -> list[Draft]:
    writers = [
        TraceWriter(
            Pen(Chooser(Sampling(1.5, seed=seed), number)), Pieces(TEXTS), encode, IMAGES, grammar, budget,
            draw if grammar.pictures else None, (heard.append if heard is not None else lambda event: None),
        ).write()
        for number in range(count)
    ]  # fmt: skip
    ids = torch.tensor([[0, 25, 26]] * count)
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
            assert len(event.codes) == event.rows * event.columns
    said = "".join(event.text for event in heard if isinstance(event, Wrote) and event.part in ("report", "answer"))
    assert draft.text.endswith(said)
    assert draft.cut == [event.part for event in heard if isinstance(event, CutOff)]


def test_a_batch_writes_what_its_members_write_alone(model: UnifiedModel) -> None:
    grammar, budget = Grammar(), Budget(steps=2, words=6, report=8)
    many = write(model, 5, grammar, budget, seed=2)
    assert many[0] == write(model, 1, grammar, budget, seed=2)[0]


def test_a_budget_gives_up_steps_and_never_the_report() -> None:
    wanted = Budget(steps=6, decision=10, words=50, report=100, picture=1024)
    # Anole: 4096 positions, a film of 1026 tokens: (4096 - 1100 - 100 - 40) // (40 + 10 + 50 + 1024) = 2 steps
    assert planned(wanted, 4096, 1100).steps == 2
    assert planned(Budget(steps=6, decision=10, words=50, report=100, picture=100), 4096, 1100).steps == 6
    with pytest.raises(InputError, match="smaller pictures"):
        planned(wanted, 2048, 1100)


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
