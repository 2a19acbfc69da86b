"""Detections and ground truth → average precision per class and its mean, as the PASCAL VOC devkit computes them.

1. Per class: the objects to find are those that are not difficult; detections that are ignored stay in the ranking as
   repeats of the row before; AP by the rules of 2007 (11 points) and of 2010 and later (area, "voc12").
2. mAP is the mean over the classes that have an object to find.

Which detection matches which object is told by `matching`, the arithmetic of the curves is in `tf_extended.metrics`.
Reading and writing result files, and saying where a detector fails, are the jobs of `result_files` and
`error_analysis`. Source: VOC2012 development kit; Liu et al. 2016 (arXiv 1512.02325), section 3.
"""
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tf_extended.evaluation.matching import Outcome, best_overlaps, match
from tf_extended.evaluation.records import Detections, GroundTruth
from tf_extended.metrics import average_precision_voc07, average_precision_voc12, precision_recall


class ClassScore(NamedTuple):
    """One class. ap07 and ap12 are None where there is no object to find.

    objects: all that count, difficult ones not among them; precision, recall, scores: float64 [D_class], by falling
    score.
    """

    name: str
    objects: int
    difficult: int
    detections: int
    ap07: float | None
    ap12: float | None
    precision: np.ndarray
    recall: np.ndarray
    scores: np.ndarray


class VocScores(NamedTuple):
    """All classes, in the order of the label map; the means are None where no class has an object to find."""

    classes: list[ClassScore]
    map07: float | None
    map12: float | None


def score(
    detections: Detections, truth: GroundTruth, names: Mapping[int, str], matching_threshold: float = 0.5
) -> VocScores:
    """Score `detections` by the devkit's rules.

    names: label → class name; label 0, the background, is passed over. matching_threshold: the least IoU of a match
    (the devkit's is .5).
    """
    outcomes = match(detections, truth, best_overlaps(detections, truth), matching_threshold)
    return score_outcomes(outcomes, detections, truth, names)


def score_outcomes(
    outcomes: np.ndarray, detections: Detections, truth: GroundTruth, names: Mapping[int, str]
) -> VocScores:
    """`score` where the outcomes [D] are known already (from `matching.match`)."""
    classes = [
        _class_score(name, outcomes, detections, truth, label) for label, name in sorted(names.items()) if label > 0
    ]
    return VocScores(classes, mean_of_known([c.ap07 for c in classes]), mean_of_known([c.ap12 for c in classes]))


def _class_score(
    name: str, outcomes: np.ndarray, detections: Detections, truth: GroundTruth, label: int
) -> ClassScore:
    difficult = int(np.sum(truth.difficults[truth.labels == label]))
    objects = int(np.sum(truth.labels == label)) - difficult
    rows = np.flatnonzero(detections.labels == label)
    rows = rows[np.argsort(-detections.scores[rows], kind="stable")]
    precision, recall = precision_recall(
        objects, len(rows), outcomes[rows] == Outcome.TRUE_POSITIVE, outcomes[rows] == Outcome.FALSE_POSITIVE,
        detections.scores[rows],
    )
    ap07 = average_precision_voc07(precision, recall) if objects else None
    ap12 = average_precision_voc12(precision, recall) if objects else None
    return ClassScore(name, objects, difficult, len(rows), ap07, ap12, precision, recall, detections.scores[rows])


def mean_of_known(values: list[float | None]) -> float | None:
    """The mean of the values that are not None; None where none is left."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
