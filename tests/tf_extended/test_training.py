"""The loop around slim.learning.train, on a one-variable model: reports, saves, stops, resumes, refuses NaN."""
import json
import os
import shutil
import signal

import numpy as np
import pytest

import tf_extended as tfe
from tf_extended import checkpoints, sessions, train_folder, training
from tf_extended.compat import slim, tf


def train(train_dir, max_steps, *, hooks=(), poison_at=None, clip_norm=0.0, decay=None, init_fn=None,
          save_interval_secs=600, log_every_n_steps=2, momentum=0.0, summaries=None, updates=list, max_to_keep=5):
    """Minimise (v - 1)² from 3 at learning rate 0.1, so v - 1 = 2 · 0.8^steps; returns (loop, v)."""
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        with tf.variable_scope("net"):
            variable = slim.model_variable("v", shape=[], initializer=tf.constant_initializer(3.0))
        loss = tf.square(variable - 1.0)
        if poison_at is not None:
            loss = tf.where(tf.equal(step, poison_at), tf.constant(np.nan), loss)
        optimizer = tf.train.MomentumOptimizer(0.1, momentum)
        op = training.guarded_train_op(loss, optimizer.compute_gradients(loss), optimizer, step, clip_norm,
                                       update_ops=updates(), moving_average_decay=decay)
        saver = tf.train.Saver(max_to_keep=max_to_keep, save_relative_paths=True)
        metrics = {"loss": loss, "loss_data": loss, "learning_rate": tf.constant(0.1)}
        folder = train_folder.make_train_dir(str(train_dir))
        loop = training.TrainLoop(folder, metrics, batch_size=4, max_steps=max_steps,
                                  log_every_n_steps=log_every_n_steps, saver=saver,
                                  save_interval_secs=save_interval_secs, hooks=hooks,
                                  summary_op=summaries("loss", loss) if summaries else None,
                                  save_summaries_secs=1e-9 if summaries else 0)
        training.run(op, loop, init_fn=init_fn, session_config=sessions.session_config())
    return loop, stored(train_dir)["net/v"]


def stored(train_dir):
    return checkpoints.read_checkpoint(checkpoints.latest_checkpoint(train_dir))


def rows(train_dir):
    return [json.loads(line) for line in (train_dir / "metrics.jsonl").read_text().splitlines()]


def test_trains_to_the_step_reports_and_saves(tmp_path, capsys):
    loop, value = train(tmp_path, 5)
    assert loop.step == 5
    assert value == pytest.approx(1 + 2 * 0.8 ** 5)
    assert checkpoints.latest_checkpoint(tmp_path).endswith("model.ckpt-5")
    found = rows(tmp_path)
    assert [row["step"] for row in found] == [2, 4, 5]
    # Means since the last report: losses 4 · 0.64^k of steps 0 and 1, 2 and 3, 4.
    losses = [4 * 0.64 ** k for k in range(5)]
    assert [row["loss"] for row in found] == pytest.approx(
        [np.mean(losses[:2]), np.mean(losses[2:4]), losses[4]], rel=1e-4)
    printed = capsys.readouterr().out
    assert "step 5/5" in printed
    assert "images/s" in printed
    assert "learning rate 0.1" in printed


def test_resumes_where_it_stopped(tmp_path):
    train(tmp_path, 3)
    loop, value = train(tmp_path, 7)
    assert loop.step == 7
    assert value == pytest.approx(1 + 2 * 0.8 ** 7)
    assert [row["step"] for row in rows(tmp_path)] == [2, 3, 4, 6, 7]


def test_a_run_that_is_done_already_stays_done_and_says_so(tmp_path, capsys):
    train(tmp_path, 3)
    assert "done already" not in capsys.readouterr().out
    loop, value = train(tmp_path, 3)
    assert loop.step == 3
    assert value == pytest.approx(1 + 2 * 0.8 ** 3)
    assert "step 3 of 3: done already" in capsys.readouterr().out


def test_resumes_with_the_momentum(tmp_path):
    train(tmp_path, 3, momentum=0.9)
    _, value = train(tmp_path, 7, momentum=0.9)
    expected, speed = 3.0, 0.0
    for _ in range(7):
        speed = 0.9 * speed + 2 * (expected - 1)
        expected -= 0.1 * speed
    assert value == pytest.approx(expected, rel=1e-5)


def test_resumes_though_the_state_file_is_empty(tmp_path, capsys):
    train(tmp_path, 3)
    (tmp_path / "checkpoint").write_text("")
    _, value = train(tmp_path, 7)
    assert value == pytest.approx(1 + 2 * 0.8 ** 7)
    assert "resuming from" in capsys.readouterr().err


def test_a_line_cut_short_by_a_kill_does_not_spoil_the_next(tmp_path):
    train(tmp_path, 3)
    with (tmp_path / "metrics.jsonl").open("a") as log:
        log.write('{"step": 4, "lo')
    train(tmp_path, 7)
    assert [row["step"] for row in rows(tmp_path)] == [2, 3, 4, 6, 7]


def test_hooks_are_called_with_the_step_that_a_run_resumes_from(tmp_path):
    called = []
    train(tmp_path, 2, hooks=(lambda _session, step: called.append(step),))
    train(tmp_path, 3, hooks=(lambda _session, step: called.append(step),))
    train(tmp_path, 3, hooks=(lambda _session, step: called.append(step),))
    assert called == [1, 2, 2, 3, 3]


