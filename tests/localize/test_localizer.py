"""The bundled localizer on real films, on turned ones, and on what is no film."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.images import Film, Pixels, load_film
from radtrace.images.film import Orientation
from radtrace.localize import Localization, Localizer, row, weights

LUNGS = ("right lung", "left lung")


def table(path: Path) -> list[dict[str, str]]:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def held_out(data_dir: Path) -> list[tuple[Pixels, tuple[Box, Box]]]:
    """Twelve Shenzhen films that training never saw (the fifth by sha256 of the file's name), and their lung boxes."""
    rows = [
        row
        for row in table(data_dir / "anatomy/shenzhen.csv")
        if int(hashlib.sha256(row["file"].encode()).hexdigest(), 16) % 5 == 0
    ]
    return [
        (
            load_film(data_dir / "anatomy" / row["file"]).pixels,
            (Box.of(json.loads(row["right_lung_box"])), Box.of(json.loads(row["left_lung_box"]))),
        )
        for row in rows[::10][:12]
    ]


def test_lungs_of_held_out_films(localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]) -> None:
    found = localizer([film for film, _ in held_out])
    scores = []
    for result, (_, truth) in zip(found, held_out, strict=True):
        assert (result.kind, result.rotation) == ("frontal", 0)
        assert list(result.regions) == list(REGIONS)
        right, left = (result.regions[name] for name in LUNGS)
        assert right.x2 < left.x2
        assert right.x1 < left.x1
        scores += [right.iou(truth[0]), left.iou(truth[1])]
    assert np.mean(scores) >= 0.9


def test_the_same_film_gives_the_same_boxes_in_any_company(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    films = [film for film, _ in held_out[:3]]
    together = localizer(films)
    assert together == [localizer([film])[0] for film in films]
    assert localizer([]) == []


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_film_gives_turned_boxes(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]], turns: int
) -> None:
    for film, _ in held_out[:4]:
        upright = localizer([film])[0]
        turned = localizer([np.ascontiguousarray(np.rot90(film, turns))])[0]
        assert turned.rotation == 90 * turns
        assert "turned by" in turned.warnings[0]
        for name in REGIONS:
            assert turned.regions[name].iou(upright.regions[name].turned(90 * turns)) > 0.9, name


def test_padding_moves_the_boxes_with_the_film(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    # A film with as much black beside it as it is wide: x shrinks to a half, y stays.
    film, truth = held_out[0]
    found = localizer([np.hstack([film, np.zeros_like(film)])])[0]
    for name, box in zip(LUNGS, truth, strict=True):
        x1, y1, x2, y2 = box.xyxy
        assert found.regions[name].iou(Box.of((x1 / 2, y1, x2 / 2, y2))) > 0.8


def test_contrast_and_size_do_not_matter(localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]) -> None:
    film, _ = held_out[1]
    plain = localizer([film])[0].regions
    for changed in (0.3 + 0.3 * film, np.kron(film, np.ones((3, 3), np.float32))):
        for name in LUNGS:
            assert localizer([changed.astype(np.float32)])[0].regions[name].iou(plain[name]) > 0.95


