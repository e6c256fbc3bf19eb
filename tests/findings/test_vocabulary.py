"""The vocabulary: bones, abdomen, devices, de-identified words, in sentences of our own wording."""

from collections.abc import Callable

import pytest

from radtrace.anatomy import FINDINGS
from radtrace.findings import findings_of
from radtrace.findings.lexicon import phrases
from radtrace.records import Finding

SENTENCES = [
    # one thing named twice
    ("Bony deformity of the left clavicle from an old fracture.", ["Fracture present left @ left clavicle"]),
    ("The heart is enlarged and globular.", ["Cardiomegaly present @ cardiac silhouette"]),
    # bones and abdomen
    ("Old right seventh rib fracture.", ["Fracture present right @ right ribs"]),
    ("Fracture of the left clavicle.", ["Fracture present left @ left clavicle"]),
    ("Compression deformity of a thoracic vertebral body.", ["Vertebral Compression present @ spine"]),
    ("Degenerative changes of the thoracic spine.", ["Degenerative Change present @ spine"]),
    ("Degenerative changes of the right shoulder.", ["Degenerative Change present right @ right clavicle"]),
    ("Mild dextroscoliosis.", ["Scoliosis present mild @ spine"]),
    ("Osteopenia.", ["Osteopenia present @ spine"]),
    (
        "No free air under the diaphragm.",
        ["Pneumoperitoneum absent @ right hemidiaphragm, left hemidiaphragm, right upper abdomen, left upper abdomen"],
    ),
    (
        "Free air below the right hemidiaphragm.",
        ["Pneumoperitoneum present right @ right hemidiaphragm, right upper abdomen"],
    ),
    ("Cervical ribs are noted.", ["Cervical Rib present @ right ribs, left ribs"]),
    ("Pectus excavatum.", ["Pectus Deformity present @ mediastinum"]),
    # more of the vocabulary
    ("Large hiatal hernia.", ["Hiatal Hernia present severe @ cardiac silhouette, left lower lung zone"]),
    ("Left hilar lymphadenopathy.", ["Lymphadenopathy present left @ left hilar structures"]),
    ("Calcified mediastinal lymph nodes.", ["Calcified Lymph Node present @ mediastinum"]),
    ("Bronchiectasis in the left lower lobe.", ["Bronchiectasis present left @ left lower lung zone"]),
    ("Azygos lobe.", ["Azygos Lobe present @ right upper lung zone"]),
    ("Pneumomediastinum.", ["Pneumomediastinum present @ mediastinum"]),
    ("Subcutaneous emphysema along the right chest wall.", ["Subcutaneous Emphysema present right @ right ribs"]),
    ("Bullous disease in the right apex.", ["Bulla present right @ right apical zone"]),
    ("A cavity in the left upper lobe.", ["Cavity present left @ left upper lung zone"]),
    ("Air trapping.", ["Hyperinflation present @ right lung, left lung"]),
    ("Old granulomatous disease.", ["Granuloma present @ right lung, left lung"]),
    ("Eventration of the right hemidiaphragm.", ["Eventration present right @ right hemidiaphragm"]),
    ("Rightward deviation of the trachea.", ["Mediastinal Shift present right @ trachea"]),
    ("Pulmonary fibrosis at both bases.", ["Fibrosis present bilateral @ right lower lung zone, left lower lung zone"]),
    ("Changes of tuberculosis in the right upper lobe.", ["Tuberculosis present right @ right upper lung zone"]),
    ("Congestive heart failure.", ["Heart Failure present @ cardiac silhouette, right lung, left lung"]),
    # devices
    ("The endotracheal tube ends 4 cm above the carina.", ["Endotracheal Tube present @ trachea"]),
    ("Nasogastric tube with its tip in the stomach.", ["Enteric Tube present @ left upper abdomen"]),
    (
        "Right PICC with its tip at the cavoatrial junction.",
        ["Central Venous Catheter present right @ cavoatrial junction"],
    ),
    ("A left subclavian catheter ends in the SVC.", ["Central Venous Catheter present left @ svc"]),
    ("Left chest port.", ["Central Venous Catheter present left @ svc"]),
    (
        "Dual lead pacemaker with leads in the right atrium and right ventricle.",
        ["Pacemaker present @ cardiac silhouette, right atrium"],
    ),
    ("Right chest tube.", ["Chest Tube present right @ right lung"]),
    ("Median sternotomy wires.", ["Sternal Wires present @ mediastinum"]),
    ("Surgical clips in the right upper quadrant.", ["Surgical Clips present right @ right upper abdomen"]),
    ("Cholecystectomy clips.", ["Cholecystectomy Clips present @ right upper abdomen"]),
    ("Aortic valve replacement.", ["Heart Valve present @ cardiac silhouette"]),
    ("Spinal hardware.", ["Orthopedic Hardware present @ spine"]),
    (
        "Swan-Ganz catheter in the right pulmonary artery.",
        ["Central Venous Catheter present right @ right hilar structures"],
    ),
    # XXXX
    (
        "There are no XXXX of a pleural effusion.",
        ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"],
    ),
    ("Left costophrenic XXXX blunting.", ["Blunted Costophrenic Angle present left @ left costophrenic angle"]),
    (
        "Opacities XXXX representing atelectasis.",
        ["Lung Opacity present @ right lung, left lung", "Atelectasis uncertain @ right lung, left lung"],
    ),
    ("XXXX sternotomy XXXX.", ["Sternal Wires present @ mediastinum"]),
    # seldom seen
    ("Dextrocardia.", ["Dextrocardia present @ cardiac silhouette"]),
    ("No situs inversus.", ["Situs Inversus absent @ cardiac silhouette, right upper abdomen, left upper abdomen"]),
    ("There is a right-sided aortic arch.", ["Right Aortic Arch present right @ aortic arch"]),
    ("Small bowel loops are distended.", ["Bowel Dilatation present @ right upper abdomen, left upper abdomen"]),
    ("The bowel is not dilated.", ["Bowel Dilatation absent @ right upper abdomen, left upper abdomen"]),
    ("Portal venous gas.", ["Portal Venous Gas present @ right upper abdomen"]),
    ("Pulmonary emboli cannot be excluded.", ["Pulmonary Embolism uncertain @ right lung, left lung"]),
    ("Intra-aortic balloon pump in place.", ["Intra-Aortic Balloon Pump present @ descending aorta"]),
    ("IABP tip in the aortic arch.", ["Intra-Aortic Balloon Pump present @ aortic arch"]),
    # nothing to find
    ("Two views of the chest.", []),
    ("No acute cardiopulmonary abnormality.", []),
    ("Comparison is made with the prior study.", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_the_words_for_a_finding(written: Callable[[Finding], str], text: str, expected: list[str]) -> None:
    assert [written(finding) for finding in findings_of(text)] == expected


@pytest.mark.parametrize("kind", FINDINGS.values(), ids=lambda kind: kind.label)
def test_no_before_a_finding_denies_it(kind) -> None:
    for pattern in kind.words:
        for phrase in phrases(pattern):
            (finding,) = findings_of(f"No {' '.join(phrase)} today.")
            assert (finding.label, finding.status) == (kind.label, "absent"), phrase
