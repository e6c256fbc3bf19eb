"""F1-RadGraph: graphs of predictions beside graphs of references, with rewards of our own."""

from collections.abc import Sequence

from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.radgraph_model import HOW, LONGEST, Radgraph, load_radgraph
from radtrace.metrics.clinical.radgraph_reward import Case, Rewards, rewards
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.metrics.scoring import Metric

_PARTS = ("e", "er", "ber")


def radgraph(backing: Backing) -> Metric:
    """`radgraph_e`, `radgraph_er` and `radgraph_ber`, tokens compared in lower case throughout; see `rewards`.

    Each is the mean over the pairs; a failed prediction is 0, and so is one whose graph, or whose reference's graph,
    has no entity. Of the raw text.
    """
    return _metric(backing, "fixed", "radgraph")


def radgraph_legacy(backing: Backing) -> Metric:
    """`radgraph_legacy_e`, `_er` and `_ber`: the same with the cases of letters as in radgraph 0.1.18."""
    return _metric(backing, "legacy", "radgraph_legacy")


def _metric(backing: Backing, case: Case, name: str) -> Metric:
    network = load_radgraph(backing.checkpoint("radgraph", HOW))

    def scores(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        values = _rewards(network, pairs, case)
        said = {
            "case": case,
            "model": network.model,
            "longest": LONGEST,
            "checkpoint": network.checkpoint,
            "package": network.package,
        }
        return [
            mean_score(
                f"{name}_{part}",
                [None if value is None else getattr(value, part) for value in values],
                signature(f"{name}_{part}", **said),
            )
            for part in _PARTS
        ]

    return scores


def _rewards(network: Radgraph, pairs: Sequence[Pair], case: Case) -> list[Rewards | None]:
    """The rewards of each pair, None where it has no reference; nothing is read of a pair that needs no reading."""
    read = [pair for pair in pairs if pair.scored and not pair.failed]
    graphs = iter(network.annotate([text for pair in read for text in (pair.predicted, pair.wanted)]))
    return [
        None if not pair.scored else Rewards(0, 0, 0) if pair.failed else rewards(next(graphs), next(graphs), case)
        for pair in pairs
    ]
