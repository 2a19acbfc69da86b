"""Two clones are one model with twice the batch: same variables, same loss, same gradients."""
import numpy as np
import pytest

from tf_extended import deployment, sessions
from tf_extended.compat import slim, tf

DATA = np.random.RandomState(0).randn(8, 3).astype(np.float32)


def model(batches):
    """A linear layer with weight decay; takes the next batch, as a clone dequeues."""
    outputs = slim.fully_connected(next(batches), 2, activation_fn=None, scope="layer",
                                   weights_initializer=tf.ones_initializer(),
                                   weights_regularizer=slim.l2_regularizer(0.5))
    tf.losses.add_loss(tf.reduce_mean(tf.square(outputs)))
    return outputs


def loss_and_gradients(num_clones, loss_scale=1.0):
    with tf.Graph().as_default(), tf.Session() as sess:
        batches = iter(tf.split(tf.constant(DATA), num_clones))
        clones = deployment.create_clones(num_clones, True, model, [batches])
        loss, gradients = deployment.clone_gradients(
            clones, tf.train.GradientDescentOptimizer(1.0), tf.trainable_variables(), loss_scale)
        sess.run(tf.global_variables_initializer())
        names = [variable.op.name for _, variable in gradients]
        return names, sess.run(loss), sess.run([gradient for gradient, _ in gradients])


def test_two_clones_equal_one_of_twice_the_batch():
    one, two = loss_and_gradients(1), loss_and_gradients(2)
    assert one[0] == two[0] == ["layer/weights", "layer/biases"]
    assert one[1] == pytest.approx(two[1], rel=1e-5)
    for a, b in zip(one[2], two[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_regularisation_counts_once_whatever_the_number_of_clones():
    expected = np.mean((DATA @ np.ones((3, 2), np.float32)) ** 2) + 0.5 * 6 / 2
    for num_clones in (1, 2, 4):
        assert loss_and_gradients(num_clones)[1] == pytest.approx(expected, rel=1e-5)


def test_a_scaled_loss_gives_the_same_loss_and_gradients():
    plain, scaled = loss_and_gradients(2), loss_and_gradients(2, sessions.LOSS_SCALES["float16"])
    assert plain[1] == scaled[1]
    for a, b in zip(plain[2], scaled[2], strict=True):
        np.testing.assert_array_equal(a, b)  # a power of two changes no digit


def test_a_scaled_loss_keeps_small_gradients_in_float16():
    """A gradient of 1e-8 through a float16 product: 0 without the scale, there with it."""
    def gradient(loss_scale):
        with tf.Graph().as_default(), tf.Session() as sess:
            weight = tf.get_variable("w", initializer=1.0)
            tf.losses.add_loss(tf.cast(tf.cast(weight, tf.float16) * 1.0, tf.float32) * 1e-8)
            clones = [deployment.Clone(None, "", deployment.CPU)]
            _, [(found, _)] = deployment.clone_gradients(
                clones, tf.train.GradientDescentOptimizer(1.0), [weight], loss_scale)
            sess.run(tf.global_variables_initializer())
            return sess.run(found)
    assert gradient(1.0) == 0.0
    assert gradient(sessions.LOSS_SCALES["float16"]) == pytest.approx(1e-8, rel=0.1)


def test_devices_and_scopes():
    assert deployment.clone_scope(0, 1) == ""
    assert deployment.clone_scope(1, 2) == "clone_1/"
    assert deployment.clone_device(1, clone_on_cpu=False) == "/device:GPU:1"
    assert deployment.clone_device(1, clone_on_cpu=True) == "/device:CPU:0"
    with tf.Graph().as_default():
        clones = deployment.create_clones(2, False, model, [iter(tf.split(tf.constant(DATA), 2))])
        assert [clone.outputs.device for clone in clones] == ["/device:GPU:0", "/device:GPU:1"]
        assert {v.device for v in tf.global_variables()} == {"/device:CPU:0"}


@pytest.mark.parametrize(("num_clones", "loss_scale"), [(2, 1.0), (1, 128.0), (2, 128.0)])
def test_a_variable_without_a_gradient(num_clones, loss_scale):
    with tf.Graph().as_default():
        clones = deployment.create_clones(num_clones, True, model, [iter(tf.split(tf.constant(DATA), num_clones))])
        unused = tf.get_variable("unused", initializer=0.0)
        _, gradients = deployment.clone_gradients(
            clones, tf.train.GradientDescentOptimizer(1.0), [unused], loss_scale)
        assert gradients == [(None, unused)]


def test_scalars_are_summed_without_the_op_that_chooses_an_order_and_have_their_gradients():
    values = np.float32([1.0, 2.5, -4.0, 3.0])
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        scalars = [tf.placeholder_with_default(value, []) for value in values]
        total = deployment.sum_in_order(scalars, name="sum")
        assert total.op.name == "sum" and "AddN" not in {op.type for op in graph.get_operations()}
        got, slopes = sess.run([total, tf.gradients(total, scalars)])
    assert got == 2.5
    assert slopes == [1.0] * 4
