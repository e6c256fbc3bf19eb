"""A plain sentence for every finding, for what nobody wrote in a sentence of its own."""

from collections.abc import Iterator

from radtrace.anatomy import FINDINGS
from radtrace.models.encoder import DEVICES

_BOTH = "bilateral "
SIDES = {_BOTH: 3, "right-sided ": 2, "left-sided ": 2, "": 1}
"""Words of a side -> columns of a finding there."""
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


def plain() -> Iterator[tuple[str, str, int]]:
    """Of each finding, and of its sides where it has any: the finding, a sentence, the columns of an encoder it is."""
    for label, kind in FINDINGS.items():
        has_sides = kind.chexpert != DEVICES and any("{side}" in region for region in kind.regions)
        for side, columns in SIDES.items() if has_sides else [("", 1)]:
            yield label, _sentence(label, side), columns


def _sentence(label: str, side: str) -> str:
    many = _ONE_OF_MANY.get(label)
    if side == _BOTH and many:
        return f"There are {side}{many}."
    phrase = side + _OTHER_NOUNS.get(label, label if label.isupper() else label.lower())
    if label in _PLURAL:
        return f"There are {phrase}."
    article = "" if many is None else "an " if phrase[0] in "aeiou" else "a "
    return f"There is {article}{phrase}."
