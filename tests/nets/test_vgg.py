"""VGG's body: what drops units in training."""
import numpy as np
import pytest

from tests.nets.test_ssd import build, noise, thin
from tf_extended.compat import tf


@pytest.mark.parametrize("layer", ["dropout6", "dropout7"])
def test_both_dropouts_drop(layer):
    net = thin("ssd_300_vgg")
    with tf.Graph().as_default() as graph:
        build(net, tf.zeros([1, 300, 300, 3]), is_training=True, dropout_keep_prob=0.5)
        assert [op for op in graph.get_operations() if layer in op.name and op.type == "RandomUniform"]


def test_dropout_keep_probability_means_that():
    """With keep_prob 1 training equals evaluation; with .5 it differs."""
    net = thin("ssd_300_vgg")
    with tf.Graph().as_default(), tf.Session() as sess:
        images = tf.constant(noise(net))
        with tf.variable_scope("", reuse=tf.AUTO_REUSE):
            evaluated, kept, dropped = (
                build(net, images, is_training=training, dropout_keep_prob=keep, reuse=tf.AUTO_REUSE)[2][2]
                for training, keep in ((False, 0.5), (True, 1.0), (True, 0.5)))
        sess.run(tf.global_variables_initializer())
        evaluated, kept, dropped = sess.run([evaluated, kept, dropped])
    np.testing.assert_allclose(kept, evaluated, rtol=1e-5)
    assert not np.allclose(dropped, evaluated)
