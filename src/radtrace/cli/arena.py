"""`radtrace arena`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:
    from radtrace.arena import Battle, Ranking
    from radtrace.arena.agreement import Unit
    from radtrace.arena.battles import Winner

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def arena() -> None:
    """Report arena: pairs of reports are judged, and models ranked by who won (Bradley-Terry).

    A battle is a line {"a": MODEL, "b": MODEL, "winner": "a" | "b" | "tie" | "both_bad"}, with "propensity" (the
    probability with which the pair was drawn), "id" (of the study) and "rater" where they are known.

    \b
    Examples:
      radtrace arena judge recipes/arena.toml --set output=runs/arena
      radtrace arena fit runs/arena/battles.jsonl --html ranking.html
      radtrace arena import votes.csv -o votes.jsonl
      radtrace arena agreement runs/arena/battles.jsonl votes.jsonl
    """


@arena.command()
@click.argument("recipe", type=_FILE)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting of the recipe.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object on stdout.")
def judge(recipe: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Judge pairs of reports from prediction files.

    RECIPE is TOML; docs/arena.md lists its settings. The judge is rules of ours (judge.kind = "rules": nothing is sent
    anywhere) or a chat model (judge.kind = "llm") at the OpenAI-compatible endpoint that RADTRACE_LLM_URL,
    RADTRACE_LLM_MODEL and RADTRACE_LLM_KEY name. The same command goes on where it stopped; what was answered is not
    asked again.

    \b
    Examples:
      radtrace arena judge recipes/arena.toml
      radtrace arena judge recipes/arena.toml --set sampling=paper --set battles=6000
    """
    from radtrace.arena.judging import BATTLES
    from radtrace.arena.judging import judge as run
    from radtrace.arena.recipe import ArenaRecipe
    from radtrace.config import load_recipe
    from radtrace.llm import Endpoint

    loaded = load_recipe(recipe, ArenaRecipe, overrides)
    endpoint = Endpoint.from_environment() if loaded.judge.kind == "llm" else None
    summary = run(loaded, endpoint)
    if as_json:
        click.echo(json.dumps(summary))
        return
    usage = summary["usage"]
    cost = "" if usage["cost"] is None else f", ${usage['cost']:.4f}"
    click.echo(f"{loaded.output / BATTLES}: {summary['battles']} battles by {summary['judge']}")
    click.echo(f"{len(summary['failed'])} failed; {usage['calls']} calls, {usage['tokens']} tokens{cost}")


