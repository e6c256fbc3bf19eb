"""A phantom's report: sentences of our own wording that say what is drawn and nothing else."""

from collections.abc import Sequence

import numpy as np

from radtrace.phantoms.lesions import Kind, Lesion
from radtrace.records import Report

_INDICATIONS = (
    "Cough for two weeks.",
    "Shortness of breath.",
    "Chest pain.",
    "Fever, rule out pneumonia.",
    "Preoperative evaluation.",
    "Routine check before starting work.",
    "Follow-up after treatment.",
)
_COMPARISONS = ("None.", "None available.", "No prior films.")
_SIZES: dict[str | None, tuple[str, ...]] = {
    "mild": ("small",),
    "moderate": ("moderate", "moderate-sized"),
    "severe": ("large",),
}
_DEGREES: dict[str | None, tuple[str, ...]] = {
    "mild": ("mildly",),
    "moderate": ("moderately",),
    "severe": ("severely", "markedly"),
}
_SAID: dict[Kind, tuple[str, ...]] = {
    "cardiomegaly": (
        "The heart is {degree} enlarged.",
        "The cardiac silhouette is {degree} enlarged.",
        "There is {severity} cardiomegaly.",
    ),
    "effusion": (
        "There is a {size} {side} pleural effusion.",
        "A {size} {side} pleural effusion blunts the costophrenic angle.",
        "{Size} {side} pleural effusion with a meniscus along the chest wall.",
    ),
    "consolidation": (
        "There is focal consolidation in the {side} {zone} lung zone.",
        "Patchy airspace consolidation is seen in the {side} {zone} lung.",
        "A focal consolidation with air bronchograms lies in the {side} {zone} lung zone.",
    ),
    "pneumothorax": (
        "There is a {size} {side} apical pneumothorax with a visible pleural line.",
        "A {size} {side} pneumothorax is present at the apex.",
    ),
    "nodule": (
        "There is a round nodule in the {side} {zone} lung zone.",
        "A well-defined pulmonary nodule projects over the {side} {zone} lung zone.",
    ),
    "atelectasis": (
        "Linear opacities at the {side} lung base are consistent with subsegmental atelectasis.",
        "Plate-like atelectasis is present at the {side} lung base.",
    ),
    "central line": (
        "A right internal jugular central venous catheter ends in the lower superior vena cava.",
        "Right internal jugular central line with its tip in the SVC.",
    ),
    "pacemaker": (
        "A left chest wall pacemaker has a single lead that ends in the right ventricle.",
        "Left-sided pacemaker with one lead projecting over the right ventricle.",
    ),
}
_CONCLUDED: dict[Kind, tuple[str, ...]] = {
    "cardiomegaly": ("{Severity} cardiomegaly.",),
    "effusion": ("{Size} {side} pleural effusion.",),
    "consolidation": ("{Side} {zone} lung consolidation.", "Consolidation of the {side} {zone} lung zone."),
    "pneumothorax": ("{Size} {side} pneumothorax.",),
    "nodule": ("{Side} {zone} lung nodule.", "Nodule in the {side} {zone} lung zone; CT may be considered."),
    "atelectasis": ("Atelectasis at the {side} lung base.",),
    "central line": ("Right central venous catheter ending in the SVC.",),
    "pacemaker": ("Left chest wall pacemaker.",),
}
_NORMAL_HEART = (
    "The heart is normal in size.",
    "Heart size is within normal limits.",
    "The cardiac silhouette is normal in size.",
)
_NORMAL_MEDIASTINUM = (
    "The mediastinal contours are normal.",
    "Mediastinal contours are within normal limits.",
    "The trachea is midline, and the aortic arch is unremarkable.",
)
_CLEAR_LUNGS = (
    "The lungs are clear.",
    "Both lungs are clear without focal consolidation.",
    "The lungs are well expanded and clear.",
)
_CLEAR_SIDE = ("The {side} lung is clear.", "No abnormality of the {side} lung.")
_NO_EFFUSION = ("No pleural effusion.", "There is no pleural effusion.", "The costophrenic angles are sharp.")
_NO_PNEUMOTHORAX = ("No pneumothorax.", "There is no pneumothorax.", "No pneumothorax is seen.")
_BONES = (
    "No acute bony abnormality.",
    "The bony thorax is intact.",
    "The ribs and clavicles are intact, and the thoracic spine is unremarkable.",
)
_ABDOMEN = ("No free air under the diaphragm.", "The upper abdomen is unremarkable.", "")
_NORMAL_IMPRESSION = (
    "No acute cardiopulmonary abnormality.",
    "Normal chest.",
    "No acute disease.",
)
_CHEST_WALL: frozenset[Kind] = frozenset({"central line", "pacemaker"})


def report(lesions: Sequence[Lesion], rng: np.random.Generator) -> Report:
    """The report of a film with these lesions, heart first, bones and devices last."""
    impression = [_said(lesion, _CONCLUDED, rng) for lesion in lesions] or [_one(_NORMAL_IMPRESSION, rng)]
    if len(impression) > 1:
        impression = [f"{number}. {sentence}" for number, sentence in enumerate(impression, start=1)]
    return Report(
        findings=" ".join(filter(None, [*_chest(lesions, rng), *_rest(lesions, rng)])),
        impression=" ".join(impression),
        indication=_one(_INDICATIONS, rng),
        comparison=_one(_COMPARISONS, rng),
        technique="Single frontal view of the chest, computed phantom.",
    )


def _chest(lesions: Sequence[Lesion], rng: np.random.Generator) -> list[str]:
    """Heart, mediastinum, lungs and pleura."""
    kinds = {lesion.kind for lesion in lesions}
    heart = [_said(lesion, _SAID, rng) for lesion in lesions if lesion.kind == "cardiomegaly"]
    in_lungs = [lesion for lesion in lesions if lesion.kind not in _CHEST_WALL | {"cardiomegaly"}]
    sentences = [*(heart or [_one(_NORMAL_HEART, rng)]), _one(_NORMAL_MEDIASTINUM, rng)]
    sentences += [_said(lesion, _SAID, rng) for lesion in in_lungs]
    affected = {lesion.side for lesion in in_lungs}
    if not affected:
        sentences.append(_one(_CLEAR_LUNGS, rng))
    elif len(affected) == 1:
        sentences.append(_one(_CLEAR_SIDE, rng).format(side="left" if "right" in affected else "right"))
    if "effusion" not in kinds:
        sentences.append(_one(_NO_EFFUSION, rng))
    if "pneumothorax" not in kinds:
        sentences.append(_one(_NO_PNEUMOTHORAX, rng))
    return sentences


def _rest(lesions: Sequence[Lesion], rng: np.random.Generator) -> list[str]:
    """Bones, abdomen and devices."""
    devices = [_said(lesion, _SAID, rng) for lesion in lesions if lesion.kind in _CHEST_WALL]
    return [_one(_BONES, rng), _one(_ABDOMEN, rng), *devices]


def _said(lesion: Lesion, table: dict[Kind, tuple[str, ...]], rng: np.random.Generator) -> str:
    words = {
        "side": lesion.side or "",
        "zone": lesion.zone or "",
        "severity": lesion.severity or "",
        "size": _one(_SIZES.get(lesion.severity, ("",)), rng),
        "degree": _one(_DEGREES.get(lesion.severity, ("",)), rng),
    }
    capitals = {name.capitalize(): word.capitalize() for name, word in words.items()}
    return _one(table[lesion.kind], rng).format(**words, **capitals)


def _one(sentences: Sequence[str], rng: np.random.Generator) -> str:
    return sentences[int(rng.integers(len(sentences)))]
