"""Caffe models: both generations of the format, true shapes, forward values against Caffe's layout computed naively."""
import math

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from nets.anchors import flatten_layer, ssd_anchor_one_layer
from tests.shared_data import needs_shared
from tests.tf_extended.weights.caffe_files import caffemodel
from tests.tf_extended.weights.shapes import caffe_ssd, random, variables_of, vgg_convs
from tf_extended.compat import tf
from tf_extended.weights.caffe import from_caffe, read_layers


def naive_conv(picture, kernel, biases, pad=0):
    """Caffe's convolution: picture [in, H, W], kernel [out, in, h, w] → [out, H, W]."""
    picture = np.pad(picture.astype(np.float64), [(0, 0), (pad, pad), (pad, pad)])
    _, _, h, w = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(picture, (h, w), axis=(1, 2))
    return np.einsum("cyxhw,ochw->oyx", windows, kernel.astype(np.float64)) + biases.reshape(-1)[:, None, None]


def tf_conv(picture, weights, biases, padding="SAME"):
    """TensorFlow's, of the same picture as [H, W, in] → [H, W, out]."""
    with tf.Graph().as_default(), tf.Session() as sess:
        return sess.run(tf.nn.conv2d(picture[None].astype(np.float32), weights, 1, padding) + biases)[0]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("generation", ["layer", "layers"])
@pytest.mark.parametrize("more", [{}, {"legacy_shape": True}, {"double": True}])
def test_every_generation_of_the_format(packed, generation, more):
    layers = {"conv1_1": [random(4, 3, 3, 3), random(4)], "other/layer": [random(1, 7)], "norm": [random(5)]}
    read = read_layers(caffemodel(layers, generation, packed, **more))
    assert list(read) == list(layers)
    for name, arrays in layers.items():
        assert len(read[name]) == len(arrays)
        for array, expected in zip(read[name], arrays, strict=True):
            assert array.dtype == np.float32
            assert array.shape == ((1,) * (4 - expected.ndim) + expected.shape if "legacy_shape" in more
                                   else expected.shape)
            np.testing.assert_array_equal(array.reshape(-1), expected.reshape(-1))


@pytest.mark.slow
@needs_shared
def test_ssd300_at_true_shape_fills_every_variable():
    layers = {name: [random(*shape) for shape in shapes] for name, shapes in caffe_ssd("300").items()}
    converted = from_caffe(read_layers(caffemodel(layers)))
    assert {f"ssd_300_vgg/{name}": list(v.shape) for name, v in converted.items()} == variables_of("300")
    # Two values by hand: out 7, in 2, row 0, column 1; and channel 2 of BGR is red, our channel 0.
    assert converted["block8/conv3x3/weights"][0, 1, 2, 7] == layers["conv6_2"][0][7, 2, 0, 1]
    assert converted["conv1/conv1_1/weights"][0, 1, 0, 5] == layers["conv1_1"][0][5, 2, 0, 1]
    np.testing.assert_array_equal(converted["block4_box/L2Normalization/gamma"], layers["conv4_3_norm"][0])


@needs_shared
def test_ssd512_fills_every_variable():
    layers = {name: [np.broadcast_to(np.float32(1), s) for s in shapes] for name, shapes in caffe_ssd("512").items()}
    converted = from_caffe(layers)
    assert {f"ssd_512_vgg/{name}": list(v.shape) for name, v in converted.items()} == variables_of("512")


