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
    assert not golden.run(custom_layers.l2_normalization, np.zeros((1, 2, 2, 3), np.float32)).any()


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
