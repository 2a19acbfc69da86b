"""The VGG-16 body of SSD: blocks 1 to 5, then fc6 and fc7 turned into convolutions. Section 3 of the paper.

Simonyan and Zisserman 2014, arXiv 1409.1556, with pool5 of 3×3 at stride 1 and an atrous conv6 (DeepLab's reduced
VGG). Variable names are those of slim's `vgg_16`, so that its checkpoints restore. Not this module's job: SSD's extra
layers and heads (`nets.ssd_layers`), weight decay and batch norm (`nets.ssd`'s arg scope).
"""
from collections.abc import Callable

from nets import custom_layers
from tf_extended.compat import slim, tf

# (convolutions, channels) of conv1 … conv5.
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
FC_CHANNELS, ATROUS_RATE = 1024, 6


def vgg16(inputs: tf.Tensor, scale: Callable[[int], int], is_training: bool,
          dropout_keep_prob: float) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The features that SSD's extra layers stand on, and the end points.

    These are `block1` (full size) … `block5` (1/16), `block6` and `block7` (the converted fc6, fc7).

    inputs [B, H, W, 3] (or [B, 3, H, W], by the arg scope), whitened; `scale` thins the channels. Dropout follows conv6
    and conv7, after their end points were taken.
    """
    end_points, net = {}, inputs
    for number, (repeats, channels) in enumerate(BLOCKS, 1):
        net = slim.repeat(net, repeats, slim.conv2d, scale(channels), [3, 3], scope=f"conv{number}")
        end_points[f"block{number}"] = net
        last = number == len(BLOCKS)
        net = slim.max_pool2d(net, [3, 3] if last else [2, 2], stride=1 if last else 2, scope=f"pool{number}")
    net = custom_layers.atrous_conv2d(net, scale(FC_CHANNELS), [3, 3], rate=ATROUS_RATE, scope="conv6")
    end_points["block6"] = net
    net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
    net = slim.conv2d(net, scale(FC_CHANNELS), [1, 1], scope="conv7")
    end_points["block7"] = net
    # The head of block7 sees it before dropout, block8 after.
    return slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7"), end_points
