"""What SSD adds to a backbone: smaller and smaller feature layers, each with a head that predicts classes and offsets.

Section 2.1 of the paper, "Multi-scale feature maps for detection" and "Convolutional predictors for detection".
`flatten_layers` joins all layers' predictions, or their targets, on one axis.

Not this module's job: the backbones (`nets.vgg`, `nets.ssd_mobilenet_v1_300`) and which layers predict (`nets.ssd`).
"""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tf_extended as tfe
from nets import anchors, custom_layers
from tf_extended.compat import slim, tf

MIN_CHANNELS = 8


class ExtraLayer(NamedTuple):
    """A row of the table of extra feature layers: a 1×1 convolution to `squeeze` channels, then kernel × kernel to
    `channels`.

    `pad` zeros on each side come before the second, which is VALID, as in Caffe.
    """

    name: str
    squeeze: int
    channels: int
    kernel: int = 3
    stride: int = 1
    pad: int = 0


def channel_scaler(depth_multiplier: float) -> Callable[[int], int]:
    """The rule that thins a net: channels × `depth_multiplier`, at least MIN_CHANNELS (slim's rule for MobileNet)."""
    return lambda channels: max(int(channels * depth_multiplier), MIN_CHANNELS)


def extra_feature_layers(net: tf.Tensor, rows: Sequence[ExtraLayer], scale: Callable[[int], int],
                         end_points: dict[str, tf.Tensor]) -> None:
    """Stack the layers of `rows` on `net`, adding each to `end_points` under its name."""
    for row in rows:
        with tf.variable_scope(row.name):
            net = slim.conv2d(net, scale(row.squeeze), [1, 1], scope="conv1x1")
            net = custom_layers.pad2d(net, pad=(row.pad, row.pad))
            net = slim.conv2d(net, scale(row.channels), [row.kernel, row.kernel], stride=row.stride, padding="VALID",
                              scope=f"conv{row.kernel}x{row.kernel}")
        end_points[row.name] = net


def ssd_multibox_layer(inputs: tf.Tensor, num_classes: int, sizes: Sequence[float], ratios: Sequence[float] = (1,),
                       normalization: float = -1) -> tuple[tf.Tensor, tf.Tensor]:
    """The head of one feature layer: logits [B, H, W, A, num_classes] and offsets [B, H, W, A, 4] (x, y, w, h).

    A anchors a place, one a size and one a ratio; num_classes includes background. A positive `normalization` puts an
    L2 normalisation in front whose scale starts there (20 in the paper). Always channels last, always float32.
    """
    if normalization > 0:
        inputs = custom_layers.l2_normalization(
            inputs, scaling=True, scale_initializer=tf.constant_initializer(normalization))
    per_cell = anchors.anchors_per_cell(sizes, ratios)
    offsets = _predict(inputs, per_cell, 4, "conv_loc")
    return _predict(inputs, per_cell, num_classes, "conv_cls"), offsets


def _predict(inputs: tf.Tensor, per_cell: int, values: int, scope: str) -> tf.Tensor:
    """A 3×3 convolution to [B, H, W, per_cell, values], without the body's activation, batch norm or initialiser."""
    outputs = slim.conv2d(inputs, per_cell * values, [3, 3], activation_fn=None, normalizer_fn=None,
                          weights_initializer=slim.xavier_initializer(), scope=scope)
    outputs = custom_layers.channel_to_last(outputs)
    height, width = outputs.get_shape().as_list()[1:3]
    if height is None or width is None:
        height, width = tf.unstack(tf.shape(outputs)[1:3])
    return custom_layers.full_precision(tf.reshape(outputs, [-1, height, width, per_cell, values]))


def flatten_layers(layers: Sequence[tf.Tensor], trailing: int) -> tf.Tensor:
    """All layers on one axis, anchors in the order of `anchors.flatten_anchors`.

    [B, H, W, A, …] each → [B, K, …], keeping the last `trailing` axes.
    """
    flat = []
    for layer in map(tf.convert_to_tensor, layers):
        shape = tfe.get_shape(layer)
        kept = shape[len(shape) - trailing:]
        flat.append(tf.reshape(layer, [shape[0], -1, *kept]))
    return tf.concat(flat, axis=1)
