"""tf_convert_data.py as a user runs it."""
import json
import os
import signal
import subprocess
import time

import cv2
import pytest

from datasets.dataset_factory import get_dataset
from tests.datasets.voc_cases import in_xml, make_voc_folder
from tests.scripts.fork_server import PROJECT
from tests.scripts.running import command, refuse, run, succeed
from tests.shared_data import DATA, needs_shared

SCRIPT = "tf_convert_data.py"

pytestmark = pytest.mark.slow


def test_convert_and_browse(tmp_path):
    make_voc_folder(tmp_path / "VOCdevkit/VOC2007", *"abcdef")
    flags = {"output_name": "voc_2007_train", "output_dir": tmp_path / "out"}
    printed = succeed(SCRIPT, dataset_dir=tmp_path, split="all", num_workers=2, samples_per_file=4, **flags)
    assert "voc_2007_train: 6 of 6 pictures, 12 objects (0 difficult): cat 12" in printed
    assert "images/s" in printed
    assert get_dataset("pascalvoc_2007", "train", str(tmp_path / "out")).num_samples == 6

    printed = succeed(SCRIPT, browse=tmp_path / "look", browse_pictures=3, model_name="ssd_512_vgg", anchors="coco",
                      augmentation="paper", mosaic=0.9, **flags)
    assert "match no anchor" in printed
    paths = [line for line in printed.splitlines() if line.startswith(str(tmp_path / "look"))]
    assert [path.rpartition("/")[2] for path in paths] == [
        "ground_truth_00.png", "augmented_00.png", "anchors.png", "anchors.json"]
    assert all(cv2.imread(path).shape[0] > 200 for path in paths[:3])
    assert json.loads((tmp_path / "look/anchors.json").read_text())["as annotated"]["objects"] == 12
    assert "exists already" in refuse(SCRIPT, dataset_dir=tmp_path, **flags)


def test_the_years_of_a_devkit_go_by_name(tmp_path):
    make_voc_folder(tmp_path / "VOCdevkit/VOC2007", *"abc")
    make_voc_folder(tmp_path / "VOCdevkit/VOC2012", *"defgh")
    flags = {"split": "all", "output_dir": tmp_path / "out"}
    assert "several data sets" in refuse(SCRIPT, dataset_dir=tmp_path, output_name="voc_all", **flags)
    for name, top, pictures in (("pascalvoc_2007", tmp_path, 3), ("pascalvoc_2012", tmp_path / "VOCdevkit", 5)):
        succeed(SCRIPT, dataset_name=name, dataset_dir=top, **flags)
        assert get_dataset(name, "all", str(tmp_path / "out")).num_samples == pictures


def test_unusable_flags_are_refused_in_one_line(tmp_path):
    make_voc_folder(tmp_path / "voc", "a")
    good = {"dataset_dir": tmp_path / "voc", "output_name": "a_b", "output_dir": tmp_path / "out"}
    for changed, said in (
            ({"dataset_dir": ""}, "--dataset_dir is not given"), ({"output_dir": ""}, "--output_dir is not given"),
            ({"dataset_dir": tmp_path / "absent"}, "no such folder"), ({"split": "test"}, "no list"),
            ({"labels": tmp_path / "no.txt"}, "no.txt"), ({"output_name": "train"}, "--output_name=train"),
            ({"on_error": "ask"}, "--on_error"), ({"num_workers": 0}, "num_workers"),
            ({"dataset_name": "coco"}, "pascalvoc"), ({"no_such_flag": 1}, "no_such_flag"),
            ({"browse": tmp_path / "voc/Annotations/a.xml/b"}, "a.xml is not a folder that can be written to"),
            ({"browse": tmp_path / "b", "model_name": "yolo"}, "yolo"),
            ({"dataset_dir": "", "output_dir": tmp_path / "none", "browse": tmp_path / "b"}, "none: no such folder"),
            ({"browse": tmp_path / "b", "anchors": "mine"}, "mine"),
            ({"match_threshold": 0.6}, "--match_threshold means nothing without --browse"),
            ({"crop": "slim"}, "--crop means nothing without --browse"),
            ({"dataset_dir": "", "browse": tmp_path / "b", "shuffle": True}, "--shuffle means nothing without"),
            ({"dataset_dir": "", "browse": tmp_path / "b", "split": "all"}, "--split means nothing without")):
        assert said in refuse(SCRIPT, **{**good, **changed})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["voc"]


def test_problems_are_listed_then_skipped(tmp_path):
    source = make_voc_folder(tmp_path / "voc", "bad", "good")
    in_xml("<xmin>231", "<xmin>here")(source)
    (source / "JPEGImages/good.jpg").write_bytes(b"no picture")
    flags = {"dataset_dir": source, "output_name": "a_b", "output_dir": tmp_path / "out"}
    stopped = run(SCRIPT, **flags)
    assert stopped.returncode == 2 and "Traceback" not in stopped.stderr
    assert "Annotations/bad.xml, object 1: a coordinate is not a number" in stopped.stderr
    assert "JPEGImages/good.jpg: not a picture of a known format" in stopped.stderr
    assert "--on_error=skip" in stopped.stderr.splitlines()[-1] and not (tmp_path / "out").exists()
    printed = succeed(SCRIPT, on_error="skip", **flags)
    assert "a_b: 1 of 2 pictures, 1 object (" in printed
    assert "left out: pictures: 1 ×" in printed and "left out: objects: 1 ×" in printed


def test_kill_9_with_several_processes(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *(f"{number:04d}" for number in range(600)))
    flags = {"dataset_dir": source, "output_name": "voc_2007_x", "output_dir": tmp_path / "out", "num_workers": 2,
             "samples_per_file": 50}
    process = subprocess.Popen(command(SCRIPT, **flags), cwd=PROJECT, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 120
    while not list((tmp_path / "out").glob(".*/*.tfrecord")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "out").glob("voc*"))
    succeed(SCRIPT, **flags)
    succeed(SCRIPT, **{**flags, "output_dir": tmp_path / "clean", "num_workers": 1})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "clean").iterdir()}


@needs_shared
def test_several_sets_train_as_one(tmp_path):
    for year in ("2007", "2012"):
        succeed(SCRIPT, dataset_dir=DATA / "voc2007-mini", split="val", output_name=f"voc_{year}_trainval",
                output_dir=tmp_path / year)
    dataset = get_dataset(None, "trainval", f"{tmp_path / '2007'},{tmp_path / '2012'}")
    assert dataset.num_samples == 90 and dataset.num_classes == 20
