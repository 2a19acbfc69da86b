"""Where a detector fails: the kind of every error, what repairing a kind would bring, which class is taken for which.

Its job: numbers. Drawing them is the job of `plots`, `pictures` and `report`. Errors are looked at from one score on,
the operating point: the threshold at which F1 over all classes is best. Kinds of a false positive, after Hoiem et al.
2012 ("Diagnosing Error in Object Detectors"), the first that holds:
1. duplicate: it overlaps an object of its class by the matching threshold, and a better detection has that object;
2. localisation: it overlaps an object of its class by less, but by `TOUCHES`;
3. similar class: it overlaps an object of another class by `TOUCHES`;
4. background: nothing of the above.
The fifth kind is the object that nothing finds: missed. Difficult objects are never missed.
"""
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tf_extended.evaluation.matching import Outcome, Overlaps, best_overlaps, match
from tf_extended.evaluation.records import Detections, GroundTruth, select_rows
from tf_extended.evaluation.voc_scoring import ClassScore, VocScores, mean_of_known, score_outcomes
from tf_extended.metrics import precision_recall

TOUCHES = 0.1
# Where nothing is right, no threshold is best; this one is shown.
NO_BEST_THRESHOLD = 0.5


class Kind(IntEnum):
    """What a detection is; those from DUPLICATE on are errors."""

    CORRECT = 0
    IGNORED = 1
    DUPLICATE = 2
    LOCALISATION = 3
    SIMILAR_CLASS = 4
    BACKGROUND = 5


ERRORS = tuple(kind for kind in Kind if kind >= Kind.DUPLICATE)
MISSED = "missed"


class OperatingPoint(NamedTuple):
    """The best F1 along a ranking, the score from which on it is reached, precision and recall there."""

    f1: float
    threshold: float
    precision: float
    recall: float


class ErrorAnalysis(NamedTuple):
    """`found`, `counts`, `confusion` and `image_errors` are of detections from the threshold of `point` on.

    kinds: `Kind` of every detection, int64 [D], at any score; found: bool [N], objects that a detection found;
    counts: class name → kind → number of errors; gains: kind → how much mAP (2007, 2012) would rise if no detection of
    any score had that error; confusion: int64 [C + 1, C + 1], rows the truth, columns the detector's word, 0 the
    background; image_errors: int64 [I], false positives and missed objects of each image.
    """

    point: OperatingPoint
    kinds: np.ndarray
    found: np.ndarray
    counts: dict[str, dict[str, int]]
    gains: dict[str, tuple[float, float]]
    confusion: np.ndarray
    image_errors: np.ndarray


def best_f1(precision: np.ndarray, recall: np.ndarray, scores: np.ndarray) -> OperatingPoint | None:
    """The point of best F1 on a ranked curve (see `voc_scoring.ClassScore`), None where it never leaves 0.

    A threshold takes all detections of one score or none, so only the last of equal scores is a point.
    """
    last_of_score = np.append(scores[1:] != scores[:-1], True) if len(scores) else np.zeros(0, bool)
    f1 = np.where(last_of_score, 2 * precision * recall / np.maximum(precision + recall, 1e-12), 0.0)
    if not f1.any():
        return None
    best = int(f1.argmax())
    return OperatingPoint(*(float(column[best]) for column in (f1, scores, precision, recall)))


def class_best_f1(c: ClassScore) -> OperatingPoint | None:
    """`best_f1` of one class."""
    return best_f1(c.precision, c.recall, c.scores)


def analyse(
    detections: Detections, truth: GroundTruth, names: Mapping[int, str], scores: VocScores,
    matching_threshold: float = 0.5,
) -> ErrorAnalysis:
    """Find the operating point, and the errors there.

    scores: what `voc_scoring.score` says of the same arguments.
    """
    overlaps = best_overlaps(detections, truth)
    outcomes = match(detections, truth, overlaps, matching_threshold)
    kinds = error_kinds(outcomes, overlaps, matching_threshold)
    point = _overall_point(outcomes, detections, truth)
    shown = detections.scores >= point.threshold
    found = _found(outcomes, overlaps, shown, len(truth.labels))
    missed = ~found & ~truth.difficults
    wrong = shown & (kinds >= Kind.DUPLICATE)
    num_images = len(truth.image_ids)
    image_errors = (np.bincount(detections.images[wrong], minlength=num_images)
                    + np.bincount(truth.images[missed], minlength=num_images))
    return ErrorAnalysis(
        point, kinds, found, _counts(detections.labels[wrong], kinds[wrong], truth.labels[missed], names),
        _gains(outcomes, overlaps, kinds, detections, truth, names, scores),
        _confusion(outcomes, overlaps, shown, found, detections, truth, max(names), matching_threshold),
        image_errors.astype(np.int64),
    )


