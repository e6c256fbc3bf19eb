import pyarrow as pa
import pyarrow.parquet as pq

from radtrace.build.leakage import leakage_of, leaks
from radtrace.build.shards import SCHEMA


def row(study, patient=None, sha="", findings="", impression="", source="s"):
    words = {"findings": findings, "impression": impression}
    return {
        "study_id": study,
        "patient_id": patient,
        "source": source,
        "view": {"sha256": sha or study},
        "report": words if findings or impression else None,
    }


def report_of(tmp_path, **splits):
    files = {}
    for split, rows in splits.items():
        path = tmp_path / f"{split}-00000-of-00001.parquet"
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
        files[path] = split
    return leakage_of(files)


def test_nothing_leaks_from_splits_that_share_nothing(tmp_path):
    report = report_of(tmp_path, train=[row("1", "p", findings="Clear.")], val=[row("2", "q", findings="Dull.")])
    assert leaks(report) == {}
    assert set(report) == {
        "studies_in_several_splits",
        "patients_in_several_splits",
        "images_in_several_splits",
        "images_in_several_studies",
        "report_texts_in_several_splits",
    }


def test_each_kind_of_leak_is_named_by_ids(tmp_path):
    train = [row("1", "p", "a", "SECRET words.", "None."), row("2", "q", "b"), row("3", None, "c"), row("5", None, "c")]
    val = [row("1", "p2", "d"), row("4", "q", "e", "secret  WORDS.", "none."), row("6", None, "b")]
    report = report_of(tmp_path, train=train, val=val)
    assert leaks(report) == {
        "studies_in_several_splits": 1,
        "patients_in_several_splits": 1,
        "images_in_several_splits": 1,
        "images_in_several_studies": 2,
        "report_texts_in_several_splits": 1,
    }
    cases = {kind: [case["studies"] for case in found["cases"]] for kind, found in report.items()}
    assert cases["studies_in_several_splits"] == [{"train": ["1"], "val": ["1"]}]
    assert cases["patients_in_several_splits"] == [{"train": ["2"], "val": ["4"]}]
    assert cases["images_in_several_studies"] == [{"train": ["2"], "val": ["6"]}, {"train": ["3", "5"]}]
    assert cases["report_texts_in_several_splits"] == [{"train": ["1"], "val": ["4"]}]
    assert "secret" not in str(report).lower()


def test_patients_of_two_sources_are_two(tmp_path):
    report = report_of(tmp_path, train=[row("1", "p")], val=[row("2", "p", source="other")])
    assert leaks(report) == {}


def test_the_same_study_id_twice_in_a_split_is_no_leak_between_splits(tmp_path):
    assert leaks(report_of(tmp_path, train=[row("1", "p", "a"), row("1", "p", "a")])) == {}
