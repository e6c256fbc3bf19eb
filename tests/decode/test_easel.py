"""Where pictures go: which codes they look at, and that nothing is made smaller silently."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests import tiny
from transformers import ChameleonVQVAEConfig

from radtrace.decode.easel import Crops, box_text, painted, read_box
from radtrace.geometry import Box
from radtrace.images import crop, resized
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.models.vqgan import VQGAN


@pytest.fixture(scope="module")
def tokenizer() -> ImageTokenizer:
    """32 x 32 pixels, 16 x 16 codes."""
    torch.manual_seed(0)
    settings = ChameleonVQVAEConfig(**tiny.vq(resolution=32, channel_multiplier=[1, 1]))
    return ImageTokenizer(VQGAN(settings).eval(), side=32, patch=1, sha256="")


def crops(tokenizer: ImageTokenizer, **settings: Any) -> Crops:
    film = np.random.default_rng(0).random((60, 40), np.float32)
    return Crops(tokenizer, film, torch.arange(256).view(16, 16), torch.arange(100, 356), **{"most": 256} | settings)


def test_a_grid_picture_is_a_block_of_the_films_own_codes(tokenizer: ImageTokenizer) -> None:
    # 0.20 * 16 = 3.2 -> column 3 … 0.45 * 16 = 7.2 -> column 8; rows 8 … 10
    easel = crops(tokenizer)("200,501,450,620", "spine")
    assert (easel.rows, easel.columns) == (2, 5)
    assert easel.cells == (*range(8 * 16 + 3, 8 * 16 + 8), *range(9 * 16 + 3, 9 * 16 + 8))
    assert list(easel.draft) == [100 + cell for cell in easel.cells]
    assert easel.shown == Box(x1=3 / 16, y1=8 / 16, x2=8 / 16, y2=10 / 16)
    assert not easel.forced
    assert not easel.reduced


def test_ways_differ_in_the_draft_only(tokenizer: ImageTokenizer) -> None:
    for kind in ("grid", "zoom"):
        drafted, forced, none = (
            crops(tokenizer, kind=kind, way=way, zoom=4)("100,100,400,500", "spine")
            for way in ("draft", "insert", "generate")
        )
        assert (drafted.forced, forced.forced, none.draft) == (False, True, ())
        assert drafted.draft == forced.draft
        assert len(drafted.draft) == drafted.rows * drafted.columns
        assert drafted.cells == forced.cells == none.cells


def test_a_zoomed_picture_looks_at_the_real_crop_in_its_shape(tokenizer: ImageTokenizer) -> None:
    # half of 40 columns and a fourth of 60 rows, and the pixels they touch, squeezed into the 8 x 8 of 4 x 4 codes
    boxes = [box_text(Box(x1=x, y1=0, x2=1, y2=y)) for x, y in ((0.5, 0.25), (0.75, 0.5))]
    wide, tall = (crops(tokenizer, kind="zoom", zoom=4)(box, "spine") for box in boxes)
    pixels = crop(crops(tokenizer).film, read_box(boxes[0]))
    assert wide.cells == tuple(tokenizer.encode([resized(pixels, 8, 8)])[0].flatten().tolist())
    assert list(wide.draft) == [100 + code for code in wide.cells]
    assert painted(tokenizer, [0] * 16, wide).shape == (8, 10)  # 8 * 21 / 16 pixels
    assert painted(tokenizer, [0] * 16, tall).shape == (23, 8)  # 11 by 31


@given(
    st.tuples(st.integers(0, 900), st.integers(0, 900)),
    st.tuples(st.integers(1, 99), st.integers(1, 99)),
    st.integers(4, 256),
    st.sampled_from(["grid", "zoom"]),
)
def test_no_picture_is_larger_than_its_budget_and_a_smaller_one_says_so(
    tokenizer: ImageTokenizer, corner: tuple[int, int], size: tuple[int, int], most: int, kind: str
) -> None:
    box = f"{corner[0]},{corner[1]},{corner[0] + size[0]},{corner[1] + size[1]}"
    easel, free = (crops(tokenizer, most=m, kind=kind, way="generate", zoom=6)(box, "") for m in (most, 256))
    assert easel.rows * easel.columns <= most
    assert not free.reduced
    assert easel.reduced == ((easel.rows, easel.columns) != (free.rows, free.columns))
    assert len(easel.cells) == easel.rows * easel.columns
    assert max(easel.cells) < 256
    if kind == "grid":
        assert easel.shown == read_box(box).snapped(16)


def test_a_reduced_picture_is_coded_anew(tokenizer: ImageTokenizer) -> None:
    easel = crops(tokenizer, most=20)("0,0,999,999", "spine")
    assert (easel.rows, easel.columns, easel.reduced) == (4, 4, True)
    assert len(easel.draft) == 16
    assert painted(tokenizer, [token - 100 for token in easel.draft], easel).shape == (8, 8)
