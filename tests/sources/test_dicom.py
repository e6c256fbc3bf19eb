"""A made-up archive, written file by file."""

import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from radtrace.errors import FilmError, InputError
from radtrace.records import Rejected, Study
from radtrace.sources import open_source
from radtrace.sources.dicom import pseudonym

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian  # noqa: E402

CR, DX, DX_RAW = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1"
CT, PR, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.88.11"
SECRETS = ("DOE", "JANE", "MRN-4711", "ACC-77", "1.2.99")


def write(path, sop_class=CR, modality="CR", study="1.2.99.1", instance=None, syntax=ExplicitVRLittleEndian, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality, dataset.StudyInstanceUID = sop_class, modality, study
    dataset.SOPInstanceUID = instance or f"1.2.99.{zlib.crc32(str(path).encode())}"
    dataset.PatientName, dataset.PatientID, dataset.AccessionNumber = "DOE^JANE", "MRN-4711", "ACC-77"
    if sop_class in {CR, DX}:
        dataset.Rows, dataset.Columns = 64, 48
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.PixelData = np.arange(64 * 48, dtype=np.uint8).tobytes()
    for name, value in more.items():
        setattr(dataset, name, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)


def read(root, **settings):
    return list(open_source({"kind": "dicom", "root": root, **settings}).studies())


def text_item(value, code=None, meaning="", children=()):
    item = Dataset()
    item.ValueType = "TEXT" if value else "CONTAINER"
    if value:
        item.TextValue = value
    concept = Dataset()
    concept.CodeValue, concept.CodeMeaning = code or "x", meaning
    item.ConceptNameCodeSequence = Sequence([concept])
    if children:
        item.ContentSequence = Sequence(list(children))
    return item


def test_files_are_grouped_by_study_and_called_by_hashes(tmp_path):
    write(tmp_path / "DOE_JANE" / "1", ViewPosition="PA")
    write(tmp_path / "DOE_JANE" / "2", DX, "DX", ViewPosition="LL")
    write(tmp_path / "x", study="1.2.99.2")
    first, second = read(tmp_path)
    assert first.id == pseudonym("1.2.99.1")
    assert re.fullmatch("[0-9a-f]{16}", first.id)
    assert [view.projection for view in first.views] == ["PA", "lateral"]
    assert first.patient_id == second.patient_id == pseudonym("|MRN-4711")
    assert (second.id, second.report) == (pseudonym("1.2.99.2"), None)


def test_nothing_told_names_a_patient(tmp_path):
    write(tmp_path / "DOE_JANE" / "1.dcm")
    (tmp_path / "DOE_JANE" / "notes.txt").write_text("Jane Doe")
    write(tmp_path / "DOE_JANE" / "ct", CT, "CT", study="1.2.99.3")
    source = open_source({"kind": "dicom", "root": tmp_path})
    cases = list(source.studies())
    (study,) = [case for case in cases if isinstance(case, Study)]
    (tmp_path / "DOE_JANE" / "1.dcm").write_bytes(b"cut")
    with pytest.raises(FilmError) as error:
        source.film(study.views[0])
    told = [case.model_dump_json() for case in cases if isinstance(case, Rejected)]
    told += [study.id, study.patient_id, source.reference(study.views[0]), str(error.value), *study.notes]
    assert len(told) == 6
    assert not [secret for secret in SECRETS for text in told if secret.lower() in text.lower()]
    named = open_source({"kind": "dicom", "root": tmp_path, "name_files": True})
    assert named.reference(study.views[0]) == "DOE_JANE/1.dcm"
    assert any("DOE_JANE/notes.txt: no DICOM file" in case.reason for case in named.studies() if not study_of(case))


def study_of(case):
    return case if isinstance(case, Study) else None


def test_what_is_no_film_for_reading_is_counted(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", DX_RAW, "DX")
    write(tmp_path / "c", PR, "PR")
    write(tmp_path / "d", "1.2.99.77", "JANE")
    (study,) = read(tmp_path)
    assert len(study.views) == 1
    assert [note.partition(":")[0] for note in study.notes] == ["1 left out"] * 3
    assert "For Processing" in study.notes[0]
    assert study.notes[2] == "1 left out: other (unknown SOP class)"
    write(tmp_path / "e", CT, "CT", study="1.2.99.9")
    rejected = read(tmp_path)[1]
    assert (rejected.study_id, rejected.reason) == (
        pseudonym("1.2.99.9"),
        "no CR or DX film for reading; 1 left out: CT (CT Image Storage)",
    )


def test_copies_are_one_film_and_contradictions_none(tmp_path):
    write(tmp_path / "a", instance="1.2.99.50")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    (study,) = read(tmp_path)
    assert (len(study.views), study.notes) == (1, ("1 files are copies of others",))
    write(tmp_path / "b", instance="1.2.99.50", ViewPosition="AP")
    assert "one SOP Instance UID, different contents" in read(tmp_path)[0].reason
    write(tmp_path / "b", instance="1.2.99.51", PatientID="OTHER")
    assert read(tmp_path)[0].reason == "2 files of one study differ in patient"


def test_a_table_of_reports_by_uid_hash_or_accession(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", study="1.2.99.2", AccessionNumber="ACC-78")
    rows = ["study_id,report", "1.2.99.1,FINDINGS: Clear lungs. IMPRESSION: Normal."]
    rows += [f"{pseudonym('1.2.99.2')},Large heart."]
    (tmp_path / "r.csv").write_text("\n".join(rows))
    one, two = read(tmp_path, reports="r.csv")
    assert (one.report.findings, one.report.impression) == ("Clear lungs.", "Normal.")
    assert two.report.findings == "Large heart."
    (tmp_path / "r.csv").write_text("study_id,findings\nACC-78,Clear.\nACC-77,A.\nACC-77,B.\n,Lost.\n")
    one, two, lost = read(tmp_path, reports="r.csv", report_key="AccessionNumber")
    assert two.report.findings == "Clear."
    assert one.reason == "doubled study_id: r.csv line 3, r.csv line 4"
    assert lost.reason == "r.csv line 5: no study_id"


def test_a_structured_report_by_codes_and_by_words(tmp_path):
    write(tmp_path / "film")
    content = [
        text_item("", "121070", "Findings", [text_item("Lungs are clear.", "121071", "Finding")]),
        text_item("Normal chest.", "q", "Impression"),
        text_item("Cough.", "18785-6", "Reason"),
        text_item("Hello.", "q", "Addressee"),
    ]
    write(tmp_path / "sr", SR, "SR", ContentSequence=Sequence(content), ContentDate="20200102")
    late = [text_item("Second reading: clear.", "121071", "Finding")]
    (study,) = read(tmp_path)
    assert study.report.model_dump(exclude_defaults=True) == {
        "findings": "Lungs are clear.", "impression": "Normal chest.", "indication": "Cough.",
    }  # fmt: skip
    assert study.notes == ("1 texts of the report stand under other headings and are left out",)
    write(tmp_path / "sr2", SR, "SR", ContentSequence=Sequence(late), ContentDate="20200103")
    (study,) = read(tmp_path)
    assert study.report.findings == "Second reading: clear."
    assert study.notes == ("the last of 2 structured reports is used",)
    write(tmp_path / "sr", SR, "SR", ContentSequence=Sequence(content), VerificationFlag="VERIFIED")
    assert read(tmp_path)[0].report.impression == "Normal chest."


def test_a_structured_report_of_one_text(tmp_path):
    write(tmp_path / "film")
    whole = text_item("FINDINGS: Large heart.\nIMPRESSION: Cardiomegaly.", "q", "Text")
    write(tmp_path / "sr", SR, "SR", ContentSequence=Sequence([whole]))
    (study,) = read(tmp_path)
    assert (study.report.findings, study.report.impression) == ("Large heart.", "Cardiomegaly.")


def directory(path, *ids):
    dataset = Dataset()
    dataset.DirectoryRecordSequence = Sequence([Dataset() for _ in ids])
    for record, name in zip(dataset.DirectoryRecordSequence, ids, strict=True):
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = name
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(path, enforce_file_format=True)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_only_what_a_dicomdir_names_is_read(tmp_path):
    write(tmp_path / "im" / "a1")
    write(tmp_path / "im" / "b1", study="1.2.99.2")
    directory(tmp_path / "DICOMDIR", ["IM", "A1"], ["IM", "GONE"])
    missing, study = read(tmp_path, dicomdir="DICOMDIR")
    assert "No such file" in missing.reason
    assert study.id == pseudonym("1.2.99.1")
    assert len(read(tmp_path)) == 2
    directory(tmp_path / "DICOMDIR", ["..", "etc"])
    with pytest.raises(InputError, match="leads out of the file set"):
        read(tmp_path, dicomdir="DICOMDIR")
    (tmp_path / "DICOMDIR").write_bytes(b"rubbish" * 100)
    with pytest.raises(InputError, match="DICOMDIR: no"):
        read(tmp_path, dicomdir="DICOMDIR")


def test_deflated_files_are_read_and_bombs_are_not_inflated(tmp_path):
    write(tmp_path / "deflated", syntax=DeflatedExplicitVRLittleEndian, ViewPosition="PA")
    (study,) = read(tmp_path)
    assert study.views[0].projection == "PA"
    head = (tmp_path / "deflated").read_bytes()
    start = 144 + int.from_bytes(head[140:144], "little")
    press = zlib.compressobj(9, wbits=-15)
    zeros = b"".join(press.compress(bytes(2**20)) for _ in range(100)) + press.flush()
    (tmp_path / "deflated").write_bytes(head[:start] + zeros)
    tracemalloc.start()
    (rejected,) = read(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rejected.reason.endswith("more than 10000 elements")
    assert peak < 4_000_000


def test_an_identity_behind_a_long_private_element_is_found(tmp_path):
    write(tmp_path / "a")
    dataset = pydicom.dcmread(tmp_path / "a")
    dataset.private_block(0x0009, "SOMEONE", create=True).add_new(1, "OB", bytes(400_000))
    dataset.save_as(tmp_path / "a")
    assert isinstance(read(tmp_path)[0], Study)


def nested(depth):
    """A sequence in a sequence in … of undefined lengths."""
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    return (sequence + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * depth


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:140],
        lambda data: data[:200],
        lambda data: bytes(1000),
        lambda data: data[:132] + b"\xff" * 400,
        lambda data: data[:300] + nested(5000),
        lambda data: data.replace(b"1.2.99.1", b"\xff\xfe\xfd\xfc    "),
    ],
)
def test_a_spoiled_file_costs_itself_only(tmp_path, spoil):
    write(tmp_path / "a")
    write(tmp_path / "b", study="1.2.99.2")
    (tmp_path / "a").write_bytes(spoil((tmp_path / "a").read_bytes()))
    found = read(tmp_path)
    assert sum(isinstance(case, Study) and case.id == pseudonym("1.2.99.2") for case in found) == 1
    assert len(found) == 2


def test_mutated_files_are_studies_or_rejections(tmp_path):
    write(tmp_path / "a")
    data = bytearray((tmp_path / "a").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(150):
        mutated = bytearray(data)
        for place in rng.integers(128, 700, 4):
            mutated[place] = rng.integers(0, 256)
        (tmp_path / "a").write_bytes(mutated)
        assert len(read(tmp_path)) == 1


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no files"):
        read(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read(tmp_path / "none")


def test_the_real_files(data_dir):
    found = read(data_dir / "dicom")
    assert [len(study.views) for study in found] == [1, 1, 1, 1]
    assert sorted(view.projection for study in found for view in study.views) == ["PA", "PA", "unknown", "unknown"]
