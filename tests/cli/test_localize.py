import json

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.images import encode_png
from radtrace.localize import Localizer


@pytest.fixture(autouse=True)
def weights():
    try:
        Localizer.load()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def twins(tmp_path):
    """Two films of one name in two folders."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "film.png").write_bytes(encode_png(np.zeros((64, 64), np.float32)))
    return [tmp_path / "a" / "film.png", tmp_path / "b" / "film.png"]


def test_films_of_one_name_keep_their_own_overlays_in_the_folder(radtrace, tmp_path, twins):
    done = radtrace("localize", *twins, "-o", "out")
    assert done.returncode == 0, done.stderr
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert len(names) == 2
    assert [name.endswith(f"{folder}_film.png.regions.png") for name, folder in zip(names, "ab", strict=True)] == [
        True
    ] * 2


def test_each_path_has_its_line_and_what_cannot_be_read_says_why(radtrace, twins):
    done = radtrace("localize", twins[0], "nowhere.png", "--json")
    assert done.returncode == 0
    blank, missing = map(json.loads, done.stdout.splitlines())
    assert (blank["path"], blank["kind"], blank["regions"]) == (str(twins[0]), "other", {})
    assert (missing["path"], missing["kind"]) == ("nowhere.png", None)
    assert "nowhere.png: No such file" in missing["warnings"][0]
    assert radtrace("localize", twins[0], "nowhere.png", "--json", "--strict").returncode == 1
    assert radtrace("localize", "nowhere.png", "--json").returncode == 2


def test_regions_are_chosen_by_name_and_a_wrong_one_is_answered_with_the_nearest(radtrace, tmp_path, twins):
    done = radtrace("localize", twins[0], "--regions", "lungs, heart", "--regions", "left base", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1
    wrong = radtrace("localize", twins[0], "--regions", "lungs,rigth lung", "-o", "none")
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1
    assert "'rigth lung'" in wrong.stderr
    assert "right lung, left lung" in wrong.stderr
    assert not (tmp_path / "none").exists()
    assert radtrace("localize", twins[0], "--regions", "lungs", "--json").returncode == 2