def test_inverted_grays_are_seen_and_undone(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    for film, truth in held_out[:4]:
        found = localizer([1 - film])[0]
        assert "inverted" in found.warnings[0]
        for name, box in zip(LUNGS, truth, strict=True):
            assert found.regions[name].iou(box) > 0.8


@pytest.fixture(scope="module")
def headers_only(localizer: Localizer) -> Localizer:
    """Reads no side marker unless the film may be mirrored."""
    return Localizer.load(every_marker=False)


def said(pixels: Pixels, along_row: str, along_column: str) -> Film:
    return Film(np.ascontiguousarray(pixels), "digest", orientation=Orientation(along_row, along_column))


def test_side_markers_verify_the_sides_of_most_films(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    found = localizer([film for film, _ in held_out])
    assert sum(result.sides_by == "marker" for result in found) >= 9
    for result in found:
        assert not result.mirrored
        assert ("orientation unverified" in result.warnings) == (result.sides_by is None)


def test_without_header_or_marker_the_sides_are_unverified(
    headers_only: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    found = headers_only([held_out[0][0]])[0]
    assert (found.sides_by, found.mirrored) == (None, False)
    assert "orientation unverified" in found.warnings


def test_a_header_that_agrees_verifies_the_sides(
    headers_only: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    for film, _ in held_out[:4]:
        plain, told = headers_only([film])[0], headers_only([said(film, "L", "F")])[0]
        assert (told.sides_by, told.mirrored) == ("header", False)
        assert "orientation unverified" not in told.warnings
        assert told.regions == plain.regions


@pytest.mark.parametrize(("turns", "axes"), [(0, ("R", "F")), (1, ("F", "L")), (2, ("L", "H")), (3, ("H", "R"))])
def test_a_mirrored_film_keeps_the_patients_sides(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]], turns: int, axes: tuple[str, str]
) -> None:
    for film, _ in held_out[:4]:
        upright = localizer([film])[0]
        found = localizer([said(np.rot90(film[:, ::-1], turns), *axes)])[0]
        assert (found.rotation, found.mirrored) == (90 * turns, True)
        assert found.sides_by is not None
        for name in ("right lung", "left lung", "cardiac silhouette", "right costophrenic angle"):
            assert found.regions[name].iou(upright.regions[name].mirrored().turned(90 * turns)) > 0.8, name


def test_a_header_that_contradicts_the_film_is_not_believed(
    headers_only: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    film, _ = held_out[0]
    for axes in (("L", "H"), ("F", "R")):
        found = headers_only([said(film, *axes)])[0]
        assert (found.rotation, found.sides_by) == (0, None)
        assert "orientation unverified" in found.warnings
        assert any("contradicts" in warning for warning in found.warnings)


def test_the_cardiothoracic_ratio_is_the_hearts_share_of_the_chest(
    localizer: Localizer, held_out: list[tuple[Pixels, tuple[Box, Box]]]
) -> None:
    for found in localizer([film for film, _ in held_out]):
        heart, right, left = (found.regions[name] for name in ("cardiac silhouette", *LUNGS))
        ratio = (heart.x2 - heart.x1) / (left.x2 - right.x1)
        assert found.cardiothoracic_ratio == pytest.approx(ratio, abs=0.01)
        assert 0.3 < ratio < 0.75


def blank(value: float) -> Pixels:
    return np.full((256, 256), value, np.float32)


def noise(seed: int = 0, shape: tuple[int, int] = (256, 256)) -> Pixels:
    return np.random.default_rng(seed).random(shape, np.float32)


def stripes() -> Pixels:
    return np.tile((np.arange(256) // 16 % 2).astype(np.float32), (256, 1))


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        (blank(0.0), "blank"),
        (blank(1.0), "blank"),
        *((noise(seed), "not a chest film") for seed in range(6)),
        (stripes(), "not a chest film"),
        (noise(shape=(8, 300)), "too few"),
        (noise(shape=(40, 400)), "too long"),
    ],
    ids=["black", "white", *(f"noise {seed}" for seed in range(6)), "stripes", "tiny", "long"],
)
def test_what_is_no_film_is_refused_with_the_reason(localizer: Localizer, film: Pixels, reason: str) -> None:
    result = localizer([film])[0]
    assert (result.kind, result.rotation, result.regions) == ("other", 0, {})
    assert reason in result.warnings[0]


def test_a_hip_is_no_chest(localizer: Localizer, data_dir: Path) -> None:
    for path in sorted((data_dir / "dicom/negative_not_chest").glob("*.dcm")):
        assert localizer([load_film(path).pixels])[0].kind == "other"


def test_a_lateral_film_is_named_and_has_no_regions(localizer: Localizer, data_dir: Path) -> None:
    rows = [row for row in table(data_dir / "openi/reports.csv") if row["projection"] == "Lateral"]
    held_out = [row for row in rows if int(hashlib.sha256(row["uid"].encode()).hexdigest(), 16) % 10 == 0][:8]
    found = localizer([load_film(data_dir / "openi" / row["file"]).pixels for row in held_out])
    assert sum(result.kind == "lateral" for result in found) >= 7
    for result in found:
        if result.kind == "lateral":
            assert result.regions == {}
            assert "lateral" in result.warnings[0]


def test_the_bundled_weights_are_small(localizer: Localizer) -> None:
    assert weights.find().stat().st_size <= 4 * 2**20


def test_row_is_json_ready() -> None:
    film = Film(np.zeros((40, 60), np.float32), "digest")
    found = Localization(
        "frontal",
        regions={"right lung": Box.of((0.1, 0.2, 1 / 3, 0.9))},
        sides_by="header",
        projection="PA",
        cardiothoracic_ratio=0.45678,
    )
    line = row(Path("a/b.png"), film, found)
    assert json.loads(json.dumps(line)) == {
        "path": "a/b.png",
        "kind": "frontal",
        "rotation": 0,
        "mirrored": False,
        "sides_by": "header",
        "projection": "PA",
        "width": 60,
        "height": 40,
        "cardiothoracic_ratio": 0.4568,
        "regions": {"right lung": [0.1, 0.2, 0.33333, 0.9]},
        "warnings": [],
    }


def test_importing_the_package_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, radtrace.localize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
