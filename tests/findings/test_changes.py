"""Words of comparison with an earlier film, and what they are said of: label status change."""

import pytest

from radtrace.findings import findings_of

CHANGES = [
    # before the finding, after it, as its predicate
    ("Worsening edema.", ["Edema present worse"]),
    ("Mild edema, unchanged.", ["Edema present stable"]),
    ("The right pneumothorax has not changed.", ["Pneumothorax present stable"]),
    ("Moderate cardiomegaly has been present since XXXX and is stable.", ["Cardiomegaly present stable"]),
    ("There is tortuosity of the thoracic aorta, stable.", ["Tortuous Aorta present stable"]),
    ("There are now small effusions.", ["Pleural Effusion present new"]),
    ("A 6 mm nodule was not present on the prior study.", ["Nodule present new"]),
    # denied: nothing has changed
    ("There has been no improvement in the left lower lobe collapse.", ["Atelectasis present stable"]),
    ("Left lower lobe pneumonia, not significantly improved.", ["Pneumonia present stable"]),
    ("No worsening of the edema.", ["Edema present stable"]),
    ("The opacity at the left base has not resolved.", ["Lung Opacity present stable"]),
    # what denies the finding itself
    ("No worsening edema.", ["Edema absent"]),
    ("No new consolidation.", ["Consolidation absent"]),
    ("The heart remains normal in size.", ["Cardiomegaly absent"]),
    # gone, and not quite gone
    ("The previously noted effusions are not visualized.", ["Pleural Effusion absent resolved"]),
    ("The left lung has re-expanded.", ["Pneumothorax absent resolved"]),
    ("There is no residual pneumothorax.", ["Pneumothorax absent resolved"]),
    ("Left effusion has decreased but not resolved.", ["Pleural Effusion present improved"]),
    ("Resolving right lower lobe pneumonia.", ["Pneumonia present improved"]),
    # lists
    (
        "No change in cardiomegaly, edema, and effusions.",
        ["Cardiomegaly present stable", "Edema present stable", "Pleural Effusion present stable"],
    ),
    (
        "Interval development of a left effusion and worsening basilar atelectasis.",
        ["Pleural Effusion present new", "Atelectasis present worse"],
    ),
    ("Edema and effusions have both improved.", ["Edema present improved", "Pleural Effusion present improved"]),
    ("Cardiomegaly, unchanged, with new edema.", ["Cardiomegaly present stable", "Edema present new"]),
    (
        "Interval removal of the endotracheal tube and placement of a tracheostomy.",
        ["Endotracheal Tube absent resolved", "Tracheostomy Tube present new"],
    ),
    # the side of it
    (
        "Persistent moderate right and worsening small left effusions.",
        ["Pleural Effusion present stable", "Pleural Effusion present worse"],
    ),
    (
        "Atelectasis at both bases, improved on the right and unchanged on the left.",
        ["Atelectasis present improved", "Atelectasis present stable"],
    ),
    # said of something else
    ("Mild edema and stable heart size.", ["Edema present"]),
    ("Mild edema, heart size stable.", ["Edema present"]),
    ("Bibasilar atelectasis is worse on the left.", ["Atelectasis present"]),
    ("Increased density in the right base.", ["Lung Opacity present"]),
    ("Increased thoracic kyphosis.", ["Kyphosis present"]),
    ("Increased density in the right base since the prior study, worse.", ["Lung Opacity present worse"]),
    ("Better seen is a left lower lobe nodule.", ["Nodule present"]),
]


@pytest.mark.parametrize(("text", "expected"), CHANGES, ids=[text for text, _ in CHANGES])
def test_the_change_of_a_finding(text: str, expected: list[str]) -> None:
    found = findings_of(text)
    assert [" ".join(filter(None, (each.label, each.status, each.change))) for each in found] == expected
