"""Layers that slim lacks or does slowly: atrous convolution, L2 normalisation with a learnt scale, explicit padding,
channels last, smooth L1, a float32 seam.

Not this module's job: what is built from them (`nets.ssd_layers`, `nets.losses`); gradients (`nets.fast_gradients`).
The L2 normalisation is that of section 3.1 of the paper (conv4_3, after ParseNet); smooth L1 is that of equation 2.
"""
import functools
from collections.abc import Callable, Sequence

from tf_extended.compat import slim, tf

# Of a squared length, so that a vector of zeros is not divided by 0; float16 has no smaller number.
L2_EPSILON, L2_EPSILON_HALF = 1e-12, 6.2e-5


@slim.add_arg_scope
def atrous_conv2d(inputs: tf.Tensor, num_outputs: int, kernel_size: Sequence[int], rate: int,
                  activation_fn: Callable | None = tf.nn.relu, normalizer_fn: Callable | None = None,
                  weights_initializer=None, weights_regularizer=None, biases_initializer=None,
                  data_format: str = "NHWC", scope: str | None = None) -> tf.Tensor:
    """A convolution whose kernel has `rate` - 1 holes between its taps, stride 1, as large as its input.

    What `slim.conv2d(…, rate=rate)` computes, under the same variable names; but that one cuts the input into rate²
    small ones, whose gradients took a third of a training step of SSD-300. `data_format` as in slim's arg scope;
    without `normalizer_fn` a bias is added.
    """
    with tf.variable_scope(scope, "Conv", [inputs]) as sc:
        axis, known = _channel_axis(data_format), len(tf.global_variables())
        weights = slim.model_variable(
            "weights", shape=[*kernel_size, inputs.get_shape().as_list()[axis], num_outputs],
            initializer=weights_initializer or slim.xavier_initializer())
        if weights_regularizer is not None and len(tf.global_variables()) > known:  # not where it is shared
            with tf.name_scope(f"{sc.name}/kernel/Regularizer/"):  # as slim.conv2d names it
                penalty = weights_regularizer(weights)
            if penalty is not None:  # slim's of weight 0
                tf.losses.add_loss(penalty, tf.GraphKeys.REGULARIZATION_LOSSES)
        dilations = [1, 1, rate, rate] if axis == 1 else [1, rate, rate, 1]
        if dilated_gradients_work():
            outputs = tf.nn.conv2d(inputs, weights, strides=1, padding="SAME", data_format=data_format,
                                   dilations=dilations)
        else:
            outputs = tf.nn.convolution(inputs, weights, padding="SAME", dilation_rate=[rate, rate],
                                        data_format=data_format)
        if normalizer_fn is not None:
            outputs = normalizer_fn(outputs)
        else:
            biases = slim.model_variable("biases", shape=[num_outputs],
                                         initializer=biases_initializer or tf.zeros_initializer())
            outputs = tf.nn.bias_add(outputs, biases, data_format=data_format)
        return outputs if activation_fn is None else activation_fn(outputs)


@functools.cache
def dilated_gradients_work() -> bool:
    """Whether this TensorFlow differentiates dilated convolutions on the CPU: by trying one. Without oneDNN (Apple's
    processors, TF_ENABLE_ONEDNN_OPTS=0) it does not.
    """
    with tf.Graph().as_default(), tf.device("/device:CPU:0"):
        image, kernel = tf.ones([1, 5, 5, 1]), tf.ones([3, 3, 1, 1])
        outputs = tf.nn.conv2d(image, kernel, strides=1, padding="SAME", dilations=[1, 2, 2, 1])
        with tf.Session(config=tf.ConfigProto(device_count={"GPU": 0})) as sess:
            try:
                sess.run(tf.gradients(outputs, [image, kernel]))
            except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
                return False
    return True


