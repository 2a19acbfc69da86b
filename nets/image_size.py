"""A net for pictures of another size than the published one: the shapes of its feature layers, its anchors to scale.

Anchors stay what they are relative to the picture: sizes grow with it, and the centres spread evenly over each layer.
Not this module's job: anchors of other relative sizes (`nets.anchor_sets`, to be applied afterwards).
"""
from bisect import bisect_left

import tf_extended as tfe
from nets.ssd import SSDNet, SSDParams
from tf_extended.compat import slim, tf


def params_for_image_size(net_class: type[SSDNet], size: int, params: SSDParams | None = None) -> SSDParams:
    """`params` (the class's defaults unless given) for square pictures of `size` pixels a side.

    The parameters come back as they are where the size is theirs. Raises tfe.InputError for a size that the net cannot
    take, because its last layers would have no place left; the error names the smallest that it can.
    """
    params = net_class.default_params if params is None else params
    if tuple(params.img_shape) == (size, size):
        return params
    shapes = _feature_shapes(net_class, size, params)
    if shapes is None:
        raise tfe.InputError(
            f"image size {size} is too small for {net_class.name}, made for {params.img_shape[0]}: its last layers "
            f"would be empty; give {_smallest_size(net_class, size, params)} or more")
    factor = size / params.img_shape[0]
    return params._replace(
        img_shape=(size, size), feat_shapes=shapes, anchor_steps=[size / shape[0] for shape in shapes],
        anchor_sizes=[tuple(side * factor for side in sizes) for sizes in params.anchor_sizes])


def _feature_shapes(net_class: type[SSDNet], size: int, params: SSDParams) -> list[tuple[int, int]] | None:
    """(height, width) of every prediction layer, by building the net, as thin as it gets, in a graph to throw away.

    None where the last layers would be empty.
    """
    with tf.Graph().as_default():
        net = net_class(params, depth_multiplier=1e-3)
        try:
            with slim.arg_scope(net.arg_scope()):
                _, _, logits, _ = net.net(tf.zeros([1, size, size, 3]), is_training=False, update_feat_shapes=False)
        except tfe.InputError:  # a ValueError too, but of parameters that are wrong at any size
            raise
        except ValueError:
            return None
    return [tuple(layer.get_shape().as_list()[1:3]) for layer in logits]


def _smallest_size(net_class: type[SSDNet], size: int, params: SSDParams) -> int:
    """The first size from `size` on that the net can take, at most its own."""
    sizes = range(size, params.img_shape[0])
    return size + bisect_left(sizes, True, key=lambda side: _feature_shapes(net_class, side, params) is not None)


def net_for_image_size(net: SSDNet, size: int) -> SSDNet:
    """The same net for square pictures of `size` pixels a side, with anchors that keep their sizes in pixels.

    For weights that are there already: they know their anchors in pixels of the input; only the grid grows.
    """
    sized = params_for_image_size(type(net), size, net.params)
    params = net.params._replace(img_shape=sized.img_shape, feat_shapes=sized.feat_shapes)
    return type(net)(params, net.depth_multiplier, net.batch_norm, net.initializer)
