"""Recipes (one pydantic model a command, TOML, `--set a.b=c`) and the tables of names that recipes may use."""

import hashlib
import importlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from radtrace.errors import RecipeError, did_you_mean

SOURCES: dict[str, str] = {
    "openi": "radtrace.sources.openi:OpenI",
    "table": "radtrace.sources.table:Table",
    "nih_boxes": "radtrace.sources.nih_boxes:NihBoxes",
    "dicom": "radtrace.sources.dicom:Dicom",
    "coco": "radtrace.sources.coco:Coco",
    "ms_cxr": "radtrace.sources.ms_cxr:MsCxr",
    "gemex_thinkvg": "radtrace.sources.gemex_thinkvg:GemexThinkVG",
    "films": "radtrace.sources.films:Films",
    "phantoms": "radtrace.sources.phantoms:Phantoms",
}
"""Dataset readers: name -> "module:attr"."""

DIALECTS: dict[str, str] = {
    "radtrace": "radtrace.dialects.canonical:Canonical",
    "mmrad": "radtrace.dialects.mmrad:MMRad",
    "deepmedix": "radtrace.dialects.deepmedix:DeepMedix",
    "chestx": "radtrace.dialects.chestx:ChestX",
    "boxmed": "radtrace.dialects.boxmed:BoxMed",
}
"""How a trace is written for and by a model: name -> "module:attr"."""


class Settings(BaseModel):
    """A part of a recipe: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Recipe(Settings):
    """All settings of one command.

    INCIDENTAL: top-level settings that change where or how fast a run works, never what it makes.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output"})

    def resolved(self) -> dict[str, Any]:
        """JSON-ready settings, defaults filled in, that decide what the run makes."""
        return self.model_dump(mode="json", exclude=set(self.INCIDENTAL))

    def digest(self) -> str:
        """sha256 of the resolved settings."""
        return hashlib.sha256(json.dumps(self.resolved(), sort_keys=True).encode()).hexdigest()


SettingsT = TypeVar("SettingsT", bound=Settings)


def load_recipe(path: Path, model: type[SettingsT], overrides: Sequence[str] = ()) -> SettingsT:
    """Read a TOML recipe, apply `a.b=c` overrides, and validate.

    Raises:  RecipeError, naming the file and each wrong setting.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not a TOML recipe: {error}") from error
    for override in overrides:
        _apply(values, override)
    return settings(model, values, where=str(path))


def settings(model: type[SettingsT], values: Mapping[str, Any], where: str, prefix: str = "") -> SettingsT:
    """Validate settings. Raises RecipeError in one line: `where: setting: what is wrong`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_explain(model, problem, prefix) for problem in error.errors(include_url=False)]
        raise RecipeError(f"{where}: {'; '.join(problems)}") from error


def resolve(table: Mapping[str, str], name: str, kind: str) -> Any:
    """The object that a name of a table, or a "module:attr" path of the user's own, stands for.

    Raises:  RecipeError with a hint where the name is unknown or the path leads nowhere.
    """
    path = table.get(name, name)
    module, separator, attribute = path.partition(":")
    if not separator:
        raise RecipeError(f"unknown {kind} {name!r}: {did_you_mean(name, table)}; or a module:attr path")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise RecipeError(f"{kind} {name!r}: there is no module {error.name!r}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise RecipeError(f"{kind} {name!r}: {error}") from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise RecipeError(f"--set {override!r}: write it as a.b=value")
    *parents, leaf = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise RecipeError(f"--set {override!r}: {parent!r} is a value, not a group of settings")
    values[leaf] = _toml_value(text)


def _toml_value(text: str) -> Any:
    """A number, boolean, list … as TOML writes it; anything else is a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"] if len(parsed) == 1 else text
    return value if isinstance(value, str | bool | int | float | list | dict) else text


def _explain(model: type[BaseModel], problem: Any, prefix: str) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = model.model_fields if len(problem["loc"]) == 1 else ()
        hint = did_you_mean(str(problem["loc"][-1]), known) if known else "there is no such setting"
        return f"unknown setting {prefix + place!r}: {hint}"
    return f"{prefix}{place}: {problem['msg'].removeprefix('Value error, ')}"
