"""Side markers: which side a letter asserts, close-ups, weights, and letters drawn on phantom films and real ones."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from radtrace.errors import InputError  # noqa: E402
from radtrace.geometry import Box  # noqa: E402
from radtrace.images import Pixels, load_film  # noqa: E402
from radtrace.localize import markers, weights  # noqa: E402
from radtrace.localize.marker_network import CROP, STRIDE, MarkerNet, fused  # noqa: E402
from radtrace.localize.markers import Letter, Marker, MarkerReader  # noqa: E402

LEFT_EDGE = Box(x1=0.05, y1=0.1, x2=0.1, y2=0.15)
RIGHT_EDGE = Box(x1=0.9, y1=0.1, x2=0.95, y2=0.15)
MIDDLE = Box(x1=0.48, y1=0.1, x2=0.52, y2=0.15)
LUNGS = (Box(x1=0.15, y1=0.2, x2=0.45, y2=0.8), Box(x1=0.55, y1=0.2, x2=0.85, y2=0.8))


@pytest.fixture(scope="session")
def reader() -> MarkerReader:
    """The bundled reader; tests that need it skip where the weights are not installed."""
    try:
        return MarkerReader.load()
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("letter", "mirrored", "box", "right_is"),
    [
        ("L", False, RIGHT_EDGE, "left"),  # the usual film
        ("R", False, LEFT_EDGE, "left"),
        ("L", True, LEFT_EDGE, "right"),  # the same films, stored mirrored
        ("R", True, RIGHT_EDGE, "right"),
        ("L", False, LEFT_EDGE, "right"),  # a letter put on the wrong side
        ("R", True, LEFT_EDGE, "left"),  # a letter laid on back to front
        ("L", False, MIDDLE, None),
    ],
)
def test_what_a_letter_asserts(letter: Letter, mirrored: bool, box: Box, right_is: str | None) -> None:
    assert Marker(letter, mirrored, box, 1.0).image_right_is == right_is


def test_letters_that_contradict_each_other_assert_nothing() -> None:
    assert Marker("L", False, RIGHT_EDGE, 1.0, contradicted=True).image_right_is is None


def test_sides_are_told_from_the_middle_of_the_body() -> None:
    """A chest that stands far to the right of its film: a letter at .6 is on its left side."""
    box = Box(x1=0.58, y1=0.1, x2=0.62, y2=0.15)
    assert Marker("R", False, box, 1.0, middle=0.75).image_right_is == "left"
    assert Marker("R", False, box, 1.0, middle=0.5).image_right_is == "right"


def test_a_closeup_is_about_its_letter() -> None:
    film = np.zeros((200, 300), np.float32)
    film[95:105, 145:155] = 1  # 10 pixels tall: 32 / 2.3 = 13.9 pixels of the close-up
    view = markers.closeup(film, 150, 100, 10)
    assert view.shape == (CROP, CROP)
    assert (float(view.mean()), float(view.std())) == pytest.approx((0.0, 1.0), abs=1e-3)
    bright = np.argwhere(view > 0.5 * view.max())
    assert abs(np.ptp(bright[:, 0]) + 1 - 10 * CROP / (markers.AROUND * 10)) <= 1
    assert abs(bright.mean() - (CROP - 1) / 2) < 0.6


def test_a_closeup_at_the_films_corner_stays_on_the_film() -> None:
    film = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    assert np.isfinite(markers.closeup(film, 0, 0, 12)).all()
    assert np.isfinite(markers.closeup(film, 63.9, 63.9, 29)).all()


def test_peaks_are_maxima_with_their_heights_best_first() -> None:
    output = torch.full((2, 20, 30), -8.0)
    output[0, 4, 7], output[0, 4, 8], output[0, 15, 25] = 2.0, 1.0, 4.0
    output[1] = math.log(11.0)
    first, second = markers.peaks(output)
    assert (first.x, first.y) == (STRIDE * 25.5, STRIDE * 15.5)
    assert (second.x, second.y) == (STRIDE * 7.5, STRIDE * 4.5)
    assert first.height == pytest.approx(11.0, rel=1e-5)
    assert first.likely > second.likely > 0.8


def test_folding_batch_norm_changes_nothing() -> None:
    torch.manual_seed(0)
    network = MarkerNet()
    network.reader(torch.rand(16, 1, CROP, CROP))  # running means other than 0
    network.eval()
    views = torch.randn(4, 1, CROP, CROP)
    with torch.inference_mode():
        assert torch.allclose(network.reader(views), fused(network.reader.layers)(views), atol=1e-4)


def test_weights_round_trip(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MarkerNet().eval()
    path = tmp_path / weights.MARKERS
    markers.save(network, path)
    assert path.stat().st_size <= 400_000
    again = markers.load(path)
    film = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(network.finder(film), again.finder(film), atol=2e-2)


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 200])
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / weights.MARKERS
    path.write_bytes(content)
    with pytest.raises(InputError, match=weights.MARKERS):
        MarkerReader.load(path)


@pytest.mark.parametrize(
    ("about", "said"), [({"architecture": "radtrace-markers-0"}, "radtrace-markers-0"), ({}, "None")]
)
def test_other_architectures_are_refused(tmp_path: Path, about: dict[str, str], said: str) -> None:
    path = tmp_path / weights.MARKERS
    save_file({"x": torch.zeros(2)}, path, about)
    with pytest.raises(InputError, match=said):
        markers.load(path)
    save_file({"x": torch.zeros(2)}, path, {"architecture": markers.ARCHITECTURE})
    with pytest.raises(InputError, match="does not fit"):
        markers.load(path)
    with pytest.raises(InputError, match="no such file"):
        markers.load(tmp_path / "nothing.safetensors")


def drawn(letter: str, x: float, y: float = 0.1, size: int = 256) -> Pixels:
    """A soft gray chest of two dark lungs, a little noise, and a letter beside the neck."""
    body = Image.new("L", (320, 320), 40)
    draw = ImageDraw.Draw(body)
    draw.rounded_rectangle((30, 60, 290, 400), 50, fill=140)
    draw.rectangle((130, 0, 190, 80), fill=140)
    for left in (60, 190):
        draw.ellipse((left, 80, left + 75, 260), fill=80)
    image = body.filter(ImageFilter.GaussianBlur(10)).resize((size, size), Image.Resampling.BICUBIC)
    ImageDraw.Draw(image).text((x * size, y * size), letter, 240, ImageFont.load_default(size * 0.05), "mm")
    noise = np.random.default_rng(0).normal(0, 0.01, (size, size))
    return np.clip(np.asarray(image, np.float32) / 255 + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize(("letter", "x"), [("L", 0.85), ("R", 0.15)])
def test_a_clear_letter_is_read_and_its_mirror_image_is_told(reader: MarkerReader, letter: str, x: float) -> None:
    marker = reader(drawn(letter, x), LUNGS)
    assert marker is not None
    assert (marker.letter, marker.mirrored, marker.image_right_is) == (letter, False, "left")
    assert marker.box.padded(0.5).contains(x, 0.1)  # the finder is exact to a cell of 4 pixels
    flipped = reader(drawn(letter, x)[:, ::-1], LUNGS)
    assert flipped is not None
    assert (flipped.letter, flipped.mirrored, flipped.image_right_is) == (letter, True, "right")


@pytest.mark.parametrize("letter", ["", "P", "A", "E", "1", "PA", "T", "O"])
def test_other_signs_are_no_side_letters(reader: MarkerReader, letter: str) -> None:
    assert reader(drawn(letter, 0.85), LUNGS) is None


def test_large_films_are_read_like_small_ones(reader: MarkerReader) -> None:
    marker = reader(drawn("L", 0.85, size=1600), None)
    assert marker is not None
    assert marker.image_right_is == "left"


def test_films_of_any_shape_are_looked_at(reader: MarkerReader) -> None:
    for shape in ((32, 32), (33, 257), (600, 301)):
        reader(np.zeros(shape, np.float32), None)
        reader(np.random.default_rng(0).random(shape, np.float32), None)


def test_real_films_are_not_called_mirrored(reader: MarkerReader, data_dir: Path) -> None:
    """None of these films, which training saw, is mirrored, and most have a letter."""
    found = wrong = 0
    paths = sorted((data_dir / "hannover_cr/images").glob("*.jpg"))[:30]
    for path in paths:
        film = load_film(path).pixels
        plain, flipped = reader(film, None), reader(film[:, ::-1], None)
        found += plain is not None
        wrong += plain is not None and plain.image_right_is == "right"
        wrong += flipped is not None and flipped.image_right_is == "left"
    assert found >= len(paths) // 3
    assert wrong == 0
