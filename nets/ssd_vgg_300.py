"""SSD-300 on VGG-16: its numbers, and the documented function names. Section 3 of the paper; 26,285,486 parameters.

The anchor sizes are Caffe's for COCO (21/45/…); those for VOC are another row of `nets.anchor_sets`. What the
numbers mean is said in `nets.ssd`.
"""
from collections.abc import Callable, Sequence

from nets import ssd, vgg
from nets.anchors import ssd_anchor_one_layer, ssd_anchors_all_layers, ssd_size_bounds_to_values
from nets.losses import ssd_losses
from nets.ssd import SSDParams, ssd_arg_scope
from nets.ssd_layers import ExtraLayer, ssd_multibox_layer
from tf_extended.compat import slim, tf

__all__ = ["SSDNet", "SSDParams", "ssd_anchor_one_layer", "ssd_anchors_all_layers", "ssd_arg_scope", "ssd_losses",
           "ssd_multibox_layer", "ssd_net", "ssd_size_bounds_to_values"]


class SSDNet(ssd.SSDNet):
    """SSD-300 with the VGG-16 body; six prediction layers of 38, 19, 10, 5, 3 and 1 places a side, 8732 anchors."""

    name = "ssd_300_vgg"
    backbone = staticmethod(vgg.vgg16)
    extra_layers = (
        ExtraLayer("block8", 256, 512, stride=2, pad=1),
        ExtraLayer("block9", 128, 256, stride=2, pad=1),
        ExtraLayer("block10", 128, 256),
        ExtraLayer("block11", 128, 256),
    )
    default_params = SSDParams(
        img_shape=(300, 300),
        num_classes=21,
        no_annotation_label=21,
        feat_layers=["block4", "block7", "block8", "block9", "block10", "block11"],
        feat_shapes=[(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (1, 1)],
        anchor_size_bounds=[0.15, 0.90],
        anchor_sizes=[(21.0, 45.0), (45.0, 99.0), (99.0, 153.0), (153.0, 207.0), (207.0, 261.0), (261.0, 315.0)],
        anchor_ratios=[[2, 0.5], *[[2, 0.5, 3, 1 / 3]] * 3, [2, 0.5], [2, 0.5]],
        anchor_steps=[8, 16, 32, 64, 100, 300],
        anchor_offset=0.5,
        normalizations=[20, -1, -1, -1, -1, -1],
        prior_scaling=[0.1, 0.1, 0.2, 0.2],
    )


_ROW = SSDNet.default_params


def ssd_net(inputs: tf.Tensor, num_classes: int = _ROW.num_classes, feat_layers: Sequence[str] = _ROW.feat_layers,
            anchor_sizes: Sequence = _ROW.anchor_sizes, anchor_ratios: Sequence = _ROW.anchor_ratios,
            normalizations: Sequence[float] = _ROW.normalizations, is_training: bool = True,
            dropout_keep_prob: float = 0.5, prediction_fn: Callable = slim.softmax, reuse: bool | None = None,
            scope: str = "ssd_300_vgg"):
    """`SSDNet.net` as a function: predictions, localisations, logits, end_points of `inputs` [B, 300, 300, 3]."""
    params = _ROW._replace(num_classes=num_classes, feat_layers=feat_layers, anchor_sizes=anchor_sizes,
                           anchor_ratios=anchor_ratios, normalizations=normalizations,
                           # What places anchors, of which a function that only builds layers makes none.
                           feat_shapes=[None] * len(feat_layers), anchor_steps=[None] * len(feat_layers))
    return SSDNet(params).net(inputs, is_training, update_feat_shapes=False, dropout_keep_prob=dropout_keep_prob,
                              prediction_fn=prediction_fn, reuse=reuse, scope=scope)


ssd_net.default_image_size = 300
