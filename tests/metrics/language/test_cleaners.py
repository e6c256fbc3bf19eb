import pytest

from radtrace.errors import InputError, RecipeError
from radtrace.metrics import preset
from radtrace.metrics.language.cleaners import clean_r2gen, clean_r2gen_mimic, frequent_words, known_words


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", " ."),
        ("The heart is normal. The lungs are clear.", "the heart is normal . the lungs are clear ."),
        # "1. " goes, ". 2. " and " 3. " become ". ", at which the text is split; a "6. " stays, its stop being deleted.
        ("1. Clear. 2. Big heart 3. Gas. 6. Hernia.", "clear . big heart . gas . 6 . hernia ."),
        # Three passes make one stop of up to eight, and two of nine.
        ("Clear........ Normal", "clear . normal ."),
        ("a......... b", "a . b ."),
        # The hyphen stays; quotes and slashes go before the outer blanks do, the rest after them.
        ('Follow-up of the patient\'s A/P "film"', "follow-up of the patients ap film ."),
        ("no effusion ; . clear", "no effusion  . clear ."),
        ("(x) [y] {z} <=> @ ? ! a_b", "x y z     ab ."),
    ],
)
def test_the_open_i_cleaner(text, cleaned):
    assert clean_r2gen(text) == cleaned


def test_what_is_clean_keeps_its_words_but_gains_a_blank():
    once = clean_r2gen("1. Mild cardiomegaly. 2. No effusion.")
    assert clean_r2gen(once) == "mild cardiomegaly . no effusion  ."


def test_the_mimic_cleaner_takes_line_breaks_and_underscores_first():
    assert clean_r2gen_mimic("Seen by ___ at ____.\nLungs   clear.") == "seen by  at  . lungs clear ."


def test_rare_words_and_words_past_the_limit_are_what_the_published_runs_left_out():
    words = frequent_words(["a b c", "a b", "a"], threshold=2)
    assert words == {"a", "b"}
    assert known_words(str.lower, words, most=3)("A c B a") == "a <unk> b"


def test_the_published_preset_cuts_and_maps_both_sides():
    protocol = preset("published", ["clear lungs " * 40] * 3)
    assert protocol.prediction("clear " * 70).split() == ["clear"] * 60
    assert protocol.reference("lungs " * 70).split() == ["lungs"] * 59
    assert protocol.reference("Hernia. clear") == "<unk> . clear ."
    other = preset("published", ["clear heart " * 40] * 3)
    assert protocol.tokens != other.tokens


def test_a_preset_that_cannot_be_had_says_why():
    with pytest.raises(InputError, match="--train"):
        preset("published")
    with pytest.raises(RecipeError, match="did you mean 'r2gen'"):
        preset("r2gn")
