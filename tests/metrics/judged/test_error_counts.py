"""Errors counted from findings; each pair of texts in words of our own."""

import pytest

from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.judged.error_counts import errors

PRESET = PRESETS["strict"]
SAME = "Small left pleural effusion, unchanged. No pneumothorax. The heart is mildly enlarged."


# false, missing, place, severity, invented and omitted comparison
@pytest.mark.parametrize(
    ("candidate", "reference", "counts"),
    [
        (SAME, SAME, (0, 0, 0, 0, 0, 0)),
        ("There is a nodule.", "There is a pleural effusion.", (1, 1, 0, 0, 0, 0)),
        ("There is a nodule.", "No nodule.", (1, 0, 0, 0, 0, 0)),
        ("No effusion.", "Pleural effusion.", (0, 1, 0, 0, 0, 0)),
        ("Possible effusion.", "Pleural effusion.", (0, 0, 0, 0, 0, 0)),  # certainty is no category
        ("Left pleural effusion.", "Right pleural effusion.", (0, 0, 1, 0, 0, 0)),
        ("Left pleural effusion.", "Bilateral pleural effusions.", (0, 0, 1, 0, 0, 0)),
        ("Left pleural effusion.", "Pleural effusion.", (0, 0, 0, 0, 0, 0)),  # the reference names no side
        ("Opacity in the right upper lobe.", "Opacity in the right lower lobe.", (0, 0, 1, 0, 0, 0)),
        ("Opacity in the right upper lobe.", "Opacity in the right lung.", (0, 0, 0, 0, 0, 0)),  # it holds the lobe
        ("Severe cardiomegaly.", "Mild cardiomegaly.", (0, 0, 0, 1, 0, 0)),
        ("Severe cardiomegaly.", "Cardiomegaly.", (0, 0, 0, 0, 0, 0)),
        ("Pleural effusion, unchanged.", "Pleural effusion.", (0, 0, 0, 0, 1, 0)),
        ("No effusion.", "The effusion has resolved.", (0, 0, 0, 0, 0, 1)),
        ("Effusion has increased.", "Effusion has decreased.", (0, 0, 0, 0, 1, 1)),
        ("Clear lungs.", "New nodule.", (0, 1, 0, 0, 0, 0)),  # missed, so its change is not counted again
        ("Words.", "Clear.", (0, 0, 0, 0, 0, 0)),
    ],
)
def test_by_hand(candidate, reference, counts):
    assert errors(candidate, reference) == counts


def test_means_over_reports_and_the_worst_for_a_failed_one():
    pairs = [
        Pair("a", "There is a nodule.", "There is a pleural effusion."),  # 2
        Pair("b", SAME, SAME),  # 0
        Pair("failed", None, "There is a nodule. No pleural effusion. No pneumothorax."),  # 3: what it denies too
        Pair("silent", " ", "Fine."),  # 1 at least
        Pair("unscored", "There is a nodule.", None),
    ]
    result = score([pairs], ["error_counts_rules"], PRESET)
    named = {name.removeprefix("error_counts_rules_"): value for name, value in result.scores.items()}
    assert named["error_counts_rules"] == (2 + 0 + 3 + 1) / 4
    assert (named["false_finding"], named["missing_finding"], named["wrong_location"]) == (1 / 4, (1 + 3 + 1) / 4, 0)
    assert all("better:lower" in signed.split("|") for signed in result.signatures.values())
