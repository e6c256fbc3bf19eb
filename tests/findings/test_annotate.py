"""What the rules read in sentences of our own wording: label, status, severity, laterality @ regions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.anatomy import FINDINGS, REGIONS
from radtrace.findings import annotate, findings_of
from radtrace.findings.lexicon import phrases
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


def written(finding: Finding) -> str:
    words = (finding.label, finding.status, finding.severity, finding.laterality)
    return f"{' '.join(filter(None, words))} @ {', '.join(finding.regions)}"


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_findings_of_a_sentence(text: str, expected: list[str]) -> None:
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


def test_spans_are_in_the_text_that_was_read() -> None:
    text = "Heart normal.\n2. Small left effusion. The lungs are\nmildly hyperinflated."
    assert [text[f.span.start : f.span.end] for f in findings_of(text) if f.span] == [
        "Heart normal",
        "effusion",
        "hyperinflated",
    ]
    assert [text[a.span.start : a.span.end] for a in annotate(text)] == [
        "Heart normal.",
        "2. Small left effusion.",
        "The lungs are\nmildly hyperinflated.",
    ]


def test_a_predicate_spans_what_it_is_said_of() -> None:
    text = "The heart is mildly enlarged."
    (finding,) = findings_of(text)
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == "heart is mildly enlarged"


def test_empty_text_says_nothing() -> None:
    assert findings_of("") == ()
    assert annotate(" \n") == ()


WORDS = st.sampled_from(
    [text for text, _ in SENTENCES]
    + [
        "no",
        "and",
        "or",
        "with",
        ",",
        ".",
        ";",
        ":",
        "right",
        "left",
        "may",
        "represent",
        "not",
        "seen",
        "effusion",
        "heart",
        "enlarged",
        "XXXX",
    ]
)


HEADINGS = st.sampled_from(["\nFINDINGS: ", "IMPRESSION:", "\nHistory: ", "2. ", "\n\n", "COMPARISON"])


@given(st.one_of(st.text(), st.lists(st.one_of(WORDS, HEADINGS)).map(" ".join)))
def test_every_character_belongs_to_one_annotated_sentence(text: str) -> None:
    at, outside = 0, ""
    for annotation in annotate(text):
        assert at <= annotation.span.start
        outside += text[at : annotation.span.start]
        at = annotation.span.end
    assert not (outside + text[at:]).strip()


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_any_text_is_read_and_every_span_lies_in_it(text: str) -> None:
    for annotation in annotate(text):
        assert len(annotation.findings) == len(annotation.likely)
        assert set(annotation.regions) <= set(REGIONS)
        for finding in annotation.findings:
            assert finding.span is not None
            assert annotation.span.start <= finding.span.start < finding.span.end <= annotation.span.end <= len(text)
            assert text[finding.span.start : finding.span.end].strip()
            assert set(finding.regions) <= set(annotation.regions)


@given(
    st.lists(st.sampled_from([text for text, _ in SENTENCES])),
    st.sampled_from(["The trachea is midline.", "Two views."]),
)
def test_another_sentence_changes_nothing(texts: list[str], other: str) -> None:
    text = " ".join(texts)
    alone = findings_of(text)
    assert findings_of(f"{text} {other}")[: len(alone)] == alone


@pytest.mark.parametrize("kind", FINDINGS.values(), ids=lambda kind: kind.label)
def test_no_before_a_finding_denies_it(kind) -> None:
    for pattern in kind.words:
        for phrase in phrases(pattern):
            (finding,) = findings_of(f"No {' '.join(phrase)} today.")
            assert (finding.label, finding.status) == (kind.label, "absent"), phrase


def test_a_very_long_sentence_is_read_in_parts() -> None:
    text = "small left effusion, " * 1000
    found = findings_of(text)
    assert len(found) == 1000
    assert {finding.label for finding in found} == {"Pleural Effusion"}
    assert max(annotation.span.end - annotation.span.start for annotation in annotate(text)) <= 2000
