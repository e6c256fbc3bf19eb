from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radtrace.errors import FilmError
from radtrace.images import load_film

RAMP = np.tile(np.arange(64, dtype=np.uint16), (48, 1))


def gray(film, *columns):
    return [pytest.approx(float(film.pixels[0, column]), abs=1e-6) for column in columns]


# ---- transfer syntaxes


@pytest.mark.parametrize(
    "name",
    [
        "JPEGLosslessProcess14",
        "JPEGLosslessProcess14_1",
        "JPEGLSLossless",
        "JPEG2000Lossless",
        "RLELossless",
        "DeflatedExplicitVRLittleEndian",
    ],
)
def test_what_is_compressed_without_loss_is_the_same_film(compressed, name):
    np.testing.assert_array_equal(load_film(compressed[name]).pixels, load_film(compressed["native"]).pixels)


def test_jpeg_baseline_is_nearly_the_same_film(compressed):
    difference = load_film(compressed["JPEGBaselineProcess1"]).pixels - load_film(compressed["native8"]).pixels
    assert np.abs(difference).max() < 0.03


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("name", ["ExplicitVRLittleEndian", "ImplicitVRLittleEndian", "ExplicitVRBigEndian"])
@pytest.mark.parametrize("preamble", [True, False])
def test_native_syntaxes_with_and_without_preamble(tmp_path, dataset_of, values, name, bits, preamble):
    import pydicom

    stored = values(bits=bits)
    dataset = dataset_of(stored, BitsStored=bits)
    uid = getattr(pydicom.uid, name)
    if uid.is_little_endian is False:
        dataset.PixelData = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    path = tmp_path / "film"
    if preamble:
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.save_as(path.with_suffix(".dcm"), enforce_file_format=True)
    else:
        del dataset.file_meta
        dataset.save_as(path.with_suffix(".dcm"), implicit_vr=uid.is_implicit_VR, little_endian=uid.is_little_endian)
    low, high = (0, 255) if bits == 8 else (int(stored.min()), int(stored.max()))
    expected = (stored.astype(float) - low) / (high - low)
    np.testing.assert_allclose(load_film(path.with_suffix(".dcm")).pixels, expected, atol=1e-6)


def test_eight_bits_in_big_endian_words_are_swapped_back(tmp_path, dataset_of, values):
    # PS3.5 8.1.2: cells of 8 bits in OW are pairs in words, whose bytes change places in big endian.
    from pydicom.uid import ExplicitVRBigEndian

    stored = values(bits=8)
    dataset = dataset_of(stored)
    dataset.PixelData = stored.view(np.uint16).byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    path = tmp_path / "film.dcm"
    dataset.save_as(path, enforce_file_format=True)
    np.testing.assert_allclose(load_film(path).pixels, stored / 255, atol=1e-6)


def test_high_throughput_jpeg_2000(tmp_path, dataset_of, htj2k_ramp):
    from pydicom.encaps import encapsulate
    from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL

    ramp = 64 * np.arange(64)[None, :] + np.arange(48)[:, None]
    for uid in (HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL):
        dataset = dataset_of(ramp.astype(np.uint16), BitsStored=12)
        dataset.PixelData = encapsulate([htj2k_ramp])
        dataset.file_meta.TransferSyntaxUID = uid
        dataset.save_as(tmp_path / "film.dcm", enforce_file_format=True)
        np.testing.assert_allclose(load_film(tmp_path / "film.dcm").pixels, ramp / ramp.max(), atol=1e-6)


def test_a_frame_may_lie_in_several_fragments(tmp_path, compressed):
    import pydicom
    from pydicom.encaps import encapsulate, get_frame

    dataset = pydicom.dcmread(compressed["JPEG2000Lossless"])
    dataset.PixelData = encapsulate([get_frame(dataset.PixelData, 0, number_of_frames=1)], fragments_per_frame=4)
    dataset.save_as(tmp_path / "film.dcm")
    np.testing.assert_array_equal(
        load_film(tmp_path / "film.dcm").pixels, load_film(compressed["JPEG2000Lossless"]).pixels
    )


# ---- stored bits


@settings(max_examples=40)
@given(st.integers(8, 16), st.integers(0, 8), st.booleans())
def test_any_depth_any_high_bit_with_and_without_sign(write_film, bits, shift, signed):
    shift = min(shift, 16 - bits)
    codes = np.linspace(0, 2**bits - 1, 64).astype(np.int64)
    numbers = codes - 2 ** (bits - 1) if signed else codes
    cells = (numbers & (2**bits - 1)) << shift
    stored = np.tile(cells.astype(np.uint16), (48, 1))
    path = write_film(stored, BitsStored=bits, HighBit=bits - 1 + shift, PixelRepresentation=int(signed))
    np.testing.assert_allclose(load_film(path).pixels[0], codes / (2**bits - 1), atol=1e-6)


