"""A small net of a user's own, entered beside the toolkit's nets: it starts in half the time that an SSD-300 takes.

For tests of what happens around a net. Scripts that `fork_server` starts know it; the tests' own process only where
`in_process` loads one.
"""
from nets import nets_factory, ssd, ssd_vgg_300
from nets.ssd_layers import ExtraLayer
from tf_extended.compat import slim

NAME = "ssd_96_small"


def two_convolutions(inputs, scale, is_training, dropout_keep_prob):
    """Features of 12 × 12 places, and themselves as the end point `conv2`."""
    net = slim.conv2d(inputs, scale(64), [3, 3], stride=4, scope="conv1")
    net = slim.conv2d(net, scale(128), [3, 3], stride=2, scope="conv2")
    return net, {"conv2": net}


class SSDNet(ssd.SSDNet):
    """Two prediction layers, of 12 and 6 places a side, for pictures of 96 × 96; 720 anchors."""

    name = NAME
    backbone = staticmethod(two_convolutions)
    extra_layers = (ExtraLayer("block3", 64, 128, stride=2, pad=1),)
    default_params = ssd_vgg_300.SSDNet.default_params._replace(
        img_shape=(96, 96), feat_layers=["conv2", "block3"], feat_shapes=[(12, 12), (6, 6)],
        anchor_sizes=[(15.0, 30.0), (30.0, 60.0)], anchor_ratios=[[2, 0.5]] * 2, anchor_steps=[8, 16],
        normalizations=[20, -1])


def thin(num_classes):
    """The net, with as few channels as there can be."""
    return SSDNet(SSDNet.default_params._replace(num_classes=num_classes), depth_multiplier=0.05)


def enter():
    """What a line in `nets_factory` does."""
    nets_factory.NETWORKS[NAME] = __name__
