"""A trace whose words say what was decided: all of it, on the sides where it is, and nothing against it.

A model keeps to its decisions mostly; a reader always has to. What a sentence says against them is taken out, and what
no sentence says is said plainly, in the step that decides it or in one of its own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from radtrace.anatomy import FINDINGS
from radtrace.decode.choosing.plain import has_sides, plain_sentence
from radtrace.decode.choosing.told import Sentence, Told, read_sentence
from radtrace.decode.guide import Guide, statuses_of
from radtrace.decode.writer import Draft, echo
from radtrace.dialects.decisions import BETWEEN, NONE
from radtrace.findings.places import fill
from radtrace.reports import sentences

_STEP, _END, _IMPRESSION = '<step region="', "</step>\n", " IMPRESSION: "
_NO_PLACE = "general"
_NOTHING = "No assessed finding is stated as present."
"""What is said where nothing else may be."""


@dataclass(slots=True)
class _Step:
    """place: its regions' names. items: of its decision. said: the sentences that stay."""

    place: str
    items: list[str]
    said: list[Sentence]

    def decides(self, label: str) -> bool:
        """Whether it says that a finding is there."""
        return statuses_of(self.items).get(label.lower()) == "present"

    @property
    def words(self) -> str:
        """Its sentences."""
        return " ".join(each.text for each in self.said)

    def text(self, guide: Guide) -> str:
        """As the dialect writes it."""
        box = guide.box(self.place)
        drawn = f"\n<box>{box}</box>" if box else ""
        decision = BETWEEN.join(self.items) or NONE
        return f'{_STEP}{self.place}"><findings>{decision}</findings>{self.words}{drawn}{_END}'


def agreeing(draft: Draft, told: Told, guide: Guide) -> Draft:
    """The trace with words that agree with what was decided.

    Args:    draft: whole, its report the echo of its steps. told: of the study, with sides where the encoder has them.
    """
    *texts, report = draft.text.split(_END)
    steps = [_step(text, words, told) for text, words in zip(texts, draft.words, strict=True)]
    written = Counter(_sentences(draft.words))
    for label in (each for each in FINDINGS if each in told.labels):
        _say(label, told, steps)
    kept = [step for step in steps if step.said] or [_Step(_NO_PLACE, [], [_statement(_NOTHING)])]
    words = [step.words for step in kept]
    impression = _impression(report.partition(_IMPRESSION)[2].partition("</report>")[0], told, kept)
    told_anew = f"<report>FINDINGS: {echo(words)}{_IMPRESSION}{impression}</report>"
    text = "".join(step.text(guide) for step in kept) + told_anew
    now = Counter(each.text for step in kept for each in step.said)
    mended = (written - now).total() + (now - written).total()
    return replace(draft, text=text, words=words, steps=len(kept), mended=mended)


def _step(text: str, words: str, told: Told) -> _Step:
    place, _, rest = text.removeprefix(_STEP).partition('"><findings>')
    items = rest.partition("</findings>")[0].split(BETWEEN)
    said = list(_true(words, told))
    denied = {label.lower() for each in said for label in each.absent}
    return _Step(place, [item for item in items if _stands(item, told, denied)], said)


def _stands(item: str, told: Told, denied: AbstractSet[str]) -> bool:
    """Whether an item of a decision is of what is there, or of what the words that are left deny."""
    return any(
        label in (denied if status == "absent" else {each.lower() for each in told.labels})
        for label, status in statuses_of([item]).items()
    )


def _true(text: str, told: Told) -> Iterator[Sentence]:
    """The sentences that say nothing but what was decided."""
    for sentence in _sentences([text]):
        said = read_sentence(sentence)
        if said and said.suits(told):
            yield said


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    return (text[span.start : span.end] for text in texts for span in sentences(text))


def _say(label: str, told: Told, steps: list[_Step]) -> None:
    """Have a finding that is there decided and said: in the step that does so, or else in one more."""
    columns = {column for column in told.columns if column.partition(", ")[0] == label}
    columns = columns if has_sides(label) else {label}
    is_said = columns <= frozenset().union(*(each.present for step in steps for each in step.said))
    if not is_said:
        for step in steps:
            step.said = [each for each in step.said if each.found != {label}]
    home = _home(label, columns, steps)
    item = " ".join([f"{label.lower()} present", *_side(columns)])
    for step in steps:
        step.items = [item if statuses_of([each]).keys() == {label.lower()} else each for each in step.items]
    if not home.decides(label):
        home.items.append(item)
    if not is_said:
        home.said.insert(0, _statement(plain_sentence(label, columns)))


def _home(label: str, columns: Iterable[str], steps: list[_Step]) -> _Step:
    """The step that says a finding, or that decides it, or a new one."""
    saying = (step for step in steps if any(label in each.found for each in step.said))
    home = next(saying, next((step for step in steps if step.decides(label)), None))
    if home is None:
        sides = [column.partition(", ")[2] for column in columns if ", " in column]
        home = _Step(", ".join(fill(FINDINGS[label].regions, sides)) or _NO_PLACE, [], [])
        steps.append(home)
    return home


def _side(columns: Iterable[str]) -> list[str]:
    sides = sorted({column.partition(", ")[2] for column in columns} - {""})
    return ["bilateral"] if len(sides) > 1 else sides


def _impression(text: str, told: Told, steps: Sequence[_Step]) -> str:
    """What of an impression is true, with what is acute and not in it; else all that is found, or that nothing is."""
    true = list(_true(text, told))
    named = frozenset[str]().union(*(each.found for each in true))
    found = [each for step in steps for each in step.said if each.present]
    left = [each for each in found if not true or Told(each.found - named).is_acute]
    return echo(each.text for each in (*true, *left)) or _NOTHING


def _statement(text: str) -> Sentence:
    return read_sentence(text) or Sentence(text, frozenset(), frozenset(), frozenset(), _NO_PLACE)
