"""Builds from boxes and labels, with each kind of picture; the source knows every region: nothing is located."""

import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from radtrace.anatomy import REGIONS
from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.cli.build import build as command
from radtrace.errors import RecipeError
from radtrace.geometry import Box
from radtrace.images import crop, encode_png, load_film


@pytest.fixture
def films(tmp_path):
    """Four films of two patients as COCO: two with reports, one with labels only, one with neither."""
    root = tmp_path / "films"
    root.mkdir()
    rng = np.random.default_rng(0)
    for name in "abd":
        Image.fromarray(rng.integers(0, 256, (200, 160), np.uint8)).save(root / f"{name}.png")
    (root / "c.png").write_bytes((root / "a.png").read_bytes())
    names = [*REGIONS, "Nodule"]
    images = [
        {
            "id": n,
            "file_name": f"{name}.png",
            "width": 160,
            "height": 200,
            "projection": "PA",
            "patient_id": f"p{n % 2}",
        }
        for n, name in enumerate("abcd")
    ]
    boxes = [
        {"image_id": image["id"], "category_id": category, "bbox": [10 + category, 20, 100, 150]}
        for image in images
        for category in range(len(REGIONS))
    ]
    boxes += [{"image_id": 2, "category_id": len(REGIONS), "bbox": [40, 50, 16, 20]}]
    categories = [{"id": n, "name": name} for n, name in enumerate(names)]
    (root / "c.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    (root / "r.csv").write_text("study_id,findings\na,The lungs are clear.\nb,The heart is enlarged.\n")
    return root


def recipe(root, output, **settings):
    source = {"kind": "coco", "root": root, "annotations": "c.json", "reports": "r.csv"}
    values = {"output": output, "source": source, "workers": 1, "max_rejected": 0.9, **settings}
    return BuildRecipe.model_validate(values)


def rows(output):
    return {row.trace.study_id: row for row in find_traces(output).rows()}


def test_without_a_template_labels_become_no_words(films, tmp_path):
    result = build(recipe(films, tmp_path / "run"))
    assert (result.traces, result.rejected) == (2, {"report": 2})
    assert rows(tmp_path / "run")["a"].labels == ()


def test_with_a_template_labels_become_traces_that_say_so(films, tmp_path):
    result = build(recipe(films, tmp_path / "run", label_template="{label}: {regions}."))
    assert (result.traces, result.rejected) == (3, {"report": 1})
    row = rows(tmp_path / "run")["c"]
    (step,) = row.trace.steps
    assert step.rationale == "Nodule: right lung, left lung."
    assert step.box == Box.of((0.25, 0.25, 0.35, 0.35))
    assert row.trace.report is None
    assert "no words of a radiologist" in row.trace.provenance[-1].detail
    assert [(label.label, label.box.xyxy) for label in row.labels] == [("Nodule", (0.25, 0.25, 0.35, 0.35))]
    assert rows(tmp_path / "run")["a"].trace.provenance[-1].detail == "rules"
    card = (tmp_path / "run" / "README.md").read_text()
    assert "`{label}: {regions}.`" in card
    reason = json.loads((tmp_path / "run" / "rejected.jsonl").read_text())["reason"]
    assert reason == "no report, and no finding is stated"


def test_a_wrong_template_is_refused(films, tmp_path):
    with pytest.raises(Exception, match=r"lacks \{label\}"):
        recipe(films, tmp_path / "run", label_template="words")
    with pytest.raises(RecipeError, match="annotations"):
        recipe(films, tmp_path / "run", source={"kind": "coco", "root": films})


@pytest.mark.parametrize("kind", ["crop", "zoom", "grid"])
def test_each_kind_of_picture(films, tmp_path, kind):
    build(recipe(films, tmp_path / "run", picture={"kind": kind, "side": 32, "grid": 4}))
    row = rows(tmp_path / "run")["b"]
    (step,) = row.trace.steps
    (png,) = row.step_pngs
    picture = Image.open(io.BytesIO(png))
    assert step.image.kind == kind
    assert step.box == Box.hull([region.box for region in step.regions])
    assert step.image.box == (step.box.snapped(4) if kind == "grid" else step.box)
    if kind == "zoom":
        assert picture.size == (32, 32)
    else:
        assert png == encode_png(crop(load_film(films / "b.png").pixels, step.image.box))


def test_leakage_is_reported_in_the_folder_and_on_the_last_line(films, tmp_path):
    """Films a and c have the same bytes; the source puts them, and their patient's, on two sides of nothing else."""
    document = json.loads((films / "c.json").read_text())
    for image, split in zip(document["images"], ("train", "train", "test", "test"), strict=True):
        image |= {"split": split, "patient_id": image["file_name"]}
    (films / "c.json").write_text(json.dumps(document))
    (films / "r.csv").write_text(
        "study_id,findings\na,The lungs are clear.\nb,Clear.\nc,the lungs are  clear.\nd,Dull.\n"
    )
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'output = "{tmp_path / "run"}"\nworkers = 1\n[source]\nkind = "coco"\nroot = "{films}"\n'
        'annotations = "c.json"\nreports = "r.csv"\n'
    )
    said = CliRunner().invoke(command, [str(path)], standalone_mode=False)
    assert said.exception is None, said.output
    last = said.output.splitlines()[-1]
    assert last.startswith(
        "rejected: 0; leakage: images in several splits 1, images in several studies 1, report texts"
    )
    assert last.endswith("leakage.json")
    leakage = json.loads((tmp_path / "run" / "leakage.json").read_text())
    assert leakage["images_in_several_splits"]["cases"][0]["studies"] == {"test": ["c"], "train": ["a"]}
    assert "images in several splits: 1" in (tmp_path / "run" / "README.md").read_text()
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert {"leakage.json", "statistics.html", "statistics.json"} <= manifest["files"].keys()
    assert "<svg" in (tmp_path / "run" / "statistics.html").read_text()
