"""Training, validation and test: stratified by number of steps, no patient on two sides, the source's split kept."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """What the split needs to know of one trace. split: the source's own, None where it has none."""

    study_id: str
    patient_id: str | None
    steps: int
    split: str | None


def assign(
    members: Sequence[Member], fractions: Mapping[str, float], seed: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Share studies out.

    A patient (a study, where no patient id exists) is on one side only. Who has a split of the source keeps it; the
    rest is dealt stratum by stratum (number of steps), always to the side furthest behind its fraction, so that each
    stratum and the whole keep to the fractions as nearly as whole patients allow.

    Returns: study id -> split; and study id -> reason for the studies of a patient whom the source itself put on
             several sides.
    """
    patients: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for member in members:
        key = ("patient", member.patient_id) if member.patient_id else ("study", member.study_id)
        patients[key].append(member)
    sides: dict[str, str] = {}
    conflicts: dict[str, str] = {}
    strata: dict[int, list[tuple[str, list[Member]]]] = defaultdict(list)
    for (kind, name), studies in patients.items():
        own = sorted({study.split for study in studies if study.split})
        if len(own) > 1:
            reason = f"the source has the patient's studies in {' and '.join(own)}"
            conflicts |= {study.study_id: reason for study in studies}
        elif own:
            sides |= {study.study_id: own[0] for study in studies}
        else:
            order = hashlib.sha256(f"{seed}:{kind}:{name}".encode()).hexdigest()
            strata[studies[0].steps].append((order, studies))
    in_order = [patient for steps in sorted(strata) for patient in sorted(strata[steps], key=lambda p: p[0])]
    return sides | _dealt([studies for _, studies in in_order], fractions), conflicts


def _dealt(patients: Sequence[list[Member]], fractions: Mapping[str, float]) -> dict[str, str]:
    sides: dict[str, str] = {}
    owed = dict.fromkeys(fractions, 0.0)
    for studies in patients:
        for side, fraction in fractions.items():
            owed[side] += fraction * len(studies)
        furthest = max((side for side in owed if fractions[side]), key=lambda side: owed[side])
        owed[furthest] -= len(studies)
        sides |= {study.study_id: furthest for study in studies}
    return sides