def test_old_checkpoints_go_across_runs(tmp_path):
    train(tmp_path, 4, save_interval_secs=0)
    (tmp_path / "checkpoint").unlink()
    train(tmp_path, 8, save_interval_secs=0)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == [f"model.ckpt-{n}.index" for n in (4, 5, 6, 7, 8)]
    train(tmp_path, 9, max_to_keep=2)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == [f"model.ckpt-{n}.index" for n in (8, 9)]
    assert tf.train.get_checkpoint_state(str(tmp_path)).all_model_checkpoint_paths == [
        f"{tmp_path}/model.ckpt-{n}" for n in (8, 9)]


def test_summaries_of_each_step_but_a_runs_first_are_written_and_no_graph_as_text(tmp_path):
    train(tmp_path, 3, summaries=tf.summary.scalar)
    assert not list(tmp_path.glob("*.pbtxt"))
    [path] = tmp_path.glob("events.*")
    events = [event for event in tf.train.summary_iterator(str(path)) if event.summary.value]
    assert [event.step for event in events] == [2, 3]
    assert [event.summary.value[0].simple_value for event in events] == pytest.approx(
        [4 * 0.64 ** k for k in (1, 2)], rel=1e-5)


@pytest.mark.parametrize("save_interval_secs", [0, 600])
def test_a_folder_removed_meanwhile_is_an_error_and_not_made_anew(tmp_path, save_interval_secs):
    def remove(_session, step):
        if step == 3:
            shutil.rmtree(tmp_path / "train")
    with pytest.raises(tfe.RunError, match=r"train was removed at step [34]"):
        train(tmp_path / "train", 9, hooks=(remove,), save_interval_secs=save_interval_secs)
    assert not (tmp_path / "train").exists()


def test_a_folder_without_room_is_an_error_before_the_first_step(tmp_path, monkeypatch):
    def full(_path, data):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(training.Path, "write_bytes", full)
    with pytest.raises(tfe.RunError, match="the disk of .* is full"):
        train_folder.make_train_dir(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_step_saves_and_is_no_error(tmp_path, number, capsys):
    def send(_session, step):
        if step == 3:
            os.kill(os.getpid(), number)
    before = signal.getsignal(number)
    loop, value = train(tmp_path, 1000, hooks=(send,))
    assert loop.step in (3, 4)
    assert value == pytest.approx(1 + 2 * 0.8 ** loop.step)
    assert "finishing this step" in capsys.readouterr().out
    assert signal.getsignal(number) is before


def test_a_run_that_is_stopped_early_reports_its_last_step(tmp_path):
    def send(_session, step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
    loop, _ = train(tmp_path, 1000, hooks=(send,), log_every_n_steps=500)
    assert [row["step"] for row in rows(tmp_path)] == [loop.step]


def test_a_loss_that_is_not_finite_stops_before_the_variables_change(tmp_path):
    train(tmp_path, 2)
    with pytest.raises(tfe.RunError, match=r"step 6: .*not finite \(learning rate 0.1.*\n.*lower --learning_rate"):
        train(tmp_path, 10, poison_at=5)
    assert checkpoints.latest_checkpoint(tmp_path).endswith("model.ckpt-2")
    assert stored(tmp_path)["net/v"] == pytest.approx(1 + 2 * 0.8 ** 2)


def test_a_histogram_that_stops_such_a_step_is_no_other_error(tmp_path):
    with pytest.raises(tfe.RunError, match=r"step 3: .*not finite \(learning rate 0.1.*\n.*lower --learning_rate"):
        train(tmp_path, 5, poison_at=2, summaries=tf.summary.histogram)


def test_nothing_changes_in_the_step_of_a_gradient_that_is_not_finite():
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.train.get_or_create_global_step()
        variable = tf.get_variable("v", initializer=0.0)
        loss = tf.sqrt(variable)  # 0, with an infinite gradient
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        op = training.guarded_train_op(loss, optimizer.compute_gradients(loss), optimizer, step)
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=training.NOT_FINITE):
            sess.run(op)
        assert sess.run([variable, step]) == [0.0, 0]


def test_saves_at_intervals_and_keeps_the_state_of_one_step(tmp_path):
    seen = []

    def look(_session, step):
        path = checkpoints.latest_checkpoint(tmp_path)
        if path:
            seen.append((checkpoints.checkpoint_step(path), stored(tmp_path)["net/v"]))

    train(tmp_path, 4, save_interval_secs=0, hooks=(look,))
    assert [step for step, _ in seen] == [1, 2, 3]
    assert [value for _, value in seen] == pytest.approx([1 + 2 * 0.8 ** step for step, _ in seen])


def test_init_fn_gives_the_starting_values(tmp_path):
    def init(session):
        session.run("net/v/Assign", {"net/v/Initializer/Const:0": 11.0})
    _, value = train(tmp_path, 1, init_fn=init)
    assert value == pytest.approx(1 + 10 * 0.8)


def test_input_that_ends_is_an_error(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        item = tf.train.limit_epochs(tf.constant([1.0]), num_epochs=3)
        queue = tf.train.batch([item], 1)
        variable = tf.get_variable("v", initializer=0.0)
        loss = tf.reduce_sum(queue) * variable
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        op = training.guarded_train_op(loss, optimizer.compute_gradients(loss), optimizer, step)
        loop = training.TrainLoop(tmp_path, {"loss": loss}, batch_size=1, max_steps=100, log_every_n_steps=10,
                                  saver=tf.train.Saver(), save_interval_secs=600)
        with pytest.raises(tfe.RunError, match="input ended at step 3, before step 100"):
            training.run(op, loop, init_fn=None, session_config=sessions.session_config())


def test_train_dir_is_made_or_refused(tmp_path):
    assert train_folder.make_train_dir(str(tmp_path / "a" / "b")).is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(tfe.InputError, match="cannot be written"):
        train_folder.make_train_dir(str(tmp_path / "file"))
    with pytest.raises(tfe.InputError, match="--train_dir is missing"):
        train_folder.make_train_dir(None)
