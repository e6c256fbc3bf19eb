import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from radtrace.errors import FilmError
from radtrace.geometry import Box
from radtrace.images import MIN_SIDE, crop, encode_png, load_film, restore_aspect

RAMP = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_png_in_eight_and_sixteen_bits_and_jpeg_give_the_same_film(tmp_path):
    eight = save(tmp_path / "8.png", (RAMP * 255).astype(np.uint8))
    sixteen = save(tmp_path / "16.png", (RAMP * 65535).astype(np.uint16))
    twelve = save(tmp_path / "12.png", (RAMP * 4095).astype(np.uint16))
    colour = save(tmp_path / "rgb.png", np.repeat((RAMP * 255).astype(np.uint8)[..., None], 3, axis=2))
    jpeg = save(tmp_path / "film.jpg", (RAMP * 255).astype(np.uint8), quality=95)
    for path in (eight, sixteen, twelve, colour, jpeg):
        film = load_film(path)
        assert film.pixels.dtype == np.float32
        assert (film.width, film.height) == (64, 48)
        np.testing.assert_allclose(film.pixels, RAMP, atol=0.02)


def test_png_out_and_in_is_the_same_to_half_a_grey_level(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(encode_png(RAMP))
    assert np.abs(load_film(path).pixels - RAMP).max() <= 0.5 / 255 + 1e-6
    assert encode_png(RAMP) == encode_png(RAMP.copy())


def test_a_crop_is_the_pixels_of_the_box():
    pixels = np.arange(100, dtype=np.float32).reshape(10, 10) / 100
    # x 0.25-0.5 of 10 columns touches columns 2, 3, 4; y 0.6-0.8 is rows 6 and 7.
    np.testing.assert_array_equal(crop(pixels, Box.of((0.25, 0.6, 0.5, 0.8))), pixels[6:8, 2:5])


@given(st.integers(100, 5000), st.integers(100, 5000))
def test_a_squashed_film_gets_its_aspect_back_and_loses_no_pixel(width, height):
    film = restore_aspect(load_film_of(np.zeros((256, 256), np.float32)), (width, height))
    assert film.width >= 256
    assert film.height >= 256
    assert min(film.width, film.height) == 256
    assert film.width / film.height == pytest.approx(width / height, rel=0.5 / 256 + 1e-6)


def load_film_of(pixels):
    from radtrace.images import Film

    return Film(pixels, "", mm_per_pixel=0.2)


def test_the_pixel_size_does_not_survive_a_stretch():
    film = load_film_of(np.zeros((256, 256), np.float32))
    assert restore_aspect(film, (2000, 2000)).mm_per_pixel == 0.2
    assert restore_aspect(film, (2000, 2500)).mm_per_pixel is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("words.jpg", b"this is no film"),
        ("words.dcm", b"this is no film" * 40),
        ("zeros.dcm", bytes(2000)),
    ],
)
def test_what_is_no_film_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FilmError, match=name):
        load_film(path)


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_film_is_refused(tmp_path, kind, kept):
    noise = np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8)
    whole = save(tmp_path / f"whole.{kind}", noise).read_bytes()
    path = tmp_path / f"part.{kind}"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FilmError, match=f"part.{kind}"):
        load_film(path)


def test_a_film_too_small_or_missing_is_refused(tmp_path):
    with pytest.raises(FilmError, match=f"at least {MIN_SIDE}"):
        load_film(save(tmp_path / "small.png", np.zeros((31, 400), np.uint8)))
    with pytest.raises(FilmError, match=r"nowhere\.png: No such file"):
        load_film(tmp_path / "nowhere.png")


def test_a_png_that_claims_to_be_enormous_is_refused(tmp_path):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(60_001))), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    with pytest.raises(FilmError, match=r"bomb\.png"):
        load_film(path)


def test_real_dicoms_are_chests_with_dark_lungs(data_dir):
    pytest.importorskip("pydicom")
    for path in sorted((data_dir / "dicom").glob("*.dcm")):
        pixels = load_film(path).pixels
        height, width = pixels.shape
        lung = pixels[height // 3 : height // 2, width // 5 : width // 3].mean()
        spine = pixels[int(height * 0.75) : int(height * 0.9), int(width * 0.47) : int(width * 0.53)].mean()
        assert lung < spine, path.name


def test_real_files_cut_short_never_pass(data_dir, tmp_path):
    whole = (data_dir / "dicom" / "rsna_cr_pa_1024_mono2_jpeg_baseline.dcm").read_bytes()
    for kept in (200, 1500, len(whole) // 2):
        path = tmp_path / "part.dcm"
        path.write_bytes(whole[:kept])
        with pytest.raises(FilmError, match=r"part\.dcm"):
            load_film(path)


def test_the_source_bytes_are_hashed(tmp_path):
    path = save(tmp_path / "film.png", np.zeros((64, 64), np.uint8))
    import hashlib

    assert load_film(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert Image.open(io.BytesIO(encode_png(load_film(path).pixels))).mode == "L"
