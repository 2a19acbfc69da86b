"""Under TensorFlow's bfloat16 rewrite the convolutions are lowered, and the loss and the decoding are not."""
import numpy as np
import pytest

from nets import ssd_vgg_300
from tf_extended import sessions
from tf_extended.compat import slim, tf

pytestmark = pytest.mark.skipif(not sessions.bfloat16_runs(), reason="this processor cannot run the rewrite: no AVX512")
BFLOAT16 = tf.bfloat16.as_datatype_enum
PARAMS = ssd_vgg_300.SSDNet.default_params._replace(num_classes=3)
NET = ssd_vgg_300.SSDNet(PARAMS, depth_multiplier=0.05)


def lowered(build, rewrite=True):
    """The (op, name) pairs that a session runs in bfloat16 for `build(images)` with the rewrite; and the values."""
    config = tf.ConfigProto()
    options = config.graph_options.rewrite_options
    options.auto_mixed_precision_onednn_bfloat16 = 1 if rewrite else 2  # ON, OFF
    with tf.Graph().as_default(), tf.Session(config=config) as sess:
        tf.set_random_seed(1)
        # A placeholder: constants would be folded before anything is lowered.
        images = tf.placeholder(tf.float32, [1, 300, 300, 3])
        fetches = build(images)
        sess.run(tf.global_variables_initializer())
        trace = tf.RunMetadata()
        values = sess.run(fetches, {images: np.random.RandomState(0).uniform(-100, 100, (1, 300, 300, 3))},
                          tf.RunOptions(output_partition_graphs=True), trace)
    nodes = [node for graph in trace.partition_graphs for node in graph.node]
    return [(node.op, node.name) for node in nodes if "T" in node.attr and node.attr["T"].type == BFLOAT16], values


def train(images):
    """The gradient of the loss by a weight of the first layer."""
    with slim.arg_scope(NET.arg_scope()):
        _, localisations, logits, _ = NET.net(images, is_training=True, dropout_keep_prob=1.0)
    labels, bboxes = tf.constant([1, 2]), tf.constant([[0.1, 0.1, 0.5, 0.5], [0.3, 0.2, 0.9, 0.8]])
    targets = [[part[None] for part in parts] for parts in NET.bboxes_encode(labels, bboxes, NET.anchors())]
    losses = NET.losses(logits, localisations, *targets)
    return losses, tf.gradients(sum(losses), tf.trainable_variables()[:1])


def infer(images):
    with slim.arg_scope(NET.arg_scope()):
        predictions, localisations, _, _ = NET.net(images, is_training=False)
    return predictions, NET.bboxes_decode(localisations, NET.anchors())


@pytest.mark.parametrize("build", [train, infer])
def test_only_the_body_is_lowered(build):
    nodes, _ = lowered(build)
    if not nodes:
        pytest.skip("this processor, or this TensorFlow, has no bfloat16 rewrite")
    assert any("Conv2D" in op for op, _ in nodes)
    outside = [name for _, name in nodes if any(
        mark in name for mark in ("ssd_losses", "softmax", "ssd_bboxes", "ssd_detected"))]
    assert outside == []


def test_losses_stay_close_to_float32():
    _, (reference, _) = lowered(train, rewrite=False)
    _, (losses, _) = lowered(train)
    np.testing.assert_allclose(losses, reference, rtol=0.05)
