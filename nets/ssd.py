"""SSD, one for all backbones: the network, its anchors, targets, loss and detections. Liu et al. 2016, arXiv
1512.02325.

A net is a row of data (`SSDParams`, extra layers) plus a backbone function; `SSDNet` holds what all share:

1. `net`: backbone → extra feature layers → a head on each (section 2.1);
2. `anchors`, `bboxes_encode`, `bboxes_decode`: default boxes and matching (section 2.2);
3. `losses`: the training objective (section 2.2);
4. `detected_bboxes`: selection and non-maximum suppression (sections 2.1, first paragraph, and 3.7).

At this interface everything is a list over feature layers. Not this module's job: the mathematics (each step has its
own module) and the numbers (`nets.ssd_vgg_300` …).
"""
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

import tf_extended as tfe
from nets import anchors as ssd_anchors
from nets import custom_layers, detection, losses, ssd_common, ssd_layers
from nets.fast_gradients import fast_gradients
from tf_extended.compat import slim, tf

# slim passes a list of collections on as it is, and only that path works without Keras 2; the updates still end
# up where slim's training loop looks for them.
BATCH_NORM_UPDATES = [tf.GraphKeys.UPDATE_OPS]
BATCH_NORM_EPSILON, BATCH_NORM_DECAY = 1e-3, 0.98
INITIALIZERS: dict[str, Callable[[], Any]] = {
    "xavier": slim.xavier_initializer,
    # He et al. 2015, arXiv 1502.01852: keeps the variance through ReLUs, where Xavier's halves it a layer. Depthwise
    # kernels, whose inputs slim counts over all channels, begin smaller than by that rule, and learn faster for it.
    "he": lambda: slim.variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False),
}


class SSDParams(NamedTuple):
    """The numbers of a net. Lists have one entry a prediction layer; pixels are those of the input, `img_shape`."""

    img_shape: tuple[int, int]
    num_classes: int  # with background
    no_annotation_label: int  # label of regions without annotation; takes effect with bboxes_encode(ignore_threshold=…)
    feat_layers: list[str]  # end points that predict
    feat_shapes: list[Sequence[int]]  # their (height, width)
    anchor_size_bounds: list[float]  # relative; informative, anchor_sizes rule
    anchor_sizes: list[tuple[float, float]]  # pixels
    anchor_ratios: list[list[float]]  # width / height
    anchor_steps: list[float]  # pixels
    anchor_offset: float | list[float]  # of the first centre, in steps; a list has one a layer
    normalizations: list[float]  # where the scale of the L2 normalisation starts; -1 for none
    prior_scaling: Sequence[float]  # of the offsets x, y, w, h


def ssd_arg_scope(weight_decay: float = 0.0005, data_format: str = "NHWC", batch_norm: bool = False,
                  initializer: str = "xavier"):
    """The slim arg scope that every net is built in: ReLU, L2 decay of weights, initialiser, layout, batch norm.

    `with slim.arg_scope(ssd_arg_scope(…)): ssd_net.net(…)`. Raises tfe.InputError for an unknown initialiser.
    """
    check_initializer(initializer)
    spatial = [slim.conv2d, slim.separable_conv2d, slim.max_pool2d]
    convolutions = [slim.conv2d, slim.separable_conv2d, slim.fully_connected, custom_layers.atrous_conv2d]
    layout = [*spatial, slim.batch_norm, custom_layers.atrous_conv2d, custom_layers.pad2d,
              custom_layers.l2_normalization, custom_layers.channel_to_last]
    with slim.arg_scope(convolutions, activation_fn=tf.nn.relu,
                        normalizer_fn=slim.batch_norm if batch_norm else None,
                        weights_regularizer=slim.l2_regularizer(weight_decay),
                        weights_initializer=INITIALIZERS[initializer](), biases_initializer=tf.zeros_initializer()), \
            slim.arg_scope([slim.batch_norm], fused=True, center=True, scale=True, epsilon=BATCH_NORM_EPSILON,
                           decay=BATCH_NORM_DECAY, updates_collections=BATCH_NORM_UPDATES), \
            slim.arg_scope(spatial, padding="SAME"), slim.arg_scope(layout, data_format=data_format) as scope:
        return scope


def check_initializer(name: str) -> None:
    """Raise tfe.InputError for an initialiser that there is not."""
    if name not in INITIALIZERS:
        raise tfe.InputError(f"initializer is {name!r}; expected one of {', '.join(INITIALIZERS)}")


