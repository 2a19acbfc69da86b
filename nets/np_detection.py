"""From predictions to detections, for NumPy arrays of one image: select, clip, sort, suppress, resize.

For what was fetched from a session, a SavedModel or a file. In the graph: `nets.detection`, whose suppression this one
equals. Here the classes share one list, and `top_k` counts all of them.
"""
from collections.abc import Sequence

import numpy as np

import tf_extended as tfe

WHOLE_IMAGE = (0.0, 0.0, 1.0, 1.0)


def np_detected_bboxes(predictions: Sequence[np.ndarray], bboxes: Sequence[np.ndarray],
                       select_threshold: float | None = 0.5, nms_threshold: float = 0.45,
                       clipping_bbox: Sequence[float] | None = WHOLE_IMAGE, top_k: int = 400,
                       resize_bbox: Sequence[float] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes [N] int64, scores [N] and boxes [N, 4] of one image's detections, best first.

    Lists over the layers: predictions […, C], probabilities; bboxes […, 4], decoded (`SSDNet.bboxes_decode` takes
    arrays). `clipping_bbox` and `resize_bbox` ([4] or None) are the part of the picture that the network saw, and the
    frame to which to relate the boxes at the end (the `bbox_img` of the preprocessing).
    """
    classes, scores, boxes = np_select(predictions, bboxes, select_threshold)
    if clipping_bbox is not None:
        boxes = tfe.bboxes_clip(clipping_bbox, boxes)
    order = np.argsort(-scores, kind="stable")[:top_k]
    classes, scores, boxes = classes[order], scores[order], boxes[order]
    kept = np_nms(classes, boxes, nms_threshold)
    classes, scores, boxes = classes[kept], scores[kept], boxes[kept]
    return classes, scores, boxes if resize_bbox is None else tfe.bboxes_resize(resize_bbox, boxes)


def np_select(predictions: Sequence[np.ndarray], bboxes: Sequence[np.ndarray],
              threshold: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes [N], scores [N], boxes [N, 4] of every pair of anchor and object class whose probability exceeds
    `threshold`.

    None: each anchor counts for its most probable class only, and not at all where that is background.
    """
    probabilities = np.concatenate([layer.reshape(-1, layer.shape[-1]) for layer in predictions])
    boxes = np.concatenate([layer.reshape(-1, 4) for layer in bboxes])
    if threshold is None:
        selected = np.zeros_like(probabilities, bool)
        selected[np.arange(len(probabilities)), probabilities.argmax(-1)] = True
    else:
        selected = probabilities > threshold
    anchors, classes = np.nonzero(selected[:, 1:])
    return classes + 1, probabilities[anchors, classes + 1], boxes[anchors]


def np_nms(classes: np.ndarray, bboxes: np.ndarray, threshold: float) -> np.ndarray:
    """Indices of the boxes that stay: none whose IoU with an earlier one of its class that stays exceeds `threshold`.

    classes [N], bboxes [N, 4], best first.
    """
    overlaps = (tfe.pairwise_jaccard(bboxes, bboxes) > threshold) & (classes[:, None] == classes[None, :])
    keep = np.ones(len(bboxes), bool)
    for i in range(len(bboxes)):
        if keep[i]:
            keep[i + 1:] &= ~overlaps[i, i + 1:]
    return np.flatnonzero(keep)
