import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from radtrace.errors import InputError
from radtrace.train.encoder.scores import Judged, auroc
from radtrace.train.encoder.skill import Skill, prevalence, skill_of


def judged() -> Judged:
    truth = np.zeros((40, 2), bool)
    truth[:20, 0] = truth[0, 1] = True
    logits = np.where(truth, 1.0, -1.0) + 0.01 * np.arange(40)[:, None]
    logits[0, 1] = -2.0  # the only one that has it scores below all others
    return Judged(("often", "once"), logits, truth, np.ones((40, 2), bool))


def test_a_finding_that_few_have_is_held_near_the_mean() -> None:
    assert skill_of(judged()).auroc == pytest.approx((1.0, (1 * 0.0 + 10 * 1.0) / 11), abs=1e-4)
    assert prevalence(judged()) == pytest.approx({"often": 20.5 / 41, "once": 1.5 / 41})


def test_evidence_is_drawn_with_the_skill_and_is_a_likelihood_ratio() -> None:
    rng = np.random.default_rng(0)
    skill = Skill(("a", "b"), (0.8, 0.5), ((1.0, 0.6), (0.6, 1.0)))
    truths = (rng.random((40_000, 2)) < 0.3).astype(np.float32)
    drawn = skill.drawn(truths, rng)
    assert auroc(drawn[:, 0], truths[:, 0] > 0) == pytest.approx(0.8, abs=0.01)
    assert np.abs(drawn[:, 1]).max() < 1e-6  # a finding that is not told at all
    near = np.abs(drawn[:, 0] - 1.0) < 0.1  # of these, e times as many should have it as the usual odds
    odds = truths[near, 0].mean() / (1 - truths[near, 0].mean())
    assert math.log(odds / (0.3 / 0.7)) == pytest.approx(1.0, abs=0.15)


def test_mistakes_go_together() -> None:
    skill = Skill(("a", "b"), (0.8, 0.8), ((1.0, 0.6), (0.6, 1.0)))
    drawn = skill.drawn(np.zeros((20_000, 2), np.float32), np.random.default_rng(1))
    assert stats.pearsonr(drawn[:, 0], drawn[:, 1])[0] == pytest.approx(0.6, abs=0.02)


def test_a_skill_is_saved_and_loaded(tmp_path: Path) -> None:
    skill = skill_of(judged())
    skill.save(tmp_path / "skill.json")
    assert Skill.load(tmp_path / "skill.json") == skill
    (tmp_path / "skill.json").write_text('{"labels": ["a"], "auroc": [], "correlation": [[1]]}')
    with pytest.raises(InputError, match="not the skill"):
        Skill.load(tmp_path / "skill.json")
