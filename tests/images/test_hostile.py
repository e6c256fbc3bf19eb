"""Files that lie, bomb, nest or are damaged: refused in one line, never a crash, never another film."""

import os
import random
import resource
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from radtrace.errors import FilmError
from radtrace.images import Film, load_film

RAMP = np.tile(np.arange(64, dtype=np.uint16), (48, 1))
SYNTAXES = (
    "native",
    "JPEGBaselineProcess1",
    "JPEGLosslessProcess14_1",
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "RLELossless",
    "DeflatedExplicitVRLittleEndian",
)


def outcome(path: Path) -> Film | str:
    try:
        return load_film(path)
    except FilmError as error:
        message = str(error)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        assert len(message) < len(str(path)) + 150
        return message[len(f"{path}: ") :]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", SYNTAXES)
def test_a_file_cut_short_never_passes(tmp_path, compressed, name, kept):
    whole = compressed[name].read_bytes()
    path = tmp_path / "part.dcm"
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert isinstance(outcome(path), str)


def test_a_deflate_bomb_is_not_inflated(tmp_path, dataset_of):
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    dataset = dataset_of(RAMP)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "bomb.dcm"
    dataset.save_as(path, enforce_file_format=True)
    whole = path.read_bytes()
    head = whole[: 128 + 4 + 12 + int.from_bytes(whole[140:144], "little")]
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(engine.compress(bytes(16 << 20)) for _ in range(10)) + engine.flush()
    path.write_bytes(head + body)
    before = peak_mb()
    assert "inflates to more than" in outcome(path)
    assert peak_mb() - before < 400


@pytest.mark.parametrize("length", [0xFFFFFFF0, 0x7FFFFFFF, 10**6, 4, 6142])
def test_a_pixel_length_that_lies_is_refused(tmp_path, write_film, length):
    data = bytearray(write_film(RAMP).read_bytes())
    at = data.index(b"\xe0\x7f\x10\x00OW") + 8
    data[at : at + 4] = struct.pack("<I", length)
    path = tmp_path / "lie.dcm"
    path.write_bytes(data)
    assert isinstance(outcome(path), str)


def test_a_header_length_that_lies_is_refused(tmp_path, write_film):
    # One byte of the length of an early element is changed: the reader then takes its values for elements.
    whole = write_film(RAMP, PatientName="NOBODY", StudyDescription="x" * 20).read_bytes()
    path, good = tmp_path / "lie.dcm", load_film(write_film(RAMP)).pixels
    for length in range(0, 256, 2):
        data = bytearray(whole)
        at = data.index(b"\x08\x00\x30\x10LO") + 6
        if data[at] == length:
            continue
        data[at] = length
        path.write_bytes(data)
        film = outcome(path)
        # Only a length that ends where another element ends can pass: that element is lost with its neighbour.
        assert isinstance(film, str) or np.array_equal(film.pixels, good), length