@arena.command()
@click.argument("battles", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option("--html", type=_FILE, help="Write leaderboard and heat maps as one self-contained page.")
@click.option(
    "--resamples", type=click.IntRange(0, 100_000), default=1000, show_default=True, help="Bootstrap refits; 0: none."
)
@click.option(
    "--ridge", type=click.FloatRange(0, 0.001, min_open=True), default=1e-6, show_default=True, help="Of the scores."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the bootstrap.")
def fit(battles: tuple[Path, ...], as_json: bool, html: Path | None, resamples: int, ridge: float, seed: int) -> None:
    """Rank the models of BATTLES, files of JSON Lines, by weighted Bradley-Terry.

    A tie and both_bad are half a win each; a battle weighs 1 / propensity. Strengths are exp(score) with geometric
    mean 1, so that A beats B with probability A / (A + B). A model that no chain of battles joins to the others has no
    strength, and models that never lost or never won have no interval: both are named.

    \b
    Examples:
      radtrace arena fit battles.jsonl
      radtrace arena fit rules.jsonl humans.jsonl --json > ranking.json
      radtrace arena fit battles.jsonl --html ranking.html --resamples 5000
    """
    from radtrace.arena import fit as rank
    from radtrace.arena import read_battles

    rows = [battle for path in battles for battle in read_battles(path)]
    ranking = rank(rows, ridge, resamples, seed)
    for warning in ranking.warnings:
        click.echo(f"radtrace: {warning}", err=True)
    if html:
        from radtrace.pages.leaderboard import write_leaderboard

        write_leaderboard(ranking, html, title=", ".join(path.name for path in battles))
        click.echo(f"{html}: {len(ranking.models)} models", err=True)
    click.echo(json.dumps(ranking.row()) if as_json else _leaderboard(ranking))


def _leaderboard(ranking: "Ranking") -> str:
    width = max(map(len, ranking.models))
    lines = [f"{'rank':>4}  {'model':<{width}}  {'strength':>9}  {'95% interval':<19}  {'scaled':>6}  battles"]
    for name, fought in zip(ranking.models, ranking.battles.sum(1), strict=True):
        bounds = ranking.bootstrap[name] or ranking.sandwich[name]
        interval = f"{_short(bounds[0])} - {_short(bounds[1])}" if bounds else "-"
        numbers = f"{_short(ranking.strengths[name]):>9}  {interval:<19}  {_short(ranking.scaled[name]):>6}"
        lines.append(f"{ranking.rank[name] or '-':>4}  {name:<{width}}  {numbers}  {fought:7.0f}")
    return "\n".join(lines)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:#.3g}"


@arena.command(name="import")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("-o", "--output", type=_FILE, help="JSON Lines of battles; stdout unless given.")
@click.option("--rater", help="Who judged, where the files do not say.")
def import_(files: tuple[Path, ...], output: Path | None, rater: str | None) -> None:
    """Turn battles and votes from elsewhere into JSON Lines of battles.

    FILES are .json arrays or .jsonl lines as Chatbot Arena has them (model_a, model_b, winner, question_id, judge), or
    .csv and .tsv tables with such columns, LMSYS's winner_model_a, winner_model_b, winner_tie among them. Texts are
    left out. A row that cannot be read is named, and nothing is written.

    \b
    Examples:
      radtrace arena import clean_battle.json -o battles.jsonl
      radtrace arena import votes.csv --rater "reader 1" -o votes.jsonl
    """
    from radtrace.arena import import_battles
    from radtrace.runs import write_atomically

    rows = [_row(battle, rater) for path in files for battle in import_battles(path)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if output is None:
        click.echo(text, nl=False)
        return
    write_atomically(output, text)
    click.echo(f"{output}: {len(rows)} battles", err=True)


def _row(battle: "Battle", rater: str | None) -> dict[str, Any]:
    from dataclasses import asdict

    row = asdict(battle) | {"rater": battle.rater or rater}
    return {key: value for key, value in row.items() if value is not None}


@arena.command()
@click.argument("battles", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def agreement(battles: tuple[Path, ...], as_json: bool) -> None:
    """How far judges and humans agree: Cohen's kappa of each two, Krippendorff's alpha of all.

    BATTLES are files of JSON Lines. Raters are told apart by "rater", or else by file; battles are matched by "id" and
    models, whichever model stood first. Alpha is nominal, and raters may have judged different battles.

    \b
    Examples:
      radtrace arena agreement runs/arena/battles.jsonl reader1.jsonl reader2.jsonl
      radtrace arena agreement votes.jsonl --json
    """
    from radtrace.arena import agreement as compare

    result = compare(_raters(battles))
    click.echo(json.dumps(result) if as_json else _agreement_table(result))


def _raters(files: tuple[Path, ...]) -> "dict[str, dict[Unit, Winner]]":
    from radtrace.arena import by_rater, read_battles, verdicts_of

    found: dict[str, list[Battle]] = {}
    for path in files:
        for name, rows in by_rater(read_battles(path), str(path)).items():
            found.setdefault(name, []).extend(rows)
    if len(found) < 2:
        raise InputError(f"only one rater, {next(iter(found))!r}: agreement needs two")
    return {name: verdicts_of(rows, name) for name, rows in found.items()}


def _agreement_table(result: dict[str, Any]) -> str:
    lines = [f"Krippendorff's alpha {_short(result['alpha'])} over {result['compared']} of {result['units']} battles"]
    for pair in result["pairs"]:
        sided = pair["without_ties"]
        lines.append(
            f"{' / '.join(pair['raters'])}: kappa {_short(pair['kappa'])}, agreement {_short(pair['agreement'])} (n "
            f"{pair['n']}); without ties kappa {_short(sided['kappa'])}, agreement {_short(sided['agreement'])} (n "
            f"{sided['n']})"
        )
    return "\n".join(lines)
