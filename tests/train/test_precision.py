"""Half precision only where the machine computes in it, unless it is asked for."""

import pytest
import torch

from radtrace.train.precision import half, has_bf16


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_instructions_are_looked_for(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, name: True})
    assert has_bf16("cpu")
    assert not has_bf16("mps")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_f": True, name: False})
    assert not has_bf16("cpu")


def test_what_is_asked_for_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for machine in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=machine: {"avx512_bf16": has})
        for asked, expected in ((True, True), (False, False), ("auto", machine)):
            with half(asked, "cpu"):  # type: ignore[arg-type]
                assert torch.is_autocast_enabled("cpu") is expected
                assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is (torch.bfloat16 if expected else torch.float32)
