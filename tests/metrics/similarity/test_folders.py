import json

import pytest

from radtrace.metrics.similarity.folders import read_tokenizer

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
