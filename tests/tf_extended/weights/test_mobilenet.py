"""slim's MobileNet-v1 → SSD's body: recognised, all of it restored, and the same forward values."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import nets_factory
from tests.tf_extended.weights.mobilenet_files import BLOCKS, features, slim_mobilenet
from tests.tf_extended.weights.shapes import random
from tests.tf_extended.weights.test_loading import save
from tests.tf_extended.weights.test_vgg import slim_vgg
from tf_extended import checkpoints
from tf_extended.compat import slim, tf
from tf_extended.weights import CHECKPOINT, load_weights, mobilenet

NAME = "ssd_300_mobilenet_v1"
MEANS = np.float32([123, 117, 104])
PER_BLOCK = 5  # weights and four numbers of batch norm


def build(inputs, width, num_classes=3, name=NAME):
    """The end points of the net, for `inputs` from 0 to 255 as preprocessing hands them on."""
    network = nets_factory.get_network(name)
    net = network(network.default_params._replace(num_classes=num_classes), depth_multiplier=width)
    with slim.arg_scope(net.arg_scope()):
        return net.net(tf.constant(inputs - MEANS), is_training=False)[3]


def plan(path, name=NAME):
    """As the training does it with `--checkpoint_path` alone."""
    kind, stored = load_weights(path, name)
    return checkpoints.plan_restore(slim.get_model_variables(), f"{path} ({kind.title})", stored, net_scope=name,
                                    ignore_missing_vars=kind.converted)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scope", "extras"), [
    (1.0, "MobilenetV1", True), (0.5, "MobilenetV1", False), (0.25, "FeatureExtractor/MobilenetV1", True)])
def test_a_published_checkpoint_at_true_shapes_gives_the_published_features(tmp_path, width, scope, extras):
    values = slim_mobilenet(width, scope, extras)
    path = save(tmp_path / "mobilenet_v1.ckpt", values)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 300, 300, 3)).astype(np.float32)
    expected = features(values, pixels, scope)
    with tf.Graph().as_default(), tf.Session() as sess:
        end_points = build(pixels, width)
        found = plan(path)
        sess.run(tf.global_variables_initializer())
        found.init_fn()(sess)
        ours = sess.run({name: end_points[name] for name in expected})
    assert f"of --depth_multiplier={width:g})" in found.source
    for name, wanted in expected.items():
        assert 0.2 < np.mean((wanted > 0) & (wanted < 6)) < 0.9  # neither dead nor saturated
        # Rounding grows from 1e-7 to 3e-4 over the 27 layers; another epsilon or padding gives .01 and more.
        assert np.abs(ours[name] - wanted).mean() < 1e-3, name
    assert len(found.values) == PER_BLOCK * (2 * len(BLOCKS) - 1)
    assert found.skipped == []
    assert found.unused == [f"{NAME}/MobilenetV1/Logits/Conv2d_1c_1x1/{part}" for part in ("biases", "weights")]
    assert {name.split("/")[1] for name in found.missing} == {
        "block9", "block10", "block11", "block9_box", "block10_box", "block11_box",
        "Conv2d_5_pointwise_box", "Conv2d_11_pointwise_box", "Conv2d_13_pointwise_box"}
    assert f"unused   {NAME}/MobilenetV1/Logits, 2 variables: not in this net" in found.table()


@pytest.mark.slow
@pytest.mark.parametrize(("stored", "built"), [(0.5, 1.0), (1.0, 0.75), (0.25, 0.2)])
def test_another_width_is_refused_and_the_right_one_named(tmp_path, stored, built):
    path = save(tmp_path / "mobilenet.ckpt", slim_mobilenet(stored, extras=False))
    with tf.Graph().as_default():
        build(np.zeros((1, 300, 300, 3), np.float32), built)
        with pytest.raises(tfe.InputError, match=rf"of --depth_multiplier={stored:g}\) is not of a net like this: .*"
                                                 r"of the 135 variables .* differ in shape.*give the --depth_multip"):
            plan(path)


@pytest.mark.parametrize(("values", "net"), [
    (slim_mobilenet(0.25, extras=False), "ssd_300_vgg"), (slim_vgg(thin=64), NAME)])
def test_weights_of_the_other_backbone_are_refused(tmp_path, values, net):
    path = save(tmp_path / "body.ckpt", values)
    with tf.Graph().as_default():
        build(np.zeros((1, 300, 300, 3), np.float32), 0.25, name=net)
        with pytest.raises(tfe.InputError, match=f"nothing of .* fits this net: it has no variable {net}/.*model_name"):
            plan(path, net)


@pytest.mark.slow
def test_an_own_ssd_on_mobilenet_comes_as_it_is_also_with_other_classes(tmp_path):
    pixels = np.full((1, 300, 300, 3), 200, np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        end_point = build(pixels, 0.25, num_classes=5)["block11"]
        tf.train.get_or_create_global_step()
        sess.run(tf.global_variables_initializer())
        expected = sess.run(end_point)
        tf.train.Saver().save(sess, str(tmp_path / "model.ckpt-7"))
    assert load_weights(tmp_path, "another_net")[0] is CHECKPOINT
    with tf.Graph().as_default(), tf.Session() as sess:
        end_point = build(pixels, 0.25)["block11"]
        found = plan(tmp_path)
        sess.run(tf.global_variables_initializer())
        found.init_fn()(sess)
        np.testing.assert_array_equal(sess.run(end_point), expected)
    assert found.missing == found.unused == []
    assert {name.split("/")[2] for name, _ in found.skipped} == {"conv_cls"}


@pytest.mark.parametrize("stored", [
    {}, slim_vgg(thin=64), {"MobilenetV2/Conv_1/weights": random(1, 1, 8, 8)},
    {f"my_{NAME}/MobilenetV1/Conv2d_13_pointwise/weights": random(1, 1, 8, 8),
     f"my_{NAME}/block9_box/conv_cls/weights": random(3, 3, 8, 8)}])
def test_other_checkpoints_are_not_mobilenet(stored):
    assert mobilenet.slim_scope(stored) is None
