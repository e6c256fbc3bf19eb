from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from radtrace.errors import InputError
from radtrace.records import Rejected
from radtrace.train.encoder.skill import Skill
from radtrace.train.sampling import drawn, worth
from radtrace.train.sft.data.batches import PADDING, Collator, Sampling, TrainBatches, val_batches
from radtrace.train.sft.data.samples import NO_LOSS, PICTURE, TEXT, Sample
from radtrace.train.sft.data.store import Samples, kept_samples

SKILL = Skill(("a", "b"), (0.9, 0.9), ((1.0, 0.0), (0.0, 1.0)))
UNKNOWN, PAD = 3, 1


def sample(number: int) -> Sample:
    """Two tokens of prompt, `number` of text and one of a picture; every fourth study has the finding a."""
    length = 3 + number
    kinds = np.array([NO_LOSS] * 2 + [TEXT] * number + [PICTURE], np.uint8)
    truths = np.array([number % 4 == 0, np.nan], np.float32)
    return Sample(
        f"s{number}", np.arange(10, 10 + length, dtype=np.int32), kinds, np.full(length, -1, np.int16), truths
    )


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Samples:
    monkeypatch.setenv("RADTRACE_CACHE", str(tmp_path))
    return kept_samples({"count": 21}, map(sample, range(21)))


def batches(samples: Samples, total: int = 12, **how: float) -> TrainBatches:
    settings = Sampling.model_validate({"batch": 4, "facts_lost": 0.0} | how)
    collate = Collator(SKILL, PAD, cells=True)
    return TrainBatches(samples, collate, settings, unknown=UNKNOWN, seed=7, total=total)


def test_samples_are_made_once_and_read_back(samples: Samples) -> None:
    def never() -> Iterator[Sample]:
        raise AssertionError("made again")
        yield

    again = kept_samples({"count": 21}, never())
    assert len(again) == 21
    assert isinstance(again[5].ids.base, np.memmap)
    for number in range(21):
        for name in ("ids", "kinds", "cells", "truths"):
            assert np.array_equal(
                getattr(again[number], name), getattr(sample(number), name), equal_nan=name == "truths"
            )
    some = again.only(np.array([4, 2]))
    assert (some.studies, some.lengths.tolist(), some[1].study_id) == (["s4", "s2"], [7, 5], "s2")


def test_what_became_no_sample_is_kept_with_its_reason(samples: Samples) -> None:
    why = Rejected(study_id="x", stage="train sft", reason="nothing to learn")
    assert kept_samples({"more": 1}, [sample(1), why, sample(2)]).rejected == (why,)
    with pytest.raises(InputError, match="no traces to learn from"):
        kept_samples({"more": 2}, [why])


def test_a_damaged_folder_is_told(samples: Samples, tmp_path: Path) -> None:
    next(tmp_path.glob("samples/*/ids")).write_bytes(b"1")
    with pytest.raises(InputError, match="damaged; delete the folder"):
        kept_samples({"count": 21}, ())


def test_an_epoch_has_every_sample_once_and_a_batch_about_one_length(samples: Samples) -> None:
    made = batches(samples, mixed=0)
    for epoch in (0, 1):
        order = made.order(epoch)
        assert [len(each) for each in order].count(4) == 5
        assert sorted(np.concatenate(order).tolist()) == list(range(21))
        assert max(np.ptp(samples.lengths[each]) for each in order) <= 4
    assert not all(np.array_equal(one, other) for one, other in zip(made.order(0), made.order(1), strict=True))


def test_a_batch_depends_on_its_number_alone(samples: Samples) -> None:
    first, again = batches(samples, words_lost=0.3), batches(samples, words_lost=0.3)
    first[3]
    one, other = first[9], again[9]
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one.keys() == {"input_ids", "kinds", "facts", "cells", "targets", "number"}


def test_batches_are_padded_and_only_words_are_lost(samples: Samples) -> None:
    made = [batches(samples, words_lost=0.5)[number] for number in range(6)]
    lost = 0
    for batch in made:
        assert batch["input_ids"].shape[1] % PADDING == 0
        padding = batch["targets"] == PAD
        assert (batch["kinds"][padding] == NO_LOSS).all()
        assert (batch["cells"][padding] == -1).all()
        changed = batch["input_ids"] != batch["targets"]
        assert (batch["kinds"][changed] == TEXT).all()
        assert (batch["input_ids"][changed] == UNKNOWN).all()
        lost += int(changed.sum())
    assert 0.35 < lost / sum(range(21)) < 0.65


def test_facts_are_drawn_anew_each_epoch_and_sometimes_lost(samples: Samples) -> None:
    made = batches(samples, facts_lost=0.5, total=120)
    facts = torch.cat([made[number]["facts"] for number in range(120)])
    silent = (facts == 0).all(1)
    assert 0.4 < silent.float().mean() < 0.6
    assert len(facts[~silent].unique(dim=0)) == int((~silent).sum())


def test_validation_is_the_same_every_time_and_shared_by_parts(samples: Samples) -> None:
    collate = Collator(SKILL, PAD, cells=False)
    whole = list(val_batches(samples, collate, 4, 0, slice(0, None, 1)))
    parts = [list(val_batches(samples, collate, 4, 0, slice(part, None, 2))) for part in (0, 1)]
    assert sum(map(len, parts)) == len(whole) == 6
    assert torch.equal(whole[3]["facts"], parts[1][1]["facts"])
    assert torch.equal(whole[3]["targets"], whole[3]["input_ids"])


def test_rare_studies_are_drawn_more_often() -> None:
    shown = np.zeros((100, 3), bool)
    shown[:50, 0] = shown[50:60, 1] = shown[60, 2] = True
    worths = worth(shown, 4.0)
    # counts 50, 10 and 1, of which the median is 10: sqrt(40 / 50) < 1, sqrt(40 / 10) = 2, sqrt(40 / 1) > 4
    assert worths[[0, 55, 60, 99]] == pytest.approx([1, 2, 4, 1])
    counts = Counter(drawn(worths, 1000, np.random.default_rng(0)).tolist())
    each = 1000 / worths.sum()
    assert all(abs(counts[index] - each * worths[index]) < 1 for index in range(100))


def test_normal_studies_may_be_drawn_less(samples: Samples) -> None:
    made = batches(samples, normal=0.25)
    numbers = np.concatenate([np.concatenate(made.order(epoch)) for epoch in range(10)])
    abnormal = np.mean(numbers % 4 == 0)
    assert abnormal == pytest.approx(6 / (6 + 15 * 0.25), abs=0.05)  # of the 21 studies, 6 have a finding
