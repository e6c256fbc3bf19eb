from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from tests import tiny
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import ChameleonConfig, ChameleonVQVAEConfig, Emu3Config
from transformers.models.chameleon.image_processing_pil_chameleon import ChameleonImageProcessorPil
from transformers.models.emu3.image_processing_emu3 import Emu3ImageProcessor

from radtrace.models.emu3 import Emu3Unified
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.models.unified import UnifiedModel
from radtrace.models.vocabulary import code_name, emu3_code_name
from radtrace.models.vqgan import VQGAN

Kind = Literal["chameleon", "emu3"]
Checkpoint = Callable[[Kind], Path]
CODES = 16
SPECIAL: dict[Kind, list[str]] = {
    "chameleon": [
        *("<s>", "<pad>", "</s>", "<unk>"),
        *(code_name((7 * place + 3) % CODES) for place in range(CODES)),  # ids and codes differ, as in Chameleon's
        *("<eoss>", "<racm3:break>", "<image>"),
    ],
    "emu3": [
        *("<|extra_203|>", "<|endoftext|>", "<|extra_204|>", "<image>"),
        *("<|image start|>", "<|image end|>", "<|image token|>", "<|extra_200|>", "<|extra_201|>"),
        *map(emu3_code_name, range(CODES)),
    ],
}
TEXTS = [
    "The heart is mildly enlarged. The lungs are clear.",
    "Small right pleural effusion: 12% of <box>10,20,30,40",
    "</box><image></image></step> </box><image></image></step> </box><image>",  # with pieces across marks
]

TINY = tiny.vq(in_channels=4, channel_multiplier=[1, 1])


@pytest.fixture
def tiny_vq() -> dict[str, Any]:
    """Settings of the smallest VQGAN: GroupNorm takes channels in multiples of 32."""
    return dict(TINY)


@pytest.fixture
def tokenizer() -> ImageTokenizer:
    """16 x 16 pixels, folded by 2, 4 x 4 codes of 16; random weights that half precision holds exactly."""
    torch.manual_seed(0)
    network = VQGAN(ChameleonVQVAEConfig(**TINY)).eval()
    network.load_state_dict({name: tensor.half().float() for name, tensor in network.state_dict().items()})
    return ImageTokenizer(network, side=16, patch=2, sha256="")


def byte_pairs(special: list[str]) -> Tokenizer:
    """A tokenizer as the hub's: byte pairs, special tokens first, none of our marks."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=360, initial_alphabet=alphabet, show_progress=False, special_tokens=special
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(each, special=True, normalized=False) for each in special])
    return tokenizer


def language(vocabulary: dict[str, int], kind: Kind) -> dict[str, Any]:
    names = SPECIAL[kind]
    return {
        "vocab_size": len(vocabulary) + 5, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 1024, "initializer_range": 0.3,
        "bos_token_id": vocabulary[names[0]], "pad_token_id": vocabulary[names[1]],
        "eos_token_id": vocabulary[names[2]],
    }  # fmt: skip


def chameleon(vocabulary: dict[str, int]) -> UnifiedModel:
    """Pictures of 16 x 16 pixels are 8 x 8 codes."""
    vq = TINY | {"in_channels": 3, "resolution": 16}
    config = ChameleonConfig(vq_config=vq, vocabulary_map=vocabulary, **language(vocabulary, "chameleon"))
    return UnifiedModel(config)


def emu3(vocabulary: dict[str, int]) -> Emu3Unified:
    """Pictures keep their shape; a code stands for 8 x 8 pixels, which transformers' processor takes for granted."""
    vq = {
        "codebook_size": CODES, "base_channels": 32, "channel_multiplier": [1, 1, 1, 1], "num_res_blocks": 1,
        "attn_resolutions": [], "hidden_size": 32, "temporal_downsample_factor": 2,
    }  # fmt: skip
    text = language(vocabulary, "emu3")
    return Emu3Unified(Emu3Config(vq_config=vq, text_config=text, vocabulary_map=vocabulary))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Directories in the hub's layout of either kind; not to be written to."""
    made: dict[Kind, Path] = {}

    def saved(kind: Kind) -> Path:
        if kind not in made:
            made[kind] = path = tmp_path_factory.mktemp(kind)
            tokenizer = byte_pairs(SPECIAL[kind])
            vocabulary = tokenizer.get_vocab()
            torch.manual_seed(0)
            (chameleon if kind == "chameleon" else emu3)(vocabulary).save_pretrained(path)
            tokenizer.save(str(path / "tokenizer.json"))
            films = (
                ChameleonImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
                if kind == "chameleon"
                else Emu3ImageProcessor(min_pixels=32 * 32, max_pixels=48 * 48)
            )
            films.save_pretrained(path)
        return made[kind]

    return saved
