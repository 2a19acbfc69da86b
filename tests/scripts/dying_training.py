"""train_ssd_network.py with a mishap at a chosen place: `python -m tests.scripts.dying_training MISHAP STEP --flags…`.

TensorFlow saves a checkpoint in C++ up to its .index, then writes the file `checkpoint` and the .meta in Python. Deaths
in C++ are had by a limit on the size of files, whose signal kills in the middle of a write, and by taking away what
would not have been there yet. --save_interval_secs=1 and --save_summaries_secs=1 mean every step here.
"""
import importlib
import os
import resource
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from tf_extended import checkpoints, training
from tf_extended.compat import tf

# Bytes: a checkpoint has more, what is written before it does not; what is left of a disk that fills up.
LARGEST_FILE, FREE = 300_000, 100_000
MISHAP, STEP = sys.argv[1], int(sys.argv[2])
management = importlib.import_module("tensorflow.python.checkpoint.checkpoint_management")
save, step_function = tf.train.Saver.save, training.TrainLoop.__call__


def die(*_arguments, **_named):
    """What kill -9 does, and what a kernel short of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def prepare_death(prefix: Path) -> None:
    """Make this process die at its place in the save that follows."""
    if MISHAP == "half_data":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit_files()
    if MISHAP == "no_index":
        def without_index(**_arguments):
            prefix.with_name(f"{prefix.name}.index").unlink()
            die()
        management.update_checkpoint_state_internal = without_index
    if MISHAP == "no_state":
        management.update_checkpoint_state_internal = die
    if MISHAP == "half_state":
        def half(filename, contents):
            Path(f"{filename}.tmp{'0' * 32}").write_text(contents[:20])
            die()
        management.file_io.atomic_write_string_to_file = half
    if MISHAP == "full_at_save":
        fill(prefix.parent)


def limit_files() -> None:
    """What `ulimit -f` does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


def fill(folder: Path) -> None:
    """Leave too little of the disk for a checkpoint."""
    with (folder.parent / "filler").open("wb") as file:
        file.write(bytes(max(shutil.disk_usage(folder).free - FREE, 0)))


def dying_save(self, sess, path, global_step=None, **more):
    """tf.train.Saver.save, with the mishap at its step."""
    if isinstance(global_step, int) and global_step == STEP:
        prepare_death(Path(f"{path}-{STEP}"))
    return save(self, sess, path, global_step=global_step, **more)


def watched_step(self, sess, train_op, global_step, kwargs):
    """A step of the loop: before the first one tells whether the session holds the checkpoint, optimiser included."""
    self.save_summaries_secs = 0
    self.save_interval_secs = 0 if self.save_interval_secs == 1 else self.save_interval_secs
    if self.step is None and checkpoints.latest_checkpoint(self.train_dir):
        reader = tf.train.load_checkpoint(checkpoints.latest_checkpoint(self.train_dir))
        names = [v.op.name for v in tf.global_variables()]
        equal = [np.array_equal(sess.run(v), reader.get_tensor(v.op.name)) for v in tf.global_variables()]
        moments = [np.abs(reader.get_tensor(name)).max() > 0 for name in names if name.endswith("/Momentum")]
        print(f"holds the checkpoint: {all(equal)}, moments: {any(moments)}, "
              f"step {sess.run(global_step)}", flush=True)
    if self.step == STEP - 1 and MISHAP == "full_at_step":
        fill(self.train_dir)
    if self.step == STEP - 1 and MISHAP == "read_only":
        subprocess.run(["mount", "-o", "remount,ro", self.train_dir.parent], check=True)
    return step_function(self, sess, train_op, global_step, kwargs)


if MISHAP == "short_files":
    limit_files()
tf.train.Saver.save, training.TrainLoop.__call__ = dying_save, watched_step
sys.argv = ["train_ssd_network.py", *sys.argv[3:]]
runpy.run_path(sys.argv[0], run_name="__main__")
