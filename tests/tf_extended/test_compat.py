"""Every name that tf-slim reads at use is there, and the calls that need them run."""
import gc
import importlib
import platform
import signal
import subprocess
import sys
import weakref

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


def test_the_banner_is_replayed_when_the_import_fails(capfd):
    import os

    with pytest.raises(ImportError), compat.quiet_banner():
        os.write(2, b"the reason\n")
        raise ImportError
    assert "the reason" in capfd.readouterr().err
    with compat.quiet_banner():
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == ""


def in_a_new_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip().splitlines()[-1]


@pytest.mark.slow
def test_streams_that_a_shell_closed_do_not_matter():
    code = ("import os, sys; from tf_extended import compat; print('x', file=sys.stderr)\n"
            "sys.exit(sum(stream.fileno() == number and os.get_inheritable(number)\n"
            "             for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr))))")
    ended = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code], check=False)
    assert ended.returncode == 3  # each has the number that belongs to it, and so have programs that are started


@pytest.mark.slow
def test_scripts_start_without_keras_and_matplotlib():
    code = "import sys, train_ssd_network; print([m for m in ('keras', 'matplotlib', 'rich') if m in sys.modules])"
    assert in_a_new_process(code) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("asked", [None, "0"])
def test_keras_3_is_there_for_who_asks_and_the_environment_as_it_was(asked):
    code = (f"import os; asked = {asked!r}; asked and os.environ.update(TF_USE_LEGACY_KERAS=asked)\n"
            "from tf_extended.compat import tf\n"
            "import tensorflow; print(tensorflow.keras.__version__[0], os.environ.get('TF_USE_LEGACY_KERAS'))")
    assert in_a_new_process(code) == f"3 {asked}"


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN's own kernels are for x86")
@pytest.mark.parametrize(("asked", "on"), [(None, True), ("0", False), ("1", True)])
def test_onednn_is_on_unless_the_user_turns_it_off(asked, on):
    code = (f"import os; os.environ.pop('TF_ENABLE_ONEDNN_OPTS', None); asked = {asked!r}\n"
            "asked and os.environ.update(TF_ENABLE_ONEDNN_OPTS=asked)\n"
            "from tf_extended.compat import tf\n"
            "from tensorflow.python.framework.test_util import IsMklEnabled; print(IsMklEnabled())")
    assert in_a_new_process(code) == str(on)


def test_ctrl_c_during_the_import_leaves_no_traceback():
    code = ("import signal, os, sys\n"
            "class Interrupting:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'tensorflow': os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.meta_path.insert(0, Interrupting())\n"
            "from tf_extended import compat")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


@pytest.mark.slow
def test_ctrl_c_is_pythons_again_after_the_import():
    code = "import signal\nfrom tf_extended import compat\nprint(signal.getsignal(signal.SIGINT).__name__)"
    assert in_a_new_process(code) == "default_int_handler"


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_pauses_and_is_as_it_was_even_after_an_error(was_on):
    (gc.enable if was_on else gc.disable)()
    try:
        kept = gc.get_freeze_count()
        with pytest.raises(KeyError), compat.without_garbage_collection():
            assert not gc.isenabled()
            made = [[] for _ in range(50)]
            raise KeyError
        assert gc.isenabled() is was_on
        assert gc.get_freeze_count() >= kept + len(made)
    finally:
        gc.unfreeze()
        gc.enable()


def test_one_pass_is_compiled_in_every_graph_that_asks():
    @compat.one_pass
    def twice_less(x, less: bool):
        return x * 2.0 - (1.0 if less else 0.0)

    for _ in range(2):
        with tf.Graph().as_default() as graph, tf.Session() as sess:
            results = sess.run([twice_less(tf.constant([1.0, 2.0]), True), twice_less(tf.constant([[3.0]]), False)])
            calls = [op for op in graph.get_operations() if op.type in ("PartitionedCall", "StatefulPartitionedCall")]
        np.testing.assert_array_equal(results[0], [1, 3])
        np.testing.assert_array_equal(results[1], [[6]])
        assert len(calls) == 2 and all(op.get_attr("_XlaMustCompile") for op in calls)


def test_threads_share_the_callable_of_one_operation_and_no_other():
    before = tf.Session.make_callable
    with tf.Graph().as_default(), tf.Session() as sess, tf.Session() as other:
        number = tf.placeholder_with_default(3.0, [])
        one, two = tf.identity(number).op, tf.identity(number).op
        with compat.shared_callables():
            assert sess.make_callable(one) is sess.make_callable(one)
            assert sess.make_callable(two) is not sess.make_callable(one) is not other.make_callable(one)
            doubled = sess.make_callable(number * 2.0, [number])
            assert doubled is not sess.make_callable(number * 2.0, [number]) and doubled(2.0) == 4.0
            assert sess.make_callable(one)() is None
            with compat.shared_callables():  # what is prepared for a session here is not kept by whoever is around
                assert (inner := weakref.ref(sess.make_callable(one)))() is sess.make_callable(one)
            assert inner() is None
            assert sess.make_callable(one) is sess.make_callable(one)
        assert tf.Session.make_callable is before
        assert sess.make_callable(one) is not sess.make_callable(one)


def test_a_queue_is_filled_by_threads_that_share_their_callable():
    with tf.Graph().as_default(), tf.Session() as sess, compat.shared_callables():
        queue = tf.FIFOQueue(40, tf.int32, [[]])
        counter = tf.Variable(0, use_resource=True)
        enqueue = queue.enqueue(tf.cast(counter.assign_add(1), tf.int32))
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue] * 4))
        sess.run(tf.global_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coordinator)
        numbers = sess.run(queue.dequeue_many(100))
        coordinator.request_stop()
        coordinator.join(threads)
        assert len(numbers) == 100 and min(numbers) >= 1 and max(numbers) >= 100
