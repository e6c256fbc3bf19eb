from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from radtrace.errors import InputError
from radtrace.images import Pixels
from radtrace.models.encoder import (
    WEIGHTS,
    EncoderConfig,
    FilmEncoder,
    Fusion,
    Told,
    load_encoder,
    prepared,
    save_encoder,
)

LABELS = ("Abnormal", "Cardiomegaly", "Atelectasis, right")
FUSIONS: tuple[Fusion, ...] = ("cells", "mean", "concat")


def network(fusion: Fusion = "cells") -> FilmEncoder:
    """32 pixels a side, two stages: 4 x 4 cells of 8 features; weights that half precision holds exactly."""
    torch.manual_seed(0)
    made = FilmEncoder(EncoderConfig(LABELS, side=32, widths=(4, 8), features=8, blocks=1, fusion=fusion)).eval()
    made.load_state_dict({name: tensor.half().float() for name, tensor in made.state_dict().items()})
    return made


def film(seed: int, rows: int = 40, columns: int = 32) -> Pixels:
    return np.random.default_rng(seed).random((rows, columns), np.float32)


def told() -> dict[str, Told]:
    return {name: Told(2.0, -1.0, 0.5, 0.7) for name in LABELS}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_study_is_maps_logits_and_where_it_was_looked(fusion: Fusion) -> None:
    present = torch.tensor([[True, True], [True, False], [False, True]])
    with torch.inference_mode():
        seen = network(fusion)(torch.rand(3, 2, 32, 32), present)
    assert seen.maps.shape == (3, 2, 8, 4, 4)
    assert seen.logits.shape == (3, 3)
    assert seen.weights.shape == (3, 2, 3, 4, 4)
    assert seen.masks.shape == (3, 4, 4, 4)
    assert seen.projection.shape == (3, 2)
    assert seen.maps[1, 1].abs().max() == 0
    assert seen.logits.isfinite().all()


def test_the_weights_of_a_finding_sum_to_one_over_the_views_that_are_there() -> None:
    with torch.inference_mode():
        weights = network()(torch.rand(2, 2, 32, 32), torch.tensor([[True, True], [False, True]])).weights
    assert weights.sum((1, 3, 4)).allclose(torch.ones(2, 3))
    assert weights[1, 0].abs().max() == 0


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_lies_in_a_missing_view_says_nothing(fusion: Fusion) -> None:
    made, films, present = network(fusion), torch.rand(2, 2, 32, 32), torch.tensor([[True, False], [True, True]])
    with torch.inference_mode():
        before = made(films, present).logits
        films[0, 1] = 0.3
        assert torch.equal(made(films, present).logits, before)


def test_a_study_does_not_depend_on_its_company(tmp_path: Path) -> None:
    save_encoder(network(), told(), tmp_path)
    encoder = load_encoder(tmp_path)
    studies = [(film(1), film(2)), (film(3), None), (None, film(4))]
    together = encoder.encode(studies)
    for row, study in enumerate(studies):
        alone = encoder.encode([study])
        assert alone.logits[0].allclose(together.logits[row], atol=1e-5)
        assert alone.maps[0].allclose(together.maps[row], atol=1e-5)


def test_an_encoder_comes_back_from_its_folder(tmp_path: Path) -> None:
    made = network()
    save_encoder(made, told(), tmp_path)
    encoder = load_encoder(tmp_path)
    assert encoder.labels == LABELS
    assert encoder.told == told()
    assert encoder.network.config == made.config
    films = torch.from_numpy(np.stack([prepared(film(5), 32), prepared(film(6), 32)]))[None]
    with torch.inference_mode():
        logits = made(films, torch.ones(1, 2, dtype=torch.bool)).logits
    encoded = encoder.encode([(film(5), film(6))])
    assert encoded.logits.allclose(logits, atol=1e-5)
    assert encoded.probabilities.allclose(torch.sigmoid(2 * logits - 1), atol=1e-5)


def test_a_study_without_films_is_refused(tmp_path: Path) -> None:
    save_encoder(network(), told(), tmp_path)
    with pytest.raises(ValueError, match="without films"):
        load_encoder(tmp_path).encode([(None, None)])


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_encoder(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / WEIGHTS, {"architecture": "another"})
    with pytest.raises(InputError, match="'another'"):
        load_encoder(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / WEIGHTS, {"architecture": "radtrace-encoder-1", "config": "{}"})
    with pytest.raises(InputError, match="does not fit"):
        load_encoder(tmp_path)


def test_calibration_of_other_findings_is_refused(tmp_path: Path) -> None:
    save_encoder(network(), {"Cardiomegaly": Told()}, tmp_path)
    with pytest.raises(InputError, match="other findings"):
        load_encoder(tmp_path)


def test_a_prepared_film_lies_on_black_and_fills_the_grays() -> None:
    square = prepared(0.4 + 0.2 * film(7, rows=64, columns=32), 32)
    assert square.shape == (32, 32)
    assert square[:, :8].max() == 0  # 16 of 32 columns, centred
    assert square[:, 24:].max() == 0
    assert square[:, 8:24].min() == 0
    assert square[:, 8:24].max() == 1
