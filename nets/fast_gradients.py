"""Gradients of convolutions and biases as matrix products, where TensorFlow's own are slow on a CPU.

The numbers are TensorFlow's own but for rounding. Not this module's job: the layers (`slim.conv2d`,
`nets.custom_layers`), and the gradient by a layer's input, which oneDNN computes as fast as the layer itself.
Build the net inside `fast_gradients()`; nothing else is to be done.
"""
import functools

from tf_extended import sessions
from tf_extended.compat import tf

# TensorFlow takes a slice of rows without copying it where it starts at a multiple of so many bytes.
ALIGNMENT_BYTES = 64
# Products also run over the margins of rows and pictures: they do not pay where there are more than so many times the
# places with them.
MOST_PADDING = 1.15


def fast_gradients():
    """A context in which biases that are added, and convolutions where it helps, get the gradients of this module."""
    overrides = {"BiasAdd": "BiasAddByMatmul"}
    if products_are_faster():
        overrides["Conv2D"] = "Conv2DByMatmul"
    return tf.get_default_graph().gradient_override_map(overrides)


@functools.cache
def products_are_faster() -> bool:
    """Whether this machine computes filter gradients faster as products: a CPU with AVX2 and no AVX512, and no GPU.

    There oneDNN reaches a third of the speed that it has in the forward pass, less in wide layers, so that the
    filter gradients took more than half of a step of the published net; products reach two thirds.
    """
    instructions = sessions.cpu_flags()
    return "avx2" in instructions and "avx512f" not in instructions and not sessions.gpus()


@tf.RegisterGradient("BiasAddByMatmul")
def _bias_add_gradient(op: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradient of BiasAdd, its sum over places a product with ones, which oneDNN does seven times as fast as
    TensorFlow's own sum in bfloat16."""
    if op.get_attr("data_format") != b"NHWC" or gradient.get_shape().ndims != 4:
        return gradient, tf.raw_ops.BiasAddGrad(out_backprop=gradient, data_format=op.get_attr("data_format"))
    # The static shape where it is known: a dozen ops fewer for each of 35 layers, which count when a training starts.
    static = gradient.get_shape()
    batch, height, width, channels = static.as_list() if static.is_fully_defined() else tf.unstack(tf.shape(gradient))
    places = tf.reshape(gradient, [batch, height * width, channels])
    ones = tf.ones([batch, 1, height * width], gradient.dtype)
    return gradient, tf.reduce_sum(tf.matmul(ones, places), axis=[0, 1])


@tf.RegisterGradient("Conv2DByMatmul")
def _conv2d_gradient(op: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradients of Conv2D, by its input and by its filter; the latter as products where that pays."""
    inputs, filters = op.inputs
    options = {name: op.get_attr(name) for name in
               ("strides", "padding", "explicit_paddings", "data_format", "dilations")}
    by_input = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(inputs), filter=filters, out_backprop=gradient, **options)
    if _pays(inputs, filters, gradient, options):
        return by_input, filter_gradient(inputs, gradient, filters.get_shape().as_list())
    return by_input, tf.raw_ops.Conv2DBackpropFilter(
        input=inputs, filter_sizes=tf.shape(filters), out_backprop=gradient, **options)


def _pays(inputs: tf.Tensor, filters: tf.Tensor, gradient: tf.Tensor, options: dict) -> bool:
    """Whether `filter_gradient` applies (odd square kernel, stride 1, SAME, no holes, known shapes) and is faster."""
    shapes = [tensor.get_shape() for tensor in (inputs, filters, gradient)]
    if not all(shape.is_fully_defined() for shape in shapes):
        return False
    plain = (options["strides"] == options["dilations"] == [1, 1, 1, 1] and options["padding"] == b"SAME"
             and options["data_format"] == b"NHWC")
    (_, height, width, channels), (side, other, *_) = shapes[0].as_list(), shapes[1].as_list()
    padded = (height + side - 1) * (width + side - 1) / (height * width)
    return (plain and side == other and side % 2 == 1 and padded <= MOST_PADDING
            and channels * inputs.dtype.size % ALIGNMENT_BYTES == 0)


def filter_gradient(inputs: tf.Tensor, gradient: tf.Tensor, shape: list[int]) -> tf.Tensor:
    """The gradient by the filter of a SAME convolution of stride 1 with an odd kernel: one product a tap.

    inputs [B, H, W, I], gradient [B, H, W, O] (by the outputs), shape [side, side, I, O]: that of what comes back.
    Pictures are laid behind one another with a margin of zeros around each, so that a tap's inputs are all places,
    moved by one number of rows: slices without a copy. Where the move leaves a picture, the gradient's margin is zero.
    """
    (batch, height, width, channels), outputs, side = inputs.get_shape().as_list(), shape[-1], shape[0]
    margin = side - 1
    moves = [row * (width + margin) + column for row in range(side) for column in range(side)]
    places = batch * (height + margin) * (width + margin) - moves[-1]
    before = [margin // 2] * 2
    padded = tf.pad(inputs, [[0, 0], before, before, [0, 0]]) if margin else inputs
    slopes = tf.pad(gradient, [[0, 0], [0, margin], [0, margin], [0, 0]]) if margin else gradient
    padded, slopes = tf.reshape(padded, [-1, channels]), tf.reshape(slopes, [-1, outputs])[:places]
    taps = [tf.matmul(padded[move:move + places], slopes, transpose_a=True) for move in moves]
    return tf.reshape(tf.stack(taps), shape)
