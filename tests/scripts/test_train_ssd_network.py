"""train_ssd_network.py as a user runs it, on generated pictures and thin nets."""
import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.scripts.fork_server import PROJECT
from tests.scripts.running import SMALL, TRAIN, command, flags, make_shards, refuse, run, steps, succeed
from tests.shared_data import GOLDEN, needs_shared
from tf_extended import checkpoints
from tf_extended.compat import tf

pytestmark = pytest.mark.slow
CONVERT = "tf_convert_data.py"


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A generated data set of 12 pictures, family `shapes`, split `trainval`."""
    return make_shards(tmp_path_factory.mktemp("data"), 12)


def test_train_stop_resume(shards, tmp_path):
    train_dir = tmp_path / "train"
    printed = succeed(TRAIN, **flags(shards, train_dir, max_number_of_steps=3))
    assert "starting from random weights" in printed and "there is --recipe=scratch" in printed
    assert "step 3/3" in printed
    assert checkpoints.latest_step(train_dir) == 3
    assert (train_dir / "curves.png").read_bytes().startswith(b"\x89PNG")
    model = json.loads((train_dir / "model.json").read_text())
    assert model["net"] == "ssd_300_vgg"
    assert model["params"]["num_classes"] == len(model["labels"]) + 1
    described = json.loads((train_dir / "run.json").read_text())
    assert described["flags"]["optimizer"] == "momentum"
    assert described["dataset"]["samples"] == 12

    printed = succeed(TRAIN, **flags(shards, train_dir, max_number_of_steps=5, checkpoint_path=train_dir))
    assert f"resuming from {train_dir}/model.ckpt-3" in printed
    assert "is NOT used" in printed
    assert steps(train_dir) == [1, 2, 3, 4, 5]
    assert checkpoints.latest_step(train_dir) == 5

    before = {name: (train_dir / name).read_bytes() for name in ("model.json", "run.json")}
    printed = succeed(TRAIN, **flags(shards, train_dir, max_number_of_steps=5, learning_rate=7, crop="slim"))
    assert "is at step 5 of 5: done already. More steps need a higher --max_number_of_steps or --num_epochs" in printed
    assert {name: (train_dir / name).read_bytes() for name in before} == before

    refused = refuse(TRAIN, **flags(shards, train_dir, max_number_of_steps=6, depth_multiplier=0.1))
    assert "depth_multiplier" in refused
    assert checkpoints.latest_step(train_dir) == 5


def test_every_recipe_and_the_options_of_training_run(shards, tmp_path):
    def augmented(train_dir, **more):
        """As the recipe says."""
        return {name: value for name, value in flags(shards, train_dir, **more).items() if name != "augmentation"}

    printed = succeed(TRAIN, **augmented(
        tmp_path / "a", max_number_of_steps=2, recipe="paper", batch_norm=True, initializer="he",
        num_clones=2, clone_on_cpu=True, moving_average_decay=0.9, clip_gradient_norm=10, optimizer="adam",
        learning_rate_decay_type="cosine", seed=1, save_summaries_secs=1))
    assert "recipe paper: augmentation paper, matching paper" in printed
    assert "optimizer adam" in printed  # the command line wins over the recipe
    assert list((tmp_path / "a").glob("events.*"))
    names = checkpoints.read_checkpoint(checkpoints.latest_checkpoint(tmp_path / "a"))
    assert "ssd_300_vgg/conv1/conv1_1/BatchNorm/moving_mean" in names

    printed = succeed(TRAIN, **augmented(tmp_path / "b", max_number_of_steps=1, recipe="scratch", crop="slim",
                                         zoom_out=0, vertical_flip=0.5))
    assert "recipe scratch: augmentation mild" in printed and "batch_norm True" in printed
    assert "depth_multiplier 0.05" in printed


def test_evaluates_as_it_goes(shards, tmp_path):
    train_dir = tmp_path / "train"
    printed = succeed(TRAIN, **flags(shards, train_dir, max_number_of_steps=3, eval_every_n_steps=2,
                                     eval_split="trainval"))
    assert "evaluation at step 2: mAP VOC07" in printed
    assert "evaluation at step 3: mAP VOC07" in printed
    assert checkpoints.find_checkpoint(train_dir / "best")
    assert "no_such" in refuse(TRAIN, **flags(shards, tmp_path / "other", eval_every_n_steps=2, eval_split="no_such"))


def wait_for_step(process, train_dir, step, seconds=120):
    """Until the log of a running training shows `step`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if (train_dir / "metrics.jsonl").is_file() and steps(train_dir)[-1:] >= [step]:
            return
        time.sleep(0.1)
    raise AssertionError(f"no step {step}: {process.communicate()}")


