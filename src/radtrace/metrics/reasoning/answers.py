"""What an answer to a question names, by one rule for every model: whole answers are compared, never parts of them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from radtrace.errors import InputError

NORMALISATION = "nfkc+casefold+lead-in+punctuation+articles+blanks"
"""`normalised`, as signatures name it."""
_LEAD_IN = re.compile(
    r"^\W*(?:(?:(?:the )?(?:final |correct )?answer(?: is\b|\W*:)+|(?:option|choice)\W+(?=\w{1,2}(?:\W|$)))\W*(?=\w))+"
)
_PUNCTUATION = re.compile(r"(?<=\d)\.(?=\d)|(?<!\w)[-+<>≤≥](?=\d)|(\W|_)")
_ARTICLES = frozenset(("a", "an", "the"))
_SEPARATORS = (r"[\n\t|;]", r",", r"/", r"\band\b|&")
"""Between the objects of a list, the strongest first."""
_MARKED = re.compile(r"^\W*(\w{1,2})\s*[).:\]]\s*(\S.*)$", re.DOTALL)


def normalised(text: str) -> str:
    """The words of an answer as they are compared.

    NFKC, case folded, without a lead-in ("The answer is:", "Option"); what is no letter and no digit becomes a blank,
    but for the point within a number and a sign or comparison right before one; articles go unless nothing else is
    left, and so do the blanks that are too many. An answer of signs only, such as "+", stays as it is.
    """
    folded = _without_lead_in(text)
    words = _PUNCTUATION.sub(lambda sign: " " if sign[1] else sign[0], folded).split()
    kept = [word for word in words if word not in _ARTICLES]
    return " ".join(kept or words) or folded


def words_of(text: str) -> list[str]:
    """The normalised words."""
    return normalised(text).split()


def _without_lead_in(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    return _LEAD_IN.sub("", folded) or folded


@dataclass(frozen=True, slots=True)
class Options:
    """What a question lets one choose from.

    texts: letter -> text, e.g. {"A": "Left", "B": "Right"}; letters of one or two signs.

    Raises:  InputError where two options cannot be told apart once normalised.
    """

    texts: Mapping[str, str]
    _letters: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _named: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        letters = {letter.strip().casefold(): letter for letter in self.texts}
        named = {normalised(text): letter for letter, text in self.texts.items()}
        clash = any(letters.get(text, letter) != letter for text, letter in named.items())
        if clash or len(letters) < len(self.texts) or len(named) < len(self.texts):
            raise InputError("two options are the same once normalised, or one is another's letter")
        object.__setattr__(self, "_letters", MappingProxyType(letters))
        object.__setattr__(self, "_named", MappingProxyType(named))

    def chosen(self, answer: str) -> str | None:
        """The letter of the one option that the whole answer names; None where it names none.

        It is the letter ("b", "(B)", "Option B"), the text, or both ("B. Right"); a letter beside another option's text
        names nothing.
        """
        folded = _without_lead_in(answer)
        alone = re.sub(r"^\W+|\W+$", "", folded)
        if alone in self._letters:
            return self._letters[alone]
        by_text = self._named.get(normalised(answer))
        if by_text is not None:
            marked = self._marked(folded)
            return by_text if marked in (None, by_text) else None
        return self._both(folded)

    def _marked(self, folded: str) -> str | None:
        """The letter that stands before the rest of an answer with a mark of its own, as in "a) …"."""
        marked = _MARKED.match(folded)
        return self._letters.get(marked[1]) if marked else None

    def _both(self, folded: str) -> str | None:
        first, *rest = re.sub(r"^\W+", "", folded).split(maxsplit=1)[:2] or [""]
        marked = _MARKED.match(folded)
        letter, text = (marked[1], marked[2]) if marked else (first, rest[0] if rest else "")
        named = self._letters.get(letter)
        return named if named is not None and self._named.get(normalised(text)) == named else None


NO_OPTIONS = Options({})


def objects(answer: str, options: Options = NO_OPTIONS, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The set of objects that an answer lists, options by their letters, others by their normalised words.

    It is cut at line breaks, tabs, "|" and ";", then commas, then "/", then "and" and "&"; a piece that is an option,
    or one of the normalised texts `known`, is cut no further. A list of separators only is one object, its signs.
    """
    found = _objects(answer, options, known, _SEPARATORS)
    return frozenset(found or ({normalised(answer)} if answer.strip() else ()))


def _objects(text: str, options: Options, known: frozenset[str], separators: tuple[str, ...]) -> set[str]:
    if not text.strip():
        return set()
    letter = options.chosen(text)
    if letter is not None:
        return {letter}
    if not separators or normalised(text) in known:
        return {normalised(text)}
    pieces = re.split(separators[0], text, flags=re.IGNORECASE)
    return set().union(*(_objects(piece, options, known, separators[1:]) for piece in pieces))
