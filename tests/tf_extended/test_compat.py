"""Every name that tf-slim reads at use is there, and the calls that need them run."""
import importlib

import numpy as np
import pytest

from tf_extended import compat
from tf_extended.compat import slim, tf


@pytest.mark.parametrize(("module", "name", "replacement"), compat.REPAIRS,
                         ids=[name for _, name, _ in compat.REPAIRS])
def test_every_repaired_name_is_there_and_callable(module, name, replacement):
    assert hasattr(importlib.import_module(module), name)
    assert callable(replacement)


def test_repairing_again_finds_nothing_missing():
    assert compat.missing_repairs() == []
    assert compat.repair() == []


def test_only_what_is_missing_is_repaired(monkeypatch):
    module = importlib.import_module("tensorflow.python.ops.control_flow_ops")
    monkeypatch.setattr(module, "case", "TensorFlow's own")
    monkeypatch.delattr(module, "cond")
    assert compat.repair() == [("tensorflow.python.ops.control_flow_ops", "cond")]
    assert module.case == "TensorFlow's own"
    assert module.cond is tf.cond


def test_graph_mode():
    assert not tf.executing_eagerly()


def test_case_and_cond_decode_an_image():
    """tfexample_decoder.Image: control_flow_ops.case and cond."""
    with tf.Graph().as_default(), tf.Session() as sess:
        pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        encoded = tf.image.encode_png(pixels)
        example = {"image/encoded": encoded, "image/format": tf.constant("PNG")}
        image = slim.tfexample_decoder.Image().tensors_to_item(example)
        np.testing.assert_array_equal(sess.run(image), pixels)


def test_stack_in_the_bounding_box_decoder():
    """tfexample_decoder.BoundingBox works on sparse columns: array_ops.stack is read by its siblings."""
    with tf.Graph().as_default(), tf.Session() as sess:
        columns = {name: tf.sparse.from_dense(tf.constant([value])) for name, value in
                   zip(("ymin", "xmin", "ymax", "xmax"), (0.1, 0.2, 0.3, 0.4), strict=True)}
        boxes = slim.tfexample_decoder.BoundingBox(["ymin", "xmin", "ymax", "xmax"], "").tensors_to_item(columns)
        np.testing.assert_allclose(sess.run(boxes), [[0.1, 0.2, 0.3, 0.4]], rtol=1e-6)


def test_smart_cond_with_a_tensor():
    """layers/utils.smart_cond: ops.Tensor and control_flow_ops.cond; dropout asks for it with a tensor."""
    with tf.Graph().as_default(), tf.Session() as sess:
        ones = tf.ones([1000])
        kept = slim.dropout(ones, keep_prob=0.5, is_training=tf.constant(False))
        assert sess.run(kept).min() == 1.0
        dropped = slim.dropout(ones, keep_prob=0.25, is_training=tf.constant(True))
        assert 100 < np.count_nonzero(sess.run(dropped)) < 400  # keep_prob is what is kept


def test_gradient_clipping_and_multiplying_and_summaries():
    """learning.py: ops.IndexedSlices and ops.Tensor."""
    with tf.Graph().as_default(), tf.Session() as sess:
        variable = tf.get_variable("v", initializer=[3.0, 4.0])
        pairs = tf.train.GradientDescentOptimizer(1.0).compute_gradients(tf.reduce_sum(variable * [3.0, 4.0]))
        multiplied = slim.learning.multiply_gradients(pairs, {variable: 2.0})
        (clipped, _), = slim.learning.clip_gradient_norms(multiplied, 1.0)
        assert slim.learning.add_gradients_summaries(pairs)
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(clipped), [0.6, 0.8], rtol=1e-6)


def test_local_variable():
    """ops/variables.py: variable_scope.variable."""
    with tf.Graph().as_default(), tf.Session() as sess:
        variable = slim.local_variable(7)
        sess.run(tf.local_variables_initializer())
        assert sess.run(variable) == 7
        assert tf.local_variables() == [variable]


def test_while_loop_and_assert():
    with tf.Graph().as_default(), tf.Session() as sess:
        control_flow_ops = importlib.import_module("tensorflow.python.ops.control_flow_ops")
        assert sess.run(control_flow_ops.while_loop(lambda i: i < 5, lambda i: i + 1, [tf.constant(0)])) == 5
        with pytest.raises(tf.errors.InvalidArgumentError, match="told so"):
            sess.run(control_flow_ops.Assert(tf.constant(False), ["told so"]))


def test_slim_metrics_that_stack():
    """metrics/metric_ops.py: array_ops.stack."""
    with tf.Graph().as_default(), tf.Session() as sess:
        value, update = slim.metrics.streaming_auc(tf.constant([0.1, 0.9]), tf.constant([False, True]))
        sess.run(tf.local_variables_initializer())
        sess.run(update)
        assert sess.run(value) == pytest.approx(1.0, abs=1e-3)


def test_fused_batch_norm_without_keras_2():
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.constant(np.random.RandomState(0).randn(4, 3, 3, 2), tf.float32)
        outputs = slim.batch_norm(inputs, fused=True, is_training=True, updates_collections="somewhere else")
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(outputs).mean((0, 1, 2)), 0.0, atol=1e-5)
        assert [v.op.name for v in tf.global_variables()] == [
            "BatchNorm/beta", "BatchNorm/moving_mean", "BatchNorm/moving_variance"]
