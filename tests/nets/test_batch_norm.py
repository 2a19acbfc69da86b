"""Batch normalisation in the bodies that are published without: its variables, its averages, clones."""
import numpy as np

from tests.nets.thin import SMALL, build, noise, thin
from tf_extended.compat import tf


def test_batch_norm_has_slims_names_and_its_averages_move():
    net = thin("ssd_300_vgg", size=SMALL, batch_norm=True)
    with tf.Graph().as_default(), tf.Session() as sess:
        build(net, tf.constant(noise(net, 2)), is_training=True)
        names = {v.op.name for v in tf.global_variables()}
        block = "ssd_300_vgg/conv3/conv3_2"
        assert {name for name in names if name.startswith(block)} == {f"{block}/weights"} | {
            f"{block}/BatchNorm/{part}" for part in ("beta", "gamma", "moving_mean", "moving_variance")}
        assert not any("_box" in name and "BatchNorm" in name for name in names)
        trainable = {v.op.name for v in tf.trainable_variables()}
        assert trainable == {name for name in names if "moving" not in name}
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        assert len(updates) == 2 * 23
        sess.run(tf.global_variables_initializer())
        sess.run(updates)
        mean, variance = sess.run([f"{block}/BatchNorm/moving_mean:0", f"{block}/BatchNorm/moving_variance:0"])
        assert mean.any()
        assert (variance != 1).all()
        assert all(np.isfinite(values).all() for values in sess.run(tf.global_variables()))


def test_batch_norm_does_not_update_in_evaluation_and_uses_its_averages():
    net = thin("ssd_300_vgg", size=SMALL, batch_norm=True)
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.placeholder(tf.float32, [None, SMALL, SMALL, 3])
        _, _, logits, _ = build(net, inputs, is_training=False)
        assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == []
        sess.run(tf.global_variables_initializer())
        images = noise(net, 2)
        together, alone = (sess.run(logits, {inputs: part}) for part in (images, images[:1]))
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(both[:1], one, atol=1e-4 * np.abs(both).max())


def test_clones_share_variables_and_update_their_own_averages():
    net = thin("ssd_300_vgg", batch_norm=True)
    with tf.Graph().as_default():
        images = tf.constant(noise(net))
        for clone in range(2):
            with tf.name_scope(f"clone_{clone}"), tf.variable_scope(tf.get_variable_scope(), reuse=clone > 0):
                build(net, images)
        assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS, "clone_1")) == 2 * 23
        assert not any("clone" in v.op.name for v in tf.global_variables())


def test_averages_of_batch_norm_keep_98_percent_of_what_they_were():
    net = thin("ssd_300_vgg", size=SMALL, batch_norm=True)
    with tf.Graph().as_default(), tf.Session() as sess:
        build(net, tf.constant(noise(net)), is_training=True)
        mean, = tf.global_variables("ssd_300_vgg/conv1/conv1_1/BatchNorm/moving_mean")
        updates = [op for op in tf.get_collection(tf.GraphKeys.UPDATE_OPS) if "conv1_1/" in op.name]
        sess.run(tf.global_variables_initializer())
        sess.run(updates)
        first = sess.run(mean)
        sess.run(updates)
        np.testing.assert_allclose(sess.run(mean), 1.98 * first, rtol=1e-4)
