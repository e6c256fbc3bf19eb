import pytest

from radtrace.evaluate.readings.english import checks_of, english

KNOWN = {"the", "heart", "is", "enlarged", "lungs", "are", "clear", "no", "effusion", "of", "in"}


@pytest.mark.parametrize(
    ("check", "faulty", "sound"),
    [
        ("blank", "The heart is XXXX.", "The heart is enlarged."),
        (
            "repeated_sentence",
            "Lungs are clear. The heart is enlarged. lungs are clear.",
            "Lungs are clear. No effusion.",
        ),
        ("repeated_word", "The the heart is enlarged.", "XXXX XXXX. No. No effusion."),
        ("unfinished", "The heart is enlarged", "The heart is enlarged."),
        ("unfinished", "Enlargement of the. Lungs are clear.", "Lungs are clear (no effusion)."),
        ("lower_case_start", "The heart is enlarged. lungs are clear.", "The heart is enlarged. Lungs are clear."),
        ("open_bracket", "Lungs are clear (no effusion.", "Lungs are clear (no effusion)."),
        ("unknown_word", "The heart is enlargely clear.", "The heart is clear. XXXX."),
        ("comparison_without_prior", "The heart is unchanged.", "The heart is enlarged."),
        ("contradiction", "Small pleural effusion. No pleural effusion.", "Small pleural effusion. No pneumothorax."),
    ],
)
def test_each_fault_is_found_and_a_sound_report_has_none(check, faulty, sound):
    found = checks_of(KNOWN)[check]
    assert found(faulty)
    assert not found(sound)


def test_without_training_reports_no_word_is_called_unknown():
    assert checks_of(KNOWN).keys() - checks_of(None).keys() == {"unknown_word"}


def test_shares_stand_beside_those_of_the_references_and_failures_are_left_out():
    texts = {"1": "Lungs are clear.", "2": "lungs are clear", "3": "Heart is unchanged.", "4": ""}
    said = english(texts, ["Lungs are XXXX.", "No effusion."], KNOWN | {"unchanged"})
    assert said.count == 3
    assert said.different == pytest.approx(2 / 3)
    assert said.reference_different == 1
    assert said.faults["unfinished"] == ("2",)
    assert said.reference["blank"] == 0.5
    assert said.clean == pytest.approx(2 / 3)  # what compares is counted apart
