"""Checkpoints that hold moving averages of the weights, and starts and resumptions that do without."""
import pytest

import tf_extended as tfe
from tf_extended import checkpoints
from tf_extended.compat import slim, tf


@pytest.mark.parametrize("averaged", [True, False])
def test_averages_that_a_start_does_not_use_are_told(averaged, tmp_path, capsys):
    with tf.Graph().as_default(), tf.Session() as sess:
        weights = tf.get_variable("net/weights", initializer=1.0)
        if averaged:
            tf.train.ExponentialMovingAverage(0.9).apply([weights])
        sess.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(sess, str(tmp_path / "model.ckpt"))
    assert list(checkpoints.read_checkpoint(prefix)) == ["net/weights"]
    assert ("holds moving averages of the weights as well" in capsys.readouterr().out) == averaged


def test_a_training_with_averages_cannot_be_resumed_without_them(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        weights = slim.model_variable("a/conv/weights", shape=[2, 2])
        tf.train.ExponentialMovingAverage(0.9).apply([weights])
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"), 100)
    with tf.Graph().as_default():
        slim.model_variable("a/conv/weights", shape=[2, 2])
        with pytest.raises(tfe.InputError, match="Give the --moving_average_decay that it was trained with"):
            checkpoints.check_resume(prefix, tf.global_variables())
