"""MobileNet-v1: names and shapes of slim's published checkpoints, layers that predict, range of the input."""
import numpy as np

from nets import nets_factory
from tests.nets.thin import SMALL, build, noise, thin
from tf_extended.compat import tf

NAME = "ssd_300_mobilenet_v1"
BATCH_NORM = ("beta", "gamma", "moving_mean", "moving_variance")


def test_names_and_shapes_of_the_published_body():
    """Against the table of the article, and slim's names: 28 convolutions, 4 numbers of batch norm each."""
    with tf.Graph().as_default():
        build(nets_factory.get_network(NAME)(), tf.zeros([1, 300, 300, 3]))
        shapes = {v.op.name: v.get_shape().as_list() for v in tf.global_variables(f"{NAME}/MobilenetV1/")}
    channels = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    expected = {"Conv2d_0/weights": [3, 3, 3, 32]}
    for i in range(1, 14):
        expected[f"Conv2d_{i}_depthwise/depthwise_weights"] = [3, 3, channels[i - 1], 1]
        expected[f"Conv2d_{i}_pointwise/weights"] = [1, 1, channels[i - 1], channels[i]]
    for name, shape in list(expected.items()):
        size = shape[2] if "depthwise" in name else shape[3]
        block = name.rpartition("/")[0]
        expected |= {f"{block}/BatchNorm/{part}": [size] for part in BATCH_NORM}
    assert shapes == {f"{NAME}/MobilenetV1/{name}": shape for name, shape in expected.items()}
    # The 4,231,976 parameters of the published classifier without its last layer of 1024 × 1000 and 1000.
    parameters = sum(np.prod(shape) for name, shape in shapes.items() if "moving" not in name)
    assert parameters == 4_231_976 - 1024 * 1000 - 1000


def test_layers_that_predict():
    net = thin(NAME)
    with tf.Graph().as_default():
        _, _, logits, end_points = build(net, tf.zeros([2, 300, 300, 3]))
    assert [layer.get_shape().as_list()[1:4] for layer in logits] == [
        [38, 38, 4], [19, 19, 6], [10, 10, 6], [5, 5, 6], [3, 3, 4], [1, 1, 4]]
    assert end_points["Conv2d_5_pointwise"].get_shape().as_list()[1:3] == [38, 38]


def test_the_body_sees_pixels_from_minus_one_to_one():
    net = thin(NAME)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        pixels = np.array([[0, 0, 0], [255, 255, 255], [123, 117, 104]], np.float32)
        inputs = np.broadcast_to((pixels - [123, 117, 104])[:, None, None, :], (3, 300, 300, 3)).astype(np.float32)
        build(net, tf.constant(inputs))
        first = next(op for op in graph.get_operations() if op.type == "Conv2D")
        seen = sess.run(first.inputs[0])[:, 0, 0]
    np.testing.assert_allclose(seen, pixels / 127.5 - 1, atol=1e-6)


def test_every_layer_of_the_body_ends_at_six_and_ssds_own_do_not():
    net = thin(NAME, size=SMALL)
    with tf.Graph().as_default(), tf.Session() as sess:
        _, _, _, end_points = build(net, tf.constant(noise(net)))
        sess.run(tf.global_variables_initializer())
        sess.run([shift.assign(tf.fill(shift.shape, 100.0)) for shift in tf.global_variables() if "beta" in shift.name])
        largest = sess.run({name: tf.reduce_max(layer) for name, layer in end_points.items() if layer.shape.ndims == 4})
    body = {name: value for name, value in largest.items() if name.startswith("Conv2d_")}
    assert len(body) == 27 and set(body.values()) == {6.0}
    assert min(value for name, value in largest.items() if name.startswith("block")) > 90


def test_it_always_has_batch_norm_and_says_so():
    assert nets_factory.get_network(NAME)(batch_norm=False).batch_norm


def test_depthwise_filters_do_not_decay():
    net = thin("ssd_300_mobilenet_v1")
    with tf.Graph().as_default():
        build(net, tf.zeros([1, 300, 300, 3]))
        penalties = [loss.op.name for loss in tf.losses.get_regularization_losses()]
    assert penalties and not [name for name in penalties if "depthwise" in name]
