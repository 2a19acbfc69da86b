"""Boxes with scores: sorting, non-maximum suppression, matching with the objects of an image.

Boxes are as in `bboxes`. Choosing detections from a net's predictions is not this module's job (`nets.detection`), nor
is scoring by the VOC rules (`tf_extended.evaluation`).
"""
from typing import Any

import numpy as np

from tf_extended.bboxes import array_namespace, pairwise_jaccard
from tf_extended.compat import tf
from tf_extended.shapes import at_most, get_shape


def bboxes_sort(scores: Any, bboxes: Any, top_k: int = 400, scope: str | None = None):
    """The `top_k` best of each image, by falling score; ties keep their order.

    scores [B, N] and bboxes [B, N, 4], or dicts of them by class; fewer than `top_k` stay as many as they are. TF only.
    """
    if isinstance(scores, dict):
        return _by_class(lambda s, b: bboxes_sort(s, b, top_k), scores, bboxes)
    with tf.name_scope(scope, "bboxes_sort", [scores, bboxes]):
        scores = tf.convert_to_tensor(scores)
        best, order = tf.nn.top_k(scores, k=at_most(top_k, get_shape(scores)[1]))
        return best, tf.gather(bboxes, order, batch_dims=1)


def bboxes_nms(scores: tf.Tensor, bboxes: tf.Tensor, nms_threshold: float = 0.5, keep_top_k: int = 200,
               scope: str | None = None):
    """Non-maximum suppression of one image and class: at most `keep_top_k` boxes, best first, padded with zeros.

    scores [N], bboxes [N, 4] → [keep_top_k], [keep_top_k, 4]. A box goes when its IoU with a better one that stays
    exceeds `nms_threshold`. Both are compared in float32, whatever their type. TF only.
    """
    with tf.name_scope(scope, "bboxes_nms", [scores, bboxes]):
        kept = tf.image.non_max_suppression(
            tf.cast(bboxes, tf.float32), tf.cast(scores, tf.float32), keep_top_k, nms_threshold)
        missing = keep_top_k - tf.shape(kept)[0]
        best = tf.pad(tf.gather(scores, kept), [[0, missing]])
        boxes = tf.pad(tf.gather(bboxes, kept), [[0, missing], [0, 0]])
        best.set_shape([keep_top_k])
        boxes.set_shape([keep_top_k, 4])
        return best, boxes


def bboxes_nms_batch(scores: Any, bboxes: Any, nms_threshold: float = 0.5, keep_top_k: int = 200,
                     scope: str | None = None):
    """`bboxes_nms` of every image of a batch, in one op: scores [B, N], bboxes [B, N, 4], or dicts of them by class.

    A score of 0 counts as padding; of equal scores the first goes first. Boxes are compared in float32, whatever their
    type. TF only.
    """
    if isinstance(scores, dict):
        return _by_class(lambda s, b: bboxes_nms_batch(s, b, nms_threshold, keep_top_k), scores, bboxes)
    with tf.name_scope(scope, "bboxes_nms_batch", [scores, bboxes]):
        scores = tf.convert_to_tensor(scores)
        count = get_shape(scores)[1]
        scores, order = tf.nn.top_k(scores, k=count)
        bboxes = tf.gather(bboxes, order, batch_dims=1)
        # Ranks in place of scores, for the op leaves the order of equal scores open.
        ranks = tf.cast(count - tf.range(count), tf.float32) * tf.cast(scores > 0, tf.float32)
        kept = tf.image.combined_non_max_suppression(
            tf.cast(bboxes, tf.float32)[:, :, None], ranks[:, :, None], keep_top_k, keep_top_k, nms_threshold,
            score_threshold=0.0, clip_boxes=False).nmsed_scores
        places = count - tf.cast(kept, tf.int32)  # behind the last one for what is missing
        return (tf.gather(tf.pad(scores, [[0, 0], [0, 1]]), places, batch_dims=1),
                tf.gather(tf.pad(bboxes, [[0, 0], [0, 1], [0, 0]]), places, batch_dims=1))


def _by_class(function: Any, scores: dict, bboxes: dict) -> tuple[dict, dict]:
    results = {label: function(scores[label], bboxes[label]) for label in scores}
    return {label: s for label, (s, _) in results.items()}, {label: b for label, (_, b) in results.items()}


def _match_numpy(label, bboxes, glabels, gbboxes, gdifficults, threshold) -> tuple:
    """The body of `bboxes_matching`: (number of objects to find [], true positives [N], false positives [N])."""
    of_class = glabels == label
    gbboxes, gdifficults = gbboxes[of_class], gdifficults[of_class].astype(bool)
    tp, fp = np.zeros(len(bboxes), bool), np.zeros(len(bboxes), bool)
    taken = np.zeros(len(gbboxes), bool)
    overlaps = pairwise_jaccard(bboxes, gbboxes)
    for i, row in enumerate(overlaps):
        best = int(row.argmax()) if row.size else -1
        if best < 0 or row[best] < threshold:
            fp[i] = True
        elif not gdifficults[best]:
            tp[i], fp[i] = not taken[best], taken[best]
            taken[best] = True
    return np.int64((~gdifficults).sum()), tp, fp


def bboxes_matching(label: Any, scores: Any, bboxes: Any, glabels: Any, gbboxes: Any, gdifficults: Any,
                    matching_threshold: float = 0.5, scope: str | None = None) -> tuple:
    """Match one image's detections of one class, best first, with its objects, by the VOC devkit's rule.

    label []; scores [N] and bboxes [N, 4] sorted by falling score, padded with scores of 0, which match nothing and
    count as nothing; glabels, gdifficults [M], gbboxes [M, 4]. Returns the number of objects to find (those that are
    not difficult), true positives [N] and false positives [N]: a detection of a difficult object is neither. Boxes
    are relative here, so IoU has no `+ 1`: the figures that the toolkit reports come from `tf_extended.evaluation`,
    in pixels. NumPy; on tensors it runs as a NumPy function in the graph.
    """
    def body(label, scores, bboxes, glabels, gbboxes, gdifficults):
        found, tp, fp = _match_numpy(label, bboxes, glabels, gbboxes, gdifficults, matching_threshold)
        return found, tp & (scores > 0), fp & (scores > 0)

    arguments = (label, scores, bboxes, glabels, gbboxes, gdifficults)
    if array_namespace(*arguments) is np:
        return body(*(np.asarray(argument) for argument in arguments))
    with tf.name_scope(scope, "bboxes_matching"):
        found, tp, fp = tf.numpy_function(body, arguments, [tf.int64, tf.bool, tf.bool])
        found.set_shape([])
        size = get_shape(tf.convert_to_tensor(scores))[0]
        return found, tf.reshape(tp, [size]), tf.reshape(fp, [size])
