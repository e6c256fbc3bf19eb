"""Present, absent, uncertain or not of this film, in sentences of our own wording."""

from collections.abc import Callable

import pytest

from radtrace.findings import findings_of
from radtrace.records import Finding

SENTENCES = [
    # status: plain
    ("Cardiomegaly.", ["Cardiomegaly present @ cardiac silhouette"]),
    ("Bibasilar atelectasis.", ["Atelectasis present bilateral @ right lower lung zone, left lower lung zone"]),
    ("There is a small left pleural effusion.", ["Pleural Effusion present mild left @ left costophrenic angle"]),
    ("Large right pneumothorax.", ["Pneumothorax present severe right @ right lung"]),
    ("Moderate pulmonary edema.", ["Edema present moderate @ right lung, left lung"]),
    # negation before
    ("No pneumothorax.", ["Pneumothorax absent @ right lung, left lung"]),
    ("There is no evidence of focal consolidation.", ["Consolidation absent @ right lung, left lung"]),
    ("Negative for pneumothorax.", ["Pneumothorax absent @ right lung, left lung"]),
    ("The lungs are free of infiltrate.", ["Infiltration absent @ right lung, left lung"]),
    ("The lungs are without consolidation.", ["Consolidation absent @ right lung, left lung"]),
    ("Absence of pleural effusion.", ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"]),
    (
        "Neither effusion nor pneumothorax is seen.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Pneumothorax absent @ right lung, left lung",
        ],
    ),
    (
        "No pneumothorax, effusion, or focal consolidation.",
        [
            "Pneumothorax absent @ right lung, left lung",
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Consolidation absent @ right lung, left lung",
        ],
    ),
    ("The study does not show a pneumothorax.", ["Pneumothorax absent @ right lung, left lung"]),
    ("Interval resolution of the left effusion.", ["Pleural Effusion absent left @ left costophrenic angle"]),
    (
        "Scarring rather than pneumonia.",
        ["Scarring present @ right lung, left lung", "Pneumonia absent @ right lung, left lung"],
    ),
    ("Status post removal of the right chest tube.", ["Chest Tube absent right @ right lung"]),
    (
        "There is no longer an effusion.",
        ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"],
    ),
    ("Cleared right basilar atelectasis.", ["Atelectasis absent right @ right lower lung zone"]),
    # negation after
    ("Pneumothorax is not seen.", ["Pneumothorax absent @ right lung, left lung"]),
    ("The left effusion has resolved.", ["Pleural Effusion absent left @ left costophrenic angle"]),
    (
        "Effusion and pneumothorax are absent.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Pneumothorax absent @ right lung, left lung",
        ],
    ),
    ("Pneumonia has been ruled out.", ["Pneumonia absent @ right lung, left lung"]),
    ("The endotracheal tube has been removed.", ["Endotracheal Tube absent @ trachea"]),
    ("Pleural effusion: none.", ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"]),
    (
        "The effusion is no longer visible.",
        ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"],
    ),
    # where negation ends
    (
        "No effusion but mild edema.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Edema present mild @ right lung, left lung",
        ],
    ),
    (
        "No pneumothorax; small right effusion.",
        [
            "Pneumothorax absent @ right lung, left lung",
            "Pleural Effusion present mild right @ right costophrenic angle",
        ],
    ),
    (
        "No effusion, however the heart is enlarged.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Cardiomegaly present @ cardiac silhouette",
        ],
    ),
    (
        "No pneumothorax with a small left effusion.",
        ["Pneumothorax absent @ right lung, left lung", "Pleural Effusion present mild left @ left costophrenic angle"],
    ),
    (
        "No effusion and the heart is enlarged.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Cardiomegaly present @ cardiac silhouette",
        ],
    ),
    (
        "No effusion, stable cardiomegaly.",
        [
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
            "Cardiomegaly present @ cardiac silhouette",
        ],
    ),
    (
        "No consolidation apart from a left base nodule.",
        ["Consolidation absent @ right lung, left lung", "Nodule present left @ left lower lung zone"],
    ),
    (
        "There is no pneumothorax and there is a left effusion.",
        ["Pneumothorax absent @ right lung, left lung", "Pleural Effusion present left @ left costophrenic angle"],
    ),
    # no denial
    ("No change in the right pleural effusion.", ["Pleural Effusion present right @ right costophrenic angle"]),
    (
        "No significant interval change in bibasilar atelectasis.",
        ["Atelectasis present bilateral @ right lower lung zone, left lower lung zone"],
    ),
    ("No increase in the left effusion.", ["Pleural Effusion present left @ left costophrenic angle"]),
    ("The opacity is not significantly changed.", ["Lung Opacity present @ right lung, left lung"]),
    (
        "Left basilar consolidation has almost completely resolved.",
        ["Consolidation present left @ left lower lung zone"],
    ),
    ("Unchanged right upper lobe nodule.", ["Nodule present right @ right upper lung zone"]),
    # uncertainty
    ("Possible left lower lobe pneumonia.", ["Pneumonia uncertain left @ left lower lung zone"]),
    ("Rule out pneumonia.", ["Pneumonia uncertain @ right lung, left lung"]),
    ("Pneumonia cannot be excluded.", ["Pneumonia uncertain @ right lung, left lung"]),
    (
        "This may represent atelectasis or scarring.",
        ["Atelectasis uncertain @ right lung, left lung", "Scarring uncertain @ right lung, left lung"],
    ),
    (
        "Opacity suggestive of pneumonia.",
        ["Lung Opacity present @ right lung, left lung", "Pneumonia uncertain @ right lung, left lung"],
    ),
    (
        "The opacity is likely atelectasis.",
        ["Lung Opacity present @ right lung, left lung", "Atelectasis uncertain @ right lung, left lung"],
    ),
    ("Findings concerning for aspiration.", ["Aspiration uncertain @ right lower lung zone, left lower lung zone"]),
    (
        "Atelectasis versus infiltrate at the left base.",
        ["Atelectasis uncertain left @ left lower lung zone", "Infiltration uncertain left @ left lower lung zone"],
    ),
    ("Questionable nodule in the right apex.", ["Nodule uncertain right @ right apical zone"]),
    (
        "Cannot exclude a small effusion.",
        ["Pleural Effusion uncertain mild @ right costophrenic angle, left costophrenic angle"],
    ),
    ("A tiny apical pneumothorax is possible.", ["Pneumothorax uncertain mild @ right apical zone, left apical zone"]),
    ("Probable mild edema.", ["Edema uncertain mild @ right lung, left lung"]),
    (
        "Hyperinflated lungs suggest emphysema.",
        ["Hyperinflation present @ right lung, left lung", "Emphysema uncertain @ right lung, left lung"],
    ),
    ("The differential includes tuberculosis.", ["Tuberculosis uncertain @ right apical zone, left apical zone"]),
    ("Pneumonia is unlikely.", ["Pneumonia uncertain @ right lung, left lung"]),
    ("? infiltrate in the right base.", ["Infiltration uncertain right @ right lower lung zone"]),
    ("Borderline heart size.", ["Cardiomegaly uncertain @ cardiac silhouette"]),
    # not of this film
    ("History of pneumonia.", []),
    ("Recommend CT to exclude an underlying mass.", []),
    ("Evaluate for pneumothorax.", []),
    ("If there is concern for rib fracture, dedicated views may help.", []),
    # the answer stands last
    ("Effusion: No.", ["Pleural Effusion absent @ right costophrenic angle, left costophrenic angle"]),
    ("Focal consolidation: negative.", ["Consolidation absent @ right lung, left lung"]),
    ("Left pneumothorax - negative.", ["Pneumothorax absent left @ left lung"]),
    ("Pneumonia - no.", ["Pneumonia absent @ right lung, left lung"]),
    ("Pulmonary edema? No.", ["Edema absent @ right lung, left lung"]),
    (
        "Pulmonary edema? No effusion.",
        [
            "Edema uncertain @ right lung, left lung",
            "Pleural Effusion absent @ right costophrenic angle, left costophrenic angle",
        ],
    ),
    (
        "Pneumothorax: no, effusion: small.",
        [
            "Pneumothorax absent @ right lung, left lung",
            "Pleural Effusion present mild @ right costophrenic angle, left costophrenic angle",
        ],
    ),
    (
        "Effusion: no pneumothorax.",
        [
            "Pleural Effusion present @ right costophrenic angle, left costophrenic angle",
            "Pneumothorax absent @ right lung, left lung",
        ],
    ),
    ("A nodule cannot be identified.", ["Nodule absent @ right lung, left lung"]),
    ("An apical pneumothorax could not be appreciated.", ["Pneumothorax absent @ right apical zone, left apical zone"]),
    ("Abscess suspected.", ["Infection uncertain @ right lung, left lung"]),
    ("Pneumothorax: no evidence.", ["Pneumothorax absent @ right lung, left lung"]),
    ("There isn't a nodule.", ["Nodule absent @ right lung, left lung"]),
    ("A nodule can\u2019t be seen.", ["Nodule absent @ right lung, left lung"]),
    ("Pneumonia can't be excluded.", ["Pneumonia uncertain @ right lung, left lung"]),
    ("The lungs aren't clear.", ["Lung Opacity uncertain @ right lung, left lung"]),
    ("The edema hasn't resolved.", ["Edema present @ right lung, left lung"]),
    ("No abscess suspected.", ["Infection absent @ right lung, left lung"]),
    # still to be excluded, proven or told apart
    ("A right pneumothorax must be excluded.", ["Pneumothorax uncertain right @ right lung"]),
    ("Pneumonia has to be ruled out.", ["Pneumonia uncertain @ right lung, left lung"]),
    ("Tuberculosis needs to be excluded.", ["Tuberculosis uncertain @ right apical zone, left apical zone"]),
    (
        "Left upper lobe mass, carcinoma until proven otherwise.",
        ["Mass present left @ left upper lung zone", "Malignancy uncertain left @ left upper lung zone"],
    ),
    ("Sheet artifact mimicking a left pneumothorax.", ["Pneumothorax absent left @ left lung"]),
    ("Overlying skin simulates a nodule.", ["Nodule absent @ right lung, left lung"]),
    ("Her father has tuberculosis.", []),
    ("The right pneumothorax has completely re-expanded.", ["Pneumothorax absent right @ right lung"]),
    ("The right lung has fully re-expanded.", ["Pneumothorax absent right @ right lung"]),
    ("The right lung has not yet re-expanded.", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_the_status_of_a_finding(written: Callable[[Finding], str], text: str, expected: list[str]) -> None:
    assert [written(finding) for finding in findings_of(text)] == expected


SILENT = [
    # all of the other sections, where findings or impression are headed
    ("HISTORY: Old pneumonia. Effusion. FINDINGS: Clear lungs. IMPRESSION: Left nodule.", ["Lung Opacity", "Nodule"]),
    ("COMPARISON: Film with edema.\nIMPRESSION: Cardiomegaly.", ["Cardiomegaly"]),
    (
        "INDICATION: Pneumonia.\n\nSmall effusion. Mild edema.\n\nIMPRESSION: Scoliosis.",
        ["Pleural Effusion", "Edema", "Scoliosis"],
    ),
    # otherwise only the first sentence
    ("INDICATION: Pneumonia.", []),
    ("HISTORY: Pneumonia. There is a small effusion.", ["Pleural Effusion"]),
]


@pytest.mark.parametrize(("text", "labels"), SILENT)
def test_history_and_comparison_are_not_of_this_film(text: str, labels: list[str]) -> None:
    assert [finding.label for finding in findings_of(text)] == labels
