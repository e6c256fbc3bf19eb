"""What is said of a trained encoder: calibration and thresholds from held-out studies, figures on the validation."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from radtrace.models.encoder import ABNORMAL, Told
from radtrace.train.encoder.scores import (
    Judged,
    against_normal,
    auroc,
    calibration,
    calibration_error,
    findings_of,
    interval,
    joint_thresholds,
    mean_auroc,
    normals,
    probabilities,
    reliability,
    thresholds,
)
from radtrace.train.encoder.skill import prevalence
from radtrace.train.encoder.targets import GOLD_OF

FALSE_POSITIVES = 0.15
"""Of the normal studies, that may be accused."""


def told_of(held: Judged) -> dict[str, Told]:
    """Calibration and thresholds from studies that were not learnt from."""
    lines, alone = calibration(held), thresholds(held, FALSE_POSITIVES)
    _, together = joint_thresholds(held, [name for name in held.labels if name in GOLD_OF], FALSE_POSITIVES)
    shares = prevalence(held)
    return {name: Told(*lines[name], alone[name], together.get(name), shares[name]) for name in held.labels}


def figures_of(
    val: Judged, told: Mapping[str, Told], alone: Mapping[str, Judged], resamples: int, support: int
) -> dict[str, Any]:
    """JSON-ready figures on the validation.

    Args:    alone: view -> the same with that view only; support: positives from which a finding counts.
    """
    names = findings_of(val, support)
    curve = reliability(val, probabilities(val, {name: (t.slope, t.intercept) for name, t in told.items()}))
    raw = reliability(val, probabilities(val, dict.fromkeys(val.labels, (1.0, 0.0))))
    figures = {
        "findings": list(names),
        "mean_auroc": mean_auroc(val, names),
        "interval": list(interval(val, names, resamples)),
        "abnormal": auroc(*val.column(ABNORMAL)),
        "one_view": {view: mean_auroc(judged, names) for view, judged in alone.items()},
        "calibration_error": calibration_error(curve),
        "calibration_error_before": calibration_error(raw),
        "reliability": [list(point) for point in curve],
        "together": _together(val, told),
        "labels": {name: _of_label(val, name, told[name], resamples) for name in val.labels},
    }
    known: dict[str, Any] = _known(figures)
    return known


def _known(value: Any) -> Any:
    """The same with None for numbers that JSON does not have, which are of what is not there."""
    if isinstance(value, dict):
        return {name: _known(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_known(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _of_label(val: Judged, name: str, told: Told, resamples: int) -> dict[str, float | int | list[float]]:
    logits, truth = val.column(name)
    normal = normals(val)[:, val.labels.index(name)]
    return {
        "positives": int(truth.sum()),
        "auroc": auroc(logits, truth),
        "interval": list(interval(val, (name,), resamples)),
        "auroc_against_normal": against_normal(val, name),
        "threshold": told.alone,
        "sensitivity": float((logits[truth] > told.alone).mean()) if truth.any() else float("nan"),
        "false_positives": float((logits[~truth] > told.alone).mean()) if (~truth).any() else float("nan"),
        "false_positives_normal": float((normal > told.alone).mean()) if len(normal) else float("nan"),
    }


def _together(val: Judged, told: Mapping[str, Told]) -> dict[str, float]:
    """Normal studies accused, and findings found (micro), at the thresholds that hold for all findings together."""
    names = [name for name in val.labels if told[name].together is not None]
    columns = [val.labels.index(name) for name in names]
    edges = np.array([told[name].together for name in names], float)
    said = val.logits[:, columns] > edges
    truth = val.truth[:, columns] & val.known[:, columns]
    normal = normals(val)[:, columns]
    return {
        "normal_accused": float((normal > edges).any(1).mean()) if len(normal) else float("nan"),
        "sensitivity": float(said[truth].mean()) if truth.any() else float("nan"),
        "precision": float((truth & said).sum() / max(1, (said & val.known[:, columns]).sum())),
    }


def line_of(figures: Mapping[str, Any]) -> str:
    """The figures in one line."""
    low, high = figures["interval"]
    return (
        f"mean AUROC {_shown(figures['mean_auroc'])} ({_shown(low)}-{_shown(high)}) of {len(figures['findings'])} "
        f"findings, abnormal {_shown(figures['abnormal'])}, calibration error {figures['calibration_error']:.3f}"
    )


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
