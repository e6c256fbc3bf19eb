"""A trace in the terminal while it is being written."""

from rich.console import Console
from rich.text import Text

from radtrace.decode.events import BoxWritten, CutOff, Event, PictureWritten, StepStarted, Wrote
from radtrace.reader.prepared import Prepared
from radtrace.reader.reading import Reading
from radtrace.records import Finding, Trace

DISCLAIMER = "Research software, not for clinical use."
_LIKELIEST = 5


class Terminal:
    """Writes one trace after another to a console.

    heard: whether anything was told of the trace that is being written.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._part: str | None = None
        self.heard = False

    def title(self, prepared: Prepared) -> None:
        """What is being read, and what it is not for."""
        view = prepared.view
        beside = ", with a lateral film" if prepared.lateral else ""
        self._line(f"{prepared.study.id}", "bold")
        self._line(f"{view.projection} {view.width} x {view.height}{beside}. {DISCLAIMER}", "dim")

    def tell(self, prepared: Prepared, event: Event) -> None:
        """The next event of a trace."""
        if not self.heard:
            self.title(prepared)
            self.heard = True
        if isinstance(event, Wrote):
            self._write(event)
            return
        self._end_part()
        match event:
            case StepStarted(number, place):
                self._line(f"\n{number + 1}  {place}", "bold cyan")
            case BoxWritten(_, text):
                self._line(f"box {text}", "dim")
            case PictureWritten(easel=easel):
                self._line(f"picture, {easel.rows} x {easel.columns} codes", "dim")
            case CutOff(part):
                self._line(f"(the {part} reached their budget)", "yellow")

    def finish(self, reading: Reading) -> None:
        """End the trace; where nothing was told of it, all of it is written now."""
        self._end_part()
        if not self.heard:
            self._whole(reading)
        self.heard = False
        self._sureness(reading.trace)

    def _write(self, event: Wrote) -> None:
        """Text as it comes."""
        if event.part != self._part:
            self._end_part()
            self._part = event.part
            if event.part in ("report", "answer"):
                self._line(f"\n{event.part.capitalize()}", "bold cyan")
        self._console.print(Text(event.text), end="", style="dim" if event.part == "findings" else "")

    def _end_part(self) -> None:
        if self._part is not None:
            self._console.print()
        self._part = None

    def _line(self, text: str, style: str) -> None:
        self._console.print(Text(text), style=style)

    def _sureness(self, trace: Trace) -> None:
        """The likeliest findings, and how many the reader cannot tell."""
        told = [(each.probability, each.label) for each in trace.assessments if each.probability is not None]
        if told:
            likeliest = ", ".join(f"{label} {share:.0%}" for share, label in sorted(told, reverse=True)[:_LIKELIEST])
            self._line(f"\nlikeliest: {likeliest}; not assessed: {len(trace.assessments) - len(told)} findings", "dim")

    def _whole(self, reading: Reading) -> None:
        trace = reading.trace
        self.title(reading.prepared)
        for number, step in enumerate(trace.steps, start=1):
            self._line(f"\n{number}  {', '.join(region.name for region in step.regions) or step.domain}", "bold cyan")
            if step.findings:
                self._line("; ".join(map(_called, step.findings)), "dim")
            self._line(step.rationale, "")
            if step.box:
                self._line(f"box {', '.join(f'{value:.3f}' for value in step.box.xyxy)}", "dim")
            if step.image:
                self._line(f"picture ({step.image.kind})", "dim")
        if trace.report:
            self._line("\nReport", "bold cyan")
            for name in ("findings", "impression"):
                if text := getattr(trace.report, name):
                    self._line(f"{name.upper()}: {text}", "")
        if trace.answer is not None:
            self._line("\nAnswer", "bold cyan")
            self._line(trace.answer, "")


def summary(reading: Reading) -> str:
    """A trace in one line: its steps, and what it says is there."""
    trace = reading.trace
    present = dict.fromkeys(
        finding.label for step in trace.steps for finding in step.findings if finding.status == "present"
    )
    return f"{len(trace.steps)} steps; {', '.join(present) or 'no finding is stated as present'}"


def _called(finding: Finding) -> str:
    return " ".join(part for part in (finding.label, finding.status, finding.severity, finding.laterality) if part)
