"""The official Open-I layout, made of real reports and films, through the real localizer."""

import csv
import tarfile
from collections import defaultdict

import pytest
from PIL import Image

from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.errors import InputError
from radtrace.localize import Localizer

STUDIES = 10


@pytest.fixture
def collection(data_dir, tmp_path):
    """(folder, image id -> what the collection's own table calls it) of a few studies with both views."""
    films = defaultdict(list)
    with (data_dir / "openi" / "reports.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            films[row["uid"]].append(row)
    chosen = [uid for uid, rows in films.items() if {row["projection"] for row in rows} == {"Frontal", "Lateral"}][
        :STUDIES
    ]
    with tarfile.open(data_dir / "openi" / "NLMCXR_reports.tgz") as archive:
        for uid in chosen:
            archive.extract(f"ecgen-radiology/{uid}.xml", tmp_path / "openi", filter="data")
    for row in (row for uid in chosen for row in films[uid]):
        size = (int(float(row["orig_width"])) // 6, int(float(row["orig_height"])) // 6)
        Image.open(data_dir / "openi" / row["file"]).resize(size).save(tmp_path / "openi" / f"{row['image_id']}.png")
    return tmp_path / "openi", {row["image_id"]: row["projection"] for uid in chosen for row in films[uid]}


def test_real_studies_become_traces_of_their_frontal_films(collection, tmp_path):
    try:
        Localizer.load()
    except InputError as error:
        pytest.skip(str(error))
    root, projections = collection
    source = {"kind": "openi", "root": root}
    result = build(BuildRecipe.model_validate({"output": tmp_path / "run", "source": source, "workers": 1}))
    assert result.traces == STUDIES
    for row in find_traces(tmp_path / "run").rows():
        trace = row.trace
        assert projections[trace.view.id] == "Frontal"
        placed = [step for step in trace.steps if step.domain != "general"]
        assert placed
        assert all(step.box and step.image for step in placed)
        boxes = {region.name: region.box for step in placed for region in step.regions}
        if {"right lung", "left lung"} <= boxes.keys():
            assert boxes["right lung"].x1 < boxes["left lung"].x1
