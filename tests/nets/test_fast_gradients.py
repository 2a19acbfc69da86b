"""Gradients as products against TensorFlow's own kernels and a naive loop; where they are taken and where not."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nets import fast_gradients
from tf_extended import sessions
from tf_extended.compat import tf

IMAGES = np.random.RandomState(0).randn(2, 3, 4, 5).astype(np.float32)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_bias_gradients_are_sums_over_places(data_format):
    upstream = np.random.RandomState(2).randn(*IMAGES.shape).astype(np.float32)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        in_order = (lambda x: x) if data_format == "NHWC" else (lambda x: tf.transpose(x, [0, 3, 1, 2]))
        inputs, biases = in_order(tf.constant(IMAGES)), tf.constant(np.arange(5.0), tf.float32)
        with fast_gradients.fast_gradients():
            outputs = tf.nn.bias_add(inputs, biases, data_format=data_format)
        gradients = tf.gradients(outputs, [inputs, biases], in_order(tf.constant(upstream)))
        assert any(op.type == "BatchMatMulV2" for op in graph.get_operations()) == (data_format == "NHWC")
        if data_format == "NCHW":  # no CPU kernel adds biases there; the graph is what can be checked
            return
        by_input, by_bias = sess.run(gradients)
    np.testing.assert_array_equal(by_input, upstream)
    np.testing.assert_allclose(by_bias, upstream.sum((0, 1, 2)), rtol=1e-5)


def filter_gradient_by_hand(images, upstream, side):
    """A loop over taps and places of a SAME convolution of stride 1; zeros outside."""
    _, height, width, _ = images.shape
    reach = side // 2
    gradient = np.zeros((side, side, images.shape[-1], upstream.shape[-1]))
    for row, column in np.ndindex(side, side):
        for y, x in np.ndindex(height, width):
            from_y, from_x = y + row - reach, x + column - reach
            if 0 <= from_y < height and 0 <= from_x < width:
                gradient[row, column] += images[:, from_y, from_x].T @ upstream[:, y, x]
    return gradient


@settings(max_examples=20)
@given(batch=st.integers(1, 3), height=st.integers(1, 6), width=st.integers(1, 6), channels=st.sampled_from([1, 3, 16]),
       outputs=st.integers(1, 4), side=st.sampled_from([1, 3, 5]))
def test_filter_gradients_are_sums_over_places(batch, height, width, channels, outputs, side):
    random = np.random.RandomState(batch * height + width)
    images = random.randn(batch, height, width, channels).astype(np.float32)
    upstream = random.randn(batch, height, width, outputs).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        got = sess.run(fast_gradients.filter_gradient(tf.constant(images), tf.constant(upstream),
                                                      [side, side, channels, outputs]))
    np.testing.assert_allclose(got, filter_gradient_by_hand(images, upstream, side), rtol=1e-4, atol=1e-4)


def gradients_of_conv2d(images, filters, faster, monkeypatch, **options):
    """(by the input, by the filter, number of products) of a convolution whose outputs' weights are fixed."""
    monkeypatch.setattr(fast_gradients, "products_are_faster", lambda: faster)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        inputs, weights = tf.constant(images), tf.constant(filters)
        with fast_gradients.fast_gradients():
            outputs = tf.nn.conv2d(inputs, weights, **{"strides": 1, "padding": "SAME"} | options)
        upstream = np.random.RandomState(2).randn(*outputs.shape.as_list()).astype(np.float32)
        gradients = tf.gradients(outputs, [inputs, weights], tf.constant(upstream))
        return *sess.run(gradients), sum(op.type == "MatMul" for op in graph.get_operations())


@pytest.mark.parametrize(("size", "side", "options", "products"), [
    ((2, 40, 38, 16), 3, {}, 9),
    ((1, 5, 7, 32), 1, {}, 1),
    ((2, 19, 19, 16), 3, {}, 0),  # the margins are more than a fifth of the places
    ((2, 40, 38, 8), 3, {}, 0),  # slices of it would be copies
    ((2, 40, 38, 16), 3, {"strides": 2}, 0),
    ((2, 40, 38, 16), 3, {"padding": "VALID"}, 0),
    ((2, 40, 38, 16), 3, {"dilations": 2}, 0),
    ((2, 40, 38, 16), 2, {}, 0),
])
def test_convolutions_have_tensorflows_gradients(size, side, options, products, monkeypatch):
    random = np.random.RandomState(3)
    images, filters = random.randn(*size).astype(np.float32), random.randn(side, side, size[-1], 6).astype(np.float32)
    *got, taken = gradients_of_conv2d(images, filters, True, monkeypatch, **options)
    *expected, without = gradients_of_conv2d(images, filters, False, monkeypatch, **options)
    assert (taken, without) == (products, 0)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_shapes_that_are_not_known_keep_tensorflows_gradient(monkeypatch):
    monkeypatch.setattr(fast_gradients, "products_are_faster", lambda: True)
    with tf.Graph().as_default() as graph:
        inputs, weights = tf.placeholder(tf.float32, [None, 40, 40, 16]), tf.ones([3, 3, 16, 4])
        with fast_gradients.fast_gradients():
            outputs = tf.nn.conv2d(inputs, weights, strides=1, padding="SAME")
        tf.gradients(outputs, weights)
        assert "Conv2DBackpropFilter" in {op.type for op in graph.get_operations()}


@pytest.mark.parametrize(("instructions", "gpus", "faster"), [
    ({"avx", "avx2", "fma"}, [], True),
    ({"avx", "avx2", "fma", "avx512f"}, [], False),
    ({"avx", "avx2", "fma"}, ["GPU:0"], False),
    (set(), [], False),
])
def test_products_are_for_processors_without_avx512(instructions, gpus, faster, monkeypatch):
    monkeypatch.setattr(sessions, "cpu_flags", lambda: frozenset(instructions))
    monkeypatch.setattr(sessions, "gpus", lambda: gpus)
    fast_gradients.products_are_faster.cache_clear()
    assert fast_gradients.products_are_faster() is faster
    fast_gradients.products_are_faster.cache_clear()
