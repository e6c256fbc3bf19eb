"""Pairs of reports in words of our own."""

import pytest

from radtrace.metrics import Pair

TEXTS = [
    ("The heart is normal. The lungs are clear.", "Heart size is normal. No pleural effusion is seen."),
    ("Small left pleural effusion, no pneumothorax.", "There is a small left pleural effusion."),
    ("1. Clear lungs.. 2. Mild cardiomegaly (unchanged).", "Mild cardiomegaly, unchanged. Lungs clear."),
    ("x", "Right basilar atelectasis with a tiny effusion; the spine is unremarkable."),
    ("The lungs are clear. The lungs are clear. The lungs are clear.", "The lungs are clear."),
]
"""(prediction, reference)."""


@pytest.fixture
def pairs() -> list[Pair]:
    return [Pair(str(number), prediction, reference) for number, (prediction, reference) in enumerate(TEXTS)]
