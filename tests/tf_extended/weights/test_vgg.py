"""slim's VGG-16 → SSD's body: names, the published subsampling, forward values with slim's own network."""
import numpy as np
import pytest

from nets import vgg as vgg_body
from tests.tf_extended.weights.shapes import random, vgg_convs
from tf_extended.compat import slim, tf
from tf_extended.console import InputError
from tf_extended.weights import SLIM_VGG, load_weights, vgg


def slim_vgg(thin: int = 1, scope: str = "vgg_16") -> dict[str, np.ndarray]:
    """Variables of slim's vgg_16 checkpoint; channels and the places of the classifier thinned."""
    wide = 4096 // thin
    stored = {f"{scope}/conv{b}/conv{b}_{i}": (3, 3, below, out) for b, i, below, out in vgg_convs(thin)}
    stored |= {f"{scope}/fc6": (7, 7, 512 // thin, wide), f"{scope}/fc7": (1, 1, wide, wide),
               f"{scope}/fc8": (1, 1, wide, 1000)}
    weights = {f"{name}/weights": random(*shape) for name, shape in stored.items()}
    return weights | {f"{name}/biases": random(shape[-1]) for name, shape in stored.items()} | {
        f"{scope}/mean_rgb": np.float32([123.68, 116.78, 103.94])}


def test_names_and_the_published_subsampling_by_loops():
    stored = slim_vgg(thin=32)
    assert vgg.slim_scope(stored) == "vgg_16"
    converted = vgg.from_slim(stored, "vgg_16")
    assert len(converted) == 2 * 15 and not any("fc" in name or "mean" in name for name in converted)
    np.testing.assert_array_equal(converted["conv3/conv3_2/weights"], stored["vgg_16/conv3/conv3_2/weights"])
    conv6, fc6 = converted["conv6/weights"], stored["vgg_16/fc6/weights"]
    assert conv6.shape == (3, 3, 16, 32) and converted["conv7/weights"].shape == (1, 1, 32, 32)
    for row in range(3):
        for column in range(3):
            for channel in range(32):
                np.testing.assert_array_equal(conv6[row, column, :, channel], fc6[3 * row, 3 * column, :, 4 * channel])
    for channel in range(32):
        assert converted["conv6/biases"][channel] == stored["vgg_16/fc6/biases"][4 * channel]
        np.testing.assert_array_equal(
            converted["conv7/weights"][0, 0, :, channel], stored["vgg_16/fc7/weights"][0, 0, ::4, 4 * channel])


def test_what_a_checkpoint_lacks_is_left_out():
    """Without the biases of fc7 there is neither conv6 nor conv7."""
    stored = slim_vgg(thin=64)
    del stored["vgg_16/conv1/conv1_1/biases"], stored["vgg_16/fc7/biases"]
    converted = vgg.from_slim(stored, "vgg_16")
    assert len(converted) == 2 * 13 - 1
    assert "conv1/conv1_1/weights" in converted and "conv1/conv1_1/biases" not in converted


def test_atrous_conv6_is_fc6_with_the_other_places_left_out():
    """Dilation 2 is fc6 on SSD's pool5 of stride 1; every third of its places at dilation 6 is the same place."""
    fc6 = random(7, 7, 6, 8)
    conv6 = vgg.reduce_fc(fc6, random(8), random(1, 1, 8, 8), random(8))["conv6/weights"]
    features = random(1, 19, 19, 6)
    sparse = np.zeros_like(fc6)
    sparse[::3, ::3] = fc6[::3, ::3]
    with tf.Graph().as_default(), tf.Session() as sess:
        ours, theirs = sess.run([tf.nn.conv2d(features, conv6, 1, "SAME", dilations=6),
                                 tf.nn.conv2d(features, sparse, 1, "SAME", dilations=2)])
    np.testing.assert_allclose(ours, theirs[..., ::4], atol=1e-5)


@pytest.mark.parametrize("stored", [
    {}, {"ssd_300_vgg/conv6/weights": random(3, 3, 2, 2)}, {"alexnet/fc6/weights": random(5, 5, 2, 2)}])
def test_other_checkpoints_are_not_vgg(stored):
    assert vgg.slim_scope(stored) is None


@pytest.mark.slow
def test_slims_own_network_at_true_shape_gives_the_same_features(tmp_path):
    from tf_slim.nets import vgg as slim_nets

    image = np.random.default_rng(0).uniform(-120, 130, (1, 224, 224, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        with slim.arg_scope(slim_nets.vgg_arg_scope()):
            _, end_points = slim_nets.vgg_16(tf.constant(image), is_training=False)
        sess.run(tf.global_variables_initializer())
        expected = sess.run(end_points["vgg_16/conv5/conv5_3"])
        tf.train.Saver().save(sess, str(tmp_path / "vgg_16.ckpt"), write_meta_graph=False)
    kind, values = load_weights(tmp_path / "vgg_16.ckpt", "net")
    assert kind is SLIM_VGG
    np.testing.assert_allclose(body_features(image, values), expected, atol=np.abs(expected).max() * 1e-4)
    assert values["net/conv6/weights"].shape == (3, 3, 512, 1024)
    assert values["net/conv7/weights"].shape == (1, 1, 1024, 1024)


def body_features(image: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
    """`block5` of the toolkit's VGG body, with `values` in its variables under `net/`."""
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope("net"), slim.arg_scope([slim.conv2d], padding="SAME"), slim.arg_scope(
                [slim.max_pool2d], padding="SAME"):
            _, end_points = vgg_body.vgg16(tf.constant(image), lambda channels: channels, False, 1.0)
        sess.run(tf.global_variables_initializer())
        names = {variable.op.name for variable in tf.global_variables()}
        slim.assign_from_values_fn({name: value for name, value in values.items() if name in names})(sess)
        return sess.run(end_points["block5"])


@pytest.mark.parametrize("layer", ["conv3_4", "block5_conv4", "conv1_3"])
def test_deeper_nets_are_refused(layer):
    vgg.refuse_deeper(["conv3_3", "block5_conv3", "conv4_3_norm", "conv6_1", "conv9_2", "vgg_19"], "file")
    with pytest.raises(InputError, match=f"file has a layer {layer}: it is of VGG-19"):
        vgg.refuse_deeper(["conv3_3", layer], "file")
