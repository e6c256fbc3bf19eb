"""Findings -> the labels of CheXpert and of the NIH-14 gold file, and the row that `radtrace findings` writes."""

from collections.abc import Iterable
from typing import Any

from radtrace.anatomy import FINDINGS
from radtrace.findings.annotator import SentenceAnnotation, annotate
from radtrace.records import Finding, Status

CHEXPERT: tuple[str, ...] = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Lesion",
    "Lung Opacity",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
"""Irvin et al., "CheXpert", 2019, Table 1."""

NIH14: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The columns of the gold standard published with NegBio (Peng et al. 2018), in its order."""

_STRENGTH: dict[Status | None, int] = {None: 0, "absent": 1, "uncertain": 2, "present": 3}


def chexpert_labels(findings: Iterable[Finding]) -> dict[str, Status | None]:
    """The 14 CheXpert labels: over all mentions present > uncertain > absent; None where nothing is said.

    "No Finding" is present where no other label but "Support Devices" is present or uncertain, otherwise None, as in
    the CheXpert labeller; a finding that has no CheXpert label, such as emphysema, does not count against it.
    """
    labels = _strongest(((FINDINGS[finding.label].chexpert, finding.status) for finding in findings), CHEXPERT)
    abnormal = any(status in ("present", "uncertain") for name, status in labels.items() if name != "Support Devices")
    return {**labels, "No Finding": None if abnormal else "present"}


def nih14_labels(annotations: Iterable[SentenceAnnotation]) -> dict[str, Status | None]:
    """The 14 columns of the gold file, over all mentions present > uncertain > absent; None where nothing is said.

    As in the gold file, a best guess counts as present: "probable", and each of two alternatives ("atelectasis versus
    infiltrate"). "May be", "possible" and "suggests" stay uncertain.
    """
    mentions: Iterable[tuple[str | None, Status]] = (
        (FINDINGS[finding.label].nih14, "present" if likely else finding.status)
        for annotation in annotations
        for finding, likely in zip(annotation.findings, annotation.likely, strict=True)
    )
    return _strongest(mentions, NIH14)


def _strongest(mentions: Iterable[tuple[str | None, Status]], names: Iterable[str]) -> dict[str, Status | None]:
    labels: dict[str, Status | None] = dict.fromkeys(names)
    for name, status in mentions:
        if name and _STRENGTH[status] > _STRENGTH[labels[name]]:
            labels[name] = status
    return labels


def row(id: str, text: str) -> dict[str, Any]:  # noqa: A002
    """What `radtrace findings` writes for one report, ready for JSON; empty text has no finding and no label."""
    annotations = annotate(text)
    findings = [finding for annotation in annotations for finding in annotation.findings]
    labels = chexpert_labels(findings)
    if not text.strip():
        labels["No Finding"] = None
    return {
        "id": id,
        "findings": [_finding_row(finding, text) for finding in findings],
        "labels": labels,
        "nih14": nih14_labels(annotations),
    }


def _finding_row(finding: Finding, text: str) -> dict[str, Any]:
    if finding.span is None:
        raise ValueError("a finding read from text has a span")
    return {
        "label": finding.label,
        "status": finding.status,
        "severity": finding.severity,
        "laterality": finding.laterality,
        "change": finding.change,
        "regions": list(finding.regions),
        "span": [finding.span.start, finding.span.end],
        "text": text[finding.span.start : finding.span.end],
    }
