"""Cross-entropy of text and picture tokens, nothing of prompt and padding."""

from dataclasses import dataclass

import torch
from torch import Tensor

from radtrace.train.sft.data.samples import PICTURE, TEXT


@dataclass(frozen=True, slots=True)
class Losses:
    """Of a batch. total: what is minimised, a weighted mean. sums: text loss, text tokens, picture loss, picture tokens
    (4,), in nats, without smoothing.
    """

    total: Tensor
    sums: Tensor


def kept_positions(kinds: Tensor) -> int:
    """So many last positions have all the logits that the loss needs. kinds: (B, T)."""
    first = int((kinds > 0).any(0).int().argmax())
    return kinds.shape[1] - max(first - 1, 0)


def losses(logits: Tensor, targets: Tensor, kinds: Tensor, picture_weight: float, smoothing: float) -> Losses:
    """The losses of a batch.

    Args:    logits: (B, K, V), of the last K positions. targets, kinds: (B, T) of the tokens themselves, see `Sample`.
        picture_weight: of a picture token, beside a text token's 1. smoothing: of text, over the whole vocabulary
        (Szegedy et al. 2016).
    """
    kept = logits.shape[1]
    asked = kinds[:, -kept:][:, 1:]
    where = asked > 0
    chosen, kind = logits[:, :-1][where].float(), asked[where]
    whole = chosen.logsumexp(-1)
    plain = whole - chosen.gather(-1, targets[:, -kept:][:, 1:][where][:, None])[:, 0]
    text = (kind == TEXT).float()
    smooth = plain if not smoothing else plain + smoothing * text * (whole - chosen.mean(-1) - plain)
    weights = torch.where(kind == PICTURE, picture_weight, 1.0)
    with torch.no_grad():
        sums = torch.stack([(plain * text).sum(), text.sum(), (plain * (1 - text)).sum(), (1 - text).sum()])
    return Losses((smooth * weights).sum() / weights.sum().clamp(min=1e-9), sums)


def means(sums: Tensor) -> dict[str, float]:
    """`text` and `picture`, a mean a token, of what there was; `loss`, over both."""
    text, words, picture, codes = sums.tolist()
    found = {"loss": (text + picture) / max(words + codes, 1)}
    return found | {
        name: loss / count for name, loss, count in (("text", text, words), ("picture", picture, codes)) if count
    }
