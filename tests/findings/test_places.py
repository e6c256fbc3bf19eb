"""Places: which finding is where, what is said of a place, and how severe it is, in sentences of our own wording."""

from collections.abc import Callable

import pytest

from radtrace.findings import annotate, findings_of
from radtrace.records import Finding

SENTENCES = [
    # normal places
    ("The heart is normal in size.", ["Cardiomegaly absent @ cardiac silhouette"]),
    ("Lungs are clear.", ["Lung Opacity absent @ right lung, left lung"]),
    (
        "The lungs are hyperinflated but clear.",
        ["Hyperinflation present @ right lung, left lung", "Lung Opacity absent @ right lung, left lung"],
    ),
    (
        "Heart size and pulmonary vascularity are within normal limits.",
        [
            "Cardiomegaly absent @ cardiac silhouette",
            "Vascular Congestion absent @ right hilar structures, left hilar structures",
        ],
    ),
    (
        "Costophrenic angles are sharp.",
        ["Blunted Costophrenic Angle absent @ right costophrenic angle, left costophrenic angle"],
    ),
    ("The trachea is midline.", ["Mediastinal Shift absent @ trachea"]),
    ("Bony structures are intact.", ["Fracture absent @ right clavicle, left clavicle, right ribs, left ribs, spine"]),
    ("The heart is not enlarged.", ["Cardiomegaly absent @ cardiac silhouette"]),
    (
        "Normal heart size and mediastinal contours.",
        ["Cardiomegaly absent @ cardiac silhouette", "Enlarged Cardiomediastinum absent @ mediastinum"],
    ),
    ("Heart: normal.", ["Cardiomegaly absent @ cardiac silhouette"]),
    ("The heart size is at the upper limits of normal.", ["Cardiomegaly absent @ cardiac silhouette"]),
    # predicates
    ("The heart is mildly enlarged.", ["Cardiomegaly present mild @ cardiac silhouette"]),
    (
        "The aorta is tortuous and calcified.",
        [
            "Tortuous Aorta present @ aortic arch, descending aorta",
            "Atherosclerosis present @ aortic arch, descending aorta",
        ],
    ),
    ("Prominent hila.", ["Enlarged Hilum present @ right hilar structures, left hilar structures"]),
    ("Lung volumes are low.", ["Low Lung Volumes present @ right lung, left lung"]),
    ("Elevated left hemidiaphragm.", ["Elevated Hemidiaphragm present left @ left hemidiaphragm"]),
    ("Flattening of the diaphragms.", ["Flattened Diaphragm present @ right hemidiaphragm, left hemidiaphragm"]),
    (
        "Blunting of the right costophrenic angle.",
        ["Blunted Costophrenic Angle present right @ right costophrenic angle"],
    ),
    ("The mediastinum is widened.", ["Enlarged Cardiomediastinum present @ mediastinum"]),
    ("Increased interstitial markings.", ["Interstitial Markings present @ right lung, left lung"]),
    ("Prominent nodule in the left lung.", ["Nodule present left @ left lung"]),
    (
        "Pulmonary vascular engorgement.",
        ["Vascular Congestion present @ right hilar structures, left hilar structures"],
    ),
    # a place that is not as it should be
    ("Both lungs are not entirely clear.", ["Lung Opacity uncertain bilateral @ right lung, left lung"]),
    ("The heart size is not normal.", ["Cardiomegaly uncertain @ cardiac silhouette"]),
    (
        "The left costophrenic angle is not sharp.",
        ["Blunted Costophrenic Angle uncertain left @ left costophrenic angle"],
    ),
    ("The cardiothoracic ratio is mildly increased.", ["Cardiomegaly present mild @ cardiac silhouette"]),
    ("Cardiothoracic ratio within normal limits.", ["Cardiomegaly absent @ cardiac silhouette"]),
    ("The left angle is blunted.", ["Blunted Costophrenic Angle present left @ left costophrenic angle"]),
    # severity
    ("Trace left effusion.", ["Pleural Effusion present mild left @ left costophrenic angle"]),
    ("Mild to moderate cardiomegaly.", ["Cardiomegaly present moderate @ cardiac silhouette"]),
    ("Massive right pleural effusion.", ["Pleural Effusion present severe right @ right costophrenic angle"]),
    ("Minimal scarring in the lingula.", ["Scarring present mild left @ left mid lung zone"]),
    ("Severe emphysema.", ["Emphysema present severe @ right lung, left lung"]),
    (
        "Slight increase in mild bibasilar atelectasis.",
        ["Atelectasis present mild bilateral @ right lower lung zone, left lower lung zone"],
    ),
    ("No large effusion.", ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"]),
    ("Atelectasis, mild.", ["Atelectasis present mild @ right lung, left lung"]),
    # places
    ("Left lower lobe opacity.", ["Lung Opacity present left @ left lower lung zone"]),
    ("Opacity in the right upper lobe.", ["Lung Opacity present right @ right upper lung zone"]),
    (
        "Right upper and left lower lobe opacities.",
        ["Lung Opacity present bilateral @ right upper lung zone, left lower lung zone"],
    ),
    ("Right middle lobe pneumonia.", ["Pneumonia present right @ right mid lung zone"]),
    ("Scarring in both lung apices.", ["Scarring present bilateral @ right apical zone, left apical zone"]),
    ("Retrocardiac consolidation.", ["Consolidation present left @ left lower lung zone"]),
    ("Calcified granuloma in the right hilum.", ["Granuloma present right @ right hilar structures"]),
    ("Nodule overlying the left fifth rib.", ["Nodule present left @ left lung"]),
    (
        "Opacity at the left base and in the right apex.",
        ["Lung Opacity present bilateral @ right apical zone, left lower lung zone"],
    ),
    (
        "Small right pleural effusion with adjacent atelectasis.",
        ["Pleural Effusion present mild right @ right costophrenic angle", "Atelectasis present right @ right lung"],
    ),
    (
        "Scarring and granuloma in the left base.",
        ["Scarring present left @ left lower lung zone", "Granuloma present left @ left lower lung zone"],
    ),
    ("The right lung shows patchy consolidation.", ["Consolidation present right @ right lung"]),
    ("Left pleural effusion.", ["Pleural Effusion present left @ left costophrenic angle"]),
    (
        "Atelectasis at the bases, right greater than left.",
        ["Atelectasis present bilateral @ right lower lung zone, left lower lung zone"],
    ),
    ("Right apical pneumothorax.", ["Pneumothorax present right @ right apical zone"]),
    ("Fluid in the minor fissure.", ["Pleural Effusion present right @ right mid lung zone"]),
    ("Thickening of the left apical pleura.", ["Pleural Thickening present left @ left apical zone"]),
    ("Opacification of the left hemithorax.", ["Lung Opacity present left @ left lung"]),
    ("Perihilar opacities.", ["Lung Opacity present @ right hilar structures, left hilar structures"]),
    (
        "There is a right pleural effusion, which is now large.",
        ["Pleural Effusion present severe right @ right costophrenic angle"],
    ),
    (
        "Except for a calcified granuloma in the right upper lobe, the lungs are clear.",
        ["Granuloma present right @ right upper lung zone", "Lung Opacity absent @ right lung, left lung"],
    ),
    # each side by itself
    (
        "Pleural effusions, large on the left and small on the right.",
        [
            "Pleural Effusion present severe left @ left costophrenic angle",
            "Pleural Effusion present mild right @ right costophrenic angle",
        ],
    ),
    (
        "Mild left lower lobe and moderate right upper lobe consolidation.",
        [
            "Consolidation present mild left @ left lower lung zone",
            "Consolidation present moderate right @ right upper lung zone",
        ],
    ),
    (
        "Bilateral pleural effusions, left greater than right, are small.",
        ["Pleural Effusion present mild bilateral @ right costophrenic angle, left costophrenic angle"],
    ),
    # a place takes the side of what it goes with
    (
        "Right chest tube with apical pneumothorax.",
        ["Chest Tube present right @ right lung", "Pneumothorax present right @ right apical zone"],
    ),
    (
        "Elevated left hemidiaphragm and basilar atelectasis.",
        ["Elevated Hemidiaphragm present left @ left hemidiaphragm", "Atelectasis present left @ left lower lung zone"],
    ),
    (
        "Left costophrenic angle is obscured by a small pleural effusion.",
        [
            "Blunted Costophrenic Angle present left @ left costophrenic angle",
            "Pleural Effusion present mild left @ left costophrenic angle",
        ],
    ),
    # where it is, and where not
    ("Hazy opacities sparing the left apex.", ["Lung Opacity present @ right lung, left lung"]),
    ("Bilateral consolidation excluding the lingula.", ["Consolidation present bilateral @ right lung, left lung"]),
    ("Right lung infiltrate except the apex.", ["Infiltration present right @ right lung"]),
    ("Nasogastric tube tip in the left lower lobe.", ["Enteric Tube present left @ left lower lung zone"]),
    ("Nasogastric tube coiled in the oesophagus.", ["Enteric Tube present @ mediastinum"]),
    ("Nasogastric tube crosses the left hemidiaphragm.", ["Enteric Tube present left @ left upper abdomen"]),
    ("L atelectasis > R.", ["Atelectasis present bilateral @ right lung, left lung"]),
    (
        "Small pneumothorax on the right persists and the left lung is clear.",
        ["Pneumothorax present mild right @ right lung", "Lung Opacity absent left @ left lung"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_the_places_of_a_finding(written: Callable[[Finding], str], text: str, expected: list[str]) -> None:
    assert [written(finding) for finding in findings_of(text)] == expected


PLACES = [
    ("The heart is normal in size.", "mediastinal", ["cardiac silhouette"]),
    ("Lungs are clear.", "lung", ["right lung", "left lung"]),
    ("No pleural effusion.", "lung", ["right costophrenic angle", "left costophrenic angle"]),
    ("No acute cardiopulmonary abnormality.", "lung", ["cardiac silhouette", "right lung", "left lung"]),
    ("The mediastinal contours are stable.", "mediastinal", ["mediastinum"]),
    ("No acute bony abnormality.", "bone", ["right clavicle", "left clavicle", "right ribs", "left ribs", "spine"]),
    ("The tip lies in the SVC.", "mediastinal", ["svc"]),
    ("The left hilum is stable.", "mediastinal", ["left hilar structures"]),
    ("The tube ends 4 cm above the carina.", "mediastinal", ["trachea"]),
    ("The tube ends at the carina.", "mediastinal", ["carina"]),
    ("The upper abdomen is unremarkable.", "other", ["right upper abdomen", "left upper abdomen"]),
    ("Heart size is normal and the lungs are clear.", "mediastinal", ["cardiac silhouette", "right lung", "left lung"]),
    (
        "Mild cardiomegaly and bibasilar atelectasis with a small left effusion.",
        "lung",
        ["cardiac silhouette", "right lower lung zone", "left lower lung zone", "left costophrenic angle"],
    ),
    ("Two views of the chest.", "general", []),
    ("Normal chest.", "general", []),
    ("Dr. Roe was told by telephone.", "general", []),
    ("Recommend CT to exclude a mass in the right lung.", "general", []),
    ("XXXX.", "general", []),
]


@pytest.mark.parametrize(("text", "domain", "regions"), PLACES, ids=[text for text, _, _ in PLACES])
def test_every_sentence_has_its_place(text: str, domain: str, regions: list[str]) -> None:
    (annotation,) = annotate(text)
    assert (annotation.domain, list(annotation.regions)) == (domain, regions)
