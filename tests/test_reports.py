"""Sections and sentences of reports, of our own wording; real ones at the end."""

import csv
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.errors import InputError
from radtrace.records import Report
from radtrace.reports import report_from_openi_xml, sections, sentences

SECTIONS = [
    # headings with a colon on lines of their own
    ("FINDINGS: Clear.\nIMPRESSION: Normal.", Report(findings="Clear.", impression="Normal.")),
    ("Findings : Clear.\nConclusion : Normal.", Report(findings="Clear.", impression="Normal.")),
    ("FINDINGS:\r\nClear.\r\nOPINION:\r\nNormal.", Report(findings="Clear.", impression="Normal.")),
    # several on one line
    (
        "HISTORY: Cough. COMPARISON: None. TECHNIQUE: Two views. FINDINGS: Clear. IMPRESSION: Normal.",
        Report(
            indication="Cough.", comparison="None.", technique="Two views.", findings="Clear.", impression="Normal."
        ),
    ),
    ("Clinical Information: cough. Findings: clear.", Report(indication="cough.", findings="clear.")),
    # numbered, marked, alone on a line
    ("1. FINDINGS: Clear.\n2) IMPRESSION: Normal.", Report(findings="Clear.", impression="Normal.")),
    ("## Findings\nClear.\n\n**Impression:** Normal.", Report(findings="Clear.", impression="Normal.")),
    ("IMPRESSION\nNormal.\nFINDINGS\nClear.", Report(findings="Clear.", impression="Normal.")),
    # in capitals without a colon
    ("INDICATION Cough.\nFINDINGS Clear lungs.", Report(indication="Cough.", findings="Clear lungs.")),
    ("IMPRESSION - Normal.", Report(impression="Normal.")),
    # other names
    (
        "REASON FOR EXAM: cough\nEXAMINATION: CHEST PA\nREPORT: Clear.",
        Report(indication="cough", technique="CHEST PA", findings="Clear."),
    ),
    ("FINDINGS AND IMPRESSION: Clear.", Report(findings="Clear.")),
    ("REASON FOR THIS EXAMINATION: fever\nFINAL IMPRESSION: Normal.", Report(indication="fever", impression="Normal.")),
    # what is no heading stays where it stands
    ("FINDINGS: LUNGS: Clear. HEART: Normal.", Report(findings="LUNGS: Clear. HEART: Normal.")),
    ("IMPRESSION: Normal.\nRECOMMENDATION: None.", Report(impression="Normal.\nRECOMMENDATION: None.")),
    (
        "FINDINGS: No change in comparison with the prior study.",
        Report(findings="No change in comparison with the prior study."),
    ),
    ("The findings are stable.", Report(findings="The findings are stable.")),
    # words before the first heading
    ("CHEST TWO VIEWS\nFINDINGS: Clear.", Report(technique="CHEST TWO VIEWS", findings="Clear.")),
    ("The lungs are clear.\nIMPRESSION: Normal.", Report(findings="The lungs are clear.", impression="Normal.")),
    # findings without a heading, after the indication
    (
        "FINAL REPORT\nINDICATION: Cough.\n\nThe lungs are clear.\n\nThe heart is normal.\n\nIMPRESSION: Normal.",
        Report(
            technique="FINAL REPORT",
            indication="Cough.",
            findings="The lungs are clear.\n\nThe heart is normal.",
            impression="Normal.",
        ),
    ),
    # named twice, empty
    (
        "FINDINGS: Clear.\nIMPRESSION: Normal.\nFINDINGS: Scoliosis.",
        Report(findings="Clear.\nScoliosis.", impression="Normal."),
    ),
    ("FINDINGS:\nIMPRESSION: Normal.", Report(impression="Normal.")),
    ("", Report()),
    (" \n ", Report()),
]


@pytest.mark.parametrize(("text", "report"), SECTIONS, ids=[text[:40] for text, _ in SECTIONS])
def test_sections(text: str, report: Report) -> None:
    assert sections(text) == report


