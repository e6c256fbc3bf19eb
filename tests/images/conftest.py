"""DICOM files of every kind, made while the tests run."""

import base64

import numpy as np
import pytest

# 64 x 48 pixels, 64 * column + row, by an HTJ2K encoder (reversible): no library of ours encodes HTJ2K.
HTJ2K_RAMP = base64.b64decode(
    "/0//UQApQAAAAABAAAAAMAAAAAAAAAAAAAAAQAAAADAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCI"
    "kJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAANYAAf+TwAArAP9/u/812+PaAoG0AMAAE8AA"
    "EYAiEckDAnQAAOMAwAAVUAAFQJBAAsmgojKCdgAQQvjByb61AMAAFdAABWBGjBgxYsTI54p6cgJ3AAgAAP76Env2Sey4AMAAFrwA"
    "AV4eHh4eHh4eHh4eHh75/gp6enp6cYJ7AAIA/v9xh+/f79/v3+y8AMAALo4AAWqAvu/7vu/7vu/7vu/7vu/7vu/7/r/6enp6enp6"
    "enp6enCCcQEAAAAA/39sA666666666666666kQH/2Q=="
)
CR = "1.2.840.10008.5.1.4.1.1.1"


def film_values(height=96, width=128, bits=12, seed=0):
    """A smooth picture with a little noise, like a film."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    top = 2**bits - 1
    noise = np.random.default_rng(seed).normal(0, top / 800, (height, width))
    values = np.clip(top * (0.5 + 0.3 * np.sin(5 * x) * np.cos(4 * y)) + noise, 0, top)
    return values.astype(np.uint16 if bits > 8 else np.uint8)


def make_dataset(stored, photometric="MONOCHROME2", **tags):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CR
    dataset.SOPInstanceUID = generate_uid()
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = stored.dtype.itemsize * 8
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    dataset.PhotometricInterpretation = photometric
    for name, value in tags.items():
        setattr(dataset, name, value)
    if "HighBit" not in tags:
        dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW" if stored.itemsize == 2 else "OB"
    return dataset


def write_dicom(path, stored, photometric="MONOCHROME2", **tags):
    make_dataset(stored, photometric, **tags).save_as(path, enforce_file_format=True)
    return path


def transcode(path, name, target):
    """The same film in another transfer syntax, by GDCM; `name` is GDCM's."""
    gdcm = pytest.importorskip("gdcm")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetFileName(str(target))
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return target


@pytest.fixture
def values():
    return film_values


@pytest.fixture
def dataset_of():
    return make_dataset


@pytest.fixture
def dicom():
    return write_dicom


@pytest.fixture(scope="session")
def recode():
    return transcode


@pytest.fixture
def htj2k_ramp():
    return HTJ2K_RAMP


COMPRESSED = {
    "JPEGBaselineProcess1": 8,
    "JPEGLosslessProcess14": 12,
    "JPEGLosslessProcess14_1": 12,
    "JPEGLSLossless": 12,
    "JPEG2000Lossless": 12,
    "JPEG2000": 12,
    "RLELossless": 12,
    "DeflatedExplicitVRLittleEndian": 12,
}
"""GDCM's name of a transfer syntax -> bits stored of the film made for it."""


@pytest.fixture(scope="session")
def compressed(tmp_path_factory):
    """One small film in each compressed transfer syntax: name -> path; "native" is the 12-bit original."""
    folder = tmp_path_factory.mktemp("compressed")
    plain = {
        bits: write_dicom(
            folder / f"{bits}.dcm",
            film_values(bits=bits),
            BitsStored=bits,
            WindowCenter=2 ** (bits - 1),
            WindowWidth=2**bits,
        )
        for bits in (8, 12)
    }
    made = {name: transcode(plain[bits], name, folder / f"{name}.dcm") for name, bits in COMPRESSED.items()}
    return made | {"native": plain[12], "native8": plain[8]}


@pytest.fixture(scope="module")
def write_film(tmp_path_factory):
    """Writes a DICOM film to one file, again and again; usable under hypothesis."""
    path = tmp_path_factory.mktemp("film") / "film.dcm"
    return lambda stored, photometric="MONOCHROME2", **tags: write_dicom(path, stored, photometric, **tags)


@pytest.fixture(scope="session")
def slow_film(tmp_path_factory):
    """A JPEG 2000 film that takes a second or more to decode."""
    openjpeg = pytest.importorskip("openjpeg.utils")
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    stored = film_values(3000, 3000)
    dataset = make_dataset(stored, BitsStored=12)
    frame = openjpeg.encode_array(stored, bits_stored=12, photometric_interpretation=2, use_mct=False)
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    path = tmp_path_factory.mktemp("slow") / "slow.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path
