"""Checkpoints are found by any of their names; what is restored, skipped and missing is told."""
import shutil

import numpy as np
import pytest

import tf_extended as tfe
from tf_extended import checkpoints
from tf_extended.compat import slim, tf


@pytest.fixture
def folder(tmp_path):
    """A folder with the checkpoints of steps 5, 20 and 100 of a net `a`, made with Adam."""
    train_dir = tmp_path / "train"
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.train.get_or_create_global_step()
        weights = tf.get_variable("a/conv/weights", initializer=np.float32([[1, 2], [3, 4]]))
        tf.get_variable("a/head/weights", initializer=np.float32([5, 6, 7]))
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(weights ** 2))
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver(save_relative_paths=True)
        for number in (5, 20, 100):
            sess.run(step.assign(number))
            saver.save(sess, str(train_dir / "model.ckpt"), global_step=number)
    return train_dir


@pytest.mark.parametrize("name", ["", "checkpoint", "model.ckpt-100", "model.ckpt-100.index", "model.ckpt-100.meta",
                                  "model.ckpt-100.data-00000-of-00001"])
def test_found_by_any_of_its_names(folder, name):
    assert checkpoints.find_checkpoint(folder / name) == str(folder / "model.ckpt-100")


def test_found_in_a_folder_that_was_moved_or_lost_its_state_file(folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert checkpoints.latest_checkpoint(moved) == str(moved / "model.ckpt-100")
    (moved / "checkpoint").unlink()
    assert checkpoints.latest_checkpoint(moved) == str(moved / "model.ckpt-100")  # not -5, the last by name
    (moved / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-20"\n')
    assert checkpoints.latest_checkpoint(moved) == str(moved / "model.ckpt-100")


def test_nothing_there(tmp_path, folder):
    assert checkpoints.latest_checkpoint(tmp_path) is None
    with pytest.raises(tfe.InputError, match="no checkpoint in the folder"):
        checkpoints.find_checkpoint(tmp_path)
    with pytest.raises(tfe.InputError, match="that folder has .*model.ckpt-20.index"):
        checkpoints.find_checkpoint(folder / "model.ckpt-7")


def test_a_file_of_another_kind_is_itself(tmp_path):
    (tmp_path / "vgg.caffemodel").write_bytes(b"x")
    assert checkpoints.find_checkpoint(tmp_path / "vgg.caffemodel", any_file=True) == str(tmp_path / "vgg.caffemodel")


@pytest.mark.parametrize("name", ["model.json", "metrics.jsonl", "vgg.caffemodel"])
def test_a_file_of_another_kind_is_told_as_that_where_only_a_checkpoint_will_do(folder, name):
    (folder / name).write_bytes(b"{}")
    with pytest.raises(tfe.InputError, match=rf"{name} is no TensorFlow checkpoint.*give the folder of a training"):
        checkpoints.find_checkpoint(folder / name)


def test_a_run_that_resumes_has_a_seed_of_its_own(folder, tmp_path):
    assert [checkpoints.resumed_seed(seed, tmp_path / "new") for seed in (None, 0, 7)] == [None, 0, 7]
    assert [checkpoints.resumed_seed(seed, folder) for seed in (None, 0, 7)] == [None, 100, 107]
    (tmp_path / "model.ckpt.index").touch()
    assert checkpoints.resumed_seed(7, tmp_path) == 7


@pytest.mark.parametrize(("prefix", "step"), [("a/model.ckpt-100", 100), ("model.ckpt", -1), ("vgg-16/x", -1)])
def test_step_of_a_name(prefix, step):
    assert checkpoints.checkpoint_step(prefix) == step


def test_slots_and_global_step_are_not_restored(folder):
    stored = checkpoints.read_checkpoint(checkpoints.find_checkpoint(folder))
    assert sorted(name for name in stored if name.startswith("a/")) == ["a/conv/weights", "a/head/weights"]
    assert "global_step" not in stored


@pytest.mark.parametrize(("file", "content"), [("index", b"not an index"), ("data-00000-of-00001", b"cut"),
                                              ("data-00000-of-00001", b"")])
def test_a_damaged_checkpoint_is_named(folder, file, content):
    (folder / f"model.ckpt-100.{file}").write_bytes(content)
    with pytest.raises(tfe.InputError, match="model.ckpt-100 cannot be read"):
        checkpoints.read_checkpoint(str(folder / "model.ckpt-100"))


def plan(folder, **keywords):
    source = checkpoints.find_checkpoint(folder)
    return checkpoints.plan_restore(tf.global_variables(), source, checkpoints.read_checkpoint(source), **keywords)


def test_what_does_not_fit_is_skipped_and_listed_and_the_rest_has_its_values(folder):
    with tf.Graph().as_default(), tf.Session() as sess:
        fits = tf.get_variable("b/conv/weights", shape=[2, 2])
        other = tf.get_variable("b/head/weights", shape=[9])
        new = tf.get_variable("b/new/weights", initializer=1.0)
        found = plan(folder, net_scope="b", model_scope="a", ignore_missing_vars=True)
        assert found.skipped == [("b/head/weights", "is [9] here, [3] there")]
        assert found.missing == ["b/new/weights"]
        table = found.table()
        assert "restoring 1 variable from" in table
        assert "skipped  b/head/weights" in table
        assert "missing  b/new/weights" in table
        init = found.init_fn()
        sess.run(tf.global_variables_initializer())
        init(sess)
        assert sess.run(fits).tolist() == [[1, 2], [3, 4]]
        assert sess.run(new) == 1.0
        assert other.shape == [9]


def test_moving_averages_begin_with_what_is_restored(folder):
    with tf.Graph().as_default(), tf.Session() as sess:
        fits, new = tf.get_variable("b/conv/weights", shape=[2, 2]), tf.get_variable("b/new/weights", initializer=1.0)
        found = plan(folder, net_scope="b", model_scope="a", ignore_missing_vars=True)
        average = tf.train.ExponentialMovingAverage(0.9)
        average.apply([fits, new])
        init = found.init_fn()
        sess.run(tf.global_variables_initializer())
        init(sess)
        assert sess.run(average.average(fits)).tolist() == [[1, 2], [3, 4]]
        assert sess.run(average.average(new)) == 1.0


def test_excluded_scopes_are_left_alone(folder):
    with tf.Graph().as_default():
        tf.get_variable("a/conv/weights", shape=[2, 2])
        tf.get_variable("a/head/weights", shape=[3])
        tf.get_variable("a/head_of_another_name/weights", shape=[3])
        found = plan(folder, net_scope="a", exclude_scopes=["a/head"], ignore_missing_vars=True)
        assert list(found.values) == ["a/conv/weights"]
        assert found.missing == ["a/head_of_another_name/weights"]


def test_missing_variables_are_an_error_unless_accepted(folder):
    with tf.Graph().as_default():
        tf.get_variable("a/conv/weights", shape=[2, 2])
        tf.get_variable("a/new/weights", shape=[2, 2])
        with pytest.raises(tfe.InputError, match="lacks 1 variables.*a/new/weights.*--ignore_missing_vars"):
            plan(folder, net_scope="a")


def test_a_checkpoint_of_another_net_is_an_error_that_names_its_scope(folder):
    with tf.Graph().as_default():
        tf.get_variable("b/conv/weights", shape=[2, 2])
        with pytest.raises(tfe.InputError, match="nothing of .*under a.*--checkpoint_model_scope"):
            plan(folder, net_scope="b", ignore_missing_vars=True)


def test_a_checkpoint_without_an_outer_scope(folder):
    with tf.Graph().as_default():
        tf.get_variable("net/a/conv/weights", shape=[2, 2])
        tf.get_variable("net/a/head/weights", shape=[3])
        with pytest.raises(tfe.InputError, match="its variables are under no scope; set --checkpoint_model_scope=/$"):
            plan(folder, net_scope="net")
        assert sorted(plan(folder, net_scope="net", model_scope="/").values) == ["net/a/conv/weights",
                                                                                "net/a/head/weights"]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, b"text"])
