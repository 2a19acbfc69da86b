"""SSD-300 on MobileNet-v1: the body and its numbers. Howard et al. 2017, arXiv 1704.04861; SSD as in the paper's
section 2.

A net of depthwise convolutions, light on a machine without a GPU. The first prediction layer has 38 × 38 places, which
the usual MobileNet-SSD lacks: without it small objects are never found. Names under the net's scope are those of slim's
published MobileNet checkpoints (`MobilenetV1/Conv2d_0/weights` …).
"""
from collections.abc import Callable

from nets import ssd, ssd_vgg_300
from tf_extended.compat import slim, tf

# (stride, channels) of the depthwise separable blocks 1 to 13; block 0 is a full convolution.
FIRST_CHANNELS = 32
SEPARABLE = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))
# The means that the input has been whitened by: slim's checkpoints were trained on pixels from -1 to 1 instead.
MEANS, HALF_RANGE = (123.0, 117.0, 104.0), 127.5


def mobilenet_v1(inputs: tf.Tensor, scale: Callable[[int], int], is_training: bool,
                 dropout_keep_prob: float) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The features that SSD's extra layers stand on, and end points `Conv2d_0`, `Conv2d_1_depthwise`, `…_pointwise` ….

    inputs [B, H, W, 3] (or [B, 3, H, W], by the arg scope), whitened; `scale` thins the channels. Dropout comes after
    the last block. Batch norm follows every convolution.
    """
    end_points = {}
    with tf.variable_scope("MobilenetV1"), \
            slim.arg_scope([slim.conv2d, slim.separable_conv2d], activation_fn=tf.nn.relu6):
        net = slim.conv2d(_from_minus_one_to_one(inputs), scale(FIRST_CHANNELS), [3, 3], stride=2, scope="Conv2d_0")
        end_points["Conv2d_0"] = net
        for number, (stride, channels) in enumerate(SEPARABLE, 1):
            # As in the article, no weight decay on the few weights of the depthwise filters.
            net = slim.separable_conv2d(net, None, [3, 3], depth_multiplier=1, stride=stride, weights_regularizer=None,
                                        scope=f"Conv2d_{number}_depthwise")
            end_points[f"Conv2d_{number}_depthwise"] = net
            net = slim.conv2d(net, scale(channels), [1, 1], scope=f"Conv2d_{number}_pointwise")
            end_points[f"Conv2d_{number}_pointwise"] = net
    return slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout"), end_points


def _from_minus_one_to_one(inputs: tf.Tensor) -> tf.Tensor:
    channels_last = inputs.get_shape().as_list()[-1] == len(MEANS)
    means = tf.constant(MEANS, inputs.dtype, shape=[1, 1, 1, 3] if channels_last else [1, 3, 1, 1])
    return (inputs + means) / HALF_RANGE - 1.0


class SSDNet(ssd.SSDNet):
    """SSD-300 with the MobileNet-v1 body; the layers, anchors and extra layers of SSD-300 on VGG, 8732 anchors.

    The body computes what slim's published classifier does, of which `tf_extended.weights` makes a starting point
    (`--checkpoint_path=mobilenet_v1_1.0_224.ckpt`): SAME padding, ReLU6, batch norm with an epsilon of .001, pixels
    from -1 to 1. A published width needs its own `depth_multiplier`: 1, .75, .5 or .25. Extra layers and heads have
    no weights there and start afresh. Only the decay of batch norm's averages is quicker here (`nets.ssd`).
    """

    name = "ssd_300_mobilenet_v1"
    backbone = staticmethod(mobilenet_v1)
    body_has_batch_norm = True
    depthwise = True
    extra_layers = ssd_vgg_300.SSDNet.extra_layers[1:]
    default_params = ssd_vgg_300.SSDNet.default_params._replace(
        feat_layers=[*(f"Conv2d_{number}_pointwise" for number in (5, 11, 13)), "block9", "block10", "block11"],
        normalizations=[-1] * 6,
    )