@given(st.text())
def test_sections_keep_text_without_headings_as_findings(text: str) -> None:
    if not any(mark in text for mark in ":\n\r") and not text.isupper():
        assert sections(f"there {text}").findings == f"there {text}".strip()


@given(
    st.lists(st.sampled_from(["FINDINGS:", "Impression:", "Lungs clear.", "HISTORY", "\n", "\n\n", "1.", "x", "PRIOR"]))
)
def test_sections_keep_every_word_that_is_no_heading(parts: list[str]) -> None:
    report = sections(" ".join(parts))
    kept = " ".join(report.model_dump().values()).split()
    for word in ("clear.", "x"):
        assert kept.count(word) == sum(part.split().count(word) for part in parts)


SENTENCES = [
    ("Heart normal. Lungs clear.", ["Heart normal.", "Lungs clear."]),
    ("1. Normal chest. 2. No change.", ["1. Normal chest.", "2. No change."]),
    ("1. Normal chest 2. No change", ["1. Normal chest", "2. No change"]),
    ("1.Normal chest.2.No change.", ["1.Normal chest.", "2.No change."]),
    ("(1) Normal.\n(2) Stable.", ["(1) Normal.", "(2) Stable."]),
    ("- Normal\n- Stable", ["- Normal", "- Stable"]),
    ("Nodule of 2.5 cm. Stable.", ["Nodule of 2.5 cm.", "Stable."]),
    ("Nodule of .5 cm. Stable.", ["Nodule of .5 cm.", "Stable."]),
    ("Scar vs. nodule. Stable.", ["Scar vs. nodule.", "Stable."]),
    ("Dr. Roe was told. Stable.", ["Dr. Roe was told.", "Stable."]),
    ("Dr. J. Roe was told.", ["Dr. J. Roe was told."]),
    ("Seen at 5 p.m. today. Stable at 6 a.m. No change.", ["Seen at 5 p.m. today.", "Stable at 6 a.m.", "No change."]),
    ("Approx. 3 cm, i.e. small.", ["Approx. 3 cm, i.e. small."]),
    ("Rib No. 3 is broken. No. 4 too.", ["Rib No. 3 is broken.", "No. 4 too."]),
    ("Is there effusion? No. Clear!", ["Is there effusion?", "No.", "Clear!"]),
    ("Clear.No effusion.", ["Clear.", "No effusion."]),
    ("No change.. Clear. .", ["No change..", "Clear. ."]),
    ("Stable chest x-XXXX. XXXX, XXXX.", ["Stable chest x-XXXX.", "XXXX, XXXX."]),
    ("Fracture of rib 2. Stable since 2012. Clear.", ["Fracture of rib 2.", "Stable since 2012.", "Clear."]),
    ("1. Fracture of rib 2. Clear.", ["1. Fracture of rib 2.", "Clear."]),
    ("Heart normal\nLungs clear", ["Heart normal", "Lungs clear"]),
    ("The heart is\nnormal.", ["The heart is\nnormal."]),
    ("One paragraph\n\nanother one", ["One paragraph", "another one"]),
    (
        "There is a catheter whose tip lies in the lower part of the\nSVC today.",
        ["There is a catheter whose tip lies in the lower part of the\nSVC today."],
    ),
    (". Clear.", [". Clear."]),
    (f"Heart normal{' ' * 99}. Clear.", [f"Heart normal{' ' * 99}.", "Clear."]),
    ("Clear \t \n \r\n Heart", ["Clear", "Heart"]),
    ("Clear. 3.", ["Clear. 3."]),
    ("3.", ["3."]),
    ("", []),
    (" \n", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text[:40] for text, _ in SENTENCES])
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in sentences(text)] == expected


