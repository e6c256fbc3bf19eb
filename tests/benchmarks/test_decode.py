"""The decoding benchmark on a reader with random weights: the ways differ in cost, never in words."""

import numpy as np
import pytest
from tests.reader.whole import save_tiny

import decode
from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.images import Film
from radtrace.localize import Localization
from radtrace.reader.bundle import Bundle
from radtrace.reader.prepared import Prepared
from radtrace.records import Report, Study, View


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("reader")
    save_tiny(path)
    read = decode.load_whole(path)
    read.model.config.max_position_embeddings = 480  # room for one step and the report
    return read


def case(number: int) -> tuple[Prepared, Study]:
    film = Film(np.random.default_rng(number).random((64, 48), np.float32), sha256="0" * 64)
    view = View(id=f"v{number}", uri=f"{number}.png", projection="PA", width=48, height=64)
    report = Report(findings="The heart is enlarged. The lungs are clear.", impression="Cardiomegaly.")
    study = Study(id=f"s{number}", source="made", views=(view,), report=report)
    boxes = {name: Box.of((0.1, 0.2, 0.5 + place / 100, 0.7)) for place, name in enumerate(REGIONS)}
    found = Localization("frontal", regions=boxes)
    return Prepared(study.model_copy(update={"report": None}), view, film, None, found, None, film), study


def test_every_way_has_its_figures_and_the_same_words(bundle: Bundle) -> None:
    prepared, studies = zip(case(0), strict=True)
    found = decode.measured(bundle, prepared, studies)
    ways = found["ways"]
    assert found["same_words"]
    assert found["studies"] == 1
    assert set(ways) == {*decode.WAYS, "transformers generate", "transformers lookup"}
    for kind in ("grid", "zoom"):
        generated, drafted, inserted = (ways[f"{kind} {way}"] for way in ("generate", "draft", "insert"))
        assert generated["image_tokens"] == drafted["image_tokens"] == inserted["image_tokens"] > 0
        assert inserted["copied"] == 1
        assert generated["gen"] == pytest.approx(drafted["gen"])  # the same tokens
        # without pictures there is no second prompt to read, the one that shows the film
        assert inserted["passes"] == ways["none"]["passes"] + 1 < drafted["passes"] <= generated["passes"]
    own, theirs = ways["grid generate"], ways["transformers generate"]
    assert theirs["image_tokens"] == own["image_tokens"]
    assert theirs["same"] == ways["transformers lookup"]["same"] == 1
    assert ways["transformers lookup"]["passes"] <= theirs["passes"]
    assert "grid: passes of generate over draft" in decode.table(found)
