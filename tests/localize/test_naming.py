"""Regions by their names, and by the words of reports."""

import pytest

from radtrace.anatomy import REGIONS
from radtrace.errors import InputError
from radtrace.localize import named_regions


@pytest.mark.parametrize(
    ("names", "regions"),
    [
        (["right lung"], ("right lung",)),
        (["  Cardiac  Silhouette "], ("cardiac silhouette",)),
        (["lungs"], ("right lung", "left lung")),
        (["heart"], ("cardiac silhouette",)),
        (["left base"], ("left lower lung zone",)),
        (["both hila"], ("right hilar structures", "left hilar structures")),
        (["carina", "left lung", "lungs"], ("carina", "right lung", "left lung")),
        (["aorta"], ("aortic arch", "descending aorta")),
    ],
)
def test_names_and_the_words_of_reports(names, regions):
    assert named_regions(names) == regions


def test_every_region_by_its_name_and_all_of_them():
    assert named_regions(["all"]) == named_regions(REGIONS)
    assert set(named_regions(["all"])) == set(REGIONS)
    assert all(named_regions([name]) == (name,) for name in REGIONS)


@pytest.mark.parametrize("name", ["rigth lung", "", "foo", "right lung foo", "mild heart", "left", "lungs and heart"])
def test_what_is_no_name_is_answered_with_the_nearest(name):
    with pytest.raises(InputError) as caught:
        named_regions([name])
    message = str(caught.value)
    assert repr(name) in message
    assert "\n" not in message
    assert sum(region in message for region in REGIONS) >= 3


def test_a_slip_is_answered_with_what_was_meant():
    with pytest.raises(InputError, match="right lung"):
        named_regions(["rigth lung"])
