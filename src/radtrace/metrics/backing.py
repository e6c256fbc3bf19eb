"""What metrics that read by a network or a chat model stand on: local checkpoints, and a judge at an endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from radtrace.config import Settings, load_recipe
from radtrace.errors import InputError, did_you_mean
from radtrace.llm import AskSettings, Cache, Chat, ClientSettings, Endpoint, Material, cache_folder


class JudgeRecipe(Settings):
    """A chat model as a judge: the TOML file of `--judge`.

    material: what the texts are and by what right they are sent. ask, client: how the endpoint is asked.
    """

    material: Material
    ask: AskSettings = AskSettings()
    client: ClientSettings = ClientSettings()


@dataclass(frozen=True, slots=True)
class Judge:
    """An open chat. model: its name, for signatures; concurrency: questions at once."""

    chat: Chat
    material: Material
    model: str
    concurrency: int


@dataclass(frozen=True, slots=True)
class Backing:
    """What the user named. checkpoints: metric -> a local directory or file, or a hub id."""

    checkpoints: Mapping[str, str] = field(default_factory=dict)
    judge: Judge | None = None

    def checkpoint(self, name: str, how: str) -> str:
        """The checkpoint of a metric. Raises InputError with `how`, one line on how to get it, where none is named."""
        if name not in self.checkpoints:
            raise InputError(f"{name}: no checkpoint: {how}; then --checkpoint {name}=PATH")
        return self.checkpoints[name]

    def asked(self, name: str) -> Judge:
        """The judge. Raises InputError where none is named."""
        if self.judge is None:
            raise InputError(f"{name}: needs a chat model: --judge RECIPE.toml, see docs/score.md")
        return self.judge


CHECKPOINTS = ("bertscore", "chexbert", "green", "radgraph", "ratescore", "sem", "tokenizer")
"""What checkpoints are named for; tokenizer: the floor of that name."""


def read_checkpoints(given: Sequence[str]) -> dict[str, str]:
    """NAME=PATH, several times -> name -> path.

    Raises:  InputError for what is not of this form, a doubled name, and one that no metric reads.
    """
    found: dict[str, str] = {}
    for each in given:
        name, separator, path = each.partition("=")
        if not (name and separator and path) or name in found:
            raise InputError(f"--checkpoint {each!r}: write it as NAME=PATH, each name once")
        if name not in CHECKPOINTS:
            raise InputError(f"--checkpoint: unknown name {name!r}: {did_you_mean(name, CHECKPOINTS)}")
        found[name] = path
    return found


@contextmanager
def judged_by(path: Path | None) -> Iterator[Judge | None]:
    """The judge of a recipe at the endpoint that the environment names, closed at the end; None without a recipe."""
    if path is None:
        yield None
        return
    recipe = load_recipe(path, JudgeRecipe)
    endpoint = Endpoint.from_environment()
    with Chat(endpoint, Cache(cache_folder()), recipe.material, recipe.ask, recipe.client) as chat:
        yield Judge(chat, recipe.material, endpoint.model, recipe.client.concurrency)