def test_sigterm_saves_and_ends_well_and_kill_loses_only_what_was_not_saved(shards, tmp_path):
    train_dir = tmp_path / "train"
    arguments = flags(shards, train_dir, max_number_of_steps=100_000)
    process = subprocess.Popen(command(TRAIN, **arguments), cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    wait_for_step(process, train_dir, 3)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    stopped_at = checkpoints.latest_step(train_dir)
    assert stopped_at == steps(train_dir)[-1] >= 3
    assert f"stopped by SIGTERM at step {stopped_at}" in printed

    process = subprocess.Popen(command(TRAIN, **arguments), cwd=PROJECT, stdout=subprocess.DEVNULL)
    wait_for_step(process, train_dir, stopped_at + 2)
    process.kill()
    process.wait()
    assert checkpoints.latest_step(train_dir) == stopped_at
    printed = succeed(TRAIN, **(arguments | {"max_number_of_steps": stopped_at + 1}))
    assert f"resuming from {train_dir}/model.ckpt-{stopped_at}" in printed


def test_a_learning_rate_too_hot_names_itself_and_poisons_nothing(shards, tmp_path):
    train_dir = tmp_path / "train"
    succeed(TRAIN, **flags(shards, train_dir, **SMALL, max_number_of_steps=1))
    done = run(TRAIN, **flags(shards, train_dir, **SMALL, max_number_of_steps=50, learning_rate=1e30, warmup_steps=0))
    assert done.returncode == 1
    assert "not finite (learning rate 1e+30" in done.stderr
    assert "Traceback" not in done.stderr
    assert checkpoints.latest_step(train_dir) == 1
    values = checkpoints.read_checkpoint(checkpoints.latest_checkpoint(train_dir))
    assert all(np.isfinite(value).all() for value in values.values())


@pytest.mark.parametrize(("changed", "says"), [
    ({"dataset_dir": "no/such/folder"}, "no/such/folder"),
    ({"dataset_dir": ""}, "--dataset_dir is missing"),
    ({"train_dir": ""}, "--train_dir is missing"),
    ({"dataset_split_name": "test"}, "trainval"),
    ({"model_name": "ssd_301_vgg"}, "ssd_300_vgg"),
    ({"num_classes": 2}, "--num_classes=2"),
    ({"labels_offset": 1}, "--labels_offset=1"),
    ({"trainable_scopes": "ssd_300_vgg/conv99"}, "conv99"),
    ({"checkpoint_path": "no/such/model.ckpt"}, "no/such/model.ckpt"),
    ({"anchors": "imagenet"}, "imagenet"),
    ({"batch_size": 0}, "batch_size"),
])
def test_bad_flags_are_refused_in_one_line_and_nothing_is_created(shards, tmp_path, changed, says):
    train_dir = tmp_path / "train"
    assert says in refuse(TRAIN, **(flags(shards, train_dir, max_number_of_steps=1) | changed))
    assert not train_dir.exists()


@needs_shared
def test_checkpoints_hold_the_documented_variables_and_those_of_other_code_load(tmp_path):
    """20 classes, full width: a checkpoint written by plain TensorFlow goes in, and comes out by the same names."""
    sys.path.insert(0, str(GOLDEN))
    from inputs import fill_variable

    documented = {name: shape for name, shape, _ in
                  json.loads((GOLDEN / "vars_300.json").read_text())["global_variables"]}
    with tf.Graph().as_default(), tf.Session() as sess:
        for name, shape in documented.items():
            tf.get_variable(name, initializer=fill_variable(name, shape))
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, str(tmp_path / "theirs" / "ssd_300_vgg.ckpt"))
    succeed(CONVERT, dataset_dir=GOLDEN.parent / "data" / "voc2007-mini", split="val", output_dir=tmp_path / "shards",
            output_name="voc_2007_val")
    printed = succeed(TRAIN, dataset_dir=tmp_path / "shards", dataset_split_name="val", train_dir=tmp_path / "train",
                      checkpoint_path=tmp_path / "theirs" / "ssd_300_vgg.ckpt", optimizer="sgd", learning_rate=0.0,
                      batch_size=1, max_number_of_steps=1, save_summaries_secs=0)
    assert f"restoring {len(documented)} variables" in printed
    reader = tf.train.load_checkpoint(checkpoints.latest_checkpoint(tmp_path / "train"))
    assert reader.get_variable_to_shape_map() == documented | {"global_step": []}
    for name in ("ssd_300_vgg/conv1/conv1_1/weights", "ssd_300_vgg/block4_box/L2Normalization/gamma",
                 "ssd_300_vgg/block11_box/conv_cls/biases"):
        np.testing.assert_array_equal(reader.get_tensor(name), fill_variable(name, documented[name]))


