"""Half precision where the machine computes in it: a CPU without such instructions takes thirty times as long."""

from contextlib import AbstractContextManager
from typing import Any, Literal

import torch

Half = bool | Literal["auto"]
"""Whether a forward pass is in bfloat16; "auto" where the device has instructions for it."""
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16")
"""As `torch.cpu.get_capabilities` names them."""


def half(asked: Half, device: str) -> AbstractContextManager[Any]:
    """A context for forward passes on a type of device."""
    return torch.autocast(device, torch.bfloat16, enabled=has_bf16(device) if asked == "auto" else asked)


def has_bf16(device: str) -> bool:
    """Whether a type of device computes in bfloat16 itself."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities() if device == "cpu" else {}
    return any(known.get(name, False) for name in _INSTRUCTIONS)
