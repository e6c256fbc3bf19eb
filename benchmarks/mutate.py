"""Soak: films damaged at random, read by worker processes. A damaged film is refused, or it is nearly the film it was.

Every file gets N mutations: bytes changed, bits flipped, parts cut out, doubled, zeroed, the end lost. Counted are what
was accepted with the same pixels, with pixels hardly changed (mean difference below 2% of the range), with other
pixels, and what was refused. Deaths and stalls of a worker are counted apart: a film may cost its process, never the
reader. The files are the DICOMs of the data folder, and a generated film in every transfer syntax.

python benchmarks/mutate.py [--data DIR] [--mutations N] [--seed N] [--workers N] [--json]
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from radtrace.errors import FilmError
from radtrace.images import Film, FilmReader, load_film

SYNTAXES = {
    "ExplicitVRBigEndian": 12,
    "DeflatedExplicitVRLittleEndian": 12,
    "JPEGBaselineProcess1": 8,
    "JPEGLosslessProcess14": 12,
    "JPEGLosslessProcess14_1": 12,
    "JPEGLSLossless": 12,
    "JPEG2000Lossless": 12,
    "RLELossless": 12,
}
"""GDCM's name of a transfer syntax -> bits stored."""
NEARLY = 0.02
SECONDS = 10.0
BATCH = 200
COUNTS = ("identical", "nearly", "changed", "refused", "worker died", "too slow", "too large", "not one line")


def main() -> None:
    arguments = parse()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, FilmReader(arguments.workers, seconds=SECONDS) as reader:
        files = {path.name: path for path in sorted(arguments.data.glob("dicom/**/*.dcm"))} if arguments.data else {}
        files |= generated(Path(folder))
        counts = {name: campaign(reader, path, Path(folder), arguments) for name, path in files.items()}
    total: Counter[str] = sum(counts.values(), Counter())
    figures = {
        "mutations": total.total(),
        "seconds": round(time.perf_counter() - start, 1),
        "total": dict(total),
        "files": {name: dict(count) for name, count in counts.items()},
    }
    print(json.dumps(figures) if arguments.json else table(counts, total))


def campaign(reader: FilmReader, source: Path, folder: Path, arguments: argparse.Namespace) -> Counter[str]:
    """What became of the mutations of one file."""
    whole, good = source.read_bytes(), load_film(source)
    chance = random.Random(f"{arguments.seed} {source.name}")
    counts: Counter[str] = Counter()
    done = 0
    while done < arguments.mutations:
        paths = []
        for number in range(min(BATCH, arguments.mutations - done)):
            paths.append(folder / f"mutated-{number}.dcm")
            paths[-1].write_bytes(mutated(whole, chance))
        counts.update(verdict(outcome, good) for outcome in reader.load_many(paths))
        done += len(paths)
    return counts


def mutated(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    pixels = whole.find(b"\xe0\x7f\x10\x00")
    start, end = (0, pixels + 12) if chance.random() < 0.5 else (pixels, len(whole))
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        if not data:
            break
        at = min(chance.randrange(start, end), len(data) - 1)
        length = chance.choice((1, 1, 2, 4, 16, 256))
        match chance.choice(("byte", "byte", "bit", "bit", "cut", "double", "zero", "end")):
            case "byte":
                data[at] = chance.randrange(256)
            case "bit":
                data[at] ^= 1 << chance.randrange(8)
            case "cut":
                del data[at : at + length]
            case "double":
                data[at:at] = data[at : at + length]
            case "zero":
                data[at : at + length] = bytes(len(data[at : at + length]))
            case "end":
                del data[max(at, 1) :]
    return bytes(data)


def verdict(outcome: Film | FilmError, good: Film) -> str:
    if isinstance(outcome, FilmError):
        words = str(outcome)
        if "\n" in words:
            return "not one line"
        kinds = {"decoder died": "worker died", "took more than": "too slow", "needs more than": "too large"}
        return next((kind for sign, kind in kinds.items() if sign in words), "refused")
    if outcome.pixels.shape != good.pixels.shape:
        return "changed"
    difference = float(np.abs(outcome.pixels - good.pixels).mean())
    return "identical" if difference == 0 else "nearly" if difference < NEARLY else "changed"


def generated(folder: Path) -> dict[str, Path]:
    """One film in every transfer syntax."""
    plain = {bits: write(folder / f"native-{bits}.dcm", bits) for bits in (8, 12)}
    made = {name: transcoded(plain[bits], name, folder / f"{name}.dcm") for name, bits in SYNTAXES.items()}
    return {"ExplicitVRLittleEndian": plain[12]} | made


def write(path: Path, bits: int, side: int = 256) -> Path:
    y, x = np.mgrid[0:side, 0:side] / side
    top = 2**bits - 1
    noise = np.random.default_rng(0).normal(0, top / 800, (side, side))
    stored = np.clip(top * (0.5 + 0.3 * np.sin(5 * x) * np.cos(4 * y)) + noise, 0, top)
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset.Rows = dataset.Columns = side
    dataset.SamplesPerPixel, dataset.PixelRepresentation, dataset.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if bits == 8 else 16, bits, bits - 1
    dataset.WindowCenter, dataset.WindowWidth = 2 ** (bits - 1), 2**bits
    dataset.PixelData = stored.astype(np.uint8 if bits == 8 else np.uint16).tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


def transcoded(path: Path, name: str, target: Path) -> Path:
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetFileName(str(target))
    writer.SetImage(change.GetOutput())
    writer.Write()
    return target


def table(counts: dict[str, Counter[str]], total: Counter[str]) -> str:
    width = max(map(len, counts))
    lines = [" " * width + "".join(f"{name:>14}" for name in COUNTS)]
    lines += [f"{name:<{width}}" + "".join(f"{count[kind]:>14}" for kind in COUNTS) for name, count in counts.items()]
    return "\n".join([*lines, f"{'all':<{width}}" + "".join(f"{total[kind]:>14}" for kind in COUNTS)])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("RADTRACE_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) if data else None)
    parser.add_argument("--mutations", type=int, default=1000, help="of each file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
