"""The rewards of F1-RadGraph on annotated reports: how well two graphs of entities and relations agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

Case = Literal["legacy", "fixed"]


class Entity(TypedDict):
    """A span of words as RadGraph annotates it; relations: (type, the key of the other entity)."""

    tokens: str
    label: str
    relations: Sequence[Sequence[str]]


Graph = Mapping[str, Entity]
"""The entities of one report by their keys: what stands under "entities" in RadGraph's files."""
Fact = tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class Rewards:
    """F1, each 0-1, of: e, the entities; er, the entities and whether they have a relation; ber, with the relations."""

    e: float
    er: float
    ber: float


def rewards(predicted: Graph, wanted: Graph, case: Case = "fixed") -> Rewards:
    """RG_E, RG_ER and RG_ER-bar of two graphs; all are 0 where either has no entity, even where neither has one.

    What is compared are sets of facts, so that what is said twice counts once:

    - e: (tokens, label) of each entity.
    - er: (tokens, label) of an entity without relations, (tokens, label, True) of one with some.
    - ber: (tokens, label) of an entity without relations; for each relation of another, (tokens, label, type, tokens
      of the entity that it leads to).

    Args:    case: "fixed" compares tokens in lower case throughout. "legacy" is the package radgraph 0.1.18 to the
        bit: there tokens are lowered in the relations of ber only, so that "Large" and "large" are two entities in e,
        in er, and in ber as long as they have no relation.
    Source:  Delbrouck et al., "Improving the factual correctness of radiology report generation with semantic
        rewards", 2022, Sec. 3; the package radgraph 0.1.18, `rewards.py` (simple, partial, complete); "fixed": its
        repository's pull request 15.
    """
    if not predicted or not wanted:
        return Rewards(0.0, 0.0, 0.0)
    one, other = (_facts(graph, lowered=case == "fixed") for graph in (predicted, wanted))
    return Rewards(*(_f1(mine, theirs) for mine, theirs in zip(one, other, strict=True)))


def _facts(graph: Graph, *, lowered: bool) -> tuple[set[Fact], set[Fact], set[Fact]]:
    """What a graph says, in the terms of e, er and ber."""
    e: set[Fact] = set()
    er: set[Fact] = set()
    ber: set[Fact] = set()
    for entity in graph.values():
        tokens, label = entity["tokens"].lower() if lowered else entity["tokens"], entity["label"]
        e.add((tokens, label))
        er.add((tokens, label, True) if entity["relations"] else (tokens, label))
        ber |= {
            (entity["tokens"].lower(), label, kind, graph[target]["tokens"].lower())
            for kind, target in entity["relations"]
        } or {(tokens, label)}
    return e, er, ber


def _f1(predicted: set[Fact], wanted: set[Fact]) -> float:
    """F1 of two sets that are not empty, in the package's order of operations."""
    common = len(predicted & wanted)
    precision, recall = common / len(predicted), common / len(wanted)
    return 2 * precision * recall / (precision + recall) if common else 0.0
