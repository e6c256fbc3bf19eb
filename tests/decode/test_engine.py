"""Drafts, batches and caches change how many passes are made, never what is written."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from tests import tiny
from torch import Tensor

from radtrace.decode.guidance import Guided
from radtrace.decode.passes import Answer, Batch, Writer
from radtrace.decode.pen import Drafting, Pen
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.models.unified import UnifiedModel
from radtrace.models.vocabulary import code_name

TEXT, IMAGE = torch.arange(24, 40), torch.arange(4, 20)
BEGIN, END = 21, 20


@pytest.fixture(scope="module", params=[0, 1, 2])
def model(request: pytest.FixtureRequest) -> UnifiedModel:
    """Random checkpoints of different depth and heads, sharp enough to be sure of themselves."""
    return tiny.model(
        40, request.param, num_hidden_layers=1 + request.param, num_attention_heads=4, initializer_range=0.3,
        num_key_value_heads=(4, 2, 1)[request.param], max_position_embeddings=128, vocabulary_map={"<image>": 22},
    )  # fmt: skip


def trace(pen: Pen, draft: Sequence[int], count: int = 12, words: int = 3) -> Writer[list[int]]:
    """Words, a picture, forced tokens and words again."""
    answer = yield  # type: ignore[misc]
    assert isinstance(answer, Answer)
    pen.row = answer.logits[-1]
    for _ in range(2):
        for _ in range(words):
            yield from pen.choose(TEXT)
        pen.force([BEGIN])
        yield from pen.picture(count, IMAGE, draft)
        pen.force([END, 23])
    yield from pen.choose(TEXT)
    return pen.tokens


def plain(model: UnifiedModel, prompt: list[int], chooser: Chooser, count: int = 12, words: int = 3) -> list[int]:
    """The same trace without cache, batch or draft: every token by a pass over all before it."""
    tokens = list(prompt)

    def choose(allowed: Tensor) -> None:
        with torch.inference_mode():
            tokens.append(chooser.choose(model(torch.tensor([tokens])).logits[0, -1], allowed))

    for _ in range(2):
        for _ in range(words):
            choose(TEXT)
        tokens.append(BEGIN)
        for _ in range(count):
            choose(IMAGE)
        tokens += [END, 23]
    choose(TEXT)
    return tokens[len(prompt) :]


CODES = {"<image>": 22} | {code_name(code): 4 + code for code in range(16)}
CELLS = [3, 0, 1, 2, 3, 7, 7, -1, 5, 4, 1, 8]
"""The film's own codes where those of a picture draw."""


@pytest.fixture(scope="module", params=[0, 1])
def seer(request: pytest.FixtureRequest) -> UnifiedModel:
    """Checkpoints that take facts in two glances and know a film's own codes, both with a say in what comes."""
    return tiny.model(
        40, 10 + request.param, num_attention_heads=4, num_key_value_heads=(4, 2)[request.param],
        max_position_embeddings=128, vocabulary_map=CODES, initializer_range=0.3, facts=5, glances=2, film_token_id=3,
        cells=3,
    )  # fmt: skip


def seeing(pen: Pen, draft: Sequence[int], cells: Sequence[int]) -> Writer[list[int]]:
    """A picture of which it is known what its codes draw, words, and a picture that is given."""
    answer = yield  # type: ignore[misc]
    pen.row = answer.logits[-1]
    yield from pen.choose(TEXT)
    pen.force([BEGIN])
    yield from pen.picture(12, IMAGE, draft, cells)
    pen.force([END])
    yield from pen.choose(TEXT)
    pen.force([23, BEGIN])
    pen.observe([4, 5, 6, 7], cells[:4])
    pen.force([END])
    yield from pen.choose(TEXT)
    return pen.tokens


def plainly_seeing(
    model: UnifiedModel, prompt: list[int], facts: Tensor, prompt_cells: list[int], cells: list[int], chooser: Chooser
) -> list[int]:
    """The same without cache, batch or draft: the cells of all tokens are told anew in every pass."""
    tokens, about = list(prompt), list(prompt_cells)

    def add(token: int, following: int = -1) -> None:
        tokens.append(token)
        about.append(following)

    def choose(allowed: Tensor, following: int = -1) -> None:
        with torch.inference_mode():
            logits = model(torch.tensor([tokens]), facts=facts, cells=torch.tensor([about])).logits
        add(chooser.choose(logits[0, -1], allowed), following)

    choose(TEXT)
    add(BEGIN, cells[0])
    for number in range(12):
        choose(IMAGE, cells[number + 1] if number < 11 else -1)
    add(END)
    choose(TEXT)
    for token, following in [(23, -1), (BEGIN, cells[0]), (4, cells[1]), (5, cells[2]), (6, cells[3]), (7, -1)]:
        add(token, following)
    add(END)
    choose(TEXT)
    return tokens[len(prompt) :]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=3)])
