"""What is scored: ground truth and detections of a set of images, as flat columns.

Boxes here are VOC pixels: float64 `[N, 4]` (ymin, xmin, ymax, xmax), 1-based and inclusive, so a box is
`xmax - xmin + 1` wide. Everywhere else in the project boxes are relative to the image; `to_pixels` is the one way over.
Reading annotations or shards is not this module's job: whoever has them calls `make_ground_truth`.
"""
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tf_extended.bboxes import pairwise_jaccard

# What float32 loses of a coordinate in [0, 1]: half the distance between neighbours below 1.
FLOAT32_ERROR = 2.0**-25


class GroundTruth(NamedTuple):
    """The objects of a list of images; row i of the columns is one object.

    image_ids: the images in order, each once, those without objects too; images: int64 [N], index into image_ids;
    labels: int64 [N], from 1; bboxes: float64 [N, 4], VOC pixels; difficults: bool [N].
    """

    image_ids: list[str]
    images: np.ndarray
    labels: np.ndarray
    bboxes: np.ndarray
    difficults: np.ndarray


class Detections(NamedTuple):
    """Detections in the images of a `GroundTruth`; row i of the columns is one detection.

    images, labels as in `GroundTruth`; scores: float64 [D], higher is surer; bboxes: float64 [D, 4], VOC pixels. The
    order of rows matters where scores are equal.
    """

    images: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    bboxes: np.ndarray


def to_pixels(bboxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """VOC pixels float64 [N, 4] of boxes relative to an image of that size: the inverse of dividing by its size.

    The project's annotations are pixel / size in float32. A product that lies within float32's error of a whole pixel
    is that pixel: without it an IoU of exactly one half would come out below.
    """
    size = np.array([height, width, height, width], np.float64)
    pixels = np.asarray(bboxes, np.float32).reshape(-1, 4).astype(np.float64) * size
    whole = np.rint(pixels)
    return np.where(np.abs(pixels - whole) <= size * FLOAT32_ERROR, whole, pixels)


def pixel_jaccard(bboxes_a: np.ndarray, bboxes_b: np.ndarray) -> np.ndarray:
    """IoU of every box of `bboxes_a` [N, 4] with every box of `bboxes_b` [K, 4], both VOC pixels: float64 [N, K]."""
    inclusive = np.array([0.0, 0.0, 1.0, 1.0])
    return pairwise_jaccard(bboxes_a + inclusive, bboxes_b + inclusive)


def make_ground_truth(images: Iterable[tuple[str, Sequence, Sequence, Sequence]]) -> GroundTruth:
    """Columns from one (image id, labels [n], bboxes [n, 4] in VOC pixels, difficults [n]) per image, n may be 0.

    An image without id, as in shards of older converters, is named by its place, six digits from 000000 on.
    """
    rows = list(images)
    counts = [len(labels) for _, labels, _, _ in rows]
    return GroundTruth(
        [image_id or f"{index:06d}" for index, (image_id, _, _, _) in enumerate(rows)],
        np.repeat(np.arange(len(rows)), counts),
        _column([labels for _, labels, _, _ in rows], np.int64),
        _column([np.reshape(bboxes, (-1, 4)) for _, _, bboxes, _ in rows], np.float64, (4,)),
        _column([difficults for _, _, _, difficults in rows], bool),
    )


def make_detections(images: Iterable[tuple[int, Sequence, Sequence, Sequence]]) -> Detections:
    """Columns from one (index of the image, labels [n], scores [n], bboxes [n, 4] in VOC pixels) per image."""
    rows = list(images)
    counts = [len(labels) for _, labels, _, _ in rows]
    return Detections(
        np.repeat(np.array([index for index, _, _, _ in rows], np.int64), counts),
        _column([labels for _, labels, _, _ in rows], np.int64),
        _column([scores for _, _, scores, _ in rows], np.float64),
        _column([np.reshape(bboxes, (-1, 4)) for _, _, _, bboxes in rows], np.float64, (4,)),
    )


def select_rows(detections: Detections, keep: np.ndarray) -> Detections:
    """The rows that `keep` (mask or indices) names, in that order."""
    return Detections(*(column[keep] for column in detections))


def _column(parts: Sequence, dtype: type, tail: tuple[int, ...] = ()) -> np.ndarray:
    return np.concatenate([np.zeros((0, *tail), dtype), *(np.asarray(part, dtype) for part in parts)])
