"""What is compiled, and where."""
import numpy as np

from tf_extended.compat import tf
from tf_extended.xla import jit_compiled


def test_it_is_compiled_in_every_graph_that_asks():
    @jit_compiled
    def twice_less(x, less: bool):
        return x * 2.0 - (1.0 if less else 0.0)

    for _ in range(2):
        with tf.Graph().as_default() as graph, tf.Session() as sess:
            results = sess.run([twice_less(tf.constant([1.0, 2.0]), True), twice_less(tf.constant([[3.0]]), False)])
            calls = [op for op in graph.get_operations() if op.type in ("PartitionedCall", "StatefulPartitionedCall")]
        np.testing.assert_array_equal(results[0], [1, 3])
        np.testing.assert_array_equal(results[1], [[6]])
        assert len(calls) == 2 and all(op.get_attr("_XlaMustCompile") for op in calls)
