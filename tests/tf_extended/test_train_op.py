"""What a step does besides following the gradient: clipping, updates of averages; on the one-variable model."""
import pytest

from tests.tf_extended.test_training import stored, train
from tf_extended import checkpoints
from tf_extended.compat import tf


def test_clipping_bounds_the_norm_of_all_gradients(tmp_path):
    _, value = train(tmp_path, 1, clip_norm=0.5)  # the gradient is 4
    assert value == pytest.approx(3 - 0.1 * 0.5)
    _, value = train(tmp_path / "bound not reached", 1, clip_norm=8.0)
    assert value == pytest.approx(3 - 0.1 * 4)


def test_updates_of_batch_norms_averages_run_in_every_step(tmp_path):
    def updates():
        counter = tf.get_variable("net/steps_seen", initializer=0.0, trainable=False)
        return [counter.assign_add(1.0).op]

    train(tmp_path, 3, updates=updates)
    assert stored(tmp_path)["net/steps_seen"] == 3


def test_moving_average_follows_the_update(tmp_path):
    train(tmp_path, 1, decay=0.9)
    average = tf.train.load_checkpoint(checkpoints.latest_checkpoint(tmp_path)).get_tensor(
        "net/v/ExponentialMovingAverage")
    # From 3 towards the updated 2.6. TensorFlow's decay is at most (1 + n) / (10 + n) of the global step n, which is 0
    # or, when the update has counted already, 1.
    assert any(average == pytest.approx(3 * decay + 2.6 * (1 - decay)) for decay in (1 / 10, 2 / 11))
