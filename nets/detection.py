"""From predictions to detections, in the graph: select, sort, suppress, clip.

Sections 2.1, first paragraph, and 3.7 of the paper.

1. Put all layers on one axis; classes 1 … C-1 each select the anchors whose probability exceeds the threshold.
2. The `top_k` most probable of each image and class stay.
3. Non-maximum suppression, each image and class by itself.
4. Keep `keep_top_k` of each class (as documented), or of each image over all classes (as Caffe does); clip.

For arrays outside the graph: `nets.np_detection`. Scoring detections against ground truth is not this module's job.
"""
from collections.abc import Sequence

import tf_extended as tfe
from nets.ssd_layers import flatten_layers
from tf_extended.compat import tf

KEEP_PER = ("class", "image")


def detected_bboxes(predictions: Sequence[tf.Tensor], localisations: Sequence[tf.Tensor],
                    select_threshold: float | None = None, nms_threshold: float = 0.5, clipping_bbox=None,
                    top_k: int = 400, keep_top_k: int = 200,
                    keep_per: str = "class") -> tuple[dict[int, tf.Tensor], dict[int, tf.Tensor]]:
    """Scores [B, keep_top_k] and boxes [B, keep_top_k, 4] of every class but background: two dicts by class number.

    Lists over the layers: predictions [B, H, W, A, C], probabilities; localisations [B, H, W, A, 4], decoded boxes.
    Best first, padded with zeros. `select_threshold` None selects every probability above 0; `clipping_bbox` [4] or
    None. `keep_per="image"`: the `keep_top_k` best of an image over all classes stay, the rest is zeros. Raises
    tfe.InputError for another `keep_per`.
    """
    if keep_per not in KEEP_PER:
        raise tfe.InputError(f"keep_per is {keep_per!r}; expected one of {', '.join(KEEP_PER)}")
    with tf.name_scope("ssd_detected_bboxes"):
        probabilities = flatten_layers(predictions, 1)
        n_classes = probabilities.get_shape().as_list()[-1] - 1
        scores = tf.transpose(probabilities[..., 1:], [0, 2, 1])
        threshold = 0.0 if select_threshold is None else select_threshold
        scores, bboxes = _select_best(scores, flatten_layers(localisations, 1), threshold, top_k)
        scores, bboxes = _suppress(scores, bboxes, nms_threshold, keep_top_k)
        if keep_per == "image":
            scores, bboxes = _keep_best_of_image(scores, bboxes, keep_top_k)
        if clipping_bbox is not None:
            bboxes = tfe.bboxes_clip(clipping_bbox, bboxes)
        return ({c + 1: scores[:, c] for c in range(n_classes)}, {c + 1: bboxes[:, c] for c in range(n_classes)})


def _select_best(scores: tf.Tensor, bboxes: tf.Tensor, threshold: float, top_k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores [B, C, n] and boxes [B, C, n, 4] of the n = `top_k` best of each class; scores up to `threshold` are 0.

    scores [B, C, K], bboxes [B, K, 4].
    """
    scores = tf.where(scores > threshold, scores, tf.zeros_like(scores))
    best, order = tf.nn.top_k(scores, k=tfe.at_most(top_k, tfe.get_shape(scores)[-1]))
    return best, tf.gather(bboxes, order, batch_dims=1)


def _suppress(scores: tf.Tensor, bboxes: tf.Tensor, nms_threshold: float, keep: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Non-maximum suppression of every image and class: [B, C, keep] and [B, C, keep, 4], padded with zeros.

    Classes lie beside images in one long batch.
    """
    batch, n_classes, count = tfe.get_shape(scores)
    scores, bboxes = tfe.bboxes_nms_batch(
        tf.reshape(scores, [-1, count]), tf.reshape(bboxes, [-1, count, 4]), nms_threshold, keep)
    return tf.reshape(scores, [batch, n_classes, keep]), tf.reshape(bboxes, [batch, n_classes, keep, 4])


def _keep_best_of_image(scores: tf.Tensor, bboxes: tf.Tensor, keep: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Zero all but the `keep` best of every image over its classes; of equals, those of the first class stay."""
    batch, n_classes, per_class = tfe.get_shape(scores)
    flat = tf.reshape(scores, [batch, n_classes * per_class])
    _, order = tf.nn.top_k(flat, k=keep)
    image = tf.broadcast_to(tf.range(tf.shape(order)[0])[:, None], tf.shape(order))
    places = tf.stack([image, order], axis=-1)
    mask = tf.scatter_nd(places, tf.ones_like(order), tf.shape(flat)) > 0
    mask = tf.cast(tf.reshape(mask, [batch, n_classes, per_class]), scores.dtype)
    return scores * mask, bboxes * mask[..., None]
