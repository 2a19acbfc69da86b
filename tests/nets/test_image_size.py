"""Other image sizes: shapes, and anchors that cover the picture as the published ones do."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import anchors, image_size, model_file, nets_factory
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


def test_a_net_for_another_size_keeps_its_anchors_in_pixels():
    net = SSDNet(SSDNet.default_params._replace(num_classes=4), 0.25, batch_norm=True, initializer="he")
    larger = image_size.net_for_image_size(net, 384)
    assert larger.params == net.params._replace(img_shape=(384, 384), feat_shapes=larger.params.feat_shapes,
                                                anchor_steps=larger.params.anchor_steps,
                                                anchor_offset=larger.params.anchor_offset)
    assert larger.params.feat_shapes[0] == (48, 48)
    assert image_size.net_for_image_size(net, 300) is net
    assert (larger.depth_multiplier, larger.batch_norm, larger.initializer) == (0.25, True, "he")


@pytest.mark.parametrize(("size", "block10", "block11"), [
    # Two convolutions without padding stand on block9, whose cells are 64 pixels apart: so are theirs, and the middle
    # ones of the published net, at 150 pixels, see the same pixels wherever the grid ends.
    (400, [86, 150, 214, 278, 342], [150, 214, 278]),
    (384, [86, 150, 214, 278], [150, 214]),
    (300, [50, 150, 250], [150]),
])
def test_centres_follow_what_the_cells_see(size, block10, block11):
    centres = [layer[0][:, 0, 0] * size for layer in image_size.net_for_image_size(SSDNet(), size).anchors()]
    np.testing.assert_allclose(centres[4], block10, rtol=1e-6)
    np.testing.assert_allclose(centres[5], block11, rtol=1e-6)
    for layer, step in zip(centres, (8, 16, 32, 64), strict=False):  # padded: the published steps are their strides
        np.testing.assert_allclose(layer, (np.arange(len(layer)) + 0.5) * step, rtol=1e-6)


def test_a_step_that_is_no_stride_leaves_the_middle_where_it_was():
    """A net trained at 257 pixels has 33 cells 257 / 33 pixels apart; at 321 there are 41, each 8 from the next."""
    trained = SSDNet(image_size.params_for_image_size(SSDNet, 257))
    rows = image_size.net_for_image_size(trained, 321).anchors()[0][0][:, 0, 0] * 321
    np.testing.assert_allclose(rows, 257 / 2 + (np.arange(41) - 16) * 8, rtol=1e-6)


def test_by_way_of_another_size_it_is_the_same():
    direct = image_size.net_for_image_size(SSDNet(), 384)
    assert image_size.net_for_image_size(image_size.net_for_image_size(SSDNet(), 400), 384).params == direct.params


def test_other_params_are_kept():
    params = SSDNet.default_params._replace(num_classes=4)
    assert image_size.params_for_image_size(SSDNet, 384, params).num_classes == 4


@pytest.mark.slow
@pytest.mark.parametrize("size", [256, 100, 0])
def test_a_size_that_leaves_nothing_is_refused_and_the_smallest_named(size):
    # The last two layers need 5 places of the one before: from 9, from 17, from 33, which 257 pixels halved thrice are.
    with pytest.raises(tfe.InputError, match=f"image size {size} is too small for ssd_300_vgg.*give 257 or more"):
        image_size.params_for_image_size(SSDNet, size)


LABELS = [f"class{i}" for i in range(20)]


@pytest.mark.parametrize("name", nets_factory.NETWORKS)
def test_an_evaluation_takes_the_anchors_that_the_net_was_trained_with(tmp_path, name):
    network = nets_factory.get_network(name)
    trained = network(image_size.params_for_image_size(network, 384), depth_multiplier=0.05)
    model_file.write_model_file(tmp_path, trained, LABELS)
    evaluated, _ = model_file.network_from_model_file(tmp_path / "model.ckpt-100")
    assert evaluated.params.img_shape == (384, 384)
    for layer, expected in zip(evaluated.anchors(), trained.anchors(), strict=True):
        for part, wanted in zip(layer, expected, strict=True):
            np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize(("there", "here"), [(384, 300), (300, 384), (384, 320)])
def test_a_training_is_not_resumed_with_another_image_size(tmp_path, there, here):
    nets = {size: SSDNet(image_size.params_for_image_size(SSDNet, size)) for size in (there, here)}
    model_file.write_model_file(tmp_path, nets[there], LABELS)
    model_file.check_folder(tmp_path, nets[there], LABELS)
    with pytest.raises(tfe.InputError, match=rf"params.img_shape is \[{there}, {there}\], not \[{here}, {here}\].*"
                                             r"params.anchor_sizes is .*Give the --train_image_size that it was tr"):
        model_file.check_folder(tmp_path, nets[here], LABELS)


def test_parameters_that_are_wrong_at_any_size_are_named():
    params = SSDNet.default_params._replace(feat_layers=["block99"] * 6)
    with pytest.raises(tfe.InputError, match="block99"):
        image_size.params_for_image_size(SSDNet, 384, params)
