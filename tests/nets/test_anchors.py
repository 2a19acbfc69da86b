"""Anchors against the golden values and against a centre and shapes worked out by hand."""
import numpy as np
import pytest

from nets import anchors, nets_factory, ssd_vgg_300
from tests.nets import golden
from tests.shared_data import needs_shared


@needs_shared
@pytest.mark.parametrize("size", [300, 512])
def test_every_layer_equals_golden(size):
    values = golden.load("anchors")
    net = nets_factory.get_network(f"ssd_{size}_vgg")()
    layers = net.anchors(np.array(net.params.img_shape))
    for i, layer in enumerate(layers):
        for name, array in zip("yxhw", layer, strict=True):
            expected = values[f"ssd{size}_{i}_{name}"]
            if size == 512 and i == 6 and name in "yx":
                expected = np.full((1, 1, 1), 0.5, np.float32)
            np.testing.assert_allclose(array, expected, atol=1e-6)
            assert array.shape == expected.shape
            assert array.dtype == np.float32
    assert len(anchors.flatten_anchors(layers)) == {300: 8732, 512: 24564}[size]


def test_one_layer_by_hand():
    y, x, h, w = anchors.ssd_anchor_one_layer((100, 200), (2, 3), (20.0, 45.0), [4.0, 0.25], step=50)
    np.testing.assert_allclose(y[:, :, 0], [[0.25] * 3, [0.75] * 3])
    np.testing.assert_allclose(x[:, :, 0], [[0.125, 0.375, 0.625]] * 2)
    np.testing.assert_allclose(h, [0.2, 0.3, 0.1, 0.4], rtol=1e-6)  # sqrt(20 · 45) = 30; 20 / 2; 20 · 2
    np.testing.assert_allclose(w, [0.1, 0.15, 0.2, 0.05], rtol=1e-6)


def test_flattened_order_is_that_of_the_heads_reshape():
    layer = anchors.ssd_anchor_one_layer((60, 60), (2, 3), (10.0, 20.0), [2.0], step=20)
    shape = anchors.layer_shapes([layer])[0]
    grid = anchors.flatten_layer(layer).reshape(*shape, 4)
    assert shape == (2, 3, 3)
    for row in range(2):
        for column in range(3):
            for a in range(3):
                expected = [layer[0][row, column, 0], layer[1][row, column, 0], layer[2][a], layer[3][a]]
                assert grid[row, column, a].tolist() == expected


def test_corners_by_hand():
    np.testing.assert_allclose(anchors.to_corners(np.array([[0.5, 0.4, 0.2, 0.6]])), [[0.4, 0.1, 0.6, 0.7]])


def test_size_bounds_of_the_paper():
    sizes = anchors.ssd_size_bounds_to_values([0.2, 0.9], 6)  # Caffe: 60, 111, 162, 213, 264, 315
    assert sizes == [(30.0, 60.0), (60.0, 111.0), (111.0, 162.0), (162.0, 213.0), (213.0, 264.0), (264.0, 315.0)]
    assert anchors.ssd_size_bounds_to_values([0.15, 0.9], 6)[1:] == ssd_vgg_300.SSDNet.default_params.anchor_sizes[1:]
    for n_layers in (3, 5, 7, 20):
        assert len(anchors.ssd_size_bounds_to_values([0.15, 0.9], n_layers)) == n_layers


@pytest.mark.parametrize("percent", range(1, 80))
def test_whole_percents_are_not_rounded_down(percent):
    """.29 * 100 is 28.999999999999996; each layer's next size is where the following layer begins."""
    sizes = anchors.ssd_size_bounds_to_values([percent / 100, 0.95], 5)
    assert sizes[1][0] == 3 * percent
    assert [end for _, end in sizes[:-1]] == pytest.approx([start for start, _ in sizes[1:]])


def test_of_a_fraction_of_a_percent_nothing_is_left():
    broken, whole = (anchors.ssd_size_bounds_to_values([low, 0.9], 6) for low in (0.159, 0.15))
    assert broken[1:] == whole[1:]


@pytest.mark.parametrize(("bounds", "shape", "n_layers"), [
    ((0.2, 0.9), (300, 200), 6), ((0.2, 0.9), (300, 300), 2), ((0.5, 0.52), (300, 300), 6), ((0.9, 0.2), (300, 300), 6),
])
def test_size_bounds_refuse_what_they_cannot_do(bounds, shape, n_layers):
    with pytest.raises(ValueError, match="anchor_sizes"):
        anchors.ssd_size_bounds_to_values(bounds, n_layers, shape)


def test_dtype_is_the_one_asked_for():
    net = ssd_vgg_300.SSDNet()
    assert {part.dtype for layer in net.anchors(dtype=np.float64) for part in layer} == {np.dtype(np.float64)}