@pytest.mark.parametrize("each", [1, 3])
def test_facts_and_cells_reach_every_token_alike(seer: UnifiedModel, sampling: Sampling, each: int) -> None:
    prompts = [[0, 3, 3, BEGIN, 9, 12, END], [0, 3, 3, BEGIN, 5, 5, END]]
    about = [[-1, -1, -1, -1, 0, 4, -1], [-1, -1, -1, -1, 8, 2, -1]]
    facts = torch.tensor([[1.0, -1, 0, 2, 0], [0, 0, 3, -1, 1]])
    expected = [
        plainly_seeing(seer, prompts[n], facts[n : n + 1], about[n], CELLS, Chooser(sampling, each * n + sample))
        for n in range(2)
        for sample in range(each)
    ]
    wrong = [int(code) for code in torch.randint(4, 20, (12,), generator=torch.Generator().manual_seed(5))]
    for drafts in ([()] * 2 * each, [wrong] * 2 * each, [row[2:14] for row in expected]):
        pens = [Pen(Chooser(sampling, number)) for number in range(2 * each)]
        writers = [seeing(pen, draft, CELLS) for pen, draft in zip(pens, drafts, strict=True)]
        batch: Batch[list[int]] = Batch(seer)
        assert batch.run(*padded(prompts), writers, facts=facts, cells=torch.tensor(about)) == expected
    others = [c if c < 0 else (c + 1) % 9 for c in CELLS]
    pens = [Pen(Chooser(sampling, number)) for number in range(2 * each)]
    moved = Batch[list[int]](seer).run(
        *padded(prompts), [seeing(pen, (), others) for pen in pens], facts=facts, cells=torch.tensor(about)
    )
    assert moved != expected  # the cells are heard


def test_guidance_doubles_cells_and_facts(seer: UnifiedModel) -> None:
    prompt, facts = [[0, 3, 3, 25]], torch.tensor([[1.0, -1, 0, 2, 0]])
    hidden = torch.tensor([[False, True, True, False]])

    def made(model: Any) -> list[list[int]]:
        writers = [seeing(Pen(Chooser(Sampling(), number)), (), CELLS) for number in range(2)]
        return Batch[list[int]](model).run(*padded(prompt), writers, facts=facts)

    assert made(Guided(seer, 1.0, hidden)) == made(seer)
    assert made(Guided(seer, 6.0, hidden)) != made(seer)


def test_a_picture_with_cells_follows_what_begins_it(model: UnifiedModel) -> None:
    writers = [late(Pen(Chooser(Sampling(), 0)))]
    with pytest.raises(ValueError, match="first cell"):
        Batch[list[int]](model).run(*padded([[0, BEGIN]]), writers)


def late(pen: Pen) -> Writer[list[int]]:
    answer = yield  # type: ignore[misc]
    pen.row = answer.logits[-1]
    return (yield from pen.picture(2, IMAGE, (), [0, 1]))


def padded(prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    width = max(map(len, prompts))
    ids = torch.tensor([[1] * (width - len(row)) + row for row in prompts])
    return ids, torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])


def written(
    model: Any, prompts: Sequence[list[int]], drafts: Sequence[Sequence[int]], sampling: Sampling, **drafting: Any
) -> tuple[list[list[int]], list[Pen], int]:
    pens = [Pen(Chooser(sampling, number), drafting=Drafting(**drafting)) for number in range(len(prompts))]
    batch: Batch[list[int]] = Batch(model)
    made = batch.run(*padded(prompts), [trace(pen, draft) for pen, draft in zip(pens, drafts, strict=True)])
    return made, pens, batch.counts.passes


PROMPTS = [[0, 25, 26], [0, 30], [0, 27, 28, 29, 33]]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=3), Sampling(0.7, top_k=5)])
def test_any_draft_in_any_batch_writes_what_plain_decoding_writes(model: UnifiedModel, sampling: Sampling) -> None:
    expected = [plain(model, prompt, Chooser(sampling, number)) for number, prompt in enumerate(PROMPTS)]
    wrong = [int(each) for each in torch.randint(4, 20, (12,), generator=torch.Generator().manual_seed(5))]
    right = [row[4:16] for row in expected]
    for drafts in ([(), (), ()], [wrong, right[1], wrong], right):
        assert written(model, PROMPTS, drafts, sampling)[0] == expected
    alone = [written(model, [PROMPTS[0]], [wrong], sampling)[0][0]]
    assert alone == expected[:1]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(4, 19), max_size=12), min_size=3, max_size=3),
    st.integers(1, 20),
    st.floats(0, 1),
)
def test_drafts_of_any_length_and_window(drafts: list[list[int]], window: int, off: float) -> None:
    model = tiny.model(
        40, 9, hidden_size=16, intermediate_size=16, num_hidden_layers=1, vocabulary_map={"<image>": 22},
        initializer_range=0.3,
    )  # fmt: skip
    expected = written(model, PROMPTS, [()] * 3, Sampling(1.0))[0]
    assert written(model, PROMPTS, drafts, Sampling(1.0), window=window, narrowest=1, off_below=off)[0] == expected