def test_sign_extended_unused_bits_are_no_fault(write_film):
    film = load_film(write_film(np.tile(np.arange(-32, 32, dtype=np.int16), (48, 1)), BitsStored=12))
    assert gray(film, 0, 63) == [0, 1]


def test_a_codestream_deeper_than_the_header_is_read_while_its_values_fit(tmp_path, dataset_of, values):
    encode = pytest.importorskip("openjpeg.utils").encode_array
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    stored = values(bits=12)
    for bits, fits in ((12, True), (10, False)):
        dataset = dataset_of(stored, BitsStored=bits)
        frame = encode(stored, bits_stored=16, photometric_interpretation=2, use_mct=False)
        dataset.PixelData = encapsulate([bytes(frame)])
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
        dataset.save_as(tmp_path / "film.dcm", enforce_file_format=True)
        if fits:
            film, low, high = load_film(tmp_path / "film.dcm"), int(stored.min()), int(stored.max())
            np.testing.assert_allclose(film.pixels, (stored.astype(float) - low) / (high - low), atol=1e-6)
        else:
            with pytest.raises(FilmError, match="more than 10 bits"):
                load_film(tmp_path / "film.dcm")


def test_an_overlay_in_the_unused_bits_is_taken_off(write_film):
    clean = load_film(write_film(RAMP, BitsStored=8))
    with_overlay = RAMP | np.uint16(1 << 12)
    with pytest.raises(FilmError, match="more than 8 bits"):
        load_film(write_film(with_overlay, BitsStored=8))
    marked = write_film(with_overlay, BitsStored=8)
    import pydicom

    dataset = pydicom.dcmread(marked)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    dataset.save_as(marked)
    np.testing.assert_array_equal(load_film(marked).pixels, clean.pixels)


# ---- gray


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", None, True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", "INVERSE", True),  # DX writes both, PS3.3 C.8.11.3: one inversion, not two
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_polarity(write_film, photometric, shape, inverted):
    tags = {"PresentationLUTShape": shape} if shape else {}
    film = load_film(write_film(RAMP, photometric, **tags))
    assert gray(film, 0, 63) == ([1, 0] if inverted else [0, 1])


@pytest.mark.parametrize(
    ("tags", "at_16", "at_32"),
    [
        ({}, 16 / 63, 32 / 63),  # no window: darkest to brightest
        # LINEAR, centre 32, width 33: ((x - 31.5) / 32 + .5); x = 16 -> .015625, 32 -> .515625
        ({"WindowCenter": 32, "WindowWidth": 33}, 0.015625, 0.515625),
        ({"WindowCenter": [32, 9], "WindowWidth": [33, 9]}, 0.015625, 0.515625),
        # LINEAR_EXACT, centre 32, width 64: ((x - 32) / 64 + .5)
        ({"WindowCenter": 32, "WindowWidth": 64, "VOILUTFunction": "LINEAR_EXACT"}, 0.25, 0.5),
        # SIGMOID, centre 32, width 64: 1 / (1 + exp(-4 (16 - 32) / 64)) = 1 / (1 + e)
        ({"WindowCenter": 32, "WindowWidth": 64, "VOILUTFunction": "SIGMOID"}, 1 / (1 + np.e), 0.5),
        # the rescale comes first: 2 x - 10 = 22 and 54
        ({"RescaleSlope": 2, "RescaleIntercept": -10, "WindowCenter": 32, "WindowWidth": 65}, 0.3515625, 0.8515625),
        ({"RescaleSlope": 2, "RescaleIntercept": -10}, 16 / 63, 32 / 63),
        # windows that show nothing of this film are passed over
        ({"WindowCenter": 5000, "WindowWidth": 10}, 16 / 63, 32 / 63),
        ({"WindowCenter": 32, "WindowWidth": 0}, 16 / 63, 32 / 63),
        # width 1 is a threshold at centre - .5
        ({"WindowCenter": 20, "WindowWidth": 1}, 0, 1),
    ],
)
def test_windows_worked_by_hand(write_film, tags, at_16, at_32):
    film = load_film(write_film(RAMP, **tags))
    assert gray(film, 16, 32) == [pytest.approx(at_16, abs=1e-6), pytest.approx(at_32, abs=1e-6)]


def test_eight_bits_without_a_window_are_gray_as_they_are(write_film):
    film = load_film(write_film(RAMP.astype(np.uint8)))
    assert gray(film, 0, 63) == [0, pytest.approx(63 / 255)]


