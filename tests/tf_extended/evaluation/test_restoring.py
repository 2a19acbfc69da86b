"""What an evaluation takes from a checkpoint, and what it says of the rest."""
from tf_extended.compat import tf
from tf_extended.evaluation import restoring


def save(path, *names):
    with tf.Graph().as_default(), tf.Session() as session:
        for name in names:
            tf.get_variable(name, initializer=1.0)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(path))


def test_averages_are_noted_where_there_are_some_alone(tmp_path, capsys):
    for folder, names in (("plain", ["w"]), ("averaged", ["w", "w/ExponentialMovingAverage"])):
        (tmp_path / folder).mkdir()
        prefix = save(tmp_path / folder / "model.ckpt-5", *names)
        with tf.Graph().as_default():
            restoring.find_variables(prefix, [tf.get_variable("w", shape=[])], None)
        assert ("hold moving averages" in capsys.readouterr().out) == (folder == "averaged")


def test_a_checkpoint_without_a_step_has_that_of_its_name(tmp_path):
    assert restoring.stored_step(save(tmp_path / "model.ckpt-5", "w")) == 5
    assert restoring.stored_step(save(tmp_path / "weights", "w")) == -1