def test_another_label_map_for_evaluation_is_refused_before_anything_is_done(shards, tmp_path):
    both = shutil.copytree(shards, tmp_path / "both")
    for path in sorted(both.glob("shapes_trainval*")):
        shutil.copy(path, both / path.name.replace("trainval", "val"))
    described = json.loads((both / "shapes_val.json").read_text()) | {"name": "shapes_val"}
    described["labels"] = described["labels"][::-1]
    (both / "shapes_val.json").write_text(json.dumps(described))
    said = refuse(TRAIN, **flags(both, tmp_path / "train", eval_every_n_steps=1))
    assert "--eval_split=val has the classes triangle, star" in said
    assert not (tmp_path / "train").exists()


def test_flags_that_do_not_go_with_the_checkpoint_leave_the_folder_as_it_is(shards, tmp_path):
    train_dir = tmp_path / "train"
    succeed(TRAIN, **flags(shards, train_dir, **SMALL, max_number_of_steps=1))
    before = {path.name: path.read_bytes() for path in train_dir.iterdir()}
    for change in ({"optimizer": "adam"}, {"moving_average_decay": 0.9}):
        said = refuse(TRAIN, **flags(shards, train_dir, **SMALL, max_number_of_steps=2, **change))
        assert f"--{next(iter(change))}" in said
        assert {path.name: path.read_bytes() for path in train_dir.iterdir()} == before


def test_batch_normalisation_cannot_be_left_out_of_mobilenet(shards, tmp_path):
    assert "has batch normalisation always" in refuse(
        TRAIN, **flags(shards, tmp_path / "train", model_name="ssd_300_mobilenet_v1", batch_norm=False))


def test_a_net_that_is_one_file_and_one_line_trains_evaluates_and_detects(shards, tmp_path):
    """As the README's section on adding a backbone says; `small_net` is the file, and the line is in it."""
    succeed(TRAIN, **flags(shards, tmp_path / "a", **SMALL, max_number_of_steps=1))
    succeed("eval_ssd_network.py", dataset_dir=shards, dataset_split_name="trainval", checkpoint_path=tmp_path / "a",
            eval_dir=tmp_path / "eval", batch_size=4, num_pictures=0)
    assert json.loads((tmp_path / "eval/report.json").read_text())["net"]["name"] == SMALL["model_name"]
    succeed("detect_ssd_images.py", checkpoint_path=tmp_path / "a", output_dir=tmp_path / "out",
            images=tmp_path / "a" / "curves.png")
    assert len(json.loads((tmp_path / "out/detections.json").read_text())["images"]) == 1
