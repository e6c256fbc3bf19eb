"""The package radgraph as an annotator: a checkpoint of this disk or of the hub -> graphs of reports."""

import json
import re
import sys
import tarfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from shutil import copyfile, copytree
from tempfile import TemporaryDirectory
from typing import Any

from radtrace.errors import InputError, MissingExtraError
from radtrace.metrics.clinical.checkpoints import digest, encodable, find_weights, hub_repository
from radtrace.metrics.clinical.radgraph_reward import Graph
from radtrace.runs import progress

EXTRA = "radgraph"
HOW = (
    "radgraph-xl.tar.gz or radgraph.tar.gz of StanfordAIMI/RRG_scorers on the hub, as it is or unpacked, or that hub id"
)
"""How to get a checkpoint."""
MODELS = ("radgraph", "radgraph-xl")
"""Those of the models that annotate beside transformers 5 as they did beside 4."""
WEIGHTS = ("weights.th", "radgraph-xl.tar.gz", "radgraph.tar.gz")
ENCODER = "encoder"
"""In a folder of weights: the folder with the config.json and the tokeniser of the BERT that config.json names."""
LONGEST = 600
"""Words and marks of a text that are read. Memory grows with their square: 4 GB for 600 at the published size, so that
a model that repeats itself for 3,000 words would take 100."""
_WORD = re.compile(r"\w+|[^\w\s]")
_LABELS = "__ner_labels.txt"


@dataclass(slots=True)
class Radgraph:
    """RadGraph's network as the package runs it, one text at a time, of which the first `LONGEST` words are read.

    model: "radgraph", "radgraph-xl" …, whose words and labels it has; package: with its version; checkpoint: sha256 of
    weights.th, 12 digits.
    """

    network: Any
    model: str
    package: str
    checkpoint: str
    _last: dict[str, Graph] = field(default_factory=dict, repr=False)

    def annotate(self, texts: Sequence[str]) -> list[Graph]:
        """The graph of each text, each different one read once; those of the last call are remembered."""
        graphs = {text: self._last[text] for text in texts if text in self._last}
        new = [text for text in dict.fromkeys(texts) if text not in graphs]
        with progress("texts", len(new)) as advance:
            for text in new:
                graphs[text] = self._graph(text)
                advance(1)
        self._last = graphs
        return [graphs[text] for text in texts]

    def _graph(self, text: str) -> Graph:
        import torch

        with _quiet(), torch.inference_mode():
            graph: Graph = self.network([encodable(shortened(text))])["0"]["entities"]
        return graph


def shortened(text: str) -> str:
    """A text up to the end of its last word or mark that is read."""
    ends = [word.end() for word in islice(_WORD.finditer(text), LONGEST + 1)]
    return text if len(ends) <= LONGEST else text[: ends[LONGEST - 1]]


@lru_cache(maxsize=1)
def load_radgraph(given: str) -> Radgraph:
    """The network of a folder (config.json, weights.th, vocabulary), of such an archive, or of a hub id.

    owner/name is the hub's radgraph-xl.tar.gz there, owner/name/FILE another. The tokeniser and the settings of BERT
    are those of the folder `ENCODER` beside the weights; without it those of the name in config.json, from the hub's
    cache, and from the hub itself only where the weights come from there.

    Raises:  InputError where something is absent, damaged or does not fit; MissingExtraError.
    """
    found = find_weights(given, WEIGHTS, "radgraph")
    if found.name == WEIGHTS[0]:
        return _loaded(found.parent, local=True)
    with TemporaryDirectory() as unpacked:
        try:
            with tarfile.open(found) as archive:
                archive.extractall(unpacked, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise InputError(f"radgraph: {found}: damaged, or no tar archive") from error
        return _loaded(Path(unpacked), local=not hub_repository(given))


def _loaded(folder: Path, *, local: bool) -> Radgraph:
    """The network of an unpacked folder; local: the hub is not to be asked."""
    try:
        with _quiet():
            from radgraph import RadGraph
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, "radgraph") from error
    model = _model_of(folder)
    encoder = _encoder_of(folder)
    with TemporaryDirectory() as staged, _quiet(), _lent(encoder, local=local):
        try:
            _stage(folder, Path(staged) / model)
            network = RadGraph(model_type=model, model_cache_dir=staged)
        except Exception as error:  # the package raises whatever its parts meet
            raise InputError(f"radgraph: {folder}: the package cannot load it ({type(error).__name__})") from error
    return Radgraph(network, model, f"radgraph {version('radgraph')}", digest(folder / WEIGHTS[0]))


@contextmanager
def _quiet() -> Iterator[None]:
    """What the package prints goes to stderr; its warnings, and its filters of warnings, go nowhere."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _model_of(folder: Path) -> str:
    """The model's name, which the files of its labels carry. Raises InputError where they do not."""
    names = [path.name.removesuffix(_LABELS) for path in (folder / "vocabulary").glob(f"*{_LABELS}")]
    if len(names) != 1 or names[0] not in MODELS:
        raise InputError(f"radgraph: {folder}/vocabulary: no labels of {', '.join(MODELS)}")
    return names[0]


def _encoder_of(folder: Path) -> str:
    """The folder or the hub id of the encoder's settings and tokeniser."""
    if (folder / ENCODER).is_dir():
        return str(folder / ENCODER)
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        return str(config["model"]["embedder"]["token_embedders"]["bert"]["model_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"radgraph: {folder}: its config.json names no encoder") from error


def _stage(folder: Path, staged: Path) -> None:
    """Where the package looks for a model; it locks what it reads, and the user's folder may be read-only."""
    copytree(folder / "vocabulary", staged / "vocabulary")
    copyfile(folder / "config.json", staged / "config.json")
    (staged / WEIGHTS[0]).symlink_to((folder / WEIGHTS[0]).resolve())


@contextmanager
def _lent(encoder: str, *, local: bool) -> Iterator[None]:
    """While the package builds its network, its encoder and tokeniser come from here.

    The package 0.1.18 would ask the hub for both, and calls two methods of tokenisers that transformers 5 dropped.
    """
    from radgraph.allennlp.common import cached_transformers
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(encoder, local_files_only=local)
        config = AutoConfig.from_pretrained(encoder, local_files_only=local)
    except (OSError, ValueError) as error:
        raise InputError(
            f"radgraph: no encoder {encoder}: put its config.json and vocab.txt into the folder {ENCODER!r} "
            "beside weights.th"
        ) from error
    tokenizer.encode_plus = tokenizer.__call__
    tokenizer.build_inputs_with_special_tokens = lambda ids: [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
    built: Any = AutoModel
    kept = cached_transformers.get, cached_transformers.get_tokenizer
    cached_transformers.get = lambda *_, **__: built.from_config(config)
    cached_transformers.get_tokenizer = lambda *_, **__: tokenizer
    try:
        yield
    finally:
        cached_transformers.get, cached_transformers.get_tokenizer = kept
