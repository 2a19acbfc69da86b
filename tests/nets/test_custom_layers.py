"""The small layers against NumPy, in both layouts."""
import numpy as np
import pytest

from nets import custom_layers
from tests.nets import golden
from tf_extended.compat import slim, tf

IMAGES = np.random.RandomState(0).randn(2, 3, 4, 5).astype(np.float32)


def in_layout(layer, data_format, **arguments):
    """`layer` applied to IMAGES in that layout, its result back in NHWC; and the variables it made."""
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.constant(IMAGES)
        nchw = data_format == "NCHW"
        outputs = layer(tf.transpose(inputs, [0, 3, 1, 2]) if nchw else inputs, data_format=data_format, **arguments)
        sess.run(tf.global_variables_initializer())
        variables = [v.op.name for v in tf.global_variables()]
        return sess.run(tf.transpose(outputs, [0, 2, 3, 1]) if nchw else outputs), variables


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_l2_normalization(data_format):
    got, variables = in_layout(custom_layers.l2_normalization, data_format)
    expected = IMAGES / np.sqrt((IMAGES**2).sum(-1, keepdims=True))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert variables == []
    got, variables = in_layout(custom_layers.l2_normalization, data_format, scaling=True,
                               scale_initializer=tf.constant_initializer(np.arange(5.0)))
    np.testing.assert_allclose(got, expected * np.arange(5), rtol=1e-5)
    assert variables == ["L2Normalization/gamma"]


def test_l2_normalization_starts_with_ones_and_survives_zeros():
    got, _ = in_layout(custom_layers.l2_normalization, "NHWC", scaling=True)
    np.testing.assert_allclose((got**2).sum(-1), 1, rtol=1e-5)
    assert not golden.run(lambda: custom_layers.l2_normalization(np.zeros((1, 2, 2, 3), np.float32))).any()


