"""The benchmark on Open-I: whom it measures."""

from pathlib import Path

import openi
from radtrace.sources import open_source


def test_a_study_that_the_source_refuses_is_among_the_split_without_words(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text(
        "uid,image_id,file,projection,orig_width,orig_height\n1,a,a.png,Frontal,9,9\n"
    )
    rows = "1,Clear lungs.,,,,val\n2,Clear lungs.,,,,val\n2,Edema.,,,,val\n3,Edema.,,,,test\n"
    (tmp_path / "studies.csv").write_text(f"uid,findings,impression,indication,comparison,r2gen_split\n{rows}")
    studies = openi.everyone(open_source({"kind": "openi", "root": tmp_path, "split": "val"}))
    assert [(study.id, len(study.views), bool(study.report)) for study in studies] == [("1", 1, True), ("2", 0, False)]
