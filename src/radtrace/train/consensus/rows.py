"""A study's row with other words: its trace is told anew, its film and its regions stay."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from radtrace import __version__
from radtrace.build.annotate import steps_of
from radtrace.build.case import Case
from radtrace.build.shards import SCHEMA, Row, to_row
from radtrace.geometry import Box
from radtrace.records import Region, Report, Stage, Study, Trace
from radtrace.train.consensus.search import told_as
from radtrace.train.consensus.texts import Written

SOURCE = "consensus"
_TOGETHER = 20


def case_of(row: Row, written: Written, usual: Mapping[str, Box]) -> Case:
    """A study's trace with other words. usual: boxes of the regions that the trace itself does not place."""
    old = row.trace
    known = {region.name: region for step in old.steps for region in step.regions}
    mostly = {name: Region(name=name, box=box, view_id=old.view.id, origin="localizer") for name, box in usual.items()}
    report = Report(findings=told_as(written.findings), impression=written.impression)
    detail = (
        f"words most like {written.reports} reports, {written.alike} of studies decided alike; regions that the own "
        "report does not name are where they mostly are"
    )
    provenance = (*old.provenance, Stage(name="consensus", version=__version__, detail=detail))
    trace = Trace(
        study_id=old.study_id,
        view=old.view,
        steps=steps_of(report, mostly | known),
        report=report,
        provenance=provenance,
    )
    study = Study(id=old.study_id, source=SOURCE, views=(old.view,), report=report, labels=row.labels)
    return Case(study, trace, row.film_png, (None,) * len(trace.steps))


def tables_of(cases: Iterable[Case]) -> Iterator[Any]:
    """Their rows as Arrow tables, some at a time."""
    import pyarrow as pa

    group: list[Case] = []
    for case in cases:
        group.append(case)
        if len(group) == _TOGETHER:
            yield pa.Table.from_pylist([to_row(each) for each in group], SCHEMA)
            group = []
    if group:
        yield pa.Table.from_pylist([to_row(each) for each in group], SCHEMA)