@pytest.mark.parametrize("filler", [" ", " \n", "\r", "Ab\n", "a . ", "2.5 "])
def test_a_megabyte_of_one_thing_is_read(filler: str) -> None:
    """Time that grew with the square of the length would not end."""
    filling = filler * (1_000_000 // len(filler))
    spans = sentences(f"Heart {filling} normal.")
    assert spans[0].start == 0
    assert spans[-1].end == len(f"Heart {filling} normal.")
    assert "Heart" in sections(f"Heart {filling} normal.").findings


def assert_accounted_for(text: str) -> None:
    """Spans are ordered, apart, within the text, and hold all that is not blank."""
    spans = sentences(text)
    outside, at = "", 0
    for span in spans:
        assert at <= span.start < span.end <= len(text)
        outside += text[at : span.start]
        at = span.end
    outside += text[at:]
    assert not outside.strip()


FRAGMENTS = st.sampled_from(
    [
        "1. ",
        "2.",
        " . ",
        "..",
        "Dr. ",
        "XXXX",
        "x-XXXX.",
        "2.5 cm",
        "No",
        "a.m. ",
        "\n",
        "\r\n",
        "(",
        "- ",
        "? ",
        "clear. ",
    ]
)


@given(st.one_of(st.text(), st.lists(FRAGMENTS).map("".join)))
def test_every_character_belongs_to_one_sentence(text: str) -> None:
    assert_accounted_for(text)


XML = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR7"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="INDICATION"/>
<AbstractText Label="FINDINGS">Size &lt; 3 cm.
</AbstractText><AbstractText Label="IMPRESSION">Normal &amp; clear.</AbstractText>
</Abstract></Article></MedlineCitation><MeSH><major>Cardiomegaly</major></MeSH>
<parentImage id="CXR7_IM-0001-1001"><caption>PA view</caption></parentImage>
<parentImage id="CXR7_IM-0001-2001"><caption>PA view</caption></parentImage></eCitation>"""


def test_openi_xml(tmp_path: Path) -> None:
    path = tmp_path / "7.xml"
    path.write_text(XML, encoding="utf-8")
    read = report_from_openi_xml(path)
    assert read == report_from_openi_xml(XML.encode())
    assert read.uid == "7"
    assert read.images == ("CXR7_IM-0001-1001", "CXR7_IM-0001-2001")
    assert read.report == Report(
        comparison="None.", findings="Size < 3 cm.", impression="Normal & clear.", technique="PA view"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a readable"),
        (XML[:300].encode(), "not a readable"),
        (b"<a/>", "uId"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not a readable"),
        ("<a>\udcff</a>".encode("utf-8", "surrogateescape"), "not a readable"),
    ],
    ids=["empty", "truncated", "no id", "entities", "unknown encoding", "bad bytes"],
)
def test_openi_xml_that_cannot_be_read_is_refused_by_name(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "broken.xml"
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"^broken.xml: .*{reason}"):
        report_from_openi_xml(path)


def test_a_missing_xml_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^gone\.xml: cannot be read"):
        report_from_openi_xml(tmp_path / "gone.xml")


def test_every_character_of_every_real_report_belongs_to_one_sentence(data_dir: Path) -> None:
    with (data_dir / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert_accounted_for(row["findings"])
            assert_accounted_for(row["impression"])


def test_real_xml_and_table_say_the_same(data_dir: Path) -> None:
    with (data_dir / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        table = {row["uid"]: row for row in csv.DictReader(file)}
    with tarfile.open(data_dir / "openi" / "NLMCXR_reports.tgz") as archive:
        members = [member for member in archive if member.name.endswith(".xml")]
        for member in members:
            handle = archive.extractfile(member)
            assert handle is not None
            read = report_from_openi_xml(handle.read())
            row = table.pop(read.uid)
            assert read.report.findings.split() == row["findings"].split()
            assert read.report.impression.split() == row["impression"].split()
            assert not read.images or set(read.images) == set(row["xml_image_ids"].split("|"))
    assert len(members) > 3000