def lut(descriptor, data):
    from pydicom import Dataset, Sequence

    item = Dataset()
    item.add_new(0x00283002, "US", descriptor)
    item.add_new(0x00283006, "OW" if isinstance(data, bytes) else "US", data)
    return Sequence([item])


def test_a_voi_lut_comes_before_a_window(write_film):
    # Values below 10 map to the first entry, above 13 to the last; 12 bits by the largest entry.
    table = lut([4, 10, 12], [0, 1000, 2000, 4095])
    film = load_film(write_film(RAMP, VOILUTSequence=table, WindowCenter=32, WindowWidth=33))
    assert gray(film, 0, 10, 11, 12, 13, 63) == [
        pytest.approx(v, abs=1e-6) for v in (0, 0, 1000 / 4095, 2000 / 4095, 1, 1)
    ]


def test_a_modality_lut_replaces_the_rescale(write_film):
    table = lut([64, 0, 16], np.arange(64, dtype="<u2")[::-1].tobytes())
    film = load_film(write_film(RAMP, ModalityLUTSequence=table, ModalityLUTType="US"))
    assert gray(film, 0, 63) == [1, 0]


def test_a_lut_that_lies_about_its_length_is_refused(write_film):
    with pytest.raises(FilmError, match="fewer entries"):
        load_film(write_film(RAMP, VOILUTSequence=lut([64, 0, 16], [1, 2, 3])))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True])
def test_padding_is_black_and_does_not_count(write_film, photometric, signed):
    stored = RAMP.astype(np.int16 if signed else np.uint16) + 100
    padding = -2000 if signed else 4000
    stored[:, :8], stored[:, 8:16] = padding, padding + 5
    film = load_film(write_film(stored, photometric, PixelPaddingValue=padding, PixelPaddingRangeLimit=padding + 5))
    inside = (RAMP[0, 16:] - 16) / 47
    assert (film.pixels[:, :16] == 0).all()
    np.testing.assert_allclose(film.pixels[0, 16:], 1 - inside if photometric == "MONOCHROME1" else inside, atol=1e-6)


def test_colour_becomes_gray_by_luma(tmp_path, write_film):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    film = load_film(write_film(red, "RGB", PlanarConfiguration=0))
    np.testing.assert_allclose(film.pixels, 0.299, atol=1e-6)


# ---- header


