"""A training's folder after deaths: which checkpoint TensorFlow resumes from, what is removed, what is said."""
import errno
import os
import subprocess
import sys

import numpy as np
import pytest

import tf_extended as tfe
from tf_extended import files, train_folder
from tf_extended.compat import tf


@pytest.fixture
def folder(tmp_path):
    """A folder with the checkpoints of steps 9, 10 and 100, all listed, the last named; each holds its step as `v`."""
    with tf.Graph().as_default(), tf.Session() as sess:
        value = tf.get_variable("v", initializer=np.zeros(1000, np.float32))
        saver = tf.train.Saver(save_relative_paths=True)
        for step in (9, 10, 100):
            sess.run(value.assign(np.full(1000, step, np.float32)))
            saver.save(sess, str(tmp_path / "model.ckpt"), global_step=step)
    return tmp_path


def resumes_from(folder):
    """The step that TensorFlow's own look at the folder finds, and that can be read."""
    prefix = tf.train.latest_checkpoint(str(folder))
    values = set(tf.train.load_checkpoint(prefix).get_tensor("v"))
    assert len(values) == 1
    assert prefix == f"{folder}/model.ckpt-{values.copy().pop():.0f}"
    return int(values.pop())


def listed(folder):
    paths = tf.train.get_checkpoint_state(str(folder)).all_model_checkpoint_paths
    return [int(path.rsplit("-", 1)[1]) for path in paths]


def test_a_folder_in_order_stays_as_it_is(folder, capsys):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    train_folder.put_in_order(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("content", [
    None, b"", b"\0" * 100, b'model_checkpoint_pa', b'model_checkpoint_path: "model.ckpt-', b"\xff\xfe",
    b'model_checkpoint_path: "model.ckpt-200"\n', b'model_checkpoint_path: "/elsewhere/model.ckpt-9"\n'])
def test_a_state_file_that_is_of_no_use_falls_back_to_the_newest(folder, content, capsys):
    if content is None:
        (folder / "checkpoint").unlink()
    else:
        (folder / "checkpoint").write_bytes(content)
    train_folder.put_in_order(folder)
    assert resumes_from(folder) == 100
    assert listed(folder) == [9, 10, 100]
    assert f"resuming from {folder}/model.ckpt-100" in capsys.readouterr().err


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def flip(path):
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(("spoil", "part"), [
    (cut, "data-00000-of-00001"), (flip, "data-00000-of-00001"), (empty, "data-00000-of-00001"),
    (lambda path: path.unlink(), "data-00000-of-00001"), (flip, "index"), (empty, "index")])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(folder, spoil, part, capsys):
    spoil(folder / f"model.ckpt-100.{part}")
    train_folder.put_in_order(folder)
    assert resumes_from(folder) == 10
    warned = capsys.readouterr().err
    assert f"{folder}/model.ckpt-100 is damaged" in warned
    assert "newest whole one is model.ckpt-10:" in warned


def test_none_that_can_be_read_is_an_error(folder):
    for path in folder.glob("*.data-*"):
        empty(path)
    with pytest.raises(tfe.RunError, match="none of the checkpoints .* put one back from a copy"):
        train_folder.put_in_order(folder)


def test_a_newer_one_counts_if_no_state_file_knew_it(folder):
    """The state of a run that died before it named 100; then that of a person who went back to 10."""
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-10"\n'
                                       'all_model_checkpoint_paths: "model.ckpt-10"\n')
    train_folder.put_in_order(folder)
    assert resumes_from(folder) == 100
    assert listed(folder) == [10, 100]
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-10"\n'
                                       'all_model_checkpoint_paths: "model.ckpt-100"\n')
    train_folder.put_in_order(folder)
    assert resumes_from(folder) == 10


def test_older_ones_that_the_state_file_does_not_list_stay_behind(folder, capsys):
    (folder / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-100"\n'
                                       'all_model_checkpoint_paths: "model.ckpt-100"\n')
    train_folder.put_in_order(folder)
    assert resumes_from(folder) == 100
    assert listed(folder) == [100]
    assert capsys.readouterr() == ("", "")


