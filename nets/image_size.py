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
    take: its last layers would have no place left.
    """
    params = net_class.default_params if params is None else params
    if tuple(params.img_shape) == (size, size):
        return params
    shapes = [tuple(shape) for shape in _feature_shapes(net_class, size, params)]
    factor = size / params.img_shape[0]
    return params._replace(
        img_shape=(size, size), feat_shapes=shapes, anchor_steps=[size / shape[0] for shape in shapes],
        anchor_sizes=[tuple(side * factor for side in sizes) for sizes in params.anchor_sizes])


def _feature_shapes(net_class: type[SSDNet], size: int, params: SSDParams) -> list[list[int]]:
    """(height, width) of every prediction layer. tfe.InputError names the smallest size where this one is too small."""
    try:
        return _built_shapes(net_class, size, params)
    except ValueError as error:
        own_size = params.img_shape[0]
        if size >= own_size or isinstance(error, tfe.InputError):  # then the parameters are wrong, at any size
            raise
        sizes = range(size, own_size + 1)
        smallest = sizes[bisect_left(sizes, True, key=lambda side: _fits(net_class, side, params))]
        raise tfe.InputError(f"image size {size} is too small for {net_class.name}, made for {own_size}: its last "
                             f"layers would be empty; give {smallest} or more") from None


def _fits(net_class: type[SSDNet], size: int, params: SSDParams) -> bool:
    try:
        return bool(_built_shapes(net_class, size, params))
    except ValueError:
        return False


def _built_shapes(net_class: type[SSDNet], size: int, params: SSDParams) -> list[list[int]]:
    """The shapes by building the net, as thin as it gets, in a graph to throw away; ValueError where it cannot be."""
    with tf.Graph().as_default():
        net = net_class(params, depth_multiplier=1e-3)
        with slim.arg_scope(net.arg_scope()):
            _, _, logits, _ = net.net(tf.zeros([1, size, size, 3]), is_training=False, update_feat_shapes=False)
    return [layer.get_shape().as_list()[1:3] for layer in logits]


def net_for_image_size(net: SSDNet, size: int) -> SSDNet:
    """The same net for square pictures of `size` pixels a side, with anchors that keep their sizes in pixels.

    For weights that are there already: they know their anchors in pixels of the input; only the grid grows.
    """
    sized = params_for_image_size(type(net), size, net.params)
    params = net.params._replace(img_shape=sized.img_shape, feat_shapes=sized.feat_shapes)
    return type(net)(params, net.depth_multiplier, net.batch_norm, net.initializer)
