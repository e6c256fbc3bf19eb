"""The command line: one thin command a file; what is heavy is imported inside the command."""

import errno
import gc
import importlib
import sys
import traceback

import click

from radtrace import __version__
from radtrace.errors import InputError, RadtraceError, did_you_mean, is_out_of_memory, one_line

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("radtrace.cli.demo:demo", "Make phantom studies, read them and open the page."),
    "read": ("radtrace.cli.read:read", "Read chest films: an interleaved trace and a report of each study."),
    "findings": ("radtrace.cli.findings:findings", "What a report says: findings, status, regions, labels."),
    "localize": ("radtrace.cli.localize:localize", "Where the anatomy is on a film."),
    "build": ("radtrace.cli.build:build", "Turn studies into a dataset of interleaved traces."),
    "train": ("radtrace.cli.train:train", "Train one stage of a model."),
    "predict": ("radtrace.cli.predict:predict", "Let a model read a dataset, for scoring."),
    "score": ("radtrace.cli.score:score", "Score predicted reports against reference reports."),
    "compare": ("radtrace.cli.compare:compare", "Whether one model scores better than another, with paired tests."),
    "report": ("radtrace.cli.report:report", "Tables of the papers' shapes, and a page of samples side by side."),
    "arena": ("radtrace.cli.arena:arena", "Judge pairs of reports and rank models by them."),
    "show": ("radtrace.cli.show:show", "Page through traces in one self-contained HTML file."),
}
"""name -> ("module:attr", one line of help)."""
_NO_ROOM = ": make room; the same command goes on where it stopped"
_OUT_OF_MEMORY = "out of memory: give the process more, or it less at a time; the same command goes on where it stopped"


class _Commands(click.Group):
    """Commands that are imported only when they are used, so that `radtrace --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"no command {args[0]!r}: {did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="radtrace")
def cli() -> None:
    """Interleaved vision-language reasoning traces over chest X-rays.

    Research software, not a medical device: never for clinical use without regulatory approval.

    Exit status: 0 finished (rejections are counted on the last line), 1 too many rejections, 2 the input is wrong,
    3 a fault of radtrace, 130 interrupted.
    """


def main() -> None:
    """Run the command line; every error ends in one line and the exit status that says whose fault it is."""
    status = _status()
    gc.freeze()  # what is left ends with the process: with torch, searching it for garbage takes half a second
    sys.exit(status)


def _status() -> int:
    try:
        result = cli.main(standalone_mode=False, prog_name="radtrace")
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; the same command goes on where it stopped", 130)
    except RadtraceError as error:
        return _fail(str(error), error.exit_status)
    except BrokenPipeError:
        sys.stdout = None
        return 0
    except (MemoryError, OSError, ImportError, RuntimeError) as error:
        if is_out_of_memory(error):
            return _fail(_OUT_OF_MEMORY, InputError.exit_status)
        if not isinstance(error, OSError):
            return _fault(error)
        name = f"{error.filename}: " if error.filename else ""
        more = _NO_ROOM if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return _fail(f"{name}{error.strerror or error}{more}", InputError.exit_status)
    except Exception as error:  # the last line of defence
        return _fault(error)
    return result if isinstance(result, int) else 0


def _fault(error: Exception) -> int:
    """A status for the user, for us the way that led there, without the message, which may quote a report."""
    traceback.print_tb(error.__traceback__)
    fault = f"{type(error).__name__}: this is a fault of radtrace; please report it with the lines above"
    return _fail(fault, RadtraceError.exit_status)


def _fail(message: str, status: int) -> int:
    click.echo(f"radtrace: {one_line(message)}", err=True)
    return status