def test_a_state_file_without_checkpoints_goes(tmp_path, capsys):
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-10"\n')
    train_folder.put_in_order(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert "starting anew" in capsys.readouterr().err


def test_what_unfinished_saves_left_goes_and_nothing_else(folder, capsys):
    left = {"model.ckpt-9.data-00000-of-00001.tempstate123", "model.ckpt-11.index.tempstate4",
            "model.ckpt-11.data-00000-of-00001", "model.ckpt-12.meta", f"checkpoint.tmp{'0a' * 16}"}
    others = {"model.ckpt-11.txt", "notes.tmp", "weights.data-00000-of-00001", "my.tempstate"}
    before = {path.name for path in folder.iterdir()}
    for name in left | others:
        (folder / name).write_bytes(bytes(400_000))
    train_folder.put_in_order(folder)
    assert {path.name for path in folder.iterdir()} == before | others
    printed = capsys.readouterr().out
    assert all(name in printed for name in left)
    assert "(2.0 MB)" in printed


@pytest.mark.parametrize(("before", "after"), [
    (b'{"step": 1}\n{"st', b'{"step": 1}\n'), (b'{"st', b""), (b"", b""), (b'{"step": 1}\n', b'{"step": 1}\n')])
def test_a_half_line_is_cut_off(tmp_path, before, after):
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(before)
    train_folder.put_in_order(tmp_path)
    assert log.read_bytes() == after


def test_one_training_at_a_time(tmp_path):
    program = ("import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); "
               "print('held', flush=True); sys.stdin.read()")
    other = subprocess.Popen([sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(tfe.InputError, match="another training is running"):
        train_folder.hold(tmp_path)
    other.kill()
    other.communicate()
    train_folder.hold(tmp_path)
    train_folder.hold(tmp_path)


def test_a_file_system_without_locks_is_trained_on(tmp_path, monkeypatch):
    asked = []

    def refuse(*_):
        asked.append(True)
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    train_folder.hold(tmp_path)
    train_folder.hold(tmp_path)
    assert asked == [True]  # and it is not asked again


TF_SAYS = """Graph execution error:

Detected at node 'save/SaveV2' defined at (most recent call last):
    File "train.py", line 13, in <module>
Node: 'save/SaveV2'
/x/model.ckpt-1; No space left on device
\t [[{{node save/SaveV2}}]]
"""


@pytest.mark.parametrize(("error", "says"), [
    (tf.errors.ResourceExhaustedError(None, None, TF_SAYS),
     r"the disk of .* is full \(at step 7: /x/model.ckpt-1; No space left on device\)"),
    (OSError(errno.ENOSPC, "No space left on device"), "the disk of .* is full"),
    (train_folder.too_large("/x/model.ckpt-1"), "the disk of .* is full .*File too large: '/x/model.ckpt-1'"),
    (tf.errors.FailedPreconditionError(None, None, "/x; Read-only file system"), "cannot be written .*Make it"),
    (PermissionError(errno.EACCES, "Permission denied", "/x/metrics.jsonl"), "cannot be written .*metrics.jsonl"),
    (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), "stopped at step 7: OOM when"),
    (tf.errors.DataLossError(None, None, ""), "stopped at step 7: DataLossError"),
])
def test_an_error_of_writing_names_the_folder_and_the_remedy(tmp_path, error, says):
    told = train_folder.write_error(error, tmp_path, "at step 7")
    assert isinstance(told, tfe.RunError)
    with pytest.raises(tfe.RunError, match=says):
        raise told
    assert str(tmp_path) in str(told)
    assert str(told).endswith("then run the same command to go on.")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"),
                                   tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")])
def test_checkpoints_are_said_to_be_good_only_where_there_are_any(tmp_path, error):
    assert "The checkpoints" not in str(train_folder.write_error(error, tmp_path, "at step 7"))
    (tmp_path / "model.ckpt-5.index").touch()
    assert f"The checkpoints in {tmp_path} are good." in str(train_folder.write_error(error, tmp_path, "at step 7"))


def test_a_folder_that_is_gone_is_told_as_that(tmp_path):
    error = train_folder.write_error(FileNotFoundError(errno.ENOENT, "x"), tmp_path / "gone", "at step 7")
    assert "was removed at step 7" in str(error)


@pytest.mark.parametrize(("file", "named"), [
    ("model.ckpt-7", "model.ckpt-7"), ("model.ckpt-7-00000-of-00001", "model.ckpt-7-?????-of-00001"),
])
def test_a_checkpoint_of_the_first_format_is_kept_and_refused(tmp_path, file, named):
    for name in (file, "model.ckpt-7.meta"):
        (tmp_path / name).write_bytes(b"of TensorFlow 0.x")
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{named}"\n')
    with pytest.raises(tfe.InputError, match=r"model.ckpt-7\S* is .* first format.*--checkpoint_path="):
        train_folder.make_train_dir(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", *sorted((file, "model.ckpt-7.meta"))]


@pytest.mark.parametrize(("name", "message"), [
    ("run[1]", "in the path of a checkpoint for a pattern"), ("a*", "for a pattern"), ("what?", "for a pattern"),
    ("D:\\runs", "for a pattern"), (os.fsdecode(b"run\xff"), r"run\\udcff: expected a path in UTF-8"),
])
def test_a_folder_that_tensorflow_would_take_for_a_pattern_or_cannot_take(tmp_path, name, message):
    with pytest.raises(tfe.InputError, match=message):
        train_folder.make_train_dir(str(tmp_path / name))
    assert not list(tmp_path.iterdir())
