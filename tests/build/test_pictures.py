import numpy as np
import pytest
from pydantic import ValidationError

from radtrace.build.pictures import Picture
from radtrace.geometry import Box
from radtrace.images import crop

FILM = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (100, 1))
BOX = Box.of((0.3, 0.1, 0.55, 0.9))


def test_a_crop_is_the_films_own_pixels():
    picture = Picture()
    assert picture.box(BOX) == BOX
    assert np.array_equal(picture.draw(FILM, BOX), crop(FILM, BOX))


def test_a_zoom_is_a_square_with_the_aspect_kept():
    picture = Picture(kind="zoom", side=64)
    square = picture.draw(FILM, BOX)
    assert picture.box(BOX) == BOX
    assert square.shape == (64, 64)
    # 50 x 80 pixels become 40 x 64, 12 columns of black on either side
    assert not square[:, :12].any()
    assert not square[:, 52:].any()
    assert square[:, 12:52].min() > 0.25
    assert picture.draw(FILM, Box.of((0, 0, 1, 1)))[32].max() == pytest.approx(1, abs=0.02)


def test_a_grid_picture_shows_whole_cells():
    picture = Picture(kind="grid", grid=10)
    assert picture.box(BOX) == Box.of((0.3, 0.1, 0.6, 0.9))
    assert np.array_equal(picture.draw(FILM, BOX), FILM[10:90, 60:120])


@pytest.mark.parametrize("wrong", [{"kind": "zoomed"}, {"side": 0}, {"grid": 0}, {"cells": 3}])
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        Picture(**wrong)
