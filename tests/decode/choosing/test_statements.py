"""Every sentence states something."""

from radtrace.decode.choosing.statements import once


def test_a_sentence_that_only_denies_again_goes() -> None:
    heart, lungs = "The heart is normal in size.", "The lungs are clear. No pneumothorax or pleural effusion."
    again = "No pleural effusion. No pneumothorax or consolidation."  # the second one denies something more
    assert once([heart, lungs, again]) == [heart, lungs, "No pneumothorax or consolidation."]
    assert once(["No pneumothorax.", "No pneumothorax."]) == ["No pneumothorax.", ""]


def test_what_is_there_may_be_told_again_and_in_more_words() -> None:
    told = ["Left pleural effusion.", "The left pleural effusion is small."]
    assert once(told) == told


def test_a_sentence_ends_once() -> None:
    assert once(["No effusion.. Lungs are clear"]) == ["No effusion. Lungs are clear."]


def test_a_broken_sentence_goes() -> None:
    assert once(["The heart is normal in size for. No evidence of. Lungs are clear."]) == ["Lungs are clear."]


def test_a_heading_states_nothing() -> None:
    assert once(["Chest. Lungs clear. Mild cardiomegaly. Right knee.", "No."]) == [
        "Lungs clear. Mild cardiomegaly.",
        "",
    ]
