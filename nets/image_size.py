"""A net for pictures of another size than the published one: the shapes of its feature layers, its anchors to scale.

For a training, anchors stay what they are relative to the picture: sizes grow with it, and the centres spread evenly
over each layer. For weights that are there already, they stay what they are in pixels.
Not this module's job: anchors of other relative sizes (`nets.anchor_sets`, to be applied afterwards).
"""
import functools
from bisect import bisect_left

import tf_extended as tfe
from nets.anchors import layer_offsets
from nets.ssd import SSDNet, SSDParams
from tf_extended.compat import slim, tf

# A multiple of every layer's stride, whatever the net: powers of 2, to the 512 of SSD-512's last layer.
_MORE_PIXELS = 1024


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
        smallest = _smallest_size(net_class, params.img_shape[0])
        raise tfe.InputError(
            f"image size {size} is too small for {net_class.name}, made for {params.img_shape[0]}: its last layers "
            f"would be empty; give {smallest} or more")
    factor = size / params.img_shape[0]
    return params._replace(
        img_shape=(size, size), feat_shapes=shapes, anchor_steps=[size / shape[0] for shape in shapes],
        anchor_sizes=[tuple(side * factor for side in sizes) for sizes in params.anchor_sizes])


def _feature_shapes(net_class: type[SSDNet], size: int, params: SSDParams) -> list[tuple[int, int]] | None:
    """(height, width) of every prediction layer; None where the last layers would be empty."""
    shapes = _end_point_shapes(net_class, size)
    if shapes is None:
        return None
    net_class(params).check_layers(shapes)
    return [shapes[layer] for layer in params.feat_layers]


@functools.cache
def _end_point_shapes(net_class: type[SSDNet], size: int) -> dict[str, tuple[int, int]] | None:
    """(height, width) by end point, by building the net's body, as thin as it gets, in a graph to throw away."""
    with tf.Graph().as_default():
        net = net_class(depth_multiplier=1e-3)
        try:
            with slim.arg_scope(net.arg_scope()):
                end_points = net.body(tf.zeros([1, size, size, 3]), is_training=False)
        except tfe.InputError:
            raise
        except ValueError:
            return None
    return {name: tuple(end.get_shape().as_list()[1:3]) for name, end in end_points.items()}


def _smallest_size(net_class: type[SSDNet], known: int) -> int:
    """The smallest size that the net can take; it can take `known`."""
    return bisect_left(range(known), True, key=lambda side: _end_point_shapes(net_class, side) is not None)


def net_for_image_size(net: SSDNet, size: int) -> SSDNet:
    """The same net for square pictures of `size` pixels a side, with the anchors that weights of `net` know.

    For weights that are there already: anchors keep their sizes in pixels, and their places in pixels relative to what
    a cell sees. Only the grid grows, by the layer's true stride. (A layer without padding has centres further apart
    than that, 100 and 300 pixels in SSD-300 where the stride is 64, for its few cells to cover the whole picture.)
    Raises tfe.InputError as `params_for_image_size` does.
    """
    params = net.params
    if tuple(params.img_shape) == (size, size):
        return net
    sized = params_for_image_size(type(net), size, params)
    strides = _strides(type(net), sized)
    middles = [(shape[0] - 1) / 2 for shape in params.feat_shapes]
    firsts = layer_offsets(params.anchor_offset, len(strides))
    offsets = [(middle + first) * step / stride - middle  # the middle cell stays where it was
               for middle, first, step, stride in zip(middles, firsts, params.anchor_steps, strides, strict=True)]
    params = params._replace(img_shape=sized.img_shape, feat_shapes=sized.feat_shapes, anchor_steps=strides,
                             anchor_offset=offsets)
    return type(net)(params, net.depth_multiplier, net.batch_norm, net.initializer)


def _strides(net_class: type[SSDNet], params: SSDParams) -> list[int]:
    """How many pixels a cell of each prediction layer is from the next: so many more give one more cell."""
    larger = _feature_shapes(net_class, params.img_shape[0] + _MORE_PIXELS, params)
    return [_MORE_PIXELS // (more[0] - shape[0]) for more, shape in zip(larger, params.feat_shapes, strict=True)]
