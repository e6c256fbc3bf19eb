"""Statements that a whole study is normal, such as "no acute cardiopulmonary abnormality": they name no finding."""

import re
from itertools import takewhile

_EXCEPTIONS = re.compile(
    r"\b(?:except|excepting|other(?:wise)?|apart|aside|besides?|but|however|prior|previous|previously|earlier|last|"
    r"rule out|exclude[sd]?|not)\b|\?"
)
"""Words that take back such a statement, or give it to another film."""
_DENIAL = re.compile(r"\b(?:no|without|negative for|free of)\b")
_NOUNS = frozenset(
    ("abnormality", "abnormalities", "disease", "findings", "finding", "pathology", "process", "processes")
)
_HEART = frozenset(("cardiac", "heart", "cardiovascular"))
_LUNGS = frozenset(("pulmonary", "lung", "lungs"))
_BESIDE = frozenset(("mediastinal", "pleural"))
"""Parts that may be named beside heart and lungs."""
_WHOLE = frozenset(("cardiopulmonary", "intrathoracic", "thoracic", "chest", "cardiothoracic"))
_BETWEEN = frozenset(
    (
        "a",
        "acute",
        "active",
        "any",
        "appreciable",
        "chronic",
        "clear",
        "convincing",
        "definite",
        "definitive",
        "detectable",
        "evidence",
        "evident",
        "for",
        "gross",
        "identifiable",
        "new",
        "obvious",
        "of",
        "or",
        "and",
        "overt",
        "radiographic",
        "radiographically",
        "radiological",
        "significant",
        "suspicious",
        "the",
        "there",
        "visible",
        "xxxx",
    )
)
"""What may stand between the denial and its noun, parts of the chest aside."""
_OTHER_PARTS = re.compile(r"\b(?:osseous|bony|bones?|skelet\w+|spine|ribs?|abdom\w+|soft tissues?)\b")
_NARROWED = re.compile(
    r"\W+(?:recurrence|progression)\b|(?:\W+(?:is|are|was|were|seen|identified|noted|evident|demonstrated|present|visualized))*\W+"
    r"(?:of|in|within|involving|at|affecting|to)\b(?!\W+(?:(?:the|this)\W+)?(?:chest|thorax|study|exam|film|radiograph))"
)
_FILM = r"(?:chest|thorax|study|exam(?:ination)?|radiographs?|films?|x[- ]?rays?|cxr)"
_NORMAL = r"(?:normal|negative|unremarkable|within normal limits?)"
_NORMAL_FILM = re.compile(
    rf"\b(?:normal|negative|unremarkable)\W+(?:(?:pa|ap|and|lateral|frontal|portable|view|two|one|of|the)\W+)*{_FILM}\b"
    rf"|^\W*(?:(?:the|this|is|pa|ap|and|lateral|frontal|portable)\W+)*(?:{_FILM}\W+)+(?:(?:is|are|appears?)\W+)?"
    rf"(?:(?:grossly|completely|entirely)\W+)?{_NORMAL}\W*$"
    rf"|^\W*{_NORMAL}\W*$"
)


def says_normal(sentence: str) -> bool:
    """Whether a sentence says that the study as a whole is normal, or has nothing acute.

    It denies an abnormality, disease, finding or process of no part of the chest, of the whole of it, or of heart and
    lungs both; or calls the chest or the film normal, negative or unremarkable. One part of the chest ("no acute bony
    abnormality"), an exception ("otherwise", "except"), an earlier film and a question say no such thing.
    """
    folded = sentence.casefold().strip()
    if _EXCEPTIONS.search(folded):
        return False
    return bool(_NORMAL_FILM.search(folded)) or any(
        _denies(folded[match.end() :], bool(_OTHER_PARTS.search(folded))) for match in _DENIAL.finditer(folded)
    )


def _denies(rest: str, of_other_parts: bool) -> bool:
    """Whether what follows a denial names an abnormality of the whole chest; it must say so beside other parts."""
    words = list(re.finditer(r"[a-z]+", rest))
    before = {word[0] for word in takewhile(lambda word: word[0] not in _NOUNS, words)}
    noun = next((word for word in words if word[0] in _NOUNS), None)
    if noun is None or _NARROWED.match(rest, noun.end()):
        return False
    both = bool(before & _HEART and before & _LUNGS)
    if before - _WHOLE - _BETWEEN - (_HEART | _LUNGS | _BESIDE if both else frozenset()):
        return False
    whole = both or bool(before & _WHOLE)
    return whole or not (of_other_parts or "," in rest[: noun.start()])
