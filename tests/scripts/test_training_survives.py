"""train_ssd_network.py and what ends a training: death in the middle of a save, a full disk, pictures of nothing."""
import json
import shutil
import signal
import subprocess

import numpy as np
import pytest

from tests.scripts import running
from tests.scripts.fork_server import PROJECT, finish
from tests.scripts.running import SMALL, TRAIN, command, make_shards, run, steps, succeed
from tf_extended import checkpoints, curves

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return make_shards(tmp_path_factory.mktemp("data"), 8)


def flags(shards, train_dir, **more):
    """Flags of a small, quick training of six steps that saves after every step, under `train` below.

    The net is wide enough for checkpoints larger than `dying_training.LARGEST_FILE`.
    """
    return running.flags(shards, train_dir, **(SMALL | {"depth_multiplier": 0.5, "save_interval_secs": 1,
                                                        "max_number_of_steps": 6} | more))


def train(mishap, step, **flag_values):
    """The finished process of a training with a mishap at a step (`dying_training`); "none" only watches."""
    return finish(["-m", "tests.scripts.dying_training", mishap, str(step), *command(TRAIN, **flag_values)[2:]])


def names(train_dir):
    return {path.name for path in train_dir.iterdir()}


def goes_on_from(step, printed, train_dir):
    """That a run resumed from the checkpoint of `step`, its optimiser too, and what it leaves is one training."""
    assert f"holds the checkpoint: True, moments: True, step {step}\n" in printed
    assert f"resuming from {train_dir}/model.ckpt-{step}\n" in printed
    assert steps(train_dir)[-(6 - step):] == list(range(step + 1, 7))
    assert [row["step"] for row in curves.read_metrics(train_dir / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    assert checkpoints.latest_checkpoint(train_dir) == f"{train_dir}/model.ckpt-6"
    assert not [name for name in names(train_dir) if "temp" in name or ".tmp" in name]
    indexes = {name.removesuffix(".index") for name in names(train_dir) if name.endswith(".index")}
    assert {name.split(".data-")[0] for name in names(train_dir) if ".data-" in name} == indexes


@pytest.mark.parametrize(("mishap", "number", "left", "missing", "resumed"), [
    ("half_data", signal.SIGXFSZ, "model.ckpt-4.data-00000-of-00001.tempstate", "model.ckpt-4.data-00000-of-00001", 3),
    ("no_index", signal.SIGKILL, "model.ckpt-4.data-00000-of-00001", "model.ckpt-4.index", 3),
    ("half_state", signal.SIGKILL, f"checkpoint.tmp{'0' * 32}", "model.ckpt-4.meta", 4),
])
def test_a_death_in_the_middle_of_a_save(shards, tmp_path, mishap, number, left, missing, resumed):
    train_dir = tmp_path / "train"
    arguments = flags(shards, train_dir)
    died = train(mishap, 4, **arguments)
    assert died.returncode == -number, died.stderr
    assert any(name.startswith(left) for name in names(train_dir))
    assert missing not in names(train_dir)
    assert steps(train_dir) == [1, 2, 3, 4]
    done = train("none", 0, **arguments)
    assert done.returncode == 0, done.stderr
    assert "removing what an unfinished save left" in done.stdout
    goes_on_from(resumed, done.stdout + done.stderr, train_dir)


def test_a_death_before_an_evaluation_and_the_best_checkpoint(shards, tmp_path):
    """The evaluation of step 4 saves first and dies: the next run makes up for it, and knows the best of before."""
    train_dir = tmp_path / "train"
    arguments = flags(shards, train_dir, save_interval_secs=600, max_to_keep=1, eval_every_n_steps=2,
                      eval_split="trainval")
    died = train("no_state", 4, **arguments)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "model.ckpt-4.index" in names(train_dir)
    assert 'model_checkpoint_path: "model.ckpt-2"' in (train_dir / "checkpoint").read_text()
    best = train_dir / "best" / "best.json"
    best.write_text(json.dumps(json.loads(best.read_text()) | {"voc12": 0.9}))
    done = train("none", 0, **arguments)
    assert done.returncode == 0, done.stderr
    assert "names model.ckpt-2, but the newest whole one is model.ckpt-4" in done.stderr
    goes_on_from(4, done.stdout + done.stderr, train_dir)
    assert [point["step"] for point in json.loads((train_dir / "curve.json").read_text())["points"]] == [2, 4, 6]
    assert "evaluation at step 4" in done.stdout
    assert json.loads(best.read_text())["step"] == 2
    assert checkpoints.find_checkpoint(train_dir / "best") == f"{train_dir}/best/model.ckpt-2"
    assert {name for name in names(train_dir) if name.endswith(".index")} == {"model.ckpt-6.index"}

    (train_dir / "metrics.jsonl").unlink()
    (train_dir / "curves.png").unlink()
    printed = succeed(TRAIN, **arguments)
    assert "step 6 of 6: done already" in printed
    assert "done at step 6" in printed


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 32 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("only root may mount the small disk that this test fills")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fails_in_one_line(done, *words):
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: ")
    assert last.endswith("run the same command to go on.")
    for word in words:
        assert word in last


def test_a_disk_that_fills_up_or_turns_read_only(shards, small_disk):
    """Four mishaps in a row on one folder, each run going on from what the one before had saved."""
    train_dir, filler = small_disk / "train", small_disk / "filler"
    arguments = flags(shards, train_dir, max_to_keep=2)
    fails_in_one_line(train("full_at_save", 3, **arguments), f"the disk of {train_dir} is full", "at step 3")
    assert checkpoints.latest_checkpoint(train_dir) == f"{train_dir}/model.ckpt-2"

    described = (train_dir / "run.json").read_text()
    filler.write_bytes(filler.read_bytes())
    fails_in_one_line(train("none", 0, **arguments), f"the disk of {train_dir} is full", "before the first step")
    assert (train_dir / "run.json").read_text() == described

    filler.unlink()
    done = train("full_at_step", 4, **(arguments | {"save_summaries_secs": 1}))
    fails_in_one_line(done, f"the disk of {train_dir} is full", "at step 4", "tfevents")
    assert "holds the checkpoint: True, moments: True, step 2" in done.stdout

    filler.unlink()
    done = train("read_only", 5, **arguments)
    fails_in_one_line(done, f"{train_dir} cannot be written", "at step 5")
    assert "holds the checkpoint: True, moments: True, step 3" in done.stdout

    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    done = train("none", 0, **arguments)
    assert done.returncode == 0, done.stderr
    goes_on_from(4, done.stdout + done.stderr, train_dir)


def test_a_log_that_cannot_be_written(shards, tmp_path):
    train_dir = tmp_path / "train"
    train_dir.mkdir()
    (train_dir / "metrics.jsonl").symlink_to("/dev/full")
    done = run(TRAIN, **flags(shards, train_dir))
    fails_in_one_line(done, f"the disk of {train_dir} is full", "at step 1")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("more", [{"save_interval_secs": 600}, {}, {"save_summaries_secs": 1}],
                         ids=["the last save", "an earlier save", "summaries"])
def test_files_that_may_not_grow_as_large_as_a_checkpoint(shards, tmp_path, more):
    """What `ulimit -f` does; Python and TensorFlow ignore the signal that comes with it."""
    done = train("short_files", 0, **flags(shards, tmp_path / "train", **more))
    fails_in_one_line(done, f"the disk of {tmp_path / 'train'} is full", "File too large")
    assert not list((tmp_path / "train").glob("model.ckpt*"))


def test_ctrl_c_saves_though_the_log_s_reader_ends_first(shards, tmp_path):
    """`train | tee log`, where Ctrl-C goes to both."""
    train_dir = tmp_path / "train"
    arguments = running.flags(shards, train_dir, max_number_of_steps=100_000)
    with subprocess.Popen(command(TRAIN, **arguments), cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        while "step 2/" not in process.stdout.readline():
            assert process.poll() is None, process.stderr.read()
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0, process.stderr.read()
    assert checkpoints.latest_checkpoint(train_dir) == f"{train_dir}/model.ckpt-{steps(train_dir)[-1]}"


@pytest.fixture(scope="module")
def nearly_empty_shards(tmp_path_factory):
    """Six pictures, of which one has objects."""
    return make_shards(tmp_path_factory.mktemp("empty"), 6, without_objects=5)


@pytest.mark.parametrize(("recipe", "threshold"), [("slim", 0.5), ("paper", 0.5), ("slim", 0.999)])
def test_batches_without_objects_or_positives(nearly_empty_shards, tmp_path, recipe, threshold):
    """At threshold 0.999 objects are there, and no anchor fits one well enough."""
    succeed(TRAIN, **flags(nearly_empty_shards, tmp_path / "train", recipe=recipe, match_threshold=threshold, seed=5,
                           max_number_of_steps=12, save_interval_secs=600))
    rows = curves.read_metrics(tmp_path / "train" / "metrics.jsonl")
    assert len(rows) == 12
    assert all(np.isfinite(value) for row in rows for value in row.values())
    matched = [row["matched_anchors"] for row in rows]
    assert min(matched) == 0
    assert (max(matched) > 0) == (threshold < 0.9)
