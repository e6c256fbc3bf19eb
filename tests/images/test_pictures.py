"""PNG and JPEG of every mode: gray by stated rules, or refused by name."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from radtrace.errors import FilmError
from radtrace.images import load_film

RAMP = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def test_a_palette_is_looked_up(tmp_path):
    image = Image.fromarray(RAMP).convert("P")
    image.putpalette([value for level in range(256) for value in (255 - level,) * 3])
    np.testing.assert_allclose(load_film(saved(tmp_path / "p.png", image)).pixels, 1 - RAMP / 255, atol=0.01)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_an_opaque_alpha_changes_nothing_and_what_is_transparent_is_black(tmp_path, mode):
    image = Image.fromarray(RAMP).convert(mode)
    np.testing.assert_allclose(load_film(saved(tmp_path / "a.png", image)).pixels, RAMP / 255, atol=0.01)
    alpha = np.full(RAMP.shape, 255, np.uint8)
    alpha[:, 32:] = 0
    image.putalpha(Image.fromarray(alpha))
    pixels = load_film(saved(tmp_path / "b.png", image)).pixels
    np.testing.assert_allclose(pixels[:, :32], RAMP[:, :32] / 255, atol=0.01)
    assert (pixels[:, 32:] == 0).all()


@pytest.mark.parametrize(
    ("orientation", "turned"), [(1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1))]
)
def test_an_exif_orientation_is_applied(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    film = load_film(saved(tmp_path / "e.jpg", RAMP, quality=98, exif=exif))
    np.testing.assert_allclose(film.pixels, turned(RAMP) / 255, atol=0.02)


def test_an_interlaced_png_is_the_same_film(tmp_path):
    # Adam7 by hand: seven passes, each row with filter 0.
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in RAMP[y::dy, x::dx])
    path = tmp_path / "i.png"
    path.write_bytes(
        png([(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 1)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])
    )
    np.testing.assert_array_equal(load_film(path).pixels, (RAMP / np.float32(255)).astype(np.float32))


def png(chunks):
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def test_one_bit_a_pixel_and_progressive_jpeg_are_read(tmp_path):
    bits = load_film(saved(tmp_path / "1.png", Image.fromarray(RAMP > 127)))
    assert set(np.unique(bits.pixels)) == {0, 1}
    film = load_film(saved(tmp_path / "p.jpg", RAMP, progressive=True, quality=95))
    np.testing.assert_allclose(film.pixels, RAMP / 255, atol=0.03)


def test_the_content_decides_not_the_name(tmp_path, write_film):
    image = saved(tmp_path / "film.png", RAMP)
    for name in ("film.jpg", "film.dcm", "film", "film.PNG"):
        (tmp_path / name).write_bytes(image.read_bytes())
        np.testing.assert_allclose(load_film(tmp_path / name).pixels, RAMP / 255, atol=1e-6)
    dicom = tmp_path / "IM0001"
    dicom.write_bytes(write_film(RAMP).read_bytes())
    np.testing.assert_allclose(load_film(dicom).pixels, RAMP / 255, atol=1e-6)


def test_what_follows_the_end_of_a_png_does_not_matter(tmp_path):
    path = saved(tmp_path / "film.png", RAMP)
    path.write_bytes(path.read_bytes() + b"garbage" * 100)
    np.testing.assert_allclose(load_film(path).pixels, RAMP / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "image", "options", "reason"),
    [
        ("cmyk.jpg", Image.fromarray(RAMP).convert("CMYK"), {}, "CMYK"),
        (
            "moving.png",
            Image.fromarray(RAMP),
            {"save_all": True, "append_images": [Image.fromarray(255 - RAMP)]},
            "animation",
        ),
        ("film.tiff", Image.fromarray(RAMP), {}, "TIFF"),
        ("film.bmp", Image.fromarray(RAMP), {}, "BMP"),
        ("film.gif", Image.fromarray(RAMP), {}, "GIF"),
        ("film.jp2", Image.fromarray(RAMP), {}, "JPEG 2000"),
        ("dot.png", Image.fromarray(RAMP[:1, :1]), {}, "1x1 pixels"),
        ("line.jpg", Image.fromarray(np.zeros((8, 4000), np.uint8)), {}, "4000x8 pixels"),
        ("wide.png", Image.fromarray(np.zeros((20_000, 20_000), np.bool_)), {}, "more than 64000000 pixels"),
    ],
)
def test_refused_by_name(tmp_path, name, image, options, reason):
    path = saved(tmp_path / name, image, **options)
    with pytest.raises(FilmError, match=reason) as refused:
        load_film(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_any_changed_byte_of_a_png_is_noticed(tmp_path):
    whole = saved(tmp_path / "film.png", RAMP).read_bytes()
    path = tmp_path / "changed.png"
    for at in range(8, len(whole) - 12, 3):
        data = bytearray(whole)
        data[at] ^= 0x10
        path.write_bytes(data)
        with pytest.raises(FilmError, match="changed"):
            load_film(path)