def test_a_draft_that_stands_saves_passes_and_one_that_never_does_is_given_up(model: UnifiedModel) -> None:
    [expected], _, slow = written(model, PROMPTS[:1], [()], Sampling())
    # two pictures of 12 codes; both are drafted with the codes of the first, so only that one is sure to stand
    made, [pen], fast = written(model, PROMPTS[:1], [expected[4:16]], Sampling(), window=16)
    assert made == [expected]
    assert slow == 30  # 31 chosen tokens; the prompt's pass gives the first, and forced ones ride with the next
    assert fast <= slow - 11
    assert pen.drafting.stood >= 12
    never = [4 + (each - 3) % 16 for each in expected[4:16]]
    _, [pen], _ = written(model, PROMPTS[:1], [never], Sampling(), retry=100)
    assert pen.drafting.acceptance < 0.25
    assert pen.drafting.compared < 12


def test_windows_follow_what_stood() -> None:
    drafting = Drafting(window=16, narrowest=4, widest=64)
    widths = []
    for stood in (16, 32, 64, 5, 0):
        widths.append(drafting.width())
        drafting.told(widths[-1], stood)
    assert widths == [16, 32, 64, 64, 12]
    assert drafting.width() == 4
    assert (drafting.compared, drafting.stood) == (16 + 32 + 64 + 6 + 1, 117)
    for _ in range(5):
        drafting.told(4, 0)
    assert [drafting.width() for _ in range(17)].count(0) == 16  # one narrow window in sixteen


def test_drafted_samples_have_the_models_distribution(model: UnifiedModel) -> None:
    # 400 traces of which each draws two image tokens, against the exact distribution of the pair
    prompt, draws = [0, 25, BEGIN], 400

    def pair(pen: Pen) -> Writer[tuple[int, ...]]:
        answer = yield  # type: ignore[misc]
        pen.row = answer.logits[-1]
        return tuple((yield from pen.picture(2, IMAGE, [7, 9])))

    sampling = Sampling(temperature=3.0)
    writers = [pair(Pen(Chooser(sampling, number))) for number in range(draws)]
    seen = Counter(Batch(model).run(*padded([prompt] * draws), writers))
    chooser = Chooser(sampling, 0)
    with torch.inference_mode():
        first = chooser.probabilities(model(torch.tensor([prompt])).logits[0, -1][IMAGE])
        rows = model(torch.tensor([[*prompt, int(each)] for each in IMAGE])).logits[:, -1][:, IMAGE]
    exact = {
        (int(a), int(b)): float(first[i] * chooser.probabilities(rows[i])[j])
        for i, a in enumerate(IMAGE)
        for j, b in enumerate(IMAGE)
    }
    common = [each for each, p in exact.items() if p * draws >= 5]
    counts = [seen[each] for each in common]
    expected = [exact[each] * draws for each in common]
    rest = draws - sum(counts), draws - sum(expected)
    assert chisquare([*counts, rest[0]], [*expected, rest[1]]).pvalue > 1e-4


def test_guidance_of_one_is_none_and_more_is_active(model: UnifiedModel) -> None:
    ids, mask = padded(PROMPTS)
    hidden = (ids == 25) | (ids == 30) | (ids == 28)
    base = written(model, PROMPTS, [()] * 3, Sampling())[0]
    assert written(Guided(model, 1.0, hidden), PROMPTS, [()] * 3, Sampling())[0] == base
    assert written(Guided(model, 8.0, hidden), PROMPTS, [()] * 3, Sampling())[0] != base
    with torch.inference_mode():
        both = [model(ids, attention_mask=m, position_ids=(mask.cumsum(1) - 1).clamp(min=0)).logits[:, -1]
                for m in (mask, mask * ~hidden)]  # fmt: skip
        guided = Guided(model, 3.0, hidden)(ids, mask, (mask.cumsum(1) - 1).clamp(min=0)).logits[:, -1]
    torch.testing.assert_close(guided, both[1] + 3 * (both[0] - both[1]))
    with pytest.raises(ValueError, match="hides nothing"):
        Guided(model, 2.0, torch.zeros_like(hidden))


def test_sampling_is_of_sound_settings_and_its_own_seed() -> None:
    with pytest.raises(ValueError, match="temperature"):
        Sampling(temperature=-1)
    logits = torch.zeros(40)
    draws = [[Chooser(Sampling(1.0, seed=s), n).choose(logits, TEXT) for n in range(50)] for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    logits[30] = 1
    assert {Chooser(Sampling(1.0, top_k=1), n).choose(logits, TEXT) for n in range(20)} == {30}