def test_values_that_are_not_finite_are_an_error_that_names_them_unless_excluded(value):
    stored = {"a/conv/weights": np.array([1.0, value]), "a/head/weights": np.ones(3)}
    with tf.Graph().as_default():
        tf.get_variable("a/conv/weights", shape=[2])
        tf.get_variable("a/head/weights", shape=[3])
        with pytest.raises(tfe.InputError, match=r"file is ruined: its values for a/conv/weights are not finite"):
            checkpoints.plan_restore(tf.global_variables(), "file", stored, net_scope="a")
        rest = checkpoints.plan_restore(tf.global_variables(), "file", stored, net_scope="a", exclude_scopes=["a/conv"])
        assert list(rest.values) == ["a/head/weights"]


def test_trainable_scopes():
    with tf.Graph().as_default():
        names = ["net/conv1/weights", "net/conv1/biases", "net/conv10/weights", "net/head/weights"]
        variables = {name: tf.get_variable(name, shape=[1]) for name in names}
        assert checkpoints.variables_to_train(None) == list(variables.values())
        chosen = checkpoints.variables_to_train("net/head, net/conv1")
        assert [v.op.name for v in chosen] == ["net/head/weights", "net/conv1/weights", "net/conv1/biases"]
        with pytest.raises(tfe.InputError, match="net/conv2.*the scopes are net/conv1, net/conv10, net/head"):
            checkpoints.variables_to_train("net/conv2")


