"""Training targets and detections, per feature layer: objects → targets, offsets → boxes. Section 2.2 of the paper.

Encoding an image's objects takes four steps: 1. flatten the anchors of all layers; 2. match them with the objects
(`nets.matching`); 3. encode the objects relative to their anchors (`nets.box_coder`); 4. split the result by layer
again. The network and the loss are not this module's job.
"""
from collections.abc import Sequence
from typing import Any

import numpy as np

import tf_extended as tfe
from nets import anchors as ssd_anchors
from nets import box_coder, matching
from nets.anchors import LayerAnchors
from tf_extended.compat import tf
from tf_extended.xla import jit_compiled

_encode_boxes = jit_compiled(box_coder.encode)


def tf_ssd_bboxes_encode(labels: tf.Tensor, bboxes: tf.Tensor, anchors: Sequence[LayerAnchors], num_classes: int,
                         no_annotation_label: int | None = None, ignore_threshold: float | None = None,
                         prior_scaling: Sequence[float] = box_coder.PRIOR_SCALING, dtype=tf.float32,
                         scope: str = "ssd_bboxes_encode", matching_strategy: str = "slim"):
    """The training targets of one image: three lists over the layers: classes, localisations, scores.

    labels [N] int64, bboxes [N, 4] (ymin, xmin, ymax, xmax); N may be 0. Per layer: classes [H, W, A] int64,
    localisations [H, W, A, 4] `dtype` in the order (x, y, w, h), scores [H, W, A] `dtype` (`nets.matching` says what
    they mean). Not for a batch: encode each image, then batch. With `ignore_threshold`, boxes labelled
    `no_annotation_label` are regions whose anchors do not train (`matching.ignore_unannotated`); without it (as
    documented) such boxes are only not matched. Raises tfe.InputError for an unknown strategy, and for an ignore
    label that is one of the classes.
    """
    with tf.name_scope(scope):
        parts = _encode_flat(labels, bboxes, ssd_anchors.flatten_anchors(anchors), num_classes, no_annotation_label,
                             ignore_threshold, prior_scaling, dtype, matching_strategy)
        shapes = ssd_anchors.layer_shapes(anchors)
        sizes = [int(np.prod(shape)) for shape in shapes]
        split = [tf.split(part, sizes) for part in parts]
        return tuple([tf.reshape(piece, [*shape, *piece.get_shape().as_list()[1:]])
                      for piece, shape in zip(pieces, shapes, strict=True)] for pieces in split)


def tf_ssd_bboxes_encode_layer(labels: tf.Tensor, bboxes: tf.Tensor, anchors_layer: LayerAnchors, num_classes: int,
                               no_annotation_label: int | None = None, ignore_threshold: float | None = None,
                               prior_scaling: Sequence[float] = box_coder.PRIOR_SCALING, dtype=tf.float32):
    """`tf_ssd_bboxes_encode` of a single layer: classes [H, W, A], localisations [H, W, A, 4], scores [H, W, A].

    Slim matching only: the best anchor of an object is a matter of all layers together.
    """
    classes, localisations, scores = tf_ssd_bboxes_encode(
        labels, bboxes, [anchors_layer], num_classes, no_annotation_label, ignore_threshold, prior_scaling, dtype)
    return classes[0], localisations[0], scores[0]


def _encode_flat(labels, bboxes, anchors, num_classes, no_annotation_label, ignore_threshold, prior_scaling, dtype,
                 strategy):
    """Targets on one axis: classes [K], localisations [K, 4], scores [K]; anchors [K, 4] (cy, cx, h, w)."""
    anchors = anchors.astype(tf.as_dtype(dtype).as_numpy_dtype)
    corners = ssd_anchors.to_corners(anchors)
    classes, boxes, scores = matching.match(labels, bboxes, corners, num_classes, strategy)
    if ignore_threshold is not None:
        if no_annotation_label is None or no_annotation_label < num_classes:
            raise tfe.InputError(f"no_annotation_label is {no_annotation_label}, one of the {num_classes} classes: "
                                 f"give a label of {num_classes} or more, or no ignore_threshold")
        scores = matching.ignore_unannotated(scores, labels, bboxes, corners, no_annotation_label, ignore_threshold)
    # A NumPy number would become a tensor of its own type in the compiled function.
    scaling = tuple(factor.item() if isinstance(factor, np.generic) else factor for factor in prior_scaling)
    return classes, _encode_boxes(boxes, tf.constant(anchors), scaling), scores


def tf_ssd_bboxes_decode(feat_localizations: Sequence[Any], anchors: Sequence[LayerAnchors],
                         prior_scaling: Sequence[float] = box_coder.PRIOR_SCALING,
                         scope: str = "ssd_bboxes_decode") -> list:
    """Boxes [B, H, W, A, 4] (ymin, xmin, ymax, xmax), not clipped, of each layer's localisations of that shape.

    The inverse of the encoding. Tensors or NumPy arrays, batched or not.
    """
    with tf.name_scope(scope):
        return [tf_ssd_bboxes_decode_layer(layer, layer_anchors, prior_scaling)
                for layer, layer_anchors in zip(feat_localizations, anchors, strict=True)]


def tf_ssd_bboxes_decode_layer(feat_localizations: Any, anchors_layer: LayerAnchors,
                               prior_scaling: Sequence[float] = box_coder.PRIOR_SCALING) -> Any:
    """`tf_ssd_bboxes_decode` of a single layer."""
    shape = ssd_anchors.layer_shapes([anchors_layer])[0]
    anchors = ssd_anchors.flatten_layer(anchors_layer).reshape(*shape, 4)
    return box_coder.decode(feat_localizations, anchors, prior_scaling)
