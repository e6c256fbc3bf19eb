"""What an overlay shows."""

import io

import numpy as np
import pytest
from PIL import Image

from radtrace.anatomy import DOMAIN_OF, REGIONS
from radtrace.geometry import Box
from radtrace.localize import Localization, overlay
from radtrace.localize.overlay import SHOWN, _Area, _free_place

COLOURS = {"mediastinal": (255, 159, 67), "lung": (77, 210, 255), "bone": (184, 233, 134), "other": (215, 166, 255)}
FILM = np.full((300, 200), 0.5, np.float32)


def everything() -> Localization:
    boxes = {name: Box.of((0.1 + 0.01 * i, 0.2, 0.5 + 0.01 * i, 0.9)) for i, name in enumerate(REGIONS)}
    return Localization("frontal", 90, boxes, ("the film is turned",))


def shown(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        return image


def domains(image: Image.Image) -> set[str]:
    colours = {colour for _, colour in image.getcolors(1 << 24) or ()}
    return {domain for domain, colour in COLOURS.items() if colour in colours}


def test_an_overlay_is_the_film_with_landmarks_and_a_legend() -> None:
    image = shown(overlay(FILM, everything()))
    assert image.mode == "RGB"
    assert image.width == 853  # 1280 * 200 / 300
    assert image.height > 1280
    assert domains(image) == {DOMAIN_OF[name] for name in SHOWN}
    assert overlay(FILM, everything()) == overlay(FILM, everything())


def test_only_what_is_asked_for_is_drawn() -> None:
    assert domains(shown(overlay(FILM, everything(), REGIONS))) == set(COLOURS)
    assert domains(shown(overlay(FILM, everything(), ["spine"]))) == {"bone"}
    assert domains(shown(overlay(FILM, everything(), []))) == set()


def test_a_refused_film_is_shown_with_the_reason() -> None:
    image = shown(overlay(FILM, Localization("other", warnings=("not a chest film",))))
    assert domains(image) == set()
    assert image.height > 1280


@pytest.mark.parametrize("shape", [(256, 256), (3000, 2500), (64, 256), (256, 64)])
def test_films_of_any_size_and_shape_are_shown_at_one_size(shape: tuple[int, int]) -> None:
    image = shown(overlay(np.zeros(shape, np.float32), everything(), REGIONS))
    assert max(image.width, image.height - 48) == 1280


def test_labels_of_boxes_on_one_spot_hide_no_other() -> None:
    # 35 labels of 100 x 15 at one small box, on a film with room for 12 columns of 53.
    area, size = _Area(600, 400, 640, 420), (1280, 800)
    taken: list[_Area] = []
    for _ in REGIONS:
        taken.append(_free_place(area, (100, 15), taken, size))
    for number, place in enumerate(taken):
        assert not any(place.shared(other) for other in taken[:number])
        assert 0 <= place.x1 < place.x2 <= size[0]
        assert 0 <= place.y1 < place.y2 <= size[1]
