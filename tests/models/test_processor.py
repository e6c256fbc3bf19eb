import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import ChameleonProcessor, Emu3Processor, PreTrainedTokenizerFast
from transformers.models.chameleon.image_processing_pil_chameleon import ChameleonImageProcessorPil
from transformers.models.emu3.image_processing_emu3 import Emu3ImageProcessor

from radtrace.errors import InputError
from radtrace.images import Pixels, load_film
from radtrace.models.load import load_unified
from radtrace.models.processor import load_processor

KINDS = ("chameleon", "emu3")
EMU3 = {
    "image_token": "<image>",
    "boi_token": "<|image start|>",
    "eoi_token": "<|image end|>",
    "image_wrapper_token": "<|image token|>",
    "eof_token": "<|extra_201|>",
}


def drawn(height: int, width: int, seed: int = 0) -> Pixels:
    """A smooth picture: random codes would hang on the last bit of a resampled pixel."""
    coarse = np.random.default_rng(seed).random((4, 4), np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR), np.float32)


def grey(picture: Pixels) -> Image.Image:
    return Image.fromarray(np.rint(picture * 255).astype(np.uint8))


def theirs(path: Path, model: Any, text: str, pictures: list[Image.Image]) -> list[int]:
    """Token ids by transformers' own processor, each placeholder replaced by the code that transformers' model sees."""
    words = {"tokenizer_file": str(path / "tokenizer.json"), "padding_side": "left"}
    if model.config.model_type == "emu3":
        tokenizer = PreTrainedTokenizerFast(
            **words, bos_token="<|extra_203|>", pad_token="<|endoftext|>", extra_special_tokens=EMU3
        )
        processor: Any = Emu3Processor(Emu3ImageProcessor.from_pretrained(path), tokenizer)
        inputs = processor(images=pictures, text=[text], return_tensors="pt")
        codes = model.model.get_image_tokens(inputs["pixel_values"], inputs["image_sizes"])
    else:
        tokenizer = PreTrainedTokenizerFast(**words, bos_token="<s>", pad_token="<pad>")
        seen = (model.config.vq_config.resolution // 2) ** 2
        processor = ChameleonProcessor(ChameleonImageProcessorPil.from_pretrained(path), tokenizer, seen)
        inputs = processor(images=pictures, text="<s>" + text, return_for_text_completion=True, return_tensors="pt")
        codes = model.model.get_image_tokens(inputs["pixel_values"])
    ids = inputs["input_ids"][0]
    ids[ids == tokenizer.convert_tokens_to_ids("<image>")] = codes.flatten().to(ids.dtype)
    return list(ids.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_transformers_own_processor(checkpoint: Any, kind: Any) -> None:
    path = checkpoint(kind)
    model = load_unified(str(path))
    processor = load_processor(str(path), model)
    for height, width in ((20, 31), (64, 40)):
        picture = drawn(height, width)
        expected = theirs(path, model, "The film:<image> The lungs", [grey(picture).convert("RGB")])
        assert processor.tokens(["The film:", picture, " The lungs"]) == expected
        assert processor.tokens(["The film:", grey(picture), " The lungs"]) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_reads_a_batch_as_each_prompt_alone(checkpoint: Any, kind: Any) -> None:
    path = checkpoint(kind)
    model = load_unified(str(path))
    processor = load_processor(str(path), model)
    prompts = [[drawn(30, 20), " The lungs are clear."], ["The heart: ", drawn(24, 24, 1), drawn(24, 48, 2), "?"]]
    batch = processor(prompts)
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["attention_mask"].sum(1).tolist() == [len(processor.tokens(parts)) for parts in prompts]
    with torch.inference_mode():
        positions = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
        together = model(**batch, position_ids=positions).logits[:, -1]
        alone = [model(torch.tensor([processor.tokens(parts)])).logits[0, -1] for parts in prompts]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_codes_become_pictures_by_the_models_own_decoder(checkpoint: Any, kind: Any) -> None:
    path = checkpoint(kind)
    model = load_unified(str(path))
    pictures = load_processor(str(path), model).pictures
    codes = torch.randint(0, pictures.codebook, (5, 2, 3), generator=torch.Generator().manual_seed(0))
    made = pictures.decode(codes)
    assert [each.shape for each in made] == [(2 * pictures.cell, 3 * pictures.cell)] * 5
    assert all(each.min() >= 0 and each.max() <= 1 for each in made)
    if kind == "emu3":
        # after the start, 2, *, 3 and a mark
        rows = torch.tensor([model.images.written(each)[5:] for each in codes])
        whole = model.decode_image_tokens(image_tokens=torch.cat([rows, rows[:, :1]], 1), height=2, width=3)
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (pictures.mean, pictures.std))
        expected = (whole * std + mean).mean(1).clamp(0, 1)
        np.testing.assert_allclose(np.stack(made), expected.detach().numpy(), atol=1e-6)
    again = pictures.encode([drawn(4 * pictures.cell, 2 * pictures.cell)])
    assert again.shape == (1, 4, 2)
    assert int(again.max()) < pictures.codebook


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_is_the_same(checkpoint: Any, kind: Any, tmp_path: Path) -> None:
    model = load_unified(str(checkpoint(kind)))
    before = load_processor(str(checkpoint(kind)), model)
    model.save_pretrained(tmp_path)
    before.save(tmp_path)
    after = load_processor(str(tmp_path), load_unified(str(tmp_path)))
    prompt = ["A film ", drawn(40, 30), " é <image> 12"]
    assert after.tokens(prompt) == before.tokens(prompt)
    assert after.words.pieces == before.words.pieces


def test_text_is_never_a_picture_or_a_special_token(checkpoint: Any) -> None:
    model = load_unified(str(checkpoint("chameleon")))
    processor = load_processor(str(checkpoint("chameleon")), model)
    for text in ("<image>", "</s>", "IMGIMGAZ", "<racm3:break> é"):
        tokens = processor.words.encode(text)
        assert not model.images.reserved.intersection(tokens)
        assert processor.words.decode(tokens) == text


def test_without_an_image_processor_a_film_is_squeezed(checkpoint: Any, tmp_path: Path) -> None:
    path = shutil.copytree(checkpoint("chameleon"), tmp_path / "own")
    (path / "preprocessor_config.json").unlink()
    processor = load_processor(str(path), load_unified(str(path)))
    picture = drawn(16, 16)
    assert torch.equal(processor.codes(picture), processor.pictures.encode([picture])[0])
    assert processor.codes(drawn(40, 20)).shape == (8, 8)
    assert torch.equal(processor.codes(grey(drawn(40, 20)).convert("RGB")), processor.codes(grey(drawn(40, 20))))


def spoilt(path: Path, name: str, change: Any) -> str:
    about = json.loads((path / name).read_text())
    change(about)
    (path / name).write_text(json.dumps(about))
    return str(path)


def swap(about: dict[str, Any]) -> None:
    vocabulary = about["model"]["vocab"]
    vocabulary["Ġthe"], vocabulary["a"] = vocabulary["a"], vocabulary.get("Ġthe", vocabulary["b"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_tokenizer_is_refused_in_one_line(checkpoint: Any, kind: Any, tmp_path: Path) -> None:
    path = shutil.copytree(checkpoint(kind), tmp_path / "spoilt")
    model = load_unified(str(path))
    words = path / "tokenizer.json"
    spoilt(path, "tokenizer.json", swap)
    with pytest.raises(InputError, match="of another checkpoint: 'a' is its token") as error:
        load_processor(str(path), model)
    assert "\n" not in str(error.value)
    shutil.copy(checkpoint("emu3" if kind == "chameleon" else "chameleon") / "tokenizer.json", words)
    with pytest.raises(InputError, match="of another checkpoint"):
        load_processor(str(path), model)
    words.write_text(words.read_text()[:200])
    with pytest.raises(InputError, match="damaged, or no tokenizer"):
        load_processor(str(path), model)
    words.unlink()
    with pytest.raises(InputError, match=r"has no tokenizer\.json"):
        load_processor(str(path), model)


def test_an_image_processor_of_another_checkpoint_is_refused(checkpoint: Any, tmp_path: Path) -> None:
    path = shutil.copytree(checkpoint("chameleon"), tmp_path / "spoilt")
    model = load_unified(str(path))
    spoilt(path, "preprocessor_config.json", lambda about: about["crop_size"].update(height=17))
    with pytest.raises(InputError, match="cuts films to 17 pixels, and a code stands for 2"):
        load_processor(str(path), model)
    (path / "preprocessor_config.json").write_text("{")
    with pytest.raises(InputError, match="image processor cannot be loaded"):
        load_processor(str(path), model)


def test_real_films_are_prepared_as_chameleons(checkpoint: Any, data_dir: Path) -> None:
    # by hand: short edge 512 by Lanczos, the middle 512 x 512, each grey level .0078, less 1
    films = ChameleonImageProcessorPil()
    for path in sorted((data_dir / "hannover_cr").rglob("*.jp*g"))[:3]:
        film = load_film(path)
        picture = grey(film.pixels).convert("RGB")
        width, height = picture.size
        size = (512, int(512 * height / width)) if width < height else (int(512 * width / height), 512)
        small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
        top, left = (small.shape[0] - 512) // 2, (small.shape[1] - 512) // 2
        by_hand = small[top : top + 512, left : left + 512].astype(np.float32) * 0.0078 - 1
        values = films(picture, return_tensors="pt")["pixel_values"][0].numpy()
        np.testing.assert_allclose(values, by_hand.transpose(2, 0, 1), atol=1e-6)
        path = checkpoint("chameleon")
        model = load_unified(str(path))
        assert load_processor(str(path), model).tokens([film.pixels]) == theirs(path, model, "<image>", [picture])
