"""What is told before the first step: samples that the model cannot take whole."""

from typing import Literal

import numpy as np

from radtrace.errors import InputError
from radtrace.records import Rejected
from radtrace.train.sft.data.samples import PICTURE, STAGE
from radtrace.train.sft.data.store import Samples

TooLong = Literal["refuse", "drop"]


def fitting(samples: Samples, positions: int, begin: int | None, what: str, too_long: TooLong) -> "Fit":
    """The samples that fit the model's positions; nothing is cut short.

    Returns: them, and the traces that are left out.

    Args:    begin: id of the token that begins a picture. what: whose samples, for the message.
    Raises:  InputError with counts where one does not fit and `too_long` is "refuse", or where none fits.
    """
    fits = samples.lengths <= positions
    if fits.all():
        return samples, samples.rejected
    long = np.flatnonzero(~fits)
    pictures = [_pictures(samples, int(index), begin) for index in long]
    told = (
        f"{len(long)} of {len(samples)} {what} samples are longer than the model's {positions} positions (the longest "
        f"{samples.lengths.max()} tokens; {min(pictures)} to {max(pictures)} pictures each)"
    )
    if too_long == "refuse" or not fits.any():
        raise InputError(f'{told}: use smaller pictures or none, more positions, or too_long = "drop"')
    reason = "{} tokens with {} pictures are more than the model's {} positions"
    dropped = (
        Rejected(
            study_id=samples.studies[index], stage=STAGE, reason=reason.format(samples.lengths[index], count, positions)
        )
        for index, count in zip(long, pictures, strict=True)
    )
    return samples.only(np.flatnonzero(fits)), (*samples.rejected, *dropped)


def _pictures(samples: Samples, index: int, begin: int | None) -> int:
    """How many pictures a sample has, the prompt's included; a run of picture tokens where they have no beginning."""
    sample = samples[index]
    if begin is not None:
        return int((sample.ids == begin).sum())
    shown = sample.kinds == PICTURE
    return int((np.diff(shown, prepend=False) & shown).sum())


Fit = tuple[Samples, tuple[Rejected, ...]]
