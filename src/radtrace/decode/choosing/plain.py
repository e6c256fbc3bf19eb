"""A plain sentence for every finding, for what nobody wrote in a sentence of its own."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache

from radtrace.anatomy import FINDINGS
from radtrace.decode.choosing.told import Sentence, read_sentence
from radtrace.models.encoder import DEVICES

_BOTH = "bilateral "
_SIDES = {_BOTH: {"right", "left"}, "right-sided ": {"right"}, "left-sided ": {"left"}, "": set[str]()}
_ONE_OF_MANY = {
    "Pericardial Effusion": "", "Right Aortic Arch": "", "Enlarged Hilum": "enlarged hila",
    "Calcified Lymph Node": "calcified lymph nodes", "Lung Opacity": "lung opacities", "Fat Pad": "fat pads",
    "Infiltration": "infiltrates", "Nodule": "lung nodules", "Nodular Opacity": "nodular opacities",
    "Mass": "lung masses", "Lung Lesion": "lung lesions",
    "Granuloma": "granulomas", "Cavity": "cavities", "Cyst": "cysts", "Bulla": "bullae", "Azygos Lobe": "",
    "Pleural Effusion": "pleural effusions", "Hydropneumothorax": "hydropneumothoraces",
    "Pneumothorax": "pneumothoraces", "Pleural Plaque": "pleural plaques",
    "Blunted Costophrenic Angle": "blunted costophrenic angles", "Elevated Hemidiaphragm": "elevated hemidiaphragms",
    "Flattened Diaphragm": "flattened diaphragms", "Hiatal Hernia": "", "Diaphragmatic Hernia": "diaphragmatic hernias",
    "Fracture": "fractures", "Vertebral Compression": "", "Bone Lesion": "bone lesions",
    "Cervical Rib": "cervical ribs",
    "Pectus Deformity": "", "Foreign Body": "", "Endotracheal Tube": "", "Tracheostomy Tube": "", "Enteric Tube": "",
    "Central Venous Catheter": "", "Pacemaker": "", "Chest Tube": "", "Heart Valve": "", "Stent": "",
    "Intra-Aortic Balloon Pump": "", "Other Device": "",
}  # fmt: skip
"""What takes an article -> its plural, where it has one on either side."""
_PLURAL = {
    "Interstitial Markings", "Gallstones", "Low Lung Volumes", "Sternal Wires", "Surgical Clips",
    "Cholecystectomy Clips",
}  # fmt: skip
_OTHER_NOUNS = {
    "Enlarged Cardiomediastinum": "widening of the mediastinum", "Tortuous Aorta": "tortuosity of the aorta",
    "Atherosclerosis": "atherosclerosis of the aorta", "Interstitial Markings": "increased interstitial markings",
    "Infiltration": "infiltrate", "Edema": "pulmonary edema", "Nodule": "lung nodule", "Mass": "lung mass",
    "Eventration": "eventration of the diaphragm", "Vertebral Compression": "vertebral compression deformity",
    "Cardiac Surgery": "evidence of prior cardiac surgery", "Other Device": "support device",
}  # fmt: skip


@cache
def plain_sentences() -> tuple[Sentence, ...]:
    """Of each finding, and of its sides where it has any, one that by our rules says that and nothing else."""
    found = ((columns, read_sentence(text)) for columns, text in _texts())
    return tuple(each for columns, each in found if each and each.present == columns)


def plain_sentence(label: str, columns: AbstractSet[str]) -> str:
    """That a finding is there. columns: of an encoder, the finding's sides among them."""
    sides = {column.partition(", ")[2] for column in columns} - {""}
    return _sentence(label, next(side for side, ones in _SIDES.items() if ones == sides))


def has_sides(label: str) -> bool:
    """Whether a finding is on a side: a device is told without one, since it crosses the chest."""
    kind = FINDINGS[label]
    return kind.chexpert != DEVICES and any("{side}" in region for region in kind.regions)


def _texts() -> Iterator[tuple[set[str], str]]:
    for label in FINDINGS:
        for side, ones in _SIDES.items() if has_sides(label) else [("", set[str]())]:
            yield {label, *(f"{label}, {one}" for one in ones)}, _sentence(label, side)


def _sentence(label: str, side: str) -> str:
    many = _ONE_OF_MANY.get(label)
    if side == _BOTH and many:
        return f"There are {side}{many}."
    phrase = side + _OTHER_NOUNS.get(label, label if label.isupper() else label.lower())
    if label in _PLURAL:
        return f"There are {phrase}."
    article = "" if many is None else "an " if phrase[0] in "aeiou" else "a "
    return f"There is {article}{phrase}."