def test_l2_normalization_of_small_vectors():
    got = golden.run(custom_layers.l2_normalization, np.full((1, 1, 1, 4), 1e-4, np.float32))
    np.testing.assert_allclose(got, 0.5, rtol=1e-3)  # four equal parts of length 1


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_pad2d(data_format):
    got, _ = in_layout(custom_layers.pad2d, data_format, pad=(1, 2))
    np.testing.assert_array_equal(got, np.pad(IMAGES, [(0, 0), (1, 1), (2, 2), (0, 0)]))
    got, _ = in_layout(custom_layers.pad2d, data_format, pad=(1, 1), mode="REFLECT")
    np.testing.assert_array_equal(got, np.pad(IMAGES, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect"))


def test_channel_to_last():
    got = golden.run(lambda x: custom_layers.channel_to_last(x, data_format="NCHW"), IMAGES)
    np.testing.assert_array_equal(got, IMAGES.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(golden.run(custom_layers.channel_to_last, IMAGES), IMAGES)


@pytest.mark.parametrize("layer", ["l2_normalization", "pad2d", "channel_to_last"])
def test_layout_comes_from_the_arg_scope_and_an_unknown_one_is_refused(layer):
    function = getattr(custom_layers, layer)
    with slim.arg_scope([function], data_format="CHWN"), pytest.raises(ValueError, match="CHWN.*NHWC.*NCHW"):
        golden.run(function, IMAGES)


def test_abs_smooth_by_hand():
    x = np.array([-3, -1, -0.5, 0, 0.5, 1, 3], np.float32)
    np.testing.assert_allclose(golden.run(custom_layers.abs_smooth, x), [2.5, 0.5, 0.125, 0, 0.125, 0.5, 2.5])


def test_full_precision_changes_neither_values_nor_gradients():
    def both(x):
        y = custom_layers.full_precision(x)
        return y, tf.gradients(tf.reduce_sum(y * y), x)[0]

    values, slopes = golden.run(both, IMAGES)
    np.testing.assert_array_equal(values, IMAGES)
    np.testing.assert_array_equal(slopes, 2 * IMAGES)


def atrous_by_hand(images, weights, rate):
    """A loop over places and taps; zeros outside."""
    batch, height, width, _ = images.shape
    outputs = np.zeros((batch, height, width, weights.shape[-1]))
    for y in range(height):
        for x in range(width):
            for i in range(3):
                for j in range(3):
                    row, column = y + (i - 1) * rate, x + (j - 1) * rate
                    if 0 <= row < height and 0 <= column < width:
                        outputs[:, y, x] += images[:, row, column] @ weights[i, j]
    return outputs


@pytest.mark.parametrize("direct", [True, False])
def test_atrous_convolution_and_its_gradients(direct, monkeypatch):
    if direct and not custom_layers.dilated_gradients_work():
        pytest.skip("this TensorFlow does not differentiate dilated convolutions on the CPU")
    monkeypatch.setattr(custom_layers, "dilated_gradients_work", lambda: direct)
    images = np.random.RandomState(1).randn(2, 7, 8, 3).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.constant(images)
        outputs = custom_layers.atrous_conv2d(inputs, 4, [3, 3], rate=2, activation_fn=None, scope="conv6",
                                              weights_regularizer=slim.l2_regularizer(1.0))
        weights, biases = tf.global_variables()
        assert [weights.op.name, biases.op.name] == ["conv6/weights", "conv6/biases"]
        assert [v.op.name for v in slim.get_model_variables()] == ["conv6/weights", "conv6/biases"]
        sess.run(tf.global_variables_initializer())
        biases.load(np.arange(4.0), sess)
        got, values, gradient, decay = sess.run(
            [outputs, weights, tf.gradients(outputs, weights)[0], tf.losses.get_regularization_losses()])
    np.testing.assert_allclose(got, atrous_by_hand(images, values, 2) + np.arange(4), atol=1e-5)
    # The sum of all outputs grows with the centre tap by the sum of the picture's channel.
    np.testing.assert_allclose(gradient[1, 1], np.tile(images.sum((0, 1, 2))[:, None], 4), rtol=1e-4)
    np.testing.assert_allclose(gradient[0, 0], np.tile(images[:, :-2, :-2].sum((0, 1, 2))[:, None], 4), rtol=1e-4,
                               atol=1e-5)
    np.testing.assert_allclose(decay, [(values**2).sum() / 2], rtol=1e-5)


@pytest.mark.parametrize("reuses", [(False, True), (tf.AUTO_REUSE, tf.AUTO_REUSE)])
def test_atrous_convolution_shares_its_variables_and_decays_them_once(reuses):
    with tf.Graph().as_default():
        for reuse in reuses:
            with tf.variable_scope("net", reuse=reuse):
                custom_layers.atrous_conv2d(tf.constant(IMAGES), 4, [3, 3], rate=2, scope="conv6",
                                            weights_regularizer=slim.l2_regularizer(1.0))
        assert len(tf.global_variables()) == 2 and len(tf.losses.get_regularization_losses()) == 1


def test_dilated_gradients_fall_back_where_tensorflow_has_none(monkeypatch):
    def refuse(*_arguments, **_options):
        raise tf.errors.UnimplementedError(None, None, "Current CPU implementation does not yet support dilation")
    custom_layers.dilated_gradients_work.cache_clear()
    monkeypatch.setattr(tf.Session, "run", refuse)
    assert custom_layers.dilated_gradients_work() is False
    custom_layers.dilated_gradients_work.cache_clear()


def test_atrous_convolution_without_weight_decay_adds_no_loss():
    with tf.Graph().as_default():
        custom_layers.atrous_conv2d(tf.constant(IMAGES), 4, [3, 3], rate=2,
                                    weights_regularizer=slim.l2_regularizer(0.0))
        assert tf.losses.get_regularization_losses() == []


def test_l2_normalization_of_zeros_in_float16():
    with tf.Graph().as_default(), tf.Session() as sess:
        out = sess.run(custom_layers.l2_normalization(tf.zeros([1, 2, 2, 3], tf.float16)))
    assert out.dtype == np.float16 and not out.any()


def test_atrous_convolution_begins_with_the_initialisers_that_it_is_given():
    with tf.Graph().as_default(), tf.Session() as sess:
        custom_layers.atrous_conv2d(tf.constant(IMAGES), 4, [3, 3], rate=2,
                                    weights_initializer=tf.constant_initializer(0.25),
                                    biases_initializer=tf.constant_initializer(3.0))
        sess.run(tf.global_variables_initializer())
        weights, biases = sess.run(tf.global_variables())
    assert set(weights.ravel()) == {0.25} and set(biases) == {3.0}


def test_atrous_convolution_has_its_holes_along_height_and_width_in_either_layout(monkeypatch):
    monkeypatch.setattr(custom_layers, "dilated_gradients_work", lambda: True)
    for data_format, shape, dilations in (("NHWC", [1, 7, 8, 3], [1, 2, 2, 1]), ("NCHW", [1, 3, 7, 8], [1, 1, 2, 2])):
        with tf.Graph().as_default() as graph:
            custom_layers.atrous_conv2d(tf.zeros(shape), 4, [3, 3], rate=2, data_format=data_format, scope="conv6")
            assert graph.get_operation_by_name("conv6/Conv2D").get_attr("dilations") == dilations
            assert graph.get_operation_by_name("conv6/BiasAdd").get_attr("data_format") == data_format.encode()