def test_deep_nesting_is_refused(tmp_path, write_film):
    # Sequence (0008,1140) of undefined length with an item of undefined length, 5000 deep.
    level = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    whole = write_film(RAMP).read_bytes()
    at = whole.index(b"\x28\x00\x02\x00US")
    path = tmp_path / "deep.dcm"
    path.write_bytes(whole[:at] + 5000 * level + whole[at:])
    limit = sys.getrecursionlimit()
    assert outcome(path) == "nested too deeply"
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("name", ["JPEGLSLossless", "RLELossless", "JPEGLosslessProcess14_1", "JPEG2000Lossless"])
def test_damaged_pixel_data_is_refused_or_hardly_differs(tmp_path, compressed, name):
    # A codestream has no check sum: a flipped bit that the decoder cannot notice changes little. JPEG-LS and RLE know
    # where each row or the scan must end; JPEG lossless and JPEG 2000 only notice most of what spreads.
    whole, good = compressed[name].read_bytes(), load_film(compressed[name]).pixels
    start, chance, path = whole.index(b"\xe0\x7f\x10\x00"), random.Random(5), tmp_path / "film.dcm"
    wrong = 0
    for _ in range(150):
        data = bytearray(whole)
        data[chance.randrange(start, len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        film = outcome(path)
        wrong += isinstance(film, Film) and (
            film.pixels.shape != good.shape or float(np.abs(film.pixels - good).mean()) > 0.02
        )
    assert wrong <= {"JPEGLosslessProcess14_1": 8}.get(name, 0)


def test_an_rle_frame_of_nonsense_is_refused(tmp_path, compressed):
    import pydicom
    from pydicom.encaps import encapsulate

    dataset = pydicom.dcmread(compressed["RLELossless"])
    for frame in (bytes(64), b"\xff" * 64, struct.pack("<16I", 2, *[2**32 - 1] * 15), os.urandom(500)):
        dataset.PixelData = encapsulate([frame])
        dataset.save_as(tmp_path / "film.dcm")
        assert isinstance(outcome(tmp_path / "film.dcm"), str)


@pytest.mark.parametrize("name", ["JPEGBaselineProcess1", "JPEGLSLossless", "JPEG2000Lossless"])
@pytest.mark.parametrize(("rows", "columns"), [(48, 128), (192, 128), (96, 64), (128, 96)])
def test_a_codestream_of_another_size_is_refused(tmp_path, compressed, name, rows, columns):
    import pydicom

    dataset = pydicom.dcmread(compressed[name])
    dataset.Rows, dataset.Columns = rows, columns
    dataset.save_as(tmp_path / "film.dcm")
    assert "another size" in outcome(tmp_path / "film.dcm")


def test_pydicoms_own_files_are_films_or_refused_in_a_line():
    data = pytest.importorskip("pydicom.data")
    folder = Path(data.get_testdata_file("CT_small.dcm", download=False)).parent
    films = {path.name for path in folder.rglob("*") if path.is_file() and isinstance(outcome(path), Film)}
    assert "Media Storage Directory" in outcome(folder / "dicomdirtests" / "DICOMDIR")
    others = {name for name in films if not name.startswith("SC_")}
    assert others == {"GDCMJ2K_TextGBR.dcm", "JPEG2000.dcm", "image_dfl.dcm"}  # secondary captures all


def test_mutated_films_are_refused_or_keep_their_meaning(tmp_path, data_dir):
    # A changed pixel in a native file is that file's pixel; nothing else may change unnoticed by much.
    path, chance = tmp_path / "film.dcm", random.Random(7)
    for source in sorted((data_dir / "dicom").glob("*.dcm")):
        whole, good = source.read_bytes(), load_film(source)
        header = whole.index(b"\xe0\x7f\x10\x00")
        for _ in range(60):
            data = bytearray(whole)
            data[chance.randrange(header + 12)] = chance.randrange(256)
            path.write_bytes(data)
            film = outcome(path)
            if isinstance(film, Film):
                assert film.pixels.shape == good.pixels.shape


IDENTITY = ("DOE^JANE", "4711-SECRET", "19440101", "HOSPITAL OF NOWHERE")


def planted(dataset):
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.InstitutionName = IDENTITY
    dataset.AccessionNumber, dataset.ReferringPhysicianName, dataset.StudyDescription = (
        IDENTITY[1],
        IDENTITY[0],
        IDENTITY[3],
    )
    return dataset


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PhotometricInterpretation", "DOE^JANE"),
        ("PresentationIntentType", "DOE^JANE"),
        ("ViewPosition", "DOE^JANE"),
        ("VOILUTFunction", "DOE^JANE"),
        ("SOPClassUID", "4711-SECRET"),
        ("SOPInstanceUID", "4711-SECRET"),
        ("PixelSpacing", "DOE^JANE"),
        ("WindowCenter", "DOE^JANE"),
        ("RescaleSlope", "4711-SECRET"),
        ("NumberOfFrames", "DOE^JANE"),
        ("PatientOrientation", "DOE^JANE"),
        ("SpecificCharacterSet", "4711-SECRET"),
    ],
)
def test_no_message_quotes_a_patient(tmp_path, dataset_of, capfd, caplog, recwarn, keyword, value):
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataelem import DataElement
    from pydicom.uid import ImplicitVRLittleEndian

    dataset = planted(dataset_of(RAMP, WindowWidth=10))
    recwarn.clear()
    element = DataElement(tag_for_keyword(keyword), "LO", value)
    dataset[element.tag] = element
    path = tmp_path / "film.dcm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        dataset.save_as(path, enforce_file_format=False)
    capfd.readouterr()
    caplog.clear()
    result = outcome(path)
    out, err = capfd.readouterr()
    said = f"{result if isinstance(result, str) else ''}{out}{err}{caplog.text}{[str(w.message) for w in recwarn]}"
    assert not [secret for secret in IDENTITY if secret in said]


def test_mutations_of_a_named_patients_film_never_quote_him(tmp_path, dataset_of, capfd, caplog):
    path = tmp_path / "film.dcm"
    planted(dataset_of(RAMP)).save_as(path, enforce_file_format=True)
    whole, chance = path.read_bytes(), random.Random(3)
    capfd.readouterr()
    said = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(132, len(data) - RAMP.nbytes)] = chance.randrange(256)
        path.write_bytes(data)
        result = outcome(path)
        said.append(result if isinstance(result, str) else "")
    out, err = capfd.readouterr()
    everything = "".join([*said, out, err, caplog.text])
    assert not [secret for secret in IDENTITY if secret in everything or secret[:5] in everything]


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_what_is_no_file_is_named(tmp_path, kind):
    path = tmp_path / "film.dcm"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # opening it would wait for ever
    assert outcome(path) == ("No such file or directory" if kind == "missing" else "no file")