@pytest.mark.slow
def test_reduced_fc_vgg_of_the_first_generation_at_true_shape():
    layers = {f"conv{b}_{i}": [random(out, below, 3, 3), random(out)] for b, i, below, out in vgg_convs()}
    layers |= {"fc6": [random(1024, 512, 3, 3), random(1024)], "fc7": [random(1024, 1024, 1, 1), random(1024)]}
    converted = from_caffe(read_layers(caffemodel(layers, "layers", packed=False, legacy_shape=True)))
    assert len(converted) == 2 * 15
    np.testing.assert_array_equal(converted["conv6/weights"], layers["fc6"][0].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(converted["conv7/biases"], layers["fc7"][1])


def test_the_first_layer_gives_caffes_values_of_the_bgr_picture():
    layers = {"conv1_1": [random(8, 3, 3, 3), random(8)]}
    converted = from_caffe(read_layers(caffemodel(layers)))
    rgb = np.random.default_rng(0).uniform(-120, 130, (9, 11, 3))
    theirs = naive_conv(rgb[..., ::-1].transpose(2, 0, 1), *layers["conv1_1"], pad=1)
    ours = tf_conv(rgb, converted["conv1/conv1_1/weights"], converted["conv1/conv1_1/biases"])
    np.testing.assert_allclose(ours.transpose(2, 0, 1), theirs, atol=1e-3)


@pytest.mark.parametrize("legacy_shape", [True, False])
def test_whole_vgg_is_reduced_as_published(legacy_shape):
    """Where only every third of 7 x 7 places is not 0, conv6 must give every fourth value of fc6."""
    fc6, fc7 = [random(16, 8 * 49), random(16)], [random(12, 16, seed=1), random(12, seed=1)]
    converted = from_caffe(read_layers(caffemodel({"fc6": fc6, "fc7": fc7}, legacy_shape=legacy_shape)))
    assert converted["conv6/weights"].shape == (3, 3, 8, 4) and converted["conv7/weights"].shape == (1, 1, 4, 3)
    picture = np.zeros((8, 7, 7), np.float32)
    picture[:, ::3, ::3] = random(8, 3, 3)
    theirs = fc6[0] @ picture.reshape(-1) + fc6[1]
    small = picture[:, ::3, ::3].transpose(1, 2, 0)
    ours = tf_conv(small, converted["conv6/weights"], converted["conv6/biases"], "VALID")[0, 0]
    np.testing.assert_allclose(ours, theirs[::4], atol=1e-5)
    hidden = np.zeros(16, np.float32)
    hidden[::4] = ours
    ours = tf_conv(ours[None, None], converted["conv7/weights"], converted["conv7/biases"])[0, 0]
    np.testing.assert_allclose(ours, (fc7[0] @ hidden + fc7[1])[::4], atol=1e-5)


def test_heads_come_out_in_caffes_order():
    """Caffe: [A * 4, H, W] → permuted to [H, W, A * 4] → flattened to boxes; the toolkit: [H, W, A, 4]."""
    loc = [random(6 * 4, 8, 3, 3), random(6 * 4)]
    converted = from_caffe({"fc7_mbox_loc": loc})
    features = random(8, 5, 4)
    theirs = naive_conv(features, *loc, pad=1).transpose(1, 2, 0).reshape(-1, 4)
    ours = tf_conv(features.transpose(1, 2, 0), converted["block7_box/conv_loc/weights"],
                   converted["block7_box/conv_loc/biases"]).reshape(5, 4, 6, 4)
    np.testing.assert_allclose(ours.reshape(-1, 4), theirs, atol=1e-5)


def test_anchors_come_in_caffes_order():
    """Caffe's PriorBox for a layer of 38 x 38 with sizes 30 to 60 and ratios 2, 3, flipped, as a naive loop."""
    priors, step, low, high = [], 8.0, 30.0, 60.0
    for row in range(38):
        for column in range(38):
            cx, cy = (column + 0.5) * step, (row + 0.5) * step
            sides = [(low, low), (math.sqrt(low * high),) * 2]
            for ratio in (2.0, 1 / 2.0, 3.0, 1 / 3.0):
                sides.append((low * math.sqrt(ratio), low / math.sqrt(ratio)))
            priors += [(cy / 300, cx / 300, height / 300, width / 300) for width, height in sides]
    ours = flatten_layer(ssd_anchor_one_layer((300, 300), (38, 38), (low, high), [2, 0.5, 3, 1 / 3], step))
    np.testing.assert_allclose(ours, priors, atol=1e-6)


def test_other_networks_give_nothing():
    assert from_caffe({"conv1": [random(96, 3, 11, 11), random(96)], "ip1": [random(10, 20)]}) == {}


@pytest.mark.parametrize("name, shape, says", [
    ("fc6", (64, 9216), r"\[64, 9216\], where VGG-16's looks at 7 x 7"), ("fc6", (0, 49), r"\[0, 49\]"),
    ("conv1_1", (8,), r"\[8\]"), ("fc7", (2, 3, 4), r"\[2, 3, 4\]"), ("conv1_1", (2, 3, 4, 1, 1), r"\[2, 3, 4, 1, 1")])
def test_a_layer_that_is_not_vggs_by_its_shape_is_named(name, shape, says):
    with pytest.raises(ValueError, match=f"its layer {name} is of shape {says}"):
        from_caffe({name: [random(*shape)]})


def test_a_layer_without_biases():
    assert list(from_caffe({"conv1_2": [random(4, 4, 3, 3)]})) == ["conv1/conv1_2/weights"]


def test_every_cut_is_noticed_or_at_a_layers_end():
    layers = {"conv1_1": [random(4, 3, 3, 3), random(4)], "conv1_2": [random(2, 4, 3, 3), random(2)]}
    for packed in (True, False):
        data = caffemodel(layers, packed=packed)
        whole = 0
        for cut in range(len(data)):
            try:
                read = read_layers(data[:cut])
            except DecodeError:
                continue
            whole += 1
            assert all(len(read[name]) == 2 for name in read)
        # After the name, after the input, after the first layer, and nothing at all.
        assert whole <= 4


def test_a_shape_unlike_its_values_is_told():
    data = caffemodel({"a": [random(2, 3)]}).replace(b"\x0a\x02\x02\x03", b"\x0a\x02\x02\x04")
    with pytest.raises(DecodeError, match=r"shape \[2, 4\] has 6 values"):
        read_layers(data)


def test_the_norm_of_a_file_with_four_sides_of_every_blob():
    layers = {"relu4_3": [], "conv4_3_norm": [random(5)]}
    read = read_layers(caffemodel(layers, legacy_shape=True))
    assert list(read) == ["conv4_3_norm"]  # layers without arrays are left out
    np.testing.assert_array_equal(from_caffe(read)["block4_box/L2Normalization/gamma"], layers["conv4_3_norm"][0])
