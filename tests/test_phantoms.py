"""Phantoms: the picture, the boxes and the words of one seed agree."""

import hashlib

import numpy as np
import pytest

from radtrace.anatomy import REGIONS
from radtrace.findings import findings_of
from radtrace.images import resized
from radtrace.phantoms import Phantom, phantom
from radtrace.records import Finding

SEEDS = range(60)
SIZE = (128, 128)

# Words that a report must hold for a finding of this label; {side} is the side it is drawn on.
WORDS = {
    "Cardiomegaly": ("heart", "cardiac", "cardiomegaly"),
    "Pleural Effusion": ("{side} pleural effusion",),
    "Consolidation": ("consolidation",),
    "Pneumothorax": ("{side} pneumothorax", "{side} apical pneumothorax"),
    "Nodule": ("nodule",),
    "Atelectasis": ("atelectasis",),
    "Central Venous Catheter": ("central venous catheter", "central line"),
    "Pacemaker": ("pacemaker",),
}


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [phantom(seed, SIZE) for seed in SEEDS]


def test_the_same_seed_gives_the_same_phantom_and_another_one_another() -> None:
    first, again, other = phantom(3, SIZE), phantom(3, SIZE), phantom(4, SIZE)
    assert np.array_equal(first.pixels, again.pixels)
    assert (first.regions, first.report, first.findings) == (again.regions, again.report, again.findings)
    assert not np.array_equal(first.pixels, other.pixels)


def test_the_words_of_a_seed_are_pinned(phantoms: list[Phantom]) -> None:
    # They depend on numpy's generator alone (its stream is stable), so a change here is a change of ours.
    reports = "".join(made.report.model_dump_json() for made in phantoms[:5])
    digest = hashlib.sha256(reports.encode()).hexdigest()
    assert digest == "28d12de55edd5ff18d80daa1dd67bf748c69bb368989a1fb8d3cdedd33e3e85f"


def test_pixels_are_a_film(phantoms: list[Phantom]) -> None:
    for made in phantoms:
        assert made.pixels.dtype == np.float32
        assert made.pixels.shape == SIZE
        assert made.pixels.min() >= 0
        assert made.pixels.max() <= 1
    assert phantom(0, (200, 160)).pixels.shape == (160, 200)


def test_too_small_a_film_is_refused() -> None:
    with pytest.raises(ValueError, match="128"):
        phantom(0, (64, 512))


def test_every_region_has_a_box_on_its_side(phantoms: list[Phantom]) -> None:
    for made in phantoms:
        assert set(made.regions) == set(REGIONS)
        for name in REGIONS:
            if name.startswith("right ") and (twin := name.replace("right ", "left ")) in REGIONS:
                right, left = made.regions[name], made.regions[twin]
                assert right.x1 < left.x1, name
                assert right.x2 < left.x2, name


def test_boxes_agree_with_the_picture(phantoms: list[Phantom]) -> None:
    """In a normal chest the lungs are dark, heart and liver bright, the air of the trachea darker than the spine."""

    def brightness(made: Phantom, name: str) -> float:
        rows, columns = made.regions[name].pixel_slices(*SIZE)
        return float(np.median(made.pixels[rows, columns]))

    normal = [made for made in phantoms if not made.findings]
    for made in normal:
        lungs = max(brightness(made, "right mid lung zone"), brightness(made, "left upper lung zone"))
        assert lungs + 0.2 < brightness(made, "cardiac silhouette")
        assert lungs + 0.2 < brightness(made, "right upper abdomen")
        assert made.regions["right hemidiaphragm"].y1 < made.regions["left hemidiaphragm"].y1


def test_a_third_is_normal_and_every_kind_is_drawn(phantoms: list[Phantom]) -> None:
    normal = sum(not made.findings for made in phantoms)
    assert 12 <= normal <= 28
    assert {finding.label for made in phantoms for finding in made.findings} == set(WORDS)


def test_the_report_says_what_is_drawn(phantoms: list[Phantom]) -> None:
    for made in phantoms:
        assert made.report.impression
        assert made.report.indication
        text = made.report.findings.lower()
        assert 4 <= text.count(". ") + 1 <= 12
        for finding in made.findings:
            assert _said(finding, text), (finding, text)
        labels = {finding.label for finding in made.findings}
        assert ("Pneumothorax" in labels) == ("no pneumothorax" not in text)
        if not labels:
            assert "clear" in text


def test_the_rules_find_in_the_report_what_is_drawn(phantoms: list[Phantom]) -> None:
    """Label, side and severity; beyond these only the words that describe a drawn thing."""
    for made in phantoms:
        found = [finding for finding in findings_of(made.report.findings) if finding.status == "present"]
        for drawn in made.findings:
            same = [each for each in found if each.label == drawn.label]
            assert same, (drawn, made.report.findings)
            if drawn.label not in ("Central Venous Catheter", "Pacemaker"):  # their place is where they end
                assert {each.laterality for each in same} == {drawn.laterality}, made.report.findings
                assert {each.severity for each in same} == {drawn.severity}, made.report.findings
        labels = {each.label for each in found} - {drawn.label for drawn in made.findings}
        assert labels <= {"Lung Opacity", "Blunted Costophrenic Angle"}, made.report.findings


def _said(finding: Finding, text: str) -> bool:
    sentences = [part for part in text.split(". ") if not part.startswith(("no ", "there is no "))]
    return any(
        word.format(side=finding.laterality) in part and (finding.laterality is None or finding.laterality in part)
        for part in sentences
        for word in WORDS[finding.label]
    )


def test_an_effusion_is_bright_on_its_side(phantoms: list[Phantom]) -> None:
    seen = 0
    for made in phantoms:
        sides = {finding.laterality: finding for finding in made.findings if finding.label == "Pleural Effusion"}
        if len(sides) != 1 or next(iter(sides.values())).severity == "mild":
            continue
        side = next(iter(sides))
        other = "left" if side == "right" else "right"
        filled, clear = (
            made.pixels[made.regions[f"{each} lower lung zone"].pixel_slices(*SIZE)].mean() for each in (side, other)
        )
        assert filled > clear
        seen += 1
    assert seen >= 3


def test_synthetic_is_burned_in_below_the_anatomy_and_survives_256_pixels() -> None:
    made = phantom(7)
    small = resized(made.pixels, 256, 256)
    band = small[round(0.92 * 256) :, 64:192]
    assert (band > 0.9).mean() > 0.05  # white letters
    assert (band < 0.1).mean() > 0.05  # with a black outline
    rows = np.flatnonzero(((band > 0.9).any(axis=1)) & ((band < 0.2).any(axis=1)))
    assert len(rows) >= 10  # capitals at least ten pixels high
    assert all(box.y2 <= 0.92 for box in made.regions.values())