@slim.add_arg_scope
def l2_normalization(inputs: tf.Tensor, scaling: bool = False, scale_initializer=None, reuse: bool | None = None,
                     variables_collections=None, outputs_collections=None, data_format: str = "NHWC",
                     trainable: bool = True, scope: str | None = None) -> tf.Tensor:
    """Divide the vector of channels at every place by its length; with `scaling`, multiply by a learnt `gamma` a
    channel.

    inputs [B, H, W, C] (or [B, C, H, W] with `data_format="NCHW"`), float; the same shape comes back.
    `scale_initializer` is ones unless given. Not a batch norm: nothing is averaged over places or images.
    """
    with tf.variable_scope(scope, "L2Normalization", [inputs], reuse=reuse) as sc:
        inputs, axis = tf.convert_to_tensor(inputs), _channel_axis(data_format)
        epsilon = L2_EPSILON_HALF if inputs.dtype.base_dtype == tf.float16 else L2_EPSILON
        outputs = tf.nn.l2_normalize(inputs, axis, epsilon=epsilon)
        if scaling:
            channels = inputs.get_shape().as_list()[axis]
            gamma = slim.model_variable(
                "gamma", shape=[channels], dtype=inputs.dtype.base_dtype,
                initializer=scale_initializer or tf.ones_initializer(),
                collections=slim.utils.get_variable_collections(variables_collections, "gamma"), trainable=trainable,
            )
            outputs *= gamma if axis == -1 else tf.reshape(gamma, [1, channels, 1, 1])
        return slim.utils.collect_named_outputs(outputs_collections, sc.original_name_scope, outputs)


@slim.add_arg_scope
def pad2d(inputs: tf.Tensor, pad: Sequence[int] = (0, 0), mode: str = "CONSTANT", data_format: str = "NHWC",
          scope: str | None = None) -> tf.Tensor:
    """Pad height by `pad[0]` and width by `pad[1]` on both sides, with zeros unless `mode` (of `tf.pad`) says
    otherwise.

    Before a strided VALID convolution this gives Caffe's symmetric padding, which SAME does not for even sizes.
    """
    with tf.name_scope(scope, "pad2d", [inputs]):
        space = [[pad[0], pad[0]], [pad[1], pad[1]]]
        none = [0, 0]
        paddings = [none, none, *space] if _channel_axis(data_format) == 1 else [none, *space, none]
        return tf.pad(inputs, paddings, mode=mode)


@slim.add_arg_scope
def channel_to_last(inputs: tf.Tensor, data_format: str = "NHWC", scope: str | None = None) -> tf.Tensor:
    """[B, C, H, W] → [B, H, W, C] where `data_format` is NCHW; the tensor itself where it is NHWC already."""
    with tf.name_scope(scope, "channel_to_last", [inputs]):
        return inputs if _channel_axis(data_format) == -1 else tf.transpose(inputs, [0, 2, 3, 1])


def abs_smooth(x: tf.Tensor) -> tf.Tensor:
    """Smooth L1: x² / 2 where |x| < 1, |x| - 1/2 elsewhere (Fast R-CNN, equation 3). One number per number."""
    absolute = tf.abs(x)
    return 0.5 * ((absolute - 1.0) * tf.minimum(absolute, 1.0) + absolute)


def full_precision(x: tf.Tensor) -> tf.Tensor:
    """`x` as it is, behind a seam that TensorFlow's bfloat16 / float16 graph rewrites cross neither way.

    The rewrites lower every op between two convolutions, and a training step puts the loss between the forward and the
    backward ones: differences of coordinates would keep 8 bits. They do not touch casts to float64, in the forward pass
    or in the gradient, so what follows here (softmax, loss, decoding) stays float32.
    """
    return tf.cast(tf.cast(x, tf.float64), x.dtype)


def _channel_axis(data_format: str) -> int:
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format is {data_format!r}; expected 'NHWC' or 'NCHW'")
    return 1 if data_format == "NCHW" else -1
