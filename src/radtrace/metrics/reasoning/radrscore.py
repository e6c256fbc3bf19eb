"""RadRScore: how much of a model's reasoning is true, how much of the reference's it has, how much of it is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from radtrace.anatomy import FINDINGS
from radtrace.findings import annotate
from radtrace.metrics.reasoning.normal import says_normal
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.records import Finding

Entity = tuple[str, str, str | None]
"""label, status, side."""
NORMAL: Entity = ("abnormality", "absent", None)
"""What a statement says that the whole study is normal, see `says_normal`."""
RULES = "label+status+side, normal study"
"""The entities of `rules_judge`, as signatures name them."""


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A model's reasoning beside the reference reasoning and the report of the study.

    output: None or blank where the model failed: it scores 0. reasoning, report: None or blank where there is none:
    what needs it is unscored.
    """

    id: str
    output: str | None
    reasoning: str | None
    report: str | None


@dataclass(frozen=True, slots=True)
class Matches:
    """What a judge counted; entities are clinical observations, normal ones included.

    model, reference: entities of the output and of the reference reasoning.
    true: those of the model that the report bears out, or that are normal and the report is silent on.
    effective: those of the model that the reference has; found: those of the reference that the model has.
    """

    model: int
    reference: int
    true: int
    effective: int
    found: int


RadrJudge = Callable[[Reasoned], Matches | None]
"""None: what the judge answered cannot be used, which is a failure in the denominator."""
PARTS = ("factuality", "completeness", "effectiveness")


def radrscore_rules(cases: Sequence[Reasoned]) -> list[Score]:
    """RadRScore with our finding extraction as the judge, see `rules_judge`; never to be called the paper's."""
    return radrscore("radrscore_rules", cases, rules_judge, judge="radtrace.findings", entity=RULES)


def radrscore(name: str, cases: Sequence[Reasoned], judge: RadrJudge, /, **settings: object) -> list[Score]:
    """The mean of three shares, each 0-1, then the shares: factuality, completeness, effectiveness.

    Each is the mean over the cases. Where the output is blank or has no entity, or the judge's answer cannot be used,
    a case scores 0. A case without a report has no factuality, one whose reference reasoning has no entity neither
    completeness nor effectiveness: these are None, and so is their mean.

    Args:    name: that the scores begin with, which tells the judge; settings: further parts of the signatures.
    Source:  Fan et al., "ChestX-Reasoner", 2025, Sec. 2. The paper leaves empty sets undefined; ours is said above.
    """
    rows = [_shares(case, judge) for case in cases]
    said = {**settings, "empty": "0", "no_reference": "unscored"}
    whole = mean_score(name, [_mean(row) for row in rows], signature(name, **said))
    parts = [
        mean_score(f"{name}_{part}", [row[place] for row in rows], signature(f"{name}_{part}", **said))
        for place, part in enumerate(PARTS)
    ]
    return [whole, *parts]


def _shares(case: Reasoned, judge: RadrJudge) -> tuple[float | None, float | None, float | None]:
    """Factuality, completeness and effectiveness of one case."""
    counted = judge(case) if _has_words(case.reasoning) or _has_words(case.report) else None
    reported = _has_words(case.report)
    wanted = _has_words(case.reasoning) and (counted is None or counted.reference > 0)
    if counted is None or not _has_words(case.output) or not counted.model:
        return 0.0 if reported else None, 0.0 if wanted else None, 0.0 if wanted else None
    return (
        counted.true / counted.model if reported else None,
        counted.found / counted.reference if wanted else None,
        counted.effective / counted.model if wanted else None,
    )


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return fmean(known) if len(known) == len(PARTS) else None


def rules_judge(case: Reasoned) -> Matches:
    """Entities as our rules read them: a finding, its status (present, uncertain, absent) and its side.

    Two match where finding and status are the same, and the side where both name one. A model's absent finding that
    the report is silent on counts as true; one that the report says is there, or may be, does not. A statement that the
    whole study is normal is an entity too, once a text: it matches another such statement, and is true where the report
    makes one, or names nothing that is or may be there, devices aside.
    """
    model, reference, report = (entities(text or "") for text in (case.output, case.reasoning, case.report))
    return Matches(
        model=len(model),
        reference=len(reference),
        true=sum(_is_true(entity, report) for entity in model),
        effective=sum(_is_among(entity, reference) for entity in model),
        found=sum(_is_among(entity, model) for entity in reference),
    )


def entities(text: str) -> frozenset[Entity]:
    """The different entities that a text names."""
    read = annotate(text)
    named = frozenset(_entity(finding) for sentence in read for finding in sentence.findings)
    normal = any(says_normal(text[sentence.span.start : sentence.span.end]) for sentence in read)
    return named | {NORMAL} if normal else named


def _entity(finding: Finding) -> Entity:
    return finding.label, finding.status, finding.laterality


def _is_among(entity: Entity, others: frozenset[Entity]) -> bool:
    return any(entity[1] == other[1] for other in others if _is_of_same(entity, other))


def _is_true(entity: Entity, report: frozenset[Entity]) -> bool:
    if entity == NORMAL and NORMAL not in report:
        return not any(other[1] != "absent" and FINDINGS[other[0]].chexpert != "Support Devices" for other in report)
    said = {other[1] for other in report if _is_of_same(entity, other)}
    return entity[1] in said or (entity[1] == "absent" and not said)


def _is_of_same(entity: Entity, other: Entity) -> bool:
    """Whether both are of one finding, on sides that do not differ."""
    return entity[0] == other[0] and (None in (entity[2], other[2]) or entity[2] == other[2])


def _has_words(text: str | None) -> bool:
    return text is not None and bool(text.strip())
