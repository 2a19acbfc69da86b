"""Other image sizes: shapes, and anchors that cover the picture as the published ones do."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import anchors, image_size, nets_factory
from nets.ssd_vgg_300 import SSDNet


def test_the_published_size_changes_nothing():
    assert image_size.params_for_image_size(SSDNet, 300) is SSDNet.default_params


@pytest.mark.parametrize("name", nets_factory.NETWORKS)
@pytest.mark.parametrize("size", [384, 321])
def test_anchors_stay_relative_and_centred(name, size):
    network = nets_factory.get_network(name)
    params = image_size.params_for_image_size(network, size)
    net, published = network(params), network()
    for layer, reference, shape in zip(net.anchors(), published.anchors(), params.feat_shapes, strict=True):
        assert layer[0].shape == (*shape, 1)
        np.testing.assert_allclose([layer[2], layer[3]], [reference[2], reference[3]], rtol=1e-5)
        np.testing.assert_allclose([layer[0].mean(), layer[1].mean()], 0.5, atol=1e-6)
    corners = anchors.to_corners(anchors.flatten_layer(net.anchors()[0]))
    assert corners[:, :2].min() < 0.05
    assert corners[:, 2:].max() > 0.95


def test_shapes_are_those_of_the_net_by_hand():
    # 384 / 8 = 48, halved by each stride of 2; the last two VALID 3 × 3 convolutions take 2 off.
    shapes = image_size.params_for_image_size(SSDNet, 384).feat_shapes
    assert shapes == [(48, 48), (24, 24), (12, 12), (6, 6), (4, 4), (2, 2)]


def test_other_params_are_kept():
    params = SSDNet.default_params._replace(num_classes=4)
    assert image_size.params_for_image_size(SSDNet, 384, params).num_classes == 4


@pytest.mark.parametrize("size", [100, 0])
def test_a_size_that_leaves_nothing_is_refused(size):
    with pytest.raises(tfe.InputError, match=f"image size {size} is too small for ssd_300_vgg"):
        image_size.params_for_image_size(SSDNet, size)
