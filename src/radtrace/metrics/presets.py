"""Protocols of the field: how a text is cleaned and cut into words before it is scored."""

from collections.abc import Callable
from dataclasses import dataclass

from radtrace.errors import RecipeError, did_you_mean

Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Preset:
    """One protocol.

    prediction, reference: text -> words joined by blanks, as BLEU, ROUGE-L, METEOR and CIDEr-D read them; clinical
        metrics read the text itself.
    tokens: the name of that cleaning and tokenisation in signatures.
    metrics: what is scored where `--metrics` does not say.
    """

    name: str
    prediction: Clean
    reference: Clean
    tokens: str
    metrics: tuple[str, ...]


def as_it_stands(text: str) -> str:
    """The text itself."""
    return text


PRESETS: dict[str, Preset] = {
    name: Preset(name, as_it_stands, as_it_stands, "raw", ()) for name in ("r2gen", "published", "radeval", "strict")
}


def preset(name: str) -> Preset:
    """The protocol of this name. Raises RecipeError with a hint where there is none."""
    if name not in PRESETS:
        raise RecipeError(f"unknown preset {name!r}: {did_you_mean(name, PRESETS)}")
    return PRESETS[name]
