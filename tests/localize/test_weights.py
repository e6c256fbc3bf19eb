"""Weights: a round trip, and every file that is not one is refused in one line."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from radtrace.errors import InputError  # noqa: E402
from radtrace.localize import Localizer, weights  # noqa: E402
from radtrace.localize.network import ChestNet  # noqa: E402

TINY = (8, 8, 8, 8)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    weights.save(ChestNet(64, TINY).eval(), tmp_path / weights.FILE)
    return tmp_path / weights.FILE


def test_round_trip_keeps_the_outputs_to_half_precision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, film = ChestNet(64, TINY), torch.rand(2, 1, 64, 64)
    for _ in range(20):
        network(torch.rand(8, 1, 64, 64))  # running means and variances that folding cannot leave out
    network.eval()
    weights.save(network, tmp_path / weights.FILE)
    again = weights.load(tmp_path / weights.FILE)
    assert (again.side, again.widths) == (64, TINY)
    with torch.inference_mode():
        for before, after in zip(network(film), again(film), strict=True):
            assert before.shape == after.shape
            assert torch.allclose(before, after, atol=2e-2)


def test_output_shapes() -> None:
    output = ChestNet(64, TINY).eval()(torch.zeros(3, 1, 64, 64))
    assert output.masks.shape == (3, 4, 32, 32)
    assert [tuple(head.shape) for head in output[1:]] == [(3, 3), (3, 4), (3, 2), (3, 2), (3, 3)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Localizer.load(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x00" * 200, b"\xff" * 200])
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / weights.FILE
    path.write_bytes(content)
    with pytest.raises(InputError, match=weights.FILE):
        weights.load(path)


def test_a_truncated_file_is_refused(tiny: Path) -> None:
    tiny.write_bytes(tiny.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        weights.load(tiny)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "None"),
        ({"architecture": "radtrace-chestnet-0"}, "radtrace-chestnet-0"),
        ({"architecture": weights.ARCHITECTURE}, "does not fit"),
        ({"architecture": weights.ARCHITECTURE, "side": "64", "widths": "8,8,8,8"}, "does not fit"),
    ],
)
def test_other_architectures_are_refused(tmp_path: Path, about: dict[str, str], said: str) -> None:
    path = tmp_path / weights.FILE
    save_file({"x": torch.zeros(2)}, path, about)
    with pytest.raises(InputError, match=said):
        weights.load(path)


def test_the_folder_that_the_environment_names_comes_first(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.ENVIRONMENT, str(tiny.parent))
    assert weights.find() == tiny
    monkeypatch.setenv(weights.ENVIRONMENT, str(tiny.parent / "elsewhere"))
    with pytest.raises(InputError, match="elsewhere"):
        weights.find()


def test_uninstalled_weights_are_answered_with_what_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.ENVIRONMENT, raising=False)
    monkeypatch.setitem(__import__("sys").modules, "radtrace_weights", None)  # what Python does for an absent module
    with pytest.raises(InputError, match="pip install"):
        weights.find()
