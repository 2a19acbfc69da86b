"""Which object does each detection find? The matching rules of the PASCAL VOC devkit (`VOCevaldet.m`).

Its job: overlaps, and from them the outcome of every detection. Average precision from outcomes is `voc_scoring`'s job.
1. `best_overlaps`: for each detection the object with the largest IoU in its image, of its class and of the others;
   difficult objects take part, the first of equals wins, there is no second choice.
2. `match`: IoU ≥ threshold with a difficult object: ignored, any number of times; with a free object: true positive,
   which takes it; with a taken one, or below the threshold: false positive. Detections come in the order of falling
   score, over all images, ties in the order of their rows.
"""
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tf_extended.evaluation.records import Detections, GroundTruth, pixel_jaccard


class Outcome(IntEnum):
    """What a detection is worth."""

    FALSE_POSITIVE = 0
    TRUE_POSITIVE = 1
    IGNORED = 2


class Overlaps(NamedTuple):
    """Each detection's best object: of its own class (`own`) and of another class (`other`).

    *_object: int64 [D], row of the ground truth, −1 where nothing overlaps; *_iou: float64 [D], 0 there.
    """

    own_object: np.ndarray
    own_iou: np.ndarray
    other_object: np.ndarray
    other_iou: np.ndarray


def rows_by_image(images: np.ndarray, num_images: int) -> list[np.ndarray]:
    """For each image the rows that belong to it, in order; images: int64 [N], index of the image of each row."""
    order = np.argsort(images, kind="stable")
    return np.split(order, np.searchsorted(images[order], np.arange(1, num_images)))


def best_overlaps(detections: Detections, truth: GroundTruth) -> Overlaps:
    """Step 1, for all detections."""
    count = len(detections.scores)
    overlaps = Overlaps(np.full(count, -1), np.zeros(count), np.full(count, -1), np.zeros(count))
    num_images = len(truth.image_ids)
    groups = zip(
        rows_by_image(detections.images, num_images), rows_by_image(truth.images, num_images), strict=True
    )
    for rows, objects in groups:
        if not rows.size or not objects.size:
            continue
        iou = pixel_jaccard(detections.bboxes[rows], truth.bboxes[objects])
        own = detections.labels[rows][:, None] == truth.labels[objects]
        overlaps.own_object[rows], overlaps.own_iou[rows] = _best(np.where(own, iou, 0.0), objects)
        overlaps.other_object[rows], overlaps.other_iou[rows] = _best(np.where(own, 0.0, iou), objects)
    return overlaps


def _best(iou: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    column = iou.argmax(axis=1)
    largest = iou[np.arange(len(iou)), column]
    return np.where(largest > 0, objects[column], -1), largest


def match(detections: Detections, truth: GroundTruth, overlaps: Overlaps, threshold: float = 0.5) -> np.ndarray:
    """Step 2: the `Outcome` of every detection, int64 [D]. threshold: the least IoU of a match, above 0."""
    hit = overlaps.own_iou >= threshold
    difficult = hit & truth.difficults[overlaps.own_object] if truth.labels.size else hit
    outcomes = np.full(len(hit), Outcome.FALSE_POSITIVE, np.int64)
    outcomes[difficult] = Outcome.IGNORED
    ranked = np.argsort(-detections.scores, kind="stable")
    ranked = ranked[(hit & ~difficult)[ranked]]
    # np.unique gives the first place of each object in the ranking: the detection that takes it.
    _, first = np.unique(overlaps.own_object[ranked], return_index=True)
    outcomes[ranked[first]] = Outcome.TRUE_POSITIVE
    return outcomes
