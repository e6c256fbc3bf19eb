from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.conftest import NETWORK

from radtrace.train.sft.data.codes import Codes
from radtrace.train.tokenizer import NetworkSettings


def test_a_picture_is_coded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADTRACE_CACHE", str(tmp_path))
    tokenizer = NetworkSettings.model_validate(NETWORK).made()
    pictures = [np.random.default_rng(seed).random((height, 32), np.float32) for seed, height in ((0, 32), (1, 16))]
    made = Codes(tokenizer)(pictures)
    assert [each.shape for each in made] == [(4, 4), (2, 4)]
    assert torch.equal(torch.from_numpy(made[0]).long(), tokenizer.encode(pictures[:1])[0])
    asked = []
    monkeypatch.setattr(type(tokenizer), "encode", lambda _, them: asked.extend(them))
    again = Codes(tokenizer)(pictures)
    assert all(np.array_equal(one, other) and one.flags.writeable for one, other in zip(made, again, strict=True))
    assert not asked
