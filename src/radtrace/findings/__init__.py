"""What a report says, by rules: findings with status, severity, laterality, regions and span, and their labels."""

from radtrace.findings.annotator import SentenceAnnotation, annotate, findings_of
from radtrace.findings.labels import CHEXPERT, NIH14, chexpert_labels, nih14_labels, row

__all__ = [
    "CHEXPERT",
    "NIH14",
    "SentenceAnnotation",
    "annotate",
    "chexpert_labels",
    "findings_of",
    "nih14_labels",
    "row",
]
