"""Checkpoints in the hub's layouts with random weights: whole traces within the model's positions, the same words."""

import json
import shutil
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tests.models.conftest import checkpoint  # noqa: F401  # a fixture
from tests.reader.conftest import BOXES, FRONTAL

from radtrace.errors import InputError
from radtrace.images import Film
from radtrace.models.load import DECODER
from radtrace.reader import Manner, Prepared, Reading, load_mind
from radtrace.reader.hub import HubMind
from radtrace.records import Study, View

Of = Callable[..., HubMind]
KINDS = ("chameleon", "emu3")


@pytest.fixture
def of(checkpoint: Any, tmp_path: Path) -> Of:  # noqa: F811
    """A mind of a checkpoint with so many positions."""

    def made(kind: str, positions: int, **manner: object) -> HubMind:
        path = tmp_path / f"{kind}{positions}"
        if not path.exists():
            shutil.copytree(checkpoint(kind), path)
            about = json.loads((path / "config.json").read_text())
            (about if kind == "chameleon" else about["text_config"])["max_position_embeddings"] = positions
            (path / "config.json").write_text(json.dumps(about))
        mind = load_mind(str(path), Manner.model_validate(manner))
        assert isinstance(mind, HubMind)
        return mind

    return made


def study(seed: int = 0, *, lateral: bool = False) -> Prepared:
    film = Film(np.random.default_rng(seed).random((60, 40), np.float32), sha256="0")
    view = View(id="v", uri="v.png", width=40, height=60)
    return Prepared(
        Study(id=f"s{seed}", source="made", views=(view,)), view, film, film if lateral else None, FRONTAL, None, film
    )


def said(reading: Reading) -> object:
    trace = reading.trace
    return [(step.regions, step.rationale, step.findings, step.box) for step in trace.steps], trace.report


def stated(reading: Reading) -> str:
    return next(stage.detail for stage in reading.trace.provenance if stage.name == "budget")


def fewest(mind: HubMind) -> int:
    """Positions that have room for a trace."""

    def fits(positions: int) -> bool:
        mind.model.config.max_position_embeddings = positions
        try:
            mind.check()
        except InputError:
            return False
        return True

    return bisect_left(range(4000), True, key=fits)


def nobody(*_: object) -> None:
    pass


@pytest.mark.parametrize("kind", KINDS)
def test_the_words_are_the_same_in_every_way_of_drawing(of: Of, kind: str) -> None:
    (plain,) = of(kind, 1100, visual="none").write([study()], nobody)
    assert plain.trace.report is not None
    assert "closed where their room ended: " in stated(plain)  # random weights do not end by themselves
    assert plain.trace.assessments == ()
    assert all(region.box == BOXES[region.name] for step in plain.trace.steps for region in step.regions)
    for manner in ({"visual": "draft"}, {"visual": "generate"}, {"visual": "insert"}, {"picture": "grid"}):
        (drawn,) = of(kind, 1100, **manner).write([study()], nobody)
        assert said(drawn) == said(plain)
        shown = [step.image is not None for step in drawn.trace.steps]
        assert any(shown)
        assert shown == [step.box is not None for step in drawn.trace.steps]
        assert [picture is not None for picture in drawn.pictures] == shown
        kinds = {step.image.kind for step in drawn.trace.steps if step.image}
        assert kinds <= ({"zoom"} if manner.get("visual") == "insert" else {"generated"})


@pytest.mark.parametrize("kind", KINDS)
def test_no_trace_outgrows_the_models_positions(of: Of, kind: str) -> None:
    mind, reached = of(kind, 1300, samples=3, seed=1), []

    def note(_: object, __: object, told: dict[str, Any]) -> None:
        reached.append(int(told["position_ids"].max()) + 1)

    mind.model.register_forward_pre_hook(note, with_kwargs=True)
    mind.write([study()], nobody)
    assert 600 < max(reached) <= 1300


def test_smaller_pictures_are_stated(of: Of) -> None:
    least = fewest(of("chameleon", 4000))  # positions for one step with a picture of 16 codes; a film has 8 x 8
    (reading,) = of("chameleon", least + 9, picture="zoom").write([study()], nobody)
    assert stated(reading).startswith(f"{least + 9} positions: 1 of the films shown, at most 1 steps")
    assert "pictures of at most 25 codes of 64" in stated(reading)
    with pytest.raises(InputError, match=rf"^\S+: the model has {least - 1} positions.*smaller pictures") as error:
        of("chameleon", least - 1)
    assert "\n" not in str(error.value)
    assert ("pictures coarser than they should be" in stated(reading)) == (reading.pictures[0] is not None)


def test_a_lateral_film_is_shown_where_there_is_room_for_it_or_said_to_be_missing(of: Of) -> None:
    both, one = study(lateral=True), study()
    least = fewest(of("chameleon", 4000))
    for positions, shown in ((least + 200, True), (least + 100, False)):
        mind = of("chameleon", positions, visual="none")
        (with_lateral,), (without,) = mind.write([both], nobody), mind.write([one], nobody)
        assert ("2 of the films shown" in stated(with_lateral)) == shown
        assert ("no room: the lateral film is not used" in stated(with_lateral)) != shown
        assert "lateral" not in stated(without)
        assert (said(with_lateral) != said(without)) == shown
        if shown:  # prompts of different lengths share passes
            assert [said(each) for each in mind.write([one, both], nobody)] == [said(without), said(with_lateral)]


def test_the_name_tells_the_weights_and_the_manner(of: Of) -> None:
    names = {of("emu3", 1500).name, of("emu3", 1501).name, of("emu3", 1500, seed=1).name}
    assert len(names) == 3
    assert of("emu3", 1500).name in names


def test_what_cannot_be_read_with_is_refused_in_one_line(of: Of, tiny_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "part")
    (tmp_path / "part" / "reader.json").unlink()
    with pytest.raises(InputError, match="a small reader's model without its other parts"):
        load_mind(str(tmp_path / "part"), Manner())
    with pytest.raises(InputError, match="no such directory"):
        load_mind(str(tmp_path / "nowhere"), Manner())
    of("chameleon", 1500)
    path = tmp_path / "chameleon1500"
    tensors = load_file(path / "model.safetensors")
    save_file(
        {name: each for name, each in tensors.items() if not name.startswith(DECODER)},
        path / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(InputError, match="no pixel decoder to show pictures with"):
        load_mind(str(path), Manner())
    assert load_mind(str(path), Manner(visual="none")).write([study()], nobody)