@pytest.mark.parametrize(
    ("tags", "mm"),
    [
        ({}, None),
        ({"ImagerPixelSpacing": [0.143, 0.143]}, 0.143),
        ({"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.143, 0.143]}, 0.12),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.143, 0.143]}, 0.143),
        ({"PixelSpacing": [-1, -1]}, None),
        ({"PixelSpacing": [1000, 1000]}, None),
        ({"NominalScannedPixelSpacing": [0.2, 0.2]}, 0.2),
    ],
)
def test_pixel_size(write_film, tags, mm):
    assert load_film(write_film(RAMP, **tags)).mm_per_pixel == mm


@pytest.mark.parametrize("tags", [{"PixelSpacing": [0.4, 0.2]}, {"PixelAspectRatio": [2, 1]}])
def test_pixels_that_are_not_square_become_so(write_film, tags):
    film = load_film(write_film(RAMP, **tags))
    assert (film.width, film.height) == (64, 96)
    assert film.mm_per_pixel == (0.2 if "PixelSpacing" in tags else None)


def code(value):
    from pydicom import Dataset, Sequence

    item = Dataset()
    item.CodeValue = value
    return Sequence([item])


@pytest.mark.parametrize(
    ("position", "view_code", "orientation", "projection", "rotation", "mirrored"),
    [
        ("", None, None, "unknown", None, None),
        ("PA", None, None, "PA", None, None),
        ("LL", None, None, "lateral", None, None),
        ("LLD", None, None, "frontal", None, None),
        ("LAO", None, None, "unknown", None, None),
        ("", "399348003", None, "AP", None, None),
        ("", "R-10236", None, "lateral", None, None),
        ("", "R-102CD", None, "lateral", None, None),
        ("", "R-40888", None, "PA", None, None),
        ("", "R-10228", None, "unknown", None, None),  # latero-medial: of a limb
        ("PA", "", ["LR", "F"], "PA", None, None),  # an axis that points both ways
        ("PA", "399348003", None, "unknown", None, None),  # PA says one, AP the other
        ("LLD", "399348003", None, "AP", None, None),
        ("PA", None, ["L", "F"], "PA", 0, False),
        ("", None, ["L", "F"], "frontal", 0, False),
        ("", None, ["P", "F"], "lateral", 0, None),
        ("LL", None, ["L", "F"], "unknown", None, None),  # a lateral film has no left edge
        ("PA", None, ["R", "F"], "PA", 0, True),
        ("PA", None, ["L"], "PA", None, None),
        ("PA", None, ["L", "R"], "PA", None, None),
        ("PA", None, ["X", "F"], "PA", None, None),
        # A film turned by 90 counter-clockwise: its right edge (L) is on top, its lower edge (F) on the right.
        ("PA", None, ["F", "R"], "PA", 90, False),
        ("PA", None, ["R", "H"], "PA", 180, False),
        ("PA", None, ["H", "L"], "PA", 270, False),
        ("PA", None, ["F", "L"], "PA", 90, True),
        ("PA", None, ["L", "H"], "PA", 180, True),
        ("PA", None, ["H", "R"], "PA", 270, True),
    ],
)
def test_view(write_film, position, view_code, orientation, projection, rotation, mirrored):
    tags = {"ViewPosition": position}
    tags |= {"ViewCodeSequence": code(view_code)} if view_code else {}
    tags |= {"PatientOrientation": orientation} if orientation else {}
    film = load_film(write_film(RAMP, **tags))
    found = film.orientation
    assert film.projection == projection
    assert (found.rotation if found else None, found.mirrored if found else None) == (rotation, mirrored)


# ---- refused by name


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 2}, "2 frames"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, "For Processing"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "CT Image Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "Encapsulated PDF"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"}, "Comprehensive SR"),
        ({"PixelData": b""}, "no pixel data"),
        ({"PhotometricInterpretation": "MONOCHROME3"}, "Photometric Interpretation"),
        ({"BitsStored": 7}, "7 bits stored"),
        ({"PixelRepresentation": 2}, "Pixel Representation"),
        ({"BitsStored": 12, "HighBit": 3}, "high bit 3"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "32 bits"),
        ({"Rows": 24}, "at least 32"),
        ({"Rows": 47}, "bytes of pixel data"),
        ({"Rows": 49}, "bytes of pixel data"),
        ({"Rows": 60000, "Columns": 60000}, "pixels are more than"),
        ({"RescaleSlope": 0}, "Rescale Slope"),
        ({"WindowCenter": 32}, "half a window"),
        ({"VOILUTFunction": "CUBIC", "WindowCenter": 1, "WindowWidth": 9}, "VOI LUT Function"),
    ],
)
def test_refused_by_name(write_film, dataset_of, tmp_path, tags, reason):
    dataset = dataset_of(RAMP)
    for name, value in tags.items():
        setattr(dataset, name, value)
    path = tmp_path / "film.dcm"
    dataset.save_as(path, enforce_file_format=True)
    with pytest.raises(FilmError, match=reason) as refused:
        load_film(path)
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.840.10008.1.2.4.94", "JPIP"),
        ("1.2.3.4", "unknown transfer syntax"),
    ],
)
def test_transfer_syntaxes_that_are_not_decoded_are_named(tmp_path, dataset_of, syntax, reason):
    from pydicom.encaps import encapsulate

    dataset = dataset_of(RAMP)
    dataset.PixelData = encapsulate([bytes(100)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "film.dcm"
    dataset.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=True)
    with pytest.raises(FilmError, match=reason):
        load_film(path)


def test_twelve_bit_jpeg_extended_is_named():
    data = pytest.importorskip("pydicom.data")
    path = data.get_testdata_file("JPGExtended.dcm", download=False)
    with pytest.raises(FilmError, match="JPEG Extended with 12 bits"):
        load_film(Path(path))


def test_one_file_that_names_two_objects_is_refused(tmp_path, dataset_of):
    dataset = dataset_of(RAMP)
    path = tmp_path / "film.dcm"
    dataset.save_as(path, enforce_file_format=True)
    whole = path.read_bytes()
    first = whole.index(str(dataset.SOPInstanceUID).encode())
    path.write_bytes(
        whole[: first + 10] + (b"1" if whole[first + 10 : first + 11] == b"2" else b"2") + whole[first + 11 :]
    )
    with pytest.raises(FilmError, match="different SOPInstanceUIDs"):
        load_film(path)


def test_an_encrypted_file_is_named(tmp_path):
    # A PKCS #7 envelope begins with its object identifier, 1.2.840.113549.1.7.3.
    path = tmp_path / "film.dcm"
    path.write_bytes(bytes.fromhex("308206092a864886f70d010703") + bytes(500))
    with pytest.raises(FilmError, match="encrypted"):
        load_film(path)
