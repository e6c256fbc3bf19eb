import json
import os
import subprocess
import sys

import pytest

from radtrace.errors import MissingExtraError
from radtrace.metrics.similarity.folders import local_folder, read_network, read_tokenizer

pytest.importorskip("transformers")


def test_a_tokenizer_is_what_its_file_says(tmp_path):
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁", "▁the", "▁left", "▁lung", "s", "1", "2", "/", "[MASK]"]
    tokenizer = Tokenizer(models.Unigram([(piece, -number / 10) for number, piece in enumerate(pieces)], unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    borders = [("[CLS]", 1), ("[SEP]", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=borders)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "deberta-v2"}), "utf-8")
    settings = {"tokenizer_class": "DebertaV2Tokenizer", "vocab_type": "spm", "model_max_length": 64}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")

    read = read_tokenizer(tmp_path, "ratescore")
    tokens = read.convert_ids_to_tokens(read("The LEFT lungs §²")["input_ids"])
    assert tokens == ["[CLS]", "▁the", "▁left", "▁lung", "s", "▁", "[UNK]", "2", "[SEP]"]
    assert read.convert_tokens_to_string(tokens[2:5]) == "left lungs"
    assert (read.pad_token, read.cls_token, read.sep_token, read.model_max_length) == ("[PAD]", "[CLS]", "[SEP]", 64)


SCRIPT = """
from radtrace.errors import InputError
from radtrace.metrics.similarity.folders import local_folder, weights_digest
print(local_folder("owner/name", "x").name, weights_digest(local_folder("owner/name", "x")))
try:
    local_folder("owner/nothing", "x")
except InputError as error:
    print(error)
"""


def test_a_hub_id_is_a_folder_of_its_cache(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "models--owner--name"
    (kept / "snapshots" / commit).mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    (kept / "snapshots" / commit / "model.safetensors").write_text("abc")
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == [
        f"{commit} ba7816bf8f01",  # the sha256 of "abc" in FIPS 180-2
        "x: owner/nothing: no such folder, and the hub is out of reach",
    ]


def test_without_the_extra_the_line_that_installs_it_is_said(bert, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (
        lambda: read_network(bert, "x"),
        lambda: read_tokenizer(bert, "x"),
        lambda: local_folder("owner/name", "x"),
    ):
        with pytest.raises(MissingExtraError, match=r"x needs the extra 'nets': pip install 'radtrace\[nets\]'"):
            call()
