"""The shared data model: frozen, strict records without pixels and without torch.

What is persisted carries `schema_version`.
"""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from radtrace.geometry import Box

SchemaVersion = Literal[1]
"""Of what is persisted; a reader refuses a version that it does not know."""

Projection = Literal["PA", "AP", "frontal", "lateral", "unknown"]
"""`frontal`: PA or AP, the source does not say which."""

Status = Literal["present", "absent", "uncertain"]
Severity = Literal["mild", "moderate", "severe"]
Laterality = Literal["right", "left", "bilateral"]
Change = Literal["new", "improved", "worse", "stable", "resolved"]
Domain = Literal["mediastinal", "lung", "bone", "other", "general"]
"""MMRad-IVL Sec. 2.1 names the first four; `general` holds the words that belong to no place."""

Origin = Literal["radiologist", "dataset", "localizer", "model"]
FRONTAL: frozenset[Projection] = frozenset({"PA", "AP", "frontal"})


class Record(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(Record):
    """One image of a study.

    width, height: pixels of the original film, whose aspect the words and boxes are about; a stored file may be
    smaller or squashed. None where only the file knows.
    mm_per_pixel: of the original film.
    sha256: hex digest of the file's bytes.
    """

    id: str
    uri: str
    projection: Projection = "unknown"
    width: PositiveInt | None = None
    height: PositiveInt | None = None
    mm_per_pixel: PositiveFloat | None = None
    sha256: str | None = None

    @property
    def is_frontal(self) -> bool:
        """Whether the source says that this is a frontal film."""
        return self.projection in FRONTAL


class Report(Record):
    """A radiology report by its sections; an absent section is empty."""

    findings: str = ""
    impression: str = ""
    indication: str = ""
    comparison: str = ""
    technique: str = ""


class Span(Record):
    """Half-open range of characters [start, end) of the text that it came from."""

    start: NonNegativeInt
    end: PositiveInt

    @model_validator(mode="after")
    def _check_order(self) -> "Span":
        if self.start >= self.end:
            raise ValueError(f"empty span {self.start}-{self.end}")
        return self

    def shifted(self, by: int) -> "Span":
        """The same characters in a text that has `by` more of them in front."""
        return Span(start=self.start + by, end=self.end + by)


class Finding(Record):
    """One thing that a report says about a film.

    label: a name of `radtrace.anatomy.FINDINGS`.
    change: against an earlier film, as the words say. "resolved" is of what is absent, the others of what is there.
    regions: names of `radtrace.anatomy.REGIONS`.
    span: where the words stand in the text that was read; in a `Step`, in its rationale. None if there are no words.
    """

    label: str
    status: Status
    severity: Severity | None = None
    laterality: Laterality | None = None
    change: Change | None = None
    regions: tuple[str, ...] = ()
    span: Span | None = None


class Region(Record):
    """A named place in a view. box: None where nobody located it."""

    name: str
    box: Box | None
    view_id: str
    origin: Origin


class Label(Record):
    """A finding that the source itself states, apart from any report: a reference for evaluation.

    label: a name of `radtrace.anatomy.FINDINGS`.
    box: where it was drawn; None for a label of the whole view. That a finding has no box says nothing about it.
    phrase: the words that the box was drawn for, empty where there are none.
    """

    label: str
    status: Status = "present"
    box: Box | None = None
    view_id: str
    origin: Origin
    phrase: str = ""


def _not_all(split: str) -> str:
    if split == "all":
        raise ValueError("a split cannot be called 'all', which means every split")
    return split


SplitName = Annotated[str, Field(pattern=r"^\w{1,64}$"), AfterValidator(_not_all)]
"""What a split may be called: it becomes a file's name and a name that `datasets` reads."""


class Study(Record):
    """Films and report of one examination, as a source gives them.

    regions: the boxes of anatomy that the source itself has.
    labels: the findings that it states, with or without boxes.
    split: the source's own split, if it has one.
    prior: id of an earlier study of the patient.
    notes: what the source left out of the study, for its trace's provenance.
    """

    id: str
    source: str
    patient_id: str | None = None
    views: tuple[View, ...]
    report: Report | None = None
    regions: tuple[Region, ...] = ()
    labels: tuple[Label, ...] = ()
    split: SplitName | None = None
    prior: str | None = None
    notes: tuple[str, ...] = ()


class LocalizedImage(Record):
    """The picture of a step's box: the real film there, or pixels that a model generated.

    kind: crop, the original pixels; zoom, resized into a square with the aspect kept; grid, the original pixels of the
        box grown to a token grid.
    box: the part of the view that it shows; None where a model did not say.
    """

    kind: Literal["crop", "zoom", "grid", "generated"]
    uri: str
    box: Box | None = None


class Step(Record):
    """One look: where, what is said, and the picture.

    rationale: the words, verbatim from the report where the trace was built from one.
    box: hull of the regions' boxes, or of the findings' own where a dataset drew them; None where the words belong to
        no place.
    """

    domain: Domain
    regions: tuple[Region, ...] = ()
    rationale: str
    findings: tuple[Finding, ...] = ()
    box: Box | None = None
    image: LocalizedImage | None = None


class Assessment(Record):
    """How sure a reader is of one finding, whether its report names it or not.

    label: a name of `radtrace.anatomy.FINDINGS`.
    probability: calibrated, that the finding is present; None where the reader cannot tell ("not assessed").
    """

    label: str
    probability: float | None = Field(ge=0, le=1, allow_inf_nan=False)


class Stage(Record):
    """One stage, model or verdict that touched a trace."""

    name: str
    version: str
    detail: str = ""


class Trace(Record):
    """Interleaved reasoning over one view of a study, and its conclusion (MMRad-IVL Sec. 2).

    assessments: a reader's confidence, each finding once; empty where none is stated.
    """

    schema_version: SchemaVersion = 1
    study_id: str
    view: View
    steps: tuple[Step, ...]
    report: Report | None = None
    answer: str | None = None
    assessments: tuple[Assessment, ...] = ()
    provenance: tuple[Stage, ...] = ()

    @model_validator(mode="after")
    def _check_assessments(self) -> "Trace":
        labels = [each.label for each in self.assessments]
        doubled = next((label for at, label in enumerate(labels) if label in labels[:at]), None)
        if doubled is not None:
            raise ValueError(f"{doubled!r} is assessed twice")
        return self


class Question(Record):
    """A question about a study. answer: the reference; options: empty for an open question."""

    kind: str
    text: str
    options: tuple[str, ...] = ()
    answer: str | None = None


class Rejected(Record):
    """A case that became no trace, and why. The reason carries ids and file names, never report text."""

    schema_version: SchemaVersion = 1
    study_id: str
    stage: str
    reason: str = Field(min_length=1)
