"""Floors beside a model's scores, for people."""

from collections.abc import Mapping, Sequence

from radtrace.evaluate.columns import chosen
from radtrace.evaluate.floors.running import Floor

_NAME, _WIDTH = 38, 11
_CEILINGS = frozenset({"tokenizer", "dealt"})
"""Not among what a model has to beat."""


def floors_table(own: Mapping[str, float | None], floors: Sequence[Floor]) -> list[str]:
    """Lines: a score a row, clinical ones first, without those of single classes; a floor a column; why some lack.

    "best floor" is the highest one that a model has to beat, of false alarms and of priors the lowest.
    """
    shown = {floor.name: floor.scored.scores for floor in floors if floor.scored}
    p = next((floor.p for floor in floors if floor.p), {})
    heads = [_two_lines(name) for name in ("model", "best_floor", *shown, "p_dealt")]
    lines = [f"{'':<{_NAME}}" + "".join(f"{head[row]:>{_WIDTH}}" for head in heads) for row in (0, 1)]
    for name in chosen(list(own), ()):
        beaten = [scores.get(name) for floor, scores in shown.items() if floor not in _CEILINGS]
        best = (min if _lower(name) else max)((value for value in beaten if value is not None), default=None)
        values = (own[name], best, *(scores.get(name) for scores in shown.values()), p.get(name))
        lines.append(f"{name:<{_NAME}}" + "".join(f"{_figure(value):>{_WIDTH}}" for value in values))
    return [*lines, *(f"{floor.name}: {floor.absent}" for floor in floors if floor.absent)]


def _two_lines(name: str) -> tuple[str, str]:
    first, _, second = name.partition("_")
    return (first, second) if second else ("", first)


def _lower(name: str) -> bool:
    return "false_alarms" in name or name.startswith("prior_hallucination")


def _figure(value: float | None) -> str:
    return "-" if value is None else format(value, ".4f")
