"""What the flags of eval_ssd_network.py reach; in this process."""
import functools
from types import SimpleNamespace

import pytest

import tf_extended as tfe
from nets import model_file
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tests.scripts import in_process, small_net
from tests.scripts.in_process import DATASET


@pytest.fixture
def load(monkeypatch):
    return functools.partial(in_process.load, monkeypatch, "eval_ssd_network.py")


@pytest.fixture
def checkpoint(tmp_path):
    """The prefix of one whose training resized by another rule than the default."""
    model_file.write_model_file(tmp_path, small_net.thin(num_classes=3), ["box", "ball"], "bilinear")
    return str(tmp_path / "model.ckpt-1")


@pytest.mark.parametrize(("limit", "threads", "images"), [({"max_num_batches": 4}, 1, 12), ({}, 3, None)])
def test_flags_of_the_input(load, monkeypatch, capsys, checkpoint, limit, threads, images):
    """With a limit one thread reads, so that it is the same pictures each time, and that is told."""
    script = load(batch_size=3, num_preprocessing_threads=3, preprocessing_name="another", eval_resize=2, **limit)
    asked = in_process.listen(monkeypatch, preprocessing_factory, "get_preprocessing", lambda *_: "its preprocessing")
    graphs = in_process.listen(monkeypatch, script, "build_detection_graph", lambda *_, **__: SimpleNamespace())
    evaluators = in_process.listen(monkeypatch, script, "Evaluator", lambda *made, **_: made[0]())
    script.build_evaluator(checkpoint, DATASET)
    assert asked == [{"name": "another"}]
    assert (graphs[0]["batch_size"], graphs[0]["num_threads"], graphs[0]["preprocess"]) == (3, threads,
                                                                                         "its preprocessing")
    assert graphs[0]["preprocess_options"] == {"resize": Resize(2), "interpolation": "bilinear"}
    assert evaluators[0]["max_images"] == images
    assert ("NOTE: with --max_num_batches one thread" in capsys.readouterr().out) == bool(limit)


def test_flags_of_scoring(load, monkeypatch, checkpoint):
    script = load(matching_threshold=0.3, remove_difficult=False, moving_average_decay=0.9, gpu_memory_fraction=0.5,
                  master="somewhere")
    evaluators = in_process.listen(monkeypatch, script, "Evaluator", lambda *_, **__: None)
    _, facts = script.build_evaluator(checkpoint, DATASET)
    [asked] = evaluators
    assert (asked["matching_threshold"], asked["remove_difficult"], asked["moving_average_decay"]) == (0.3, False, 0.9)
    assert (asked["master"], asked["session_config"].gpu_options.per_process_gpu_memory_fraction) == ("somewhere", 0.5)
    assert (facts["name"], facts["depth_multiplier"], facts["num_classes"]) == (small_net.NAME, 0.05, 3)


def test_a_training_is_followed_in_its_folder(load, tmp_path):
    (tmp_path / "model.ckpt-1.index").touch()
    script = load(wait_for_checkpoints=True, checkpoint_path=tmp_path / "model.ckpt-1", eval_dir=tmp_path / "out",
                  eval_interval_secs=0.1, idle_timeout_secs=0.2)
    with pytest.raises(tfe.InputError, match="--wait_for_checkpoints needs a folder"):
        next(script.checkpoints_to_evaluate(10))
    script = load(wait_for_checkpoints=True, checkpoint_path=tmp_path / "run[1]", eval_dir=tmp_path / "out")
    with pytest.raises(tfe.InputError, match=r"takes \* \? \[ and .* rename the folder"):
        next(script.checkpoints_to_evaluate(10))
