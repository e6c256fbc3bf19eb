"""A local causal language model: a folder or hub id of safetensors, asked greedily in batches of bounded size."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radtrace.errors import InputError, MissingExtraError
from radtrace.runs import progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Causal:
    """A loaded model. digest: first 12 digits of the sha256 of its weights, files in order of their names."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    digest: str

    @property
    def dtype(self) -> str:
        """As signatures write it."""
        return str(self.model.dtype).removeprefix("torch.")

    def complete(self, prompts: Sequence[str], longest: int, batch: int) -> list[str | None]:
        """What the model writes after each prompt, greedily, special tokens and blanks before stops left out.

        A prompt is closed by the end-of-text token, which GREEN's own tokenizer setting (`add_eos_token`) does too.

        Args:    longest: tokens of the prompt, padding and answer together; batch: prompts at once.
        Returns: None where the prompt leaves no room for an answer.
        """
        answers: list[str | None] = []
        with progress("prompts", len(prompts)) as advance:
            for start in range(0, len(prompts), batch):
                rows = [self._closed(prompt) for prompt in prompts[start : start + batch]]
                written = iter(self._batch([row for row in rows if len(row) < longest], longest))
                answers += [next(written) if len(row) < longest else None for row in rows]
                advance(len(rows))
        return answers

    def _closed(self, prompt: str) -> list[int]:
        end = self.tokenizer.eos_token_id
        row: list[int] = list(self.tokenizer(prompt)["input_ids"])
        return row if row[-1:] == [end] else [*row, end]

    def _batch(self, rows: Sequence[Sequence[int]], longest: int) -> list[str]:
        import torch

        if not rows:
            return []
        end = int(self.tokenizer.eos_token_id)
        width = max(map(len, rows))
        ids = torch.tensor([[end] * (width - len(row)) + list(row) for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        model: Any = self.model
        with torch.inference_mode():
            written = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_length=longest,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
            )
        texts: list[str] = self.tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
        return [self.tokenizer.clean_up_tokenization(text) for text in texts]


def load_causal(given: str, metric: str) -> Causal:
    """The model of a folder or hub id: half precision on a GPU, single on a CPU; code and pickles are not read.

    `tokenizer.json` is taken as it stands. By the class that a Llama checkpoint names, transformers 5 would make a
    tokenizer anew, which leaves out the blank after a special token that older checkpoints were trained with.

    Raises:  InputError naming what was given where it cannot be loaded, MissingExtraError.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
    except ModuleNotFoundError as error:
        raise MissingExtraError("nets", metric) from error
    folder = _folder(given, metric)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    only: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float16 if device == "cuda" else torch.float32, **only
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(f"{metric}: {given}: no causal language model ({type(error).__name__})") from error
    if tokenizer.eos_token_id is None:
        raise InputError(f"{metric}: {given}: its tokenizer has no end-of-text token")
    return Causal(model.to(device).eval(), tokenizer, _digest(folder))


def _folder(given: str, metric: str) -> Path:
    """Where the files lie; those of a hub id are fetched, the weights last."""
    path = Path(given).expanduser()
    is_hub_id = given.count("/") == 1 and not given.startswith((".", "/", "~"))
    if not path.is_dir() and not is_hub_id:
        raise InputError(f"{metric}: {given}: no such folder, and no hub id")
    folder = path if path.is_dir() else _fetched(given, "*.json", metric)
    if not (folder / _TOKENIZER).is_file():
        raise InputError(f"{metric}: {given}: has no {_TOKENIZER}, see docs/score.md on how to make one")
    return folder if path.is_dir() else _fetched(given, "*.safetensors", metric)


def _fetched(repository: str, files: str, metric: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=files))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(f"{metric}: {repository}: not to be had from the hub ({type(error).__name__})") from error


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while piece := file.read(1 << 24):
                whole.update(piece)
    return whole.hexdigest()[:12]
