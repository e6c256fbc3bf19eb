"""Tiny networks of known weights, made anew in each session: what a checkpoint's folder holds, at a millionth of it."""

import json
from pathlib import Path

import numpy as np
import pytest

_WORDS = (
    "the heart lungs is are clear normal no small left right pleural effusion pneumothorax mild cardiomegaly in of a "
    "there seen size unchanged basilar atelectasis with base lower lobe opacity and ##ly ##s . , - ("
)

TYPES = ("ABNORMALITY", "NON-ABNORMALITY", "DISEASE", "NON-DISEASE", "ANATOMY")
LABELS = {
    "heart": "B-ANATOMY",
    "size": "I-ANATOMY",
    "lungs": "B-ANATOMY",
    "left": "B-ANATOMY",
    "right": "B-ANATOMY",
    "basilar": "I-ANATOMY",
    "lower": "B-ANATOMY",
    "lobe": "I-ANATOMY",
    "small": "B-ABNORMALITY",
    "opacity": "B-ABNORMALITY",
    "unchanged": "I-ABNORMALITY",
    "normal": "B-NON-ABNORMALITY",
    "clear": "B-NON-ABNORMALITY",
    "pneumothorax": "B-NON-DISEASE",
    "pleural": "B-DISEASE",
    "effusion": "I-DISEASE",
    "atelectasis": "B-DISEASE",
    "mild": "B-DISEASE",
    "cardiomegaly": "I-DISEASE",
    "[SEP]": "I-DISEASE",
}
"""What `write_ner` calls a word; an I- may stand without its B-, and what is open at a sentence's end stays open."""


def vocabulary() -> list[str]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + [str(digit) for digit in range(10)]
    return [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *_WORDS.split(),
        *letters,
        *(f"##{letter}" for letter in letters),
    ]


def fill(network, seed: int, scale: float = 0.3) -> None:
    """The same weights everywhere: NumPy's legacy generator never changes its stream."""
    import torch

    draw = np.random.RandomState(seed)
    with torch.no_grad():
        for name, weights in sorted(network.named_parameters()):
            size = scale / 5 if name.endswith("bias") else scale
            values = torch.from_numpy(draw.standard_normal(tuple(weights.shape)).astype(np.float32)) * size
            weights.copy_(values + 1 if "LayerNorm.weight" in name or "layer_norm.weight" in name else values)


def write_bert(folder: Path, seed: int = 1, layers: int = 3, positions: int = 48, scale: float = 0.3) -> Path:
    """A BERT of 16 units with WordPieces."""
    from transformers import BertConfig, BertModel

    folder.mkdir()
    vocab = vocabulary()
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=positions,
    )
    network = BertModel(config)
    fill(network, seed, scale)
    network.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", "utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": positions}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def write_ner(folder: Path) -> Path:
    """A BERT that gives each word the label of `LABELS`, by RaTE-NER's eleven; its layer passes words through."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    labels = ["O", *(f"{place}-{kind}" for kind in TYPES for place in "BI")]
    write_bert(folder, layers=1)
    network = BertForTokenClassification(BertConfig.from_pretrained(folder, id2label=dict(enumerate(labels))))
    with torch.no_grad():
        for name, weights in network.named_parameters():
            weights.fill_(float("LayerNorm.weight" in name))
        for row, word in enumerate(vocabulary()):
            network.bert.embeddings.word_embeddings.weight[row, labels.index(LABELS.get(word, "O"))] = 1.0
        network.classifier.weight[:, : len(labels)] = torch.eye(len(labels))
    network.save_pretrained(folder)
    return folder


def write_roberta(folder: Path, seed: int = 2, positions: int = 50) -> Path:
    """A RoBERTa of 16 units and 6 layers with byte-level pairs; blanks are part of its tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import RobertaConfig, RobertaModel

    folder.mkdir()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "t"), ("Ġt", "h"), ("Ġth", "e"), ("e", "a"), ("h", "ea"), ("n", "o"), ("Ġ", "no"), ("l", "ea")]
    joined = ["".join(pair) for pair in merges]
    vocab = {token: number for number, token in enumerate([*specials, *alphabet, *joined])}
    config = RobertaConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=6,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=positions,
        type_vocab_size=1,
    )
    network = RobertaModel(config)
    fill(network, seed)
    network.save_pretrained(folder)
    Tokenizer(models.BPE(vocab=vocab, merges=merges)).model.save(str(folder))
    settings = {"model_max_length": positions - 2}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> Path:
    return write_bert(tmp_path_factory.mktemp("networks") / "tiny-bert")


@pytest.fixture(scope="session")
def roberta(tmp_path_factory) -> Path:
    return write_roberta(tmp_path_factory.mktemp("networks") / "tiny-roberta")


@pytest.fixture(scope="session")
def rate(tmp_path_factory) -> str:
    """The two networks of RaTEScore as --checkpoint names them."""
    folder = tmp_path_factory.mktemp("networks")
    return f"{write_ner(folder / 'tiny-ner')},{write_bert(folder / 'tiny-encoder', seed=4, layers=2, scale=0.6)}"
