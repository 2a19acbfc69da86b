"""SSD-512 on VGG-16: its numbers. Section 3 of the paper (SSD500 in its first versions); 27,188,676 parameters.

Everything else is that of SSD-300. The step of the last layer's anchors is 512, so that its one centre is the image's.
"""
from nets import ssd, ssd_vgg_300, vgg
from nets.ssd import SSDParams
from nets.ssd_layers import ExtraLayer


class SSDNet(ssd.SSDNet):
    """SSD-512 with the VGG-16 body; seven layers of 64, 32, 16, 8, 4, 2 and 1 places a side, 24,564 anchors."""

    name = "ssd_512_vgg"
    backbone = staticmethod(vgg.vgg16)
    extra_layers = (
        *ssd_vgg_300.SSDNet.extra_layers[:2],
        ExtraLayer("block10", 128, 256, stride=2, pad=1),
        ExtraLayer("block11", 128, 256, stride=2, pad=1),
        ExtraLayer("block12", 128, 256, kernel=4, pad=1),
    )
    default_params = SSDParams(
        img_shape=(512, 512),
        num_classes=21,
        no_annotation_label=21,
        feat_layers=["block4", "block7", "block8", "block9", "block10", "block11", "block12"],
        feat_shapes=[(64, 64), (32, 32), (16, 16), (8, 8), (4, 4), (2, 2), (1, 1)],
        anchor_size_bounds=[0.10, 0.90],
        anchor_sizes=[(20.48, 51.2), (51.2, 133.12), (133.12, 215.04), (215.04, 296.96), (296.96, 378.88),
                      (378.88, 460.8), (460.8, 542.72)],
        anchor_ratios=[[2, 0.5], *[[2, 0.5, 3, 1 / 3]] * 4, [2, 0.5], [2, 0.5]],
        anchor_steps=[8, 16, 32, 64, 128, 256, 512],
        anchor_offset=0.5,
        normalizations=[20, -1, -1, -1, -1, -1, -1],
        prior_scaling=[0.1, 0.1, 0.2, 0.2],
    )
