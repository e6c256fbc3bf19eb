"""`radtrace read`."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from radtrace.errors import InputError, one_line

if TYPE_CHECKING:
    from radtrace.reader import Reader, Reading
    from radtrace.reader.keeping import Readings
    from radtrace.reader.terminal import Terminal
    from radtrace.records import Rejected, Study, Trace
    from radtrace.sources.films import Films


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: readings]")
@click.option("--model", default="bundled", show_default=True, help="bundled, a checkpoint's directory, or a hub id.")
@click.option(
    "--visual",
    type=click.Choice(["draft", "generate", "insert", "none"]),
    default="draft",
    show_default=True,
    help="Each step's picture: drafted from the film and verified, generated, the film itself, or none.",
)
@click.option(
    "--picture",
    type=click.Choice(["grid", "zoom"]),
    default="zoom",
    show_default=True,
    help="Whole cells of the film's own codes, or the box seen larger.",
)
@click.option(
    "--samples", type=click.IntRange(1, 64), default=4, show_default=True, help="Traces, of which one is made."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draws.")
@click.option("--study", metavar="ID", help="All films are of one study, called ID.")
@click.option("--prior", type=click.Path(path_type=Path, dir_okay=False), help="An earlier film of the one study.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a study on stdout; no files unless -o is given.")
@click.option("--open", "open_page", is_flag=True, help="Open the (first) page in the browser.")
@click.option("--force", is_flag=True, help="Read again what was read before.")
@click.option("--strict", is_flag=True, help="Exit status 1 if any study was rejected.")
def read(
    paths: tuple[Path, ...],
    output: Path | None,
    model: str,
    visual: str,
    picture: str,
    samples: int,
    seed: int,
    study: str | None,
    prior: Path | None,
    as_json: bool,
    open_page: bool,
    force: bool,
    strict: bool,
) -> int:
    """Read chest films: an interleaved trace and a report of each study. Research software, not for clinical use.

    PATHS are DICOM, PNG or JPEG films, each a study called by its stem (DICOM files of one study stay together), or
    folders, in which each subfolder is a study called by its name. The output folder gets <study>.trace.json and the
    page <study>.html of each study, and rejected.jsonl: a study is read, or stands there with the reason. Interrupted,
    the same command goes on; what the same model has read of the same films is not read again.

    \b
    Examples:
      radtrace read film.dcm --open
      radtrace read films/ -o readings
      radtrace read frontal.png lateral.png --study 1001
      radtrace read films/ --visual none --json > traces.jsonl
    """
    from radtrace.cli.loading import unswept

    with unswept():
        from radtrace.reader import Manner, load_reader
        from radtrace.sources.films import Films

    if as_json and open_page and not output:
        raise InputError("--open: with --json there is a page only where -o says")
    source = Films(paths=paths, study=study, prior=prior)
    studies = list(source.studies())
    manner = Manner.model_validate({"visual": visual, "picture": picture, "samples": samples, "seed": seed})
    folder = None if as_json and not output else output or Path("readings")
    with unswept():
        loaded = load_reader(model, manner)
    with loaded as reader:
        work = _Work(reader, source, folder, as_json)
        work.run(studies, force)
    if open_page and work.page:
        from radtrace.cli.paging import open_in_browser

        open_in_browser(work.page)
    click.echo(work.account(), err=True)
    if work.rejected == len(studies):
        return InputError.exit_status
    return 1 if strict and work.rejected else 0


@dataclass(slots=True)
class _Work:
    """One run. page: the first one; known: studies that were read before."""

    reader: "Reader"
    source: "Films"
    folder: Path | None
    as_json: bool
    page: Path | None = None
    read: int = 0
    known: int = 0
    rejected: int = 0

    def run(self, studies: "Sequence[Study | Rejected]", force: bool) -> None:
        """Read the studies and keep what is read, one after the other."""
        from rich.console import Console

        from radtrace.reader import Reading
        from radtrace.reader.keeping import Readings, split_known
        from radtrace.reader.terminal import Terminal
        from radtrace.runs import progress

        readings = Readings(self.folder) if self.folder else None
        left = list(studies)
        if readings:
            readings.begin(studies)
            before, left = ([], left) if force else split_known(readings, studies, self.source, self.reader.stage)
            for trace in before:
                self._tell_known(trace, readings)
        live = Terminal(Console(highlight=False)) if len(studies) == 1 and not self.as_json else None
        with nullcontext(int) if len(studies) == 1 else progress("studies", len(studies), self.known) as advance:
            for outcome in self.reader.read_all(left, self.source, live.tell if live else None):
                if isinstance(outcome, Reading):
                    self._keep(outcome, readings, live)
                else:
                    self._refuse(outcome, readings)
                advance(1)

    def account(self) -> str:
        """What became of the studies."""
        said = [f"{self.read} read", *([f"{self.known} were read before"] if self.known else [])]
        where = f"; see {self.folder / 'rejected.jsonl'}" if self.rejected and self.folder else ""
        return f"{', '.join(said)}; rejected: {self.rejected}{where}"

    def _keep(self, reading: "Reading", readings: "Readings | None", live: "Terminal | None") -> None:
        from radtrace.cli.paging import reading_view
        from radtrace.pages import write_page
        from radtrace.reader.terminal import summary

        trace = reading.trace
        self.read += 1
        if readings:
            page = readings.page(trace.study_id)
            write_page([reading_view(reading)], page, title=f"{trace.study_id}: read by radtrace")
            readings.keep(trace)
            self.page = self.page or page
        if live:
            live.finish(reading)
            click.echo(f"\n{self.page}: the page")
        elif self.as_json:
            click.echo(trace.model_dump_json())
        else:
            click.echo(f"{trace.study_id}: {summary(reading)}")

    def _refuse(self, rejected: "Rejected", readings: "Readings | None") -> None:
        self.rejected += 1
        click.echo(f"radtrace: {one_line(f'{rejected.study_id}: {rejected.reason}')}", err=True)
        if readings:
            readings.refuse(rejected)
        if self.as_json:
            click.echo(rejected.model_dump_json())

    def _tell_known(self, trace: "Trace", readings: "Readings") -> None:
        self.known += 1
        self.page = self.page or readings.page(trace.study_id)
        if self.as_json:
            click.echo(trace.model_dump_json())
        else:
            click.echo(f"{readings.page(trace.study_id)}: read before; --force reads it again")