def error_kinds(outcomes: np.ndarray, overlaps: Overlaps, matching_threshold: float = 0.5) -> np.ndarray:
    """The `Kind` of every detection, int64 [D], from its `matching.Outcome` and overlaps."""
    return np.select(
        [outcomes == Outcome.TRUE_POSITIVE, outcomes == Outcome.IGNORED, overlaps.own_iou >= matching_threshold,
         overlaps.own_iou >= TOUCHES, overlaps.other_iou >= TOUCHES],
        [Kind.CORRECT, Kind.IGNORED, Kind.DUPLICATE, Kind.LOCALISATION, Kind.SIMILAR_CLASS],
        Kind.BACKGROUND,
    ).astype(np.int64)


def _overall_point(outcomes: np.ndarray, detections: Detections, truth: GroundTruth) -> OperatingPoint:
    order = np.argsort(-detections.scores, kind="stable")
    precision, recall = precision_recall(
        int(np.sum(~truth.difficults)), len(outcomes), outcomes == Outcome.TRUE_POSITIVE,
        outcomes == Outcome.FALSE_POSITIVE, detections.scores,
    )
    return best_f1(precision, recall, detections.scores[order]) or OperatingPoint(0.0, NO_BEST_THRESHOLD, 0.0, 0.0)


def _found(outcomes: np.ndarray, overlaps: Overlaps, shown: np.ndarray, num_objects: int) -> np.ndarray:
    found = np.zeros(num_objects, bool)
    found[overlaps.own_object[shown & (outcomes == Outcome.TRUE_POSITIVE)]] = True
    return found


def _counts(
    labels: np.ndarray, kinds: np.ndarray, missed_labels: np.ndarray, names: Mapping[int, str]
) -> dict[str, dict[str, int]]:
    return {
        name: {kind.name.lower(): int(np.sum((labels == label) & (kinds == kind))) for kind in ERRORS}
        | {MISSED: int(np.sum(missed_labels == label))}
        for label, name in sorted(names.items()) if label > 0
    }


def _gains(
    outcomes: np.ndarray, overlaps: Overlaps, kinds: np.ndarray, detections: Detections, truth: GroundTruth,
    names: Mapping[int, str], scores: VocScores,
) -> dict[str, tuple[float, float]]:
    if scores.map07 is None:
        return {}
    repaired = {
        kind.name.lower(): score_outcomes(outcomes[kinds != kind], select_rows(detections, kinds != kind), truth, names)
        for kind in ERRORS
    }
    never = ~_found(outcomes, overlaps, np.ones(len(outcomes), bool), len(truth.labels))
    without_missed = truth._replace(difficults=truth.difficults | never)
    repaired[MISSED] = score_outcomes(outcomes, detections, without_missed, names)
    return {kind: _gain(scores, better) for kind, better in repaired.items()}


def _gain(before: VocScores, after: VocScores) -> tuple[float, float]:
    """The rise of both means. A class of which nothing had ever been found has no object left after: it is perfect."""
    pairs = [(a.ap07, a.ap12) if a.objects else (1.0, 1.0)
             for b, a in zip(before.classes, after.classes, strict=True) if b.objects]
    means = [mean_of_known(list(column)) for column in zip(*pairs, strict=True)]
    return means[0] - before.map07, means[1] - before.map12


def _confusion(
    outcomes: np.ndarray, overlaps: Overlaps, shown: np.ndarray, found: np.ndarray, detections: Detections,
    truth: GroundTruth, num_classes: int, matching_threshold: float,
) -> np.ndarray:
    """True positives on the diagonal; what they leave, one detection of another class takes each object, best first."""
    matrix = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    right = shown & (outcomes == Outcome.TRUE_POSITIVE)
    np.add.at(matrix, (detections.labels[right],) * 2, 1)

    wrong = np.flatnonzero(shown & (outcomes == Outcome.FALSE_POSITIVE))
    wrong = wrong[np.argsort(-detections.scores[wrong], kind="stable")]
    free = np.append(~found & ~truth.difficults, False)  # the last one is what index -1, no object, finds
    mistaken = wrong[(overlaps.other_iou[wrong] >= matching_threshold) & free[overlaps.other_object[wrong]]]
    taken, first = np.unique(overlaps.other_object[mistaken], return_index=True)
    mistaken = mistaken[first]
    np.add.at(matrix, (truth.labels[taken], detections.labels[mistaken]), 1)
    np.add.at(matrix, (0, detections.labels[np.setdiff1d(wrong, mistaken)]), 1)

    free[taken] = False
    np.add.at(matrix, (truth.labels[free[:-1]], 0), 1)
    return matrix
