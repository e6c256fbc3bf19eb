"""Films a second through `FilmReader`, beside plain pydicom on the same files in the same run.

Plain is `dcmread`, `pixel_array`, `apply_modality_lut`, `apply_voi_lut` and the scaling to float32 in [0, 1], in one
process, without checks, limits or hashes. The reader runs with one worker (what isolation and checks cost) and with one
a core. The two take turns; the median of the rounds is given. Overhead is the reader's time over plain's, less one.
The files are generated, 2000 x 2000 at 12 bits in 16, native and JPEG 2000; with --data also the DICOMs there.

python benchmarks/images.py [--data DIR] [--films N] [--rounds N] [--side N] [--workers N] [--json]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from openjpeg.utils import encode_array
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, generate_uid

from radtrace.images import Film, FilmReader

Measure = Callable[[Sequence[Path]], int]


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        sets = generated(Path(folder), arguments.films, arguments.side)
        if arguments.data:
            sets["dicom folder"] = sorted(arguments.data.glob("dicom/**/*.dcm")) * max(1, arguments.films // 4)
        rows = {name: measured(paths, arguments.rounds, arguments.workers) for name, paths in sets.items()}
    print(json.dumps(rows) if arguments.json else table(rows))


def measured(paths: Sequence[Path], rounds: int, workers: int) -> dict[str, float]:
    """Films a second of the three ways, the files read once before; overhead in percent."""
    with FilmReader(1) as one, FilmReader(workers) as many:
        ways: dict[str, Measure] = {
            "pydicom": plain,
            "reader_1": lambda paths: through(one, paths),
            "reader_n": lambda paths: through(many, paths),
        }
        for way in ways.values():
            way(paths[:workers])
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                if way(paths) != len(paths):
                    raise SystemExit(f"{name}: not every film was read")
                seconds[name].append(time.perf_counter() - start)
    rates = {f"{name}_films_per_s": round(len(paths) / statistics.median(times), 1) for name, times in seconds.items()}
    ratios = [reader / bare for reader, bare in zip(seconds["reader_1"], seconds["pydicom"], strict=True)]
    return rates | {"workers": workers, "overhead_percent": round(100 * (statistics.median(ratios) - 1), 1)}


def plain(paths: Sequence[Path]) -> int:
    return sum(float(pydicom_film(path)[0, 0]) <= 1 for path in paths)


def pydicom_film(path: Path) -> np.ndarray:
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(np.float32)
    low, high = values.min(), values.max()
    gray = (values - low) / (high - low)
    return 1 - gray if dataset.PhotometricInterpretation == "MONOCHROME1" else gray


def through(reader: FilmReader, paths: Sequence[Path]) -> int:
    return sum(isinstance(film, Film) and float(film.pixels[0, 0]) <= 1 for film in reader.load_many(paths))


def generated(folder: Path, films: int, side: int) -> dict[str, list[Path]]:
    """Smooth films with noise, each with a rescale and a window, as CR and DX have."""
    y, x = np.mgrid[0:side, 0:side] / side
    clean = 4095 * (0.5 + 0.3 * np.sin(5 * x) * np.cos(4 * y))
    sets: dict[str, list[Path]] = {"native": [], "JPEG 2000": []}
    for number in range(films):
        noise = np.random.default_rng(number).normal(0, 8, (side, side))
        stored = np.clip(clean + noise, 0, 4095).astype(np.uint16)
        sets["native"].append(write(folder / f"native-{number}.dcm", stored, compressed=False))
        if number < max(2, films // 4):
            sets["JPEG 2000"].append(write(folder / f"j2k-{number}.dcm", stored, compressed=True))
    return sets


def write(path: Path, stored: np.ndarray, compressed: bool) -> Path:
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless if compressed else ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", generate_uid()
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation, dataset.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 3500
    if compressed:
        frame = encode_array(stored, bits_stored=12, photometric_interpretation=2, use_mct=False)
        dataset.PixelData = encapsulate([bytes(frame)])
    else:
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


def table(rows: dict[str, dict[str, float]]) -> str:
    names = list(next(iter(rows.values())))
    lines = [f"{'':<14}" + "".join(f"{name:>22}" for name in names)]
    return "\n".join(
        lines + [f"{kind:<14}" + "".join(f"{row[name]:>22}" for name in names) for kind, row in rows.items()]
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("RADTRACE_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) if data else None)
    parser.add_argument("--films", type=int, default=24, help="native ones; a quarter as many JPEG 2000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