class SSDNet:
    """One SSD: the base of every net, which states `name`, `default_params`, `backbone`, `extra_layers`.

    params: `default_params`, or those with fields replaced (`default_params._replace(num_classes=4)`).
    depth_multiplier: thins backbone and extra layers; 1 is the published net. batch_norm: adds it to a body that is
    published without. initializer: of the convolutions under a ReLU, `xavier` or `he`. Raises tfe.InputError for
    unusable values.
    """

    name: ClassVar[str]
    default_params: ClassVar[SSDParams]
    backbone: ClassVar[Callable]  # (inputs, scale, is_training, dropout_keep_prob) → features, end points
    extra_layers: ClassVar[Sequence[ssd_layers.ExtraLayer]]
    preprocessing: ClassVar[str] = "ssd_300_vgg"  # of `preprocessing_factory`: how it wants its pictures
    depthwise: ClassVar[bool] = False  # mostly depthwise convolutions, which gain nothing from reduced precision
    body_has_batch_norm: ClassVar[bool] = False  # the published body is a batch-normalised one

    def __init__(self, params: SSDParams | None = None, depth_multiplier: float = 1.0, batch_norm: bool = False,
                 initializer: str = "xavier"):
        if depth_multiplier <= 0:
            raise tfe.InputError(f"depth_multiplier is {depth_multiplier}; expected a number above 0 (1: as published)")
        check_initializer(initializer)
        self.params = check_params(self.default_params if params is None else params)
        self.depth_multiplier = depth_multiplier
        self.batch_norm = batch_norm or self.body_has_batch_norm
        self.initializer = initializer

    def arg_scope(self, weight_decay: float = 0.0005, data_format: str = "NHWC"):
        """The slim arg scope in which `net` is to be called."""
        return ssd_arg_scope(weight_decay, data_format, self.batch_norm, self.initializer)

    def net(self, inputs: tf.Tensor, is_training: bool = True, update_feat_shapes: bool = True,
            dropout_keep_prob: float = 0.5, prediction_fn: Callable = slim.softmax, reuse: bool | None = None,
            scope: str | None = None):
        """The network: predictions, localisations, logits (lists over the layers), end_points (dict by name).

        inputs [B, H, W, 3] float32, whitened ([B, 3, H, W] in an NCHW arg scope). predictions (`prediction_fn` of the
        logits) and logits [B, H, W, A, C], localisations [B, H, W, A, 4]: float32, channels last in every layout.
        With `update_feat_shapes`, `params.feat_shapes` follow from what was built. Variables are under `scope`,
        the net's name unless given.
        """
        with tf.variable_scope(scope or self.name, self.name, [inputs], reuse=reuse), \
                slim.arg_scope([slim.batch_norm], is_training=is_training), fast_gradients():
            end_points = self.body(inputs, is_training, dropout_keep_prob)
            logits, localisations = self._heads(end_points)
            predictions = [prediction_fn(layer) for layer in logits]
        if update_feat_shapes:
            self.params = self.params._replace(feat_shapes=feat_shapes_of(logits, self.params.feat_shapes))
        return predictions, localisations, logits, end_points

    def body(self, inputs: tf.Tensor, is_training: bool, dropout_keep_prob: float = 1.0) -> dict[str, tf.Tensor]:
        """Backbone and extra layers alone: end points by name. `net` adds the heads, and the scope of the variables."""
        scale = ssd_layers.channel_scaler(self.depth_multiplier)
        features, end_points = type(self).backbone(inputs, scale, is_training, dropout_keep_prob)
        ssd_layers.extra_feature_layers(features, self.extra_layers, scale, end_points)
        return end_points

    def check_layers(self, end_points: Iterable[str]) -> None:
        """Raise tfe.InputError unless every layer that predicts is among the names of these end points."""
        for layer in self.params.feat_layers:
            if layer not in end_points:
                raise tfe.InputError(f"feat_layers names {layer!r}, which {self.name} does not have; "
                                     f"expected of {', '.join(end_points)}")

    def _heads(self, end_points: dict[str, tf.Tensor]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        params, logits, localisations = self.params, [], []
        rows = zip(params.feat_layers, params.anchor_sizes, params.anchor_ratios, params.normalizations, strict=True)
        self.check_layers(end_points)
        for layer, sizes, ratios, normalization in rows:
            with tf.variable_scope(f"{layer}_box"):
                classes, offsets = ssd_layers.ssd_multibox_layer(
                    end_points[layer], params.num_classes, sizes, ratios, normalization)
            logits.append(classes)
            localisations.append(offsets)
        return logits, localisations

    def anchors(self, img_shape: Sequence[int] | None = None, dtype=np.float32) -> list[ssd_anchors.LayerAnchors]:
        """The anchors of every layer: y, x [H, W, 1] and h, w [A], relative to the image. See `nets.anchors`."""
        params = self.params
        return ssd_anchors.ssd_anchors_all_layers(
            params.img_shape if img_shape is None else img_shape, params.feat_shapes, params.anchor_sizes,
            params.anchor_ratios, params.anchor_steps, params.anchor_offset, dtype)

    def bboxes_encode(self, labels: tf.Tensor, bboxes: tf.Tensor, anchors: Sequence, scope: str | None = None,
                      matching: str = "slim", ignore_threshold: float | None = None):
        """An image's targets: lists over the layers of classes, localisations, scores. See `ssd_common`."""
        return ssd_common.tf_ssd_bboxes_encode(
            labels, bboxes, anchors, self.params.num_classes, self.params.no_annotation_label, ignore_threshold,
            self.params.prior_scaling, scope=scope or "ssd_bboxes_encode", matching_strategy=matching)

    def bboxes_decode(self, feat_localizations: Sequence, anchors: Sequence, scope: str = "ssd_bboxes_decode") -> list:
        """Boxes of each layer's localisations; tensors or NumPy arrays. See `ssd_common.tf_ssd_bboxes_decode`."""
        return ssd_common.tf_ssd_bboxes_decode(feat_localizations, anchors, self.params.prior_scaling, scope)

    def detected_bboxes(self, predictions: Sequence, localisations: Sequence, select_threshold: float | None = None,
                        nms_threshold: float = 0.5, clipping_bbox=None, top_k: int = 400, keep_top_k: int = 200,
                        keep_per: str = "class") -> tuple[dict[int, tf.Tensor], dict[int, tf.Tensor]]:
        """Scores [B, keep_top_k] and boxes [B, keep_top_k, 4], dicts by class. See `detection.detected_bboxes`."""
        return detection.detected_bboxes(predictions, localisations, select_threshold, nms_threshold, clipping_bbox,
                                         top_k, keep_top_k, keep_per)

    def losses(self, logits: Sequence, localisations: Sequence, gclasses: Sequence, glocalisations: Sequence,
               gscores: Sequence, match_threshold: float = 0.5, negative_ratio: float = 3.0, alpha: float = 1.0,
               label_smoothing: float = 0.0, scope: str = "ssd_losses", mining: str = "batch",
               normalization: str = "batch_size") -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The positives', negatives' and localisation losses; also in tf.GraphKeys.LOSSES. See `losses.ssd_losses`."""
        return losses.ssd_losses(logits, localisations, gclasses, glocalisations, gscores, match_threshold,
                                 negative_ratio, alpha, label_smoothing, scope, mining, normalization)


def feat_shapes_of(logits: Sequence[tf.Tensor], default: list[Sequence[int]]) -> list[Sequence[int]]:
    """[H, W, A] of every layer of `logits` [B, H, W, A, C]; `default` where the graph does not know them all."""
    shapes = [layer.get_shape().as_list()[1:4] for layer in logits]
    return default if any(size is None for shape in shapes for size in shape) else shapes


def check_params(params: SSDParams) -> SSDParams:
    """`params` as they are if they describe a net; a tfe.InputError that says what is wrong if not."""
    if not isinstance(params, SSDParams):
        raise tfe.InputError(f"params is a {type(params).__name__}; expected SSDParams: default_params._replace(…)")
    if params.num_classes < 2:
        raise tfe.InputError(f"num_classes is {params.num_classes}; expected 2 or more: background and the classes")
    for field in ("feat_shapes", "anchor_sizes", "anchor_ratios", "anchor_steps", "normalizations"):
        if len(getattr(params, field)) != len(params.feat_layers):
            raise tfe.InputError(f"{field} has {len(getattr(params, field))} entries; expected one for each of the "
                                 f"{len(params.feat_layers)} feature layers {', '.join(params.feat_layers)}")
    return params