@pytest.mark.parametrize(("excluded", "message"), [
    (["head"], r"--checkpoint_exclude_scopes: no variable under 'head'; the scopes are a/conv, a/head"),
    (["a"], r"--checkpoint_exclude_scopes leaves nothing to restore"),
])
def test_scopes_that_exclude_nothing_or_everything_are_an_error(folder, excluded, message):
    with tf.Graph().as_default():
        tf.get_variable("a/conv/weights", shape=[2, 2])
        tf.get_variable("a/head/weights", shape=[3])
        with pytest.raises(tfe.InputError, match=message):
            plan(folder, net_scope="a", exclude_scopes=excluded)


def test_a_model_scope_that_is_not_there_is_named(folder):
    with tf.Graph().as_default():
        tf.get_variable("a/conv/weights", shape=[2, 2])
        with pytest.raises(tfe.InputError, match=r"--checkpoint_model_scope: no variable under 'foo'.* a/conv, a/head"):
            plan(folder, net_scope="a", model_scope="foo")


def test_scopes_in_a_flag():
    assert checkpoints.split_scopes(" a/b, c,,") == ["a/b", "c"]
    assert checkpoints.split_scopes(None) == []
    with pytest.raises(tfe.InputError, match="' ,' names no scope"):
        checkpoints.split_scopes(" ,")


@pytest.mark.parametrize(("optimizer", "shape", "decay", "flag"), [
    (tf.train.AdamOptimizer, [2, 2], None, None),
    (lambda: tf.train.MomentumOptimizer(0.1, 0.9), [2, 2], None, "--optimizer or --trainable_scopes"),
    (tf.train.AdamOptimizer, [2, 2], 0.9, "Give the flags, which were without --moving_average_decay, that"),
    (tf.train.AdamOptimizer, [2, 5], None, "--model_name, --depth_multiplier"),
    (lambda: tf.train.GradientDescentOptimizer(0.1), [2, 2], None, "--optimizer or --trainable_scopes"),
])
def test_what_cannot_be_resumed_is_found_before_and_names_the_flags(folder, optimizer, shape, decay, flag):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        weights = slim.model_variable("a/conv/weights", shape=shape)
        optimizer().minimize(tf.reduce_sum(weights ** 2))
        if decay:
            tf.train.ExponentialMovingAverage(decay, step).apply([weights])
        prefix = checkpoints.find_checkpoint(folder)
        tf.get_variable("a/head/weights", shape=[3])
        if flag is None:
            checkpoints.check_resume(prefix, tf.global_variables())
            return
        with pytest.raises(tfe.InputError, match=rf"model.ckpt-100 cannot be resumed .*{flag}.*--checkpoint_path="):
            checkpoints.check_resume(prefix, tf.global_variables())
